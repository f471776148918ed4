/* profile.h - what the commands on profiles share: options, words, events. */
#ifndef USHER_CLI_PROFILE_H
#define USHER_CLI_PROFILE_H

#include "cli/search.h"
#include "usher/profile.h"

/* Args of every command on profiles; not each has options for all members. */
struct profile_args {
	struct search_args search;
	const char *folder;
	bool log;
	bool if_due;

	/* watch */
	uint64_t refresh_every_ms, retry_every_ms, full_every_ms;
	const char *hook;
	uint64_t hook_timeout_ms;
	bool only_changes;
};

#define PROFILES_ROW \
	{ \
		0, "profiles", OPT_TEXT, offsetof(struct profile_args, folder), "DIR", \
		    "keep profiles in DIR (default: $XDG_DATA_HOME/usher/profiles)" \
	}

#define PROFILE_LOG_ROW \
	{ \
		0, "log", OPT_FLAG, offsetof(struct profile_args, log), NULL, \
		    "show every detail of the settings, and every attempt of the last search" \
	}

/* Options as the library takes them; the clock is set to what --now has said. */
struct usher_profile_options
profile_options(const struct cli *cli, const struct profile_args *args);

/* `2026-11-21T08:35:00Z`, or `never` when there is no such time; NULL when out of memory. */
const char *
profile_time(struct cli *cli, int64_t unix_s);

/* What a cause is called, in words: `expired` as `the settings have expired`. */
const char *
profile_cause_words(const char *cause);

/* `a → b`, with `–` for what is not there; NULL when out of memory. */
const char *
profile_change_words(struct cli *cli, const struct usher_change *change);

bool
profile_has_changes(const struct usher_profile *profile, enum usher_changes which);

/* One line for each of them. */
void
profile_say_changes(struct cli *cli, const struct usher_profile *profile, enum usher_changes which);

#endif
