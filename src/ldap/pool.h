/* pool.h - searches that nobody waits for: many at once over a few connections to an LDAP
 * directory, which may be several servers.
 *
 * Connections are opened, which blocks (DNS, TCP, TLS, Kerberos), in threads of the pool's own. All
 * else happens in ldap_pool_turn(), which never waits. When a connection is lost, what was asked
 * over it is asked again over another, to the next server if need be, as long as there is time. A
 * pool belongs to one thread. */
#ifndef USHER_LDAP_POOL_H
#define USHER_LDAP_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "ldap/link.h"

enum {
	POOL_CONNECTIONS = 64, /* at most; when nobody says how many: */
	POOL_USUAL_CONNECTIONS = 2,
	POOL_OUTSTANDING = 64,	/* searches on one connection; OpenLDAP ends those with 100 */
	POOL_WAITING = 8192,	/* searches in all */
	POOL_TIMEOUT_MS = 2000, /* of a search, when nobody says otherwise */
	POOL_TRIES = 3, /* connections that are lost under a search; the last carries it alone */
	POOL_ENTRIES = 1000,		      /* of one search */
	POOL_ENTRY_BYTES = 1024 * 1024,	      /* of all that a search finds */
	POOL_MESSAGE_BYTES = 16 * 1024 * 1024 /* a longer message ends its connection */
};

struct pool_options {
	const char *servers;	  /* see ldap_servers_find() */
	const char *srv_domain;	  /* NULL: `ldap:///` is refused */
	struct link_options link; /* but for its uri; what it points to is copied */
	size_t connections;	  /* 0: POOL_USUAL_CONNECTIONS */
	uint64_t timeout_ms;	  /* of a search, from asking to its end. 0: POOL_TIMEOUT_MS */
};

struct ldap_pool;

/* Begins to open connections, and waits for none.
 *
 * Returns USHER_OK
 *	   USHER_E_USAGE a server is none, or there are none
 *	   USHER_E_LIMIT the operating system gives no more descriptors or threads
 *	   USHER_E_NOMEM */
USHER_CHECK usher_status
ldap_pool_open(const struct pool_options *options, struct ldap_pool **out, struct usher_error *err);

/* Ends all connections; what is outstanding ends without a word. NULL is ignored. */
void
ldap_pool_close(struct ldap_pool *pool);

/* Is called once, from ldap_pool_turn(), behind the last call of `take`.
 *
 * st	USHER_OK (also when nothing was found), USHER_E_TIMEOUT, USHER_E_NETWORK (no server can be
 *	reached), USHER_E_LIMIT (more entries than `max`, an entry that is too large, or a limit of
 *	the directory's), USHER_E_ABSENT (no such base), USHER_E_PERMISSION, USHER_E_PEER, … as
 *	ldap_link_search()
 * err	says why; NULL with USHER_OK */
typedef void
pool_done(void *payload, usher_status st, const struct usher_error *err);

struct pool_query {
	struct link_search search; /* what it points to lives until `done`; max is 1 to
				      POOL_ENTRIES */
	link_take *take; /* for each entry, once it is known that the search has succeeded */
	pool_done *done;
	void *payload; /* of both */
};

/* Asks, when there is a connection with room; until then it waits its turn.
 *
 * Returns USHER_OK: done() will be called
 *	   USHER_E_NETWORK no server could be reached for longer than a search may take
 *	   USHER_E_LIMIT   POOL_WAITING searches are outstanding
 *	   USHER_E_NOMEM */
USHER_CHECK usher_status
ldap_pool_ask(struct ldap_pool *pool, const struct pool_query *query, struct usher_error *err);

/* Becomes readable when ldap_pool_turn() has something to do, deadlines included. */
int
ldap_pool_descriptor(const struct ldap_pool *pool);

/* Reads what has come, sends what waits, ends what is over its deadline. What it calls may ask
 * again, but not close the pool. */
void
ldap_pool_turn(struct ldap_pool *pool);

struct pool_state {
	size_t connections; /* that are open */
	size_t outstanding; /* searches that have not ended */
	const char *server; /* of one of those connections, else NULL; until the next turn */
	uint64_t lost;	    /* connections, so far */
	struct usher_error trouble; /* why the last one could not be opened; USHER_OK: it could */
};

void
ldap_pool_state(const struct ldap_pool *pool, struct pool_state *out);

#endif
