/* scheme.h - the ways of HTTP to log in (authentication.md 3). */
#ifndef USHER_MODEL_SCHEME_H
#define USHER_MODEL_SCHEME_H

#include "base/slice.h"

/* Weakest first: of two that are possible the later one is taken (authentication.md 10). */
enum auth_scheme {
	SCHEME_NONE = 0,
	SCHEME_BASIC,
	SCHEME_NTLM,
	SCHEME_NEGOTIATE,
	SCHEME_BEARER,
	SCHEME_OTHER /* one that nobody here can do, such as Digest */
};

#define SCHEME_BIT(scheme) (1U << (scheme))

/* What is proved by them. Sets of schemes are unsigned, made of SCHEME_BIT()s. */
#define SCHEMES_BY_PASSWORD (SCHEME_BIT(SCHEME_BASIC) | SCHEME_BIT(SCHEME_NTLM))
#define SCHEMES_BY_TICKET SCHEME_BIT(SCHEME_NEGOTIATE)
#define SCHEMES_BY_TOKEN SCHEME_BIT(SCHEME_BEARER)

/* By that name, letter case ignored; SCHEME_OTHER when it is none of ours. */
enum auth_scheme
auth_scheme_named(struct slice name);

/* As servers write it: `Basic`, `NTLM`, `Negotiate`, `Bearer`; "" for the others. */
const char *
auth_scheme_name(enum auth_scheme scheme);

#endif
