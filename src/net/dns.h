/* dns.h - the client's resolver: addresses of a host and SRV records, without search lists and
 * without blocking. */
#ifndef USHER_NET_DNS_H
#define USHER_NET_DNS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "model/field.h"
#include "model/srv.h"
#include "net/poller.h"
#include "usher/status.h"

enum {
	DNS_ADDRESSES_MAX = 16, /* further ones are left out */
	DNS_RECORDS_MAX = 64,	/* of one SRV answer; further ones are left out */
	DNS_QUERIES_MAX = 64	/* under way at once */
};

enum dns_failure {
	DNS_FOUND = 0,
	DNS_NO_NAME,	/* NXDOMAIN */
	DNS_NO_ADDRESS, /* neither A nor AAAA, or no SRV */
	DNS_TROUBLE,	/* SERVFAIL, REFUSED, no answer, nonsense */
	DNS_STOPPED
};

struct dns_answer {
	uint32_t id;
	enum dns_failure failure;
	const char *detail;	    /* the resolver's words; constant text */
	struct text_list addresses; /* IPv6 first, each in the order of RFC 6724 */
	bool alias;		    /* they are another name's (CNAME) */
	bool srv;		    /* asked by dns_start_srv() */
	const struct srv_record *records;
	size_t n_records;
};

struct dns;

/* `server` is ADDR or ADDR:PORT (IPv6 in brackets when a port follows), asked instead of the
 * system's servers and its hosts file; NULL for the system's. `poller` outlives it.
 * USHER_E_USAGE: not an address; USHER_E_NETWORK; USHER_E_NOMEM. */
USHER_CHECK usher_status
dns_new(const char *server, struct poller *poller, struct dns **out, struct usher_error *err);

/* NULL is ignored. */
void
dns_free(struct dns *dns);

/* The domain that this computer's name is in, by its own files; NULL: it has none. */
const char *
dns_own_domain(struct dns *dns, struct arena *mem);

/* Begins a lookup of A and AAAA; its answer comes from dns_take() under `id`. When one of them has
 * addresses the other is not waited for (RFC 8305, 3). An IP address is its
 * own answer. USHER_E_LIMIT: too many under way. */
USHER_CHECK usher_status
dns_start(struct dns *dns, uint32_t id, const char *host, struct usher_error *err);

/* The same for the SRV records of `name`. */
USHER_CHECK usher_status
dns_start_srv(struct dns *dns, uint32_t id, const char *name, struct usher_error *err);

/* The lookup is then answered with DNS_STOPPED. */
void
dns_stop(struct dns *dns, uint32_t id);

/* Does what time demands; what sockets demand is done when the poller calls back. */
void
dns_work(struct dns *dns);

/* When dns_work() or dns_take() want to be called at the latest, by clock_mono_ms(); UINT64_MAX: no
 * need. */
uint64_t
dns_wake_ms(const struct dns *dns);

/* True: *out is an answer, its texts in `mem` (with fewer addresses or records when that is full).
 */
bool
dns_take(struct dns *dns, struct arena *mem, struct dns_answer *out);

#endif
