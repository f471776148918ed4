/* arena.c - bump allocation in blocks, counted against a ceiling. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_BLOCK_BYTES = 8 * 1024 };

struct block {
	struct block *next; /* the one made before */
	size_t size;
	size_t used;
	alignas(max_align_t) char data[];
};

struct arena {
	struct block *top;
	size_t block_bytes;
	size_t max;
	size_t used;
};

struct arena *
arena_new_small(size_t max_bytes, size_t block_bytes)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a != NULL) {
		a->max = max_bytes;
		a->block_bytes = block_bytes;
	}
	return a;
}

struct arena *
arena_new(size_t max_bytes)
{
	return arena_new_small(max_bytes, ARENA_BLOCK_BYTES);
}

static void
free_blocks(struct block *b)
{
	while (b != NULL) {
		struct block *next = b->next;

		free(b);
		b = next;
	}
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	free_blocks(a->top);
	free(a);
}

void
arena_reset(struct arena *a)
{
	struct block *first = a->top;

	a->used = 0;
	if (first == NULL)
		return;
	while (first->next != NULL) {
		struct block *next = first->next;

		free(first);
		first = next;
	}
	first->used = 0;
	a->top = first;
}

void
arena_wipe(struct arena *a)
{
	for (struct block *b = a->top; b != NULL; b = b->next)
		explicit_bzero(b->data, b->used);
	arena_reset(a);
}

static struct block *
add_block(struct arena *a, size_t at_least)
{
	size_t size = at_least > a->block_bytes ? at_least : a->block_bytes;
	struct block *b = malloc(sizeof(*b) + size);

	if (b == NULL)
		return NULL;
	b->next = a->top;
	b->size = size;
	b->used = 0;
	a->top = b;
	return b;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	const size_t align = alignof(max_align_t);
	struct block *b = a->top;
	size_t take;
	void *p;

	if (n > a->max - a->used)
		return NULL;
	take = (n + align - 1) / align * align;
	if (take < n)
		return NULL;
	if (b == NULL || take > b->size - b->used)
		b = add_block(a, take);
	if (b == NULL)
		return NULL;
	p = b->data + b->used;
	b->used += take;
	a->used += n;
	return p;
}

void *
arena_zalloc(struct arena *a, size_t n)
{
	void *p = arena_alloc(a, n);

	if (p != NULL)
		memset(p, 0, n);
	return p;
}

void *
arena_array(struct arena *a, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size)
		return NULL;
	return arena_zalloc(a, count * size);
}

char *
arena_copy(struct arena *a, struct slice s)
{
	char *p;

	if (s.n == SIZE_MAX)
		return NULL;
	p = arena_alloc(a, s.n + 1);
	if (p == NULL)
		return NULL;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

char *
arena_strdup(struct arena *a, const char *text)
{
	return text == NULL ? NULL : arena_copy(a, slice_of(text));
}

char *
arena_join_n(struct arena *a, const char *const *texts, size_t n)
{
	size_t total = 0;
	char *joined, *to;

	for (size_t i = 0; i < n; i++)
		total += strlen(texts[i]);
	joined = to = arena_alloc(a, total + 1);
	if (joined == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		to = stpcpy(to, texts[i]);
	*to = '\0';
	return joined;
}

char *
arena_printf(struct arena *a, const char *format, ...)
{
	va_list ap, again;
	char *p = NULL;
	int n;

	va_start(ap, format);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n >= 0)
		p = arena_alloc(a, (size_t)n + 1);
	if (p != NULL)
		(void)vsnprintf(p, (size_t)n + 1, format, again);
	va_end(again);
	return p;
}

size_t
arena_used(const struct arena *a)
{
	return a->used;
}

void
arena_cleanup(struct arena **a)
{
	arena_free(*a);
	*a = NULL;
}
