/* buf.h - grown text with a ceiling. The first failure sticks: append freely, look once at the end.
 */
#ifndef USHER_BASE_BUF_H
#define USHER_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/compat.h"
#include "base/slice.h"
#include "usher/status.h"

struct buf {
	char *p;	     /* n bytes and a NUL; NULL before the first append */
	size_t n;	     /* bytes in use */
	size_t size;	     /* bytes allocated */
	size_t max;	     /* ceiling for n */
	usher_status status; /* USHER_OK, USHER_E_LIMIT or USHER_E_NOMEM; sticky */
};

/* No allocation. `max` is the most bytes it will ever hold. */
void
buf_init(struct buf *b, size_t max);

/* Frees; the buffer is as after buf_init(). A zeroed struct is fine. */
void
buf_clear(struct buf *b);

/* Overwrites the bytes before freeing them. For what held a secret. */
void
buf_wipe(struct buf *b);

/* Empties it and forgets a failure, but keeps the memory. */
void
buf_reset(struct buf *b);

/* The slow half of buf_reserve(). */
char *
buf_grow(struct buf *b, size_t n);

/* Makes room for n more bytes and returns where they go, or NULL (the failure sticks).
 * Follow with buf_used(). */
static inline char *
buf_reserve(struct buf *b, size_t n)
{
	/* size is never above max + 1 */
	return b->status == USHER_OK && n < b->size - b->n ? b->p + b->n : buf_grow(b, n);
}

static inline void
buf_used(struct buf *b, size_t n)
{
	b->n += n;
	b->p[b->n] = '\0';
}

static inline void
buf_append(struct buf *b, const void *p, size_t n)
{
	char *to;

	if (n == 0)
		return;
	to = buf_reserve(b, n);
	if (to == NULL)
		return;
	memcpy(to, p, n);
	buf_used(b, n);
}

static inline void
buf_slice(struct buf *b, struct slice s)
{
	buf_append(b, s.p, s.n);
}

static inline void
buf_text(struct buf *b, const char *text)
{
	buf_append(b, text, strlen(text));
}

static inline void
buf_char(struct buf *b, char c)
{
	buf_append(b, &c, 1);
}

void
buf_printf(struct buf *b, const char *format, ...) PRINTF_LIKE(2, 3);

/* Drops the first n bytes (at most all). */
void
buf_drop(struct buf *b, size_t n);

/* Cuts to n bytes (no effect when shorter). */
void
buf_cut(struct buf *b, size_t n);

/* The NUL-terminated content, "" when empty. Valid until the next change. */
const char *
buf_cstr(const struct buf *b);

struct slice
buf_as_slice(const struct buf *b);

/* For CLEANUP(). */
void
buf_cleanup(struct buf *b);

#endif
