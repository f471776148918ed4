/* tls.h - TLS of the server: certificates chosen by name, tickets, and records on a socket. */
#ifndef USHER_SERVER_TLS_H
#define USHER_SERVER_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "server/io.h"
#include "usher/status.h"

/* ---- what the configuration builds ---- */

/* Keys under which sessions are sealed into tickets. Shared by all threads and all sets, so that a
 * session resumes on any thread and after a reload. New keys are made every TICKET_ROTATE_S; a
 * ticket is good for at most two periods. Counted. */
struct tls_tickets;

enum { TICKET_ROTATE_S = 12 * 3600 };

/* USHER_OK, USHER_E_NOMEM, USHER_E_INTERNAL (no randomness). */
USHER_CHECK usher_status
tls_tickets_new(struct tls_tickets **out, struct usher_error *err);

/* NULL is ignored. */
void
tls_tickets_unref(struct tls_tickets *tickets);

/* Certificates of one listener. Built by one thread, then never changed: a reload makes a new set
 * and connections that run keep theirs. Counted; the count may be changed by any thread. */
struct tls_set;

struct tls_options {
	struct tls_tickets *tickets; /* NULL: no resumption (for measuring full handshakes) */
};

/* An empty set; the caller holds the only reference. USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
tls_set_new(const struct tls_options *options, struct tls_set **out, struct usher_error *err);

struct tls_set *
tls_set_ref(struct tls_set *set);

/* NULL is ignored. */
void
tls_set_unref(struct tls_set *set);

/* An OCSP response that is shown beside a certificate (RFC 6066, 8) while it holds. Lives through
 * reloads, outside any set. Counted; any thread. */
struct tls_staple;

/* Holds nothing yet. USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
tls_staple_new(struct tls_staple **out, struct usher_error *err);

/* NULL is allowed, and ignored. */
struct tls_staple *
tls_staple_ref(struct tls_staple *staple);
void
tls_staple_unref(struct tls_staple *staple);

/* Somebody else holds it too. */
bool
tls_staple_shared(const struct tls_staple *staple);

/* Shows `der` (copied) until just before `until_s`, Unix seconds. False: out of memory, and what
 * was there stays. */
USHER_CHECK bool
tls_staple_put(struct tls_staple *staple, struct slice der, int64_t until_s);

/* Shows nothing any more. */
void
tls_staple_drop(struct tls_staple *staple);

/* What to add. */
struct tls_given {
	const char *label;	   /* what tls_set_choose() gives back and errors name */
	const char *key_label;	   /* named when the key is bad; NULL: as `label` */
	struct slice chain_pem;	   /* the server's own certificate first */
	struct slice key_pem;	   /* without passphrase; must fit the certificate */
	struct tls_staple *staple; /* NULL: none; the set takes its own reference */
};

/* A certificate of a set, and as long as that. */
struct identity;

/* Adds a certificate, for no name yet. The first one added answers clients that send no name or an
 * unknown one. Copied.
 *
 * Returns USHER_OK
 *         USHER_E_INPUT  not PEM, or key and certificate do not belong together
 *         USHER_E_NOMEM  */
USHER_CHECK usher_status
tls_set_add(struct tls_set *set, const struct tls_given *given, struct identity **out,
    struct usher_error *err);

/* The same, but the texts are kept and read when somebody asks for a name of it: reading takes a
 * millisecond, and a set may have ten thousand. The set must have a certificate already.
 * USHER_E_INPUT (too large), USHER_E_NOMEM. */
USHER_CHECK usher_status
tls_set_add_later(struct tls_set *set, const struct tls_given *given, struct identity **out,
    struct usher_error *err);

/* Names a certificate of the set is chosen for: host names, or `*.name` (one label). When n is 0
 * they are its DNS subject alternative names; it must not be one to be read later then.
 *
 * A name that is there already keeps its certificates. One whose key is of another kind (RSA,
 * ECDSA, EdDSA) comes to stand beside them when the same authority has issued both: the client's
 * algorithms decide between them. Not when either was added `alone`. The certificate for clients
 * without a name has those beside it that it shares its first name with. An exact name wins over a
 * wildcard.
 *
 * USHER_OK, USHER_E_LIMIT (more than TLS_MAX_NAMES names), USHER_E_NOMEM. */
USHER_CHECK usher_status
tls_set_add_names(struct tls_set *set, struct identity *identity, bool alone,
    const char *const *names, size_t n, struct usher_error *err);

enum { TLS_MAX_NAMES = 500000 };

/* The label of the certificate a client asking for `name` (NULL: none sent) gets, the first of
 * several; NULL when the set is empty. Letters' case and a last dot do not matter. */
const char *
tls_set_choose(const struct tls_set *set, const char *name);

/* ---- what a connection does ---- */

/* One TLS connection on a non-blocking socket that the caller owns and closes. */
struct tls;

/* NULL when out of memory or when the set is empty. Keeps a reference to the set. */
struct tls *
tls_new(struct tls_set *set, int fd);

/* NULL is ignored. Sends nothing. */
void
tls_free(struct tls *tls);

/* IO_DONE when finished; IO_PLAIN_HTTP when the peer speaks HTTP without TLS; IO_FAILED with
 * *reason a short text for the log (constant storage or valid until the next call in this thread).
 */
enum io_result
tls_handshake(struct tls *tls, const char **reason);

/* At most INT_MAX bytes. IO_DONE: *got > 0 bytes were read. IO_END: the peer closed in order. */
enum io_result
tls_read(struct tls *tls, void *p, size_t n, size_t *got);

/* IO_DONE: *put > 0 bytes were taken, perhaps not all. */
enum io_result
tls_write(struct tls *tls, const void *p, size_t n, size_t *put);

/* True when bytes may wait inside, which no poll will announce. */
bool
tls_has_pending(const struct tls *tls);

/* Tells the peer in order that nothing follows. Not after IO_FAILED; waits for nothing. */
void
tls_shutdown(struct tls *tls);

/* For log and counters: `TLSv1.3`, and whether the session was resumed. */
const char *
tls_version(const struct tls *tls);
bool
tls_resumed(const struct tls *tls);

#endif
