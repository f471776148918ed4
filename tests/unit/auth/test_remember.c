/* test_remember.c - verdicts live for their time, and never longer than what they are about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>

#include "auth/remember.h"
#include "base/compat.h"

#define SOURCE "192.0.2.1"

static struct remember *
make(uint32_t entries)
{
	const struct remember_limits limits = { entries, 1000, 100 };
	struct remember *r;

	assert_int_equal(remember_new(&limits, &r, NULL), USHER_OK);
	return r;
}

static struct secret
secret_of(const char *text)
{
	struct secret s = { 0 };

	assert_true(secret_set(&s, slice_of(text)));
	return s;
}

static void
test_exactly_this(void **state)
{
	static const struct {
		const char *name, *source, *login, *hash, *password;
		enum remembered wanted;
	} rows[] = {
		{ "the same", SOURCE, "nora", "$y$1", "secret", REMEMBERED_GOOD },
		{ "another source", "192.0.2.2", "nora", "$y$1", "secret", REMEMBERED_NOT },
		{ "another login", SOURCE, "nor", "$y$1", "secret", REMEMBERED_NOT },
		{ "changed hash", SOURCE, "nora", "$y$2", "secret", REMEMBERED_NOT },
		{ "removed", SOURCE, "nora", "", "secret", REMEMBERED_NOT },
		{ "another password", SOURCE, "nora", "$y$1", "secre", REMEMBERED_NOT },
		{ "moved boundary", SOURCE, "nora$", "y$1", "secret", REMEMBERED_NOT },
		{ "moved boundary", SOURCE, "nora", "$y$1s", "ecret", REMEMBERED_NOT },
	};
	struct remember *r = make(1000);
	struct secret password = secret_of("secret");

	(void)state;
	remember_tell(r, SOURCE, "nora", "$y$1", &password, true, 5000);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct secret asked = secret_of(rows[i].password);

		if (remember_ask(r, rows[i].source, rows[i].login, rows[i].hash, &asked, 5001) !=
		    rows[i].wanted)
			fail_msg("%s", rows[i].name);
		secret_clear(&asked);
	}
	secret_clear(&password);
	remember_free(r);
}

static void
test_times(void **state)
{
	struct remember *r = make(1000);
	struct secret good = secret_of("good"), bad = secret_of("bad");

	(void)state;
	remember_tell(r, SOURCE, "nora", "h", &good, true, 5000);
	remember_tell(r, SOURCE, "nora", "h", &bad, false, 5000);
	assert_int_equal(remember_ask(r, SOURCE, "nora", "h", &good, 5999), REMEMBERED_GOOD);
	assert_int_equal(remember_ask(r, SOURCE, "nora", "h", &good, 6000), REMEMBERED_NOT);
	assert_int_equal(remember_ask(r, SOURCE, "nora", "h", &bad, 5099), REMEMBERED_BAD);
	assert_int_equal(remember_ask(r, SOURCE, "nora", "h", &bad, 5100), REMEMBERED_NOT);
	remember_set_times(r, 0, 0);
	remember_tell(r, SOURCE, "nora", "h", &good, true, 7000);
	assert_int_equal(remember_ask(r, SOURCE, "nora", "h", &good, 7000), REMEMBERED_NOT);
	secret_clear(&good);
	secret_clear(&bad);
	remember_free(r);
}

/* However many come, memory stays, and the newest are there. */
static void
test_bounded(void **state)
{
	struct remember *r = make(256);
	struct secret password = secret_of("x");
	char login[32];
	int kept = 0;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		(void)snprintf(login, sizeof(login), "user%d", i);
		remember_tell(r, SOURCE, login, "h", &password, true, (uint64_t)(5000 + i / 100));
		assert_int_equal(
		    remember_ask(r, SOURCE, login, "h", &password, (uint64_t)(5000 + i / 100)),
		    REMEMBERED_GOOD);
	}
	for (int i = 0; i < 10000; i++) {
		(void)snprintf(login, sizeof(login), "user%d", i);
		kept += remember_ask(r, SOURCE, login, "h", &password, 5100) == REMEMBERED_GOOD;
	}
	assert_in_range(kept, 100, 256);
	secret_clear(&password);
	remember_free(r);
}

static void
test_none(void **state)
{
	struct remember *r = make(0);
	struct secret password = secret_of("x");

	(void)state;
	remember_tell(r, SOURCE, "nora", "h", &password, true, 5000);
	assert_int_equal(remember_ask(r, SOURCE, "nora", "h", &password, 5000), REMEMBERED_NOT);
	secret_clear(&password);
	remember_free(r);
}

static void *
hammer(void *arg)
{
	struct remember *r = arg;
	struct secret password = secret_of("x");
	uintptr_t wrong = 0;
	char login[32];

	for (int i = 0; i < 5000; i++) {
		(void)snprintf(login, sizeof(login), "user%d", i % 50);
		remember_tell(r, SOURCE, login, "h", &password, true, 5000);
		wrong += remember_ask(r, SOURCE, login, "h", &password, 5000) != REMEMBERED_GOOD;
	}
	secret_clear(&password);
	return (void *)wrong;
}

static void
test_threads(void **state)
{
	struct remember *r = make(4096);
	pthread_t threads[4];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, r), 0);
	for (size_t i = 0; i < COUNT_OF(threads); i++) {
		void *wrong;

		assert_int_equal(pthread_join(threads[i], &wrong), 0);
		assert_null(wrong);
	}
	remember_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exactly_this),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
