/* plan_servers.c - the servers of a deployment, and where their URLs and SCPs have to lead
 * (http-discovery.md 14; scp.md 10.5). */
#include <string.h>

#include "base/address.h"
#include "base/ip.h"
#include "base/url.h"
#include "model/usual.h"
#include "resolve/plan_inside.h"
#include "resolve/site.h"

#define FIRST_SITE "Default-First-Site-Name" /* as `usher setup` calls it */

static bool
is_name_of(const struct server *s, const char *host)
{
	return slice_is_nocase(slice_of(host), s->name) ||
	       (s->fqdn != NULL && slice_is_nocase(slice_of(host), s->fqdn));
}

static bool
is_server(const struct plan_making *m, const char *host)
{
	for (size_t i = 0; i < m->n_servers; i++)
		if (is_name_of(&m->servers[i].server.server, host))
			return true;
	return false;
}

/* A host by which no certificate can be had for us, so that the URL has to name ours. `discovery`:
 * the URL is one of Autodiscover's, else of a service, which may well stand elsewhere. */
static bool
has_to_move(const struct plan_making *m, const char *host, bool discovery)
{
	if (plan_is_ours(m, host))
		return false;
	if (domain_is_internal(host) || ip_version(host) != 0)
		return true;
	if (m->wish->scenario == SCENARIO_ALL_NAMES)
		return m->n_servers > 1 && is_server(m, host);
	return discovery || is_server(m, host);
}

/* ---- servers ---- */

static void
take_server(struct plan_making *m, const struct server *server)
{
	const struct server_links *links = org_view_links(m->facts->org, server);
	struct served *s = &m->servers[m->n_servers++];

	s->server.server = *server;
	for (int i = 0; i < URL_SERVICE_COUNT; i++) {
		s->has_url[i] = links->urls[i] != NULL;
		if (s->has_url[i])
			s->urls[i].url = *links->urls[i];
	}
	s->has_outlook_anywhere = links->outlook_anywhere != NULL;
	if (s->has_outlook_anywhere)
		s->outlook_anywhere.outlook_anywhere = *links->outlook_anywhere;
}

static bool
is_taken(const struct plan_making *m, const char *name)
{
	for (size_t i = 0; i < m->n_servers; i++)
		if (slice_is_nocase(slice_of(name), m->servers[i].server.server.name))
			return true;
	return m->facts->org != NULL && org_view_server(m->facts->org, name) != NULL;
}

/* What `usher setup` will make for this host. */
static void
foresee_server(struct plan_making *m, const char *host)
{
	struct served *s = &m->servers[m->n_servers];
	const char *name = KEEP(m, usual_server_name(m->mem, host, 1));

	for (int i = 2; name != NULL && is_taken(m, name); i++)
		name = KEEP(m, usual_server_name(m->mem, host, i));
	if (name == NULL || !usual_server(m->mem, name, host, FIRST_SITE, &s->server.server)) {
		m->failed = true;
		return;
	}
	for (int i = 0; i < URL_SERVICE_COUNT; i++) {
		struct service_url *u = &s->urls[i].url;

		s->has_url[i] = usual_has_url(i);
		if (!s->has_url[i])
			continue;
		record_init(&entities[ENTITY_URL].table, u);
		u->server = name;
		u->service = i;
		u->internal = u->external = KEEP(m, usual_url(m->mem, i, host));
	}
	s->has_outlook_anywhere = true;
	usual_outlook_anywhere(name, host, &s->outlook_anywhere.outlook_anywhere);
	s->is_new = true;
	m->n_servers++;
}

static const struct server *
known_server(const struct plan_making *m, const char *host)
{
	const struct org_view *org = m->facts->org;

	for (size_t i = 0; org != NULL && i < org->n_servers; i++)
		if (is_name_of(&org->servers[i], host))
			return &org->servers[i];
	return NULL;
}

static const struct server *
first_server(const struct plan_making *m)
{
	const struct org_view *org = m->facts->org;

	if (org == NULL || org->n_servers == 0)
		return NULL;
	return site_choose(m->facts, NULL, NULL).server;
}

void
plan_find_servers(struct plan_making *m)
{
	const struct server *first = first_server(m);

	if (m->out->kind != DOMAIN_EXCHANGE)
		return;
	for (size_t i = 0; i < m->wish->servers.n && !m->failed; i++) {
		const struct server *s = known_server(m, m->wish->servers.v[i]);

		if (is_server(m, m->wish->servers.v[i]))
			continue;
		if (s != NULL)
			take_server(m, s);
		else
			foresee_server(m, m->wish->servers.v[i]);
	}
	if (m->wish->servers.n > 0)
		return;
	for (const struct server *s = first; s != NULL; s = site_next(m->facts->org, first, s))
		take_server(m, s);
	if (first == NULL)
		foresee_server(m, m->wish->host);
}

/* ---- settings ---- */

/* Where a URL has to lead instead, or the URL itself. */
static const char *
moved(struct plan_making *m, const char *text, bool discovery, const char *why)
{
	const char *port = "";
	struct url url;

	if (text == NULL || url_parse(m->mem, slice_of(text), &url, NULL) != USHER_OK)
		return text;
	if (!has_to_move(m, url.host, discovery)) {
		plan_note_host(m, url.host, why);
		return text;
	}
	if (url.port != 443 && url.https)
		port = KEEP(m, arena_printf(m->mem, ":%u", url.port));
	return port == NULL ?
		   NULL :
		   KEEP(m, arena_join(m->mem, "https://", m->wish->host, port, url.path,
			       url.query == NULL ? "" : "?", url.query == NULL ? "" : url.query));
}

static const char *
moved_host(struct plan_making *m, const char *host, const char *why)
{
	if (host == NULL)
		return NULL;
	if (has_to_move(m, host, false))
		return m->wish->host;
	plan_note_host(m, host, why);
	return host;
}

static void
plan_url(struct plan_making *m, const struct served *s, int service)
{
	const union org_record *before = &s->urls[service];
	union org_record after = *before;
	const char *name =
	    field_choice_name(field_find(&entities[ENTITY_URL].table, "service"), &before->url);
	const char *why = KEEP(
	    m, arena_join(m->mem, "the URL of ", name, " on ", s->server.server.name, " names it"));
	bool discovery = service == URL_AUTODISCOVER;

	after.url.internal = moved(m, before->url.internal, discovery, why);
	after.url.external = moved(m, before->url.external, discovery, why);
	if (after.url.external == NULL && after.url.internal != NULL)
		after.url.external = after.url.internal;
	plan_put_record(m, ENTITY_URL, before, &after,
	    before->url.external == NULL ? "clients outside are told the URL too" :
					   "every URL has to name a host that a certificate has");
}

void
plan_server(struct plan_making *m, const struct served *s)
{
	const char *name = s->server.server.name;
	union org_record after = s->server;
	struct outlook_anywhere *oa;

	after.server.internal_uri = moved(m, s->server.server.internal_uri, true,
	    arena_join(
		m->mem, "Outlook in the domain finds it in Active Directory as the URL of ", name));
	if (after.server.internal_uri == NULL)
		after.server.internal_uri = m->out->url;
	plan_put_record(m, ENTITY_SERVER, &s->server, &after,
	    "Outlook in the domain finds this URL in Active Directory, and warns of a name that "
	    "the certificate does not have");
	for (int i = 0; i < URL_SERVICE_COUNT && !m->failed; i++)
		if (s->has_url[i])
			plan_url(m, s, i);
	if (!s->has_outlook_anywhere)
		return;
	after = s->outlook_anywhere;
	oa = &after.outlook_anywhere;
	oa->internal_host = moved_host(
	    m, oa->internal_host, arena_join(m->mem, "Outlook Anywhere of ", name, " names it"));
	oa->external_host = moved_host(
	    m, oa->external_host, arena_join(m->mem, "Outlook Anywhere of ", name, " names it"));
	if (oa->external_host == NULL)
		oa->external_host = m->wish->host;
	if (m->proxy == NULL)
		m->proxy = oa->external_host;
	plan_put_record(m, ENTITY_OUTLOOK_ANYWHERE, &s->outlook_anywhere, &after,
	    "Outlook outside connects to this host");
}
