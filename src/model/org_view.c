/* org_view.c - finds once what each question would search for. */
#include "model/org_view.h"

#include <string.h>

#include "base/text.h"

/* The view has its servers by name. */
static void
link_records(const struct org_view *v, struct server_links *links)
{
	const struct server *s;

	for (size_t i = 0; i < v->n_urls; i++) {
		s = org_view_server(v, v->urls[i].server);
		if (s != NULL)
			links[s - v->servers].urls[v->urls[i].service] = &v->urls[i];
	}
	for (size_t i = 0; i < v->n_outlook_anywhere; i++) {
		s = org_view_server(v, v->outlook_anywhere[i].server);
		if (s != NULL && v->outlook_anywhere[i].enabled == TRI_ON)
			links[s - v->servers].outlook_anywhere = &v->outlook_anywhere[i];
	}
}

/* ---- sites ---- */

/* The sites while they are found. */
struct sites {
	struct arena *mem;
	struct name_map by_name;
	struct site_links *nameless; /* NULL: every server names its site */
};

/* NULL when out of memory. */
static struct site_links *
site_named(struct sites *sites, const char *name)
{
	struct site_links *site = sites->nameless;
	const char *folded = NULL;

	if (name != NULL) {
		folded = text_fold_copy(sites->mem, slice_of(name));
		if (folded == NULL)
			return NULL;
		site = name_map_find(&sites->by_name, folded);
	}
	if (site != NULL)
		return site;
	site = arena_zalloc(sites->mem, sizeof(*site));
	if (site == NULL)
		return NULL;
	site->name = folded;
	if (name == NULL)
		sites->nameless = site;
	else if (!name_map_add(&sites->by_name, sites->mem, site))
		return NULL;
	return site;
}

static const char *
side_of(const struct service_url *u, enum url_side side)
{
	return side == INSIDE ? u->internal : u->external;
}

/* The room doubles each time that it is full. */
static bool
note_owa(
    struct arena *mem, struct site_links *site, const struct service_url *owa, enum url_side side)
{
	const struct service_url **all = site->owa[side];
	size_t n = site->n_owa[side];

	for (size_t i = 0; i < n; i++)
		if (slice_eq_nocase(slice_of(side_of(all[i], side)), slice_of(side_of(owa, side))))
			return true;
	if (n == ORG_OWA_MAX)
		return true;
	if ((n & (n - 1)) == 0) {
		all = arena_array(mem, n == 0 ? 1 : 2 * n, sizeof(*all));
		if (all == NULL)
			return false;
		if (n > 0)
			memcpy(all, site->owa[side], n * sizeof(*all));
		site->owa[side] = all;
	}
	all[site->n_owa[side]++] = owa;
	return true;
}

/* What the server adds to those of its site that are older. */
static bool
note_server(struct arena *mem, struct site_links *site, const struct server_links *own)
{
	for (int service = 0; service < URL_SERVICE_COUNT; service++) {
		const struct service_url *u = own->urls[service];

		for (enum url_side side = INSIDE; u != NULL && side < SIDES; side++) {
			if (side_of(u, side) == NULL)
				continue;
			if (site->urls[service][side] == NULL)
				site->urls[service][side] = side_of(u, side);
			if (service == URL_OWA && !note_owa(mem, site, u, side))
				return false;
		}
	}
	if (site->outlook_anywhere == NULL)
		site->outlook_anywhere = own->outlook_anywhere;
	return true;
}

/* The servers have their records. */
static bool
link_sites(const struct org_view *v, struct sites *sites, struct server_links *links)
{
	/* Of each server, the youngest of its site so far. */
	size_t *last = arena_array(sites->mem, v->n_servers, sizeof(*last));

	for (size_t i = 0; last != NULL && i < v->n_servers; i++) {
		struct site_links *site = site_named(sites, v->servers[i].site);

		if (site == NULL || !note_server(sites->mem, site, &links[i]))
			return false;
		links[i].site = site;
		if (site->first == NULL)
			site->first = &v->servers[i];
		else
			links[last[site->first - v->servers]].next = &v->servers[i];
		last[site->first - v->servers] = i;
	}
	return last != NULL;
}

/* Sites without servers keep their subnets: who is in one of those is in no wider one. What is no
 * subnet leads nobody anywhere. */
static bool
link_subnets(struct org_view *v, struct sites *sites)
{
	struct ip_table_row *rows;
	size_t n = 0;

	for (size_t i = 0; i < v->n_sites; i++)
		n += v->sites[i].subnets.n;
	rows = arena_array(sites->mem, n, sizeof(*rows));
	n = 0;
	for (size_t i = 0; rows != NULL && i < v->n_sites; i++) {
		const struct site *site = &v->sites[i];
		struct site_links *links = site_named(sites, site->name);

		if (links == NULL)
			return false;
		for (size_t k = 0; k < site->subnets.n; k++) {
			if (ip_subnet_parse(site->subnets.v[k], &rows[n].subnet) == NULL)
				rows[n++].value = links;
		}
	}
	return rows != NULL && ip_table_make(sites->mem, rows, n, &v->subnets);
}

/* ---- the whole ---- */

static unsigned
version_number(const char *text)
{
	struct version v;

	return version_parse(text, &v) ? v.major << 21 | v.minor << 15 | v.build : 0;
}

static const char *
newest_version(const struct org_view *v)
{
	const char *newest = NULL;

	for (size_t i = 0; i < v->n_servers; i++)
		if (version_number(v->servers[i].version) > version_number(newest))
			newest = v->servers[i].version;
	return newest;
}

bool
org_view_link(struct arena *mem, struct org_view *view)
{
	struct server_links *links = arena_array(mem, view->n_servers, sizeof(*links));
	struct sites sites = { .mem = mem };

	if (links == NULL)
		return false;
	view->by_name = (struct name_map){ 0 };
	for (size_t i = 0; i < view->n_servers; i++)
		if (!name_map_add(&view->by_name, mem, &view->servers[i]))
			return false;
	link_records(view, links);
	if (!link_sites(view, &sites, links) || !link_subnets(view, &sites))
		return false;
	view->links = links;
	view->newest_version = newest_version(view);
	return true;
}

const struct server *
org_view_server(const struct org_view *view, const char *name)
{
	return name_map_find(&view->by_name, name);
}

const struct server_links *
org_view_links(const struct org_view *view, const struct server *server)
{
	return &view->links[server - view->servers];
}

const struct site_links *
org_view_site_of(const struct org_view *view, const unsigned char address[16])
{
	const struct site_links *site = ip_table_find(&view->subnets, address);

	return site == NULL || site->first == NULL ? NULL : site;
}
