/* inspect.h - what a certificate says, as the record the directory keeps. */
#ifndef USHER_CERT_INSPECT_H
#define USHER_CERT_INSPECT_H

#include "base/arena.h"
#include "base/slice.h"
#include "model/org.h"
#include "usher/status.h"

enum {
	CERT_PEM_BYTES = 64 * 1024, /* a chain of ten with long names is far below */
	CERT_CHAIN_MAX = 10,
	CERT_NAMES_MAX = 1000, /* SANs of one certificate */
	CERT_KEY_BYTES = 16 * 1024
};

/* Reads a PEM chain, leaf first. Sets thumbprint, sha256, subject, names, issuer, not_before,
 * not_after and pem (the certificates alone, rewritten) and leaves all else absent. `names` are
 * DNS names in lower case and IP addresses as text, as they stand in the certificate; empty when
 * it has none. Text outside the PEM blocks and other kinds of block are skipped.
 *
 * Returns USHER_OK, USHER_E_INPUT, USHER_E_LIMIT, USHER_E_NOMEM. */
USHER_CHECK usher_status
cert_inspect(struct arena *mem, struct slice pem, struct certificate *out, struct usher_error *err);

/* The serial number of the first certificate of `pem`, in upper-case hexadecimal digits as openssl
 * prints it. Returns USHER_OK, USHER_E_INPUT, USHER_E_NOMEM. */
USHER_CHECK usher_status
cert_serial_number(struct arena *mem, struct slice pem, const char **out, struct usher_error *err);

#endif
