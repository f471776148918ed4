/* login.c - who gets the password, and when it is not sent any more (authentication.md 10). */
#include <string.h>

#include "plan/inside.h"

/* However it failed, the account may have been charged with it. */
void
login_failed(struct plan *p, const struct lane *l)
{
	p->failures++;
	p->failed_at = l->url.host;
	if (p->failures >= PLAN_REFUSALS_MAX)
		p->password_bad = true;
}

/* Two hosts that check against the same realm and both say no: it is the password. More attempts
 * would only lock the account (authentication.md 9). */
void
login_refused(struct plan *p, struct lane *l, uint64_t now_ms)
{
	for (size_t i = 0; i < p->n_refused; i++) {
		if (strcmp(p->refused[i].realm, l->challenge.realm) == 0)
			p->password_bad = true;
	}
	if (p->n_refused < PLAN_REFUSALS_MAX)
		p->refused[p->n_refused++] =
		    (struct refused){ .host = l->url.host, .realm = l->challenge.realm };
	login_failed(p, l);
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
login_has_hope(const struct plan *p, const struct lane *l)
{
	return !p->password_bad && !refused_by(p, l->url.host);
}

void
login_challenged(struct plan *p, struct lane *l, const struct plan_response *what, uint64_t now_ms)
{
	if (challenge_read(p->mem, &what->challenges, &l->challenge) != USHER_OK) {
		p->status = USHER_E_NOMEM;
		lane_enter(l, LANE_LOST, now_ms);
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
		lane_lose_by_failure(p, l, PLAN_NO_CREDENTIALS, NULL, now_ms);
		return;
	}
	lane_finish_attempt(p, l, RESULT_CREDENTIALS, "it asks for a password", now_ms);
	lane_note_promise(l, now_ms);
	lane_enter(l, LANE_LOGIN, now_ms);
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
login_note_sent(struct lane *l, const struct plan_response *what)
{
	l->attempt->credentialed = was_sent(what);
}
