/* tls_set.h - the inside of a certificate set, for the files tls*.c only. */
#ifndef USHER_SERVER_TLS_SET_H
#define USHER_SERVER_TLS_SET_H

#include <openssl/ssl.h>

#include "server/tls.h"

/* The context new connections begin with; NULL when the set is empty. */
SSL_CTX *
tls_set_context(const struct tls_set *set);

/* The context for a name (NULL: none sent), the first one when there is no better. */
SSL_CTX *
tls_set_context_for(const struct tls_set *set, const char *name);

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
