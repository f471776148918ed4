/* find.c - the blocking search: asks the plan, has the steps performed, tells their outcomes. */
#include <limits.h>
#include <string.h>

#include "base/encode.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/when.h"
#include "lib/result.h"
#include "net/connect_to.h"
#include "net/dns.h"
#include "net/http.h"
#include "net/tls.h"
#include "wire/pox.h"
#include "wire/xml.h"

enum {
	LIST_MAX = 256,			  /* entries of a list among the options */
	RESPONSE_BYTES = 8 * 1024 * 1024, /* one response: bytes, and what they mean */
	REQUEST_BYTES = 8 * 1024,
	WAIT_MAX_MS = 60 * 1000
};

struct search {
	struct usher_find_options options; /* of our size */
	struct usher_result *result;
	struct arena *mem; /* the result's */
	struct plan *plan;
	struct dns *dns;
	struct tls_trust *trust;
	struct http *http;
	struct xml_reader *xml;
	struct connect_to *routes;
	size_t n_routes;

	const char *login;
	struct secret password;
	bool asked;	    /* the callback has been */
	uint64_t paused_ms; /* time that callbacks took: nobody is hurried */
};

static uint64_t
now_ms(const struct search *s)
{
	return clock_mono_ms() - s->paused_ms;
}

/* ---- options ---- */

/* A newer caller's options are fine as long as those we do not know are not used. */
static usher_status
read_options(
    const struct usher_find_options *from, struct usher_find_options *to, struct usher_error *err)
{
	const unsigned char *bytes = (const unsigned char *)from;

	*to = (struct usher_find_options)USHER_FIND_OPTIONS_INIT;
	if (from == NULL)
		return USHER_OK;
	if (from->size < sizeof(from->size))
		return err_set(err, USHER_E_USAGE, "options", "size is not set");
	for (size_t i = sizeof(*to); i < from->size; i++) {
		if (bytes[i] != 0)
			return err_set(err, USHER_E_USAGE, "options",
			    "one is used that came after version " USHER_VERSION);
	}
	memcpy(to, from, from->size < sizeof(*to) ? from->size : sizeof(*to));
	return USHER_OK;
}

static usher_status
count_list(const char *const *list, size_t *n, struct usher_error *err)
{
	for (*n = 0; list != NULL && list[*n] != NULL; (*n)++) {
		if (*n == LIST_MAX)
			return err_set(err, USHER_E_LIMIT, "options",
			    "a list of more than %d entries", LIST_MAX);
	}
	return USHER_OK;
}

/* Host names become A-labels; `*.` in front stays. */
static usher_status
read_trust_host(struct arena *mem, const char *text, const char **out, struct usher_error *err)
{
	struct slice s = slice_of(text);
	bool wild = slice_starts(s, SLICE_LITERAL("*."));
	const char *name;
	usher_status st = domain_parse(mem, slice_skip(s, wild ? 2 : 0), &name, NULL);

	if (st == USHER_E_ADDRESS)
		return err_set(err, USHER_E_USAGE, "trust-host", "`%s` is not a host name", text);
	if (st == USHER_OK && wild)
		name = arena_printf(mem, "*.%s", name);
	if (st != USHER_OK || name == NULL)
		return err_nomem(err, "options");
	*out = name;
	return USHER_OK;
}

static usher_status
read_trust_hosts(struct search *s, struct text_list *out, struct usher_error *err)
{
	const char *const *list = s->options.trust_hosts;
	const char **v;
	size_t n;
	usher_status st = count_list(list, &n, err);

	if (st != USHER_OK)
		return st;
	v = arena_array(s->mem, n, sizeof(*v));
	if (v == NULL)
		return err_nomem(err, "options");
	for (size_t i = 0; list != NULL && i < n; i++) {
		st = read_trust_host(s->mem, list[i], &v[i], err);
		if (st != USHER_OK)
			return st;
	}
	*out = (struct text_list){ v, n };
	return USHER_OK;
}

static usher_status
read_routes(struct search *s, struct usher_error *err)
{
	size_t n;
	usher_status st = count_list(s->options.connect_to, &n, err);

	if (st != USHER_OK)
		return st;
	s->routes = arena_array(s->mem, n, sizeof(*s->routes));
	if (s->routes == NULL)
		return err_nomem(err, "options");
	for (s->n_routes = 0; st == USHER_OK && s->n_routes < n; s->n_routes++)
		st = connect_to_parse(s->mem, slice_of(s->options.connect_to[s->n_routes]),
		    &s->routes[s->n_routes], err);
	return st;
}

static usher_status
set_credentials(struct search *s, const char *login, const char *password, struct usher_error *err)
{
	if (strchr(login, ':') != NULL)
		return err_set(err, USHER_E_USAGE, "login", "a login name holds no colon");
	if (strlen(password) > SECRET_MAX_BYTES)
		return err_set(
		    err, USHER_E_USAGE, "password", "it is longer than %d bytes", SECRET_MAX_BYTES);
	s->login = arena_strdup(s->mem, login);
	if (s->login == NULL || !secret_set(&s->password, slice_of(password)))
		return err_nomem(err, "login");
	return USHER_OK;
}

/* ---- documents ---- */

static const char *
document_fault(struct arena *mem, struct slice body, const struct usher_error *err)
{
	struct slice head = slice_trim(body);

	if (slice_starts(head, SLICE_LITERAL("\xef\xbb\xbf")))
		head = slice_trim(slice_skip(head, 3));
	if (head.n == 0)
		return "its answer is empty";
	if (slice_starts_nocase(head, SLICE_LITERAL("<!doctype html")) ||
	    slice_starts_nocase(head, SLICE_LITERAL("<html")))
		return "it is a web page, and no Autodiscover service";
	return arena_printf(mem, "it is no Autodiscover service: %s", err->message);
}

/* Reads a 200. What is worth keeping is linked to the result, arena and all. */
static bool
read_document(
    struct search *s, struct arena *mem, const struct http_response *from, struct plan_response *to)
{
	struct answer *answer = arena_zalloc(mem, sizeof(*answer));
	struct kept *k = arena_zalloc(mem, sizeof(*k));
	struct usher_error err = { 0 };

	if (answer == NULL || k == NULL)
		return false;
	if (pox_read_response(s->xml, mem, from->body, answer, &err) != USHER_OK) {
		to->body_fault = document_fault(mem, from->body, &err);
		return false;
	}
	to->answer = answer;
	if (answer->kind != ANSWER_SETTINGS && answer->kind != ANSWER_REFUSAL)
		return false;
	*k = (struct kept){
		.next = s->result->kept, .mem = mem, .answer = answer, .document = from->body
	};
	s->result->kept = k;
	return true;
}

/* ---- performing steps ---- */

static enum plan_failure
dns_meaning(enum dns_failure failure)
{
	switch (failure) {
	case DNS_FOUND:
		return PLAN_NO_FAILURE;
	case DNS_NO_NAME:
		return PLAN_NO_SUCH_NAME;
	case DNS_NO_ADDRESS:
		return PLAN_NO_ADDRESS;
	case DNS_TROUBLE:
		return PLAN_DNS_TROUBLE;
	case DNS_STOPPED:
		return PLAN_STOPPED;
	}
	return PLAN_INTERNAL;
}

static enum plan_failure
http_meaning(enum http_failure failure)
{
	switch (failure) {
	case HTTP_OK:
		return PLAN_NO_FAILURE;
	case HTTP_REFUSED:
		return PLAN_REFUSED;
	case HTTP_UNREACHABLE:
		return PLAN_UNREACHABLE;
	case HTTP_UNRESOLVED:
		return PLAN_DNS_TROUBLE;
	case HTTP_BROKEN_OFF:
		return PLAN_BROKEN_OFF;
	case HTTP_TIMED_OUT:
		return PLAN_TIMED_OUT;
	case HTTP_TLS:
		return PLAN_TLS;
	case HTTP_OVERSIZED:
		return PLAN_OVERSIZED;
	case HTTP_NOT_HTTP:
		return PLAN_NOT_HTTP;
	case HTTP_STOPPED:
		return PLAN_STOPPED;
	case HTTP_INTERNAL:
		return PLAN_INTERNAL;
	}
	return PLAN_INTERNAL;
}

static void
tell_resolution(struct search *s, uint32_t id, enum plan_failure failure, const char *detail,
    struct text_list addresses)
{
	const struct plan_resolution what = { failure, detail, addresses };

	plan_resolved(s->plan, now_ms(s), id, &what);
}

static void
tell_location(struct search *s, const struct dns_answer *a)
{
	const struct plan_location what = { dns_meaning(a->failure), a->detail, a->records,
		a->n_records };

	plan_located(s->plan, now_ms(s), a->id, &what);
}

static void
tell_failure(struct search *s, uint32_t id, enum plan_failure failure, const char *detail)
{
	struct plan_response what = {
		.failure = failure, .detail = detail, .http_status = NUMBER_ABSENT
	};

	tls_evidence_init(&what.tls);
	plan_responded(s->plan, now_ms(s), id, &what);
}

static void
resolve(struct search *s, const struct plan_step *step)
{
	const char *host = step->url->host;
	uint16_t port = step->url->port;
	struct usher_error err;

	connect_to_apply(s->routes, s->n_routes, &host, &port);
	if (http_has_proxy(step->url->https)) /* which resolves */
		tell_resolution(s, step->id, PLAN_NO_FAILURE, NULL, (struct text_list){ NULL, 0 });
	else if (dns_start(s->dns, step->id, host, &err) != USHER_OK)
		tell_resolution(
		    s, step->id, PLAN_INTERNAL, err.message, (struct text_list){ NULL, 0 });
}

static void
locate(struct search *s, const struct plan_step *step)
{
	struct usher_error err;

	if (dns_start_srv(s->dns, step->id, step->name, &err) != USHER_OK)
		tell_location(
		    s, &(struct dns_answer){
			   .id = step->id, .failure = DNS_TROUBLE, .detail = err.message });
}

/* Asks the callback, once. */
static void
ask_for_credentials(struct search *s, const struct plan_step *step)
{
	struct usher_credentials given = { .login = "" };
	const struct usher_challenge challenge = {
		.size = sizeof(challenge),
		.url = step->url->text,
		.host = step->url->host,
		.realm = step->realm,
		.address = step->address,
	};
	uint64_t from = clock_mono_ms();
	size_t n = strlen(s->login);

	s->asked = true;
	if (n < sizeof(given.login))
		memcpy(given.login, s->login, n + 1);
	if (s->options.credentials(&challenge, &given, s->options.payload) != 0) {
		given.login[sizeof(given.login) - 1] = '\0';
		given.password[sizeof(given.password) - 1] = '\0';
		if (set_credentials(s, given.login, given.password, NULL) != USHER_OK)
			secret_clear(&s->password);
	}
	explicit_bzero(&given, sizeof(given));
	s->paused_ms += clock_mono_ms() - from;
}

static bool
has_credentials(struct search *s, const struct plan_step *step)
{
	if (s->password.n == 0 && !s->asked && s->options.credentials != NULL)
		ask_for_credentials(s, step);
	return s->password.n > 0;
}

static void
request(struct search *s, const struct plan_step *step)
{
	const struct question question = { .language = LANGUAGE_POX, .address = step->address };
	const char *host = step->url->host;
	struct http_request r = {
		.url = step->url,
		.addresses = step->addresses,
		.connect_port = step->url->port,
		.content_type = "text/xml; charset=utf-8",
		.body_max = POX_RESPONSE_BYTES,
		.connect_ms = PLAN_CONNECT_MS,
	};
	struct buf body CLEANUP(buf_cleanup);
	struct usher_error err = { 0 };

	buf_init(&body, REQUEST_BYTES);
	if (step->credentialed && !has_credentials(s, step)) {
		tell_failure(s, step->id, PLAN_NO_CREDENTIALS, NULL);
		return;
	}
	if (step->credentialed) {
		r.login = s->login;
		r.password = &s->password;
	}
	connect_to_apply(s->routes, s->n_routes, &host, &r.connect_port);
	pox_write_request(&body, &question);
	r.body = buf_as_slice(&body);
	if (body.status != USHER_OK || http_start(s->http, step->id, &r, &err) != USHER_OK)
		tell_failure(s, step->id, PLAN_INTERNAL, err.message);
}

static void
probe(struct search *s, const struct plan_step *step)
{
	const char *host = step->url->host;
	struct http_request r = {
		.url = step->url,
		.addresses = step->addresses,
		.connect_port = step->url->port,
		.body_never = true,
		.connect_ms = PLAN_CONNECT_MS,
	};
	struct usher_error err = { 0 };

	connect_to_apply(s->routes, s->n_routes, &host, &r.connect_port);
	if (http_start(s->http, step->id, &r, &err) != USHER_OK)
		tell_failure(s, step->id, PLAN_INTERNAL, err.message);
}

static void
consent(struct search *s, const struct plan_step *step)
{
	const struct usher_redirect redirect = {
		.size = sizeof(redirect),
		.address = step->address,
		.from = step->from,
		.to = step->to,
		.host = step->host,
	};
	uint64_t from = clock_mono_ms();
	bool yes = s->options.trust(&redirect, s->options.payload) != 0;

	s->paused_ms += clock_mono_ms() - from;
	plan_consented(s->plan, now_ms(s), step->id, yes);
}

static void
begin(struct search *s, const struct plan_step *step)
{
	switch (step->kind) {
	case PLAN_RESOLVE:
		resolve(s, step);
		return;
	case PLAN_LOCATE:
		locate(s, step);
		return;
	case PLAN_REQUEST:
		request(s, step);
		return;
	case PLAN_PROBE:
		probe(s, step);
		return;
	case PLAN_CONSENT:
		consent(s, step);
		return;
	}
}

/* ---- outcomes ---- */

static usher_status
collect_responses(struct search *s, struct usher_error *err)
{
	for (;;) {
		struct arena *mem = arena_new(RESPONSE_BYTES);
		struct http_response from;
		struct plan_response to = { .failure = PLAN_INTERNAL };
		bool keep = false;

		if (mem == NULL)
			return err_nomem(err, NULL);
		if (!http_take(s->http, mem, &from)) {
			arena_free(mem);
			return USHER_OK;
		}
		to = (struct plan_response){
			.failure = http_meaning(from.failure),
			.detail = from.detail,
			.tls = from.tls,
			.http_status = from.status,
			.location = from.location,
			.challenges = from.challenges,
		};
		if (from.failure == HTTP_OK && from.status == 200)
			keep = read_document(s, mem, &from, &to);
		plan_responded(s->plan, now_ms(s), from.id, &to);
		if (!keep)
			arena_free(mem);
	}
}

static void
collect_resolutions(struct search *s)
{
	struct dns_answer a;

	while (dns_take(s->dns, s->mem, &a)) {
		if (a.srv)
			tell_location(s, &a);
		else
			tell_resolution(s, a.id, dns_meaning(a.failure), a.detail, a.addresses);
	}
}

static usher_status
wait_for(struct search *s, uint64_t wake_ms, struct usher_error *err)
{
	struct pollfd sockets[DNS_SOCKETS_MAX];
	uint64_t now = now_ms(s);
	uint64_t left = wake_ms > now ? wake_ms - now : 0;
	int timeout = left < WAIT_MAX_MS ? (int)left : WAIT_MAX_MS;
	size_t n = dns_sockets(s->dns, sockets, &timeout);
	usher_status st = http_wait(s->http, sockets, n, timeout, err);

	dns_work(s->dns, sockets, n);
	return st;
}

static usher_status
drive(struct search *s, struct usher_error *err)
{
	usher_status st = USHER_OK;

	while (st == USHER_OK) {
		struct plan_step step;
		uint64_t wake_ms;

		switch (plan_next(s->plan, now_ms(s), &step, &wake_ms)) {
		case PLAN_START:
			begin(s, &step);
			break;
		case PLAN_STOP:
			dns_stop(s->dns, step.id);
			http_stop(s->http, step.id);
			break;
		case PLAN_WAIT:
			st = wait_for(s, wake_ms, err);
			break;
		case PLAN_DONE:
			st = plan_status(s->plan);
			return st == USHER_OK ? st : err_nomem(err, NULL);
		}
		collect_resolutions(s);
		if (st == USHER_OK)
			st = collect_responses(s, err);
	}
	return st;
}

/* ---- the call ---- */

static usher_status
set_up(struct search *s, const char *address, struct usher_error *err)
{
	const struct usher_find_options *o = &s->options;
	struct plan_options plan = {
		.has_credentials = o->password != NULL || o->credentials != NULL,
		.may_ask = o->trust != NULL,
		.total_ms = o->timeout_ms,
	};
	struct address who;
	usher_status st = address_parse(s->mem, slice_of(address), &who, err);

	if (!random_bytes(&plan.seed, sizeof(plan.seed)))
		plan.seed = clock_mono_ms();
	if (st == USHER_OK)
		st = read_trust_hosts(s, &plan.trust_hosts, err);
	if (st == USHER_OK)
		st = read_routes(s, err);
	if (st == USHER_OK)
		st = set_credentials(s, o->login != NULL ? o->login : who.text,
		    o->password != NULL ? o->password : "", err);
	if (st == USHER_OK)
		st = dns_new(o->dns_server, &s->dns, err);
	if (st == USHER_OK)
		st = tls_trust_new(o->ca_file, o->now, &s->trust, err);
	if (st == USHER_OK)
		st = http_new(s->trust, &s->http, err);
	s->xml = xml_reader_new();
	if (st == USHER_OK && s->xml == NULL)
		st = err_nomem(err, address);
	if (st == USHER_OK)
		st = plan_new(s->mem, &who, &plan, now_ms(s), &s->plan, err);
	return st;
}

static struct usher_result *
result_new(void)
{
	struct arena *mem = arena_new(RESULT_BYTES);
	struct usher_result *r = mem == NULL ? NULL : arena_zalloc(mem, sizeof(*r));

	if (r == NULL) {
		arena_free(mem);
		return NULL;
	}
	r->mem = mem;
	return r;
}

usher_status
usher_find(const char *address, const struct usher_find_options *options, struct usher_result **out,
    struct usher_error *err)
{
	struct search s = { .result = result_new() };
	usher_status st;

	if (s.result == NULL)
		return err_nomem(err, address);
	s.mem = s.result->mem;
	st = read_options(options, &s.options, err);
	if (st == USHER_OK)
		st = set_up(&s, address, err);
	if (st == USHER_OK)
		st = drive(&s, err);
	if (st == USHER_OK) {
		plan_result(s.plan, &s.result->plan);
		st = result_complete(s.result, address, err);
	}
	xml_reader_free(s.xml);
	http_free(s.http);
	tls_trust_free(s.trust);
	dns_free(s.dns);
	secret_clear(&s.password);
	if (st != USHER_OK) {
		usher_result_free(s.result);
		return st;
	}
	*out = s.result;
	return USHER_OK;
}
