/* soap_rows.c - every UserSettingName, row by row ([MS-OXWSADISC] 2.2.4.3; soap.md 5). */
#include "wire/soap_rows.h"

#include <stddef.h>

const enum protocol_kind soap_kinds[SOAP_PLACES] = {
	[SOAP_AT_EXCH] = PROTOCOL_EXCH,
	[SOAP_AT_EXPR] = PROTOCOL_EXPR,
	[SOAP_AT_EXHTTP] = PROTOCOL_EXHTTP,
	[SOAP_AT_EITHER] = PROTOCOL_EXCH,
	[SOAP_AT_WEB] = PROTOCOL_WEB,
	[SOAP_AT_POP3] = PROTOCOL_POP3,
	[SOAP_AT_IMAP] = PROTOCOL_IMAP,
	[SOAP_AT_SMTP] = PROTOCOL_SMTP,
};

/* clang-format off */
#define TEXT_AT(record, member) { .type = FIELD_TEXT, .offset = offsetof(record, member) }
#define SWITCH_AT(record, member) { .type = FIELD_SWITCH, .offset = offsetof(record, member) }
#define USER(name, member) \
	{ name, SOAP_AT_USER, SOAP_AS_TEXT, TEXT_AT(struct answer_user, member) }
#define ACCOUNT(name, member) \
	{ name, SOAP_AT_ACCOUNT, SOAP_AS_TEXT, TEXT_AT(struct answer, member) }
#define ACCOUNT_SWITCH(name, member) \
	{ name, SOAP_AT_ACCOUNT, SOAP_AS_TEXT, SWITCH_AT(struct answer, member) }
#define BLOCK(name, place, member) \
	{ name, place, SOAP_AS_TEXT, TEXT_AT(struct answer_protocol, member) }
#define BLOCK_SWITCH(name, place, shape, member) \
	{ name, place, shape, SWITCH_AT(struct answer_protocol, member) }
#define BLOCK_EWS(name, place) \
	{ name, place, SOAP_AS_EWS, TEXT_AT(struct answer_protocol, ews_url) }
#define INSIDE(name, member) BLOCK(name, SOAP_AT_EXCH, member)
#define OUTSIDE(name, member) BLOCK(name, SOAP_AT_EXPR, member)
#define SIDES(name, member) INSIDE("Internal" name, member), OUTSIDE("External" name, member)
#define CONNECTIONS(name, place) \
	{ "External" name "Connections", place, SOAP_AS_CONNECTIONS, { 0 } }, \
	{ "Internal" name "Connections", place, SOAP_AS_CONNECTIONS, { 0 } }
#define ECP_PAGES(name, member) \
	{ "InternalEcp" name "Url", SOAP_AT_EXCH, SOAP_AS_PAGE, \
	    TEXT_AT(struct answer_protocol, member) }, \
	{ "ExternalEcp" name "Url", SOAP_AT_EXPR, SOAP_AS_PAGE, \
	    TEXT_AT(struct answer_protocol, member) }
#define ECP(name, member) \
	BLOCK("Ecp" name "UrlFragment", SOAP_AT_EITHER, member), ECP_PAGES(name, member)

static const struct soap_setting rows[] = {
	USER("UserDisplayName", display_name),
	USER("UserDN", legacy_dn),
	USER("UserDeploymentId", deployment_id),
	USER("AutoDiscoverSMTPAddress", autodiscover_smtp_address),
	{ "ShowGalAsDefaultView", SOAP_AT_USER, SOAP_AS_GAL_VIEW,
	    TEXT_AT(struct answer_user, default_ab_view) },
	ACCOUNT_SWITCH("UserMSOnline", microsoft_online),
	ACCOUNT("MailboxVersion", mailbox_version),
	ACCOUNT("CasVersion", cas_version),
	ACCOUNT("EwsSupportedSchemas", ews_supported_schemas),
	ACCOUNT_SWITCH("CrossOrganizationSharingEnabled", cross_organization_sharing),
	ACCOUNT_SWITCH("MapiHttpEnabled", mapi_http_enabled),
	ACCOUNT("PublicFolderInformation", public_folder_smtp_address),
	ACCOUNT("RedirectUrl", autodiscover_url),
	ACCOUNT("MobileMailboxPolicy", mobile_mailbox_policy),
	ACCOUNT("MobileMailboxPolicyInterop", mobile_mailbox_policy_interop),
	ACCOUNT("SPMySiteHostURL", sp_my_site_host_url),
	{ "AlternateMailboxes", SOAP_AT_ACCOUNT, SOAP_AS_MAILBOXES, { 0 } },
	{ "DocumentSharingLocations", SOAP_AT_ACCOUNT, SOAP_AS_LOCATIONS, { 0 } },

	/* The first of those that lie in one place wins. */
	INSIDE("InternalRpcClientServer", server),
	INSIDE("InternalMailboxServer", server),
	INSIDE("InternalMailboxServerDN", server_dn),
	INSIDE("MailboxDN", mdb_dn),
	INSIDE("PublicFolderServer", public_folder_server),
	INSIDE("ActiveDirectoryServer", ad),
	INSIDE("InternalMailboxServerAuthenticationMethods", auth_package),
	BLOCK_SWITCH("InternalServerExclusiveConnect", SOAP_AT_EXCH, SOAP_AS_ON_OFF,
	    server_exclusive_connect),
	BLOCK("InternalRpcHttpServer", SOAP_AT_EXHTTP, server),
	BLOCK_SWITCH("InternalRpcHttpConnectivityRequiresSsl", SOAP_AT_EXHTTP, SOAP_AS_TEXT, ssl),
	BLOCK("InternalRpcHttpAuthenticationMethod", SOAP_AT_EXHTTP, auth_package),
	OUTSIDE("ExternalMailboxServer", server),
	BLOCK_SWITCH("ExternalMailboxServerRequiresSSL", SOAP_AT_EXPR, SOAP_AS_TEXT, ssl),
	OUTSIDE("ExternalMailboxServerAuthenticationMethods", auth_package),
	BLOCK_SWITCH("ExternalServerExclusiveConnect", SOAP_AT_EXPR, SOAP_AS_ON_OFF,
	    server_exclusive_connect),
	OUTSIDE("CertPrincipalName", cert_principal_name),
	OUTSIDE("ExchangeRpcUrl", exchange_rpc_url),
	OUTSIDE("GroupingInformation", grouping_information),

	BLOCK_EWS("InternalEwsUrl", SOAP_AT_EXCH),
	BLOCK_EWS("ExternalEwsUrl", SOAP_AT_EXPR),
	OUTSIDE("ExternalEwsVersion", ews_version),
	SIDES("EmwsUrl", emws_url),
	SIDES("OABUrl", oab_url),
	SIDES("UMUrl", um_url),
	SIDES("PhotosUrl", photos_url),
	SIDES("OutlookServiceUrl", outlook_service_url),
	OUTSIDE("InteropExternalEwsUrl", interop_ews_url),
	OUTSIDE("InteropExternalEwsVersion", interop_ews_version),
	OUTSIDE("EwsPartnerUrl", ews_partner_url),
	{ "InternalWebClientUrls", SOAP_AT_WEB, SOAP_AS_WEB_URLS,
	    { .offset = offsetof(struct answer_protocol, internal) } },
	{ "ExternalWebClientUrls", SOAP_AT_WEB, SOAP_AS_WEB_URLS,
	    { .offset = offsetof(struct answer_protocol, external) } },
	CONNECTIONS("Pop3", SOAP_AT_POP3),
	CONNECTIONS("Imap4", SOAP_AT_IMAP),
	CONNECTIONS("Smtp", SOAP_AT_SMTP),

	/* Read last: these need the blocks, and the full ones the base URL and the fragments. */
	SIDES("EcpUrl", ecp_url),
	BLOCK("SiteMailboxCreationURL", SOAP_AT_EITHER, site_mailbox_creation_url),
	ECP("Voicemail", ecp_url_um),
	ECP("EmailSubscriptions", ecp_url_aggr),
	ECP("TextMessaging", ecp_url_sms),
	ECP("DeliveryReport", ecp_url_mt),
	ECP("RetentionPolicyTags", ecp_url_ret),
	ECP("Publishing", ecp_url_publish),
	ECP("Photo", ecp_url_photo),
	ECP("Connect", ecp_url_connect),
	ECP("TeamMailbox", ecp_url_tm),
	ECP("TeamMailboxCreating", ecp_url_tm_creating),
	ECP("TeamMailboxEditing", ecp_url_tm_editing),
	ECP_PAGES("TeamMailboxHiding", ecp_url_tm_hiding),
	ECP("ExtensionInstallation", ecp_url_extinstall),
};
/* clang-format on */
_Static_assert(COUNT_OF(rows) == SOAP_ROWS, "SOAP_ROWS is out of date");

const struct soap_setting *const soap_rows = rows;

#define LOCATION struct answer_sharing_location
#define LOCATION_TEXT(element, member) ELEMENT_TEXT(LOCATION, element, member)
#define LOCATION_SWITCH(element, member) ELEMENT(LOCATION, element, member, FIELD_SWITCH, 0, 0)
static const struct element sharing_location_rows[] = {
	LOCATION_TEXT("ServiceUrl", service_url),
	LOCATION_TEXT("LocationUrl", location_url),
	LOCATION_TEXT("DisplayName", display_name),
	LOCATION_SWITCH("ExternalAccessAllowed", external_access),
	LOCATION_SWITCH("AnonymousAccessAllowed", anonymous_access),
	LOCATION_SWITCH("CanModifyPermissions", can_modify_permissions),
	LOCATION_SWITCH("IsDefault", is_default),
};
const struct element_list soap_sharing_location =
    ELEMENT_LIST("DocumentSharingLocation", sharing_location_rows);
