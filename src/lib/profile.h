/* profile.h - inside of profiles: what the files of this part share.
 *
 * profile.c         the public calls that open, read, list and remove
 * profile_refresh.c those that change: searches and events
 * profile_data.c    a profile's file as text <-> what it means
 * profile_store.c   the folder: names, lock, whole replacement
 * profile_change.c  two layers as one answer, and how answers differ
 * profile_login.c   what is kept for logging in
 * profile_view.c    what the public getters read */
#ifndef USHER_LIB_PROFILE_H
#define USHER_LIB_PROFILE_H

#include <sys/types.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/buf.h"
#include "model/answer.h"
#include "model/evidence.h"
#include "plan/plan.h"
#include "plan/refresh.h"
#include "usher/profile.h"

enum {
	PROFILE_FORMAT = 1,		   /* member `usher_profile` */
	PROFILE_BYTES = 4 * 1024 * 1024,   /* of its file */
	PROFILE_MEMORY = 64 * 1024 * 1024, /* of all that is made from one */
	PROFILE_NAME_BYTES = 250,	   /* of a file's name: room for `.` and `.new` beside it */
	PROFILE_LOCK_MS = 2000,
	PROFILE_SITE_S = 12 * 3600 /* for which a site is a good guess (scp.md 5.6) */
};

/* ---- profile_data.c ---- */

/* What is told in one object. */
struct profile_head {
	const char *address;
	int64_t created;
	const char *url;	    /* the last known good one */
	const char *answer_address; /* whom it answered for */
	const char *login;	    /* NULL: the address */
	struct text_list trust_hosts;
	struct text_list offered_before; /* as among the options of a search */
	const char *directory;		 /* that is searched; NULL: none that was named */
	enum tri domain_joined;
	const char *site; /* of this computer, as it was told … */
	int64_t site_at;  /* … then; NUMBER_ABSENT */
};

struct profile_search {
	int64_t at;  /* NUMBER_ABSENT: there was none */
	int cause;   /* enum refresh_cause */
	int outcome; /* enum plan_outcome */
	const char *reason;
	int64_t elapsed_ms;
};

struct profile_data {
	struct profile_head head;
	struct refresh refresh;
	struct profile_search search; /* the last one */
	const struct attempt *const *attempts;
	size_t n_attempts;
	struct attempt won;	/* the attempt that found the services' settings */
	struct answer services; /* by the layer that they serve */
	struct answer connection;
};

void
profile_data_write(struct buf *out, const struct profile_data *data);

/* All of it is in `mem`. `where` is for messages.
 * USHER_E_INPUT (not a profile, or of a newer format), USHER_E_NOMEM. */
USHER_CHECK usher_status
profile_data_read(struct arena *mem, struct slice text, const char *where, struct profile_data *out,
    struct usher_error *err);

/* Names of enum plan_outcome; NULL-terminated. */
extern const char *const profile_outcome_names[];

/* ---- profile_store.c ---- */

struct profile_folder {
	const char *path;
	int fd; /* -1: it is not there */
};

/* Which file it was: another one takes its place when a profile changes. */
struct profile_version {
	ino_t inode;
	int64_t changed_ns;
	off_t bytes;
};

/* Opens `given`, or the usual place. `make`: with the folders above it, for their owner alone;
 * without, fd may be -1. USHER_E_USAGE (no home), USHER_E_PERMISSION, USHER_E_IO, USHER_E_NOMEM. */
USHER_CHECK usher_status
profile_folder_open(struct arena *mem, const char *given, bool make, struct profile_folder *out,
    struct usher_error *err);

void
profile_folder_close(struct profile_folder *folder);

/* The name of the file, without a slash whatever the address; NULL when out of memory. */
const char *
profile_file_name(struct arena *mem, const struct address *address);

/* `FOLDER/NAME`, for messages; NULL when out of memory. */
const char *
profile_file_path(struct arena *mem, const struct profile_folder *folder, const char *name);

/* Waits for whoever else changes a profile, PROFILE_LOCK_MS at most. *out is released with close().
 * USHER_E_UNAVAILABLE, USHER_E_PERMISSION, USHER_E_IO. */
USHER_CHECK usher_status
profile_lock(const struct profile_folder *folder, int *out, struct usher_error *err);

/* Reads a profile's file whole. USHER_E_ABSENT, USHER_E_INPUT (no plain file), USHER_E_PERMISSION,
 * USHER_E_LIMIT, USHER_E_IO, USHER_E_NOMEM. */
USHER_CHECK usher_status
profile_file_read(const struct profile_folder *folder, const char *name, const char *path,
    struct buf *out, struct profile_version *version, struct usher_error *err);

/* True when `name` is not the file any more that it was; gone counts. */
bool
profile_file_changed(
    const struct profile_folder *folder, const char *name, const struct profile_version *version);

/* Replaces it whole, under the lock. USHER_E_PERMISSION, USHER_E_IO. */
USHER_CHECK usher_status
profile_file_write(const struct profile_folder *folder, const char *name, const char *path,
    struct slice text, struct profile_version *version, struct usher_error *err);

/* Under the lock. USHER_E_ABSENT, USHER_E_PERMISSION, USHER_E_IO. */
USHER_CHECK usher_status
profile_file_remove(const struct profile_folder *folder, const char *name, const char *path,
    struct usher_error *err);

/* The names of all files that may be profiles, sorted. USHER_E_IO, USHER_E_NOMEM. */
USHER_CHECK usher_status
profile_file_names(struct arena *mem, const struct profile_folder *folder, struct text_list *out,
    struct usher_error *err);

/* ---- profile_change.c ---- */

/* The settings in force: the connection's, with the URLs of services where the services' layer has
 * the same block. False when out of memory. */
bool
profile_merge(struct arena *mem, const struct answer *connection, const struct answer *services,
    struct answer *out);

struct profile_change {
	const char *member, *before, *after;
};

struct profile_changes {
	struct profile_change *v;
	size_t n;
};

/* Every member that differs; NULL `before`: all there is. False when out of memory. */
bool
profile_compare(struct arena *mem, const struct answer *before, const struct answer *after,
    struct profile_changes *out);

/* The shortest validity of all blocks in hours (pox.md 4.1): absent is one, 0 is for ever. */
int64_t
profile_ttl_hours(const struct answer *settings);

/* ---- profile_login.c ---- */

/* Takes over into *head what hosts have offered in a search; and, if it has found settings, by
 * which name it logged in and whom it was told to trust. *head points to `result` and `mem`
 * afterwards. USHER_E_NOMEM: it may have changed in part. */
USHER_CHECK usher_status
profile_login_keep(struct arena *mem, const struct usher_result *result, struct profile_head *head);

/* The same for the directory that was searched, and for the site that this computer is in. */
void
profile_directory_keep(const struct usher_result *result, int64_t now_s, struct profile_head *head);

/* ---- profile_view.c ---- */

/* What the getters know by name; the members are those of the public header. */
struct profile_facts {
	const char *address;
	const char *file;
	int64_t created;
	const char *url;
	const char *source;
	const char *source_name;
	const char *answer_address;
	const char *login;
	struct text_list trust_hosts, offered_before;
	struct refresh_track services, connection;
	struct profile_search search;
};

extern const struct field_table profile_facts_table;

/* One state of a profile, as read from its file, with all that is made from it. */
struct profile_view {
	struct arena *mem; /* this struct too */
	struct profile_version version;
	struct profile_data data;
	struct answer settings; /* merged */
	/* for the options of a search: NULL-terminated */
	const char *const *trust_hosts, *const *offered_before;
	struct profile_changes waiting;
	struct usher_result *in_force;
	struct usher_result *last;
	struct profile_facts facts;
	struct buf json;
};

/* Makes a view of the text of a file, which must be the profile of `address`.
 * USHER_E_INPUT, USHER_E_NOMEM. */
USHER_CHECK usher_status
profile_view_new(struct slice text, const char *path, const struct address *address,
    struct profile_view **out, struct usher_error *err);

/* NULL is ignored. */
void
profile_view_free(struct profile_view *view);

/* ---- profile.c ---- */

struct usher_profile {
	struct arena *mem; /* this struct too */
	struct address address;
	struct refresh_policy policy;
	int64_t offset_s;
	struct profile_folder folder;
	const char *name; /* of its file */
	const char *path;

	struct profile_view *view; /* NULL: new, and not on disk */

	/* the search that was begun; no layers: none */
	unsigned layers;
	enum refresh_cause cause;

	struct arena *made_mem;
	struct profile_changes made;
};

/* Reads the file. As profile_file_read() and profile_view_new(). */
USHER_CHECK usher_status
profile_read(struct usher_profile *p, struct profile_view **out, struct usher_error *err);

/* A new profile must not be there: USHER_E_CONFLICT. Else as profile_read(). */
USHER_CHECK usher_status
profile_check_new(struct usher_profile *p, struct usher_error *err);

#endif
