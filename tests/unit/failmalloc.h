/* failmalloc.h - the allocator of a test linked with --wrap=malloc, calloc and realloc. Include it
 * once, behind the test's own `fails()`, which says whether this allocation is the one to fail. */
#ifndef USHER_TESTS_FAILMALLOC_H
#define USHER_TESTS_FAILMALLOC_H

#include <stddef.h>

void *
__real_malloc(size_t n);
void *
__real_calloc(size_t count, size_t n);
void *
__real_realloc(void *p, size_t n);
void *
__wrap_malloc(size_t n);
void *
__wrap_calloc(size_t count, size_t n);
void *
__wrap_realloc(void *p, size_t n);

/* The linker puts these before those of the C library, for usher's own objects. */
void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t count, size_t n)
{
	return fails() ? NULL : __real_calloc(count, n);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

#endif
