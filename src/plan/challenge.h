/* challenge.h - what a 401 asks for (RFC 9110, 11.6.1), and by which scheme it is answered. */
#ifndef USHER_PLAN_CHALLENGE_H
#define USHER_PLAN_CHALLENGE_H

#include <stdbool.h>

#include "base/arena.h"
#include "model/field.h"
#include "model/scheme.h"
#include "usher/status.h"

struct challenge {
	unsigned offered;    /* SCHEME_BIT()s; Basic only with a realm that is not empty */
	const char *realm;   /* of Basic; "" without one */
	const char *schemes; /* all that are offered, `Negotiate, NTLM`; "" when none */
};

/* Reads all WWW-Authenticate fields of one response: a line per scheme, or several between commas.
 * What cannot be read is left out. `Basic realm=""` is how Exchange Online spells Basic that is
 * switched off (authentication.md 3): not an offer.
 * Returns USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
challenge_read(struct arena *mem, const struct text_list *fields, struct challenge *out);

/* What is known when a scheme is chosen, in sets of schemes. */
struct login_means {
	unsigned mine;	   /* those the caller can and may log in by */
	unsigned seen;	   /* those the host has ever offered */
	unsigned failed;   /* those that have come to nothing at this host */
	bool basic_anyway; /* the caller gives the password away where a better scheme was seen */
};

enum login_verdict {
	LOGIN_POSSIBLE = 0,
	LOGIN_UNKNOWN,	/* nothing is offered that anybody here can do */
	LOGIN_NO_MEANS, /* what is offered needs a password, ticket or token that is not there */
	LOGIN_FAILED,	/* all that is possible has been tried */
	LOGIN_TOO_WEAK, /* only Basic is left, and better ones are offered beside it */
	LOGIN_WEAKENED	/* only Basic is offered, and better ones once were: refused */
};

/* The strongest scheme that is offered and possible. Basic hands the password over, so it is taken
 * only where nothing else was ever seen, or with basic_anyway (authentication.md 10,
 * http-discovery.md 10). *scheme is written with LOGIN_POSSIBLE only. */
enum login_verdict
challenge_choose(
    const struct challenge *c, const struct login_means *means, enum auth_scheme *scheme);

#endif
