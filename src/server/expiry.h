/* expiry.h - warnings that served certificates expire: 30, 14, 7 and 1 days before, and when. */
#ifndef USHER_SERVER_EXPIRY_H
#define USHER_SERVER_EXPIRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct served_certificate;

/* Whole days, rounded down: 0 on the last day, negative afterwards. */
int64_t
expiry_days_left(int64_t not_after, int64_t now_s);

enum { EXPIRY_FAR = 0, EXPIRY_PAST = 5 };

/* EXPIRY_FAR, then 1 to 4 from 30, 14, 7 and 1 days before on, then EXPIRY_PAST. */
unsigned
expiry_stage(int64_t not_after, int64_t now_s);

/* What has been told about the certificates that are served. A zeroed struct is none. */
struct expiry {
	const struct served_certificate *v; /* outlive it */
	size_t n;
	unsigned char *told; /* the stage of each */
};

/* `before` (or NULL): what it takes over from, so that nothing is told twice. False: out of memory.
 */
bool
expiry_begin(
    struct expiry *e, const struct served_certificate *v, size_t n, const struct expiry *before);

/* Logs what has come nearer since, each certificate once however many listeners have it. */
void
expiry_look(struct expiry *e, int64_t now_s);

void
expiry_clear(struct expiry *e);

#endif
