/* record.c - writes the attempts down: evidence copied, cleaned, and put into words. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "base/when.h"
#include "plan/inside.h"

/* In the order of enum plan_failure. A refused connection is an answer: nothing is there. Silence
 * is none, unless it is a web site's, which has no reason to speak to us (http-discovery.md 3). */
static const struct failure_row failures[] = {
	[PLAN_NO_FAILURE] = { RESULT_NO_ENDPOINT, OUTCOME_FOUND, OUTCOME_FOUND, "" },
	[PLAN_NO_SUCH_NAME] = { RESULT_UNREACHABLE, OUTCOME_NOT_FOUND, OUTCOME_NOT_FOUND,
	    "there is no host of that name" },
	[PLAN_NO_ADDRESS] = { RESULT_UNREACHABLE, OUTCOME_NOT_FOUND, OUTCOME_NOT_FOUND,
	    "the name has no address" },
	[PLAN_DNS_TROUBLE] = { RESULT_UNREACHABLE, OUTCOME_UNAVAILABLE, OUTCOME_UNAVAILABLE,
	    "its name could not be looked up" },
	[PLAN_REFUSED] = { RESULT_UNREACHABLE, OUTCOME_NOT_FOUND, OUTCOME_NOT_FOUND,
	    "the connection was refused: nothing listens there" },
	[PLAN_UNREACHABLE] = { RESULT_UNREACHABLE, OUTCOME_UNAVAILABLE, OUTCOME_NOT_FOUND,
	    "no network path leads there" },
	[PLAN_BROKEN_OFF] = { RESULT_UNREACHABLE, OUTCOME_UNAVAILABLE, OUTCOME_NOT_FOUND,
	    "the connection broke off before the response was complete" },
	[PLAN_TIMED_OUT] = { RESULT_UNREACHABLE, OUTCOME_UNAVAILABLE, OUTCOME_NOT_FOUND,
	    "it did not answer in time" },
	[PLAN_TLS] = { RESULT_TLS_FAILURE, OUTCOME_NOT_FOUND, OUTCOME_NOT_FOUND,
	    "it does not speak TLS with us" },
	[PLAN_OVERSIZED] = { RESULT_NO_ENDPOINT, OUTCOME_NOT_FOUND, OUTCOME_NOT_FOUND,
	    "its response is larger than any Autodiscover answer" },
	[PLAN_NOT_HTTP] = { RESULT_NO_ENDPOINT, OUTCOME_NOT_FOUND, OUTCOME_NOT_FOUND,
	    "what answers there is not HTTP" },
	[PLAN_PROXY] = { RESULT_UNREACHABLE, OUTCOME_UNAVAILABLE, OUTCOME_UNAVAILABLE,
	    "the proxy does not let us through" },
	[PLAN_NO_CREDENTIALS] = { RESULT_CREDENTIALS, OUTCOME_REJECTED, OUTCOME_REJECTED,
	    "it asks for a password, and none was given" },
	[PLAN_NO_LOGIN] = { RESULT_CREDENTIALS, OUTCOME_REJECTED, OUTCOME_REJECTED,
	    "the login by its scheme did not come about" },
	[PLAN_STOPPED] = { RESULT_CANCELLED, OUTCOME_FOUND, OUTCOME_FOUND, "stopped" },
	[PLAN_INTERNAL] = { RESULT_UNREACHABLE, OUTCOME_UNAVAILABLE, OUTCOME_UNAVAILABLE,
	    "the request could not be made" },
};

const struct failure_row *
record_failure(enum plan_failure failure)
{
	return &failures[failure];
}

/* The length of the well-formed, printable character at the head of `s`; 0 when there is none. */
static size_t
good_character(struct slice s)
{
	unsigned char c = (unsigned char)s.p[0];
	size_t n = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

	if (c >= 0x20 && c < 0x7f)
		return 1;
	if (c < 0x20 || c == 0x7f || n > s.n || !text_utf8_valid((struct slice){ s.p, n }))
		return 0;
	return n;
}

const char *
record_text(struct plan *p, const char *text)
{
	struct slice s = slice_of(text);
	char *out;
	size_t n = 0;

	if (text == NULL)
		return NULL;
	out = arena_alloc(p->mem, (s.n < URL_MAX_BYTES ? s.n : URL_MAX_BYTES) + 1);
	if (out == NULL) {
		p->status = USHER_E_NOMEM;
		return NULL;
	}
	while (s.n > 0) {
		size_t good = good_character(s);
		size_t take = good > 0 ? good : 1;

		if (n + take > URL_MAX_BYTES)
			break;
		if (good > 0)
			memcpy(out + n, s.p, good);
		else
			out[n] = '?';
		n += take;
		s = slice_skip(s, take);
	}
	out[n] = '\0';
	return out;
}

const char *
record_escaped(struct plan *p, const char *text)
{
	struct buf b CLEANUP(buf_cleanup);

	buf_init(&b, URL_MAX_BYTES);
	url_escape(&b, slice_of(text));
	return b.status == USHER_OK ? arena_strdup(p->mem, buf_cstr(&b)) : NULL;
}

struct text_list
record_list(struct plan *p, const struct text_list *list)
{
	const char **v = arena_array(p->mem, list->n, sizeof(*v));

	if (v == NULL) {
		p->status = USHER_E_NOMEM;
		return (struct text_list){ NULL, 0 };
	}
	for (size_t i = 0; i < list->n; i++) {
		v[i] = record_text(p, list->v[i]);
		if (v[i] == NULL)
			return (struct text_list){ NULL, 0 };
	}
	return (struct text_list){ v, list->n };
}

struct attempt *
record_begin(struct plan *p, struct lane *l, uint64_t now_ms)
{
	struct attempt *a;

	if (p->n_attempts == PLAN_ATTEMPTS_MAX)
		return NULL;
	a = arena_alloc(p->mem, sizeof(*a));
	if (a == NULL) {
		p->status = USHER_E_NOMEM;
		return NULL;
	}
	attempt_init(a, l->row->source);
	a->url = l->url.text;
	a->address = l->address->text;
	a->dns = l->addresses;
	l->attempt = a;
	l->shown = false;
	if (l->asked || !l->fallback)
		record_show(p, l, now_ms);
	return a;
}

void
record_show(struct plan *p, struct lane *l, uint64_t now_ms)
{
	if (l->attempt == NULL || l->shown || p->n_attempts == PLAN_ATTEMPTS_MAX)
		return;
	l->shown = true;
	l->attempt->started_ms = (int64_t)(now_ms - p->start_ms);
	p->attempts[p->n_attempts++] = l->attempt;
}

void
record_point(struct plan *p, struct lane *l, size_t i)
{
	static const char *const nearness[] = {
		[SCP_OUR_SITE] = "in our site",
		[SCP_ANY_SITE] = "for all sites",
		[SCP_OTHER_SITE] = "in another site",
	};
	const struct scp_record *r = l->points[i];
	char created[WHEN_TEXT_BYTES] = "an unknown time";

	if (r->created != NUMBER_ABSENT)
		when_format(r->created, created);
	l->attempt->directory = l->directory;
	l->attempt->site = p->site;
	l->attempt->named_by =
	    arena_printf(p->mem, "%s: %s, there since %s", r->dn == NULL ? "an entry" : r->dn,
		p->site == NULL ? "our site is unknown" : nearness[l->tiers[i]], created);
	if (l->attempt->named_by == NULL)
		p->status = USHER_E_NOMEM;
}

const char *
record_way(struct plan *p, const struct lane *l)
{
	const char *text = l->way == NULL ? "" : arena_join(p->mem, l->way, "; ");

	if (text == NULL)
		p->status = USHER_E_NOMEM;
	return text == NULL ? "" : text;
}

void
record_response(struct plan *p, struct attempt *a, const struct plan_response *what)
{
	a->http_status = what->http_status;
	a->tls = what->tls;
	a->tls.subject = record_text(p, what->tls.subject);
	a->tls.issuer = record_text(p, what->tls.issuer);
	a->tls.detail = record_text(p, what->tls.detail);
	a->tls.names = record_list(p, &what->tls.names);
}
