/* main.c - usherd: options, signals, privileges, and the loop of the main thread. */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/err.h"
#include "base/when.h"
#include "server/assemble.h"
#include "server/notify.h"
#include "server/reload.h"

enum {
	EXIT_USAGE = 64,
	EXIT_DATA = 65,
	EXIT_INTERNAL = 70,
	EXIT_PERMISSION = 77,
	EXIT_UNTESTED = 4
};

enum { POLL_MS = 1000 };

struct options {
	const char *conf_path;
	bool test, dump;
};

/* ---- telling ---- */

static int
exit_status(usher_status st)
{
	switch (st) {
	case USHER_OK:
		return EXIT_SUCCESS;
	case USHER_E_USAGE:
		return EXIT_USAGE;
	case USHER_E_PERMISSION:
		return EXIT_PERMISSION;
	case USHER_E_UNAVAILABLE:
	case USHER_E_ABSENT:
	case USHER_E_NETWORK:
	case USHER_E_TIMEOUT:
	case USHER_E_CONFLICT:
	case USHER_E_IO:
		return EXIT_UNTESTED;
	case USHER_E_NOMEM:
	case USHER_E_INTERNAL:
		return EXIT_INTERNAL;
	default:
		return EXIT_DATA;
	}
}

/* Before the log is set up, and for -t: one line for a person. */
static int
fail(usher_status st, const struct usher_error *err)
{
	(void)fprintf(
	    stderr, "usherd: %s%s%s\n", err->where, *err->where == '\0' ? "" : ": ", err->message);
	return exit_status(st);
}

static void
usage(FILE *to)
{
	(void)fprintf(to,
	    "usage: usherd [-c FILE] [-t | -T]\n"
	    "  -c FILE  read this configuration (%s)\n"
	    "  -t       check configuration, directory and certificates, and end\n"
	    "  -T       print the configuration complete with defaults, and end\n"
	    "  -h       print this help\n"
	    "  -V       print the version\n",
	    CONF_DEFAULT_PATH);
}

/* False: *status is what to end with. */
static bool
read_options(int argc, char **argv, struct options *o, int *status)
{
	int c;

	*o = (struct options){ .conf_path = CONF_DEFAULT_PATH };
	*status = EXIT_SUCCESS;
	while ((c = getopt(argc, argv, "c:tThV")) != -1) {
		switch (c) {
		case 'c':
			o->conf_path = optarg;
			break;
		case 't':
			o->test = true;
			break;
		case 'T':
			o->dump = true;
			break;
		case 'h':
			usage(stdout);
			return false;
		case 'V':
			(void)printf("usherd %s\n", USHER_VERSION);
			return false;
		default:
			usage(stderr);
			*status = EXIT_USAGE;
			return false;
		}
	}
	if (optind == argc)
		return true;
	(void)fprintf(
	    stderr, "usherd: `%s`: usherd takes no operands; see usherd -h\n", argv[optind]);
	*status = EXIT_USAGE;
	return false;
}

/* ---- -t and -T ---- */

static int
dump(const struct conf *conf)
{
	struct buf out CLEANUP(buf_cleanup);

	buf_init(&out, CONF_FILE_BYTES);
	conf_dump(conf, &out);
	if (out.status != USHER_OK || fwrite(out.p, 1, out.n, stdout) != out.n ||
	    fflush(stdout) != 0) {
		(void)fprintf(stderr, "usherd: cannot write to standard output\n");
		return EXIT_INTERNAL;
	}
	return EXIT_SUCCESS;
}

static int
test(struct conf *conf)
{
	struct service_state state;
	struct usher_error err = { 0 };
	struct assembly a;
	usher_status st = service_state_init(&state, conf, &err);

	if (st != USHER_OK)
		return fail(st, &err);
	st = assemble(conf, DIR_READ, &state, &a, &err);
	assembly_clear(&a);
	service_state_clear(&state);
	if (st != USHER_OK)
		return fail(st, &err);
	(void)printf(
	    "usherd: %s: configuration, directory and certificates are good\n", conf->path);
	return EXIT_SUCCESS;
}

/* ---- the process ---- */

/* Passwords and keys are in memory: no core file, no debugger of another process. */
static void
keep_memory_private(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static rlim_t
descriptors_wanted(const struct conf *conf)
{
	return (rlim_t)conf->limits.connections + CONF_DESCRIPTORS_BESIDE;
}

static void
raise_descriptors(const struct conf *conf)
{
	rlim_t wanted = descriptors_wanted(conf);
	const struct rlimit all = { wanted, wanted };
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	/* Only the privileged may go above the hard limit. */
	if (limit.rlim_max < wanted && setrlimit(RLIMIT_NOFILE, &all) == 0)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Only once it is sure that usherd starts: a refusal is one line. */
static void
tell_descriptors(const struct conf *conf)
{
	rlim_t wanted = descriptors_wanted(conf);
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	LOG(LEVEL_WARNING, "conf", NULL,
	    "fewer descriptors than `connections` needs: fewer connections are taken; raise "
	    "LimitNOFILE",
	    log_number("descriptors", (int64_t)limit.rlim_cur),
	    log_number("wanted", (int64_t)wanted));
}

static usher_status
drop_privileges(const char *user, struct usher_error *err)
{
	const struct passwd *account;

	if (user == NULL || geteuid() != 0)
		return USHER_OK;
	account = getpwnam(user);
	if (account == NULL)
		return err_set(
		    err, USHER_E_INPUT, user, "no such account; make it or change `user`");
	if (initgroups(user, account->pw_gid) < 0 || setgid(account->pw_gid) < 0 ||
	    setuid(account->pw_uid) < 0)
		return err_set(
		    err, USHER_E_PERMISSION, user, "cannot become this user: %s", strerror(errno));
	/* Changing identity allows core files again. */
	keep_memory_private();
	return USHER_OK;
}

static usher_status
set_up_log(const struct conf *conf, struct usher_error *err)
{
	static const enum log_sink sinks[] = {
		[CONF_LOG_STDERR] = LOG_SINK_STDERR,
		[CONF_LOG_JOURNAL] = LOG_SINK_JOURNAL,
		[CONF_LOG_SYSLOG] = LOG_SINK_SYSLOG,
	};
	enum log_sink sink =
	    conf->log.format == CONF_LOG_AUTO ? log_sink_default() : sinks[conf->log.format];

	return log_setup(sink, (enum log_level)conf->log.level, conf->log.areas, err);
}

/* ---- serving ---- */

/* Signals are blocked everywhere and taken here, one at a time. */
static void
wait_for_end(struct daemon *d, const sigset_t *signals)
{
	uint64_t watchdog_ms = notify_watchdog_ms() / 2;
	uint64_t step_ms = watchdog_ms > 0 && watchdog_ms < POLL_MS ? watchdog_ms : POLL_MS;
	const struct timespec step = { (time_t)(step_ms / 1000), (long)(step_ms % 1000) * 1000000 };
	uint64_t polled = clock_mono_ms();

	for (;;) {
		int signal = sigtimedwait(signals, NULL, &step);

		if (signal == SIGTERM || signal == SIGINT)
			return;
		if (signal == SIGHUP)
			daemon_reload(d);
		if (watchdog_ms > 0)
			notify("WATCHDOG=1");
		if (clock_mono_ms() - polled >= POLL_MS) {
			polled = clock_mono_ms();
			daemon_poll(d);
		}
	}
}

static int
serve(struct conf *conf)
{
	struct usher_error err = { 0 };
	struct daemon d;
	sigset_t signals;
	usher_status st;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGHUP);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	(void)signal(SIGPIPE, SIG_IGN);

	st = set_up_log(conf, &err);
	if (st != USHER_OK)
		return fail(st, &err);
	raise_descriptors(conf);
	st = daemon_init(&d, conf, &err);
	if (st != USHER_OK)
		return fail(st, &err);
	tell_descriptors(conf);
	st = drop_privileges(conf->user, &err);
	if (st == USHER_OK)
		st = daemon_start(&d, &err);
	if (st == USHER_OK) {
		LOG(LEVEL_NOTICE, "conf", NULL, "ready", log_text("version", USHER_VERSION),
		    log_text("file", conf->path), log_text("directory", conf->directory));
		notify("READY=1");
		wait_for_end(&d, &signals);
		LOG(LEVEL_NOTICE, "conf", NULL, "stopping", log_text("version", USHER_VERSION));
		notify("STOPPING=1");
	}
	daemon_stop(&d);
	return st == USHER_OK ? EXIT_SUCCESS : fail(st, &err);
}

int
main(int argc, char **argv)
{
	struct usher_error err = { 0 };
	struct options options;
	struct conf *conf;
	usher_status st;
	int status;

	if (!read_options(argc, argv, &options, &status))
		return status;
	keep_memory_private();
	st = conf_load(options.conf_path, &conf, &err);
	if (st != USHER_OK)
		return fail(st, &err);
	status = options.dump ? dump(conf) : options.test ? test(conf) : serve(conf);
	conf_unref(conf);
	return status;
}
