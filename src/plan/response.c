/* response.c - what the answer of a host means (http-discovery.md 11). */
#include <string.h>

#include "plan/inside.h"

#define SOAP_PATH "/autodiscover/autodiscover.svc"

/* Languages whose answer is the same for everybody: who asks for a login there is no such service,
 * and gets none (json-v2.md 1, autoconfig.md 1.4). */
static bool
anonymous_only(const struct lane *l)
{
	return l->language == LANGUAGE_JSON_V2 || l->language == LANGUAGE_AUTOCONFIG;
}

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
	    lane_at_web_site(l) ? OUTCOME_NOT_FOUND : OUTCOME_BLOCKED, "%s", words[verdict]);
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
	lane_act_on(p, l, verdict, reason, now_ms);
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
	lane_act_on(p, l, verdict, reason, now_ms);
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
	lane_act_on(p, l, verdict, reason, now_ms);
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
	if (lane_only_probes(l) && what->offers_soap) {
		on_soap_offer(p, l, now_ms);
		return;
	}
	if (lane_only_probes(l) && what->http_status < 500) {
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
