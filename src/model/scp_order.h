/* scp_order.h - which of a directory's service connection points are asked, and in which order. */
#ifndef USHER_MODEL_SCP_ORDER_H
#define USHER_MODEL_SCP_ORDER_H

#include <stdbool.h>

#include "base/arena.h"
#include "model/scp.h"
#include "usher/status.h"

/* How near a connection point is. */
enum scp_tier { SCP_OUR_SITE = 0, SCP_ANY_SITE, SCP_OTHER_SITE };

struct scp_order {
	struct text_list urls;	    /* http or https, each once, best first */
	const size_t *places;	    /* for each: which of the records it is from */
	const enum scp_tier *tiers; /* for each; SCP_OUR_SITE when the site is unknown */
	const char *pointer; /* `ldap://HOST[:PORT]` of the directory to search instead of all
				this; NULL: none */
};

/* What the records mean for a mailbox in `domain` (A-labels) on a computer in `site` (NULL when
 * unknown), by scp.md 3: a pointer that names the domain replaces everything; else URLs for the
 * domain, or for any, before URLs for others; among them our site's, then those of no site, then
 * other sites', oldest first; else the first pointer without any condition. With strict_site other
 * sites' URLs are for computers in whose own site there is none. What is no URL is left out.
 * Returns USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
scp_order(struct arena *mem, const struct scp_record *records, size_t n, const char *domain,
    const char *site, bool strict_site, struct scp_order *out);

#endif
