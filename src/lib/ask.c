/* ask.c - questions to the caller: consent and credentials, answered at once or later. */
#include <string.h>

#include "base/when.h"
#include "lib/search.h"

/* ---- what both have in common ---- */

static void
open_question(struct usher_search *s, struct asked *q, const struct plan_step *step)
{
	if (s->n_open++ == 0)
		s->asked_ms = clock_mono_ms();
	*q = (struct asked){ .open = true, .step = *step };
}

static void
close_question(struct usher_search *s, struct asked *q)
{
	if (--s->n_open == 0)
		s->paused_ms += clock_mono_ms() - s->asked_ms;
	q->open = false;
}

/* True when the answer will come later. */
static bool
note_reply(struct usher_search *s, struct asked *q, int reply)
{
	if (reply == USHER_CANCEL)
		s->cancelled = true;
	if (q->answered) /* from within the callback */
		return true;
	q->yes = reply == USHER_YES;
	return reply == USHER_LATER && !s->blocking;
}

/* ---- consent ---- */

static void
conclude_consent(struct usher_search *s)
{
	struct asked *q = &s->consent;
	struct usher_result *r = s->result;

	close_question(s, q);
	if (q->yes && r->n_agreed < RESULT_AGREED_MAX)
		r->agreed[r->n_agreed++] = q->step.host;
	plan_consented(s->plan, search_now_ms(s), q->step.id, q->yes);
}

void
search_ask_consent(struct usher_search *s, const struct plan_step *step)
{
	struct asked *q = &s->consent;
	int reply;

	open_question(s, q, step);
	q->redirect = (struct usher_redirect){
		.size = sizeof(q->redirect),
		.address = step->address,
		.from = step->from,
		.to = step->to,
		.host = step->host,
	};
	reply = s->options.given.trust(&q->redirect, s->options.given.payload);
	if (!note_reply(s, q, reply))
		conclude_consent(s);
}

void
usher_search_answer_trust(struct usher_search *search, int yes)
{
	struct asked *q = &search->consent;

	if (!q->open || q->answered)
		return;
	q->answered = true;
	q->yes = yes == USHER_YES;
	poller_wake_at(search->poller, 0);
}

/* ---- credentials ---- */

static void
conclude_credentials(struct usher_search *s)
{
	struct asked *q = &s->credentials;

	close_question(s, q);
	if (!q->yes)
		secret_clear(&s->password);
	search_request(s, &q->step);
}

static int
call_back(struct usher_search *s, const struct usher_challenge *challenge)
{
	struct usher_credentials given = { .login = "" };
	const char *login = s->options.given.prefer_address ? s->address : s->login;
	size_t n = strlen(login);
	int reply;

	if (n < sizeof(given.login))
		memcpy(given.login, login, n + 1);
	reply = s->options.given.credentials(challenge, &given, s->options.given.payload);
	given.login[sizeof(given.login) - 1] = '\0';
	given.password[sizeof(given.password) - 1] = '\0';
	if (reply == USHER_YES &&
	    search_set_credentials(s, given.login, given.password, NULL) != USHER_OK)
		reply = USHER_NO;
	explicit_bzero(&given, sizeof(given));
	return reply;
}

void
search_ask_credentials(struct usher_search *s, const struct plan_step *step)
{
	struct asked *q = &s->credentials;

	s->prompted = true;
	open_question(s, q, step);
	q->challenge = (struct usher_challenge){
		.size = sizeof(q->challenge),
		.url = step->url->text,
		.host = step->url->host,
		.realm = step->realm,
		.address = step->address,
	};
	if (!note_reply(s, q, call_back(s, &q->challenge)))
		conclude_credentials(s);
}

usher_status
usher_search_answer_credentials(
    struct usher_search *search, const char *login, const char *password, struct usher_error *err)
{
	struct asked *q = &search->credentials;
	usher_status st = USHER_OK;

	if (!q->open || q->answered)
		return USHER_OK;
	if (password != NULL)
		st = search_set_credentials(
		    search, login != NULL ? login : search->login, password, err);
	if (st != USHER_OK)
		return st;
	q->answered = true;
	q->yes = password != NULL;
	poller_wake_at(search->poller, 0);
	return USHER_OK;
}

/* ---- later ---- */

void
search_take_answers(struct usher_search *s)
{
	if (s->consent.open && s->consent.answered)
		conclude_consent(s);
	if (s->credentials.open && s->credentials.answered)
		conclude_credentials(s);
}

void
search_withdraw(struct usher_search *s, uint32_t id)
{
	if (s->consent.open && s->consent.step.id == id) {
		s->consent.yes = false;
		conclude_consent(s);
	}
	if (s->credentials.open && s->credentials.step.id == id) {
		s->credentials.yes = false;
		conclude_credentials(s);
	}
}
