/* resolve_zone.c - which DNS records lead mail programs to a domain's services (autoconfig.md 5;
 * http-discovery.md 3, 5). */
#include "resolve/resolve_zone.h"

#include <string.h>

#include "base/address.h"
#include "base/ip.h"
#include "base/url.h"
#include "resolve/making.h"
#include "resolve/site.h"

enum { SERVICE_TYPES = SERVICE_MANAGESIEVE + 1, PRIORITY_STEP = 10 };

#define READING \
	"Reading mail (RFC 6186), for programs that look for SRV records, as Evolution, FairEmail"
#define SENDING "Sending mail (RFC 8314), for the same programs as for reading it"
#define FILTERS "Mail filters by ManageSieve (RFC 5804), for programs that edit them"

/* What is told by a SRV record. Over HTTP, TLS is what the URL says. */
static const struct label {
	enum mail_service_type type;
	enum mail_socket socket;
	const char *name;
	bool denied; /* where mail is offered but not so, a record says it (RFC 2782, Target) */
	const char *why;
} labels[] = {
	{ SERVICE_IMAP, SOCKET_TLS, "_imaps._tcp", true, READING },
	{ SERVICE_IMAP, SOCKET_STARTTLS, "_imap._tcp", true, READING },
	{ SERVICE_POP3, SOCKET_TLS, "_pop3s._tcp", true, READING },
	{ SERVICE_POP3, SOCKET_STARTTLS, "_pop3._tcp", true, READING },
	{ SERVICE_SMTP, SOCKET_TLS, "_submissions._tcp", true, SENDING },
	{ SERVICE_SMTP, SOCKET_STARTTLS, "_submission._tcp", true, SENDING },
	{ SERVICE_JMAP, SOCKET_TLS, "_jmap._tcp", false, "Mail by JMAP (RFC 8620)" },
	{ SERVICE_CALDAV, SOCKET_TLS, "_caldavs._tcp", false,
	    "Calendars (RFC 6764), for Apple's Calendar, DAVx5, Thunderbird and others" },
	{ SERVICE_CARDDAV, SOCKET_TLS, "_carddavs._tcp", false,
	    "Contacts (RFC 6764), for Apple's Contacts, DAVx5, Thunderbird and others" },
	/* Always STARTTLS on its one port (RFC 5804, 1.6), whatever the directory calls it. */
	{ SERVICE_MANAGESIEVE, SOCKET_TLS, "_sieve._tcp", false, FILTERS },
	{ SERVICE_MANAGESIEVE, SOCKET_STARTTLS, "_sieve._tcp", false, FILTERS },
};

/* Names below a mail domain under which programs look for us. */
static const char *const our_names[] = { "autodiscover", "autoconfig", "ua-auto-config" };

/* Where a service is. */
struct place {
	const struct label *label; /* NULL: no SRV record is for it */
	const char *host;
	int64_t port;
	const char *path; /* of its URL; NULL: it has none */
	const char *url;
};

/* A zone in the making. Out of memory sticks. */
struct making {
	struct arena *mem;
	const struct facts *facts;
	const struct zone_wish *wish;
	struct zone *out;
	struct place *places;	     /* one for each service */
	struct zone_record *records; /* with room for all there can be */
	const char **notes;
	const char **hosts; /* that have to have addresses */
	size_t n_hosts;
	const char **asked; /* names of ours that were given records */
	size_t n_asked;
	bool failed;
};

/* ---- names ---- */

/* The domain itself, or a name below it. */
static bool
is_inside(const char *host, const char *domain)
{
	size_t n = strlen(host), d = strlen(domain);

	return n >= d && strcmp(host + n - d, domain) == 0 && (n == d || host[n - d - 1] == '.');
}

static bool
is_ours(const char *host, const char *domain)
{
	for (size_t i = 0; i < COUNT_OF(our_names); i++) {
		size_t n = strlen(our_names[i]);

		if (strncmp(host, our_names[i], n) == 0 && host[n] == '.' &&
		    strcmp(host + n + 1, domain) == 0)
			return true;
	}
	return false;
}

static bool
is_among(const char *text, const char *const *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v[i], text) == 0)
			return true;
	return false;
}

/* An alias by the records below, or no name at all, is nothing that records could point to. */
static bool
can_be_host(const struct making *m, const char *host)
{
	return host != NULL && strchr(host, '.') != NULL && ip_version(host) == 0 &&
	       !is_ours(host, m->out->domain) && !is_ours(host, m->facts->domain->domain);
}

static const char *
host_of_url(struct making *m, const char *text)
{
	struct url url;

	if (text == NULL || url_parse(m->mem, slice_of(text), &url, NULL) != USHER_OK)
		return NULL;
	return url.host;
}

/* The domain's own name for us, else that of the server whose Autodiscover is told outside. */
static const char *
our_host(struct making *m)
{
	const struct text_list *names = &m->facts->domain->host_names;
	struct site_choice choice = { 0 };
	const char *host;

	if (m->wish->host != NULL)
		return m->wish->host;
	for (size_t i = 0; i < names->n; i++)
		if (can_be_host(m, names->v[i]))
			return names->v[i];
	if (m->facts->org != NULL)
		choice = site_choose(m->facts, NULL, NULL);
	if (choice.server == NULL)
		return NULL;
	host = host_of_url(m, site_url(m->facts->org, &choice, URL_AUTODISCOVER, OUTSIDE));
	if (can_be_host(m, host))
		return host;
	return can_be_host(m, choice.server->fqdn) ? choice.server->fqdn : NULL;
}

/* ---- records ---- */

/* False, and a note, when there can be no such name. */
static bool
fits(struct making *m, const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n + 1 + strlen(m->out->domain) <= DOMAIN_MAX_BYTES)
		return true;
	NOTE(m, "%s.%s would be longer than a name may be: there is no record for it", name,
	    m->out->domain);
	return false;
}

static void
put(struct making *m, struct zone_record record)
{
	m->records[m->out->n_records++] = record;
}

/* The name of a host as records of this domain have it. */
static const char *
below(struct making *m, const char *host)
{
	size_t n = strlen(host), d = strlen(m->out->domain);
	const char *name = KEEP(m, arena_copy(m->mem, slice_from(host, n == d ? 0 : n - d - 1)));

	return name == NULL ? "" : name;
}

static void
need_addresses(struct making *m, const char *host)
{
	if (!is_among(host, m->hosts, m->n_hosts))
		m->hosts[m->n_hosts++] = host;
}

static bool
is_apart(const struct making *m)
{
	return m->wish->way == ZONE_WAY_APART || m->wish->way == ZONE_WAY_REDIRECT;
}

/* `us`: a name for our own host. False when no address was told. */
static bool
put_addresses(struct making *m, const char *name, const char *host, bool us, const char *why)
{
	bool any = false;

	us = (us && !is_apart(m)) || (m->out->host != NULL && strcmp(m->out->host, host) == 0);
	for (size_t i = 0; i < m->wish->n_addresses; i++) {
		const struct zone_address *a = &m->wish->addresses[i];

		if (a->host == NULL ? !us : strcmp(a->host, host) != 0)
			continue;
		put(m, (struct zone_record){ .name = name,
			   .type = ip_version(a->text) == 6 ? ZONE_AAAA : ZONE_A,
			   .value = a->text,
			   .why = why });
		any = true;
	}
	return any;
}

static void
put_srv(struct making *m, const char *name, struct srv_record srv, const char *why)
{
	put(m, (struct zone_record){ .name = name, .type = ZONE_SRV, .srv = srv, .why = why });
	if (srv.host[0] != '\0')
		need_addresses(m, srv.host);
}

static void
put_txt(struct making *m, const char *name, const char *value, const char *why)
{
	put(m, (struct zone_record){ .name = name, .type = ZONE_TXT, .value = value, .why = why });
}

static bool
is_service_host(const struct making *m, const char *host)
{
	for (size_t i = 0; i < m->facts->n_services; i++)
		if (m->places[i].label != NULL && strcmp(m->places[i].host, host) == 0)
			return true;
	return false;
}

/* A name under which programs look for us. What a SRV record points to must be no alias (RFC 2782,
 * Target). */
static void
put_our_name(struct making *m, const char *name, const char *why)
{
	const char *host;

	if (!fits(m, name))
		return;
	host = KEEP(m, arena_join(m->mem, name, ".", m->out->domain));
	if (host == NULL)
		return;
	m->asked[m->n_asked++] = host;
	if (put_addresses(m, name, host, true, why))
		return;
	if (m->out->host == NULL) {
		m->out->complete = false;
		NOTE(m, "%s: programs ask it, but the host that answers them is not known", host);
	} else if (is_apart(m) || strcmp(m->out->host, host) == 0 || is_service_host(m, host)) {
		m->out->complete = m->out->complete && !is_apart(m);
		NOTE(m, "%s must have addresses of its own (A, AAAA)", host);
	} else {
		put(m, (struct zone_record){
			   .name = name, .type = ZONE_CNAME, .value = m->out->host, .why = why });
		need_addresses(m, m->out->host);
	}
}

/* ---- Autodiscover ---- */

static bool
is_usual_path(const char *path)
{
	return slice_is_nocase(slice_of(path), "/autodiscover/autodiscover.xml");
}

/* A domain that has gone elsewhere leads there at once when a SRV record can say so. */
static void
put_autodiscover_srv(struct making *m)
{
	const struct domain *d = m->facts->domain;
	struct srv_record srv = { .port = 443, .host = m->out->host };
	struct url url;

	if (d->kind == DOMAIN_REDIRECT_URL && d->redirect_url != NULL &&
	    url_parse(m->mem, slice_of(d->redirect_url), &url, NULL) == USHER_OK &&
	    is_usual_path(url.path) && url.query == NULL && !url.ip_literal) {
		srv.host = url.host;
		srv.port = url.port;
	} else if (srv.host == NULL && m->out->complete && m->n_asked > 0) {
		srv.host = m->asked[0]; /* has addresses */
	}
	if (srv.host == NULL || !fits(m, "_autodiscover._tcp"))
		return;
	put_srv(m, "_autodiscover._tcp", srv,
	    KEEP(m, arena_join(m->mem, "Autodiscover by SRV, which ",
			m->wish->way == ZONE_WAY_SRV ? "Outlook, EWS programs and Thunderbird" :
						       "the same programs",
			" ask last",
			is_inside(srv.host, m->out->domain) ?
			    "" :
			    "; Outlook wants to know first whether it may leave the domain")));
}

/* ---- services ---- */

/* NULL: none, for it is not found by DNS, or has no TLS. */
static const struct label *
find_label(int type, int socket)
{
	for (size_t i = 0; i < COUNT_OF(labels); i++)
		if ((int)labels[i].type == type && (int)labels[i].socket == socket)
			return &labels[i];
	return NULL;
}

static bool
is_found_by_dns(int type)
{
	return find_label(type, SOCKET_TLS) != NULL;
}

static const char *
type_name(const struct mail_service *s)
{
	return field_choice_name(field_find(&entities[ENTITY_SERVICE].table, "type"), s);
}

static void
find_place(struct making *m, const struct mail_service *s, struct place *out)
{
	int socket = s->socket;
	struct url url;

	*out = (struct place){ .host = s->host, .port = s->port, .url = s->url };
	if (!is_found_by_dns(s->type))
		return;
	if (s->url != NULL && url_parse(m->mem, slice_of(s->url), &url, NULL) == USHER_OK) {
		out->host = url.host;
		out->port = url.port;
		out->path = url.path;
		socket = url.https ? SOCKET_TLS : SOCKET_PLAIN;
	}
	if (out->host == NULL)
		return;
	if (socket == SOCKET_PLAIN)
		NOTE(m, "%s at %s has no TLS: there is no record for it", type_name(s), out->host);
	else if (ip_version(out->host) != 0)
		NOTE(m, "%s at %s: a SRV record names a host, not an address", type_name(s),
		    out->host);
	else
		out->label = find_label(s->type, socket);
}

/* What another service with the same label has said already. */
static bool
is_repeated(const struct making *m, size_t i)
{
	const struct place *p = &m->places[i];

	for (size_t k = 0; k < i; k++)
		if (m->places[k].label == p->label && m->places[k].port == p->port &&
		    strcmp(m->places[k].host, p->host) == 0)
			return true;
	return false;
}

static bool
is_first(const struct making *m, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (m->places[k].label == m->places[i].label)
			return false;
	return true;
}

/* What a DAV or JMAP program needs beside the host. */
static void
put_path(struct making *m, size_t i)
{
	const struct place *p = &m->places[i];

	if (p->path == NULL || !is_first(m, i))
		return;
	if (p->label->type != SERVICE_JMAP)
		put_txt(m, p->label->name, KEEP(m, arena_join(m->mem, "path=", p->path)),
		    p->label->why);
	else if (strcmp(p->path, "/.well-known/jmap") != 0)
		NOTE(m, "https://%s/.well-known/jmap must lead to %s (RFC 8620, 2.2)", p->host,
		    p->url);
}

/* Priorities count across services of one purpose: whoever reads mail by IMAP or POP3 prefers the
 * lower one (RFC 6186, 3.4). */
static void
put_services(struct making *m)
{
	uint16_t next[SERVICE_TYPES] = { 0 };

	for (size_t i = 0; i < m->facts->n_services; i++) {
		const struct place *p = &m->places[i];
		uint16_t *priority;

		if (p->label == NULL || is_repeated(m, i) || !fits(m, p->label->name))
			continue;
		priority = &next[p->label->type == SERVICE_POP3 ? SERVICE_IMAP : p->label->type];
		put_srv(m, p->label->name,
		    (struct srv_record){ *priority, 1, (uint16_t)p->port, p->host }, p->label->why);
		*priority = (uint16_t)(*priority + PRIORITY_STEP);
		put_path(m, i);
	}
}

static bool
is_offered(const struct making *m, const struct label *label)
{
	for (size_t i = 0; i < m->facts->n_services; i++) {
		const struct mail_service *s = &m->facts->services[i];

		/* Without TLS it has the port of STARTTLS. */
		if (s->type == (int)label->type &&
		    (s->socket == (int)label->socket ||
			(s->socket == SOCKET_PLAIN && label->socket == SOCKET_STARTTLS)))
			return true;
	}
	return false;
}

static void
put_denials(struct making *m)
{
	for (size_t i = 0; i < COUNT_OF(labels); i++)
		if (labels[i].denied && !is_offered(m, &labels[i]) && fits(m, labels[i].name))
			put_srv(m, labels[i].name, (struct srv_record){ .host = "" },
			    "Not offered here: programs need not try");
}

static bool
has_mail(const struct making *m)
{
	for (size_t i = 0; i < m->facts->n_services; i++)
		if (m->facts->services[i].type <= SERVICE_SMTP)
			return true;
	return false;
}

/* ---- addresses ---- */

/* Appends to a list for people. */
static const char *
and_also(struct making *m, const char *list, const char *more)
{
	return list == NULL ? more : KEEP(m, arena_join(m->mem, list, ", ", more));
}

static void
put_hosts(struct making *m)
{
	const char *outside = NULL, *unknown = NULL;

	for (size_t i = 0; i < m->n_hosts && !m->failed; i++) {
		const char *host = m->hosts[i];

		if (is_among(host, m->asked, m->n_asked))
			continue;
		if (!is_inside(host, m->out->domain))
			outside = and_also(m, outside, host);
		else if (!put_addresses(m, below(m, host), host, false,
			     "Addresses of the hosts that are named above"))
			unknown = and_also(m, unknown, host);
	}
	if (unknown != NULL)
		NOTE(m, "must have addresses here (A, AAAA) and be no alias: %s", unknown);
	if (outside != NULL)
		NOTE(m, "must have addresses in zones of their own and be no alias: %s", outside);
}

static void
note_certificate(struct making *m)
{
	const char *names = NULL;

	for (size_t i = 0; i < m->n_asked && !m->failed; i++)
		names = and_also(m, names, m->asked[i]);
	if (names != NULL && m->wish->way != ZONE_WAY_REDIRECT)
		NOTE(m, "must be on the certificate that usherd shows: %s", names);
}

/* Documents that are asked for under names of their own. */
static void
put_documents(struct making *m)
{
	if (has_mail(m))
		put_our_name(m, "autoconfig",
		    "Mail Autoconfig, for Thunderbird, also on Android, Evolution and KMail");
	if (m->wish->pacc != NULL && fits(m, "_ua-auto-config")) {
		put_our_name(m, "ua-auto-config", "PACC, for the programs that know it");
		put_txt(m, "_ua-auto-config", m->wish->pacc,
		    "Vouches for the PACC document: publish it anew when services change");
	} else if (has_mail(m) && m->wish->pacc_fault != NULL) {
		NOTE(m, "there is no PACC document: %s", m->wish->pacc_fault);
	}
	if (has_mail(m) && m->wish->autoconfig_fault != NULL)
		NOTE(m, "Mail Autoconfig is not for all programs: %s", m->wish->autoconfig_fault);
}

static void
make(struct making *m)
{
	enum zone_way way = m->wish->way;

	if (way != ZONE_WAY_SRV)
		put_our_name(m, "autodiscover",
		    "Autodiscover, for Outlook, phones with Exchange ActiveSync, and EWS programs");
	if (m->failed)
		return;
	if (way != ZONE_WAY_REDIRECT)
		put_autodiscover_srv(m);
	if (way != ZONE_WAY_ALL && m->out->host != NULL)
		need_addresses(m, m->out->host);
	if (way == ZONE_WAY_ALL)
		put_documents(m);
	put_services(m);
	if (has_mail(m))
		put_denials(m);
	put_hosts(m);
	note_certificate(m);
}

usher_status
resolve_zone(struct arena *mem, const struct facts *facts, const char *domain,
    const struct zone_wish *wish, struct zone *out)
{
	/* Names of ours, each with all addresses; a SRV and a TXT record for each service, or the
	 * denial of it; hosts named by these, an address each time it is theirs. */
	size_t n = facts->n_services, n_hosts = n + COUNT_OF(our_names);
	size_t n_records = 2 * n + COUNT_OF(labels) + 2 * COUNT_OF(our_names) +
			   wish->n_addresses * (COUNT_OF(our_names) + 1);
	struct making m = { .mem = mem, .facts = facts, .wish = wish, .out = out };

	*out = (struct zone){ .domain = domain, .complete = true };
	m.places = arena_array(mem, n, sizeof(*m.places));
	m.records = arena_array(mem, n_records, sizeof(*m.records));
	m.hosts = arena_array(mem, n_hosts, sizeof(*m.hosts));
	m.asked = arena_array(mem, COUNT_OF(our_names), sizeof(*m.asked));
	/* One may stand in the place of each record, one is for each service; then ours. */
	m.notes = arena_array(mem, n_records + 2 * n + 8, sizeof(*m.notes));
	if (m.places == NULL || m.records == NULL || m.hosts == NULL || m.asked == NULL ||
	    m.notes == NULL)
		return USHER_E_NOMEM;
	out->host = our_host(&m);
	for (size_t i = 0; i < n; i++)
		find_place(&m, &facts->services[i], &m.places[i]);
	make(&m);
	out->records = m.records;
	out->notes.v = m.notes;
	return m.failed ? USHER_E_NOMEM : USHER_OK;
}
