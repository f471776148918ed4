/* net_address.h - IP addresses, networks and endpoints as the server compares and prints them. */
#ifndef USHER_SERVER_NET_ADDRESS_H
#define USHER_SERVER_NET_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum { NET_ADDRESS_TEXT_BYTES = 48, ENDPOINT_TEXT_BYTES = 56 };

/* An IPv4 address is kept IPv4-mapped (::ffff:a.b.c.d, RFC 4291, 2.5.5.2), so that a client has one
 * spelling whichever socket it came through. */
struct net_address {
	uint8_t bytes[16];
};

struct net_range {
	struct net_address address;
	unsigned bits; /* 0-128, counted in the mapped form */
};

struct endpoint {
	struct net_address address;
	bool any_family; /* `*`: IPv6 and IPv4 both; address is :: */
	uint16_t port;
};

/* `192.0.2.1`, `2001:db8::1`, also in brackets. False on anything else. */
bool
net_address_parse(struct slice s, struct net_address *out);

bool
net_address_eq(const struct net_address *a, const struct net_address *b);

bool
net_address_is_v4(const struct net_address *a);

/* IPv4 in dotted form, IPv6 without brackets. */
void
net_address_format(const struct net_address *a, char out[NET_ADDRESS_TEXT_BYTES]);

/* `192.0.2.0/24`, `2001:db8::/32`; an address alone is a range of one. Bits of the host part must
 * be zero. */
bool
net_range_parse(struct slice s, struct net_range *out);

bool
net_range_has(const struct net_range *range, const struct net_address *a);

bool
net_ranges_have(const struct net_range *ranges, size_t n, const struct net_address *a);

/* `192.0.2.1:443`, `[2001:db8::1]:443`, `*:443`. Port 0 lets the system choose. */
bool
endpoint_parse(struct slice s, struct endpoint *out);

void
endpoint_format(const struct endpoint *e, char out[ENDPOINT_TEXT_BYTES]);

#endif
