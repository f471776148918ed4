/* ca.h - the private authorities of `usher ca`, for commands that need one. */
#ifndef USHER_CLI_CA_H
#define USHER_CLI_CA_H

#include "base/arena.h"
#include "dir/dir.h"

/* The authority `name`, or without one (NULL) the only one that there is. USHER_E_ABSENT,
 * USHER_E_USAGE (there are several), USHER_E_NOMEM, and what dir_each() returns. */
USHER_CHECK usher_status
ca_find(struct arena *mem, struct dir *dir, const char *name, struct authority *out,
    struct usher_error *err);

#endif
