/* cmd_help.c - `usher help [COMMAND…]` and `usher version`. */
#include <string.h>

#include "base/err.h"
#include "cli/commands.h"
#include "cli/help.h"

struct help_args {
	int completion;
	bool names;
};

enum { COMPLETION_NONE = -1, COMPLETION_BASH };

static const char *const shells[] = { "bash", NULL };

static const struct help_args help_defaults = { .completion = COMPLETION_NONE };

static const struct option_spec help_opts[] = {
	{ 0, "completion", OPT_CHOICE, offsetof(struct help_args, completion), NULL,
	    "print a completion script for that shell", shells },
	{ 0, "names", OPT_FLAG, offsetof(struct help_args, names), NULL,
	    "print the name of every command and option, one on a line" },
	{ 0 },
};

static int
help_named(struct cli *cli, struct buf *b)
{
	struct usher_error err = { 0 };
	struct buf CLEANUP(buf_cleanup) name;

	buf_init(&name, HELP_BYTES);
	for (size_t i = 0; i < cli->n_operands; i++)
		buf_printf(&name, "%s%s", i > 0 ? " " : "", cli->operands[i]);
	for (size_t i = 0; commands[i] != NULL; i++)
		if (strcmp(commands[i]->name, buf_cstr(&name)) == 0) {
			help_command(b, commands[i]);
			return CLI_DONE;
		}
	if (help_group(b, buf_cstr(&name)))
		return CLI_DONE;
	buf_reset(b);
	(void)err_set(&err, USHER_E_USAGE, "help",
	    "there is no command `%s`; `usher help` lists them", buf_cstr(&name));
	return cli_fail(USHER_E_USAGE, &err);
}

static int
help_run(struct cli *cli, const void *opaque)
{
	const struct help_args *args = opaque;
	struct usher_error err = { 0 };
	struct buf CLEANUP(buf_cleanup) text;
	int status = CLI_DONE;

	buf_init(&text, HELP_BYTES);
	if (args->completion == COMPLETION_BASH)
		help_completion(&text);
	else if (args->names)
		help_names(&text);
	else if (cli->n_operands > 0)
		status = help_named(cli, &text);
	else
		help_overview(&text);
	if (text.status != USHER_OK)
		return cli_fail(text.status, (err_nomem(&err, "help"), &err));
	write_raw(cli->out, buf_cstr(&text), text.n);
	return status;
}

const struct command cmd_help = {
	.name = "help",
	.operands = "[COMMAND…]",
	.summary = "explain the commands",
	.opts = help_opts,
	.defaults = &help_defaults,
	.args_size = sizeof(struct help_args),
	.run = help_run,
};

static int
version_run(struct cli *cli, const void *args)
{
	(void)args;
	write_open(cli->out, NULL, NULL);
	write_say(cli->out, "usher " USHER_VERSION);
	if (cli->json)
		write_text(cli->out, "version", USHER_VERSION);
	write_close(cli->out);
	return CLI_DONE;
}

const struct command cmd_version = {
	.name = "version",
	.summary = "print the version",
	.run = version_run,
};
