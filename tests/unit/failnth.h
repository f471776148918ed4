/* failnth.h - failmalloc.h for tests that fail one allocation in turn: set `left`, call, and see
 * whether the countdown has come to its end. */
#ifndef USHER_TESTS_FAILNTH_H
#define USHER_TESTS_FAILNTH_H

#include <stdbool.h>

static long left = -1; /* allocations until one fails; below 0: never */

static bool
fails(void)
{
	return left >= 0 && left-- == 0;
}

#include "failmalloc.h"

/* No allocation fails from now on. True: none has failed since `left` was set. */
static inline bool
spare_the_rest(void)
{
	bool spent = left >= 0;

	left = -1;
	return spent;
}

#endif
