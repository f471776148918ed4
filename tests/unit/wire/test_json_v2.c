/* test_json_v2.c - Autodiscover V2: both forms of the question, the words of its refusals, and
 * answers both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/json_v2.h"

static int
make_arena(void **state)
{
	*state = arena_new(1024 * 1024);
	return *state == NULL;
}

static int
free_arena(void **state)
{
	arena_free(*state);
	return 0;
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static const struct {
	const char *label, *path, *query;
	enum json_v2_error error;
	const char *address, *protocol;
	int64_t redirect_count;
} questions[] = {
	{ "query form", JSON_V2_PATH, "Email=ines%40harbour.example&Protocol=Autodiscoverv1",
	    JSON_V2_NO_ERROR, "ines@harbour.example", "Autodiscoverv1", 0 },
	{ "path form", JSON_V2_PATH "/v1.0/ines@harbour.example", "Protocol=activesync",
	    JSON_V2_NO_ERROR, "ines@harbour.example", "activesync", 0 },
	{ "any letter case", "/AutoDiscover/AUTODISCOVER.json/V1.0/Ines%40Harbour.example",
	    "PROTOCOL=EWS&redirectcount=3", JSON_V2_NO_ERROR, "Ines@Harbour.example", "EWS", 3 },
	{ "parameters in another order", JSON_V2_PATH,
	    "RedirectCount=1&Protocol=Ews&ServerLocation=true&Email=a@b.example", JSON_V2_NO_ERROR,
	    "a@b.example", "Ews", 1 },
	{ "RedirectCount 0", JSON_V2_PATH, "Email=a@b.example&Protocol=Ews&RedirectCount=0",
	    JSON_V2_NO_ERROR, "a@b.example", "Ews", 0 },
	{ "RedirectCount 10", JSON_V2_PATH, "Email=a@b.example&Protocol=Ews&RedirectCount=10",
	    JSON_V2_NO_ERROR, "a@b.example", "Ews", 10 },
	{ "RedirectCount -1", JSON_V2_PATH, "Email=a@b.example&Protocol=Ews&RedirectCount=-1",
	    JSON_V2_NO_ERROR, "a@b.example", "Ews", 0 },
	{ "RedirectCount a word", JSON_V2_PATH, "Email=a@b.example&Protocol=Ews&RedirectCount=x",
	    JSON_V2_NO_ERROR, "a@b.example", "Ews", 0 },
	{ "plus as it is", JSON_V2_PATH, "Email=a+b@c.example&Protocol=Ews", JSON_V2_NO_ERROR,
	    "a+b@c.example", "Ews", 0 },
	{ "plus escaped", JSON_V2_PATH, "Email=a%2Bb@c.example&Protocol=Ews", JSON_V2_NO_ERROR,
	    "a+b@c.example", "Ews", 0 },
	{ "decoded once", JSON_V2_PATH, "Email=a%2540b@c.example&Protocol=Ews", JSON_V2_NO_ERROR,
	    "a%40b@c.example", "Ews", 0 },
	{ "UTF-8", JSON_V2_PATH "/v1.0/j%C3%B6rg@b%C3%BCcher.example", "Protocol=Ews",
	    JSON_V2_NO_ERROR,
	    "j\xc3\xb6rg@b\xc3\xbc"
	    "cher.example",
	    "Ews", 0 },
	{ "path wins over query", JSON_V2_PATH "/v1.0/a@b.example",
	    "Email=c@d.example&Protocol=Ews", JSON_V2_NO_ERROR, "a@b.example", "Ews", 0 },
	{ "markup", JSON_V2_PATH, "Email=%3Cx%3E%26%22@b.example&Protocol=Ews", JSON_V2_NO_ERROR,
	    "<x>&\"@b.example", "Ews", 0 },
	{ "nothing asked", JSON_V2_PATH, "", JSON_V2_MANDATORY_PARAMETER_MISSING, NULL, NULL, 0 },
	{ "no address", JSON_V2_PATH, "Protocol=Ews", JSON_V2_MANDATORY_PARAMETER_MISSING, NULL,
	    "Ews", 0 },
	{ "empty address", JSON_V2_PATH, "Email=&Protocol=Ews", JSON_V2_MANDATORY_PARAMETER_MISSING,
	    NULL, "Ews", 0 },
	{ "nothing in the path", JSON_V2_PATH "/v1.0/", "Protocol=Ews",
	    JSON_V2_MANDATORY_PARAMETER_MISSING, NULL, "Ews", 0 },
	{ "address twice", JSON_V2_PATH, "Email=a@b.example&email=c@d.example&Protocol=Ews",
	    JSON_V2_MANDATORY_PARAMETER_MISSING, "c@d.example", "Ews", 0 },
	{ "no protocol", JSON_V2_PATH "/v1.0/a@b.example", "", JSON_V2_MISSING_PROTOCOL,
	    "a@b.example", NULL, 0 },
	{ "protocol of bad bytes", JSON_V2_PATH "/v1.0/a@b.example", "Protocol=%FF",
	    JSON_V2_PROTOCOL_NOT_SUPPORTED, "a@b.example", "\xff", 0 },
	{ "no at sign", JSON_V2_PATH "/v1.0/ines", "Protocol=Ews", JSON_V2_INVALID_EMAIL, "ines",
	    "Ews", 0 },
	{ "no local part", JSON_V2_PATH "/v1.0/@b.example", "Protocol=Ews", JSON_V2_INVALID_EMAIL,
	    "@b.example", "Ews", 0 },
	{ "slash", JSON_V2_PATH, "Email=a%2F..%2Fb@c.example&Protocol=Ews", JSON_V2_INVALID_EMAIL,
	    "a/../b@c.example", "Ews", 0 },
	{ "line break", JSON_V2_PATH, "Email=a%0D%0AX@c.example&Protocol=Ews",
	    JSON_V2_INVALID_EMAIL, "a\r\nX@c.example", "Ews", 0 },
	{ "NUL", JSON_V2_PATH, "Email=a%00@c.example&Protocol=Ews", JSON_V2_INVALID_EMAIL, NULL,
	    "Ews", 0 },
	{ "broken escape", JSON_V2_PATH, "Email=a%4&Protocol=Ews", JSON_V2_INVALID_EMAIL, NULL,
	    "Ews", 0 },
};

static void
test_questions(void **state)
{
	for (size_t i = 0; i < COUNT_OF(questions); i++) {
		enum json_v2_error error;
		struct question q;
		usher_status st;

		st = json_v2_read_request(*state, slice_of(questions[i].path),
		    slice_of(questions[i].query), &q, &error, NULL);
		if (st != USHER_OK || error != questions[i].error ||
		    q.language != LANGUAGE_JSON_V2 || !same(q.address, questions[i].address) ||
		    !same(q.protocol, questions[i].protocol) ||
		    q.redirect_count != questions[i].redirect_count)
			fail_msg("%s: status %d, error %d, %s, %s, %lld", questions[i].label, st,
			    error, q.address, q.protocol, (long long)q.redirect_count);
	}
}

static void
test_long_address(void **state)
{
	enum json_v2_error error;
	char query[400] = "Protocol=Ews&Email=";
	struct question q;
	usher_status st;

	memset(query + strlen(query), 'a', 322);
	st =
	    json_v2_read_request(*state, slice_of(JSON_V2_PATH), slice_of(query), &q, &error, NULL);
	assert_int_equal(st, USHER_OK);
	assert_int_equal(error, JSON_V2_INVALID_EMAIL);
	assert_null(q.address);
}

static void
test_foreign_paths(void **state)
{
	static const char *const paths[] = { "", "/", "/autodiscover/autodiscover.xml",
		"/autodiscover/autodiscover.jsonx", JSON_V2_PATH "/", JSON_V2_PATH "/v1.0",
		JSON_V2_PATH "/v2.0/a@b.example", JSON_V2_PATH "/v1.0/a@b.example/x",
		JSON_V2_PATH "/v1.0/a@b.example/" };

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		enum json_v2_error error;
		struct question q;

		if (json_v2_read_request(*state, slice_of(paths[i]), slice_of("Protocol=Ews"), &q,
			&error, NULL) != USHER_E_ABSENT)
			fail_msg("%s is taken", paths[i]);
	}
}

/* What json_v2_url() makes is read again as the same question. */
static void
test_urls(void **state)
{
	static const char *const addresses[] = { "ines@harbour.example", "a+b@c.example",
		"a&b=c%40?#d@e.example", "j\303\266rg@b\303\274cher.example", "<x>\"@b.example" };
	static const struct slice host = SLICE_LITERAL("https://autodiscover.harbour.example:8443");

	for (size_t i = 0; i < 4 * COUNT_OF(addresses); i++) {
		const struct question q = { .language = LANGUAGE_JSON_V2,
			.address = addresses[i / 4],
			.protocol = "ActiveSync",
			.redirect_count = i % 4 / 2 };
		struct buf b = { .max = 4096 };
		enum json_v2_error error;
		struct question again;
		struct slice target;
		size_t mark;

		json_v2_url(
		    &b, "autodiscover.harbour.example:8443", &q, (enum json_v2_form)(i % 2));
		if (!slice_starts(buf_as_slice(&b), host))
			fail_msg("%s", buf_cstr(&b));
		target = slice_skip(buf_as_slice(&b), host.n);
		mark = slice_find(target, '?');
		assert_int_equal(json_v2_read_request(*state, slice_from(target.p, mark),
				     slice_skip(target, mark + 1), &again, &error, NULL),
		    USHER_OK);
		if (error != (strchr(q.address, '/') ? JSON_V2_INVALID_EMAIL : JSON_V2_NO_ERROR) ||
		    !same(again.address, q.address) || !same(again.protocol, q.protocol) ||
		    again.redirect_count != q.redirect_count)
			fail_msg("%s is read as %s", buf_cstr(&b), again.address);
		buf_clear(&b);
	}
}

static void
test_url_text(void **state)
{
	const struct question q = {
		.address = "a+b@c.example", .protocol = "Ews", .redirect_count = 2
	};
	struct buf b = { .max = 4096 };

	(void)state;
	json_v2_url(&b, "c.example", &q, JSON_V2_QUERY);
	assert_string_equal(buf_cstr(&b), "https://c.example/autodiscover/autodiscover.json"
					  "?Email=a%2Bb%40c.example&Protocol=Ews&RedirectCount=2");
	buf_clear(&b);
}

/* ---- answers ---- */

/* Written, and read again. */
static const struct {
	const char *label;
	enum json_v2_error error;
	const char *protocol;
	int http_status;
	int64_t code;
	const char *body;
} refusals[] = {
	{ "no address", JSON_V2_MANDATORY_PARAMETER_MISSING, NULL, 400, REFUSAL_INVALID_REQUEST,
	    "{\"ErrorCode\":\"MandatoryParameterMissing\",\"ErrorMessage\":"
	    "\"The get request sent does not match the valid format.\"}" },
	{ "no protocol", JSON_V2_MISSING_PROTOCOL, NULL, 400, REFUSAL_INVALID_REQUEST,
	    "{\"ErrorCode\":\"MissingProtocol\",\"ErrorMessage\":"
	    "\"A valid value must be provided for the query parameter 'Protocol'.\"}" },
	{ "quotes in the protocol", JSON_V2_PROTOCOL_NOT_SUPPORTED, "Fax\"\\\n</script>", 400,
	    REFUSAL_NO_PROVIDER,
	    "{\"ErrorCode\":\"ProtocolNotSupported\",\"ErrorMessage\":\"Protocol: The protocol "
	    "'Fax\\\"\\\\\\n</script>' is not supported. Supported protocols are: "
	    "'ActiveSync,AutodiscoverV1'\"}" },
	{ "no such user", JSON_V2_USER_NOT_FOUND, NULL, 404, REFUSAL_NOT_FOUND,
	    "{\"ErrorCode\":\"UserNotFound\",\"ErrorMessage\":"
	    "\"The e-mail address cannot be found.\"}" },
	{ "our own failure", JSON_V2_INTERNAL_ERROR, NULL, 500, REFUSAL_SERVER_ERROR,
	    "{\"ErrorCode\":\"InternalServerError\",\"ErrorMessage\":\"Server Error\"}" },
};

static void
test_refusals(void **state)
{
	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		const struct question q = { .protocol = refusals[i].protocol };
		struct buf b = { .max = 4096 };
		struct answer a, again;
		int status;

		assert_int_equal(
		    json_v2_refusal(*state, refusals[i].error, &q, "ActiveSync,AutodiscoverV1", &a),
		    USHER_OK);
		status = json_v2_write_response(&b, &a);
		if (status != refusals[i].http_status || a.refusal.code != refusals[i].code ||
		    strcmp(buf_cstr(&b), refusals[i].body) != 0)
			fail_msg("%s: %d, %s", refusals[i].label, status, buf_cstr(&b));
		assert_int_equal(
		    json_v2_read_response(*state, buf_as_slice(&b), &again, NULL), USHER_OK);
		if (!answer_equal(&a, &again))
			fail_msg("%s is read as another", refusals[i].label);
		buf_clear(&b);
	}
}

static void
test_settings(void **state)
{
	static const enum protocol_kind kinds[] = { PROTOCOL_AUTODISCOVER, PROTOCOL_ACTIVESYNC,
		PROTOCOL_EWS, PROTOCOL_REST, PROTOCOL_UNKNOWN };

	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct answer_protocol p;
		struct buf b = { .max = 4096 };
		struct answer a, again;

		answer_init(&a, ANSWER_SETTINGS);
		answer_protocol_init(&p, kinds[i]);
		p.url = "https://mail.harbour.example/x?a=1&b='2'";
		if (kinds[i] == PROTOCOL_UNKNOWN)
			p.type = "ToDo";
		a.protocols = &p;
		a.n_protocols = 1;
		assert_int_equal(json_v2_write_response(&b, &a), 200);
		assert_int_equal(
		    json_v2_read_response(*state, buf_as_slice(&b), &again, NULL), USHER_OK);
		if (!answer_equal(&a, &again))
			fail_msg("%s", buf_cstr(&b));
		buf_clear(&b);
	}
}

static void
test_example(void **state)
{
	static const char body[] =
	    "{\"Protocol\":\"AutodiscoverV1\","
	    "\"Url\":\"https://autodiscover.harbour.example/autodiscover/autodiscover.xml\"}";
	struct buf b = { .max = 4096 };
	struct answer a;

	assert_int_equal(json_v2_read_response(*state, slice_of(body), &a, NULL), USHER_OK);
	assert_int_equal(a.kind, ANSWER_SETTINGS);
	assert_int_equal(a.n_protocols, 1);
	assert_int_equal(a.protocols[0].kind, PROTOCOL_AUTODISCOVER);
	assert_int_equal(json_v2_write_response(&b, &a), 200);
	assert_string_equal(buf_cstr(&b), body);
	buf_clear(&b);
}

static void
test_redirect(void **state)
{
	struct buf b = { .max = 4096 };
	struct answer a;

	(void)state;
	answer_init(&a, ANSWER_REDIRECT_URL);
	a.redirect = "https://autodiscover.inland.example/autodiscover/autodiscover.json";
	assert_int_equal(json_v2_write_response(&b, &a), 302);
	assert_int_equal(b.n, 0);
	answer_init(&a, ANSWER_REDIRECT_ADDRESS);
	assert_int_equal(json_v2_write_response(&b, &a), 500);
	buf_clear(&b);
}

/* Read all the same. NULL: no answer. */
static const struct {
	const char *label, *body, *url, *code;
} odd[] = {
	{ "byte order mark", "\xef\xbb\xbf{\"Url\":\"https://h.example/\"}", "https://h.example/",
	    NULL },
	{ "other members and order",
	    "{\"ServerLocation\":{\"Url\":\"http://no/\"},\"n\":1,\"f\":true,"
	    "\"Url\":\"https://h.example/\",\"Protocol\":\"ews\",\"l\":[\"Url\"]}",
	    "https://h.example/", NULL },
	{ "null Protocol", "{\"Protocol\":null,\"Url\":\"https://h.example/\"}",
	    "https://h.example/", NULL },
	{ "escapes", "{\"Url\":\"https:\\/\\/h.example\\/\\u0061\"}", "https://h.example/a", NULL },
	{ "another's error", "{\"ErrorCode\":\"Strange\",\"ErrorMessage\":\"x\"}", NULL,
	    "Strange" },
	{ "error of Exchange Server",
	    "{\"ErrorCode\":\"InvalidProtocol\",\"ErrorMessage\":\"The given protocol value "
	    "\\u0027Fax\\u0027 is invalid.\"}",
	    NULL, "InvalidProtocol" },
	{ "plain http", "{\"Url\":\"http://h.example/\"}", NULL, NULL },
	{ "relative", "{\"Url\":\"/x\"}", NULL, NULL },
	{ "user in the URL", "{\"Url\":\"https://u@h.example/\"}", NULL, NULL },
	{ "Url no text", "{\"Url\":1}", NULL, NULL },
	{ "empty", "", NULL, NULL },
	{ "empty object", "{}", NULL, NULL },
	{ "list", "[{\"Url\":\"https://h.example/\"}]", NULL, NULL },
	{ "duplicate", "{\"Url\":\"https://h.example/\",\"Url\":\"https://i.example/\"}", NULL,
	    NULL },
	{ "HTML", "<!DOCTYPE html><html></html>", NULL, NULL },
	{ "cut", "{\"Url\":\"https://h.example/\"", NULL, NULL },
	{ "letters of the name", "{\"url\":\"https://h.example/\"}", NULL, NULL },
};

static void
test_odd(void **state)
{
	for (size_t i = 0; i < COUNT_OF(odd); i++) {
		struct usher_error err = { 0 };
		struct answer a = { .kind = ANSWER_REFUSAL };
		usher_status st = json_v2_read_response(*state, slice_of(odd[i].body), &a, &err);

		if (odd[i].url == NULL && odd[i].code == NULL) {
			if (st != USHER_E_PEER || err.message[0] == '\0')
				fail_msg("%s: %d", odd[i].label, st);
		} else if (st != USHER_OK ||
			   (odd[i].url != NULL && !same(a.protocols[0].url, odd[i].url)) ||
			   (odd[i].code != NULL && !same(a.refusal.name, odd[i].code))) {
			fail_msg("%s: %d %s", odd[i].label, st, err.message);
		}
	}
}

static void
test_long_response(void **state)
{
	static char body[JSON_V2_RESPONSE_BYTES + 1];
	struct answer a;

	memset(body, ' ', sizeof(body));
	assert_int_equal(
	    json_v2_read_response(*state, slice_from(body, sizeof(body)), &a, NULL), USHER_E_LIMIT);
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, make_arena, free_arena)
	const struct CMUnitTest tests[] = {
		TEST(test_questions),
		TEST(test_long_address),
		TEST(test_foreign_paths),
		TEST(test_urls),
		TEST(test_url_text),
		TEST(test_refusals),
		TEST(test_settings),
		TEST(test_example),
		TEST(test_redirect),
		TEST(test_odd),
		TEST(test_long_response),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
