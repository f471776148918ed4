/* world.c - performs a plan's steps in virtual time and watches its rules. */
#include "world.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ip.h"
#include "base/text.h"
#include "plan/source.h"

enum { FLIGHTS_MAX = 64, HOPS_MAX = 1024, START_MS = 1000000 };

struct flight {
	struct plan_step step; /* id 0: free */
	uint64_t due_ms;
	struct plan_resolution resolution;
	struct plan_location location;
	struct plan_finding finding;
	struct plan_response response;
	bool yes;
};

struct asked {
	const char *address;
	const char *url;
	enum language language;
	const char *host;
	enum auth_scheme scheme; /* NONE: anonymously */
	unsigned offered;	 /* SCHEME_BIT()s of a 401 over verified TLS */
};

/* What a host was seen to offer, and what came to nothing there. */
struct host_record {
	const char *host;
	unsigned seen, failed; /* SCHEME_BIT()s */
};

/* Somebody named a URL. */
struct hop {
	const char *to;
	bool
	    by_public; /* a host that the whole Internet can reach, or one that such a host named */
};

struct run {
	struct world *w;
	struct plan *plan;
	const struct plan_options *options;
	uint64_t now_ms;
	size_t n_failures; /* times the password was sent, and no host took it */
	bool settings_seen;
	bool part_seen;
	bool fallback_seen; /* settings that are no Autodiscover's */
	size_t n_flights;   /* the highest in use so far */
	size_t n_asked, n_agreed, n_mailboxes, n_told, n_hops, n_hosts, n_named;

	/* lists: a new run need not clear them */
	struct flight flights[FLIGHTS_MAX];
	struct asked asked[WORLD_STEPS_MAX];
	const char *agreed[WORLD_STEPS_MAX];	/* hosts and domains consented to */
	const char *mailboxes[WORLD_STEPS_MAX]; /* the first, and those told in trusted domains */
	const char *told[WORLD_STEPS_MAX];	/* mailboxes that answers named */
	struct hop hops[HOPS_MAX];
	struct host_record hosts[WORLD_STEPS_MAX];
	const char *named[WORLD_STEPS_MAX]; /* URLs that a directory or the caller named */
};

static void
broken(struct run *r, const char *format, ...) PRINTF_LIKE(2, 3);

static void
broken(struct run *r, const char *format, ...)
{
	va_list ap;

	if (r->w->fault[0] != '\0')
		return;
	va_start(ap, format);
	(void)vsnprintf(r->w->fault, sizeof(r->w->fault), format, ap);
	va_end(ap);
}

/* Somebody chose that very host. */
static bool
is_chosen(const struct run *r, const char *host)
{
	for (size_t i = 0; i < r->options->trust_hosts.n; i++) {
		if (domain_matches(r->options->trust_hosts.v[i], host))
			return true;
	}
	for (size_t i = 0; i < r->n_agreed; i++) {
		if (strcmp(r->agreed[i], host) == 0)
			return true;
	}
	return false;
}

/* A host or a domain. */
static bool
is_trusted(const struct run *r, const char *name, bool ip_literal)
{
	for (size_t i = 0; !ip_literal && i < r->n_mailboxes; i++) {
		if (domain_same_site(strrchr(r->mailboxes[i], '@') + 1, name))
			return true;
	}
	return is_chosen(r, name);
}

static bool
is_among(const char *const *v, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		if (slice_eq_nocase(slice_of(v[i]), slice_of(text)))
			return true;
	}
	return false;
}

/* The trust rules once more, written as a list of reasons instead of a decision. */
static bool
has_right(const struct run *r, const struct plan_step *step)
{
	const char *host = step->url->host;
	const char *domain = strrchr(step->address, '@') + 1;

	if (step->url->userinfo)
		return false;
	if (!step->url->https)
		return step->kind == PLAN_PROBE && !step->credentialed &&
		       step->source == SOURCE_HTTP_REDIRECT && step->url->port == 80 &&
		       strcmp(host, arena_join(r->w->mem, "autodiscover.", domain)) == 0;
	return is_trusted(r, host, step->url->ip_literal) ||
	       is_among(r->named, r->n_named, step->url->text) ||
	       (r->options->microsoft_365 && (domain_same_site(host, "outlook.com") ||
						 domain_same_site(host, "office365.com")));
}

static void
note_hop(struct run *r, const char *to, bool by_public)
{
	if (r->n_hops == HOPS_MAX)
		broken(r, "endless");
	else
		r->hops[r->n_hops++] = (struct hop){ to, by_public };
}

/* A URL that nobody on the Internet has named, or somebody else as well, is none of those. */
static bool
by_public_only(const struct run *r, const struct url *url)
{
	bool any = false;

	for (size_t i = 0; i < r->n_hops; i++) {
		if (!slice_eq_nocase(slice_of(r->hops[i].to), slice_of(url->text)))
			continue;
		if (!r->hops[i].by_public)
			return false;
		any = true;
	}
	return any;
}

/* http-discovery.md 9: nobody on the Internet sends us to a machine that only we can reach. */
static bool
leads_inside(const struct run *r, const struct plan_step *step)
{
	bool inside = false;

	for (size_t i = 0; i < step->addresses.n; i++)
		inside = inside || !ip_is_public(step->addresses.v[i]);
	return inside && !is_chosen(r, step->url->host) && by_public_only(r, step->url);
}

/* Its own hosts are nobody's to name. */
static void
note_mailbox(struct run *r, const char *address)
{
	const char *domain = strrchr(address, '@') + 1;

	if (is_among(r->mailboxes, r->n_mailboxes, address) || r->n_mailboxes == WORLD_STEPS_MAX)
		return;
	r->mailboxes[r->n_mailboxes++] = address;
	for (size_t i = 0; i < source_rows_n; i++) {
		const struct source_row *row = &source_rows[i];

		if (row->start != NULL)
			note_hop(r, arena_join(r->w->mem, row->start, domain, row->path), false);
	}
}

/* Whose domains are trusted by now. */
static void
accept_mailboxes(struct run *r)
{
	for (size_t i = 0; i < r->n_told; i++) {
		if (is_trusted(r, strrchr(r->told[i], '@') + 1, false))
			note_mailbox(r, r->told[i]);
	}
}

static void
note_redirect_address(struct run *r, const char *text)
{
	struct address to;

	if (r->n_told == WORLD_STEPS_MAX ||
	    address_parse(r->w->mem, slice_of(text), &to, NULL) != USHER_OK)
		return;
	r->told[r->n_told++] = to.text;
	accept_mailboxes(r);
}

static void
name_url(struct run *r, const char *text)
{
	struct url url, soap;

	if (text == NULL || r->n_named + 2 > WORLD_STEPS_MAX ||
	    url_parse(r->w->mem, slice_of(text), &url, NULL) != USHER_OK ||
	    url_resolve(r->w->mem, &url, SLICE_LITERAL("/autodiscover/autodiscover.svc"), &soap,
		NULL) != USHER_OK)
		return;
	r->named[r->n_named++] = url.text;
	r->named[r->n_named++] = soap.text;
	note_hop(r, url.text, false);
}

static struct host_record *
host_record(struct run *r, const char *host)
{
	struct host_record *h = r->hosts;

	while (h < r->hosts + r->n_hosts && strcmp(h->host, host) != 0)
		h++;
	if (h == r->hosts + r->n_hosts && r->n_hosts < WORLD_STEPS_MAX - 1)
		r->hosts[r->n_hosts++] = (struct host_record){ .host = host };
	return h;
}

static struct asked *
find_asked(struct run *r, const struct plan_step *step, enum auth_scheme scheme)
{
	for (size_t i = 0; i < r->n_asked; i++) {
		struct asked *a = &r->asked[i];

		if (a->scheme == scheme && a->language == step->language &&
		    strcmp(a->address, step->address) == 0 &&
		    slice_eq_nocase(slice_of(a->url), slice_of(step->url->text)))
			return a;
	}
	return NULL;
}

/* The other languages tell everybody, and what they offer to log in by counts for nothing. */
static bool
is_private(const struct plan_step *step)
{
	return step->language != LANGUAGE_JSON_V2 && step->language != LANGUAGE_AUTOCONFIG;
}

static void
watch_login(struct run *r, const struct plan_step *step)
{
	const struct asked *before = find_asked(r, step, SCHEME_NONE);
	const struct host_record *h = host_record(r, step->url->host);
	const unsigned basic = SCHEME_BIT(SCHEME_BASIC);
	unsigned bit = SCHEME_BIT(step->scheme);

	r->w->n_credentialed++;
	if ((bit & r->options->schemes) == 0)
		broken(r, "credentials out of nothing");
	if (!is_private(step))
		broken(r, "credentials for what is everybody's: %s", step->url->text);
	if (before == NULL || (before->offered & bit) == 0)
		broken(r, "credentials before a challenge: %s", step->url->text);
	else if ((before->offered & r->options->schemes & ~h->failed) >= 2 * bit)
		broken(r, "a weaker login than is possible: %s", step->url->text);
	if ((h->failed & bit) != 0)
		broken(r, "%s again at %s", auth_scheme_name(step->scheme), step->url->host);
	if (bit == basic && (h->seen & ~basic) != 0 && !r->options->basic_anyway)
		broken(r, "Basic where better was seen: %s", step->url->text);
	if ((bit & SCHEMES_BY_PASSWORD) != 0 && r->n_failures >= PLAN_REFUSALS_MAX)
		broken(r, "the password goes out after %zu failures", r->n_failures);
	for (size_t i = 0; i < r->n_flights; i++) {
		if (r->flights[i].step.id != 0 && r->flights[i].step.id != step->id &&
		    r->flights[i].step.credentialed)
			broken(r, "two passwords under way at once");
	}
}

static void
watch_request(struct run *r, const struct plan_step *step)
{
	r->w->n_requests++;
	if (r->n_asked == WORLD_STEPS_MAX) {
		broken(r, "endless");
		return;
	}
	if (step->credentialed != (step->scheme != SCHEME_NONE))
		broken(r, "credentials without a scheme, or the reverse: %s", step->url->text);
	if (find_asked(r, step, step->scheme) != NULL)
		broken(r, "asked twice: %s for %s", step->url->text, step->address);
	if (!has_right(r, step))
		broken(r, "asked a host without a right: %s", step->url->text);
	if (leads_inside(r, step))
		broken(r, "led inside from outside: %s", step->url->text);
	if (step->credentialed)
		watch_login(r, step);
	r->asked[r->n_asked++] = (struct asked){
		.address = step->address,
		.url = step->url->text,
		.language = step->language,
		.host = step->url->host,
		.scheme = step->scheme,
	};
}

/* Worlds write their challenges plainly, so that this needs no reader like the plan's. */
static unsigned
offers(const struct plan_response *response)
{
	static const struct {
		const char *text;
		enum auth_scheme scheme;
	} rows[] = {
		{ "Basic realm=\"c", SCHEME_BASIC },
		{ "NTLM", SCHEME_NTLM },
		{ "Negotiate", SCHEME_NEGOTIATE },
		{ "Bearer", SCHEME_BEARER },
		{ "Digest", SCHEME_OTHER },
	};
	unsigned found = 0;

	for (size_t i = 0; i < response->challenges.n; i++) {
		for (size_t k = 0; k < COUNT_OF(rows); k++) {
			if (strstr(response->challenges.v[i], rows[k].text) != NULL)
				found |= SCHEME_BIT(rows[k].scheme);
		}
	}
	return found;
}

/* What a login that came to nothing has used up. */
static void
watch_failed_login(struct run *r, const struct flight *f)
{
	struct host_record *h = host_record(r, f->step.url->host);
	enum plan_failure failure = f->response.failure;
	unsigned bit = SCHEME_BIT(f->step.scheme);
	bool heard = failure == PLAN_NO_FAILURE && f->response.tls.verdict == TLS_VERIFIED;
	bool refused = heard && f->response.http_status == 401;

	if (failure == PLAN_NO_LOGIN)
		h->failed |= bit;
	if (!refused && (heard || failure == PLAN_NO_LOGIN || failure == PLAN_TLS ||
			    failure == PLAN_REFUSED || failure == PLAN_UNREACHABLE))
		return;
	h->failed |= bit;
	if ((bit & SCHEMES_BY_PASSWORD) == 0)
		return;
	r->n_failures++;
	if (refused)
		h->failed |= SCHEMES_BY_PASSWORD;
}

/* To where it sends us on. */
static void
watch_redirect(struct run *r, const struct plan_step *from, const struct plan_response *what)
{
	const struct answer *a = what->http_status == 200 ? what->answer : NULL;
	bool by_public = by_public_only(r, from->url);
	usher_status st = USHER_E_INPUT;
	struct url to;

	if (a != NULL && a->kind == ANSWER_REDIRECT_ADDRESS)
		note_redirect_address(r, a->redirect);
	if (a != NULL && a->kind == ANSWER_REDIRECT_URL)
		st = url_parse(r->w->mem, slice_of(a->redirect), &to, NULL);
	else if (a != NULL && from->language == LANGUAGE_JSON_V2 && a->n_protocols > 0)
		st = url_parse(r->w->mem, slice_of(a->protocols[0].url), &to, NULL);
	else if (what->location != NULL)
		st = url_resolve(r->w->mem, from->url, slice_of(what->location), &to, NULL);
	if (st != USHER_OK)
		return;
	/* Where one host leads on to itself, it is the same as before. */
	for (size_t i = 0; i < from->addresses.n; i++)
		by_public =
		    by_public ||
		    (ip_is_public(from->addresses.v[i]) &&
			(to.port != from->url->port || strcmp(to.host, from->url->host) != 0));
	note_hop(r, to.text, by_public);
}

static void
watch_response(struct run *r, const struct flight *f)
{
	struct asked *a = find_asked(r, &f->step, f->step.scheme);
	const struct plan_response *what = &f->response;

	if (f->step.credentialed)
		watch_failed_login(r, f);
	if (what->failure == PLAN_NO_FAILURE &&
	    (what->tls.verdict == TLS_VERIFIED || !f->step.url->https))
		watch_redirect(r, &f->step, what);
	if (what->failure != PLAN_NO_FAILURE || what->tls.verdict != TLS_VERIFIED ||
	    f->step.kind == PLAN_PROBE)
		return;
	if (what->http_status == 401 && !f->step.credentialed && is_private(&f->step)) {
		a->offered = offers(what);
		host_record(r, f->step.url->host)->seen |= a->offered;
	}
	if (what->http_status != 200 || what->answer == NULL ||
	    what->answer->kind != ANSWER_SETTINGS || what->answer->n_protocols == 0)
		return;
	if (f->step.language == LANGUAGE_AUTOCONFIG)
		r->fallback_seen = true;
	else if (f->step.language != LANGUAGE_JSON_V2)
		r->settings_seen = true;
	else /* there is more to ask before that is an answer */
		r->part_seen = r->options->one_language;
}

/* DNS is not the host that it names: a company's own may lead inside. */
static void
note_record(struct run *r, const struct srv_record *record)
{
	const char *text = arena_printf(r->w->mem, "https://%s:%u/autodiscover/autodiscover.xml",
	    record->host, (unsigned)record->port);
	struct url url;

	if (url_parse(r->w->mem, slice_of(text), &url, NULL) == USHER_OK)
		note_hop(r, url.text, false);
}

static void
start(struct run *r, const struct plan_step *step)
{
	struct flight *f = r->flights;
	int delay_ms = 0;

	while (f < r->flights + r->n_flights && f->step.id != 0)
		f++;
	if (f == r->flights + FLIGHTS_MAX) {
		broken(r, "too much at once");
		abort();
	}
	if (f == r->flights + r->n_flights)
		r->n_flights++;
	*f = (struct flight){ .step = *step };
	switch (step->kind) {
	case PLAN_RESOLVE:
		r->w->resolve(r->w, step->url->host, &delay_ms, &f->resolution);
		break;
	case PLAN_LOCATE:
		f->location.failure = PLAN_NO_SUCH_NAME;
		if (r->w->locate != NULL)
			r->w->locate(r->w, step->name, &delay_ms, &f->location);
		for (size_t i = 0; i < f->location.n_records; i++)
			note_record(r, &f->location.records[i]);
		break;
	case PLAN_REQUEST:
	case PLAN_PROBE:
		watch_request(r, step);
		f->response.http_status = NUMBER_ABSENT;
		f->response.tls.not_after = f->response.tls.not_before = NUMBER_ABSENT;
		r->w->respond(r->w, step, &delay_ms, &f->response);
		if (delay_ms == NEVER) {
			f->response = (struct plan_response){ .failure = PLAN_TIMED_OUT,
				.http_status = NUMBER_ABSENT };
			delay_ms = (int)step->connect_ms;
		}
		break;
	case PLAN_READ:
		f->response.failure = PLAN_INTERNAL;
		f->response.http_status = NUMBER_ABSENT;
		if (r->w->read != NULL)
			r->w->read(r->w, &f->response);
		break;
	case PLAN_SEARCH:
		f->finding = (struct plan_finding){ .failure = PLAN_UNREACHABLE, .safe = true };
		if (r->w->search != NULL)
			r->w->search(r->w, step->name, &delay_ms, &f->finding);
		for (size_t i = 0; i < f->finding.n_records; i++)
			name_url(r, f->finding.records[i].binding);
		break;
	case PLAN_CONSENT:
		r->w->n_consents++;
		if (!r->options->may_ask)
			broken(r, "asked a person who is not there");
		f->yes = r->w->consent(r->w, step->host);
		if (f->yes && r->n_agreed < WORLD_STEPS_MAX)
			r->agreed[r->n_agreed++] = step->host;
		accept_mailboxes(r);
		break;
	}
	f->due_ms = delay_ms < 0 ? UINT64_MAX : r->now_ms + (uint64_t)delay_ms;
}

/* It is the caller's own: where it leads is the caller's word. */
static void
watch_file(struct run *r, const struct flight *f)
{
	const struct answer *a = f->response.answer;

	if (f->response.failure != PLAN_NO_FAILURE || a == NULL)
		return;
	if (a->kind == ANSWER_SETTINGS && a->n_protocols > 0)
		r->settings_seen = true;
	if (a->kind == ANSWER_REDIRECT_URL)
		name_url(r, a->redirect);
	if (a->kind == ANSWER_REDIRECT_ADDRESS)
		note_mailbox(r, a->redirect);
}

static void
tell(struct run *r, struct flight *f)
{
	uint32_t id = f->step.id;

	f->step.id = 0;
	switch (f->step.kind) {
	case PLAN_RESOLVE:
		plan_resolved(r->plan, r->now_ms, id, &f->resolution);
		break;
	case PLAN_LOCATE:
		plan_located(r->plan, r->now_ms, id, &f->location);
		break;
	case PLAN_REQUEST:
	case PLAN_PROBE:
		watch_response(r, f);
		plan_responded(r->plan, r->now_ms, id, &f->response);
		break;
	case PLAN_READ:
		watch_file(r, f);
		plan_responded(r->plan, r->now_ms, id, &f->response);
		break;
	case PLAN_SEARCH:
		plan_searched(r->plan, r->now_ms, id, &f->finding);
		break;
	case PLAN_CONSENT:
		plan_consented(r->plan, r->now_ms, id, f->yes);
		break;
	}
}

static void
stop(struct run *r, uint32_t id)
{
	for (size_t i = 0; i < r->n_flights; i++) {
		struct flight *f = &r->flights[i];

		if (f->step.id != id)
			continue;
		f->resolution.failure = PLAN_STOPPED;
		f->location.failure = PLAN_STOPPED;
		f->finding.failure = PLAN_STOPPED;
		f->response.failure = PLAN_STOPPED;
		f->response.answer = NULL;
		f->yes = false;
		tell(r, f);
		return;
	}
	broken(r, "stopped what was not under way");
}

/* Lets time pass until the next outcome or `wake_ms`. */
static void
wait_until(struct run *r, uint64_t wake_ms)
{
	struct flight *next = NULL;

	for (size_t i = 0; i < r->n_flights; i++) {
		struct flight *f = &r->flights[i];

		if (f->step.id != 0 && (next == NULL || f->due_ms < next->due_ms))
			next = f;
	}
	if (next != NULL && next->due_ms <= wake_ms && next->due_ms != UINT64_MAX) {
		r->now_ms = next->due_ms > r->now_ms ? next->due_ms : r->now_ms;
		tell(r, next);
		return;
	}
	if (wake_ms == UINT64_MAX || wake_ms <= r->now_ms)
		broken(r, "waits for nothing");
	r->now_ms = wake_ms;
}

static void
check_end(struct run *r)
{
	struct world *w = r->w;
	uint64_t total = r->options->total_ms == 0 ? PLAN_TOTAL_MS : r->options->total_ms;

	bool found = w->result.outcome == OUTCOME_FOUND;

	if (w->elapsed_ms > total)
		broken(r, "over time: %llu ms", (unsigned long long)w->elapsed_ms);
	if (r->settings_seen ? !found : found && !r->fallback_seen && !r->part_seen)
		broken(r, "settings %s seen, and the outcome is %s",
		    r->settings_seen ? "were" : "were not", plan_outcome_name(w->result.outcome));
	/* Where a service refuses the login, settings of another kind would hide that. */
	if (!r->settings_seen && r->fallback_seen && !found &&
	    w->result.outcome != OUTCOME_REJECTED)
		broken(r, "fallback settings were seen, and the outcome is %s",
		    plan_outcome_name(w->result.outcome));
	for (size_t i = 0; i < w->result.n_attempts; i++) {
		if (w->result.attempts[i]->reason == NULL)
			broken(r, "an attempt without a reason: %s", w->result.attempts[i]->url);
		if (w->result.attempts[i]->elapsed_ms < 0)
			broken(r, "an attempt of negative length");
	}
}

void
world_run(struct world *w, const char *address, const struct plan_options *options)
{
	struct run *r = malloc(sizeof(*r));
	struct address who;
	size_t steps = 0;

	if (r == NULL || address_parse(w->mem, slice_of(address), &who, NULL) != USHER_OK)
		abort();
	memset(r, 0, offsetof(struct run, asked));
	r->w = w;
	r->options = options;
	r->now_ms = START_MS;
	w->fault[0] = '\0';
	note_mailbox(r, who.text);
	name_url(r, options->last_known_good);
	if (plan_new(w->mem, &who, options, r->now_ms, &r->plan, NULL) != USHER_OK)
		abort();
	for (bool done = false; !done && w->fault[0] == '\0';) {
		struct plan_step step;
		uint64_t wake_ms;

		switch (plan_next(r->plan, r->now_ms, &step, &wake_ms)) {
		case PLAN_START:
			start(r, &step);
			break;
		case PLAN_STOP:
			stop(r, step.id);
			break;
		case PLAN_WAIT:
			wait_until(r, wake_ms);
			break;
		case PLAN_DONE:
			done = true;
			break;
		}
		if (++steps > 4 * WORLD_STEPS_MAX)
			broken(r, "does not end");
	}
	if (plan_status(r->plan) != USHER_OK)
		broken(r, "out of memory");
	plan_result(r->plan, &w->result);
	w->elapsed_ms = r->now_ms - START_MS;
	if (w->fault[0] == '\0')
		check_end(r);
	free(r);
}
