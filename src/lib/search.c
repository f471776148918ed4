/* search.c - usher/search.h: a search from its options to its result. */
#include "lib/search.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/err.h"
#include "base/text.h"
#include "base/when.h"

enum { ROUNDS_MAX = 16 }; /* of one usher_search_act() */

uint64_t
search_now_ms(const struct usher_search *s)
{
	return (s->n_open > 0 ? s->asked_ms : clock_mono_ms()) - s->paused_ms;
}

/* ---- beginning and end ---- */

usher_status
search_set_credentials(
    struct usher_search *s, const char *login, const char *password, struct usher_error *err)
{
	if (strchr(login, ':') != NULL)
		return err_set(err, USHER_E_USAGE, "login", "a login name holds no colon");
	if (strlen(password) > SECRET_MAX_BYTES)
		return err_set(
		    err, USHER_E_USAGE, "password", "it is longer than %d bytes", SECRET_MAX_BYTES);
	s->login = arena_strdup(s->mem, login);
	if (s->login == NULL || !secret_set(&s->password, slice_of(password)))
		return err_nomem(err, "login");
	return USHER_OK;
}

/* It becomes part of a header field: RFC 6750 2.1 has no more characters than these. */
static usher_status
set_token(struct usher_search *s, const char *token, struct usher_error *err)
{
	for (const char *p = token; *p != '\0'; p++) {
		if (!text_is_alnum(*p) && strchr("-._~+/=", *p) == NULL)
			return err_set(err, USHER_E_USAGE, "bearer-token",
			    "there is a character in it that no token has");
	}
	if (strlen(token) > SECRET_TOKEN_BYTES)
		return err_set(err, USHER_E_USAGE, "bearer-token", "it is longer than %d bytes",
		    SECRET_TOKEN_BYTES);
	return secret_set_token(&s->token, slice_of(token)) ? USHER_OK :
							      err_nomem(err, "bearer-token");
}

static usher_status
set_up(struct usher_search *s, const char *address, struct usher_error *err)
{
	const struct usher_find_options *o = &s->options.given;
	struct plan_options *how = &s->how;
	struct address who;
	usher_status st = address_parse(s->mem, slice_of(address), &who, err);

	*how = (struct plan_options){
		.schemes = s->options.schemes,
		.basic_anyway = (o->schemes & USHER_BASIC) != 0,
		.offers = s->options.offers,
		.n_offers = s->options.n_offers,
		.may_ask = o->trust != NULL,
		.total_ms = o->timeout_ms == 0 ? PLAN_TOTAL_MS : o->timeout_ms,
	};
	if (!random_bytes(&how->seed, sizeof(how->seed)))
		how->seed = clock_mono_ms();
	if (st == USHER_OK)
		st = where_read(s->mem, &s->options, how, err);
	if (st == USHER_OK)
		st = search_set_credentials(s, o->login != NULL ? o->login : who.text,
		    o->password != NULL ? o->password : "", err);
	if (st == USHER_OK && o->bearer_token != NULL)
		st = set_token(s, o->bearer_token, err);
	if (st == USHER_OK)
		st = proxies_read(s->mem,
		    &(struct proxy_choice){
			o->proxy, o->proxy_password, o->no_proxy, o->proxy_auth },
		    &s->options.proxies, err);
	how->names_apart = s->options.n_routes > 0 || proxies_any(&s->options.proxies);
	if (st == USHER_OK)
		st = poller_new(&s->poller, err);
	if (st == USHER_OK)
		st = dns_new(o->dns_server, s->poller, &s->dns, err);
	if (st == USHER_OK)
		st = directory_read(s, how, err);
	if (st == USHER_OK)
		st = tls_trust_new(o->ca_file, o->now, &s->trust, err);
	if (st == USHER_OK)
		st = http_new(s->trust, s->poller, &s->http, err);
	s->xml = xml_reader_new();
	if (st == USHER_OK && s->xml == NULL)
		st = err_nomem(err, address);
	s->began_ms = search_now_ms(s);
	if (st == USHER_OK)
		st = plan_new(s->mem, &who, how, s->began_ms, &s->plan, err);
	return st;
}

static struct usher_result *
result_new(void)
{
	struct arena *mem = arena_new(RESULT_BYTES);
	struct usher_result *r = mem == NULL ? NULL : arena_zalloc(mem, sizeof(*r));

	if (r == NULL) {
		arena_free(mem);
		return NULL;
	}
	r->mem = mem;
	return r;
}

usher_status
usher_search_new(const char *address, const struct usher_find_options *options,
    struct usher_search **out, struct usher_error *err)
{
	struct usher_search *s = calloc(1, sizeof(*s));
	usher_status st;

	if (s == NULL)
		return err_nomem(err, address);
	s->result = result_new();
	if (s->result == NULL) {
		usher_search_free(s);
		return err_nomem(err, address);
	}
	s->mem = s->result->mem;
	s->address = arena_strdup(s->mem, address);
	st = s->address == NULL ? err_nomem(err, address) :
				  search_options_read(s->mem, options, &s->options, err);
	if (st == USHER_OK)
		st = set_up(s, address, err);
	if (st != USHER_OK) {
		usher_search_free(s);
		return st;
	}
	*out = s;
	return USHER_OK;
}

/* All but the descriptor, for which somebody may be waiting, and the result. */
static void
let_go(struct usher_search *s)
{
	directory_let_go(s);
	ticket_free(s->ticket);
	xml_reader_free(s->xml);
	http_free(s->http);
	tls_trust_free(s->trust);
	dns_free(s->dns);
	s->ticket = NULL;
	s->xml = NULL;
	s->http = NULL;
	s->trust = NULL;
	s->dns = NULL;
	secret_clear(&s->password);
	secret_clear(&s->token);
	proxies_clear(&s->options.proxies);
}

void
usher_search_free(struct usher_search *search)
{
	if (search == NULL)
		return;
	let_go(search);
	poller_free(search->poller);
	usher_result_free(search->result);
	free(search);
}

/* ---- work ---- */

/* Until the plan is done or waits. *wake_ms is by the search's clock. */
static usher_status
advance(struct usher_search *s, bool *done, uint64_t *wake_ms)
{
	struct plan_step step;

	for (;;) {
		usher_status st;

		search_take_answers(s);
		st = search_collect(s, &s->err);
		if (st != USHER_OK)
			return st;
		search_trace_ended(s);
		if (s->cancelled)
			return err_set(&s->err, USHER_E_CANCELLED, s->address, "cancelled");
		switch (plan_next(s->plan, search_now_ms(s), &step, wake_ms)) {
		case PLAN_START:
			search_begin(s, &step);
			break;
		case PLAN_STOP:
			search_stop(s, step.id);
			break;
		case PLAN_WAIT:
			return USHER_OK;
		case PLAN_DONE:
			search_trace_ended(s);
			if (plan_status(s->plan) != USHER_OK)
				return err_nomem(&s->err, s->address);
			st = search_end_turn(s, done, &s->err);
			if (st != USHER_OK || *done)
				return st;
			break;
		}
	}
}

/* When libcurl, c-ares or Kerberos want to run, by clock_mono_ms(). */
static uint64_t
net_wake_ms(const struct usher_search *s)
{
	uint64_t http = http_wake_ms(s->http);
	uint64_t dns = dns_wake_ms(s->dns);
	uint64_t ticket = s->ticket == NULL ? UINT64_MAX : ticket_wake_ms(s->ticket);
	uint64_t directory = directory_wake_ms(s);
	uint64_t first = http < dns ? http : dns;

	first = directory < first ? directory : first;
	return first < ticket ? first : ticket;
}

static void
set_alarm(struct usher_search *s, uint64_t plan_wake_ms)
{
	uint64_t wake_ms = net_wake_ms(s);

	/* While the search's clock stands still, none of its deadlines comes nearer. */
	if (s->n_open == 0 && plan_wake_ms != UINT64_MAX && plan_wake_ms + s->paused_ms < wake_ms)
		wake_ms = plan_wake_ms + s->paused_ms;
	if (s->consent.answered || s->credentials.answered)
		wake_ms = 0;
	poller_wake_at(s->poller, wake_ms);
}

static usher_status
work(struct usher_search *s, bool *done)
{
	usher_status st = poller_dispatch(s->poller, &s->err);
	uint64_t wake_ms = UINT64_MAX;

	/* What a step begins is on its way when this returns. */
	for (int i = 0; st == USHER_OK && !*done && i < ROUNDS_MAX; i++) {
		dns_work(s->dns);
		st = http_work(s->http, &s->err);
		if (st == USHER_OK)
			st = advance(s, done, &wake_ms);
		if (st != USHER_OK || net_wake_ms(s) > clock_mono_ms())
			break;
	}
	if (st == USHER_OK && !*done)
		set_alarm(s, wake_ms);
	return st;
}

int
usher_search_act(struct usher_search *search)
{
	bool done = false;

	if (search->over)
		return 0;
	search->status = work(search, &done);
	search->over = search->status != USHER_OK || done;
	if (search->over)
		let_go(search);
	return search->over ? 0 : 1;
}

int
usher_search_fd(const struct usher_search *search)
{
	return poller_fd(search->poller);
}

void
usher_search_cancel(struct usher_search *search)
{
	if (search->over)
		return;
	search->cancelled = true;
	poller_wake_at(search->poller, 0);
}

/* ---- the end ---- */

usher_status
usher_search_result(struct usher_search *search, struct usher_result **out, struct usher_error *err)
{
	usher_status st = search->status;

	if (!search->over || search->result == NULL)
		return err_set(err, USHER_E_USAGE, search->address,
		    search->over ? "the result has been taken" : "the search is not over");
	if (st != USHER_OK)
		return err_set(err, st, search->err.where, "%s", search->err.message);
	search->result->login = search->login;
	search->result->trust_hosts = search->options.trust_hosts;
	directory_note_given(search);
	st = result_complete(search->result, search->address, err);
	if (st != USHER_OK)
		return st;
	*out = search->result;
	search->result = NULL;
	return USHER_OK;
}
