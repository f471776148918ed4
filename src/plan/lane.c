/* lane.c - one source's way from its first URL to settings or to nothing (http-discovery.md 11). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plan/inside.h"
#include "plan/srv.h"

enum { REASON_BYTES = 512 };

static void
next_target(struct plan *p, struct lane *l, uint64_t now_ms);

static void
enter(struct lane *l, enum lane_state state, uint64_t now_ms)
{
	l->state = state;
	l->since_ms = now_ms;
	l->id = 0;
	l->stopped = false;
}

/* A redirect, a demand for a login or settings: it is worth its betters' hurry. */
static void
note_promise(struct lane *l, uint64_t now_ms)
{
	if (!l->promising)
		l->promising_ms = now_ms;
	l->promising = true;
}

static void
finish_attempt(
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

	finish_attempt(p, l, result, reason, now_ms);
	if (outcome != OUTCOME_FOUND && p->why[outcome] == NULL && reason != NULL)
		p->why[outcome] = arena_printf(p->mem, "%s: %s", l->attempt->url, reason);
	enter(l, LANE_LOST, now_ms);
	if (p->phase == PHASE_RUNNING)
		next_target(p, l, now_ms);
}

void
lane_cancel(struct plan *p, struct lane *l, const char *reason, uint64_t now_ms)
{
	finish_attempt(p, l, RESULT_CANCELLED, reason, now_ms);
	enter(l, LANE_LOST, now_ms);
}

static void
lose_by_failure(
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
static void
set_out(struct plan *p, struct lane *l, uint64_t now_ms)
{
	if (l->attempt == NULL || p->n_visited == PLAN_ATTEMPTS_MAX) {
		enter(l, LANE_LOST, now_ms);
		return;
	}
	p->visited[p->n_visited++] =
	    (struct visited){ .address_key = plan_address(p)->key, .url = l->url };
	enter(l, l->addresses.n > 0 ? LANE_ASK : LANE_RESOLVE, now_ms);
}

void
lane_begin(struct plan *p, struct lane *l, const struct url *url, uint64_t now_ms)
{
	bool known = l->addresses.n > 0 && same_host(&l->url, url);

	if (!known)
		l->addresses = (struct text_list){ NULL, 0 };
	l->url = *url;
	l->attempt = record_begin(p, l, now_ms);
	set_out(p, l, now_ms);
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
		enter(l, LANE_LOST, now_ms);
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
		step->credentialed = true;
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

/* What a stopped step failed by: we only ever stop one that took too long, or that nobody needs. */
static enum plan_failure
after_stop(const struct lane *l, enum plan_failure failure)
{
	return failure == PLAN_STOPPED && l->stopped ? PLAN_TIMED_OUT : failure;
}

void
lane_resolved(struct plan *p, struct lane *l, const struct plan_resolution *what, uint64_t now_ms)
{
	enum plan_failure failure = after_stop(l, what->failure);

	if (failure == PLAN_TIMED_OUT)
		failure = PLAN_DNS_TROUBLE;
	if (failure != PLAN_NO_FAILURE) {
		l->attempt->dns_error = failure == PLAN_NO_SUCH_NAME ? "NXDOMAIN" :
					failure == PLAN_NO_ADDRESS   ? "no address" :
					what->detail != NULL ? record_text(p, what->detail) :
							       "no answer";
		lose_by_failure(p, l, failure,
		    failure == PLAN_DNS_TROUBLE ? l->attempt->dns_error : NULL, now_ms);
		return;
	}
	l->addresses = record_list(p, &what->addresses);
	l->attempt->dns = l->addresses;
	enter(l, LANE_ASK, now_ms);
}

/* ---- SRV records ---- */

void
lane_locate(struct plan *p, struct lane *l, uint64_t now_ms)
{
	l->srv_name = arena_printf(p->mem, "_autodiscover._tcp.%s", plan_address(p)->domain);
	l->url.text = arena_printf(p->mem, "dns:%s?type=SRV", l->srv_name); /* RFC 4501 */
	if (l->srv_name == NULL || l->url.text == NULL) {
		p->status = USHER_E_NOMEM;
		enter(l, LANE_LOST, now_ms);
		return;
	}
	l->attempt = record_begin(p, l, now_ms);
	enter(l, l->attempt == NULL ? LANE_LOST : LANE_LOCATE, now_ms);
}

static bool
target_url(struct plan *p, const struct srv_record *r, struct url *out)
{
	const char *text =
	    arena_printf(p->mem, "https://%s:%u%s", r->host, (unsigned)r->port, AUTODISCOVER_PATH);

	if (text != NULL && url_parse(p->mem, slice_of(text), out, NULL) == USHER_OK)
		return true;
	p->status = USHER_E_NOMEM;
	return false;
}

static void
judge_target(struct plan *p, struct lane *l, uint64_t now_ms)
{
	const char *reason = "";

	switch (redirect_target(p, l, &reason)) {
	case VERDICT_FOLLOW:
		set_out(p, l, now_ms);
		return;
	case VERDICT_ASK:
		l->at_target = true;
		enter(l, LANE_CONSENT, now_ms);
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
next_target(struct plan *p, struct lane *l, uint64_t now_ms)
{
	if (l->next_target == l->n_targets || !target_url(p, &l->targets[l->next_target], &l->url))
		return;
	l->next_target++;
	l->addresses = (struct text_list){ NULL, 0 };
	l->hops = 0;
	l->attempt = record_begin(p, l, now_ms);
	if (l->attempt != NULL)
		judge_target(p, l, now_ms);
}

/* The record of the look-up itself names all targets in the order they are tried. */
static const char *
list_targets(struct plan *p, const struct lane *l)
{
	const char *text = "it names";

	for (size_t i = 0; text != NULL && i < l->n_targets; i++)
		text = arena_printf(p->mem, "%s%s %s:%u", text, i == 0 ? "" : ",",
		    l->targets[i].host, (unsigned)l->targets[i].port);
	return text;
}

static bool
says_absent(const struct plan_location *what)
{
	const char *host = what->n_records == 1 ? what->records[0].host : "?";

	return host[0] == '\0' || strcmp(host, ".") == 0;
}

static void
on_records(struct plan *p, struct lane *l, const struct plan_location *what, uint64_t now_ms)
{
	struct url first = { .text = "" };

	l->targets = arena_array(p->mem, what->n_records, sizeof(*l->targets));
	if (l->targets == NULL ||
	    srv_order(p->mem, what->records, what->n_records, p->options.seed + p->n_addresses,
		l->targets, &l->n_targets) != USHER_OK) {
		p->status = USHER_E_NOMEM;
		enter(l, LANE_LOST, now_ms);
		return;
	}
	if (l->n_targets == 0) {
		lane_lose(p, l, now_ms, RESULT_UNREACHABLE, OUTCOME_NOT_FOUND, "%s",
		    says_absent(what) ? "the domain says there that it has no such service" :
					"it names no host");
		return;
	}
	if (l->n_targets > PLAN_TARGETS_MAX)
		l->n_targets = PLAN_TARGETS_MAX;
	if (target_url(p, &l->targets[0], &first))
		l->attempt->redirect = first.text;
	finish_attempt(p, l, RESULT_REDIRECT, list_targets(p, l), now_ms);
	enter(l, LANE_LOST, now_ms);
	next_target(p, l, now_ms);
}

void
lane_located(struct plan *p, struct lane *l, const struct plan_location *what, uint64_t now_ms)
{
	enum plan_failure failure = after_stop(l, what->failure);

	if (failure == PLAN_NO_FAILURE) {
		on_records(p, l, what, now_ms);
	} else if (failure == PLAN_NO_SUCH_NAME || failure == PLAN_NO_ADDRESS) {
		l->attempt->dns_error = failure == PLAN_NO_SUCH_NAME ? "NXDOMAIN" : "no record";
		lane_lose(
		    p, l, now_ms, RESULT_UNREACHABLE, OUTCOME_NOT_FOUND, "there is no such record");
	} else {
		l->attempt->dns_error =
		    what->detail != NULL ? record_text(p, what->detail) : "no answer";
		lose_by_failure(p, l, PLAN_DNS_TROUBLE, l->attempt->dns_error, now_ms);
	}
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
		lose_by_failure(p, l, PLAN_TLS, what->detail, now_ms);
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
	finish_attempt(p, l, RESULT_REDIRECT,
	    arena_printf(p->mem, "it sends us on to %s", l->attempt->redirect), now_ms);
	note_promise(l, now_ms);
	if (l->next_address != NULL) {
		l->answer = NULL;
		enter(l, LANE_WON, now_ms);
		return;
	}
	p->redirects++;
	l->hops++;
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
		enter(l, LANE_CONSENT, now_ms);
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
	finish_attempt(p, l, RESULT_SETTINGS, "it gave the settings", now_ms);
	l->answer = answer;
	note_promise(l, now_ms);
	enter(l, LANE_WON, now_ms);
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

/* ---- 401 ---- */

/* However it failed, the account may have been charged with it. */
static void
note_failure(struct plan *p, const struct lane *l)
{
	p->failures++;
	p->failed_at = l->url.host;
	if (p->failures >= PLAN_REFUSALS_MAX)
		p->password_bad = true;
}

/* Two hosts that check against the same realm and both say no: it is the password. More attempts
 * would only lock the account (authentication.md 9). */
static void
on_second_401(struct plan *p, struct lane *l, uint64_t now_ms)
{
	for (size_t i = 0; i < p->n_refused; i++) {
		if (strcmp(p->refused[i].realm, l->challenge.realm) == 0)
			p->password_bad = true;
	}
	if (p->n_refused < PLAN_REFUSALS_MAX)
		p->refused[p->n_refused++] =
		    (struct refused){ .host = l->url.host, .realm = l->challenge.realm };
	note_failure(p, l);
	lane_lose(p, l, now_ms, RESULT_CREDENTIALS, OUTCOME_REJECTED,
	    "it refused the login name or the password");
}

static bool
refused_by(const struct plan *p, const char *host)
{
	for (size_t i = 0; i < p->n_refused; i++) {
		if (strcmp(p->refused[i].host, host) == 0)
			return true;
	}
	return false;
}

bool
lane_has_hope(const struct plan *p, const struct lane *l)
{
	return !p->password_bad && !refused_by(p, l->url.host);
}

static void
on_challenge(struct plan *p, struct lane *l, const struct plan_response *what, uint64_t now_ms)
{
	if (challenge_read(p->mem, &what->challenges, &l->challenge) != USHER_OK) {
		p->status = USHER_E_NOMEM;
		enter(l, LANE_LOST, now_ms);
		return;
	}
	l->challenge.realm = record_text(p, l->challenge.realm);
	if (!l->challenge.basic) {
		lane_lose(p, l, now_ms, RESULT_CREDENTIALS, OUTCOME_REJECTED,
		    "it asks for a login by %s, and usher can only give Basic",
		    l->challenge.schemes[0] == '\0' ? "means it does not name" :
						      l->challenge.schemes);
		return;
	}
	if (!p->options.has_credentials) {
		lose_by_failure(p, l, PLAN_NO_CREDENTIALS, NULL, now_ms);
		return;
	}
	finish_attempt(p, l, RESULT_CREDENTIALS, "it asks for a password", now_ms);
	note_promise(l, now_ms);
	enter(l, LANE_LOGIN, now_ms);
}

/* Whether the password may have left us. */
static bool
was_sent(const struct plan_response *what)
{
	if (what->http_status != NUMBER_ABSENT)
		return true;
	switch (what->failure) {
	case PLAN_REFUSED:
	case PLAN_UNREACHABLE:
	case PLAN_NO_CREDENTIALS:
	case PLAN_TLS:
	case PLAN_INTERNAL:
		return false;
	default:
		return true;
	}
}

void
lane_note_sent(struct lane *l, const struct plan_response *what)
{
	l->attempt->credentialed = was_sent(what);
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
			on_second_401(p, l, now_ms);
		else
			on_challenge(p, l, what, now_ms);
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
	enum plan_failure failure = after_stop(l, what->failure);

	record_response(p, l->attempt, what);
	if (l->state == LANE_LOGIN) {
		lane_note_sent(l, what);
		if (failure == PLAN_NO_CREDENTIALS)
			p->options.has_credentials = false;
		else if (l->attempt->credentialed && failure != PLAN_NO_FAILURE)
			note_failure(p, l);
	}
	if (failure == PLAN_NO_FAILURE && l->url.https && what->tls.verdict != TLS_VERIFIED)
		failure = PLAN_TLS;
	if (failure == PLAN_TLS)
		lose_by_tls(p, l, what, now_ms);
	else if (failure != PLAN_NO_FAILURE)
		lose_by_failure(p, l, failure, what->detail, now_ms);
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
		judge_target(p, l, now_ms);
		return;
	}
	if (l->next_address != NULL)
		verdict = redirect_address(p, l, l->next_address->text, &reason);
	else
		verdict = redirect_url(p, l, l->next_url.text, true, &reason);
	act_on(p, l, verdict, reason, now_ms);
}
