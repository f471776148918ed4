/* ldap_thread.h - asks one directory for its connection points, in a thread of its own: libldap
 * waits, and whoever searches must not. */
#ifndef USHER_NET_LDAP_THREAD_H
#define USHER_NET_LDAP_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "ldap/scp.h"
#include "usher/status.h"

enum {
	LDAP_THREAD_BYTES = 64 * 1024 * 1024, /* of all that a directory says */
	LDAP_THREAD_JOIN_MS = 1000 /* a thread that is told to end has this time; then it is left to
				      the Kerberos library that it waits for */
};

/* What it points to is copied. */
struct ldap_question {
	const char *uri;
	int socket; /* connected, and the thread's from now on; -1: libldap connects (ldapi://) */
	const char *ca_file;
	const char *login; /* by `password`, over TLS; NULL: by a ticket, else as nobody */
	const struct secret *password;
	bool tickets;	  /* there are some */
	bool wants_site;  /* which is this computer's? */
	bool by_category; /* as scp_read() */
	uint64_t timeout_ms;
};

/* Valid as long as its thread. */
struct ldap_reply {
	usher_status status;
	struct usher_error err;
	struct scp_list list;
	const char *site;  /* NULL: not asked, or unknown */
	const char *login; /* `logged in by GSS-SPNEGO`; NULL: it did not come so far */
	bool safe;	   /* as ldap_link_is_safe() */
};

struct ldap_thread;

/* USHER_E_LIMIT: no more threads or descriptors; USHER_E_NOMEM. The socket is closed then. */
USHER_CHECK usher_status
ldap_thread_start(
    const struct ldap_question *question, struct ldap_thread **out, struct usher_error *err);

/* Readable once there is a reply. */
int
ldap_thread_fd(const struct ldap_thread *t);

/* NULL: not yet. */
const struct ldap_reply *
ldap_thread_reply(const struct ldap_thread *t);

/* Ends it, whatever it is doing. NULL is ignored. */
void
ldap_thread_free(struct ldap_thread *t);

#endif
