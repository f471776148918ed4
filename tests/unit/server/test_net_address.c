/* test_net_address.c - addresses, ranges, endpoints, and who asks behind proxies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/compat.h"
#include "server/forward.h"
#include "server/net_address.h"

static void
test_addresses(void **state)
{
	static const struct {
		const char *text;
		const char *shown; /* NULL: refused */
	} rows[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "2001:DB8:0::1", "2001:db8::1" },
		{ "[2001:db8::1]", "2001:db8::1" },
		{ "::", "::" },
		{ "", NULL },
		{ "192.0.2", NULL },
		{ "192.0.2.256", NULL },
		{ "192.0.2.1:80", NULL },
		{ "[192.0.2.1", NULL },
		{ "example.com", NULL },
		{ "fe80::1%eth0", NULL },
		{ " 192.0.2.1", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char shown[NET_ADDRESS_TEXT_BYTES] = "";
		struct net_address a;
		bool got = net_address_parse(slice_of(rows[i].text), &a);

		if (got)
			net_address_format(&a, shown);
		if (got != (rows[i].shown != NULL) || (got && strcmp(shown, rows[i].shown) != 0))
			fail_msg("%s: %s", rows[i].text, got ? shown : "refused");
	}
}

static void
test_ranges(void **state)
{
	static const struct {
		const char *range;
		const char *address;
		int inside; /* -1: the range is refused */
	} rows[] = {
		{ "192.0.2.0/24", "192.0.2.255", 1 },
		{ "192.0.2.0/24", "192.0.3.0", 0 },
		{ "192.0.2.128/25", "192.0.2.127", 0 },
		{ "192.0.2.7", "192.0.2.7", 1 },
		{ "192.0.2.7", "192.0.2.6", 0 },
		{ "0.0.0.0/0", "255.1.2.3", 1 },
		{ "0.0.0.0/0", "2001:db8::1", 0 },
		{ "::/0", "2001:db8::1", 1 },
		{ "2001:db8::/33", "2001:db8:7fff::1", 1 },
		{ "2001:db8::/33", "2001:db8:8000::1", 0 },
		{ "192.0.2.1/24", "192.0.2.1", -1 },
		{ "192.0.2.0/33", "192.0.2.1", -1 },
		{ "192.0.2.0/", "192.0.2.1", -1 },
		{ "2001:db8::/129", "192.0.2.1", -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct net_address a;
		struct net_range r;
		int got = -1;

		assert_true(net_address_parse(slice_of(rows[i].address), &a));
		if (net_range_parse(slice_of(rows[i].range), &r))
			got = net_range_has(&r, &a);
		if (got != rows[i].inside)
			fail_msg("%s in %s: %d", rows[i].address, rows[i].range, got);
	}
}

static void
test_endpoints(void **state)
{
	static const struct {
		const char *text;
		const char *shown; /* NULL: refused */
	} rows[] = {
		{ "0.0.0.0:443", "0.0.0.0:443" },
		{ "[::]:443", "[::]:443" },
		{ "[2001:db8::1]:0", "[2001:db8::1]:0" },
		{ "*:443", "*:443" },
		{ "443", NULL },
		{ ":443", NULL },
		{ "::1:443", NULL },
		{ "0.0.0.0:65536", NULL },
		{ "0.0.0.0:", NULL },
		{ "localhost:443", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char shown[ENDPOINT_TEXT_BYTES] = "";
		struct endpoint e;
		bool got = endpoint_parse(slice_of(rows[i].text), &e);

		if (got)
			endpoint_format(&e, shown);
		if (got != (rows[i].shown != NULL) || (got && strcmp(shown, rows[i].shown) != 0))
			fail_msg("%s: %s", rows[i].text, got ? shown : "refused");
	}
}

static void
test_forwarded(void **state)
{
	static const struct {
		const char *name;
		const char *peer;
		const char *first, *second; /* X-Forwarded-For fields; NULL: absent */
		const char *client;
	} rows[] = {
		{ "no field", "10.0.0.1", NULL, NULL, "10.0.0.1" },
		{ "stranger says it", "192.0.2.9", "203.0.113.1", NULL, "192.0.2.9" },
		{ "one hop", "10.0.0.1", "203.0.113.1", NULL, "203.0.113.1" },
		{ "client lies", "10.0.0.1", "1.2.3.4, 203.0.113.1", NULL, "203.0.113.1" },
		{ "two proxies", "10.0.0.1", "203.0.113.1, 10.0.0.2", NULL, "203.0.113.1" },
		{ "two fields", "10.0.0.1", "1.2.3.4, 203.0.113.1", "10.0.0.2", "203.0.113.1" },
		{ "with ports", "10.0.0.1", "203.0.113.1:55555", NULL, "203.0.113.1" },
		{ "IPv6 with port", "10.0.0.1", "[2001:db8::1]:55555", NULL, "2001:db8::1" },
		{ "no address", "10.0.0.1", "203.0.113.1, unknown", NULL, "10.0.0.1" },
		{ "proxies alone", "10.0.0.1", "10.0.0.3,10.0.0.2", NULL, "10.0.0.3" },
		{ "empty", "10.0.0.1", "", NULL, "10.0.0.1" },
	};
	struct net_range trusted;

	(void)state;
	assert_true(net_range_parse(slice_of("10.0.0.0/8"), &trusted));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct http1_request head = { .n_fields = 1 };
		char shown[NET_ADDRESS_TEXT_BYTES];
		struct net_address peer, client;

		head.fields[0] = (struct http1_field){ slice_of("Accept"), slice_of("*") };
		if (rows[i].first != NULL)
			head.fields[head.n_fields++] =
			    (struct http1_field){ slice_of("X-Forwarded-For"),
				    slice_of(rows[i].first) };
		if (rows[i].second != NULL)
			head.fields[head.n_fields++] =
			    (struct http1_field){ slice_of("x-forwarded-for"),
				    slice_of(rows[i].second) };
		assert_true(net_address_parse(slice_of(rows[i].peer), &peer));
		client = forward_client(&head, &trusted, 1, &peer);
		net_address_format(&client, shown);
		if (strcmp(shown, rows[i].client) != 0)
			fail_msg("%s: %s", rows[i].name, shown);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_forwarded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
