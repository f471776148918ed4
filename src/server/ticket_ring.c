/* ticket_ring.c - two generations of ticket keys. */
#include "server/ticket_ring.h"

#include <string.h>

#include "base/encode.h"

bool
ticket_ring_init(struct ticket_ring *ring, uint64_t now_ms)
{
	memset(ring, 0, sizeof(*ring));
	ring->made_ms = now_ms;
	return random_bytes(&ring->now, sizeof(ring->now));
}

void
ticket_ring_turn(struct ticket_ring *ring, uint64_t period_ms, uint64_t now_ms)
{
	uint64_t age = now_ms - ring->made_ms;
	struct ticket_key fresh;

	if (age < period_ms || !random_bytes(&fresh, sizeof(fresh)))
		return;
	ring->before = ring->now;
	ring->has_before = age < 2 * period_ms;
	ring->now = fresh;
	ring->made_ms = now_ms;
	explicit_bzero(&fresh, sizeof(fresh));
	if (!ring->has_before)
		explicit_bzero(&ring->before, sizeof(ring->before));
}

enum ticket_age
ticket_ring_find(const struct ticket_ring *ring, const unsigned char name[TICKET_NAME_BYTES],
    struct ticket_key *out)
{
	if (memcmp(ring->now.name, name, TICKET_NAME_BYTES) == 0) {
		*out = ring->now;
		return TICKET_FRESH;
	}
	if (ring->has_before && memcmp(ring->before.name, name, TICKET_NAME_BYTES) == 0) {
		*out = ring->before;
		return TICKET_OLD;
	}
	return TICKET_UNKNOWN;
}
