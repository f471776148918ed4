/* test_autoconfig.c - Mail Autoconfig: what is read leniently, what each slip costs, placeholders,
 * and what is never written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"
#include "reader.h"
#include "wire/autoconfig.h"

enum { ARENA_BYTES = 1024 * 1024 };

#define PROVIDER(children) \
	"<clientConfig version='1.1'><emailProvider " \
	"id='a.example'><domain>a.example</domain>" children "</emailProvider></clientConfig>"
#define BESIDE(children) \
	"<clientConfig version='1.2'><emailProvider id='a.example'><domain>a.example</domain>" \
	"</emailProvider>" children "</clientConfig>"
#define SERVER(element, type, rest) "<" element " type='" type "'>" rest "</" element ">"
#define HOST "<hostname>h.example</hostname>"
#define SOCKET(port, socket) "<port>" port "</port><socketType>" socket "</socketType>"
#define LOGIN "<username>u</username><authentication>password-cleartext</authentication>"
#define GOOD HOST SOCKET("993", "SSL") LOGIN
#define IMAP(rest) SERVER("incomingServer", "imap", rest)
#define SMTP(rest) SERVER("outgoingServer", "smtp", rest)

/* What is read: one word for each protocol, and a part of the first finding. */
static const struct {
	const char *label, *document, *protocols, *finding;
} lenient[] = {
	{ "one server", PROVIDER(IMAP(GOOD)), "IMAP", NULL },
	{ "only Exchange, nothing that sends",
	    PROVIDER(SERVER("incomingServer", "ews", "<url>https://h.example/EWS</url>")), "EWS",
	    NULL },
	{ "first smtp without TLS, second good",
	    PROVIDER(SMTP(HOST SOCKET("25", "none") LOGIN) SMTP(GOOD)), "SMTP SMTP", NULL },
	{ "authentication only `plain`",
	    PROVIDER(IMAP(HOST SOCKET("993", "SSL") "<username>u</username>"
						    "<authentication>plain</authentication>")),
	    "IMAP", "authentication plain is deprecated" },
	{ "imap without username",
	    PROVIDER(IMAP(HOST SOCKET("993", "SSL") "<authentication>OAuth2</authentication>")
		    SMTP(GOOD)),
	    "SMTP", "incomingServer imap left out: it has no username" },
	{ "smtp without login",
	    PROVIDER(SMTP(
		HOST SOCKET("465", "SSL") "<authentication>client-IP-address</authentication>")),
	    "SMTP", NULL },
	{ "port 0", PROVIDER(IMAP(HOST SOCKET("0", "SSL") LOGIN) SMTP(GOOD)), "SMTP",
	    "its port is 0" },
	{ "port 65536", PROVIDER(IMAP(HOST SOCKET("65536", "SSL") LOGIN) SMTP(GOOD)), "SMTP",
	    "its port is 65536" },
	{ "no port", PROVIDER(IMAP(HOST "<socketType>SSL</socketType>" LOGIN) SMTP(GOOD)), "SMTP",
	    "its port is missing" },
	{ "unknown socketType", PROVIDER(IMAP(HOST SOCKET("993", "TLS5") LOGIN) SMTP(GOOD)), "SMTP",
	    "its socketType is TLS5" },
	{ "no hostname", PROVIDER(IMAP(SOCKET("993", "SSL") LOGIN) SMTP(GOOD)), "SMTP",
	    "it has no hostname" },
	{ "unknown type", PROVIDER(SERVER("incomingServer", "fax", GOOD) IMAP(GOOD)), "IMAP",
	    "incomingServer fax left out: the type is not known" },
	{ "chat",
	    BESIDE(SERVER("chatServer", "xmpp", "<url>https://x</url>")
		    SERVER("setupServer", "managesieve", GOOD)),
	    "ManageSieve", "chatServer xmpp left out" },
	{ "unknown way to log in beside a known one",
	    PROVIDER(IMAP(HOST SOCKET("993", "SSL") "<username>u</username>"
						    "<authentication>telepathy</authentication>"
						    "<authentication>OAuth2</authentication>")),
	    "IMAP", "authentication telepathy is not known" },
	{ "only an unknown way to log in",
	    PROVIDER(IMAP(HOST SOCKET("993", "SSL") "<username>u</username>"
						    "<authentication>telepathy</authentication>")
		    SMTP(GOOD)),
	    "SMTP", "telepathy" },
	{ "a SASL mechanism and its kind",
	    PROVIDER(IMAP(HOST SOCKET(
		"993", "SSL") "<username>u</username>"
			      "<authentication system='sasl'>SCRAM-SHA-256-PLUS</authentication>"
			      "<authentication>password-encrypted</authentication>")),
	    "IMAP", NULL },
	{ "activesync in small letters",
	    PROVIDER(SERVER("incomingServer", "activesync", "<url>https://h.example/e</url>")),
	    "ActiveSync", NULL },
	{ "url that is none",
	    PROVIDER(SERVER("incomingServer", "jmap", "<url>h.example</url>") IMAP(GOOD)), "IMAP",
	    "its url is h.example" },
	{ "dialect of 1.1",
	    BESIDE(SERVER("addressBook", "carddav",
		"<serverURL>https://h.example/c</serverURL><username>u</username>"
		"<authentication>http-basic</authentication>")),
	    "CardDAV", NULL },
	{ "both dialects",
	    BESIDE(SERVER("addressbook", "carddav", "<url>https://h.example/c</url>")
		    SERVER("addressBook", "carddav", "<serverURL>https://h.example/c</serverURL>")),
	    "CardDAV", NULL },
	{ "combined Exchange without host",
	    PROVIDER(
		SERVER("incomingServer", "exchange", "<owaURL>https://h.example/owa</owaURL>")),
	    "Exchange", NULL },
	{ "owa, and the same as webMail",
	    "<clientConfig><emailProvider id='a.example'><domain>a.example</domain>"
	    "<incomingServer type='owa'><url>https://h.example/owa</url></incomingServer>"
	    "</emailProvider><webMail><loginPage url='https://h.example/owa'/></webMail>"
	    "</clientConfig>",
	    "webmail", NULL },
	{ "webMail inside the provider, with loginPageInfo alone",
	    PROVIDER("<webMail><loginPageInfo url='https://h.example/'><username>u</username>"
		     "</loginPageInfo></webMail>"),
	    "webmail", NULL },
	{ "no id",
	    "<clientConfig><emailProvider><domain>a</domain>" IMAP(
		GOOD) "</emailProvider></clientConfig>",
	    "IMAP", "emailProvider has no id" },
	{ "prefixes, comments and unknown elements",
	    "<m:clientConfig xmlns:m='urn:m'><!-- x --><new/><m:emailProvider id='a.example'>"
	    "<m:domain purpose='mx'>a.example</m:domain><inputField key='k' label='l'/>"
	    "<enable visiturl='https://h.example/'><instruction>on</instruction></enable>" IMAP(
		GOOD) "</m:emailProvider></m:clientConfig>",
	    "IMAP", NULL },
	{ "letter case of values",
	    PROVIDER(SERVER("incomingServer", "IMAP",
		HOST SOCKET("993", "ssl") "<username>u</username>"
					  "<authentication>oauth2</authentication>")),
	    "IMAP", NULL },
};

static void
name_protocols(const struct answer *a, struct buf *out)
{
	buf_reset(out);
	for (size_t i = 0; i < a->n_protocols; i++)
		buf_printf(out, "%s%s", i == 0 ? "" : " ",
		    protocol_kind_name((enum protocol_kind)a->protocols[i].kind));
}

static void
test_lenient(void **state)
{
	struct buf names = { .max = 4096 };

	for (size_t i = 0; i < COUNT_OF(lenient); i++) {
		struct arena *mem = arena_new(ARENA_BYTES);
		const char *finding = lenient[i].finding;
		struct usher_error err = { 0 };
		struct answer a;

		if (autoconfig_read(*state, mem, slice_of(lenient[i].document), &a, &err) !=
		    USHER_OK)
			fail_msg("%s: %s", lenient[i].label, err.message);
		name_protocols(&a, &names);
		if (strcmp(buf_cstr(&names), lenient[i].protocols) != 0)
			fail_msg("%s: %s", lenient[i].label, buf_cstr(&names));
		if ((finding == NULL) != (a.findings.n == 0) ||
		    (finding != NULL && strstr(a.findings.v[0], finding) == NULL))
			fail_msg("%s: %s", lenient[i].label,
			    a.findings.n == 0 ? "no finding" : a.findings.v[0]);
		arena_free(mem);
	}
	buf_clear(&names);
}

static const struct {
	const char *label, *document, *message;
} refused[] = {
	{ "no domain",
	    "<clientConfig><emailProvider id='a.example'>" IMAP(
		GOOD) "</emailProvider></clientConfig>",
	    "XML line 1: emailProvider names no domain" },
	{ "no server", PROVIDER(""), "the document names no usable server" },
	{ "no usable server", PROVIDER(IMAP(HOST)),
	    "the document names no usable server; line 1: incomingServer imap left out: its port "
	    "is "
	    "missing" },
	{ "no provider", "<clientConfig/>",
	    "the document with root clientConfig is no Mail Autoconfig" },
	{ "document type", "<!DOCTYPE clientConfig><clientConfig/>",
	    "XML line 1: a document type declaration is not allowed" },
};

static void
test_refused(void **state)
{
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct arena *mem = arena_new(ARENA_BYTES);
		struct usher_error err = { 0 };
		struct answer a;

		if (autoconfig_read(*state, mem, slice_of(refused[i].document), &a, &err) !=
			USHER_E_PEER ||
		    strcmp(err.message, refused[i].message) != 0)
			fail_msg("%s: %s", refused[i].label, err.message);
		arena_free(mem);
	}
}

static void
test_limits(void **state)
{
	struct arena *mem = arena_new(4 * ARENA_BYTES);
	struct buf b = { .max = 4 * AUTOCONFIG_BYTES };
	struct answer a;

	buf_text(&b, "<clientConfig><emailProvider><domain>a</domain>");
	for (int i = 0; i <= AUTOCONFIG_MAX_SERVERS; i++)
		buf_text(&b, IMAP(""));
	buf_text(&b, "</emailProvider></clientConfig>");
	assert_int_equal(autoconfig_read(*state, mem, buf_as_slice(&b), &a, NULL), USHER_E_LIMIT);
	buf_reset(&b);
	buf_text(&b, "<clientConfig><emailProvider>");
	for (int i = 0; i <= AUTOCONFIG_MAX_DOMAINS; i++)
		buf_text(&b, "<domain>a</domain>");
	buf_text(&b, "</emailProvider></clientConfig>");
	assert_int_equal(autoconfig_read(*state, mem, buf_as_slice(&b), &a, NULL), USHER_E_LIMIT);
	buf_reset(&b);
	while (b.n <= AUTOCONFIG_BYTES)
		buf_text(&b, "<!-- x -->");
	assert_int_equal(autoconfig_read(*state, mem, buf_as_slice(&b), &a, NULL), USHER_E_LIMIT);
	buf_clear(&b);
	arena_free(mem);
}

/* ---- placeholders ---- */

static const struct {
	const char *given, *filled;
} placeholders[] = {
	{ "%EMAILADDRESS%", "fred@example.com" },
	{ "%EMAILLOCALPART%", "fred" },
	{ "%EMAILDOMAIN%", "example.com" },
	{ "DOMAIN\\%EMAILLOCALPART%", "DOMAIN\\fred" },
	{ "%EMAILLOCALPART%.%EMAILDOMAIN%", "fred.example.com" },
	{ "%REALNAME%", "%REALNAME%" },
	{ "%EMAILADDRESS", "%EMAILADDRESS" },
	{ "%EMAIL%EMAILDOMAIN%", "%EMAILexample.com" },
	{ "%emailaddress%", "%emailaddress%" },
	{ "100%", "100%" },
	{ "%%EMAILDOMAIN%%", "%example.com%" },
	{ "plain", "plain" },
};

static void
test_placeholders(void **state)
{
	struct arena *mem = arena_new(ARENA_BYTES);
	struct address address;

	(void)state;
	assert_int_equal(
	    address_parse(mem, slice_of("fred@example.com"), &address, NULL), USHER_OK);
	for (size_t i = 0; i < COUNT_OF(placeholders); i++) {
		const char *const domains[] = { placeholders[i].given };
		struct answer_protocol p;
		struct answer a;

		answer_init(&a, ANSWER_SETTINGS);
		answer_protocol_init(&p, PROTOCOL_IMAP);
		p.login_name = p.server = p.url = placeholders[i].given;
		a.protocols = &p;
		a.n_protocols = 1;
		a.domains = (struct text_list){ domains, 1 };
		a.oauth_issuer = a.provider_name = placeholders[i].given;
		assert_int_equal(autoconfig_fill(mem, &address, &a, NULL), USHER_OK);
		assert_string_equal(a.protocols[0].login_name, placeholders[i].filled);
		assert_string_equal(a.protocols[0].server, placeholders[i].filled);
		assert_string_equal(a.protocols[0].url, placeholders[i].filled);
		assert_string_equal(a.domains.v[0], placeholders[i].filled);
		assert_string_equal(a.oauth_issuer, placeholders[i].filled);
		assert_string_equal(a.provider_name, placeholders[i].filled);
		assert_string_equal(p.login_name, placeholders[i].given);
	}
	arena_free(mem);
}

/* A placeholder in the address stays as it is, and one in each byte of a text ends at a limit. */
static void
test_placeholder_bounds(void **state)
{
	struct arena *mem = arena_new(ARENA_BYTES);
	struct buf b = { .max = ARENA_BYTES };
	struct address address;
	struct answer a;

	(void)state;
	assert_int_equal(
	    address_parse(mem, slice_of("%EMAILDOMAIN%@example.com"), &address, NULL), USHER_OK);
	answer_init(&a, ANSWER_SETTINGS);
	a.provider_name = "%EMAILLOCALPART%";
	assert_int_equal(autoconfig_fill(mem, &address, &a, NULL), USHER_OK);
	assert_string_equal(a.provider_name, "%EMAILDOMAIN%");
	for (int i = 0; i < 1000; i++)
		buf_text(&b, "%EMAILADDRESS%");
	a.provider_name = buf_cstr(&b);
	assert_int_equal(autoconfig_fill(mem, &address, &a, NULL), USHER_E_LIMIT);
	buf_clear(&b);
	arena_free(mem);
}

/* ---- writing ---- */

static void
put_server(struct answer_protocol *p, enum protocol_kind kind, const char *encryption)
{
	answer_protocol_init(p, kind);
	p->server = "h.example";
	p->port = 993;
	p->encryption = encryption;
}

/* What would make some program drop the whole file. */
static void
test_never_written(void **state)
{
	static const char *const gssapi[] = { "gssapi" }, *const none[] = { "none" };
	struct answer_protocol p[8];
	struct buf b = { .max = 64 * 1024 };
	struct answer a;

	(void)state;
	answer_init(&a, ANSWER_SETTINGS);
	put_server(&p[0], PROTOCOL_SMTP, "None");
	put_server(&p[1], PROTOCOL_IMAP, NULL);
	put_server(&p[2], PROTOCOL_IMAP, "Auto");
	put_server(&p[3], PROTOCOL_IMAP, "SSL");
	p[3].authentication = (struct text_list){ gssapi, 1 };
	put_server(&p[4], PROTOCOL_SMTP, "TLS");
	p[4].authentication = (struct text_list){ none, 1 };
	put_server(&p[5], PROTOCOL_IMAP, "SSL");
	p[5].spa = TRI_ON;
	put_server(&p[6], PROTOCOL_EXCH, "SSL");
	put_server(&p[7], PROTOCOL_UNKNOWN, "SSL");
	a.protocols = p;
	a.n_protocols = COUNT_OF(p);
	autoconfig_write(&b, &a);
	assert_null(strstr(buf_cstr(&b), "Server"));
	buf_clear(&b);
}

/* An answer that was made for Outlook: no list of ways to log in, and TLS as its switch. */
static void
test_from_pox(void **state)
{
	struct arena *mem = arena_new(ARENA_BYTES);
	struct answer_protocol p[2];
	struct buf b = { .max = 64 * 1024 };
	struct answer a, got;

	answer_init(&a, ANSWER_SETTINGS);
	a.domains = (struct text_list){ (const char *const[]){ "a.example" }, 1 };
	put_server(&p[0], PROTOCOL_IMAP, NULL);
	p[0].ssl = TRI_ON;
	p[0].spa = TRI_OFF;
	put_server(&p[1], PROTOCOL_SMTP, "TLS");
	p[1].login_name = "<x>&\"@a.example";
	a.protocols = p;
	a.n_protocols = COUNT_OF(p);
	autoconfig_write(&b, &a);
	assert_int_equal(autoconfig_read(*state, mem, buf_as_slice(&b), &got, NULL), USHER_OK);
	assert_int_equal(got.n_protocols, 2);
	assert_string_equal(got.protocols[0].login_name, "%EMAILADDRESS%");
	assert_string_equal(got.protocols[0].encryption, "SSL");
	assert_string_equal(got.protocols[0].authentication.v[0], "password");
	assert_string_equal(got.protocols[1].login_name, "<x>&\"@a.example");
	assert_string_equal(got.protocols[1].encryption, "TLS");
	buf_clear(&b);
	arena_free(mem);
}

static void
test_check(void **state)
{
	struct answer_protocol p[2];
	struct usher_error err = { 0 };
	struct answer a;

	(void)state;
	answer_init(&a, ANSWER_SETTINGS);
	put_server(&p[0], PROTOCOL_IMAP, "SSL");
	put_server(&p[1], PROTOCOL_SMTP, "SSL");
	a.protocols = p;
	a.n_protocols = COUNT_OF(p);
	assert_int_equal(autoconfig_check(&a, &err), USHER_E_INPUT);
	assert_string_equal(
	    err.message, "the provider's id is no host name in lower case: it is missing");
	a.provider_id = "A.example";
	assert_int_equal(autoconfig_check(&a, &err), USHER_E_INPUT);
	a.provider_id = "a.example";
	assert_int_equal(autoconfig_check(&a, &err), USHER_E_INPUT);
	assert_string_equal(err.message, "no domain is named");
	a.domains = (struct text_list){ (const char *const[]){ "a.example" }, 1 };
	assert_int_equal(autoconfig_check(&a, &err), USHER_OK);
	p[0].server = "IMAP.a.example";
	assert_int_equal(autoconfig_check(&a, &err), USHER_E_INPUT);
	assert_string_equal(err.message, "IMAP.a.example is no host name in lower case");
	p[0].server = "%EMAILDOMAIN%";
	assert_int_equal(autoconfig_check(&a, &err), USHER_OK);
	p[1].encryption = "None";
	assert_int_equal(autoconfig_check(&a, &err), USHER_E_INPUT);
	assert_non_null(strstr(err.message, "smtp"));
	p[0].encryption = "None";
	assert_int_equal(autoconfig_check(&a, &err), USHER_E_INPUT);
	assert_non_null(strstr(err.message, "imap"));
}

/* ---- the question ---- */

static const struct {
	const char *query, *address;
	usher_status status;
} questions[] = {
	{ "", NULL, USHER_OK },
	{ "emailaddress=", NULL, USHER_OK },
	{ "emailaddress=ann%40a.example", "ann@a.example", USHER_OK },
	{ "emailaddress=ann@a.example&emailmd5=0123", "ann@a.example", USHER_OK },
	{ "x=1&emailaddress=a+b@a.example", "a+b@a.example", USHER_OK },
	{ "emailaddress=%3Cx%3E@a.example", "<x>@a.example", USHER_OK },
	{ "emailaddress=EVOLUTIONUSER@a.example", "EVOLUTIONUSER@a.example", USHER_OK },
	{ "EmailAddress=ann@a.example", NULL, USHER_OK },
	{ "emailaddress", NULL, USHER_OK },
	{ "emailaddress=a@a.example&emailaddress=b@a.example", NULL, USHER_E_INPUT },
	{ "emailaddress=&emailaddress=b@a.example", NULL, USHER_E_INPUT },
	{ "emailaddress=%00@a.example", NULL, USHER_E_INPUT },
	{ "emailaddress=%4", NULL, USHER_E_INPUT },
};

static void
test_questions(void **state)
{
	struct arena *mem = arena_new(ARENA_BYTES);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(questions); i++) {
		struct usher_error err = { 0 };
		struct question q = { 0 };
		usher_status st =
		    autoconfig_read_request(mem, slice_of(questions[i].query), &q, &err);

		if (st != questions[i].status || (st != USHER_OK && err.message[0] == '\0') ||
		    (q.address == NULL) != (questions[i].address == NULL) ||
		    (q.address != NULL && strcmp(q.address, questions[i].address) != 0))
			fail_msg("%s: %d, %s", questions[i].query, st, q.address);
		if (st == USHER_OK && q.language != LANGUAGE_AUTOCONFIG)
			fail_msg("%s: another language", questions[i].query);
	}
	arena_free(mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lenient),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_placeholders),
		cmocka_unit_test(test_placeholder_bounds),
		cmocka_unit_test(test_never_written),
		cmocka_unit_test(test_from_pox),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_questions),
	};

	return cmocka_run_group_tests(tests, make_reader, free_reader);
}
