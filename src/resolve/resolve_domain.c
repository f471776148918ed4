/* resolve_domain.c - what anybody is told about a domain: the URLs of Autodiscover V2 (json-v2.md
 * 4), and Mail Autoconfig (autoconfig.md 2). */
#include "resolve/resolve_domain.h"

#include <string.h>

#include "base/buf.h"
#include "resolve/site.h"

/* ---- URLs ---- */

static const char *
public_url(const struct facts *facts, enum url_service service)
{
	const struct server *server;

	if (facts->domain->kind != DOMAIN_EXCHANGE || facts->org == NULL)
		return NULL;
	server = site_choose(facts, NULL);
	return server == NULL ? NULL : site_url(facts->org, server, service, OUTSIDE);
}

/* As configured, else under the domain's own name for us, else under the usual one. */
static usher_status
autodiscover_url(struct arena *mem, const struct facts *facts, const char **url)
{
	const struct text_list *names = &facts->domain->host_names;

	*url = public_url(facts, URL_AUTODISCOVER);
	if (*url != NULL)
		return USHER_OK;
	if (names->n > 0)
		*url = arena_join(mem, "https://", names->v[0], "/autodiscover/autodiscover.xml");
	else
		*url = arena_join(mem, "https://autodiscover.", facts->domain_name,
		    "/autodiscover/autodiscover.xml");
	return *url == NULL ? USHER_E_NOMEM : USHER_OK;
}

usher_status
resolve_domain_url(
    struct arena *mem, const struct facts *facts, enum protocol_kind kind, const char **url)
{
	*url = NULL;
	if (kind == PROTOCOL_AUTODISCOVER)
		return autodiscover_url(mem, facts, url);
	if (kind == PROTOCOL_ACTIVESYNC)
		*url = public_url(facts, URL_ACTIVESYNC);
	else if (kind == PROTOCOL_EWS)
		*url = public_url(facts, URL_EWS);
	return USHER_OK;
}

/* ---- Mail Autoconfig ---- */

/* An answer in the making. Out of memory sticks. */
struct making {
	struct arena *mem;
	const struct facts *facts;
	const char *address; /* placeholder */
	const char *domain;  /* placeholder, or the domain an alias stands for */
	struct answer_protocol *protocols;
	size_t n;
	bool failed;
};

static const char *
keep(struct making *m, const char *p)
{
	m->failed = m->failed || p == NULL;
	return p;
}

/* `%a` and its like become placeholders, once. */
static const char *
user_name(struct making *m, const char *template)
{
	const char *at;
	struct buf b = { .max = FIELD_URL_BYTES };

	/* Nothing of a mailbox is told here, see resolve_login(). */
	if (template == NULL || strstr(template, "%{") != NULL)
		return m->address;
	for (at = template; *at != '\0'; at++) {
		const char *rest = at + 1;

		if (*at != '%' || strchr("aud%", *rest) == NULL || *rest == '\0') {
			buf_char(&b, *at);
			continue;
		}
		buf_text(&b, *rest == 'a' ? m->address :
			     *rest == 'u' ? "%EMAILLOCALPART%" :
			     *rest == 'd' ? m->domain :
					    "%");
		at = rest;
	}
	template = keep(m, b.status == USHER_OK ? arena_copy(m->mem, buf_as_slice(&b)) : NULL);
	buf_clear(&b);
	return template;
}

static const enum protocol_kind kinds[] = {
	[SERVICE_IMAP] = PROTOCOL_IMAP,
	[SERVICE_POP3] = PROTOCOL_POP3,
	[SERVICE_SMTP] = PROTOCOL_SMTP,
	[SERVICE_JMAP] = PROTOCOL_JMAP,
	[SERVICE_CALDAV] = PROTOCOL_CALDAV,
	[SERVICE_CARDDAV] = PROTOCOL_CARDDAV,
	[SERVICE_WEBMAIL] = PROTOCOL_WEBMAIL,
	[SERVICE_FILES] = PROTOCOL_WEBDAV,
	[SERVICE_MANAGESIEVE] = PROTOCOL_MANAGESIEVE,
	[SERVICE_ACTIVESYNC] = PROTOCOL_ACTIVESYNC,
	[SERVICE_EWS] = PROTOCOL_EWS,
};

static void
put_service(struct making *m, const struct mail_service *s, struct answer *out)
{
	static const char *const words[] = { "password", "password-encrypted", "ntlm", "gssapi",
		"oauth2", "client-certificate", "none" };
	static const char *const encryption[] = { "SSL", "TLS", "None" };
	struct answer_protocol *p = &m->protocols[m->n++];

	answer_protocol_init(p, kinds[s->type]);
	p->url = s->url;
	if (s->type == SERVICE_WEBMAIL)
		return;
	p->server = s->host;
	p->port = s->port;
	p->encryption = encryption[s->socket];
	p->login_name = user_name(m, s->user_name);
	p->authentication = (struct text_list){ &words[s->authentication], 1 };
	if (out->oauth_issuer == NULL)
		out->oauth_issuer = s->oauth2_issuer;
}

static void
put_url(struct making *m, enum protocol_kind kind, enum url_service service)
{
	static const char *const password[] = { "password" };
	const char *url = public_url(m->facts, service);
	struct answer_protocol *p;

	if (url == NULL)
		return;
	p = &m->protocols[m->n++];
	answer_protocol_init(p, kind);
	p->url = url;
	if (kind == PROTOCOL_WEBMAIL)
		return;
	p->login_name = m->address;
	p->authentication = (struct text_list){ password, 1 };
}

static usher_status
make(struct arena *mem, const struct facts *facts, const char *asked, bool exchange,
    struct answer *out)
{
	enum { EXCHANGE_URLS = 3 };
	const struct domain *d = facts->domain;
	bool alias = strcmp(asked, facts->domain_name) != 0;
	const char **domains = arena_array(mem, 1, sizeof(*domains));
	struct making m = { .mem = mem, .facts = facts };

	answer_init(out, ANSWER_SETTINGS);
	m.protocols = arena_array(mem, facts->n_services + EXCHANGE_URLS, sizeof(*m.protocols));
	m.address = alias ? keep(&m, arena_join(mem, "%EMAILLOCALPART%@", facts->domain_name)) :
			    "%EMAILADDRESS%";
	m.domain = alias ? facts->domain_name : "%EMAILDOMAIN%";
	if (m.protocols == NULL || domains == NULL || m.failed)
		return USHER_E_NOMEM;
	domains[0] = asked;
	out->domains = (struct text_list){ domains, 1 };
	out->provider_id = facts->domain_name;
	out->provider_name = d->display_name != NULL ? d->display_name : facts->domain_name;
	out->provider_short_name = d->short_name != NULL ? d->short_name : out->provider_name;
	for (size_t i = 0; i < facts->n_services; i++)
		put_service(&m, &facts->services[i], out);
	if (exchange) {
		put_url(&m, PROTOCOL_EWS, URL_EWS);
		put_url(&m, PROTOCOL_ACTIVESYNC, URL_ACTIVESYNC);
		put_url(&m, PROTOCOL_WEBMAIL, URL_OWA);
	}
	out->protocols = m.protocols;
	out->n_protocols = m.n;
	return m.failed ? USHER_E_NOMEM : USHER_OK;
}

usher_status
resolve_autoconfig(
    struct arena *mem, const struct facts *facts, const char *asked, struct answer *out)
{
	/* Without mail servers beside them no known program takes URLs of Exchange (autoconfig.md
	 * 2.7), and whoever asks for an Exchange mailbox shall ask Autodiscover. */
	return make(mem, facts, asked, facts->n_services > 0, out);
}

usher_status
resolve_profile(struct arena *mem, const struct facts *facts, const char *asked, struct answer *out)
{
	return make(mem, facts, asked, true, out);
}
