/* ledger.h - a bounded table of short-lived facts under keyed digests, shared by all threads.
 *
 * What a fact is about is never kept, only its MAC under a random key of this process: a memory
 * dump tells nothing, and nobody outside can choose texts that crowd into one bucket. */
#ifndef USHER_AUTH_LEDGER_H
#define USHER_AUTH_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "usher/status.h"

struct ledger;

struct fact {
	uint64_t expires_ms; /* on clock_mono_ms(); an expired fact is as absent */
	uint64_t until_ms;
	uint32_t count;
};

/* `entries` is rounded up; 0 keeps nothing. USHER_OK, USHER_E_NOMEM, USHER_E_INTERNAL. */
USHER_CHECK usher_status
ledger_new(uint32_t entries, struct ledger **out, struct usher_error *err);

/* NULL is ignored. */
void
ledger_free(struct ledger *l);

/* Looks up what is known about the texts in `about`, in this order and with these boundaries.
 * False when there is nothing. About a microsecond. */
bool
ledger_get(
    struct ledger *l, const struct slice *about, size_t n, uint64_t now_ms, struct fact *out);

/* Calls `change` on the fact, zeroed when there was none, while nobody else can. Where there is no
 * room the fact of the bucket that expires first goes, of several the one with the least count. */
void
ledger_change(struct ledger *l, const struct slice *about, size_t n, uint64_t now_ms,
    void (*change)(struct fact *fact, void *payload), void *payload);

#endif
