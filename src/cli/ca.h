/* ca.h - the private authorities of `usher ca`, for commands that need one. */
#ifndef USHER_CLI_CA_H
#define USHER_CLI_CA_H

#include "cli/command.h"

enum { CA_FILE_BYTES = 256 * 1024 }; /* of what is issued, and of a root in any form */

/* The authority `name`, or without one (NULL) the only one that there is. USHER_E_ABSENT,
 * USHER_E_USAGE (there are several), USHER_E_NOMEM, and what dir_each() returns. */
USHER_CHECK usher_status
ca_find(struct arena *mem, struct dir *dir, const char *name, struct authority *out,
    struct usher_error *err);

/* Opens the directory to look, and finds. Prints and gives the exit status when that fails; the
 * caller closes *dir, NULL or not, in any case. */
int
ca_open(struct cli *cli, const char *name, struct dir **dir, struct authority *out);

/* The passphrase of the authority `name`, by cli_password(). */
USHER_CHECK usher_status
ca_passphrase(
    const char *file, const char *name, bool twice, struct secret *out, struct usher_error *err);

/* Members of the object that is open: what people compare before they install a root, and for what
 * and how long it holds. */
void
ca_write(struct cli *cli, const struct authority *a);

/* Writes `bytes` into the file `name` (`-` is standard output) unless they are there already, and
 * tells whether it did, or would without --dry-run. As cli_write_file(), and USHER_E_CONFLICT when
 * a private key would be lost by it. */
USHER_CHECK usher_status
ca_put_file(
    struct cli *cli, const char *name, struct slice bytes, bool *changed, struct usher_error *err);

#endif
