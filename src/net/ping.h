/* ping.h - finds out which of several domain controllers is there, and in which site we are.
 *
 * Each is asked by UDP, and by TCP when that says nothing: there are networks in which only one of
 * the two gets through. A question begins PING_STAGGER_MS after the one before while nobody has
 * answered, and all are kept open; the first good answer ends them (scp.md 4, 5.2). */
#ifndef USHER_NET_PING_H
#define USHER_NET_PING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "net/poller.h"
#include "net/race.h"
#include "wire/netlogon.h"

enum {
	PING_ADDRESSES_MAX = 32, /* further ones are not asked */
	PING_STAGGER_MS = 100,
	PING_TCP_MS = 300,     /* after the same by UDP */
	PING_RESEND_MS = 1000, /* by UDP … */
	PING_SENDS = 3	       /* … so often in all */
};

enum ping_state {
	PING_ON = 0,
	PING_ANSWERED,
	PING_SILENT /* all that were added have lost, or time is up */
};

enum ping_loss {
	PING_NOT_LOST = 0,
	PING_REFUSED, /* nothing listens there, or no way leads there */
	PING_FOREIGN, /* it does not serve the domain */
	PING_DAMAGED  /* what it says is no answer */
};

/* One address, asked in two ways. */
struct pinged {
	size_t host; /* the caller's number for it */
	const char *address;
	union race_address to;
	int32_t id;
	bool begun, answered;
	enum ping_loss loss;
	int udp, tcp; /* -1: not yet, or not any more */
	bool connected, tcp_over;
	size_t sends;
	uint64_t began_ms, resend_ms, tcp_ms; /* UINT64_MAX: never */
	struct buf in;			      /* by TCP */
};

struct pings {
	struct poller *poller;
	struct arena *mem;
	const char *domain;
	struct pinged of[PING_ADDRESSES_MAX];
	size_t n;
	uint64_t next_ms; /* when another one may begin */
	uint64_t over_ms;

	/* what was said, by of[winner]; PING_ANSWERED */
	bool answered;
	size_t winner;
	bool over_tcp;
	uint64_t took_ms;
	struct dc_answer answer;
};

/* Nothing is sent yet. `domain` is in A-labels: answers about another one are none. Texts of the
 * answer are in `mem`. */
void
pings_begin(struct pings *p, struct poller *poller, struct arena *mem, const char *domain,
    uint64_t now_ms, uint64_t over_ms);

/* One more to ask, at any time. The lowest `host` is asked first. `address` outlives the pings. */
void
pings_add(struct pings *p, size_t host, const char *address, uint16_t port);

/* Does what sockets and time demand. They are watched for POLLER_LDAP. */
enum ping_state
pings_work(struct pings *p, uint64_t now_ms);

/* When pings_work() wants to run at the latest. */
uint64_t
pings_wake_ms(const struct pings *p);

/* The connection over which the answer came, the caller's from now on; -1: it came by UDP. */
int
pings_take(struct pings *p);

/* ` is silent`, ` refuses` … of a host that was asked; NULL: it was not, or has answered. */
const char *
pings_word(const struct pings *p, size_t host);

/* Closes what was not taken. All zeros have nothing. */
void
pings_end(struct pings *p);

#endif
