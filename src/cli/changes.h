/* changes.h - one transaction and the report of what it changed.
 *
 * A report is printed after the commit only: what a command says has happened, has happened. */
#ifndef USHER_CLI_CHANGES_H
#define USHER_CLI_CHANGES_H

#include "cli/command.h"

enum { CHANGES_SHOWN = 1000 }; /* further ones are counted */

struct change {
	const struct entity *entity;
	enum dir_change kind;
	const char *key;
	/* NULL: there was, or will be, none. */
	const void *before, *after;
};

struct changes {
	struct cli *cli;
	struct dir *dir; /* writable, a transaction is open */
	bool many;	 /* unchanged records are counted and not shown */
	bool moved;	 /* redirects have changed */
	bool brief;	 /* as text, leave it to `report` to say what changed */
	struct change shown[CHANGES_SHOWN];
	size_t n_shown;
	size_t counts[DIR_REMOVED + 1]; /* by enum dir_change; DIR_SAME is counted, not shown */
};

/* Opens the directory with `flags`, begins, runs `work`, commits (or rolls back, with --dry-run),
 * and reports. Gives the exit status; errors are printed. With DIR_READ, --dry-run must be set, and
 * `work` can only compare.
 *
 * Whatever fails, nothing is changed. `work` and `report` return USHER_OK or fill `err`. `report`
 * may be NULL; it is called inside the object that is printed, after the changes. */
int
changes_run(struct cli *cli, unsigned flags,
    usher_status (*work)(struct changes *c, void *payload, struct usher_error *err),
    void (*report)(struct changes *c, void *payload), void *payload);

/* The same with DIR_WRITE, and makes the directory when there is none; a dry run then works on one
 * that is thrown away. */
int
changes_run_or_make(struct cli *cli,
    usher_status (*work)(struct changes *c, void *payload, struct usher_error *err),
    void (*report)(struct changes *c, void *payload), void *payload);

/* Brings `record` into canonical form, checks and stores it, and notes what that changed. Do not
 * use the record afterwards: the texts of its canonical form are gone. */
USHER_CHECK usher_status
changes_put(struct changes *c, const struct entity *e, void *record, struct usher_error *err);

/* Removes what has the key, and notes it. */
USHER_CHECK usher_status
changes_remove(struct changes *c, const struct entity *e, const void *key, struct usher_error *err);

/* Notes what changes_put() and changes_remove() would do, from looking alone. */
USHER_CHECK usher_status
changes_compare(struct changes *c, const struct entity *e, void *record, struct usher_error *err);
USHER_CHECK usher_status
changes_compare_gone(
    struct changes *c, const struct entity *e, const void *record, struct usher_error *err);

/* Prints one change as an object: `entity`, `key`, `change`, `members`. */
void
changes_write(struct cli *cli, const struct change *change);

/* `same`, `created`, `changed`, `removed`. */
const char *
change_name(enum dir_change kind);

#endif
