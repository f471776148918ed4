/* query.h - the query of a URL, parameter by parameter. */
#ifndef USHER_WIRE_QUERY_H
#define USHER_WIRE_QUERY_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"
#include "usher/status.h"

/* Cuts the next `name=value` off *rest, which is a query without `?`. Both still have their %XX.
 * False at the end. */
bool
query_next(struct slice *rest, struct slice *name, struct slice *value);

/* Decodes %XX once; `+` stays. *out lies in `mem`.
 * Returns USHER_OK, USHER_E_INPUT (a broken %XX, %00, over `max` bytes), USHER_E_NOMEM. */
USHER_CHECK usher_status
query_decode(struct arena *mem, struct slice text, size_t max, const char **out);

#endif
