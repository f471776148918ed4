/* mobilesync.c - Autodiscover of ActiveSync, both ways ([MS-ASCMD] 2.2.1.1; activesync.md 2-5). */
#include "wire/mobilesync.h"

#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "wire/elements.h"
#include "wire/pox.h"
#include "wire/pox_elements.h"

#define REQUEST_NAMESPACE \
	"http://schemas.microsoft.com/exchange/autodiscover/mobilesync/requestschema/2006"
#define GENERIC_NAMESPACE "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"

#define STATUS_PROTOCOL_ERROR "2" /* the only one of a failure */

enum { RESPONSE_ELEMENTS = 2000 };

static const struct element user_rows[] = {
	ELEMENT_TEXT(struct answer_user, "DisplayName", display_name),
	ELEMENT_TEXT(struct answer_user, "EMailAddress", autodiscover_smtp_address),
};
static const struct element_list user_list = ELEMENT_LIST("User", user_rows);

static const struct element server_rows[] = {
	ELEMENT_TEXT(struct answer_protocol, "Url", url),
	ELEMENT_TEXT(struct answer_protocol, "ServerData", server_data),
};
static const struct element_list server_list = ELEMENT_LIST("Server", server_rows);

static const struct element error_rows[] = {
	ELEMENT(struct answer_refusal, "Status", status, FIELD_NUMBER, UINT32_MAX, 0),
	ELEMENT(struct answer_refusal, "ErrorCode", code, FIELD_NUMBER, UINT32_MAX, 0),
	ELEMENT_TEXT(struct answer_refusal, "Message", message),
	ELEMENT_TEXT(struct answer_refusal, "DebugData", debug),
};
static const struct element_list error_list = ELEMENT_LIST("Error", error_rows);

static const struct {
	const char *name;
	enum protocol_kind kind;
} types[] = {
	{ "MobileSync", PROTOCOL_ACTIVESYNC },
	{ "CertEnroll", PROTOCOL_CERT_ENROLL },
};

/* ---- reading ---- */

static void
read_server(const struct xml_node *node, struct answer_protocol *out)
{
	const char *type = xml_child_text(node, "Type");
	size_t i = 0;

	while (i < COUNT_OF(types) && !slice_is_nocase(slice_of(type), types[i].name))
		i++;
	answer_protocol_init(out, i < COUNT_OF(types) ? types[i].kind : PROTOCOL_UNKNOWN);
	if (out->kind == PROTOCOL_UNKNOWN)
		out->type = type;
	elements_read(node, &server_list, out);
	if (out->url == NULL && out->kind == PROTOCOL_ACTIVESYNC)
		out->url = xml_child_text(node, "Name"); /* the same URL once more */
}

static usher_status
read_settings(
    struct arena *mem, const struct xml_node *settings, struct answer *out, struct usher_error *err)
{
	size_t n = elements_count(settings, "Server");
	struct answer_protocol *to;

	if (n > MOBILESYNC_MAX_SERVERS)
		return err_set(err, USHER_E_LIMIT, NULL,
		    "the response has %zu servers, more than the %d allowed", n,
		    MOBILESYNC_MAX_SERVERS);
	to = arena_array(mem, n, sizeof(*to));
	if (to == NULL)
		return err_nomem(err, "Autodiscover response");
	out->protocols = to;
	out->n_protocols = n;
	for (const struct xml_node *c = settings->first; c != NULL; c = c->next)
		if (strcmp(c->name, "Server") == 0)
			read_server(c, to++);
	return USHER_OK;
}

/* `missing` is the code of an error that names none. */
static void
read_refusal(const struct xml_node *error, enum refusal_code missing, struct answer *out)
{
	struct answer_refusal *r = &out->refusal;

	answer_init(out, ANSWER_REFUSAL);
	elements_read(error, &error_list, r);
	if (r->code == NUMBER_ABSENT)
		r->code = missing;
	r->time = xml_attribute_value(error, "Time");
	r->id = xml_attribute_value(error, "Id");
}

static usher_status
read_action(struct arena *mem, const struct xml_node *response, const struct xml_node *action,
    struct answer *out, struct usher_error *err)
{
	const struct xml_node *user = xml_child(response, "User");
	const struct xml_node *settings = xml_child(action, "Settings");
	const struct xml_node *error = xml_child(action, "Error");
	const char *redirect = xml_child_text(action, "Redirect");

	if (error != NULL) {
		read_refusal(error, REFUSAL_NOT_FOUND, out);
		return USHER_OK;
	}
	if (redirect == NULL && settings == NULL)
		return err_set(err, USHER_E_PEER, NULL,
		    "XML line %zu: the response's Action has neither Settings, Redirect nor Error",
		    action->line);
	answer_init(out, redirect != NULL ? ANSWER_REDIRECT_ADDRESS : ANSWER_SETTINGS);
	out->redirect = redirect;
	if (redirect != NULL)
		return USHER_OK;
	if (user != NULL)
		elements_read(user, &user_list, &out->user);
	return read_settings(mem, settings, out, err);
}

static usher_status
read_root(
    struct arena *mem, const struct xml_node *root, struct answer *out, struct usher_error *err)
{
	const struct xml_node *response, *action, *error;

	if (pox_find_response(root, &response, err) != USHER_OK)
		return USHER_E_PEER;
	action = xml_child(response, "Action");
	error = xml_child(response, "Error");
	if (error != NULL) {
		read_refusal(error, REFUSAL_SERVER_ERROR, out);
		return USHER_OK;
	}
	if (action == NULL)
		return err_set(err, USHER_E_PEER, NULL, "XML line %zu: the response is %s",
		    response->line,
		    xml_child(response, "Account") == NULL ? "without Action and Error" :
							     "for Outlook, not for ActiveSync");
	return read_action(mem, response, action, out, err);
}

usher_status
mobilesync_read_response(struct xml_reader *reader, struct arena *mem, struct slice xml,
    struct answer *out, struct usher_error *err)
{
	const struct xml_limits limits = { MOBILESYNC_RESPONSE_BYTES, RESPONSE_ELEMENTS };

	return elements_read_answer(reader, mem, xml, &limits, read_root, out, err);
}

/* ---- writing ---- */

void
mobilesync_write_request(struct buf *out, const struct question *question)
{
	const struct xml_attribute space = { "xmlns", REQUEST_NAMESPACE };
	struct xml_writer w = xml_writer_on(out);

	xml_open(&w, "Autodiscover", &space, 1);
	xml_open(&w, "Request", NULL, 0);
	xml_leaf(&w, "EMailAddress", NULL, 0, question->address);
	xml_leaf(&w, "AcceptableResponseSchema", NULL, 0, POX_SCHEMA_MOBILESYNC);
	xml_close(&w, "Request");
	xml_close(&w, "Autodiscover");
}

static void
write_settings(struct xml_writer *w, const struct answer *a)
{
	xml_open(w, "Settings", NULL, 0);
	for (size_t i = 0; i < a->n_protocols; i++) {
		const struct answer_protocol *p = &a->protocols[i];
		size_t type = 0;

		while (type < COUNT_OF(types) && types[type].kind != (enum protocol_kind)p->kind)
			type++;
		if (type == COUNT_OF(types) || p->url == NULL)
			continue;
		xml_open(w, "Server", NULL, 0);
		xml_leaf(w, "Type", NULL, 0, types[type].name);
		xml_leaf(w, "Url", NULL, 0, p->url);
		xml_leaf(w, "Name", NULL, 0, p->kind == PROTOCOL_ACTIVESYNC ? p->url : "");
		if (p->kind == PROTOCOL_CERT_ENROLL && p->server_data != NULL)
			xml_leaf(w, "ServerData", NULL, 0, p->server_data);
		xml_close(w, "Server");
	}
	xml_close(w, "Settings");
}

static void
write_words(struct xml_writer *w, const struct answer_refusal *r)
{
	xml_leaf(w, "Message", NULL, 0, r->message == NULL ? "" : r->message);
	xml_leaf(w, "DebugData", NULL, 0, r->debug == NULL ? "" : r->debug);
}

static void
write_action(struct xml_writer *w, const struct answer *a)
{
	static const struct answer_refusal elsewhere = { .message =
							     "The mailbox is on another server." };

	xml_open(w, "Action", NULL, 0);
	switch (a->kind) {
	case ANSWER_SETTINGS:
		write_settings(w, a);
		break;
	case ANSWER_REDIRECT_ADDRESS:
		xml_leaf(w, "Redirect", NULL, 0, a->redirect);
		break;
	case ANSWER_REDIRECT_URL:
	case ANSWER_REFUSAL:
		xml_open(w, "Error", NULL, 0);
		xml_leaf(w, "Status", NULL, 0, STATUS_PROTOCOL_ERROR);
		write_words(w, a->kind == ANSWER_REFUSAL ? &a->refusal : &elsewhere);
		xml_close(w, "Error");
		break;
	}
	xml_close(w, "Action");
}

static void
write_provider(struct xml_writer *w, const struct question *question, const struct answer *a)
{
	const struct xml_attribute space = { "xmlns", POX_SCHEMA_MOBILESYNC };
	struct answer_user user = { .autodiscover_smtp_address = question->address };

	if (a->kind == ANSWER_SETTINGS) {
		user.display_name = a->user.display_name;
		if (a->user.autodiscover_smtp_address != NULL)
			user.autodiscover_smtp_address = a->user.autodiscover_smtp_address;
	}
	xml_open(w, "Response", &space, 1);
	xml_leaf(w, "Culture", NULL, 0, "en:us");
	xml_open(w, "User", NULL, 0);
	elements_write(w, &user_list, &user, NULL);
	xml_close(w, "User");
	write_action(w, a);
	xml_close(w, "Response");
}

static void
write_framework(struct xml_writer *w, const struct answer_refusal *r)
{
	const struct answer_refusal code = { .code = r->code, .status = NUMBER_ABSENT };
	struct xml_attribute attributes[2];
	size_t n = 0;

	if (r->time != NULL)
		attributes[n++] = (struct xml_attribute){ "Time", r->time };
	if (r->id != NULL)
		attributes[n++] = (struct xml_attribute){ "Id", r->id };
	xml_open(w, "Response", NULL, 0);
	xml_open(w, "Error", attributes, n);
	elements_write(w, &error_list, &code, NULL);
	write_words(w, r);
	xml_close(w, "Error");
	xml_close(w, "Response");
}

static bool
from_framework(const struct answer *a)
{
	return a->kind == ANSWER_REFUSAL && (a->refusal.code == REFUSAL_INVALID_REQUEST ||
						a->refusal.code == REFUSAL_NO_PROVIDER ||
						a->refusal.code == REFUSAL_SERVER_ERROR);
}

void
mobilesync_write_response(
    struct buf *out, const struct question *question, const struct answer *answer)
{
	const struct xml_attribute generic = { "xmlns", GENERIC_NAMESPACE };
	struct xml_writer w = xml_writer_on(out);

	xml_open(&w, "Autodiscover", &generic, 1);
	if (from_framework(answer))
		write_framework(&w, &answer->refusal);
	else
		write_provider(&w, question, answer);
	xml_close(&w, "Autodiscover");
}
