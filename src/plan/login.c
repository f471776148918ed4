/* login.c - the 401: by which scheme a host is answered, and when not any more
 * (authentication.md 10). */
#include <string.h>

#include "plan/inside.h"

static struct host_logins *
logins_at(struct plan *p, const char *host)
{
	for (size_t i = 0; i < p->n_logins; i++) {
		if (strcmp(p->logins[i].host, host) == 0)
			return &p->logins[i];
	}
	/* There is room: hosts are attempted or were among the options. */
	p->logins[p->n_logins] = (struct host_logins){ .host = host };
	return &p->logins[p->n_logins++];
}

void
login_note_offer(struct plan *p, const char *host, unsigned schemes)
{
	logins_at(p, host)->seen |= schemes;
}

size_t
plan_offers(const struct plan *p, struct plan_offer out[PLAN_OFFERS_MAX])
{
	size_t n = 0;

	for (; n < p->n_logins && n < PLAN_OFFERS_MAX; n++)
		out[n] = (struct plan_offer){ p->logins[n].host, p->logins[n].seen };
	return n;
}

static enum login_verdict
choose(const struct plan *p, const struct lane *l, enum auth_scheme *scheme)
{
	struct login_means means = {
		.mine = p->options.schemes,
		.basic_anyway = p->options.basic_anyway,
	};

	if (p->password_bad)
		means.mine &= ~SCHEMES_BY_PASSWORD;
	for (size_t i = 0; i < p->n_logins; i++) {
		if (strcmp(p->logins[i].host, l->url.host) == 0) {
			means.seen = p->logins[i].seen;
			means.failed = p->logins[i].failed;
		}
	}
	return challenge_choose(&l->challenge, &means, scheme);
}

bool
login_has_hope(const struct plan *p, const struct lane *l)
{
	enum auth_scheme scheme;

	return choose(p, l, &scheme) == LOGIN_POSSIBLE;
}

enum auth_scheme
login_scheme(const struct plan *p, const struct lane *l)
{
	enum auth_scheme scheme = SCHEME_NONE;

	(void)choose(p, l, &scheme);
	return scheme;
}

static const char *
needs(enum auth_scheme scheme)
{
	switch (scheme) {
	case SCHEME_NEGOTIATE:
		return "it asks for a login, which a Kerberos ticket may give";
	case SCHEME_BEARER:
		return "it asks for a token";
	default:
		return "it asks for a password";
	}
}

void
login_give_up(struct plan *p, struct lane *l, uint64_t now_ms)
{
	lane_lose(p, l, now_ms, RESULT_CREDENTIALS, OUTCOME_REJECTED,
	    "it asks for a login: not tried, after that had failed at %s",
	    p->failed_at != NULL ? p->failed_at : l->url.host);
}

static void
lose_without_means(struct plan *p, struct lane *l, uint64_t now_ms)
{
	unsigned offered = l->challenge.offered;

	if (p->password_bad && (offered & p->options.schemes & SCHEMES_BY_PASSWORD) != 0)
		login_give_up(p, l, now_ms);
	else if ((offered & SCHEMES_BY_PASSWORD) != 0 &&
		 (p->options.schemes & SCHEMES_BY_PASSWORD) == 0)
		lane_lose(p, l, now_ms, RESULT_CREDENTIALS, OUTCOME_REJECTED, "%s",
		    record_failure(PLAN_NO_CREDENTIALS)->text);
	else
		lane_lose(p, l, now_ms, RESULT_CREDENTIALS, OUTCOME_REJECTED,
		    "it asks for a login by %s: there is no %s for it, or it is not allowed",
		    l->challenge.schemes,
		    (offered & SCHEMES_BY_PASSWORD) != 0 ? "password" :
		    (offered & SCHEMES_BY_TICKET) != 0	 ? "Kerberos ticket" :
							   "token");
}

/* Goes on by the best scheme that is left, or not at all. `why`: what has ended the one before;
 * NULL: there was none. */
static void
go_on(struct plan *p, struct lane *l, const char *why, uint64_t now_ms)
{
	enum auth_scheme scheme = SCHEME_NONE;

	switch (choose(p, l, &scheme)) {
	case LOGIN_POSSIBLE:
		lane_finish_attempt(
		    p, l, RESULT_CREDENTIALS, why != NULL ? why : needs(scheme), now_ms);
		lane_note_promise(l, now_ms);
		lane_enter(l, LANE_LOGIN, now_ms);
		return;
	case LOGIN_UNKNOWN:
		lane_lose(p, l, now_ms, RESULT_CREDENTIALS, OUTCOME_REJECTED,
		    "it asks for a login by %s, and usher can only give Bearer, Negotiate, NTLM "
		    "and Basic",
		    l->challenge.schemes[0] == '\0' ? "means it does not name" :
						      l->challenge.schemes);
		return;
	case LOGIN_NO_MEANS:
		lose_without_means(p, l, now_ms);
		return;
	case LOGIN_FAILED:
		lane_lose(p, l, now_ms, RESULT_CREDENTIALS, OUTCOME_REJECTED, "%s",
		    why != NULL ? why : "it refused the login before");
		return;
	case LOGIN_TOO_WEAK:
		lane_lose(p, l, now_ms, RESULT_BLOCKED, OUTCOME_BLOCKED,
		    "it offers %s%s%s; of these only Basic is left, which hands over the password "
		    "itself: allow Basic explicitly if it may have it",
		    l->challenge.schemes, why == NULL ? "" : ", and ", why == NULL ? "" : why);
		return;
	case LOGIN_WEAKENED:
		lane_lose(p, l, now_ms, RESULT_BLOCKED, OUTCOME_BLOCKED,
		    "it offered better before and now only Basic, which hands over the password "
		    "itself: not sent, as that is how passwords are stolen; allow Basic explicitly "
		    "if "
		    "it is to have it");
		return;
	}
}

static struct text_list
names_of(struct plan *p, const char *schemes)
{
	struct slice rest = slice_of(schemes);
	const char **v = arena_array(p->mem, rest.n, sizeof(*v));
	size_t n = 0;

	while (v != NULL && rest.n > 0) {
		struct slice name = { rest.p, slice_find(rest, ',') };

		v[n] = arena_copy(p->mem, slice_trim(name));
		if (v[n] == NULL)
			break;
		n++;
		rest = slice_skip(rest, name.n + 1);
	}
	if (rest.n > 0)
		p->status = USHER_E_NOMEM;
	return (struct text_list){ v, n };
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
	l->attempt->offered = names_of(p, l->challenge.schemes);
	login_note_offer(p, l->url.host, l->challenge.offered);
	go_on(p, l, NULL, now_ms);
}

void
login_unable(struct plan *p, struct lane *l, const char *detail, uint64_t now_ms)
{
	const char *why = record_text(p, detail);

	logins_at(p, l->url.host)->failed |= SCHEME_BIT(l->scheme);
	go_on(p, l, why != NULL ? why : record_failure(PLAN_NO_LOGIN)->text, now_ms);
}

void
login_failed(struct plan *p, const struct lane *l)
{
	p->failed_at = l->url.host;
	logins_at(p, l->url.host)->failed |= SCHEME_BIT(l->scheme);
	if ((SCHEME_BIT(l->scheme) & SCHEMES_BY_PASSWORD) == 0)
		return;
	/* However it failed, the account may have been charged with it. */
	p->failures++;
	if (p->failures >= PLAN_REFUSALS_MAX)
		p->password_bad = true;
}

/* Two hosts that check against the same realm and both say no: it is the password. More attempts
 * would only lock the account (authentication.md 9). */
static void
note_refused_password(struct plan *p, const struct lane *l)
{
	for (size_t i = 0; i < p->n_refused; i++) {
		if (strcmp(p->refused_realms[i], l->challenge.realm) == 0)
			p->password_bad = true;
	}
	if (p->n_refused < PLAN_REFUSALS_MAX)
		p->refused_realms[p->n_refused++] = l->challenge.realm;
	logins_at(p, l->url.host)->failed |= SCHEMES_BY_PASSWORD;
}

void
login_refused(struct plan *p, struct lane *l, uint64_t now_ms)
{
	struct host_logins *at = logins_at(p, l->url.host);
	bool by_password = (SCHEME_BIT(l->scheme) & SCHEMES_BY_PASSWORD) != 0;
	const char *why = l->scheme == SCHEME_NEGOTIATE ? "it refused the Kerberos ticket" :
			  l->scheme == SCHEME_BEARER	? "it refused the token" :
							  "it refused the login name or the password";

	login_failed(p, l);
	if (by_password)
		note_refused_password(p, l);
	if (by_password || at->refused)
		lane_lose(p, l, now_ms, RESULT_CREDENTIALS, OUTCOME_REJECTED, "%s", why);
	else
		go_on(p, l, why, now_ms);
	at->refused = true;
}

/* Whether the password may have left us. */
static bool
was_sent(const struct plan_response *what)
{
	if (what->failure == PLAN_NO_LOGIN)
		return false;
	if (what->http_status != NUMBER_ABSENT)
		return true;
	switch (what->failure) {
	case PLAN_REFUSED:
	case PLAN_UNREACHABLE:
	case PLAN_PROXY:
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
