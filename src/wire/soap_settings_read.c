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
	bool failed; /* out of memory */
	struct answer *out;
	struct usher_error *err;
};

static void
collect(struct reading *r, const struct xml_node *settings, struct notes *notes)
{
	for (const struct xml_node *c = settings->first; c != NULL; c = c->next) {
		const char *name = xml_child_text(c, "Name");
		const struct soap_setting *s = name == NULL ? NULL : soap_setting_find(name);

		if (s != NULL) {
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

/* A collection that becomes an array of records. `read` is false for an item that is none. */
struct items {
	const char *list, *item;
	size_t size;
	bool (*read)(struct reading *r, const struct xml_node *node, void *to);
};

static usher_status
read_items(struct reading *r, const struct xml_node *setting, const struct items *what,
    const void **items, size_t *n)
{
	const struct xml_node *list;
	size_t most;
	char *to;
	usher_status st = collection(r, setting, what->list, what->item, &list, &most);

	*n = 0;
	if (st != USHER_OK || most == 0)
		return st;
	to = arena_array(r->mem, most, what->size);
	if (to == NULL)
		return err_nomem(r->err, "SOAP response");
	for (const struct xml_node *c = list->first; c != NULL; c = c->next)
		if (strcmp(c->name, what->item) == 0 && what->read(r, c, to + *n * what->size))
			++*n;
	*items = to;
	return r->failed ? err_nomem(r->err, "SOAP response") : USHER_OK;
}

static bool
read_web_url(UNUSED struct reading *r, const struct xml_node *node, void *to)
{
	struct answer_owa_url *owa = to;

	owa->url = xml_child_text(node, "Url");
	owa->authentication_method = xml_child_text(node, "AuthenticationMethods");
	return owa->url != NULL;
}

static usher_status
read_web_urls(struct reading *r, const struct soap_setting *s, const struct xml_node *setting)
{
	static const struct items what = { "WebClientUrls", "WebClientUrl",
		sizeof(struct answer_owa_url), read_web_url };
	const void *owa = NULL;
	struct answer_web *web;
	size_t n;
	usher_status st = read_items(r, setting, &what, &owa, &n);

	if (st != USHER_OK || owa == NULL)
		return st;
	web = s->field.offset == offsetof(struct answer_protocol, internal) ?
		  &make_block(r, SOAP_AT_WEB)->internal :
		  &make_block(r, SOAP_AT_WEB)->external;
	*web = (struct answer_web){ .owa = owa, .n_owa = n };
	return USHER_OK;
}

static bool
read_mailbox(UNUSED struct reading *r, const struct xml_node *node, void *to)
{
	elements_read(node, &pox_alternative_mailbox, to);
	return true;
}

static bool
read_location(struct reading *r, const struct xml_node *node, void *to)
{
	const struct xml_node *list = xml_child(node, "SupportedFileExtensions");
	struct answer_sharing_location *l = to;
	const char **v;
	size_t n = 0;

	record_init(&answer_sharing_location_table, l);
	elements_read(node, &soap_sharing_location, l);
	if (list == NULL)
		return true;
	v = arena_array(r->mem, elements_count(list, "FileExtension"), sizeof(*v));
	r->failed = r->failed || v == NULL;
	for (const struct xml_node *c = v == NULL ? NULL : list->first; c != NULL; c = c->next)
		if (strcmp(c->name, "FileExtension") == 0 && c->text[0] != '\0')
			v[n++] = c->text;
	l->file_extensions = (struct text_list){ v, n };
	return true;
}

/* A list that struct answer has of its own. */
static usher_status
read_list(struct reading *r, const struct soap_setting *s, const struct xml_node *setting)
{
	static const struct items mailboxes = { "AlternateMailboxes", "AlternateMailbox",
		sizeof(struct answer_alternative_mailbox), read_mailbox };
	static const struct items locations = { "DocumentSharingLocations",
		"DocumentSharingLocation", sizeof(struct answer_sharing_location), read_location };
	bool of_mailboxes = s->shape == SOAP_AS_MAILBOXES;
	const void *items = NULL;
	size_t n;
	usher_status st =
	    read_items(r, setting, of_mailboxes ? &mailboxes : &locations, &items, &n);

	if (st == USHER_OK)
		answer_list_set(r->out,
		    of_mailboxes ? ANSWER_ALTERNATIVE_MAILBOXES : ANSWER_SHARING_LOCATIONS, items,
		    n);
	return st;
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
read_setting(struct reading *r, const struct soap_setting *s, const struct xml_node *node)
{
	const char *value = xml_child_text(node, "Value");

	switch (s->shape) {
	case SOAP_AS_WEB_URLS:
		return read_web_urls(r, s, node);
	case SOAP_AS_CONNECTIONS:
		return read_connections(r, s, node);
	case SOAP_AS_MAILBOXES:
	case SOAP_AS_LOCATIONS:
		return read_list(r, s, node);
	case SOAP_AS_TEXT:
	case SOAP_AS_ON_OFF:
	case SOAP_AS_EWS:
	case SOAP_AS_GAL_VIEW:
	case SOAP_AS_PAGE:
		if (value != NULL)
			read_field(r, s, value);
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
