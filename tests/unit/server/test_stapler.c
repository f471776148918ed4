/* test_stapler.c - when responders are asked again, and what is kept for whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compat.h"
#include "server/stapler.h"

static void
test_times(void **state)
{
	static const struct {
		int64_t this_update, next_update, now, wanted;
	} renewals[] = {
		{ 0, 100000, 0, 50000 }, { 0, 100000, 49999, 50059 }, /* not at once */
		{ 0, 100000, 60000, 80000 },			      /* of what is left */
		{ 0, 100000, 99990, 100050 }, { 1000, 1060, 1000, 1060 },
		{ 5000, 105000, 4900, 55000 }, /* its clock is ahead */
	};
	static const struct {
		unsigned failures;
		int64_t wait_s;
	} waits[] = { { 1, 60 }, { 2, 120 }, { 3, 240 }, { 6, 1920 }, { 7, 3600 }, { 8, 3600 },
		{ 4000000000, 3600 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(renewals); i++) {
		int64_t got = stapler_renewal(
		    renewals[i].this_update, renewals[i].next_update, renewals[i].now);

		if (got != renewals[i].wanted)
			fail_msg("row %zu: %lld", i, (long long)got);
	}
	for (size_t i = 0; i < COUNT_OF(waits); i++)
		assert_int_equal(stapler_wait_s(waits[i].failures), waits[i].wait_s);
}

/* The same chain has the same staple, so that it outlives reloads. */
static void
test_kept(void **state)
{
	_Atomic uint64_t fetched = 0, failed = 0;
	struct tls_staple *first, *again, *other;
	struct stapler *s;

	(void)state;
	assert_int_equal(stapler_new(&fetched, &failed, &s, NULL), USHER_OK);
	assert_int_equal(stapler_get(s, "a", SLICE_LITERAL("one"), &first, NULL), USHER_OK);
	assert_int_equal(stapler_get(s, "b", SLICE_LITERAL("one"), &again, NULL), USHER_OK);
	assert_int_equal(stapler_get(s, "a", SLICE_LITERAL("two"), &other, NULL), USHER_OK);
	assert_ptr_equal(first, again);
	assert_ptr_not_equal(first, other);
	tls_staple_unref(first);
	assert_true(tls_staple_shared(again));
	stapler_free(s);
	assert_false(tls_staple_shared(again));
	tls_staple_unref(again);
	tls_staple_unref(other);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
