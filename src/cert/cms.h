/* cms.h - signed data (RFC 5652), as Apple's systems want their profiles (autoconfig.md 4.4).
 *
 * For the files that hold OpenSSL's objects; cert/ and server/tls are where these are at home. */
#ifndef USHER_CERT_CMS_H
#define USHER_CERT_CMS_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"
#include "usher/status.h"

/* Signing with this key takes tens of microseconds: no longer than a TLS handshake does with it. */
bool
cms_is_quick(const EVP_PKEY *key);

/* A certificate and its key, with what is the same in each signature made ready. */
struct cms_signer;

/* Takes references of its own; `chain` may be NULL. USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
cms_signer_new(X509 *certificate, EVP_PKEY *key, STACK_OF(X509) * chain, struct cms_signer **out,
    struct usher_error *err);

/* NULL is ignored. */
void
cms_signer_free(struct cms_signer *signer);

/* Appends the DER of SignedData with `content` and the certificates in it, signed with SHA-256 and
 * the time of signing. Several threads may use one signer at a time.
 *
 * Returns USHER_OK, USHER_E_INPUT (the key is of a kind that CMS has no words for), USHER_E_LIMIT
 * (over the ceiling of `out`), USHER_E_NOMEM. */
USHER_CHECK usher_status
cms_sign(const struct cms_signer *signer, struct slice content, struct buf *out,
    struct usher_error *err);

#endif
