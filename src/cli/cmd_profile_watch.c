/* cmd_profile_watch.c - `usher profile watch ADDRESS`: keeps a profile fresh as long as it runs,
 * and tells what has changed. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/err.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/hook.h"
#include "cli/profile.h"
#include "net/link.h"
#include "usher/search.h"

enum {
	TURN_BYTES = 64 * 1024 * 1024, /* of what is said in one turn of the loop */
	EVENT_BYTES = 32 * 1024 * 1024,
	TRUSTED_MAX = 16, /* hosts that somebody at the terminal has agreed to */
	PAUSE_S = 5 * 60, /* after a fault of this machine */
	HOOK_MS = 30 * 1000
};

struct watch {
	struct cli cli; /* the command's, with the memory of one turn */
	const struct profile_args *args;
	struct usher_profile *profile;
	int64_t offset_s; /* of our clock from the system's */
	int64_t pause_until_s;

	struct search_secrets secrets;
	struct usher_find_options options;
	struct usher_find_options asking; /* as search_options() made them: they ask people */
	char trusted[TRUSTED_MAX][256];
	size_t n_trusted;
	struct usher_search *search; /* NULL: none is under way */
	char cause[32];		     /* of that search */

	int signals, timer, files;
	struct link_watch *link; /* NULL: the kernel does not tell */
	bool failing;		 /* the last search found nothing */
	bool ended;
	int status;
};

static int64_t
now_s(const struct watch *w)
{
	return clock_unix_ms() / 1000 + w->offset_s;
}

/* ---- events ---- */

struct member {
	const char *name;
	const char *value; /* NULL: null */
};

static void
put_member(struct buf *b, const char *name, const char *value)
{
	buf_printf(b, ", \"%s\": ", name);
	if (value == NULL)
		buf_text(b, "null");
	else
		json_quote(b, slice_of(value));
}

static void
put_event(struct watch *w, struct buf *b, const char *event, const struct member *members, size_t n)
{
	const char *time = profile_time(&w->cli, now_s(w));

	buf_text(b, "{\"time\": ");
	json_quote(b, slice_of(time == NULL ? "" : time));
	put_member(b, "event", event);
	put_member(b, "address", w->cli.operands[0]);
	for (size_t i = 0; i < n; i++)
		put_member(b, members[i].name, members[i].value);
}

/* One line: an object, or the words. */
static void
tell(struct watch *w, const char *event, const struct member *members, size_t n, const char *words)
{
	struct buf CLEANUP(buf_cleanup) line = { 0 };
	const char *time = profile_time(&w->cli, now_s(w));

	if (!w->cli.json) {
		write_say(
		    w->cli.out, "%s  %s", time == NULL ? "" : time, words == NULL ? "" : words);
	} else {
		buf_init(&line, EVENT_BYTES);
		put_event(w, &line, event, members, n);
		buf_text(&line, "}\n");
		if (line.status == USHER_OK)
			write_raw(w->cli.out, buf_cstr(&line), line.n);
	}
	if (!write_flush(w->cli.out))
		w->ended = true;
}

/* What is not a change is left out when only those are wanted. */
static void
tell_more(
    struct watch *w, const char *event, const struct member *members, size_t n, const char *words)
{
	if (!w->args->only_changes)
		tell(w, event, members, n, words);
}

static void
note_fault(struct watch *w, const struct usher_error *err)
{
	cli_note("%s: %s", err->where, err->message);
	w->pause_until_s = now_s(w) + PAUSE_S;
}

/* ---- the hook ---- */

/* All of an event as one object, the changes in a list. */
static void
put_hook_input(struct watch *w, struct buf *b, const char *event, const char *reason)
{
	struct usher_change c = { .size = sizeof(c) };
	const struct member members[] = {
		{ "file", usher_profile_text(w->profile, "file") },
		{ "url", usher_profile_text(w->profile, "url") },
		{ "reason", reason },
	};

	put_event(w, b, event, members, COUNT_OF(members));
	buf_text(b, ", \"changes\": [");
	for (size_t i = 0; usher_profile_change(w->profile, USHER_CHANGES_MADE, i, &c) != 0; i++) {
		buf_text(b, i == 0 ? "{\"member\": " : ", {\"member\": ");
		json_quote(b, slice_of(c.member));
		put_member(b, "before", c.before);
		put_member(b, "after", c.after);
		buf_char(b, '}');
	}
	buf_text(b, "]}\n");
}

static void
run_hook(struct watch *w, const char *event, const char *reason)
{
	struct buf CLEANUP(buf_cleanup) input = { 0 };
	struct arena *mem = w->cli.mem;
	const char *const arguments[] = { event, w->cli.operands[0], NULL };
	const char *const environment[] = {
		arena_join(mem, "USHER_EVENT=", event),
		arena_join(mem, "USHER_ADDRESS=", w->cli.operands[0]),
		arena_join(mem, "USHER_PROFILE=", usher_profile_text(w->profile, "file")),
		NULL,
	};
	struct hook_call call = {
		.program = w->args->hook,
		.arguments = arguments,
		.environment = environment,
		.timeout_ms = w->args->hook_timeout_ms,
		.stop_fd = w->signals,
	};
	struct usher_error err = { 0 };

	if (call.program == NULL)
		return;
	buf_init(&input, EVENT_BYTES);
	put_hook_input(w, &input, event, reason);
	call.input = buf_as_slice(&input);
	if (input.status != USHER_OK || environment[0] == NULL || environment[1] == NULL ||
	    environment[2] == NULL)
		cli_note("%s: is not run: out of memory", call.program);
	else if (hook_run(&call, &err) != USHER_OK)
		cli_note("%s: %s", err.where, err.message);
}

/* ---- what has come of it ---- */

/* Each setting that the last call on the profile has found changed. */
static size_t
tell_changes(struct watch *w)
{
	struct usher_change c = { .size = sizeof(c) };
	size_t n = 0;

	for (; usher_profile_change(w->profile, USHER_CHANGES_MADE, n, &c) != 0; n++) {
		const struct member members[] = {
			{ "member", c.member },
			{ "before", c.before },
			{ "after", c.after },
		};

		tell(w, "changed", members, COUNT_OF(members),
		    arena_join(w->cli.mem, c.member, ": ",
			w->cli.json ? "" : profile_change_words(&w->cli, &c)));
	}
	if (n > 0)
		run_hook(w, "changed", NULL);
	return n;
}

static void
tell_searched(struct watch *w, const struct usher_result *result)
{
	const char *outcome = usher_result_text(result, USHER_PART_FIND, 0, "outcome");
	const char *reason = usher_result_text(result, USHER_PART_FIND, 0, "reason");
	const char *due = profile_time(&w->cli, usher_profile_due(w->profile));
	const struct member members[] = {
		{ "cause", w->cause },
		{ "outcome", outcome },
		{ "reason", reason },
		{ "source", usher_result_text(result, USHER_PART_FIND, 0, "source") },
		{ "url", usher_result_text(result, USHER_PART_FIND, 0, "url") },
		{ "due", due },
	};

	tell_more(w, "searched", members, COUNT_OF(members),
	    arena_printf(w->cli.mem, "searched because %s: %s; next at %s",
		profile_cause_words(w->cause), reason, due));
}

/* The hook is told when searches begin to fail, and when they work again. */
static void
judge_outcome(struct watch *w, const struct usher_result *result)
{
	bool failing = usher_result_outcome(result) != USHER_FOUND;
	bool before = w->failing;

	w->failing = failing;
	if (failing != before)
		run_hook(w, failing ? "failed" : "recovered",
		    usher_result_text(result, USHER_PART_FIND, 0, "reason"));
}

/* ---- searching ---- */

/* Whoever is asked may press ^C. */
static void
let_signals(bool in)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(in ? SIG_UNBLOCK : SIG_BLOCK, &set, NULL);
}

/* What was typed once is good until a host refuses it. */
static int
keep_credentials(
    const struct usher_challenge *challenge, struct usher_credentials *out, void *payload)
{
	struct watch *w = payload;
	int reply;

	let_signals(true);
	reply = w->asking.credentials(challenge, out, w->asking.payload);
	let_signals(false);
	if (reply == USHER_YES && secret_set(&w->secrets.password, slice_of(out->password)))
		w->options.password = w->secrets.password.bytes;
	return reply;
}

static int
keep_trust(const struct usher_redirect *redirect, void *payload)
{
	struct watch *w = payload;
	size_t n = strlen(redirect->host);
	int reply;

	for (size_t i = 0; i < w->n_trusted; i++) {
		if (strcmp(w->trusted[i], redirect->host) == 0)
			return USHER_YES;
	}
	let_signals(true);
	reply = w->asking.trust(redirect, w->asking.payload);
	let_signals(false);
	if (reply == USHER_YES && w->n_trusted < TRUSTED_MAX && n < sizeof(w->trusted[0]))
		memcpy(w->trusted[w->n_trusted++], redirect->host, n + 1);
	return reply;
}

/* Reads the password's file, at the start and on SIGHUP. */
static usher_status
read_options(struct watch *w, struct cli *cli, struct usher_error *err)
{
	struct search_secrets secrets = { 0 };
	usher_status st = search_options(cli, &w->args->search, &secrets, &w->asking, err);

	if (st != USHER_OK) {
		search_forget(&secrets);
		return st;
	}
	search_forget(&w->secrets);
	w->secrets = secrets;
	w->options = w->asking;
	w->options.credentials = w->asking.credentials == NULL ? NULL : keep_credentials;
	w->options.trust = w->asking.trust == NULL ? NULL : keep_trust;
	w->options.payload = w;
	return USHER_OK;
}

static void
begin_search(struct watch *w, enum usher_refresh how)
{
	struct usher_find_options options = w->options;
	struct usher_error err = { 0 };
	const char *cause;

	if (w->search != NULL || now_s(w) < w->pause_until_s ||
	    usher_profile_begin(w->profile, how, &options) == 0)
		return;
	options.now = now_s(w);
	cause = how == USHER_REFRESH_ASKED ? "asked" : usher_profile_due_cause(w->profile);
	(void)snprintf(w->cause, sizeof(w->cause), "%s", cause);
	if (usher_search_new(w->cli.operands[0], &options, &w->search, &err) != USHER_OK)
		note_fault(w, &err);
}

static void
take_result(struct watch *w, const struct usher_result *result)
{
	struct usher_error err = { 0 };

	if (usher_result_outcome(result) == USHER_REJECTED &&
	    w->args->search.password_file == NULL) {
		secret_clear(&w->secrets.password);
		w->options.password = NULL;
	}
	if (usher_profile_finish(w->profile, result, &err) != USHER_OK) {
		note_fault(w, &err);
		return;
	}
	tell_searched(w, result);
	judge_outcome(w, result);
	(void)tell_changes(w);
}

static void
go_on_searching(struct watch *w)
{
	struct usher_result *result = NULL;
	struct usher_error err = { 0 };

	if (w->search == NULL || usher_search_act(w->search) != 0)
		return;
	if (usher_search_result(w->search, &result, &err) == USHER_OK)
		take_result(w, result);
	else
		note_fault(w, &err);
	usher_result_free(result);
	usher_search_free(w->search);
	w->search = NULL;
}

/* ---- what happens outside ---- */

static void
report(struct watch *w, enum usher_profile_event event)
{
	struct usher_error err = { 0 };

	if (usher_profile_report(w->profile, event, &err) != USHER_OK)
		note_fault(w, &err);
	else
		(void)tell_changes(w);
}

/* A search begun on the old network is worth nothing. */
static void
look_at_network(struct watch *w)
{
	if (w->link == NULL || !link_watch_changed(w->link, clock_mono_ms()))
		return;
	tell_more(w, "network-changed", NULL, 0, "the network has changed");
	usher_search_free(w->search);
	w->search = NULL;
	report(w, USHER_PROFILE_NETWORK_CHANGED);
}

/* Another program may have refreshed, repaired or removed the profile. */
static void
look_at_file(struct watch *w)
{
	struct usher_error err = { 0 };
	usher_status st = usher_profile_sync(w->profile, &err);

	if (st == USHER_OK) {
		(void)tell_changes(w);
	} else if (st == USHER_E_ABSENT) {
		tell(w, "removed", NULL, 0, "the profile was removed");
		w->status = CLI_NEGATIVE;
		w->ended = true;
	} else {
		w->status = cli_fail(st, &err);
		w->ended = true;
	}
}

static void
take_signals(struct watch *w)
{
	struct signalfd_siginfo info;
	struct usher_error err = { 0 };

	while (!w->ended && read(w->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		w->ended = info.ssi_signo != SIGHUP;
		if (w->ended)
			continue;
		if (read_options(w, &w->cli, &err) != USHER_OK)
			cli_note("%s: %s; the old password stays", err.where, err.message);
		w->pause_until_s = 0;
		begin_search(w, USHER_REFRESH_ASKED);
	}
}

static void
drain(int fd)
{
	char bytes[4096];

	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
}

/* ---- waiting ---- */

#define NEVER_S (INT64_C(1) << 33) /* in the year 2242 */

/* The timer follows the wall clock, which goes on while the machine sleeps, and goes off when that
 * clock is set. */
static void
set_timer(struct watch *w)
{
	int64_t at_s = usher_profile_due(w->profile);
	struct itimerspec when = { 0 };

	at_s = at_s >= 0 && at_s < w->pause_until_s ? w->pause_until_s : at_s;
	/* The clock may be set while nothing is due. */
	if (at_s < 0 || w->search != NULL)
		when.it_value.tv_sec = NEVER_S;
	else
		when.it_value.tv_sec = at_s > w->offset_s ? at_s - w->offset_s : 1;
	(void)timerfd_settime(w->timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL);
}

static int
time_for_network(const struct watch *w)
{
	uint64_t wake_ms = w->link == NULL ? UINT64_MAX : link_watch_wake_ms(w->link);
	uint64_t now_ms = clock_mono_ms();

	if (wake_ms == UINT64_MAX)
		return -1;
	return wake_ms <= now_ms ? 0 : (int)(wake_ms - now_ms);
}

static void
wait_a_turn(struct watch *w)
{
	struct pollfd fds[] = {
		{ w->signals, POLLIN, 0 },
		{ w->timer, POLLIN, 0 },
		{ w->files, POLLIN, 0 },
		{ w->link == NULL ? -1 : link_watch_fd(w->link), POLLIN, 0 },
		{ w->search == NULL ? -1 : usher_search_fd(w->search), POLLIN, 0 },
	};

	set_timer(w);
	if (poll(fds, COUNT_OF(fds), time_for_network(w)) < 0)
		return;
	drain(w->timer);
	if (fds[2].revents != 0)
		drain(w->files);
	if (fds[3].revents != 0)
		link_watch_read(w->link, clock_mono_ms());
	if (fds[0].revents != 0)
		take_signals(w);
}

static void
keep_watch(struct watch *w)
{
	while (!w->ended) {
		look_at_file(w);
		look_at_network(w);
		begin_search(w, USHER_REFRESH_DUE);
		go_on_searching(w);
		arena_reset(w->cli.mem);
		if (!w->ended)
			wait_a_turn(w);
	}
}

/* ---- the command ---- */

static usher_status
watch_folder(struct watch *w, struct usher_error *err)
{
	const char *file = usher_profile_text(w->profile, "file");
	size_t n = slice_find_last(slice_of(file), '/');
	const char *folder = arena_copy(w->cli.mem, slice_from(file, n));

	w->files = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (folder == NULL)
		return err_nomem(err, file);
	if (w->files < 0 || inotify_add_watch(w->files, folder,
				IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF) < 0)
		return err_set(
		    err, USHER_E_LIMIT, folder, "cannot be watched: %s", strerror(errno));
	return USHER_OK;
}

static usher_status
open_ears(struct watch *w, struct usher_error *err)
{
	struct usher_error why = { 0 };
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	w->timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (w->signals < 0 || w->timer < 0)
		return err_set(err, USHER_E_LIMIT, "watch", "%s", strerror(errno));
	if (link_watch_new(&w->link, &why) != USHER_OK)
		cli_note("%s: %s; changes of the network go unnoticed", why.where, why.message);
	return watch_folder(w, err);
}

static void
close_all(struct watch *w)
{
	int fds[] = { w->signals, w->timer, w->files };

	for (size_t i = 0; i < COUNT_OF(fds); i++) {
		if (fds[i] >= 0)
			(void)close(fds[i]);
	}
	usher_search_free(w->search);
	link_watch_free(w->link);
	usher_profile_free(w->profile);
	search_forget(&w->secrets);
	arena_free(w->cli.mem);
}

static int
watch_run(struct cli *cli, const void *opaque)
{
	const struct profile_args *args = opaque;
	struct usher_profile_options options = profile_options(cli, args);
	struct watch w = { .cli = *cli,
		.args = args,
		.offset_s = options.clock_offset_s,
		.signals = -1,
		.timer = -1,
		.files = -1 };
	struct usher_error err = { 0 };
	usher_status st;

	w.cli.mem = arena_new(TURN_BYTES);
	st = w.cli.mem == NULL ? err_nomem(&err, "watch") : read_options(&w, cli, &err);
	if (st == USHER_OK)
		st = usher_profile_open(cli->operands[0], &options, &w.profile, &err);
	if (st == USHER_OK)
		st = open_ears(&w, &err);
	if (st == USHER_OK)
		st = usher_profile_report(w.profile, USHER_PROFILE_STARTED, &err);
	if (st == USHER_OK) {
		w.failing = usher_profile_number(w.profile, "services_failures") > 0;
		tell_more(&w, "started", NULL, 0,
		    arena_join(w.cli.mem, "watching the profile of ", cli->operands[0]));
		keep_watch(&w);
	}
	close_all(&w);
	return st == USHER_OK ? w.status : cli_fail(st, &err);
}

static const struct option_spec watch_opts[] = {
	PROFILES_ROW,
	{ 0, "hook", OPT_TEXT, offsetof(struct profile_args, hook), "PROGRAM",
	    "run PROGRAM EVENT ADDRESS after changes, and when searches begin or cease to fail" },
	{ 0, "hook-timeout", OPT_MSEC, offsetof(struct profile_args, hook_timeout_ms), "TIME",
	    "end PROGRAM after TIME (default: 30s)" },
	{ 0, "only-changes", OPT_FLAG, offsetof(struct profile_args, only_changes), NULL,
	    "tell changes of settings and nothing else" },
	{ 0, "refresh-every", OPT_MSEC, offsetof(struct profile_args, refresh_every_ms), "TIME",
	    "refresh URLs of services after TIME (default: as the service says)" },
	{ 0, "retry-every", OPT_MSEC, offsetof(struct profile_args, retry_every_ms), "TIME",
	    "search again TIME after nothing was found (default: 5m)" },
	{ 0, "full-every", OPT_MSEC, offsetof(struct profile_args, full_every_ms), "TIME",
	    "refresh all else after TIME once a connection has failed (default: 6h)" },
	SEARCH_ROWS(struct profile_args),
	{ 0 },
};

static const struct profile_args watch_defaults = { .hook_timeout_ms = HOOK_MS };

const struct command cmd_profile_watch = {
	.name = "profile watch",
	.operands = "ADDRESS",
	.summary = "keep a profile fresh, and tell each change of its settings",
	.about = "Runs in the foreground until SIGTERM or SIGINT. Searches when the settings are "
		 "due, when it starts, when the network changes, and when another program has "
		 "reported something to the profile; SIGHUP reads the password's file again and "
		 "searches at once. Each event is one line, with --json one object.",
	.flags = CMD_CLOCK,
	.opts = watch_opts,
	.defaults = &watch_defaults,
	.args_size = sizeof(struct profile_args),
	.run = watch_run,
};
