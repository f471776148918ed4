/* test_srv.c - the order of SRV records: priority, weight, ports, and what names no host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plan/srv.h"

enum { RECORDS_MAX = 4, SEEDS = 10000 };

struct row {
	const char *name;
	struct srv_record records[RECORDS_MAX];
	const char *order; /* hosts; only where no chance is involved */
};

static const struct row rows[] = {
	{ "one", { { 0, 0, 443, "a.example" } }, "a.example " },
	{ "the lowest priority first",
	    { { 20, 99, 443, "c.example" }, { 10, 0, 443, "b.example" },
		{ 5, 1, 443, "a.example" } },
	    "a.example b.example c.example " },
	{ "other ports last, whatever their priority",
	    { { 0, 0, 8443, "c.example" }, { 9, 0, 443, "b.example" }, { 8, 0, 443, "a.example" } },
	    "a.example b.example c.example " },
	{ "capitals, and a last dot", { { 0, 0, 443, "Mail.Example." } }, "mail.example " },
	{ "`.`", { { 0, 0, 443, "." } }, "" },
	{ "no name, no host, no port, an address",
	    { { 0, 0, 443, "a b" }, { 0, 0, 0, "a.example" }, { 0, 0, 443, "127.0.0.1" },
		{ 1, 0, 443, "b.example" } },
	    "b.example " },
};

static size_t
count(const struct srv_record *v)
{
	size_t n = 0;

	while (n < RECORDS_MAX && v[n].host != NULL)
		n++;
	return n;
}

static void
test_rows(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *mem = arena_new(1 << 16);
		struct srv_record out[RECORDS_MAX];
		const char *order = "";
		size_t n;

		for (uint64_t seed = 0; seed < 10; seed++) {
			order = "";
			assert_int_equal(
			    srv_order(mem, rows[i].records, count(rows[i].records), seed, out, &n),
			    USHER_OK);
			for (size_t k = 0; k < n; k++)
				order = arena_printf(mem, "%s%s ", order, out[k].host);
			if (strcmp(order, rows[i].order) != 0)
				fail_msg("%s: %s", rows[i].name, order);
		}
		arena_free(mem);
	}
}

/* How often each is first, in 10,000 draws. */
static void
test_weights(void **state UNUSED)
{
	static const struct srv_record records[] = { { 0, 0, 443, "zero.example" },
		{ 0, 10, 443, "one.example" }, { 0, 30, 443, "three.example" },
		{ 1, 9999, 443, "later.example" } };
	size_t first[COUNT_OF(records)] = { 0 };

	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct arena *mem = arena_new(4096);
		struct srv_record out[COUNT_OF(records)];
		size_t n;

		assert_int_equal(
		    srv_order(mem, records, COUNT_OF(records), seed, out, &n), USHER_OK);
		assert_int_equal(n, COUNT_OF(records));
		assert_string_equal(out[n - 1].host, "later.example");
		for (size_t i = 0; i < n; i++)
			first[i] += strcmp(out[0].host, records[i].host) == 0;
		arena_free(mem);
	}
	assert_in_range(first[0], 1, SEEDS / 20);
	assert_in_range(first[1], SEEDS / 5, SEEDS * 3 / 10);
	assert_in_range(first[2], SEEDS * 6 / 10, SEEDS * 8 / 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_weights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
