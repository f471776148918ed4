/* build.h - the steps by which certificates are made. For the files of this folder. */
#ifndef USHER_CERT_BUILD_H
#define USHER_CERT_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/bio.h>
#include <openssl/x509.h>

#include "base/slice.h"
#include "model/field.h"

/* Version 3, and a random serial number of 20 octets (RFC 5280, 4.1.2.2). */
bool
build_begin(X509 *x);

/* Both in Unix seconds. The beginning is set an hour earlier, for clocks that are behind. */
bool
build_period(X509 *x, int64_t from_s, int64_t until_s);

struct build_row {
	int nid;
	const char *value; /* in OpenSSL's syntax of extensions: nothing that others wrote */
};

/* Adds one extension per row. `issuer` is `x` itself when it vouches for itself. */
bool
build_extensions(X509 *x, X509 *issuer, const struct build_row *rows, size_t n);

/* The same of a TLS server's certificate for `names` (by cert_names_parse()). Subject and key of
 * `x` are set before. */
bool
build_server_extensions(X509 *x, X509 *issuer, const struct text_list *names);

/* SHA-256, or NULL for a key that has its digest inside (Ed25519). */
const EVP_MD *
build_digest(const EVP_PKEY *key);

/* Signs with build_digest(). */
bool
build_sign(X509 *x, EVP_PKEY *key);

/* What was written to a memory BIO; valid until the next write. */
struct slice
bio_slice(BIO *bio);

#endif
