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

/* As err_set(), but USHER_E_NOMEM when that is why OpenSSL failed. OpenSSL's queue of errors is per
 * thread and outlives us: it is empty afterwards. */
usher_status
ssl_failed(struct usher_error *err, usher_status status, const char *where, const char *message);

/* The pem_password_cb for what must not ask on the terminal: none. */
int
no_passphrase(char *out, int n, int writing, void *context);

/* NULL when out of memory or longer than INT_MAX. */
BIO *
bio_on(struct slice s);

/* NULL when out of memory. */
const char *
bio_copy(struct arena *mem, BIO *bio);

/* Copies what i2d_…() allocated, `n` being its answer, and frees that.
 * Returns USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
der_take(struct arena *mem, unsigned char *der, int n, struct slice *out, struct usher_error *err);

/* RFC 4514 text without the escapes of bytes above 0x7f, as our texts are UTF-8; "" for the empty
 * name. Returns USHER_OK, USHER_E_INPUT (too long or no text), USHER_E_NOMEM. */
USHER_CHECK usher_status
name_text(struct arena *mem, const X509_NAME *name, const char **out, struct usher_error *err);

/* NULL when out of memory. */
X509_NAME *
name_make(const struct subject *s);

/* The DNS names and IP addresses of `sans` (may be NULL). How many others there are is in *others,
 * which may be NULL.
 * Returns USHER_OK, USHER_E_LIMIT, USHER_E_NOMEM. */
USHER_CHECK usher_status
sans_read(struct arena *mem, const GENERAL_NAMES *sans, struct text_list *out, size_t *others,
    struct usher_error *err);

/* Appends an extension, in the words of x509v3_config(5), to *list, which may begin as NULL. */
bool
extension_add(STACK_OF(X509_EXTENSION) * *list, X509V3_CTX *context, int nid, const char *value);

/* What a TLS server's certificate and a request for one have in common: usages, and `names` (by
 * cert_names_parse()) unless there are none; these are critical when there is no subject (RFC 5280,
 * 4.2.1.6). */
bool
server_extensions(STACK_OF(X509_EXTENSION) * *list, X509V3_CTX *context, const EVP_PKEY *key,
    const struct text_list *names, bool no_subject);

/* Returns USHER_OK, USHER_E_INPUT. */
USHER_CHECK usher_status
time_read(const ASN1_TIME *t, int64_t *out_s, struct usher_error *err);

/* Hexadecimal digest. NULL when out of memory. */
const char *
digest_text(struct arena *mem, struct slice bytes, const EVP_MD *md, bool upper);

/* The first certificate of a PEM text. Returns USHER_OK, USHER_E_INPUT, USHER_E_NOMEM. */
USHER_CHECK usher_status
certificate_load(struct slice pem, X509 **out, struct usher_error *err);

/* All certificates of a PEM text, at least one, at most `max`.
 * Returns USHER_OK, USHER_E_INPUT, USHER_E_LIMIT, USHER_E_NOMEM. */
USHER_CHECK usher_status
certificates_load(struct slice pem, int max, STACK_OF(X509) * *out, struct usher_error *err);

/* Appends their PEM. Returns USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
certificates_write(const STACK_OF(X509) * list, BIO *out, struct usher_error *err);

/* A key as this folder writes it: PKCS #8 PEM without passphrase. As certificate_load(). */
USHER_CHECK usher_status
key_load(struct slice pem, EVP_PKEY **out, struct usher_error *err);

/* Appends PKCS #8 PEM. Returns USHER_OK, USHER_E_LIMIT, USHER_E_NOMEM. */
USHER_CHECK usher_status
key_write(EVP_PKEY *key, struct buf *pem, struct usher_error *err);

/* As cert_key_text(). NULL when out of memory. */
const char *
key_text(struct arena *mem, const EVP_PKEY *key);

/* RSA, ECDSA or Ed25519: what mail programs take. */
bool
key_is_usable(const EVP_PKEY *key);

/* RSA below 2048 bits, a curve below 256 bits, or DSA. */
bool
key_is_weak(const EVP_PKEY *key);

/* The signature is by MD5, SHA-1 or older. */
bool
signature_is_weak(int nid);

#endif
