/* link.h - one connection to an LDAP directory: opened, searched, changed (RFC 4511).
 *
 * Every call waits for the directory, and never longer than it may: who must not wait calls from a
 * thread of its own. One thread at a time uses a link. Referrals are not followed. */
#ifndef USHER_LDAP_LINK_H
#define USHER_LDAP_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/secret.h"
#include "base/slice.h"
#include "model/ldap.h"
#include "usher/status.h"

enum {
	LINK_TIMEOUT_MS = 10000,	      /* of one call, when nobody says otherwise */
	LINK_PAGE = 1000,		      /* entries of a page: the most that AD gives */
	LINK_ENTRY_BYTES = 4 * 1024 * 1024,   /* of one entry, as text */
	LINK_MESSAGE_BYTES = 8 * 1024 * 1024, /* of one message; a longer one ends the connection */
	LINK_ATTRIBUTES = 256		      /* of one entry */
};

enum link_login {
	LINK_ANONYMOUS = 0,
	LINK_SIMPLE, /* `user` (DN, UPN or DOMAIN\user) and `password`, over TLS or a local socket
		      */
	LINK_GSSAPI, /* a Kerberos ticket: that of `keytab` (as `user`, or its first principal), or
			the user's own; signs and seals what TLS does not protect */
	LINK_LATER   /* as nobody, without a word; ldap_link_login() may follow */
};

struct link_options {
	const char *uri;     /* ldap://HOST[:PORT], ldaps://HOST[:PORT], ldapi://PATH */
	bool start_tls;	     /* before anything else, on ldap:// (RFC 4511, 4.14) */
	const char *ca_file; /* PEM; NULL: whom the system trusts */
	enum link_login login;
	const char *user;
	const struct secret *password;
	const char *keytab;    /* for LINK_GSSAPI; NULL: whose ticket there is */
	const char *mechanism; /* of SASL, for LINK_GSSAPI: `GSS-SPNEGO` logs in with one message
				  where the directory knows it; NULL: `GSSAPI` */
	uint64_t timeout_ms;   /* of each call; 0: LINK_TIMEOUT_MS */
	const int *socket; /* connected to where `uri` says, and the link's from now on, whatever
			      comes of it; NULL: it finds its way by itself */
};

struct ldap_link;

/* Connects, verifies TLS, and logs in.
 *
 * Returns USHER_OK
 *	   USHER_E_USAGE	`uri` is none of these, or a password is empty (which would log in
 *				as nobody: RFC 4513, 5.1.2)
 *	   USHER_E_TRUST	a password and no TLS; nothing was sent
 *	   USHER_E_NETWORK, USHER_E_TIMEOUT
 *	   USHER_E_TLS		the certificate cannot be verified
 *	   USHER_E_CREDENTIALS	refused, with what Active Directory says of the reason; or no ticket
 *	   USHER_E_PEER, USHER_E_NOMEM */
USHER_CHECK usher_status
ldap_link_open(const struct link_options *options, struct ldap_link **out, struct usher_error *err);

/* NULL is ignored. */
void
ldap_link_close(struct ldap_link *link);

/* Logs in as `options` say, of which the login's members are read. After a failure the link is
 * nobody's, and may try again. As ldap_link_open(). */
USHER_CHECK usher_status
ldap_link_login(
    struct ldap_link *link, const struct link_options *options, struct usher_error *err);

/* What comes over it is the directory's own word: TLS, a login that signs, or this machine's own
 * kernel vouches for that. */
bool
ldap_link_is_safe(const struct ldap_link *link);

/* As it was given. */
const char *
ldap_link_uri(const struct ldap_link *link);

/* ---- reading ---- */

enum link_scope { LINK_ENTRY = 0, LINK_CHILDREN, LINK_BELOW };

struct link_search {
	const char *base; /* "": the rootDSE */
	enum link_scope scope;
	const char *filter;	       /* RFC 4515; ldap_escape() what comes from outside */
	const char *const *attributes; /* NULL-terminated; NULL: all that users have put there */
	size_t max;		       /* entries; one more is USHER_E_LIMIT. 0: any number */
	uint64_t in_all_ms; /* that all pages together may take, each within the link's timeout; 0:
			       that timeout as well */
};

/* Is called for each entry, which is gone when it returns. What it returns other than USHER_OK ends
 * the search and is handed on; it fills `err`. */
typedef usher_status
link_take(const struct ldap_entry *entry, void *payload, struct usher_error *err);

/* In pages where the directory knows how (RFC 2696).
 *
 * Returns USHER_OK (also when nothing was found), USHER_E_ABSENT (no such base),
 * USHER_E_PERMISSION, USHER_E_NETWORK, USHER_E_TIMEOUT, USHER_E_LIMIT (the directory's or ours),
 * USHER_E_TRUST (it demands TLS or signing), USHER_E_PEER, USHER_E_NOMEM. */
USHER_CHECK usher_status
ldap_link_search(struct ldap_link *link, const struct link_search *search, link_take *take,
    void *payload, struct usher_error *err);

/* The one entry with this DN, in `mem`. As ldap_link_search(); USHER_E_ABSENT when there is none.
 */
USHER_CHECK usher_status
ldap_link_read(struct ldap_link *link, struct arena *mem, const char *dn,
    const char *const *attributes, struct ldap_entry *out, struct usher_error *err);

/* ---- changing ---- */

/* Performs one change.
 *
 * Returns USHER_OK, USHER_E_ABSENT (no such entry, or no parent for it), USHER_E_CONFLICT (it is
 * there already, or has children), USHER_E_PERMISSION, USHER_E_INPUT (the directory's schema says
 * no), and as ldap_link_search(). */
USHER_CHECK usher_status
ldap_link_change(struct ldap_link *link, const struct ldap_change *change, struct usher_error *err);

/* Performs all of them in this order, or none, in a transaction (RFC 5805) that the rootDSE must
 * offer. Returns as ldap_link_change(); err->where is the change that could not be made. */
USHER_CHECK usher_status
ldap_link_changes(struct ldap_link *link, const struct ldap_change *const *changes, size_t n,
    struct usher_error *err);

/* Lets the directory set a password and keep it as it does (RFC 3062; Active Directory wants it as
 * unicodePwd), over TLS or a login that protects. Returns USHER_E_TRUST when there is neither:
 * nothing was sent; and as ldap_link_change(). */
USHER_CHECK usher_status
ldap_link_password(struct ldap_link *link, const char *dn, const struct secret *password,
    bool active_directory, struct usher_error *err);

#endif
