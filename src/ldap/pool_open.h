/* pool_open.h - which servers a pool may use, and threads that open connections to them. */
#ifndef USHER_LDAP_POOL_OPEN_H
#define USHER_LDAP_POOL_OPEN_H

#include "ldap/pool.h"

/* What a pool shares with its threads, which may outlive it. */
struct pool_ways;

/* Returns as ldap_pool_open(). */
USHER_CHECK usher_status
pool_ways_new(const struct pool_options *options, struct pool_ways **out, struct usher_error *err);

/* NULL is ignored. */
void
pool_ways_unref(struct pool_ways *ways);

/* An eventfd that counts up when a thread has ended. */
int
pool_ways_wake_fd(const struct pool_ways *ways);

/* There is more than one server, as far as is known. */
bool
pool_ways_several(struct pool_ways *ways);

/* This server does not do what it should: for a while others are tried before it. */
void
pool_ways_blame(struct pool_ways *ways, const char *uri);

struct pool_opening;

/* Begins a thread that tries the servers one after the other, until one lets it in.
 * USHER_E_LIMIT (no more threads), USHER_E_NOMEM. */
USHER_CHECK usher_status
pool_opening_start(struct pool_ways *ways, struct pool_opening **out, struct usher_error *err);

/* False: it goes on. True: it is over and gone; *link, or NULL and *err. */
bool
pool_opening_end(struct pool_opening *opening, struct ldap_link **link, struct usher_error *err);

/* Whatever comes of it, nobody wants it. NULL is ignored. */
void
pool_opening_forget(struct pool_opening *opening);

#endif
