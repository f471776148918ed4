/* reference.h - a client that asks one thing after the other, written from the rules alone: what it
 * finds, the plan must find too. */
#ifndef TEST_PLAN_REFERENCE_H
#define TEST_PLAN_REFERENCE_H

#include "world.h"

struct reference {
	bool found;
	bool by_login; /* with the password */
};

/* The same world, asked in the same way. */
struct reference
reference_run(struct world *w, const char *address, const struct plan_options *options);

#endif
