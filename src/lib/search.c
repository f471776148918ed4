/* search.c - a search from its options to its result; the steps between are steps.c's. */
#include "lib/search.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/err.h"
#include "base/when.h"

uint64_t
search_now_ms(const struct search *s)
{
	return clock_mono_ms() - s->paused_ms;
}

/* ---- beginning and end ---- */

usher_status
search_set_credentials(
    struct search *s, const char *login, const char *password, struct usher_error *err)
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

/* What the caller has the means for, and this machine's libraries can do. */
static unsigned
schemes_of(const struct usher_find_options *o)
{
	unsigned schemes = 0;

	if (o->password != NULL || o->credentials != NULL)
		schemes |= SCHEMES_BY_PASSWORD;
	return schemes & http_schemes();
}

static usher_status
set_up(struct search *s, const char *address, struct usher_error *err)
{
	const struct usher_find_options *o = &s->options.given;
	struct plan_options plan = {
		.schemes = schemes_of(o),
		.may_ask = o->trust != NULL,
		.total_ms = o->timeout_ms,
		.trust_hosts = s->options.trust_hosts,
	};
	struct address who;
	usher_status st = address_parse(s->mem, slice_of(address), &who, err);

	if (!random_bytes(&plan.seed, sizeof(plan.seed)))
		plan.seed = clock_mono_ms();
	if (st == USHER_OK)
		st = search_set_credentials(s, o->login != NULL ? o->login : who.text,
		    o->password != NULL ? o->password : "", err);
	if (st == USHER_OK)
		st = dns_new(o->dns_server, &s->dns, err);
	if (st == USHER_OK)
		st = tls_trust_new(o->ca_file, o->now, &s->trust, err);
	if (st == USHER_OK)
		st = http_new(s->trust, &s->http, err);
	s->xml = xml_reader_new();
	if (st == USHER_OK && s->xml == NULL)
		st = err_nomem(err, address);
	if (st == USHER_OK)
		st = plan_new(s->mem, &who, &plan, search_now_ms(s), &s->plan, err);
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
search_new(const char *address, const struct usher_find_options *options, struct search **out,
    struct usher_error *err)
{
	struct search *s = calloc(1, sizeof(*s));
	usher_status st;

	if (s == NULL)
		return err_nomem(err, address);
	s->result = result_new();
	if (s->result == NULL) {
		search_free(s);
		return err_nomem(err, address);
	}
	s->mem = s->result->mem;
	s->address = arena_strdup(s->mem, address);
	st = s->address == NULL ? err_nomem(err, address) : USHER_OK;
	if (st == USHER_OK)
		st = search_options_read(s->mem, options, &s->options, err);
	if (st == USHER_OK)
		st = set_up(s, address, err);
	if (st != USHER_OK) {
		search_free(s);
		return st;
	}
	*out = s;
	return USHER_OK;
}

void
search_free(struct search *s)
{
	if (s == NULL)
		return;
	xml_reader_free(s->xml);
	http_free(s->http);
	tls_trust_free(s->trust);
	dns_free(s->dns);
	secret_clear(&s->password);
	secret_clear(&s->token);
	usher_result_free(s->result);
	free(s);
}

usher_status
search_result(struct search *s, struct usher_result **out, struct usher_error *err)
{
	usher_status st;

	plan_result(s->plan, &s->result->plan);
	st = result_complete(s->result, s->address, err);
	if (st != USHER_OK)
		return st;
	*out = s->result;
	s->result = NULL;
	return USHER_OK;
}

/* ---- the loop ---- */

usher_status
search_advance(struct search *s, bool *done, uint64_t *wake_ms, struct usher_error *err)
{
	usher_status st = USHER_OK;
	struct plan_step step;

	while (st == USHER_OK) {
		st = search_collect(s, err);
		if (st != USHER_OK)
			break;
		switch (plan_next(s->plan, search_now_ms(s), &step, wake_ms)) {
		case PLAN_START:
			search_begin(s, &step);
			break;
		case PLAN_STOP:
			dns_stop(s->dns, step.id);
			http_stop(s->http, step.id);
			break;
		case PLAN_WAIT:
			*done = false;
			return USHER_OK;
		case PLAN_DONE:
			*done = true;
			st = plan_status(s->plan);
			return st == USHER_OK ? st : err_nomem(err, s->address);
		}
	}
	return st;
}
