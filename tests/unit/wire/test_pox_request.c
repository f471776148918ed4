/* test_pox_request.c - which POX requests are taken, and which are answered with 600. */
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

#define NS " xmlns='http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006'"
#define SCHEMA "<AcceptableResponseSchema>" POX_SCHEMA_OUTLOOK "</AcceptableResponseSchema>"
#define BOTH "<EMailAddress>n@b.example</EMailAddress>" SCHEMA
#define DOCUMENT(children) "<Autodiscover" NS "><Request>" children "</Request></Autodiscover>"

static const struct good {
	const char *label;
	struct slice document;
	const char *address;
	const char *legacy_dn;
	enum answer_schema schema;
} good[] = {
#define GOOD(label, document, ...) \
	{ \
		label, SLICE_LITERAL(document), __VA_ARGS__ \
	}
	GOOD("address first", DOCUMENT(BOTH), "n@b.example", NULL, SCHEMA_OUTLOOK),
	GOOD("schema first", DOCUMENT(SCHEMA "<EMailAddress>n@b.example</EMailAddress>"),
	    "n@b.example", NULL, SCHEMA_OUTLOOK),
	GOOD("legacyDN alone", DOCUMENT("<LegacyDN>/o=B/ou=E/cn=n</LegacyDN>" SCHEMA), NULL,
	    "/o=B/ou=E/cn=n", SCHEMA_OUTLOOK),
	GOOD("both identities", DOCUMENT("<LegacyDN>/o=B/cn=m</LegacyDN>" BOTH), "n@b.example",
	    "/o=B/cn=m", SCHEMA_OUTLOOK),
	GOOD("empty legacyDN", DOCUMENT("<LegacyDN/>" BOTH), "n@b.example", NULL, SCHEMA_OUTLOOK),
	GOOD("empty address, legacyDN",
	    DOCUMENT("<EMailAddress></EMailAddress><LegacyDN>/o=B/cn=m</LegacyDN>" SCHEMA), NULL,
	    "/o=B/cn=m", SCHEMA_OUTLOOK),
	GOOD("blanks around", DOCUMENT("<EMailAddress>\n n@b.example \n</EMailAddress>" SCHEMA),
	    "n@b.example", NULL, SCHEMA_OUTLOOK),
	GOOD("byte order mark", "\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?>" DOCUMENT(BOTH),
	    "n@b.example", NULL, SCHEMA_OUTLOOK),
	GOOD("no namespace", "<Autodiscover><Request>" BOTH "</Request></Autodiscover>",
	    "n@b.example", NULL, SCHEMA_OUTLOOK),
	GOOD("prefixes",
	    "<a:Autodiscover xmlns:a='urn:x'><a:Request><a:EMailAddress>n@b.example"
	    "</a:EMailAddress><a:AcceptableResponseSchema>" POX_SCHEMA_OUTLOOK
	    "</a:AcceptableResponseSchema></a:Request></a:Autodiscover>",
	    "n@b.example", NULL, SCHEMA_OUTLOOK),
	GOOD("unknown children",
	    "<Autodiscover" NS "><Hint/><Request Kind='x'><Other><EMailAddress>wrong@b.example"
	    "</EMailAddress></Other>" BOTH "<More>1</More></Request></Autodiscover>",
	    "n@b.example", NULL, SCHEMA_OUTLOOK),
	GOOD("CDATA", DOCUMENT("<EMailAddress><![CDATA[n&m@b.example]]></EMailAddress>" SCHEMA),
	    "n&m@b.example", NULL, SCHEMA_OUTLOOK),
	GOOD("comments", "<!--x-->" DOCUMENT("<!--y-->" BOTH "<?z?>"), "n@b.example", NULL,
	    SCHEMA_OUTLOOK),
	GOOD("schema in other case",
	    DOCUMENT("<EMailAddress>n@b.example</EMailAddress><AcceptableResponseSchema>"
		     "HTTP://Schemas.Microsoft.com/Exchange/Autodiscover/Outlook/"
		     "ResponseSchema/2006A</AcceptableResponseSchema>"),
	    "n@b.example", NULL, SCHEMA_OUTLOOK),
	GOOD("mobilesync",
	    DOCUMENT("<EMailAddress>n@b.example</"
		     "EMailAddress><AcceptableResponseSchema>" POX_SCHEMA_MOBILESYNC
		     "</AcceptableResponseSchema>"),
	    "n@b.example", NULL, SCHEMA_MOBILESYNC),
	GOOD("another schema",
	    DOCUMENT("<EMailAddress>n@b.example</EMailAddress><AcceptableResponseSchema>urn:other"
		     "</AcceptableResponseSchema>"),
	    "n@b.example", NULL, SCHEMA_UNKNOWN),
	GOOD("not our matter: the address's form",
	    DOCUMENT("<EMailAddress>a@b@c</EMailAddress>" SCHEMA), "a@b@c", NULL, SCHEMA_OUTLOOK),
	GOOD("UTF-8", DOCUMENT("<EMailAddress>j\xc3\xb6rg@b\xc3\xa9.example</EMailAddress>" SCHEMA),
	    "j\xc3\xb6rg@b\xc3\xa9.example", NULL, SCHEMA_OUTLOOK),
	GOOD("Latin-1",
	    "<?xml version='1.0' encoding='iso-8859-1'?>" DOCUMENT(
		"<EMailAddress>j\xf6rg@b.example</EMailAddress>" SCHEMA),
	    "j\xc3\xb6rg@b.example", NULL, SCHEMA_OUTLOOK),
};

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
test_good(void **state)
{
	struct xml_reader *reader = *state;

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct arena *mem = arena_new(64 * 1024);
		struct question q = { .client.mapi_http = 7 };
		struct usher_error err = { 0 };

		if (pox_read_request(reader, mem, good[i].document, &q, &err) != USHER_OK)
			fail_msg("%s: %s", good[i].label, err.message);
		if (!same(q.address, good[i].address) || !same(q.legacy_dn, good[i].legacy_dn) ||
		    q.schema != good[i].schema || q.client.mapi_http != 7)
			fail_msg("%s: %s, %s, schema %d (%s)", good[i].label, q.address,
			    q.legacy_dn, q.schema, q.schema_text);
		arena_free(mem);
	}
}

static void
refuse(struct xml_reader *reader, const char *label, struct slice document, const char *message)
{
	struct arena *mem = arena_new(512 * 1024);
	struct question q = { .address = "untouched" };
	struct usher_error err = { 0 };
	usher_status st = pox_read_request(reader, mem, document, &q, &err);

	if (st != USHER_E_INPUT || err.status != st || strstr(err.message, message) == NULL ||
	    strcmp(q.address, "untouched") != 0)
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
	BAD("not XML", "address=n@b.example", "XML line 1"),
	BAD("wrong root", "<AutoDiscover><Request>" BOTH "</Request></AutoDiscover>",
	    "the root is AutoDiscover, not Autodiscover"),
	BAD("SOAP", "<s:Envelope xmlns:s='urn:s'><s:Body/></s:Envelope>", "the root is Envelope"),
	BAD("no Request", "<Autodiscover" NS "/>", "Autodiscover has no Request"),
	BAD("Request too deep", "<Autodiscover><x><Request>" BOTH "</Request></x></Autodiscover>",
	    "Autodiscover has no Request"),
	BAD("two Requests",
	    "<Autodiscover>\n<Request>" BOTH "</Request>\n<Request>" BOTH
	    "</Request></Autodiscover>",
	    "XML line 3: a second Request"),
	BAD("no identity", DOCUMENT(SCHEMA), "neither EMailAddress nor LegacyDN"),
	BAD("empty address", DOCUMENT("<EMailAddress> </EMailAddress>" SCHEMA),
	    "neither EMailAddress nor LegacyDN"),
	BAD("address in other case", DOCUMENT("<EmailAddress>n@b.example</EmailAddress>" SCHEMA),
	    "neither EMailAddress nor LegacyDN"),
	BAD("no schema", DOCUMENT("<EMailAddress>n@b.example</EMailAddress>"),
	    "no AcceptableResponseSchema"),
	BAD("empty schema",
	    DOCUMENT("<EMailAddress>n@b.example</EMailAddress><AcceptableResponseSchema/>"),
	    "no AcceptableResponseSchema"),
	BAD("DOCTYPE", "<!DOCTYPE Autodiscover>" DOCUMENT(BOTH), "document type declaration"),
	BAD("entity in the address",
	    "<!DOCTYPE Autodiscover [<!ENTITY x 'n@b.example'>]>" DOCUMENT(
		"<EMailAddress>&x;</EMailAddress>" SCHEMA),
	    "document type declaration"),
	BAD("NUL in the address", DOCUMENT("<EMailAddress>n\0@b.example</EMailAddress>" SCHEMA),
	    "NUL"),
	BAD("two roots", DOCUMENT(BOTH) DOCUMENT(BOTH), "Extra content"),
};

static void
test_bad(void **state)
{
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		refuse(*state, bad[i].label, bad[i].document, bad[i].message);
}

static void
test_too_long(void **state)
{
	struct buf b = { .max = 16 * 1024 * 1024 };

	buf_text(&b, "<Autodiscover><Request><EMailAddress>");
	for (int i = 0; i < 1025; i++)
		buf_char(&b, 'a');
	buf_text(&b, "</EMailAddress>" SCHEMA "</Request></Autodiscover>");
	refuse(*state, "long address", buf_as_slice(&b), "EMailAddress is longer than 1024 bytes");
	while (b.n < 10 * 1000 * 1000)
		buf_text(&b, "<!-- padding -->");
	refuse(*state, "10 MB", buf_as_slice(&b), "more than the 65536 allowed");

	buf_reset(&b);
	for (int i = 0; i < 1000; i++)
		buf_text(&b, "<Request>");
	refuse(*state, "1,000 deep", buf_as_slice(&b), "nested too deeply");
	buf_clear(&b);
}

static void
test_truncated(void **state)
{
	static const char text[] = "<?xml version='1.0'?>" DOCUMENT(BOTH);

	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		char *exact = malloc(n + 1);
		char label[32];

		assert_non_null(exact);
		memcpy(exact, text, n);
		(void)snprintf(label, sizeof(label), "cut after %zu bytes", n);
		refuse(*state, label, slice_from(exact, n), "XML line 1");
		free(exact);
	}
}

static void
test_write(void **state)
{
	const struct question q = { .address = "a&b@c.example", .legacy_dn = "/o=<C>/cn=a" };
	struct buf b = { .max = 4096 };

	(void)state;
	pox_write_request(&b, &q);
	assert_string_equal(buf_cstr(&b),
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	    "<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/outlook/"
	    "requestschema/2006\">\n"
	    "  <Request>\n"
	    "    <EMailAddress>a&amp;b@c.example</EMailAddress>\n"
	    "    <LegacyDN>/o=&lt;C&gt;/cn=a</LegacyDN>\n"
	    "    <AcceptableResponseSchema>" POX_SCHEMA_OUTLOOK "</AcceptableResponseSchema>\n"
	    "  </Request>\n"
	    "</Autodiscover>\n");
	buf_clear(&b);
}

static void
test_round_trip(void **state)
{
	struct arena *mem = arena_new(64 * 1024);
	struct buf b = { .max = POX_REQUEST_BYTES };

	for (uint64_t seed = 0; seed < 5000; seed++) {
		struct question asked, got;
		struct usher_error err = { 0 };

		arena_reset(mem);
		buf_reset(&b);
		random_question(mem, seed, &asked);
		pox_write_request(&b, &asked);
		if (pox_read_request(*state, mem, buf_as_slice(&b), &got, &err) != USHER_OK)
			fail_msg("seed %d: %s\n%s", (int)seed, err.message, buf_cstr(&b));
		if (!same(asked.address, got.address) || !same(asked.legacy_dn, got.legacy_dn) ||
		    got.schema != SCHEMA_OUTLOOK)
			fail_msg("seed %d: %s", (int)seed, buf_cstr(&b));
	}
	buf_clear(&b);
	arena_free(mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, make_reader, free_reader);
}
