/* test_zone.c - which DNS records lead to a domain's services. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "resolve/resolve_zone.h"
#include "sample.h"

enum { SERVICES = 16, ADDRESSES = 4 };

/* What is known and wished; `mail.hoster.example` is our host unless a row says otherwise. */
struct world {
	struct facts facts;
	struct org_view org;
	struct server server;
	struct service_url url;
	struct domain domain;
	struct mail_service services[SERVICES];
	struct zone_address addresses[ADDRESSES];
	struct zone_wish wish;
	const char *asked; /* the domain as asked for */
};

static const char *const hoster[] = { "mail.hoster.example" };

static void
begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	record_init(&entities[ENTITY_DOMAIN].table, &w->domain);
	w->domain.domain = "d.example";
	w->domain.kind = DOMAIN_MAIL;
	w->domain.host_names = (struct text_list){ hoster, 1 };
	w->asked = "d.example";
	w->facts.org = &w->org;
	w->facts.domain = &w->domain;
	w->facts.domain_name = w->domain.domain;
	w->facts.services = w->services;
	w->wish.addresses = w->addresses;
}

static struct mail_service *
service(struct world *w, int type, int socket, const char *host, int port)
{
	struct mail_service *s = &w->services[w->facts.n_services++];

	record_init(&entities[ENTITY_SERVICE].table, s);
	s->type = type;
	s->socket = socket;
	s->host = host;
	s->port = port;
	return s;
}

static void
by_url(struct world *w, int type, const char *url)
{
	service(w, type, SOCKET_TLS, NULL, NUMBER_ABSENT)->url = url;
}

static void
address(struct world *w, const char *host, const char *text)
{
	w->addresses[w->wish.n_addresses++] = (struct zone_address){ host, text };
}

static void
exchange(struct world *w)
{
	w->domain.kind = DOMAIN_EXCHANGE;
	w->domain.host_names.n = 0;
	record_init(&entities[ENTITY_SERVER].table, &w->server);
	w->server.name = "EX1";
	w->server.fqdn = "ex1.d.example";
	w->org.servers = &w->server;
	w->org.n_servers = 1;
	record_init(&entities[ENTITY_URL].table, &w->url);
	w->url.server = "EX1";
	w->url.service = URL_AUTODISCOVER;
	w->org.urls = &w->url;
}

static void
exchange_url(struct world *w, const char *url)
{
	exchange(w);
	w->url.external = url;
	w->org.n_urls = 1;
}

/* ---- the rows ---- */

static void
nothing_known(struct world *w)
{
	w->domain.host_names.n = 0;
}

static void
addresses_alone(struct world *w)
{
	nothing_known(w);
	address(w, NULL, "192.0.2.1");
	address(w, NULL, "2001:db8::1");
}

static void
server_name(struct world *w)
{
	exchange(w);
}

static void
server_url(struct world *w)
{
	exchange_url(w, "https://mail.d.example/autodiscover/autodiscover.xml");
}

/* A name that is to become an alias cannot be what aliases and SRV records point to. */
static void
server_url_ours(struct world *w)
{
	exchange_url(w, "https://autodiscover.d.example/autodiscover/autodiscover.xml");
}

static void
own_names(struct world *w)
{
	static const char *const names[] = { "192.0.2.1", "autodiscover.d.example",
		"autoconfig.d.example", "us.d.example" };

	w->domain.host_names = (struct text_list){ names, 4 };
}

static void
host_wished(struct world *w)
{
	w->wish.host = "edge.d.example";
	address(w, "edge.d.example", "192.0.2.9");
}

static void
host_is_asked_name(struct world *w)
{
	w->wish.host = "autodiscover.d.example";
}

static void
host_is_domain(struct world *w)
{
	w->wish.host = "d.example";
	address(w, NULL, "192.0.2.1");
	service(w, SERVICE_IMAP, SOCKET_TLS, "d.example", 993);
}

static void
redirect_url(struct world *w)
{
	w->domain.kind = DOMAIN_REDIRECT_URL;
	w->domain.redirect_url = "https://other.example:444/Autodiscover/Autodiscover.xml";
}

static void
redirect_url_elsewhere(struct world *w)
{
	w->domain.kind = DOMAIN_REDIRECT_URL;
	w->domain.redirect_url = "https://other.example/settings";
}

static void
redirect_address(struct world *w)
{
	w->domain.kind = DOMAIN_REDIRECT_ADDRESS;
	w->domain.redirect_domain = "other.example";
}

static void
alias(struct world *w)
{
	w->asked = "alias.example";
	service(w, SERVICE_IMAP, SOCKET_TLS, "imap.d.example", 993);
}

static void
mail(struct world *w)
{
	service(w, SERVICE_IMAP, SOCKET_TLS, "imap.d.example", 993);
	service(w, SERVICE_IMAP, SOCKET_STARTTLS, "imap.d.example", 143);
	service(w, SERVICE_POP3, SOCKET_TLS, "pop.d.example", 995);
	service(w, SERVICE_SMTP, SOCKET_TLS, "smtp.else.example", 465);
	address(w, "imap.d.example", "192.0.2.2");
}

static void
mail_plain(struct world *w)
{
	service(w, SERVICE_IMAP, SOCKET_PLAIN, "imap.d.example", 143);
	service(w, SERVICE_SMTP, SOCKET_TLS, "192.0.2.3", 465);
}

static void
mail_twice(struct world *w)
{
	service(w, SERVICE_SMTP, SOCKET_STARTTLS, "smtp.d.example", 587);
	service(w, SERVICE_SMTP, SOCKET_STARTTLS, "smtp.d.example", 587);
	service(w, SERVICE_SMTP, SOCKET_STARTTLS, "smtp.d.example", 2587);
}

static void
mail_at_asked_name(struct world *w)
{
	service(w, SERVICE_IMAP, SOCKET_TLS, "autoconfig.d.example", 993);
}

static void
others(struct world *w)
{
	by_url(w, SERVICE_JMAP, "https://jmap.else.example:8443/session");
	by_url(w, SERVICE_CALDAV, "https://dav.else.example/cal/");
	by_url(w, SERVICE_CALDAV, "https://dav2.else.example/cal2/");
	service(w, SERVICE_CARDDAV, SOCKET_TLS, "dav.else.example", 443);
	service(w, SERVICE_MANAGESIEVE, SOCKET_TLS, "sieve.else.example", 4190);
	by_url(w, SERVICE_WEBMAIL, "https://webmail.else.example/");
	service(w, SERVICE_FILES, SOCKET_TLS, "files.else.example", 443);
}

static void
others_plain(struct world *w)
{
	by_url(w, SERVICE_CALDAV, "http://dav.else.example/cal/");
	by_url(w, SERVICE_JMAP, "https://jmap.else.example/.well-known/jmap");
}

static void
pacc(struct world *w)
{
	w->wish.pacc = "v=UAAC1; a=sha256; d=x";
}

#define LABEL "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff."

/* A reason is told where there is mail. */
static void
no_pacc(struct world *w)
{
	w->wish.pacc_fault = "no reason";
	w->wish.autoconfig_fault = "no TLS";
	service(w, SERVICE_IMAP, SOCKET_PLAIN, "imap.d.example", 143);
}

#define LONG LABEL LABEL LABEL "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee.example"

/* 241 bytes: with `autodiscover.` and the like it is longer than a name may be. */
static void
long_domain(struct world *w)
{
	w->asked = LONG;
}

/* A host in the domain, where there is mail and a PACC document. */
static void
way(struct world *w, enum zone_way way)
{
	w->wish.way = way;
	w->wish.host = "mail.d.example";
	service(w, SERVICE_IMAP, SOCKET_TLS, "imap.d.example", 993);
	pacc(w);
	address(w, NULL, "192.0.2.1");
}

static void
way_srv(struct world *w)
{
	way(w, ZONE_WAY_SRV);
}

static void
way_apart(struct world *w)
{
	way(w, ZONE_WAY_APART);
	address(w, "autodiscover.d.example", "192.0.2.2");
}

static void
way_redirect(struct world *w)
{
	way(w, ZONE_WAY_REDIRECT);
	address(w, "autodiscover.d.example", "192.0.2.2");
}

static void
way_redirect_unknown(struct world *w)
{
	way(w, ZONE_WAY_REDIRECT);
}

#define WAY_MAIL \
	"_imaps._tcp SRV 0 1 993 imap.d.example\n" \
	"_imap._tcp SRV 0 0 0 .\n" \
	"_pop3s._tcp SRV 0 0 0 .\n" \
	"_pop3._tcp SRV 0 0 0 .\n" \
	"_submissions._tcp SRV 0 0 0 .\n" \
	"_submission._tcp SRV 0 0 0 .\n" \
	"mail A 192.0.2.1\n"

static const struct {
	const char *label;
	void (*change)(struct world *w);
	const char *records;
	const char *notes;
} rows[] = {
	{ "no service", NULL,
	    "autodiscover CNAME mail.hoster.example\n"
	    "_autodiscover._tcp SRV 0 0 443 mail.hoster.example\n",
	    "must have addresses in zones of their own and be no alias: mail.hoster.example\n"
	    "must be on the certificate that usherd shows: autodiscover.d.example\n" },
	{ "host not known", nothing_known, "incomplete\n",
	    "autodiscover.d.example: programs ask it, but the host that answers them is not known\n"
	    "must be on the certificate that usherd shows: autodiscover.d.example\n" },
	{ "addresses in the place of a host", addresses_alone,
	    "autodiscover A 192.0.2.1\n"
	    "autodiscover AAAA 2001:db8::1\n"
	    "_autodiscover._tcp SRV 0 0 443 autodiscover.d.example\n",
	    NULL },
	{ "the server's name", server_name,
	    "autodiscover CNAME ex1.d.example\n"
	    "_autodiscover._tcp SRV 0 0 443 ex1.d.example\n",
	    "must have addresses here (A, AAAA) and be no alias: ex1.d.example\n"
	    "must be on the certificate that usherd shows: autodiscover.d.example\n" },
	{ "the server's URL", server_url,
	    "autodiscover CNAME mail.d.example\n"
	    "_autodiscover._tcp SRV 0 0 443 mail.d.example\n",
	    NULL },
	{ "the server's URL is to be an alias", server_url_ours,
	    "autodiscover CNAME ex1.d.example\n"
	    "_autodiscover._tcp SRV 0 0 443 ex1.d.example\n",
	    NULL },
	{ "the first name that is no alias", own_names,
	    "autodiscover CNAME us.d.example\n"
	    "_autodiscover._tcp SRV 0 0 443 us.d.example\n",
	    NULL },
	{ "a host that was told", host_wished,
	    "autodiscover CNAME edge.d.example\n"
	    "_autodiscover._tcp SRV 0 0 443 edge.d.example\n"
	    "edge A 192.0.2.9\n",
	    "must be on the certificate that usherd shows: autodiscover.d.example\n" },
	{ "our host is autodiscover itself", host_is_asked_name,
	    "_autodiscover._tcp SRV 0 0 443 autodiscover.d.example\n",
	    "autodiscover.d.example must have addresses of its own (A, AAAA)\n"
	    "must be on the certificate that usherd shows: autodiscover.d.example\n" },
	{ "our host is the domain itself", host_is_domain,
	    "autodiscover A 192.0.2.1\n"
	    "_autodiscover._tcp SRV 0 0 443 d.example\n"
	    "autoconfig A 192.0.2.1\n"
	    "_imaps._tcp SRV 0 1 993 d.example\n"
	    "_imap._tcp SRV 0 0 0 .\n"
	    "_pop3s._tcp SRV 0 0 0 .\n"
	    "_pop3._tcp SRV 0 0 0 .\n"
	    "_submissions._tcp SRV 0 0 0 .\n"
	    "_submission._tcp SRV 0 0 0 .\n"
	    "@ A 192.0.2.1\n",
	    NULL },
	{ "to the usual path of another host", redirect_url,
	    "autodiscover CNAME mail.hoster.example\n"
	    "_autodiscover._tcp SRV 0 0 444 other.example\n",
	    NULL },
	{ "to another path of another host", redirect_url_elsewhere,
	    "autodiscover CNAME mail.hoster.example\n"
	    "_autodiscover._tcp SRV 0 0 443 mail.hoster.example\n",
	    NULL },
	{ "to another address", redirect_address,
	    "autodiscover CNAME mail.hoster.example\n"
	    "_autodiscover._tcp SRV 0 0 443 mail.hoster.example\n",
	    NULL },
	{ "an alias", alias,
	    "autodiscover CNAME mail.hoster.example\n"
	    "_autodiscover._tcp SRV 0 0 443 mail.hoster.example\n"
	    "autoconfig CNAME mail.hoster.example\n"
	    "_imaps._tcp SRV 0 1 993 imap.d.example\n"
	    "_imap._tcp SRV 0 0 0 .\n"
	    "_pop3s._tcp SRV 0 0 0 .\n"
	    "_pop3._tcp SRV 0 0 0 .\n"
	    "_submissions._tcp SRV 0 0 0 .\n"
	    "_submission._tcp SRV 0 0 0 .\n",
	    "must have addresses in zones of their own and be no alias: mail.hoster.example, "
	    "imap.d.example\n"
	    "must be on the certificate that usherd shows: autodiscover.alias.example, "
	    "autoconfig.alias.example\n" },
	{ "mail", mail,
	    "autodiscover CNAME mail.hoster.example\n"
	    "_autodiscover._tcp SRV 0 0 443 mail.hoster.example\n"
	    "autoconfig CNAME mail.hoster.example\n"
	    "_imaps._tcp SRV 0 1 993 imap.d.example\n"
	    "_imap._tcp SRV 10 1 143 imap.d.example\n"
	    "_pop3s._tcp SRV 20 1 995 pop.d.example\n"
	    "_submissions._tcp SRV 0 1 465 smtp.else.example\n"
	    "_pop3._tcp SRV 0 0 0 .\n"
	    "_submission._tcp SRV 0 0 0 .\n"
	    "imap A 192.0.2.2\n",
	    "must have addresses here (A, AAAA) and be no alias: pop.d.example\n"
	    "must have addresses in zones of their own and be no alias: mail.hoster.example, "
	    "smtp.else.example\n"
	    "must be on the certificate that usherd shows: autodiscover.d.example, "
	    "autoconfig.d.example\n" },
	{ "mail without TLS, mail at an address", mail_plain,
	    "autodiscover CNAME mail.hoster.example\n"
	    "_autodiscover._tcp SRV 0 0 443 mail.hoster.example\n"
	    "autoconfig CNAME mail.hoster.example\n"
	    "_imaps._tcp SRV 0 0 0 .\n"
	    "_pop3s._tcp SRV 0 0 0 .\n"
	    "_pop3._tcp SRV 0 0 0 .\n"
	    "_submission._tcp SRV 0 0 0 .\n",
	    "imap at imap.d.example has no TLS: there is no record for it\n"
	    "smtp at 192.0.2.3: a SRV record names a host, not an address\n"
	    "must have addresses in zones of their own and be no alias: mail.hoster.example\n"
	    "must be on the certificate that usherd shows: autodiscover.d.example, "
	    "autoconfig.d.example\n" },
	{ "mail at one place twice", mail_twice,
	    "autodiscover CNAME mail.hoster.example\n"
	    "_autodiscover._tcp SRV 0 0 443 mail.hoster.example\n"
	    "autoconfig CNAME mail.hoster.example\n"
	    "_submission._tcp SRV 0 1 587 smtp.d.example\n"
	    "_submission._tcp SRV 10 1 2587 smtp.d.example\n"
	    "_imaps._tcp SRV 0 0 0 .\n"
	    "_imap._tcp SRV 0 0 0 .\n"
	    "_pop3s._tcp SRV 0 0 0 .\n"
	    "_pop3._tcp SRV 0 0 0 .\n"
	    "_submissions._tcp SRV 0 0 0 .\n",
	    NULL },
	{ "mail at a name that programs ask", mail_at_asked_name,
	    "autodiscover CNAME mail.hoster.example\n"
	    "_autodiscover._tcp SRV 0 0 443 mail.hoster.example\n"
	    "_imaps._tcp SRV 0 1 993 autoconfig.d.example\n"
	    "_imap._tcp SRV 0 0 0 .\n"
	    "_pop3s._tcp SRV 0 0 0 .\n"
	    "_pop3._tcp SRV 0 0 0 .\n"
	    "_submissions._tcp SRV 0 0 0 .\n"
	    "_submission._tcp SRV 0 0 0 .\n",
	    "autoconfig.d.example must have addresses of its own (A, AAAA)\n"
	    "must have addresses in zones of their own and be no alias: mail.hoster.example\n"
	    "must be on the certificate that usherd shows: autodiscover.d.example, "
	    "autoconfig.d.example\n" },
	{ "services beside mail", others,
	    "autodiscover CNAME mail.hoster.example\n"
	    "_autodiscover._tcp SRV 0 0 443 mail.hoster.example\n"
	    "_jmap._tcp SRV 0 1 8443 jmap.else.example\n"
	    "_caldavs._tcp SRV 0 1 443 dav.else.example\n"
	    "_caldavs._tcp TXT path=/cal/\n"
	    "_caldavs._tcp SRV 10 1 443 dav2.else.example\n"
	    "_carddavs._tcp SRV 0 1 443 dav.else.example\n"
	    "_sieve._tcp SRV 0 1 4190 sieve.else.example\n",
	    "https://jmap.else.example/.well-known/jmap must lead to "
	    "https://jmap.else.example:8443/session (RFC 8620, 2.2)\n"
	    "must have addresses in zones of their own and be no alias: mail.hoster.example, "
	    "jmap.else.example, dav.else.example, dav2.else.example, sieve.else.example\n"
	    "must be on the certificate that usherd shows: autodiscover.d.example\n" },
	{ "calendars without TLS", others_plain,
	    "autodiscover CNAME mail.hoster.example\n"
	    "_autodiscover._tcp SRV 0 0 443 mail.hoster.example\n"
	    "_jmap._tcp SRV 0 1 443 jmap.else.example\n",
	    "caldav at dav.else.example has no TLS: there is no record for it\n"
	    "must have addresses in zones of their own and be no alias: mail.hoster.example, "
	    "jmap.else.example\n"
	    "must be on the certificate that usherd shows: autodiscover.d.example\n" },
	{ "PACC", pacc,
	    "autodiscover CNAME mail.hoster.example\n"
	    "_autodiscover._tcp SRV 0 0 443 mail.hoster.example\n"
	    "ua-auto-config CNAME mail.hoster.example\n"
	    "_ua-auto-config TXT v=UAAC1; a=sha256; d=x\n",
	    "must have addresses in zones of their own and be no alias: mail.hoster.example\n"
	    "must be on the certificate that usherd shows: autodiscover.d.example, "
	    "ua-auto-config.d.example\n" },
	{ "no PACC", no_pacc,
	    "autodiscover CNAME mail.hoster.example\n"
	    "_autodiscover._tcp SRV 0 0 443 mail.hoster.example\n"
	    "autoconfig CNAME mail.hoster.example\n"
	    "_imaps._tcp SRV 0 0 0 .\n"
	    "_pop3s._tcp SRV 0 0 0 .\n"
	    "_pop3._tcp SRV 0 0 0 .\n"
	    "_submissions._tcp SRV 0 0 0 .\n"
	    "_submission._tcp SRV 0 0 0 .\n",
	    "imap at imap.d.example has no TLS: there is no record for it\n"
	    "there is no PACC document: no reason\n"
	    "Mail Autoconfig is not for all programs: no TLS\n"
	    "must have addresses in zones of their own and be no alias: mail.hoster.example\n"
	    "must be on the certificate that usherd shows: autodiscover.d.example, "
	    "autoconfig.d.example\n" },
	{ "by SRV alone", way_srv, "_autodiscover._tcp SRV 0 0 443 mail.d.example\n" WAY_MAIL,
	    "must have addresses here (A, AAAA) and be no alias: imap.d.example\n" },
	{ "autodiscover at an address of its own", way_apart,
	    "autodiscover A 192.0.2.2\n"
	    "_autodiscover._tcp SRV 0 0 443 mail.d.example\n" WAY_MAIL,
	    NULL },
	{ "autodiscover redirects", way_redirect, "autodiscover A 192.0.2.2\n" WAY_MAIL,
	    "must have addresses here (A, AAAA) and be no alias: imap.d.example\n" },
	{ "where autodiscover redirects is not known", way_redirect_unknown,
	    WAY_MAIL "incomplete\n",
	    "autodiscover.d.example must have addresses of its own (A, AAAA)\n"
	    "must have addresses here (A, AAAA) and be no alias: imap.d.example\n" },
	{ "a domain too long for names below it", long_domain, "",
	    "autodiscover." LONG " would be longer than a name may be: there is no record for it\n"
	    "_autodiscover._tcp." LONG
	    " would be longer than a name may be: there is no record for it\n" },
};

/* ---- showing ---- */

static void
show(const struct zone *zone, struct buf *records, struct buf *notes)
{
	static const char *const types[] = { "A", "AAAA", "CNAME", "SRV", "TXT" };

	for (size_t i = 0; i < zone->n_records; i++) {
		const struct zone_record *r = &zone->records[i];

		assert_non_null(r->why);
		buf_printf(records, "%s %s ", r->name[0] == '\0' ? "@" : r->name, types[r->type]);
		if (r->type == ZONE_SRV)
			buf_printf(records, "%u %u %u %s\n", r->srv.priority, r->srv.weight,
			    r->srv.port, r->srv.host[0] == '\0' ? "." : r->srv.host);
		else
			buf_printf(records, "%s\n", r->value);
	}
	if (!zone->complete)
		buf_text(records, "incomplete\n");
	for (size_t i = 0; i < zone->notes.n; i++)
		buf_printf(notes, "%s\n", zone->notes.v[i]);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf records = { .max = 64 * 1024 }, notes = { .max = 64 * 1024 };
		struct arena *mem = arena_new(1024 * 1024);
		struct world world;
		struct zone zone;

		print_message("# %s\n", rows[i].label);
		begin(&world);
		if (rows[i].change != NULL)
			rows[i].change(&world);
		assert_true(org_view_link(mem, &world.org));
		assert_int_equal(
		    resolve_zone(mem, &world.facts, world.asked, &world.wish, &zone), USHER_OK);
		show(&zone, &records, &notes);
		assert_string_equal(buf_cstr(&records), rows[i].records);
		if (rows[i].notes != NULL)
			assert_string_equal(buf_cstr(&notes), rows[i].notes);
		buf_clear(&records);
		buf_clear(&notes);
		arena_free(mem);
	}
}

/* However little memory there is, the end is USHER_OK or USHER_E_NOMEM. */
static void
test_memory(void **state)
{
	usher_status st = USHER_E_NOMEM;
	struct world world;
	struct zone zone;

	(void)state;
	begin(&world);
	others(&world);
	mail(&world);
	for (size_t bytes = 0; st != USHER_OK; bytes += 64) {
		struct arena *mem = arena_new(bytes);

		assert_non_null(mem);
		st = resolve_zone(mem, &world.facts, world.asked, &world.wish, &zone);
		assert_true(st == USHER_OK || st == USHER_E_NOMEM);
		arena_free(mem);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
