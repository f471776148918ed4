/* tls_sign.h - signing with the certificates of a set. */
#ifndef USHER_SERVER_TLS_SIGN_H
#define USHER_SERVER_TLS_SIGN_H

#include <stdbool.h>

#include "base/buf.h"
#include "server/tls.h"

enum { TLS_SIGNED_BYTES = 256 * 1024 }; /* a profile and the longest chain */

/* tls_set_sign() takes no longer with this name than a handshake does: no need for the pool. */
bool
tls_set_signs_quickly(const struct tls_set *set, const char *name);

/* Signs `content` as CMS with the certificate that a client asking for `name` gets (NULL: that of
 * clients without a name). Any thread, several at a time.
 *
 * Returns as cms_sign(), and USHER_E_INPUT when the set is empty. After USHER_E_INPUT, *told says
 * whether it has come for this certificate before: it comes every time. */
USHER_CHECK usher_status
tls_set_sign(const struct tls_set *set, const char *name, struct slice content, struct buf *out,
    bool *told, struct usher_error *err);

#endif
