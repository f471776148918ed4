/* record.h - directory records as the command line gives and shows them. */
#ifndef USHER_CLI_RECORD_H
#define USHER_CLI_RECORD_H

#include "base/buf.h"
#include "cli/command.h"

/* Sets one member from text as an option or a file gives it: lists with commas between, switches
 * `on` or `off`, choices by name; "" makes it absent. Strings are in `mem`.
 * USHER_E_INPUT (says what is allowed), USHER_E_NOMEM. */
USHER_CHECK usher_status
record_set_text(struct arena *mem, const struct field *f, void *record, const char *text,
    struct usher_error *err);

/* Makes a record of cli->command's entity with the key members that operands and options give, in
 * canonical form. When a key `server` is among those that are missing, and the directory has one
 * server only, it is that; `dir` may be NULL to leave it out.
 * *complete tells whether all key members are set. */
USHER_CHECK usher_status
record_key(struct cli *cli, struct dir *dir, void *record, bool *complete, struct usher_error *err);

/* Sets the members that options named, keys left out. Lists given several times add up. */
USHER_CHECK usher_status
record_apply_settings(struct cli *cli, void *record, struct usher_error *err);

/* Appends the member for people: `on`, `a, b`; a dash when absent, dots for a secret. */
void
record_member_text(struct buf *b, const struct field *f, const void *record);

#endif
