/* lane.c - one source's way from its first URL to settings or to nothing (http-discovery.md 11). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/ip.h"
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
	lane_enter(l, LANE_LOST, now_ms);
	if (p->phase == PHASE_RUNNING)
		lane_next_target(p, l, now_ms);
}

void
lane_cancel(struct plan *p, struct lane *l, const char *reason, uint64_t now_ms)
{
	lane_finish_attempt(p, l, RESULT_CANCELLED, reason, now_ms);
	lane_enter(l, LANE_LOST, now_ms);
}

void
lane_lose_by_failure(
    struct plan *p, struct lane *l, enum plan_failure failure, const char *detail, uint64_t now_ms)
{
	const struct failure_row *row = record_failure(failure);
	bool web_site = l->row->web_site && l->hops == 0;

	lane_lose(p, l, now_ms, row->result, web_site ? row->web_site_outcome : row->outcome,
	    detail == NULL ? "%s" : "%s (%s)", row->text, detail);
}

/* ---- setting out ---- */

static bool
same_host(const struct url *a, const struct url *b)
{
	return a->port == b->port && strcmp(a->host, b->host) == 0;
}

/* For l->url, as l->attempt. */
void
lane_set_out(struct plan *p, struct lane *l, uint64_t now_ms)
{
	if (l->attempt == NULL || p->n_visited == PLAN_ATTEMPTS_MAX) {
		lane_enter(l, LANE_LOST, now_ms);
		return;
	}
	p->visited[p->n_visited++] =
	    (struct visited){ .address_key = plan_address(p)->key, .url = l->url };
	lane_enter(l, l->addresses.n > 0 ? LANE_ASK : LANE_RESOLVE, now_ms);
}

void
lane_begin(struct plan *p, struct lane *l, const struct url *url, uint64_t now_ms)
{
	bool known = l->addresses.n > 0 && same_host(&l->url, url);

	if (!known)
		l->addresses = (struct text_list){ NULL, 0 };
	l->url = *url;
	l->attempt = record_begin(p, l, now_ms);
	lane_set_out(p, l, now_ms);
}

/* The record gets an entry of its own for what is asked with credentials. */
static bool
begin_login(struct plan *p, struct lane *l, uint64_t now_ms)
{
	struct attempt *a = record_begin(p, l, now_ms);

	if (a == NULL)
		return false;
	l->attempt = a;
	return true;
}

bool
lane_start(struct plan *p, struct lane *l, uint64_t now_ms, struct plan_step *step)
{
	if (l->state == LANE_LOGIN && !begin_login(p, l, now_ms)) {
		lane_enter(l, LANE_LOST, now_ms);
		return false;
	}
	l->id = ++p->last_id;
	l->deadline_ms = UINT64_MAX;
	*step = (struct plan_step){
		.id = l->id,
		.source = l->row->source,
		.address = plan_address(p)->text,
		.url = &l->url,
	};
	switch (l->state) {
	case LANE_LOCATE:
		step->kind = PLAN_LOCATE;
		step->name = l->srv_name;
		l->deadline_ms = now_ms + p->options.resolve_ms;
		break;
	case LANE_RESOLVE:
		step->kind = PLAN_RESOLVE;
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
		step->kind = l->url.https ? PLAN_REQUEST : PLAN_PROBE;
		step->addresses = l->addresses;
		l->deadline_ms = now_ms + p->options.request_ms;
		if (step->kind == PLAN_PROBE && l->deadline_ms > now_ms + PLAN_PROBE_MS)
			l->deadline_ms = now_ms + PLAN_PROBE_MS;
		break;
	case LANE_CONSENT:
		step->kind = PLAN_CONSENT;
		step->from = l->at_target ? l->srv_name : l->url.text;
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

static struct text_list
public_part(struct plan *p, const struct text_list *addresses)
{
	const char **v = arena_array(p->mem, addresses->n, sizeof(*v));
	size_t n = 0;

	if (v == NULL)
		p->status = USHER_E_NOMEM;
	for (size_t i = 0; v != NULL && i < addresses->n; i++) {
		if (ip_is_public(addresses->v[i]))
			v[n++] = addresses->v[i];
	}
	return (struct text_list){ v, n };
}

/* Nobody on the Internet makes us ask machines that only we can reach (http-discovery.md 9), unless
 * somebody here trusts that very host. Drops such addresses; true when none is left. */
static bool
leads_inside(struct plan *p, struct lane *l)
{
	if (!l->from_public || l->addresses.n == 0 || redirect_is_trusted(p, l->url.host))
		return false;
	l->addresses = public_part(p, &l->addresses);
	return l->addresses.n == 0;
}

void
lane_resolved(struct plan *p, struct lane *l, const struct plan_resolution *what, uint64_t now_ms)
{
	enum plan_failure failure = lane_failure(l, what->failure);

	if (failure == PLAN_TIMED_OUT)
		failure = PLAN_DNS_TROUBLE;
	if (failure != PLAN_NO_FAILURE) {
		l->attempt->dns_error = failure == PLAN_NO_SUCH_NAME ? "NXDOMAIN" :
					failure == PLAN_NO_ADDRESS   ? "no address" :
					what->detail != NULL ? record_text(p, what->detail) :
							       "no answer";
		lane_lose_by_failure(p, l, failure,
		    failure == PLAN_DNS_TROUBLE ? l->attempt->dns_error : NULL, now_ms);
		return;
	}
	l->addresses = record_list(p, &what->addresses);
	l->attempt->dns = l->addresses;
	if (leads_inside(p, l))
		lane_lose(p, l, now_ms, RESULT_BLOCKED, OUTCOME_BLOCKED,
		    "somebody on the Internet sends us to %s, which is on this machine or a "
		    "private network: trust that host explicitly if you know it",
		    l->url.host);
	else
		lane_enter(l, LANE_ASK, now_ms);
}

/* ---- responses ---- */

static bool
certificate_is_bad(enum tls_verdict verdict)
{
	return verdict != TLS_NOT_TRIED && verdict != TLS_VERIFIED && verdict != TLS_BROKEN;
}

static void
lose_by_tls(struct plan *p, struct lane *l, const struct plan_response *what, uint64_t now_ms)
{
	static const char *const words[] = {
		[TLS_UNTRUSTED] = "its certificate is not from an authority we trust",
		[TLS_WRONG_NAME] = "its certificate is for another host",
		[TLS_EXPIRED] = "its certificate has expired",
		[TLS_NOT_YET_VALID] = "its certificate is not valid yet",
		[TLS_REVOKED] = "its certificate has been revoked",
	};
	enum tls_verdict verdict = (enum tls_verdict)what->tls.verdict;

	if (!certificate_is_bad(verdict)) {
		lane_lose_by_failure(p, l, PLAN_TLS, what->detail, now_ms);
		return;
	}
	/* A company's web site without our name on its certificate is the common case, and no
	 * alarm; everywhere else the host claims to be the one to ask. */
	lane_lose(p, l, now_ms, RESULT_TLS_FAILURE,
	    l->row->web_site && l->hops == 0 ? OUTCOME_NOT_FOUND : OUTCOME_BLOCKED, "%s",
	    words[verdict]);
}

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
	p->redirects++;
	l->hops++;
	l->from_public = l->from_public || public_part(p, &l->addresses).n > 0;
	lane_begin(p, l, &l->next_url, now_ms);
}

static void
act_on(struct plan *p, struct lane *l, enum verdict verdict, const char *reason, uint64_t now_ms)
{
	switch (verdict) {
	case VERDICT_FOLLOW:
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

static void
on_location(struct plan *p, struct lane *l, const char *location, uint64_t now_ms)
{
	const char *reason = "";
	enum verdict verdict;

	if (location == NULL) {
		lane_lose(p, l, now_ms, RESULT_NO_ENDPOINT, OUTCOME_NOT_FOUND,
		    "it redirects without saying where to");
		return;
	}
	l->attempt->redirect = record_text(p, location);
	verdict = redirect_url(p, l, location, false, &reason);
	if (verdict == VERDICT_FOLLOW || verdict == VERDICT_ASK)
		l->attempt->redirect = l->next_url.text;
	act_on(p, l, verdict, reason, now_ms);
}

static void
on_refusal(struct plan *p, struct lane *l, const struct answer *answer, uint64_t now_ms)
{
	const char *message = record_text(p, answer->refusal.message);

	l->attempt->refusal_code = answer->refusal.code;
	if (p->refusal == NULL) {
		p->refusal = answer;
		p->why[OUTCOME_NOT_FOUND] = NULL;
	}
	lane_lose(p, l, now_ms, RESULT_REFUSAL, OUTCOME_NOT_FOUND, "it says: %s (%lld)",
	    message == NULL ? "no" : message, (long long)answer->refusal.code);
}

static void
on_settings(struct plan *p, struct lane *l, const struct answer *answer, uint64_t now_ms)
{
	if (answer->n_protocols == 0) {
		lane_lose(p, l, now_ms, RESULT_NO_ENDPOINT, OUTCOME_NOT_FOUND,
		    "its answer holds no settings");
		return;
	}
	lane_finish_attempt(p, l, RESULT_SETTINGS, "it gave the settings", now_ms);
	l->answer = answer;
	lane_note_promise(l, now_ms);
	lane_enter(l, LANE_WON, now_ms);
}

static void
on_document(struct plan *p, struct lane *l, const struct plan_response *what, uint64_t now_ms)
{
	const struct answer *answer = what->answer;
	const char *reason = "";
	enum verdict verdict;

	if (answer == NULL) {
		lane_lose(p, l, now_ms, RESULT_NO_ENDPOINT, OUTCOME_NOT_FOUND, "%s",
		    what->body_fault == NULL ? "it is no Autodiscover service" : what->body_fault);
		return;
	}
	switch (answer->kind) {
	case ANSWER_SETTINGS:
		on_settings(p, l, answer, now_ms);
		return;
	case ANSWER_REFUSAL:
		on_refusal(p, l, answer, now_ms);
		return;
	case ANSWER_REDIRECT_URL:
		l->attempt->redirect = record_text(p, answer->redirect);
		verdict = redirect_url(p, l, answer->redirect, true, &reason);
		break;
	case ANSWER_REDIRECT_ADDRESS:
		l->attempt->redirect = record_text(p, answer->redirect);
		verdict = redirect_address(p, l, answer->redirect, &reason);
		break;
	default:
		verdict = VERDICT_USELESS;
		reason = "its answer makes no sense";
		break;
	}
	act_on(p, l, verdict, reason, now_ms);
}

static bool
is_redirect(int64_t status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void
on_status(struct plan *p, struct lane *l, const struct plan_response *what, uint64_t now_ms)
{
	if (is_redirect(what->http_status)) {
		on_location(p, l, what->location, now_ms);
		return;
	}
	/* Anybody on the way can have written it: neither an answer nor a 401 means anything. */
	if (!l->url.https) {
		lane_lose(p, l, now_ms, RESULT_NO_ENDPOINT, OUTCOME_NOT_FOUND,
		    "over plain http only a redirect counts, and it gives none (HTTP %d)",
		    (int)what->http_status);
		return;
	}
	switch (what->http_status) {
	case 200:
		on_document(p, l, what, now_ms);
		return;
	case 401:
		if (l->attempt->credentialed)
			login_refused(p, l, now_ms);
		else
			login_challenged(p, l, what, now_ms);
		return;
	case 456:
	case 457:
		/* pox.md 9.2: no other host will say better; the password is not tried there. */
		p->password_bad = true;
		p->failed_at = l->url.host;
		lane_lose(p, l, now_ms, RESULT_CREDENTIALS, OUTCOME_REJECTED, "%s",
		    what->http_status == 456 ? "it says that the account is blocked" :
					       "it says that the password has expired");
		return;
	default:
		break;
	}
	if (what->http_status >= 500)
		lane_lose(p, l, now_ms, RESULT_SERVER_ERROR, OUTCOME_UNAVAILABLE,
		    "it is in trouble itself (HTTP %d)", (int)what->http_status);
	else
		lane_lose(p, l, now_ms, RESULT_NO_ENDPOINT, OUTCOME_NOT_FOUND,
		    "it is no Autodiscover service (HTTP %d)", (int)what->http_status);
}

void
lane_responded(struct plan *p, struct lane *l, const struct plan_response *what, uint64_t now_ms)
{
	enum plan_failure failure = lane_failure(l, what->failure);

	record_response(p, l->attempt, what);
	if (l->state == LANE_LOGIN) {
		login_note_sent(l, what);
		if (failure == PLAN_NO_CREDENTIALS)
			p->options.schemes &= ~SCHEMES_BY_PASSWORD;
		else if (l->attempt->credentialed && failure != PLAN_NO_FAILURE)
			login_failed(p, l);
	}
	if (failure == PLAN_NO_LOGIN) {
		login_unable(p, l, what->detail, now_ms);
		return;
	}
	if (failure == PLAN_NO_FAILURE && l->url.https && what->tls.verdict != TLS_VERIFIED)
		failure = PLAN_TLS;
	if (failure == PLAN_TLS)
		lose_by_tls(p, l, what, now_ms);
	else if (failure != PLAN_NO_FAILURE)
		lane_lose_by_failure(p, l, failure, what->detail, now_ms);
	else
		on_status(p, l, what, now_ms);
}

/* Judged anew: while the question was open, another source may have been sent to the same place. */
void
lane_consented(struct plan *p, struct lane *l, bool yes, uint64_t now_ms)
{
	const char *reason = "";
	enum verdict verdict;
	bool at_target = l->at_target;

	l->at_target = false;
	if (!yes) {
		lane_lose(p, l, now_ms, RESULT_BLOCKED, OUTCOME_BLOCKED,
		    "it sends us to %s, and that was refused", l->next_host);
		return;
	}
	if (at_target) {
		lane_judge_target(p, l, now_ms);
		return;
	}
	if (l->next_address != NULL)
		verdict = redirect_address(p, l, l->next_address->text, &reason);
	else
		verdict = redirect_url(p, l, l->next_url.text, true, &reason);
	act_on(p, l, verdict, reason, now_ms);
}
