/* verbs.h - what can be done with the records of any entity. */
#ifndef USHER_CLI_VERBS_H
#define USHER_CLI_VERBS_H

#include "cli/command.h"

/* Makes a record. The same again is no change; another one under that key is refused. */
int
verb_add(struct cli *cli, const void *args);

/* Changes members of a record that is there. */
int
verb_set(struct cli *cli, const void *args);

/* The same, but makes the record when it is not there. */
int
verb_put(struct cli *cli, const void *args);

int
verb_remove(struct cli *cli, const void *args);

/* All members of one record. */
int
verb_show(struct cli *cli, const void *args);

/* A table of all records, or of those with the keys that were given. */
int
verb_list(struct cli *cli, const void *args);

/* Outlook Anywhere: `put` with the switch on, `set` with the switch off. */
int
verb_enable(struct cli *cli, const void *args);
int
verb_disable(struct cli *cli, const void *args);

#endif
