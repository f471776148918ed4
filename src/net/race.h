/* race.h - connects to the first of a host's addresses that answers (RFC 8305).
 *
 * The families take turns, an attempt has 250 ms before the next one begins beside it, and one that
 * fails makes the next begin at once. */
#ifndef USHER_NET_RACE_H
#define USHER_NET_RACE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/field.h"
#include "net/poller.h"

enum {
	RACE_ADDRESSES_MAX = 16, /* further ones are left out */
	RACE_STAGGER_MS = 250	 /* RFC 8305, 8: Connection Attempt Delay */
};

union race_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* False: it is no IP address. */
bool
race_address_set(union race_address *out, const char *address, uint16_t port);

/* Bytes of it that the system reads. */
socklen_t
race_address_bytes(const union race_address *a);

struct race {
	struct poller *poller;
	struct racer {
		union race_address to;
		int fd; /* -1: not begun, lost, or taken */
	} of[RACE_ADDRESSES_MAX];
	size_t n;
	size_t begun;	  /* the first of them */
	size_t winner;	  /* n: none yet */
	uint64_t next_ms; /* when the next one begins */
	uint64_t over_ms;
	int error; /* when all have lost: the errno that says most of the host */
};

enum race_state { RACE_ON, RACE_WON, RACE_LOST, RACE_TIMED_OUT };

/* Sockets are watched for POLLER_RACE, so that who waits wakes up and calls race_work(). Nothing
 * begins before that. False: of these addresses not even two can be used. */
bool
race_prepare(struct race *r, struct poller *poller, const struct text_list *addresses,
    uint16_t port, uint64_t now_ms, uint64_t over_ms);

/* Does what sockets and time demand. */
enum race_state
race_work(struct race *r, uint64_t now_ms);

/* When race_work() wants to run at the latest. */
uint64_t
race_wake_ms(const struct race *r);

/* After RACE_WON: the address that answered. */
void
race_winner(const struct race *r, char out[INET6_ADDRSTRLEN]);

/* The connected socket, which is the caller's from now on; -1: there is none, or no more. */
int
race_take(struct race *r);

/* Closes what was not taken. A race that is all zeros has nothing. */
void
race_end(struct race *r);

#endif
