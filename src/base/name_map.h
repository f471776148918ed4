/* name_map.h - finds what has a name, in one place of memory however many there are. */
#ifndef USHER_BASE_NAME_MAP_H
#define USHER_BASE_NAME_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct name_slot {
	const void *value; /* NULL: free */
	uint32_t hash;
};

/* A value is any struct whose first member is its name, a `const char *`. Names compare without
 * regard to the case of ASCII letters. They are to be ours: whoever could choose them could make
 * all fall on one place. Zeroed it is empty; the memory belongs to the arena it grew in. */
struct name_map {
	struct name_slot *slots; /* open addressing, at most half full */
	size_t n_slots;		 /* a power of two, or 0 */
	size_t n;
};

/* NULL: there is none. `name` may be NULL, which nothing has, and be anybody's. As bsearch() it
 * gives back what may be changed if what was added may be. */
void *
name_map_find(const struct name_map *map, const char *name);

/* Adds a value whose name is not in the map yet, always with the same arena. False when out of
 * memory: the map is as it was. */
bool
name_map_add(struct name_map *map, struct arena *mem, const void *value);

#endif
