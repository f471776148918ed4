/* arena.h - memory of one request or session: many allocations, one ceiling, one free. */
#ifndef USHER_BASE_ARENA_H
#define USHER_BASE_ARENA_H

#include <stddef.h>

#include "base/compat.h"
#include "base/slice.h"

struct arena;

/* `max_bytes` bounds the sum of all it hands out. NULL when out of memory. */
struct arena *
arena_new(size_t max_bytes);

/* The same for what is small and there are many of: it grows by `block_bytes`. */
struct arena *
arena_new_small(size_t max_bytes, size_t block_bytes);

/* NULL is ignored. */
void
arena_free(struct arena *a);

/* Gives back all that was handed out but keeps the first block for the next request. */
void
arena_reset(struct arena *a);

/* The same, and overwrites what was in use. For what held a secret. */
void
arena_wipe(struct arena *a);

/* Aligned for any type. NULL when over the ceiling or out of memory. n may be 0. */
void *
arena_alloc(struct arena *a, size_t n);

void *
arena_zalloc(struct arena *a, size_t n);

/* Zeroed; NULL as well when count * size overflows. */
void *
arena_array(struct arena *a, size_t count, size_t size);

/* NUL-terminated copy. */
char *
arena_copy(struct arena *a, struct slice s);

/* As arena_copy(slice_of(text)); NULL for a NULL text too. */
char *
arena_strdup(struct arena *a, const char *text);

/* The texts one behind the other, NUL-terminated: arena_join(mem, local, "@", domain). */
#define arena_join(mem, ...) \
	arena_join_n((mem), (const char *const[]){ __VA_ARGS__ }, \
	    COUNT_OF(((const char *const[]){ __VA_ARGS__ })))

/* None of the `n` texts may be NULL. */
char *
arena_join_n(struct arena *a, const char *const *texts, size_t n);

char *
arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);

/* Bytes handed out since the beginning or the last reset. */
size_t
arena_used(const struct arena *a);

/* For CLEANUP(). */
void
arena_cleanup(struct arena **a);

#endif
