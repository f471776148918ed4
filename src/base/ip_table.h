/* ip_table.h - which of many subnets an address is in: the one with the longest prefix. */
#ifndef USHER_BASE_IP_TABLE_H
#define USHER_BASE_IP_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/ip.h"

struct ip_table_row {
	struct ip_subnet subnet;
	const void *value;
};

/* Zeroed it is empty. The addresses are cut where the answer changes, so that a look-up is one
 * search by halves however the subnets overlap. */
struct ip_table {
	const struct ip_edge *edges;
	size_t n;
};

/* Of equal subnets the first counts. False when out of memory. */
bool
ip_table_make(struct arena *mem, const struct ip_table_row *rows, size_t n, struct ip_table *out);

/* `address` is in IPv6 form, an IPv4 one mapped (RFC 4291, 2.5.5.2): that is in IPv4 subnets only,
 * however wide an IPv6 one is. NULL: it is in none. */
const void *
ip_table_find(const struct ip_table *table, const unsigned char address[16]);

#endif
