/* help.h - what the rows of the commands say to a reader: help, completion, the list for tests. */
#ifndef USHER_CLI_HELP_H
#define USHER_CLI_HELP_H

#include "base/buf.h"
#include "cli/command.h"

enum { HELP_BYTES = 256 * 1024 };

/* All commands in one screen. */
void
help_overview(struct buf *b);

/* The commands of a group, as `mailbox`. False when there is no such group or command. */
bool
help_group(struct buf *b, const char *group);

/* One command: usage, what it does, operands, options. */
void
help_command(struct buf *b, const struct command *c);

/* A completion script for bash. */
void
help_completion(struct buf *b);

/* One line per command and option: `mailbox add`, `mailbox add --display-name`. What the manual
 * has to cover. */
void
help_names(struct buf *b);

#endif
