/* inside.h - what a link shares with the pool that it was opened for. */
#ifndef USHER_LDAP_INSIDE_H
#define USHER_LDAP_INSIDE_H

#include <ldap.h>

#include "ldap/link.h"

struct ldap_link {
	LDAP *ld;
	char *uri;
	uint64_t timeout_ms;
	bool protected; /* by TLS, or by never leaving this machine */
	bool signs;	/* its login protects what comes behind it */
};

/* Says in words what `code` means, and gives its status. `where` is the object in question; NULL or
 * "": the directory. */
usher_status
ldap_link_fail(const struct ldap_link *link, int code, const char *where, struct usher_error *err);

/* The same, where a result came with the places that it refers to; `referrals` may be NULL. */
usher_status
ldap_link_fail_at(const struct ldap_link *link, int code, char **referrals, const char *where,
    struct usher_error *err);

/* Waits for the result of `id`. `answer` (NULL: none is expected) is what an extended operation
 * gave besides, also with a failure; NULL or to be freed with ber_bvfree(). */
USHER_CHECK usher_status
ldap_link_await(struct ldap_link *link, int id, const char *where, struct berval **answer,
    struct usher_error *err);

/* Copies an entry out of its message into `mem`; `where` is for words without a DN.
 * USHER_E_LIMIT: `mem` is full, there are more than LINK_ATTRIBUTES; USHER_E_PEER: broken. */
USHER_CHECK usher_status
ldap_link_entry(const struct ldap_link *link, LDAPMessage *message, const char *where,
    struct arena *mem, struct ldap_entry *out, struct usher_error *err);

/* Sends a search (RFC 4511, 4.5.1); the result is a code of libldap's. */
int
ldap_link_send(const struct ldap_link *link, const struct link_search *search,
    LDAPControl **controls, struct timeval *limit, int entries, int *id);

#endif
