/* precedence.c - who may overtake whom, what nobody needs any more, and whether it is decided. */
#include <string.h>

#include "plan/inside.h"

static bool
time_is_up(const struct plan *p, uint64_t now_ms)
{
	return now_ms - p->start_ms >= p->options.total_ms;
}

bool
precedence_has_rival(const struct plan *p, const struct lane *l)
{
	for (size_t i = 0; p->lanes[i] != l; i++) {
		if (lane_has_hope(p->lanes[i]))
			return true;
	}
	return false;
}

static uint64_t
later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* A directory is known to be there: its word is waited for, and then its hosts have the same grace
 * as others. */
uint64_t
precedence_overtaken_until(const struct plan *p, const struct lane *l)
{
	uint64_t until = 0;

	for (size_t i = 0; p->lanes[i] != l; i++) {
		const struct lane *better = p->lanes[i];

		if (!lane_has_hope(better))
			continue;
		if (l->yields || better->state == LANE_SEARCH)
			return UINT64_MAX;
		until =
		    later(until, later(l->promising_ms, better->ready_ms) + p->options.grace_ms);
	}
	return until;
}

static struct lane *
best_winner(const struct plan *p, bool settings_only)
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		struct lane *l = p->lanes[i];

		if (l->state == LANE_WON && (l->answer != NULL || !settings_only))
			return l;
	}
	return NULL;
}

static bool
all_lost(const struct plan *p)
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		if (p->lanes[i]->state != LANE_LOST)
			return false;
	}
	return true;
}

static size_t
place_of(const struct plan *p, const struct lane *l)
{
	size_t i = 0;

	while (p->lanes[i] != l)
		i++;
	return i;
}

/* The sources of the mailbox that `l` sends us to take its place. What is worse stays where it is,
 * in case they all lose, and begins nothing before: `l` with its further hosts as well. */
static void
go_on_with(struct plan *p, struct lane *l, uint64_t now_ms)
{
	size_t at = place_of(p, l);

	/* Another source may have sent us there meanwhile. */
	if (!redirect_asked_for(p, l->next_address)) {
		for (size_t i = at; i < p->n_lanes; i++) {
			p->lanes[i]->yields = true;
			p->lanes[i]->late = false;
			p->lanes[i]->begin_ms = UINT64_MAX;
		}
		mailbox_begin(p, l->next_address, at, l->hops + 1, now_ms);
	}
	lane_pass_on(p, l, now_ms);
}

/* ---- what needs no step ---- */

static void
share_name(struct plan *p, struct lane *l, uint64_t now_ms)
{
	const struct name *name = NULL;

	if (l->state == LANE_RESOLVE && l->id == 0)
		name = name_find(p, l->url.host);
	if (name != NULL && name->known)
		lane_named(p, l, name, now_ms);
}

static bool
nobody_there(enum plan_failure failure)
{
	return failure == PLAN_REFUSED || failure == PLAN_UNREACHABLE ||
	       failure == PLAN_TIMED_OUT || failure == PLAN_TLS;
}

/* Nobody asks what another lane has asked meanwhile, and a fallback does not try once more what a
 * better source has tried in vain. */
static void
spare_request(struct plan *p, struct lane *l, uint64_t now_ms)
{
	if (l->state != LANE_ASK || l->id != 0)
		return;
	if (redirect_been_there(p, l, &l->url, l->language)) {
		lane_lose(p, l, now_ms, RESULT_CANCELLED, OUTCOME_FOUND,
		    "not needed any more: another source asks the same");
		return;
	}
	if (l->row->begin != BEGIN_LATE)
		return;
	for (size_t i = 0; i < p->n_visited; i++) {
		const struct visited *v = &p->visited[i];

		if (nobody_there(v->failure) && v->url.port == l->url.port &&
		    strcmp(v->url.host, l->url.host) == 0) {
			lane_lose_by_failure(p, l, v->failure, "as before", now_ms);
			return;
		}
	}
}

/* Who waits to send a password that has failed need not. */
static void
drop_login(struct plan *p, struct lane *l, uint64_t now_ms)
{
	if (l->state == LANE_LOGIN && l->id == 0 && !login_has_hope(p, l))
		login_give_up(p, l, now_ms);
}

/* Somebody has spoken about that host already, or about a mailbox's domain that it belongs to. */
static void
spare_question(struct plan *p, struct lane *l, uint64_t now_ms)
{
	const struct word *word;

	if (l->state != LANE_CONSENT || l->id != 0)
		return;
	word = redirect_said(p, l->next_host);
	if (word != NULL || redirect_same_site(p, l))
		lane_consented(p, l, word == NULL || word->yes, now_ms);
}

/* There is a service that wants a better login: settings of another kind would only hide that. */
static void
drop_fallback(struct plan *p, struct lane *l, uint64_t now_ms)
{
	if (p->why[OUTCOME_REJECTED] == NULL || l->row->source != SOURCE_AUTOCONFIG ||
	    p->options.one_language || l->id != 0 || l->state == LANE_LOST)
		return;
	if (l->asked)
		lane_cancel(
		    p, l, "not taken: there is a service that did not accept the login", now_ms);
	else
		lane_close(p, l, now_ms);
}

/* Each may give another one its chance. */
static void
go_without_steps(struct plan *p, uint64_t now_ms)
{
	static void (*const all[])(struct plan *, struct lane *, uint64_t) = { share_name,
		spare_request, spare_question, drop_login, drop_fallback };

	for (size_t k = 0; k < COUNT_OF(all); k++) {
		for (size_t i = 0; i < p->n_lanes; i++)
			all[k](p, p->lanes[i], now_ms);
	}
}

static void
clear(struct plan *p, const struct lane *winner)
{
	p->phase = PHASE_CLEARING;
	p->winner = winner;
}

void
precedence_settle(struct plan *p, uint64_t now_ms)
{
	bool late = time_is_up(p, now_ms);

	for (;;) {
		struct lane *w;

		go_without_steps(p, now_ms);
		w = best_winner(p, late);
		if (w != NULL && (late || now_ms >= precedence_overtaken_until(p, w))) {
			if (w->answer == NULL) {
				go_on_with(p, w, now_ms);
				continue;
			}
			clear(p, w);
		} else if (late || all_lost(p) || p->status != USHER_OK) {
			clear(p, NULL);
		}
		return;
	}
}
