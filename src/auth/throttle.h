/* throttle.h - slows down whoever guesses passwords (authentication.md 9). Shared by all threads.
 *
 * Failures are counted per source and login together, so that nobody can lock another's account,
 * and per source alone with a higher allowance, against trying one password on many accounts. After
 * the allowance each failure doubles the time for which further tries are refused unlooked-at. */
#ifndef USHER_AUTH_THROTTLE_H
#define USHER_AUTH_THROTTLE_H

#include <stdint.h>

#include "base/slice.h"
#include "usher/status.h"

struct throttle;

struct throttle_limits {
	uint32_t entries;	  /* bound of the table; 0 switches it off */
	uint32_t pair_failures;	  /* free failures of one source with one login */
	uint32_t source_failures; /* free failures of one source with any login */
	uint64_t delay_max_ms;	  /* the delay grows to this */
	uint64_t forget_ms;	  /* without failure for so long: all forgotten */
};

/* Returns USHER_OK, USHER_E_NOMEM, USHER_E_INTERNAL (no randomness). */
USHER_CHECK usher_status
throttle_new(const struct throttle_limits *limits, struct throttle **out, struct usher_error *err);

/* NULL is ignored. */
void
throttle_free(struct throttle *t);

/* How many ms to wait before this source may try this login again; 0: now.
 * `source` is an address in text; an IPv6 address counts as its /64. */
uint64_t
throttle_wait_ms(struct throttle *t, const char *source, const char *login, uint64_t now_ms);

void
throttle_failed(struct throttle *t, const char *source, const char *login, uint64_t now_ms);

/* Forgets the pair's failures, not the source's. */
void
throttle_passed(struct throttle *t, const char *source, const char *login, uint64_t now_ms);

#endif
