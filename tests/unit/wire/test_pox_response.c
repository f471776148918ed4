/* test_pox_response.c - POX responses: whole documents both ways, what is read leniently, what is
 * no endpoint, and read(write(answer)) = answer for thousands of answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "random_pox.h"
#include "reader.h"
#include "wire/pox.h"

/* Whole documents in tests/unit/wire/pox: what is read from one writes the same bytes again, which
 * holds spelling, order and namespaces. */
static const char *const samples[] = {
	"settings-2007",
	"settings-2013",
	"settings-mail",
	"redirect-address",
	"redirect-url",
	"refusal-framework",
	"refusal-provider",
};

static void
load(const char *name, struct buf *b)
{
	char path[4096];
	FILE *f;
	char *to;

	(void)snprintf(path, sizeof(path), "%s/%s.xml", getenv("POX_SAMPLES"), name);
	f = fopen(path, "rb");
	if (f == NULL)
		fail_msg("%s cannot be opened", path);
	buf_init(b, 64 * 1024);
	to = buf_reserve(b, 64 * 1024);
	assert_non_null(to);
	buf_used(b, fread(to, 1, 64 * 1024, f));
	(void)fclose(f);
}

static void
test_samples(void **state)
{
	for (size_t i = 0; i < COUNT_OF(samples); i++) {
		struct arena *mem = arena_new(256 * 1024);
		struct buf in, out = { .max = 64 * 1024 };
		struct usher_error err = { 0 };
		struct answer a;

		load(samples[i], &in);
		if (pox_read_response(*state, mem, buf_as_slice(&in), &a, &err) != USHER_OK)
			fail_msg("%s: %s", samples[i], err.message);
		pox_write_response(&out, &a);
		if (strcmp(buf_cstr(&in), buf_cstr(&out)) != 0)
			fail_msg("%s: %s", samples[i], buf_cstr(&out));
		buf_clear(&in);
		buf_clear(&out);
		arena_free(mem);
	}
}

static void
test_2013_members(void **state)
{
	struct arena *mem = arena_new(256 * 1024);
	const struct answer_protocol *p;
	struct buf in;
	struct answer a;

	load("settings-2013", &in);
	assert_int_equal(pox_read_response(*state, mem, buf_as_slice(&in), &a, NULL), USHER_OK);
	assert_int_equal(a.kind, ANSWER_SETTINGS);
	assert_int_equal(a.microsoft_online, TRI_OFF);
	assert_string_equal(a.public_folder_smtp_address, "pfmailbox1@contoso.com");
	assert_int_equal(a.n_alternative_mailboxes, 1);
	assert_int_equal(a.n_protocols, 3);
	p = a.protocols;
	assert_int_equal(p[0].kind, PROTOCOL_MAPI_HTTP);
	assert_int_equal(p[0].version, 1);
	assert_string_equal(p[0].address_book_external_url,
	    "https://mail.contoso.com/mapi/nspi/"
	    "?MailboxId=b8e2a1d4-0c57-4e39-9f61-7a3d52c0e418@contoso.com");
	assert_int_equal(p[1].kind, PROTOCOL_WEB);
	assert_int_equal(p[1].internal.n_owa, 1);
	assert_string_equal(p[1].internal.owa[0].authentication_method, "Basic, Fba");
	assert_string_equal(p[1].external.protocol_type, "EXPR");
	assert_int_equal(p[2].kind, PROTOCOL_EXHTTP);
	assert_string_equal(p[2].ecp_url_mt,
	    "PersonalSettings/DeliveryReport.aspx?rfr=olk&exsvurl=1&IsOWA=<IsOWA>&MsgID=<MsgID>"
	    "&Mbx=<Mbx>&realm=contoso.com");
	assert_int_equal(p[2].server_exclusive_connect, TRI_ON);
	assert_int_equal(p[2].port, NUMBER_ABSENT);
	buf_clear(&in);
	arena_free(mem);
}

#define OPEN "<Autodiscover><Response>"
#define CLOSE "</Response></Autodiscover>"
#define ACCOUNT(children) OPEN "<Account>" children "</Account>" CLOSE
#define SETTINGS(children) ACCOUNT("<Action>settings</Action>" children)
#define PROTOCOL(children) SETTINGS("<Protocol>" children "</Protocol>")

/* Odd documents, and what is written for what was read of them: the lines inside Response, without
 * the indentation that all share. */
static const struct lenient {
	const char *label;
	struct slice document;
	const char *written;
} lenient[] = {
#define LENIENT(label, document, written) \
	{ \
		label, SLICE_LITERAL(document), written \
	}
#define USER "<User>\n</User>\n"
#define WRITTEN(children) USER "<Account>\n  <Action>settings</Action>\n" children "</Account>\n"
#define WRITTEN_PROTOCOL(children) WRITTEN("  <Protocol>\n" children "  </Protocol>\n")
	LENIENT("Action in other case", ACCOUNT("<Action>Settings</Action>"), WRITTEN("")),
	LENIENT("prefixes and wrong namespaces",
	    "<a:Autodiscover xmlns:a='https://x/'><b:Response xmlns:b='urn:b'><b:Account>"
	    "<b:Action>settings</b:Action></b:Account></b:Response></a:Autodiscover>",
	    WRITTEN("")),
	LENIENT("order and unknown elements",
	    OPEN "<Account><New/><PublicFolderInformation><SmtpAddress>p@b.example</SmtpAddress>"
		 "</PublicFolderInformation><Protocol><ASUrl>https://h/</ASUrl><Type>EXPR</Type>"
		 "<Server>h</Server></Protocol><Action>settings</Action></Account>"
		 "<User><Title>x</Title><LegacyDN>/o=B</LegacyDN><DisplayName>N</DisplayName></"
		 "User>" CLOSE,
	    "<User>\n  <DisplayName>N</DisplayName>\n  <LegacyDN>/o=B</LegacyDN>\n</User>\n"
	    "<Account>\n  <Action>settings</Action>\n  <Protocol>\n    <Type>EXPR</Type>\n"
	    "    <Server>h</Server>\n    <ASUrl>https://h/</ASUrl>\n  </Protocol>\n"
	    "  <PublicFolderInformation>\n    <SmtpAddress>p@b.example</SmtpAddress>\n"
	    "  </PublicFolderInformation>\n</Account>\n"),
	LENIENT("on and off in any case",
	    PROTOCOL("<Type>IMAP</Type><SSL>ON</SSL><SPA>Off</SPA><AuthRequired>TRUE</AuthRequired>"
		     "<DomainRequired>maybe</DomainRequired>"),
	    WRITTEN_PROTOCOL("    <Type>IMAP</Type>\n    <SPA>off</SPA>\n    <SSL>on</SSL>\n"
			     "    <AuthRequired>on</AuthRequired>\n")),
	LENIENT("numbers that are none",
	    PROTOCOL("<Type>SMTP</Type><TTL>-1</TTL><Port>65536</Port>"
		     "<ReferralPort>0</ReferralPort><DirectoryPort>12a</DirectoryPort>"),
	    WRITTEN_PROTOCOL("    <Type>SMTP</Type>\n    <ReferralPort>0</ReferralPort>\n")),
	LENIENT("the first of two counts",
	    PROTOCOL("<Type>POP3</Type><Server/><Server>a</Server><Server>b</Server>"),
	    WRITTEN_PROTOCOL("    <Type>POP3</Type>\n    <Server>a</Server>\n")),
	LENIENT("Type in other case", PROTOCOL("<Type>exhttp</Type>"),
	    WRITTEN_PROTOCOL("    <Type>EXHTTP</Type>\n")),
	LENIENT("exclusive connect stands elsewhere in EXPR",
	    SETTINGS("<Protocol><Type>EXCH</Type><ServerExclusiveConnect>off"
		     "</ServerExclusiveConnect><OABUrl>u</OABUrl></Protocol><Protocol>"
		     "<Type>EXPR</Type><OABUrl>u</OABUrl><CertPrincipalName>None"
		     "</CertPrincipalName><ServerExclusiveConnect>on</ServerExclusiveConnect>"
		     "</Protocol>"),
	    WRITTEN("  <Protocol>\n    <Type>EXCH</Type>\n    <OABUrl>u</OABUrl>\n"
		    "    <ServerExclusiveConnect>Off</ServerExclusiveConnect>\n  </Protocol>\n"
		    "  <Protocol>\n    <Type>EXPR</Type>\n"
		    "    <ServerExclusiveConnect>On</ServerExclusiveConnect>\n"
		    "    <CertPrincipalName>None</CertPrincipalName>\n"
		    "    <OABUrl>u</OABUrl>\n  </Protocol>\n")),
	LENIENT("mapiHttp by attribute, version missing",
	    SETTINGS("<Protocol Type='MapiHttp'><MailStore><InternalUrl>https://h/</InternalUrl>"
		     "</MailStore></Protocol>"),
	    WRITTEN("  <Protocol Type=\"mapiHttp\">\n    <MailStore>\n"
		    "      <InternalUrl>https://h/</InternalUrl>\n    </MailStore>\n"
		    "  </Protocol>\n")),
	LENIENT("mapiHttp by element is not known", PROTOCOL("<Type>mapiHttp</Type>"), WRITTEN("")),
	LENIENT("unknown kinds are not written",
	    SETTINGS("<Protocol><Type>SKYPE</Type></Protocol><Protocol/>"), WRITTEN("")),
	LENIENT("WEB's protocols are not the account's",
	    PROTOCOL("<Type>WEB</Type><Internal><OWAUrl>https://h/owa</OWAUrl><Protocol>"
		     "<Type>EXCH</Type><ASUrl>https://h/as</ASUrl></Protocol></Internal>"),
	    WRITTEN_PROTOCOL("    <Type>WEB</Type>\n    <Internal>\n"
			     "      <OWAUrl>https://h/owa</OWAUrl>\n      <Protocol>\n"
			     "        <Type>EXCH</Type>\n        <ASUrl>https://h/as</ASUrl>\n"
			     "      </Protocol>\n    </Internal>\n")),
	LENIENT("mailboxes of both forms",
	    SETTINGS("<AlternativeMailbox><Server>s</Server><Type>Archive</Type><LegacyDN>/o=B"
		     "</LegacyDN></AlternativeMailbox><AlternativeMailbox><OwnerSmtpAddress>"
		     "o@b.example</OwnerSmtpAddress><SmtpAddress>s@b.example</SmtpAddress>"
		     "</AlternativeMailbox>"),
	    WRITTEN("  <AlternativeMailbox>\n    <Type>Archive</Type>\n    <LegacyDN>/o=B"
		    "</LegacyDN>\n    <Server>s</Server>\n  </AlternativeMailbox>\n"
		    "  <AlternativeMailbox>\n    <SmtpAddress>s@b.example</SmtpAddress>\n"
		    "    <OwnerSmtpAddress>o@b.example</OwnerSmtpAddress>\n"
		    "  </AlternativeMailbox>\n")),
	LENIENT("redirect with settings around it",
	    OPEN "<User><DisplayName>N</DisplayName></User><Account><Protocol/><AccountType>email"
		 "</AccountType><Action>REDIRECTADDR</Action><RedirectAddr>n@c.example"
		 "</RedirectAddr></Account>" CLOSE,
	    "<Account>\n  <AccountType>email</AccountType>\n  <Action>redirectAddr</Action>\n"
	    "  <RedirectAddr>n@c.example</RedirectAddr>\n</Account>\n"),
	LENIENT("RedirectURL, as a page of Microsoft's spells it",
	    ACCOUNT("<Action>redirectUrl</Action><RedirectURL>https://b.example/a</RedirectURL>"),
	    "<Account>\n  <Action>redirectUrl</Action>\n"
	    "  <RedirectUrl>https://b.example/a</RedirectUrl>\n</Account>\n"),
	LENIENT("Error under Account",
	    ACCOUNT("<Action>settings</Action><Error Time='1' Id='2'><ErrorCode>501</ErrorCode>"
		    "<Message>m</Message></Error>"),
	    "<Error Time=\"1\" Id=\"2\">\n  <ErrorCode>501</ErrorCode>\n"
	    "  <Message>m</Message>\n  <DebugData />\n</Error>\n"),
	LENIENT("Error without a code", OPEN "<Error/>" CLOSE,
	    "<Error>\n  <ErrorCode>603</ErrorCode>\n  <Message />\n  <DebugData />\n</Error>\n"),
	LENIENT("Error of an unknown code", OPEN "<Error><ErrorCode>666</ErrorCode></Error>" CLOSE,
	    "<Error>\n  <ErrorCode>666</ErrorCode>\n  <Message />\n  <DebugData />\n</Error>\n"),
};

/* Keeps the lines inside Response, less their first four blanks. */
static void
inside_response(const struct buf *document, struct buf *out)
{
	const char *line = buf_cstr(document);
	const char *end;

	for (; (end = strchr(line, '\n')) != NULL; line = end + 1)
		if (strncmp(line, "    ", 4) == 0)
			buf_append(out, line + 4, (size_t)(end + 1 - line) - 4);
}

static void
test_lenient(void **state)
{
	for (size_t i = 0; i < COUNT_OF(lenient); i++) {
		struct arena *mem = arena_new(256 * 1024);
		struct buf b = { .max = 64 * 1024 }, inside = { .max = 64 * 1024 };
		struct usher_error err = { 0 };
		struct answer a;

		if (pox_read_response(*state, mem, lenient[i].document, &a, &err) != USHER_OK)
			fail_msg("%s: %s", lenient[i].label, err.message);
		pox_write_response(&b, &a);
		inside_response(&b, &inside);
		if (strcmp(buf_cstr(&inside), lenient[i].written) != 0)
			fail_msg("%s:\n%s", lenient[i].label, buf_cstr(&inside));
		buf_clear(&b);
		buf_clear(&inside);
		arena_free(mem);
	}
}

static void
test_unknown_kept(void **state)
{
	struct arena *mem = arena_new(256 * 1024);
	struct answer a;

	assert_int_equal(pox_read_response(*state, mem,
			     SLICE_LITERAL(SETTINGS("<Protocol><Type>Skype</Type><Server>s</Server>"
						    "</Protocol><Protocol/><Protocol>"
						    "<Type>mapiHttp</Type></Protocol>")),
			     &a, NULL),
	    USHER_OK);
	assert_int_equal(a.n_protocols, 3);
	assert_int_equal(a.protocols[0].kind, PROTOCOL_UNKNOWN);
	assert_string_equal(a.protocols[0].type, "Skype");
	assert_string_equal(a.protocols[0].server, "s");
	assert_null(a.protocols[1].type);
	assert_string_equal(a.protocols[2].type, "mapiHttp");
	arena_free(mem);
}

static void
refuse(struct xml_reader *reader, const char *label, struct slice document, usher_status wanted,
    const char *message)
{
	struct arena *mem = arena_new(4 * 1024 * 1024);
	struct answer a = { .redirect = "untouched" };
	struct usher_error err = { 0 };
	usher_status st = pox_read_response(reader, mem, document, &a, &err);

	if (st != wanted || err.status != st || strstr(err.message, message) == NULL ||
	    strcmp(a.redirect, "untouched") != 0)
		fail_msg("%s: %s: %s", label, usher_status_name(st), err.message);
	arena_free(mem);
}

static const struct bad {
	const char *label;
	struct slice document;
	const char *message; /* part of it */
} bad[] = {
#define BAD(label, document, message) \
	{ \
		label, SLICE_LITERAL(document), message \
	}
	BAD("empty", "", "XML line 1"),
	BAD("web page", "<!DOCTYPE html><html><body>Hello</body></html>",
	    "document type declaration"),
	BAD("web page without type", "<html><body>Hello<br></body></html>", "XML line 1"),
	BAD("tidy web page", "<html><body/></html>", "root html is no Autodiscover response"),
	BAD("request", "<Autodiscover><Request/></Autodiscover>", "no Autodiscover response"),
	BAD("empty response", OPEN CLOSE, "neither Account nor Error"),
	BAD("mobilesync", OPEN "<Culture>en:us</Culture><User/><Action/>" CLOSE,
	    "neither Account nor Error"),
	BAD("no Action", ACCOUNT(""), "Action is missing"),
	BAD("unknown Action", ACCOUNT("<Action>dance\n now</Action>"), "Action is dance? now"),
	BAD("redirect nowhere",
	    ACCOUNT("<Action>redirectUrl</Action><RedirectAddr>a@b"
		    "</RedirectAddr>"),
	    "no RedirectUrl"),
	BAD("redirect to nobody", ACCOUNT("<Action>redirectAddr</Action><RedirectAddr/>"),
	    "no RedirectAddr"),
};

static void
test_bad(void **state)
{
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		refuse(*state, bad[i].label, bad[i].document, USHER_E_PEER, bad[i].message);
}

static void
test_limits(void **state)
{
	struct buf b = { .max = 16 * 1024 * 1024 };

	buf_text(&b, OPEN "<Account><Action>settings</Action>");
	for (int i = 0; i < POX_MAX_PROTOCOLS + 1; i++)
		buf_text(&b, "<Protocol/>");
	buf_text(&b, "</Account>" CLOSE);
	refuse(*state, "protocols", buf_as_slice(&b), USHER_E_LIMIT,
	    "the response has 101 protocols, more than the 100 allowed");

	buf_reset(&b);
	buf_text(&b, OPEN);
	for (int i = 0; i < 10 * 1000; i++)
		buf_text(&b, "<Account/>");
	refuse(*state, "elements", buf_as_slice(&b), USHER_E_LIMIT, "too many elements");
	while (b.n < 10 * 1000 * 1000)
		buf_text(&b, "                ");
	refuse(*state, "10 MB", buf_as_slice(&b), USHER_E_LIMIT, "more than the 1048576 allowed");
	buf_clear(&b);
}

/* What the limits let through stays below the promised memory. */
static void
test_memory(void **state)
{
	struct arena *mem = arena_new(4 * 1024 * 1024);
	struct buf b = { .max = POX_RESPONSE_BYTES };
	struct answer a;

	buf_text(&b, OPEN "<Account><Action>settings</Action>");
	for (int i = 0; i < 4800; i++)
		buf_printf(&b,
		    "<AlternativeMailbox a='' b=''><Type>%0130d</Type></AlternativeMailbox>", i);
	for (int i = 0; i < POX_MAX_PROTOCOLS; i++)
		buf_text(&b, "<Protocol/>");
	buf_text(&b, "</Account>" CLOSE);
	assert_int_equal(b.status, USHER_OK);
	assert_int_equal(pox_read_response(*state, mem, buf_as_slice(&b), &a, NULL), USHER_OK);
	assert_int_equal(a.n_alternative_mailboxes, 4800);

	/* Each byte of windows-1252 may become three. */
	arena_reset(mem);
	buf_reset(&b);
	buf_text(&b, "<?xml version='1.0' encoding='windows-1252'?>" OPEN
		     "<Account><Action>settings</Action>");
	while (b.n < POX_RESPONSE_BYTES - 100 * 1024) {
		buf_text(&b, "<AlternativeMailbox><Type>");
		for (int i = 0; i < 21 * 1024; i++)
			buf_char(&b, '\x80');
		buf_text(&b, "</Type></AlternativeMailbox>");
	}
	buf_text(&b, "</Account>" CLOSE);
	assert_int_equal(b.status, USHER_OK);
	assert_int_equal(pox_read_response(*state, mem, buf_as_slice(&b), &a, NULL), USHER_OK);
	buf_clear(&b);
	arena_free(mem);
}

static void
test_truncated(void **state)
{
	struct buf in;

	load("settings-2013", &in);
	buf_cut(&in, in.n - sizeof("</Autodiscover>")); /* less one octet of the end and the LF */
	for (size_t n = 0; n <= in.n; n++) {
		char *exact = malloc(n + 1);
		char label[32];

		assert_non_null(exact);
		memcpy(exact, in.p, n);
		(void)snprintf(label, sizeof(label), "cut after %zu bytes", n);
		refuse(*state, label, slice_from(exact, n), USHER_E_PEER, "XML line ");
		free(exact);
	}
	buf_clear(&in);
}

static void
test_round_trip(void **state)
{
	struct arena *mem = arena_new(1024 * 1024);
	struct buf b = { .max = POX_RESPONSE_BYTES };

	for (uint64_t seed = 0; seed < 5000; seed++) {
		struct answer given, got;
		struct usher_error err = { 0 };

		arena_reset(mem);
		buf_reset(&b);
		random_answer(mem, seed, &given);
		pox_write_response(&b, &given);
		if (pox_read_response(*state, mem, buf_as_slice(&b), &got, &err) != USHER_OK)
			fail_msg("seed %d: %s\n%s", (int)seed, err.message, buf_cstr(&b));
		if (!answer_equal(&given, &got))
			fail_msg("seed %d:\n%s", (int)seed, buf_cstr(&b));
	}
	buf_clear(&b);
	arena_free(mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_2013_members),
		cmocka_unit_test(test_lenient),
		cmocka_unit_test(test_unknown_kept),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, make_reader, free_reader);
}
