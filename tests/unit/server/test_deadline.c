/* test_deadline.c - stages end when they must; time is an argument. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/deadline.h"

static void
setup(struct deadlines *all)
{
	deadlines_init(all);
	all->stage_ms[STAGE_HEAD] = 10;
	all->stage_ms[STAGE_BODY] = 20;
	all->stage_ms[STAGE_IDLE] = 75;
}

static void
test_nothing_watched(void **state)
{
	struct deadlines all;

	(void)state;
	setup(&all);
	assert_null(deadline_late(&all, UINT64_MAX));
	assert_int_equal(deadline_first_ms(&all), UINT64_MAX);
	assert_null(deadline_oldest(&all, STAGE_IDLE));
}

static void
test_late_at_the_deadline(void **state)
{
	struct deadlines all;
	struct deadline a = { 0 };

	(void)state;
	setup(&all);
	deadline_enter(&all, &a, STAGE_HEAD, 100);
	assert_int_equal(deadline_first_ms(&all), 110);
	assert_null(deadline_late(&all, 109));
	assert_ptr_equal(deadline_late(&all, 110), &a);
	deadline_leave(&a);
	assert_null(deadline_late(&all, 1000));
	deadline_leave(&a);
}

/* Progress inside a stage does not lengthen it; the next stage has its own time. */
static void
test_stages_follow(void **state)
{
	struct deadlines all;
	struct deadline a = { 0 };

	(void)state;
	setup(&all);
	deadline_enter(&all, &a, STAGE_HEAD, 0);
	deadline_enter(&all, &a, STAGE_BODY, 9);
	assert_null(deadline_oldest(&all, STAGE_HEAD));
	assert_int_equal(deadline_first_ms(&all), 29);
	deadline_enter(&all, &a, STAGE_IDLE, 28);
	assert_int_equal(a.stage, STAGE_IDLE);
	assert_int_equal(deadline_first_ms(&all), 103);
	deadline_enter(&all, &a, STAGE_IDLE, 50);
	assert_int_equal(deadline_first_ms(&all), 125);
}

static void
test_oldest_first(void **state)
{
	struct deadlines all;
	struct deadline d[4] = { { 0 } };

	(void)state;
	setup(&all);
	for (unsigned i = 0; i < 3; i++)
		deadline_enter(&all, &d[i], STAGE_IDLE, i);
	deadline_enter(&all, &d[3], STAGE_BODY, 40);
	assert_int_equal(deadline_first_ms(&all), 60);
	deadline_leave(&d[1]);
	assert_ptr_equal(deadline_oldest(&all, STAGE_IDLE), &d[0]);
	assert_ptr_equal(deadline_after(&all, &d[0]), &d[2]);
	assert_null(deadline_after(&all, &d[2]));
	deadline_leave(&d[3]);
	assert_ptr_equal(deadline_late(&all, 76), &d[0]);
	deadline_leave(&d[0]);
	assert_null(deadline_late(&all, 76));
	/* A reload shortens the time of those who wait already. */
	all.stage_ms[STAGE_IDLE] = 5;
	assert_ptr_equal(deadline_late(&all, 7), &d[2]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_watched),
		cmocka_unit_test(test_late_at_the_deadline),
		cmocka_unit_test(test_stages_follow),
		cmocka_unit_test(test_oldest_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
