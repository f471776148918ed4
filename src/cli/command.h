/* command.h - what a command of `usher` is: rows that feed the parser, the help, the completion and
 * the check of the manual. */
#ifndef USHER_CLI_COMMAND_H
#define USHER_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/secret.h"
#include "cli/writer.h"
#include "dir/dir.h"
#include "model/org.h"
#include "usher/status.h"

/* Exit status of every command (usher(1), EXIT STATUS). */
enum cli_exit {
	CLI_DONE = 0,	  /* done, found, healthy */
	CLI_NEGATIVE = 1, /* not found, different; warnings */
	CLI_REFUSED = 2,  /* credentials; errors */
	CLI_BLOCKED = 3,  /* unsafe; critical */
	CLI_UNTESTED = 4, /* network or directory unavailable */
	CLI_USAGE = 64,
	CLI_DATA = 65,
	CLI_INTERNAL = 70,
	CLI_CANNOT_CREATE = 73,
	CLI_PERMISSION = 77
};

/* What an option's value is, and the type of the member at `offset`. */
enum option_type {
	OPT_FLAG,   /* bool; takes no value */
	OPT_TEXT,   /* const char *; the last one given wins */
	OPT_LIST,   /* struct text_list; repeated, or with commas between */
	OPT_EACH,   /* struct text_list; repeated only: the value may hold commas */
	OPT_NUMBER, /* int64_t in min..max */
	OPT_MSEC,   /* uint64_t; duration_parse(), shown as TIME */
	OPT_TIME,   /* int64_t, Unix seconds; when_parse() */
	OPT_CHOICE  /* int: index into `choices` */
};

struct option_spec {
	char letter;	  /* `-x`; 0 for none */
	const char *name; /* without `--`; NULL ends the list */
	enum option_type type;
	size_t offset;	   /* in the args struct */
	const char *value; /* what the value is called in the help: `FILE`; NULL for flags */
	const char *help;  /* one line, no capital, no full stop */
	const char *const *choices; /* OPT_CHOICE: NULL-terminated */
	int64_t min, max;	    /* OPT_NUMBER; both 0: any from 0 up */
};

enum command_flags {
	CMD_CHANGES = 1 << 0, /* takes --dry-run (cli->dry_run) */
	CMD_CLOCK = 1 << 1,   /* takes --now TIME (cli->now_ms) */
	CMD_SETS = 1 << 2,    /* takes an option per settable row of `entity` (cli->settings) */
	CMD_KEYS = 1 << 3     /* the same for its key rows alone */
};

/* `--display-name X` of a command with CMD_SETS: the row and the text as typed. */
struct setting {
	const struct field *field;
	const char *value; /* "" clears the member */
};

/* All that a command sees of the outside. */
struct cli {
	struct arena *mem;     /* lives as long as the command */
	struct writer *out;    /* standard output; the only way to it */
	const char *directory; /* --directory or $USHER_DIRECTORY; NULL: ask cli_directory() */
	const char *config;    /* configuration file of usherd */
	bool json;
	bool dry_run;
	int64_t now_ms; /* Unix milliseconds; --now, else the clock's at the start */
	const char *const *operands;
	size_t n_operands;
	const struct setting *settings;
	size_t n_settings;
	const struct command *command;
};

struct command {
	const char *name; /* with its nested verb: `mailbox alternative add` */
	/* For the usage line: `ADDRESS`, `DOMAIN TYPE`, `[FILE]`, `ADDRESS…`; NULL for none. Each
	 * word is one operand, optional in brackets, repeated with `…`. With CMD_SETS or CMD_KEYS
	 * the words name key rows of `entity`. */
	const char *operands;
	const char *summary;		/* one line, no capital, no full stop */
	const char *about;		/* further lines for `usher help COMMAND`; NULL */
	unsigned flags;			/* enum command_flags */
	enum entity_id entity;		/* with CMD_SETS, and for the generic verbs */
	const struct option_spec *opts; /* ends with a row without a name; NULL: none */
	const void *defaults;		/* args_size bytes, copied before parsing; NULL: zeros */
	size_t args_size;
	/* Returns an exit status. `args` is the filled copy of `defaults`. */
	int (*run)(struct cli *cli, const void *args);
};

/* Prints the error as `usher: where: message` on standard error and gives the exit status that
 * belongs to `status`. The only place where an error is printed. */
int
cli_fail(usher_status status, const struct usher_error *err);

/* A note on standard error, one line after `usher: `, for what is worth telling beside the result.
 */
void
cli_note(const char *format, ...) PRINTF_LIKE(1, 2);

/* Which directory to use: --directory, $USHER_DIRECTORY, `directory =` of the configuration file.
 * USHER_E_USAGE when none says. */
USHER_CHECK usher_status
cli_directory(struct cli *cli, const char **out, struct usher_error *err);

/* The same as a daemon would have to be told it, which stands in another folder. Another scheme
 * than `sqlite:` is as it is. */
USHER_CHECK usher_status
cli_directory_absolute(struct cli *cli, const char **out, struct usher_error *err);

/* dir_open() with what section `[directory]` of the configuration file says. Returns as dir_open(),
 * and as cli_config_value(); USHER_E_INPUT: a line of that section cannot be read. */
USHER_CHECK usher_status
cli_dir_open(
    struct cli *cli, const char *uri, unsigned flags, struct dir **out, struct usher_error *err);

/* Opens it; prints and gives the exit status when that fails, else CLI_DONE. */
int
cli_open(struct cli *cli, unsigned flags, struct dir **out);

/* Opens it for reading, runs `work` and closes it. Gives the exit status; errors are printed. */
int
cli_read(struct cli *cli,
    usher_status (*work)(struct cli *cli, struct dir *dir, void *payload, struct usher_error *err),
    void *payload);

/* A value of the configuration file: the last `key =` of section `section` (NULL: before the first
 * section). *out is NULL when file, section or key are not there.
 * USHER_E_PERMISSION, USHER_E_IO, USHER_E_LIMIT, USHER_E_NOMEM. */
USHER_CHECK usher_status
cli_config_value(struct cli *cli, const char *section, const char *key, const char **out,
    struct usher_error *err);

/* A password, in this order: the first line of `file` (`-` is standard input; NULL: not given),
 * $USHER_PASSWORD, a prompt without echo on the terminal. With `twice` the prompt asks again and
 * compares. USHER_E_USAGE when there is no way to ask; USHER_E_INPUT when empty, too long or not
 * the same twice. */
USHER_CHECK usher_status
cli_password(
    const char *file, const char *prompt, bool twice, struct secret *out, struct usher_error *err);

/* A token: the first line of `file`, which is looked for as above. USHER_E_INPUT when empty or too
 * long. */
USHER_CHECK usher_status
cli_token(const char *file, struct secret *out, struct usher_error *err);

#endif
