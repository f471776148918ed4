/* file.h - whole small files. */
#ifndef USHER_CLI_FILE_H
#define USHER_CLI_FILE_H

#include "base/buf.h"
#include "usher/status.h"

/* Appends all of `name` (`-` is standard input) to `out`.
 * Returns USHER_OK, USHER_E_ABSENT, USHER_E_PERMISSION, USHER_E_IO, USHER_E_LIMIT (out->max),
 * USHER_E_NOMEM. */
USHER_CHECK usher_status
cli_read_file(const char *name, struct buf *out, struct usher_error *err);

enum file_mode { FILE_PUBLIC = 0644, FILE_PRIVATE = 0600 }; /* less what the umask takes away */

/* Puts `bytes` in the place of the file `name`, whole and on disk or not at all; `-` is standard
 * output. The file has its mode from its first instant.
 * Returns USHER_OK, USHER_E_PERMISSION, USHER_E_IO. */
USHER_CHECK usher_status
cli_write_file(const char *name, struct slice bytes, enum file_mode mode, struct usher_error *err);

#endif
