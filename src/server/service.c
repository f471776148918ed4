/* service.c - lifetime of the service's state and of each thread's context. */
#include "server/service.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/when.h"

enum {
	REPLY_BYTES = 8 * 1024 * 1024, /* SOAP: a hundred users, every setting */
	KEPT_BYTES = 1024 * 1024       /* from one batch to the next */
};

const struct engine_counter_row service_counter_rows[SERVICE_COUNTERS] = {
	[COUNT_ANSWER_SETTINGS] = { "usherd_answers_total", "kind=\"settings\"",
	    "Autodiscover answers given" },
	[COUNT_ANSWER_REDIRECT] = { "usherd_answers_total", "kind=\"redirect\"" },
	[COUNT_ANSWER_REFUSAL] = { "usherd_answers_total", "kind=\"refusal\"" },
	[COUNT_LOGIN_PASSED] = { "usherd_logins_total", "result=\"passed\"",
	    "Credentials looked at" },
	[COUNT_LOGIN_REMEMBERED] = { "usherd_logins_total", "result=\"remembered\"" },
	[COUNT_LOGIN_REFUSED] = { "usherd_logins_total", "result=\"refused\"" },
	[COUNT_LOGIN_THROTTLED] = { "usherd_logins_total", "result=\"throttled\"" },
	[COUNT_DIRECTORY_UNAVAILABLE] = { "usherd_directory_unavailable_total", NULL,
	    "Requests answered 503 because the directory could not be read" },
	[COUNT_RELOADED] = { "usherd_reloads_total", "result=\"done\"", "Reloads" },
	[COUNT_RELOAD_REFUSED] = { "usherd_reloads_total", "result=\"refused\"" },
	[COUNT_STAPLE_FETCHED] = { "usherd_ocsp_responses_total", "result=\"fetched\"",
	    "OCSP responses asked for" },
	[COUNT_STAPLE_FAILED] = { "usherd_ocsp_responses_total", "result=\"failed\"" },
};

const struct engine_counter_row dir_counter_rows[DIR_COUNTERS] = {
	[DIR_COUNT_LOOKUPS] = { "usherd_directory_lookups_total", NULL,
	    "Lookups asked of an LDAP server" },
	[DIR_COUNT_FAILED] = { "usherd_directory_lookups_failed_total", NULL,
	    "Of those: refused, lost, or over their deadline" },
	[DIR_COUNT_CACHED] = { "usherd_directory_lookups_cached_total", NULL,
	    "Lookups answered from memory, and asked of nobody" },
	[DIR_COUNT_STALE] = { "usherd_directory_lookups_stale_total", NULL,
	    "Of those: older than the cache allows, the directory being away" },
	[DIR_COUNT_CONNECTIONS] = { "usherd_directory_connections", NULL,
	    "Connections to LDAP servers for lookups now", true },
};

usher_status
service_state_init(struct service_state *state, const struct conf *conf, struct usher_error *err)
{
	const struct conf_authentication *a = &conf->authentication;
	const struct remember_limits remember = {
		.entries = (uint32_t)a->remember_entries,
		.good_ms = a->remember_ms,
		.bad_ms = a->remember_refusal_ms,
	};
	const struct throttle_limits throttle = {
		.entries = (uint32_t)a->failure_entries,
		.pair_failures = (uint32_t)a->login_failures,
		.source_failures = (uint32_t)a->address_failures,
		.delay_max_ms = a->delay_max_ms,
		.forget_ms = a->forget_failures_ms,
	};
	usher_status st;

	memset(state, 0, sizeof(*state));
	state->started_s = clock_unix_ms() / 1000;
	st = remember_new(&remember, &state->remember, err);
	if (st == USHER_OK)
		st = throttle_new(&throttle, &state->throttle, err);
	if (st == USHER_OK)
		st = tls_tickets_new(&state->tickets, err);
	if (st == USHER_OK)
		st = stapler_new(&state->counters[COUNT_STAPLE_FETCHED],
		    &state->counters[COUNT_STAPLE_FAILED], &state->stapler, err);
	if (st != USHER_OK)
		service_state_clear(state);
	return st;
}

void
service_state_clear(struct service_state *state)
{
	remember_free(state->remember);
	throttle_free(state->throttle);
	stapler_free(state->stapler);
	tls_tickets_unref(state->tickets);
}

void
service_free(struct service *service)
{
	if (service == NULL)
		return;
	tls_set_unref(service->signer);
	ldap_login_free(service->login);
	conf_unref(service->conf);
	arena_free(service->mem);
	free(service);
}

void
service_app_free(void *app)
{
	service_free(app);
}

usher_status
service_context_new(void *app, unsigned thread, void **out, struct usher_error *err)
{
	struct service *service = app;
	struct service_thread *t = calloc(1, sizeof(*t));
	usher_status st;

	(void)thread;
	if (t == NULL)
		return err_nomem(err, "service");
	t->service = service;
	buf_init(&t->out, REPLY_BYTES);
	t->xml = xml_reader_new();
	st = t->xml == NULL ? err_nomem(err, "service") :
			      dir_open(service->conf->directory, &service->conf->settings,
				  DIR_SERVE, &t->dir, err);
	if (st != USHER_OK) {
		service_context_free(t);
		return st;
	}
	dir_count_in(t->dir, &service->state->directory);
	*out = t;
	return USHER_OK;
}

void
service_context_free(void *context)
{
	struct service_thread *t = context;

	dir_close(t->dir);
	xml_reader_free(t->xml);
	buf_clear(&t->out);
	free(t);
}

/* One view of the directory serves them all: whoever was told that a change is made had been told
 * before it began. */
void
service_batch(void *context, bool begins)
{
	struct service_thread *t = context;

	if (begins)
		dir_hold(t->dir);
	else
		dir_release(t->dir);
	if (t->out.size > KEPT_BYTES) /* a hundred users are asked about now and then */
		buf_clear(&t->out);
}

int
service_descriptor(void *context)
{
	struct service_thread *t = context;

	return dir_descriptor(t->dir);
}

void
service_turn(void *context)
{
	struct service_thread *t = context;

	dir_turn(t->dir);
}

struct service *
service_of(const struct request *request)
{
	return request->app;
}

struct service_thread *
thread_of(const struct request *request)
{
	return request->context;
}

void
service_count(struct request *request, enum service_counter counter)
{
	atomic_fetch_add_explicit(
	    &service_of(request)->state->counters[counter], 1, memory_order_relaxed);
}

struct dir *
service_dir(const struct request *request)
{
	struct dir *dir = thread_of(request)->dir;

	dir_since(dir, request->since_ms);
	return dir;
}

static void
wake(void *arg)
{
	request_wake(arg);
}

bool
service_wait(struct request *request, void (*again)(struct request *request))
{
	if (!request_wait(request, again))
		return false;
	dir_wait(thread_of(request)->dir, wake, request);
	return true;
}

static void
refuse_unavailable(struct request *request)
{
	request_refuse(request, 503, "The directory is not available now.");
}

bool
service_available(struct request *request, enum lookup found, const struct usher_error *err,
    void (*again)(struct request *request))
{
	struct service_thread *t = thread_of(request);
	bool silent = dir_is_silent(t->dir);

	if (found == LOOKUP_PENDING) {
		if (!service_wait(request, again))
			refuse_unavailable(request);
		return false;
	}
	if (found != LOOKUP_UNAVAILABLE) {
		if (t->lost != USHER_OK && silent)
			return true; /* what is known says nothing of the directory */
		if (t->lost != USHER_OK)
			LOG(LEVEL_NOTICE, "dir", request->log, "directory available again",
			    log_text("directory", dir_name(t->dir)));
		t->lost = USHER_OK;
		return true;
	}
	if (t->lost == USHER_OK || (t->lost != err->status && !silent))
		log_error(LEVEL_ERROR, "dir", request->log, "directory unavailable", err);
	t->lost = err->status;
	service_count(request, COUNT_DIRECTORY_UNAVAILABLE);
	refuse_unavailable(request);
	return false;
}
