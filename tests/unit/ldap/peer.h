/* peer.h - an LDAP server that does as the searches themselves tell it, in a thread. */
#ifndef TEST_LDAP_PEER_H
#define TEST_LDAP_PEER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { PEER_URI_BYTES = 64 };

/* A search for (cn=TEXT) is answered with one entry `cn=TEXT`, unless a word of TEXT says:
 *
 * nothing	no entry
 * twice, much	two entries, a thousand
 * hang		no answer, nor anything else on this connection from now on
 * late		an answer after 300 ms, while others are answered
 * mute		no answer to this one
 * half		half an entry, then nothing more
 * halfclose	half an entry, then the end
 * garbage	bytes that are no LDAP
 * close	the end, without a word
 * big		an entry with a value of 10 MB
 * huge		the announcement of a message of 1 GB
 * size, time, busy, gone, refer
 *		the result 4, 3, 51, 52, 10
 * reference	a continuation reference beside the entry
 * odd		the result of another request
 * flood	answers to what was never asked, without end
 * notice	a notice of disconnection, then the end */
struct peer {
	char uri[PEER_URI_BYTES];
	int listener, stop[2];
	unsigned long thread;
	atomic_bool refuse; /* logins are refused */
	atomic_bool silent; /* nothing is answered, logins neither */
	atomic_uint logins, searches;
};

/* `port` of an earlier one, or 0. False: it cannot be had. */
bool
peer_start(struct peer *peer, unsigned short port);

unsigned short
peer_port(const struct peer *peer);

/* Ends it and all its connections. */
void
peer_stop(struct peer *peer);

#endif
