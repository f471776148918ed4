/* cms_write.h - SignedData by an ECDSA key, written without OpenSSL's tree of objects. For cms.c.
 */
#ifndef USHER_CERT_CMS_WRITE_H
#define USHER_CERT_CMS_WRITE_H

#include <openssl/x509.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"
#include "usher/status.h"

/* Whether there can be a writer for this key: for any on an elliptic curve. */
bool
cms_writes_for(const EVP_PKEY *key);

/* Before the year 2050, in which the notation of dates changes (RFC 5652, 11.3). */
bool
cms_writes_now(void);

/* What is the same in all signatures of a certificate's key. */
struct cms_writer;

/* Refers to none of them afterwards but the key, of which it takes a reference. NULL when out of
 * memory. */
struct cms_writer *
cms_writer_new(X509 *certificate, EVP_PKEY *key, const STACK_OF(X509) * chain);

/* NULL is ignored. */
void
cms_writer_free(struct cms_writer *writer);

/* As cms_sign(), but never USHER_E_INPUT. */
USHER_CHECK usher_status
cms_write(const struct cms_writer *writer, struct slice content, struct buf *out,
    struct usher_error *err);

#endif
