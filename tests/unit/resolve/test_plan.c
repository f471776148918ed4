/* test_plan.c - what each of the four deployments needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "model/usual.h"
#include "resolve/resolve_plan.h"

enum { SERVERS = 2, SERVICES = 3, NOW_S = 1000000 };

/* What is known and wished. */
struct world {
	struct arena *mem;
	struct facts facts;
	struct org_view org;
	struct server servers[SERVERS];
	struct service_url urls[SERVERS * SERVICES];
	struct outlook_anywhere outlook_anywhere[SERVERS];
	struct provider providers[1];
	struct domain domain;
	struct mail_service services[USUAL_MAIL_SERVICES];
	struct zone_address addresses[3];
	struct certificate certificates[2];
	struct plan_wish wish;
};

static void
begin(struct world *w, struct arena *mem, int scenario)
{
	memset(w, 0, sizeof(*w));
	w->mem = mem;
	record_init(&entities[ENTITY_DOMAIN].table, &w->domain);
	w->domain.domain = "d.example";
	w->facts.org = &w->org;
	w->facts.domain = &w->domain;
	w->facts.domain_name = w->domain.domain;
	w->facts.services = w->services;
	w->org.servers = w->servers;
	w->org.urls = w->urls;
	w->org.outlook_anywhere = w->outlook_anywhere;
	w->org.providers = w->providers;
	w->wish.scenario = scenario;
	w->wish.domain = "d.example";
	w->wish.host = "mail.d.example";
	w->wish.accepted = true;
	w->wish.now_s = NOW_S;
	w->wish.zone.addresses = w->addresses;
	w->wish.certificates = w->certificates;
}

static void
address(struct world *w, const char *host, const char *text)
{
	w->addresses[w->wish.zone.n_addresses++] = (struct zone_address){ host, text };
}

static void
two_addresses(struct world *w)
{
	address(w, NULL, "192.0.2.1");
	address(w, "autodiscover.d.example", "192.0.2.2");
}

/* A server as setup makes it, with three of its URLs. */
static void
server(struct world *w, const char *host)
{
	static const enum url_service services[SERVICES] = { URL_AUTODISCOVER, URL_EWS, URL_OAB };
	size_t i = w->org.n_servers++;
	const char *name = usual_server_name(w->mem, host, 1);

	assert_true(usual_server(w->mem, name, host, "Site", &w->servers[i]));
	w->servers[i].created = (int64_t)i;
	for (size_t k = 0; k < SERVICES; k++) {
		struct service_url *u = &w->urls[w->org.n_urls++];

		record_init(&entities[ENTITY_URL].table, u);
		u->server = name;
		u->service = services[k];
		u->internal = u->external = usual_url(w->mem, services[k], host);
	}
	usual_outlook_anywhere(name, host, &w->outlook_anywhere[i]);
	w->org.n_outlook_anywhere++;
}

static void
certificate(struct world *w, struct certificate like)
{
	struct certificate *c = &w->certificates[w->wish.n_certificates++];

	*c = like;
	c->issuer = c->issuer == NULL ? "CN=CA" : c->issuer;
	c->subject = c->subject == NULL ? "CN=mail.d.example" : c->subject;
	c->not_before = NOW_S - 1;
	c->not_after = c->not_after == 0 ? NOW_S + 1000 : c->not_after;
}

/* ---- the rows ---- */

static void
at_host(struct world *w)
{
	two_addresses(w);
	server(w, "mail.d.example");
	w->domain.host_names = (struct text_list){ &w->wish.host, 1 };
}

static void
inside_public(struct world *w)
{
	at_host(w);
	w->servers[0].internal_uri = "https://ex1.d.example/Autodiscover/Autodiscover.xml";
	w->urls[1].internal = "https://ex1.d.example:8443/EWS/Exchange.asmx?x=y";
	w->servers[0].fqdn = "ex1.d.example";
}

static void
inside_private(struct world *w)
{
	at_host(w);
	w->servers[0].internal_uri = "https://ex1.corp.local/Autodiscover/Autodiscover.xml";
	w->urls[1].internal = "https://EX1/EWS/Exchange.asmx";
}

static void
balanced(struct world *w)
{
	at_host(w);
	w->org.n_servers = w->org.n_urls = w->org.n_outlook_anywhere = 0;
	server(w, "cas1.d.example");
	server(w, "cas2.d.example");
}

static void
elsewhere(struct world *w)
{
	at_host(w);
	w->urls[1].external = "https://ews.hoster.example/EWS/Exchange.asmx";
	w->urls[2].external = NULL;
	record_init(&entities[ENTITY_PROVIDER].table, &w->providers[0]);
	w->providers[0].name = "EXPR";
	w->providers[0].cert_principal_name = "msstd:ex1.corp.local";
	w->org.n_providers = 1;
}

static void
fresh(struct world *w)
{
	two_addresses(w);
	w->wish.accepted = false;
	assert_int_equal(
	    resolve_plan_domain(w->mem, "d.example", DOMAIN_EXCHANGE, "mail.d.example", &w->facts),
	    USHER_OK);
	w->facts.org = NULL;
}

static void
fresh_balanced(struct world *w)
{
	static const char *const servers[] = { "cas.a.example", "cas.b.example" };

	fresh(w);
	w->wish.servers = (struct text_list){ servers, 2 };
}

static void
fresh_domain(struct world *w)
{
	at_host(w);
	w->wish.accepted = false;
	w->domain.host_names.n = 0;
}

static void
fresh_mail(struct world *w)
{
	two_addresses(w);
	w->wish.accepted = false;
	assert_int_equal(
	    resolve_plan_domain(w->mem, "d.example", DOMAIN_MAIL, "mail.d.example", &w->facts),
	    USHER_OK);
	w->facts.org = NULL;
}

static void
mail(struct world *w)
{
	static const char *const names[] = { "mx.d.example", "mail.d.example" };

	two_addresses(w);
	w->domain.kind = DOMAIN_MAIL;
	w->domain.host_names = (struct text_list){ names, 2 };
	for (size_t i = 0; i < USUAL_MAIL_SERVICES; i++)
		usual_mail_service(i, "d.example", "imap.d.example", &w->services[i]);
	w->facts.n_services = USUAL_MAIL_SERVICES;
	w->wish.zone.pacc = "v=UAAC1; a=sha256; d=x";
}

static void
host_outside(struct world *w)
{
	at_host(w);
	w->wish.host = "mail.hoster.example";
	w->domain.host_names = (struct text_list){ &w->wish.host, 1 };
}

static void
no_address(struct world *w)
{
	at_host(w);
	w->wish.zone.n_addresses = 0;
}

static void
behind_router(struct world *w)
{
	static const struct zone_address listen[] = { { NULL, "10.0.0.1" }, { NULL, "fd00::1" },
		{ "autodiscover.d.example", "10.0.0.2" } };

	at_host(w);
	w->wish.listen = listen;
	w->wish.n_listen = 3;
}

static const char *const https[] = { "https" };
static const char *const wild[] = { "*.d.example" };
static const char *const host[] = { "mail.d.example" };
static const char *const listener_mail[] = { "mail" };

#define HTTPS \
	{ \
		https, 1 \
	}

static void
enabled(struct world *w)
{
	at_host(w);
	certificate(
	    w, (struct certificate){ .thumbprint = "A", .names = { wild, 1 }, .services = HTTPS });
}

static void
enabled_for_one(struct world *w)
{
	at_host(w);
	certificate(w, (struct certificate){ .thumbprint = "A",
			   .names = { wild, 1 },
			   .services = HTTPS,
			   .listeners = { listener_mail, 1 } });
}

static void
of_another_name(struct world *w)
{
	at_host(w);
	certificate(
	    w, (struct certificate){ .thumbprint = "A", .names = { host, 1 }, .services = HTTPS });
}

static void
wildcard_subject(struct world *w)
{
	elsewhere(w);
	w->providers[0].cert_principal_name = NULL;
	certificate(w, (struct certificate){ .thumbprint = "A",
			   .names = { wild, 1 },
			   .services = HTTPS,
			   .subject = "O=D,CN=*.d.example" });
}

static void
alias(struct world *w)
{
	at_host(w);
	w->wish.domain = "alias.example";
	w->domain.host_names.n = 0;
}

static void
expired(struct world *w)
{
	at_host(w);
	certificate(w,
	    (struct certificate){
		.thumbprint = "A", .names = { wild, 1 }, .services = HTTPS, .not_after = NOW_S });
	certificate(
	    w, (struct certificate){ .thumbprint = "B", .names = { wild, 1 }, .request = "PEM" });
}

static void
vouches_for_itself(struct world *w)
{
	at_host(w);
	certificate(w, (struct certificate){ .thumbprint = "A",
			   .names = { wild, 1 },
			   .services = HTTPS,
			   .issuer = "CN=mail.d.example" });
}

#define LISTEN_ANY "https *:443\nredirect *:80\n"
#define TARGET " to https://mail.d.example/autodiscover/autodiscover.xml\n"
#define SRV_RECORD "_autodiscover._tcp\n"
/* NULL: not looked at. */
static const struct {
	const char *label;
	int scenario;
	void (*change)(struct world *w);
	const char *certificates; /* names, what there is */
	const char *changes;	  /* setups and records */
	const char *listeners;
	const char *zone;
} rows[] = {
	{ "1: all at the host", 1, at_host, "mail.d.example autodiscover.d.example -\n", "",
	    LISTEN_ANY, "autodiscover\nautodiscover\n" SRV_RECORD "mail\n" },
	{ "1: inside under names that authorities certify", 1, inside_public,
	    "mail.d.example autodiscover.d.example ex1.d.example -\n", "", LISTEN_ANY, NULL },
	{ "1: inside under names that none certifies", 1, inside_private,
	    "mail.d.example autodiscover.d.example -\n",
	    "server MAIL internal_uri=https://mail.d.example/Autodiscover/Autodiscover.xml\n"
	    "url MAIL ews internal=https://mail.d.example/EWS/Exchange.asmx\n",
	    LISTEN_ANY, NULL },
	{ "1: servers behind one name", 1, balanced, "mail.d.example autodiscover.d.example -\n",
	    "server CAS1 internal_uri=https://mail.d.example/Autodiscover/Autodiscover.xml\n"
	    "url CAS1 autodiscover internal=https://mail.d.example/Autodiscover/Autodiscover.xml "
	    "external=https://mail.d.example/Autodiscover/Autodiscover.xml\n"
	    "url CAS1 ews internal=https://mail.d.example/EWS/Exchange.asmx "
	    "external=https://mail.d.example/EWS/Exchange.asmx\n"
	    "url CAS1 oab internal=https://mail.d.example/OAB external=https://mail.d.example/OAB\n"
	    "outlook_anywhere CAS1 external_host=mail.d.example internal_host=mail.d.example\n"
	    "server CAS2 internal_uri=https://mail.d.example/Autodiscover/Autodiscover.xml\n"
	    "url CAS2 autodiscover internal=https://mail.d.example/Autodiscover/Autodiscover.xml "
	    "external=https://mail.d.example/Autodiscover/Autodiscover.xml\n"
	    "url CAS2 ews internal=https://mail.d.example/EWS/Exchange.asmx "
	    "external=https://mail.d.example/EWS/Exchange.asmx\n"
	    "url CAS2 oab internal=https://mail.d.example/OAB external=https://mail.d.example/OAB\n"
	    "outlook_anywhere CAS2 external_host=mail.d.example internal_host=mail.d.example\n",
	    LISTEN_ANY, NULL },
	{ "1: a service elsewhere, one without a URL outside, another principal name", 1, elsewhere,
	    "mail.d.example autodiscover.d.example -\n",
	    "url MAIL oab external=https://mail.d.example/OAB\n"
	    "provider EXPR cert_principal_name=msstd:mail.d.example\n",
	    LISTEN_ANY, NULL },
	{ "1: nothing there yet", 1, fresh, "mail.d.example autodiscover.d.example -\n",
	    "setup mail.d.example\ndomain d.example host_names=mail.d.example\n", LISTEN_ANY,
	    NULL },
	{ "2: servers behind one name that are not there yet", 2, fresh_balanced,
	    "mail.d.example -\n", NULL, LISTEN_ANY, SRV_RECORD "mail\n" },
	{ "2: a domain for servers that are there", 2, fresh_domain, "mail.d.example -\n",
	    "new domain d.example host_names=mail.d.example\n", LISTEN_ANY, NULL },
	{ "2: inside under other names", 2, inside_public, "mail.d.example -\n",
	    "server MAIL internal_uri=https://mail.d.example/Autodiscover/Autodiscover.xml\n"
	    "url MAIL ews internal=https://mail.d.example:8443/EWS/Exchange.asmx?x=y\n",
	    LISTEN_ANY, NULL },
	{ "3: all at the host", 3, at_host,
	    "mail: mail.d.example -\n"
	    "autodiscover: autodiscover.d.example -\n",
	    "",
	    "https mail 192.0.2.1:443\nhttps autodiscover 192.0.2.2:443\n"
	    "redirect mail 192.0.2.1:80\nredirect autodiscover 192.0.2.2:80\n",
	    "autodiscover\n" SRV_RECORD "mail\n" },
	{ "3: behind a router", 3, behind_router, NULL, "",
	    "https mail 10.0.0.1:443, [fd00::1]:443\nhttps autodiscover 10.0.0.2:443\n"
	    "redirect mail 10.0.0.1:80, [fd00::1]:80\nredirect autodiscover 10.0.0.2:80\n",
	    NULL },
	{ "4: all at the host", 4, at_host, "mail.d.example -\n", "",
	    "https 192.0.2.1:443\nredirect autodiscover 192.0.2.2:80" TARGET
	    "redirect 192.0.2.1:80\n",
	    "autodiscover\nmail\n" },
	{ "4: no address is known", 4, no_address, "mail.d.example -\n", "",
	    "https ?\nredirect autodiscover ?" TARGET "redirect ?\n", "incomplete\n" },
	{ "1: a mail domain", 1, mail,
	    "mail.d.example autodiscover.d.example autoconfig.d.example ua-auto-config.d.example "
	    "-\n",
	    "domain d.example host_names=mail.d.example,mx.d.example\n", LISTEN_ANY, NULL },
	{ "4: a mail domain", 4, mail, "mail.d.example -\n",
	    "domain d.example host_names=mail.d.example,mx.d.example\n", NULL, NULL },
	{ "2: a mail domain that is not there yet", 2, fresh_mail, "mail.d.example -\n",
	    "setup mail.d.example\ndomain d.example host_names=mail.d.example\n", LISTEN_ANY,
	    NULL },
	{ "1: a certificate is there", 1, enabled,
	    "mail.d.example autodiscover.d.example enabled A\n", NULL, NULL, NULL },
	{ "2: its common name is a wildcard", 2, wildcard_subject, "mail.d.example enabled A\n",
	    "url MAIL oab external=https://mail.d.example/OAB\n"
	    "provider EXPR cert_principal_name=msstd:*.d.example\n",
	    NULL, NULL },
	{ "2: an alias leaves the domain alone that it stands for", 2, alias, "mail.d.example -\n",
	    "", NULL, NULL },
	{ "1: it lacks a name", 1, of_another_name, "mail.d.example autodiscover.d.example -\n",
	    NULL, NULL, NULL },
	{ "2: that is all it needs", 2, of_another_name, "mail.d.example enabled A\n", NULL, NULL,
	    NULL },
	{ "2: it has expired, another is on its way", 2, expired, "mail.d.example requested B\n",
	    NULL, NULL, NULL },
	{ "2: it vouches for itself", 2, vouches_for_itself, "mail.d.example self-signed A\n", NULL,
	    NULL, NULL },
	{ "3: it is enabled for one of the listeners", 3, enabled_for_one,
	    "mail: mail.d.example enabled A\nautodiscover: autodiscover.d.example imported A\n",
	    NULL, NULL, NULL },
};

/* ---- showing ---- */

static void
show_certificates(const struct deployment *d, struct buf *b)
{
	for (size_t i = 0; i < d->n_certificates; i++) {
		const struct plan_certificate *p = &d->certificates[i];

		if (p->listener != NULL)
			buf_printf(b, "%s: ", p->listener);
		for (size_t k = 0; k < p->n_names; k++) {
			assert_non_null(p->names[k].why);
			buf_printf(b, "%s ", p->names[k].name);
		}
		if (p->enabled != NULL)
			buf_printf(b, "enabled %s\n", p->enabled->thumbprint);
		else if (p->imported != NULL)
			buf_printf(b, "imported %s\n", p->imported->thumbprint);
		else if (p->request != NULL)
			buf_printf(b, "requested %s\n", p->request->thumbprint);
		else if (p->self_signed != NULL)
			buf_printf(b, "self-signed %s\n", p->self_signed->thumbprint);
		else
			buf_text(b, "-\n");
	}
}

static void
show_changes(struct arena *mem, const struct deployment *d, struct buf *b)
{
	for (size_t i = 0; i < d->setups.n; i++)
		buf_printf(b, "setup %s\n", d->setups.v[i]);
	for (size_t i = 0; i < d->n_records; i++) {
		const struct plan_record *r = &d->records[i];
		const struct field_table *t = &r->entity->table;

		assert_non_null(r->why);
		buf_printf(b, "%s%s %s", r->before == NULL ? "new " : "", r->entity->name,
		    entity_key_text(mem, r->entity, &r->after));
		for (size_t k = r->entity->n_keys; k < t->n; k++) {
			const struct field *f = &t->rows[k];

			if (r->before == NULL ? field_absent(f, &r->after) :
						field_equal(f, r->before, &r->after))
				continue;
			buf_printf(b, " %s=", f->name);
			if (f->type == FIELD_TEXT)
				buf_text(b, field_text(f, &r->after));
			for (size_t n = 0; f->type == FIELD_LIST && n < field_list(f, &r->after)->n;
			     n++)
				buf_printf(
				    b, "%s%s", n == 0 ? "" : ",", field_list(f, &r->after)->v[n]);
		}
		buf_char(b, '\n');
	}
}

static void
show_listeners(const struct deployment *d, struct buf *b)
{
	for (size_t i = 0; i < d->n_listeners; i++) {
		const struct plan_listener *l = &d->listeners[i];

		buf_printf(b, "%s%s%s %s%s%s\n", l->https ? "https" : "redirect",
		    l->name == NULL ? "" : " ", l->name == NULL ? "" : l->name,
		    l->addresses == NULL ? "?" : l->addresses, l->target == NULL ? "" : " to ",
		    l->target == NULL ? "" : l->target);
	}
}

static void
show_zone(const struct deployment *d, struct buf *b)
{
	for (size_t i = 0; i < d->zone.n_records; i++)
		buf_printf(b, "%s\n", d->zone.records[i].name);
	if (!d->complete)
		buf_text(b, "incomplete\n");
}

static void
same(const struct buf *got, const char *wanted)
{
	if (wanted != NULL)
		assert_string_equal(buf_cstr(got), wanted);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *mem = arena_new(4 * 1024 * 1024);
		struct buf CLEANUP(buf_cleanup) text = { .max = 64 * 1024 };
		struct deployment d;
		struct world w;

		print_message("# %s\n", rows[i].label);
		begin(&w, mem, rows[i].scenario);
		rows[i].change(&w);
		assert_true(org_view_link(mem, &w.org));
		assert_int_equal(resolve_plan(mem, &w.facts, &w.wish, &d, NULL), USHER_OK);
		assert_true(d.requirements.n > 0 && d.tradeoffs.n > 0);
		show_certificates(&d, &text);
		same(&text, rows[i].certificates);
		buf_reset(&text);
		show_changes(mem, &d, &text);
		same(&text, rows[i].changes);
		buf_reset(&text);
		show_listeners(&d, &text);
		same(&text, rows[i].listeners);
		buf_reset(&text);
		show_zone(&d, &text);
		same(&text, rows[i].zone);
		arena_free(mem);
	}
}

/* ---- programs ---- */

static const struct {
	const char *label;
	int scenario;
	void (*change)(struct world *w);
	const char *clients; /* the letter of the source, ? where people are asked */
} client_rows[] = {
	{ "1", 1, at_host, "ACCCCCCC" },
	{ "2", 2, at_host, "AE--EEEE" },
	{ "2, with a host outside of the domain", 2, host_outside, "AE?--EEEE?" },
	{ "3", 3, at_host, "ACCCCCCC" },
	{ "4", 4, at_host, "AD?D?DDD-D" },
	{ "4, with a host outside of the domain", 4, host_outside, "AD?D?DDD-D?" },
	{ "1, mail", 1, mail, "CCMMM" },
	{ "2, mail", 2, mail, "E-EE-" },
	{ "3, mail", 3, mail, "CCCE-" },
	{ "4, mail", 4, mail, "D?D?DE-" },
};

static void
test_clients(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(client_rows); i++) {
		struct arena *mem = arena_new(4 * 1024 * 1024);
		struct buf CLEANUP(buf_cleanup) text = { .max = 1024 };
		struct deployment d;
		struct world w;

		print_message("# %s\n", client_rows[i].label);
		begin(&w, mem, client_rows[i].scenario);
		client_rows[i].change(&w);
		assert_true(org_view_link(mem, &w.org));
		assert_int_equal(resolve_plan(mem, &w.facts, &w.wish, &d, NULL), USHER_OK);
		for (size_t k = 0; k < d.n_clients; k++) {
			buf_char(&text, d.clients[k].source == 0 ? '-' : (char)d.clients[k].source);
			buf_text(&text, d.clients[k].prompt ? "?" : "");
		}
		assert_string_equal(buf_cstr(&text), client_rows[i].clients);
		arena_free(mem);
	}
}

/* However little memory there is, the end is USHER_OK or USHER_E_NOMEM. */
static void
test_memory(void **state)
{
	struct arena *CLEANUP(arena_cleanup) kept = arena_new(1024 * 1024);
	usher_status st = USHER_E_NOMEM;
	struct deployment d;
	struct world w;

	(void)state;
	begin(&w, kept, 1);
	balanced(&w);
	assert_true(org_view_link(kept, &w.org));
	for (size_t bytes = 0; st != USHER_OK; bytes += 256) {
		struct arena *mem = arena_new(bytes);

		assert_non_null(mem);
		st = resolve_plan(mem, &w.facts, &w.wish, &d, NULL);
		assert_true(st == USHER_OK || st == USHER_E_NOMEM);
		arena_free(mem);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_clients),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
