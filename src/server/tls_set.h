/* tls_set.h - the inside of a certificate set, for the files tls*.c only. */
#ifndef USHER_SERVER_TLS_SET_H
#define USHER_SERVER_TLS_SET_H

#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "server/tls.h"

/* ---- tls_identity.c ---- */

/* A certificate, its chain and its key. A context of its own for each would be ten times as large.
 */
struct credentials {
	X509 *leaf;
	STACK_OF(X509) * chain; /* what stands above the leaf; NULL: nothing */
	EVP_PKEY *key;
};

/* One certificate of the set, or the texts to make it of when it is first asked for. */
struct identity {
	struct identity *next;
	char *label;
	struct tls_staple *staple;     /* or NULL */
	struct buf chain_pem, key_pem; /* until it is read */
	struct credentials made;
	atomic_bool ready;		     /* `made` is filled in and stays as it is */
	_Atomic(struct cms_signer *) signer; /* made when it first signs */
	atomic_flag told;		     /* that it cannot sign */
};

/* Nothing has been read yet. USHER_OK, USHER_E_INPUT (too large), USHER_E_NOMEM. */
USHER_CHECK usher_status
identity_new(const struct tls_given *given, struct identity **out, struct usher_error *err);

/* NULL is ignored. */
void
identity_free(struct identity *c);

/* Keeps the texts for later. USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
identity_keep(struct identity *c, const struct tls_given *given, struct usher_error *err);

/* Reads it now. USHER_OK, USHER_E_INPUT, USHER_E_NOMEM. */
USHER_CHECK usher_status
identity_read(struct identity *c, const struct tls_given *given, struct usher_error *err);

/* Reads it when that has not been done, under `reading`. NULL: it cannot be read. */
const struct credentials *
identity_credentials(struct identity *c, pthread_mutex_t *reading);

/* Both can be offered to a client at once: see tls_set_add_names(). Never one that is not read. */
bool
identity_goes_with(const struct identity *a, const struct identity *b);

/* CMS has words for its key. */
bool
identity_signs(const struct credentials *c);

/* ---- tls_staple.c ---- */

/* OPENSSL_malloc()ed, or NULL when there is none that holds. */
unsigned char *
tls_staple_copy(struct tls_staple *staple, int64_t now_s, size_t *n);

/* ---- tls_set.c ---- */

/* The context new connections begin with; NULL when the set is empty. */
SSL_CTX *
tls_set_context(const struct tls_set *set);

/* The certificate that signs for a name (NULL: none): one that can when there is one, else any;
 * NULL when the set is empty or when it cannot be read. */
struct identity *
tls_set_signer(const struct tls_set *set, const char *name, const struct credentials **out);

/* Gives a connection the certificates for a name (NULL: none sent), the first one when there is no
 * better. False when out of memory, or when TLS does not take one. */
bool
tls_set_use(const struct tls_set *set, SSL *ssl, const char *name);

/* The staple of the certificate that is being shown to the client who asked for `name`, or NULL. */
struct tls_staple *
tls_set_staple(const struct tls_set *set, const SSL *ssl, const char *name);

/* ---- tls_tickets.c ---- */

/* Makes `context` seal its sessions with these keys; the keys must outlive the context. */
void
tls_tickets_use(struct tls_tickets *tickets, SSL_CTX *context);

struct tls_tickets *
tls_tickets_ref(struct tls_tickets *tickets);

/* ---- tls.c ---- */

/* Sets what belongs to every connection: versions, ciphers, ALPN, choice by name. `set` is passed
 * to the callback by SSL_set_app_data() of each connection. False when out of memory. */
bool
tls_context_setup(SSL_CTX *context);

/* Empties OpenSSL's queue and gives the text of its oldest entry. */
const char *
tls_reason(void);

#endif
