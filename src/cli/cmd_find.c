/* cmd_find.c - `usher find ADDRESS`: looks for the settings as a mail program does, and shows the
 * way there. */
#include <string.h>

#include "base/err.h"
#include "cli/commands.h"
#include "cli/result.h"
#include "cli/search.h"

struct find_args {
	struct search_args search;
	struct text_list languages;
	bool xml;
	bool log;
};

static const struct option_spec find_opts[] = {
	{ 0, "language", OPT_LIST, offsetof(struct find_args, languages), "LANGUAGE",
	    "ask only in pox, soap, activesync, json or autoconfig; several are joined" },
	{ 0, "log", OPT_FLAG, offsetof(struct find_args, log), NULL,
	    "show every attempt and every detail of the settings" },
	{ 0, "xml", OPT_FLAG, offsetof(struct find_args, xml), NULL,
	    "print the document as the service sent it" },
	SEARCH_ROWS(struct find_args),
	{ 0 },
};

static void
show(struct cli *cli, const struct find_args *args, const struct usher_result *result)
{
	bool found = usher_result_outcome(result) == USHER_FOUND;
	const char *document;
	size_t n;

	if (cli->json) {
		document = usher_result_json(result);
		write_raw(cli->out, document, strlen(document));
	} else if (args->xml && found) {
		document = usher_result_document(result, &n);
		if (document == NULL)
			cli_note("there were several documents: see --json");
		else
			write_raw(cli->out, document, n);
	} else if (args->xml) {
		cli_note("%s", usher_result_text(result, USHER_PART_FIND, 0, "reason"));
	} else if (found) {
		result_show_found(cli, result, args->log);
	} else {
		result_show_not_found(cli, result);
	}
	if (!cli->json && !args->xml && (args->log || !found))
		result_show_attempts(cli, result);
}

static int
find_run(struct cli *cli, const void *opaque)
{
	const struct find_args *args = opaque;
	struct search_secrets CLEANUP(search_forget) secrets = { 0 };
	struct usher_find_options options;
	struct usher_result *result;
	struct usher_error err = { 0 };
	usher_status st;
	int status;

	if (args->xml && cli->json)
		return cli_fail(
		    err_set(&err, USHER_E_USAGE, NULL, "--xml and --json exclude each other"),
		    &err);
	st = search_options(cli, &args->search, &secrets, &options, &err);
	options.language = search_joined(cli, &args->languages);
	if (st == USHER_OK)
		st = usher_find(cli->operands[0], &options, &result, &err);
	if (st != USHER_OK)
		return cli_fail(st, &err);
	show(cli, args, result);
	status = (int)usher_result_outcome(result);
	usher_result_free(result);
	return status;
}

const struct command cmd_find = {
	.name = "find",
	.operands = "ADDRESS",
	.summary = "find the settings of a mailbox as a mail program does",
	.about =
	    "Asks https://DOMAIN and https://autodiscover.DOMAIN, and http://autodiscover.DOMAIN "
	    "for a redirect only, looks for SRV records, follows redirects that may be trusted, "
	    "and shows the settings "
	    "and the way to them, or every attempt and why it "
	    "gave none. The password is sent only to a host that asks for it and whose "
	    "certificate was verified; it comes from --password-file, from USHER_PASSWORD, or "
	    "from a prompt. Exit status: 0 found, 1 not found, 2 login refused, 3 not safe, 4 "
	    "could not be found out.",
	.flags = CMD_CLOCK,
	.opts = find_opts,
	.args_size = sizeof(struct find_args),
	.run = find_run,
};
