/* reload.c - start, reload, stop: the whole new configuration is built before the old one goes. */
#include "server/reload.h"

#include <string.h>

#include "base/err.h"
#include "base/when.h"
#include "server/assemble.h"
#include "server/certs.h"
#include "server/notify.h"

enum { POLL_MEMORY_BYTES = 256 * 1024 * 1024 };

static void
log_listeners(const struct daemon *d)
{
	for (size_t i = 0; i < d->conf->n_listeners; i++) {
		const struct conf_listener *l = &d->conf->listeners[i];

		for (size_t k = 0; k < l->addresses.n; k++) {
			char name[CONF_LISTENER_NAME_BYTES], text[ENDPOINT_TEXT_BYTES];
			struct endpoint bound;

			conf_listener_name(l, k, name);
			if (!engine_listener_endpoint(d->engine, name, &bound))
				continue;
			endpoint_format(&bound, text);
			LOG(LEVEL_NOTICE, "conf", NULL, "listening", log_text("listener", name),
			    log_text("address", text));
		}
	}
}

static int64_t
now_s(void)
{
	return clock_unix_ms() / 1000;
}

/* What the engine now serves by. */
static void
take_over(struct daemon *d, struct conf *conf, struct assembly *a, const struct expiry *expiry)
{
	struct conf *old = d->conf;

	d->conf = conf_ref(conf);
	conf_unref(old);
	d->service = a->service;
	a->service = NULL;
	remember_set_times(d->state.remember, conf->authentication.remember_ms,
	    conf->authentication.remember_refusal_ms);
	log_set_level((enum log_level)conf->log.level);
	expiry_clear(&d->expiry);
	d->expiry = *expiry;
	expiry_look(&d->expiry, now_s());
}

/* Failure to watch is no failure to serve: the directory may come back. */
static void
watch(struct daemon *d)
{
	dir_close(d->watched);
	d->watched = NULL;
	if (dir_open(d->conf->directory, &d->conf->settings, DIR_SERVE, &d->watched, NULL) !=
	    USHER_OK)
		d->watched = NULL;
	d->settled = false;
}

/* `before`: of the certificates that are served until then, unless all is to be told again. */
static usher_status
build(struct daemon *d, struct conf *conf, const struct expiry *before, struct assembly *a,
    struct expiry *expiry, struct usher_error *err)
{
	usher_status st = assemble(conf, DIR_READ | DIR_FORWARD, &d->state, a, err);

	if (st == USHER_OK &&
	    !expiry_begin(expiry, a->service->certificates, a->service->n_certificates, before))
		st = err_nomem(err, "certificates");
	return st;
}

usher_status
daemon_init(struct daemon *d, struct conf *conf, struct usher_error *err)
{
	struct expiry expiry = { 0 };
	struct assembly a;
	usher_status st;

	memset(d, 0, sizeof(*d));
	st = service_state_init(&d->state, conf, err);
	if (st != USHER_OK)
		return st;
	d->conf_path = conf->path;
	st = build(d, conf, NULL, &a, &expiry, err);
	if (st == USHER_OK)
		st = engine_new(&a.settings, &d->engine, err);
	if (st == USHER_OK) {
		d->state.engine = d->engine;
		take_over(d, conf, &a, &expiry);
	} else {
		expiry_clear(&expiry);
	}
	assembly_clear(&a);
	if (st != USHER_OK)
		service_state_clear(&d->state);
	return st;
}

usher_status
daemon_start(struct daemon *d, struct usher_error *err)
{
	usher_status st = engine_start(d->engine, err);
	struct usher_error why = { 0 };

	if (st != USHER_OK)
		return st;
	d->started = true;
	/* Serving does without. */
	if (stapler_start(d->state.stapler, &why) != USHER_OK)
		log_error(LEVEL_WARNING, "tls", NULL, "OCSP responders are not asked", &why);
	watch(d);
	log_listeners(d);
	return USHER_OK;
}

static usher_status
replace(struct daemon *d, struct conf *conf, const struct expiry *before, struct usher_error *err)
{
	struct expiry expiry = { 0 };
	struct assembly a;
	usher_status st = build(d, conf, before, &a, &expiry, err);

	if (st == USHER_OK)
		st = engine_reconfigure(d->engine, &a.settings, err);
	if (st == USHER_OK)
		take_over(d, conf, &a, &expiry);
	else
		expiry_clear(&expiry);
	assembly_clear(&a);
	atomic_fetch_add(
	    &d->state.counters[st == USHER_OK ? COUNT_RELOADED : COUNT_RELOAD_REFUSED], 1);
	return st;
}

void
daemon_reload(struct daemon *d)
{
	struct usher_error err = { 0 };
	struct conf *conf = NULL;
	usher_status st;

	notify_reloading();
	st = conf_load(d->conf_path, &conf, &err);
	if (st == USHER_OK)
		st = replace(d, conf, NULL, &err);
	if (st != USHER_OK) {
		log_error(
		    LEVEL_ERROR, "conf", NULL, "reload refused; the old configuration stays", &err);
	} else {
		stapler_retry(d->state.stapler);
		watch(d);
		LOG(LEVEL_NOTICE, "conf", NULL, "reloaded", log_text("file", d->conf_path));
		log_listeners(d);
	}
	conf_unref(conf);
	notify("READY=1");
}

/* Most changes need nothing: requests read the directory. Certificates and names are the rest. */
static usher_status
take_changes(struct daemon *d, struct usher_error *err)
{
	struct arena *mem CLEANUP(arena_cleanup) = arena_new(POLL_MEMORY_BYTES);
	struct certs certs;
	usher_status st;

	if (mem == NULL)
		return err_nomem(err, "certificates");
	st = certs_read(mem, d->watched, now_s(), &certs, err);
	if (st != USHER_OK || strcmp(certs.fingerprint, d->service->fingerprint) == 0)
		return st;
	st = replace(d, d->conf, &d->expiry, err);
	if (st == USHER_OK)
		LOG(LEVEL_NOTICE, "conf", NULL, "certificates or names in the directory changed",
		    log_text("directory", d->conf->directory));
	return st;
}

/* Asking again may help. */
static bool
passes(usher_status st)
{
	return st == USHER_E_UNAVAILABLE || st == USHER_E_NETWORK || st == USHER_E_TIMEOUT;
}

/* FNV-1a */
static uint64_t
hash_list(const struct text_list *list)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < list->n; i++)
		for (const char *p = list->v[i]; *p != '\0'; p++)
			hash = (hash ^ (unsigned char)*p) * UINT64_C(1099511628211);
	return hash;
}

/* Once, until it is other entries. */
static void
tell_skipped(struct daemon *d)
{
	struct text_list skipped = dir_skipped(d->watched);
	uint64_t hash = skipped.n == 0 ? 0 : hash_list(&skipped);

	for (size_t i = 0; hash != d->skipped && i < skipped.n; i++)
		LOG(LEVEL_WARNING, "dir", NULL, "an entry is passed over",
		    log_text("entry", skipped.v[i]));
	d->skipped = hash;
}

void
daemon_poll(struct daemon *d)
{
	struct usher_error err = { 0 };
	uint64_t generation = 0;
	usher_status st;

	expiry_look(&d->expiry, now_s());
	if (d->watched == NULL)
		watch(d);
	if (d->watched == NULL)
		return;
	/* Requests log that the directory is gone; the handle finds it again by itself. */
	if (dir_generation(d->watched, &generation, NULL) != LOOKUP_FOUND)
		return;
	tell_skipped(d);
	if (d->settled && generation == d->generation)
		return;
	st = take_changes(d, &err);
	d->generation = generation;
	d->settled = !passes(st);
	if (st != USHER_OK)
		log_error(LEVEL_ERROR, "conf", NULL,
		    "a change in the directory cannot be served; the old certificates stay", &err);
}

void
daemon_stop(struct daemon *d)
{
	if (d->started)
		engine_stop(d->engine, (uint32_t)d->conf->limits.stop_ms);
	engine_free(d->engine);
	expiry_clear(&d->expiry);
	dir_close(d->watched);
	conf_unref(d->conf);
	service_state_clear(&d->state);
}
