/* deadline.h - when a connection's stage must be over: one list per stage in order of entry, so
 * that the head is the first to be late. Time is an argument. */
#ifndef USHER_SERVER_DEADLINE_H
#define USHER_SERVER_DEADLINE_H

#include <stdint.h>

enum stage {
	STAGE_PROXIED = 0, /* a balancer says for whom it connects */
	STAGE_HANDSHAKE,
	STAGE_HEAD,
	STAGE_BODY,
	STAGE_READY, /* complete: handled when all that came with it has been read */
	STAGE_WORK,
	STAGE_ANSWERED, /* sent when all that was handled with it has its answer */
	STAGE_REPLY,
	STAGE_IDLE,
	STAGE_LINGER,
	STAGES
};

/* Part of what it watches; in one list at most. */
struct deadline {
	struct deadline *prev; /* NULL when in no list */
	struct deadline *next;
	uint64_t since_ms;
	enum stage stage;
};

struct deadlines {
	struct deadline lists[STAGES]; /* rings; the oldest comes after the head */
	uint32_t stage_ms[STAGES];     /* may be changed at any time */
};

void
deadlines_init(struct deadlines *all);

/* Enters a stage now, leaving another. `now_ms` never goes back. Entering the stage it is in
 * already starts that stage's time anew. */
void
deadline_enter(struct deadlines *all, struct deadline *d, enum stage stage, uint64_t now_ms);

/* Harmless when it is in no list. */
void
deadline_leave(struct deadline *d);

/* The one that has been in the stage longest, or NULL. */
struct deadline *
deadline_oldest(struct deadlines *all, enum stage stage);

/* The next one in the same stage in order of entry, or NULL. */
struct deadline *
deadline_after(struct deadlines *all, struct deadline *d);

/* One that is late, still in its list, or NULL. */
struct deadline *
deadline_late(struct deadlines *all, uint64_t now_ms);

/* When the first will be late; UINT64_MAX when nothing is watched. */
uint64_t
deadline_first_ms(struct deadlines *all);

#endif
