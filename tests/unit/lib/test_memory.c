/* test_memory.c - each allocation of a search fails in turn: a status, and nothing left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../failnth.h"
#include "base/compat.h"
#include "usher/find.h"

/* A failure may be met (a source that could not be asked), or end the search; it may not be told as
 * something else. */
static void
test_each_allocation(void **state UNUSED)
{
	static const char *const hosts[] = { "*.fabrikam.example", NULL };
	static const char *const offered[] = { "contoso.example=Negotiate,NTLM", NULL };
	static const char *const routes[] = { "contoso.example:443:127.0.0.1:1", NULL };
	struct usher_find_options options = USHER_FIND_OPTIONS_INIT;
	bool spent = false;
	long at;

	options.dns_server = "127.0.0.1:1";
	options.timeout_ms = 20;
	options.password = "secret";
	options.bearer_token = "a.b.c";
	options.offered_before = offered;
	options.trust_hosts = hosts;
	options.connect_to = routes;
	for (at = 0; !spent; at++) {
		struct usher_result *result = NULL;
		struct usher_error err = { 0 };
		usher_status st;

		left = at;
		st = usher_find("ann@contoso.example", &options, &result, &err);
		spent = spare_the_rest();
		if (st != USHER_OK && (spent || st != USHER_E_NOMEM))
			fail_msg("allocation %ld: %s: %s", at, usher_status_name(st), err.message);
		assert_true((st == USHER_OK) == (result != NULL));
		usher_result_free(result);
	}
	assert_true(at > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
