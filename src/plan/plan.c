/* plan.c - rounds, precedence and time: which step is next, and when the search is over. */
#include "plan/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "plan/inside.h"

/* All names are looked up at once; a better source is preferred while it is within its grace
 * (http-discovery.md 16). */
static const struct source_row sources[] = {
	{ SOURCE_AUTODISCOVER, "https://autodiscover.", 0, false },
	{ SOURCE_ROOT, "https://", 0, true },
	{ SOURCE_HTTP_REDIRECT, "http://autodiscover.", PLAN_STAGGER_MS, true },
	{ SOURCE_SRV, NULL, 2 * PLAN_STAGGER_MS, false },
};

_Static_assert(COUNT_OF(sources) <= SOURCES_MAX, "room for a lane per source");

const char *
plan_outcome_name(enum plan_outcome outcome)
{
	switch (outcome) {
	case OUTCOME_FOUND:
		return "found";
	case OUTCOME_NOT_FOUND:
		return "not-found";
	case OUTCOME_REJECTED:
		return "rejected";
	case OUTCOME_BLOCKED:
		return "blocked";
	case OUTCOME_UNAVAILABLE:
		return "unavailable";
	}
	return "unknown";
}

/* ---- beginning ---- */

static void
begin_lane(struct plan *p, const struct source_row *row, uint64_t now_ms)
{
	struct lane *l = &p->lanes[p->n_lanes++];
	const char *text;
	struct url url = { .text = "" };
	usher_status st = USHER_E_NOMEM;

	*l = (struct lane){ .row = row };
	if (row->source == SOURCE_SRV) {
		lane_locate(p, l, now_ms);
		return;
	}
	text =
	    arena_printf(p->mem, "%s%s%s", row->start, plan_address(p)->domain, AUTODISCOVER_PATH);
	if (text != NULL)
		st = url_parse(p->mem, slice_of(text), &url, NULL);
	if (st == USHER_E_NOMEM) {
		p->status = st;
		return;
	}
	if (st == USHER_OK) {
		lane_begin(p, l, &url, now_ms);
		return;
	}
	/* `autodiscover.` in front can make a name longer than names may be. */
	l->url.text = text;
	l->attempt = record_begin(p, l, now_ms);
	if (l->attempt != NULL)
		lane_lose(p, l, now_ms, RESULT_UNREACHABLE, OUTCOME_NOT_FOUND,
		    "no host can have that name");
	else
		l->state = LANE_LOST;
}

static void
begin_round(struct plan *p, const struct address *address, uint64_t now_ms)
{
	p->addresses[p->n_addresses++] = address;
	p->phase = PHASE_RUNNING;
	p->round_ms = now_ms;
	p->winner = NULL;
	p->n_lanes = 0;
	p->refusal = NULL;
	memset(p->why, 0, sizeof(p->why));
	for (size_t i = 0; i < COUNT_OF(sources); i++)
		begin_lane(p, &sources[i], now_ms);
}

static usher_status
copy_options(struct plan *p, const struct plan_options *options, struct usher_error *err)
{
	struct plan_options *o = &p->options;

	if (options->trust_hosts.n > PLAN_TRUST_HOSTS_MAX)
		return err_set(
		    err, USHER_E_LIMIT, NULL, "more than %d trusted hosts", PLAN_TRUST_HOSTS_MAX);
	if (options->n_offers > PLAN_OFFERS_MAX)
		return err_set(
		    err, USHER_E_LIMIT, NULL, "offers of more than %d hosts", PLAN_OFFERS_MAX);
	*o = *options;
	for (size_t i = 0; i < options->n_offers; i++)
		login_note_offer(
		    p, record_text(p, options->offers[i].host), options->offers[i].schemes);
	o->trust_hosts = record_list(p, &options->trust_hosts);
	o->resolve_ms = o->resolve_ms == 0 ? PLAN_RESOLVE_MS : o->resolve_ms;
	o->request_ms = o->request_ms == 0 ? PLAN_REQUEST_MS : o->request_ms;
	o->total_ms = o->total_ms == 0 ? PLAN_TOTAL_MS : o->total_ms;
	o->grace_ms = o->grace_ms == 0 ? PLAN_GRACE_MS : o->grace_ms;
	return p->status == USHER_OK ? USHER_OK : err_nomem(err, NULL);
}

static struct address *
copy_address(struct arena *mem, const struct address *from)
{
	struct address *a = arena_alloc(mem, sizeof(*a));

	if (a == NULL)
		return NULL;
	*a = (struct address){
		.text = arena_strdup(mem, from->text),
		.key = arena_strdup(mem, from->key),
		.local = arena_strdup(mem, from->local),
		.domain = arena_strdup(mem, from->domain),
		.domain_text = arena_strdup(mem, from->domain_text),
	};
	return a->text == NULL || a->key == NULL || a->local == NULL || a->domain == NULL ||
		       a->domain_text == NULL ?
		   NULL :
		   a;
}

usher_status
plan_new(struct arena *mem, const struct address *address, const struct plan_options *options,
    uint64_t now_ms, struct plan **out, struct usher_error *err)
{
	struct plan *p = arena_zalloc(mem, sizeof(*p));
	struct address *who = copy_address(mem, address);
	usher_status st;

	if (p == NULL || who == NULL)
		return err_nomem(err, NULL);
	p->mem = mem;
	p->start_ms = now_ms;
	st = copy_options(p, options, err);
	if (st != USHER_OK)
		return st;

	if (domain_is_public_suffix(who->domain)) {
		p->addresses[p->n_addresses++] = who;
		p->why[OUTCOME_BLOCKED] = arena_printf(mem,
		    "%s: anybody can register a host below that domain; use the whole mail domain",
		    who->domain);
		p->outcome = OUTCOME_BLOCKED;
		p->phase = PHASE_DONE;
		p->end_ms = now_ms;
	} else {
		begin_round(p, who, now_ms);
	}
	if (p->status != USHER_OK)
		return err_nomem(err, NULL);
	*out = p;
	return USHER_OK;
}

/* ---- the end of a round ---- */

static void
clear_round(struct plan *p, const struct lane *winner)
{
	p->phase = PHASE_CLEARING;
	p->winner = winner;
}

static enum plan_outcome
negative_outcome(const struct plan *p)
{
	static const enum plan_outcome order[] = { OUTCOME_REJECTED, OUTCOME_BLOCKED,
		OUTCOME_UNAVAILABLE };

	/* A service that knows the question and says no outweighs another's silence. */
	for (size_t i = 0; i < COUNT_OF(order); i++) {
		if (order[i] == OUTCOME_UNAVAILABLE && p->refusal != NULL)
			break;
		if (p->why[order[i]] != NULL)
			return order[i];
	}
	return OUTCOME_NOT_FOUND;
}

static void
conclude(struct plan *p, uint64_t now_ms)
{
	p->phase = PHASE_DONE;
	p->end_ms = now_ms;
	if (p->found.attempt == NULL)
		p->found = p->spare;
	if (p->found.attempt != NULL)
		p->outcome = OUTCOME_FOUND;
	else
		p->outcome = negative_outcome(p);
}

/* A lane's last word in a round that is over. */
static void
close_lane(struct plan *p, struct lane *l, uint64_t now_ms)
{
	if (l->state == LANE_LOST || l->state == LANE_WON)
		return;
	if (p->winner != NULL)
		lane_cancel(p, l, "not needed any more: a better source had answered", now_ms);
	else
		lane_lose(p, l, now_ms, RESULT_UNREACHABLE, OUTCOME_UNAVAILABLE,
		    "it was not through when the time for the whole search was over");
}

static struct find
find_of(const struct plan *p, const struct lane *l)
{
	return (struct find){ l->attempt, l->answer, plan_address(p)->text };
}

/* Every step under way has told its outcome. */
static void
end_round(struct plan *p, uint64_t now_ms)
{
	const struct lane *w = p->winner;

	for (size_t i = 0; i < p->n_lanes; i++)
		close_lane(p, &p->lanes[i], now_ms);
	if (w != NULL && w->answer != NULL)
		p->found = find_of(p, w);
	if (w == NULL || w->answer != NULL || p->status != USHER_OK) {
		conclude(p, now_ms);
		return;
	}
	for (size_t i = 0; i < p->n_lanes; i++) {
		if (p->spare.attempt == NULL && p->lanes[i].answer != NULL)
			p->spare = find_of(p, &p->lanes[i]);
	}
	p->redirects++;
	begin_round(p, w->next_address, now_ms);
}

static bool
time_is_up(const struct plan *p, uint64_t now_ms)
{
	return now_ms - p->start_ms >= p->options.total_ms;
}

static bool
has_rival(const struct plan *p, const struct lane *l)
{
	for (const struct lane *better = p->lanes; better < l; better++) {
		if (better->state != LANE_LOST && better->state != LANE_WON)
			return true;
	}
	return false;
}

/* Whether a better source than `l` may still answer and has not used up its grace. */
static bool
may_be_overtaken(const struct plan *p, const struct lane *l, uint64_t now_ms)
{
	return now_ms - l->promising_ms < p->options.grace_ms && has_rival(p, l);
}

static const struct lane *
best_winner(const struct plan *p)
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		if (p->lanes[i].state == LANE_WON)
			return &p->lanes[i];
	}
	return NULL;
}

static bool
all_lost(const struct plan *p)
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		if (p->lanes[i].state != LANE_LOST)
			return false;
	}
	return true;
}

/* Who waits to send a password that has failed need not. */
static void
drop_logins(struct plan *p, uint64_t now_ms)
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		struct lane *l = &p->lanes[i];

		if (l->state == LANE_LOGIN && l->id == 0 && !login_has_hope(p, l))
			login_give_up(p, l, now_ms);
	}
}

/* Somebody has spoken about that host already. */
static void
spare_questions(struct plan *p, uint64_t now_ms)
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		struct lane *l = &p->lanes[i];
		const struct word *word = NULL;

		if (l->state == LANE_CONSENT && l->id == 0)
			word = redirect_said(p, l->next_host);
		if (word != NULL)
			lane_consented(p, l, word->yes, now_ms);
	}
}

/* Looks whether the round is decided. */
static void
settle(struct plan *p, uint64_t now_ms)
{
	const struct lane *w;
	bool late = time_is_up(p, now_ms);

	spare_questions(p, now_ms);
	drop_logins(p, now_ms);
	w = best_winner(p);
	if (w != NULL && (late || !may_be_overtaken(p, w, now_ms)))
		clear_round(p, w);
	else if (late || all_lost(p) || p->status != USHER_OK)
		clear_round(p, NULL);
}

/* ---- steps ---- */

static bool
another_is(const struct plan *p, const struct lane *l, bool (*busy)(const struct lane *))
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		if (&p->lanes[i] != l && busy(&p->lanes[i]))
			return true;
	}
	return false;
}

static bool
logging_in(const struct lane *l)
{
	return l->state == LANE_LOGIN && l->id != 0;
}

static bool
asking(const struct lane *l)
{
	return l->state == LANE_CONSENT && l->id != 0;
}

static bool
getting_on(const struct lane *l)
{
	return l->state == LANE_LOCATE || l->state == LANE_RESOLVE || l->state == LANE_ASK ||
	       l->state == LANE_LOGIN;
}

static bool
has_won(const struct lane *l)
{
	return l->state == LANE_WON;
}

static bool
may_start(const struct plan *p, const struct lane *l, uint64_t now_ms)
{
	if (l->id != 0)
		return false;
	switch (l->state) {
	case LANE_LOCATE:
	case LANE_RESOLVE:
		return true;
	case LANE_ASK:
		return now_ms - p->round_ms >= l->row->wait_ms || !has_rival(p, l);
	case LANE_LOGIN:
		return !another_is(p, l, logging_in) && !may_be_overtaken(p, l, now_ms);
	case LANE_CONSENT:
		return !another_is(p, l, has_won) && !another_is(p, l, asking) &&
		       (!another_is(p, l, getting_on) || now_ms - l->since_ms >= PLAN_PATIENCE_MS);
	default:
		return false;
	}
}

/* When a lane that cannot start now should be looked at again. */
static uint64_t
wake_for(const struct plan *p, const struct lane *l)
{
	if (l->id != 0)
		return l->stopped ? UINT64_MAX : l->deadline_ms;
	if (l->state == LANE_CONSENT)
		return l->since_ms + PLAN_PATIENCE_MS;
	if (l->state == LANE_ASK)
		return p->round_ms + l->row->wait_ms;
	if (l->state == LANE_LOGIN || l->state == LANE_WON)
		return l->promising_ms + p->options.grace_ms;
	return UINT64_MAX;
}

/* A waiting lane whose hour has passed waits for another lane's outcome, not for the clock. */
static uint64_t
next_wake(const struct plan *p, uint64_t now_ms)
{
	uint64_t wake = p->phase == PHASE_RUNNING ? p->start_ms + p->options.total_ms : UINT64_MAX;

	for (size_t i = 0; i < p->n_lanes; i++) {
		uint64_t at = wake_for(p, &p->lanes[i]);

		if (at > now_ms && at < wake)
			wake = at;
	}
	return wake;
}

static bool
must_stop(const struct plan *p, const struct lane *l, uint64_t now_ms)
{
	if (l->id == 0 || l->stopped)
		return false;
	return p->phase == PHASE_CLEARING || now_ms >= l->deadline_ms;
}

static bool
any_under_way(const struct plan *p)
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		if (p->lanes[i].id != 0)
			return true;
	}
	return false;
}

static bool
find_stop(struct plan *p, uint64_t now_ms, struct plan_step *step)
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		struct lane *l = &p->lanes[i];

		if (must_stop(p, l, now_ms)) {
			l->stopped = true;
			*step = (struct plan_step){ .id = l->id };
			return true;
		}
	}
	return false;
}

static bool
find_start(struct plan *p, uint64_t now_ms, struct plan_step *step)
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		struct lane *l = &p->lanes[i];

		if (may_start(p, l, now_ms) && lane_start(p, l, now_ms, step))
			return true;
	}
	return false;
}

enum plan_advice
plan_next(struct plan *p, uint64_t now_ms, struct plan_step *step, uint64_t *wake_ms)
{
	while (p->phase != PHASE_DONE) {
		if (p->phase == PHASE_RUNNING)
			settle(p, now_ms);
		if (find_stop(p, now_ms, step))
			return PLAN_STOP;
		if (p->phase == PHASE_RUNNING && find_start(p, now_ms, step))
			return PLAN_START;
		if (p->phase == PHASE_RUNNING || any_under_way(p)) {
			*wake_ms = next_wake(p, now_ms);
			return PLAN_WAIT;
		}
		end_round(p, now_ms);
	}
	return PLAN_DONE;
}

/* ---- outcomes ---- */

/* The lane whose step `id` is; NULL when it is nobody's. */
static struct lane *
lane_of(struct plan *p, uint32_t id)
{
	for (size_t i = 0; id != 0 && i < p->n_lanes; i++) {
		if (p->lanes[i].id == id)
			return &p->lanes[i];
	}
	return NULL;
}

/* While a round is being cleared, an outcome only completes the record. */
static bool
clears(struct plan *p, struct lane *l, const struct plan_response *what, uint64_t now_ms)
{
	if (p->phase != PHASE_CLEARING)
		return false;
	if (what != NULL) {
		record_response(p, l->attempt, what);
		if (l->state == LANE_LOGIN)
			login_note_sent(l, what);
	}
	close_lane(p, l, now_ms);
	return true;
}

void
plan_resolved(struct plan *p, uint64_t now_ms, uint32_t id, const struct plan_resolution *what)
{
	struct lane *l = lane_of(p, id);

	if (l != NULL && l->state == LANE_RESOLVE && !clears(p, l, NULL, now_ms))
		lane_resolved(p, l, what, now_ms);
}

void
plan_located(struct plan *p, uint64_t now_ms, uint32_t id, const struct plan_location *what)
{
	struct lane *l = lane_of(p, id);

	if (l != NULL && l->state == LANE_LOCATE && !clears(p, l, NULL, now_ms))
		lane_located(p, l, what, now_ms);
}

void
plan_responded(struct plan *p, uint64_t now_ms, uint32_t id, const struct plan_response *what)
{
	struct lane *l = lane_of(p, id);

	if (l != NULL && (l->state == LANE_ASK || l->state == LANE_LOGIN) &&
	    !clears(p, l, what, now_ms))
		lane_responded(p, l, what, now_ms);
}

void
plan_consented(struct plan *p, uint64_t now_ms, uint32_t id, bool yes)
{
	struct lane *l = lane_of(p, id);

	if (l == NULL || l->state != LANE_CONSENT || clears(p, l, NULL, now_ms))
		return;
	redirect_word(p, l->next_host, yes);
	lane_consented(p, l, yes, now_ms);
}

const struct attempt *const *
plan_attempts(const struct plan *p, size_t *n)
{
	*n = p->n_attempts;
	return (const struct attempt *const *)p->attempts;
}

usher_status
plan_status(const struct plan *p)
{
	return p->status;
}

void
plan_result(const struct plan *p, struct plan_result *out)
{
	const char *reason = p->why[p->outcome];

	if (p->outcome == OUTCOME_FOUND)
		reason = "the settings were found";
	else if (reason == NULL || (p->outcome == OUTCOME_NOT_FOUND && p->refusal == NULL))
		reason = "no host made from the mail domain answers as Autodiscover";
	*out = (struct plan_result){
		.outcome = p->outcome,
		.reason = reason,
		.won = p->found.attempt,
		.answer = p->outcome == OUTCOME_FOUND ? p->found.answer : p->refusal,
		.address = p->outcome == OUTCOME_FOUND ? p->found.address : plan_address(p)->text,
		.attempts = (const struct attempt *const *)p->attempts,
		.n_attempts = p->n_attempts,
		.elapsed_ms = (int64_t)(p->end_ms - p->start_ms),
	};
}
