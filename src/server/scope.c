/* scope.c - the copy of the settings that all threads share, and each thread's context for it. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "server/worker.h"

void
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

usher_status
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

	loop_watch_free(scope->watch);
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

static void
on_context(void *arg)
{
	struct scope *scope = arg;

	scope->config->settings.callbacks.turn(scope->context);
}

bool
scope_watch(struct scope *scope, struct loop *loop)
{
	const struct engine_app *calls = &scope->config->settings.callbacks;
	int fd;

	if (scope->watch != NULL)
		return true;
	fd = calls->descriptor == NULL ? -1 : calls->descriptor(scope->context);
	if (fd >= 0)
		scope->watch = loop_watch_new(loop, fd, on_context, scope);
	if (scope->watch == NULL)
		return false;
	loop_watch_set(scope->watch, LOOP_READ);
	return true;
}

usher_status
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
