/* x509.h - pieces of OpenSSL's objects as plain data, for the files of this folder. */
#ifndef USHER_CERT_X509_H
#define USHER_CERT_X509_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "cert/own.h"
#include "cert/subject.h"
#include "model/field.h"
#include "usher/status.h"

/* As err_set(), but USHER_E_NOMEM when OpenSSL says so. OpenSSL's queue of errors is per thread and
 * outlives us: it is empty afterwards. */
usher_status
ssl_failed(struct usher_error *err, usher_status status, const char *where, const char *message);

/* RFC 4514 text without the escapes of bytes above 0x7f, as our texts are UTF-8. NULL when it is
 * too long or no text, too. "" for the empty name. */
const char *
name_text(struct arena *mem, const X509_NAME *name);

/* The DNS names and IP addresses of `sans` (may be NULL); how many others there are is in *others,
 * which may be NULL.
 * Returns USHER_OK, USHER_E_LIMIT, USHER_E_NOMEM. */
USHER_CHECK usher_status
sans_read(struct arena *mem, const GENERAL_NAMES *sans, struct text_list *out, size_t *others,
    struct usher_error *err);

/* The extension value for `names`, by cert_names_parse(). NULL when out of memory. */
GENERAL_NAMES *
sans_make(const struct text_list *names);

/* Returns USHER_OK, USHER_E_INPUT. */
USHER_CHECK usher_status
time_read(const ASN1_TIME *t, int64_t *out_s, struct usher_error *err);

/* Hexadecimal digest. NULL when out of memory. */
const char *
digest_text(struct arena *mem, struct slice bytes, const EVP_MD *md, bool upper);

/* NULL when out of memory. */
X509_NAME *
name_make(const struct subject *s);

/* The first certificate of a PEM text. Returns USHER_OK, USHER_E_INPUT, USHER_E_NOMEM. */
USHER_CHECK usher_status
certificate_load(struct slice pem, X509 **out, struct usher_error *err);

/* A key as this folder writes it: PKCS #8 PEM without passphrase. As certificate_load(). */
USHER_CHECK usher_status
key_load(struct slice pem, EVP_PKEY **out, struct usher_error *err);

/* Appends PKCS #8 PEM. Returns USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
key_write(EVP_PKEY *key, struct buf *pem, struct usher_error *err);

/* As cert_key_text(). NULL when out of memory. */
const char *
key_text(struct arena *mem, const EVP_PKEY *key);

/* What `key` signs requests and certificates with; NULL when the kind brings its own (Ed25519). */
const EVP_MD *
key_digest(const EVP_PKEY *key);

#endif
