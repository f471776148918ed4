/* test_resolve.c - every rule of the service's decision. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sample.h"

/* What a client is told, as text. */
static const char *
ask(struct arena *mem, struct sample *s)
{
	CLEANUP(buf_cleanup) struct buf b;
	struct usher_error err;
	struct answer a;

	sample_ready(mem, s);
	assert_int_equal(
	    resolve_answer(mem, &s->question, &s->facts, &s->context, &a, &err), USHER_OK);
	buf_init(&b, 64 * 1024);
	sample_show(&a, &b);
	assert_int_equal(b.status, USHER_OK);
	return arena_copy(mem, buf_as_slice(&b));
}

/* ---- whole answers ---- */

#define DN "/o=Contoso/ou=AG"
#define ID "b8e2a1d4-0c57-4e39-9f61-7a3d52c0e418@contoso.com"
#define OAB "OAB/7c1d2b60-53f7-4d5e-8a52-0b7c6d1f9e21/"
#define REALM "&realm=contoso.com"
#define ECP \
	" ecp_url_um=?rfr=olk&p=customize/voicemail.aspx&exsvurl=1" REALM \
	" ecp_url_aggr=?rfr=olk&p=personalsettings/EmailSubscriptions.slab&exsvurl=1" REALM \
	" ecp_url_mt=PersonalSettings/DeliveryReport.aspx?rfr=olk&exsvurl=1&IsOWA=<IsOWA>" \
	"&MsgID=<MsgID>&Mbx=<Mbx>" REALM \
	" ecp_url_ret=?rfr=olk&p=organize/retentionpolicytags.slab&exsvurl=1" REALM \
	" ecp_url_sms=?rfr=olk&p=sms/textmessaging.slab&exsvurl=1" REALM
#define ECP_2013 \
	" ecp_url_publish=customize/calendarpublishing.slab?rfr=olk&exsvurl=1&FldID=<FldID>" REALM \
	" ecp_url_photo=PersonalSettings/EditAccount.aspx?rfr=olk&chgPhoto=1&exsvurl=1" REALM \
	" ecp_url_tm=?rfr=olk&ftr=TeamMailbox&exsvurl=1" REALM \
	" ecp_url_tm_creating=?rfr=olk&ftr=TeamMailboxCreating&SPUrl=<SPUrl>&Title=<Title>" \
	"&SPTMAppUrl=<SPTMAppUrl>&exsvurl=1" REALM \
	" ecp_url_tm_editing=?rfr=olk&ftr=TeamMailboxEditing&Id=<Id>&exsvurl=1" REALM \
	" ecp_url_tm_hiding=?rfr=olk&ftr=TeamMailboxHiding&Id=<Id>&exsvurl=1" REALM \
	" ecp_url_extinstall=?rfr=olk&p=extension/installedextensions.slab&exsvurl=1" REALM
#define URLS_INSIDE \
	" as_url=https://cas01/EWS/Exchange.asmx ews_url=https://cas01/EWS/Exchange.asmx" \
	" emws_url=https://cas01/EWS/Exchange.asmx ecp_url=https://cas01/ecp/" ECP ECP_2013 \
	" oof_url=https://cas01/EWS/Exchange.asmx um_url=https://cas01/EWS/UM2007Legacy.asmx" \
	" oab_url=https://cas01/" OAB
#define URLS_OUTSIDE \
	" as_url=https://mail/EWS/Exchange.asmx ews_url=https://mail/EWS/Exchange.asmx" \
	" emws_url=https://mail/EWS/Exchange.asmx ecp_url=https://mail/ecp/" ECP ECP_2013 \
	" oof_url=https://mail/EWS/Exchange.asmx oab_url=https://mail/" OAB
#define HEAD \
	"User display_name=Nora Lind legacy_dn=" DN "/cn=Recipients/cn=nora@contoso.com" \
	" autodiscover_smtp_address=nora@contoso.com" \
	" deployment_id=4f0d3a5e-6f0a-4d3c-9b1e-2a77c1d0e8b4\n" \
	"Account account_type=email microsoft_online=off consumer_mailbox=off\n"
#define WEB \
	"WEB internal{https://cas01/owa[Ntlm, WindowsIntegrated] https://cas02/owa[Basic, Fba] " \
	"EXCH https://cas01/EWS/Exchange.asmx} " \
	"external{https://mail/owa[Fba] EXPR https://mail/EWS/Exchange.asmx}\n"

static void
test_exchange_2016(void **state)
{
	struct arena *mem = arena_new(256 * 1024);
	struct sample s;

	(void)state;
	sample_init(&s);
	assert_string_equal(ask(mem, &s),
	    HEAD "EXCH server=" ID " server_dn=" DN "/cn=Configuration/cn=Servers/cn=" ID
		 " server_version=73C189CB mdb_dn=" DN "/cn=Configuration/cn=Servers/cn=" ID
		 "/cn=Microsoft Private MDB" URLS_INSIDE "\n"
		 "EXPR server=mail.contoso.com" URLS_OUTSIDE " ssl=on auth_package=Basic\n" WEB);
	arena_free(mem);
}

static void
test_mapi_http_in_place_of_exch_and_expr(void **state)
{
	struct arena *mem = arena_new(256 * 1024);
	struct sample s;

	(void)state;
	sample_init(&s);
	s.question.client.mapi_http = 1;
	s.question.client.exhttp = true;
	s.question.client.outlook_major = 16;
	sample_url(&s, "CAS01", URL_MAPI)->external = "https://mail/mapi/";
	s.rpc[0].client_authentication = RPC_NEGOTIATE;
	assert_string_equal(ask(mem, &s),
	    HEAD "mapiHttp version=1"
		 " mail_store_internal_url=https://cas02/mapi/emsmdb/?MailboxId=" ID
		 " mail_store_external_url=https://mail/mapi/emsmdb/?MailboxId=" ID
		 " address_book_internal_url=https://cas02/mapi/nspi/?MailboxId=" ID
		 " address_book_external_url=https://mail/mapi/nspi/?MailboxId=" ID "\n" WEB
		 "EXHTTP server=cas01.corp" URLS_INSIDE
		 " server_exclusive_connect=on ssl=on auth_package=Ntlm\n"
		 "EXHTTP server=mail.contoso.com" URLS_OUTSIDE
		 " server_exclusive_connect=on ssl=on auth_package=Negotiate\n");
	arena_free(mem);
}

static void
test_exchange_2007(void **state)
{
	struct arena *mem = arena_new(256 * 1024);
	struct sample s;

	(void)state;
	sample_init(&s);
	s.servers[0].version = "8.1.240";
	s.mailbox.legacy_dn = DN "/cn=Recipients/cn=nora";
	s.question.client.exhttp = true;
	s.question.client.mapi_http = 1;
	sample_url(&s, "CAS01", URL_OWA)->internal = NULL;
	sample_url(&s, "CAS02", URL_OWA)->internal = NULL;
	assert_string_equal(ask(mem, &s),
	    "User display_name=Nora Lind legacy_dn=" DN "/cn=Recipients/cn=nora"
	    " deployment_id=4f0d3a5e-6f0a-4d3c-9b1e-2a77c1d0e8b4\n"
	    "Account account_type=email\n"
	    "EXCH server=cas01.corp.contoso.com server_dn=" DN
	    "/cn=Configuration/cn=Servers/cn=CAS01 server_version=720180F0 mdb_dn=" DN
	    "/cn=Configuration/cn=Servers/cn=CAS01/cn=Microsoft Private MDB"
	    " as_url=https://cas01/EWS/Exchange.asmx oof_url=https://cas01/EWS/Exchange.asmx"
	    " um_url=https://cas01/EWS/UM2007Legacy.asmx oab_url=https://cas01/" OAB "\n"
	    "EXPR server=mail.contoso.com as_url=https://mail/EWS/Exchange.asmx"
	    " oof_url=https://mail/EWS/Exchange.asmx oab_url=https://mail/" OAB
	    " ssl=on auth_package=Basic\n"
	    "WEB external{https://mail/owa[Fba] EXPR https://mail/EWS/Exchange.asmx}\n");
	arena_free(mem);
}

/* ---- one rule at a time: what changes, what must then be in the answer and what must not ---- */

static void
provider_ttl(struct sample *s)
{
	s->providers[0].ttl = 2;
	s->providers[1].ttl = 0;
	s->providers[2].ttl = 4;
}
static void
provider_expr(struct sample *s)
{
	s->providers[1].cert_principal_name = "msstd:*.contoso.com";
	s->providers[1].server = "rpc.contoso.com";
	s->providers[1].server_exclusive_connect = TRI_ON;
}
static void
principal_none(struct sample *s)
{
	s->providers[1].cert_principal_name = "none";
}
static void
rpc_off(struct sample *s)
{
	s->rpc[0].enabled = TRI_OFF;
}
static void
rpc_not_for_this_mailbox(struct sample *s)
{
	s->mailbox.outlook_anywhere = TRI_OFF;
}
static void
rpc_without_ssl(struct sample *s)
{
	s->rpc[0].ssl = TRI_OFF;
}
static void
rpc_of_neighbour(struct sample *s)
{
	s->rpc[0].server = "cas02";
}
static void
rpc_of_other_site(struct sample *s)
{
	s->rpc[0].server = "FAR01";
}
static void
negotiate_not_said(struct sample *s)
{
	s->rpc[0].client_authentication = RPC_NEGOTIATE;
}
static void
negotiate_said(struct sample *s)
{
	s->rpc[0].client_authentication = RPC_NEGOTIATE;
	s->question.client.negotiate = true;
}
static void
other_server(struct sample *s)
{
	s->mailbox.server = "far01";
}
static void
server_of_domain(struct sample *s)
{
	s->domain.server = "FAR01";
}
static void
server_gone(struct sample *s)
{
	s->mailbox.server = "GONE";
}
static void
both_servers_gone(struct sample *s)
{
	s->mailbox.server = "GONE";
	s->domain.server = "GONE TOO";
}
static void
other_server_alone(struct sample *s)
{
	s->mailbox.server = "far01";
	s->domain.server = "FAR01";
}
static void
client_elsewhere(struct sample *s)
{
	static const char *const subnets[] = { "192.0.2.0/24" };
	static const struct site quay = { "quay", { subnets, 1 } };
	static const unsigned char address[16] = { [10] = 0xff, [11] = 0xff, 192, 0, 2, 9 };

	s->org.sites = &quay;
	s->org.n_sites = 1;
	s->context.client_address = address;
}
static void
server_and_client_elsewhere(struct sample *s)
{
	client_elsewhere(s);
	s->mailbox.server = "CAS01";
}
static void
no_servers(struct sample *s)
{
	s->org.n_servers = 0;
}
static void
no_organization(struct sample *s)
{
	s->org.organization.name = NULL;
}
static void
nothing_configured(struct sample *s)
{
	s->org.n_urls = 0;
	s->org.n_outlook_anywhere = 0;
}
static void
no_guid(struct sample *s)
{
	s->mailbox.guid = NULL;
}
static void
no_guid_mapi(struct sample *s)
{
	s->mailbox.guid = NULL;
	s->question.client.mapi_http = 1;
}
static void
no_version(struct sample *s)
{
	s->servers[0].version = NULL;
}
static void
no_oab(struct sample *s)
{
	s->org.organization.oab_id = NULL;
}
static void
no_ews(struct sample *s)
{
	s->mailbox.ews = TRI_OFF;
}
static void
no_owa(struct sample *s)
{
	s->mailbox.owa = TRI_OFF;
}
static void
mapi_two(struct sample *s)
{
	s->question.client.mapi_http = 2;
}
static void
mapi_switched_off(struct sample *s)
{
	s->question.client.mapi_http = 1;
	s->mailbox.mapi_http = TRI_OFF;
}
static void
mapi_not_configured(struct sample *s)
{
	s->question.client.mapi_http = 1;
	sample_url(s, "CAS02", URL_MAPI)->internal = NULL;
}
static void
mapi_before_sp1(struct sample *s)
{
	s->question.client.mapi_http = 1;
	s->servers[0].version = "15.0.846";
}
static void
mapi_at_sp1(struct sample *s)
{
	s->question.client.mapi_http = 1;
	s->servers[0].version = "15.0.847";
}
static void
exhttp_without_mapi(struct sample *s)
{
	s->question.client.exhttp = true;
}
static void
exhttp_of_one_namespace(struct sample *s)
{
	s->question.client.exhttp = true;
	s->rpc[0].internal_host = s->rpc[0].external_host;
	s->rpc[0].client_authentication = RPC_NTLM;
	for (size_t i = 0; i < s->org.n_urls; i++)
		s->urls[i].external = s->urls[i].internal;
}
static void
exhttp_without_rpc(struct sample *s)
{
	s->question.client.exhttp = true;
	s->rpc[0].enabled = TRI_OFF;
}
static void
exhttp_by_mapi(struct sample *s)
{
	s->question.client.exhttp = true;
	s->question.client.mapi_http = 1;
	s->rpc[0].enabled = TRI_OFF;
}
static void
public_folders(struct sample *s)
{
	s->org.organization.public_folder_mailbox = "pf@contoso.com";
}
static void
own_public_folders(struct sample *s)
{
	s->org.organization.public_folder_mailbox = "pf@contoso.com";
	s->mailbox.public_folder_mailbox = "pf2@contoso.com";
}
static void
alternatives(struct sample *s)
{
	s->alternatives[0] = (struct alternative_mailbox){ .mailbox = "nora@contoso.com",
		.display_name = "Old",
		.type = ALTERNATIVE_ARCHIVE,
		.legacy_dn = "/o=x/cn=old",
		.server = "mbx.contoso.com" };
	s->alternatives[1] = (struct alternative_mailbox){ .mailbox = "nora@contoso.com",
		.display_name = "Sales",
		.type = ALTERNATIVE_DELEGATE,
		.smtp_address = "sales@contoso.com",
		.owner_smtp_address = "sales@contoso.com" };
	s->facts.alternatives = s->alternatives;
	s->facts.n_alternatives = 2;
}
static void
alternatives_seen_by_another(struct sample *s)
{
	alternatives(s);
	s->context.login_name = "boss";
	s->context.visibility = VISIBILITY_ANY;
}
static void
by_legacy_dn(struct sample *s)
{
	s->question.address = NULL;
	s->question.legacy_dn = DN "/cn=Recipients/cn=nora";
}
static void
empty_question(struct sample *s)
{
	s->question.address = NULL;
}
static void
mobilesync(struct sample *s)
{
	s->question.schema = SCHEMA_MOBILESYNC;
}
static void
phone(struct sample *s)
{
	s->question.schema = SCHEMA_MOBILESYNC;
	sample_url(s, "CAS01", URL_ACTIVESYNC)->external = "https://phone/eas";
}
static void
phone_inside(struct sample *s)
{
	s->question.schema = SCHEMA_MOBILESYNC;
	sample_url(s, "CAS01", URL_ACTIVESYNC)->internal = "https://cas01/eas";
}
static void
phone_without_activesync(struct sample *s)
{
	phone(s);
	s->mailbox.activesync = TRI_OFF;
}
static void
phone_of_nobody(struct sample *s)
{
	phone(s);
	s->facts.mailbox = NULL;
}
static void
in_soap(struct sample *s)
{
	s->question.language = LANGUAGE_SOAP;
}
static void
in_soap_with_public_folders(struct sample *s)
{
	public_folders(s);
	in_soap(s);
}
static void
in_soap_without_outlook_anywhere(struct sample *s)
{
	s->question.language = LANGUAGE_SOAP;
	s->mailbox.outlook_anywhere = TRI_OFF;
}
static void
unknown_schema(struct sample *s)
{
	s->question.schema = SCHEMA_UNKNOWN;
	s->facts.domain = NULL;
}
static void
foreign_domain(struct sample *s)
{
	s->facts.domain = NULL;
	s->facts.mailbox = NULL;
}
static void
unknown_legacy_dn(struct sample *s)
{
	by_legacy_dn(s);
	s->facts.domain = NULL;
	s->facts.mailbox = NULL;
	s->facts.address = NULL;
}
static void
unknown_mailbox(struct sample *s)
{
	s->facts.mailbox = NULL;
}
static void
mailbox_off(struct sample *s)
{
	s->mailbox.enabled = TRI_OFF;
}
static void
moved(struct sample *s)
{
	s->mailbox.redirect_address = "nora@tenant.example";
}
static void
moved_to_itself(struct sample *s)
{
	static const char *const aliases[] = { "n@contoso.com" };

	s->mailbox.aliases = (struct text_list){ aliases, 1 };
	s->mailbox.redirect_address = "N@contoso.com";
}
static void
moved_by_url(struct sample *s)
{
	s->mailbox.redirect_url = "https://other.example/autodiscover/autodiscover.xml";
}
static void
domain_moved(struct sample *s)
{
	s->domain.kind = DOMAIN_REDIRECT_ADDRESS;
	s->domain.redirect_domain = "contoso.mail.example";
	s->facts.mailbox = NULL;
	s->context.login_name = NULL;
}
static void
domain_moved_nowhere(struct sample *s)
{
	s->domain.kind = DOMAIN_REDIRECT_ADDRESS;
}
static void
domain_moved_by_url(struct sample *s)
{
	s->domain.kind = DOMAIN_REDIRECT_URL;
	s->domain.redirect_url = "https://emea.contoso.com/autodiscover/autodiscover.xml";
	s->facts.mailbox = NULL;
}

#define REFUSED(code) "Error code=" code " "

static const struct {
	void (*change)(struct sample *s);
	const char *in[3];  /* must be there */
	const char *out[3]; /* must not */
} rules[] = {
	{ provider_ttl, { "\nEXCH ttl=2 ", "\nEXPR ttl=0 ", "\nWEB ttl=4 " }, { NULL } },
	{ provider_expr,
	    { "\nEXPR server=rpc.contoso.com ", "cert_principal_name=msstd:*.contoso.com",
		"server_exclusive_connect=on ssl=on auth_package=Basic cert" },
	    { "EXPR server=mail.contoso.com" } },
	{ principal_none, { "cert_principal_name=None" }, { NULL } },
	{ rpc_off, { "\nEXCH ", "external{https://mail/owa[Fba] EXPR " }, { "\nEXPR " } },
	{ rpc_not_for_this_mailbox, { "\nEXCH " }, { "\nEXPR " } },
	{ rpc_without_ssl, { " ssl=off auth_package=Basic" }, { "ssl=on" } },
	{ rpc_of_neighbour, { "\nEXPR server=mail.contoso.com" }, { NULL } },
	{ rpc_of_other_site, { "\nEXCH " }, { "\nEXPR " } },
	{ negotiate_not_said, { "auth_package=Ntlm" }, { "Negotiate" } },
	{ negotiate_said, { "auth_package=Negotiate" }, { NULL } },
	{ other_server,
	    { "as_url=https://far01/EWS/Exchange.asmx", " ecp_url=https://cas01/ecp/ ",
		"\nEXPR server=mail.contoso.com as_url=https://mail/EWS/Exchange.asmx" },
	    { "https://cas01/EWS/Exchange.asmx" } },
	{ other_server_alone,
	    { "as_url=https://far01/EWS/Exchange.asmx", "server_version=73C189CB" },
	    { "cas01", "\nEXPR ", "\nWEB " } },
	{ server_of_domain, { "as_url=https://far01/EWS/Exchange.asmx" }, { "cas01" } },
	{ client_elsewhere,
	    { "as_url=https://far01/EWS/Exchange.asmx", " ecp_url=https://cas01/ecp/ " },
	    { "https://cas01/EWS/Exchange.asmx" } },
	{ server_and_client_elsewhere, { "as_url=https://cas01/EWS/Exchange.asmx" }, { "far01" } },
	{ server_gone, { " as_url=https://cas01/EWS/Exchange.asmx" }, { "far01" } },
	{ both_servers_gone, { REFUSED("602") }, { NULL } },
	{ no_servers, { REFUSED("602") }, { NULL } },
	{ no_organization, { REFUSED("602") }, { NULL } },
	{ nothing_configured, { REFUSED("501") }, { NULL } },
	{ no_guid, { "EXCH server=cas01.corp.contoso.com ", "/cn=Servers/cn=CAS01 " }, { NULL } },
	{ no_guid_mapi,
	    { "emsmdb/?MailboxId=nora@contoso.com ", "nspi/?MailboxId=nora@contoso.com\n" },
	    { NULL } },
	{ no_version, { "EXCH server=" ID, "microsoft_online=off", "ecp_url_tm=" },
	    { "server_version" } },
	{ no_oab, { "\nEXCH " }, { "oab_url" } },
	{ no_ews,
	    { "EXCH ", "oab_url=",
		"internal{https://cas01/owa[Ntlm, WindowsIntegrated] "
		"https://cas02/owa[Basic, Fba] - -}" },
	    { "ews_url", "as_url", "oof_url" } },
	{ no_owa, { "\nEXPR " }, { "WEB", "owa" } },
	{ mapi_two, { "\nmapiHttp version=1 ", "\nWEB " },
	    { "\nEXCH ", "\nEXPR ", "mail_store_external_url" } },
	{ mapi_switched_off, { "\nEXCH ", "\nEXPR " }, { "mapiHttp" } },
	{ mapi_not_configured, { "\nEXCH ", "\nEXPR " }, { "mapiHttp" } },
	{ mapi_before_sp1, { "\nEXCH ", "server_version=73C0834E" }, { "mapiHttp" } },
	{ mapi_at_sp1, { "\nmapiHttp " }, { "\nEXCH " } },
	{ exhttp_without_mapi,
	    { "\nEXCH ", "\nEXPR ", "\nEXHTTP server=cas01.corp as_url=https://cas01/" },
	    { NULL } },
	{ exhttp_of_one_namespace, { "\nEXHTTP server=mail.contoso.com as_url=https://cas01/" },
	    { "server=cas01.corp " } },
	{ exhttp_without_rpc, { "\nEXCH " }, { "\nEXPR ", "EXHTTP" } },
	{ exhttp_by_mapi,
	    { "\nmapiHttp ", "\nEXHTTP server=cas02 as_url=https://cas01/EWS",
		"ssl=on auth_package=Ntlm" },
	    { "\nEXCH ", "\nEXPR " } },
	{ public_folders, { " public_folder_smtp_address=pf@contoso.com\n" }, { NULL } },
	{ own_public_folders, { " public_folder_smtp_address=pf2@contoso.com\n" }, { NULL } },
	{ alternatives,
	    { "\nAlternative type=Archive display_name=Old legacy_dn=/o=x/cn=old "
	      "server=mbx.contoso.com\n",
		"\nAlternative type=Delegate display_name=Sales smtp_address=sales@contoso.com "
		"owner_smtp_address=sales@contoso.com\n" },
	    { NULL } },
	{ alternatives_seen_by_another, { "\nEXCH " }, { "Alternative" } },
	{ by_legacy_dn, { "\nEXCH " }, { NULL } },
	{ empty_question, { REFUSED("600") "message=Invalid Request" }, { NULL } },
	{ mobilesync, { REFUSED("601") "message=Provider is not available" }, { NULL } },
	{ phone, { "\nActiveSync url=https://phone/eas\n" }, { "EXCH", "EXPR", "WEB" } },
	{ phone_inside, { "\nActiveSync url=https://cas01/eas\n" }, { NULL } },
	{ phone_without_activesync, { REFUSED("501") }, { NULL } },
	{ phone_of_nobody, { REFUSED("500") }, { NULL } },
	{ in_soap,
	    { "cas_version=15.01.2507.000 mailbox_version=15.01.2507.000 "
	      "ews_supported_schemas=Exchange2007, Exchange2007_SP1",
		"\nEXPR server=", "ews_version=15.01.2507.000" },
	    { "mapiHttp" } },
	{ in_soap, { " ews_partner_url=https://mail/EWS/Exchange.asmx" },
	    { "public_folder_server" } },
	{ in_soap_with_public_folders, { " public_folder_server=cas01.corp " }, { NULL } },
	{ public_folders, { "\nEXCH " }, { "public_folder_server", "ews_partner_url" } },
	{ in_soap_without_outlook_anywhere,
	    { "\nEXCH ", "\nEXPR as_url=", "ews_version=15.01.2507.000" }, { NULL } },
	{ unknown_schema, { REFUSED("601") }, { NULL } },
	{ foreign_domain, { REFUSED("500") "message=The e-mail address cannot be found." },
	    { NULL } },
	{ unknown_legacy_dn, { REFUSED("500") }, { NULL } },
	{ unknown_mailbox, { REFUSED("500") }, { NULL } },
	{ mailbox_off, { REFUSED("501") "message=Bad Address" }, { NULL } },
	{ moved, { "redirectAddr nora@tenant.example\n" }, { NULL } },
	{ moved_to_itself, { "\nEXCH " }, { NULL } },
	{ moved_by_url, { "redirectUrl https://other.example/autodiscover/autodiscover.xml\n" },
	    { NULL } },
	{ domain_moved, { "redirectAddr nora@contoso.mail.example\n" }, { NULL } },
	{ domain_moved_nowhere, { REFUSED("602") }, { NULL } },
	{ domain_moved_by_url,
	    { "redirectUrl https://emea.contoso.com/autodiscover/autodiscover.xml\n" }, { NULL } },
};

static void
test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		struct arena *mem = arena_new(256 * 1024);
		struct sample s;
		const char *got;

		sample_init(&s);
		rules[i].change(&s);
		got = ask(mem, &s);
		for (size_t k = 0; k < 3; k++) {
			if (rules[i].in[k] != NULL && strstr(got, rules[i].in[k]) == NULL)
				fail_msg("rule %zu: no '%s' in:\n%s", i, rules[i].in[k], got);
			if (rules[i].out[k] != NULL && strstr(got, rules[i].out[k]) != NULL)
				fail_msg("rule %zu: '%s' in:\n%s", i, rules[i].out[k], got);
		}
		arena_free(mem);
	}
}

/* ---- who may see what ---- */

static void
test_visibility(void **state)
{
	static const struct {
		const char *login;
		const char *mailbox_login;
		enum visibility visibility;
		bool delegate;
		bool anonymous_domain;
		bool sees;
	} rows[] = {
		{ "nora@contoso.com", NULL, VISIBILITY_PERMITTED, false, false, true },
		{ "NORA@contoso.com", NULL, VISIBILITY_SELF, false, false, true },
		{ "nora", "nora", VISIBILITY_SELF, false, false, true },
		{ "nora@contoso.com", "nora", VISIBILITY_SELF, false, false, false },
		{ "jo", NULL, VISIBILITY_PERMITTED, false, false, false },
		{ "jo", NULL, VISIBILITY_PERMITTED, true, false, true },
		{ "jo", NULL, VISIBILITY_SELF, true, false, false },
		{ "jo", NULL, VISIBILITY_ANY, false, false, true },
		{ NULL, NULL, VISIBILITY_ANY, true, false, false },
		{ NULL, NULL, VISIBILITY_SELF, false, true, true },
		{ "jo", NULL, VISIBILITY_SELF, false, true, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *mem = arena_new(256 * 1024);
		const char *got, *unknown;
		struct sample s;

		sample_init(&s);
		s.context.login_name = rows[i].login;
		s.context.visibility = rows[i].visibility;
		s.mailbox.login_name = rows[i].mailbox_login;
		s.facts.caller_is_delegate = rows[i].delegate;
		s.domain.anonymous = rows[i].anonymous_domain ? TRI_ON : TRI_ABSENT;
		/* What it must not give away either. */
		s.mailbox.redirect_address = rows[i].sees ? NULL : "nora@tenant.example";
		got = ask(mem, &s);
		if ((strstr(got, "\nEXCH ") != NULL) != rows[i].sees)
			fail_msg("row %zu: %s", i, got);
		s.facts.mailbox = NULL;
		unknown = ask(mem, &s);
		if (!rows[i].sees && strcmp(got, unknown) != 0)
			fail_msg("row %zu tells a mailbox out of sight from an unknown one", i);
		arena_free(mem);
	}
}

static void
test_anonymous(void **state)
{
	static const struct {
		int kind;
		enum tri anonymous;
		bool want;
	} rows[] = {
		{ DOMAIN_EXCHANGE, TRI_ABSENT, false },
		{ DOMAIN_EXCHANGE, TRI_ON, true },
		{ DOMAIN_MAIL, TRI_ABSENT, true },
		{ DOMAIN_MAIL, TRI_OFF, false },
		{ DOMAIN_REDIRECT_URL, TRI_ABSENT, true },
	};
	struct sample s;

	(void)state;
	sample_init(&s);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		s.domain.kind = rows[i].kind;
		s.domain.anonymous = rows[i].anonymous;
		if (resolve_anonymous(&s.facts) != rows[i].want)
			fail_msg("row %zu", i);
	}
	s.facts.domain = NULL;
	assert_false(resolve_anonymous(&s.facts));
}

/* ---- mail domains ---- */

#define MAIL_IMAP \
	"IMAP ttl=24 server=imap.contoso.com port=993 ssl=on login_name=nora@contoso.com" \
	" domain_required=off spa=off auth_required=on encryption=SSL\n"

static void
test_mail(void **state)
{
	struct arena *mem = arena_new(256 * 1024);
	const char *anonymous;
	struct sample s;

	(void)state;
	sample_init_mail(&s);
	anonymous = ask(mem, &s);
	assert_string_equal(anonymous,
	    "User\nAccount account_type=email\n" MAIL_IMAP
	    "POP3 ttl=24 server=pop.contoso.com port=110 ssl=off login_name=nora@contoso.com"
	    " domain_required=off spa=off auth_required=on encryption=None\n"
	    "SMTP ttl=24 server=smtp.contoso.com port=587 ssl=on login_name=nora@contoso.com"
	    " domain_required=off spa=off auth_required=on use_pop_auth=off smtp_last=off"
	    " encryption=TLS\n");

	/* Nobody learns whether there is a mailbox, or what its switches are. */
	s.facts.mailbox = &s.mailbox;
	s.mailbox.login_name = "nora";
	s.mailbox.enabled = TRI_OFF;
	s.mailbox.redirect_address = "nora@tenant.example";
	assert_string_equal(ask(mem, &s), anonymous);

	/* Nora does. */
	s.mailbox.enabled = TRI_ABSENT;
	s.mailbox.redirect_address = NULL;
	s.context.login_name = "nora";
	assert_non_null(strstr(ask(mem, &s), "User display_name=Nora Lind\n"));
	assert_non_null(strstr(ask(mem, &s), " login_name=nora "));
	s.mailbox.redirect_address = "nora@tenant.example";
	assert_string_equal(ask(mem, &s), "redirectAddr nora@tenant.example\n");
	arena_free(mem);
}

static void
test_mail_services(void **state)
{
	struct arena *mem = arena_new(256 * 1024);
	const char *got;
	struct sample s;

	(void)state;
	sample_init_mail(&s);
	s.domain.ttl = 0;
	s.services[0].authentication = AUTH_GSSAPI;
	s.services[0].user_name = "%d\\%u";
	s.services[1].authentication = AUTH_NONE;
	got = ask(mem, &s);
	assert_non_null(strstr(got, "IMAP ttl=0 "));
	assert_non_null(strstr(got, "login_name=contoso.com\\nora domain_required=off spa=on"));
	assert_non_null(strstr(got, "spa=off auth_required=off encryption=None"));

	s.facts.n_services = 0;
	assert_non_null(strstr(ask(mem, &s), REFUSED("501")));
	s.facts.services = &s.services[3]; /* CalDAV has no place in POX */
	s.facts.n_services = 1;
	assert_non_null(strstr(ask(mem, &s), REFUSED("501")));
	arena_free(mem);
}

/* Whoever asks by the name of a setting is told of what is reached by URL as well. */
static void
test_mail_in_soap(void **state)
{
	struct arena *mem = arena_new(256 * 1024);
	const char *got;
	struct sample s;

	(void)state;
	sample_init_mail(&s);
	s.services[3].type = SERVICE_EWS;
	s.services[4] = s.services[3];
	s.services[4].type = SERVICE_WEBMAIL;
	s.services[4].url = "https://www/mail/";
	s.facts.n_services = 5;
	assert_null(strstr(ask(mem, &s), "dav.contoso.com"));

	s.question.language = LANGUAGE_SOAP;
	got = ask(mem, &s);
	assert_non_null(strstr(got, "User autodiscover_smtp_address=nora@contoso.com\n"));
	assert_non_null(strstr(got, " microsoft_online=off\n"));
	assert_non_null(
	    strstr(got, "\nEXCH ews_url=https://dav.contoso.com/EWS/Exchange.asmx\nEXPR "
			"ews_url=https://dav.contoso.com/EWS/Exchange.asmx\n"));
	assert_non_null(strstr(
	    got, "\nWEB internal{https://www/mail/[-] - -} external{https://www/mail/[-] - -}\n"));

	/* A password is not sent in the clear. */
	s.services[3].url = "http://dav.contoso.com/EWS/Exchange.asmx";
	assert_null(strstr(ask(mem, &s), "EXCH"));
	arena_free(mem);
}

/* ---- parts ---- */

static void
test_refusal(void **state)
{
	struct resolve_context context = { .now_ms = INT64_C(1795250100123),
		.server_name = "CAS01" };
	struct arena *mem = arena_new(4096);
	struct answer a, b;

	(void)state;
	assert_int_equal(resolve_refusal(mem, &context, REFUSAL_SERVER_ERROR, "why", &a), USHER_OK);
	assert_int_equal(a.kind, ANSWER_REFUSAL);
	assert_int_equal(a.refusal.code, 603);
	assert_string_equal(a.refusal.message, "Server Error");
	assert_string_equal(a.refusal.debug, "why");
	assert_string_equal(a.refusal.time, "08:35:00.1230000");
	context.server_name = "cas01";
	assert_int_equal(
	    resolve_refusal(mem, &context, REFUSAL_BROKEN_CONFIGURATION, NULL, &b), USHER_OK);
	assert_string_equal(a.refusal.id, b.refusal.id);
	assert_string_equal(b.refusal.message, "Bad Address");
	context.server_name = NULL;
	context.now_ms = -1;
	assert_int_equal(resolve_refusal(mem, &context, REFUSAL_NOT_FOUND, NULL, &b), USHER_OK);
	assert_string_not_equal(a.refusal.id, b.refusal.id);
	assert_string_equal(b.refusal.time, "23:59:59.9990000");
	arena_free(mem);
}

static const char *
login(struct arena *mem, const char *template, const struct domain *domain, const char *address,
    const struct mailbox *mailbox)
{
	const struct mail_service service = { .user_name = template };

	return resolve_login(mem, domain, &service, address, mailbox);
}

static void
test_login_names(void **state)
{
	static const struct {
		const char *template, *address;
		bool known; /* the mailbox nora@contoso.com, or nobody's */
		const char *want;
	} rows[] = {
		{ "%a", "nora.l@contoso.com", false, "nora.l@contoso.com" },
		{ "%u", "nora.l@contoso.com", false, "nora.l" },
		{ "CORP\\%u", "nora.l@contoso.com", false, "CORP\\nora.l" },
		{ "%u%%%d", "nora.l@contoso.com", false, "nora.l%contoso.com" },
		{ "%x%", "nora.l@contoso.com", false, "%x%" },
		{ "plain", "nora.l@contoso.com", false, "plain" },
		{ NULL, "nora.l@contoso.com", false, "nora.l@contoso.com" },
		/* a detail is no part of a login */
		{ NULL, "nora.l+news@contoso.com", false, "nora.l@contoso.com" },
		{ "%u", "nora.l+news+more@contoso.com", false, "nora.l" },
		{ "%a", "+nora@contoso.com", false, "+nora@contoso.com" },
		{ "%a", "\"a+b\"@contoso.com", false, "\"a+b\"@contoso.com" },
		/* one mailbox has one login, whatever address it was asked by */
		{ "%a", "office@contoso.net", true, "nora@contoso.com" },
		{ "CORP\\%u", "office+x@contoso.net", true, "CORP\\nora" },
		{ NULL, "office@contoso.net", true, "nlang" },
		/* what only the mailbox knows */
		{ "%{login_name}", "office@contoso.net", true, "nlang" },
		{ "CORP\\%{login_name}/%{database}", "nora@contoso.com", true, "CORP\\nlang/DB1" },
		{ "%{login_name}", "nora+x@contoso.com", false, "nora@contoso.com" },
		{ "x%{guid}", "nora@contoso.com", true, "nora@contoso.com" },
		{ "%{nothing}", "nora@contoso.com", true, "nora@contoso.com" },
		{ "%{login_name", "nora@contoso.com", true, "nlang" },
	};
	struct arena *mem = arena_new(256 * 1024);
	char longest[FIELD_TEXT_BYTES + 1];
	struct mailbox nora = {
		.address = "nora@contoso.com", .login_name = "nlang", .database = "DB1"
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *got = login(
		    mem, rows[i].template, NULL, rows[i].address, rows[i].known ? &nora : NULL);

		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s for %s: %s", rows[i].template, rows[i].address, got);
	}
	for (size_t i = 0; i < FIELD_TEXT_BYTES; i += 2)
		memcpy(longest + i, "%a", 2);
	longest[FIELD_TEXT_BYTES] = '\0';
	assert_int_equal(strlen(login(mem, longest, NULL, "nora@contoso.com", NULL)),
	    FIELD_TEXT_BYTES / 2 * strlen("nora@contoso.com"));
	arena_free(mem);
}

static void
test_separators(void **state)
{
	static const struct {
		const char *separators, *address, *want;
	} rows[] = {
		{ NULL, "ann+news@d.example", "ann" },
		{ NULL, "ann-news@d.example", "ann-news" },
		{ "-", "ann-news@d.example", "ann" },
		{ "-", "ann+news@d.example", "ann+news" },
		{ "+-", "ann-a+b@d.example", "ann" },
		{ "none", "ann+news@d.example", "ann+news" },
	};
	struct arena *mem = arena_new(64 * 1024);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct domain d = { .separators = rows[i].separators };

		assert_string_equal(login(mem, "%u", &d, rows[i].address, NULL), rows[i].want);
	}
	arena_free(mem);
}

static void
test_redirect_rules(void **state)
{
	static const struct redirect redirects[] = {
		{ "contoso.com", "*-ext", 1, "*@ext.example", NULL, NULL },
		{ "contoso.com", "nora-*", 2, NULL, NULL, NULL },
		{ "contoso.com", "n*-old", 3, NULL, "old.example", NULL },
		{ "contoso.com", "www", 4, NULL, NULL, "https://www.example/autodiscover.xml" },
		{ "contoso.com", "list-?", 5, "lists@lists.example", NULL, NULL },
	};
	static const struct {
		const char *local, *want; /* NULL: it is answered here */
	} rows[] = {
		{ "ann-ext", "ann@ext.example" },
		{ "ANN-EXT", "ANN@ext.example" },
		{ "ann-ext+news", "ann@ext.example" },
		{ "nora-ext", "nora@ext.example" }, /* the first that fits */
		{ "nora-old", NULL },		    /* stays, says an earlier one */
		{ "nina-old", "nina-old@old.example" },
		{ "nina-old+x", "nina-old+x@old.example" },
		{ "www", "https://www.example/autodiscover.xml" },
		{ "list-1", "lists@lists.example" },
		{ "list-10", NULL },
		{ "list-", NULL },
		{ "ann-exterior", NULL },
	};
	struct arena *mem = arena_new(64 * 1024);
	struct domain d = { .domain = "contoso.com", .kind = DOMAIN_MAIL };
	struct facts facts = {
		.domain = &d, .redirects = redirects, .n_redirects = COUNT_OF(redirects)
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct answer a;

		assert_int_equal(resolve_redirect(mem, &facts, rows[i].local, &a), 0);
		if ((a.redirect == NULL) != (rows[i].want == NULL) ||
		    (a.redirect != NULL && strcmp(a.redirect, rows[i].want) != 0))
			fail_msg("%s: %s", rows[i].local, a.redirect);
	}
	assert_int_equal(
	    resolve_redirect(mem, &facts, "-ext", &(struct answer){ 0 }), REFUSAL_NOT_FOUND);
	assert_int_equal(
	    resolve_redirect(mem, &facts, "a.-ext", &(struct answer){ 0 }), REFUSAL_NOT_FOUND);
	/* What no rule speaks of goes where the domain goes. */
	d.kind = DOMAIN_REDIRECT_ADDRESS;
	d.redirect_domain = "new.example";
	for (size_t i = 0; i < 2; i++) {
		struct answer a;

		assert_int_equal(resolve_redirect(mem, &facts, i == 0 ? "ola" : "nora-x", &a), 0);
		if (i == 0)
			assert_string_equal(a.redirect, "ola@new.example");
		else
			assert_int_equal(a.kind, ANSWER_SETTINGS);
	}
	arena_free(mem);
}

static void
test_server_version(void **state)
{
	/* pox.md 8 */
	static const char *const rows[][2] = {
		{ "8.1.240", "720180F0" },
		{ "8.3.83", "72038053" },
		{ "14.1.218", "738180DA" },
		{ "14.3.123", "7383807B" },
		{ "15.0.516", "73C08204" },
		{ "15.0.847", "73C0834F" },
		{ "15.1.2507", "73C189CB" },
		{ "15.1.2507.35", "73C189CB" },
		{ "15.20.8048", "73D49F70" },
	};
	char out[9];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		assert_string_equal(resolve_server_version(rows[i][0], out), rows[i][1]);
	assert_null(resolve_server_version("15", out));
	assert_null(resolve_server_version(NULL, out));
}

static void
test_out_of_memory(void **state)
{
	struct usher_error err = { 0 };
	struct answer a = { .redirect = "untouched" };
	struct arena *kept = arena_new(64 * 1024);
	struct sample s;
	bool done = false;

	(void)state;
	sample_init(&s);
	sample_ready(kept, &s);
	s.question.client.exhttp = true;
	for (size_t bytes = 0; bytes < 64 * 1024 && !done; bytes += 64) {
		struct arena *mem = arena_new(bytes);
		usher_status st = resolve_answer(mem, &s.question, &s.facts, &s.context, &a, &err);

		done = st == USHER_OK;
		if (!done) {
			assert_int_equal(st, USHER_E_NOMEM);
			assert_string_equal(a.redirect, "untouched");
		}
		arena_free(mem);
	}
	assert_true(done);
	arena_free(kept);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchange_2016),
		cmocka_unit_test(test_mapi_http_in_place_of_exch_and_expr),
		cmocka_unit_test(test_exchange_2007),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_visibility),
		cmocka_unit_test(test_anonymous),
		cmocka_unit_test(test_mail),
		cmocka_unit_test(test_mail_services),
		cmocka_unit_test(test_mail_in_soap),
		cmocka_unit_test(test_refusal),
		cmocka_unit_test(test_login_names),
		cmocka_unit_test(test_separators),
		cmocka_unit_test(test_redirect_rules),
		cmocka_unit_test(test_server_version),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
