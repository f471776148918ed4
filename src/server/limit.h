/* limit.h - how many connections there may be, in all and per address. Shared between threads. */
#ifndef USHER_SERVER_LIMIT_H
#define USHER_SERVER_LIMIT_H

#include <stdbool.h>

#include "server/net_address.h"

struct limit;

enum limit_answer {
	LIMIT_TAKEN = 0, /* give back with limit_give() */
	LIMIT_FULL,	 /* too many in all, or out of memory */
	LIMIT_ADDRESS	 /* too many from this address */
};

/* NULL when out of memory. */
struct limit *
limit_new(void);

/* NULL is ignored. */
void
limit_free(struct limit *limit);

void
limit_set(struct limit *limit, unsigned total, unsigned per_address);

/* Counts a connection. An IPv6 address stands for its /64, which one subscriber owns whole.
 * `exempt`: only the total counts. */
enum limit_answer
limit_take(struct limit *limit, const struct net_address *address, bool exempt);

/* With the same address and `exempt`. */
void
limit_give(struct limit *limit, const struct net_address *address, bool exempt);

/* True when another connection would fit in all. */
bool
limit_has_room(struct limit *limit);

/* Counts an administrator's connection, for which a few places are kept beyond the total. False
 * when those are taken too. Give back as `exempt`. */
bool
limit_take_kept(struct limit *limit);

/* Addresses that are counted now; for tests. */
size_t
limit_addresses(struct limit *limit);

#endif
