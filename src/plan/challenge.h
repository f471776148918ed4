/* challenge.h - what a 401 asks for (RFC 9110, 11.6.1). */
#ifndef USHER_PLAN_CHALLENGE_H
#define USHER_PLAN_CHALLENGE_H

#include <stdbool.h>

#include "base/arena.h"
#include "model/field.h"
#include "usher/status.h"

struct challenge {
	bool basic;	     /* offered, with a realm that is not empty */
	const char *realm;   /* of Basic; "" without one */
	const char *schemes; /* all that are offered, `Negotiate, NTLM`; "" when none */
};

/* Reads all WWW-Authenticate fields of one response: a line per scheme, or several between commas.
 * What cannot be read is left out. `Basic realm=""` is how Exchange Online spells Basic that is
 * switched off (authentication.md 3): not an offer.
 * Returns USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
challenge_read(struct arena *mem, const struct text_list *fields, struct challenge *out);

#endif
