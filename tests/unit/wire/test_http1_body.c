/* test_http1_body.c - bodies by length and by chunks, each whole and octet by octet. */
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

static const struct http1_limits limits = { .head_bytes = 16 * 1024, .body_bytes = 32 };

enum { CHUNKED = -1, OUTPUT_BYTES = 64 };

struct outcome {
	int status; /* 0 whole, -1 more wanted, else refused */
	size_t consumed;
	size_t n;
	char output[OUTPUT_BYTES];
};

/* Feeds `step` bytes at a time, each from its own exactly sized memory, decoding in place. */
static struct outcome
feed(int64_t length, struct slice input, size_t step)
{
	struct http1_request request = { .chunked = length == CHUNKED };
	struct outcome o = { .status = -1 };
	enum http1_result got = HTTP1_MORE;
	struct http1_body body;

	if (length != CHUNKED)
		request.content_length = (uint64_t)length;
	http1_body_init(&body, &request);
	do {
		size_t n = input.n - o.consumed < step ? input.n - o.consumed : step;
		size_t taken = 0, made = 0;
		const char *reason = NULL;
		char *exact = malloc(n + 1);

		assert_non_null(exact);
		memcpy(exact, input.p + o.consumed, n);
		got = http1_body_feed(
		    &body, slice_from(exact, n), exact, &limits, &taken, &made, &o.status, &reason);
		if (got == HTTP1_ERROR) {
			assert_non_null(reason);
		} else {
			assert_true(taken <= n && made <= taken);
			assert_true(o.n + made <= OUTPUT_BYTES);
			memcpy(o.output + o.n, exact, made);
			o.n += made;
			o.consumed += taken;
		}
		free(exact);
	} while (got == HTTP1_MORE && o.consumed < input.n);
	if (got == HTTP1_DONE)
		o.status = 0;
	return o;
}

#define LITERAL(text) \
	{ \
		text, sizeof(text) - 1 \
	}

static const struct {
	const char *name;
	int64_t length;
	struct slice input;
	int status;
	const char *wanted; /* of a whole body */
	size_t left;	    /* what follows it */
} rows[] = {
	{ "no body", 0, LITERAL("GET /"), 0, "", 5 },
	{ "length 5", 5, LITERAL("helloGET"), 0, "hello", 3 },
	{ "length 5, three there", 5, LITERAL("hel"), -1, NULL, 0 },
	{ "length at the limit", 32, LITERAL("12345678901234567890123456789012"), 0,
	    "12345678901234567890123456789012", 0 },
	{ "length over the limit", 33, LITERAL("1"), 413, NULL, 0 },
	{ "length far over the limit", INT64_MAX, LITERAL("1"), 413, NULL, 0 },

	{ "two chunks", CHUNKED, LITERAL("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\nGET"), 0, "hello!", 3 },
	{ "no chunk", CHUNKED, LITERAL("0\r\n\r\n"), 0, "", 0 },
	{ "size in hexadecimal", CHUNKED, LITERAL("00A\r\n0123456789\r\n0\r\n\r\n"), 0,
	    "0123456789", 0 },
	{ "extension", CHUNKED, LITERAL("1;a=\"b\"\r\nx\r\n0;z\r\n\r\n"), 0, "x", 0 },
	{ "trailers", CHUNKED, LITERAL("1\r\nx\r\n0\r\nA: b\r\nHost: evil\r\n\r\nGET"), 0, "x", 3 },
	{ "unfinished", CHUNKED, LITERAL("1\r\nx\r\n0\r\n"), -1, NULL, 0 },
	{ "chunks at the limit", CHUNKED,
	    LITERAL("10\r\n1234567890123456\r\n10\r\n1234567890123456\r\n0\r\n\r\n"), 0,
	    "12345678901234561234567890123456", 0 },

	{ "size 0x5", CHUNKED, LITERAL("0x5\r\nhello\r\n0\r\n\r\n"), 400, NULL, 0 },
	{ "size negative", CHUNKED, LITERAL("-5\r\nhello\r\n0\r\n\r\n"), 400, NULL, 0 },
	{ "size with a plus", CHUNKED, LITERAL("+5\r\nhello\r\n0\r\n\r\n"), 400, NULL, 0 },
	{ "size empty", CHUNKED, LITERAL("\r\nhello\r\n"), 400, NULL, 0 },
	{ "size empty, extension", CHUNKED, LITERAL(";a\r\nhello\r\n"), 400, NULL, 0 },
	{ "size after a blank", CHUNKED, LITERAL(" 5\r\nhello\r\n0\r\n\r\n"), 400, NULL, 0 },
	{ "size before a blank", CHUNKED, LITERAL("5 \r\nhello\r\n0\r\n\r\n"), 400, NULL, 0 },
	{ "size over the limit", CHUNKED, LITERAL("21\r\n"), 413, NULL, 0 },
	{ "sum over the limit", CHUNKED,
	    LITERAL("10\r\n1234567890123456\r\n10\r\n1234567890123456\r\n1\r\nx"), 413, NULL, 0 },
	{ "size 2^64 - 1", CHUNKED, LITERAL("ffffffffffffffff\r\n"), 413, NULL, 0 },
	{ "size of 17 digits", CHUNKED, LITERAL("00000000000000001\r\n"), 400, NULL, 0 },
	{ "size line of LF only", CHUNKED, LITERAL("5\nhello\n0\n\n"), 400, NULL, 0 },
	{ "size line of CR only", CHUNKED, LITERAL("5\rhello"), 400, NULL, 0 },
	{ "chunk too short", CHUNKED, LITERAL("5\r\nhell\r\n0\r\n\r\n"), 400, NULL, 0 },
	{ "chunk too long", CHUNKED, LITERAL("5\r\nhello!\r\n0\r\n\r\n"), 400, NULL, 0 },
	{ "LF only after a chunk", CHUNKED, LITERAL("5\r\nhello\n0\r\n\r\n"), 400, NULL, 0 },
	{ "bare CR in an extension", CHUNKED, LITERAL("1;a\rb\r\nx\r\n0\r\n\r\n"), 400, NULL, 0 },
	{ "LF only after an extension", CHUNKED, LITERAL("1;a\nx\r\n0\r\n\r\n"), 400, NULL, 0 },
	{ "trailer without a colon", CHUNKED, LITERAL("0\r\nabc\r\n\r\n"), 400, NULL, 0 },
	{ "trailer folded", CHUNKED, LITERAL("0\r\nA: b\r\n c\r\n\r\n"), 400, NULL, 0 },
	{ "trailer without a name", CHUNKED, LITERAL("0\r\n: b\r\n\r\n"), 400, NULL, 0 },
	{ "trailer with NUL", CHUNKED, LITERAL("0\r\nA: \0\r\n\r\n"), 400, NULL, 0 },
	{ "trailer line of LF only", CHUNKED, LITERAL("0\r\nA: b\n\r\n"), 400, NULL, 0 },
	{ "LF only at the end", CHUNKED, LITERAL("0\r\n\n"), 400, NULL, 0 },
};

static void
test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		static const size_t steps[] = { 1, 2, 7, SIZE_MAX };

		for (size_t s = 0; s < COUNT_OF(steps); s++) {
			struct outcome o = feed(rows[i].length, rows[i].input, steps[s]);

			if (o.status != rows[i].status)
				fail_msg("%s by %zu: wanted %d, got %d", rows[i].name, steps[s],
				    rows[i].status, o.status);
			if (o.status == 0 &&
			    (!slice_is(slice_from(o.output, o.n), rows[i].wanted) ||
				rows[i].input.n - o.consumed != rows[i].left))
				fail_msg(
				    "%s by %zu: %.*s", rows[i].name, steps[s], (int)o.n, o.output);
		}
	}
}

/* Extensions and trailers cost the sender as much as us, and still have an end. */
static void
test_extra_bounded(void **state)
{
	static const char *const begins[] = { "1;", "0\r\nA: " };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(begins); i++) {
		struct buf b;

		buf_init(&b, 64 * 1024);
		buf_text(&b, begins[i]);
		for (size_t n = 0; n < HTTP1_EXTRA_BYTES; n++)
			buf_char(&b, 'x');
		assert_int_equal(
		    feed(CHUNKED, buf_as_slice(&b), SIZE_MAX).status, i == 0 ? -1 : 413);
		buf_char(&b, 'x');
		assert_int_equal(feed(CHUNKED, buf_as_slice(&b), SIZE_MAX).status, 413);
		assert_int_equal(feed(CHUNKED, buf_as_slice(&b), 1).status, 413);
		buf_clear(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_extra_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
