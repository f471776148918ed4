/* ticket_ring.h - the keys that seal session tickets, and when they change. Time is an argument. */
#ifndef USHER_SERVER_TICKET_RING_H
#define USHER_SERVER_TICKET_RING_H

#include <stdbool.h>
#include <stdint.h>

enum {
	TICKET_NAME_BYTES = 16, /* fixed by OpenSSL */
	TICKET_CIPHER_BYTES = 32,
	TICKET_MAC_BYTES = 32
};

struct ticket_key {
	unsigned char name[TICKET_NAME_BYTES];
	unsigned char cipher[TICKET_CIPHER_BYTES];
	unsigned char mac[TICKET_MAC_BYTES];
};

struct ticket_ring {
	struct ticket_key now;
	struct ticket_key before;
	bool has_before;
	uint64_t made_ms; /* `now` was */
};

enum ticket_age {
	TICKET_FRESH = 0, /* sealed with the key in use */
	TICKET_OLD,	  /* with the one before it: good, but to be renewed */
	TICKET_UNKNOWN
};

/* False without randomness. */
bool
ticket_ring_init(struct ticket_ring *ring, uint64_t now_ms);

/* Makes a new key when the one in use is `period_ms` old. After two periods the older one is
 * forgotten as well. Without randomness the old key stays. */
void
ticket_ring_turn(struct ticket_ring *ring, uint64_t period_ms, uint64_t now_ms);

/* Finds the key called `name`; *out is written unless TICKET_UNKNOWN. */
enum ticket_age
ticket_ring_find(const struct ticket_ring *ring, const unsigned char name[TICKET_NAME_BYTES],
    struct ticket_key *out);

#endif
