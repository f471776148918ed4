/* remember.h - verdicts on passwords, kept for a short time so that a poll does not cost a hash.
 *
 * Neither login nor password is kept: the key is a MAC over source, login, stored hash and password
 * under a random key of this process. Since the stored hash is part of it, and the caller reads it
 * anew for each request, a changed or removed credential stops working at once. Since the source
 * is, nobody elsewhere finds out by trying, which costs no hash and no wait. Shared by all threads.
 */
#ifndef USHER_AUTH_REMEMBER_H
#define USHER_AUTH_REMEMBER_H

#include <stdint.h>

#include "base/secret.h"
#include "usher/status.h"

struct remember;

struct remember_limits {
	uint32_t entries; /* the oldest makes room; 0 remembers nothing */
	uint64_t good_ms; /* how long a right password is remembered, counted from its check */
	uint64_t bad_ms;  /* how long a wrong one is */
};

enum remembered { REMEMBERED_NOT = 0, REMEMBERED_GOOD, REMEMBERED_BAD };

/* Returns USHER_OK, USHER_E_NOMEM, USHER_E_INTERNAL (no randomness). */
USHER_CHECK usher_status
remember_new(const struct remember_limits *limits, struct remember **out, struct usher_error *err);

/* NULL is ignored. */
void
remember_free(struct remember *r);

/* Changes the times for verdicts to come; `entries` stays. */
void
remember_set_times(struct remember *r, uint64_t good_ms, uint64_t bad_ms);

/* `source` is an address in text; `hash` the stored one, "" for an unknown user; `now_ms` of
 * clock_mono_ms(). Microseconds; equal work whatever the verdict. */
enum remembered
remember_ask(struct remember *r, const char *source, const char *login, const char *hash,
    const struct secret *password, uint64_t now_ms);

void
remember_tell(struct remember *r, const char *source, const char *login, const char *hash,
    const struct secret *password, bool good, uint64_t now_ms);

#endif
