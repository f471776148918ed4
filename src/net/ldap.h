/* ldap.h - finds a directory and reads its connection points, and waits for nothing (scp.md 2, 4).
 *
 * A domain is served by controllers that SRV records name: those of our site first, when it is
 * known; the first that answers the LDAP ping is asked. A host's name can be a domain's as well.
 * When the ping tells of another site that has controllers of its own, one of these is asked.
 * Then come a Kerberos ticket, a connection, and ldap_thread.h. */
#ifndef USHER_NET_LDAP_H
#define USHER_NET_LDAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "model/scp.h"
#include "net/connect_to.h"
#include "net/dns.h"
#include "net/poller.h"
#include "usher/status.h"

enum {
	DIRSEARCH_HOSTS_MAX = 16, /* of SRV records; further ones are not asked */
	DIRSEARCH_LOOKUPS = 32,	  /* ids of its look-ups */
	DIRSEARCH_RESOLVE_MS = 4000,
	DIRSEARCH_PING_MS = 4000,
	DIRSEARCH_SITE_MS = 2000, /* for a controller of our site, when another one has answered */
	DIRSEARCH_CONNECT_MS = 2500
};

/* What it points to outlives the search. */
struct dirsearch_options {
	const char *uri; /* ldap://HOST[:PORT], ldaps://…, ldapi://…, ldap:///DC=a,DC=example */
	const char *site;      /* of this computer, by the user's word; NULL: the directory's */
	const char *why;       /* what `way` begins with; NULL */
	const char *last_site; /* where it was found the last time: a guess; NULL: none */
	const char *ca_file;   /* NULL: the system's */
	const char *login;     /* by `password`, over TLS; NULL: by a Kerberos ticket */
	const struct secret *password;
	bool by_category; /* see scp_read() */
	const struct connect_to *routes;
	size_t n_routes;
	uint32_t lookup; /* the first id of its look-ups */
	uint64_t seed;	 /* for the choice among SRV records of one priority */
	uint64_t timeout_ms;
};

/* Texts live as long as the search. */
struct dirsearch_result {
	usher_status
	    status;	    /* USHER_OK; USHER_E_ABSENT: DNS knows no such directory; NETWORK,
			       TIMEOUT, TLS, CREDENTIALS, TRUST, LIMIT, … as ldap/link.h has them */
	const char *detail; /* of a failure */
	const char *server; /* URI of the directory that was asked; NULL: none */
	const char *site;   /* of this computer; NULL: unknown */
	const char *way;    /* for people: how it was found and entered; NULL: not at all */
	bool safe;	    /* nobody on the way can have changed it */
	const struct scp_record *records;
	size_t n_records;
};

struct dirsearch;

/* Begins. `poller` and `dns` outlive it. USHER_E_USAGE: `uri` is none; USHER_E_NOMEM. */
USHER_CHECK usher_status
dirsearch_new(const struct dirsearch_options *options, struct poller *poller, struct dns *dns,
    struct dirsearch **out, struct usher_error *err);

/* Ends it, whatever it is doing. NULL is ignored. */
void
dirsearch_free(struct dirsearch *d);

/* Takes the answer to one of its look-ups. */
void
dirsearch_answer(struct dirsearch *d, const struct dns_answer *answer);

/* Does what sockets, answers and time demand. True: it is over. */
bool
dirsearch_work(struct dirsearch *d);

/* When dirsearch_work() wants to run at the latest, by clock_mono_ms(). */
uint64_t
dirsearch_wake_ms(const struct dirsearch *d);

/* As far as it has come; complete when it is over. */
void
dirsearch_result(const struct dirsearch *d, struct dirsearch_result *out);

#endif
