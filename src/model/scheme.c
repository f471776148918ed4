/* scheme.c - names of the ways to log in. */
#include "model/scheme.h"

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
