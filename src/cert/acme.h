/* acme.h - what renewal by ACME (RFC 8555) keeps beside the directory: in the folder `stem`.acme
 * the keys of accounts, the answers to challenges, and the order that is under way.
 *
 * One renewal at a time holds the lock. A crash leaves at most an order that nobody will finish and
 * answers that nobody will ask for, which the next one sweeps away. */
#ifndef USHER_CERT_ACME_H
#define USHER_CERT_ACME_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/slice.h"
#include "cert/folder.h"
#include "usher/status.h"

enum {
	ACME_TOKEN_MAX = 128, /* RFC 8555, 8.1: at least 22 letters; no CA has over 43 */
	ACME_ORDER_BYTES = FOLDER_PATH_BYTES + 64,
	ACME_AUTHORIZATION_MAX = 256 /* a token, a dot, and a SHA-256 in base64url */
};

/* Where usherd answers HTTP-01 (RFC 8555, 8.3); a token follows. */
#define ACME_CHALLENGE_PATH "/.well-known/acme-challenge/"

/* It is base64url and nothing else (RFC 8555, 8.1): never a path. */
bool
acme_token_valid(struct slice token);

/* The answer to the challenge of that token: the key authorization.
 * Returns USHER_OK, USHER_E_INPUT (no such token can be, or the answer is not to it),
 * USHER_E_ABSENT (no renewal is under way), USHER_E_PERMISSION, USHER_E_IO. */
USHER_CHECK usher_status
acme_answer_put(
    const char *stem, struct slice token, struct slice authorization, struct usher_error *err);

/* Appends it to `out`. Returns USHER_OK, USHER_E_ABSENT (also when no such token can be), and as
 * folder_get(). */
USHER_CHECK usher_status
acme_answer_get(const char *stem, struct slice token, struct buf *out, struct usher_error *err);

/* That it is not there is no fault. Returns USHER_OK, USHER_E_INPUT, USHER_E_PERMISSION,
 * USHER_E_IO. */
USHER_CHECK usher_status
acme_answer_remove(const char *stem, struct slice token, struct usher_error *err);

/* ---- whoever renews ---- */

/* Makes the folder `stem`.acme, takes the lock on it, and sweeps away what a crash has left.
 * Returns USHER_OK (release with acme_close()), USHER_E_UNAVAILABLE (another renewal is under way),
 * USHER_E_PERMISSION, USHER_E_IO. */
USHER_CHECK usher_status
acme_open(const char *stem, struct folder *out, struct usher_error *err);

/* The folder that uacme keeps an account in, one for each ACME server, whose directory URL is
 * `url`: made, with a new key (P-256), when there is none. Its path is written to `path`. Returns
 * USHER_OK, USHER_E_TRUST (others may read the key), USHER_E_PERMISSION, USHER_E_IO, USHER_E_LIMIT,
 * USHER_E_NOMEM, USHER_E_INTERNAL. */
USHER_CHECK usher_status
acme_account(const struct folder *home, const char *url, char path[FOLDER_PATH_BYTES],
    struct usher_error *err);

/* Files of an order, whose name nothing had before: what an orphan of a renewal that was killed may
 * still write is never taken for ours. */
struct acme_order {
	char request[ACME_ORDER_BYTES];
	char certificate[ACME_ORDER_BYTES]; /* where uacme writes it */
};

/* Returns USHER_OK, USHER_E_PERMISSION, USHER_E_IO. */
USHER_CHECK usher_status
acme_order(const struct folder *home, struct slice request_pem, struct acme_order *out,
    struct usher_error *err);

/* Takes order and answers away, and gives up the lock. A folder whose fd is -1 is left alone. */
void
acme_close(struct folder *home);

#endif
