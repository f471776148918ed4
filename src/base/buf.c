/* buf.c - grown text with a ceiling. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST_BYTES = 256 };

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_clear(struct buf *b)
{
	free(b->p);
	buf_init(b, b->max);
}

void
buf_wipe(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->size);
	buf_clear(b);
}

void
buf_reset(struct buf *b)
{
	b->n = 0;
	b->status = USHER_OK;
	if (b->p != NULL)
		b->p[0] = '\0';
}

char *
buf_grow(struct buf *b, size_t n)
{
	size_t size;
	char *p;

	if (b->status != USHER_OK)
		return NULL;
	if (n > b->max - b->n) {
		b->status = USHER_E_LIMIT;
		return NULL;
	}
	size = b->size < BUF_FIRST_BYTES ? BUF_FIRST_BYTES : b->size;
	while (size <= b->n + n) {
		if (size > SIZE_MAX / 2) {
			b->status = USHER_E_NOMEM;
			return NULL;
		}
		size *= 2;
	}
	if (size > b->max + 1)
		size = b->max + 1;
	p = realloc(b->p, size);
	if (p == NULL) {
		b->status = USHER_E_NOMEM;
		return NULL;
	}
	b->p = p;
	b->size = size;
	return b->p + b->n;
}

void
buf_printf(struct buf *b, const char *format, ...)
{
	char small[256];
	va_list ap, again;
	char *to;
	int n;

	va_start(ap, format);
	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), format, ap);
	va_end(ap);
	if (n < 0) {
		b->status = USHER_E_NOMEM;
	} else if ((size_t)n < sizeof(small)) {
		buf_append(b, small, (size_t)n);
	} else {
		to = buf_reserve(b, (size_t)n);
		if (to != NULL) {
			(void)vsnprintf(to, (size_t)n + 1, format, again);
			buf_used(b, (size_t)n);
		}
	}
	va_end(again);
}

void
buf_drop(struct buf *b, size_t n)
{
	if (n >= b->n) {
		buf_cut(b, 0);
		return;
	}
	memmove(b->p, b->p + n, b->n - n);
	buf_cut(b, b->n - n);
}

void
buf_cut(struct buf *b, size_t n)
{
	if (n >= b->n)
		return;
	b->n = n;
	b->p[n] = '\0';
}

const char *
buf_cstr(const struct buf *b)
{
	return b->p == NULL ? "" : b->p;
}

struct slice
buf_as_slice(const struct buf *b)
{
	return (struct slice){ b->p, b->n };
}

void
buf_cleanup(struct buf *b)
{
	buf_clear(b);
}
