/* test_ip.c - what an IP address tells of its place, and of its kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compat.h"
#include "base/ip.h"

static void
test_public(void **state)
{
	static const struct {
		const char *text;
		bool want;
	} rows[] = {
		{ "198.51.100.1", true },
		{ "1.1.1.1", true },
		{ "9.255.255.255", true },
		{ "10.0.0.0", false },
		{ "10.255.255.255", false },
		{ "11.0.0.0", true },
		{ "0.0.0.0", false },
		{ "100.63.255.255", true },
		{ "100.64.0.0", false },
		{ "100.127.255.255", false },
		{ "100.128.0.0", true },
		{ "127.0.0.1", false },
		{ "169.254.169.254", false },
		{ "172.15.0.1", true },
		{ "172.16.0.1", false },
		{ "172.31.255.255", false },
		{ "172.32.0.1", true },
		{ "192.167.0.1", true },
		{ "192.168.0.1", false },
		{ "192.169.0.1", true },
		{ "223.255.255.255", true },
		{ "224.0.0.1", false },
		{ "255.255.255.255", false },
		{ "2001:db8::1", true },
		{ "2606:4700::1111", true },
		{ "::", false },
		{ "::1", false },
		{ "fc00::1", false },
		{ "fdff::1", false },
		{ "fe00::1", true },
		{ "fe80::1", false },
		{ "febf::1", false },
		{ "fec0::1", false },
		{ "ff02::1", false },
		{ "::ffff:127.0.0.1", false },
		{ "::ffff:198.51.100.1", true },
		{ "64:ff9b::10.0.0.1", false },
		{ "64:ff9b::198.51.100.1", true },
		{ "2002:c0a8:1::1", false },
		{ "2002:c633:6401::1", true },
		{ "::127.0.0.1", false },
		{ "", false },
		{ "mail.contoso.example", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (ip_is_public(rows[i].text) != rows[i].want)
			fail_msg("%s", rows[i].text);
	}
}

static void
test_version(void **state)
{
	static const struct {
		const char *text;
		int want;
	} rows[] = {
		{ "192.0.2.1", 4 },
		{ "2001:db8::1", 6 },
		{ "::ffff:192.0.2.1", 6 },
		{ "[2001:db8::1]", 0 },
		{ "192.0.2.256", 0 },
		{ "192.0.2", 0 },
		{ "mail.example", 0 },
		{ "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (ip_version(rows[i].text) != rows[i].want)
			fail_msg("%s", rows[i].text);
}

static void
test_subnets(void **state)
{
	static const struct {
		const char *subnet, *address;
		bool has;
	} rows[] = {
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.0/23", "192.0.3.0", true },
		{ "192.0.2.7", "192.0.2.7", true },
		{ "192.0.2.7", "192.0.2.6", false },
		{ "0.0.0.0/0", "203.0.113.9", true },
		{ "0.0.0.0/0", "::1", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "::/0", "192.0.2.1", false },
		{ "192.0.2.0/24", "mail.example", false },
	};
	static const char *const refused[] = { "", "192.0.2", "192.0.2.0/33", "192.0.2.1/24",
		"192.0.2.0/", "2001:db8::/129", "2001:db8::1/64", "[2001:db8::1]", "mail.example" };
	struct ip_subnet subnet;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (ip_subnet_parse(rows[i].subnet, &subnet) != NULL)
			fail_msg("%s", rows[i].subnet);
		if (ip_subnet_has(&subnet, rows[i].address) != rows[i].has)
			fail_msg("%s in %s", rows[i].address, rows[i].subnet);
	}
	for (size_t i = 0; i < COUNT_OF(refused); i++)
		if (ip_subnet_parse(refused[i], &subnet) == NULL)
			fail_msg("`%s` was taken", refused[i]);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_public),
		cmocka_unit_test(test_subnets),
		cmocka_unit_test(test_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
