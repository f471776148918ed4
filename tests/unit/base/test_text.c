/* test_text.c - characters, numbers, the cursor, slices and error lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/text.h"

static void
test_utf8(void **state)
{
	static const struct {
		struct slice text;
		bool valid;
	} rows[] = {
		{ SLICE_LITERAL(""), true },
		{ SLICE_LITERAL("a\0b"), true },
		{ SLICE_LITERAL("\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"), true },
		{ SLICE_LITERAL("\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf"), true },
		{ SLICE_LITERAL("\x80"), false },
		{ SLICE_LITERAL("\xc3"), false },
		{ SLICE_LITERAL("\xc3z"), false },
		{ SLICE_LITERAL("\xc0\x80"), false },
		{ SLICE_LITERAL("\xc1\xbf"), false },
		{ SLICE_LITERAL("\xe0\x9f\xbf"), false },
		{ SLICE_LITERAL("\xed\xa0\x80"), false },
		{ SLICE_LITERAL("\xf0\x8f\xbf\xbf"), false },
		{ SLICE_LITERAL("\xf4\x90\x80\x80"), false },
		{ SLICE_LITERAL("\xf5\x80\x80\x80"), false },
		{ SLICE_LITERAL("\xe2\x82"), false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (text_utf8_valid(rows[i].text) != rows[i].valid)
			fail_msg("row %zu", i);
}

static void
test_cp1252(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	text_from_cp1252(&b, slice_of("p\xe4ss\x80\x81\xff"));
	assert_string_equal(buf_cstr(&b), "p\xc3\xa4ss\xe2\x82\xac\xef\xbf\xbd\xc3\xbf");
	buf_clear(&b);
}

static void
test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t min, max;
		bool taken;
	} rows[] = {
		{ "0", 0, 0, true },
		{ "007", 7, 7, true },
		{ "18446744073709551615", 0, UINT64_MAX, true },
		{ "18446744073709551616", 0, UINT64_MAX, false },
		{ "", 0, 9, false },
		{ "+1", 0, 9, false },
		{ "-1", 0, 9, false },
		{ "1 ", 0, 9, false },
		{ "0x1", 0, 9, false },
		{ "10", 0, 9, false },
		{ "1", 2, 9, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint64_t n = 77;

		if (text_number(slice_of(rows[i].text), rows[i].min, rows[i].max, &n) !=
			rows[i].taken ||
		    (!rows[i].taken && n != 77))
			fail_msg("'%s'", rows[i].text);
	}
}

static void
test_cursor_failure_sticks(void **state)
{
	struct cursor c = cursor_on(slice_of("ab: 12;rest"));

	(void)state;
	assert_true(slice_is(cursor_while(&c, text_is_alpha, 2), "ab"));
	assert_true(cursor_char(&c, ':'));
	cursor_blanks(&c);
	assert_int_equal(cursor_number(&c, 1, 99), 12);
	assert_false(cursor_maybe(&c, ','));
	assert_true(cursor_word(&c, ";RE"));
	assert_int_equal(cursor_peek(&c), 's');
	assert_false(c.failed);
	assert_false(cursor_char(&c, 'x'));
	assert_false(cursor_char(&c, 's'));
	assert_int_equal(cursor_peek(&c), -1);
	assert_int_equal(cursor_rest(&c).n, 0);

	c = cursor_on(slice_of("key=value"));
	assert_true(slice_is(cursor_until(&c, '=', 3), "key"));
	assert_true(slice_is(cursor_rest(&c), "value"));
	assert_true(cursor_at_end(&c) && !c.failed);
	c = cursor_on(slice_of("key=value"));
	assert_int_equal(cursor_until(&c, '=', 2).n, 0);
	assert_true(c.failed);
	c = cursor_on((struct slice){ NULL, 0 });
	assert_true(cursor_at_end(&c));
	assert_int_equal(cursor_while(&c, text_is_alpha, 9).n, 0);
	assert_true(c.failed);
}

static void
test_logins(void **state)
{
	static const struct {
		const char *typed, *compared;
	} rows[] = {
		{ "Nora", "nora" },
		{ "jo\xcc\x88rg", "j\xc3\xb6rg" },
		{ "J\xc3\xb6rg", "j\xc3\xb6rg" },
		/* Two marks in either order are one character's; a Kelvin sign is a letter. */
		{ "a\xcc\xa3\xcc\x82", "\xe1\xba\xad" },
		{ "a\xcc\x82\xcc\xa3", "\xe1\xba\xad" },
		{ "\xe2\x84\xaa", "k" },
		{ "j\xf6rg", "j\xf6rg" },
		{ "", "" },
	};
	struct arena *mem = arena_new(64 * 1024);
	struct slice ascii = slice_of("ascii"), composed;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *got = text_login_copy(mem, slice_of(rows[i].typed));

		assert_non_null(got);
		if (strcmp(got, rows[i].compared) != 0)
			fail_msg("`%s` became `%s`", rows[i].typed, got);
	}
	assert_true(text_compose(mem, ascii, &composed));
	assert_ptr_equal(composed.p, ascii.p);
	arena_free(mem);
}

static void
test_slices(void **state)
{
	struct slice a = slice_of("Hello, World");

	(void)state;
	assert_int_equal(slice_of(NULL).n, 0);
	assert_true(slice_is_nocase(a, "hello, WORLD"));
	assert_false(slice_is(a, "hello, World"));
	assert_true(slice_starts(a, SLICE_LITERAL("Hell")));
	assert_true(slice_starts_nocase(a, SLICE_LITERAL("hELL")));
	assert_true(slice_ends_nocase(a, SLICE_LITERAL("WORLD")));
	assert_false(slice_ends_nocase(a, SLICE_LITERAL("x Hello, World")));
	assert_int_equal(slice_find(a, 'o'), 4);
	assert_int_equal(slice_find_last(a, 'o'), 8);
	assert_int_equal(slice_find(a, 'z'), a.n);
	assert_int_equal(slice_find_last(a, 'z'), a.n);
	assert_ptr_equal(slice_skip(a, 99).p, a.p + a.n);
	assert_int_equal(slice_skip(a, 99).n, 0);
	assert_null(slice_skip((struct slice){ NULL, 0 }, 3).p);
	assert_true(slice_is(slice_trim(slice_of(" \t\r\nx y\n ")), "x y"));
	assert_int_equal(slice_trim(slice_of(" \n")).n, 0);
}

static void
test_error_lines(void **state)
{
	struct usher_error err;
	char text[USHER_ERROR_MESSAGE_BYTES + 10];

	(void)state;
	assert_int_equal(err_set(NULL, USHER_E_INPUT, NULL, "nobody hears"), USHER_E_INPUT);
	(void)err_set(&err, USHER_E_INPUT, "a\nb", "%s", "x\r\x1b[2J\x7f\xff \xc3\xbc");
	assert_string_equal(err.where, "a?b");
	assert_string_equal(err.message, "x??[2J?? \xc3\xbc");
	/* The last character that fits would be cut in two. */
	memset(text, 'a', sizeof(text));
	memcpy(text + USHER_ERROR_MESSAGE_BYTES - 3, "\xe2\x82\xac", 4);
	(void)err_set(&err, USHER_E_INPUT, NULL, "%s", text);
	assert_int_equal(strlen(err.message), USHER_ERROR_MESSAGE_BYTES - 3);
	assert_true(text_utf8_valid(slice_of(err.message)));
}

static void
test_status_names(void **state)
{
	static const usher_status all[] = { USHER_OK, USHER_E_USAGE, USHER_E_CANCELLED,
		USHER_E_ADDRESS, USHER_E_INPUT, USHER_E_ABSENT, USHER_E_CONFLICT,
		USHER_E_CREDENTIALS, USHER_E_NETWORK, USHER_E_TIMEOUT, USHER_E_DNS, USHER_E_PEER,
		USHER_E_TLS, USHER_E_TRUST, USHER_E_PERMISSION, USHER_E_NOMEM, USHER_E_LIMIT,
		USHER_E_IO, USHER_E_UNAVAILABLE, USHER_E_INTERNAL };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		assert_string_not_equal(usher_status_name(all[i]), "unknown");
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(
			    usher_status_name(all[i]), usher_status_name(all[k]));
	}
	assert_string_equal(usher_status_name(USHER_E_TRUST), "trust");
	assert_string_equal(usher_status_name((usher_status)9999), "unknown");
}

static void
test_folded(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "Pier", "PIER", true },
		{ "Pier", "Pies", false },
		{ "", "", true },
		{ "M\303\274nchen", "M\303\234NCHEN", true },
		{ "M\303\274nchen", "MU\314\210nchen", true }, /* u and its dots apart */
		{ "M\303\274nchen", "Munchen", false },
		{ "\320\234\320\276\321\201\320\272\320\262\320\260",
		    "\320\274\320\276\321\201\320\272\320\262\320\260", true },
		{ "Stra\303\237e", "STRASSE", true },
		{ "\377", "\377", true }, /* no UTF-8 is itself */
		{ "\377", "\376", false },
	};
	struct arena *mem = arena_new(4096);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *a = text_fold_copy(mem, slice_of(rows[i].a));
		const char *b = text_fold_copy(mem, slice_of(rows[i].b));

		if (text_same_folded(slice_of(rows[i].a), slice_of(rows[i].b)) != rows[i].same)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
		if ((strcmp(a, b) == 0) != rows[i].same)
			fail_msg("%s: %s; %s: %s", rows[i].a, a, rows[i].b, b);
	}
	arena_free(mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_cp1252),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_cursor_failure_sticks),
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_folded),
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_error_lines),
		cmocka_unit_test(test_status_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
