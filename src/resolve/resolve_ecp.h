/* resolve_ecp.h - links into the Exchange Control Panel. */
#ifndef USHER_RESOLVE_RESOLVE_ECP_H
#define USHER_RESOLVE_RESOLVE_ECP_H

#include "base/arena.h"
#include "model/answer.h"

enum { ECP_FRAGMENTS = 12 };

/* What all blocks of an answer have in common; NULL: the server does not know that page. */
struct ecp {
	const char *fragments[ECP_FRAGMENTS];
};

/* Makes the fragments that servers of the version `major` know; `realm` is the mailbox's domain.
 * False when out of memory. */
bool
ecp_make(struct arena *mem, unsigned major, const char *realm, struct ecp *out);

/* Sets the EcpUrl fragments. */
void
ecp_put(const struct ecp *ecp, struct answer_protocol *p);

#endif
