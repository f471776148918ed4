/* Random subnets: what the table finds is what a look at each of them finds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/ip_table.h"

enum { MEMORY_BYTES = 64 * 1024, TABLES = 3000, SUBNETS_MAX = 24, QUESTIONS = 40 };

/* 0 to sides - 1 */
static unsigned
roll(uint64_t *dice, unsigned sides)
{
	*dice = *dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(*dice >> 33) % sides;
}

/* Few different bytes, so that subnets lie in and beside each other. */
static void
draw_address(uint64_t *dice, unsigned char *out, size_t n)
{
	static const unsigned char bytes[] = { 0, 0, 0, 1, 0x7f, 0x80, 0xff, 0xff };

	for (size_t i = 0; i < n; i++)
		out[i] = bytes[roll(dice, sizeof(bytes))];
}

static struct ip_subnet
draw_subnet(uint64_t *dice)
{
	struct ip_subnet s = { .n = roll(dice, 2) == 0 ? 4 : 16 };

	draw_address(dice, s.bytes, s.n);
	s.bits = roll(dice, (unsigned)s.n * 8 + 1);
	for (size_t i = s.bits; i < s.n * 8; i++)
		s.bytes[i / 8] &= (unsigned char)~(0x80 >> i % 8);
	return s;
}

static const void *
search(const struct ip_table_row *rows, size_t n, const unsigned char *address)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool v4 = memcmp(address, mapped, sizeof(mapped)) == 0;
	const struct ip_table_row *best = NULL;
	char text[INET6_ADDRSTRLEN];

	assert_non_null(
	    inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? address + 12 : address, text, sizeof(text)));
	for (size_t i = 0; i < n; i++)
		if (ip_subnet_has(&rows[i].subnet, text) &&
		    (best == NULL || rows[i].subnet.bits > best->subnet.bits))
			best = &rows[i];
	return best == NULL ? NULL : best->value;
}

static void
test_random(void **state)
{
	uint64_t dice = 2026;

	(void)state;
	for (size_t t = 0; t < TABLES; t++) {
		struct arena *mem = arena_new(MEMORY_BYTES);
		struct ip_table_row rows[SUBNETS_MAX];
		size_t n = roll(&dice, SUBNETS_MAX + 1);
		struct ip_table table;

		for (size_t i = 0; i < n; i++)
			rows[i] = (struct ip_table_row){ draw_subnet(&dice), &rows[i] };
		assert_true(ip_table_make(mem, rows, n, &table));
		for (size_t i = 0; i < QUESTIONS; i++) {
			unsigned char address[16] = { [10] = 0xff, [11] = 0xff };

			if (roll(&dice, 2) == 0)
				draw_address(&dice, address, 16);
			else
				draw_address(&dice, address + 12, 4);
			if (ip_table_find(&table, address) != search(rows, n, address))
				fail_msg("table %zu, address %zu", t, i);
		}
		arena_free(mem);
	}
}

static void
test_edges(void **state)
{
	static const struct {
		const char *address;
		size_t row; /* 1: the first; 0: none */
	} rows[] = {
		{ "::ffff:255.255.255.255", 1 },
		{ "::ffff:0.0.0.0", 2 },
		{ "::ffff:10.9.9.9", 3 },
		{ "::fffe:ffff:ffff", 0 },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 4 },
		{ "8000::", 4 },
		{ "7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0 },
	};
	static const char *const texts[] = { "255.255.255.255", "0.0.0.0/0", "::ffff:10.0.0.0/104",
		"8000::/1" };
	struct arena *mem = arena_new(MEMORY_BYTES);
	struct ip_table_row subnets[COUNT_OF(texts)];
	struct ip_table table = { 0 };
	unsigned char address[16] = { 0 };

	(void)state;
	assert_null(ip_table_find(&table, address));
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		assert_null(ip_subnet_parse(texts[i], &subnets[i].subnet));
		subnets[i].value = &subnets[i];
	}
	assert_true(ip_table_make(mem, subnets, COUNT_OF(texts), &table));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const void *want = rows[i].row == 0 ? NULL : &subnets[rows[i].row - 1];

		assert_int_equal(inet_pton(AF_INET6, rows[i].address, address), 1);
		if (ip_table_find(&table, address) != want)
			fail_msg("%s", rows[i].address);
	}
	arena_free(mem);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
