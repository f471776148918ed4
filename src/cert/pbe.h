/* pbe.h - what is encrypted with a password: what that is called, costs and needs, and keys read
 * through it. */
#ifndef USHER_CERT_PBE_H
#define USHER_CERT_PBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "cert/blocks.h"
#include "cert/own.h"
#include "usher/status.h"

/* One file, one password. */
struct pbe {
	struct slice password; /* borrowed; empty: none was given */
	uint64_t rounds;       /* of key derivation so far */
	/* A context of our own, so that old ciphers are open to nothing else in this program. */
	OSSL_LIB_CTX *ctx; /* NULL until it is needed */
	OSSL_PROVIDER *standard, *legacy;
};

/* No allocation. `password` may be NULL. */
struct pbe
pbe_with(const struct secret *password);

/* For CLEANUP(). What was made in its context must be freed before. */
void
pbe_close(struct pbe *p);

/* Makes `p->ctx` ready for this algorithm. *old is its name when it is one of those that nobody
 * should use any more, else NULL.
 * Returns USHER_OK, USHER_E_INPUT (unknown), USHER_E_LIMIT (would take too long),
 * USHER_E_UNAVAILABLE (needs the legacy provider, which is not installed), USHER_E_NOMEM. */
USHER_CHECK usher_status
pbe_allow(struct pbe *p, const X509_ALGOR *algorithm, const char **old, struct usher_error *err);

/* Counts rounds that are about to be done: USHER_OK, USHER_E_LIMIT above BUNDLE_ROUNDS. */
USHER_CHECK usher_status
pbe_spend(struct pbe *p, int64_t rounds, struct usher_error *err);

/* USHER_E_CREDENTIALS, with whether the password is missing or wrong. */
usher_status
pbe_refused(const struct pbe *p, struct usher_error *err);

/* The private key in `block`, decrypted where needed.
 * Returns USHER_OK, USHER_E_ABSENT (it is something else), USHER_E_CREDENTIALS, USHER_E_INPUT
 * (damaged, or of a kind that no mail program takes), and as pbe_allow(). */
USHER_CHECK usher_status
pbe_key(struct pbe *p, const struct block *block, EVP_PKEY **out, struct usher_error *err);

/* What is in `p8`, as pbe_key() does it. */
USHER_CHECK usher_status
pbe_pkcs8_key(const PKCS8_PRIV_KEY_INFO *p8, EVP_PKEY **out, struct usher_error *err);

#endif
