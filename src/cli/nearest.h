/* nearest.h - the name that somebody who mistyped will have meant. */
#ifndef USHER_CLI_NEAREST_H
#define USHER_CLI_NEAREST_H

#include <stddef.h>

#include "base/slice.h"

struct nearest {
	const char *to;
	struct slice found; /* empty: nothing is near enough */
	size_t distance;
};

/* Begins a search for what is near `to`, which may be NULL: then nothing is. */
struct nearest
nearest_to(const char *to);

/* Keeps `candidate` when it is nearer than all before: few letters missing, wrong, too many or
 * swapped, or `to` is the beginning of it. Borrowed. */
void
nearest_try(struct nearest *n, struct slice candidate);

#endif
