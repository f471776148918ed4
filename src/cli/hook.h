/* hook.h - runs somebody's program when something has happened. */
#ifndef USHER_CLI_HOOK_H
#define USHER_CLI_HOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "usher/status.h"

/* `NAME=VALUE` for the program's environment. */
struct hook_call {
	const char *program;		/* as execvp(3) finds it; no shell */
	const char *const *arguments;	/* after the program's name; NULL-terminated */
	const char *const *environment; /* added to ours; NULL-terminated */
	struct slice input;		/* its standard input */
	struct buf *output; /* gets all that it says, as far as it has room; NULL: standard error
			       gets it */
	uint64_t timeout_ms;
	int stop_fd; /* when it becomes readable the program is ended; -1: never */
};

/* Runs it to its end. Its standard output goes where its standard error goes. It gets no descriptor
 * of ours, and neither USHER_PASSWORD nor any other secret. When its time is over, or stop_fd is
 * readable, it and what it has started are killed.
 *
 * Returns USHER_OK            it ended with status 0, or was stopped
 *         USHER_E_ABSENT, USHER_E_PERMISSION, USHER_E_IO   it cannot be run
 *         USHER_E_CONFLICT    it ended with another status, or by a signal
 *         USHER_E_TIMEOUT     its time was over
 *         USHER_E_NOMEM */
USHER_CHECK usher_status
hook_run(const struct hook_call *call, struct usher_error *err);

#endif
