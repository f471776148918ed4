/* soap_response.c - the answer of SOAP Autodiscover, both ways ([MS-OXWSADISC] 3.1.4; soap.md 3.4,
 * 4.2, 6, 9, 11). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "wire/elements.h"
#include "wire/notes.h"
#include "wire/soap_envelope.h"
#include "wire/soap_settings.h"

enum { RESPONSE_ELEMENTS = 10 * 1000 };

/* Words of errors, and the codes that come nearest; of a code, the first word is written. */
static const struct {
	const char *name;
	enum refusal_code code;
} errors[] = {
	{ "InternalServerError", REFUSAL_SERVER_ERROR }, /* and what has no row */
	{ "ServerBusy", REFUSAL_SERVER_ERROR },
	{ "InvalidUser", REFUSAL_NOT_FOUND },
	{ "InvalidUser", REFUSAL_NO_OPTIONS },
	{ "InvalidRequest", REFUSAL_INVALID_REQUEST },
	{ "InvalidRequest", REFUSAL_NO_PROVIDER },
	{ "InvalidDomain", REFUSAL_NOT_FOUND },
	{ "InvalidSetting", REFUSAL_INVALID_REQUEST },
	{ "SettingIsNotAvailable", REFUSAL_NO_OPTIONS },
	{ "NotFederated", REFUSAL_NO_OPTIONS },
};

static enum refusal_code
code_of(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(errors); i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].code;
	return errors[0].code;
}

static const char *
name_of(int64_t code)
{
	for (size_t i = 0; i < COUNT_OF(errors); i++)
		if ((int64_t)errors[i].code == code)
			return errors[i].name;
	return errors[0].name;
}

/* ---- reading ---- */

static void
set_refusal(struct answer *out, const char *name, const char *message)
{
	answer_init(out, ANSWER_REFUSAL);
	out->refusal.code = code_of(name);
	out->refusal.name = name;
	out->refusal.message = message;
}

/* SOAP 1.1 has faultcode and faultstring, 1.2 Code and Reason with a child each. */
static void
read_fault(const struct xml_node *fault, struct answer *out)
{
	const struct xml_node *code = xml_child(fault, "Code"),
			      *reason = xml_child(fault, "Reason");
	const char *name = xml_child_text(fault, "faultcode");
	const char *text = xml_child_text(fault, "faultstring");

	if (name == NULL && code != NULL)
		name = xml_child_text(code, "Value");
	if (text == NULL && reason != NULL)
		text = xml_child_text(reason, "Text");
	name = soap_local_name(name);
	set_refusal(out, name == NULL ? "Fault" : name, text);
}

static usher_status
read_setting_errors(struct arena *mem, const struct xml_node *list, const char *item,
    struct answer *out, struct usher_error *err)
{
	size_t n = list == NULL ? 0 : elements_count(list, item);
	struct answer_setting_error *to;

	if (n > SOAP_SETTINGS_MAX)
		return err_set(err, USHER_E_LIMIT, NULL, "the response has more than %d errors",
		    SOAP_SETTINGS_MAX);
	to = arena_array(mem, n, sizeof(*to));
	if (to == NULL)
		return err_nomem(err, "SOAP response");
	out->setting_errors = to;
	out->n_setting_errors = n;
	for (const struct xml_node *c = n == 0 ? NULL : list->first; c != NULL; c = c->next) {
		if (strcmp(c->name, item) != 0)
			continue;
		*to++ = (struct answer_setting_error){ xml_child_text(c, "SettingName"),
			xml_child_text(c, "ErrorCode"), xml_child_text(c, "ErrorMessage") };
	}
	return USHER_OK;
}

static usher_status
read_settings(struct arena *mem, const struct xml_node *response, bool of_domain,
    struct answer *out, struct usher_error *err)
{
	const struct xml_node *settings =
	    xml_child(response, of_domain ? "DomainSettings" : "UserSettings");
	const struct xml_node *list =
	    xml_child(response, of_domain ? "DomainSettingErrors" : "UserSettingErrors");
	struct notes notes = { .mem = mem };
	usher_status st = USHER_OK;

	answer_init(out, ANSWER_SETTINGS);
	if (settings != NULL)
		st = soap_settings_read(mem, settings, out, &notes, err);
	if (st == USHER_OK)
		st = read_setting_errors(
		    mem, list, of_domain ? "DomainSettingError" : "UserSettingError", out, err);
	if (st == USHER_OK && !notes_end(&notes, &out->findings))
		st = err_nomem(err, "SOAP response");
	return st;
}

/* One UserResponse or DomainResponse. */
static usher_status
read_one(struct arena *mem, const struct xml_node *response, bool of_domain, struct answer *out,
    struct usher_error *err)
{
	const char *code = xml_child_text(response, "ErrorCode");
	const char *target = xml_child_text(response, "RedirectTarget");
	bool to_address = code != NULL && strcmp(code, "RedirectAddress") == 0;
	bool to_url = code != NULL && strcmp(code, "RedirectUrl") == 0;

	if (code == NULL || strcmp(code, "NoError") == 0)
		return read_settings(mem, response, of_domain, out, err);
	if (!to_address && !to_url) {
		set_refusal(out, code, xml_child_text(response, "ErrorMessage"));
		return USHER_OK;
	}
	if (target == NULL)
		return err_set(err, USHER_E_PEER, NULL, "XML line %zu: %s without RedirectTarget",
		    response->line, code);
	answer_init(out, to_address ? ANSWER_REDIRECT_ADDRESS : ANSWER_REDIRECT_URL);
	out->redirect = target;
	return USHER_OK;
}

static usher_status
read_message(
    struct arena *mem, const struct xml_node *message, struct answer *out, struct usher_error *err)
{
	bool of_domain =
	    soap_operation_find(message->name, "ResponseMessage") == SOAP_GET_DOMAIN_SETTINGS;
	const struct xml_node *response = xml_child(message, "Response"), *list, *one;
	const char *code;

	if (response == NULL)
		return err_set(err, USHER_E_PEER, NULL, "XML line %zu: %s has no Response",
		    message->line, message->name);
	code = xml_child_text(response, "ErrorCode");
	if (code != NULL && strcmp(code, "NoError") != 0) {
		set_refusal(out, code, xml_child_text(response, "ErrorMessage"));
		return USHER_OK;
	}
	list = xml_child(response, of_domain ? "DomainResponses" : "UserResponses");
	one = list == NULL ? NULL : xml_child(list, of_domain ? "DomainResponse" : "UserResponse");
	if (one == NULL)
		return err_set(err, USHER_E_PEER, NULL,
		    "XML line %zu: the response says nothing about what was asked for",
		    response->line);
	return read_one(mem, one, of_domain, out, err);
}

static usher_status
read_envelope(
    struct arena *mem, const struct xml_node *root, struct answer *out, struct usher_error *err)
{
	const struct xml_node *body = xml_child(root, "Body");
	const struct xml_node *message = body == NULL ? NULL : body->first;

	if (strcmp(root->name, "Envelope") != 0 || message == NULL)
		return err_set(err, USHER_E_PEER, NULL,
		    "the document with root %s is no SOAP message", root->name);
	if (strcmp(message->name, "Fault") == 0) {
		read_fault(message, out);
		return USHER_OK;
	}
	if (soap_operation_find(message->name, "ResponseMessage") == SOAP_OPERATIONS)
		return err_set(err, USHER_E_PEER, NULL,
		    "the SOAP message %s is no Autodiscover response", message->name);
	return read_message(mem, message, out, err);
}

usher_status
soap_read_response(struct xml_reader *reader, struct arena *mem, struct slice xml,
    struct answer *out, struct usher_error *err)
{
	const struct xml_limits limits = { SOAP_RESPONSE_BYTES, RESPONSE_ELEMENTS };

	return elements_read_answer(reader, mem, xml, &limits, read_envelope, out, err);
}

/* ---- writing ---- */

static void
write_error(struct xml_writer *w, const char *name, const char *message)
{
	xml_leaf(w, "ErrorCode", NULL, 0, name);
	xml_leaf(w, "ErrorMessage", NULL, 0, message == NULL ? "" : message);
}

/* `words` has a `%` in the subject's place. */
static void
write_error_about(struct xml_writer *w, const char *name, const char *words, const char *subject)
{
	CLEANUP(buf_cleanup) struct buf text = { 0 };
	struct slice before = slice_from(words, slice_find(slice_of(words), '%'));

	buf_init(&text, SOAP_REQUEST_BYTES);
	buf_slice(&text, before);
	buf_text(&text, subject);
	buf_text(&text, words + before.n + 1);
	if (text.status != USHER_OK)
		w->out->status = text.status;
	write_error(w, name, buf_cstr(&text));
}

static void
write_refusal(struct soap_response *x, const struct answer_refusal *r, const char *subject)
{
	const char *name = r->name != NULL ? r->name : name_of(r->code);

	if (r->name != NULL || strcmp(name, "InvalidUser") != 0)
		write_error(&x->w, name, r->message);
	else if (x->of_domain)
		write_error(&x->w, "InvalidDomain", "The domain is not served here.");
	else
		write_error_about(&x->w, name, "Invalid user: '%'.", subject);
}

static void
write_redirect_target(struct xml_writer *w, const struct answer *a)
{
	const struct xml_attribute nil = { "i:nil", "true" };
	bool redirects = a->kind == ANSWER_REDIRECT_ADDRESS || a->kind == ANSWER_REDIRECT_URL;

	xml_leaf(w, "RedirectTarget", &nil, !redirects, redirects ? a->redirect : "");
}

static void
write_head(struct soap_response *x, const struct answer *a, const char *subject)
{
	switch (a->kind) {
	case ANSWER_SETTINGS:
		write_error(&x->w, "NoError", "No error.");
		break;
	case ANSWER_REDIRECT_ADDRESS:
		write_error(&x->w, "RedirectAddress", "Redirection address.");
		break;
	case ANSWER_REDIRECT_URL:
		write_error(&x->w, "RedirectUrl", "Redirection URL.");
		break;
	case ANSWER_REFUSAL:
		write_refusal(x, &a->refusal, subject);
		break;
	}
}

static const struct answer_setting_error *
find_error(const struct answer *a, const char *setting)
{
	for (size_t i = 0; i < a->n_setting_errors; i++)
		if (strcmp(a->setting_errors[i].setting, setting) == 0)
			return &a->setting_errors[i];
	return NULL;
}

/* Why this setting is not there. */
static void
write_setting_error(struct soap_response *x, const struct answer *a, size_t i)
{
	const char *element = x->of_domain ? "DomainSettingError" : "UserSettingError";
	const char *name = x->request->settings.v[i];
	const struct answer_setting_error *why = find_error(a, name);

	xml_open(&x->w, element, NULL, 0);
	if (why != NULL)
		write_error(&x->w, why->name, why->message);
	else if (x->settings[i] == NULL)
		write_error_about(&x->w, "InvalidSetting", "Setting '%' is not known.", name);
	else
		write_error_about(&x->w, "SettingIsNotAvailable",
		    x->of_domain ? "Domain setting '%' is not available." :
				   "User setting '%' is not available.",
		    name);
	xml_leaf(&x->w, "SettingName", NULL, 0, name);
	xml_close(&x->w, element);
}

static bool
has_setting(const struct soap_response *x, const struct answer *a, size_t i)
{
	return x->settings[i] != NULL && soap_setting_present(x->settings[i], a);
}

/* Settings that are there, or errors of those that are not; the list's element even when empty. */
static void
write_list(struct soap_response *x, const struct answer *a, const char *list, bool present)
{
	bool any = false;

	for (size_t i = 0; a->kind == ANSWER_SETTINGS && i < x->request->settings.n; i++) {
		if (has_setting(x, a, i) != present)
			continue;
		if (!any)
			xml_open(&x->w, list, NULL, 0);
		any = true;
		if (present)
			soap_setting_write(&x->w, x->settings[i], x->of_domain, a);
		else
			write_setting_error(x, a, i);
	}
	if (any)
		xml_close(&x->w, list);
	else
		xml_leaf(&x->w, list, NULL, 0, "");
}

/* In the order of the description of each operation: strict readers insist. */
static void
write_one(struct soap_response *x, const struct answer *a, const char *subject)
{
	const char *element = x->of_domain ? "DomainResponse" : "UserResponse";

	xml_open(&x->w, element, NULL, 0);
	write_head(x, a, subject);
	if (!x->of_domain)
		write_redirect_target(&x->w, a);
	write_list(x, a, x->of_domain ? "DomainSettingErrors" : "UserSettingErrors", false);
	write_list(x, a, x->of_domain ? "DomainSettings" : "UserSettings", true);
	if (x->of_domain)
		write_redirect_target(&x->w, a);
	xml_close(&x->w, element);
}

/* Only the two settings that a domain has are known there. */
static void
find_settings(struct soap_response *x)
{
	for (size_t i = 0; i < x->request->settings.n; i++) {
		const char *name = x->request->settings.v[i];
		bool known = !x->of_domain || strcmp(name, "ExternalEwsUrl") == 0 ||
			     strcmp(name, "ExternalEwsVersion") == 0;

		x->settings[i] = known ? soap_setting_find(name) : NULL;
	}
}

/* `15.1.2507.6`, of which the last parts may be missing. */
static void
write_version(struct xml_writer *w, const char *version)
{
	static const char *const parts[] = { "h:MajorVersion", "h:MinorVersion",
		"h:MajorBuildNumber", "h:MinorBuildNumber" };
	enum { EXCHANGE_2013 = 15 };
	const struct xml_attribute space = { "xmlns:h", SOAP_MESSAGES };
	struct cursor c = cursor_on(slice_of(version));
	uint64_t major = 0;

	xml_open(w, "h:ServerVersionInfo", &space, 1);
	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		uint64_t number = 0;
		char text[24];

		if (!c.failed && !cursor_at_end(&c)) {
			number = cursor_number(&c, 0, UINT32_MAX);
			(void)cursor_maybe(&c, '.');
		}
		if (i == 0)
			major = number;
		(void)snprintf(text, sizeof(text), "%" PRIu64, number);
		xml_leaf(w, parts[i], NULL, 0, text);
	}
	xml_leaf(w, "h:Version", NULL, 0,
	    major < EXCHANGE_2013 ? "Exchange2010_SP2" : "Exchange2013_SP1");
	xml_close(w, "h:ServerVersionInfo");
}

static struct xml_writer
open_envelope(struct buf *out)
{
	const struct xml_attribute spaces[] = {
		{ "xmlns:s", SOAP_NAMESPACE },
		{ "xmlns:wsa", SOAP_ADDRESSING },
	};
	struct xml_writer w = xml_writer_on(out);

	xml_open(&w, "s:Envelope", spaces, COUNT_OF(spaces));
	return w;
}

struct name {
	char text[64];
};

static struct name
message_name(enum soap_operation operation)
{
	struct name name;

	(void)snprintf(
	    name.text, sizeof(name.text), "%sResponseMessage", soap_operation_name(operation));
	return name;
}

static const char *
list_name(const struct soap_response *x)
{
	return x->of_domain ? "DomainResponses" : "UserResponses";
}

/* There is always something in it: some clients cannot read an empty one. */
static void
write_header(struct soap_response *x, const char *server_version)
{
	xml_open(&x->w, "s:Header", NULL, 0);
	soap_write_action(&x->w, x->request->operation, "Response");
	if (x->request->message_id != NULL)
		xml_leaf(&x->w, "wsa:RelatesTo", NULL, 0, x->request->message_id);
	if (server_version != NULL)
		write_version(&x->w, server_version);
	xml_close(&x->w, "s:Header");
}

static bool
has_answers(const struct soap_response *x)
{
	return x->request->operation == SOAP_GET_USER_SETTINGS || x->of_domain;
}

/* All before the list of answers. */
static void
open_message(struct soap_response *x, struct buf *out, const struct soap_request *request,
    const char *server_version, const char *error, const char *message)
{
	const struct xml_attribute space = { "xmlns", SOAP_MESSAGES };
	const struct xml_attribute instance = { "xmlns:i", SOAP_INSTANCE };

	x->w = open_envelope(out);
	x->request = request;
	x->of_domain = request->operation == SOAP_GET_DOMAIN_SETTINGS;
	x->n = 0;
	write_header(x, server_version);
	xml_open(&x->w, "s:Body", NULL, 0);
	xml_open(&x->w, message_name(request->operation).text, &space, 1);
	xml_open(&x->w, "Response", &instance, 1);
	write_error(&x->w, error, message);
}

void
soap_response_begin(struct soap_response *response, struct buf *out,
    const struct soap_request *request, const char *server_version)
{
	open_message(response, out, request, server_version, "NoError", NULL);
	find_settings(response);
}

void
soap_response_answer(struct soap_response *response, const struct answer *answer)
{
	if (response->n == 0)
		xml_open(&response->w, list_name(response), NULL, 0);
	write_one(response, answer, response->request->subjects.v[response->n]);
	response->n++;
}

void
soap_response_end(struct soap_response *response)
{
	if (response->n > 0)
		xml_close(&response->w, list_name(response));
	else if (has_answers(response))
		xml_leaf(&response->w, list_name(response), NULL, 0, "");
	xml_close(&response->w, "Response");
	xml_close(&response->w, message_name(response->request->operation).text);
	xml_close(&response->w, "s:Body");
	xml_close(&response->w, "s:Envelope");
}

void
soap_write_refusal(struct buf *out, const struct soap_request *request, const char *server_version,
    const char *error, const char *message)
{
	struct soap_response x;

	open_message(&x, out, request, server_version, error, message);
	soap_response_end(&x);
}

void
soap_write_fault(struct buf *out, enum soap_fault fault, const char *text)
{
	static const char *const codes[] = {
		[SOAP_FAULT_CLIENT] = "s:Client",
		[SOAP_FAULT_SERVER] = "s:Server",
		[SOAP_FAULT_VERSION_MISMATCH] = "s:VersionMismatch",
		[SOAP_FAULT_MUST_UNDERSTAND] = "s:MustUnderstand",
	};
	const struct xml_attribute language = { "xml:lang", "en" };
	struct xml_writer w = open_envelope(out);

	xml_open(&w, "s:Body", NULL, 0);
	xml_open(&w, "s:Fault", NULL, 0);
	xml_leaf(&w, "faultcode", NULL, 0, codes[fault]);
	xml_leaf(&w, "faultstring", &language, 1, text);
	xml_close(&w, "s:Fault");
	xml_close(&w, "s:Body");
	xml_close(&w, "s:Envelope");
}
