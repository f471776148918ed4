/* bundle.h - certificates, chain and key out of whatever file somebody has. */
#ifndef USHER_CERT_BUNDLE_H
#define USHER_CERT_BUNDLE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"
#include "base/slice.h"
#include "model/field.h"
#include "usher/status.h"

enum {
	BUNDLE_BYTES = 512 * 1024,	/* a leaf and all roots of a system */
	BUNDLE_CERTIFICATES = 256,	/* in one file */
	BUNDLE_ROUNDS = 5 * 1000 * 1000 /* of key derivation for one file: some seconds */
};

struct bundle {
	const char *pem;  /* leaf first, each certificate signed by the next, no root */
	size_t n;	  /* certificates in `pem`, at least 1 */
	const char *root; /* PEM of the self-signed root above them when the file has it, or NULL */
	const char *friendly_name; /* of PKCS #12, or NULL */
	struct text_list notes;	   /* for people: what was odd about the file; no full stop */
};

/* Reads PEM with anything in any order (certificates, PKCS #7, PKCS #12, keys, text), DER (one or
 * several certificates, PKCS #7, PKCS #12), and base64 without its frame; also when Windows wrote
 * it in UTF-16. The leaf is the certificate of the key in the file; without a key the one that has
 * issued none of the others.
 *
 * A PKCS #12 password is a Unicode text (RFC 7292, appendix B); what writers made of other letters
 * than ASCII's before they knew is tried as well. RC2 and single DES come from OpenSSL's legacy
 * provider in a library context of our own.
 *
 * password  NULL or empty: none.
 * key	     the private key is appended as PKCS #8 PEM, or nothing when the file has none. The
 *	     caller wipes it.
 *
 * Returns USHER_OK, USHER_E_INPUT (damaged, truncated, of another kind, or no certificate in it),
 * USHER_E_CREDENTIALS (a password is needed, or this one is wrong), USHER_E_CONFLICT (no
 * certificate in it is for the key in it), USHER_E_UNAVAILABLE (needs the legacy provider, which is
 * not installed), USHER_E_LIMIT, USHER_E_NOMEM. */
USHER_CHECK usher_status
bundle_read(struct arena *mem, struct slice file, const struct secret *password, struct bundle *out,
    struct buf *key, struct usher_error *err);

#endif
