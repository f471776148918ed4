/* when.h - clocks, dates, durations and sizes as text. */
#ifndef USHER_BASE_WHEN_H
#define USHER_BASE_WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* Milliseconds that only go forward; the zero means nothing. */
uint64_t
clock_mono_ms(void);

/* Milliseconds since 1970-01-01T00:00:00Z. */
int64_t
clock_unix_ms(void);

enum { WHEN_TEXT_BYTES = 32 };

/* `2026-11-21T08:35:00Z`. Times outside the years 1 to 9999 are shown as the nearest inside. */
void
when_format(int64_t unix_s, char out[WHEN_TEXT_BYTES]);

/* RFC 3339 date-time, or a date alone (midnight UTC), or seconds since 1970 after `@`.
 * False on anything else. */
bool
when_parse(struct slice s, int64_t *unix_s);

/* `250ms` `30s` `5m` `6h` `7d`, a bare number is seconds; at most 10 years. */
bool
duration_parse(struct slice s, uint64_t *ms);

/* In the largest unit that is exact, as duration_parse() reads it: `90s`, `5m`, `250ms`. */
void
duration_format(struct buf *b, uint64_t ms);

/* `512` `16k` `64M` `2G`, powers of 1024, letters of any case. False above 2^63 - 1. */
bool
size_parse(struct slice s, uint64_t *bytes);

/* In the largest unit that is exact, as size_parse() reads it. */
void
size_format(struct buf *b, uint64_t bytes);

#endif
