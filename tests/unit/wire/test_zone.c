/* test_zone.c - records as a fragment of a zone file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compat.h"
#include "wire/zone.h"

#define TEN "0123456789"
#define FIFTY TEN TEN TEN TEN TEN
#define LONG FIFTY FIFTY FIFTY FIFTY FIFTY

static const struct {
	const char *label;
	struct zone_record record;
	const char *data;
} rows[] = {
	{ "A", { .type = ZONE_A, .value = "192.0.2.1" }, "192.0.2.1" },
	{ "AAAA", { .type = ZONE_AAAA, .value = "2001:db8::1" }, "2001:db8::1" },
	{ "CNAME", { .type = ZONE_CNAME, .value = "mail.example.com" }, "mail.example.com." },
	{ "SRV", { .type = ZONE_SRV, .srv = { 10, 1, 65535, "imap.example.com" } },
	    "10 1 65535 imap.example.com." },
	{ "SRV, not offered", { .type = ZONE_SRV, .srv = { 0, 0, 0, "" } }, "0 0 0 ." },
	{ "TXT", { .type = ZONE_TXT, .value = "path=/dav/;x" }, "\"path=/dav/;x\"" },
	{ "TXT, empty", { .type = ZONE_TXT, .value = "" }, "\"\"" },
	{ "TXT, escapes", { .type = ZONE_TXT, .value = "a\"b\\c\x01\xc3\xbc\x7f" },
	    "\"a\\\"b\\\\c\\001\\195\\188\\127\"" },
	{ "TXT of 255 bytes", { .type = ZONE_TXT, .value = LONG "abcde" }, "\"" LONG "abcde\"" },
	{ "TXT of 256 bytes", { .type = ZONE_TXT, .value = LONG "abcdef" },
	    "\"" LONG "abcde\" \"f\"" },
	{ "TXT of 511 bytes", { .type = ZONE_TXT, .value = LONG "abcde" LONG "abcde6" },
	    "\"" LONG "abcde\" \"" LONG "abcde\" \"6\"" },
};

static void
test_data(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b = { .max = 64 * 1024 };

		print_message("# %s\n", rows[i].label);
		zone_write_data(&b, &rows[i].record);
		assert_string_equal(buf_cstr(&b), rows[i].data);
		buf_clear(&b);
	}
}

static void
test_fragment(void **state)
{
	static const struct zone_record records[] = {
		{ .name = "", .type = ZONE_A, .value = "192.0.2.1", .why = "For all" },
		{ .name = "_imaps._tcp",
		    .type = ZONE_SRV,
		    .srv = { 0, 1, 993, "d.example" },
		    .why = "For mail" },
		{ .name = "a", .type = ZONE_CNAME, .value = "d.example", .why = "For mail" },
	};
	static const char *const notes[] = { "mind this", "and that" };
	static const struct zone zone = { .domain = "d.example",
		.records = records,
		.n_records = COUNT_OF(records),
		.notes = { notes, COUNT_OF(notes) } };
	struct buf b = { .max = 64 * 1024 };

	(void)state;
	zone_write(&b, &zone, 300);
	assert_string_equal(buf_cstr(&b), "$ORIGIN d.example.\n"
					  "; For all\n"
					  "@           300 IN A     192.0.2.1\n"
					  "; For mail\n"
					  "_imaps._tcp 300 IN SRV   0 1 993 d.example.\n"
					  "a           300 IN CNAME d.example.\n"
					  "; Note: mind this\n"
					  "; Note: and that\n");
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_fragment),
	};

	return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
