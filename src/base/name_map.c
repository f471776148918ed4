/* name_map.c - a table by hash that keeps the hashes, so that only the right name is looked at. */
#include "base/name_map.h"

#include "base/text.h"

enum { FIRST_SLOTS = 16 };

static uint32_t
hash_of(const char *name)
{
	uint32_t h = 2166136261U; /* FNV-1a */

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)text_lower(*name)) * 16777619U;
	return h;
}

static const char *
name_of(const void *value)
{
	return *(const char *const *)value;
}

/* Where the name is, or the free slot where it belongs. */
static struct name_slot *
slot_of(struct name_slot *slots, size_t n_slots, uint32_t hash, const char *name)
{
	size_t at = hash & (n_slots - 1);

	while (
	    slots[at].value != NULL &&
	    (slots[at].hash != hash || !slice_is_nocase(slice_of(name), name_of(slots[at].value))))
		at = (at + 1) & (n_slots - 1);
	return &slots[at];
}

void *
name_map_find(const struct name_map *map, const char *name)
{
	if (map->n == 0 || name == NULL)
		return NULL;
	return (void *)(uintptr_t)slot_of(map->slots, map->n_slots, hash_of(name), name)->value;
}

static bool
grow(struct name_map *map, struct arena *mem)
{
	size_t n = map->n_slots == 0 ? FIRST_SLOTS : 2 * map->n_slots;
	struct name_slot *slots = arena_array(mem, n, sizeof(*slots));

	if (slots == NULL)
		return false;
	for (size_t i = 0; i < map->n_slots; i++) {
		const struct name_slot *old = &map->slots[i];

		if (old->value != NULL)
			*slot_of(slots, n, old->hash, name_of(old->value)) = *old;
	}
	map->slots = slots;
	map->n_slots = n;
	return true;
}

bool
name_map_add(struct name_map *map, struct arena *mem, const void *value)
{
	const char *name = name_of(value);
	uint32_t hash = hash_of(name);

	if (map->n >= map->n_slots / 2 && !grow(map, mem))
		return false;
	*slot_of(map->slots, map->n_slots, hash, name) = (struct name_slot){ value, hash };
	map->n++;
	return true;
}
