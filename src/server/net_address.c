/* net_address.c - IP addresses, networks and endpoints. */
#include "server/net_address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { MAPPED_BITS = 96, MAPPED_BYTES = 12 };

static const uint8_t mapped[MAPPED_BYTES] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* NUL-terminated copy without brackets; false when it cannot be an address. */
static bool
copy_text(struct slice s, char out[NET_ADDRESS_TEXT_BYTES])
{
	if (s.n >= 2 && s.p[0] == '[' && s.p[s.n - 1] == ']')
		s = slice_from(s.p + 1, s.n - 2);
	if (s.n == 0 || s.n >= NET_ADDRESS_TEXT_BYTES || slice_find(s, '\0') != s.n)
		return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

bool
net_address_parse(struct slice s, struct net_address *out)
{
	struct net_address a;
	char text[NET_ADDRESS_TEXT_BYTES];

	if (!copy_text(s, text))
		return false;
	memcpy(a.bytes, mapped, MAPPED_BYTES);
	if (inet_pton(AF_INET, text, a.bytes + MAPPED_BYTES) != 1 &&
	    inet_pton(AF_INET6, text, a.bytes) != 1)
		return false;
	*out = a;
	return true;
}

bool
net_address_eq(const struct net_address *a, const struct net_address *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool
net_address_is_v4(const struct net_address *a)
{
	return memcmp(a->bytes, mapped, MAPPED_BYTES) == 0;
}

void
net_address_format(const struct net_address *a, char out[NET_ADDRESS_TEXT_BYTES])
{
	bool v4 = net_address_is_v4(a);

	/* Cannot fail: the family is known and the room is enough. */
	(void)inet_ntop(v4 ? AF_INET : AF_INET6, a->bytes + (v4 ? MAPPED_BYTES : 0), out,
	    NET_ADDRESS_TEXT_BYTES);
}

bool
net_range_parse(struct slice s, struct net_range *out)
{
	size_t slash = slice_find(s, '/');
	struct slice host = slice_from(s.p, slash);
	struct net_range r = { .bits = 128 };
	uint64_t bits;
	bool v4;

	if (!net_address_parse(host, &r.address))
		return false;
	v4 = slice_find(host, ':') == host.n;
	if (slash < s.n) {
		if (!text_number(slice_skip(s, slash + 1), 0, v4 ? 32 : 128, &bits))
			return false;
		r.bits = (unsigned)bits + (v4 ? MAPPED_BITS : 0);
	}
	for (unsigned bit = r.bits; bit < 128; bit++)
		if (r.address.bytes[bit / 8] & (0x80 >> bit % 8))
			return false;
	*out = r;
	return true;
}

bool
net_range_has(const struct net_range *range, const struct net_address *a)
{
	size_t whole = range->bits / 8;
	unsigned rest = range->bits % 8;

	if (memcmp(range->address.bytes, a->bytes, whole) != 0)
		return false;
	return rest == 0 || (range->address.bytes[whole] ^ a->bytes[whole]) >> (8 - rest) == 0;
}

bool
net_ranges_have(const struct net_range *ranges, size_t n, const struct net_address *a)
{
	for (size_t i = 0; i < n; i++)
		if (net_range_has(&ranges[i], a))
			return true;
	return false;
}

bool
endpoint_parse(struct slice s, struct endpoint *out)
{
	size_t colon = slice_find_last(s, ':');
	struct slice host = slice_from(s.p, colon);
	struct endpoint e = { .port = 0 };
	uint64_t port;

	if (colon == s.n || !text_number(slice_skip(s, colon + 1), 0, UINT16_MAX, &port))
		return false;
	e.port = (uint16_t)port;
	e.any_family = slice_is(host, "*");
	if (!e.any_family) {
		/* Without brackets the last group of an IPv6 address would be taken for a port. */
		if (slice_find(host, ':') != host.n && host.p[0] != '[')
			return false;
		if (!net_address_parse(host, &e.address))
			return false;
	}
	*out = e;
	return true;
}

void
endpoint_format(const struct endpoint *e, char out[ENDPOINT_TEXT_BYTES])
{
	char host[NET_ADDRESS_TEXT_BYTES] = "*";
	bool v6 = !e->any_family && !net_address_is_v4(&e->address);

	if (!e->any_family)
		net_address_format(&e->address, host);
	(void)snprintf(
	    out, ENDPOINT_TEXT_BYTES, "%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", e->port);
}
