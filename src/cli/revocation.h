/* revocation.h - asks a certificate's authority whether it has revoked it. */
#ifndef USHER_CLI_REVOCATION_H
#define USHER_CLI_REVOCATION_H

#include "base/arena.h"
#include "cert/verdict.h"

/* Asks the responder that the first certificate of `chain_pem` names (OCSP). *out is
 * REVOCATION_UNASKED when it names none; with REVOCATION_FAILED, *trouble says why, in `mem`.
 * Returns USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
revocation_ask(struct arena *mem, struct slice chain_pem, const struct trust *trust, int64_t now_s,
    uint64_t timeout_ms, enum revocation *out, const char **trouble, struct usher_error *err);

#endif
