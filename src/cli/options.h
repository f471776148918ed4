/* options.h - the command line: words to a command, its options and operands. */
#ifndef USHER_CLI_OPTIONS_H
#define USHER_CLI_OPTIONS_H

#include "base/buf.h"
#include "cli/command.h"

enum { OPTION_NAME_BYTES = 48 };

/* One option of a command, wherever its row stands: with the command, in the entity's table, or
 * among the options that every command takes. */
struct option {
	char letter;
	char name[OPTION_NAME_BYTES]; /* without `--` */
	const char *help;
	const struct option_spec *spec; /* one of the two is NULL */
	const struct field *field;
	bool common; /* every command takes it */
};

/* The i-th option of `c`; NULL `c` has those alone that every command takes. False past the last.
 */
bool
option_at(const struct command *c, size_t i, struct option *out);

/* The option that sets a member: its name with `-` for `_`. */
void
option_of_field(const struct field *f, struct option *out);

/* Appends what the option's value is called, `FILE` or `on|off`; nothing for a flag. */
void
option_value_name(struct buf *b, const struct option *o);

/* The i-th operand word of `c`, without brackets and `…`; empty past the last. */
struct slice
operand_word(const struct command *c, size_t i);

/* The key row of c->entity that the i-th operand names, or NULL. */
const struct field *
operand_field(const struct command *c, size_t i);

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
