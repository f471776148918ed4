/* store.h - private keys: one file of mode 0600 per certificate beside the directory.
 *
 * A key without its row, or a row without its key, must never outlive a kill -9. Hence the order,
 * all of it between dir_begin() and dir_commit(), whose lock keeps other writers out:
 *
 *	add:	cert_key_sweep(), cert_key_put(), dir_put(), dir_commit()
 *	remove:	cert_key_sweep(), dir_remove(), dir_commit()
 *
 * A crash or a failed commit in between leaves at most a file that no row names, which the next
 * writer's sweep removes; so does the key of a removed certificate until then.
 *
 * `stem` is dir_stem(): keys lie in the folder `stem`.keys, so that two directories in one folder
 * never sweep each other's. */
#ifndef USHER_CERT_STORE_H
#define USHER_CERT_STORE_H

#include "base/buf.h"
#include "base/slice.h"
#include "model/field.h"
#include "usher/status.h"

/* Writes `key_pem` for the certificate whose SHA-256 is `sha256` (64 lower-case digits) so that it
 * is whole and on disk when this returns. Replaces an older file. Of several writers at once each
 * writes a whole file, and the last one's stays.
 * Returns USHER_OK, USHER_E_INPUT (`sha256`), USHER_E_PERMISSION, USHER_E_IO. */
USHER_CHECK usher_status
cert_key_put(const char *stem, const char *sha256, struct slice key_pem, struct usher_error *err);

/* Appends the key to `out`, which the caller wipes with buf_wipe().
 * Returns USHER_OK, USHER_E_ABSENT, USHER_E_INPUT, USHER_E_TRUST (others may read the file),
 * USHER_E_PERMISSION, USHER_E_IO, USHER_E_LIMIT, USHER_E_NOMEM. */
USHER_CHECK usher_status
cert_key_get(const char *stem, const char *sha256, struct buf *out, struct usher_error *err);

/* Removes the key files but those of the certificates in `known` (their sha256); files that are not
 * ours stay.
 * Returns USHER_OK (also when there is no such folder), USHER_E_PERMISSION, USHER_E_IO. */
USHER_CHECK usher_status
cert_key_sweep(const char *stem, const struct text_list *known, struct usher_error *err);

/* Path of a key file for messages, cut when it does not fit. */
void
cert_key_path(const char *stem, const char *sha256, char *out, size_t out_bytes);

#endif
