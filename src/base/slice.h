/* slice.h - borrowed text: a pointer and a length, never NUL-terminated by promise. */
#ifndef USHER_BASE_SLICE_H
#define USHER_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
	const char *p; /* may be NULL when n is 0 */
	size_t n;      /* bytes */
};

#define SLICE_LITERAL(text) ((struct slice){ (text), sizeof(text) - 1 })

/* `text` may be NULL: the empty slice. */
static inline struct slice
slice_of(const char *text)
{
	return (struct slice){ text, text == NULL ? 0 : strlen(text) };
}

static inline struct slice
slice_from(const void *p, size_t n)
{
	return (struct slice){ p, n };
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* ASCII letters compare without case; all other bytes exactly. No locale. */
bool
slice_eq_nocase(struct slice a, struct slice b);

bool
slice_is(struct slice a, const char *text);

bool
slice_is_nocase(struct slice a, const char *text);

bool
slice_starts(struct slice a, struct slice prefix);

bool
slice_starts_nocase(struct slice a, struct slice prefix);

bool
slice_ends_nocase(struct slice a, struct slice suffix);

/* Index of the first `c`, or `a.n`. */
size_t
slice_find(struct slice a, char c);

/* Index of the last `c`, or `a.n`. */
size_t
slice_find_last(struct slice a, char c);

/* The part from `from` (at most a.n) on. */
static inline struct slice
slice_skip(struct slice a, size_t from)
{
	/* Arithmetic on NULL is undefined, even by 0. */
	if (a.n == 0)
		return a;
	if (from > a.n)
		from = a.n;
	return (struct slice){ a.p + from, a.n - from };
}

/* Without space, tab, CR and LF at both ends. */
struct slice
slice_trim(struct slice a);

#endif
