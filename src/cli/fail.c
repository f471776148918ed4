/* fail.c - errors and notes on standard error, and the exit status that belongs to each. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"

static int
exit_of(usher_status status)
{
	switch (status) {
	case USHER_OK:
		return CLI_DONE;
	case USHER_E_ABSENT:
		return CLI_NEGATIVE;
	case USHER_E_CREDENTIALS:
		return CLI_REFUSED;
	case USHER_E_TRUST:
	case USHER_E_TLS:
		return CLI_BLOCKED;
	case USHER_E_NETWORK:
	case USHER_E_TIMEOUT:
	case USHER_E_DNS:
	case USHER_E_PEER:
	case USHER_E_UNAVAILABLE:
	case USHER_E_CANCELLED:
		return CLI_UNTESTED;
	case USHER_E_USAGE:
		return CLI_USAGE;
	case USHER_E_ADDRESS:
	case USHER_E_INPUT:
	case USHER_E_CONFLICT:
	case USHER_E_LIMIT:
		return CLI_DATA;
	case USHER_E_IO:
		return CLI_CANNOT_CREATE;
	case USHER_E_PERMISSION:
		return CLI_PERMISSION;
	case USHER_E_NOMEM:
	case USHER_E_INTERNAL:
		break;
	}
	return CLI_INTERNAL;
}

int
cli_fail(usher_status status, const struct usher_error *err)
{
	if (err->where[0] != '\0')
		(void)fprintf(stderr, "usher: %s: %s\n", err->where, err->message);
	else
		(void)fprintf(stderr, "usher: %s\n", err->message);
	return exit_of(status);
}

void
cli_note(const char *format, ...)
{
	va_list ap;

	(void)fputs("usher: ", stderr);
	va_start(ap, format);
	(void)vfprintf(stderr, format, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
}
