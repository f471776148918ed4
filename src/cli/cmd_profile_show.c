/* cmd_profile_show.c - `usher profile show` and `list`: what is kept, without asking anybody. */
#include <string.h>

#include "cli/commands.h"
#include "cli/profile.h"
#include "cli/result.h"

/* ---- show ---- */

static void
show_layer(struct cli *cli, const struct usher_profile *profile, const char *label,
    const char *refreshed, const char *due, const char *cause)
{
	int64_t due_s = usher_profile_number(profile, due);
	const char *text = arena_printf(
	    cli->mem, "found at %s", profile_time(cli, usher_profile_number(profile, refreshed)));

	if (text != NULL && due_s >= 0)
		text = arena_printf(cli->mem, "%s; to be asked for at %s, because %s", text,
		    profile_time(cli, due_s),
		    profile_cause_words(usher_profile_text(profile, cause)));
	write_text(cli->out, label, text);
}

/* Members that are lists. */
static void
show_list(struct cli *cli, const struct usher_profile *profile, const char *label, const char *name)
{
	const char *item;
	const char *text = NULL;

	for (size_t i = 0; (item = usher_profile_item(profile, name, i)) != NULL; i++)
		text = text == NULL ? item : arena_join(cli->mem, text, ", ", item);
	write_text(cli->out, label, text);
}

/* The reason why something was, or will be, searched for is told of the time itself. */
static void
show_state(struct cli *cli, const struct usher_profile *profile)
{
	int64_t failures = usher_profile_number(profile, "services_failures");

	write_open(cli->out, NULL, "The profile");
	write_text(cli->out, "file", usher_profile_text(profile, "file"));
	write_text(cli->out, "made", profile_time(cli, usher_profile_number(profile, "created")));
	write_text(cli->out, "login", usher_profile_text(profile, "login"));
	show_list(cli, profile, "trusted_hosts", "trust_hosts");
	show_list(cli, profile, "offered_before", "offered_before");
	show_layer(cli, profile, "URLs_of_services", "services_refreshed", "services_due",
	    "services_cause");
	show_layer(
	    cli, profile, "all_else", "connection_refreshed", "connection_due", "connection_cause");
	write_text(cli->out, "last_search",
	    arena_printf(cli->mem, "at %s, because %s: %s",
		profile_time(cli, usher_profile_number(profile, "last_search")),
		profile_cause_words(usher_profile_text(profile, "last_cause")),
		usher_profile_text(profile, "last_reason")));
	if (failures > 0)
		write_number(cli->out, "searches_without_success", failures);
	write_close(cli->out);
}

static int
show_run(struct cli *cli, const void *opaque)
{
	const struct profile_args *args = opaque;
	struct usher_profile_options options = profile_options(cli, args);
	struct usher_profile *profile;
	struct usher_error err = { 0 };
	usher_status st = usher_profile_open(cli->operands[0], &options, &profile, &err);
	const char *json;

	if (st != USHER_OK)
		return cli_fail(st, &err);
	if (cli->json) {
		json = usher_profile_json(profile);
		write_raw(cli->out, json, strlen(json));
		usher_profile_free(profile);
		return CLI_DONE;
	}
	result_show_found(cli, usher_profile_settings(profile), args->log);
	write_say(cli->out, "%s", "");
	show_state(cli, profile);
	if (profile_has_changes(profile, USHER_CHANGES_WAITING)) {
		write_say(cli->out, "%s", "");
		write_say(cli->out,
		    "The service says otherwise since. A mail program takes it over after a "
		    "connection has failed; so does `usher profile repair`:");
		profile_say_changes(cli, profile, USHER_CHANGES_WAITING);
	}
	if (args->log)
		result_show_attempts(cli, usher_profile_last_search(profile));
	usher_profile_free(profile);
	return CLI_DONE;
}

/* ---- list ---- */

static const struct column columns[] = {
	{ "address", "ADDRESS" },
	{ "refreshed", "REFRESHED" },
	{ "due", "DUE" },
	{ "last_outcome", "LAST SEARCH" },
	{ "url", "URL" },
	{ "file", NULL },
	{ "fault", NULL },
};

struct listing {
	struct cli *cli;
	const struct usher_profile_options *options;
	int status;
};

static void
list_fault(struct listing *l, const char *name, const struct usher_error *fault)
{
	struct cli *cli = l->cli;

	l->status = CLI_NEGATIVE;
	if (!cli->json) {
		cli_note("%s: %s", fault->where, fault->message);
		return;
	}
	write_open(cli->out, NULL, NULL);
	write_text(cli->out, "file", name);
	write_text(cli->out, "fault", fault->message);
	write_close(cli->out);
}

static void
list_profile(struct listing *l, const struct usher_profile *profile, int64_t due)
{
	struct cli *cli = l->cli;
	int64_t refreshed = usher_profile_number(profile, "services_refreshed");

	write_open(cli->out, NULL, NULL);
	write_text(cli->out, "address", usher_profile_text(profile, "address"));
	write_text(cli->out, "refreshed", refreshed < 0 ? NULL : profile_time(cli, refreshed));
	write_text(cli->out, "due", due < 0 ? NULL : profile_time(cli, due));
	write_text(cli->out, "last_outcome", usher_profile_text(profile, "last_outcome"));
	write_text(cli->out, "url", usher_profile_text(profile, "url"));
	write_text(cli->out, "file", usher_profile_text(profile, "file"));
	write_close(cli->out);
}

static int
list_one(const char *address, const char *name, const struct usher_error *fault, void *payload)
{
	struct listing *l = payload;
	struct usher_profile *profile;
	struct usher_error err = { 0 };

	if (address == NULL) {
		list_fault(l, name, fault);
		return 0;
	}
	if (usher_profile_open(address, l->options, &profile, &err) != USHER_OK) {
		list_fault(l, name, &err);
		return 0;
	}
	list_profile(l, profile, usher_profile_due(profile));
	usher_profile_free(profile);
	return 0;
}

static int
list_run(struct cli *cli, const void *args)
{
	struct usher_profile_options options = profile_options(cli, args);
	struct listing l = { cli, &options, CLI_DONE };
	struct usher_error err = { 0 };
	usher_status st;

	write_list(cli->out, NULL, columns, COUNT_OF(columns));
	st = usher_profile_list(&options, list_one, &l, &err);
	write_list_end(cli->out);
	return st == USHER_OK ? l.status : cli_fail(st, &err);
}

/* ---- the commands ---- */

static const struct option_spec show_opts[] = { PROFILES_ROW, PROFILE_LOG_ROW, { 0 } };

static const struct option_spec list_opts[] = { PROFILES_ROW, { 0 } };

const struct command cmd_profile_show = {
	.name = "profile show",
	.operands = "ADDRESS",
	.summary = "show the settings of a profile and how old they are",
	.opts = show_opts,
	.args_size = sizeof(struct profile_args),
	.run = show_run,
};

const struct command cmd_profile_list = {
	.name = "profile list",
	.summary = "list the profiles, and when they are due",
	.about = "The exit status is 1 when there are files that are no profiles.",
	.flags = CMD_CLOCK,
	.opts = list_opts,
	.args_size = sizeof(struct profile_args),
	.run = list_run,
};
