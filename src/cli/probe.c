/* probe.c - the look-ups and requests of `usher plan --check`, several at once. */
#include "cli/probe.h"

#include <poll.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/url.h"
#include "base/when.h"
#include "cli/command.h"
#include "net/dns.h"
#include "net/http.h"

enum { BODY_BYTES = 1024 * 1024, DNS_AT_ONCE = DNS_QUERIES_MAX / 4 };

struct probe {
	const struct probe_options *options;
	struct poller *poller;
	struct dns *dns;
	struct tls_trust *trust;
	struct http *http;
};

usher_status
probe_routes(struct arena *mem, const struct text_list *texts, struct probe_options *out,
    struct usher_error *err)
{
	struct connect_to *v = arena_array(mem, texts->n, sizeof(*v));
	usher_status st = USHER_OK;

	if (v == NULL)
		return err_nomem(err, "connect-to");
	for (size_t i = 0; i < texts->n && st == USHER_OK; i++)
		st = connect_to_parse(mem, slice_of(texts->v[i]), &v[i], err);
	out->routes = v;
	out->n_routes = texts->n;
	return st;
}

int
probe_exit(enum check_verdict worst)
{
	static const int exits[] = { [CHECK_OK] = CLI_DONE,
		[CHECK_WARNING] = CLI_NEGATIVE,
		[CHECK_UNTESTED] = CLI_UNTESTED,
		[CHECK_ERROR] = CLI_REFUSED,
		[CHECK_CRITICAL] = CLI_BLOCKED };

	return exits[worst];
}

usher_status
probe_new(const struct probe_options *options, struct probe **out, struct usher_error *err)
{
	struct probe *p = calloc(1, sizeof(*p));
	usher_status st;

	if (p == NULL)
		return err_nomem(err, "check");
	p->options = options;
	st = poller_new(&p->poller, err);
	if (st == USHER_OK)
		st = dns_new(options->dns_server, p->poller, &p->dns, err);
	if (st == USHER_OK)
		st = tls_trust_new(options->ca_file, options->now_s, &p->trust, err);
	if (st == USHER_OK)
		st = http_new(p->trust, p->poller, &p->http, err);
	if (st != USHER_OK) {
		probe_free(p);
		return st;
	}
	*out = p;
	return USHER_OK;
}

void
probe_free(struct probe *p)
{
	if (p == NULL)
		return;
	http_free(p->http);
	tls_trust_free(p->trust);
	dns_free(p->dns);
	poller_free(p->poller);
	free(p);
}

/* Until something happens, or the time `until_ms` has come. */
static usher_status
wait_and_work(struct probe *p, uint64_t until_ms, struct usher_error *err)
{
	struct pollfd ready = { .fd = poller_fd(p->poller), .events = POLLIN };
	uint64_t dns_ms = dns_wake_ms(p->dns), http_ms = http_wake_ms(p->http);
	uint64_t wake_ms = dns_ms < http_ms ? dns_ms : http_ms;
	usher_status st;

	poller_wake_at(p->poller, wake_ms < until_ms ? wake_ms : until_ms);
	(void)poll(&ready, 1, -1); /* a signal is no harm */
	st = poller_dispatch(p->poller, err);
	dns_work(p->dns);
	return st == USHER_OK ? http_work(p->http, err) : st;
}

static uint64_t
patience_ms(const struct probe *p)
{
	return p->options->timeout_ms == 0 ? PROBE_TOTAL_MS : p->options->timeout_ms;
}

/* ---- names ---- */

static void
take_name(const struct dns_answer *a, struct check_name *out)
{
	out->trouble = a->failure == DNS_TROUBLE || a->failure == DNS_STOPPED;
	out->detail = a->detail;
	out->addresses = a->addresses;
	out->alias = a->alias;
	out->records = a->records;
	out->n_records = a->n_records;
}

static usher_status
start_name(struct probe *p, const struct check_name *n, uint32_t id, struct usher_error *err)
{
	return n->srv ? dns_start_srv(p->dns, id, n->name, err) :
			dns_start(p->dns, id, n->name, err);
}

usher_status
probe_names(
    struct probe *p, struct arena *mem, struct check_name *v, size_t n, struct usher_error *err)
{
	uint64_t *ends_ms = arena_array(mem, n, sizeof(*ends_ms));
	size_t started = 0, taken = 0;
	usher_status st = USHER_OK;
	struct dns_answer answer;

	if (ends_ms == NULL)
		return err_nomem(err, "check");
	while (taken < n && st == USHER_OK) {
		uint64_t now_ms = clock_mono_ms(), first_ms = UINT64_MAX;

		for (; started < n && started - taken < DNS_AT_ONCE && st == USHER_OK; started++) {
			ends_ms[started] = now_ms + patience_ms(p);
			st = start_name(p, &v[started], (uint32_t)started, err);
		}
		for (size_t i = 0; i < started; i++) {
			if (ends_ms[i] <= now_ms)
				dns_stop(p->dns, (uint32_t)i);
			else if (ends_ms[i] < first_ms)
				first_ms = ends_ms[i];
		}
		while (dns_take(p->dns, mem, &answer)) {
			take_name(&answer, &v[answer.id]);
			ends_ms[answer.id] = UINT64_MAX;
			taken++;
		}
		if (st == USHER_OK && taken < n && (started == n || started - taken == DNS_AT_ONCE))
			st = wait_and_work(p, first_ms, err);
	}
	return st;
}

/* ---- sites ---- */

static enum check_failure
failure_of(const struct http_response *r)
{
	switch (r->failure) {
	case HTTP_OK:
		return SEEN_ANSWER;
	case HTTP_TLS:
		return SEEN_BAD_TLS;
	case HTTP_REFUSED:
	case HTTP_UNREACHABLE:
	case HTTP_UNRESOLVED:
		return SEEN_NOBODY;
	case HTTP_TIMED_OUT:
		/* A port that is filtered never gets as far as TLS. */
		return r->tls.verdict == TLS_NOT_TRIED && r->status == NUMBER_ABSENT ? SEEN_NOBODY :
										       SEEN_TROUBLE;
	case HTTP_OVERSIZED:
		return r->status == NUMBER_ABSENT ? SEEN_TROUBLE : SEEN_ANSWER;
	case HTTP_BROKEN_OFF:
	case HTTP_NOT_HTTP:
	case HTTP_PROXY:
	case HTTP_NO_LOGIN:
	case HTTP_STOPPED:
	case HTTP_INTERNAL:
		break;
	}
	return SEEN_TROUBLE;
}

static void
take_site(const struct http_response *r, struct check_site *out)
{
	out->failure = failure_of(r);
	out->detail = r->detail;
	out->tls = r->tls;
	out->status = r->status;
	out->location = r->location;
}

static usher_status
start_site(struct probe *p, struct arena *mem, const struct check_site *s, uint32_t id,
    struct usher_error *err)
{
	const struct probe_options *o = p->options;
	const char *to = s->host;
	struct url url;
	struct http_request request = {
		.url = &url,
		.body_max = BODY_BYTES,
		.body_never = true,
		.connect_ms = o->timeout_ms == 0 ? PROBE_CONNECT_MS : o->timeout_ms,
		.total_ms = patience_ms(p),
	};
	usher_status st = url_parse(mem, slice_of(s->url), &url, err);

	if (st != USHER_OK)
		return st;
	request.connect_port = url.port;
	connect_to_apply(o->routes, o->n_routes, &to, &request.connect_port);
	if (to == s->host)
		to = s->address;
	request.addresses = (struct text_list){ &to, 1 };
	if (s->post) {
		request.body = o->body;
		request.content_type = "text/xml; charset=utf-8";
	}
	return http_start(p->http, id, &request, err);
}

usher_status
probe_sites(
    struct probe *p, struct arena *mem, struct check_site *v, size_t n, struct usher_error *err)
{
	size_t started = 0, taken = 0;
	usher_status st = USHER_OK;
	struct http_response response;

	while (taken < n && st == USHER_OK) {
		while (started < n && started - taken < HTTP_TRANSFERS_MAX && st == USHER_OK) {
			st = start_site(p, mem, &v[started], (uint32_t)started, err);
			started++;
		}
		if (st == USHER_OK)
			st = http_work(p->http, err);
		while (http_take(p->http, mem, &response)) {
			take_site(&response, &v[response.id]);
			taken++;
		}
		if (st == USHER_OK && taken < started)
			st = wait_and_work(p, UINT64_MAX, err);
	}
	return st;
}
