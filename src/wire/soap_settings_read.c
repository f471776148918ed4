/* soap_settings_read.c - settings by name, put into the blocks of an answer (soap.md 5). */
#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "wire/pox_elements.h"
#include "wire/soap.h"
#include "wire/soap_rows.h"
#include "wire/soap_settings.h"

/* Settings as they came, by row; blocks are made when the first of theirs is put in. */
struct reading {
	struct arena *mem;
	const struct xml_node *nodes[SOAP_ROWS]; /* NULL: not there */
	struct answer_protocol blocks[SOAP_PLACES];
	bool made[SOAP_PLACES];
	struct answer_protocol *mail; /* connections, in the order of the soap_rows */
	size_t n_mail;
	struct answer *out;
	struct usher_error *err;
};

static void
collect(struct reading *r, const struct xml_node *settings, struct notes *notes)
{
	for (const struct xml_node *c = settings->first; c != NULL; c = c->next) {
		const char *name = xml_child_text(c, "Name");
		const struct soap_setting *s = name == NULL ? NULL : soap_setting_find(name);

		if (s != NULL && s->shape != SOAP_AS_NOTHING) {
			if (r->nodes[s - soap_rows] == NULL)
				r->nodes[s - soap_rows] = c;
		} else if (name != NULL) {
			notes_add(notes, "the setting %s is not read", name);
		}
	}
}

static struct answer_protocol *
make_block(struct reading *r, enum soap_place place)
{
	if (!r->made[place])
		answer_protocol_init(&r->blocks[place], soap_kinds[place]);
	r->made[place] = true;
	return &r->blocks[place];
}

static void
read_either(struct reading *r, const struct soap_setting *s, const char *value)
{
	if (r->made[SOAP_AT_EXPR])
		element_read(&s->field, &r->blocks[SOAP_AT_EXPR], value);
	if (r->made[SOAP_AT_EXCH] || !r->made[SOAP_AT_EXPR])
		element_read(&s->field, make_block(r, SOAP_AT_EXCH), value);
}

/* What stands behind the base URL, unless the fragment was told by itself. */
static void
read_page(struct reading *r, const struct soap_setting *s, const char *value)
{
	struct answer_protocol *p = &r->blocks[s->place];
	size_t n;

	if (!r->made[s->place] || p->ecp_url == NULL)
		return;
	n = strlen(p->ecp_url);
	if (strncmp(value, p->ecp_url, n) == 0)
		element_read(&s->field, p, value + n);
}

static void
read_field(struct reading *r, const struct soap_setting *s, const char *value)
{
	if (s->shape == SOAP_AS_GAL_VIEW)
		value = element_switch(value) == TRI_OFF ? "contacts" : "";
	if (s->shape == SOAP_AS_PAGE)
		read_page(r, s, value);
	else if (s->place == SOAP_AT_USER)
		element_read(&s->field, &r->out->user, value);
	else if (s->place == SOAP_AT_ACCOUNT)
		element_read(&s->field, r->out, value);
	else if (s->place == SOAP_AT_EITHER)
		read_either(r, s, value);
	else
		element_read(&s->field, make_block(r, s->place), value);
}

/* Children of the collection called `name`, at most SOAP_CONNECTIONS_MAX. NULL: none. */
static usher_status
collection(struct reading *r, const struct xml_node *setting, const char *name, const char *item,
    const struct xml_node **out, size_t *n)
{
	*out = xml_child(setting, name);
	*n = *out == NULL ? 0 : elements_count(*out, item);
	if (*n > SOAP_CONNECTIONS_MAX)
		return err_set(r->err, USHER_E_LIMIT, NULL, "more than %d %s in the response",
		    SOAP_CONNECTIONS_MAX, name);
	return USHER_OK;
}

static usher_status
read_web_urls(struct reading *r, const struct soap_setting *s, const struct xml_node *setting)
{
	const struct xml_node *list;
	struct answer_owa_url *owa;
	struct answer_web *web;
	size_t n;
	usher_status st = collection(r, setting, "WebClientUrls", "WebClientUrl", &list, &n);

	if (st != USHER_OK || n == 0)
		return st;
	owa = arena_array(r->mem, n, sizeof(*owa));
	if (owa == NULL)
		return err_nomem(r->err, "SOAP response");
	n = 0;
	for (const struct xml_node *c = list->first; c != NULL; c = c->next) {
		const char *url = xml_child_text(c, "Url");

		if (strcmp(c->name, "WebClientUrl") == 0 && url != NULL)
			owa[n++] = (struct answer_owa_url){ url,
				xml_child_text(c, "AuthenticationMethods") };
	}
	web = s->field.offset == offsetof(struct answer_protocol, internal) ?
		  &make_block(r, SOAP_AT_WEB)->internal :
		  &make_block(r, SOAP_AT_WEB)->external;
	*web = (struct answer_web){ .owa = owa, .n_owa = n };
	return USHER_OK;
}

static const struct element connection_rows[] = {
	ELEMENT_TEXT(struct answer_protocol, "Hostname", server),
	ELEMENT(struct answer_protocol, "Port", port, FIELD_NUMBER, UINT16_MAX, 0),
	ELEMENT_TEXT(struct answer_protocol, "EncryptionMethod", encryption),
};
static const struct element_list connection_list =
    ELEMENT_LIST("ProtocolConnection", connection_rows);

static bool
is_told(const struct reading *r, const struct answer_protocol *p)
{
	for (size_t i = 0; i < r->n_mail; i++)
		if (r->mail[i].kind == p->kind &&
		    record_equal(&answer_protocol_table, &r->mail[i], p))
			return true;
	return false;
}

/* What is good inside and outside is told once. */
static usher_status
read_connections(struct reading *r, const struct soap_setting *s, const struct xml_node *setting)
{
	const struct xml_node *list;
	size_t n;
	usher_status st =
	    collection(r, setting, "ProtocolConnections", "ProtocolConnection", &list, &n);

	if (st != USHER_OK || n == 0)
		return st;
	for (const struct xml_node *c = list->first; c != NULL; c = c->next) {
		struct answer_protocol *p = &r->mail[r->n_mail];

		if (strcmp(c->name, "ProtocolConnection") != 0)
			continue;
		answer_protocol_init(p, soap_kinds[s->place]);
		elements_read(c, &connection_list, p);
		if (p->server != NULL && !is_told(r, p))
			r->n_mail++;
	}
	return USHER_OK;
}

static usher_status
read_mailboxes(struct reading *r, const struct xml_node *setting)
{
	struct answer_alternative_mailbox *to;
	const struct xml_node *list;
	size_t n;
	usher_status st =
	    collection(r, setting, "AlternateMailboxes", "AlternateMailbox", &list, &n);

	if (st != USHER_OK || n == 0)
		return st;
	to = arena_array(r->mem, n, sizeof(*to));
	if (to == NULL)
		return err_nomem(r->err, "SOAP response");
	r->out->alternative_mailboxes = to;
	r->out->n_alternative_mailboxes = n;
	for (const struct xml_node *c = list->first; c != NULL; c = c->next)
		if (strcmp(c->name, "AlternateMailbox") == 0)
			elements_read(c, &pox_alternative_mailbox, to++);
	return USHER_OK;
}

static usher_status
read_setting(struct reading *r, const struct soap_setting *s, const struct xml_node *node)
{
	const char *value = xml_child_text(node, "Value");

	switch (s->shape) {
	case SOAP_AS_WEB_URLS:
		return read_web_urls(r, s, node);
	case SOAP_AS_CONNECTIONS:
		return read_connections(r, s, node);
	case SOAP_AS_MAILBOXES:
		return read_mailboxes(r, node);
	case SOAP_AS_TEXT:
	case SOAP_AS_ON_OFF:
	case SOAP_AS_EWS:
	case SOAP_AS_GAL_VIEW:
	case SOAP_AS_PAGE:
		if (value != NULL)
			read_field(r, s, value);
		break;
	case SOAP_AS_NOTHING:
		break;
	}
	return USHER_OK;
}

/* The blocks that were made, in the order of the places, and the mail servers behind them. */
static usher_status
put_protocols(struct reading *r)
{
	struct answer_protocol *to = arena_array(r->mem, SOAP_PLACES + r->n_mail, sizeof(*to));
	size_t n = 0;

	if (to == NULL)
		return err_nomem(r->err, "SOAP response");
	for (size_t i = 0; i < SOAP_PLACES; i++)
		if (r->made[i])
			to[n++] = r->blocks[i];
	for (size_t i = 0; i < r->n_mail; i++)
		to[n++] = r->mail[i];
	r->out->protocols = to;
	r->out->n_protocols = n;
	return USHER_OK;
}

usher_status
soap_settings_read(struct arena *mem, const struct xml_node *node, struct answer *out,
    struct notes *notes, struct usher_error *err)
{
	struct reading r = { .mem = mem, .out = out, .err = err };
	size_t n_mail = 0;
	usher_status st = USHER_OK;

	collect(&r, node, notes);
	for (size_t i = 0; i < SOAP_ROWS; i++) {
		const struct xml_node *list =
		    r.nodes[i] == NULL ? NULL : xml_child(r.nodes[i], "ProtocolConnections");

		n_mail += list == NULL ? 0 : elements_count(list, "ProtocolConnection");
	}
	r.mail = arena_array(mem, n_mail + 1, sizeof(*r.mail));
	if (r.mail == NULL)
		return err_nomem(err, "SOAP response");
	for (size_t i = 0; i < SOAP_ROWS && st == USHER_OK; i++)
		if (r.nodes[i] != NULL)
			st = read_setting(&r, &soap_rows[i], r.nodes[i]);
	return st == USHER_OK ? put_protocols(&r) : st;
}
