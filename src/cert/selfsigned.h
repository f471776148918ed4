/* selfsigned.h - the certificate a new server begins with, as Exchange Setup makes it. */
#ifndef USHER_CERT_SELFSIGNED_H
#define USHER_CERT_SELFSIGNED_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "model/org.h"
#include "usher/status.h"

enum { SELFSIGNED_YEARS = 5 }; /* what Exchange gives since 2010; 2007 gave one */

/* Makes an ECDSA P-256 key and a certificate for `fqdn` signed with it: CN is the first label,
 * SANs are the label and the whole name; serverAuth, SHA-256, valid from `now_s` (less an hour, for
 * clocks that are behind) for SELFSIGNED_YEARS. `fqdn` in A-labels.
 *
 * mem   owns the texts of *out, which is filled as by cert_inspect() with friendly_name set.
 * key   the private key as PEM (PKCS #8) is appended; the caller wipes it.
 *
 * Returns USHER_OK, USHER_E_ADDRESS (`fqdn` is too long), USHER_E_NOMEM, USHER_E_INTERNAL. */
USHER_CHECK usher_status
cert_selfsigned(struct arena *mem, const char *fqdn, int64_t now_s, struct buf *key,
    struct certificate *out, struct usher_error *err);

#endif
