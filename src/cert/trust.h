/* trust.h - the roots that are believed, and the way from a certificate to them. */
#ifndef USHER_CERT_TRUST_H
#define USHER_CERT_TRUST_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"
#include "usher/status.h"

struct trust;

/* `ca_file` is a PEM file; NULL: the system's own store. `anchors_pem` (may be empty) is trusted as
 * well, such as the root of our own CA; when `only` is set, it alone is.
 * Returns USHER_OK, USHER_E_IO (`ca_file` cannot be read), USHER_E_INPUT, USHER_E_NOMEM. */
USHER_CHECK usher_status
trust_open(const char *ca_file, struct slice anchors_pem, bool only, struct trust **out,
    struct usher_error *err);

/* NULL is ignored. */
void
trust_free(struct trust *trust);

/* For CLEANUP(). */
void
trust_cleanup(struct trust **trust);

/* Completes a chain: `*out` is the leaf, then the certificates of `pem`, of `more_pem` (may be
 * empty) and of `trust` that lead from it to an anchor, without the root, as PEM; what has no part
 * in it is dropped. Where no anchor is reached, it goes as far as it can. Dates are not looked at.
 * Returns USHER_OK, USHER_E_INPUT, USHER_E_NOMEM. */
USHER_CHECK usher_status
trust_complete(struct arena *mem, const struct trust *trust, struct slice pem,
    struct slice more_pem, const char **out, struct usher_error *err);

#endif
