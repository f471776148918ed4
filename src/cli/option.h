/* option.h - which options and operands a command takes, wherever their rows stand. */
#ifndef USHER_CLI_OPTION_H
#define USHER_CLI_OPTION_H

#include "base/buf.h"
#include "cli/command.h"

enum { OPTION_NAME_BYTES = 48 };

/* One option of a command, wherever its row stands: with the command, in the entity's table, or
 * among the options that every command takes. */
struct option {
	char letter;
	char name[OPTION_NAME_BYTES]; /* without `--` */
	const char *also;	      /* a longer spelling that is taken too; NULL */
	const char *help;
	const struct option_spec *spec; /* one of the two is NULL */
	const struct field *field;
	bool common; /* every command takes it */
	bool shared; /* its value goes into struct common */
};

/* Where the values of the options go that no command has a row for. */
struct common {
	const char *directory;
	const char *config;
	bool json;
	bool help;
	bool version;
	bool dry_run;
	int64_t now_s;
};

/* The i-th option of `c`; NULL `c` has those alone that every command takes. False past the last.
 */
bool
option_at(const struct command *c, size_t i, struct option *out);

/* The option that sets a member: its name with `-` for `_`, or what people say for short. */
void
option_of_field(const struct field *f, struct option *out);

/* Appends what the option's value is called, `FILE` or `on|off`; nothing for a flag. */
void
option_value_name(struct buf *b, const struct option *o);

/* The i-th operand word of `c`, without brackets and `…`; empty past the last. */
struct slice
operand_word(const struct command *c, size_t i);

/* How many operands the command takes; SIZE_MAX for any number. */
void
operand_range(const struct command *c, size_t *min, size_t *max);

/* The key row of c->entity that the i-th operand names, or NULL. */
const struct field *
operand_field(const struct command *c, size_t i);

#endif
