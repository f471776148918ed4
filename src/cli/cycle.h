/* cycle.h - redirects and aliases that lead back to where they began. */
#ifndef USHER_CLI_CYCLE_H
#define USHER_CLI_CYCLE_H

#include "base/arena.h"
#include "dir/dir.h"

/* Follows the redirect of a domain or mailbox that is about to be stored through the directory.
 * Other entities have none. USHER_E_INPUT names the whole round; USHER_E_UNAVAILABLE,
 * USHER_E_NOMEM. */
USHER_CHECK usher_status
cycle_check(struct dir *dir, struct arena *mem, const struct entity *e, const void *record,
    struct usher_error *err);

#endif
