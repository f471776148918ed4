/* forward.h - who asks, behind reverse proxies that are trusted. */
#ifndef USHER_SERVER_FORWARD_H
#define USHER_SERVER_FORWARD_H

#include <stdbool.h>
#include <stddef.h>

#include "server/net_address.h"
#include "wire/http1.h"

/* The client's address: `peer`, or when that is trusted the last address of X-Forwarded-For that is
 * not. What a client wrote there itself stands further left and is never reached. An entry that
 * is no address ends the search. */
struct net_address
forward_client(const struct http1_request *head, const struct net_range *trusted, size_t n_trusted,
    const struct net_address *peer);

/* The last entry of X-Forwarded-Proto is `https`. Only to be asked when the peer is trusted. */
bool
forward_secure(const struct http1_request *head);

#endif
