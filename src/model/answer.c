/* answer.c - rows and equality of answers. */
#include "model/answer.h"

#include <string.h>

#include "base/text.h"

#define ANY(record, member, help) ROW_TEXT(record, member, FORM_ANY, 0, help)
#define URL(record, member, help) ROW_TEXT(record, member, FORM_URL, 0, help)

static const struct field refusal_rows[] = {
	ROW_NUMBER(struct answer_refusal, code, 0, UINT32_MAX, 0, "error code"),
	ANY(struct answer_refusal, name, "the error code's name"),
	ROW_NUMBER(struct answer_refusal, status, 0, UINT32_MAX, 0, "status of ActiveSync"),
	ANY(struct answer_refusal, message, "what the server says"),
	ANY(struct answer_refusal, debug, "further words of the server"),
	ANY(struct answer_refusal, time, "the server's time of day"),
	ANY(struct answer_refusal, id, "hash of the server's name"),
};
const struct field_table answer_refusal_table = FIELD_TABLE(refusal_rows, struct answer_refusal);

static const struct field user_rows[] = {
	ANY(struct answer_user, display_name, "display name"),
	ANY(struct answer_user, legacy_dn, "legacyDN of the mailbox"),
	ANY(struct answer_user, autodiscover_smtp_address, "address to use for later questions"),
	ANY(struct answer_user, default_ab_view, "address book shown first"),
	ANY(struct answer_user, deployment_id, "GUID of the forest"),
};
const struct field_table answer_user_table = FIELD_TABLE(user_rows, struct answer_user);

#define ALT struct answer_alternative_mailbox
static const struct field alternative_mailbox_rows[] = {
	ANY(ALT, type, "Archive, Delegate or TeamMailbox"),
	ANY(ALT, display_name, "display name"),
	ANY(ALT, legacy_dn, "legacyDN, with server"),
	ANY(ALT, server, "server that holds it"),
	ANY(ALT, smtp_address, "address to ask Autodiscover for"),
	ANY(ALT, owner_smtp_address, "address whose credentials apply"),
};
const struct field_table answer_alternative_mailbox_table =
    FIELD_TABLE(alternative_mailbox_rows, ALT);

#define PROTOCOL struct answer_protocol
static const struct field protocol_rows[] = {
	ANY(PROTOCOL, type, "kind as it was read, when it is unknown"),
	ANY(PROTOCOL, language, "asked for in"),
	ROW_NUMBER(PROTOCOL, version, 0, INT32_MAX, 0, "version of the mapiHttp block"),
	URL(PROTOCOL, url, "where it is"),
	ROW_NUMBER(PROTOCOL, ttl, 0, INT32_MAX, 0, "hours the settings stay valid; 0 is for ever"),
	ANY(PROTOCOL, expiration_date, "last day to use the settings"),
	ANY(PROTOCOL, server, "server to connect to"),
	ANY(PROTOCOL, server_dn, "legacyDN of the server"),
	ANY(PROTOCOL, server_version, "packed version of the server"),
	ANY(PROTOCOL, mdb_dn, "legacyDN of the mailbox database"),
	ANY(PROTOCOL, public_folder_server, "server of the public folders"),
	ANY(PROTOCOL, ad, "directory server"),
	ROW_NUMBER(PROTOCOL, port, 0, UINT16_MAX, 0, "port"),
	ROW_NUMBER(PROTOCOL, directory_port, 0, UINT16_MAX, 0, "port of the address book"),
	ROW_NUMBER(PROTOCOL, referral_port, 0, UINT16_MAX, 0, "port of the referral service"),
	URL(PROTOCOL, as_url, "Availability service"),
	URL(PROTOCOL, ews_url, "Exchange Web Services"),
	URL(PROTOCOL, emws_url, "management web services"),
	URL(PROTOCOL, ews_partner_url, "Exchange Web Services for partners"),
	URL(PROTOCOL, sharing_url, "sharing across organizations"),
	URL(PROTOCOL, ecp_url, "Exchange Control Panel"),
	ANY(PROTOCOL, ecp_url_um, "control panel: voice mail"),
	ANY(PROTOCOL, ecp_url_aggr, "control panel: e-mail subscriptions"),
	ANY(PROTOCOL, ecp_url_mt, "control panel: delivery reports"),
	ANY(PROTOCOL, ecp_url_ret, "control panel: retention tags"),
	ANY(PROTOCOL, ecp_url_sms, "control panel: text messaging"),
	ANY(PROTOCOL, ecp_url_publish, "control panel: calendar publishing"),
	ANY(PROTOCOL, ecp_url_photo, "control panel: photo"),
	ANY(PROTOCOL, ecp_url_connect, "control panel: social networks"),
	ANY(PROTOCOL, ecp_url_tm, "control panel: site mailboxes"),
	ANY(PROTOCOL, ecp_url_tm_creating, "control panel: create a site mailbox"),
	ANY(PROTOCOL, ecp_url_tm_editing, "control panel: edit a site mailbox"),
	ANY(PROTOCOL, ecp_url_tm_hiding, "control panel: leave a site mailbox"),
	ANY(PROTOCOL, ecp_url_extinstall, "control panel: installed mail apps"),
	URL(PROTOCOL, oof_url, "out of office"),
	URL(PROTOCOL, um_url, "Unified Messaging"),
	ANY(PROTOCOL, oab_url, "offline address book"),
	URL(PROTOCOL, site_mailbox_creation_url, "page that makes site mailboxes"),
	URL(PROTOCOL, exchange_rpc_url, "RPC over HTTP"),
	ANY(PROTOCOL, grouping_information, "key of a notification group"),
	URL(PROTOCOL, eas_url, "Exchange ActiveSync"),
	URL(PROTOCOL, owa_url, "web access"),
	URL(PROTOCOL, photos_url, "photos"),
	URL(PROTOCOL, outlook_service_url, "Outlook service"),
	URL(PROTOCOL, interop_ews_url, "Exchange Web Services for older mailboxes"),
	ANY(PROTOCOL, ews_version, "build behind ews_url"),
	ANY(PROTOCOL, interop_ews_version, "build behind interop_ews_url"),
	ANY(PROTOCOL, server_data, "template of the client certificate"),
	ROW_SWITCH(PROTOCOL, server_exclusive_connect, 0, "try this block before the others"),
	ROW_SWITCH(PROTOCOL, ssl, 0, "TLS is required"),
	ANY(PROTOCOL, auth_package, "authentication at the mailbox server"),
	ANY(PROTOCOL, cert_principal_name, "principal that the certificate must show"),
	ROW_LIST(PROTOCOL, authentication, FORM_ANY, 0, "ways to log in, best first"),
	ANY(PROTOCOL, login_name, "login name"),
	ROW_SWITCH(PROTOCOL, domain_required, 0, "the user must name a domain"),
	ANY(PROTOCOL, domain_name, "login domain"),
	ROW_SWITCH(PROTOCOL, spa, 0, "Secure Password Authentication"),
	ROW_SWITCH(PROTOCOL, auth_required, 0, "authentication is required"),
	ROW_SWITCH(PROTOCOL, use_pop_auth, 0, "the POP3 credentials are good for SMTP"),
	ROW_SWITCH(PROTOCOL, smtp_last, 0, "mail must be fetched before sending"),
	ANY(PROTOCOL, encryption, "encryption of the connection"),
	ROW_SWITCH(PROTOCOL, leave_on_server, 0, "mail stays on the server"),
	ROW_NUMBER(PROTOCOL, leave_days, 0, INT32_MAX, 0, "for how many days"),
	ANY(PROTOCOL, ipv4_start, "first client address"),
	ANY(PROTOCOL, ipv4_end, "last client address"),
	ANY(PROTOCOL, ipv6_start, "first client address"),
	ANY(PROTOCOL, ipv6_end, "last client address"),
	URL(PROTOCOL, mail_store_internal_url, "MAPI over HTTP: mailbox, inside"),
	URL(PROTOCOL, mail_store_external_url, "MAPI over HTTP: mailbox, outside"),
	URL(PROTOCOL, address_book_internal_url, "MAPI over HTTP: address book, inside"),
	URL(PROTOCOL, address_book_external_url, "MAPI over HTTP: address book, outside"),
};
const struct field_table answer_protocol_table = FIELD_TABLE(protocol_rows, PROTOCOL);

static const struct field account_rows[] = {
	ANY(struct answer, account_type, "email"),
	ANY(struct answer, image, "picture of the provider"),
	ANY(struct answer, service_home, "page of the provider"),
	ROW_SWITCH(struct answer, microsoft_online, 0, "the mailbox is in Exchange Online"),
	ROW_SWITCH(struct answer, consumer_mailbox, 0, "the mailbox is Outlook.com's"),
	ANY(struct answer, public_folder_smtp_address, "mailbox of the public folders"),
	ANY(struct answer, cas_version, "build of the answering server"),
	ANY(struct answer, mailbox_version, "build of the mailbox server"),
	ANY(struct answer, ews_supported_schemas, "versions of Exchange Web Services"),
	ROW_SWITCH(struct answer, mapi_http_enabled, 0, "MAPI over HTTP may be used"),
	ROW_SWITCH(struct answer, cross_organization_sharing, 0, "calendars may be shared outside"),
	ANY(struct answer, mobile_mailbox_policy, "policy for devices"),
	ANY(struct answer, mobile_mailbox_policy_interop, "policy for older devices"),
	URL(struct answer, sp_my_site_host_url, "SharePoint My Site host"),
	URL(struct answer, autodiscover_url, "Autodiscover of the right version"),
	ANY(struct answer, provider_id, "host name that stands for the provider"),
	ROW_LIST(struct answer, domains, FORM_ANY, 0, "mail domains the settings are good for"),
	ANY(struct answer, provider_name, "name of the provider"),
	ANY(struct answer, provider_short_name, "short name of the provider"),
	ANY(struct answer, provider_contact, "address of people who help"),
	ANY(struct answer, oauth_issuer, "host that issues OAuth2 tokens"),
	ANY(struct answer, oauth_scope, "scope to ask for"),
	URL(struct answer, oauth_auth_url, "where the user agrees"),
	URL(struct answer, oauth_token_url, "where tokens come from"),
	ANY(struct answer, oauth_client_id, "client identifier"),
	URL(struct answer, update_url, "where to fetch the settings again"),
	ROW_LIST(struct answer, findings, FORM_ANY, 0, "what was passed over in reading"),
};
const struct field_table answer_account_table = FIELD_TABLE(account_rows, struct answer);

static const struct field link_rows[] = {
	URL(struct answer_link, url, "page"),
	ANY(struct answer_link, language, "language of the text"),
	ANY(struct answer_link, text, "what the page is about"),
};
const struct field_table answer_link_table = FIELD_TABLE(link_rows, struct answer_link);

#define LOCATION struct answer_sharing_location
static const struct field sharing_location_rows[] = {
	URL(LOCATION, service_url, "sharing service"),
	URL(LOCATION, location_url, "where documents are kept"),
	ANY(LOCATION, display_name, "name of the place"),
	ROW_LIST(LOCATION, file_extensions, FORM_ANY, 0, "kinds of documents it takes"),
	ROW_SWITCH(LOCATION, external_access, 0, "people of other organizations may be let in"),
	ROW_SWITCH(LOCATION, anonymous_access, 0, "anybody may be let in"),
	ROW_SWITCH(LOCATION, can_modify_permissions, 0, "the user decides who is let in"),
	ROW_SWITCH(LOCATION, is_default, 0, "the one to take when nothing is said"),
};
const struct field_table answer_sharing_location_table =
    FIELD_TABLE(sharing_location_rows, LOCATION);

static const struct field setting_error_rows[] = {
	ANY(struct answer_setting_error, setting, "setting that was asked for"),
	ANY(struct answer_setting_error, name, "the error code's name"),
	ANY(struct answer_setting_error, message, "what the server says"),
};
const struct field_table answer_setting_error_table =
    FIELD_TABLE(setting_error_rows, struct answer_setting_error);

#define LIST(table, member) \
	{ \
#member, &(table), offsetof(struct answer, member), \
		    offsetof(struct answer, n_##member) \
	}
const struct answer_list answer_lists[ANSWER_LISTS] = {
	[ANSWER_ALTERNATIVE_MAILBOXES] =
	    LIST(answer_alternative_mailbox_table, alternative_mailboxes),
	[ANSWER_DOCUMENTATION] = LIST(answer_link_table, documentation),
	[ANSWER_SHARING_LOCATIONS] =
	    LIST(answer_sharing_location_table, document_sharing_locations),
	[ANSWER_SETTING_ERRORS] = LIST(answer_setting_error_table, setting_errors),
};

/* The members point to records of different types: they are copied, not looked at. */
const void *
answer_list_items(const struct answer *a, enum answer_list_id list, size_t *n)
{
	const char *base = (const char *)a;
	const void *items;

	memcpy(&items, base + answer_lists[list].items, sizeof(items));
	memcpy(n, base + answer_lists[list].n, sizeof(*n));
	return items;
}

void
answer_list_set(struct answer *a, enum answer_list_id list, const void *items, size_t n)
{
	char *base = (char *)a;

	memcpy(base + answer_lists[list].items, &items, sizeof(items));
	memcpy(base + answer_lists[list].n, &n, sizeof(n));
}

static const char *const kind_names[] = {
	[PROTOCOL_UNKNOWN] = "unknown",
	[PROTOCOL_EXCH] = "EXCH",
	[PROTOCOL_EXPR] = "EXPR",
	[PROTOCOL_WEB] = "WEB",
	[PROTOCOL_EXHTTP] = "EXHTTP",
	[PROTOCOL_MAPI_HTTP] = "mapiHttp",
	[PROTOCOL_POP3] = "POP3",
	[PROTOCOL_IMAP] = "IMAP",
	[PROTOCOL_SMTP] = "SMTP",
	[PROTOCOL_DAV] = "DAV",
	[PROTOCOL_NNTP] = "NNTP",
	[PROTOCOL_ACTIVESYNC] = "ActiveSync",
	[PROTOCOL_CERT_ENROLL] = "CertEnroll",
	[PROTOCOL_EWS] = "EWS",
	[PROTOCOL_REST] = "REST",
	[PROTOCOL_GRAPH] = "Graph",
	[PROTOCOL_AUTODISCOVER] = "Autodiscover",
	[PROTOCOL_JMAP] = "JMAP",
	[PROTOCOL_CALDAV] = "CalDAV",
	[PROTOCOL_CARDDAV] = "CardDAV",
	[PROTOCOL_WEBDAV] = "WebDAV",
	[PROTOCOL_WEBMAIL] = "webmail",
	[PROTOCOL_EXCHANGE] = "Exchange",
	[PROTOCOL_MANAGESIEVE] = "ManageSieve",
};
_Static_assert(COUNT_OF(kind_names) == PROTOCOL_KINDS, "a kind has no name");

const char *
protocol_kind_name(enum protocol_kind kind)
{
	return kind_names[kind];
}

void
answer_init(struct answer *a, enum answer_kind kind)
{
	record_init(&answer_account_table, a);
	record_init(&answer_refusal_table, &a->refusal);
	record_init(&answer_user_table, &a->user);
	a->kind = kind;
}

void
answer_protocol_init(struct answer_protocol *p, enum protocol_kind kind)
{
	record_init(&answer_protocol_table, p);
	p->kind = (int)kind;
}

bool
answer_protocol_takes(const struct answer_protocol *p, const char *login)
{
	for (size_t i = 0; i < p->authentication.n; i++)
		if (strcmp(p->authentication.v[i], login) == 0)
			return true;
	return false;
}

static bool
web_equal(const struct answer_web *a, const struct answer_web *b)
{
	if (a->n_owa != b->n_owa || !text_same(a->protocol_type, b->protocol_type) ||
	    !text_same(a->as_url, b->as_url))
		return false;
	for (size_t i = 0; i < a->n_owa; i++)
		if (!text_same(a->owa[i].url, b->owa[i].url) ||
		    !text_same(a->owa[i].authentication_method, b->owa[i].authentication_method))
			return false;
	return true;
}

static bool
protocol_equal(const struct answer_protocol *a, const struct answer_protocol *b)
{
	return a->kind == b->kind && record_equal(&answer_protocol_table, a, b) &&
	       web_equal(&a->internal, &b->internal) && web_equal(&a->external, &b->external);
}

static bool
lists_equal(const struct answer *a, const struct answer *b, enum answer_list_id list)
{
	const struct field_table *t = answer_lists[list].table;
	size_t n_a, n_b;
	const char *in_a = answer_list_items(a, list, &n_a);
	const char *in_b = answer_list_items(b, list, &n_b);

	if (n_a != n_b)
		return false;
	for (size_t i = 0; i < n_a * t->size; i += t->size)
		if (!record_equal(t, in_a + i, in_b + i))
			return false;
	return true;
}

static bool
settings_equal(const struct answer *a, const struct answer *b)
{
	if (!record_equal(&answer_user_table, &a->user, &b->user) ||
	    !record_equal(&answer_account_table, a, b) || a->n_protocols != b->n_protocols)
		return false;
	for (int i = 0; i < ANSWER_LISTS; i++)
		if (!lists_equal(a, b, (enum answer_list_id)i))
			return false;
	for (size_t i = 0; i < a->n_protocols; i++)
		if (!protocol_equal(&a->protocols[i], &b->protocols[i]))
			return false;
	return true;
}

bool
answer_equal(const struct answer *a, const struct answer *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case ANSWER_SETTINGS:
		return settings_equal(a, b);
	case ANSWER_REDIRECT_ADDRESS:
	case ANSWER_REDIRECT_URL:
		return text_same(a->redirect, b->redirect) &&
		       text_same(a->account_type, b->account_type);
	case ANSWER_REFUSAL:
		return record_equal(&answer_refusal_table, &a->refusal, &b->refusal);
	}
	return false;
}
