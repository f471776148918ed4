/* ip.h - what an IP address tells of its place. */
#ifndef USHER_BASE_IP_H
#define USHER_BASE_IP_H

#include <stdbool.h>
#include <stddef.h>

/* 4 or 6 when `text` is an IP address (without brackets), 0 when it is none. */
int
ip_version(const char *text);

/* `text` is an IPv4 or IPv6 address that the whole Internet can reach: neither this machine, this
 * link or a private network (RFC 6890), nor a group. An IPv4 address inside an IPv6 one (mapped,
 * NAT64, 6to4) is judged by itself. False for what is no address. */
bool
ip_is_public(const char *text);

struct ip_subnet {
	unsigned char bytes[16]; /* those past `n` are 0 */
	size_t n;		 /* 4 or 16 */
	unsigned bits;
};

/* `192.0.2.0/24`, `2001:db8::/32`; an address alone is a subnet of one. NULL, or fixed text that
 * says what is wrong and follows the name of what holds `text`. */
const char *
ip_subnet_parse(const char *text, struct ip_subnet *out);

/* `text` is an address in it. */
bool
ip_subnet_has(const struct ip_subnet *subnet, const char *text);

#endif
