/* negotiate.h - a login by the caller's Kerberos tickets (RFC 4559). */
#ifndef USHER_NET_NEGOTIATE_H
#define USHER_NET_NEGOTIATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "usher/status.h"

enum {
	NEGOTIATE_TOKEN_BYTES = 64 * 1024, /* a ticket with a full PAC stays below */
	KDCS_MAX = 8			   /* of one realm that are asked */
};

/* Writes the token that proves to `host` who holds the tickets in the default cache (KRB5CCNAME):
 * SPNEGO with Kerberos inside and nothing else. The service is HTTP/host as the URL spells it, by
 * no DNS, and nothing is delegated. Waits for nobody when the ticket is there (ticket.h), else as
 * long as krb5.conf lets it.
 * Returns USHER_OK, USHER_E_CREDENTIALS (no ticket for that; `err` has Kerberos's words),
 * USHER_E_NOMEM. */
USHER_CHECK usher_status
negotiate_token(const char *host, struct buf *token, struct usher_error *err);

/* SPNEGO can come to nothing but Kerberos: there are no secrets for NTLM, whose answer to a false
 * server is worth guessing at. May ask a plug-in, which may take its time. */
bool
negotiate_is_kerberos_alone(void);

/* The default realm of krb5.conf; NULL: it has none. */
const char *
negotiate_realm(struct arena *mem);

/* What is to be said to KDCs until the ticket for that service lies in the cache. */
struct negotiation;

/* `service` is `HTTP`, or another that Kerberos knows. USHER_E_CREDENTIALS, USHER_E_NOMEM. */
USHER_CHECK usher_status
negotiation_new(
    const char *service, const char *host, struct negotiation **out, struct usher_error *err);

/* There are tickets to begin with. */
bool
negotiation_is_possible(const struct negotiation *n);

/* NULL is ignored. */
void
negotiation_free(struct negotiation *n);

/* Takes the reply to the last message, an empty one first. *message is for a KDC of *realm, both
 * valid until the next call; empty: negotiate_token() has all that it can have.
 * USHER_E_CREDENTIALS: no ticket, `err` has Kerberos's words; USHER_E_NOMEM. */
USHER_CHECK usher_status
negotiation_step(struct negotiation *n, struct slice reply, struct slice *message,
    struct slice *realm, struct usher_error *err);

struct kdc {
	const char *host;
	uint16_t port;
	uint16_t priority; /* lowest first */
};

/* Those that krb5.conf names for the realm and TCP reaches; how many. *by_dns: it names none of any
 * kind, and DNS may be asked for them. Texts are in `mem`. */
size_t
negotiation_kdcs(const struct negotiation *n, struct arena *mem, const char *realm,
    struct kdc out[KDCS_MAX], bool *by_dns);

#endif
