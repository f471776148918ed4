/* json_v2.c - question and answer of Autodiscover V2, both ways (json-v2.md 2-6). */
#include "wire/json_v2.h"

#include <inttypes.h>

#include "base/encode.h"
#include "base/err.h"
#include "base/text.h"
#include "base/url.h"
#include "wire/json_walk.h"
#include "wire/query.h"

static const struct {
	const char *name;
	enum protocol_kind kind;
} protocols[] = {
	{ "AutodiscoverV1", PROTOCOL_AUTODISCOVER },
	{ "ActiveSync", PROTOCOL_ACTIVESYNC },
	{ "Ews", PROTOCOL_EWS },
	{ "Rest", PROTOCOL_REST },
};

const char *
json_v2_protocol_name(enum protocol_kind kind)
{
	for (size_t i = 0; i < COUNT_OF(protocols); i++)
		if (protocols[i].kind == kind)
			return protocols[i].name;
	return NULL;
}

enum protocol_kind
json_v2_protocol_kind(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(protocols); i++)
		if (slice_is_nocase(slice_of(name), protocols[i].name))
			return protocols[i].kind;
	return PROTOCOL_UNKNOWN;
}

/* The codes that are written, and those that others write. */
static const struct {
	enum json_v2_error error;
	const char *name;
	enum refusal_code code;
	int http_status;
} errors[] = {
	{ JSON_V2_MANDATORY_PARAMETER_MISSING, "MandatoryParameterMissing", REFUSAL_INVALID_REQUEST,
	    400 },
	{ JSON_V2_MISSING_PROTOCOL, "MissingProtocol", REFUSAL_INVALID_REQUEST, 400 },
	{ JSON_V2_PROTOCOL_NOT_SUPPORTED, "ProtocolNotSupported", REFUSAL_NO_PROVIDER, 400 },
	{ JSON_V2_NO_ERROR, "InvalidProtocol", REFUSAL_NO_PROVIDER, 400 },
	{ JSON_V2_INVALID_EMAIL, "InvalidEmail", REFUSAL_INVALID_REQUEST, 400 },
	{ JSON_V2_USER_NOT_FOUND, "UserNotFound", REFUSAL_NOT_FOUND, 404 },
	{ JSON_V2_TOO_MANY_REDIRECTS, "TooManyRedirects", REFUSAL_NO_OPTIONS, 400 },
	{ JSON_V2_INTERNAL_ERROR, "InternalServerError", REFUSAL_SERVER_ERROR, 500 },
};
enum { INTERNAL_ROW = COUNT_OF(errors) - 1 };

static size_t
error_row(const char *name)
{
	size_t i = 0;

	while (i < INTERNAL_ROW && (name == NULL || !slice_is(slice_of(name), errors[i].name)))
		i++;
	return i;
}

/* ---- the question ---- */

void
json_v2_url(
    struct buf *out, const char *host, const struct question *question, enum json_v2_form form)
{
	buf_text(out, "https://");
	buf_text(out, host);
	buf_text(out, form == JSON_V2_SEGMENT ? JSON_V2_PATH "/v1.0/" : JSON_V2_PATH "?Email=");
	url_escape(out, slice_of(question->address));
	buf_text(out, form == JSON_V2_SEGMENT ? "?Protocol=" : "&Protocol=");
	url_escape(out, slice_of(question->protocol));
	if (question->redirect_count > 0)
		buf_printf(out, "&RedirectCount=%" PRId64, question->redirect_count);
}

/* A question as it comes: each part still with its %XX. */
struct parts {
	struct slice address, protocol, redirect_count;
	bool twice; /* Email stands in the query more than once */
};

static void
read_parameters(struct slice query, struct parts *out)
{
	bool in_path = out->address.n > 0, seen = false;
	struct slice name, value;

	while (query_next(&query, &name, &value)) {
		if (slice_is_nocase(name, "Email")) {
			out->twice = out->twice || seen;
			seen = true;
			if (!in_path)
				out->address = value;
		} else if (slice_is_nocase(name, "Protocol")) {
			out->protocol = value;
		} else if (slice_is_nocase(name, "RedirectCount")) {
			out->redirect_count = value;
		}
	}
}

/* False: the path is not one of the two forms. */
static bool
read_path(struct slice path, struct parts *out)
{
	static const struct slice whole = SLICE_LITERAL(JSON_V2_PATH);
	static const struct slice version = SLICE_LITERAL("/v1.0/");
	struct slice rest;

	if (!slice_starts_nocase(path, whole))
		return false;
	rest = slice_skip(path, whole.n);
	if (rest.n == 0)
		return true;
	if (!slice_starts_nocase(rest, version))
		return false;
	out->address = slice_skip(rest, version.n);
	return slice_find(out->address, '/') == out->address.n;
}

/* What could lead astray whoever puts the address into a path, a header or a log. */
static bool
is_harmless(const char *text)
{
	struct slice s = slice_of(text);
	size_t at = slice_find_last(s, '@');

	return at > 0 && at + 1 < s.n && !text_has_control(s) && text_utf8_valid(s) &&
	       slice_find(s, '/') == s.n;
}

static usher_status
read_text(struct arena *mem, struct slice part, size_t max, const char **out, bool *broken)
{
	usher_status st;

	if (part.n == 0)
		return USHER_OK;
	st = query_decode(mem, part, max, out);
	*broken = st == USHER_E_INPUT;
	return st == USHER_E_NOMEM ? st : USHER_OK;
}

usher_status
json_v2_read_request(struct arena *mem, struct slice path, struct slice query, struct question *out,
    enum json_v2_error *error, struct usher_error *err)
{
	struct question q = { .language = LANGUAGE_JSON_V2 };
	bool address_broken = false, protocol_broken = false;
	struct parts parts = { 0 };
	uint64_t count;

	if (!read_path(path, &parts))
		return err_set(err, USHER_E_ABSENT, NULL, "nothing is at this path");
	read_parameters(query, &parts);
	if (read_text(mem, parts.address, JSON_V2_ADDRESS_BYTES, &q.address, &address_broken) !=
		USHER_OK ||
	    read_text(mem, parts.protocol, JSON_V2_PROTOCOL_BYTES, &q.protocol, &protocol_broken) !=
		USHER_OK)
		return err_nomem(err, "question");
	if (text_number(parts.redirect_count, 0, INT32_MAX, &count))
		q.redirect_count = (int64_t)count;

	*error = JSON_V2_NO_ERROR;
	if (parts.twice || parts.address.n == 0)
		*error = JSON_V2_MANDATORY_PARAMETER_MISSING;
	else if (parts.protocol.n == 0)
		*error = JSON_V2_MISSING_PROTOCOL;
	else if (protocol_broken || !text_utf8_valid(slice_of(q.protocol)))
		*error = JSON_V2_PROTOCOL_NOT_SUPPORTED;
	else if (address_broken || !is_harmless(q.address))
		*error = JSON_V2_INVALID_EMAIL;
	*out = q;
	return USHER_OK;
}

/* ---- refusals ---- */

static const char *
refusal_message(struct arena *mem, enum json_v2_error error, const struct question *question,
    const char *supported)
{
	switch (error) {
	case JSON_V2_MANDATORY_PARAMETER_MISSING:
		return "The get request sent does not match the valid format.";
	case JSON_V2_MISSING_PROTOCOL:
		return "A valid value must be provided for the query parameter 'Protocol'.";
	case JSON_V2_PROTOCOL_NOT_SUPPORTED:
		return arena_join(mem, "Protocol: The protocol '",
		    question->protocol == NULL ? "" : question->protocol,
		    "' is not supported. Supported protocols are: '", supported, "'");
	case JSON_V2_INVALID_EMAIL:
		return "The e-mail address is not valid.";
	case JSON_V2_USER_NOT_FOUND:
		return "The e-mail address cannot be found.";
	case JSON_V2_TOO_MANY_REDIRECTS:
		return "The request has been redirected too often.";
	case JSON_V2_NO_ERROR:
	case JSON_V2_INTERNAL_ERROR:
		break;
	}
	return "Server Error";
}

usher_status
json_v2_refusal(struct arena *mem, enum json_v2_error error, const struct question *question,
    const char *supported, struct answer *out)
{
	const char *message = refusal_message(mem, error, question, supported);
	size_t i = 0;

	if (message == NULL)
		return USHER_E_NOMEM;
	while (i < INTERNAL_ROW && errors[i].error != error)
		i++;
	answer_init(out, ANSWER_REFUSAL);
	out->refusal.code = errors[i].code;
	out->refusal.name = errors[i].name;
	out->refusal.message = message;
	return USHER_OK;
}

/* ---- the answer ---- */

enum { PROTOCOL = 0, URL, ERROR_CODE, ERROR_MESSAGE, MEMBERS };
static const char *const members[MEMBERS] = { "Protocol", "Url", "ErrorCode", "ErrorMessage" };

/* The members of the object at the top, empty ones left out. */
struct reading {
	struct arena *mem;
	size_t depth;
	bool object, failed;
	const char *texts[MEMBERS];
};

static void
on_open(void *payload, UNUSED const char *name, bool list)
{
	struct reading *r = payload;

	r->object = r->object || (r->depth == 0 && !list);
	r->depth++;
}

static void
on_close(void *payload, UNUSED bool list)
{
	struct reading *r = payload;

	r->depth--;
}

static void
on_text(void *payload, const char *name, const char *value)
{
	struct reading *r = payload;

	if (r->depth != 1 || !r->object || value == NULL || value[0] == '\0')
		return;
	for (size_t i = 0; i < MEMBERS; i++) {
		if (!slice_is(slice_of(name), members[i]))
			continue;
		r->texts[i] = arena_strdup(r->mem, value);
		r->failed = r->failed || r->texts[i] == NULL;
	}
}

static void
on_number(UNUSED void *payload, UNUSED const char *name, UNUSED int64_t value)
{
}

static void
on_flag(UNUSED void *payload, UNUSED const char *name, UNUSED bool value)
{
}

static usher_status
read_settings(
    struct arena *mem, const struct reading *r, struct answer *out, struct usher_error *err)
{
	struct answer_protocol *p = arena_array(mem, 1, sizeof(*p));
	const char *name = r->texts[PROTOCOL];
	struct url url;
	usher_status st;

	if (p == NULL)
		return err_nomem(err, "Autodiscover V2 response");
	st = url_parse(mem, slice_of(r->texts[URL]), &url, err);
	if (st == USHER_OK && (!url.https || url.userinfo))
		st = USHER_E_INPUT;
	if (st == USHER_E_INPUT)
		return err_set(err, USHER_E_PEER, NULL, "its Url is no plain https URL");
	if (st != USHER_OK)
		return st;
	answer_protocol_init(p, name == NULL ? PROTOCOL_UNKNOWN : json_v2_protocol_kind(name));
	if (p->kind == PROTOCOL_UNKNOWN)
		p->type = name;
	p->url = r->texts[URL];
	answer_init(out, ANSWER_SETTINGS);
	out->protocols = p;
	out->n_protocols = 1;
	return USHER_OK;
}

usher_status
json_v2_read_response(
    struct arena *mem, struct slice json, struct answer *out, struct usher_error *err)
{
	static const struct json_visitor visitor = { on_open, on_close, on_text, on_number,
		on_flag };
	static const struct slice mark = SLICE_LITERAL("\xef\xbb\xbf");
	struct reading r = { .mem = mem };
	usher_status st;

	if (json.n > JSON_V2_RESPONSE_BYTES)
		return err_set(err, USHER_E_LIMIT, NULL, "the response is longer than %d bytes",
		    JSON_V2_RESPONSE_BYTES);
	if (slice_starts(json, mark))
		json = slice_skip(json, mark.n);
	st = json_walk(json, &visitor, &r, err);
	if (r.failed || st == USHER_E_NOMEM)
		return err_nomem(err, "Autodiscover V2 response");
	if (st != USHER_OK)
		return err_set(err, USHER_E_PEER, NULL, "the response is no JSON object");
	if (r.texts[URL] != NULL)
		return read_settings(mem, &r, out, err);
	if (r.texts[ERROR_CODE] == NULL)
		return err_set(err, USHER_E_PEER, NULL,
		    "the JSON has neither Url nor ErrorCode: no Autodiscover V2 response");
	answer_init(out, ANSWER_REFUSAL);
	out->refusal.code = errors[error_row(r.texts[ERROR_CODE])].code;
	out->refusal.name = r.texts[ERROR_CODE];
	out->refusal.message = r.texts[ERROR_MESSAGE];
	return USHER_OK;
}

static void
put_object(struct buf *out, const char *name_a, const char *a, const char *name_b, const char *b)
{
	buf_printf(out, "{\"%s\":", name_a);
	json_quote(out, slice_of(a));
	buf_printf(out, ",\"%s\":", name_b);
	json_quote(out, slice_of(b));
	buf_char(out, '}');
}

int
json_v2_write_response(struct buf *out, const struct answer *answer)
{
	const struct answer_protocol *p = answer->protocols;
	const char *name;
	size_t row;

	switch (answer->kind) {
	case ANSWER_REDIRECT_URL:
		return 302;
	case ANSWER_SETTINGS:
		if (answer->n_protocols == 0 || p->url == NULL)
			break;
		name = json_v2_protocol_name((enum protocol_kind)p->kind);
		put_object(
		    out, members[PROTOCOL], name != NULL ? name : p->type, members[URL], p->url);
		return 200;
	case ANSWER_REFUSAL:
		row = error_row(answer->refusal.name);
		name = answer->refusal.name;
		put_object(out, members[ERROR_CODE], name != NULL ? name : errors[row].name,
		    members[ERROR_MESSAGE], answer->refusal.message);
		return errors[row].http_status;
	case ANSWER_REDIRECT_ADDRESS: /* V2 has no such thing */
		break;
	}
	put_object(out, members[ERROR_CODE], errors[INTERNAL_ROW].name, members[ERROR_MESSAGE],
	    "Server Error");
	return errors[INTERNAL_ROW].http_status;
}
