/* pkcs12.h - a key and its chain in one file with a password (PKCS #12, RFC 7292). */
#ifndef USHER_CERT_PKCS12_H
#define USHER_CERT_PKCS12_H

#include "base/buf.h"
#include "base/secret.h"
#include "base/slice.h"
#include "usher/status.h"

enum pkcs12_form {
	PKCS12_MODERN = 0, /* AES-256, PBKDF2 and HMAC with SHA-256: Windows 10 1709, macOS 15 */
	PKCS12_LEGACY	   /* 3DES and SHA-1: all older ones read nothing else */
};

/* Appends the DER. `chain_pem` is leaf first; `friendly_name` may be NULL; `password` may be NULL
 * or empty, and is then the empty one, which all programs can be given.
 *
 * Returns USHER_OK, USHER_E_INPUT (the chain or the key), USHER_E_CONFLICT (the key is another
 * certificate's), USHER_E_LIMIT, USHER_E_NOMEM, USHER_E_INTERNAL. */
USHER_CHECK usher_status
pkcs12_write(struct slice chain_pem, struct slice key_pem, const char *friendly_name,
    const struct secret *password, enum pkcs12_form form, struct buf *out, struct usher_error *err);

#endif
