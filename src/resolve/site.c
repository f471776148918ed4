/* site.c - which server of an organization answers for whom, and under which URLs. */
#include "resolve/site.h"

bool
site_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : slice_eq_nocase(slice_of(a), slice_of(b));
}

static const struct server *
find_server(const struct org_view *org, const char *name)
{
	for (size_t i = 0; i < org->n_servers; i++)
		if (site_same(org->servers[i].name, name))
			return &org->servers[i];
	return NULL;
}

const struct server *
site_choose(const struct facts *facts, const struct mailbox *mailbox)
{
	const struct org_view *org = facts->org;

	if (mailbox != NULL && mailbox->server != NULL)
		return find_server(org, mailbox->server);
	if (facts->domain->server != NULL)
		return find_server(org, facts->domain->server);
	return org->n_servers == 0 ? NULL : &org->servers[0];
}

const struct server *
site_server(const struct org_view *org, const struct server *server, size_t i)
{
	if (i == 0)
		return server;
	for (size_t k = 0; k < org->n_servers; k++) {
		const struct server *s = &org->servers[k];

		if (s != server && site_same(s->site, server->site) && --i == 0)
			return s;
	}
	return NULL;
}

const struct service_url *
site_service(const struct org_view *org, const struct server *server, enum url_service service)
{
	for (size_t i = 0; i < org->n_urls; i++)
		if (org->urls[i].service == (int)service &&
		    site_same(org->urls[i].server, server->name))
			return &org->urls[i];
	return NULL;
}

const char *
site_side(const struct service_url *u, enum side side)
{
	return u == NULL ? NULL : side == INSIDE ? u->internal : u->external;
}

const char *
site_url(const struct org_view *org, const struct server *server, enum url_service service,
    enum side side)
{
	const struct server *s;

	for (size_t i = 0; (s = site_server(org, server, i)) != NULL; i++) {
		const char *url = site_side(site_service(org, s, service), side);

		if (url != NULL)
			return url;
	}
	return NULL;
}
