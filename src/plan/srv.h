/* srv.h - in which order SRV records are tried (RFC 2782). */
#ifndef USHER_PLAN_SRV_H
#define USHER_PLAN_SRV_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "model/srv.h"
#include "usher/status.h"

/* Fills `out`, which has room for n records, with those that name a host, hosts in A-labels: lowest
 * priority first, by weighted choice within one, and ports other than 443 last of all, because
 * Microsoft's clients do not know them (http-discovery.md 5). One seed gives one order.
 * Returns USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
srv_order(struct arena *mem, const struct srv_record *records, size_t n, uint64_t seed,
    struct srv_record *out, size_t *n_out);

#endif
