/* selfsigned.h - certificates that vouch for themselves. */
#ifndef USHER_CERT_SELFSIGNED_H
#define USHER_CERT_SELFSIGNED_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "cert/subject.h"
#include "model/org.h"
#include "usher/status.h"

enum {
	SELFSIGNED_DAYS = 5 * 365 + 1, /* what Exchange gives since 2010; 2007 gave one year */
	SELFSIGNED_DAYS_MAX = 100 * 366
};

struct selfsigned {
	struct slice key_pem;
	struct subject subject;	       /* or empty, when there are names */
	const struct text_list *names; /* by cert_names_parse() */
	int64_t now_s;		       /* valid from an hour before, for clocks that are behind */
	int days;		       /* 1 to SELFSIGNED_DAYS_MAX, counted from `now_s` */
};

/* Makes a certificate for a TLS server, signed with its own key. *out is filled as by
 * cert_inspect(), its texts in `mem`.
 *
 * Returns USHER_OK, USHER_E_USAGE (neither subject nor names, or `days`), USHER_E_INPUT (the key),
 * USHER_E_LIMIT, USHER_E_NOMEM, USHER_E_INTERNAL. */
USHER_CHECK usher_status
cert_selfsigned_make(struct arena *mem, const struct selfsigned *wanted, struct certificate *out,
    struct usher_error *err);

/* The certificate a new server begins with, as Exchange Setup makes it: an ECDSA P-256 key, CN the
 * first label of `fqdn`, SANs the label and the whole name, SELFSIGNED_DAYS. `fqdn` in A-labels.
 *
 * mem   owns the texts of *out, whose friendly_name is set.
 * key   the private key as PEM (PKCS #8) is appended; the caller wipes it.
 *
 * Returns USHER_OK, USHER_E_ADDRESS (`fqdn` is too long or none), USHER_E_NOMEM, USHER_E_INTERNAL.
 */
USHER_CHECK usher_status
cert_selfsigned(struct arena *mem, const char *fqdn, int64_t now_s, struct buf *key,
    struct certificate *out, struct usher_error *err);

#endif
