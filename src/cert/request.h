/* request.h - certificate requests (PKCS #10, RFC 2986): made, and read from whoever made them. */
#ifndef USHER_CERT_REQUEST_H
#define USHER_CERT_REQUEST_H

#include "base/arena.h"
#include "base/slice.h"
#include "cert/subject.h"
#include "model/field.h"
#include "usher/status.h"

/* What is wrong with a request that was read and whose signature is good. */
enum request_fault {
	REQUEST_WEAK_KEY = 0,	/* RSA below 2048 bits */
	REQUEST_WEAK_SIGNATURE, /* MD5 or SHA-1 */
	REQUEST_NO_NAMES,	/* no DNS name and no IP address: its common name must do */
	REQUEST_WANTS_CA,	/* asks to be a CA */
	REQUEST_FAULT_COUNT
};

struct request {
	const char *pem;	/* rewritten: CERTIFICATE REQUEST, nothing around it */
	struct slice der;	/* as it came */
	const char *thumbprint; /* SHA-1 of the DER, 40 upper-case digits */
	const char *sha256;	/* of the DER, 64 lower-case digits; names the key file */
	const char *subject;	/* RFC 4514; "" when empty */
	struct slice subject_der;
	const char *common_name; /* nearest to the leaf, or NULL */
	struct text_list names;	 /* SANs: DNS names in lower case, IP addresses */
	size_t n_other_names;	 /* SANs of other kinds, which we pass over */
	struct slice public_key; /* SubjectPublicKeyInfo */
	const char *key;	 /* `RSA 2048`, as cert_key_text() */
	const char *signature;	 /* algorithm as OpenSSL names it */
	unsigned faults;	 /* bit 1 << enum request_fault */
};

/* Makes a request for `key_pem` with the SANs `names` (by cert_names_parse()), the usage of a TLS
 * server, and no identifier of the key: certtool, told to honour a request, stumbles over it.
 * Subject or names may be empty, not both.
 *
 * Returns USHER_OK, USHER_E_USAGE (neither subject nor names), USHER_E_INPUT (the key),
 * USHER_E_LIMIT, USHER_E_NOMEM, USHER_E_INTERNAL. */
USHER_CHECK usher_status
request_make(struct arena *mem, struct slice key_pem, const struct subject *subject,
    const struct text_list *names, struct request *out, struct usher_error *err);

/* Reads a request, PEM (also as `NEW CERTIFICATE REQUEST`, also in UTF-16, as PowerShell writes) or
 * DER. Attributes we do not know, such as Microsoft's, are passed over.
 *
 * Returns USHER_OK, USHER_E_INPUT (damaged, no request, or signed with another key), USHER_E_LIMIT,
 * USHER_E_NOMEM. */
USHER_CHECK usher_status
request_read(struct arena *mem, struct slice file, struct request *out, struct usher_error *err);

/* What the fault is, whom it hits and what to do; fixed text, no full stop. */
const char *
request_fault_text(enum request_fault fault);

#endif
