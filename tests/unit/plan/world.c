/* world.c - performs a plan's steps in virtual time and watches its rules. */
#include "world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { FLIGHTS_MAX = 16, START_MS = 1000000 };

struct flight {
	struct plan_step step; /* id 0: free */
	uint64_t due_ms;
	struct plan_resolution resolution;
	struct plan_location location;
	struct plan_response response;
	bool yes;
};

struct asked {
	const char *address;
	const char *url;
	const char *host;
	bool credentialed;
	bool challenged; /* answered with 401, Basic, over verified TLS */
};

struct run {
	struct world *w;
	struct plan *plan;
	const struct plan_options *options;
	const char *domain; /* of the first address */
	uint64_t now_ms;
	struct flight flights[FLIGHTS_MAX];
	struct asked asked[WORLD_STEPS_MAX];
	size_t n_asked;
	const char *agreed[WORLD_STEPS_MAX]; /* hosts and domains consented to */
	size_t n_agreed;
	const char *refusers[WORLD_STEPS_MAX]; /* hosts that said 401 to the password */
	size_t n_refusers;
	size_t n_failures; /* times the password was sent, and no host took it */
	bool settings_seen;
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
		       strcmp(host, arena_printf(r->w->mem, "autodiscover.%s", domain)) == 0;
	if (!step->url->ip_literal &&
	    (domain_same_site(r->domain, host) || domain_same_site(domain, host)))
		return true;
	/* A mailbox that was asked for was reached by a trusted redirectAddr. */
	for (size_t i = 0; !step->url->ip_literal && i < r->n_asked; i++) {
		if (domain_same_site(strrchr(r->asked[i].address, '@') + 1, host))
			return true;
	}
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

static struct asked *
find_asked(struct run *r, const struct plan_step *step, bool credentialed)
{
	for (size_t i = 0; i < r->n_asked; i++) {
		struct asked *a = &r->asked[i];

		if (a->credentialed == credentialed && strcmp(a->address, step->address) == 0 &&
		    slice_eq_nocase(slice_of(a->url), slice_of(step->url->text)))
			return a;
	}
	return NULL;
}

static void
watch_login(struct run *r, const struct plan_step *step)
{
	const struct asked *before = find_asked(r, step, false);

	r->w->n_credentialed++;
	if (!r->options->schemes)
		broken(r, "credentials out of nothing");
	if (before == NULL || !before->challenged)
		broken(r, "credentials before a challenge: %s", step->url->text);
	if (r->n_failures >= PLAN_REFUSALS_MAX)
		broken(r, "the password goes out after %zu failures", r->n_failures);
	for (size_t i = 0; i < r->n_refusers; i++) {
		if (strcmp(r->refusers[i], step->url->host) == 0)
			broken(r, "the password goes again to %s", step->url->host);
	}
	for (size_t i = 0; i < FLIGHTS_MAX; i++) {
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
	if (find_asked(r, step, step->credentialed) != NULL)
		broken(r, "asked twice: %s for %s", step->url->text, step->address);
	if (!has_right(r, step))
		broken(r, "asked a host without a right: %s", step->url->text);
	if (step->credentialed)
		watch_login(r, step);
	r->asked[r->n_asked++] = (struct asked){
		.address = step->address,
		.url = step->url->text,
		.host = step->url->host,
		.credentialed = step->credentialed,
	};
}

static bool
offers_basic(const struct plan_response *response)
{
	for (size_t i = 0; i < response->challenges.n; i++) {
		if (slice_starts_nocase(
			slice_of(response->challenges.v[i]), SLICE_LITERAL("Basic realm=\"c")))
			return true;
	}
	return false;
}

static void
watch_response(struct run *r, const struct flight *f)
{
	struct asked *a = find_asked(r, &f->step, f->step.credentialed);
	const struct plan_response *what = &f->response;

	if (f->step.credentialed && (what->failure != PLAN_NO_FAILURE || what->http_status == 401))
		r->n_failures += what->failure != PLAN_TLS && what->failure != PLAN_REFUSED &&
				 what->failure != PLAN_UNREACHABLE;
	if (f->step.credentialed && what->failure == PLAN_NO_FAILURE && what->http_status == 401)
		r->refusers[r->n_refusers++] = f->step.url->host;
	if (what->failure != PLAN_NO_FAILURE || what->tls.verdict != TLS_VERIFIED ||
	    f->step.kind == PLAN_PROBE)
		return;
	a->challenged = what->http_status == 401 && offers_basic(what);
	if (what->http_status == 200 && what->answer != NULL &&
	    what->answer->kind == ANSWER_SETTINGS && what->answer->n_protocols > 0)
		r->settings_seen = true;
}

static void
start(struct run *r, const struct plan_step *step)
{
	struct flight *f = r->flights;
	int delay_ms = 0;

	while (f < r->flights + FLIGHTS_MAX && f->step.id != 0)
		f++;
	if (f == r->flights + FLIGHTS_MAX) {
		broken(r, "too much at once");
		abort();
	}
	*f = (struct flight){ .step = *step };
	switch (step->kind) {
	case PLAN_RESOLVE:
		r->w->resolve(r->w, step->url->host, &delay_ms, &f->resolution);
		break;
	case PLAN_LOCATE:
		f->location.failure = PLAN_NO_SUCH_NAME;
		if (r->w->locate != NULL)
			r->w->locate(r->w, step->name, &delay_ms, &f->location);
		break;
	case PLAN_REQUEST:
	case PLAN_PROBE:
		watch_request(r, step);
		f->response.http_status = NUMBER_ABSENT;
		f->response.tls.not_after = f->response.tls.not_before = NUMBER_ABSENT;
		r->w->respond(r->w, step, &delay_ms, &f->response);
		break;
	case PLAN_CONSENT:
		r->w->n_consents++;
		if (!r->options->may_ask)
			broken(r, "asked a person who is not there");
		f->yes = r->w->consent(r->w, step->host);
		if (f->yes && r->n_agreed < WORLD_STEPS_MAX)
			r->agreed[r->n_agreed++] = step->host;
		break;
	}
	f->due_ms = delay_ms == NEVER ? UINT64_MAX : r->now_ms + (uint64_t)delay_ms;
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
	case PLAN_CONSENT:
		plan_consented(r->plan, r->now_ms, id, f->yes);
		break;
	}
}

static void
stop(struct run *r, uint32_t id)
{
	for (size_t i = 0; i < FLIGHTS_MAX; i++) {
		struct flight *f = &r->flights[i];

		if (f->step.id != id)
			continue;
		f->resolution.failure = PLAN_STOPPED;
		f->location.failure = PLAN_STOPPED;
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

	for (size_t i = 0; i < FLIGHTS_MAX; i++) {
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

	if (w->elapsed_ms > total)
		broken(r, "over time: %llu ms", (unsigned long long)w->elapsed_ms);
	if (r->settings_seen != (w->result.outcome == OUTCOME_FOUND))
		broken(r, "settings %s seen, and the outcome is %s",
		    r->settings_seen ? "were" : "were not", plan_outcome_name(w->result.outcome));
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
	struct run *r = calloc(1, sizeof(*r));
	struct address who;
	size_t steps = 0;

	if (r == NULL || address_parse(w->mem, slice_of(address), &who, NULL) != USHER_OK)
		abort();
	r->w = w;
	r->options = options;
	r->domain = who.domain;
	r->now_ms = START_MS;
	w->fault[0] = '\0';
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
