/* when.c - clocks, dates, durations and sizes as text. */
#include "base/when.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/text.h"

static int64_t
read_clock_ms(clockid_t clock)
{
	struct timespec now;

	/* Cannot fail for the two clocks named below. */
	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t
clock_mono_ms(void)
{
	return (uint64_t)read_clock_ms(CLOCK_MONOTONIC);
}

int64_t
clock_unix_ms(void)
{
	return read_clock_ms(CLOCK_REALTIME);
}

#define WHEN_FIRST INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define WHEN_LAST INT64_C(253402300799)	 /* 9999-12-31T23:59:59Z */

void
when_format(int64_t unix_s, char out[WHEN_TEXT_BYTES])
{
	time_t t = unix_s < WHEN_FIRST ? WHEN_FIRST : unix_s > WHEN_LAST ? WHEN_LAST : unix_s;
	struct tm tm = { 0 };

	(void)gmtime_r(&t, &tm);
	(void)snprintf(out, WHEN_TEXT_BYTES, "%04d-%02d-%02dT%02d:%02d:%02dZ",
	    (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec);
}

/* Exactly `n` digits. */
static int
take_digits(struct cursor *c, size_t n, uint64_t min, uint64_t max)
{
	uint64_t value = 0;
	size_t left = (size_t)(c->end - c->p);

	if (c->failed || left < n || !text_number(slice_from(c->p, n), min, max, &value)) {
		c->failed = true;
		return 0;
	}
	c->p += n;
	return (int)value;
}

/* What stands after the seconds (RFC 3339, 5.6): fraction, which is dropped, and offset, in s. */
static int64_t
take_zone(struct cursor *c)
{
	int64_t sign, offset;

	if (cursor_maybe(c, '.'))
		(void)cursor_while(c, text_is_digit, 18);
	if (cursor_maybe(c, 'Z') || cursor_maybe(c, 'z'))
		return 0;
	sign = cursor_maybe(c, '-') ? -1 : 1;
	if (sign > 0)
		cursor_char(c, '+');
	offset = take_digits(c, 2, 0, 23) * INT64_C(3600);
	cursor_char(c, ':');
	offset += take_digits(c, 2, 0, 59) * INT64_C(60);
	return sign * offset;
}

bool
when_parse(struct slice s, int64_t *unix_s)
{
	struct cursor c = cursor_on(s);
	struct tm tm = { 0 };
	int64_t offset = 0;
	int day;
	time_t t;

	if (cursor_maybe(&c, '@')) {
		uint64_t seconds = cursor_number(&c, 0, WHEN_LAST);

		if (c.failed || !cursor_at_end(&c))
			return false;
		*unix_s = (int64_t)seconds;
		return true;
	}
	tm.tm_year = take_digits(&c, 4, 1, 9999) - 1900;
	cursor_char(&c, '-');
	tm.tm_mon = take_digits(&c, 2, 1, 12) - 1;
	cursor_char(&c, '-');
	day = tm.tm_mday = take_digits(&c, 2, 1, 31);
	if (!cursor_at_end(&c)) {
		if (!cursor_maybe(&c, 'T') && !cursor_maybe(&c, 't'))
			cursor_char(&c, ' ');
		tm.tm_hour = take_digits(&c, 2, 0, 23);
		cursor_char(&c, ':');
		tm.tm_min = take_digits(&c, 2, 0, 59);
		cursor_char(&c, ':');
		tm.tm_sec = take_digits(&c, 2, 0, 60);
		offset = take_zone(&c);
	}
	if (c.failed || !cursor_at_end(&c))
		return false;
	/* A leap second is counted as the second after it, whatever day that lies in. */
	if (tm.tm_sec == 60) {
		tm.tm_sec = 59;
		offset--;
	}
	/* timegm() turns 30 February into 2 March. */
	t = timegm(&tm);
	if (tm.tm_mday != day)
		return false;
	*unix_s = (int64_t)t - offset;
	return true;
}

struct unit {
	const char *name;
	uint64_t size;
};

/* Largest first. */
static const struct unit time_units[] = {
	{ "d", UINT64_C(86400000) },
	{ "h", UINT64_C(3600000) },
	{ "m", UINT64_C(60000) },
	{ "s", UINT64_C(1000) },
	{ "ms", UINT64_C(1) },
};

static const struct unit size_units[] = {
	{ "G", UINT64_C(1) << 30 },
	{ "M", UINT64_C(1) << 20 },
	{ "k", UINT64_C(1) << 10 },
	{ "", UINT64_C(1) },
};

#define DURATION_MAX_MS (UINT64_C(3653) * 86400000) /* 10 years */
#define SIZE_MAX_BYTES ((uint64_t)INT64_MAX)

static bool
scale(uint64_t number, uint64_t size, uint64_t max, uint64_t *out)
{
	if (number > max / size)
		return false;
	*out = number * size;
	return true;
}

bool
duration_parse(struct slice s, uint64_t *ms)
{
	struct cursor c = cursor_on(s);
	uint64_t number = cursor_number(&c, 0, DURATION_MAX_MS);
	struct slice name;

	if (c.failed)
		return false;
	name = cursor_rest(&c);
	if (name.n == 0)
		return scale(number, 1000, DURATION_MAX_MS, ms);
	for (size_t i = 0; i < COUNT_OF(time_units); i++)
		if (slice_is(name, time_units[i].name))
			return scale(number, time_units[i].size, DURATION_MAX_MS, ms);
	return false;
}

bool
size_parse(struct slice s, uint64_t *bytes)
{
	struct cursor c = cursor_on(s);
	uint64_t number = cursor_number(&c, 0, SIZE_MAX_BYTES);
	struct slice name;

	if (c.failed)
		return false;
	name = cursor_rest(&c);
	for (size_t i = 0; i < COUNT_OF(size_units); i++)
		if (slice_is_nocase(name, size_units[i].name))
			return scale(number, size_units[i].size, SIZE_MAX_BYTES, bytes);
	return false;
}

static void
format_units(struct buf *b, const struct unit *units, uint64_t value)
{
	/* The last unit is 1 and ends the loop. */
	while (value % units->size != 0)
		units++;
	buf_printf(b, "%" PRIu64 "%s", value / units->size, units->name);
}

void
duration_format(struct buf *b, uint64_t ms)
{
	if (ms == 0)
		buf_char(b, '0');
	else
		format_units(b, time_units, ms);
}

void
size_format(struct buf *b, uint64_t bytes)
{
	if (bytes == 0)
		buf_char(b, '0');
	else
		format_units(b, size_units, bytes);
}
