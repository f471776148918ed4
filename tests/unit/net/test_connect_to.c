/* test_connect_to.c - rules of --connect-to, read and applied. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/connect_to.h"

struct row {
	const char *rule;
	const char *host;
	uint16_t port;
	/* expected; NULL: the rule is refused */
	const char *to_host;
	uint16_t to_port;
};

static const struct row rows[] = {
	{ "a.example:443:127.0.0.1:8443", "a.example", 443, "127.0.0.1", 8443 },
	{ "A.Example:443:127.0.0.1:8443", "a.example", 443, "127.0.0.1", 8443 },
	{ "a.example:443:127.0.0.1:8443", "b.example", 443, "b.example", 443 },
	{ "a.example:443:127.0.0.1:8443", "a.example", 444, "a.example", 444 },
	{ "::127.0.0.1:8443", "a.example", 443, "127.0.0.1", 8443 },
	{ "a.example::127.0.0.1:8443", "a.example", 9, "127.0.0.1", 8443 },
	{ ":443::8443", "a.example", 443, "a.example", 8443 },
	{ "a.example:443:b.example:", "a.example", 443, "b.example", 443 },
	{ ":::", "a.example", 443, "a.example", 443 },
	{ "a.example:443:[::1]:8443", "a.example", 443, "::1", 8443 },
	{ "[2001:db8::1]:443:[::1]:8443", "2001:db8::1", 443, "::1", 8443 },
	{ "", NULL },
	{ "a.example", NULL },
	{ "a.example:443", NULL },
	{ "a.example:443:127.0.0.1", NULL },
	{ "a.example:https:127.0.0.1:1", NULL },
	{ "a.example:0:127.0.0.1:1", NULL },
	{ "a.example:443:127.0.0.1:65536", NULL },
	{ "a.example:443:127.0.0.1:1:2", NULL },
	{ "[::1:443:127.0.0.1:1", NULL },
	{ "[::1]443:127.0.0.1:1", NULL },
};

static void
test_rows(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct row *row = &rows[i];
		struct arena *mem = arena_new(4096);
		const char *host = row->host;
		uint16_t port = row->port;
		struct connect_to rule;
		usher_status st = connect_to_parse(mem, slice_of(row->rule), &rule, NULL);

		if (st != (row->to_host == NULL ? USHER_E_USAGE : USHER_OK))
			fail_msg("%s: %s", row->rule, usher_status_name(st));
		if (st == USHER_OK) {
			connect_to_apply(&rule, 1, &host, &port);
			if (strcmp(host, row->to_host) != 0 || port != row->to_port)
				fail_msg("%s: %s %u", row->rule, host, port);
		}
		arena_free(mem);
	}
}

static void
test_the_first_rule_that_covers_counts(void **state UNUSED)
{
	const struct connect_to rules[] = { { "b.example", 443, "127.0.0.1", 1 },
		{ "a.example", 0, "127.0.0.1", 2 }, { NULL, 0, "127.0.0.1", 3 } };
	const char *host = "a.example";
	uint16_t port = 443;

	connect_to_apply(rules, COUNT_OF(rules), &host, &port);
	assert_int_equal(port, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_the_first_rule_that_covers_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
