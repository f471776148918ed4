/* serving.h - what usherd would serve after a change of certificates, beside what it serves now. */
#ifndef USHER_CLI_SERVING_H
#define USHER_CLI_SERVING_H

#include "cli/certs.h"

/* Compares for each name of `before` what it gets now with what it gets once `after` (NULL:
 * nothing) stands in its place. Both have the same thumbprint; `before` is in `all`.
 *
 * Returns USHER_OK (no name gets less than it had), USHER_E_CONFLICT (err names one that does),
 * USHER_E_NOMEM, and what dir_each() returns. */
USHER_CHECK usher_status
serving_check(const struct judge *j, const struct cert_list *all, const struct certificate *before,
    const struct certificate *after, struct usher_error *err);

/* Names for which `c` is served once it is enabled: its host names, else all its own. */
const struct text_list *
serving_names(const struct certificate *c);

#endif
