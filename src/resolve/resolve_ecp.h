/* resolve_ecp.h - links into the Exchange Control Panel. */
#ifndef USHER_RESOLVE_RESOLVE_ECP_H
#define USHER_RESOLVE_RESOLVE_ECP_H

#include "base/arena.h"
#include "model/answer.h"

/* Sets the EcpUrl fragments that servers of the version `major` know; `realm` is the mailbox's
 * domain. False when out of memory. */
bool
ecp_put_fragments(struct arena *mem, struct answer_protocol *p, unsigned major, const char *realm);

#endif
