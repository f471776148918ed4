/* main.c - usher: one command line, one command, one exit status. */
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/uacme.h"

/* What one command may hold at a time. Listings and imports stream. */
enum { CLI_BYTES_MAX = 512 * 1024 * 1024 };

/* `usher mailbox --help`, `usher mailbox add --help`, `usher --help`. */
static void
explain(struct buf *text, const struct parsed *parsed)
{
	if (parsed->command != NULL)
		help_command(text, parsed->command);
	else if (parsed->group[0] == '\0' || !help_group(text, parsed->group))
		help_overview(text);
}

static int
run(struct cli *cli, const struct parsed *parsed)
{
	struct buf CLEANUP(buf_cleanup) text = { 0 };
	struct usher_error err = { 0 };

	if (!parsed->help)
		return parsed->version ? cmd_version.run(cli, NULL) :
					 parsed->command->run(cli, parsed->args);
	buf_init(&text, HELP_BYTES);
	explain(&text, parsed);
	if (text.status != USHER_OK)
		return cli_fail(err_nomem(&err, "help"), &err);
	write_raw(cli->out, buf_cstr(&text), text.n);
	return CLI_DONE;
}

int
main(int argc, char **argv)
{
	struct arena *CLEANUP(arena_cleanup) mem = arena_new(CLI_BYTES_MAX);
	const char *hook = getenv(UACME_HOOK_VARIABLE);
	struct cli cli = { .mem = mem, .now_ms = clock_unix_ms() };
	struct usher_error err = { 0 };
	struct parsed parsed;
	usher_status st;
	int status;

	if (hook != NULL)
		return uacme_hook(hook, argc, argv);
	if (mem == NULL)
		return cli_fail(err_nomem(&err, NULL), &err);
	if (argc < 2) {
		struct buf CLEANUP(buf_cleanup) text;

		buf_init(&text, HELP_BYTES);
		help_overview(&text);
		(void)fputs(buf_cstr(&text), stderr);
		return CLI_USAGE;
	}
	st = options_parse(&cli, argc, (const char *const *)argv, &parsed, &err);
	if (st != USHER_OK)
		return cli_fail(st, &err);
	cli.out = cli.json ? writer_json(stdout) : writer_text(stdout);
	if (cli.out == NULL)
		return cli_fail(err_nomem(&err, NULL), &err);
	status = run(&cli, &parsed);
	st = writer_end(cli.out, &err);
	if (st != USHER_OK && status == CLI_DONE)
		status = cli_fail(st, &err);
	return status;
}
