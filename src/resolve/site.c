/* site.c - which server of an organization answers for whom, and under which URLs. */
#include "resolve/site.h"

bool
site_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : slice_eq_nocase(slice_of(a), slice_of(b));
}

static const struct server *
find_home(const struct facts *facts)
{
	const struct org_view *org = facts->org;

	if (facts->domain->server != NULL)
		return org_view_server(org, facts->domain->server);
	return org->n_servers == 0 ? NULL : &org->servers[0];
}

/* NULL: the mailbox and its domain say where it is, or nobody stands near the client. */
static const struct server *
find_nearest(const struct facts *facts, const unsigned char *client)
{
	const struct site_links *site = NULL;

	if (facts->domain->server == NULL && client != NULL)
		site = org_view_site_of(facts->org, client);
	return site == NULL ? NULL : site->first;
}

struct site_choice
site_choose(
    const struct facts *facts, const struct mailbox *mailbox, const unsigned char client[16])
{
	const struct server *home = find_home(facts), *server = NULL;

	if (mailbox != NULL)
		server = org_view_server(facts->org, mailbox->server);
	if (server == NULL)
		server = find_nearest(facts, client);
	return (struct site_choice){ server == NULL ? home : server, home == NULL ? server : home };
}

const struct server *
site_next(const struct org_view *org, const struct server *server, const struct server *at)
{
	const struct server_links *links = org_view_links(org, at);
	const struct server *next = at == server ? links->site->first : links->next;

	return next == server ? org_view_links(org, next)->next : next;
}

const char *
site_side(const struct service_url *u, enum url_side side)
{
	return u == NULL ? NULL : side == INSIDE ? u->internal : u->external;
}

static const char *
url_around(const struct org_view *org, const struct server *server, enum url_service service,
    enum url_side side)
{
	const struct server_links *links = org_view_links(org, server);
	const char *own = site_side(links->urls[service], side);

	return own != NULL ? own : links->site->urls[service][side];
}

const char *
site_url(const struct org_view *org, const struct site_choice *choice, enum url_service service,
    enum url_side side)
{
	const char *url = url_around(org, choice->server, service, side);

	return url != NULL ? url : url_around(org, choice->home, service, side);
}

static const struct outlook_anywhere *
outlook_anywhere_around(const struct org_view *org, const struct server *server)
{
	const struct server_links *links = org_view_links(org, server);

	return links->outlook_anywhere != NULL ? links->outlook_anywhere :
						 links->site->outlook_anywhere;
}

const struct outlook_anywhere *
site_outlook_anywhere(const struct org_view *org, const struct site_choice *choice)
{
	const struct outlook_anywhere *found = outlook_anywhere_around(org, choice->server);

	return found != NULL ? found : outlook_anywhere_around(org, choice->home);
}

void
site_owa(const struct org_view *org, const struct site_choice *choice, enum url_side side,
    struct site_owa *out)
{
	const struct server_links *links = org_view_links(org, choice->server);
	const struct service_url *own = links->urls[URL_OWA];
	const char *own_url = site_side(own, side);

	out->n = 0;
	if (links->site->n_owa[side] == 0)
		links = org_view_links(org, choice->home);
	if (own_url != NULL)
		out->urls[out->n++] = own;
	for (size_t i = 0; i < links->site->n_owa[side]; i++) {
		const struct service_url *other = links->site->owa[side][i];

		if (!site_same(site_side(other, side), own_url))
			out->urls[out->n++] = other;
	}
}
