/* resolve_plan.c - what a deployment of one of the four kinds needs (http-discovery.md 14; scp.md
 * 10.5). */
#include "resolve/resolve_plan.h"

#include <string.h>

#include "base/err.h"
#include "base/ip.h"
#include "model/usual.h"
#include "resolve/plan_inside.h"

enum { PLAN_ASKED = 4, PLAN_LISTENERS = 4, PLAN_NOTES = 8 };

/* ---- settings ---- */

void
plan_put_record(struct plan_making *m, enum entity_id id, const void *before,
    const union org_record *after, const char *why)
{
	if (before != NULL && record_equal(&entities[id].table, before, after))
		return;
	m->records[m->out->n_records++] =
	    (struct plan_record){ &entities[id], before, *after, KEEP(m, why) };
}

/* The first of its host names is in what the domain's programs are told. */
static void
plan_domain(struct plan_making *m)
{
	const struct domain *d = m->facts->domain;
	const struct text_list *names;
	union org_record after;
	const char **v;
	size_t n = 0;

	/* An alias is told what the domain is that it stands for, which has a host of its own. */
	if (strcmp(d->domain, m->wish->domain) != 0)
		return;
	after.domain = *d;
	names = &after.domain.host_names;
	if (names->n == 0 || strcmp(names->v[0], m->wish->host) != 0) {
		v = arena_array(m->mem, names->n + 1, sizeof(*v));
		if (KEEP(m, v) == NULL)
			return;
		v[n++] = m->wish->host;
		for (size_t i = 0; i < names->n; i++)
			if (strcmp(names->v[i], m->wish->host) != 0)
				v[n++] = names->v[i];
		after.domain.host_names = (struct text_list){ v, n };
	}
	/* Setup accepts the domain with whatever else it makes. */
	plan_put_record(m, ENTITY_DOMAIN, m->wish->accepted || m->out->setups.n > 0 ? d : NULL,
	    &after, "programs of the domain are told this host");
}

static void
plan_setups(struct plan_making *m)
{
	const char **v = arena_array(m->mem, m->n_servers + 1, sizeof(*v));
	size_t n = 0;

	if (KEEP(m, v) == NULL)
		return;
	for (size_t i = 0; i < m->n_servers; i++)
		if (m->servers[i].is_new)
			v[n++] = m->servers[i].server.server.fqdn;
	if (m->out->kind == DOMAIN_MAIL && !m->wish->accepted)
		v[n++] = m->wish->host;
	m->out->setups = (struct text_list){ v, n };
}

/* ---- DNS ---- */

static usher_status
plan_zone(struct plan_making *m)
{
	static const enum zone_way ways[] = {
		[SCENARIO_ALL_NAMES] = ZONE_WAY_ALL,
		[SCENARIO_SRV] = ZONE_WAY_SRV,
		[SCENARIO_TWO_HOSTS] = ZONE_WAY_APART,
		[SCENARIO_REDIRECT] = ZONE_WAY_REDIRECT,
	};
	struct zone_wish wish = m->wish->zone;
	usher_status st;

	wish.way = ways[m->wish->scenario];
	wish.host = m->wish->host;
	st = resolve_zone(m->mem, m->facts, m->wish->domain, &wish, &m->out->zone);
	m->out->complete = m->out->complete && m->out->zone.complete;
	return st;
}

/* ---- listeners ---- */

/* `192.0.2.1:443, [2001:db8::1]:443` of a host; NULL: no address is known. */
static const char *
addresses_of(struct plan_making *m, const struct zone_address *v, size_t n, const char *host,
    bool is_host, unsigned port)
{
	const char *all = NULL;

	for (size_t i = 0; i < n && !m->failed; i++) {
		bool v6 = ip_version(v[i].text) == 6;

		if (v[i].host == NULL ? !is_host : strcmp(v[i].host, host) != 0)
			continue;
		all = KEEP(
		    m, arena_printf(m->mem, "%s%s%s%s%s:%u", all == NULL ? "" : all,
			   all == NULL ? "" : ", ", v6 ? "[" : "", v[i].text, v6 ? "]" : "", port));
	}
	return all;
}

/* Behind a router the addresses of this machine are others than the public ones. */
static const char *
listen_at(struct plan_making *m, const char *host, unsigned port)
{
	const struct plan_wish *w = m->wish;
	bool is_host = strcmp(host, w->host) == 0;
	const char *here = addresses_of(m, w->listen, w->n_listen, host, is_host, port);

	if (here != NULL || w->scenario == SCENARIO_ALL_NAMES || w->scenario == SCENARIO_SRV)
		return here != NULL ? here : KEEP(m, arena_printf(m->mem, "*:%u", port));
	return addresses_of(m, w->zone.addresses, w->zone.n_addresses, host, is_host, port);
}

static void
add_listener(
    struct plan_making *m, bool https, const char *name, const char *host, const char *target)
{
	const char *addresses = listen_at(m, host, https ? 443 : 80);

	m->listeners[m->out->n_listeners++] =
	    (struct plan_listener){ https, name, addresses, target };
	m->out->complete = m->out->complete && addresses != NULL;
}

static void
plan_listeners(struct plan_making *m)
{
	const char *host = m->wish->host, *autodiscover = m->out->autodiscover;

	switch (m->wish->scenario) {
	case SCENARIO_ALL_NAMES:
	case SCENARIO_SRV:
		add_listener(m, true, NULL, host, NULL);
		add_listener(m, false, NULL, host, NULL);
		break;
	case SCENARIO_TWO_HOSTS:
		add_listener(m, true, PLAN_LISTENER_HOST, host, NULL);
		add_listener(m, true, PLAN_LISTENER_AUTODISCOVER, autodiscover, NULL);
		add_listener(m, false, PLAN_LISTENER_HOST, host, NULL);
		add_listener(m, false, PLAN_LISTENER_AUTODISCOVER, autodiscover, NULL);
		break;
	case SCENARIO_REDIRECT:
		add_listener(m, true, NULL, host, NULL);
		add_listener(m, false, PLAN_LISTENER_AUTODISCOVER, autodiscover, m->out->url);
		add_listener(m, false, NULL, host, NULL);
		break;
	}
}

/* ---- the whole ---- */

static void
plan_notes(struct plan_making *m)
{
	const char *elsewhere = NULL;

	for (size_t i = 0; i < m->n_elsewhere && !m->failed; i++)
		elsewhere = KEEP(m, i == 0 ? m->elsewhere[i] :
					     arena_join(m->mem, elsewhere, ", ", m->elsewhere[i]));
	if (elsewhere != NULL)
		NOTE(m, "must have certificates of their own: %s", elsewhere);
	if (!m->out->complete)
		NOTE(m,
		    "addresses are not known: give --address ADDRESS, and in scenarios 3 and 4 "
		    "--address %s=ADDRESS",
		    m->out->autodiscover);
	if (m->out->kind == DOMAIN_EXCHANGE)
		NOTE(m,
		    "inside the network %s has to lead here too (split DNS): SCPs and URLs name it",
		    m->wish->host);
	if (m->n_servers > 1)
		NOTE(m,
		    "all %zu servers show the same certificate; their own names need not be on it, "
		    "for no URL names them",
		    m->n_servers);
}

static bool
begin(struct plan_making *m)
{
	const struct org_view *org = m->facts->org;
	size_t n = m->wish->servers.n + (org == NULL ? 0 : org->n_servers) + 1;
	size_t n_records = n * (URL_SERVICE_COUNT + 2) + 1 + (org == NULL ? 0 : org->n_providers);
	/* Inside and outside: the URLs, Outlook Anywhere; the SCP. Then what programs look for. */
	size_t n_hosts = n * (2 * URL_SERVICE_COUNT + 3) + PLAN_ASKED;

	m->servers = arena_array(m->mem, n, sizeof(*m->servers));
	m->records = arena_array(m->mem, n_records, sizeof(*m->records));
	m->names = arena_array(m->mem, n_hosts, sizeof(*m->names));
	m->elsewhere = arena_array(m->mem, n_hosts, sizeof(*m->elsewhere));
	m->listeners = arena_array(m->mem, PLAN_LISTENERS, sizeof(*m->listeners));
	m->notes = arena_array(m->mem, PLAN_NOTES, sizeof(*m->notes));
	m->out->autodiscover = arena_join(m->mem, "autodiscover.", m->wish->domain);
	m->out->url =
	    arena_join(m->mem, "https://", m->wish->host, "/autodiscover/autodiscover.xml");
	return m->servers != NULL && m->records != NULL && m->names != NULL &&
	       m->elsewhere != NULL && m->listeners != NULL && m->notes != NULL &&
	       m->out->autodiscover != NULL && m->out->url != NULL;
}

usher_status
resolve_plan_domain(
    struct arena *mem, const char *name, int kind, const char *host, struct facts *out)
{
	struct domain *domain = arena_zalloc(mem, sizeof(*domain));
	struct mail_service *services = arena_array(mem, USUAL_MAIL_SERVICES, sizeof(*services));

	if (domain == NULL || services == NULL)
		return USHER_E_NOMEM;
	record_init(&entities[ENTITY_DOMAIN].table, domain);
	domain->domain = name;
	domain->kind = kind;
	for (size_t i = 0; i < USUAL_MAIL_SERVICES; i++)
		usual_mail_service(i, name, host, &services[i]);
	out->domain_name = name;
	out->domain = domain;
	out->services = services;
	out->n_services = kind == DOMAIN_MAIL ? USUAL_MAIL_SERVICES : 0;
	return USHER_OK;
}

usher_status
resolve_plan(struct arena *mem, const struct facts *facts, const struct plan_wish *wish,
    struct deployment *out, struct usher_error *err)
{
	struct plan_making m = { .mem = mem, .facts = facts, .wish = wish, .out = out };

	*out = (struct deployment){ .wish = wish, .complete = true };
	out->kind = facts->domain->kind;
	if (wish->servers.n > PLAN_SERVERS_MAX)
		return err_set(
		    err, USHER_E_LIMIT, "servers", "there are more than %d", PLAN_SERVERS_MAX);
	if (!begin(&m) || plan_zone(&m) != USHER_OK)
		return err_nomem(err, wish->domain);
	out->records = m.records;
	out->listeners = m.listeners;
	out->notes.v = m.notes;
	plan_names(&m);
	plan_find_servers(&m);
	plan_setups(&m);
	for (size_t i = 0; i < m.n_servers && !m.failed; i++)
		plan_server(&m, &m.servers[i]);
	if (!m.failed)
		plan_certificates(&m);
	if (!m.failed && out->kind == DOMAIN_EXCHANGE)
		plan_provider(&m);
	if (!m.failed)
		plan_domain(&m);
	if (!m.failed)
		plan_listeners(&m);
	if (!m.failed)
		plan_notes(&m);
	return m.failed || !plan_words(mem, out) ? err_nomem(err, wish->domain) : USHER_OK;
}
