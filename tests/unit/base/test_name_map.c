/* test_name_map.c - names are found in a map of any size, in any letter case, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/name_map.h"

enum { COUNT = 3000 };

struct thing {
	const char *name;
	int number;
};

static void
finds_all(void **state)
{
	struct arena *mem = arena_new(1024 * 1024);
	struct name_map map = { 0 };
	struct thing *things = arena_array(mem, COUNT, sizeof(*things));

	(void)state;
	assert_non_null(things);
	assert_null(name_map_find(&map, "host0.example"));
	for (int i = 0; i < COUNT; i++) {
		things[i].name = arena_printf(mem, "host%d.example", i);
		assert_true(name_map_add(&map, mem, &things[i]));
	}
	for (int i = 0; i < COUNT; i++) {
		assert_ptr_equal(name_map_find(&map, things[i].name), &things[i]);
		assert_ptr_equal(
		    name_map_find(&map, arena_printf(mem, "HOST%d.Example", i)), &things[i]);
		assert_null(name_map_find(&map, arena_printf(mem, "host%d.examples", i)));
	}
	assert_null(name_map_find(&map, ""));
	assert_null(name_map_find(&map, NULL));
	assert_int_equal(map.n, COUNT);
	arena_free(mem);
}

/* The two words have one hash (32-bit FNV-1a). */
static void
tells_names_of_one_hash_apart(void **state)
{
	struct thing one = { "costarring", 1 }, other = { "liquid", 2 };
	struct arena *mem = arena_new(4096);
	struct name_map map = { 0 };

	(void)state;
	assert_true(name_map_add(&map, mem, &one));
	assert_null(name_map_find(&map, other.name));
	assert_true(name_map_add(&map, mem, &other));
	assert_ptr_equal(name_map_find(&map, one.name), &one);
	assert_ptr_equal(name_map_find(&map, other.name), &other);
	arena_free(mem);
}

static void
is_whole_when_memory_ends(void **state)
{
	struct arena *mem = arena_new(1000), *names = arena_new(4096);
	struct name_map map = { 0 };
	struct thing things[100];
	size_t n = 0;

	(void)state;
	for (; n < 100; n++) {
		things[n].name = arena_printf(names, "name%zu", n);
		if (!name_map_add(&map, mem, &things[n]))
			break;
	}
	assert_in_range(n, 1, 99);
	assert_int_equal(map.n, n);
	assert_null(name_map_find(&map, things[n].name));
	for (size_t i = 0; i < n; i++)
		assert_ptr_equal(name_map_find(&map, things[i].name), &things[i]);
	arena_free(mem);
	arena_free(names);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_all),
		cmocka_unit_test(tells_names_of_one_hash_apart),
		cmocka_unit_test(is_whole_when_memory_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
