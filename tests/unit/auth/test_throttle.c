/* test_throttle.c - waits grow for the guesser and for nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "auth/throttle.h"
#include "base/compat.h"

static struct throttle *
make_allowing(uint32_t source_failures)
{
	const struct throttle_limits limits = {
		.entries = 1024,
		.pair_failures = 3,
		.source_failures = source_failures,
		.delay_max_ms = 8000,
		.forget_ms = 60000,
	};
	struct throttle *t;

	assert_int_equal(throttle_new(&limits, &t, NULL), USHER_OK);
	return t;
}

static struct throttle *
make(void)
{
	return make_allowing(20);
}

static void
test_growing(void **state)
{
	static const uint64_t waits[] = { 0, 0, 0, 1000, 2000, 4000, 8000, 8000, 8000 };
	struct throttle *t = make();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(waits); i++) {
		throttle_failed(t, "192.0.2.1", "nora", 5000);
		if (throttle_wait_ms(t, "192.0.2.1", "nora", 5000) != waits[i])
			fail_msg("failure %zu: %llu ms", i + 1,
			    (unsigned long long)throttle_wait_ms(t, "192.0.2.1", "nora", 5000));
	}
	assert_int_equal(throttle_wait_ms(t, "192.0.2.1", "nora", 12999), 1);
	assert_int_equal(throttle_wait_ms(t, "192.0.2.1", "nora", 13000), 0);
	/* All is forgotten after a time without failure. */
	throttle_failed(t, "192.0.2.1", "nora", 5000 + 8000 + 60000);
	assert_int_equal(throttle_wait_ms(t, "192.0.2.1", "nora", 5000 + 8000 + 60000), 0);
	throttle_free(t);
}

static void
test_whom(void **state)
{
	static const struct {
		const char *name, *source, *login;
		bool waits;
	} rows[] = {
		{ "the pair", "192.0.2.1", "nora", true },
		{ "another source", "192.0.2.2", "nora", false },
		{ "another login", "192.0.2.1", "jo", false },
		{ "the same /64", "2001:db8::ffff:2", "jo", true },
		{ "another /64", "2001:db8:0:1::1", "jo", false },
		{ "mapped", "::ffff:192.0.2.1", "nora", true },
	};
	struct throttle *t = make();

	(void)state;
	for (int i = 0; i < 5; i++) {
		throttle_failed(t, "192.0.2.1", "nora", 5000);
		throttle_failed(t, "2001:db8::1", "jo", 5000);
	}
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if ((throttle_wait_ms(t, rows[i].source, rows[i].login, 5000) > 0) != rows[i].waits)
			fail_msg("%s", rows[i].name);
	}
	throttle_free(t);
}

static void
test_spraying(void **state)
{
	struct throttle *t = make();
	char login[32];

	(void)state;
	for (int i = 0; i < 21; i++) {
		(void)snprintf(login, sizeof(login), "user%d", i);
		assert_int_equal(throttle_wait_ms(t, "192.0.2.1", login, 5000), 0);
		throttle_failed(t, "192.0.2.1", login, 5000);
	}
	assert_int_equal(throttle_wait_ms(t, "192.0.2.1", "anybody", 5000), 1000);
	assert_int_equal(throttle_wait_ms(t, "192.0.2.9", "anybody", 5000), 0);
	throttle_free(t);
}

/* More logins than the source's part of the table can hold, in one moment and wherever the key of
 * this run puts them: the source itself is still known. */
static void
test_crowding(void **state)
{
	char login[32];

	(void)state;
	for (int round = 0; round < 20; round++) {
		struct throttle *t = make_allowing(99);

		for (int i = 0; i < 100; i++) {
			(void)snprintf(login, sizeof(login), "user%d", i);
			throttle_failed(t, "192.0.2.1", login, 5000);
		}
		if (throttle_wait_ms(t, "192.0.2.1", "anybody", 5000) != 1000)
			fail_msg("round %d: the source was forgotten", round);
		throttle_free(t);
	}
}

static void
test_passed(void **state)
{
	struct throttle *t = make();

	(void)state;
	for (int i = 0; i < 3; i++)
		throttle_failed(t, "192.0.2.1", "nora", 5000);
	throttle_passed(t, "192.0.2.1", "nora", 5000);
	for (int i = 0; i < 3; i++)
		throttle_failed(t, "192.0.2.1", "nora", 5000);
	assert_int_equal(throttle_wait_ms(t, "192.0.2.1", "nora", 5000), 0);
	throttle_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_growing),
		cmocka_unit_test(test_whom),
		cmocka_unit_test(test_spraying),
		cmocka_unit_test(test_crowding),
		cmocka_unit_test(test_passed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
