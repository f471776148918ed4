/* cms_write.h - SignedData by an ECDSA key, written without OpenSSL's tree of objects. For cms.c.
 */
#ifndef USHER_CERT_CMS_WRITE_H
#define USHER_CERT_CMS_WRITE_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"
#include "usher/status.h"

/* Whether cms_write() can sign with this key now: any on an elliptic curve, before the year 2050,
 * in which the notation of dates changes (RFC 5652, 11.3). */
bool
cms_write_can(const EVP_PKEY *key);

/* As cms_sign(), with a key that cms_write_can() takes: so never USHER_E_INPUT. */
USHER_CHECK usher_status
cms_write(X509 *certificate, EVP_PKEY *key, const STACK_OF(X509) * chain, struct slice content,
    struct buf *out, struct usher_error *err);

#endif
