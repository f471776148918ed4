/* assemble.c - builds a service from its configuration and its directory. */
#include "server/assemble.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/err.h"
#include "base/when.h"
#include "server/certs.h"
#include "server/route.h"

enum { SERVICE_MEMORY_BYTES = 256 * 1024 * 1024 };

/* With fewer descriptors than connections, clients could take the last one from the directory, from
 * a reload and from the private listener. */
static unsigned
affordable(int64_t connections)
{
	struct rlimit limit;
	rlim_t beside = CONF_DESCRIPTORS_BESIDE;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
		return (unsigned)connections;
	if (beside > limit.rlim_cur / 2)
		beside = limit.rlim_cur / 2;
	if ((rlim_t)connections > limit.rlim_cur - beside)
		return (unsigned)(limit.rlim_cur - beside);
	return (unsigned)connections;
}

static void
set_limits(const struct conf *conf, struct engine_settings *s)
{
	const struct conf_limits *l = &conf->limits;

	s->limits = (struct engine_limits){
		.head_bytes = (size_t)l->head_bytes,
		.body_bytes = (size_t)l->body_bytes,
		.connections = affordable((int64_t)l->connections),
		.address_connections = (unsigned)l->address_connections,
		.requests = (unsigned)l->requests,
		.pool_queue = (unsigned)l->pool_queue,
		.arena_bytes = (size_t)l->request_bytes,
	};
	s->deadlines = (struct engine_deadlines){
		.handshake_ms = (uint32_t)l->handshake_ms,
		.head_ms = (uint32_t)l->head_ms,
		.body_ms = (uint32_t)l->body_ms,
		.work_ms = (uint32_t)l->work_ms,
		.reply_ms = (uint32_t)l->reply_ms,
		.idle_ms = (uint32_t)l->idle_ms,
		.linger_ms = (uint32_t)l->linger_ms,
	};
}

static usher_status
make_set(const struct service *service, const struct conf_listener *l, const struct certs *certs,
    struct served_list *served, struct tls_set **out, struct usher_error *err)
{
	const struct tls_options options = {
		.tickets = l->session_tickets ? service->state->tickets : NULL,
	};
	struct stapler *stapler = service->conf->tls.staple ? service->state->stapler : NULL;
	struct tls_set *set;
	usher_status st = tls_set_new(&options, &set, err);

	if (st != USHER_OK)
		return st;
	st = l->certificate != NULL ?
		 certs_fill_from_files(set, l->name, l->certificate, l->key, stapler, served, err) :
		 certs_fill(set, certs, l->name, stapler, served, err);
	if (st == USHER_OK)
		*out = set;
	else
		tls_set_unref(set);
	return st;
}

static usher_status
add_listener(struct assembly *a, const struct conf_listener *l, const struct certs *certs,
    struct served_list *served, struct usher_error *err)
{
	struct tls_set *set = NULL;
	usher_status st = USHER_OK;

	if (a->settings.n_listeners + l->addresses.n > ENGINE_MAX_LISTENERS)
		return err_set(err, USHER_E_LIMIT, l->name, "more than %d addresses to listen on",
		    ENGINE_MAX_LISTENERS);
	if (l->kind == LISTENER_HTTPS)
		st = make_set(a->service, l, certs, served, &set, err);
	for (size_t i = 0; st == USHER_OK && i < l->addresses.n; i++) {
		size_t n = a->settings.n_listeners++;

		conf_listener_name(l, i, a->names[n]);
		a->listeners[n] = (struct listener_settings){
			.name = a->names[n],
			.kind = (enum listener_kind)l->kind,
			.endpoint = l->addresses.v[i],
			.proxied = l->proxy_protocol,
			.tls = set == NULL ? NULL : tls_set_ref(set),
			.app = l,
		};
	}
	tls_set_unref(set);
	return st;
}

/* Behind a proxy alone there is no certificate unless one is named for this. */
static usher_status
take_signer(struct assembly *a, struct served_list *served, struct usher_error *err)
{
	static const struct tls_options options = { NULL };
	struct service *service = a->service;
	const struct conf_profile *profile = &service->conf->profile;
	usher_status st;

	if (profile->certificate != NULL) {
		st = tls_set_new(&options, &service->signer, err);
		return st == USHER_OK ? certs_fill_signer(service->signer, profile,
					    service->loaded_s, served, err) :
					st;
	}
	for (size_t i = 0; service->signer == NULL && i < a->settings.n_listeners; i++)
		if (a->listeners[i].tls != NULL)
			service->signer = tls_set_ref(a->listeners[i].tls);
	return USHER_OK;
}

static bool
take_host(struct service *service, const char *host, const char *domain)
{
	struct host_domain *known = name_map_find(&service->hosts, host);

	if (known != NULL) {
		/* A name that several domains share says nothing about which of them is meant. */
		if (known->domain != domain)
			known->domain = NULL;
		return true;
	}
	known = arena_zalloc(service->mem, sizeof(*known));
	if (known == NULL)
		return false;
	known->host = arena_strdup(service->mem, host);
	known->domain = domain;
	return known->host != NULL && name_map_add(&service->hosts, service->mem, known);
}

static usher_status
take_hosts(struct service *service, const struct certs *certs, struct usher_error *err)
{
	for (size_t i = 0; i < certs->n_domains; i++) {
		const struct domain_names *d = &certs->domains[i];
		const char *domain = arena_strdup(service->mem, d->domain);

		for (size_t k = 0; k < d->host_names.n; k++)
			if (domain == NULL || !take_host(service, d->host_names.v[k], domain))
				return err_nomem(err, "host names");
	}
	return USHER_OK;
}

/* Names under which the redirect listener may send people on. */
static usher_status
take_names(struct service *service, const struct certs *certs, struct served_list *served,
    struct usher_error *err)
{
	struct name_map *map = &service->host_names;
	usher_status st = USHER_OK;

	for (size_t i = 0; i < certs->n_domains; i++) {
		const struct text_list *names = &certs->domains[i].host_names;

		for (size_t k = 0; st == USHER_OK && k < names->n; k++)
			st = served_name(served, names->v[k], err);
	}
	for (size_t i = 0; st == USHER_OK && i < served->n_names; i++)
		if (name_map_find(map, served->names[i]) == NULL &&
		    !name_map_add(map, service->mem, &served->names[i]))
			st = err_nomem(err, "host names");
	service->certificates = served->v;
	service->n_certificates = served->n;
	return st;
}

static usher_status
take_roots(struct service *service, const struct certs *certs, struct usher_error *err)
{
	struct authority *v = arena_array(service->mem, certs->n_roots, sizeof(*v));

	for (size_t i = 0; v != NULL && i < certs->n_roots; i++)
		if (!record_copy(
			service->mem, &entities[ENTITY_AUTHORITY].table, &v[i], &certs->roots[i]))
			v = NULL;
	service->roots = v;
	service->n_roots = certs->n_roots;
	return v == NULL ? err_nomem(err, "authorities") : USHER_OK;
}

static usher_status
read_directory(struct service *service, unsigned flags, struct arena *mem, struct certs *out,
    struct usher_error *err)
{
	struct dir *dir;
	usher_status st =
	    dir_open(service->conf->directory, &service->conf->settings, flags, &dir, err);

	if (st != USHER_OK)
		return st;
	if (dir_brought_from(dir) > 0)
		LOG(LEVEL_NOTICE, "dir", NULL,
		    "the directory was an older usher's; brought forward",
		    log_text("directory", dir_name(dir)),
		    log_number("from_schema", dir_brought_from(dir)));
	st = certs_read(mem, dir, clock_unix_ms() / 1000, out, err);
	dir_close(dir);
	if (st != USHER_OK)
		return st;
	service->fingerprint = arena_strdup(service->mem, out->fingerprint);
	return service->fingerprint == NULL ? err_nomem(err, "service") : USHER_OK;
}

static usher_status
build(struct assembly *a, unsigned dir_flags, struct usher_error *err)
{
	struct service *service = a->service;
	const struct conf *conf = service->conf;
	struct arena *scratch CLEANUP(arena_cleanup) = arena_new(SERVICE_MEMORY_BYTES);
	struct served_list served = { .mem = service->mem };
	struct certs certs;
	usher_status st = USHER_OK;

	if (scratch == NULL)
		return err_nomem(err, "service");
	if (dir_is_ldap(conf->directory))
		st = ldap_login_new(conf->directory, &conf->settings, &service->login, err);
	if (st == USHER_OK)
		st = read_directory(service, dir_flags, scratch, &certs, err);
	for (size_t i = 0; st == USHER_OK && i < conf->n_listeners; i++)
		st = add_listener(a, &conf->listeners[i], &certs, &served, err);
	if (st == USHER_OK)
		st = take_signer(a, &served, err);
	if (st == USHER_OK)
		st = take_roots(service, &certs, err);
	if (st == USHER_OK)
		st = take_hosts(service, &certs, err);
	return st == USHER_OK ? take_names(service, &certs, &served, err) : st;
}

usher_status
assemble(struct conf *conf, unsigned dir_flags, struct service_state *state, struct assembly *out,
    struct usher_error *err)
{
	struct engine_settings *s = &out->settings;
	struct service *service = calloc(1, sizeof(*service));

	memset(out, 0, sizeof(*out));
	engine_settings_init(s);
	if (service == NULL)
		return err_nomem(err, "service");
	out->service = service;
	service->state = state;
	service->conf = conf_ref(conf);
	service->loaded_s = clock_unix_ms() / 1000;
	service->mem = arena_new(SERVICE_MEMORY_BYTES);
	if (service->mem == NULL)
		return err_nomem(err, "service");
	if (conf->threads > 0)
		s->threads = (unsigned)conf->threads;
	s->pool_threads = (unsigned)conf->pool_threads;
	s->listeners = out->listeners;
	s->trusted = conf->trusted.v;
	s->n_trusted = conf->trusted.n;
	s->log_requests = conf->log.requests;
	s->callbacks = (struct engine_app){
		.context_new = service_context_new,
		.context_free = service_context_free,
		.batch = service_batch,
		.descriptor = service_descriptor,
		.turn = service_turn,
		.head = route_head,
		.app_free = service_app_free,
	};
	s->app = service;
	set_limits(conf, s);
	return build(out, dir_flags, err);
}

void
assembly_clear(struct assembly *a)
{
	for (size_t i = 0; i < a->settings.n_listeners; i++)
		tls_set_unref(a->listeners[i].tls);
	service_free(a->service);
}
