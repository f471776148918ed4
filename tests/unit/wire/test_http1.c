/* test_http1.c - the rule table of the request reader, each row whole and octet by octet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/compat.h"
#include "wire/http1.h"

static const struct http1_limits limits = { .head_bytes = 16 * 1024, .body_bytes = 64 * 1024 };

/* Gives the status of the refusal, 0 for a whole head, -1 when more is wanted. */
static int
read_whole(struct slice input, struct http1_request *out)
{
	const char *reason = NULL;
	int status = 0;

	switch (http1_read_head(input, &limits, out, &status, &reason)) {
	case HTTP1_DONE:
		return 0;
	case HTTP1_MORE:
		return -1;
	case HTTP1_ERROR:
		break;
	}
	assert_non_null(reason);
	return status;
}

/* The same, fed octet by octet from exactly sized memory. */
static int
read_by_octet(struct slice input)
{
	int got = -1;

	for (size_t n = 1; n <= input.n && got == -1; n++) {
		struct http1_request request;
		char *exact = malloc(n);

		assert_non_null(exact);
		memcpy(exact, input.p, n);
		got = read_whole(slice_from(exact, n), &request);
		free(exact);
	}
	return got;
}

#define LITERAL(text) \
	{ \
		text, sizeof(text) - 1 \
	}
#define HOST "Host: contoso.com\r\n"
#define POST "POST /autodiscover/autodiscover.xml HTTP/1.1\r\n" HOST

static const struct {
	const char *name;
	struct slice input;
	int status;
} rows[] = {
	{ "plain GET", LITERAL("GET / HTTP/1.1\r\n" HOST "\r\n"), 0 },
	{ "HTTP/1.0 without Host", LITERAL("GET / HTTP/1.0\r\n\r\n"), 0 },
	{ "POST with length", LITERAL(POST "Content-Length: 400\r\n\r\n"), 0 },
	{ "length 0", LITERAL(POST "Content-Length: 0\r\n\r\n"), 0 },
	{ "length 2^64 - 1", LITERAL(POST "Content-Length: 18446744073709551615\r\n\r\n"), 0 },
	{ "chunked", LITERAL(POST "Transfer-Encoding: chunked\r\n\r\n"), 0 },
	{ "Chunked in capitals", LITERAL(POST "transfer-encoding:CHUNKED\r\n\r\n"), 0 },
	{ "unfinished", LITERAL(POST "Content-Length: 400\r\n"), -1 },

	{ "length and chunked",
	    LITERAL(POST "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"), 400 },
	{ "chunked and length",
	    LITERAL(POST "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"), 400 },
	{ "two lengths, different", LITERAL(POST "Content-Length: 4\r\nContent-Length: 5\r\n\r\n"),
	    400 },
	{ "two lengths, equal", LITERAL(POST "Content-Length: 4\r\nContent-Length: 4\r\n\r\n"),
	    400 },
	{ "length +400", LITERAL(POST "Content-Length: +400\r\n\r\n"), 400 },
	{ "length -1", LITERAL(POST "Content-Length: -1\r\n\r\n"), 400 },
	{ "length 0x190", LITERAL(POST "Content-Length: 0x190\r\n\r\n"), 400 },
	{ "length 400abc", LITERAL(POST "Content-Length: 400abc\r\n\r\n"), 400 },
	{ "length with a blank inside", LITERAL(POST "Content-Length: 4 0\r\n\r\n"), 400 },
	{ "length empty", LITERAL(POST "Content-Length:\r\n\r\n"), 400 },
	{ "length a list", LITERAL(POST "Content-Length: 4, 4\r\n\r\n"), 400 },
	{ "length 2^64", LITERAL(POST "Content-Length: 18446744073709551616\r\n\r\n"), 400 },

	{ "coding gzip", LITERAL(POST "Transfer-Encoding: gzip\r\n\r\n"), 501 },
	{ "coding gzip, chunked", LITERAL(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501 },
	{ "coding chunked, chunked", LITERAL(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"),
	    501 },
	{ "coding identity", LITERAL(POST "Transfer-Encoding: identity\r\n\r\n"), 501 },
	{ "coding chunked;a=b", LITERAL(POST "Transfer-Encoding: chunked;a=b\r\n\r\n"), 501 },
	{ "coding empty", LITERAL(POST "Transfer-Encoding:\r\n\r\n"), 501 },
	{ "two codings",
	    LITERAL(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 400 },
	{ "chunked in HTTP/1.0", LITERAL("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    400 },

	{ "space before the colon", LITERAL(POST "Accept : */*\r\n\r\n"), 400 },
	{ "tab before the colon", LITERAL(POST "Content-Length\t: 4\r\n\r\n"), 400 },
	{ "empty name", LITERAL(POST ": value\r\n\r\n"), 400 },
	{ "no colon", LITERAL(POST "Accept\r\n\r\n"), 400 },
	{ "folded line", LITERAL(POST "Accept: a,\r\n b\r\n\r\n"), 400 },
	{ "folded with a tab", LITERAL(POST "Accept: a,\r\n\tb\r\n\r\n"), 400 },
	{ "blank before the first field", LITERAL("GET / HTTP/1.1\r\n Host: contoso.com\r\n\r\n"),
	    400 },
	{ "NUL in a value", LITERAL(POST "Accept: a\0b\r\n\r\n"), 400 },
	{ "NUL in a name", LITERAL(POST "Acc\0ept: b\r\n\r\n"), 400 },
	{ "escape in a value", LITERAL(POST "Accept: \033[2J\r\n\r\n"), 400 },
	{ "bare CR in a value", LITERAL(POST "Accept: a\rb\r\n\r\n"), 400 },
	{ "bare CR before CR LF", LITERAL(POST "Accept: a\r\r\n\r\n"), 400 },
	{ "bare LF after a field", LITERAL(POST "Accept: a\n\r\n"), 400 },
	{ "bare LF after the request line", LITERAL("GET / HTTP/1.1\n" HOST "\r\n"), 400 },
	{ "bare LF at the end", LITERAL(POST "\n"), 400 },
	{ "two spaces before the target", LITERAL("GET  / HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "two spaces before the version", LITERAL("GET /  HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "tab in the request line", LITERAL("GET\t/ HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "blank at the end of the request line", LITERAL("GET / HTTP/1.1 \r\n" HOST "\r\n"), 400 },
	{ "blank before the method", LITERAL(" GET / HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "NUL in the path", LITERAL("GET /a\0b HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "DEL in the path", LITERAL("GET /a\177b HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "fragment in the path", LITERAL("GET /a#b HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "path without a slash", LITERAL("GET a HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "star with GET", LITERAL("GET * HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "no method", LITERAL("/ HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "method with a colon", LITERAL("GE:T / HTTP/1.1\r\n" HOST "\r\n"), 400 },

	{ "Host missing in 1.1", LITERAL("GET / HTTP/1.1\r\nAccept: */*\r\n\r\n"), 400 },
	{ "Host empty in 1.1", LITERAL("GET / HTTP/1.1\r\nHost: \r\n\r\n"), 400 },
	{ "two Hosts", LITERAL("GET / HTTP/1.1\r\n" HOST HOST "\r\n"), 400 },
	{ "two Hosts in 1.0", LITERAL("GET / HTTP/1.0\r\n" HOST HOST "\r\n"), 400 },
	{ "Host with a path", LITERAL("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400 },
	{ "Host with a user", LITERAL("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), 400 },
	{ "Host with a blank", LITERAL("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400 },
	{ "Host with a bad port", LITERAL("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"), 400 },
	{ "Host with two ports", LITERAL("GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n"), 400 },
	{ "Host with port", LITERAL("GET / HTTP/1.1\r\nHost: a:8443\r\n\r\n"), 0 },
	{ "Host an IPv6 address", LITERAL("GET / HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n"), 0 },
	{ "Host an open bracket", LITERAL("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), 400 },
	{ "Host with text after the bracket", LITERAL("GET / HTTP/1.1\r\nHost: [::1]a\r\n\r\n"),
	    400 },
	{ "two Authorizations",
	    LITERAL(POST "Authorization: Basic YQ==\r\nAuthorization: Basic YQ==\r\n\r\n"), 400 },

	{ "Expect 100-continue", LITERAL(POST "Expect: 100-Continue\r\n\r\n"), 0 },
	{ "Expect other", LITERAL(POST "Expect: 200-maybe\r\n\r\n"), 417 },
	{ "Expect 100-continue and other", LITERAL(POST "Expect: 100-continue, x\r\n\r\n"), 417 },

	{ "HTTP/1.9", LITERAL("GET / HTTP/1.9\r\n" HOST "\r\n"), 505 },
	{ "HTTP/3.0", LITERAL("GET / HTTP/3.0\r\n" HOST "\r\n"), 505 },
	{ "HTTP/2.0 preface", LITERAL("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505 },
	{ "HTTP/0.9", LITERAL("GET /\r\n"), 400 },
	{ "HTTP/0.9 of one word", LITERAL("GET\r\n"), 400 },
	{ "HTTP/1.10", LITERAL("GET / HTTP/1.10\r\n" HOST "\r\n"), 400 },
	{ "http/1.1 in small letters", LITERAL("GET / http/1.1\r\n" HOST "\r\n"), 400 },
	{ "a TLS hello", LITERAL("\026\003\001\002\0\001\0\001\374\003\003\n"), 400 },

	{ "TRACE is read", LITERAL("TRACE / HTTP/1.1\r\n" HOST "\r\n"), 0 },
	{ "CONNECT is read", LITERAL("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"), 0 },
	{ "OPTIONS *", LITERAL("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), 0 },

	{ "absolute target", LITERAL("GET http://CONTOSO.com/a?b HTTP/1.1\r\n" HOST "\r\n"), 0 },
	{ "absolute https target", LITERAL("GET HTTPS://contoso.com HTTP/1.1\r\n" HOST "\r\n"), 0 },
	{ "absolute target in 1.0", LITERAL("GET http://contoso.com/ HTTP/1.0\r\n\r\n"), 0 },
	{ "absolute target, other Host",
	    LITERAL("GET http://fabrikam.com/ HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "absolute target, no Host", LITERAL("GET http://contoso.com/ HTTP/1.1\r\n\r\n"), 400 },
	{ "absolute target, other port",
	    LITERAL("GET http://contoso.com:81/ HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "absolute target with a user",
	    LITERAL("GET http://u@contoso.com/ HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "absolute target without host", LITERAL("GET http:///a HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "absolute ftp target", LITERAL("GET ftp://contoso.com/ HTTP/1.1\r\n" HOST "\r\n"), 400 },

	{ "one empty line before", LITERAL("\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), 0 },
	{ "two empty lines before", LITERAL("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "an empty line of LF before", LITERAL("\nGET / HTTP/1.1\r\n" HOST "\r\n"), 400 },
	{ "nothing", LITERAL(""), -1 },
};

static void
test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct http1_request request;
		int whole = read_whole(rows[i].input, &request);
		int split = read_by_octet(rows[i].input);

		if (whole != rows[i].status || split != rows[i].status)
			fail_msg("%s: wanted %d, got %d, by octet %d", rows[i].name, rows[i].status,
			    whole, split);
	}
}

static void
test_fields(void **state)
{
	struct slice input = SLICE_LITERAL(
	    "\r\nPOST /Autodiscover/Autodiscover.xml?a=b?c HTTP/1.1\r\n"
	    "Host: Contoso.com:443\r\nContent-Type:\t text/xml \r\nX-Empty:\r\n"
	    "Content-Length: 7\r\nExpect: 100-continue\r\nUser-Agent: caf\xc3\xa9\r\n\r\n<x/>");
	struct http1_request r;

	(void)state;
	assert_int_equal(read_whole(input, &r), 0);
	assert_int_equal(r.method, HTTP1_POST);
	assert_true(slice_is(r.method_text, "POST"));
	assert_true(slice_is(r.target, "/Autodiscover/Autodiscover.xml?a=b?c"));
	assert_true(slice_is(r.path, "/Autodiscover/Autodiscover.xml"));
	assert_true(slice_is(r.query, "a=b?c"));
	assert_true(slice_is(r.host, "Contoso.com:443"));
	assert_int_equal(r.minor, 1);
	assert_true(r.keep_alive);
	assert_true(r.expect_continue);
	assert_false(r.chunked);
	assert_true(r.has_length);
	assert_int_equal(r.content_length, 7);
	assert_int_equal(r.n_fields, 6);
	assert_int_equal(r.head_bytes, input.n - 4);
	assert_true(slice_is(http1_field(&r, "content-TYPE"), "text/xml"));
	assert_non_null(http1_field(&r, "x-empty").p);
	assert_int_equal(http1_field(&r, "x-empty").n, 0);
	assert_null(http1_field(&r, "x-absent").p);
	assert_true(slice_is(http1_field(&r, "user-agent"), "caf\xc3\xa9"));
}

static void
test_methods(void **state)
{
	static const struct {
		const char *name;
		enum http1_method method;
	} methods[] = {
		{ "GET", HTTP1_GET },
		{ "HEAD", HTTP1_HEAD },
		{ "POST", HTTP1_POST },
		{ "PUT", HTTP1_PUT },
		{ "DELETE", HTTP1_DELETE },
		{ "OPTIONS", HTTP1_OPTIONS },
		{ "PATCH", HTTP1_PATCH },
		{ "TRACE", HTTP1_OTHER },
		{ "get", HTTP1_OTHER },
		{ "GETS", HTTP1_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		struct http1_request r;
		char text[64];
		int n = snprintf(text, sizeof(text), "%s / HTTP/1.0\r\n\r\n", methods[i].name);

		if (read_whole(slice_from(text, (size_t)n), &r) != 0 ||
		    r.method != methods[i].method)
			fail_msg("%s", methods[i].name);
	}
}

static void
test_keep_alive(void **state)
{
	static const struct {
		const char *version;
		const char *fields;
		bool keep;
	} cases[] = {
		{ "1.1", "", true },
		{ "1.1", "Connection: close\r\n", false },
		{ "1.1", "Connection: x, CLOSE ,y\r\n", false },
		{ "1.1", "Connection: x\r\nConnection: close\r\n", false },
		{ "1.1", "Connection: keep-alive, close\r\n", false },
		{ "1.1", "Connection: closed\r\n", true },
		{ "1.0", "", false },
		{ "1.0", "Connection: Keep-Alive\r\n", true },
		{ "1.0", "Connection: keep-alive, close\r\n", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct http1_request r;
		char text[256];
		int n = snprintf(text, sizeof(text), "GET / HTTP/%s\r\n" HOST "%s\r\n",
		    cases[i].version, cases[i].fields);

		if (read_whole(slice_from(text, (size_t)n), &r) != 0 ||
		    r.keep_alive != cases[i].keep)
			fail_msg("HTTP/%s %s", cases[i].version, cases[i].fields);
	}
}

/* A head built to a size: `fields` fields, and the last of them long enough for `bytes` in all. */
static int
read_sized(size_t fields, size_t bytes)
{
	struct http1_request r;
	struct buf b;
	int got;

	buf_init(&b, 64 * 1024);
	buf_text(&b, "GET / HTTP/1.1\r\n" HOST);
	for (size_t i = 2; i < fields; i++)
		buf_text(&b, "A: b\r\n");
	buf_text(&b, "Z: ");
	while (b.n + 4 < bytes)
		buf_char(&b, 'z');
	buf_text(&b, "\r\n\r\n");
	assert_int_equal(b.status, USHER_OK);
	got = read_whole(buf_as_slice(&b), &r);
	if (bytes < 4096)
		assert_int_equal(read_by_octet(buf_as_slice(&b)), got);
	buf_clear(&b);
	return got;
}

static void
test_limits(void **state)
{
	struct http1_request r;
	char *line = malloc(limits.head_bytes);

	(void)state;
	assert_int_equal(read_sized(HTTP1_MAX_FIELDS, 0), 0);
	assert_int_equal(read_sized(HTTP1_MAX_FIELDS + 1, 0), 431);
	assert_int_equal(read_sized(2, limits.head_bytes), 0);
	assert_int_equal(read_sized(2, limits.head_bytes + 1), 431);
	assert_non_null(line);
	memset(line, 'A', limits.head_bytes);
	assert_int_equal(read_whole(slice_from(line, limits.head_bytes - 1), &r), -1);
	assert_int_equal(read_whole(slice_from(line, limits.head_bytes), &r), 431);
	free(line);
}

static void
test_pipelined(void **state)
{
	struct slice input = SLICE_LITERAL("GET /1 HTTP/1.1\r\n" HOST "\r\n"
					   "GET /2 HTTP/1.1\r\n" HOST "\r\n");
	struct http1_request r;

	(void)state;
	assert_int_equal(read_whole(input, &r), 0);
	assert_true(slice_is(r.path, "/1"));
	assert_int_equal(read_whole(slice_skip(input, r.head_bytes), &r), 0);
	assert_true(slice_is(r.path, "/2"));
	assert_int_equal(r.head_bytes * 2, input.n);
}

static void
test_absolute(void **state)
{
	struct http1_request r;

	(void)state;
	assert_int_equal(
	    read_whole(SLICE_LITERAL("GET http://contoso.com?q HTTP/1.0\r\n\r\n"), &r), 0);
	assert_true(slice_is(r.path, "/"));
	assert_true(slice_is(r.query, "q"));
	assert_true(slice_is(r.host, "contoso.com"));
}

static void
test_route_path(void **state)
{
	static const struct {
		const char *path;
		const char *wanted; /* NULL: refused */
	} cases[] = {
		{ "/", "/" },
		{ "/Autodiscover/Autodiscover.XML", "/autodiscover/autodiscover.xml" },
		{ "/a/", "/a/" },
		{ "/v1.0/nora%40contoso.com", "/v1.0/nora@contoso.com" },
		{ "/v1.0/n%C3%B6ra", "/v1.0/n\xc3\xb6ra" },
		{ "/%2541", "/%41" },
		{ "/...", "/..." },
		{ "/.well-known/x", "/.well-known/x" },
		{ "/%41", "/a" },
		{ "", NULL },
		{ "a", NULL },
		{ "*", NULL },
		{ "//", NULL },
		{ "/a//b", NULL },
		{ "//a", NULL },
		{ "/.", NULL },
		{ "/..", NULL },
		{ "/a/../b", NULL },
		{ "/a/./b", NULL },
		{ "/a/..", NULL },
		{ "/%2e%2e/a", NULL },
		{ "/a/.%2e/b", NULL },
		{ "/a%2eb", NULL },
		{ "/a%2Fb", NULL },
		{ "/a%5cb", NULL },
		{ "/a%00b", NULL },
		{ "/a%0ab", NULL },
		{ "/a%7f", NULL },
		{ "/a%", NULL },
		{ "/a%4", NULL },
		{ "/a%4g", NULL },
		{ "/a%C3", NULL },
		{ "/a%c0%af", NULL },
		{ "/a\xff", NULL },
	};
	char out[HTTP1_PATH_BYTES];
	char longest[HTTP1_PATH_BYTES + 1];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		bool got = http1_route_path(slice_of(cases[i].path), out);

		if (got != (cases[i].wanted != NULL) || (got && strcmp(out, cases[i].wanted) != 0))
			fail_msg("%s: %s", cases[i].path, got ? out : "refused");
	}
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	assert_true(http1_route_path(slice_from(longest, HTTP1_PATH_BYTES - 1), out));
	assert_false(http1_route_path(slice_from(longest, HTTP1_PATH_BYTES), out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_absolute),
		cmocka_unit_test(test_route_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
