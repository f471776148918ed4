/* cycle.h - redirects and aliases that lead back to where they began, or on for too long.
 *
 * Told are domains, redirect rules and mailboxes together. An address is followed exactly. The
 * addresses that fit a pattern are followed as one, so that a circle which only some of them could
 * enter is refused too, and a message that cannot be sure says "may". */
#ifndef USHER_CLI_CYCLE_H
#define USHER_CLI_CYCLE_H

#include "base/arena.h"
#include "dir/dir.h"

/* All return USHER_OK, USHER_E_INPUT (names the whole way round), USHER_E_UNAVAILABLE,
 * USHER_E_NOMEM. */

/* From a mailbox that is about to be stored. */
USHER_CHECK usher_status
cycle_check_mailbox(struct dir *dir, const struct mailbox *mailbox, struct usher_error *err);

/* From an address, by what is stored. */
USHER_CHECK usher_status
cycle_check_address(struct dir *dir, const char *address, struct usher_error *err);

/* From all addresses of a domain, and from all mailboxes anywhere that have moved: what a change of
 * the domain or of its rules may have closed. By what is stored. */
USHER_CHECK usher_status
cycle_check_domain(struct dir *dir, const char *domain, struct usher_error *err);

/* From everywhere. */
USHER_CHECK usher_status
cycle_check_all(struct dir *dir, struct usher_error *err);

#endif
