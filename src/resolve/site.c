/* site.c - which server of an organization answers for whom, and under which URLs. */
#include "resolve/site.h"

bool
site_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : slice_eq_nocase(slice_of(a), slice_of(b));
}

const struct server *
site_choose(const struct facts *facts, const struct mailbox *mailbox)
{
	const struct org_view *org = facts->org;

	if (mailbox != NULL && mailbox->server != NULL)
		return org_view_server(org, mailbox->server);
	if (facts->domain->server != NULL)
		return org_view_server(org, facts->domain->server);
	return org->n_servers == 0 ? NULL : &org->servers[0];
}

const struct server *
site_next(const struct org_view *org, const struct server *server, const struct server *at)
{
	const struct server_links *links = org_view_links(org, at);
	const struct server *next = at == server ? links->first : links->next;

	return next == server ? org_view_links(org, next)->next : next;
}

const struct service_url *
site_service(const struct org_view *org, const struct server *server, enum url_service service)
{
	return org_view_links(org, server)->urls[service];
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
	for (const struct server *s = server; s != NULL; s = site_next(org, server, s)) {
		const char *url = site_side(site_service(org, s, service), side);

		if (url != NULL)
			return url;
	}
	return NULL;
}
