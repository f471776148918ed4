/* secret.h - text that must not be printed and does not stay in memory. */
#ifndef USHER_BASE_SECRET_H
#define USHER_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

enum {
	SECRET_MAX_BYTES = 1024,       /* of a password */
	SECRET_TOKEN_BYTES = 16 * 1024 /* of a token, such as Bearer's (RFC 6750) */
};

/* Never passed to a format function: it has no text of its own to hand to one. */
struct secret {
	char *bytes; /* NUL-terminated, own allocation, or NULL when empty */
	size_t n;
};

/* Copies. False when out of memory, longer than SECRET_MAX_BYTES or with a NUL inside; then *s
 * is empty. */
bool
secret_set(struct secret *s, struct slice text);

/* The same for a token, up to SECRET_TOKEN_BYTES. */
bool
secret_set_token(struct secret *s, struct slice text);

/* Wipes and frees. A zeroed struct is fine. */
void
secret_clear(struct secret *s);

/* Constant time in the content, not in the length. */
bool
secret_eq(const struct secret *a, const struct secret *b);

/* For CLEANUP(). */
void
secret_cleanup(struct secret *s);

#endif
