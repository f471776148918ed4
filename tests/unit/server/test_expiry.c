/* test_expiry.c - when a warning is due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compat.h"
#include "server/expiry.h"
#include "server/service.h"

static const int64_t DAY = 86400;
static const int64_t END = 1795250100;

static void
test_stages(void **state)
{
	static const struct {
		int64_t left;
		unsigned stage;
		int64_t days;
	} rows[] = {
		{ 400 * 86400, EXPIRY_FAR, 400 },
		{ 30 * 86400 + 1, EXPIRY_FAR, 30 },
		{ 30 * 86400, 1, 30 },
		{ 14 * 86400 + 1, 1, 14 },
		{ 14 * 86400, 2, 14 },
		{ 7 * 86400 + 1, 2, 7 },
		{ 7 * 86400, 3, 7 },
		{ 86400 + 1, 3, 1 },
		{ 86400, 4, 1 },
		{ 86399, 4, 0 },
		{ 1, 4, 0 },
		{ 0, EXPIRY_PAST, 0 },
		{ -1, EXPIRY_PAST, -1 },
		{ -86400, EXPIRY_PAST, -1 },
		{ -86401, EXPIRY_PAST, -2 },
		{ -4000 * 86400LL, EXPIRY_PAST, -4000 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t now = END - rows[i].left;

		if (expiry_stage(END, now) != rows[i].stage ||
		    expiry_days_left(END, now) != rows[i].days)
			fail_msg("%lld s: stage %u, %lld days", (long long)rows[i].left,
			    expiry_stage(END, now), (long long)expiry_days_left(END, now));
	}
}

/* What is told stays told, also through a change; a reload tells it again. */
static void
test_told(void **state)
{
	const struct served_certificate old[] = {
		{ "https", "A", "CN=a", END },
		{ "https two", "A", "CN=a", END },
		{ "https", "B", "CN=b", END + 365 * DAY },
	};
	const struct served_certificate new[] = {
		{ "https", "C", "CN=c", END },
		{ "https", "A", "CN=a", END },
		{ "https", "B", "CN=b", END },
	};
	struct expiry before = { 0 }, after = { 0 };

	(void)state;
	assert_true(expiry_begin(&before, old, COUNT_OF(old), NULL));
	expiry_look(&before, END - 10 * DAY);
	assert_int_equal(before.told[0], 2);
	assert_int_equal(before.told[1], 2);
	assert_int_equal(before.told[2], EXPIRY_FAR);

	assert_true(expiry_begin(&after, new, COUNT_OF(new), &before));
	assert_int_equal(after.told[0], EXPIRY_FAR);
	assert_int_equal(after.told[1], 2);
	assert_int_equal(after.told[2], EXPIRY_FAR); /* renewed: another one */
	expiry_look(&after, END);
	assert_int_equal(after.told[1], EXPIRY_PAST);
	expiry_clear(&before);
	expiry_clear(&after);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stages),
		cmocka_unit_test(test_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
