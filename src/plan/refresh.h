/* refresh.h - when the settings of a profile are asked for again (http-discovery.md 12).
 *
 * A profile has two layers, as Outlook's has. The URLs of services are refreshed when their time
 * has run out. What a connection to the mailbox needs is asked for when the profile is made, and
 * then only after a connection has failed: a client that never fails keeps what it has.
 *
 * Pure: time and chance are arguments, nothing is performed. Times are Unix seconds of the wall
 * clock, which go on while a machine sleeps. When the clock is found to have been set back, all
 * times are set back with it, so that nothing waits longer than it would have. */
#ifndef USHER_PLAN_REFRESH_H
#define USHER_PLAN_REFRESH_H

#include <stdbool.h>
#include <stdint.h>

#include "model/field.h"

enum {
	REFRESH_TTL_S = 60 * 60,     /* what an answer without a TTL means (pox.md 4.1) */
	REFRESH_RETRY_S = 5 * 60,    /* after nobody could be reached */
	REFRESH_CYCLE_S = 6 * 3600,  /* of the connection layer, once a connection has failed */
	REFRESH_REFUSED_S = 60 * 60, /* after a login was refused: accounts get locked */
	REFRESH_CALM_S = 30,	     /* between a search and one that an event calls for */
	REFRESH_JITTER_PERCENT = 25, /* added at most to the TTL and to the time until a retry */
	REFRESH_INTERVAL_MAX_S = 10 * 366 * 86400 /* of the four in struct refresh_policy */
};

enum refresh_layer {
	REFRESH_SERVICES = 1 << 0,   /* the Outlook layer: URLs of services */
	REFRESH_CONNECTION = 1 << 1, /* the MAPI layer: all else */
	REFRESH_BOTH = REFRESH_SERVICES | REFRESH_CONNECTION
};

/* Why a search is due. The first REFRESH_EVENTS of them can be told to refresh_event(). */
enum refresh_cause {
	REFRESH_NOTHING = 0,
	REFRESH_CREATED, /* the profile is new */
	REFRESH_REPAIR,	 /* somebody wants all of it anew */
	REFRESH_ASKED,	 /* somebody wants the services' URLs now */
	REFRESH_STARTED, /* the program that keeps the profile has begun */
	REFRESH_NETWORK_CHANGED,
	REFRESH_CONNECTION_FAILED, /* a server that the settings name could not be reached */
	REFRESH_MAILBOX_MOVED,	   /* or one said that the mailbox is elsewhere */
	REFRESH_EVENTS,
	REFRESH_EXPIRED = REFRESH_EVENTS, /* the TTL has run out */
	REFRESH_RETRY,			  /* the last search found nothing */
	REFRESH_CYCLE			  /* a connection had failed; it is looked after since */
};

/* Names for JSON, `connection-failed`, in the order of the numbers; NULL-terminated. */
extern const char *const refresh_cause_names[];

/* `a connection failed`: the cause in words for people. */
const char *
refresh_cause_text(enum refresh_cause cause);

/* 0: the time above. */
struct refresh_policy {
	int64_t ttl_s; /* in the place of what the answer says */
	int64_t retry_s;
	int64_t cycle_s;
	int64_t refused_s;
};

struct refresh_track {
	int64_t tried_s;     /* the last search for this layer; NUMBER_ABSENT: never */
	int64_t refreshed_s; /* the last that found settings; NUMBER_ABSENT: never */
	int64_t due_s;	     /* NUMBER_ABSENT: never */
	int cause;	     /* enum refresh_cause: why it is due */
	int64_t failures;    /* searches in a row that found none */
};

/* All that must be remembered from call to call; the members are rows of a profile's file. */
struct refresh {
	struct refresh_track services, connection;
	enum tri failing; /* TRI_ON: a connection has failed since the start; the free request is
			     used */
	enum tri refused; /* TRI_ON: the last search ended in a refused login */
	enum tri full;	  /* TRI_ON: what is due must not begin at the last known good URL */
	int64_t seen_s;	  /* the latest time that was told; NUMBER_ABSENT: none */
};

/* Nothing has been tried, nothing is due. */
void
refresh_init(struct refresh *r);

/* Something has happened. */
void
refresh_event(struct refresh *r, const struct refresh_policy *policy, enum refresh_cause event,
    int64_t now_s);

struct refresh_due {
	int64_t at_s;	 /* NUMBER_ABSENT: never; before or at now_s: now */
	unsigned layers; /* enum refresh_layer: those due then, or within REFRESH_CALM_S */
	enum refresh_cause cause;
	bool full;
};

/* What to search for next, and when. */
void
refresh_next(struct refresh *r, int64_t now_s, struct refresh_due *out);

enum refresh_outcome {
	REFRESH_FOUND = 0,
	REFRESH_FAILED, /* nobody reached, nothing found: what there is stays */
	REFRESH_REFUSED /* the login was */
};

/* A search for `layers` is over. It serves the services in any case, and the connection when it was
 * asked for.
 *
 * ttl_hours  of the answer: NUMBER_ABSENT when it says nothing, 0 is for ever
 * seed       chance, for the jitter */
void
refresh_done(struct refresh *r, const struct refresh_policy *policy, unsigned layers,
    enum refresh_outcome outcome, int64_t ttl_hours, int64_t now_s, uint64_t seed);

#endif
