/* engine.c - life of the engine: new, start, reconfigure, stop. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "server/worker.h"

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

/* A listener that changes its kind or its address keeps its port. */
static bool
has_port(const struct config *config, uint16_t port)
{
	for (size_t i = 0; config != NULL && i < config->settings.n_listeners; i++)
		if (port != 0 && config->bound[i].port == port)
			return true;
	return false;
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
			st = listen_open(e->workers, e->n_workers, l,
			    has_port(old, l->endpoint.port), sockets, &config->bound[i], err);
	}
	return st;
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
		st = worker_init(&e->workers[e->n_workers], e, e->n_workers, err);
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

		worker_change(w, scopes[i], w->new_sockets);
		if (st == USHER_OK && pthread_create(&w->thread, NULL, worker_run, w) != 0)
			st = err_set(err, USHER_E_IO, "engine", "no thread can be started");
		w->running = st == USHER_OK;
	}
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	for (unsigned i = 0; i < engine->n_workers; i++)
		if (engine->workers[i].running)
			worker_await(&engine->workers[i]);
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
			listen_close_all(sockets[i]);
		config_unref(config, false);
		return st;
	}
	limit_set(
	    engine->limit, settings->limits.connections, settings->limits.address_connections);
	engine->config = config;
	for (unsigned i = 0; i < engine->n_workers; i++)
		worker_change(&engine->workers[i], scopes[i], sockets[i]);
	for (unsigned i = 0; i < engine->n_workers; i++)
		worker_await(&engine->workers[i]);
	config_unref(old, true);
	return USHER_OK;
}

void
engine_stop(struct engine *engine, uint32_t grace_ms)
{
	for (unsigned i = 0; i < engine->n_workers; i++)
		if (engine->workers[i].running)
			worker_stop(&engine->workers[i], grace_ms);
	for (unsigned i = 0; i < engine->n_workers; i++) {
		struct worker *w = &engine->workers[i];

		if (w->running)
			(void)pthread_join(w->thread, NULL);
		w->running = false;
	}
}

void
engine_free(struct engine *engine)
{
	if (engine == NULL)
		return;
	/* A start that failed in the middle has left some running. */
	engine_stop(engine, 0);
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
