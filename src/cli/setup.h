/* setup.h - what `usher setup` makes, for commands that need it to be there. */
#ifndef USHER_CLI_SETUP_H
#define USHER_CLI_SETUP_H

#include "cli/changes.h"

/* Makes what is missing of a domain (A-labels) of kind exchange or mail whose clients reach `host`,
 * its self-signed certificate included. Returns as changes_put(), and USHER_E_CONFLICT when the
 * domain is accepted and of another kind. */
USHER_CHECK usher_status
setup_fill(
    struct changes *c, const char *domain, const char *host, int kind, struct usher_error *err);

#endif
