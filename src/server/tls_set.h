/* tls_set.h - the inside of a certificate set, for the files tls*.c only. */
#ifndef USHER_SERVER_TLS_SET_H
#define USHER_SERVER_TLS_SET_H

#include <openssl/ssl.h>

#include "server/tls.h"

/* The context new connections begin with; NULL when the set is empty. */
SSL_CTX *
tls_set_context(const struct tls_set *set);

/* A certificate, its chain and its key. A context of its own for each would be ten times as large.
 */
struct credentials {
	X509 *leaf;
	STACK_OF(X509) * chain; /* what stands above the leaf; NULL: nothing */
	EVP_PKEY *key;
};

/* What a name (NULL: none) gets, the first one when there is no better; NULL when the set is empty
 * or when what was to be read later cannot be read. */
const struct credentials *
tls_set_credentials(const struct tls_set *set, const char *name);

/* Gives a connection the certificate for a name (NULL: none sent), the first one when there is no
 * better. False when out of memory, or when TLS does not take it. */
bool
tls_set_use(const struct tls_set *set, SSL *ssl, const char *name);

/* Makes `context` seal its sessions with these keys; the keys must outlive the context. */
void
tls_tickets_use(struct tls_tickets *tickets, SSL_CTX *context);

struct tls_tickets *
tls_tickets_ref(struct tls_tickets *tickets);

/* Sets what belongs to every connection: versions, ciphers, ALPN, choice by name. `set` is passed
 * to the callback by SSL_set_app_data() of each connection. False when out of memory. */
bool
tls_context_setup(SSL_CTX *context);

/* Empties OpenSSL's queue and gives the text of its oldest entry. */
const char *
tls_reason(void);

#endif
