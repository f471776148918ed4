/* test_buf.c - buffers keep their ceiling, arenas theirs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"

static void
test_ceiling_sticks(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	buf_text(&b, "12345678");
	assert_int_equal(b.status, USHER_OK);
	buf_char(&b, '9');
	assert_int_equal(b.status, USHER_E_LIMIT);
	buf_text(&b, "");
	assert_string_equal(buf_cstr(&b), "12345678");
	buf_reset(&b);
	buf_printf(&b, "%d-%s", 42, "ok");
	assert_string_equal(buf_cstr(&b), "42-ok");
	buf_drop(&b, 3);
	assert_string_equal(buf_cstr(&b), "ok");
	buf_clear(&b);
}

static void
test_long_format(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	buf_printf(&b, "%01000d", 7);
	assert_int_equal(b.n, 1000);
	assert_int_equal(b.p[999], '7');
	buf_clear(&b);
}

static void
test_arena_wipe(void **state)
{
	struct arena *a = arena_new(100 * 1000);
	char *secret;

	(void)state;
	assert_non_null(a);
	secret = arena_strdup(a, "secret");
	assert_non_null(secret);
	arena_wipe(a);
	/* The first block is kept, and with it the place. */
	assert_ptr_equal(arena_alloc(a, 7), secret);
	assert_memory_equal(secret, "\0\0\0\0\0\0", 7);
	arena_free(a);
}

static void
test_arena_ceiling(void **state)
{
	struct arena *a = arena_new(100 * 1000);

	(void)state;
	assert_non_null(a);
	assert_non_null(arena_alloc(a, 60 * 1000));
	assert_null(arena_alloc(a, 60 * 1000));
	assert_null(arena_array(a, SIZE_MAX / 2, 3));
	arena_reset(a);
	assert_string_equal(arena_printf(a, "%s@%s", "nora", "contoso.com"), "nora@contoso.com");
	assert_string_equal(arena_join(a, "", "nora", "@", "contoso.com"), "nora@contoso.com");
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ceiling_sticks),
		cmocka_unit_test(test_long_format),
		cmocka_unit_test(test_arena_ceiling),
		cmocka_unit_test(test_arena_wipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
