/* resolve_zone.h - decides which DNS records lead mail programs to a domain's services. */
#ifndef USHER_RESOLVE_RESOLVE_ZONE_H
#define USHER_RESOLVE_RESOLVE_ZONE_H

#include "base/arena.h"
#include "model/facts.h"
#include "model/zone.h"
#include "usher/status.h"

/* An address as an administrator tells it. */
struct zone_address {
	const char *host; /* whose it is, in A-labels; NULL: our own */
	const char *text; /* an IPv4 or IPv6 address */
};

/* By which names mail programs are to come to us. */
enum zone_way {
	ZONE_WAY_ALL = 0, /* all under which they look, and SRV */
	ZONE_WAY_SRV,	  /* SRV alone: our host has a certificate for no other name */
	ZONE_WAY_APART,	  /* `autodiscover` has addresses of its own; and SRV */
	ZONE_WAY_REDIRECT /* the same without SRV: what is there leads to our host */
};

/* What the directory does not know. */
struct zone_wish {
	enum zone_way way;
	const char *host; /* under which clients reach us; NULL: what the directory tells */
	const struct zone_address *addresses;
	size_t n_addresses;
	const char *pacc;	/* text that vouches for the PACC document; NULL: there is none */
	const char *pacc_fault; /* why there is none */
	const char *autoconfig_fault; /* why some programs refuse Mail Autoconfig; NULL: none do */
};

/* The records of `domain`, which is accepted; an alias has those of the services of the domain that
 * it stands for, under its own name.
 *
 * A name under which programs look for us gets our addresses when they are told, else a CNAME to
 * our host, unless other records need it to be a name of its own. When the wish is for another way
 * than all, our host is not known by the names `autoconfig` and `ua-auto-config`, and gets its
 * addresses in the zone whether records name it or not. Hosts below the domain get the
 * addresses that are told of them; a note names the others, and those outside. A mail service that
 * a mail domain does not offer is said to be absent (RFC 2782, Target), one without TLS is left
 * out (RFC 8314, 4.1). Services of one purpose have priorities in the order of the facts.
 *
 * All of *out lies in `mem`, in the facts or in the wish. USHER_E_NOMEM. */
USHER_CHECK usher_status
resolve_zone(struct arena *mem, const struct facts *facts, const char *domain,
    const struct zone_wish *wish, struct zone *out);

#endif
