/* org_view.c - finds once what each question would search for. */
#include "model/org_view.h"

#include <stdlib.h>

#include "base/text.h"

/* Without regard to case; an absent text comes first. */
static int
compare(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a != NULL) - (b != NULL);
	for (; *a != '\0' && text_lower(*a) == text_lower(*b); a++)
		b++;
	return (unsigned char)text_lower(*a) - (unsigned char)text_lower(*b);
}

static int
compare_sites(const void *a, const void *b)
{
	const struct server *const *x = a, *const *y = b;
	int order = compare((*x)->site, (*y)->site);

	return order != 0 ? order : *x < *y ? -1 : *x > *y; /* they lie by age */
}

/* `servers` are in the order of compare_sites(). */
static void
link_sites(
    const struct org_view *v, const struct server *const *servers, struct server_links *links)
{
	for (size_t i = 0; i < v->n_servers; i++) {
		struct server_links *own = &links[servers[i] - v->servers];
		bool same = i > 0 && compare(servers[i - 1]->site, servers[i]->site) == 0;

		own->first = servers[i];
		if (!same)
			continue;
		own->first = links[servers[i - 1] - v->servers].first;
		links[servers[i - 1] - v->servers].next = servers[i];
	}
}

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
	const struct server **servers = arena_array(mem, view->n_servers, sizeof(struct server *));
	struct server_links *links = arena_array(mem, view->n_servers, sizeof(*links));

	if (servers == NULL || links == NULL)
		return false;
	for (size_t i = 0; i < view->n_servers; i++)
		servers[i] = &view->servers[i];
	if (view->n_servers > 0)
		qsort(servers, view->n_servers, sizeof(struct server *), compare_sites);
	link_sites(view, servers, links);
	view->by_name = (struct name_map){ 0 };
	for (size_t i = 0; i < view->n_servers; i++)
		if (!name_map_add(&view->by_name, mem, &view->servers[i]))
			return false;
	link_records(view, links);
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
