/* usher/profile.h - the settings of a mailbox, kept on disk and refreshed when it is time.
 *
 * A profile remembers what usher_find() found, where, and when it is to be asked again. It has two
 * layers, as Outlook's has. The URLs of services are refreshed when their time (TTL) has run out,
 * at the start of the program and when the network changes. What a connection to the mailbox needs
 * is taken over when the profile is made, after a connection has failed, and on repair: a client
 * that never fails keeps what it has. A search that finds nothing changes no setting.
 *
 *	struct usher_profile_options options = USHER_PROFILE_OPTIONS_INIT;
 *	struct usher_profile *profile;
 *	struct usher_error err;
 *
 *	if (usher_profile_open("ann@contoso.example", &options, &profile, &err) != USHER_OK)
 *		return complain(err.message);
 *	if (usher_profile_refresh(profile, USHER_REFRESH_DUE, &find, NULL, &err) != USHER_OK)
 *		complain(err.message);
 *	use(usher_profile_settings(profile));
 *	usher_profile_free(profile);
 *
 * On disk a profile is one JSON file per address (described in usher_profile(3)), readable by its
 * owner alone. It holds the login name and no secret. It is replaced whole: whoever reads it, or
 * dies while writing it, finds the old or the new one. Several programs may use one profile at a
 * time.
 *
 * Threads, memory, errors and ABI are as usher/find.h says. Nothing runs by itself: the caller asks
 * usher_profile_due() and comes back then. */
#ifndef USHER_PROFILE_H
#define USHER_PROFILE_H

#include "usher/find.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Begin it as USHER_PROFILE_OPTIONS_INIT. What it points to is copied. Since 0.1. */
struct usher_profile_options {
	size_t size;

	/* Where profiles lie. NULL: $XDG_DATA_HOME/usher/profiles, or ~/.local/share/usher/profiles
	 * when that is not set. It is made with the first profile. */
	const char *folder;

	/* Seconds; 0: the default. */
	int64_t refresh_s; /* between refreshes of services; 0: as the service says (TTL) */
	int64_t retry_s;   /* after a search that reached nobody; 0: 5 min */
	int64_t cycle_s;   /* between refreshes of the rest after a connection failed; 0: 6 h */

	int64_t clock_offset_s; /* added to the clock; for tests */
};

/* The first value of a struct usher_profile_options. Since 0.1. */
#ifdef __cplusplus
static inline struct usher_profile_options
usher_profile_options_first(void)
{
	struct usher_profile_options options = usher_profile_options();

	options.size = sizeof(options);
	return options;
}
#define USHER_PROFILE_OPTIONS_INIT usher_profile_options_first()
#else
#define USHER_PROFILE_OPTIONS_INIT \
	{ \
		.size = sizeof(struct usher_profile_options) \
	}
#endif

/* Opaque. Since 0.1. */
struct usher_profile;

/* Reads the profile of an address.
 *
 * options  NULL: all defaults.
 * out      written on success only; release with usher_profile_free().
 * err      may be NULL; written on failure only.
 *
 * Returns  USHER_OK
 *          USHER_E_ABSENT       there is none
 *          USHER_E_ADDRESS      `address` is not a mailbox
 *          USHER_E_USAGE        an option makes no sense, or there is no home for profiles
 *          USHER_E_INPUT        the file is no profile, or a newer version's
 *          USHER_E_PERMISSION   it may not be read, or others may write where it lies
 *          USHER_E_LIMIT        it is larger than a profile can be
 *          USHER_E_IO, USHER_E_NOMEM
 * Since 0.1. */
USHER_API USHER_CHECK usher_status
usher_profile_open(const char *address, const struct usher_profile_options *options,
    struct usher_profile **out, struct usher_error *err);

/* Begins a profile. It is on disk after its first usher_profile_finish() with settings, before that
 * it has none. Returns as usher_profile_open(), and USHER_E_CONFLICT when there is one; never
 * USHER_E_ABSENT. Since 0.1. */
USHER_API USHER_CHECK usher_status
usher_profile_new(const char *address, const struct usher_profile_options *options,
    struct usher_profile **out, struct usher_error *err);

/* NULL is ignored. Since 0.1. */
USHER_API void
usher_profile_free(struct usher_profile *profile);

/* Forgets the profile of an address. Returns as usher_profile_open(), but takes any file in its
 * place. Since 0.1. */
USHER_API USHER_CHECK usher_status
usher_profile_remove(
    const char *address, const struct usher_profile_options *options, struct usher_error *err);

/* Told one profile, in the order of their file names: the address, or NULL and why the file called
 * `name` is none. Both are valid during the call. Return other than 0 to end the list. Since 0.1.
 */
typedef int
usher_profile_callback(
    const char *address, const char *name, const struct usher_error *fault, void *payload);

/* Tells all profiles. A folder that there is not has none.
 * Returns USHER_OK, USHER_E_USAGE, USHER_E_PERMISSION, USHER_E_IO, USHER_E_NOMEM. Since 0.1. */
USHER_API USHER_CHECK usher_status
usher_profile_list(const struct usher_profile_options *options, usher_profile_callback *each,
    void *payload, struct usher_error *err);

/* ---- refreshing ---- */

/* What a search is for. Since 0.1. */
enum usher_refresh {
	USHER_REFRESH_DUE = 0,	 /* what is due by now */
	USHER_REFRESH_ASKED = 1, /* URLs of services at least */
	USHER_REFRESH_REPAIR = 2 /* everything, and not by way of the last known good URL */
};

/* Searches if there is something to search for, and finishes with what came.
 *
 * find     as for usher_find(). The profile's own stand for members that are NULL, or empty lists:
 *          last_known_good, login, trust_hosts, offered_before. The login and the hosts of a search
 *          that finds settings are kept in place of the old ones, and so are the hosts that its
 *          callback agrees to, beside them. A host that is known to have offered better gets no
 *          password by Basic unless find->schemes names it; if it is found by it then, what it
 *          offers now is what is expected of it later.
 * result   may be NULL. What the search gave, to be freed by the caller; NULL when nothing was due.
 *
 * Returns  as usher_find() and usher_profile_finish(). A search that found no settings is no error.
 * Since 0.1. */
USHER_API USHER_CHECK usher_status
usher_profile_refresh(struct usher_profile *profile, enum usher_refresh how,
    const struct usher_find_options *find, struct usher_result **result, struct usher_error *err);

/* The same in two halves, for programs that search in their own event loop. Begins: 1 when a search
 * is wanted, 0 when nothing is due. *find gets what usher_profile_refresh() would give it, valid
 * until the profile is next told to do something. Since 0.1. */
USHER_API int
usher_profile_begin(
    struct usher_profile *profile, enum usher_refresh how, struct usher_find_options *find);

/* Takes over what the search has found, or that it has not, and writes the profile. What another
 * program has changed meanwhile is kept.
 *
 * Returns  USHER_OK
 *          USHER_E_ABSENT       the profile was removed meanwhile
 *          USHER_E_CONFLICT     a new profile: another program has made it meanwhile
 *          USHER_E_UNAVAILABLE  another program holds the folder's lock for very long
 *          USHER_E_INPUT, USHER_E_PERMISSION, USHER_E_LIMIT, USHER_E_IO, USHER_E_NOMEM
 *                               the profile is as it was
 * Since 0.1. */
USHER_API USHER_CHECK usher_status
usher_profile_finish(
    struct usher_profile *profile, const struct usher_result *result, struct usher_error *err);

/* Tells by USHER_CHANGES_MADE what usher_profile_finish() would change, and changes nothing.
 * Returns USHER_OK, USHER_E_LIMIT, USHER_E_NOMEM. Since 0.1. */
USHER_API USHER_CHECK usher_status
usher_profile_preview(
    struct usher_profile *profile, const struct usher_result *result, struct usher_error *err);

/* Since 0.1. */
enum usher_profile_event {
	USHER_PROFILE_STARTED = 0,	     /* the program that uses the settings has begun */
	USHER_PROFILE_NETWORK_CHANGED = 1,   /* another network, or an address on it */
	USHER_PROFILE_CONNECTION_FAILED = 2, /* a server that the settings name was not reached */
	USHER_PROFILE_MAILBOX_MOVED = 3	     /* one said that the mailbox is elsewhere */
};

/* Something has happened that may make a refresh due sooner, here and for other programs that use
 * the profile. Returns as usher_profile_finish(). Since 0.1. */
USHER_API USHER_CHECK usher_status
usher_profile_report(
    struct usher_profile *profile, enum usher_profile_event event, struct usher_error *err);

/* When the next search is due: Unix seconds of the clock with its offset, in the past when it is
 * due already; -1: never. Since 0.1. */
USHER_API int64_t
usher_profile_due(struct usher_profile *profile);

/* Why it is, by the names of services_cause; `none` when it never is. Since 0.1. */
USHER_API const char *
usher_profile_due_cause(struct usher_profile *profile);

/* Reads the profile again if its file has changed. Returns as usher_profile_open(). Since 0.1. */
USHER_API USHER_CHECK usher_status
usher_profile_sync(struct usher_profile *profile, struct usher_error *err);

/* ---- reading ----
 *
 * Everything given back is valid until the profile is next told to do something. */

/* The settings in force, with the attempt that found them; NULL while a new profile has none.
 * Since 0.1. */
USHER_API const struct usher_result *
usher_profile_settings(const struct usher_profile *profile);

/* How the last search ended, and all its attempts; NULL when there was none. Since 0.1. */
USHER_API const struct usher_result *
usher_profile_last_search(const struct usher_profile *profile);

/* A member by its name, as in usher_profile(3): address, file, created, url, source, source_name,
 * answer_address, login (NULL: the address); services_refreshed, services_tried, services_due,
 * services_cause, services_failures, and the same five with connection_; last_search, last_cause.
 * Times are numbers in Unix seconds. NULL and -1 when absent. Since 0.1. */
USHER_API const char *
usher_profile_text(const struct usher_profile *profile, const char *name);
USHER_API int64_t
usher_profile_number(const struct usher_profile *profile, const char *name);

/* The item-th text of trust_hosts or offered_before; NULL past its end. Since 0.1. */
USHER_API const char *
usher_profile_item(const struct usher_profile *profile, const char *name, size_t item);

/* The whole as one JSON object. Since 0.1. */
USHER_API const char *
usher_profile_json(const struct usher_profile *profile);

/* A setting that differs. Since 0.1. */
struct usher_change {
	size_t size;
	const char *member; /* `EXCH.ews_url`, `user.display_name` */
	const char *before; /* NULL: it was not there */
	const char *after;  /* NULL: it is there no more */
};

/* Since 0.1. */
enum usher_changes {
	USHER_CHANGES_MADE = 0,	  /* by the last usher_profile_finish(), _report() or _sync() */
	USHER_CHANGES_WAITING = 1 /* the service says so, and the profile does not take it over
				     before a connection fails or a repair */
};

/* Fills in `change`, whose member size the caller sets. 0 past the last. Since 0.1. */
USHER_API int
usher_profile_change(const struct usher_profile *profile, enum usher_changes which, size_t index,
    struct usher_change *change);

#ifdef __cplusplus
}
#endif

#endif
