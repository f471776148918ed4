/* test_soap.c - SOAP Autodiscover: whole messages byte by byte, which request gets which fault,
 * what is read leniently in an answer, and every name of a setting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "reader.h"
#include "wire/soap.h"
#include "wire/soap_rows.h"

enum { ARENA_BYTES = 4 * 1024 * 1024, MESSAGE_BYTES = 1024 * 1024 };

static void
load(const char *name, struct buf *b)
{
	char path[4096];
	FILE *f;
	char *to;

	(void)snprintf(path, sizeof(path), "%s/soap/%s.xml", getenv("SAMPLES"), name);
	f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("%s cannot be opened", path);
	buf_init(b, MESSAGE_BYTES);
	to = buf_reserve(b, MESSAGE_BYTES);
	assert_non_null(to);
	buf_used(b, fread(to, 1, MESSAGE_BYTES, f));
	(void)fclose(f);
}

static void
assert_file(const struct buf *got, const char *name)
{
	struct buf wanted;

	load(name, &wanted);
	if (strcmp(buf_cstr(got), buf_cstr(&wanted)) != 0)
		fail_msg("%s: %s", name, buf_cstr(got));
	buf_clear(&wanted);
}

/* ---- whole messages ---- */

static const char *const users[] = { "ines@harbour.example", "o&t@harbour.example",
	"<x>@harbour.example" };
static const char *const settings[] = { "UserDisplayName", "ExternalEwsUrl",
	"ExternalMailboxServerRequiresSSL", "ExternalServerExclusiveConnect", "ExternalEcpPhotoUrl",
	"EcpPhotoUrlFragment", "ExternalWebClientUrls", "ExternalImap4Connections",
	"AlternateMailboxes", "PublicFolderServer", "DocumentSharingLocations", "FavouriteColour" };
static const struct soap_request question = {
	.operation = SOAP_GET_USER_SETTINGS,
	.subjects = { users, COUNT_OF(users) },
	.settings = { settings, COUNT_OF(settings) },
	.message_id = "urn:uuid:6d1c3b53-3a60-4a26-a4b5-9a4a7f0c55d1",
	.to = "https://autodiscover.harbour.example/autodiscover/autodiscover.svc",
};

static void
test_question(void **state)
{
	struct arena *mem = arena_new(ARENA_BYTES);
	struct buf b = { .max = MESSAGE_BYTES };
	struct soap_request got;
	enum soap_fault fault;

	soap_write_request(&b, &question);
	assert_file(&b, "question");
	assert_int_equal(
	    soap_read_request(*state, mem, buf_as_slice(&b), &got, &fault, NULL), USHER_OK);
	assert_null(got.invalid);
	assert_int_equal(got.operation, SOAP_GET_USER_SETTINGS);
	assert_string_equal(got.message_id, question.message_id);
	assert_string_equal(got.to, question.to);
	assert_string_equal(got.server_version, "Exchange2013_SP1");
	assert_int_equal(got.subjects.n, COUNT_OF(users));
	for (size_t i = 0; i < COUNT_OF(users); i++)
		assert_string_equal(got.subjects.v[i], users[i]);
	assert_int_equal(got.settings.n, COUNT_OF(settings));
	for (size_t i = 0; i < COUNT_OF(settings); i++)
		assert_string_equal(got.settings.v[i], settings[i]);
	buf_clear(&b);
	arena_free(mem);
}

static void
make_ines(struct answer *a, struct answer_protocol p[4])
{
	static const struct answer_alternative_mailbox office = { .type = "Delegate",
		.display_name = "Office",
		.smtp_address = "office@harbour.example",
		.owner_smtp_address = "office@harbour.example" };
	static const struct answer_owa_url owa = { "https://mail.harbour.example/owa/",
		"Basic, Fba" };

	answer_init(a, ANSWER_SETTINGS);
	a->user.display_name = "Ines Duarte";
	a->alternative_mailboxes = &office;
	a->n_alternative_mailboxes = 1;
	answer_protocol_init(&p[0], PROTOCOL_EXPR);
	p[0].server = "mail.harbour.example";
	p[0].as_url = "https://mail.harbour.example/EWS/Exchange.asmx"; /* no EwsUrl: 2007 */
	p[0].ssl = TRI_ON;
	p[0].server_exclusive_connect = TRI_OFF;
	p[0].ecp_url = "https://mail.harbour.example/ecp/";
	p[0].ecp_url_photo = "?p=photo&id=<Id>";
	answer_protocol_init(&p[1], PROTOCOL_WEB);
	p[1].external.owa = &owa;
	p[1].external.n_owa = 1;
	answer_protocol_init(&p[2], PROTOCOL_IMAP);
	p[2].server = "imap.harbour.example";
	p[2].port = 993;
	p[2].ssl = TRI_ON;
	answer_protocol_init(&p[3], PROTOCOL_IMAP);
	p[3].server = "imap.harbour.example";
	p[3].port = 143;
	p[3].encryption = "TLS";
	a->protocols = p;
	a->n_protocols = 4;
}

static void
write_answers(struct buf *out, const struct soap_request *request, const char *version,
    const struct answer *answers, size_t n)
{
	struct soap_response response;

	buf_reset(out);
	soap_response_begin(&response, out, request, version);
	for (size_t i = 0; i < n; i++)
		soap_response_answer(&response, &answers[i]);
	soap_response_end(&response);
}

/* One is found, one has moved, one is not known; and what was asked for and is not there. */
static void
test_answer(void **state)
{
	struct buf b = { .max = MESSAGE_BYTES };
	struct answer_protocol p[4];
	struct answer answers[3];

	(void)state;
	make_ines(&answers[0], p);
	answer_init(&answers[1], ANSWER_REDIRECT_ADDRESS);
	answers[1].redirect = "o&t@inland.example";
	answer_init(&answers[2], ANSWER_REFUSAL);
	answers[2].refusal.code = REFUSAL_NOT_FOUND;
	answers[2].refusal.message = "The e-mail address cannot be found.";
	write_answers(&b, &question, "15.1.2507.6", answers, COUNT_OF(answers));
	assert_file(&b, "answer");

	/* Whom the caller may not see is told the same. */
	answers[2].refusal.code = REFUSAL_NO_OPTIONS;
	answers[2].refusal.message = "Bad Address";
	write_answers(&b, &question, "15.1.2507.6", answers, COUNT_OF(answers));
	assert_file(&b, "answer");
	buf_clear(&b);
}

static void
test_read_answer(void **state)
{
	struct arena *mem = arena_new(ARENA_BYTES);
	struct buf b;
	struct answer a;

	load("answer", &b);
	assert_int_equal(soap_read_response(*state, mem, buf_as_slice(&b), &a, NULL), USHER_OK);
	assert_int_equal(a.kind, ANSWER_SETTINGS);
	assert_string_equal(a.user.display_name, "Ines Duarte");
	assert_int_equal(a.n_protocols, 4);
	assert_int_equal(a.protocols[0].kind, PROTOCOL_EXPR);
	assert_string_equal(
	    a.protocols[0].ews_url, "https://mail.harbour.example/EWS/Exchange.asmx");
	assert_int_equal(a.protocols[0].ssl, TRI_ON);
	assert_int_equal(a.protocols[0].server_exclusive_connect, TRI_OFF);
	assert_string_equal(a.protocols[0].ecp_url_photo, "?p=photo&id=<Id>");
	assert_int_equal(a.protocols[1].kind, PROTOCOL_WEB);
	assert_string_equal(a.protocols[1].external.owa[0].authentication_method, "Basic, Fba");
	assert_int_equal(a.protocols[2].port, 993);
	assert_string_equal(a.protocols[3].encryption, "TLS");
	assert_int_equal(a.n_alternative_mailboxes, 1);
	assert_string_equal(a.alternative_mailboxes[0].smtp_address, "office@harbour.example");
	assert_int_equal(a.n_setting_errors, 3);
	assert_string_equal(a.setting_errors[2].setting, "FavouriteColour");
	assert_string_equal(a.setting_errors[2].name, "InvalidSetting");
	buf_clear(&b);
	arena_free(mem);
}

static void
test_domains(void **state)
{
	static const char *const domains[] = { "harbour.example", "elsewhere.example" };
	static const char *const wanted[] = { "ExternalEwsUrl", "ExternalEwsVersion",
		"UserDisplayName" };
	const struct soap_request request = { .operation = SOAP_GET_DOMAIN_SETTINGS,
		.subjects = { domains, COUNT_OF(domains) },
		.settings = { wanted, COUNT_OF(wanted) } };
	struct arena *mem = arena_new(ARENA_BYTES);
	struct buf b = { .max = MESSAGE_BYTES };
	struct answer_protocol p[4];
	struct answer answers[2], got;

	make_ines(&answers[0], p);
	answer_init(&answers[1], ANSWER_REFUSAL);
	answers[1].refusal.code = REFUSAL_NOT_FOUND;
	write_answers(&b, &request, NULL, answers, COUNT_OF(answers));
	assert_file(&b, "domains");
	assert_int_equal(soap_read_response(*state, mem, buf_as_slice(&b), &got, NULL), USHER_OK);
	assert_int_equal(got.n_protocols, 1);
	assert_string_equal(got.protocols[0].ews_url, p[0].as_url);
	buf_clear(&b);
	arena_free(mem);
}

static void
test_refused(void **state)
{
	const struct soap_request request = { .operation = SOAP_GET_FEDERATION_INFORMATION };
	struct arena *mem = arena_new(ARENA_BYTES);
	struct buf b = { .max = MESSAGE_BYTES };
	struct answer got;

	soap_write_refusal(
	    &b, &request, NULL, "NotFederated", "The organization has no federation trust.");
	assert_file(&b, "refused");
	assert_int_equal(soap_read_response(*state, mem, buf_as_slice(&b), &got, NULL), USHER_OK);
	assert_int_equal(got.kind, ANSWER_REFUSAL);
	assert_string_equal(got.refusal.name, "NotFederated");
	assert_int_equal(got.refusal.code, REFUSAL_NO_OPTIONS);
	buf_clear(&b);
	arena_free(mem);
}

static void
test_fault(void **state)
{
	struct arena *mem = arena_new(ARENA_BYTES);
	struct buf b = { .max = MESSAGE_BYTES };
	struct answer got;

	soap_write_fault(&b, SOAP_FAULT_CLIENT, "The request body is not well-formed XML.");
	assert_file(&b, "fault");
	assert_int_equal(soap_read_response(*state, mem, buf_as_slice(&b), &got, NULL), USHER_OK);
	assert_int_equal(got.kind, ANSWER_REFUSAL);
	assert_string_equal(got.refusal.name, "Client");
	assert_string_equal(got.refusal.message, "The request body is not well-formed XML.");
	assert_int_equal(got.refusal.code, REFUSAL_SERVER_ERROR);
	buf_clear(&b);
	arena_free(mem);
}

/* ---- questions that are wrong ---- */

#define ENVELOPE(header, body) \
	"<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/' " \
	"xmlns:a='http://schemas.microsoft.com/exchange/2010/Autodiscover'>" header \
	"<s:Body>" body "</s:Body></s:Envelope>"
#define HEADER(blocks) "<s:Header>" blocks "</s:Header>"
#define MESSAGE(operation, request) \
	"<a:" operation "RequestMessage><a:Request>" request "</a:Request></a:" operation \
	"RequestMessage>"
#define USERS "<a:Users><a:User><a:Mailbox>a@b.example</a:Mailbox></a:User></a:Users>"
#define SETTINGS "<a:RequestedSettings><a:Setting>CasVersion</a:Setting></a:RequestedSettings>"
#define ASK MESSAGE("GetUserSettings", USERS SETTINGS)
#define ACTION(action) "<w:Action>" action "</w:Action>"
#define GET "http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings"

static const struct {
	const char *label;
	const char *message;
	enum soap_fault fault;
	const char *text; /* NULL: it is read */
} requests[] = {
	{ "no header", ENVELOPE("", ASK), 0, NULL },
	{ "empty header", ENVELOPE("<s:Header/>", ASK), 0, NULL },
	{ "the right action", ENVELOPE(HEADER(ACTION(GET)), ASK), 0, NULL },
	{ "an action with https",
	    ENVELOPE(HEADER(ACTION("https"
				   "://x/GetUserSettings")),
		ASK),
	    0, NULL },
	{ "messages with https and no prefix",
	    "<Envelope xmlns='http://schemas.xmlsoap.org/soap/envelope/'><Body>"
	    "<GetUserSettingsRequestMessage "
	    "xmlns='https://schemas.microsoft.com/exchange/2010/Autodiscover'><Request>"
	    "<Users><User><Mailbox>a@b.example</Mailbox></User></Users>"
	    "<RequestedSettings><Setting>X</Setting></RequestedSettings></Request>"
	    "</GetUserSettingsRequestMessage></Body></Envelope>",
	    0, NULL },
	{ "blocks that must be understood and are",
	    ENVELOPE(HEADER("<w:To s:mustUnderstand='1'>x</w:To><w:MessageID s:mustUnderstand='1'>y"
			    "</w:MessageID><a:RequestedServerVersion s:mustUnderstand='1'>"
			    "Exchange2016</a:RequestedServerVersion>"),
		ASK),
	    0, NULL },
	{ "an unknown block", ENVELOPE(HEADER("<x:Tea/>"), ASK), 0, NULL },
	{ "an unknown block that need not be understood",
	    ENVELOPE(HEADER("<x:Tea s:mustUnderstand='0'/>"), ASK), 0, NULL },
	{ "an unknown block that must be understood",
	    ENVELOPE(HEADER("<x:Tea s:mustUnderstand='1'/>"), ASK), SOAP_FAULT_MUST_UNDERSTAND,
	    "The header block Tea is not understood." },
	{ "WS-Security", ENVELOPE(HEADER("<o:Security s:mustUnderstand='true'/>"), ASK),
	    SOAP_FAULT_MUST_UNDERSTAND, "The header block Security is not understood." },
	{ "another action",
	    ENVELOPE(HEADER(ACTION("http"
				   "://x/GetDomainSettings")),
		ASK),
	    SOAP_FAULT_CLIENT, "The Action contradicts the body, which asks for GetUserSettings." },
	{ "an unknown operation", ENVELOPE("", MESSAGE("MakeTea", "")), SOAP_FAULT_CLIENT,
	    "The operation MakeTeaRequestMessage is not known." },
	{ "an answer", ENVELOPE("", "<a:GetUserSettingsResponseMessage/>"), SOAP_FAULT_CLIENT,
	    "The operation GetUserSettingsResponseMessage is not known." },
	{ "an empty body", ENVELOPE("", ""), SOAP_FAULT_CLIENT, "The envelope has no body." },
	{ "SOAP 1.2",
	    "<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope'><e:Body>" ASK
	    "</e:Body></e:Envelope>",
	    SOAP_FAULT_VERSION_MISMATCH, "Only SOAP 1.1 is spoken here, not SOAP 1.2." },
	{ "no version", "<Envelope><Body>" ASK "</Body></Envelope>", SOAP_FAULT_VERSION_MISMATCH,
	    "Only SOAP 1.1 is spoken here." },
	{ "POX", "<Autodiscover><Request/></Autodiscover>", SOAP_FAULT_CLIENT,
	    "The request is no SOAP envelope." },
	{ "nothing", "", SOAP_FAULT_CLIENT, "The request body is not well-formed XML." },
	{ "cut off", "<s:Envelope>", SOAP_FAULT_CLIENT,
	    "The request body is not well-formed XML." },
	{ "a document type", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", SOAP_FAULT_CLIENT,
	    "The request body is not well-formed XML." },
	{ "MTOM",
	    "--uuid:1\r\nContent-Type: application/xop+xml\r\n\r\n" ENVELOPE(
		"", ASK) "\r\n--uuid:1--",
	    SOAP_FAULT_CLIENT, "The request body is not well-formed XML." },
};

static void
test_requests(void **state)
{
	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		struct arena *mem = arena_new(ARENA_BYTES);
		enum soap_fault fault = SOAP_FAULT_SERVER;
		struct usher_error err = { 0 };
		struct soap_request got;
		usher_status st = soap_read_request(
		    *state, mem, slice_of(requests[i].message), &got, &fault, &err);

		if (requests[i].text == NULL) {
			if (st != USHER_OK || got.invalid != NULL || got.subjects.n != 1 ||
			    strcmp(got.subjects.v[0], "a@b.example") != 0)
				fail_msg("%s: %s", requests[i].label, err.message);
		} else if (st != USHER_E_INPUT || fault != requests[i].fault ||
			   strcmp(err.message, requests[i].text) != 0) {
			fail_msg("%s: fault %d, %s", requests[i].label, fault, err.message);
		}
		arena_free(mem);
	}
}

/* Readable, but nobody can be answered. */
static const struct {
	const char *label, *message, *invalid;
} invalids[] = {
	{ "no request", "<a:GetUserSettingsRequestMessage/>", "No user is named." },
	{ "no users", MESSAGE("GetUserSettings", SETTINGS), "No user is named." },
	{ "an empty list of users", MESSAGE("GetUserSettings", "<a:Users/>" SETTINGS),
	    "No user is named." },
	{ "no settings", MESSAGE("GetUserSettings", USERS), "No setting is asked for." },
	{ "no domains", MESSAGE("GetDomainSettings", SETTINGS), "No domain is named." },
	{ "no domain of a federation", MESSAGE("GetFederationInformation", ""),
	    "No domain is named." },
	{ "federation", MESSAGE("GetFederationInformation", "<a:Domain>b.example</a:Domain>"),
	    NULL },
	{ "relationships",
	    MESSAGE("GetOrganizationRelationshipSettings",
		"<a:Domains><a:Domain>b.example</a:Domain></a:Domains>"),
	    NULL },
	{ "an empty user", MESSAGE("GetUserSettings", "<a:Users><a:User/></a:Users>" SETTINGS),
	    NULL },
};

static void
test_invalids(void **state)
{
	for (size_t i = 0; i < COUNT_OF(invalids); i++) {
		struct arena *mem = arena_new(ARENA_BYTES);
		struct buf b = { .max = MESSAGE_BYTES };
		struct soap_request got;
		enum soap_fault fault;

		buf_text(
		    &b, "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>");
		buf_text(&b, invalids[i].message);
		buf_text(&b, "</s:Body></s:Envelope>");
		assert_int_equal(
		    soap_read_request(*state, mem, buf_as_slice(&b), &got, &fault, NULL), USHER_OK);
		if ((got.invalid == NULL) != (invalids[i].invalid == NULL) ||
		    (got.invalid != NULL && strcmp(got.invalid, invalids[i].invalid) != 0))
			fail_msg("%s: %s", invalids[i].label, got.invalid);
		buf_clear(&b);
		arena_free(mem);
	}
}

static void
ask_for(struct buf *b, size_t n_users, size_t n_settings, const char *setting)
{
	buf_reset(b);
	buf_text(b, "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>"
		    "<GetUserSettingsRequestMessage><Request><Users>");
	for (size_t i = 0; i < n_users; i++)
		buf_text(b, "<User><Mailbox>a@b.example</Mailbox></User>");
	buf_text(b, "</Users><RequestedSettings>");
	for (size_t i = 0; i < n_settings; i++)
		buf_printf(b, "<Setting>%s</Setting>", setting);
	buf_text(b, "</RequestedSettings></Request></GetUserSettingsRequestMessage></s:Body>"
		    "</s:Envelope>");
}

static void
test_many(void **state)
{
	struct arena *mem = arena_new(ARENA_BYTES);
	struct buf b = { .max = MESSAGE_BYTES };
	struct usher_error err = { 0 };
	struct soap_request got;
	enum soap_fault fault;

	ask_for(&b, SOAP_USERS_MAX, SOAP_SETTINGS_MAX, "CasVersion");
	assert_int_equal(
	    soap_read_request(*state, mem, buf_as_slice(&b), &got, &fault, NULL), USHER_OK);
	assert_null(got.invalid);
	assert_int_equal(got.subjects.n, SOAP_USERS_MAX); /* users as often as they are named */
	assert_int_equal(got.settings.n, 1);		  /* settings once */

	ask_for(&b, SOAP_USERS_MAX + 1, 1, "CasVersion");
	assert_int_equal(
	    soap_read_request(*state, mem, buf_as_slice(&b), &got, &fault, NULL), USHER_OK);
	assert_string_equal(got.invalid, "Number of users exceeds the limit of 100.");

	ask_for(&b, 1, SOAP_SETTINGS_MAX + 1, "CasVersion");
	assert_int_equal(
	    soap_read_request(*state, mem, buf_as_slice(&b), &got, &fault, NULL), USHER_OK);
	assert_string_equal(got.invalid, "Number of settings exceeds the limit of 500.");

	ask_for(&b, 4000, 1, "CasVersion");
	assert_int_equal(
	    soap_read_request(*state, mem, buf_as_slice(&b), &got, &fault, &err), USHER_E_INPUT);
	assert_string_equal(err.message, "The request is too large.");
	buf_clear(&b);
	arena_free(mem);
}

/* ---- answers of others ---- */

#define ANSWERED(user) \
	ENVELOPE("<s:Header/>", "<GetUserSettingsResponseMessage><Response>" \
				"<ErrorCode>NoError</ErrorCode><UserResponses>" user \
				"</UserResponses></Response></GetUserSettingsResponseMessage>")
#define USER(rest) "<UserResponse><ErrorCode>NoError</ErrorCode>" rest "</UserResponse>"
#define VALUE(name, value) \
	"<UserSetting i:type='a:StringSetting'><Name>" name "</Name><Value>" value \
	"</Value></UserSetting>"

static void
read_one(void **state, struct arena *mem, const char *message, struct answer *out)
{
	struct usher_error err = { 0 };

	if (soap_read_response(*state, mem, slice_of(message), out, &err) != USHER_OK)
		fail_msg("%s: %s", message, err.message);
}

static void
test_lenient(void **state)
{
	struct arena *mem = arena_new(ARENA_BYTES);
	struct answer a;

	/* Exchange 2010's client access array is what RPC connects to. */
	read_one(state, mem,
	    ANSWERED(USER("<UserSettings>" VALUE("InternalMailboxServer", "mbx1.b.example")
		    VALUE("InternalRpcClientServer", "array.b.example")
			VALUE("CasVersion", "14.03.0123.003") "</UserSettings>")),
	    &a);
	assert_int_equal(a.n_protocols, 1);
	assert_string_equal(a.protocols[0].server, "array.b.example");
	assert_string_equal(a.cas_version, "14.03.0123.003");

	/* Pages by their whole URLs alone. */
	read_one(state, mem,
	    ANSWERED(USER("<UserSettings>" VALUE("ExternalEcpTeamMailboxHidingUrl",
		"https://e/ecp/?h") VALUE("ExternalEcpVoicemailUrl", "https://elsewhere/")
		    VALUE("ExternalEcpUrl", "https://e/ecp/") "</UserSettings>")),
	    &a);
	assert_string_equal(a.protocols[0].ecp_url_tm_hiding, "?h");
	assert_null(a.protocols[0].ecp_url_um);

	/* Inside and outside the same: told once. */
	read_one(state, mem,
	    ANSWERED(USER(
		"<UserSettings><UserSetting><Name>InternalSmtpConnections</Name>"
		"<ProtocolConnections><ProtocolConnection><Hostname>m</Hostname><Port>587</Port>"
		"<EncryptionMethod>TLS</EncryptionMethod></ProtocolConnection><ProtocolConnection>"
		"<Hostname>i</Hostname><Port>25</Port></ProtocolConnection></ProtocolConnections>"
		"</UserSetting><UserSetting><Name>ExternalSmtpConnections</Name>"
		"<ProtocolConnections><ProtocolConnection><Hostname>m</Hostname><Port>587</Port>"
		"<EncryptionMethod>TLS</EncryptionMethod></ProtocolConnection>"
		"</ProtocolConnections></UserSetting></UserSettings>")),
	    &a);
	assert_int_equal(a.n_protocols, 2);
	assert_string_equal(a.protocols[0].server, "m");
	assert_string_equal(a.protocols[1].server, "i");

	/* Switches in any spelling, empty collections, unknown and repeated settings. */
	read_one(state, mem,
	    ANSWERED(USER("<UserSettings>" VALUE("UserMSOnline", "1")
		    VALUE("ExternalMailboxServerRequiresSSL", "on")
			VALUE("ExternalEwsUrl", "https://a/") VALUE("ExternalEwsUrl", "https://b/")
			    VALUE("Colour", "red") "<UserSetting><Name>ExternalWebClientUrls</"
						   "Name><WebClientUrls/></UserSetting>"
						   "<UserSetting/></UserSettings>")),
	    &a);
	assert_int_equal(a.microsoft_online, TRI_ON);
	assert_int_equal(a.protocols[0].ssl, TRI_ON);
	assert_string_equal(a.protocols[0].ews_url, "https://a/");
	assert_int_equal(a.n_protocols, 1);
	assert_int_equal(a.findings.n, 1);
	assert_string_equal(a.findings.v[0], "the setting Colour is not read");
	arena_free(mem);
}

static const struct {
	const char *label, *message, *name;
	int64_t code;
} told[] = {
	{ "a busy server",
	    ENVELOPE("",
		"<GetUserSettingsResponseMessage><Response><ErrorCode>ServerBusy</ErrorCode>"
		"</Response></GetUserSettingsResponseMessage>"),
	    "ServerBusy", REFUSAL_SERVER_ERROR },
	{ "an unknown user",
	    ANSWERED("<UserResponse><ErrorCode>InvalidUser</ErrorCode></UserResponse>"),
	    "InvalidUser", REFUSAL_NOT_FOUND },
	{ "an invented code",
	    ANSWERED("<UserResponse><ErrorCode>TooPurple</ErrorCode></UserResponse>"), "TooPurple",
	    REFUSAL_SERVER_ERROR },
	{ "a fault of SOAP 1.2",
	    "<e:Envelope "
	    "xmlns:e='http://www.w3.org/2003/05/soap-envelope'><e:Body><e:Fault><e:Code>"
	    "<e:Value>e:Sender</e:Value></e:Code><e:Reason><e:Text>no</e:Text></e:Reason></e:Fault>"
	    "</e:Body></e:Envelope>",
	    "Sender", REFUSAL_SERVER_ERROR },
	{ "a fault without a word", ENVELOPE("", "<s:Fault/>"), "Fault", REFUSAL_SERVER_ERROR },
};

static void
test_told(void **state)
{
	for (size_t i = 0; i < COUNT_OF(told); i++) {
		struct arena *mem = arena_new(ARENA_BYTES);
		struct answer a;

		read_one(state, mem, told[i].message, &a);
		if (a.kind != ANSWER_REFUSAL || strcmp(a.refusal.name, told[i].name) != 0 ||
		    a.refusal.code != told[i].code)
			fail_msg("%s: %s, %d", told[i].label, a.refusal.name, (int)a.refusal.code);
		arena_free(mem);
	}
}

static const char *const useless[] = {
	ANSWERED(""),
	ENVELOPE("", "<GetUserSettingsResponseMessage/>"),
	ENVELOPE(
	    "", "<GetUserSettingsResponseMessage><Response/></GetUserSettingsResponseMessage>"),
	ENVELOPE("", ASK),
	ANSWERED("<UserResponse><ErrorCode>RedirectUrl</ErrorCode><RedirectTarget i:nil='true'/>"
		 "</UserResponse>"),
};

static void
test_useless(void **state)
{
	for (size_t i = 0; i < COUNT_OF(useless); i++) {
		struct arena *mem = arena_new(ARENA_BYTES);
		struct answer a;

		if (soap_read_response(*state, mem, slice_of(useless[i]), &a, NULL) != USHER_E_PEER)
			fail_msg("taken: %s", useless[i]);
		arena_free(mem);
	}
}

/* ---- names ---- */

/* As Microsoft's client library numbers them, 97 being nobody's, and two that it lacks. */
static const char *const names[] = { "UserDisplayName", "UserDN", "UserDeploymentId",
	"InternalMailboxServer", "InternalRpcClientServer", "InternalMailboxServerDN",
	"InternalEcpUrl", "InternalEcpVoicemailUrl", "InternalEcpEmailSubscriptionsUrl",
	"InternalEcpTextMessagingUrl", "InternalEcpDeliveryReportUrl",
	"InternalEcpRetentionPolicyTagsUrl", "InternalEcpPublishingUrl", "InternalEcpPhotoUrl",
	"InternalEcpConnectUrl", "InternalEcpTeamMailboxUrl", "InternalEcpTeamMailboxCreatingUrl",
	"InternalEcpTeamMailboxEditingUrl", "InternalEcpTeamMailboxHidingUrl",
	"InternalEcpExtensionInstallationUrl", "InternalEwsUrl", "InternalEmwsUrl",
	"InternalOABUrl", "InternalPhotosUrl", "InternalUMUrl", "InternalWebClientUrls",
	"MailboxDN", "PublicFolderServer", "ActiveDirectoryServer", "ExternalMailboxServer",
	"ExternalMailboxServerRequiresSSL", "ExternalMailboxServerAuthenticationMethods",
	"EcpVoicemailUrlFragment", "EcpEmailSubscriptionsUrlFragment",
	"EcpTextMessagingUrlFragment", "EcpDeliveryReportUrlFragment",
	"EcpRetentionPolicyTagsUrlFragment", "EcpPublishingUrlFragment", "EcpPhotoUrlFragment",
	"EcpConnectUrlFragment", "EcpTeamMailboxUrlFragment", "EcpTeamMailboxCreatingUrlFragment",
	"EcpTeamMailboxEditingUrlFragment", "EcpExtensionInstallationUrlFragment", "ExternalEcpUrl",
	"ExternalEcpVoicemailUrl", "ExternalEcpEmailSubscriptionsUrl",
	"ExternalEcpTextMessagingUrl", "ExternalEcpDeliveryReportUrl",
	"ExternalEcpRetentionPolicyTagsUrl", "ExternalEcpPublishingUrl", "ExternalEcpPhotoUrl",
	"ExternalEcpConnectUrl", "ExternalEcpTeamMailboxUrl", "ExternalEcpTeamMailboxCreatingUrl",
	"ExternalEcpTeamMailboxEditingUrl", "ExternalEcpTeamMailboxHidingUrl",
	"ExternalEcpExtensionInstallationUrl", "ExternalEwsUrl", "ExternalEmwsUrl",
	"ExternalOABUrl", "ExternalPhotosUrl", "ExternalUMUrl", "ExternalWebClientUrls",
	"CrossOrganizationSharingEnabled", "AlternateMailboxes", "CasVersion",
	"EwsSupportedSchemas", "InternalPop3Connections", "ExternalPop3Connections",
	"InternalImap4Connections", "ExternalImap4Connections", "InternalSmtpConnections",
	"ExternalSmtpConnections", "InternalServerExclusiveConnect", "ExternalEwsVersion",
	"MobileMailboxPolicy", "DocumentSharingLocations", "UserMSOnline",
	"InternalMailboxServerAuthenticationMethods", "MailboxVersion", "SPMySiteHostURL",
	"SiteMailboxCreationURL", "InternalRpcHttpServer", "InternalRpcHttpConnectivityRequiresSsl",
	"InternalRpcHttpAuthenticationMethod", "ExternalServerExclusiveConnect", "ExchangeRpcUrl",
	"ShowGalAsDefaultView", "AutoDiscoverSMTPAddress", "InteropExternalEwsUrl",
	"InteropExternalEwsVersion", "PublicFolderInformation", "RedirectUrl", "EwsPartnerUrl",
	"CertPrincipalName", "GroupingInformation", "InternalOutlookServiceUrl",
	"ExternalOutlookServiceUrl", "MobileMailboxPolicyInterop", "MapiHttpEnabled" };

static void
test_names(void **state)
{
	(void)state;
	assert_int_equal(COUNT_OF(names), SOAP_ROWS);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		size_t k = 0;

		while (k < SOAP_ROWS && strcmp(soap_rows[k].name, names[i]) != 0)
			k++;
		if (k == SOAP_ROWS)
			fail_msg("%s has no row", names[i]);
	}
}

/* A client that names no setting asks for all. */
static void
test_default_settings(void **state)
{
	const struct soap_request all = { .subjects = { users, 1 } };
	struct arena *mem = arena_new(ARENA_BYTES);
	struct buf b = { .max = MESSAGE_BYTES };
	struct soap_request got;
	enum soap_fault fault;

	soap_write_request(&b, &all);
	assert_int_equal(
	    soap_read_request(*state, mem, buf_as_slice(&b), &got, &fault, NULL), USHER_OK);
	assert_int_equal(got.settings.n, SOAP_ROWS);
	buf_clear(&b);
	arena_free(mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_read_answer),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_fault),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_invalids),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_lenient),
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_useless),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_default_settings),
	};

	return cmocka_run_group_tests(tests, make_reader, free_reader);
}
