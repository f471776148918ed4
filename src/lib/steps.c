/* steps.c - performs the plan's steps and tells their outcomes, without waiting for any. */
#include <string.h>

#include "base/err.h"
#include "lib/search.h"

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
	case HTTP_PROXY:
		return PLAN_PROXY;
	case HTTP_NO_LOGIN:
		return PLAN_NO_LOGIN;
	case HTTP_STOPPED:
		return PLAN_STOPPED;
	case HTTP_INTERNAL:
		return PLAN_INTERNAL;
	}
	return PLAN_INTERNAL;
}

static void
tell_resolution(struct usher_search *s, uint32_t id, enum plan_failure failure, const char *detail,
    struct text_list addresses)
{
	const struct plan_resolution what = { failure, detail, addresses };

	plan_resolved(s->plan, search_now_ms(s), id, &what);
}

static void
tell_location(struct usher_search *s, const struct dns_answer *a)
{
	const struct plan_location what = { dns_meaning(a->failure), a->detail, a->records,
		a->n_records };

	plan_located(s->plan, search_now_ms(s), a->id, &what);
}

static void
tell_failure(struct usher_search *s, uint32_t id, enum plan_failure failure, const char *detail)
{
	struct plan_response what = {
		.failure = failure, .detail = detail, .http_status = NUMBER_ABSENT
	};

	tls_evidence_init(&what.tls);
	plan_responded(s->plan, search_now_ms(s), id, &what);
}

/* What a proxy connects to is the proxy's to resolve; but where it is itself, is ours. The
 * look-up's id tells for which of the two: those of steps are small. */
enum { TICKET_LOOKUP = 1 << 28 };
enum { PROXY_LOOKUP = 1 << 29, PROXY_LOOKUPS = PROXY_LOOKUP | PROXY_LOOKUP << 1 };

static uint32_t
lookup_id(struct usher_search *s, const struct plan_step *step, const char **host)
{
	struct proxy *proxy = proxies_for(&s->options.proxies, step->url);
	uint16_t port = step->url->port;

	if (proxy == NULL) {
		connect_to_apply(s->options.routes, s->options.n_routes, host, &port);
		return step->id;
	}
	*host = proxy->host;
	return step->id | PROXY_LOOKUP << step->url->https;
}

static void
tell_proxy(struct usher_search *s, const struct dns_answer *a)
{
	struct proxy *proxy = &s->options.proxies.of[(a->id & PROXY_LOOKUP) == 0];
	const struct text_list none = { NULL, 0 };
	uint32_t id = a->id & ~(uint32_t)PROXY_LOOKUPS;

	if (a->failure == DNS_FOUND)
		proxy->addresses = a->addresses;
	if (a->failure == DNS_FOUND || a->failure == DNS_STOPPED)
		tell_resolution(s, id, dns_meaning(a->failure), a->detail, none);
	else
		tell_resolution(s, id, PLAN_PROXY,
		    arena_printf(s->mem, "%s: %s", proxy->host, a->detail), none);
}

static void
resolve(struct usher_search *s, const struct plan_step *step)
{
	const char *host = step->url->host;
	uint32_t id = lookup_id(s, step, &host);
	struct usher_error err;

	if (dns_start(s->dns, id, host, &err) != USHER_OK)
		tell_resolution(
		    s, step->id, PLAN_INTERNAL, err.message, (struct text_list){ NULL, 0 });
}

static void
locate(struct usher_search *s, const struct plan_step *step)
{
	struct usher_error err;

	if (dns_start_srv(s->dns, step->id, step->name, &err) != USHER_OK)
		tell_location(
		    s, &(struct dns_answer){
			   .id = step->id, .failure = DNS_TROUBLE, .detail = err.message });
}

/* How the request gets to its host. */
static void
set_way(struct usher_search *s, const struct plan_step *step, struct http_request *r)
{
	r->addresses = step->addresses;
	r->proxy = proxies_for(&s->options.proxies, step->url);
	r->connect_host = step->url->host;
	r->connect_port = step->url->port;
	connect_to_apply(
	    s->options.routes, s->options.n_routes, &r->connect_host, &r->connect_port);
}

/* False: there is no password after all. */
static bool
add_login(const struct usher_search *s, const struct plan_step *step, struct http_request *r)
{
	r->scheme = step->scheme;
	r->login = s->login;
	switch (step->scheme) {
	case SCHEME_BASIC:
	case SCHEME_NTLM:
		r->secret = &s->password;
		return s->password.n > 0;
	case SCHEME_BEARER:
		r->secret = &s->token;
		return s->token.n > 0;
	default:
		return true;
	}
}

void
search_request(struct usher_search *s, const struct plan_step *step)
{
	struct http_request r = {
		.url = step->url,
		.connect_ms = step->connect_ms,
	};
	struct buf body CLEANUP(buf_cleanup);
	struct usher_error err = { 0 };
	usher_status st;

	buf_init(&body, DOCUMENT_QUESTION_BYTES);
	if (!add_login(s, step, &r)) {
		tell_failure(s, step->id, PLAN_NO_CREDENTIALS, NULL);
		return;
	}
	set_way(s, step, &r);
	document_write_question(s, step, &r, &body);
	st = body.status;
	if (st == USHER_OK)
		st = http_start(s->http, step->id, &r, &err);
	if (st != USHER_OK)
		document_forget_question(s, step->id);
	if (st != USHER_OK)
		tell_failure(s, step->id, st == USHER_E_CREDENTIALS ? PLAN_NO_LOGIN : PLAN_INTERNAL,
		    err.message);
}

static void
probe(struct usher_search *s, const struct plan_step *step)
{
	struct http_request r = {
		.url = step->url,
		.body_never = true,
		.connect_ms = step->connect_ms,
	};
	struct usher_error err = { 0 };

	set_way(s, step, &r);
	if (http_start(s->http, step->id, &r, &err) != USHER_OK)
		tell_failure(s, step->id, PLAN_INTERNAL, err.message);
}

/* Its ticket comes first: meanwhile nobody waits for the KDC. */
static void
get_ticket(struct usher_search *s, const struct plan_step *step)
{
	struct usher_error err;

	s->ticket_step = *step;
	if (ticket_new("HTTP", step->url->host, TICKET_LOOKUP, s->poller, s->dns, &s->ticket,
		&err) != USHER_OK)
		tell_failure(s, step->id, PLAN_NO_LOGIN, err.message);
}

static void
drop_ticket(struct usher_search *s)
{
	ticket_free(s->ticket);
	s->ticket = NULL;
}

static void
request(struct usher_search *s, const struct plan_step *step)
{
	if (step->scheme == SCHEME_NEGOTIATE)
		get_ticket(s, step);
	else if ((SCHEME_BIT(step->scheme) & SCHEMES_BY_PASSWORD) != 0 && s->password.n == 0 &&
		 !s->prompted && s->options.given.credentials != NULL)
		search_ask_credentials(s, step);
	else
		search_request(s, step);
}

void
search_begin(struct usher_search *s, const struct plan_step *step)
{
	search_trace_begun(s, step);
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
	case PLAN_READ:
		document_read_file(s, step);
		return;
	case PLAN_SEARCH:
		directory_search(s, step);
		return;
	case PLAN_CONSENT:
		search_ask_consent(s, step);
		return;
	}
}

void
search_stop(struct usher_search *s, uint32_t id)
{
	dns_stop(s->dns, id);
	dns_stop(s->dns, id | PROXY_LOOKUP);
	dns_stop(s->dns, id | PROXY_LOOKUP << 1);
	http_stop(s->http, id);
	directory_stop(s, id);
	search_withdraw(s, id);
	if (s->ticket != NULL && s->ticket_step.id == id) {
		drop_ticket(s); /* before anything was proved to the host */
		tell_failure(s, id, PLAN_NO_LOGIN, "Kerberos gave no ticket for it in time");
	}
}

/* ---- outcomes ---- */

static usher_status
collect_responses(struct usher_search *s, struct usher_error *err)
{
	for (;;) {
		struct arena *mem = arena_new(SEARCH_RESPONSE_BYTES);
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
			.offers_soap = from.offers_soap,
		};
		if (from.failure == HTTP_OK && (from.status == 200 || from.body.n > 0))
			keep = document_read(s, mem, from.id, from.body, &to);
		document_forget_question(s, from.id);
		plan_responded(s->plan, search_now_ms(s), from.id, &to);
		if (!keep)
			arena_free(mem);
	}
}

static void
collect_resolutions(struct usher_search *s)
{
	struct dns_answer a;

	while (dns_take(s->dns, s->mem, &a)) {
		if ((a.id & DIRECTORY_LOOKUP) != 0)
			directory_answer(s, &a);
		else if ((a.id & TICKET_LOOKUP) != 0)
			ticket_answer(s->ticket, &a);
		else if ((a.id & PROXY_LOOKUPS) != 0)
			tell_proxy(s, &a);
		else if (a.srv)
			tell_location(s, &a);
		else
			tell_resolution(s, a.id, dns_meaning(a.failure), a.detail, a.addresses);
	}
}

static void
collect_ticket(struct usher_search *s)
{
	struct usher_error err = { .message = "" };
	usher_status st;

	if (s->ticket == NULL || !ticket_work(s->ticket, &st, &err))
		return;
	drop_ticket(s);
	if (st == USHER_OK)
		search_request(s, &s->ticket_step);
	else
		tell_failure(s, s->ticket_step.id, PLAN_NO_LOGIN, err.message);
}

usher_status
search_collect(struct usher_search *s, struct usher_error *err)
{
	collect_resolutions(s);
	collect_ticket(s);
	directory_collect(s);
	return collect_responses(s, err);
}
