/* result.h - a search and what it found, as people read it. */
#ifndef USHER_CLI_RESULT_H
#define USHER_CLI_RESULT_H

#include "cli/command.h"
#include "usher/find.h"

/* The settings of a result that has some, and the way to them. `closer`: names in the directory and
 * what is off as well. */
void
result_show_found(struct cli *cli, const struct usher_result *result, bool closer);

/* In two lines that there are none, and why. */
void
result_show_not_found(struct cli *cli, const struct usher_result *result);

/* Every attempt in order; nothing when there was none. */
void
result_show_attempts(struct cli *cli, const struct usher_result *result);

#endif
