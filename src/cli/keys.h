/* keys.h - private keys inside a transaction, so that none is ever without its row (cert/store.h).
 */
#ifndef USHER_CLI_KEYS_H
#define USHER_CLI_KEYS_H

#include "base/slice.h"
#include "cli/changes.h"

/* The SHA-256 that names the key file of `record`, which is of entity `e`; NULL when records of
 * that entity have no keys. */
const char *
keys_name(const struct entity *e, const void *record);

/* Removes key files that no certificate, request or authority names, and writes `key_pem` for what
 * will have `sha256`; a dry run does neither. Call it before changes_put() of that record, and
 * before anything is removed in the same transaction, whose key would otherwise be gone though the
 * removal may yet fail.
 *
 * Returns USHER_OK, USHER_E_INPUT, USHER_E_PERMISSION, USHER_E_IO, USHER_E_NOMEM, and what
 * dir_each() returns. */
USHER_CHECK usher_status
keys_put(struct changes *c, const char *sha256, struct slice key_pem, struct usher_error *err);

/* The first half of it alone: for commands that remove. */
USHER_CHECK usher_status
keys_sweep(struct changes *c, struct usher_error *err);

/* After a command has removed rows: sweeps away their keys, in a transaction of its own. When that
 * fails, whoever changes something next does it. */
void
keys_tidy(struct cli *cli);

#endif
