/* ldif.h - changes of a directory as text (LDIF, RFC 2849). */
#ifndef USHER_WIRE_LDIF_H
#define USHER_WIRE_LDIF_H

#include "base/buf.h"
#include "model/ldap.h"

/* Appends one change record and the empty line that ends it. Values that are not plain ASCII are in
 * base64, so that any mail or terminal carries them. */
void
ldif_write(struct buf *b, const struct ldap_change *change);

#endif
