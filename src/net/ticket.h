/* ticket.h - gets a Kerberos ticket from the KDC without blocking: over TCP (RFC 4120 7.2.2), one
 * KDC after the other.
 *
 * Where neither krb5.conf nor DNS names a KDC that TCP reaches (a plug-in may know one, or a proxy
 * over https), there is no more to be done here, and negotiate_token() does it alone. */
#ifndef USHER_NET_TICKET_H
#define USHER_NET_TICKET_H

#include "net/dns.h"
#include "net/poller.h"
#include "usher/status.h"

enum {
	TICKET_KDC_MS = 3000,	 /* patience with one KDC, connecting included */
	TICKET_MESSAGES_MAX = 32 /* from realm to realm */
};

struct ticket;

/* Begins to get the ticket for `service` (`HTTP`, `ldap`) at `host`. `lookup` is the id of its
 * look-ups. `poller` and `dns` outlive it. USHER_E_CREDENTIALS, USHER_E_NOMEM. */
USHER_CHECK usher_status
ticket_new(const char *service, const char *host, uint32_t lookup, struct poller *poller,
    struct dns *dns, struct ticket **out, struct usher_error *err);

/* NULL is ignored. */
void
ticket_free(struct ticket *t);

/* There are tickets that it can begin with. */
bool
ticket_is_possible(const struct ticket *t);

/* Takes the answer to its look-up, whose texts outlive it. */
void
ticket_answer(struct ticket *t, const struct dns_answer *answer);

/* Does what sockets, answers and time demand. False: it goes on. True: it is over, and *st tells
 * how: USHER_OK, USHER_E_CREDENTIALS (`err` says why), USHER_E_NOMEM. */
bool
ticket_work(struct ticket *t, usher_status *st, struct usher_error *err);

/* When ticket_work() wants to run at the latest, by clock_mono_ms(); UINT64_MAX: no need. */
uint64_t
ticket_wake_ms(const struct ticket *t);

#endif
