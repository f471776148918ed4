/* test_reply.c - the bytes of responses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/compat.h"
#include "server/conn.h"

#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEGIN "\r\nServer: usherd\r\nDate: " DATE "\r\n"

static void
test_bytes(void **state)
{
	static const struct reply_field evil = { "Location", "/a\r\nSet-Cookie: b\x7f" };
	static const struct http1_request get = { .minor = 1 };
	static const struct http1_request old = { .minor = 0 };
	static const struct http1_request head = { .minor = 1, .method = HTTP1_HEAD };
	const struct {
		const char *name;
		struct reply reply;
		const struct http1_request *head;
		bool close;
		const char *wanted;
	} rows[] = {
		{ "plain", { .status = 200, .type = "text/xml", .body = slice_of("<a/>") }, &get,
		    false,
		    "HTTP/1.1 200 OK" BEGIN
		    "Content-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>" },
		{ "HEAD", { .status = 200, .type = "text/xml", .body = slice_of("<a/>") }, &head,
		    false,
		    "HTTP/1.1 200 OK" BEGIN "Content-Type: text/xml\r\nContent-Length: 4\r\n\r\n" },
		{ "closing", { .status = 404 }, &get, true,
		    "HTTP/1.1 404 Not Found" BEGIN
		    "Content-Length: 0\r\nConnection: close\r\n\r\n" },
		{ "HTTP/1.0 kept", { .status = 204 }, &old, false,
		    "HTTP/1.1 204 No Content" BEGIN "Connection: keep-alive\r\n\r\n" },
		{ "no head was read", { .status = 400, .body = slice_of("x") }, NULL, true,
		    "HTTP/1.1 400 Bad Request" BEGIN
		    "Content-Length: 1\r\nConnection: close\r\n\r\nx" },
		{ "a value that would split", { .status = 302, .fields = &evil, .n_fields = 1 },
		    &get, false,
		    "HTTP/1.1 302 Found" BEGIN
		    "Content-Length: 0\r\nLocation: /a??Set-Cookie: b?\r\n\r\n" },
		{ "status without a phrase", { .status = 299 }, &get, false,
		    "HTTP/1.1 299 Unknown" BEGIN "Content-Length: 0\r\n\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf out;

		buf_init(&out, 4096);
		reply_build(&out, &rows[i].reply, rows[i].head, rows[i].close, DATE);
		if (strcmp(buf_cstr(&out), rows[i].wanted) != 0)
			fail_msg("%s: %s", rows[i].name, buf_cstr(&out));
		buf_clear(&out);
	}
}

static void
test_date(void **state)
{
	char date[40];

	(void)state;
	reply_date(784111777, date);
	assert_string_equal(date, DATE);
	reply_date(0, date);
	assert_string_equal(date, "Thu, 01 Jan 1970 00:00:00 GMT");
	reply_date(1772323200, date);
	assert_string_equal(date, "Sun, 01 Mar 2026 00:00:00 GMT");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
