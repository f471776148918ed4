/* hook.c - runs somebody's program when something has happened. */
#include "cli/hook.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/err.h"
#include "base/when.h"

enum { HOOK_ENVIRONMENT_MAX = 10000 }; /* variables */

/* Files, so that nobody waits for a program that does not read or for one that does not end. */
struct ends {
	int input, output;
};

static int
memory_file(void)
{
	return memfd_create("usher-hook", MFD_CLOEXEC);
}

static int
input_file(struct slice input)
{
	int fd = memory_file();

	while (fd >= 0 && input.n > 0) {
		ssize_t n = write(fd, input.p, input.n);

		if (n < 0 && errno != EINTR) {
			(void)close(fd);
			return -1;
		}
		input = slice_skip(input, n < 0 ? 0 : (size_t)n);
	}
	if (fd >= 0)
		(void)lseek(fd, 0, SEEK_SET);
	return fd;
}

/* Ours without the password, and what is added. NULL when out of memory. */
static char **
environment_of(const struct hook_call *call)
{
	static const char secret[] = "USHER_PASSWORD=";
	size_t n = 0, ours = 0, added = 0;
	char **v;

	while (ours < HOOK_ENVIRONMENT_MAX && environ[ours] != NULL)
		ours++;
	while (call->environment[added] != NULL)
		added++;
	v = calloc(ours + added + 1, sizeof(*v));
	for (size_t i = 0; v != NULL && i < ours; i++) {
		if (strncmp(environ[i], secret, sizeof(secret) - 1) != 0)
			v[n++] = environ[i];
	}
	/* posix_spawn() takes them without const and leaves them alone. */
	if (v != NULL)
		memcpy(v + n, call->environment, added * sizeof(*v));
	return v;
}

static char **
arguments_of(const struct hook_call *call)
{
	size_t n = 0;
	char **v;

	while (call->arguments[n] != NULL)
		n++;
	v = calloc(n + 2, sizeof(*v));
	if (v != NULL) {
		memcpy(v, &call->program, sizeof(*v));
		memcpy(v + 1, call->arguments, n * sizeof(*v));
	}
	return v;
}

/* A group of its own, so that all of it can be ended; no signal blocked or ignored. */
static int
spawn(const struct hook_call *call, const struct ends *ends, char **arguments, char **environment,
    pid_t *out)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t how;
	sigset_t none, all;
	int fault = posix_spawn_file_actions_init(&files);

	if (fault != 0)
		return fault;
	fault = posix_spawnattr_init(&how);
	if (fault != 0) {
		(void)posix_spawn_file_actions_destroy(&files);
		return fault;
	}
	(void)sigemptyset(&none);
	(void)sigfillset(&all);
	(void)posix_spawnattr_setflags(
	    &how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	(void)posix_spawnattr_setpgroup(&how, 0);
	(void)posix_spawnattr_setsigmask(&how, &none);
	(void)posix_spawnattr_setsigdefault(&how, &all);
	fault = posix_spawn_file_actions_adddup2(&files, ends->input, STDIN_FILENO);
	if (fault == 0)
		fault = posix_spawn_file_actions_adddup2(&files, ends->output, STDERR_FILENO);
	if (fault == 0)
		fault = posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	if (fault == 0)
		fault = posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	if (fault == 0)
		fault = posix_spawnp(out, call->program, &files, &how, arguments, environment);
	(void)posix_spawnattr_destroy(&how);
	(void)posix_spawn_file_actions_destroy(&files);
	return fault;
}

enum ending { ENDED, OVERDUE, STOPPED };

static enum ending
wait_for(const struct hook_call *call, pid_t pid)
{
	uint64_t end_ms = clock_mono_ms() + call->timeout_ms;
	int fd = pidfd_open(pid, 0);
	struct pollfd fds[] = { { fd, POLLIN, 0 }, { call->stop_fd, POLLIN, 0 } };
	enum ending ending = OVERDUE;

	for (uint64_t now = clock_mono_ms(); fd >= 0 && ending == OVERDUE && now < end_ms;
	     now = clock_mono_ms()) {
		uint64_t left_ms = end_ms - now;

		(void)poll(fds, COUNT_OF(fds), left_ms > INT32_MAX ? INT32_MAX : (int)left_ms);
		if ((fds[0].revents & POLLIN) != 0)
			ending = ENDED;
		else if ((fds[1].revents & POLLIN) != 0)
			ending = STOPPED;
	}
	if (fd >= 0)
		(void)close(fd);
	if (ending != ENDED)
		(void)kill(-pid, SIGKILL);
	return ending;
}

static usher_status
judge(const struct hook_call *call, enum ending ending, int status, struct usher_error *err)
{
	if (ending == STOPPED)
		return USHER_OK;
	if (ending == OVERDUE)
		return err_set(err, USHER_E_TIMEOUT, call->program,
		    "was ended: it took longer than %llu ms", (unsigned long long)call->timeout_ms);
	if (WIFSIGNALED(status))
		return err_set(err, USHER_E_CONFLICT, call->program, "was ended by signal %d",
		    WTERMSIG(status));
	if (WEXITSTATUS(status) != 0)
		return err_set(err, USHER_E_CONFLICT, call->program, "ended with status %d",
		    WEXITSTATUS(status));
	return USHER_OK;
}

static void
read_output(int fd, struct buf *out)
{
	struct stat file;
	size_t room = out->max - out->n;
	char *to;
	ssize_t n;

	if (fstat(fd, &file) < 0)
		return;
	room = (size_t)file.st_size < room ? (size_t)file.st_size : room;
	to = buf_reserve(out, room);
	n = to == NULL ? 0 : pread(fd, to, room, 0);
	if (n > 0)
		buf_used(out, (size_t)n);
}

usher_status
hook_run(const struct hook_call *call, struct usher_error *err)
{
	char **environment = environment_of(call), **arguments = arguments_of(call);
	struct ends ends = { input_file(call->input),
		call->output == NULL ? STDERR_FILENO : memory_file() };
	int fault = ENOMEM, status = 0;
	enum ending ending = ENDED;
	pid_t pid;
	usher_status st;

	if (environment != NULL && arguments != NULL && ends.input >= 0 && ends.output >= 0)
		fault = spawn(call, &ends, arguments, environment, &pid);
	if (ends.input >= 0)
		(void)close(ends.input);
	free(environment);
	free(arguments);
	if (fault == 0) {
		ending = wait_for(call, pid);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	if (call->output != NULL && ends.output >= 0) {
		read_output(ends.output, call->output);
		(void)close(ends.output);
	}
	if (fault == 0)
		return judge(call, ending, status, err);
	st = fault == ENOMEM		       ? USHER_E_NOMEM :
	     fault == ENOENT		       ? USHER_E_ABSENT :
	     fault == EACCES || fault == EPERM ? USHER_E_PERMISSION :
						 USHER_E_IO;
	return err_set(err, st, call->program, "cannot be run: %s", strerror(fault));
}
