/* resolve_plan.c - what a deployment of one of the four kinds needs (http-discovery.md 14; scp.md
 * 10.5). */
#include "resolve/resolve_plan.h"

#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/ip.h"
#include "base/text.h"
#include "base/url.h"
#include "model/usual.h"
#include "resolve/site.h"

enum { PLAN_ASKED = 4, PLAN_LISTENERS = 4, PLAN_NOTES = 8 };

#define FIRST_SITE "Default-First-Site-Name" /* as `usher setup` calls it */

/* A server and what belongs to it, as it is or as `usher setup` makes it. */
struct served {
	union org_record server, outlook_anywhere;
	union org_record urls[URL_SERVICE_COUNT];
	bool has_outlook_anywhere, has_url[URL_SERVICE_COUNT];
	bool is_new;
};

/* A plan in the making. Out of memory sticks. */
struct making {
	struct arena *mem;
	const struct facts *facts;
	const struct plan_wish *wish;
	struct deployment *out;
	struct served *servers;
	size_t n_servers;
	struct plan_record *records;
	struct plan_name *names; /* of the first certificate */
	size_t n_names;
	struct plan_listener *listeners;
	const char **notes;
	const char **elsewhere; /* hosts of services that have certificates of their own */
	size_t n_elsewhere;
	const char *proxy; /* of Outlook Anywhere, on the first server; NULL: none */
	bool failed;
};

static const char *
keep(struct making *m, const char *p)
{
	m->failed = m->failed || p == NULL;
	return p;
}

/* The format and its arguments; NULL (out of memory) is noted as a failure. */
#define NOTE(m, ...) \
	(m)->notes[(m)->out->notes.n++] = keep((m), arena_printf((m)->mem, __VA_ARGS__))

/* ---- names ---- */

static bool
is_name_of(const struct server *s, const char *host)
{
	return slice_is_nocase(slice_of(host), s->name) ||
	       (s->fqdn != NULL && slice_is_nocase(slice_of(host), s->fqdn));
}

static bool
is_server(const struct making *m, const char *host)
{
	for (size_t i = 0; i < m->n_servers; i++)
		if (is_name_of(&m->servers[i].server.server, host))
			return true;
	return false;
}

static bool
is_ours(const struct making *m, const char *host)
{
	return strcmp(host, m->wish->host) == 0 ||
	       (m->wish->scenario != SCENARIO_SRV && m->wish->scenario != SCENARIO_REDIRECT &&
		   strcmp(host, m->out->autodiscover) == 0);
}

/* A host by which no certificate can be had for us, so that the URL has to name ours. `discovery`:
 * the URL is one of Autodiscover's, else of a service, which may well stand elsewhere. */
static bool
has_to_move(const struct making *m, const char *host, bool discovery)
{
	if (is_ours(m, host))
		return false;
	if (domain_is_internal(host) || ip_version(host) != 0)
		return true;
	if (m->wish->scenario == SCENARIO_ALL_NAMES)
		return m->n_servers > 1 && is_server(m, host);
	return discovery || is_server(m, host);
}

static bool
is_certified(const struct making *m, const char *host)
{
	for (size_t i = 0; i < m->n_names; i++)
		if (strcmp(m->names[i].name, host) == 0)
			return true;
	return false;
}

static void
add_name(struct making *m, const char *name, const char *why)
{
	if (!is_certified(m, name))
		m->names[m->n_names++] = (struct plan_name){ name, keep(m, why) };
}

/* A host that stays in a URL: in scenario 1 it is on the certificate when it is of our site. */
static void
note_host(struct making *m, const char *host, const char *why)
{
	if (is_ours(m, host))
		return;
	if (m->wish->scenario == SCENARIO_ALL_NAMES && domain_same_site(host, m->wish->host)) {
		add_name(m, host, why);
		return;
	}
	for (size_t i = 0; i < m->n_elsewhere; i++)
		if (strcmp(m->elsewhere[i], host) == 0)
			return;
	m->elsewhere[m->n_elsewhere++] = host;
}

/* ---- servers ---- */

static void
take_server(struct making *m, const struct server *server)
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
is_taken(const struct making *m, const char *name)
{
	for (size_t i = 0; i < m->n_servers; i++)
		if (slice_is_nocase(slice_of(name), m->servers[i].server.server.name))
			return true;
	return m->facts->org != NULL && org_view_server(m->facts->org, name) != NULL;
}

/* What `usher setup` will make for this host. */
static void
foresee_server(struct making *m, const char *host)
{
	struct served *s = &m->servers[m->n_servers];
	const char *name = keep(m, usual_server_name(m->mem, host, 1));

	for (int i = 2; name != NULL && is_taken(m, name); i++)
		name = keep(m, usual_server_name(m->mem, host, i));
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
		u->internal = u->external = keep(m, usual_url(m->mem, i, host));
	}
	s->has_outlook_anywhere = true;
	usual_outlook_anywhere(name, host, &s->outlook_anywhere.outlook_anywhere);
	s->is_new = true;
	m->n_servers++;
}

static const struct server *
known_server(const struct making *m, const char *host)
{
	const struct org_view *org = m->facts->org;

	for (size_t i = 0; org != NULL && i < org->n_servers; i++)
		if (is_name_of(&org->servers[i], host))
			return &org->servers[i];
	return NULL;
}

static const struct server *
first_server(const struct making *m)
{
	const struct org_view *org = m->facts->org;

	if (org == NULL || org->n_servers == 0)
		return NULL;
	return site_choose(m->facts, NULL, NULL).server;
}

static void
find_servers(struct making *m)
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
moved(struct making *m, const char *text, bool discovery, const char *why)
{
	const char *port = "";
	struct url url;

	if (text == NULL || url_parse(m->mem, slice_of(text), &url, NULL) != USHER_OK)
		return text;
	if (!has_to_move(m, url.host, discovery)) {
		note_host(m, url.host, why);
		return text;
	}
	if (url.port != 443 && url.https)
		port = keep(m, arena_printf(m->mem, ":%u", url.port));
	return port == NULL ?
		   NULL :
		   keep(m, arena_join(m->mem, "https://", m->wish->host, port, url.path,
			       url.query == NULL ? "" : "?", url.query == NULL ? "" : url.query));
}

static const char *
moved_host(struct making *m, const char *host, const char *why)
{
	if (host == NULL)
		return NULL;
	if (has_to_move(m, host, false))
		return m->wish->host;
	note_host(m, host, why);
	return host;
}

/* Notes the record unless it is as it ought to be. */
static void
put_record(struct making *m, enum entity_id id, const void *before, const union org_record *after,
    const char *why)
{
	if (before != NULL && record_equal(&entities[id].table, before, after))
		return;
	m->records[m->out->n_records++] =
	    (struct plan_record){ &entities[id], before, *after, keep(m, why) };
}

static void
plan_url(struct making *m, const struct served *s, int service)
{
	const union org_record *before = &s->urls[service];
	union org_record after = *before;
	const char *name =
	    field_choice_name(field_find(&entities[ENTITY_URL].table, "service"), &before->url);
	const char *why = keep(
	    m, arena_join(m->mem, "the URL of ", name, " on ", s->server.server.name, " names it"));
	bool discovery = service == URL_AUTODISCOVER;

	after.url.internal = moved(m, before->url.internal, discovery, why);
	after.url.external = moved(m, before->url.external, discovery, why);
	if (after.url.external == NULL && after.url.internal != NULL)
		after.url.external = after.url.internal;
	put_record(m, ENTITY_URL, before, &after,
	    before->url.external == NULL ? "clients outside are told the URL too" :
					   "every URL has to name a host that a certificate has");
}

static void
plan_server(struct making *m, const struct served *s)
{
	const char *name = s->server.server.name;
	union org_record after = s->server;
	struct outlook_anywhere *oa;

	after.server.internal_uri = moved(m, s->server.server.internal_uri, true,
	    arena_join(
		m->mem, "Outlook in the domain finds it in Active Directory as the URL of ", name));
	if (after.server.internal_uri == NULL)
		after.server.internal_uri = m->out->url;
	put_record(m, ENTITY_SERVER, &s->server, &after,
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
	put_record(m, ENTITY_OUTLOOK_ANYWHERE, &s->outlook_anywhere, &after,
	    "Outlook outside connects to this host");
}

/* The first of its host names is in what the domain's programs are told. */
static void
plan_domain(struct making *m)
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
		if (keep(m, (const char *)v) == NULL)
			return;
		v[n++] = m->wish->host;
		for (size_t i = 0; i < names->n; i++)
			if (strcmp(names->v[i], m->wish->host) != 0)
				v[n++] = names->v[i];
		after.domain.host_names = (struct text_list){ v, n };
	}
	/* Setup accepts the domain with whatever else it makes. */
	put_record(m, ENTITY_DOMAIN, m->wish->accepted || m->out->setups.n > 0 ? d : NULL, &after,
	    "programs of the domain are told this host");
}

static void
plan_setups(struct making *m)
{
	const char **v = arena_array(m->mem, m->n_servers + 1, sizeof(*v));
	size_t n = 0;

	if (keep(m, (const char *)v) == NULL)
		return;
	for (size_t i = 0; i < m->n_servers; i++)
		if (m->servers[i].is_new)
			v[n++] = m->servers[i].server.server.fqdn;
	if (m->out->kind == DOMAIN_MAIL && !m->wish->accepted)
		v[n++] = m->wish->host;
	m->out->setups = (struct text_list){ v, n };
}

/* ---- certificates ---- */

static bool
covers(const struct text_list *names, const struct plan_certificate *wanted)
{
	for (size_t i = 0; i < wanted->n_names; i++) {
		size_t k = 0;

		while (k < names->n && !domain_matches(names->v[k], wanted->names[i].name))
			k++;
		if (k == names->n)
			return false;
	}
	return true;
}

static bool
has_text(const struct text_list *l, const char *text)
{
	for (size_t i = 0; i < l->n; i++)
		if (slice_is_nocase(slice_of(l->v[i]), text))
			return true;
	return false;
}

/* usherd shows it for all these names: because the domain says so, or it is enabled. */
static bool
is_shown(const struct making *m, const struct certificate *c, const struct plan_certificate *wanted)
{
	const char *own = m->facts->domain->certificate;

	if (own != NULL && slice_is_nocase(slice_of(own), c->thumbprint))
		return true;
	return has_text(&c->services, "https") &&
	       (c->host_names.n == 0 || covers(&c->host_names, wanted)) &&
	       (c->listeners.n == 0 ||
		   (wanted->listener != NULL && has_text(&c->listeners, wanted->listener)));
}

/* Of several the one that lasts longest. */
static const struct certificate *
better(const struct certificate *a, const struct certificate *b)
{
	return a != NULL && a->not_after >= b->not_after ? a : b;
}

static void
find_certificate(const struct making *m, struct plan_certificate *wanted)
{
	int64_t now_s = m->wish->now_s;

	for (size_t i = 0; i < m->wish->n_certificates; i++) {
		const struct certificate *c = &m->wish->certificates[i];

		if (!covers(&c->names, wanted))
			continue;
		if (c->request != NULL)
			wanted->request = c;
		else if (!certificate_is_valid(c, now_s))
			continue;
		else if (certificate_is_self_signed(c))
			wanted->self_signed = is_shown(m, c, wanted) ? c : wanted->self_signed;
		else if (is_shown(m, c, wanted))
			wanted->enabled = better(wanted->enabled, c);
		else
			wanted->imported = better(wanted->imported, c);
	}
}

static void
plan_certificates(struct making *m)
{
	struct deployment *d = m->out;
	bool two = m->wish->scenario == SCENARIO_TWO_HOSTS;

	d->certificates[0] = (struct plan_certificate){
		.listener = two ? PLAN_LISTENER_HOST : NULL,
		.names = m->names,
		.n_names = m->n_names,
	};
	d->n_certificates = two ? 2 : 1;
	if (two) {
		struct plan_name *name = arena_zalloc(m->mem, sizeof(*name));

		if (keep(m, (const char *)name) == NULL)
			return;
		*name = (struct plan_name){ d->autodiscover,
			"programs look for the service here, and find a site of its own" };
		d->certificates[1] = (struct plan_certificate){
			.listener = PLAN_LISTENER_AUTODISCOVER, .names = name, .n_names = 1
		};
	}
	for (size_t i = 0; i < d->n_certificates; i++)
		find_certificate(m, &d->certificates[i]);
}

/* The common name of a subject (RFC 4514); empty when it has none that is a host's. */
static struct slice
common_name(const char *subject)
{
	static const struct slice type = SLICE_LITERAL("CN=");
	struct slice rest = slice_of(subject);

	while (rest.n > 0) {
		size_t end = slice_find(rest, ',');

		if (slice_starts_nocase(rest, type))
			return slice_skip(slice_from(rest.p, end), type.n);
		rest = slice_skip(rest, end + 1);
	}
	return rest;
}

/* Outlook compares the certificate's common name with `msstd:` and the host of Outlook Anywhere,
 * unless it is told another name. */
static void
plan_provider(struct making *m)
{
	const struct org_view *org = m->facts->org;
	const struct certificate *shown = m->out->certificates[0].enabled;
	struct slice name = common_name(shown == NULL ? NULL : shown->subject);
	const char *usual, *wanted;

	/* A proxy elsewhere has another certificate, which is not ours to know. */
	if (m->proxy == NULL || !is_certified(m, m->proxy))
		return;
	usual = keep(m, arena_join(m->mem, "msstd:", m->proxy));
	if (name.n == 0)
		name = slice_of(m->wish->host);
	wanted = keep(m, arena_printf(m->mem, "msstd:%.*s", (int)name.n, name.p));
	for (size_t i = 0; org != NULL && i < org->n_providers && !m->failed; i++) {
		const struct provider *before = &org->providers[i];
		union org_record after = { .provider = *before };
		const char *told = before->cert_principal_name;

		if ((!slice_is_nocase(slice_of(before->name), "EXPR") &&
			!slice_is_nocase(slice_of(before->name), "EXHTTP")) ||
		    slice_is_nocase(slice_of(told), "none") ||
		    slice_is_nocase(slice_of(told == NULL ? usual : told), wanted))
			continue;
		after.provider.cert_principal_name = wanted;
		put_record(m, ENTITY_PROVIDER, before, &after,
		    "Outlook compares it with the certificate's common name");
	}
}

/* Names that the zone gives us and where programs expect TLS. */
static void
plan_names(struct making *m)
{
	static const struct {
		const char *label, *why;
	} documents[] = {
		{ "autoconfig", "Mail Autoconfig is asked for here, by Thunderbird and others" },
		{ "ua-auto-config", "PACC is asked for here" },
	};
	const struct zone *z = &m->out->zone;

	add_name(m, m->wish->host,
	    "the URLs that programs are given name it; it comes first, as the common name");
	if (m->wish->scenario != SCENARIO_ALL_NAMES)
		return;
	add_name(m, m->out->autodiscover, "programs look for the service here");
	for (size_t i = 0; i < COUNT_OF(documents); i++)
		for (size_t k = 0; k < z->n_records; k++)
			if (strcmp(z->records[k].name, documents[i].label) == 0)
				add_name(m,
				    keep(m, arena_join(m->mem, documents[i].label, ".", z->domain)),
				    documents[i].why);
}

/* ---- DNS ---- */

static usher_status
plan_zone(struct making *m)
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
addresses_of(struct making *m, const struct zone_address *v, size_t n, const char *host,
    bool is_host, unsigned port)
{
	const char *all = NULL;

	for (size_t i = 0; i < n && !m->failed; i++) {
		bool v6 = ip_version(v[i].text) == 6;

		if (v[i].host == NULL ? !is_host : strcmp(v[i].host, host) != 0)
			continue;
		all = keep(
		    m, arena_printf(m->mem, "%s%s%s%s%s:%u", all == NULL ? "" : all,
			   all == NULL ? "" : ", ", v6 ? "[" : "", v[i].text, v6 ? "]" : "", port));
	}
	return all;
}

/* Behind a router the addresses of this machine are others than the public ones. */
static const char *
listen_at(struct making *m, const char *host, unsigned port)
{
	const struct plan_wish *w = m->wish;
	bool is_host = strcmp(host, w->host) == 0;
	const char *here = addresses_of(m, w->listen, w->n_listen, host, is_host, port);

	if (here != NULL || w->scenario == SCENARIO_ALL_NAMES || w->scenario == SCENARIO_SRV)
		return here != NULL ? here : keep(m, arena_printf(m->mem, "*:%u", port));
	return addresses_of(m, w->zone.addresses, w->zone.n_addresses, host, is_host, port);
}

static void
add_listener(struct making *m, bool https, const char *name, const char *host, const char *target)
{
	const char *addresses = listen_at(m, host, https ? 443 : 80);

	m->listeners[m->out->n_listeners++] =
	    (struct plan_listener){ https, name, addresses, target };
	m->out->complete = m->out->complete && addresses != NULL;
}

static void
plan_listeners(struct making *m)
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
plan_notes(struct making *m)
{
	const char *elsewhere = NULL;

	for (size_t i = 0; i < m->n_elsewhere && !m->failed; i++)
		elsewhere = keep(m, i == 0 ? m->elsewhere[i] :
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
begin(struct making *m)
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
	struct making m = { .mem = mem, .facts = facts, .wish = wish, .out = out };

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
	find_servers(&m);
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
