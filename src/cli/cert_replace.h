/* cert_replace.h - one certificate takes another's place. */
#ifndef USHER_CLI_CERT_REPLACE_H
#define USHER_CLI_CERT_REPLACE_H

#include "cli/certs.h"
#include "cli/changes.h"

/* A name for which `old` is enabled and which `fresh` does not have; NULL when there is none. */
const char *
cert_lacks(const struct certificate *fresh, const struct certificate *old);

/* Gives `fresh` the services, listeners, host names and the ACME directory of `old`, before it is
 * stored. */
void
cert_inherit(struct certificate *fresh, const struct certificate *old);

/* Afterwards: domains that name `old` name `fresh`, and `old` has no services any more; its row and
 * its key stay, so that there is a way back. `to` NULL: domains name none, and nothing else is
 * done. Returns as changes_put() and dir_each(). */
USHER_CHECK usher_status
cert_replace(
    struct changes *c, const struct certificate *old, const char *to, struct usher_error *err);

/* The domains whose own certificate it is. Returns USHER_OK, USHER_E_NOMEM, and what dir_each()
 * returns. */
USHER_CHECK usher_status
cert_domains(struct arena *mem, struct dir *dir, const char *thumbprint, struct text_list *out,
    struct usher_error *err);

#endif
