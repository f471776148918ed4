/* servers.h - the servers that a list of URIs names. */
#ifndef USHER_LDAP_SERVERS_H
#define USHER_LDAP_SERVERS_H

#include "ldap/link.h"

enum { SERVERS_MAX = 16 }; /* more are passed over */

struct ldap_servers {
	const char *uris[SERVERS_MAX]; /* in the order in which they are to be tried */
	size_t n;
};

/* `list` has URIs as struct link_options wants them, separated by blanks. `ldap:///` and
 * `ldaps:///` are the hosts that SRV records of `domain` name (RFC 2782), which may be NULL. Only
 * hosts in that domain are taken: DNS must not be able to send a login elsewhere.
 *
 * Returns USHER_OK, USHER_E_USAGE (there are none, one has another form, a domain is missing),
 * USHER_E_NETWORK (DNS names none), USHER_E_NOMEM. Texts are in `mem`. Asks DNS, and waits for it,
 * if an URI without a host is among them. */
USHER_CHECK usher_status
ldap_servers_find(const char *list, const char *domain, struct arena *mem, struct ldap_servers *out,
    struct usher_error *err);

/* The same as far as DNS need not be asked: USHER_OK, USHER_E_USAGE. */
USHER_CHECK usher_status
ldap_servers_check(const char *list, const char *domain, struct usher_error *err);

/* `options` for the server at `uri`: a local socket needs no TLS, and says itself who we are when
 * nobody else does (SASL EXTERNAL). */
struct link_options
ldap_server_options(const struct link_options *options, const char *uri);

#endif
