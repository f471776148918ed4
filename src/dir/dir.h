/* dir.h - the directory: what every back end can do.
 *
 * One handle, one thread at a time. Lookups have three outcomes that are never confused: found,
 * absent, unavailable. Management calls work on whole records described by entity rows. */
#ifndef USHER_DIR_DIR_H
#define USHER_DIR_DIR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/secret.h"
#include "model/directory.h"
#include "model/facts.h"
#include "model/ldap.h"
#include "model/org.h"
#include "model/question.h"
#include "usher/status.h"

struct dir;

enum lookup {
	LOOKUP_FOUND = 0,
	LOOKUP_ABSENT,	    /* an answer of the protocol */
	LOOKUP_UNAVAILABLE, /* a 503; err says why */
	LOOKUP_PENDING /* it has been asked for: see dir_wait(). Of handles with DIR_SERVE alone */
};

enum dir_flags {
	DIR_READ = 0,
	DIR_WRITE = 1 << 0,
	DIR_CREATE = 1 << 1, /* with DIR_WRITE: make it when it is missing */
	DIR_SERVE =
	    1 << 2,	   /* never block: LOOKUP_PENDING, or a locked file is LOOKUP_UNAVAILABLE */
	DIR_BULK = 1 << 3, /* with DIR_WRITE, for `import`: more memory, faster by the million */
	DIR_FORWARD = 1 << 4 /* with DIR_READ: migrate an older schema all the same */
};

/* `uri` is `sqlite:/absolute/or/relative/path`; a text without a scheme is a path. Or it is
 * `ldap://HOST[:PORT]`, `ldaps://HOST[:PORT]`, `ldapi://SOCKET`, or several of them with blanks
 * between, tried in this order; `ldap:///` finds servers by SRV records of the domain that
 * settings->base names. `settings` is for LDAP alone; NULL stands for their defaults. The struct is
 * copied, its texts are to live as long as the handle.
 *
 * Opening an older schema with DIR_WRITE or DIR_FORWARD migrates it forward in one transaction;
 * otherwise it is refused, so that looking never takes a directory from the usher that serves it.
 * Returns USHER_OK
 *         USHER_E_ABSENT      no such directory (and no DIR_CREATE): run `usher setup`
 *         USHER_E_UNAVAILABLE locked, another schema, damaged, not a directory of usher
 *         USHER_E_PERMISSION  the operating system refuses
 *         USHER_E_IO          cannot be created
 *         USHER_E_USAGE       unknown scheme, no path
 *         USHER_E_NOMEM
 * and, of LDAP, as ldap_link_open(). With DIR_SERVE an LDAP directory that does not answer is no
 * failure: lookups are LOOKUP_UNAVAILABLE until it does. */
USHER_CHECK usher_status
dir_open(const char *uri, const struct dir_settings *settings, unsigned flags, struct dir **out,
    struct usher_error *err);

/* Such a directory has settings, and checks passwords itself (ldap_login.h). */
bool
dir_is_ldap(const char *uri);

/* Rolls back an open transaction. NULL is ignored. */
void
dir_close(struct dir *dir);

/* What it is, for messages: `sqlite:/var/lib/usher/usher.db`. Valid as long as the handle. */
const char *
dir_name(const struct dir *dir);

/* The path after which files that belong to the directory are named (keys: `stem`.keys), "" when it
 * has none. */
const char *
dir_stem(const struct dir *dir);

/* The schema that dir_open() brought forward, or 0. */
int
dir_brought_from(const struct dir *dir);

/* ---- serving ---- */

/* Reads all that is needed to answer `question` in one consistent view. LOOKUP_FOUND also when the
 * domain or mailbox does not exist: facts say so. `login_name` may be NULL. Strings lie in `mem` or
 * in the handle's own cache; the cached part is valid until the next dir call on this handle.
 * An address that cannot be parsed is LOOKUP_ABSENT. */
enum lookup
dir_facts(struct dir *dir, struct arena *mem, const struct question *question,
    const char *login_name, struct facts *out, struct usher_error *err);

/* The same of a domain (A-labels, letters lowered) with nobody in it: address, local part and
 * mailbox stay absent, so that it costs the same whoever is asked about, and nothing is read from
 * the file when the domain was asked about before and nobody has changed anything since. */
enum lookup
dir_domain(struct dir *dir, struct arena *mem, const char *domain, struct facts *out,
    struct usher_error *err);

/* Finds whose credential `login` is: login names first, then primary addresses and aliases of
 * mailboxes. out->login_name is the canonical one.
 *
 * When LOOKUP_ABSENT, out->password_hash is that of another credential, each time the same for the
 * same `login`: verifying against it costs what it would cost if the login existed, whatever
 * mixture of hashes the directory holds. NULL when it holds none. All else in *out is unset then.
 *
 * An LDAP directory checks passwords itself: out->dn is then whose it is, and password_hash is
 * NULL. When LOOKUP_ABSENT, out->dn is one that nobody has, each time the same for the same
 * `login`: asking about it costs a question as well. */
enum lookup
dir_credential(struct dir *dir, struct arena *mem, const char *login, struct credential *out,
    struct usher_error *err);

/* What is looked up from the first lookup after dir_hold() until dir_release() is of one moment,
 * and costs one look at the file instead of one each. Short: it keeps SQLite from tidying its log.
 * A handle is held once at a time. */
void
dir_hold(struct dir *dir);
void
dir_release(struct dir *dir);

/* A number that differs after any committed change through this interface by any process, and only
 * then. Cheap enough to ask each second; never LOOKUP_PENDING. */
enum lookup
dir_generation(struct dir *dir, uint64_t *out, struct usher_error *err);

/* ---- waiting ----
 *
 * A lookup that returns LOOKUP_PENDING has asked a server and comes to its end by itself: it is
 * answered, fails, or is over its deadline (settings->timeout_ms). Then the caller makes the same
 * call again. A back end that never waits has none of this. */

/* To be called right after LOOKUP_PENDING, or not at all: ready(arg) is called exactly once, from
 * dir_turn() or dir_close(), when that lookup has ended. It may not call the handle. */
void
dir_wait(struct dir *dir, void (*ready)(void *arg), void *arg);

/* It did not answer in time when it was last asked: what is found is what was known before. */
bool
dir_is_silent(const struct dir *dir);

/* Readable when dir_turn() has something to do, lookups over their deadline included. -1: never.
 * The same one as long as the handle. */
int
dir_descriptor(const struct dir *dir);

/* Takes what has come, without blocking. */
void
dir_turn(struct dir *dir);

/* Lookups that were asked for at `mono_ms` (clock_mono_ms()) or later may answer the calls that
 * follow, however old the cache allows them to be. A request gives its own beginning: it then asks
 * once for one thing, and gets the same answer each time. */
void
dir_since(struct dir *dir, uint64_t mono_ms);

/* ---- being watched ---- */

enum dir_counter {
	DIR_COUNT_LOOKUPS = 0, /* asked of a server */
	DIR_COUNT_FAILED,      /* of those: refused, lost, or over their deadline */
	DIR_COUNT_CACHED,      /* answered from memory */
	DIR_COUNT_STALE,       /* of those: older than the cache allows, the directory being away */
	DIR_COUNT_CONNECTIONS, /* gauge: open now */
	DIR_COUNTERS
};

/* Of many handles together, in any threads. */
struct dir_counters {
	_Atomic uint64_t v[DIR_COUNTERS];
};

/* Counts there from now on; they outlive the handle. A back end that asks nobody counts nothing. */
void
dir_count_in(struct dir *dir, struct dir_counters *counters);

/* Milliseconds since the directory last said that the configuration in use is the newest; 0 when
 * each lookup asks. */
uint64_t
dir_age_ms(struct dir *dir);

/* What lies in the directory and makes no sense, so that it is passed over: a line each, which
 * names the entry and says why. Valid until the next call on this handle. */
struct text_list
dir_skipped(struct dir *dir);

/* ---- management ---- */

enum dir_change { DIR_SAME = 0, DIR_CREATED, DIR_CHANGED, DIR_REMOVED };

/* One write transaction; nothing is visible to others before dir_commit(), which returns only when
 * it would survive a loss of power. Waits for another writer for up to 10 s. When dir_commit()
 * fails, all is as it was before dir_begin().
 *
 * A handle without DIR_WRITE begins one consistent view instead: all that is read before
 * dir_commit() or dir_rollback() is of one moment, as an export wants it.
 * USHER_E_UNAVAILABLE (locked), USHER_E_PERMISSION (read-only), USHER_E_IO (disk full). */
USHER_CHECK usher_status
dir_begin(struct dir *dir, struct usher_error *err);
USHER_CHECK usher_status
dir_commit(struct dir *dir, struct usher_error *err);
void
dir_rollback(struct dir *dir);

/* Whether dir_commit() alone sends anything. Opening with DIR_CREATE makes nothing then. */
bool
dir_gathers(const struct dir *dir);

/* Where it does, all that it would send now, in this order. A modification without edits is a
 * password that is to be set. */
USHER_CHECK usher_status
dir_pending(struct dir *dir, usher_status (*each)(const struct ldap_change *change, void *payload),
    void *payload, struct usher_error *err);

/* Whether passwords are handed to the directory itself, by dir_password() inside a transaction,
 * instead of put there as a hash. */
bool
dir_keeps_passwords(const struct dir *dir);

/* USHER_E_ABSENT: nobody has this login. Failures leave the transaction as with dir_put(). */
USHER_CHECK usher_status
dir_password(struct dir *dir, const char *login, const struct secret *password,
    enum dir_change *change, struct usher_error *err);

/* Reads one record. `key` is a record of which only the key members are set. */
enum lookup
dir_get(struct dir *dir, struct arena *mem, const struct entity *entity, const void *key, void *out,
    struct usher_error *err);

/* Calls `each` for every record in key order (mailboxes: by domain, then local part;
 * redirect rules: by domain, then as they are tried), with memory
 * that is valid during the call only. `prefix` limits to records whose leading keys equal those
 * that are set in it; NULL is all. A mailbox prefix `@example.com` is a whole domain.
 * Stops when `each` returns something other than USHER_OK, and returns that. `each` may read from
 * the same handle but must not change anything. */
USHER_CHECK usher_status
dir_each(struct dir *dir, const struct entity *entity, const void *prefix,
    usher_status (*each)(const void *record, void *payload), void *payload,
    struct usher_error *err);

/* The same for the mailboxes that have a redirect_address, in its order: where millions of
 * mailboxes are, those are few. */
USHER_CHECK usher_status
dir_each_moved(struct dir *dir, usher_status (*each)(const void *record, void *payload),
    void *payload, struct usher_error *err);

USHER_CHECK usher_status
dir_count(struct dir *dir, const struct entity *entity, uint64_t *out, struct usher_error *err);

/* Makes or replaces a record inside a transaction, after entity_check() by the caller.
 *
 * USHER_E_CONFLICT an address or legacyDN is another mailbox's, something it names does not exist,
 *                  or an alias names an alias: nothing was changed, the transaction goes on and may
 *                  be committed, so that an import can name every bad row
 * any other        the transaction is lost: dir_commit() will refuse */
USHER_CHECK usher_status
dir_put(struct dir *dir, const struct entity *entity, const void *record, enum dir_change *change,
    struct usher_error *err);

/* *change is DIR_REMOVED, or DIR_SAME when there was none. USHER_E_CONFLICT: still named by others.
 * A domain takes its services with it, a server its URLs and its Outlook Anywhere, a mailbox its
 * alternative mailboxes and its own credential. Failures leave the transaction as with dir_put().
 */
USHER_CHECK usher_status
dir_remove(struct dir *dir, const struct entity *entity, const void *key, enum dir_change *change,
    struct usher_error *err);

#endif
