/* negotiate.h - a login by the caller's Kerberos tickets (RFC 4559). */
#ifndef USHER_NET_NEGOTIATE_H
#define USHER_NET_NEGOTIATE_H

#include "base/buf.h"
#include "usher/status.h"

enum { NEGOTIATE_TOKEN_BYTES = 64 * 1024 }; /* a ticket with a full PAC stays below */

/* Writes the token that proves to `host` who holds the tickets in the default cache (KRB5CCNAME):
 * SPNEGO with Kerberos inside and nothing else. The service is HTTP/host as the URL spells it, by
 * no DNS, and nothing is delegated. May wait for a KDC as long as krb5.conf lets it.
 * Returns USHER_OK, USHER_E_CREDENTIALS (no ticket for that; `err` has Kerberos's words),
 * USHER_E_NOMEM. */
USHER_CHECK usher_status
negotiate_token(const char *host, struct buf *token, struct usher_error *err);

#endif
