/* cmd_profile.c - `usher profile …`: settings that are kept on disk and refreshed as Outlook does:
 * the commands that make, change and forget them. */
#include "cli/profile.h"

#include <string.h>

#include "base/err.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/result.h"

/* ---- words ---- */

struct usher_profile_options
profile_options(const struct cli *cli, const struct profile_args *args)
{
	struct usher_profile_options options = USHER_PROFILE_OPTIONS_INIT;

	options.folder = args->folder;
	options.refresh_s = (int64_t)(args->refresh_every_ms + 999) / 1000;
	options.retry_s = (int64_t)(args->retry_every_ms + 999) / 1000;
	options.cycle_s = (int64_t)(args->full_every_ms + 999) / 1000;
	options.clock_offset_s = cli->now_ms / 1000 - clock_unix_ms() / 1000;
	return options;
}

const char *
profile_time(struct cli *cli, int64_t unix_s)
{
	char text[WHEN_TEXT_BYTES];

	if (unix_s < 0)
		return "never";
	when_format(unix_s, text);
	return arena_strdup(cli->mem, text);
}

const char *
profile_cause_words(const char *cause)
{
	static const struct {
		const char *cause, *words;
	} rows[] = {
		{ "created", "the profile is new" },
		{ "repair", "a repair was asked for" },
		{ "asked", "a refresh was asked for" },
		{ "started", "the program has started" },
		{ "network-changed", "the network has changed" },
		{ "connection-failed", "a connection failed" },
		{ "mailbox-moved", "the mailbox has moved" },
		{ "expired", "the settings have expired" },
		{ "retry", "the last search found nothing" },
		{ "cycle", "a connection failed some time ago" },
	};

	for (size_t i = 0; cause != NULL && i < COUNT_OF(rows); i++) {
		if (strcmp(rows[i].cause, cause) == 0)
			return rows[i].words;
	}
	return "nothing is due";
}

const char *
profile_change_words(struct cli *cli, const struct usher_change *change)
{
	return arena_join(cli->mem, change->before == NULL ? "–" : change->before, " → ",
	    change->after == NULL ? "–" : change->after);
}

/* ---- what was changed ---- */

static void
write_members(struct cli *cli, const struct usher_profile *profile)
{
	struct usher_change c = { .size = sizeof(c) };

	write_list(cli->out, "members", NULL, 0);
	for (size_t i = 0; usher_profile_change(profile, USHER_CHANGES_MADE, i, &c) != 0; i++) {
		write_open(cli->out, NULL, NULL);
		write_text(cli->out, "name", c.member);
		write_text(cli->out, "old", c.before);
		write_text(cli->out, "new", c.after);
		write_close(cli->out);
	}
	write_list_end(cli->out);
}

/* `profile` may be NULL when no settings are concerned. */
static void
write_change_json(struct cli *cli, const struct usher_profile *profile, const char *change)
{
	write_open(cli->out, NULL, NULL);
	write_flag(cli->out, "dry_run", cli->dry_run);
	write_list(cli->out, "changes", NULL, 0);
	write_open(cli->out, NULL, NULL);
	write_text(cli->out, "entity", "profile");
	write_text(cli->out, "key", cli->operands[0]);
	write_text(cli->out, "change", change);
	if (profile != NULL)
		write_members(cli, profile);
	write_close(cli->out);
	write_list_end(cli->out);
}

void
profile_say_changes(struct cli *cli, const struct usher_profile *profile, enum usher_changes which)
{
	struct usher_change c = { .size = sizeof(c) };

	for (size_t i = 0; usher_profile_change(profile, which, i, &c) != 0; i++)
		write_say(cli->out, "  %s: %s", c.member, profile_change_words(cli, &c));
}

bool
profile_has_changes(const struct usher_profile *profile, enum usher_changes which)
{
	struct usher_change c = { .size = sizeof(c) };

	return usher_profile_change(profile, which, 0, &c) != 0;
}

static void
say(struct cli *cli, const char *done, const char *would)
{
	write_say(cli->out, "Profile of %s: %s", cli->operands[0], cli->dry_run ? would : done);
}

/* ---- searching ---- */

struct run {
	struct cli *cli;
	const struct profile_args *args;
	struct usher_profile *profile;
	struct usher_result *result; /* NULL: nothing was due */
	struct usher_error err;
};

static usher_status
search(struct run *run, enum usher_refresh how)
{
	struct search_secrets CLEANUP(search_forget) secrets = { 0 };
	struct usher_find_options options;
	usher_status st =
	    search_options(run->cli, &run->args->search, &secrets, &options, &run->err);

	if (st != USHER_OK || !usher_profile_begin(run->profile, how, &options))
		return st;
	st = usher_find(run->cli->operands[0], &options, &run->result, &run->err);
	if (st != USHER_OK)
		return st;
	return run->cli->dry_run ? usher_profile_preview(run->profile, run->result, &run->err) :
				   usher_profile_finish(run->profile, run->result, &run->err);
}

static void
write_outcome_json(struct run *run, const char *change)
{
	struct cli *cli = run->cli;
	const struct usher_result *r = run->result;

	write_change_json(cli, run->profile, change);
	if (r != NULL) {
		write_text(
		    cli->out, "outcome", usher_result_text(r, USHER_PART_FIND, 0, "outcome"));
		write_text(cli->out, "reason", usher_result_text(r, USHER_PART_FIND, 0, "reason"));
		write_text(cli->out, "source", usher_result_text(r, USHER_PART_FIND, 0, "source"));
		write_text(cli->out, "url", usher_result_text(r, USHER_PART_FIND, 0, "url"));
	}
	write_text(cli->out, "due", profile_time(cli, usher_profile_due(run->profile)));
	write_close(cli->out);
}

static void
show_failure(struct run *run)
{
	result_show_not_found(run->cli, run->result);
	result_show_attempts(run->cli, run->result);
}

static int
end_run(struct run *run, usher_status st)
{
	int status = st != USHER_OK	 ? cli_fail(st, &run->err) :
		     run->result == NULL ? CLI_DONE :
					   (int)usher_result_outcome(run->result);

	usher_result_free(run->result);
	usher_profile_free(run->profile);
	return status;
}

/* ---- create ---- */

static void
show_created(struct run *run)
{
	struct cli *cli = run->cli;
	bool found = usher_result_outcome(run->result) == USHER_FOUND;

	if (cli->json) {
		write_outcome_json(run, found ? "created" : "same");
		return;
	}
	if (!found) {
		show_failure(run);
		return;
	}
	say(cli, "created", "would be created");
	write_say(cli->out, "%s", "");
	result_show_found(cli, run->result, run->args->log);
}

static int
create_run(struct cli *cli, const void *args)
{
	struct run run = { .cli = cli, .args = args };
	struct usher_profile_options options = profile_options(cli, args);
	usher_status st = usher_profile_new(cli->operands[0], &options, &run.profile, &run.err);

	if (st == USHER_E_CONFLICT) {
		if (cli->json) {
			write_change_json(cli, NULL, "same");
			write_close(cli->out);
		} else {
			say(cli, "is there already: nothing to change", "nothing to change");
		}
		return CLI_DONE;
	}
	if (st == USHER_OK)
		st = search(&run, USHER_REFRESH_DUE);
	if (st == USHER_OK)
		show_created(&run);
	return end_run(&run, st);
}

/* ---- refresh, repair ---- */

static void
show_refreshed(struct run *run)
{
	struct cli *cli = run->cli;
	bool changed = profile_has_changes(run->profile, USHER_CHANGES_MADE);

	if (cli->json) {
		write_outcome_json(run, changed && run->result != NULL ? "changed" : "same");
		return;
	}
	if (run->result == NULL) {
		write_say(cli->out, "Profile of %s: nothing is due before %s", cli->operands[0],
		    profile_time(cli, usher_profile_due(run->profile)));
		return;
	}
	if (usher_result_outcome(run->result) != USHER_FOUND) {
		show_failure(run);
		write_say(cli->out, "%s", "");
		write_say(cli->out, "The profile keeps the settings that it has.");
		return;
	}
	if (!changed) {
		say(cli, "refreshed, and every setting is as it was",
		    "every setting would stay as it is");
		return;
	}
	say(cli, "changed", "would be changed");
	profile_say_changes(cli, run->profile, USHER_CHANGES_MADE);
}

static int
refresh_profile(struct cli *cli, const struct profile_args *args, enum usher_refresh how)
{
	struct run run = { .cli = cli, .args = args };
	struct usher_profile_options options = profile_options(cli, args);
	usher_status st = usher_profile_open(cli->operands[0], &options, &run.profile, &run.err);

	if (st == USHER_OK)
		st = search(&run, how);
	if (st == USHER_OK)
		show_refreshed(&run);
	return end_run(&run, st);
}

static int
refresh_run(struct cli *cli, const void *opaque)
{
	const struct profile_args *args = opaque;

	return refresh_profile(cli, args, args->if_due ? USHER_REFRESH_DUE : USHER_REFRESH_ASKED);
}

static int
repair_run(struct cli *cli, const void *args)
{
	return refresh_profile(cli, args, USHER_REFRESH_REPAIR);
}

/* ---- report ---- */

static int
report_run(struct cli *cli, const void *args)
{
	static const char *const events[] = { [USHER_PROFILE_STARTED] = "started",
		[USHER_PROFILE_NETWORK_CHANGED] = "network-changed",
		[USHER_PROFILE_CONNECTION_FAILED] = "connection-failed",
		[USHER_PROFILE_MAILBOX_MOVED] = "mailbox-moved" };
	struct run run = { .cli = cli, .args = args };
	struct usher_profile_options options = profile_options(cli, args);
	size_t event = 0;
	usher_status st;

	while (event < COUNT_OF(events) && strcmp(events[event], cli->operands[1]) != 0)
		event++;
	if (event == COUNT_OF(events))
		return cli_fail(err_set(&run.err, USHER_E_USAGE, cli->operands[1],
				    "is no event; there is: started, network-changed, "
				    "connection-failed, mailbox-moved"),
		    &run.err);
	st = usher_profile_open(cli->operands[0], &options, &run.profile, &run.err);
	if (st == USHER_OK && !cli->dry_run)
		st = usher_profile_report(run.profile, (enum usher_profile_event)event, &run.err);
	if (st == USHER_OK && cli->json)
		write_outcome_json(&run, "same");
	else if (st == USHER_OK)
		write_say(cli->out, "Profile of %s: %s; the next search is due at %s",
		    cli->operands[0], cli->dry_run ? "would be told" : "told",
		    profile_time(cli, usher_profile_due(run.profile)));
	return end_run(&run, st);
}

/* ---- remove ---- */

static int
remove_run(struct cli *cli, const void *args)
{
	struct usher_profile_options options = profile_options(cli, args);
	struct usher_profile *profile = NULL;
	struct usher_error err = { 0 };
	usher_status st;
	bool there;

	st = cli->dry_run ? usher_profile_open(cli->operands[0], &options, &profile, &err) :
			    usher_profile_remove(cli->operands[0], &options, &err);
	usher_profile_free(profile);
	if (st != USHER_OK && st != USHER_E_ABSENT)
		return cli_fail(st, &err);
	there = st == USHER_OK;
	if (cli->json) {
		write_change_json(cli, NULL, there ? "removed" : "same");
		write_close(cli->out);
	} else if (there) {
		say(cli, "removed", "would be removed");
	} else {
		say(cli, "nothing to change", "nothing to change");
	}
	return CLI_DONE;
}

/* ---- the commands ---- */

static const struct option_spec folder_opts[] = { PROFILES_ROW, { 0 } };

static const struct option_spec create_opts[] = {
	PROFILES_ROW,
	PROFILE_LOG_ROW,
	SEARCH_ROWS(struct profile_args),
	{ 0 },
};

static const struct option_spec refresh_opts[] = {
	PROFILES_ROW,
	{ 0, "if-due", OPT_FLAG, offsetof(struct profile_args, if_due), NULL,
	    "only when the settings are due by now" },
	SEARCH_ROWS(struct profile_args),
	{ 0 },
};

static const struct option_spec repair_opts[] = {
	PROFILES_ROW,
	SEARCH_ROWS(struct profile_args),
	{ 0 },
};

#define EXIT_STATUS \
	" Exit status as of `usher find`: 0 found, 1 not found, 2 login refused, 3 not safe, 4 " \
	"could not be found out."

const struct command cmd_profile_create = {
	.name = "profile create",
	.operands = "ADDRESS",
	.summary = "find the settings of a mailbox and keep them",
	.about = "When nothing is found no profile is made." EXIT_STATUS,
	.flags = CMD_CHANGES | CMD_CLOCK,
	.opts = create_opts,
	.args_size = sizeof(struct profile_args),
	.run = create_run,
};

const struct command cmd_profile_refresh = {
	.name = "profile refresh",
	.operands = "ADDRESS",
	.summary = "ask for the URLs of services again, and for what else is due",
	.about = "Begins at the URL that was good the last time. What a connection to the mailbox "
		 "needs stays as it is unless it is due: see `usher profile repair`. A search that "
		 "finds nothing changes no setting." EXIT_STATUS,
	.flags = CMD_CHANGES | CMD_CLOCK,
	.opts = refresh_opts,
	.args_size = sizeof(struct profile_args),
	.run = refresh_run,
};

const struct command cmd_profile_repair = {
	.name = "profile repair",
	.operands = "ADDRESS",
	.summary = "search anew and take over every setting",
	.about = "As Repair in Outlook: the whole search, not by way of the URL that was good the "
		 "last time." EXIT_STATUS,
	.flags = CMD_CHANGES | CMD_CLOCK,
	.opts = repair_opts,
	.args_size = sizeof(struct profile_args),
	.run = repair_run,
};

const struct command cmd_profile_report = {
	.name = "profile report",
	.operands = "ADDRESS EVENT",
	.summary = "tell a profile what has happened, so that it is refreshed in time",
	.about = "EVENT is connection-failed, mailbox-moved, network-changed or started. A running "
		 "`usher profile watch` acts upon it; so does the next `usher profile refresh "
		 "--if-due`.",
	.flags = CMD_CHANGES | CMD_CLOCK,
	.opts = folder_opts,
	.args_size = sizeof(struct profile_args),
	.run = report_run,
};

const struct command cmd_profile_remove = {
	.name = "profile remove",
	.operands = "ADDRESS",
	.summary = "forget the settings of a mailbox",
	.flags = CMD_CHANGES,
	.opts = folder_opts,
	.args_size = sizeof(struct profile_args),
	.run = remove_run,
};
