/* test_proxy_header.c - what a balancer says of its client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/compat.h"
#include "wire/proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define TCP4 "\xc0\0\x02\x07\xc6\x33\x64\x01\x30\x39\x01\xbb"
#define SOURCE6 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
#define TCP6 SOURCE6 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x30\x39\x01\xbb"
#define CLIENT4 "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x07"

enum verdict { NONE, BAD, ITSELF, CLIENT };

static const struct {
	const char *name, *header;
	size_t n, length;
	enum verdict verdict;
	const char *client;
} rows[] = {
#define HEADER(rest) SIGNATURE rest, sizeof(SIGNATURE rest) - 1
	{ "TCP over IPv4", HEADER("\x21\x11\0\x0c" TCP4), 28, CLIENT, CLIENT4 },
	{ "TCP over IPv6", HEADER("\x21\x21\0\x24" TCP6), 52, CLIENT, SOURCE6 },
	{ "more behind the addresses", HEADER("\x21\x11\0\x13" TCP4 "\x03\0\4abcd"), 35, CLIENT,
	    CLIENT4 },
	{ "the balancer itself", HEADER("\x20\0\0\0"), 16, ITSELF, NULL },
	{ "the balancer itself, with addresses", HEADER("\x20\x11\0\x0c" TCP4), 28, ITSELF, NULL },
	{ "a family that it does not tell", HEADER("\x21\0\0\0"), 16, ITSELF, NULL },
	{ "addresses cut off", HEADER("\x21\x11\0\x0b\xc0\0\x02\x07\xc6\x33\x64\x01\x30\x39\x01"),
	    27, BAD, NULL },
	{ "IPv6 with room for IPv4", HEADER("\x21\x21\0\x0c" TCP4), 28, BAD, NULL },
	{ "UDP", HEADER("\x21\x12\0\x0c" TCP4), 28, BAD, NULL },
	{ "a local socket", HEADER("\x21\x31\0\0"), 16, BAD, NULL },
	{ "version 1", "PROXY TCP4 192.0.2.7 198.51.100.1 1 2\r\n", 39, 0, NONE, NULL },
	{ "version 3", HEADER("\x31\x11\0\x0c" TCP4), 0, NONE, NULL },
	{ "a command that is none", HEADER("\x22\x11\0\x0c" TCP4), 0, NONE, NULL },
	{ "TLS", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03 and so on", 20, 0, NONE, NULL },
	{ "longer than ours may be", HEADER("\x21\x11\xff\xff" TCP4), 0, NONE, NULL },
#undef HEADER
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const uint8_t *header = (const uint8_t *)rows[i].header;
		struct proxy_header got;
		bool read;

		if (proxy_header_length(header) != rows[i].length)
			fail_msg("%s: length %zu", rows[i].name, proxy_header_length(header));
		if (rows[i].verdict == NONE)
			continue;
		read = proxy_header_read(header, rows[i].length, &got);
		if (read != (rows[i].verdict != BAD))
			fail_msg("%s: read is %d", rows[i].name, read);
		if (read && got.has_client != (rows[i].verdict == CLIENT))
			fail_msg("%s: has_client is %d", rows[i].name, got.has_client);
		if (rows[i].client != NULL && memcmp(got.client, rows[i].client, 16) != 0)
			fail_msg("%s: another client", rows[i].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests_name("proxy_header", tests, NULL, NULL);
}
