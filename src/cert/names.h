/* names.h - the host names that a certificate is asked for, in one form. */
#ifndef USHER_CERT_NAMES_H
#define USHER_CERT_NAMES_H

#include "base/arena.h"
#include "base/slice.h"
#include "model/field.h"
#include "usher/status.h"

/* Takes a host name in U-labels or A-labels, `*.name` or an IP address (IPv6 with or without
 * brackets), and gives A-labels in lower case or the shortest form of the address. A wildcard is
 * the whole leftmost label and nothing else (RFC 6125, 6.4.3; RFC 9525, 6.3), and stands below a
 * name that somebody can own: not `*.com`.
 *
 * Underscores are taken, since DNS has them and servers of old domains are called so;
 * cert_name_private() has the word about them.
 *
 * Returns USHER_OK, USHER_E_ADDRESS, USHER_E_NOMEM. */
USHER_CHECK usher_status
cert_name_parse(struct arena *mem, struct slice text, const char **out, struct usher_error *err);

/* All of `typed` by cert_name_parse(), each once, in the order of their first mention.
 * Returns as cert_name_parse(), and USHER_E_LIMIT above CERT_NAMES_MAX (cert/inspect.h). */
USHER_CHECK usher_status
cert_names_parse(struct arena *mem, const struct text_list *typed, struct text_list *out,
    struct usher_error *err);

/* Why no public CA issues a certificate for this name, or NULL when one may (CA/Browser Forum,
 * Baseline Requirements 4.2.2 and 7.1.4.2): an underscore, a single label, a top-level domain that
 * is nobody's, a private address. Fixed text that follows the name: "has an underscore, …". */
const char *
cert_name_private(const char *name);

#endif
