/* key.h - private keys of certificates: made, read from what others wrote, written, compared. */
#ifndef USHER_CERT_KEY_H
#define USHER_CERT_KEY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"
#include "base/slice.h"
#include "usher/status.h"

enum cert_key_kind { CERT_KEY_RSA = 0, CERT_KEY_P256, CERT_KEY_P384, CERT_KEY_ED25519 };

/* What we make. Shorter keys, as the white paper asks for, are read but not made: CAs and clients
 * have refused them since 2014. */
enum { CERT_RSA_BITS_MIN = 2048, CERT_RSA_BITS_MAX = 4096 };

/* Makes a key and appends it to `pem` as PKCS #8 (RFC 5958). `rsa_bits` is 2048, 3072 or 4096, and
 * counts for CERT_KEY_RSA only. The caller wipes `pem`, here and below.
 *
 * Returns USHER_OK, USHER_E_USAGE (`rsa_bits`), USHER_E_NOMEM, USHER_E_INTERNAL. */
USHER_CHECK usher_status
cert_key_make(enum cert_key_kind kind, int rsa_bits, struct buf *pem, struct usher_error *err);

/* The words for options: `rsa2048` (also `rsa:2048`, and `rsa` alone), `rsa3072`, `rsa4096`,
 * `p256`, `p384`, `ed25519`, in letters of any case. Returns USHER_OK, USHER_E_USAGE, which says
 * why when the kind is too weak. */
USHER_CHECK usher_status
cert_key_parse(struct slice text, enum cert_key_kind *kind, int *rsa_bits, struct usher_error *err);

/* The first private key in `file`: PEM with anything around it, or DER; PKCS #8, PKCS #1, SEC 1;
 * with or without a passphrase. Appended to `pem` as PKCS #8 without a passphrase. `passphrase` may
 * be NULL.
 *
 * Returns USHER_OK, USHER_E_ABSENT (there is none), USHER_E_CREDENTIALS (the passphrase is missing
 * or wrong), USHER_E_INPUT (damaged, or of a kind that no mail program takes), USHER_E_UNAVAILABLE
 * (needs the legacy provider, which is not installed), USHER_E_LIMIT, USHER_E_NOMEM. */
USHER_CHECK usher_status
cert_key_read(
    struct slice file, const struct secret *passphrase, struct buf *pem, struct usher_error *err);

/* Appends `key_pem` encrypted with `passphrase` (PBES2 with AES-256 and PBKDF2, RFC 8018).
 * Returns USHER_OK, USHER_E_USAGE (no passphrase), USHER_E_INPUT, USHER_E_NOMEM. */
USHER_CHECK usher_status
cert_key_encrypt(struct slice key_pem, const struct secret *passphrase, struct buf *pem,
    struct usher_error *err);

/* `key_pem` is encrypted, so that cert_key_read() needs a passphrase. */
bool
cert_key_is_encrypted(struct slice key_pem);

/* The first certificate in `certificate_pem` is for this key.
 * Returns USHER_OK, USHER_E_CONFLICT (it is for another), USHER_E_INPUT, USHER_E_NOMEM. */
USHER_CHECK usher_status
cert_key_fits(struct slice key_pem, struct slice certificate_pem, struct usher_error *err);

/* Kind and size for people: `RSA 2048`, `ECDSA P-256`, `Ed25519`.
 * Returns USHER_OK, USHER_E_INPUT, USHER_E_NOMEM. */
USHER_CHECK usher_status
cert_key_text(struct arena *mem, struct slice key_pem, const char **out, struct usher_error *err);

/* The SubjectPublicKeyInfo (RFC 5280, 4.1.2.7) of the first certificate as DER, to compare with
 * that of a request; and what cert_key_text() says of it. `text` may be NULL.
 * Returns USHER_OK, USHER_E_INPUT, USHER_E_NOMEM. */
USHER_CHECK usher_status
cert_public_key(struct arena *mem, struct slice certificate_pem, struct slice *spki,
    const char **text, struct usher_error *err);

#endif
