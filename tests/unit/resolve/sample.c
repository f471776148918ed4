/* sample.c - an organization to ask about. */
#include "sample.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const owa_inside[] = { "Ntlm", "WindowsIntegrated" };
static const char *const owa_outside[] = { "Fba" };

static void
put_server(struct sample *s, const char *name, const char *fqdn, const char *site)
{
	struct server *to = &s->servers[s->org.n_servers++];

	record_init(&entities[ENTITY_SERVER].table, to);
	to->name = name;
	to->fqdn = fqdn;
	to->site = site;
	to->version = "15.1.2507";
}

struct service_url *
sample_url(struct sample *s, const char *server, enum url_service service)
{
	struct service_url *u;

	for (size_t i = 0; i < s->org.n_urls; i++)
		if (strcmp(s->urls[i].server, server) == 0 && s->urls[i].service == (int)service)
			return &s->urls[i];
	u = &s->urls[s->org.n_urls++];
	record_init(&entities[ENTITY_URL].table, u);
	u->server = server;
	u->service = (int)service;
	return u;
}

static void
put_url(struct sample *s, const char *server, enum url_service service, const char *internal,
    const char *external)
{
	struct service_url *u = sample_url(s, server, service);

	u->internal = internal;
	u->external = external;
}

static void
put_provider(struct sample *s, const char *name)
{
	struct provider *to = &s->providers[s->org.n_providers++];

	record_init(&entities[ENTITY_PROVIDER].table, to);
	to->name = name;
}

static void
put_urls(struct sample *s)
{
	struct service_url *owa;

	put_url(s, "CAS01", URL_EWS, "https://cas01/EWS/Exchange.asmx",
	    "https://mail/EWS/Exchange.asmx");
	put_url(s, "CAS01", URL_OAB, "https://cas01/OAB", "https://mail/OAB/");
	put_url(s, "CAS01", URL_UM, "https://cas01/EWS/UM2007Legacy.asmx", NULL);
	put_url(s, "CAS01", URL_ECP, "https://cas01/ecp", "https://mail/ecp/");
	put_url(s, "CAS01", URL_OWA, "https://cas01/owa", "https://mail/owa");
	put_url(s, "CAS02", URL_OWA, "https://cas02/owa", "https://mail/owa");
	put_url(s, "CAS02", URL_MAPI, "https://cas02/mapi", NULL);
	put_url(s, "FAR01", URL_EWS, "https://far01/EWS/Exchange.asmx", NULL);
	owa = sample_url(s, "CAS01", URL_OWA);
	owa->internal_authentication = (struct text_list){ owa_inside, 2 };
	owa->external_authentication = (struct text_list){ owa_outside, 1 };
}

static void
put_rpc(struct sample *s)
{
	struct outlook_anywhere *rpc = &s->rpc[s->org.n_outlook_anywhere++];

	record_init(&entities[ENTITY_OUTLOOK_ANYWHERE].table, rpc);
	rpc->server = "CAS01";
	rpc->enabled = TRI_ON;
	rpc->external_host = "mail.contoso.com";
	rpc->internal_host = "cas01.corp";
	rpc->client_authentication = RPC_BASIC;
}

void
sample_init(struct sample *s)
{
	memset(s, 0, sizeof(*s));
	record_init(&entities[ENTITY_ORGANIZATION].table, &s->org.organization);
	s->org.organization.name = "Contoso";
	s->org.organization.administrative_group = "AG";
	s->org.organization.deployment_id = "4f0d3a5e-6f0a-4d3c-9b1e-2a77c1d0e8b4";
	s->org.organization.oab_id = "7c1d2b60-53f7-4d5e-8a52-0b7c6d1f9e21";
	s->org.servers = s->servers;
	s->org.urls = s->urls;
	s->org.outlook_anywhere = s->rpc;
	s->org.providers = s->providers;
	put_server(s, "CAS01", "cas01.corp.contoso.com", "Pier");
	put_server(s, "CAS02", "cas02.corp.contoso.com", "pier");
	put_server(s, "FAR01", "far01.corp.contoso.com", "Quay");
	put_urls(s);
	put_rpc(s);
	put_provider(s, "EXCH");
	put_provider(s, "EXPR");
	put_provider(s, "WEB");

	record_init(&entities[ENTITY_DOMAIN].table, &s->domain);
	s->domain.domain = "contoso.com";
	record_init(&entities[ENTITY_MAILBOX].table, &s->mailbox);
	s->mailbox.address = "nora@contoso.com";
	s->mailbox.display_name = "Nora Lind";
	s->mailbox.guid = "b8e2a1d4-0c57-4e39-9f61-7a3d52c0e418";

	s->facts.org = &s->org;
	s->facts.address = "nora@contoso.com";
	s->facts.local = "nora";
	s->facts.domain_name = "contoso.com";
	s->facts.domain = &s->domain;
	s->facts.mailbox = &s->mailbox;

	s->question.address = "nora@contoso.com";
	s->question.client.outlook = true;
	s->question.client.outlook_major = 12;
	s->context.login_name = "nora@contoso.com";
	s->context.now_ms = 50531503; /* 14:02:11.503 */
	s->context.server_name = "cas01";
}

void
sample_init_mail(struct sample *s)
{
	static const struct {
		int type, socket;
		const char *host;
		int64_t port;
	} rows[] = {
		{ SERVICE_IMAP, SOCKET_TLS, "imap.contoso.com", 993 },
		{ SERVICE_POP3, SOCKET_PLAIN, "pop.contoso.com", 110 },
		{ SERVICE_SMTP, SOCKET_STARTTLS, "smtp.contoso.com", 587 },
		{ SERVICE_CALDAV, SOCKET_TLS, "dav.contoso.com", 443 },
	};

	sample_init(s);
	s->domain.kind = DOMAIN_MAIL;
	s->facts.mailbox = NULL;
	s->context.login_name = NULL;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct mail_service *to = &s->services[i];

		record_init(&entities[ENTITY_SERVICE].table, to);
		to->domain = "contoso.com";
		to->type = rows[i].type;
		to->rank = 1;
		to->host = rows[i].host;
		to->port = rows[i].port;
		to->socket = rows[i].socket;
	}
	s->facts.services = s->services;
	s->facts.n_services = COUNT_OF(rows);
}

void
sample_ready(struct arena *mem, struct sample *s)
{
	if (!org_view_link(mem, &s->org))
		abort();
}

/* ---- showing ---- */

static void
show_rows(const struct field_table *t, const void *record, struct buf *out)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct field *f = &t->rows[i];

		if (field_absent(f, record))
			continue;
		buf_printf(out, " %s=", f->name);
		if (f->type == FIELD_TEXT)
			buf_text(out, field_text(f, record));
		else if (f->type == FIELD_NUMBER)
			buf_printf(out, "%" PRId64, field_number(f, record));
		else if (f->type == FIELD_SWITCH)
			buf_text(out, field_switch(f, record) == TRI_ON ? "on" : "off");
	}
}

static void
show_web(const char *name, const struct answer_web *w, struct buf *out)
{
	if (w->n_owa == 0 && w->as_url == NULL)
		return;
	buf_printf(out, " %s{", name);
	for (size_t i = 0; i < w->n_owa; i++)
		buf_printf(out, "%s[%s] ", w->owa[i].url,
		    w->owa[i].authentication_method == NULL ? "-" :
							      w->owa[i].authentication_method);
	buf_printf(out, "%s %s}", w->protocol_type == NULL ? "-" : w->protocol_type,
	    w->as_url == NULL ? "-" : w->as_url);
}

void
sample_show(const struct answer *a, struct buf *out)
{
	switch (a->kind) {
	case ANSWER_REDIRECT_ADDRESS:
		buf_printf(out, "redirectAddr %s\n", a->redirect);
		return;
	case ANSWER_REDIRECT_URL:
		buf_printf(out, "redirectUrl %s\n", a->redirect);
		return;
	case ANSWER_REFUSAL:
		buf_text(out, "Error");
		show_rows(&answer_refusal_table, &a->refusal, out);
		buf_char(out, '\n');
		return;
	case ANSWER_SETTINGS:
		break;
	}
	buf_text(out, "User");
	show_rows(&answer_user_table, &a->user, out);
	buf_text(out, "\nAccount");
	show_rows(&answer_account_table, a, out);
	for (size_t i = 0; i < a->n_alternative_mailboxes; i++) {
		buf_text(out, "\nAlternative");
		show_rows(&answer_alternative_mailbox_table, &a->alternative_mailboxes[i], out);
	}
	for (size_t i = 0; i < a->n_protocols; i++) {
		const struct answer_protocol *p = &a->protocols[i];

		buf_printf(out, "\n%s", protocol_kind_name((enum protocol_kind)p->kind));
		show_rows(&answer_protocol_table, p, out);
		show_web("internal", &p->internal, out);
		show_web("external", &p->external, out);
	}
	buf_char(out, '\n');
}
