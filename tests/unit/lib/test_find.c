/* test_find.c - the public call as a program makes it: options, errors, getters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/compat.h"
#include "usher/find.h"

/* A server that nobody runs: the search ends at once, and says so. */
#define NO_DNS "127.0.0.1:1"

struct bigger_options {
	struct usher_find_options known;
	const char *unknown;
};

static const char *const nothing[] = { NULL };
static const char *const no_route[] = { "contoso.example", NULL };
static const char *const no_host[] = { "a b", NULL };
static const char *const star[] = { "*", NULL };

struct row {
	const char *name;
	const char *address;
	struct usher_find_options options;
	usher_status expected;
};

static const struct row rows[] = {
	{ "no at", "ann", USHER_FIND_OPTIONS_INIT, USHER_E_ADDRESS },
	{ "nothing", "", USHER_FIND_OPTIONS_INIT, USHER_E_ADDRESS },
	{ "size 0", "ann@contoso.example", { .size = 0 }, USHER_E_USAGE },
	{ "a route that is none", "ann@contoso.example",
	    { .size = sizeof(struct usher_find_options), .connect_to = no_route }, USHER_E_USAGE },
	{ "a host that is none", "ann@contoso.example",
	    { .size = sizeof(struct usher_find_options), .trust_hosts = no_host }, USHER_E_USAGE },
	{ "everybody trusted", "ann@contoso.example",
	    { .size = sizeof(struct usher_find_options), .trust_hosts = star }, USHER_E_USAGE },
	{ "a DNS server that is none", "ann@contoso.example",
	    { .size = sizeof(struct usher_find_options), .dns_server = "ns.contoso.example" },
	    USHER_E_USAGE },
	{ "a DNS port that is none", "ann@contoso.example",
	    { .size = sizeof(struct usher_find_options), .dns_server = "127.0.0.1:99999" },
	    USHER_E_USAGE },
	{ "a CA file that is not there", "ann@contoso.example",
	    { .size = sizeof(struct usher_find_options), .ca_file = "/nowhere" }, USHER_E_INPUT },
	{ "a login with a colon", "ann@contoso.example",
	    { .size = sizeof(struct usher_find_options), .login = "a:b" }, USHER_E_USAGE },
};

static void
test_bad_calls(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct usher_result *result = NULL;
		struct usher_error err = { 0 };
		usher_status st = usher_find(rows[i].address, &rows[i].options, &result, &err);

		if (st != rows[i].expected)
			fail_msg("%s: %s", rows[i].name, usher_status_name(st));
		if (result != NULL || err.status != st || err.message[0] == '\0')
			fail_msg("%s: outputs", rows[i].name);
		assert_int_equal(usher_find(rows[i].address, &rows[i].options, &result, NULL), st);
	}
}

static struct usher_result *
search(const struct usher_find_options *options)
{
	struct usher_result *result = NULL;

	assert_int_equal(usher_find("ann@contoso.example", options, &result, NULL), USHER_OK);
	return result;
}

static void
test_a_newer_caller_is_served_unless_it_uses_what_is_new(void **state UNUSED)
{
	struct bigger_options bigger = { .known = USHER_FIND_OPTIONS_INIT };
	struct usher_result *result;

	bigger.known.size = sizeof(bigger);
	bigger.known.dns_server = NO_DNS;
	bigger.known.timeout_ms = 50;
	usher_result_free(search(&bigger.known));
	bigger.unknown = "";
	assert_int_equal(
	    usher_find("ann@contoso.example", &bigger.known, &result, NULL), USHER_E_USAGE);
}

static void
test_an_older_caller_gets_the_defaults(void **state UNUSED)
{
	struct usher_find_options options = {
		.size = offsetof(struct usher_find_options, connect_to),
		.timeout_ms = 50,
		/* beyond its size: must not be looked at */
		.connect_to = no_route,
	};

	usher_result_free(search(&options));
}

static void
test_getters_of_a_search_that_found_nothing(void **state UNUSED)
{
	struct usher_find_options options = USHER_FIND_OPTIONS_INIT;
	struct usher_result *r;
	size_t n = 7;

	options.dns_server = NO_DNS;
	options.timeout_ms = 50;
	options.trust_hosts = nothing;
	r = search(&options);
	assert_int_equal(usher_result_outcome(r), USHER_UNAVAILABLE);
	assert_int_equal(usher_result_count(r, USHER_PART_FIND), 1);
	assert_int_equal(usher_result_count(r, USHER_PART_ATTEMPT), 5);
	assert_int_equal(usher_result_count(r, USHER_PART_PROTOCOL), 0);
	assert_int_equal(usher_result_count(r, USHER_PART_USER), 0);
	assert_int_equal(usher_result_count(r, USHER_PART_REFUSAL), 0);
	assert_int_equal(usher_result_count(r, (enum usher_part)99), 0);

	assert_string_equal(usher_result_text(r, USHER_PART_FIND, 0, "outcome"), "unavailable");
	assert_string_equal(
	    usher_result_text(r, USHER_PART_FIND, 0, "address"), "ann@contoso.example");
	assert_null(usher_result_text(r, USHER_PART_FIND, 0, "url"));
	assert_null(usher_result_text(r, USHER_PART_FIND, 0, "no such member"));
	assert_null(usher_result_text(r, USHER_PART_FIND, 1, "outcome"));
	assert_true(usher_result_number(r, USHER_PART_FIND, 0, "elapsed_ms") >= 0);
	assert_int_equal(usher_result_number(r, USHER_PART_FIND, 0, "outcome"), -1);

	assert_string_equal(usher_result_text(r, USHER_PART_ATTEMPT, 0, "source"), "C");
	assert_string_equal(usher_result_text(r, USHER_PART_ATTEMPT, 1, "source"), "B");
	assert_string_equal(usher_result_text(r, USHER_PART_ATTEMPT, 2, "source"), "D");
	assert_string_equal(usher_result_text(r, USHER_PART_ATTEMPT, 3, "source"), "E");
	assert_string_equal(
	    usher_result_text(r, USHER_PART_ATTEMPT, 0, "tls_verdict"), "not-tried");
	assert_int_equal(usher_result_number(r, USHER_PART_ATTEMPT, 0, "credentialed"), 0);
	assert_int_equal(usher_result_number(r, USHER_PART_ATTEMPT, 0, "http_status"), -1);
	assert_null(usher_result_item(r, USHER_PART_ATTEMPT, 0, "dns", 0));

	assert_null(usher_result_document(r, &n));
	assert_int_equal(n, 7);
	assert_true(strncmp(usher_result_json(r), "{\n", 2) == 0);
	usher_result_free(r);
	usher_result_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_calls),
		cmocka_unit_test(test_a_newer_caller_is_served_unless_it_uses_what_is_new),
		cmocka_unit_test(test_an_older_caller_gets_the_defaults),
		cmocka_unit_test(test_getters_of_a_search_that_found_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
