/* lane.c - one source's way from its first URL to settings or to nothing. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plan/inside.h"

enum { REASON_BYTES = 512 };

void
lane_enter(struct lane *l, enum lane_state state, uint64_t now_ms)
{
	l->state = state;
	l->since_ms = now_ms;
	l->id = 0;
	l->stopped = false;
}

void
lane_note_promise(struct lane *l, uint64_t now_ms)
{
	if (!l->promising)
		l->promising_ms = now_ms;
	l->promising = true;
}

void
lane_finish_attempt(
    struct plan *p, struct lane *l, enum attempt_result result, const char *reason, uint64_t now_ms)
{
	struct attempt *a = l->attempt;

	a->result = (int)result;
	a->reason = reason;
	a->elapsed_ms = (int64_t)(now_ms - p->start_ms) - a->started_ms;
}

void
lane_pass_on(struct plan *p, struct lane *l, uint64_t now_ms)
{
	lane_enter(l, LANE_LOST, now_ms);
	if (p->phase == PHASE_RUNNING)
		lane_next_target(p, l, now_ms);
	if (p->phase == PHASE_RUNNING && l->state == LANE_LOST)
		json_next(p, l, now_ms);
}

void
lane_lose(struct plan *p, struct lane *l, uint64_t now_ms, enum attempt_result result,
    enum plan_outcome outcome, const char *format, ...)
{
	char text[REASON_BYTES];
	const char *reason;
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	reason = record_text(p, text);

	lane_finish_attempt(p, l, result, reason, now_ms);
	if (outcome != OUTCOME_FOUND && p->why[outcome] == NULL && reason != NULL)
		p->why[outcome] = arena_printf(p->mem, "%s: %s", l->attempt->url, reason);
	lane_pass_on(p, l, now_ms);
}

void
lane_cancel(struct plan *p, struct lane *l, const char *reason, uint64_t now_ms)
{
	lane_finish_attempt(p, l, RESULT_CANCELLED, reason, now_ms);
	lane_enter(l, LANE_LOST, now_ms);
}

void
lane_close(struct plan *p, struct lane *l, uint64_t now_ms)
{
	if (l->state == LANE_LOST || l->state == LANE_WON)
		return;
	if (!l->shown)
		lane_enter(l, LANE_LOST, now_ms);
	else if (p->winner != NULL)
		lane_cancel(p, l, "not needed any more: a better source had answered", now_ms);
	else
		lane_lose(p, l, now_ms, RESULT_UNREACHABLE, OUTCOME_UNAVAILABLE,
		    "it was not through when the time for the whole search was over");
}

void
lane_lose_by_failure(
    struct plan *p, struct lane *l, enum plan_failure failure, const char *detail, uint64_t now_ms)
{
	const struct failure_row *row = record_failure(failure);
	bool web_site = lane_at_web_site(l);

	lane_lose(p, l, now_ms, row->result, web_site ? row->web_site_outcome : row->outcome,
	    detail == NULL ? "%s" : "%s (%s)", row->text, detail);
}

/* ---- setting out ---- */

static bool
same_host(const struct url *a, const struct url *b)
{
	return a->port == b->port && strcmp(a->host, b->host) == 0;
}

void
lane_set_out(struct lane *l, uint64_t now_ms)
{
	l->at_target = false;
	if (l->attempt == NULL)
		lane_enter(l, LANE_LOST, now_ms);
	else
		lane_enter(l, l->addresses.n > 0 ? LANE_ASK : LANE_RESOLVE, now_ms);
}

void
lane_begin(
    struct plan *p, struct lane *l, const struct url *url, enum language language, uint64_t now_ms)
{
	bool known = l->addresses.n > 0 && same_host(&l->url, url);

	if (!known)
		l->addresses = (struct text_list){ NULL, 0 };
	l->url = *url;
	l->language = language;
	l->attempt = record_begin(p, l, now_ms);
	lane_set_out(l, now_ms);
}

void
lane_begin_look_up(
    struct plan *p, struct lane *l, enum lane_state state, const char *what, uint64_t now_ms)
{
	l->url = (struct url){ .text = what, .host = "", .path = "" };
	l->addresses = (struct text_list){ NULL, 0 };
	if (what == NULL)
		p->status = USHER_E_NOMEM;
	l->attempt = what == NULL ? NULL : record_begin(p, l, now_ms);
	lane_enter(l, l->attempt == NULL ? LANE_LOST : state, now_ms);
}

/* From now on nobody else need ask that. */
static bool
begin_visit(struct plan *p, struct lane *l)
{
	if (p->n_visited == PLAN_ATTEMPTS_MAX)
		return false;
	l->visit = &p->visited[p->n_visited++];
	*l->visit =
	    (struct visited){ .address = l->address, .url = l->url, .language = l->language };
	return true;
}

/* Whether there is SOAP is told by the fields of any answer at the usual URL (soap.md 2). Any other
 * was named as SOAP's own. */
bool
lane_only_probes(const struct lane *l)
{
	return !l->url.https ||
	       (l->language == LANGUAGE_SOAP &&
		   slice_ends_nocase(slice_of(l->url.path), SLICE_LITERAL(".xml")));
}

static void
start_request(struct plan *p, struct lane *l, uint64_t now_ms, struct plan_step *step)
{
	uint64_t limit_ms = p->options.request_ms;

	step->kind = lane_only_probes(l) ? PLAN_PROBE : PLAN_REQUEST;
	step->addresses = l->addresses;
	step->language = l->language;
	step->connect_ms = p->options.connect_ms;
	if (l->state == LANE_ASK && lane_at_web_site(l) && limit_ms > PLAN_PROBE_MS)
		limit_ms = PLAN_PROBE_MS;
	l->deadline_ms = now_ms + limit_ms;
	if (step->kind == PLAN_REQUEST)
		l->attempt->language = language_name(l->language);
}

bool
lane_start(struct plan *p, struct lane *l, uint64_t now_ms, struct plan_step *step)
{
	/* The record gets an entry of its own for what is asked with credentials. */
	if ((l->state == LANE_LOGIN && record_begin(p, l, now_ms) == NULL) ||
	    (l->state == LANE_ASK && !begin_visit(p, l))) {
		lane_enter(l, LANE_LOST, now_ms);
		return false;
	}
	if (l->state != LANE_RESOLVE) {
		l->asked = true;
		record_show(p, l, now_ms);
	}
	l->id = ++p->last_id;
	l->deadline_ms = UINT64_MAX;
	*step = (struct plan_step){
		.id = l->id,
		.source = l->row->source,
		.address = l->address->text,
		.url = &l->url,
	};
	switch (l->state) {
	case LANE_READ:
		step->kind = PLAN_READ;
		step->name = p->options.local_xml;
		l->deadline_ms = now_ms + p->options.request_ms;
		break;
	case LANE_SEARCH:
		step->kind = PLAN_SEARCH;
		step->name = l->name;
		l->deadline_ms = now_ms + PLAN_SEARCH_MS;
		break;
	case LANE_LOCATE:
		step->kind = PLAN_LOCATE;
		step->name = l->name;
		l->deadline_ms = now_ms + p->options.resolve_ms;
		break;
	case LANE_RESOLVE:
		step->kind = PLAN_RESOLVE;
		name_ask(p, l->url.host);
		l->deadline_ms = now_ms + p->options.resolve_ms;
		break;
	case LANE_LOGIN:
		l->scheme = login_scheme(p, l);
		l->attempt->scheme = (int)l->scheme;
		step->credentialed = true;
		step->scheme = l->scheme;
		step->realm = l->challenge.realm;
		FALLTHROUGH;
	case LANE_ASK:
		start_request(p, l, now_ms, step);
		break;
	case LANE_CONSENT:
		step->kind = PLAN_CONSENT;
		step->from = l->at_target ? l->name : l->url.text;
		step->to = l->next_address != NULL ? l->next_address->text : l->next_url.text;
		step->host = l->next_host;
		break;
	case LANE_WON:
	case LANE_LOST:
		break;
	}
	return true;
}

/* ---- the host's addresses ---- */

enum plan_failure
lane_failure(const struct lane *l, enum plan_failure failure)
{
	return failure == PLAN_STOPPED && l->stopped ? PLAN_TIMED_OUT : failure;
}

/* Everybody could send us to a machine that only we can reach (http-discovery.md 9). */
static bool
leads_inside(struct plan *p, struct lane *l)
{
	struct text_list outside;

	if (!l->from_public || l->addresses.n == 0 || redirect_chosen(p, l))
		return false;
	outside = name_public(p, &l->addresses);
	if (outside.n == 0)
		return true;
	l->addresses = outside;
	return false;
}

void
lane_named(struct plan *p, struct lane *l, const struct name *name, uint64_t now_ms)
{
	l->attempt->dns_error = name->error;
	if (name->failure != PLAN_NO_FAILURE) {
		lane_lose_by_failure(p, l, name->failure,
		    name->failure == PLAN_DNS_TROUBLE || name->failure == PLAN_PROXY ? name->error :
										       NULL,
		    now_ms);
		return;
	}
	l->addresses = name->addresses;
	l->attempt->dns = l->addresses;
	if (leads_inside(p, l)) {
		lane_lose(p, l, now_ms, RESULT_BLOCKED, OUTCOME_BLOCKED,
		    "somebody on the Internet sends us to %s, which is on this machine or a "
		    "private network: trust that host explicitly if you know it",
		    l->url.host);
		return;
	}
	lane_enter(l, LANE_ASK, now_ms);
}

void
lane_resolved(struct plan *p, struct lane *l, const struct plan_resolution *what, uint64_t now_ms)
{
	struct plan_resolution told = *what;
	struct name own = { .host = l->url.host, .known = true };

	told.failure = lane_failure(l, what->failure);
	if (told.failure == PLAN_TIMED_OUT)
		told.failure = PLAN_DNS_TROUBLE;
	name_read(p, &told, &own);
	if (own.failure != PLAN_NO_FAILURE)
		record_show(p, l, now_ms);
	name_tell(p, &own);
	lane_named(p, l, &own, now_ms);
}

/* ---- redirects ---- */

/* An address is accepted when its round ends; until then a better source may overtake. */
static void
follow(struct plan *p, struct lane *l, uint64_t now_ms)
{
	lane_finish_attempt(p, l, RESULT_REDIRECT,
	    arena_printf(p->mem, "it sends us on to %s", l->attempt->redirect), now_ms);
	lane_note_promise(l, now_ms);
	if (l->next_address != NULL) {
		l->answer = NULL;
		lane_enter(l, LANE_WON, now_ms);
		return;
	}
	l->from_public = l->from_public || name_public(p, &l->addresses).n > 0;
	l->hops++;
	lane_begin(p, l, &l->next_url, l->next_language, now_ms);
}

void
lane_act_on(
    struct plan *p, struct lane *l, enum verdict verdict, const char *reason, uint64_t now_ms)
{
	switch (verdict) {
	case VERDICT_FOLLOW:
		if (l->at_target)
			lane_set_out(l, now_ms);
		else
			follow(p, l, now_ms);
		return;
	case VERDICT_ASK:
		lane_enter(l, LANE_CONSENT, now_ms);
		return;
	case VERDICT_UNSAFE:
		lane_lose(p, l, now_ms, RESULT_BLOCKED, OUTCOME_BLOCKED, "%s", reason);
		return;
	case VERDICT_USELESS:
		lane_lose(p, l, now_ms, RESULT_REDIRECT, OUTCOME_NOT_FOUND, "%s", reason);
		return;
	}
}

/* Judged anew: while the question was open, another source may have been sent to the same place. */
void
lane_consented(struct plan *p, struct lane *l, bool yes, uint64_t now_ms)
{
	const char *reason = "";
	enum verdict verdict;

	if (!yes) {
		lane_lose(p, l, now_ms, RESULT_BLOCKED, OUTCOME_BLOCKED,
		    "it sends us to %s, and that was refused", l->next_host);
		return;
	}
	if (l->at_target) {
		lane_judge_target(p, l, now_ms);
		return;
	}
	if (l->next_address != NULL)
		verdict = redirect_address(p, l, l->next_address->text, &reason);
	else
		verdict = redirect_url(p, l, l->next_url.text, true, &reason);
	lane_act_on(p, l, verdict, reason, now_ms);
}
