/* seen.c - a hash table with open addressing that doubles when it is half full. */
#include "cli/seen.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/text.h"

enum { SLOTS_FIRST = 1024 };

struct slot {
	uint64_t hash;
	uint32_t number; /* 0: free; rows past four billion are no longer told apart */
};

struct seen {
	struct slot *slots;
	size_t n_slots, n_used; /* n_slots is a power of two */
};

struct seen *
seen_new(void)
{
	struct seen *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->slots = calloc(SLOTS_FIRST, sizeof(*s->slots));
	if (s->slots == NULL) {
		free(s);
		return NULL;
	}
	s->n_slots = SLOTS_FIRST;
	return s;
}

void
seen_free(struct seen *s)
{
	if (s == NULL)
		return;
	free(s->slots);
	free(s);
}

/* FNV-1a, with a last stir because slots go by the low bits. */
static uint64_t
hash_of(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)text_lower(*text)) * UINT64_C(0x100000001b3);
	return h ^ h >> 32;
}

static struct slot *
slot_of(struct slot *slots, size_t n_slots, uint64_t hash)
{
	size_t i = (size_t)hash & (n_slots - 1);

	while (slots[i].number != 0 && slots[i].hash != hash)
		i = (i + 1) & (n_slots - 1);
	return &slots[i];
}

static bool
grow(struct seen *s)
{
	struct slot *slots;

	if (s->n_slots > SIZE_MAX / 2)
		return false;
	slots = calloc(s->n_slots * 2, sizeof(*slots));
	if (slots == NULL)
		return false;
	for (size_t i = 0; i < s->n_slots; i++)
		if (s->slots[i].number != 0)
			*slot_of(slots, s->n_slots * 2, s->slots[i].hash) = s->slots[i];
	free(s->slots);
	s->slots = slots;
	s->n_slots *= 2;
	return true;
}

bool
seen_add(struct seen *s, const char *key, size_t number, size_t *before)
{
	uint64_t hash = hash_of(key);
	struct slot *slot;

	if (s->n_used >= s->n_slots / 2 && !grow(s))
		return false;
	slot = slot_of(s->slots, s->n_slots, hash);
	*before = slot->number;
	if (slot->number == 0) {
		*slot = (struct slot){ hash, number > UINT32_MAX ? UINT32_MAX : (uint32_t)number };
		s->n_used++;
	}
	return true;
}

size_t
seen_find(const struct seen *s, const char *key)
{
	return slot_of(s->slots, s->n_slots, hash_of(key))->number;
}
