/* options.h - the command line: words to a command, its options and operands. */
#ifndef USHER_CLI_OPTIONS_H
#define USHER_CLI_OPTIONS_H

#include "cli/command.h"

struct parsed {
	const struct command *command; /* NULL with `help` or `version` for the whole program */
	const char *group;	       /* `mailbox`, when only that was said; with `help` */
	bool help, version;
	void *args;
};

/* Reads the command line into *cli and *out, memory from cli->mem. Does no I/O.
 * Returns USHER_OK, USHER_E_USAGE (with the nearest name there is), USHER_E_NOMEM. */
USHER_CHECK usher_status
options_parse(struct cli *cli, int argc, const char *const *argv, struct parsed *out,
    struct usher_error *err);

#endif
