/* connect_to.h - `--connect-to HOST:PORT:ADDR:PORT`: where to go instead (curl's meaning). */
#ifndef USHER_NET_CONNECT_TO_H
#define USHER_NET_CONNECT_TO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "usher/status.h"

struct connect_to {
	const char *host;    /* lower case; NULL: any */
	uint16_t port;	     /* 0: any */
	const char *to_host; /* name or address without brackets; NULL: as it was */
	uint16_t to_port;    /* 0: as it was */
};

/* Each part may be empty; IPv6 addresses stand in brackets.
 * Returns USHER_OK, USHER_E_USAGE, USHER_E_NOMEM. */
USHER_CHECK usher_status
connect_to_parse(
    struct arena *mem, struct slice text, struct connect_to *out, struct usher_error *err);

/* The first rule that covers host and port (host in lower case) changes them. Name checks, SNI and
 * the Host field keep the URL's. */
void
connect_to_apply(const struct connect_to *rules, size_t n, const char **host, uint16_t *port);

#endif
