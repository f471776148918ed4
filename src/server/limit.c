/* limit.c - counting connections: a total, and an open-addressed table of addresses. */
#include "server/limit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

enum { FIRST_SLOTS = 256, KEPT_PLACES = 16 };

struct slot {
	struct net_address key;
	unsigned count; /* 0: free */
};

struct limit {
	pthread_mutex_t lock;
	unsigned total_max;
	unsigned address_max;
	unsigned total;
	struct slot *slots;
	size_t n_slots; /* a power of two */
	size_t used;
	uint64_t seed; /* unknown to peers, who choose the keys */
};

struct limit *
limit_new(void)
{
	struct limit *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->n_slots = FIRST_SLOTS;
	l->slots = calloc(l->n_slots, sizeof(*l->slots));
	if (l->slots == NULL || !random_bytes(&l->seed, sizeof(l->seed))) {
		free(l->slots);
		free(l);
		return NULL;
	}
	(void)pthread_mutex_init(&l->lock, NULL);
	return l;
}

void
limit_free(struct limit *limit)
{
	if (limit == NULL)
		return;
	(void)pthread_mutex_destroy(&limit->lock);
	free(limit->slots);
	free(limit);
}

void
limit_set(struct limit *limit, unsigned total, unsigned per_address)
{
	(void)pthread_mutex_lock(&limit->lock);
	limit->total_max = total;
	limit->address_max = per_address;
	(void)pthread_mutex_unlock(&limit->lock);
}

static struct net_address
key_of(const struct net_address *a)
{
	struct net_address key = *a;

	if (!net_address_is_v4(a))
		memset(key.bytes + 8, 0, 8);
	return key;
}

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93U;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93U;
	return x ^ x >> 32;
}

static size_t
home_of(const struct limit *l, const struct net_address *key)
{
	uint64_t high, low;

	memcpy(&high, key->bytes, 8);
	memcpy(&low, key->bytes + 8, 8);
	return (size_t)mix(mix(high ^ l->seed) ^ low ^ l->seed) & (l->n_slots - 1);
}

/* The slot that has the key, or the free one where it belongs. */
static struct slot *
find(const struct limit *l, const struct net_address *key)
{
	size_t at = home_of(l, key);

	while (l->slots[at].count > 0 && !net_address_eq(&l->slots[at].key, key))
		at = (at + 1) & (l->n_slots - 1);
	return &l->slots[at];
}

/* At most half of the slots are used: so there is always a free one to end a search. */
static bool
make_room(struct limit *l)
{
	struct slot *old = l->slots;
	size_t n = l->n_slots;

	if (l->used < n / 2)
		return true;
	l->slots = calloc(n * 2, sizeof(*l->slots));
	if (l->slots == NULL) {
		l->slots = old;
		return false;
	}
	l->n_slots = n * 2;
	for (size_t i = 0; i < n; i++)
		if (old[i].count > 0)
			*find(l, &old[i].key) = old[i];
	free(old);
	return true;
}

/* Frees a slot and moves up those behind it that would no longer be found. */
static void
close_gap(struct limit *l, struct slot *freed)
{
	size_t mask = l->n_slots - 1;
	size_t gap = (size_t)(freed - l->slots);

	for (size_t at = (gap + 1) & mask; l->slots[at].count > 0; at = (at + 1) & mask) {
		size_t home = home_of(l, &l->slots[at].key);

		if (((at - home) & mask) < ((at - gap) & mask))
			continue;
		l->slots[gap] = l->slots[at];
		gap = at;
	}
	l->slots[gap].count = 0;
	l->used--;
}

static enum limit_answer
take_address(struct limit *l, const struct net_address *address)
{
	struct net_address key = key_of(address);
	struct slot *s;

	if (!make_room(l))
		return LIMIT_FULL;
	s = find(l, &key);
	if (s->count >= l->address_max)
		return LIMIT_ADDRESS;
	if (s->count == 0) {
		s->key = key;
		l->used++;
	}
	s->count++;
	return LIMIT_TAKEN;
}

enum limit_answer
limit_take(struct limit *limit, const struct net_address *address, bool exempt)
{
	enum limit_answer answer = LIMIT_TAKEN;

	(void)pthread_mutex_lock(&limit->lock);
	if (limit->total >= limit->total_max)
		answer = LIMIT_FULL;
	else if (!exempt)
		answer = take_address(limit, address);
	if (answer == LIMIT_TAKEN)
		limit->total++;
	(void)pthread_mutex_unlock(&limit->lock);
	return answer;
}

bool
limit_take_kept(struct limit *limit)
{
	bool room;

	(void)pthread_mutex_lock(&limit->lock);
	room = limit->total < (uint64_t)limit->total_max + KEPT_PLACES;
	limit->total += room;
	(void)pthread_mutex_unlock(&limit->lock);
	return room;
}

void
limit_give(struct limit *limit, const struct net_address *address, bool exempt)
{
	(void)pthread_mutex_lock(&limit->lock);
	limit->total--;
	if (!exempt) {
		struct net_address key = key_of(address);
		struct slot *s = find(limit, &key);

		if (s->count > 1)
			s->count--;
		else if (s->count == 1)
			close_gap(limit, s);
	}
	(void)pthread_mutex_unlock(&limit->lock);
}

bool
limit_has_room(struct limit *limit)
{
	bool room;

	(void)pthread_mutex_lock(&limit->lock);
	room = limit->total < limit->total_max;
	(void)pthread_mutex_unlock(&limit->lock);
	return room;
}

size_t
limit_addresses(struct limit *limit)
{
	size_t n;

	(void)pthread_mutex_lock(&limit->lock);
	n = limit->used;
	(void)pthread_mutex_unlock(&limit->lock);
	return n;
}
