/* test_mobilesync.c - ActiveSync's question, and what is read leniently and written carefully in
 * its answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reader.h"
#include "wire/mobilesync.h"
#include "wire/pox.h"

#define KIM "kim@litware.example"

static void
test_request(void **state)
{
	static const char expected[] =
	    "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	    "<Autodiscover xmlns=\"http://schemas.microsoft.com/exchange/autodiscover/mobilesync/"
	    "requestschema/2006\">\n"
	    "  <Request>\n"
	    "    <EMailAddress>a&amp;b@litware.example</EMailAddress>\n"
	    "    <AcceptableResponseSchema>" POX_SCHEMA_MOBILESYNC "</AcceptableResponseSchema>\n"
	    "  </Request>\n"
	    "</Autodiscover>\n";
	const struct question q = { .address = "a&b@litware.example" };
	struct arena *mem = arena_new(64 * 1024);
	struct buf b = { .max = 4096 };
	struct question got = { 0 };

	mobilesync_write_request(&b, &q);
	assert_string_equal(buf_cstr(&b), expected);
	assert_int_equal(pox_read_request(*state, mem, buf_as_slice(&b), &got, NULL), USHER_OK);
	assert_int_equal(got.schema, SCHEMA_MOBILESYNC);
	assert_string_equal(got.address, q.address);
	buf_clear(&b);
	arena_free(mem);
}

#define OPEN "<Autodiscover><Response>"
#define CLOSE "</Response></Autodiscover>"
#define SERVERS(servers) OPEN "<Action><Settings>" servers "</Settings></Action>" CLOSE

/* What is read: kind of the answer, and its first protocol or what else is told. */
static const struct {
	const char *label, *document;
	enum answer_kind kind;
	enum protocol_kind protocol;
	const char *text; /* URL, target or message */
	int64_t code, status;
} lenient[] = {
	{ "no Name",
	    SERVERS("<Server><Type>MobileSync</Type><Url>https://m.example/E</Url></Server>"),
	    ANSWER_SETTINGS, PROTOCOL_ACTIVESYNC, "https://m.example/E", 0, 0 },
	{ "Name alone",
	    SERVERS("<Server><Type>MobileSync</Type><Name>https://m.example/E</Name></Server>"),
	    ANSWER_SETTINGS, PROTOCOL_ACTIVESYNC, "https://m.example/E", 0, 0 },
	{ "another order and letter case",
	    SERVERS("<Server><Url>https://m.example/E</Url><New/><Type>mobilesync</Type></Server>"),
	    ANSWER_SETTINGS, PROTOCOL_ACTIVESYNC, "https://m.example/E", 0, 0 },
	{ "unknown Type",
	    SERVERS("<Server><Type>Fax</Type><Url>https://m.example/F</Url></Server>"),
	    ANSWER_SETTINGS, PROTOCOL_UNKNOWN, "https://m.example/F", 0, 0 },
	{ "no User, prefixes, the request's namespaces",
	    "<a:Autodiscover xmlns:a='urn:x'><a:Response><a:Action><a:Settings><a:Server>"
	    "<a:Type>CertEnroll</a:Type><a:Url>https://c.example/</a:Url></a:Server></a:Settings>"
	    "</a:Action></a:Response></a:Autodiscover>",
	    ANSWER_SETTINGS, PROTOCOL_CERT_ENROLL, "https://c.example/", 0, 0 },
	{ "Redirect beside Settings",
	    OPEN "<Action><Settings/><Redirect>a@b.example</Redirect></Action>" CLOSE,
	    ANSWER_REDIRECT_ADDRESS, PROTOCOL_UNKNOWN, "a@b.example", 0, 0 },
	{ "error of the provider in any order",
	    OPEN "<Action><Error><DebugData>d</DebugData><Message>m</Message><Status>2</Status>"
		 "</Error></Action>" CLOSE,
	    ANSWER_REFUSAL, PROTOCOL_UNKNOWN, "m", REFUSAL_NOT_FOUND, 2 },
	{ "error of the provider with a code",
	    OPEN "<Action><Error><Status>7</Status><ErrorCode>501</ErrorCode><Message>m</Message>"
		 "</Error></Action>" CLOSE,
	    ANSWER_REFUSAL, PROTOCOL_UNKNOWN, "m", REFUSAL_NO_OPTIONS, 7 },
	{ "error of the framework",
	    OPEN "<Error Time='01:02:03' Id='1'><ErrorCode>600</ErrorCode><Message>m</Message>"
		 "</Error>" CLOSE,
	    ANSWER_REFUSAL, PROTOCOL_UNKNOWN, "m", REFUSAL_INVALID_REQUEST, NUMBER_ABSENT },
	{ "error without a code", OPEN "<Error><Message>m</Message></Error>" CLOSE, ANSWER_REFUSAL,
	    PROTOCOL_UNKNOWN, "m", REFUSAL_SERVER_ERROR, NUMBER_ABSENT },
};

static const char *
told(const struct answer *a)
{
	switch (a->kind) {
	case ANSWER_SETTINGS:
		return a->n_protocols == 0 ? "" : a->protocols[0].url;
	case ANSWER_REFUSAL:
		return a->refusal.message;
	case ANSWER_REDIRECT_ADDRESS:
	case ANSWER_REDIRECT_URL:
		break;
	}
	return a->redirect;
}

static void
test_lenient(void **state)
{
	for (size_t i = 0; i < COUNT_OF(lenient); i++) {
		struct arena *mem = arena_new(64 * 1024);
		struct usher_error err = { 0 };
		struct answer a;

		if (mobilesync_read_response(
			*state, mem, slice_of(lenient[i].document), &a, &err) != USHER_OK)
			fail_msg("%s: %s", lenient[i].label, err.message);
		if (a.kind != lenient[i].kind || strcmp(told(&a), lenient[i].text) != 0)
			fail_msg("%s: kind %d, %s", lenient[i].label, a.kind, told(&a));
		if (a.kind == ANSWER_SETTINGS && a.protocols[0].kind != (int)lenient[i].protocol)
			fail_msg("%s: protocol %d", lenient[i].label, a.protocols[0].kind);
		if (a.kind == ANSWER_REFUSAL &&
		    (a.refusal.code != lenient[i].code || a.refusal.status != lenient[i].status))
			fail_msg("%s: code %d, status %d", lenient[i].label, (int)a.refusal.code,
			    (int)a.refusal.status);
		arena_free(mem);
	}
}

/* A service that answers a phone in Outlook's language is told apart. */
static void
test_wrong_schema(void **state)
{
	struct arena *mem = arena_new(64 * 1024);
	struct usher_error err = { 0 };
	struct answer a;

	assert_int_equal(
	    mobilesync_read_response(*state, mem,
		slice_of(OPEN "<User/><Account><Action>settings</Action></Account>" CLOSE), &a,
		&err),
	    USHER_E_PEER);
	assert_string_equal(
	    err.message, "XML line 1: the response is for Outlook, not for ActiveSync");
	arena_free(mem);
}

static void
test_many_servers(void **state)
{
	struct arena *mem = arena_new(1024 * 1024);
	struct buf b = { .max = 64 * 1024 };
	struct answer a;

	buf_text(&b, OPEN "<Action><Settings>");
	for (int i = 0; i <= MOBILESYNC_MAX_SERVERS; i++)
		buf_text(&b, "<Server/>");
	buf_text(&b, "</Settings></Action>" CLOSE);
	assert_int_equal(
	    mobilesync_read_response(*state, mem, buf_as_slice(&b), &a, NULL), USHER_E_LIMIT);
	buf_clear(&b);
	arena_free(mem);
}

/* An answer made for Outlook loses what ActiveSync has no word for; a redirect to a URL, which it
 * cannot say, is no settings. */
static void
test_other_kinds(void **state)
{
	const struct question q = { .address = KIM };
	struct arena *mem = arena_new(64 * 1024);
	struct answer_protocol p[3];
	struct buf b = { .max = 4096 };
	struct answer a, got;

	answer_init(&a, ANSWER_SETTINGS);
	answer_protocol_init(&p[0], PROTOCOL_IMAP);
	answer_protocol_init(&p[1], PROTOCOL_ACTIVESYNC); /* no URL */
	answer_protocol_init(&p[2], PROTOCOL_ACTIVESYNC);
	p[0].server = "imap.litware.example";
	p[2].url = "https://mail.litware.example/Microsoft-Server-ActiveSync";
	a.protocols = p;
	a.n_protocols = COUNT_OF(p);
	mobilesync_write_response(&b, &q, &a);
	assert_int_equal(
	    mobilesync_read_response(*state, mem, buf_as_slice(&b), &got, NULL), USHER_OK);
	assert_int_equal(got.n_protocols, 1);
	assert_string_equal(got.protocols[0].url, p[2].url);
	assert_string_equal(got.user.autodiscover_smtp_address, KIM);

	buf_reset(&b);
	answer_init(&a, ANSWER_REDIRECT_URL);
	a.redirect = "https://elsewhere.example/";
	mobilesync_write_response(&b, &q, &a);
	assert_int_equal(
	    mobilesync_read_response(*state, mem, buf_as_slice(&b), &got, NULL), USHER_OK);
	assert_int_equal(got.kind, ANSWER_REFUSAL);
	assert_int_equal(got.refusal.status, 2);
	buf_clear(&b);
	arena_free(mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_lenient),
		cmocka_unit_test(test_wrong_schema),
		cmocka_unit_test(test_many_servers),
		cmocka_unit_test(test_other_kinds),
	};

	return cmocka_run_group_tests(tests, make_reader, free_reader);
}
