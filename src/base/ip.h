/* ip.h - what an IP address tells of its place. */
#ifndef USHER_BASE_IP_H
#define USHER_BASE_IP_H

#include <stdbool.h>

/* 4 or 6 when `text` is an IP address (without brackets), 0 when it is none. */
int
ip_version(const char *text);

/* `text` is an IPv4 or IPv6 address that the whole Internet can reach: neither this machine, this
 * link or a private network (RFC 6890), nor a group. An IPv4 address inside an IPv6 one (mapped,
 * NAT64, 6to4) is judged by itself. False for what is no address. */
bool
ip_is_public(const char *text);

#endif
