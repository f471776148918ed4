/* engine.c - settings, threads and orders to them: start, reconfigure, stop. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/err.h"
#include "server/conn.h"

enum { LATE_BATCH = 64 }; /* connections closed for lateness per turn of the loop */

const struct engine_counter_row engine_counter_rows[ENGINE_COUNTERS] = {
	[COUNT_ACCEPTED] = { "usherd_connections_accepted_total", NULL, "Connections accepted.",
	    false },
	[COUNT_OPEN] = { "usherd_connections_open", NULL, "Connections open now.", true },
	[COUNT_REFUSED_ADDRESS] = { "usherd_connections_refused_total", NULL,
	    "Connections closed because their address had too many.", false },
	[COUNT_PAUSED] = { "usherd_accept_paused_total", NULL,
	    "Times accepting paused for want of room.", false },
	[COUNT_NO_DESCRIPTOR] = { "usherd_descriptors_missing_total", NULL,
	    "Times no file descriptor was left.", false },
	[COUNT_HANDSHAKES] = { "usherd_tls_handshakes_total", NULL, "TLS handshakes done.", false },
	[COUNT_HANDSHAKES_RESUMED] = { "usherd_tls_handshakes_resumed_total", NULL,
	    "TLS handshakes that resumed a session.", false },
	[COUNT_HANDSHAKES_FAILED] = { "usherd_tls_handshakes_failed_total", NULL,
	    "TLS handshakes that failed.", false },
	[COUNT_REQUESTS] = { "usherd_requests_total", NULL, "Requests whose head was read.",
	    false },
	[COUNT_STATUS_2XX] = { "usherd_responses_total", "class=\"2xx\"", "Responses by class.",
	    false },
	[COUNT_STATUS_3XX] = { "usherd_responses_total", "class=\"3xx\"", "Responses by class.",
	    false },
	[COUNT_STATUS_4XX] = { "usherd_responses_total", "class=\"4xx\"", "Responses by class.",
	    false },
	[COUNT_STATUS_5XX] = { "usherd_responses_total", "class=\"5xx\"", "Responses by class.",
	    false },
	[COUNT_MALFORMED] = { "usherd_requests_malformed_total", NULL,
	    "Requests that broke the rules of HTTP.", false },
	[COUNT_LATE_HANDSHAKE] = { "usherd_late_total", "stage=\"handshake\"",
	    "Connections closed because a stage took too long.", false },
	[COUNT_LATE_HEAD] = { "usherd_late_total", "stage=\"head\"",
	    "Connections closed because a stage took too long.", false },
	[COUNT_LATE_BODY] = { "usherd_late_total", "stage=\"body\"",
	    "Connections closed because a stage took too long.", false },
	[COUNT_LATE_WORK] = { "usherd_late_total", "stage=\"work\"",
	    "Connections closed because a stage took too long.", false },
	[COUNT_LATE_REPLY] = { "usherd_late_total", "stage=\"reply\"",
	    "Connections closed because a stage took too long.", false },
	[COUNT_IDLE_CLOSED] = { "usherd_connections_idle_closed_total", NULL,
	    "Connections closed after the idle time.", false },
	[COUNT_DEFERRED] = { "usherd_pool_jobs_total", NULL, "Functions run in the pool.", false },
	[COUNT_POOL_FULL] = { "usherd_pool_full_total", NULL,
	    "Requests refused because the pool's queue was full.", false },
	[COUNT_BYTES_IN] = { "usherd_received_bytes_total", NULL, "Bytes received, without TLS.",
	    false },
	[COUNT_BYTES_OUT] = { "usherd_sent_bytes_total", NULL, "Bytes sent, without TLS.", false },
};

void
engine_settings_init(struct engine_settings *settings)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	*settings = (struct engine_settings){
		.threads = processors < 1 ? 1
		    : processors > ENGINE_MAX_THREADS ? ENGINE_MAX_THREADS
						      : (unsigned)processors,
		.pool_threads = 4,
		.limits = {
			.head_bytes = 16 * 1024,
			.body_bytes = 64 * 1024,
			.connections = 10000,
			.address_connections = 256,
			.requests = 10000,
			.pool_queue = 256,
			.arena_bytes = 4 * 1024 * 1024,
		},
		.deadlines = {
			.handshake_ms = 10 * 1000,
			.head_ms = 10 * 1000,
			.body_ms = 20 * 1000,
			.work_ms = 20 * 1000,
			.reply_ms = 20 * 1000,
			.idle_ms = 75 * 1000,
			.linger_ms = 2 * 1000,
		},
	};
}

/* ---- config and scope ---- */

static void
config_unref(struct config *config, bool with_app)
{
	if (config == NULL || atomic_fetch_sub(&config->refs, 1) != 1)
		return;
	for (size_t i = 0; i < config->settings.n_listeners; i++) {
		free((char *)(uintptr_t)config->listeners[i].name);
		tls_set_unref(config->listeners[i].tls);
	}
	if (with_app && config->settings.callbacks.app_free != NULL)
		config->settings.callbacks.app_free(config->settings.app);
	free(config);
}

static usher_status
check_settings(const struct engine_settings *s, struct usher_error *err)
{
	if (s->threads < 1 || s->threads > ENGINE_MAX_THREADS)
		return err_set(err, USHER_E_USAGE, "threads", "must be 1-%d", ENGINE_MAX_THREADS);
	if (s->n_listeners > ENGINE_MAX_LISTENERS || s->n_trusted > ENGINE_MAX_TRUSTED)
		return err_set(err, USHER_E_USAGE, "listen",
		    "more than %d listeners or %d trusted proxies", ENGINE_MAX_LISTENERS,
		    ENGINE_MAX_TRUSTED);
	for (size_t i = 0; i < s->n_listeners; i++) {
		const struct listener_settings *l = &s->listeners[i];

		if ((l->kind == LISTENER_HTTPS) !=
		    (l->tls != NULL && tls_set_choose(l->tls, NULL) != NULL))
			return err_set(err, USHER_E_USAGE, l->name,
			    l->kind == LISTENER_HTTPS ? "has no certificate" :
							"is not https but has a certificate");
	}
	return USHER_OK;
}

static usher_status
config_new(const struct engine_settings *settings, struct config **out, struct usher_error *err)
{
	struct config *c;
	usher_status st = check_settings(settings, err);

	if (st != USHER_OK)
		return st;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_nomem(err, "settings");
	atomic_init(&c->refs, 1);
	c->settings = *settings;
	c->settings.listeners = c->listeners;
	c->settings.trusted = c->trusted;
	c->settings.n_listeners = 0;
	for (size_t i = 0; i < settings->n_trusted; i++)
		c->trusted[i] = settings->trusted[i];
	for (size_t i = 0; i < settings->n_listeners; i++) {
		struct listener_settings *l = &c->listeners[i];

		*l = settings->listeners[i];
		l->name = strdup(l->name);
		if (l->name == NULL) {
			config_unref(c, false);
			return err_nomem(err, "settings");
		}
		if (l->tls != NULL)
			(void)tls_set_ref(l->tls);
		c->settings.n_listeners++;
	}
	*out = c;
	return USHER_OK;
}

struct scope *
scope_ref(struct scope *scope)
{
	scope->users++;
	return scope;
}

static void
scope_free(struct scope *scope, bool with_app)
{
	const struct engine_app *calls = &scope->config->settings.callbacks;

	if (calls->context_free != NULL && scope->context != NULL)
		calls->context_free(scope->context);
	config_unref(scope->config, with_app);
	free(scope);
}

void
scope_unref(struct scope *scope)
{
	if (--scope->users == 0)
		scope_free(scope, true);
}

/* Makes one scope per worker; on failure none is left. */
static usher_status
scopes_new(struct config *config, unsigned n, struct scope **out, struct usher_error *err)
{
	const struct engine_settings *s = &config->settings;
	usher_status st = USHER_OK;

	for (unsigned i = 0; i < n; i++) {
		struct scope *scope = calloc(1, sizeof(*scope));

		if (scope == NULL)
			st = err_nomem(err, "settings");
		else if (s->callbacks.context_new != NULL)
			st = s->callbacks.context_new(s->app, i, &scope->context, err);
		if (st != USHER_OK) {
			free(scope);
			while (i-- > 0)
				scope_free(out[i], false);
			return st;
		}
		scope->config = config;
		scope->users = 1;
		atomic_fetch_add(&config->refs, 1);
		out[i] = scope;
	}
	return USHER_OK;
}

/* ---- on the worker's thread ---- */

void
worker_timer_by(struct worker *w, uint64_t at_ms)
{
	if (at_ms >= w->timer_at_ms)
		return;
	w->timer_at_ms = at_ms;
	loop_timer(w->loop, at_ms);
}

void
worker_check_stop(struct worker *w)
{
	if (w->stopping && w->open == 0 && w->deferred == 0)
		loop_stop(w->loop);
}

/* Calls `each` on all connections; it may close the one it is given. */
static void
each_conn(struct worker *w, void (*each)(struct conn *c))
{
	for (enum stage s = 0; s < STAGES; s++) {
		struct deadline *next;

		for (struct deadline *d = deadline_oldest(&w->deadlines, s); d != NULL; d = next) {
			next = deadline_after(&w->deadlines, d);
			each((struct conn *)d);
		}
	}
}

static void
on_timer(void *owner)
{
	struct worker *w = owner;
	uint64_t now = loop_now_ms(w->loop);
	struct deadline *d;
	uint64_t next;

	w->timer_at_ms = UINT64_MAX;
	for (int i = 0; i < LATE_BATCH && (d = deadline_late(&w->deadlines, now)) != NULL; i++)
		conn_late((struct conn *)d);
	if (w->resume_at_ms != 0 && now >= w->resume_at_ms)
		listen_resume(w);
	if (w->stopping && now >= w->stop_at_ms)
		each_conn(w, conn_close);
	next = deadline_first_ms(&w->deadlines);
	if (w->resume_at_ms != 0 && w->resume_at_ms < next)
		next = w->resume_at_ms;
	if (w->stopping && now < w->stop_at_ms && w->stop_at_ms < next)
		next = w->stop_at_ms;
	worker_timer_by(w, next);
}

/* A request under way keeps its settings; its connection changes over with the next one. */
static void
change_over(struct conn *c)
{
	if (listen_find(c->worker->scope->config, c->listener) == NULL)
		c->removed = true;
	if (c->x != NULL || c->deadline.stage == STAGE_LINGER)
		return;
	conn_rescope(c);
	/* One that has not asked yet may still ask once. */
	if (c->removed && c->deadline.stage == STAGE_IDLE)
		conn_close(c);
}

/* Closes sockets that `config` (NULL: none) has no listener for. */
static void
drop_sockets(struct worker *w, const struct config *config)
{
	struct socket **at = &w->sockets;

	while (*at != NULL) {
		struct socket *s = *at;

		if (config != NULL && listen_find(config, &s->settings) != NULL) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		listen_close(s, config != NULL);
	}
}

static void
take_settings(struct worker *w, struct scope *scope, struct socket *sockets)
{
	const struct engine_deadlines *d = &scope->config->settings.deadlines;
	const uint32_t stage_ms[STAGES] = {
		[STAGE_HANDSHAKE] = d->handshake_ms,
		[STAGE_HEAD] = d->head_ms,
		[STAGE_BODY] = d->body_ms,
		[STAGE_WORK] = d->work_ms,
		[STAGE_REPLY] = d->reply_ms,
		[STAGE_IDLE] = d->idle_ms,
		[STAGE_LINGER] = d->linger_ms,
	};
	struct scope *old = w->scope;

	memcpy(w->deadlines.stage_ms, stage_ms, sizeof(stage_ms));
	drop_sockets(w, scope->config);
	w->scope = scope;
	while (sockets != NULL) {
		struct socket *next = sockets->next;

		sockets->next = w->sockets;
		w->sockets = sockets;
		if (!listen_begin(sockets))
			LOG(LEVEL_ERROR, "engine", NULL, "listener cannot be watched",
			    log_text("listener", sockets->settings.name));
		sockets = next;
	}
	exchanges_free(w);
	if (old == NULL)
		return;
	each_conn(w, change_over);
	scope_unref(old);
	/* New deadlines may be shorter than what the timer waits for. */
	worker_timer_by(w, loop_now_ms(w->loop));
}

static void
close_waiting(struct conn *c)
{
	if (c->x == NULL && c->deadline.stage != STAGE_HANDSHAKE)
		conn_close(c);
}

static void
begin_stop(struct worker *w, uint32_t grace_ms)
{
	w->stopping = true;
	drop_sockets(w, NULL);
	w->resume_at_ms = 0;
	each_conn(w, close_waiting);
	w->stop_at_ms = loop_now_ms(w->loop) + grace_ms;
	worker_timer_by(w, w->stop_at_ms);
	worker_check_stop(w);
}

static void
on_wake(void *owner)
{
	struct worker *w = owner;
	struct scope *scope;
	struct socket *sockets;
	uint32_t grace_ms;
	bool stop;

	(void)pthread_mutex_lock(&w->lock);
	scope = w->new_scope;
	sockets = w->new_sockets;
	grace_ms = w->grace_ms;
	stop = w->stop && !w->stopping;
	(void)pthread_mutex_unlock(&w->lock);
	if (scope != NULL) {
		take_settings(w, scope, sockets);
		(void)pthread_mutex_lock(&w->lock);
		w->new_scope = NULL;
		w->new_sockets = NULL;
		(void)pthread_cond_signal(&w->obeyed);
		(void)pthread_mutex_unlock(&w->lock);
	}
	if (stop)
		begin_stop(w, grace_ms);
}

static void *
worker_run(void *arg)
{
	struct worker *w = arg;

	loop_run(w->loop);
	return NULL;
}

/* ---- on the owner's thread ---- */

static const struct loop_calls calls = { .timer = on_timer, .wake = on_wake };

static usher_status
worker_init(struct engine *e, unsigned index, struct usher_error *err)
{
	struct worker *w = &e->workers[index];

	w->engine = e;
	w->index = index;
	w->next_conn_id = index + 1;
	w->timer_at_ms = UINT64_MAX;
	deadlines_init(&w->deadlines);
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->obeyed, NULL);
	w->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	w->loop = loop_new(&calls, w);
	if (w->loop == NULL)
		return err_set(err, USHER_E_IO, "engine",
		    "no event loop can be made: out of memory or file descriptors");
	return USHER_OK;
}

static usher_status
open_listeners(struct engine *e, struct config *config, const struct config *old,
    struct socket **sockets, struct usher_error *err)
{
	usher_status st = USHER_OK;

	for (size_t i = 0; st == USHER_OK && i < config->settings.n_listeners; i++) {
		const struct listener_settings *l = &config->listeners[i];
		const struct listener_settings *same = old == NULL ? NULL : listen_find(old, l);

		if (same != NULL)
			config->bound[i] = old->bound[same - old->listeners];
		else
			st = listen_open(
			    e->workers, e->n_workers, l, sockets, &config->bound[i], err);
	}
	return st;
}

static void
close_sockets(struct socket *s)
{
	while (s != NULL) {
		struct socket *next = s->next;

		listen_close(s, false);
		s = next;
	}
}

usher_status
engine_new(const struct engine_settings *settings, struct engine **out, struct usher_error *err)
{
	struct socket *sockets[ENGINE_MAX_THREADS] = { NULL };
	struct config *config = NULL;
	struct engine *e = NULL;
	usher_status st = config_new(settings, &config, err);

	if (st != USHER_OK)
		return st;
	e = calloc(1, sizeof(*e) + settings->threads * sizeof(e->workers[0]));
	if (e == NULL) {
		config_unref(config, false);
		return err_nomem(err, "engine");
	}
	e->limit = limit_new();
	st = e->limit == NULL ? err_nomem(err, "engine") : USHER_OK;
	for (; st == USHER_OK && e->n_workers < settings->threads; e->n_workers++)
		st = worker_init(e, e->n_workers, err);
	if (st == USHER_OK)
		st = open_listeners(e, config, NULL, sockets, err);
	for (unsigned i = 0; i < e->n_workers; i++)
		e->workers[i].new_sockets = sockets[i];
	if (st != USHER_OK) {
		config_unref(config, false);
		engine_free(e);
		return st;
	}
	limit_set(e->limit, settings->limits.connections, settings->limits.address_connections);
	loop_pool_threads(settings->pool_threads);
	e->config = config;
	*out = e;
	return USHER_OK;
}

/* Gives the order that has been filled in and waits until it is obeyed. */
static void
give_order(struct worker *w, struct scope *scope, struct socket *sockets)
{
	(void)pthread_mutex_lock(&w->lock);
	w->new_scope = scope;
	w->new_sockets = sockets;
	(void)pthread_mutex_unlock(&w->lock);
	loop_wake(w->loop);
}

static void
await_order(struct worker *w)
{
	(void)pthread_mutex_lock(&w->lock);
	while (w->new_scope != NULL)
		(void)pthread_cond_wait(&w->obeyed, &w->lock);
	(void)pthread_mutex_unlock(&w->lock);
}

usher_status
engine_start(struct engine *engine, struct usher_error *err)
{
	struct scope *scopes[ENGINE_MAX_THREADS];
	usher_status st = scopes_new(engine->config, engine->n_workers, scopes, err);
	sigset_t all, old;

	if (st != USHER_OK)
		return st;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned i = 0; i < engine->n_workers; i++) {
		struct worker *w = &engine->workers[i];

		give_order(w, scopes[i], w->new_sockets);
		if (st == USHER_OK && pthread_create(&w->thread, NULL, worker_run, w) != 0)
			st = err_set(err, USHER_E_IO, "engine", "no thread can be started");
		w->running = st == USHER_OK;
	}
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	for (unsigned i = 0; i < engine->n_workers; i++)
		if (engine->workers[i].running)
			await_order(&engine->workers[i]);
	return st;
}

usher_status
engine_reconfigure(
    struct engine *engine, const struct engine_settings *settings, struct usher_error *err)
{
	struct socket *sockets[ENGINE_MAX_THREADS] = { NULL };
	struct scope *scopes[ENGINE_MAX_THREADS];
	struct config *old = engine->config;
	struct config *config = NULL;
	usher_status st = config_new(settings, &config, err);

	if (st != USHER_OK)
		return st;
	st = open_listeners(engine, config, old, sockets, err);
	if (st == USHER_OK)
		st = scopes_new(config, engine->n_workers, scopes, err);
	if (st != USHER_OK) {
		for (unsigned i = 0; i < engine->n_workers; i++)
			close_sockets(sockets[i]);
		config_unref(config, false);
		return st;
	}
	limit_set(
	    engine->limit, settings->limits.connections, settings->limits.address_connections);
	engine->config = config;
	for (unsigned i = 0; i < engine->n_workers; i++)
		give_order(&engine->workers[i], scopes[i], sockets[i]);
	for (unsigned i = 0; i < engine->n_workers; i++)
		await_order(&engine->workers[i]);
	config_unref(old, true);
	return USHER_OK;
}

void
engine_stop(struct engine *engine, uint32_t grace_ms)
{
	for (unsigned i = 0; i < engine->n_workers; i++) {
		struct worker *w = &engine->workers[i];

		(void)pthread_mutex_lock(&w->lock);
		w->stop = true;
		w->grace_ms = grace_ms;
		(void)pthread_mutex_unlock(&w->lock);
		loop_wake(w->loop);
	}
	for (unsigned i = 0; i < engine->n_workers; i++) {
		struct worker *w = &engine->workers[i];

		if (w->running)
			(void)pthread_join(w->thread, NULL);
		w->running = false;
	}
}

static void
worker_free(struct worker *w)
{
	if (w->engine == NULL)
		return;
	drop_sockets(w, NULL);
	close_sockets(w->new_sockets);
	exchanges_free(w);
	if (w->scope != NULL)
		scope_unref(w->scope);
	if (w->new_scope != NULL)
		scope_unref(w->new_scope);
	loop_free(w->loop);
	if (w->spare_fd >= 0)
		(void)close(w->spare_fd);
	(void)pthread_mutex_destroy(&w->lock);
	(void)pthread_cond_destroy(&w->obeyed);
}

void
engine_free(struct engine *engine)
{
	if (engine == NULL)
		return;
	for (unsigned i = 0; i < engine->n_workers; i++)
		worker_free(&engine->workers[i]);
	config_unref(engine->config, true);
	limit_free(engine->limit);
	free(engine);
}

bool
engine_listener_endpoint(const struct engine *engine, const char *name, struct endpoint *out)
{
	const struct config *c = engine->config;

	for (size_t i = 0; i < c->settings.n_listeners; i++)
		if (strcmp(c->listeners[i].name, name) == 0) {
			*out = c->bound[i];
			return true;
		}
	return false;
}

void
engine_count(const struct engine *engine, uint64_t out[ENGINE_COUNTERS])
{
	memset(out, 0, ENGINE_COUNTERS * sizeof(out[0]));
	for (unsigned i = 0; i < engine->n_workers; i++)
		for (int c = 0; c < ENGINE_COUNTERS; c++)
			out[c] += atomic_load_explicit(
			    &engine->workers[i].counts[c], memory_order_relaxed);
}
