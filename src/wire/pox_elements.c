/* pox_elements.c - the elements of a POX response, row by row ([MS-OXDSCLI] 2.2.4; pox.md 3-7). */
#include "wire/pox_elements.h"

#include <stddef.h>
#include <string.h>

#include "base/err.h"

#define TEXT(element, member) ELEMENT_TEXT(struct answer_user, element, member)
static const struct element user_rows[] = {
	TEXT("DisplayName", display_name),
	TEXT("LegacyDN", legacy_dn),
	TEXT("AutoDiscoverSMTPAddress", autodiscover_smtp_address),
	TEXT("DefaultABView", default_ab_view),
	TEXT("DeploymentId", deployment_id),
};
#undef TEXT

static const struct element account_rows[] = {
	ELEMENT(struct answer, "Image", image, FIELD_TEXT, 0, 0),
	ELEMENT(struct answer, "ServiceHome", service_home, FIELD_TEXT, 0, 0),
	ELEMENT(struct answer, "MicrosoftOnline", microsoft_online, FIELD_SWITCH, 0, 0),
	ELEMENT(struct answer, "ConsumerMailbox", consumer_mailbox, FIELD_SWITCH, 0, 0),
};

#define TEXT(element, member) ELEMENT_TEXT(struct answer_alternative_mailbox, element, member)
static const struct element alternative_rows[] = {
	TEXT("Type", type),
	TEXT("DisplayName", display_name),
	TEXT("LegacyDN", legacy_dn),
	TEXT("Server", server),
	TEXT("SmtpAddress", smtp_address),
	TEXT("OwnerSmtpAddress", owner_smtp_address),
};
#undef TEXT

static const struct element error_rows[] = {
	ELEMENT(struct answer_refusal, "ErrorCode", code, FIELD_NUMBER, UINT32_MAX, 0),
	ELEMENT(struct answer_refusal, "Message", message, FIELD_TEXT, 0, 0),
	ELEMENT(struct answer_refusal, "DebugData", debug, FIELD_TEXT, 0, 0),
};

#define TEXT(element, member) ELEMENT_TEXT(struct answer_protocol, element, member)
#define NUMBER(element, member, top) \
	ELEMENT(struct answer_protocol, element, member, FIELD_NUMBER, top, 0)
#define SWITCH(element, member, places) \
	ELEMENT(struct answer_protocol, element, member, FIELD_SWITCH, 0, places)
static const struct element protocol_rows[] = {
	NUMBER("TTL", ttl, INT32_MAX),
	TEXT("ExpirationDate", expiration_date),
	TEXT("Server", server),
	TEXT("ServerDN", server_dn),
	TEXT("ServerVersion", server_version),
	TEXT("MdbDN", mdb_dn),
	TEXT("PublicFolderServer", public_folder_server),
	TEXT("AD", ad),
	NUMBER("Port", port, UINT16_MAX),
	NUMBER("DirectoryPort", directory_port, UINT16_MAX),
	NUMBER("ReferralPort", referral_port, UINT16_MAX),
	TEXT("LoginName", login_name),
	SWITCH("DomainRequired", domain_required, 0),
	TEXT("DomainName", domain_name),
	SWITCH("SPA", spa, 0),
	SWITCH("SSL", ssl, 0),
	TEXT("Encryption", encryption),
	TEXT("AuthPackage", auth_package),
	SWITCH("ServerExclusiveConnect", server_exclusive_connect, PROTOCOL_BIT(PROTOCOL_EXPR)),
	TEXT("CertPrincipalName", cert_principal_name),
	TEXT("ASUrl", as_url),
	TEXT("EwsUrl", ews_url),
	TEXT("EmwsUrl", emws_url),
	TEXT("EwsPartnerUrl", ews_partner_url),
	TEXT("SharingUrl", sharing_url),
	TEXT("EcpUrl", ecp_url),
	TEXT("EcpUrl-um", ecp_url_um),
	TEXT("EcpUrl-aggr", ecp_url_aggr),
	TEXT("EcpUrl-mt", ecp_url_mt),
	TEXT("EcpUrl-ret", ecp_url_ret),
	TEXT("EcpUrl-sms", ecp_url_sms),
	TEXT("EcpUrl-publish", ecp_url_publish),
	TEXT("EcpUrl-photo", ecp_url_photo),
	TEXT("EcpUrl-connect", ecp_url_connect),
	TEXT("EcpUrl-tm", ecp_url_tm),
	TEXT("EcpUrl-tmCreating", ecp_url_tm_creating),
	TEXT("EcpUrl-tmEditing", ecp_url_tm_editing),
	TEXT("EcpUrl-tmHiding", ecp_url_tm_hiding),
	TEXT("EcpUrl-extinstall", ecp_url_extinstall),
	TEXT("SiteMailboxCreationURL", site_mailbox_creation_url),
	TEXT("OOFUrl", oof_url),
	TEXT("UMUrl", um_url),
	TEXT("OABUrl", oab_url),
	TEXT("ExchangeRpcUrl", exchange_rpc_url),
	TEXT("GroupingInformation", grouping_information),
	SWITCH("ServerExclusiveConnect", server_exclusive_connect, ~PROTOCOL_BIT(PROTOCOL_EXPR)),
	SWITCH("AuthRequired", auth_required, 0),
	SWITCH("UsePOPAuth", use_pop_auth, 0),
	SWITCH("SMTPLast", smtp_last, 0),
};
_Static_assert(COUNT_OF(protocol_rows) == POX_PROTOCOL_ROWS, "POX_PROTOCOL_ROWS is out of date");

static const struct element network_rows[] = {
	TEXT("IPv4Start", ipv4_start),
	TEXT("IPv4End", ipv4_end),
	TEXT("IPv6Start", ipv6_start),
	TEXT("IPv6End", ipv6_end),
};

static const struct element mail_store_rows[] = {
	TEXT("InternalUrl", mail_store_internal_url),
	TEXT("ExternalUrl", mail_store_external_url),
};

static const struct element address_book_rows[] = {
	TEXT("InternalUrl", address_book_internal_url),
	TEXT("ExternalUrl", address_book_external_url),
};
#undef TEXT
#undef NUMBER
#undef SWITCH

const struct element_list pox_user = ELEMENT_LIST("User", user_rows);
const struct element_list pox_account = ELEMENT_LIST("Account", account_rows);
const struct element_list pox_alternative_mailbox =
    ELEMENT_LIST("AlternativeMailbox", alternative_rows);
const struct element_list pox_error = ELEMENT_LIST("Error", error_rows);
const struct element_list pox_protocol = ELEMENT_LIST("Protocol", protocol_rows);

const struct element_list pox_protocol_blocks[POX_PROTOCOL_BLOCKS] = {
	ELEMENT_LIST("NetworkRequirements", network_rows),
	ELEMENT_LIST("MailStore", mail_store_rows),
	ELEMENT_LIST("AddressBook", address_book_rows),
};

usher_status
pox_find_response(const struct xml_node *root, const struct xml_node **out, struct usher_error *err)
{
	*out = xml_child(root, "Response");
	if (strcmp(root->name, "Autodiscover") != 0 || *out == NULL)
		return err_set(err, USHER_E_PEER, NULL,
		    "the document with root %s is no Autodiscover response", root->name);
	return USHER_OK;
}
