/* lane.c - one source's way from its first URL to settings or to nothing (http-discovery.md 11). */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "plan/inside.h"

#define SOAP_PATH "/autodiscover/autodiscover.svc"

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
lane_lose_by_failure(
    struct plan *p, struct lane *l, enum plan_failure failure, const char *detail, uint64_t now_ms)
{
	const struct failure_row *row = record_failure(failure);
	bool web_site = l->row->web_site && lane_at_source(l);

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
static bool
only_probes(const struct lane *l)
{
	return !l->url.https ||
	       (l->language == LANGUAGE_SOAP &&
		   slice_ends_nocase(slice_of(l->url.path), SLICE_LITERAL(".xml")));
}

/* Languages whose answer is the same for everybody: who asks for a login there is no such service,
 * and gets none (json-v2.md 1, autoconfig.md 1.4). */
static bool
anonymous_only(const struct lane *l)
{
	return l->language == LANGUAGE_JSON_V2 || l->language == LANGUAGE_AUTOCONFIG;
}

static bool
at_web_site(const struct lane *l)
{
	return l->row->web_site && lane_at_source(l);
}

static void
start_request(struct plan *p, struct lane *l, uint64_t now_ms, struct plan_step *step)
{
	uint64_t limit_ms = p->options.request_ms;

	step->kind = only_probes(l) ? PLAN_PROBE : PLAN_REQUEST;
	step->addresses = l->addresses;
	step->language = l->language;
	step->connect_ms = p->options.connect_ms;
	if (l->state == LANE_ASK && at_web_site(l) && limit_ms > PLAN_PROBE_MS)
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
	    at_web_site(l) ? OUTCOME_NOT_FOUND : OUTCOME_BLOCKED, "%s", words[verdict]);
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
	l->from_public = l->from_public || name_public(p, &l->addresses).n > 0;
	l->hops++;
	lane_begin(p, l, &l->next_url, l->next_language, now_ms);
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

void
lane_send_on(
    struct plan *p, struct lane *l, const char *target, enum language language, uint64_t now_ms)
{
	const char *reason = "";
	enum verdict verdict;

	l->attempt->redirect = record_text(p, target);
	l->next_language = language;
	verdict = redirect_url(p, l, target, true, &reason);
	act_on(p, l, verdict, reason, now_ms);
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
	l->next_language = l->language;
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
	if (answer->refusal.code == REFUSAL_NO_PROVIDER && l->language == LANGUAGE_POX &&
	    l->url.https && !p->options.one_language) {
		lane_finish_attempt(
		    p, l, RESULT_REFUSAL, "it has nothing for Outlook: is it for phones?", now_ms);
		lane_begin(p, l, &l->url, LANGUAGE_MOBILESYNC, now_ms);
		return;
	}
	if (p->refusal.answer == NULL) {
		p->refusal = (struct find){ l->attempt, answer, l->address->text, l->language };
		p->why[OUTCOME_NOT_FOUND] = NULL;
	}
	lane_lose(p, l, now_ms, RESULT_REFUSAL, OUTCOME_NOT_FOUND, "it says: %s (%lld)",
	    message == NULL ? "no" : message, (long long)answer->refusal.code);
}

void
lane_win(struct plan *p, struct lane *l, const struct answer *answer, uint64_t now_ms)
{
	lane_finish_attempt(p, l, RESULT_SETTINGS, "it gave the settings", now_ms);
	l->answer = answer;
	lane_note_promise(l, now_ms);
	lane_enter(l, LANE_WON, now_ms);
}

static void
on_settings(struct plan *p, struct lane *l, const struct answer *answer, uint64_t now_ms)
{
	if (answer->n_protocols == 0) {
		lane_lose(p, l, now_ms, RESULT_NO_ENDPOINT, OUTCOME_NOT_FOUND,
		    "its answer holds no settings");
		return;
	}
	lane_win(p, l, answer, now_ms);
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
	if (l->language == LANGUAGE_JSON_V2) {
		json_document(p, l, answer, now_ms);
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
		lane_send_on(p, l, answer->redirect, l->language, now_ms);
		return;
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

/* SOAP's questions go to another URL of the same host. */
static void
on_soap_offer(struct plan *p, struct lane *l, uint64_t now_ms)
{
	struct url url = { .text = "" };

	if (url_resolve(p->mem, &l->url, SLICE_LITERAL(SOAP_PATH), &url, NULL) != USHER_OK) {
		p->status = USHER_E_NOMEM;
		lane_enter(l, LANE_LOST, now_ms);
		return;
	}
	lane_finish_attempt(p, l, RESULT_REDIRECT, "it offers SOAP", now_ms);
	lane_note_promise(l, now_ms);
	lane_begin(p, l, &url, LANGUAGE_SOAP, now_ms);
}

/* A fault of SOAP: whether it is theirs or ours, it says nothing about the mailbox (soap.md 11). */
static void
on_fault(struct plan *p, struct lane *l, const struct plan_response *what, uint64_t now_ms)
{
	const struct answer_refusal *refusal = &what->answer->refusal;
	const char *message = record_text(p, refusal->message);
	const char *name = record_text(p, refusal->name);

	lane_lose(p, l, now_ms, RESULT_SERVER_ERROR, OUTCOME_UNAVAILABLE,
	    "it could not answer: %s (%s, HTTP %d)", message == NULL ? "no reason given" : message,
	    name == NULL ? "Fault" : name, (int)what->http_status);
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
	if (anonymous_only(l) && what->http_status >= 400 && what->http_status < 500) {
		lane_lose(p, l, now_ms, RESULT_NO_ENDPOINT, OUTCOME_NOT_FOUND,
		    "it has no %s for everybody (HTTP %d)", source_name(l->row->source),
		    (int)what->http_status);
		return;
	}
	if (only_probes(l) && what->offers_soap) {
		on_soap_offer(p, l, now_ms);
		return;
	}
	if (only_probes(l) && what->http_status < 500) {
		lane_lose(p, l, now_ms, RESULT_NO_ENDPOINT, OUTCOME_NOT_FOUND,
		    "it does not offer SOAP (HTTP %d)", (int)what->http_status);
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
	if (what->http_status >= 500 && what->answer != NULL)
		on_fault(p, l, what, now_ms);
	else if (what->http_status >= 500)
		lane_lose(p, l, now_ms, RESULT_SERVER_ERROR, OUTCOME_UNAVAILABLE,
		    "it is in trouble itself (HTTP %d)", (int)what->http_status);
	else
		lane_lose(p, l, now_ms, RESULT_NO_ENDPOINT, OUTCOME_NOT_FOUND,
		    "it is no Autodiscover service (HTTP %d)", (int)what->http_status);
}

/* Not from the network: who gave us the file wants to know why it is no use. */
static void
on_file(struct plan *p, struct lane *l, const struct plan_response *what, uint64_t now_ms)
{
	if (lane_failure(l, what->failure) == PLAN_NO_FAILURE)
		on_document(p, l, what, now_ms);
	else
		lane_lose(p, l, now_ms, RESULT_UNREACHABLE, OUTCOME_UNAVAILABLE,
		    "the file cannot be read (%s)",
		    what->detail == NULL ? "no reason given" : what->detail);
}

void
lane_responded(struct plan *p, struct lane *l, const struct plan_response *what, uint64_t now_ms)
{
	enum plan_failure failure = lane_failure(l, what->failure);

	if (l->state == LANE_READ) {
		on_file(p, l, what, now_ms);
		return;
	}
	record_response(p, l->attempt, what);
	if (failure == PLAN_NO_FAILURE && l->url.https && what->tls.verdict != TLS_VERIFIED)
		failure = PLAN_TLS;
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
	if (failure != PLAN_NO_FAILURE)
		l->visit->failure = failure;
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
