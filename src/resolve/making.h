/* making.h - texts in the making: one that is NULL, for want of memory, sticks in the maker's
 * `failed`, which is looked at once at the end. */
#ifndef USHER_RESOLVE_MAKING_H
#define USHER_RESOLVE_MAKING_H

#include "base/arena.h"

static inline const void *
making_keep(bool *failed, const void *p)
{
	*failed = *failed || p == NULL;
	return p;
}

/* Passes `p` through. `m` points to a record with the member `failed`. */
#define KEEP(m, p) making_keep(&(m)->failed, (p))

/* The format and its arguments; `m` has a member `mem` too. */
#define SAY(m, ...) KEEP((m), arena_printf((m)->mem, __VA_ARGS__))

/* The same as one more of m->notes, of which m->out->notes counts. */
#define NOTE(m, ...) (m)->notes[(m)->out->notes.n++] = SAY((m), __VA_ARGS__)

#endif
