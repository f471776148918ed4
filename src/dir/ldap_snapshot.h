/* ldap_snapshot.h - the configuration that an LDAP directory held at one moment, kept in memory for
 * every thread of the process, and renewed behind their backs. */
#ifndef USHER_DIR_LDAP_SNAPSHOT_H
#define USHER_DIR_LDAP_SNAPSHOT_H

#include "dir/dir.h"
#include "dir/domain_entry.h"
#include "model/org_view.h"

struct ldap_link;
struct ldap_map;

enum {
	SNAPSHOT_BYTES = 512 * 1024 * 1024, /* of all records together */
	SNAPSHOT_SKIPPED_MAX = 100	    /* further ones are passed over in silence */
};

/* Never changes once it is made. Certificates and authorities are not in it: dir_each() reads them.
 */
struct ldap_snapshot {
	struct org_view org;
	struct name_map domains; /* of struct domain_entry */
	const struct ldap_map *map;
	struct text_list people;  /* DNs below which mailboxes are */
	uint64_t generation;	  /* differs when any record does, certificates included */
	struct text_list skipped; /* entries that were passed over, and why: for the log */
};

/* Reads all of it once, into `mem`.
 *
 * An entry that makes no sense is passed over and named in `skipped`.
 * Returns as ldap_link_search(). */
USHER_CHECK usher_status
ldap_snapshot_load(struct ldap_link *link, const struct dir_settings *settings, struct arena *mem,
    struct ldap_snapshot *out, struct usher_error *err);

/* ---- ldap_keeper.c: kept by one thread for all others ---- */

/* Loads and reloads: one of them for each URI with its settings, whoever asks. */
struct ldap_keeper;

/* Gives the keeper, and makes it when there is none: then this waits until its first attempt to
 * load has come to an end, whichever. The settings are copied.
 *
 * Returns USHER_OK, USHER_E_LIMIT (no more threads), USHER_E_NOMEM. */
USHER_CHECK usher_status
ldap_keeper_open(const char *uri, const struct dir_settings *settings, struct ldap_keeper **out,
    struct usher_error *err);

/* Ends it with its last user. NULL is ignored. Snapshots that are still held stay. */
void
ldap_keeper_close(struct ldap_keeper *keeper);

/* The newest snapshot, to be released by whoever holds it; never waits.
 * LOOKUP_UNAVAILABLE: what there is is older than the `stale` of the settings, err says why. */
enum lookup
ldap_keeper_hold(
    struct ldap_keeper *keeper, const struct ldap_snapshot **out, struct usher_error *err);

/* One more who holds it, and releases it. Any thread. */
const struct ldap_snapshot *
ldap_snapshot_share(const struct ldap_snapshot *snapshot);

/* Any thread; NULL is ignored. */
void
ldap_snapshot_release(const struct ldap_snapshot *snapshot);

/* What there is, however old: milliseconds since the directory last said that it is so. For
 * metrics. */
uint64_t
ldap_keeper_age_ms(struct ldap_keeper *keeper);

#endif
