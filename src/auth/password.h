/* password.h - password hashes of crypt(5). The slow calls here belong on a thread that may block.
 */
#ifndef USHER_AUTH_PASSWORD_H
#define USHER_AUTH_PASSWORD_H

#include <stdbool.h>

#include "base/secret.h"
#include "usher/status.h"

enum { PASSWORD_HASH_BYTES = 384 };

/* Makes a yescrypt hash with a fresh salt and the library's default cost.
 * Returns USHER_OK, USHER_E_INPUT (empty, or longer than crypt(3) takes), USHER_E_NOMEM,
 * USHER_E_INTERNAL. */
USHER_CHECK usher_status
password_hash(
    const struct secret *password, char out[PASSWORD_HASH_BYTES], struct usher_error *err);

/* Whether crypt(3) of this system can verify a password against `hash`. Locked (`!`, `*`), empty,
 * unknown and DES ones are not usable. NULL is not. */
bool
password_hash_usable(const char *hash);

/* Compares in constant time. An empty password and an unusable hash are wrong, after the work of a
 * decoy.
 * Returns USHER_OK (right), USHER_E_CREDENTIALS (wrong), USHER_E_NOMEM (nobody knows: hashes of
 * today take megabytes). */
USHER_CHECK usher_status
password_verify(const struct secret *password, const char *hash);

/* Spends the time that password_verify() takes on a hash like `example`, or on one of ours when
 * `example` is NULL or unusable: so that an unknown user costs what a known one costs.
 * Returns USHER_E_CREDENTIALS, USHER_E_NOMEM. */
USHER_CHECK usher_status
password_decoy(const struct secret *password, const char *example);

#endif
