/* ip.c - what an IP address tells of its place. */
#include "base/ip.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/compat.h"
#include "base/text.h"

enum { V4_BYTES = 4, V6_BYTES = 16 };

struct network {
	unsigned char prefix[V6_BYTES];
	unsigned bits;
};

/* Not public. */
static const struct network inside4[] = {
	{ { 0 }, 8 },	      /* this network */
	{ { 10 }, 8 },	      /* private, RFC 1918 */
	{ { 100, 64 }, 10 },  /* shared by a provider's customers, RFC 6598 */
	{ { 127 }, 8 },	      /* loopback */
	{ { 169, 254 }, 16 }, /* link-local */
	{ { 172, 16 }, 12 },  /* private */
	{ { 192, 168 }, 16 }, /* private */
	{ { 224 }, 3 },	      /* groups, reserved, broadcast */
};

static const struct network inside6[] = {
	{ { 0 }, 8 },		/* unspecified, loopback, compatible */
	{ { 0xfc }, 7 },	/* private, RFC 4193 */
	{ { 0xfe, 0x80 }, 10 }, /* link-local */
	{ { 0xfe, 0xc0 }, 10 }, /* site-local */
	{ { 0xff }, 8 },	/* groups */
};

/* IPv6 networks whose addresses hold an IPv4 address behind the prefix. */
static const struct network holds4[] = {
	{ { [10] = 0xff, [11] = 0xff }, 96 }, /* mapped */
	{ { 0x00, 0x64, 0xff, 0x9b }, 96 },   /* NAT64 */
	{ { 0x20, 0x02 }, 16 },		      /* 6to4 */
};

static bool
is_inside(const unsigned char *address, const unsigned char *prefix, unsigned bits)
{
	size_t whole = bits / 8;
	unsigned char mask = (unsigned char)(0xff00U >> bits % 8);

	return memcmp(address, prefix, whole) == 0 &&
	       (mask == 0 || (address[whole] & mask) == prefix[whole]);
}

static const struct network *
network_of(const unsigned char *address, const struct network *networks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (is_inside(address, networks[i].prefix, networks[i].bits))
			return &networks[i];
	}
	return NULL;
}

int
ip_version(const char *text)
{
	unsigned char address[V6_BYTES];

	if (inet_pton(AF_INET, text, address) == 1)
		return 4;
	return inet_pton(AF_INET6, text, address) == 1 ? 6 : 0;
}

bool
ip_is_public(const char *text)
{
	unsigned char address[V6_BYTES];
	const unsigned char *v4 = address;

	if (inet_pton(AF_INET6, text, address) == 1) {
		const struct network *holder = network_of(address, holds4, COUNT_OF(holds4));

		if (holder == NULL)
			return network_of(address, inside6, COUNT_OF(inside6)) == NULL;
		v4 = address + holder->bits / 8;
	} else if (inet_pton(AF_INET, text, address) != 1) {
		return false;
	}
	return network_of(v4, inside4, COUNT_OF(inside4)) == NULL;
}

const char *
ip_subnet_parse(const char *text, struct ip_subnet *out)
{
	static const char form[] = "is no subnet: write it like 192.0.2.0/24 or 2001:db8::/32";
	struct slice whole = slice_of(text);
	size_t slash = slice_find(whole, '/');
	struct ip_subnet subnet = { .n = slice_find(whole, ':') < whole.n ? V6_BYTES : V4_BYTES };
	size_t all = subnet.n * 8;
	char address[INET6_ADDRSTRLEN];
	uint64_t bits = all;

	if (slash >= sizeof(address))
		return form;
	memcpy(address, text, slash);
	address[slash] = '\0';
	if (inet_pton(subnet.n == V6_BYTES ? AF_INET6 : AF_INET, address, subnet.bytes) != 1 ||
	    (slash < whole.n && !text_number(slice_skip(whole, slash + 1), 0, all, &bits)))
		return form;
	for (size_t i = bits; i < all; i++)
		if ((subnet.bytes[i / 8] & (0x80 >> i % 8)) != 0)
			return "has bits set outside its mask: end the network address in zeros";
	subnet.bits = (unsigned)bits;
	*out = subnet;
	return NULL;
}

bool
ip_subnet_has(const struct ip_subnet *subnet, const char *text)
{
	unsigned char address[V6_BYTES];

	return inet_pton(subnet->n == V6_BYTES ? AF_INET6 : AF_INET, text, address) == 1 &&
	       is_inside(address, subnet->bytes, subnet->bits);
}
