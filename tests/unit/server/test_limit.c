/* test_limit.c - connections are counted in all and per address, and nothing is forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/compat.h"
#include "server/limit.h"

static struct net_address
address(const char *text)
{
	struct net_address a;

	assert_true(net_address_parse(slice_of(text), &a));
	return a;
}

static void
test_per_address(void **state)
{
	static const struct {
		const char *name;
		const char *first, *second;
		bool same;
	} rows[] = {
		{ "one IPv4 address", "192.0.2.1", "192.0.2.1", true },
		{ "two IPv4 addresses", "192.0.2.1", "192.0.2.2", false },
		{ "IPv4 and the same mapped", "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "one IPv6 /64", "2001:db8::1", "2001:db8::ffff:0:0:1", true },
		{ "two IPv6 /64", "2001:db8::1", "2001:db8:0:1::1", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct net_address a = address(rows[i].first), b = address(rows[i].second);
		struct limit *l = limit_new();
		enum limit_answer got;

		assert_non_null(l);
		limit_set(l, 100, 1);
		assert_int_equal(limit_take(l, &a, false), LIMIT_TAKEN);
		got = limit_take(l, &b, false);
		if (got != (rows[i].same ? LIMIT_ADDRESS : LIMIT_TAKEN))
			fail_msg("%s: %d", rows[i].name, got);
		assert_int_equal(limit_take(l, &a, true), LIMIT_TAKEN);
		limit_give(l, &a, false);
		assert_int_equal(limit_take(l, &a, false), LIMIT_TAKEN);
		limit_free(l);
	}
}

static void
test_total(void **state)
{
	struct net_address a = address("192.0.2.1"), b = address("192.0.2.2");
	struct limit *l = limit_new();

	(void)state;
	assert_non_null(l);
	limit_set(l, 2, 2);
	assert_int_equal(limit_take(l, &a, false), LIMIT_TAKEN);
	assert_true(limit_has_room(l));
	assert_int_equal(limit_take(l, &b, true), LIMIT_TAKEN);
	assert_false(limit_has_room(l));
	assert_int_equal(limit_take(l, &b, true), LIMIT_FULL);
	limit_give(l, &b, true);
	assert_int_equal(limit_take(l, &b, false), LIMIT_TAKEN);
	assert_int_equal(limit_addresses(l), 2);
	limit_set(l, 10, 1);
	assert_int_equal(limit_take(l, &a, false), LIMIT_ADDRESS);
	limit_free(l);
}

enum { MANY = 3000 };

static struct net_address
numbered(unsigned n)
{
	struct net_address a = { { [10] = 0xff, [11] = 0xff } };

	for (int i = 0; i < 4; i++)
		a.bytes[12 + i] = (uint8_t)(n >> (24 - 8 * i));
	return a;
}

/* Against a plain array: a walk that takes and gives at random over far more addresses than the
 * table begins with. */
static void
test_walk(void **state)
{
	struct limit *l = limit_new();
	static unsigned counts[MANY];
	unsigned used = 0;

	(void)state;
	assert_non_null(l);
	limit_set(l, 1000000, 3);
	srandom(7);
	for (int i = 0; i < 200000; i++) {
		unsigned n = (unsigned)random() % MANY;
		struct net_address a = numbered(n);

		if (random() % 2 == 0) {
			enum limit_answer got = limit_take(l, &a, false);

			assert_int_equal(got, counts[n] < 3 ? LIMIT_TAKEN : LIMIT_ADDRESS);
			counts[n] += got == LIMIT_TAKEN;
			used += got == LIMIT_TAKEN && counts[n] == 1;
		} else if (counts[n] > 0) {
			limit_give(l, &a, false);
			counts[n]--;
			used -= counts[n] == 0;
		}
	}
	assert_int_equal(limit_addresses(l), used);
	for (unsigned n = 0; n < MANY; n++) {
		struct net_address a = numbered(n);

		while (counts[n]-- > 0)
			limit_give(l, &a, false);
	}
	assert_int_equal(limit_addresses(l), 0);
	limit_free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_per_address),
		cmocka_unit_test(test_total),
		cmocka_unit_test(test_walk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
