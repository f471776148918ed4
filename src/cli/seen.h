/* seen.h - which keys a file has named already, and where, in little memory. */
#ifndef USHER_CLI_SEEN_H
#define USHER_CLI_SEEN_H

#include <stdbool.h>
#include <stddef.h>

struct seen;

/* NULL when out of memory. */
struct seen *
seen_new(void);

/* NULL is ignored. */
void
seen_free(struct seen *s);

/* Notes that `key` (ASCII letters without case) stands in row `number`, from 1 up. *before is the
 * row it stood in first, else 0. Keys are told apart by 64 bits of hash: in a file of a million,
 * two are taken for one with a chance of one in thirty million. False when out of memory. */
bool
seen_add(struct seen *s, const char *key, size_t number, size_t *before);

/* The row it stood in first, else 0. */
size_t
seen_find(const struct seen *s, const char *key);

#endif
