/* test_when.c - dates, durations and sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/compat.h"
#include "base/when.h"

static void
test_dates(void **state)
{
	static const struct {
		const char *text;
		int64_t want; /* -1: refused */
	} rows[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-21T08:35:00Z", 1795250100 },
		{ "2026-11-21t08:35:00.123456z", 1795250100 },
		{ "2026-11-21 08:35:00Z", 1795250100 },
		{ "2026-11-21T10:35:00+02:00", 1795250100 },
		{ "2026-11-21T00:05:00-08:30", 1795250100 },
		{ "2026-11-21", 1795219200 },
		{ "2024-02-29", 1709164800 },
		{ "2016-12-31T23:59:60Z", 1483228800 },
		{ "9999-12-31T23:59:59Z", INT64_C(253402300799) },
		{ "@0", 0 },
		{ "@1795250100", 1795250100 },
		{ "", -1 },
		{ "@", -1 },
		{ "@-1", -1 },
		{ "@1x", -1 },
		{ "@253402300800", -1 },
		{ "2023-02-29", -1 },
		{ "2024-02-30", -1 },
		{ "2024-13-01", -1 },
		{ "2024-00-01", -1 },
		{ "2024-01-00", -1 },
		{ "0000-01-01", -1 },
		{ "2024-1-1", -1 },
		{ "24-01-01", -1 },
		{ "2024-01-01T", -1 },
		{ "2024-01-01T00:00Z", -1 },
		{ "2024-01-01T00:00:00", -1 },
		{ "2024-01-01T24:00:00Z", -1 },
		{ "2024-01-01T00:60:00Z", -1 },
		{ "2024-01-01T00:00:61Z", -1 },
		{ "2024-01-01T00:00:00.Z", -1 },
		{ "2024-01-01T00:00:00+0200", -1 },
		{ "2024-01-01T00:00:00+24:00", -1 },
		{ "2024-01-01T00:00:00Zx", -1 },
		{ "2024-01-01T+1:00:00Z", -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t got = -1;

		if (when_parse(slice_of(rows[i].text), &got) != (rows[i].want >= 0) ||
		    got != rows[i].want)
			fail_msg("'%s' gave %lld", rows[i].text, (long long)got);
	}
}

static void
test_format(void **state)
{
	char text[WHEN_TEXT_BYTES];

	(void)state;
	when_format(1795250100, text);
	assert_string_equal(text, "2026-11-21T08:35:00Z");
	when_format(-1, text);
	assert_string_equal(text, "1969-12-31T23:59:59Z");
	when_format(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
	when_format(INT64_MIN, text);
	assert_string_equal(text, "0001-01-01T00:00:00Z");
	assert_true(clock_mono_ms() <= clock_mono_ms());
	assert_true(clock_unix_ms() > INT64_C(1700000000000));
}

static void
test_units(void **state)
{
	static const struct {
		bool size;
		const char *text;
		int64_t want;	   /* -1: refused */
		const char *again; /* as it is written */
	} rows[] = {
		{ false, "0", 0, "0" },
		{ false, "30", 30000, "30s" },
		{ false, "250ms", 250, "250ms" },
		{ false, "90s", 90000, "90s" },
		{ false, "60s", 60000, "1m" },
		{ false, "6h", 21600000, "6h" },
		{ false, "24h", 86400000, "1d" },
		{ false, "3653d", INT64_C(315619200000), "3653d" },
		{ false, "3654d", -1, NULL },
		{ false, "99999999999999999999", -1, NULL },
		{ false, "", -1, NULL },
		{ false, "s", -1, NULL },
		{ false, "-1s", -1, NULL },
		{ false, "1 s", -1, NULL },
		{ false, "1.5s", -1, NULL },
		{ false, "1w", -1, NULL },
		{ true, "512", 512, "512" },
		{ true, "16k", 16384, "16k" },
		{ true, "16K", 16384, "16k" },
		{ true, "64M", 67108864, "64M" },
		{ true, "1024m", INT64_C(1) << 30, "1G" },
		{ true, "0", 0, "0" },
		{ true, "8589934591G", INT64_C(8589934591) << 30, "8589934591G" },
		{ true, "8589934592G", -1, NULL },
		{ true, "1T", -1, NULL },
		{ true, "16kB", -1, NULL },
		{ true, "k", -1, NULL },
		{ true, "", -1, NULL },
	};
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		bool (*parse)(struct slice, uint64_t *) =
		    rows[i].size ? size_parse : duration_parse;
		uint64_t got = 0;

		if (parse(slice_of(rows[i].text), &got) != (rows[i].want >= 0))
			fail_msg("'%s' taken or not", rows[i].text);
		if (rows[i].want < 0)
			continue;
		if (got != (uint64_t)rows[i].want)
			fail_msg("'%s' gave %llu", rows[i].text, (unsigned long long)got);
		buf_reset(&b);
		(rows[i].size ? size_format : duration_format)(&b, got);
		assert_string_equal(buf_cstr(&b), rows[i].again);
	}
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
