/* pox_response.c - the response of POX, both ways ([MS-OXDSCLI] 2.2.4; pox.md 3-9). */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/pox.h"
#include "wire/pox_elements.h"

#define GENERIC_NAMESPACE "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"

enum { RESPONSE_ELEMENTS = 10 * 1000 };

static const struct {
	const char *name;
	enum answer_kind kind;
	const char *target; /* element with the target of a redirect */
	const char *also;   /* as Microsoft's page on Account spells it; read, never written */
} actions[] = {
	{ "settings", ANSWER_SETTINGS, NULL },
	{ "redirectAddr", ANSWER_REDIRECT_ADDRESS, "RedirectAddr" },
	{ "redirectUrl", ANSWER_REDIRECT_URL, "RedirectUrl", "RedirectURL" },
};

/* ---- reading ---- */

static usher_status
read_web(
    struct arena *mem, const struct xml_node *node, struct answer_web *out, struct usher_error *err)
{
	const struct xml_node *protocol = xml_child(node, "Protocol");
	struct answer_owa_url *owa;
	size_t n = 0;

	owa = arena_array(mem, elements_count(node, "OWAUrl"), sizeof(*owa));
	if (owa == NULL)
		return err_nomem(err, "Autodiscover response");
	for (const struct xml_node *c = node->first; c != NULL; c = c->next) {
		if (strcmp(c->name, "OWAUrl") != 0 || c->text[0] == '\0')
			continue;
		owa[n++] = (struct answer_owa_url){ c->text,
			xml_attribute_value(c, "AuthenticationMethod") };
	}
	*out = (struct answer_web){ .owa = owa, .n_owa = n };
	if (protocol != NULL) {
		out->protocol_type = xml_child_text(protocol, "Type");
		out->as_url = xml_child_text(protocol, "ASUrl");
	}
	return USHER_OK;
}

static enum protocol_kind
kind_of(const char *name)
{
	for (int kind = PROTOCOL_EXCH; kind <= PROTOCOL_NNTP; kind++)
		if (slice_is_nocase(slice_of(name), protocol_kind_name((enum protocol_kind)kind)))
			return (enum protocol_kind)kind;
	return PROTOCOL_UNKNOWN;
}

/* MAPI over HTTP is named by an attribute, all others by a Type element; with the element Outlook
 * takes it for unavailable (pox.md 4), so we do not take it for mapiHttp either. */
static void
read_kind(const struct xml_node *node, struct answer_protocol *out)
{
	const char *element = xml_child_text(node, "Type");
	const char *attribute = xml_attribute_value(node, "Type");
	const char *name = element != NULL ? element : attribute;
	const char *version = xml_attribute_value(node, "Version");
	enum protocol_kind kind = name == NULL ? PROTOCOL_UNKNOWN : kind_of(name);
	uint64_t number;

	if (element != NULL && kind == PROTOCOL_MAPI_HTTP)
		kind = PROTOCOL_UNKNOWN;
	answer_protocol_init(out, kind);
	if (kind == PROTOCOL_UNKNOWN)
		out->type = name;
	if (kind == PROTOCOL_MAPI_HTTP && version != NULL &&
	    text_number(slice_of(version), 0, INT32_MAX, &number))
		out->version = (int64_t)number;
}

static usher_status
read_protocol(struct arena *mem, const struct xml_node *node, struct answer_protocol *out,
    struct usher_error *err)
{
	const struct xml_node *internal = xml_child(node, "Internal");
	const struct xml_node *external = xml_child(node, "External");
	usher_status st = USHER_OK;

	read_kind(node, out);
	elements_read(node, &pox_protocol, out);
	for (size_t i = 0; i < POX_PROTOCOL_BLOCKS; i++) {
		const struct xml_node *child = xml_child(node, pox_protocol_blocks[i].name);

		if (child != NULL)
			elements_read(child, &pox_protocol_blocks[i], out);
	}
	if (out->kind == PROTOCOL_WEB && internal != NULL)
		st = read_web(mem, internal, &out->internal, err);
	if (st == USHER_OK && out->kind == PROTOCOL_WEB && external != NULL)
		st = read_web(mem, external, &out->external, err);
	return st;
}

/* Only direct children of Account are walked: WEB blocks have Protocols of their own inside. */
static usher_status
read_protocols(
    struct arena *mem, const struct xml_node *account, struct answer *out, struct usher_error *err)
{
	size_t n = elements_count(account, "Protocol");
	struct answer_protocol *to;
	usher_status st;

	if (n > POX_MAX_PROTOCOLS)
		return err_set(err, USHER_E_LIMIT, NULL,
		    "the response has %zu protocols, more than the %d allowed", n,
		    POX_MAX_PROTOCOLS);
	to = arena_array(mem, n, sizeof(*to));
	if (to == NULL)
		return err_nomem(err, "Autodiscover response");
	out->protocols = to;
	out->n_protocols = n;
	for (const struct xml_node *c = account->first; c != NULL; c = c->next) {
		if (strcmp(c->name, "Protocol") != 0)
			continue;
		st = read_protocol(mem, c, to++, err);
		if (st != USHER_OK)
			return st;
	}
	return USHER_OK;
}

static usher_status
read_alternatives(
    struct arena *mem, const struct xml_node *account, struct answer *out, struct usher_error *err)
{
	size_t n = elements_count(account, "AlternativeMailbox");
	struct answer_alternative_mailbox *to;

	to = arena_array(mem, n, sizeof(*to));
	if (to == NULL)
		return err_nomem(err, "Autodiscover response");
	out->alternative_mailboxes = to;
	out->n_alternative_mailboxes = n;
	for (const struct xml_node *c = account->first; c != NULL; c = c->next)
		if (strcmp(c->name, "AlternativeMailbox") == 0)
			elements_read(c, &pox_alternative_mailbox, to++);
	return USHER_OK;
}

static usher_status
read_settings(struct arena *mem, const struct xml_node *response, const struct xml_node *account,
    struct answer *out, struct usher_error *err)
{
	const struct xml_node *user = xml_child(response, "User");
	const struct xml_node *folders = xml_child(account, "PublicFolderInformation");
	usher_status st;

	if (user != NULL)
		elements_read(user, &pox_user, &out->user);
	elements_read(account, &pox_account, out);
	if (folders != NULL)
		out->public_folder_smtp_address = xml_child_text(folders, "SmtpAddress");
	st = read_alternatives(mem, account, out, err);
	if (st == USHER_OK)
		st = read_protocols(mem, account, out, err);
	return st;
}

static usher_status
read_account(struct arena *mem, const struct xml_node *response, const struct xml_node *account,
    struct answer *out, struct usher_error *err)
{
	const char *action = xml_child_text(account, "Action");
	size_t i = 0;

	while (i < COUNT_OF(actions) && !slice_is_nocase(slice_of(action), actions[i].name))
		i++;
	if (i == COUNT_OF(actions))
		return err_set(err, USHER_E_PEER, NULL, "XML line %zu: the response's Action is %s",
		    account->line, action == NULL ? "missing" : action);
	answer_init(out, actions[i].kind);
	out->account_type = xml_child_text(account, "AccountType");
	if (actions[i].target == NULL)
		return read_settings(mem, response, account, out, err);
	out->redirect = xml_child_text(account, actions[i].target);
	if (out->redirect == NULL && actions[i].also != NULL)
		out->redirect = xml_child_text(account, actions[i].also);
	if (out->redirect == NULL)
		return err_set(err, USHER_E_PEER, NULL, "XML line %zu: the response has no %s",
		    account->line, actions[i].target);
	return USHER_OK;
}

static void
read_refusal(const struct xml_node *error, struct answer *out)
{
	answer_init(out, ANSWER_REFUSAL);
	out->refusal.code = NUMBER_ABSENT;
	elements_read(error, &pox_error, &out->refusal);
	if (out->refusal.code == NUMBER_ABSENT)
		out->refusal.code = REFUSAL_SERVER_ERROR;
	out->refusal.time = xml_attribute_value(error, "Time");
	out->refusal.id = xml_attribute_value(error, "Id");
}

static usher_status
read_root(
    struct arena *mem, const struct xml_node *root, struct answer *out, struct usher_error *err)
{
	const struct xml_node *response, *account, *error;

	if (pox_find_response(root, &response, err) != USHER_OK)
		return USHER_E_PEER;
	account = xml_child(response, "Account");
	error = xml_child(response, "Error");
	if (error == NULL && account != NULL)
		error = xml_child(account, "Error"); /* where older pages show it */
	if (error != NULL) {
		read_refusal(error, out);
		return USHER_OK;
	}
	if (account == NULL)
		return err_set(err, USHER_E_PEER, NULL,
		    "XML line %zu: the response has neither Account nor Error", response->line);
	return read_account(mem, response, account, out, err);
}

usher_status
pox_read_response(struct xml_reader *reader, struct arena *mem, struct slice xml,
    struct answer *out, struct usher_error *err)
{
	const struct xml_limits limits = { POX_RESPONSE_BYTES, RESPONSE_ELEMENTS };

	return elements_read_answer(reader, mem, xml, &limits, read_root, out, err);
}

/* ---- writing ---- */

/* How `off` and `on` are spelled: Exchange writes its blocks and those of internet mail apart. */
static const char *const exchange_words[] = { "Off", "On" };
static const char *const mail_words[] = { "off", "on" };
static const char *const account_words[] = { "False", "True" };

/* A line of the answer. The blocks of an answer say much the same: what a row said in the last
 * block that had it is copied with its tags instead of being escaped again. */
struct line {
	const char *text; /* NULL: not written yet */
	size_t at, n;	  /* in the answer */
};

static void
write_line(struct xml_writer *w, const char *name, const char *text, struct line *last)
{
	size_t at = w->out->n;
	char *to;

	if (last->text != NULL && strcmp(last->text, text) == 0) {
		to = buf_reserve(w->out, last->n);
		if (to == NULL)
			return;
		memcpy(to, w->out->p + last->at, last->n);
		buf_used(w->out, last->n);
		return;
	}
	xml_leaf(w, name, NULL, 0, text);
	*last = (struct line){ text, at, w->out->n - at };
}

/* `lines` has one for each row, or is NULL when there is but one such record. */
static void
write_elements(struct xml_writer *w, const struct element_list *list, const void *record,
    unsigned place, const char *const words[2], struct line *lines)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct element *e = &list->rows[i];
		char number[24];
		const char *text = number;

		if (field_absent(&e->field, record) || (e->places != 0 && (e->places & place) == 0))
			continue;
		if (e->field.type == FIELD_TEXT)
			text = field_text(&e->field, record);
		else if (e->field.type == FIELD_SWITCH)
			text = words[field_switch(&e->field, record) == TRI_ON];
		else
			(void)snprintf(
			    number, sizeof(number), "%" PRId64, field_number(&e->field, record));
		if (lines != NULL && e->field.type == FIELD_TEXT)
			write_line(w, e->field.name, text, &lines[i]);
		else
			xml_leaf(w, e->field.name, NULL, 0, text);
	}
}

/* The same with their parent around them. */
static void
write_parent(struct xml_writer *w, const struct element_list *list, const void *record,
    unsigned place, const char *const words[2])
{
	xml_open(w, list->name, NULL, 0);
	write_elements(w, list, record, place, words, NULL);
	xml_close(w, list->name);
}

static void
write_web(struct xml_writer *w, const char *name, const struct answer_web *side)
{
	if (side->n_owa == 0 && side->protocol_type == NULL && side->as_url == NULL)
		return;
	xml_open(w, name, NULL, 0);
	for (size_t i = 0; i < side->n_owa; i++) {
		const struct answer_owa_url *owa = &side->owa[i];
		const struct xml_attribute method = { "AuthenticationMethod",
			owa->authentication_method };

		xml_leaf(w, "OWAUrl", &method, owa->authentication_method != NULL, owa->url);
	}
	if (side->protocol_type != NULL || side->as_url != NULL) {
		xml_open(w, "Protocol", NULL, 0);
		if (side->protocol_type != NULL)
			xml_leaf(w, "Type", NULL, 0, side->protocol_type);
		if (side->as_url != NULL)
			xml_leaf(w, "ASUrl", NULL, 0, side->as_url);
		xml_close(w, "Protocol");
	}
	xml_close(w, name);
}

static void
open_protocol(struct xml_writer *w, const struct answer_protocol *p)
{
	const char *name = protocol_kind_name((enum protocol_kind)p->kind);
	char version[24];

	if (p->kind == PROTOCOL_MAPI_HTTP) {
		const struct xml_attribute attributes[] = { { "Type", name },
			{ "Version", version } };

		(void)snprintf(version, sizeof(version), "%" PRId64, p->version);
		xml_open(w, "Protocol", attributes, p->version == NUMBER_ABSENT ? 1 : 2);
	} else {
		xml_open(w, "Protocol", NULL, 0);
		xml_leaf(w, "Type", NULL, 0, name);
	}
}

static void
write_protocol(
    struct xml_writer *w, const struct answer_protocol *p, struct line lines[POX_PROTOCOL_ROWS])
{
	const char *const *words = p->kind < PROTOCOL_POP3 ? exchange_words : mail_words;

	open_protocol(w, p);
	write_elements(w, &pox_protocol, p, PROTOCOL_BIT(p->kind), words, lines);
	for (size_t i = 0; i < POX_PROTOCOL_BLOCKS; i++)
		if (elements_present(&pox_protocol_blocks[i], p))
			write_parent(w, &pox_protocol_blocks[i], p, PROTOCOL_BIT(p->kind), words);
	if (p->kind == PROTOCOL_WEB) {
		write_web(w, "Internal", &p->internal);
		write_web(w, "External", &p->external);
	}
	xml_close(w, "Protocol");
}

static bool
has_name(int kind)
{
	return kind != PROTOCOL_UNKNOWN && kind <= PROTOCOL_NNTP;
}

static void
write_settings(struct xml_writer *w, const struct answer *a)
{
	struct line lines[POX_PROTOCOL_ROWS] = { 0 };

	write_elements(w, &pox_account, a, 0, account_words, NULL);
	for (size_t i = 0; i < a->n_alternative_mailboxes; i++)
		write_parent(
		    w, &pox_alternative_mailbox, &a->alternative_mailboxes[i], 0, account_words);
	for (size_t i = 0; i < a->n_protocols; i++)
		if (has_name(a->protocols[i].kind))
			write_protocol(w, &a->protocols[i], lines);
	if (a->public_folder_smtp_address != NULL) {
		xml_open(w, "PublicFolderInformation", NULL, 0);
		xml_leaf(w, "SmtpAddress", NULL, 0, a->public_folder_smtp_address);
		xml_close(w, "PublicFolderInformation");
	}
}

static void
write_account(struct xml_writer *w, const struct answer *a)
{
	size_t i = 0;

	while (actions[i].kind != a->kind)
		i++;
	xml_open(w, "Account", NULL, 0);
	if (a->account_type != NULL)
		xml_leaf(w, "AccountType", NULL, 0, a->account_type);
	xml_leaf(w, "Action", NULL, 0, actions[i].name);
	if (a->kind == ANSWER_SETTINGS)
		write_settings(w, a);
	else
		xml_leaf(w, actions[i].target, NULL, 0, a->redirect);
	xml_close(w, "Account");
}

static void
write_refusal(struct xml_writer *w, const struct answer_refusal *r)
{
	struct xml_attribute attributes[2];
	char code[24];
	size_t n = 0;

	if (r->time != NULL)
		attributes[n++] = (struct xml_attribute){ "Time", r->time };
	if (r->id != NULL)
		attributes[n++] = (struct xml_attribute){ "Id", r->id };
	(void)snprintf(code, sizeof(code), "%" PRId64, r->code);
	xml_open(w, "Error", attributes, n);
	xml_leaf(w, "ErrorCode", NULL, 0, code);
	xml_leaf(w, "Message", NULL, 0, r->message == NULL ? "" : r->message);
	xml_leaf(w, "DebugData", NULL, 0, r->debug == NULL ? "" : r->debug);
	xml_close(w, "Error");
}

/* The provider says these; any other error is the framework's and stays in its namespace. */
static bool
from_provider(const struct answer *a)
{
	return a->kind != ANSWER_REFUSAL || a->refusal.code == REFUSAL_NOT_FOUND ||
	       a->refusal.code == REFUSAL_NO_OPTIONS ||
	       a->refusal.code == REFUSAL_BROKEN_CONFIGURATION;
}

void
pox_write_response(struct buf *out, const struct answer *a)
{
	const struct xml_attribute generic = { "xmlns", GENERIC_NAMESPACE };
	const struct xml_attribute outlook = { "xmlns", POX_SCHEMA_OUTLOOK };
	struct xml_writer w = xml_writer_on(out);

	xml_open(&w, "Autodiscover", &generic, 1);
	xml_open(&w, "Response", &outlook, from_provider(a));
	if (a->kind == ANSWER_REFUSAL) {
		write_refusal(&w, &a->refusal);
	} else {
		if (a->kind == ANSWER_SETTINGS)
			write_parent(&w, &pox_user, &a->user, 0, account_words);
		write_account(&w, a);
	}
	xml_close(&w, "Response");
	xml_close(&w, "Autodiscover");
}
