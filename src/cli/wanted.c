/* wanted.c - the host names under which clients come. */
#include "cli/wanted.h"

#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/ip.h"
#include "base/url.h"
#include "resolve/resolve_domain.h"
#include "wire/pacc.h"

enum { FIRST_ROOM = 64, DOMAIN_BYTES = 1024 * 1024 /* of what one domain needs */ };

/* A name as it was met; `at` is its place, for the order to be found again. */
struct met {
	struct wanted_name name;
	size_t at;
};

struct gathering {
	struct arena *mem, *scratch;
	struct dir *dir;
	struct met *v;
	size_t n, room;
	struct usher_error *err;
};

/* `d` is NULL for a name of the organization. */
static usher_status
meet(struct gathering *g, const char *name, const char *why, const struct domain *d)
{
	struct wanted_name *to;

	if (g->n == g->room) {
		size_t room = g->room == 0 ? FIRST_ROOM : g->room * 2;
		struct met *v = arena_array(g->mem, room, sizeof(*v));

		if (v == NULL)
			return err_nomem(g->err, "host names");
		if (g->n > 0)
			memcpy(v, g->v, g->n * sizeof(*v));
		g->v = v;
		g->room = room;
	}
	to = &g->v[g->n].name;
	*to = (struct wanted_name){ .name = arena_strdup(g->mem, name), .why = why };
	if (d != NULL) {
		to->domain = arena_strdup(g->mem, d->domain);
		to->certificate = arena_strdup(g->mem, d->certificate);
	}
	if (to->name == NULL || (d != NULL && to->domain == NULL) ||
	    (d != NULL && d->certificate != NULL && to->certificate == NULL))
		return err_nomem(g->err, "host names");
	g->v[g->n].at = g->n;
	g->n++;
	return USHER_OK;
}

/* What is no host name is nobody's to find fault with here: `usher apply` has let it in. */
static usher_status
meet_host(struct gathering *g, const char *host, const char *why)
{
	const char *name;

	if (host == NULL || ip_version(host) != 0 ||
	    domain_parse(g->mem, slice_of(host), &name, NULL) != USHER_OK)
		return USHER_OK;
	return meet(g, name, why, NULL);
}

static usher_status
meet_url(struct gathering *g, const char *text, const char *why)
{
	struct url url;

	if (text == NULL || url_parse(g->mem, slice_of(text), &url, NULL) != USHER_OK || !url.https)
		return USHER_OK;
	return meet_host(g, url.host, why);
}

/* ---- servers ---- */

static usher_status
take_server(const void *record, void *payload)
{
	return meet_url(payload, ((const struct server *)record)->internal_uri,
	    "Autodiscover of a server, as its SCP has it");
}

static usher_status
take_url(const void *record, void *payload)
{
	const struct service_url *u = record;
	usher_status st = meet_url(payload, u->external, "URL of a service, outside");

	return st == USHER_OK ? meet_url(payload, u->internal, "URL of a service, inside") : st;
}

static usher_status
take_outlook_anywhere(const void *record, void *payload)
{
	const struct outlook_anywhere *o = record;
	usher_status st;

	if (o->enabled != TRI_ON)
		return USHER_OK;
	st = meet_host(payload, o->external_host, "Outlook Anywhere, outside");
	return st == USHER_OK ? meet_host(payload, o->internal_host, "Outlook Anywhere, inside") :
				st;
}

static usher_status
take_provider(const void *record, void *payload)
{
	static const char why[] = "Outlook provider";
	const struct provider *p = record;
	const struct slice principal = slice_of(p->cert_principal_name);
	static const struct slice prefix = SLICE_LITERAL("msstd:");
	usher_status st = meet_host(payload, p->server, why);

	if (st != USHER_OK || !slice_starts_nocase(principal, prefix))
		return st;
	return meet_host(payload, principal.p + prefix.n, why);
}

/* ---- domains ---- */

static bool
has_mail(const struct facts *facts)
{
	for (size_t i = 0; i < facts->n_services; i++)
		if (facts->services[i].type <= SERVICE_SMTP)
			return true;
	return false;
}

static usher_status
meet_below(struct gathering *g, const struct domain *d, const char *prefix, const char *why)
{
	const char *name = arena_join(g->mem, prefix, d->domain);

	if (name == NULL)
		return err_nomem(g->err, "host names");
	/* A domain may be so long that there is no such name. */
	return strlen(name) > DOMAIN_MAX_BYTES ? USHER_OK : meet(g, name, why, d);
}

static usher_status
meet_programs(struct gathering *g, const struct domain *d)
{
	struct answer answer;
	struct facts facts;
	usher_status st = USHER_OK;

	arena_reset(g->scratch);
	switch (dir_domain(g->dir, g->scratch, d->domain, &facts, g->err)) {
	case LOOKUP_PENDING: /* of handles that serve alone */
	case LOOKUP_UNAVAILABLE:
		return g->err->status;
	case LOOKUP_ABSENT:
		return USHER_OK;
	case LOOKUP_FOUND:
		break;
	}
	if (facts.domain == NULL || !has_mail(&facts))
		return USHER_OK;
	if (resolve_autoconfig(g->scratch, &facts, d->domain, &answer) != USHER_OK)
		return err_nomem(g->err, d->domain);
	st = meet_below(g, d, "autoconfig.", "Mail Autoconfig of an accepted domain");
	if (st == USHER_OK && pacc_check(&answer, NULL) == USHER_OK)
		st = meet_below(g, d, PACC_HOST_PREFIX, "PACC of an accepted domain");
	return st;
}

static usher_status
take_domain(const void *record, void *payload)
{
	struct gathering *g = payload;
	const struct domain *d = record;
	usher_status st = meet_below(g, d, "autodiscover.", "Autodiscover of an accepted domain");

	for (size_t i = 0; st == USHER_OK && i < d->host_names.n; i++)
		st = meet(g, d->host_names.v[i], "host name of an accepted domain", d);
	return st == USHER_OK ? meet_programs(g, d) : st;
}

/* ---- each once ---- */

static int
compare_names(const void *a, const void *b)
{
	const struct met *x = a, *y = b;
	int order = strcmp(x->name.name, y->name.name);

	return order != 0 ? order : x->at < y->at ? -1 : 1;
}

static int
compare_places(const void *a, const void *b)
{
	const struct met *x = a, *y = b;

	return x->at < y->at ? -1 : 1;
}

static usher_status
make_unique(struct gathering *g, struct wanted *out)
{
	struct wanted_name *v = arena_array(g->mem, g->n, sizeof(*v));
	size_t n = 0;

	if (v == NULL)
		return err_nomem(g->err, "host names");
	if (g->n > 1)
		qsort(g->v, g->n, sizeof(*g->v), compare_names);
	for (size_t i = 0; i < g->n; i++) {
		struct wanted_name *last = n == 0 ? NULL : &g->v[n - 1].name;

		if (last == NULL || strcmp(last->name, g->v[i].name.name) != 0) {
			g->v[n++] = g->v[i];
		} else if (last->certificate == NULL && g->v[i].name.domain != NULL) {
			/* usherd shows a domain's own certificate for it, whoever else names it */
			last->domain = g->v[i].name.domain;
			last->certificate = g->v[i].name.certificate;
		}
	}
	if (n > 1)
		qsort(g->v, n, sizeof(*g->v), compare_places);
	for (size_t i = 0; i < n; i++)
		v[i] = g->v[i].name;
	*out = (struct wanted){ v, n };
	return USHER_OK;
}

usher_status
wanted_names(struct arena *mem, struct dir *dir, struct wanted *out, struct usher_error *err)
{
	static const struct {
		enum entity_id entity;
		usher_status (*take)(const void *record, void *payload);
	} rows[] = {
		{ ENTITY_URL, take_url },
		{ ENTITY_OUTLOOK_ANYWHERE, take_outlook_anywhere },
		{ ENTITY_SERVER, take_server },
		{ ENTITY_PROVIDER, take_provider },
		{ ENTITY_DOMAIN, take_domain },
	};
	struct arena *scratch CLEANUP(arena_cleanup) = arena_new(DOMAIN_BYTES);
	struct gathering g = { .mem = mem, .scratch = scratch, .dir = dir, .err = err };
	usher_status st = scratch == NULL ? err_nomem(err, "host names") : USHER_OK;

	for (size_t i = 0; st == USHER_OK && i < COUNT_OF(rows); i++)
		st = dir_each(dir, &entities[rows[i].entity], NULL, rows[i].take, &g, err);
	return st == USHER_OK ? make_unique(&g, out) : st;
}
