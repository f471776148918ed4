/* world.h - a plan in virtual time: steps are performed by a scripted or random world, and every
 * rule that must hold in all worlds is checked on the way. */
#ifndef TEST_PLAN_WORLD_H
#define TEST_PLAN_WORLD_H

#include "plan/plan.h"

enum { WORLD_STEPS_MAX = 512, WORLD_REASON_BYTES = 512 };

/* What the world does to one step, after delay_ms. NEVER: packets to the host are dropped. SILENT:
 * it takes the question and does not answer. */
enum { NEVER = -1, SILENT = -2 };

struct world {
	void *payload;
	void (*resolve)(
	    struct world *w, const char *host, int *delay_ms, struct plan_resolution *out);
	void (*respond)(struct world *w, const struct plan_step *step, int *delay_ms,
	    struct plan_response *out);
	/* NULL: there are none */
	void (*locate)(struct world *w, const char *name, int *delay_ms, struct plan_location *out);
	/* NULL: there is no such file, no such directory */
	void (*read)(struct world *w, struct plan_response *out);
	void (*search)(
	    struct world *w, const char *directory, int *delay_ms, struct plan_finding *out);
	bool (*consent)(struct world *w, const char *host);
	struct arena *mem;

	/* the record of the run */
	struct plan_result result;
	size_t n_requests;
	size_t n_credentialed;
	size_t n_consents;
	uint64_t elapsed_ms;
	char fault[WORLD_REASON_BYTES]; /* the first rule that was broken; "" */
};

/* Runs the plan for `address` to its end. */
void
world_run(struct world *w, const char *address, const struct plan_options *options);

#endif
