/* file.h - whole small files as text. */
#ifndef USHER_CLI_FILE_H
#define USHER_CLI_FILE_H

#include "base/buf.h"
#include "usher/status.h"

/* Appends all of `name` (`-` is standard input) to `out`.
 * Returns USHER_OK, USHER_E_ABSENT, USHER_E_PERMISSION, USHER_E_IO, USHER_E_LIMIT (out->max),
 * USHER_E_NOMEM. */
USHER_CHECK usher_status
cli_read_file(const char *name, struct buf *out, struct usher_error *err);

#endif
