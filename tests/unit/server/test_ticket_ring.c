/* test_ticket_ring.c - keys of session tickets change, and old tickets fade; time is an argument.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/ticket_ring.h"

enum { PERIOD_MS = 1000 };

static void
test_two_generations(void **state)
{
	struct ticket_key first, found;
	struct ticket_ring ring;

	(void)state;
	assert_true(ticket_ring_init(&ring, 5000));
	first = ring.now;
	ticket_ring_turn(&ring, PERIOD_MS, 5999);
	assert_int_equal(ticket_ring_find(&ring, first.name, &found), TICKET_FRESH);
	assert_memory_equal(&found, &first, sizeof(first));
	ticket_ring_turn(&ring, PERIOD_MS, 6000);
	assert_memory_not_equal(&ring.now, &first, sizeof(first));
	assert_int_equal(ticket_ring_find(&ring, first.name, &found), TICKET_OLD);
	assert_memory_equal(&found, &first, sizeof(first));
	ticket_ring_turn(&ring, PERIOD_MS, 7000);
	assert_int_equal(ticket_ring_find(&ring, first.name, &found), TICKET_UNKNOWN);
}

/* Nobody asked for two periods: what was sealed before is too old at once. */
static void
test_long_silence(void **state)
{
	struct ticket_key first, found;
	struct ticket_ring ring;

	(void)state;
	assert_true(ticket_ring_init(&ring, 0));
	first = ring.now;
	ticket_ring_turn(&ring, PERIOD_MS, 2 * PERIOD_MS);
	assert_int_equal(ticket_ring_find(&ring, first.name, &found), TICKET_UNKNOWN);
}

static void
test_unknown(void **state)
{
	static const unsigned char zero[TICKET_NAME_BYTES];
	struct ticket_key found;
	struct ticket_ring ring;

	(void)state;
	assert_true(ticket_ring_init(&ring, 0));
	/* The empty place of the key before must not answer to a name of zeros. */
	assert_int_equal(ticket_ring_find(&ring, zero, &found), TICKET_UNKNOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_generations),
		cmocka_unit_test(test_long_silence),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
