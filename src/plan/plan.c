/* plan.c - the search from its beginning to its end: which step is next. */
#include "plan/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "plan/inside.h"

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
	if (options->order != NULL && !source_order_valid(options->order))
		return err_set(err, USHER_E_USAGE, NULL,
		    "`%s` is no order of sources: use the letters A to H, J and M, each once",
		    options->order);
	*o = *options;
	for (size_t i = 0; i < options->n_offers; i++)
		login_note_offer(
		    p, record_text(p, options->offers[i].host), options->offers[i].schemes);
	o->trust_hosts = record_list(p, &options->trust_hosts);
	o->resolve_ms = o->resolve_ms == 0 ? PLAN_RESOLVE_MS : o->resolve_ms;
	o->connect_ms = o->connect_ms == 0 ? PLAN_CONNECT_MS : o->connect_ms;
	o->request_ms = o->request_ms == 0 ? PLAN_REQUEST_MS : o->request_ms;
	o->total_ms = o->total_ms == 0 ? PLAN_TOTAL_MS : o->total_ms;
	o->grace_ms = o->grace_ms == 0 ? PLAN_GRACE_MS : o->grace_ms;
	o->local_xml = record_text(p, o->local_xml);
	o->directory = record_text(p, o->directory);
	p->site = record_text(p, o->site);
	if (o->order != NULL)
		o->order = arena_strdup(p->mem, o->order);
	else if (o->one_language && o->language == LANGUAGE_JSON_V2)
		o->order = "J";
	else
		o->order = source_order(o->prefer_local_xml);
	return p->status == USHER_OK && o->order != NULL ? USHER_OK : err_nomem(err, NULL);
}

/* A URL that once gave the settings is still no reason to give up a rule. */
static usher_status
read_last_known_good(struct plan *p, struct usher_error *err)
{
	const char *text = p->options.last_known_good;
	struct url *url = &p->last_known_good;
	usher_status st;

	if (text == NULL)
		return USHER_OK;
	st = url_parse(p->mem, slice_of(text), url, NULL);
	if (st == USHER_E_NOMEM)
		return err_nomem(err, NULL);
	if (st != USHER_OK || !url->https || url->userinfo)
		return err_set(err, USHER_E_USAGE, NULL,
		    "`%s` cannot have given settings: an https URL is needed", text);
	return USHER_OK;
}

static void
go_on_from(struct plan *p, const struct plan *before)
{
	memcpy(p->words, before->words, sizeof(p->words));
	p->n_words = before->n_words;
	p->failures = before->failures;
	p->password_bad = before->password_bad;
	p->failed_at = before->failed_at;
	memcpy(p->refused_realms, before->refused_realms, sizeof(p->refused_realms));
	p->n_refused = before->n_refused;
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
	if (options->before != NULL)
		go_on_from(p, options->before);
	st = copy_options(p, options, err);
	if (st == USHER_OK)
		st = read_last_known_good(p, err);
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
		mailbox_begin(p, who, 0, 0, now_ms);
	}
	if (p->status != USHER_OK)
		return err_nomem(err, NULL);
	*out = p;
	return USHER_OK;
}

/* ---- the end ---- */

static enum plan_outcome
negative_outcome(const struct plan *p)
{
	static const enum plan_outcome order[] = { OUTCOME_REJECTED, OUTCOME_BLOCKED,
		OUTCOME_UNAVAILABLE };

	/* A service that knows the question and says no outweighs another's silence. */
	for (size_t i = 0; i < COUNT_OF(order); i++) {
		if (order[i] == OUTCOME_UNAVAILABLE && p->refusal.answer != NULL)
			break;
		if (p->why[order[i]] != NULL)
			return order[i];
	}
	return OUTCOME_NOT_FOUND;
}

/* Every step under way has told its outcome. */
static void
conclude(struct plan *p, uint64_t now_ms)
{
	const struct lane *w = p->winner;

	for (size_t i = 0; i < p->n_lanes; i++)
		lane_close(p, p->lanes[i], now_ms);
	if (w != NULL)
		p->found = (struct find){ w->attempt, w->answer, w->address->text, w->language };
	p->outcome = w != NULL ? OUTCOME_FOUND : negative_outcome(p);
	p->phase = PHASE_DONE;
	p->end_ms = now_ms;
}

/* ---- steps ---- */

static bool
getting_on(const struct lane *l)
{
	return lane_has_hope(l) && l->state != LANE_CONSENT;
}

static bool
asking(const struct lane *l)
{
	return l->state == LANE_CONSENT && l->id != 0;
}

/* Another lane that may spare us the question to a person. Those that wait for this one do not. */
static bool
another_may_do(const struct plan *p, const struct lane *l, uint64_t now_ms)
{
	bool better = true;

	for (size_t i = 0; i < p->n_lanes; i++) {
		const struct lane *other = p->lanes[i];

		if (other == l)
			better = false;
		else if (asking(other))
			return true;
		else if (!better && other->yields)
			continue;
		else if (other->state == LANE_WON)
			return true;
		else if (getting_on(other) && now_ms - l->since_ms < PLAN_CONSENT_MS)
			return true;
	}
	return false;
}

static bool
may_login(const struct plan *p, const struct lane *l, uint64_t now_ms)
{
	bool better = true;

	for (size_t i = 0; i < p->n_lanes; i++) {
		const struct lane *other = p->lanes[i];

		if (other == l)
			better = false;
		else if (other->state == LANE_LOGIN && other->id != 0)
			return false;
		else if (better && other->state == LANE_WON)
			return false;
	}
	return now_ms >= precedence_overtaken_until(p, l);
}

/* The autodiscover host is where a service would be: without it, the fallbacks' hour has come. */
static bool
guide_has_hope(const struct plan *p, const struct lane *l)
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		if (p->lanes[i]->row->source == SOURCE_AUTODISCOVER &&
		    p->lanes[i]->address == l->address)
			return lane_has_hope(p->lanes[i]);
	}
	return false;
}

static bool
may_begin(const struct plan *p, const struct lane *l, uint64_t now_ms)
{
	return now_ms >= l->begin_ms || (l->late && !guide_has_hope(p, l)) ||
	       !precedence_has_rival(p, l);
}

static bool
may_start(const struct plan *p, const struct lane *l, uint64_t now_ms)
{
	if (l->id != 0 || !lane_has_hope(l))
		return false;
	if (l->begin_ms == UINT64_MAX && !may_begin(p, l, now_ms))
		return false;
	switch (l->state) {
	case LANE_RESOLVE:
		return name_find(p, l->url.host) == NULL;
	case LANE_ASK:
		return may_begin(p, l, now_ms);
	case LANE_LOGIN:
		return may_login(p, l, now_ms);
	case LANE_CONSENT:
		return !another_may_do(p, l, now_ms);
	default:
		return true;
	}
}

/* When a lane that cannot start now should be looked at again. */
static uint64_t
wake_for(const struct plan *p, const struct lane *l)
{
	if (l->id != 0)
		return l->stopped ? UINT64_MAX : l->deadline_ms;
	if (l->state == LANE_CONSENT)
		return l->since_ms + PLAN_CONSENT_MS;
	if (l->state == LANE_ASK)
		return l->begin_ms;
	if (l->state == LANE_LOGIN || l->state == LANE_WON)
		return precedence_overtaken_until(p, l);
	return UINT64_MAX;
}

/* A waiting lane whose hour has passed waits for another lane's outcome, not for the clock. */
static uint64_t
next_wake(const struct plan *p, uint64_t now_ms)
{
	uint64_t wake = p->phase == PHASE_RUNNING ? p->start_ms + p->options.total_ms : UINT64_MAX;

	for (size_t i = 0; i < p->n_lanes; i++) {
		uint64_t at = wake_for(p, p->lanes[i]);

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
		if (p->lanes[i]->id != 0)
			return true;
	}
	return false;
}

static bool
find_stop(struct plan *p, uint64_t now_ms, struct plan_step *step)
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		struct lane *l = p->lanes[i];

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
		struct lane *l = p->lanes[i];

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
			precedence_settle(p, now_ms);
		if (find_stop(p, now_ms, step))
			return PLAN_STOP;
		if (p->phase == PHASE_RUNNING && find_start(p, now_ms, step))
			return PLAN_START;
		if (p->phase == PHASE_RUNNING || any_under_way(p)) {
			*wake_ms = next_wake(p, now_ms);
			return PLAN_WAIT;
		}
		conclude(p, now_ms);
	}
	return PLAN_DONE;
}

/* ---- outcomes ---- */

/* The lane whose step `id` is; NULL when it is nobody's. */
static struct lane *
lane_of(struct plan *p, uint32_t id)
{
	for (size_t i = 0; id != 0 && i < p->n_lanes; i++) {
		if (p->lanes[i]->id == id)
			return p->lanes[i];
	}
	return NULL;
}

/* When all is decided, an outcome only completes the record. */
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
	lane_close(p, l, now_ms);
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
plan_searched(struct plan *p, uint64_t now_ms, uint32_t id, const struct plan_finding *what)
{
	struct lane *l = lane_of(p, id);

	if (l != NULL && l->state == LANE_SEARCH && !clears(p, l, NULL, now_ms))
		lane_searched(p, l, what, now_ms);
}

void
plan_responded(struct plan *p, uint64_t now_ms, uint32_t id, const struct plan_response *what)
{
	struct lane *l = lane_of(p, id);

	if (l != NULL &&
	    (l->state == LANE_READ || l->state == LANE_ASK || l->state == LANE_LOGIN) &&
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
	const struct find *f = p->outcome == OUTCOME_FOUND ? &p->found : &p->refusal;

	if (p->outcome == OUTCOME_FOUND)
		reason = "the settings were found";
	else if (reason == NULL || (p->outcome == OUTCOME_NOT_FOUND && f->answer == NULL))
		reason = "no host made from the mail domain answers as Autodiscover";
	*out = (struct plan_result){
		.outcome = p->outcome,
		.reason = reason,
		.won = p->found.attempt,
		.answer = f->answer,
		.address = f->answer != NULL ? f->address : plan_address(p)->text,
		.language = f->language,
		.attempts = (const struct attempt *const *)p->attempts,
		.n_attempts = p->n_attempts,
		.elapsed_ms = (int64_t)(p->end_ms - p->start_ms),
	};
}
