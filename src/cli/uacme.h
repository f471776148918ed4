/* uacme.h - runs uacme, the program that speaks ACME (RFC 8555) for us, and is its hook. */
#ifndef USHER_CLI_UACME_H
#define USHER_CLI_UACME_H

#include <stdint.h>

#include "base/slice.h"
#include "usher/status.h"

/* Of uacme's environment alone: the directory's stem. `usher` that finds it is the hook. */
#define UACME_HOOK_VARIABLE "USHER_ACME_STEM"

struct uacme {
	const char *url;     /* of the ACME server's directory */
	const char *account; /* folder, by acme_account() */
	const char *stem;
	uint64_t end_ms; /* by clock_mono_ms(): when a run is given up */
	int stop_fd;	 /* when it becomes readable the run is ended */
};

/* Has the certificate made that is asked for by the file `request`.
 * Returns USHER_OK, USHER_E_ABSENT (the server does not know the account), USHER_E_CANCELLED
 * (stop_fd), USHER_E_TIMEOUT, and as uacme_judge() and hook_run(). */
USHER_CHECK usher_status
uacme_issue(const struct uacme *u, const char *request, struct usher_error *err);

/* Makes the account; `contact` is an address, or NULL. Returns as uacme_issue(). */
USHER_CHECK usher_status
uacme_register(
    const struct uacme *u, const char *contact, bool accept_terms, struct usher_error *err);

/* Tells the server another address. Returns as uacme_issue(). */
USHER_CHECK usher_status
uacme_update(const struct uacme *u, const char *contact, struct usher_error *err);

/* What it means that uacme has failed and `said` this: one message of what, where, and what to do.
 * Returns USHER_E_ABSENT (the server does not know the account), USHER_E_TRUST (somebody has to
 * agree: terms, CAA), USHER_E_NETWORK, USHER_E_DNS, USHER_E_PEER, USHER_E_INPUT, USHER_E_USAGE,
 * USHER_E_UNAVAILABLE (too many requests). */
usher_status
uacme_judge(const char *url, struct slice said, struct usher_error *err);

/* The hook: `METHOD TYPE NAME TOKEN AUTHORIZATION`. An exit status. */
int
uacme_hook(const char *stem, int argc, char **argv);

#endif
