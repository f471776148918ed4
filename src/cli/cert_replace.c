/* cert_replace.c - one certificate takes another's place. */
#include "cli/cert_replace.h"

#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "cli/serving.h"

const char *
cert_lacks(const struct certificate *fresh, const struct certificate *old)
{
	const struct text_list *names = serving_names(old);

	for (size_t i = 0; i < names->n; i++)
		if (!cert_names_cover(&fresh->names, names->v[i]))
			return names->v[i];
	return NULL;
}

void
cert_inherit(struct certificate *fresh, const struct certificate *old)
{
	fresh->services = old->services;
	fresh->listeners = old->listeners;
	fresh->host_names = old->host_names;
	fresh->acme = old->acme;
}

/* ---- domains ---- */

struct naming {
	struct arena *mem;
	const char *thumbprint;
	const char **v;
	size_t n;
};

static usher_status
count(const void *record, void *payload)
{
	const struct domain *d = record;
	struct naming *n = payload;

	n->n += d->certificate != NULL && slice_is_nocase(slice_of(d->certificate), n->thumbprint);
	return USHER_OK;
}

static usher_status
take(const void *record, void *payload)
{
	const struct domain *d = record;
	struct naming *n = payload;

	if (d->certificate == NULL || !slice_is_nocase(slice_of(d->certificate), n->thumbprint))
		return USHER_OK;
	n->v[n->n] = arena_strdup(n->mem, d->domain);
	return n->v[n->n++] == NULL ? USHER_E_NOMEM : USHER_OK;
}

usher_status
cert_domains(struct arena *mem, struct dir *dir, const char *thumbprint, struct text_list *out,
    struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_DOMAIN];
	struct naming n = { .mem = mem, .thumbprint = thumbprint };
	usher_status st = dir_each(dir, e, NULL, count, &n, err);

	n.v = arena_array(mem, n.n, sizeof(*n.v));
	n.n = 0;
	if (st == USHER_OK)
		st = n.v == NULL ? USHER_E_NOMEM : dir_each(dir, e, NULL, take, &n, err);
	if (st == USHER_E_NOMEM)
		return err_nomem(err, "domains");
	*out = (struct text_list){ n.v, n.n };
	return st;
}

static usher_status
move_domain(struct changes *c, const char *domain, const char *to, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_DOMAIN];
	union org_record key, record;

	record_init(&e->table, &key);
	key.domain.domain = domain;
	if (dir_get(c->dir, c->cli->mem, e, &key, &record, err) != LOOKUP_FOUND)
		return err->status;
	record.domain.certificate = to;
	return changes_put(c, e, &record, err);
}

usher_status
cert_replace(
    struct changes *c, const struct certificate *old, const char *to, struct usher_error *err)
{
	union org_record record = { .certificate = *old };
	struct text_list domains = { 0 };
	usher_status st = cert_domains(c->cli->mem, c->dir, old->thumbprint, &domains, err);

	for (size_t i = 0; st == USHER_OK && i < domains.n; i++)
		st = move_domain(c, domains.v[i], to, err);
	if (st != USHER_OK || to == NULL)
		return st;
	record.certificate.services = (struct text_list){ 0 };
	return changes_put(c, &entities[ENTITY_CERTIFICATE], &record, err);
}
