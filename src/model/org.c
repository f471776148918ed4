/* org.c - the rows of every entity, and what is derived from them. */
#include "model/org.h"

#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

enum {
	TTL_MAX_HOURS = 10 * 8760,
	RANK_MAX = 100,
	RULES_MAX = 100000,
	NAME = FIELD_KEY | FIELD_REQUIRED,
	KEY_TEXT_BYTES = 4 * FIELD_TEXT_BYTES
};

#define TEXT(member, form, flags, help) ROW_TEXT(RECORD, member, form, flags, help)
#define LIST(member, form, flags, help) ROW_LIST(RECORD, member, form, flags, help)
#define NUMBER(member, min, max, flags, help) ROW_NUMBER(RECORD, member, min, max, flags, help)
#define TIME(member, flags, help) ROW_TIME(RECORD, member, flags, help)
#define SWITCH(member, help) ROW_SWITCH(RECORD, member, 0, help)
#define CHOICE(member, choices, flags, help) ROW_CHOICE(RECORD, member, choices, flags, help)

#define RECORD struct organization
static const struct field organization_rows[] = {
	TEXT(name, FORM_ANY, FIELD_REQUIRED, "name of the organization, as in /o=NAME"),
	TEXT(deployment_id, FORM_GUID, 0,
	    "GUID by which clients tell one installation from another"),
	TEXT(administrative_group, FORM_ANY, 0, "administrative group, as in /ou=GROUP"),
	TEXT(oab_id, FORM_GUID, 0, "GUID of the offline address book, part of its URL"),
	TEXT(public_folder_mailbox, FORM_ADDRESS, 0, "mailbox that holds the public folders"),
	TEXT(certificate_template, FORM_ANY, 0,
	    "template of client certificates for ActiveSync, with url cert-enroll"),
	TEXT(application_uri, FORM_ANY, 0,
	    "federation: audience of tokens for this organization; not federated when absent"),
	TEXT(token_issuer, FORM_ANY, 0, "federation: URI that names the token issuer"),
	TEXT(token_endpoint, FORM_URL, 0, "federation: URL where the issuer gives tokens"),
	LIST(federated_domains, FORM_DOMAIN, 0, "federation: mail domains that belong to it"),
};
#undef RECORD

#define RECORD struct site
static const struct field site_rows[] = {
	TEXT(name, FORM_ANY, NAME, "name of the site"),
	LIST(subnets, FORM_SUBNET, 0, "subnets whose clients belong to the site: 192.0.2.0/24"),
};
#undef RECORD

#define RECORD struct server
static const struct field server_rows[] = {
	TEXT(name, FORM_ANY, NAME, "short name of the server"),
	TEXT(fqdn, FORM_HOST, FIELD_REQUIRED, "full host name"),
	TEXT(site, FORM_ANY, 0, "site that the server stands in"),
	TEXT(version, FORM_ANY, 0, "Exchange version to speak as: 15.1.2507"),
	TEXT(internal_uri, FORM_URL, 0,
	    "AutodiscoverServiceInternalUri, the URL clients find inside"),
	LIST(site_scope, FORM_ANY, 0, "AutodiscoverSiteScope, sites whose clients ask this server"),
	TIME(created, FIELD_FIXED, "when it was made; clients ask old servers first"),
};
#undef RECORD

static const char *const url_services[] = { "autodiscover", "ews", "oab", "um", "owa", "ecp",
	"activesync", "mapi", "rest", "cert-enroll", NULL };

#define RECORD struct service_url
static const struct field url_rows[] = {
	TEXT(server, FORM_ANY, NAME, "server that offers the service"),
	CHOICE(service, url_services, NAME, "service behind the URL"),
	TEXT(internal, FORM_URL, 0, "URL for clients inside the network"),
	TEXT(external, FORM_URL, 0, "URL for clients outside the network"),
	LIST(internal_authentication, FORM_ANY, 0,
	    "methods inside: Basic, Ntlm, WindowsIntegrated, Fba"),
	LIST(external_authentication, FORM_ANY, 0,
	    "methods outside: Basic, Ntlm, WindowsIntegrated, Fba"),
};
#undef RECORD

static const char *const rpc_authentications[] = { "ntlm", "basic", "negotiate", NULL };

#define RECORD struct outlook_anywhere
static const struct field outlook_anywhere_rows[] = {
	TEXT(server, FORM_ANY, NAME, "server that offers Outlook Anywhere"),
	SWITCH(enabled, "offer Outlook Anywhere to clients"),
	TEXT(external_host, FORM_HOST, 0, "host name of the proxy for clients outside the network"),
	TEXT(internal_host, FORM_HOST, 0, "host name of the proxy for clients inside the network"),
	CHOICE(client_authentication, rpc_authentications, 0,
	    "how clients outside log in to the proxy"),
	CHOICE(internal_client_authentication, rpc_authentications, 0,
	    "how clients inside log in to the proxy"),
	SWITCH(ssl, "clients must use TLS"),
};
#undef RECORD

#define RECORD struct provider
static const struct field provider_rows[] = {
	TEXT(name, FORM_ANY, NAME, "EXCH, EXPR, WEB or EXHTTP"),
	TEXT(cert_principal_name, FORM_ANY, 0,
	    "name that the proxy's certificate must show: msstd:mail.example.com, or none"),
	TEXT(server, FORM_HOST, 0, "host to name in the place of the Outlook Anywhere host"),
	NUMBER(ttl, 0, TTL_MAX_HOURS, 0, "hours the settings stay valid; 0 is for ever"),
	SWITCH(server_exclusive_connect, "clients try this block before the others"),
};
#undef RECORD

static const char *const free_busy_accesses[] = { "none", "availability-only", "limited-details",
	NULL };
static const char *const mail_tips_accesses[] = { "none", "limited", "all", NULL };

#define RECORD struct relationship
static const struct field relationship_rows[] = {
	TEXT(name, FORM_ANY, NAME, "name of the relationship"),
	LIST(domains, FORM_DOMAIN, 0, "mail domains of the other organization"),
	CHOICE(free_busy, free_busy_accesses, 0, "what the other sees of calendars"),
	CHOICE(mail_tips, mail_tips_accesses, 0, "which mail tips the other is given"),
	SWITCH(delivery_reports, "the other may ask what became of a message"),
	SWITCH(mailbox_move, "mailboxes may move between the two"),
	TEXT(application_uri, FORM_ANY, 0, "audience of tokens for the other organization"),
	TEXT(autodiscover_url, FORM_URL, 0, "Autodiscover of the other organization"),
	TEXT(sharing_url, FORM_URL, 0, "sharing service of the other organization"),
};
#undef RECORD

#define RECORD struct certificate
static const struct field certificate_rows[] = {
	TEXT(thumbprint, FORM_ANY, NAME, "SHA-1 of the certificate"),
	TEXT(sha256, FORM_ANY, FIELD_REQUIRED | FIELD_FIXED, "SHA-256 of the certificate"),
	TEXT(subject, FORM_ANY, FIELD_FIXED, "subject of the certificate"),
	LIST(names, FORM_ANY, FIELD_FIXED, "host names it is good for"),
	TEXT(issuer, FORM_ANY, FIELD_FIXED, "who issued it"),
	TIME(not_before, FIELD_FIXED, "valid from"),
	TIME(not_after, FIELD_FIXED, "valid until"),
	TEXT(friendly_name, FORM_ANY, 0, "name for people"),
	SWITCH(exportable, "the key may be exported"),
	LIST(services, FORM_ANY, 0, "services it is enabled for: https"),
	LIST(host_names, FORM_ANY, 0, "host names to serve it for, when not all of its own"),
	LIST(listeners, FORM_ANY, 0, "names of https listeners to serve it on, when not all"),
	TEXT(pem, FORM_LINES, FIELD_FIXED, "the certificate and its chain"),
	TEXT(request, FORM_LINES, FIELD_FIXED, "the request, until a certificate answers it"),
	TEXT(renews, FORM_ANY, FIELD_FIXED, "thumbprint of the certificate that it will replace"),
	TEXT(acme, FORM_URL, 0, "directory URL of the authority that renews it by ACME"),
};
#undef RECORD

#define RECORD struct authority
static const struct field authority_rows[] = {
	TEXT(name, FORM_ANY, NAME, "name of the authority"),
	TEXT(sha256, FORM_ANY, FIELD_REQUIRED | FIELD_FIXED, "SHA-256 of its root"),
	TEXT(subject, FORM_ANY, FIELD_FIXED, "subject of its root"),
	TIME(not_before, FIELD_FIXED, "valid from"),
	TIME(not_after, FIELD_FIXED, "valid until"),
	SWITCH(encrypted, "its key has a passphrase"),
	LIST(permitted, FORM_ANY, FIELD_FIXED, "names that it may vouch for"),
	TEXT(pem, FORM_LINES, FIELD_REQUIRED | FIELD_FIXED, "its root"),
};
#undef RECORD

static const char *const domain_types[] = { "authoritative", "internal-relay", "external-relay",
	NULL };
static const char *const domain_kinds[] = { "exchange", "mail", "redirect-url", "redirect-address",
	"alias", NULL };

#define RECORD struct domain
static const struct field domain_rows[] = {
	TEXT(domain, FORM_DOMAIN, NAME, "mail domain"),
	CHOICE(type, domain_types, 0, "who delivers its mail"),
	CHOICE(kind, domain_kinds, 0, "what clients are told"),
	TEXT(display_name, FORM_ANY, 0, "name of the mail provider, for people"),
	TEXT(short_name, FORM_ANY, 0, "the same in a word"),
	TEXT(redirect_url, FORM_URL, 0, "kind redirect-url: https URL to ask instead"),
	TEXT(redirect_domain, FORM_DOMAIN, 0, "kind redirect-address: domain to ask for instead"),
	TEXT(alias_of, FORM_DOMAIN, 0, "kind alias: domain whose mailboxes it stands for"),
	TEXT(server, FORM_ANY, 0, "kind exchange: server of mailboxes that name none"),
	NUMBER(
	    ttl, 0, TTL_MAX_HOURS, 0, "kind mail: hours the settings stay valid; 24 when absent"),
	SWITCH(anonymous, "answer without a password; when absent only kind exchange asks for one"),
	TEXT(certificate, FORM_ANY, 0, "thumbprint of the domain's own certificate"),
	LIST(host_names, FORM_HOST, 0, "host names under which its clients reach this service"),
	TEXT(documentation_url, FORM_URL, 0, "page that tells people how to set up a mail program"),
	TEXT(oauth2_login_url, FORM_URL, 0, "where people log in for OAuth2"),
	TEXT(oauth2_token_url, FORM_URL, 0, "where mail programs get OAuth2 tokens"),
	TEXT(oauth2_scope, FORM_ANY, 0, "OAuth2 scopes for all services together, with blanks"),
	TEXT(oauth2_client_id, FORM_ANY, 0, "OAuth2 client id of any mail program"),
	TEXT(separators, FORM_ANY, 0,
	    "signs behind which a detail follows: ann+news; + when absent, none for no sign"),
	TEXT(home_page, FORM_URL, 0, "web site of the mail provider"),
	TEXT(logo, FORM_URL, 0, "https URL of the provider's picture"),
	TEXT(contact, FORM_ADDRESS, 0, "address that helps people"),
};
#undef RECORD

#define RECORD struct redirect
static const struct field redirect_rows[] = {
	TEXT(domain, FORM_DOMAIN, NAME, "mail domain whose addresses are sent elsewhere"),
	TEXT(pattern, FORM_ANY, NAME, "local parts it is for: * is any text, ? any character"),
	NUMBER(
	    rank, 1, RULES_MAX, 0, "order among the rules of a domain; the first that fits wins"),
	TEXT(redirect_address, FORM_ADDRESS, 0,
	    "address to ask for instead; * is what that of the pattern stands for"),
	TEXT(
	    redirect_domain, FORM_DOMAIN, 0, "domain to ask for instead, with the same local part"),
	TEXT(redirect_url, FORM_URL, 0, "https URL to ask instead"),
};
#undef RECORD

static const char *const mail_service_types[] = { "imap", "pop3", "smtp", "jmap", "caldav",
	"carddav", "webmail", "files", "managesieve", "activesync", "ews", NULL };
static const char *const mail_sockets[] = { "tls", "starttls", "plain", NULL };
static const char *const mail_authentications[] = { "password", "password-encrypted", "ntlm",
	"gssapi", "oauth2", "client-certificate", "none", NULL };

#define RECORD struct mail_service
static const struct field service_rows[] = {
	TEXT(domain, FORM_DOMAIN, NAME, "mail domain that has the service"),
	CHOICE(type, mail_service_types, NAME, "kind of service"),
	NUMBER(rank, 1, RANK_MAX, FIELD_KEY, "order among services of a type; 1 is preferred"),
	TEXT(host, FORM_HOST, 0, "host name of the service"),
	NUMBER(port, 1, UINT16_MAX, 0, "port; the usual one when absent"),
	CHOICE(socket, mail_sockets, 0, "TLS from the first byte, by STARTTLS, or none"),
	CHOICE(authentication, mail_authentications, 0, "how clients log in"),
	TEXT(user_name, FORM_ANY, 0,
	    "login name: %a address, %u before the @, %d domain, %{login_name} the mailbox's"),
	TEXT(oauth2_issuer, FORM_HOST, 0, "host that issues OAuth2 tokens"),
	TEXT(url, FORM_URL, 0, "URL of a service that is reached by one"),
};
#undef RECORD

#define RECORD struct mailbox
static const struct field mailbox_rows[] = {
	TEXT(address, FORM_ADDRESS, NAME, "primary address"),
	TEXT(display_name, FORM_ANY, 0, "name of the person or room"),
	LIST(aliases, FORM_ADDRESS, 0, "further addresses"),
	TEXT(legacy_dn, FORM_LEGACY_DN, 0, "legacyExchangeDN; made from the address when absent"),
	TEXT(guid, FORM_GUID, 0, "GUID of the mailbox at its server"),
	TEXT(server, FORM_ANY, 0, "server that holds it; the domain's when absent"),
	TEXT(database, FORM_ANY, 0, "mailbox database"),
	TEXT(login_name, FORM_ANY, 0, "login name; the address when absent"),
	TEXT(redirect_address, FORM_ADDRESS, 0,
	    "address to ask for instead, where the mailbox moved"),
	TEXT(redirect_url, FORM_URL, 0, "https URL to ask instead"),
	TEXT(public_folder_mailbox, FORM_ADDRESS, 0, "mailbox of the public folders it sees"),
	TEXT(services_of, FORM_DOMAIN, 0, "kind mail: domain whose services it has instead"),
	SWITCH(enabled, "tell its settings at all"),
	SWITCH(mapi_http, "offer MAPI over HTTP"),
	SWITCH(outlook_anywhere, "offer Outlook Anywhere"),
	SWITCH(ews, "offer Exchange Web Services"),
	SWITCH(activesync, "offer ActiveSync"),
	SWITCH(owa, "offer Outlook on the web"),
};
#undef RECORD

static const char *const alternative_types[] = { "archive", "delegate", "team", NULL };

#define RECORD struct alternative_mailbox
static const struct field alternative_mailbox_rows[] = {
	TEXT(mailbox, FORM_ADDRESS, NAME, "mailbox whose owner's program opens it"),
	TEXT(display_name, FORM_ANY, NAME, "name under which it is shown"),
	CHOICE(type, alternative_types, 0, "why it is opened"),
	TEXT(legacy_dn, FORM_LEGACY_DN, 0, "its legacyExchangeDN; goes with server"),
	TEXT(server, FORM_HOST, 0, "host name of the server that holds it"),
	TEXT(smtp_address, FORM_ADDRESS, 0, "its address, instead of legacyDN and server"),
	TEXT(owner_smtp_address, FORM_ADDRESS, 0, "address whose rights apply"),
};
#undef RECORD

#define RECORD struct credential
static const struct field credential_rows[] = {
	TEXT(login_name, FORM_ANY, NAME, "login name"),
	TEXT(password_hash, FORM_ANY, FIELD_REQUIRED | FIELD_SECRET,
	    "hash of the password, crypt(5)"),
	SWITCH(enabled, "may log in"),
};
#undef RECORD

const struct entity entities[ENTITY_COUNT] = {
	{ ENTITY_ORGANIZATION, "organization", "organization", "organization", 0,
	    FIELD_TABLE(organization_rows, struct organization) },
	{ ENTITY_SITE, "site", "sites", "site", 1, FIELD_TABLE(site_rows, struct site) },
	{ ENTITY_SERVER, "server", "servers", "server", 1,
	    FIELD_TABLE(server_rows, struct server) },
	{ ENTITY_URL, "url", "urls", "service URL", 2, FIELD_TABLE(url_rows, struct service_url) },
	{ ENTITY_OUTLOOK_ANYWHERE, "outlook_anywhere", "outlook_anywhere", "Outlook Anywhere", 1,
	    FIELD_TABLE(outlook_anywhere_rows, struct outlook_anywhere) },
	{ ENTITY_PROVIDER, "provider", "providers", "Outlook provider", 1,
	    FIELD_TABLE(provider_rows, struct provider) },
	{ ENTITY_RELATIONSHIP, "relationship", "relationships", "organization relationship", 1,
	    FIELD_TABLE(relationship_rows, struct relationship) },
	{ ENTITY_CERTIFICATE, "certificate", "certificates", "certificate", 1,
	    FIELD_TABLE(certificate_rows, struct certificate) },
	{ ENTITY_AUTHORITY, "authority", "authorities", "certificate authority", 1,
	    FIELD_TABLE(authority_rows, struct authority) },
	{ ENTITY_DOMAIN, "domain", "domains", "domain", 1,
	    FIELD_TABLE(domain_rows, struct domain) },
	{ ENTITY_SERVICE, "service", "services", "mail service", 3,
	    FIELD_TABLE(service_rows, struct mail_service) },
	{ ENTITY_REDIRECT, "redirect", "redirects", "redirect rule", 2,
	    FIELD_TABLE(redirect_rows, struct redirect) },
	{ ENTITY_MAILBOX, "mailbox", "mailboxes", "mailbox", 1,
	    FIELD_TABLE(mailbox_rows, struct mailbox) },
	{ ENTITY_ALTERNATIVE_MAILBOX, "alternative_mailbox", "alternative_mailboxes",
	    "alternative mailbox", 2,
	    FIELD_TABLE(alternative_mailbox_rows, struct alternative_mailbox) },
	{ ENTITY_CREDENTIAL, "credential", "credentials", "credential", 1,
	    FIELD_TABLE(credential_rows, struct credential) },
};

const struct entity *
entity_find(struct slice name)
{
	for (size_t i = 0; i < ENTITY_COUNT; i++)
		if (slice_is(name, entities[i].name) || slice_is(name, entities[i].plural))
			return &entities[i];
	return NULL;
}

static void
put_member(struct buf *b, const struct field *f, const void *record)
{
	switch (f->type) {
	case FIELD_TEXT:
		buf_text(b, field_absent(f, record) ? "?" : field_text(f, record));
		break;
	case FIELD_NUMBER:
		buf_printf(b, "%" PRId64, field_number(f, record));
		break;
	case FIELD_CHOICE:
		buf_text(b, field_choice_name(f, record));
		break;
	case FIELD_LIST:
	case FIELD_SWITCH: /* never part of a key */
		break;
	}
}

const char *
entity_key_text(struct arena *mem, const struct entity *e, const void *record)
{
	CLEANUP(buf_cleanup) struct buf b = { 0 };

	buf_init(&b, KEY_TEXT_BYTES);
	for (size_t i = 0; i < e->n_keys; i++) {
		if (i > 0)
			buf_char(&b, ' ');
		put_member(&b, &e->table.rows[i], record);
	}
	if (b.status == USHER_E_NOMEM)
		return NULL;
	return arena_copy(mem, buf_as_slice(&b));
}

size_t
domain_base_length(const struct domain *d, struct slice local)
{
	const char *signs = d == NULL || d->separators == NULL ? "+" : d->separators;

	if (strcmp(signs, DOMAIN_NO_SEPARATOR) == 0 || slice_starts(local, SLICE_LITERAL("\"")))
		return local.n;
	for (size_t i = 1; i < local.n; i++)
		if (strchr(signs, local.p[i]) != NULL)
			return i;
	return local.n;
}

const struct field *
mailbox_attribute(struct slice name)
{
	for (size_t i = 0; i < COUNT_OF(mailbox_rows); i++)
		if (mailbox_rows[i].type == FIELD_TEXT && slice_is(name, mailbox_rows[i].name))
			return &mailbox_rows[i];
	return NULL;
}

bool
version_parse(const char *text, struct version *out)
{
	struct cursor c = cursor_on(slice_of(text));
	struct version v;

	v.major = (unsigned)cursor_number(&c, 0, 63);
	cursor_char(&c, '.');
	v.minor = (unsigned)cursor_number(&c, 0, 63);
	cursor_char(&c, '.');
	v.build = (unsigned)cursor_number(&c, 0, 32767);
	if (cursor_maybe(&c, '.'))
		(void)cursor_number(&c, 0, UINT32_MAX);
	if (c.failed || !cursor_at_end(&c))
		return false;
	*out = v;
	return true;
}

const char *
organization_legacy_dn(struct arena *mem, const struct organization *o)
{
	return arena_join(mem, "/o=", o->name, "/ou=",
	    o->administrative_group != NULL ? o->administrative_group :
					      "Exchange Administrative Group (FYDIBOHF23SPDLT)");
}

/* NULL: reached by host and port. */
static const char *const service_paths[] = {
	[SERVICE_IMAP] = NULL,
	[SERVICE_POP3] = NULL,
	[SERVICE_SMTP] = NULL,
	[SERVICE_JMAP] = "/.well-known/jmap",
	[SERVICE_CALDAV] = "/.well-known/caldav",
	[SERVICE_CARDDAV] = "/.well-known/carddav",
	[SERVICE_WEBMAIL] = "/",
	[SERVICE_FILES] = "/",
	[SERVICE_MANAGESIEVE] = NULL,
	[SERVICE_ACTIVESYNC] = "/Microsoft-Server-ActiveSync",
	[SERVICE_EWS] = "/EWS/Exchange.asmx",
};

bool
mail_service_by_url(enum mail_service_type type)
{
	return service_paths[type] != NULL;
}

const char *
mail_service_url(struct arena *mem, const struct mail_service *s)
{
	bool tls = s->socket == SOCKET_TLS;
	const char *scheme = tls ? "https://" : "http://", *path = service_paths[s->type];

	if (s->url != NULL || path == NULL)
		return s->url;
	if (s->port == NUMBER_ABSENT || s->port == (tls ? 443 : 80))
		return arena_join(mem, scheme, s->host, path);
	return arena_printf(mem, "%s%s:%" PRId64 "%s", scheme, s->host, s->port, path);
}

/* What stands before the address in a legacyDN that we make. */
static const char *
made_prefix(struct arena *mem, const struct organization *o)
{
	const char *root = organization_legacy_dn(mem, o);

	return root == NULL ? NULL : arena_join(mem, root, "/cn=Recipients/cn=");
}

const char *
mailbox_legacy_dn(struct arena *mem, const struct organization *o, const struct mailbox *m)
{
	const char *prefix, *key;

	if (m->legacy_dn != NULL)
		return m->legacy_dn;
	prefix = made_prefix(mem, o);
	key = text_lower_copy(mem, slice_of(m->address));
	return prefix == NULL || key == NULL ? NULL : arena_join(mem, prefix, key);
}

const char *
legacy_dn_address(struct arena *mem, const struct organization *o, const char *legacy_dn)
{
	const char *prefix = made_prefix(mem, o);
	struct slice dn = slice_of(legacy_dn);

	if (prefix == NULL || !slice_starts_nocase(dn, slice_of(prefix)))
		return NULL;
	dn = slice_skip(dn, strlen(prefix));
	return slice_find(dn, '@') == dn.n ? NULL : text_lower_copy(mem, dn);
}

bool
certificate_is_valid(const struct certificate *c, int64_t now_s)
{
	return c->not_before <= now_s && c->not_after > now_s;
}

bool
certificate_is_self_signed(const struct certificate *c)
{
	return text_same(c->subject, c->issuer);
}

bool
certificate_goes_before(const struct certificate *a, const struct certificate *b, int64_t now_s)
{
	bool valid = certificate_is_valid(a, now_s), alone = certificate_is_self_signed(a);

	if (valid != certificate_is_valid(b, now_s))
		return valid;
	if (alone != certificate_is_self_signed(b))
		return !alone;
	if (a->not_before != b->not_before)
		return a->not_before > b->not_before;
	return strcmp(a->sha256, b->sha256) < 0;
}
