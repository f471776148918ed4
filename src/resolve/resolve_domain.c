/* resolve_domain.c - what anybody is told about a domain: the URLs of Autodiscover V2 (json-v2.md
 * 4), and Mail Autoconfig (autoconfig.md 2). */
#include "resolve/resolve_domain.h"

#include <string.h>

#include "base/buf.h"
#include "base/url.h"
#include "resolve/making.h"
#include "resolve/resolve.h"
#include "resolve/site.h"

/* ---- URLs ---- */

static const char *
public_url(const struct facts *facts, enum url_service service)
{
	struct site_choice choice;

	if (facts->domain->kind != DOMAIN_EXCHANGE || facts->org == NULL)
		return NULL;
	choice = site_choose(facts, NULL, NULL);
	return choice.server == NULL ? NULL : site_url(facts->org, &choice, service, OUTSIDE);
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

/* The first service of the type, which mail servers of many makes have; NULL: none. */
static const struct mail_service *
find_service(const struct facts *facts, enum mail_service_type type)
{
	for (size_t i = 0; i < facts->n_services; i++)
		if (facts->services[i].type == (int)type)
			return &facts->services[i];
	return NULL;
}

usher_status
resolve_domain_url(
    struct arena *mem, const struct facts *facts, enum protocol_kind kind, const char **url)
{
	const struct mail_service *s = NULL;

	*url = NULL;
	if (kind == PROTOCOL_AUTODISCOVER)
		return autodiscover_url(mem, facts, url);
	if (kind == PROTOCOL_REST) {
		*url = public_url(facts, URL_REST);
	} else if (kind == PROTOCOL_ACTIVESYNC) {
		*url = public_url(facts, URL_ACTIVESYNC);
		s = find_service(facts, SERVICE_ACTIVESYNC);
	} else if (kind == PROTOCOL_EWS) {
		*url = public_url(facts, URL_EWS);
		s = find_service(facts, SERVICE_EWS);
	}
	if (*url == NULL && s != NULL) {
		*url = mail_service_url(mem, s);
		if (*url == NULL)
			return USHER_E_NOMEM;
	}
	/* Its password shall not be sent in the clear. */
	if (!slice_starts_nocase(slice_of(*url), SLICE_LITERAL("https://")))
		*url = NULL;
	return USHER_OK;
}

usher_status
resolve_domain_ews(
    struct arena *mem, const struct facts *facts, const char **url, const char **version)
{
	struct version v;

	*version = NULL;
	if (resolve_domain_url(mem, facts, PROTOCOL_EWS, url) != USHER_OK)
		return USHER_E_NOMEM;
	if (*url == NULL || public_url(facts, URL_EWS) == NULL)
		return USHER_OK;
	if (!version_parse(site_choose(facts, NULL, NULL).server->version, &v))
		return USHER_OK;
	*version = resolve_build(mem, &v);
	return *version == NULL ? USHER_E_NOMEM : USHER_OK;
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
	template = KEEP(m, b.status == USHER_OK ? arena_copy(m->mem, buf_as_slice(&b)) : NULL);
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

static struct answer_protocol
service_protocol(struct making *m, const struct mail_service *s)
{
	static const char *const words[] = { "password", "password-encrypted", "ntlm", "gssapi",
		"oauth2", "client-certificate", "none" };
	static const char *const encryption[] = { "SSL", "TLS", "None" };
	struct answer_protocol p;

	answer_protocol_init(&p, kinds[s->type]);
	if (mail_service_by_url((enum mail_service_type)s->type))
		p.url = KEEP(m, mail_service_url(m->mem, s));
	if (s->type == SERVICE_WEBMAIL)
		return p;
	p.server = s->host;
	p.port = s->port;
	p.encryption = encryption[s->socket];
	p.login_name = user_name(m, s->user_name);
	p.authentication = (struct text_list){ &words[s->authentication], 1 };
	return p;
}

/* True: `p` is the server `q` once more, with a further way to log in. */
static bool
merge(struct making *m, struct answer_protocol *q, const struct answer_protocol *p)
{
	size_t n = q->authentication.n;
	struct answer_protocol alike = *p;
	const char **words;

	alike.authentication = q->authentication;
	if (q->kind != p->kind || n == 0 || p->authentication.n != 1 ||
	    !record_equal(&answer_protocol_table, q, &alike))
		return false;
	words = arena_array(m->mem, n + 1, sizeof(*words));
	if (words == NULL) {
		m->failed = true;
		return true;
	}
	memcpy(words, q->authentication.v, n * sizeof(*words));
	words[n] = p->authentication.v[0];
	q->authentication = (struct text_list){ words, n + 1 };
	return true;
}

/* Services of one type that differ in the login alone are one server with several ways in. */
static void
put_services(struct making *m)
{
	for (size_t i = 0; i < m->facts->n_services; i++) {
		struct answer_protocol p = service_protocol(m, &m->facts->services[i]);

		if (m->n == 0 || !merge(m, &m->protocols[m->n - 1], &p))
			m->protocols[m->n++] = p;
	}
}

static struct answer_protocol *
put_password(struct making *m, enum protocol_kind kind)
{
	static const char *const password[] = { "password" };
	struct answer_protocol *p = &m->protocols[m->n++];

	answer_protocol_init(p, kind);
	p->login_name = m->address;
	p->authentication = (struct text_list){ password, 1 };
	return p;
}

static bool
has(const struct making *m, enum protocol_kind kind)
{
	size_t n = m->n;

	while (n > 0 && m->protocols[n - 1].kind != (int)kind)
		n--;
	return n > 0;
}

/* The URL of a kind, which the organization may have even where the domain has no such service. */
static const char *
put_url(struct making *m, enum protocol_kind kind)
{
	const char *url;

	if (resolve_domain_url(m->mem, m->facts, kind, &url) != USHER_OK)
		m->failed = true;
	else if (url != NULL && !has(m, kind))
		put_password(m, kind)->url = url;
	return m->failed ? NULL : url;
}

/* What Exchange offers: by itself, and in the one entry that older programs know. */
static void
put_exchange(struct making *m)
{
	const char *ews = put_url(m, PROTOCOL_EWS), *eas = put_url(m, PROTOCOL_ACTIVESYNC);
	const char *owa = public_url(m->facts, URL_OWA);
	struct answer_protocol *p;
	struct url url;

	if (owa != NULL) {
		p = &m->protocols[m->n++];
		answer_protocol_init(p, PROTOCOL_WEBMAIL);
		p->url = owa;
	}
	if (m->failed || (ews == NULL && eas == NULL) ||
	    url_parse(m->mem, slice_of(ews != NULL ? ews : eas), &url, NULL) != USHER_OK ||
	    !url.https)
		return;
	p = put_password(m, PROTOCOL_EXCHANGE);
	p->server = url.host;
	p->port = url.port;
	p->encryption = "SSL";
	p->ews_url = ews;
	p->eas_url = eas;
	p->owa_url = owa;
}

static void
put_oauth2(const struct facts *facts, struct answer *out)
{
	const struct domain *d = facts->domain;

	for (size_t i = 0; i < facts->n_services && out->oauth_issuer == NULL; i++)
		out->oauth_issuer = facts->services[i].oauth2_issuer;
	if (out->oauth_issuer == NULL)
		return;
	out->oauth_scope = d->oauth2_scope;
	out->oauth_auth_url = d->oauth2_login_url;
	out->oauth_token_url = d->oauth2_token_url;
	out->oauth_client_id = d->oauth2_client_id;
}

static void
put_links(struct making *m, const struct domain *d, struct answer *out)
{
	static const struct {
		const char *language, *text;
	} words[] = {
		{ "en", "Setting up a mail program" },
		{ "de", "Ein Mailprogramm einrichten" },
	};
	struct answer_link *links = arena_array(m->mem, COUNT_OF(words), sizeof(*links));

	for (size_t i = 0; i < d->host_names.n && out->update_url == NULL; i++)
		if (slice_starts(slice_of(d->host_names.v[i]), SLICE_LITERAL("autoconfig.")))
			out->update_url = KEEP(m, arena_join(m->mem, "https://", d->host_names.v[i],
						      "/mail/config-v1.1.xml"));
	m->failed = m->failed || links == NULL;
	if (d->documentation_url == NULL || links == NULL)
		return;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		links[i] =
		    (struct answer_link){ d->documentation_url, words[i].language, words[i].text };
	out->documentation = links;
	out->n_documentation = COUNT_OF(words);
}

static usher_status
make(struct arena *mem, const struct facts *facts, const char *asked, bool exchange,
    struct answer *out)
{
	enum { EXCHANGE_ENTRIES = 4 };
	const struct domain *d = facts->domain;
	bool alias = strcmp(asked, facts->domain_name) != 0;
	const char **domains = arena_array(mem, 1, sizeof(*domains));
	struct making m = { .mem = mem, .facts = facts };

	answer_init(out, ANSWER_SETTINGS);
	m.protocols = arena_array(mem, facts->n_services + EXCHANGE_ENTRIES, sizeof(*m.protocols));
	m.address = alias ? KEEP(&m, arena_join(mem, "%EMAILLOCALPART%@", facts->domain_name)) :
			    "%EMAILADDRESS%";
	m.domain = alias ? facts->domain_name : "%EMAILDOMAIN%";
	if (m.protocols == NULL || domains == NULL || m.failed)
		return USHER_E_NOMEM;
	domains[0] = asked;
	out->domains = (struct text_list){ domains, 1 };
	out->provider_id = facts->domain_name;
	out->provider_name = d->display_name != NULL ? d->display_name : facts->domain_name;
	out->provider_short_name = d->short_name != NULL ? d->short_name : out->provider_name;
	out->provider_contact = d->contact;
	put_services(&m);
	put_oauth2(facts, out);
	put_links(&m, d, out);
	if (exchange)
		put_exchange(&m);
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
