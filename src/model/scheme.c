/* scheme.c - names of the ways to log in. */
#include "model/scheme.h"

#include "base/text.h"

const char *
auth_scheme_name(enum auth_scheme scheme)
{
	switch (scheme) {
	case SCHEME_BASIC:
		return "Basic";
	case SCHEME_NTLM:
		return "NTLM";
	case SCHEME_NEGOTIATE:
		return "Negotiate";
	case SCHEME_BEARER:
		return "Bearer";
	case SCHEME_NONE:
	case SCHEME_OTHER:
		break;
	}
	return "";
}

enum auth_scheme
auth_scheme_named(struct slice name)
{
	for (enum auth_scheme s = SCHEME_BASIC; s < SCHEME_OTHER; s++) {
		if (slice_eq_nocase(name, slice_of(auth_scheme_name(s))))
			return s;
	}
	return SCHEME_OTHER;
}
