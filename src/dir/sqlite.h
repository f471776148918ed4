/* sqlite.h - the SQLite back end's handle and what its files give each other. */
#ifndef USHER_DIR_SQLITE_H
#define USHER_DIR_SQLITE_H

#include <sqlite3.h>
#include <sys/stat.h>

#include "base/name_map.h"
#include "dir/backend.h"
#include "dir/domain_entry.h"

enum {
	SQLITE_DIR_APPLICATION_ID = 0x75736872, /* "ushr"; file(1) and others see whose it is */
	SQLITE_DIR_WAIT_MS = 10 * 1000,		/* for another writer */
	SQLITE_DIR_CACHE_KIB = 4 * 1024,	/* pages kept by a handle */
	SQLITE_DIR_SERVE_CACHE_KIB = 16 * 1024, /* the same for one that serves */
	SQLITE_DIR_BULK_CACHE_KIB = 512 * 1024,
	RECORD_MAX_BYTES = 4 * 1024 * 1024,
	SCRATCH_MAX_BYTES = 4 * RECORD_MAX_BYTES
};

/* Statements that are the same for every entity or belong to one; the text is in
 * sqlite_statement.c.
 */
enum statement {
	STATEMENT_BEGIN_READ = 0,
	STATEMENT_BEGIN_WRITE,
	STATEMENT_COMMIT,
	STATEMENT_DATA_VERSION,
	STATEMENT_USER_VERSION,
	STATEMENT_GENERATION,
	STATEMENT_MOVE_GENERATION,
	STATEMENT_ADDRESS_OWNER,
	STATEMENT_ADDRESS_CHECK,
	STATEMENT_ADDRESS_INSERT,
	STATEMENT_ADDRESS_DELETE,
	STATEMENT_DOMAIN_MAILBOX,
	STATEMENT_OWN_MAILBOXES,
	STATEMENT_ORGANIZATION,
	STATEMENT_SITES,
	STATEMENT_SERVERS,
	STATEMENT_URLS,
	STATEMENT_OUTLOOK_ANYWHERES,
	STATEMENT_PROVIDERS,
	STATEMENT_RELATIONSHIPS,
	STATEMENT_DOMAIN,
	STATEMENT_VIEW_OF_DOMAIN,
	STATEMENT_SERVICES,
	STATEMENT_REDIRECTS,
	STATEMENT_MAILBOX_BY_ROW,
	STATEMENT_MAILBOX_BY_ADDRESS,
	STATEMENT_MAILBOX_BY_LEGACY_DN,
	STATEMENT_ALTERNATIVES,
	STATEMENT_CREDENTIAL,
	STATEMENT_CREDENTIAL_BESIDE,
	STATEMENT_FIXED_COUNT
};

/* Statements made for each entity from its rows. */
enum record_statement { RECORD_GET = 0, RECORD_INSERT, RECORD_UPDATE, RECORD_DELETE, RECORD_COUNT };

enum {
	CACHE_DOMAINS = 16384, /* at which the domains are dropped */
	CACHE_DOMAIN_BYTES = 32 * 1024 * 1024,
	CACHE_DELEGATE_BYTES = 1024 * 1024,
	CACHE_ORG_BYTES = 64 * 1024 * 1024
};

/* A login, and the rows of the mailboxes that its own ones list as alternatives. */
struct delegate {
	const char *login; /* NULL: nobody */
	const int64_t *rows;
	size_t n;
};

/* What serving keeps between requests; dropped as a whole when the file changes. */
struct serve_cache {
	int64_t data_version; /* -1: nothing is cached */
	struct arena *org_mem;
	bool org_loaded;
	struct org_view org;
	struct arena *domain_mem;
	struct name_map domains;  /* of struct domain_entry; in domain_mem */
	struct delegate delegate; /* who asked last about others' mailboxes */
	struct arena *delegate_mem;
};

struct file_id {
	dev_t device;
	ino_t inode; /* 0: no such file */
};

/* The directory's file, and the log and the index of the log beside it. */
struct file_ids {
	struct file_id main, wal, shm;
};

struct sqlite_dir {
	struct dir dir; /* first: a struct dir * is a struct sqlite_dir * */
	char *path;
	char *folder;	/* that the file is in */
	unsigned flags; /* enum dir_flags */
	sqlite3 *db;	/* NULL: the file was replaced and could not be opened again yet */
	sqlite3_stmt *fixed[STATEMENT_FIXED_COUNT];
	sqlite3_stmt *records[ENTITY_COUNT][RECORD_COUNT];
	struct arena *scratch; /* of one management call */

	struct file_ids ids;	 /* of the open file, or of the one that was open last */
	uint64_t looked_ms;	 /* when they were last compared */
	struct usher_error gone; /* why db is NULL */

	bool in_view; /* held from one lookup to the next */
	sqlite3_stmt
	    *viewing;	    /* its row keeps the view's transaction open; NULL: there is no view */
	const char *row_of; /* the domain whose row that is, while it may be read; or NULL */
	bool changed;	    /* in this transaction */
	bool lost;	    /* this transaction cannot be committed any more */
	struct usher_error loss; /* why */

	struct serve_cache cache;
};

static inline struct sqlite_dir *
sqlite_of(struct dir *dir)
{
	return (struct sqlite_dir *)(void *)dir;
}

/* ---- sqlite.c ---- */

/* Opens the file and checks its schema; `d` has its path and flags. */
USHER_CHECK usher_status
sqlite_connect(struct sqlite_dir *d, struct usher_error *err);

void
sqlite_disconnect(struct sqlite_dir *d);

/* Looks whether the open file is still the one at the path. Meant for once a second. */
bool
sqlite_still_there(struct sqlite_dir *d);

/* The last failure of `db` as status and words. */
usher_status
sqlite_fail(sqlite3 *db, const char *path, unsigned flags, struct usher_error *err);

static inline usher_status
sqlite_failed(struct sqlite_dir *d, struct usher_error *err)
{
	return sqlite_fail(d->db, d->path, d->flags, err);
}

/* Steps to a row (*row = true) or to the end. The caller resets. */
USHER_CHECK usher_status
sqlite_row(struct sqlite_dir *d, sqlite3_stmt *stmt, bool *row, struct usher_error *err);

/* Steps a statement without rows to its end and resets it. */
USHER_CHECK usher_status
sqlite_run(struct sqlite_dir *d, enum statement which, struct usher_error *err);

/* ---- sqlite_holder.c ---- */

enum { HOLDER_BYTES = 64 };

/* Writes `usher, process 4711`. False when nobody changes the directory, or the kernel does not say
 * who. Opens none of the directory's files: see the remark in sqlite.c. */
bool
sqlite_holder(const char *path, char out[HOLDER_BYTES]);

/* ---- sqlite_schema.c ---- */

enum schema_state {
	SCHEMA_CURRENT = 0,
	SCHEMA_NONE,  /* an empty file */
	SCHEMA_OLDER, /* a directory of an older usher */
	SCHEMA_NEWER,
	SCHEMA_FOREIGN /* SQLite, but not ours */
};

extern const int schema_version; /* what this usher reads and writes */

/* Fails only when the file cannot be read. */
USHER_CHECK usher_status
schema_look(sqlite3 *db, const char *path, unsigned flags, enum schema_state *out, int *version,
    struct usher_error *err);

/* Brings an empty or older file forward by running steps[version] ... steps[n - 1], all in one
 * transaction. Several processes may try at once. NULL for `steps` means usher's own. */
USHER_CHECK usher_status
schema_migrate(sqlite3 *db, const char *path, unsigned flags, const char *const *steps, int n,
    struct usher_error *err);

/* ---- sqlite_statement.c ---- */

/* Gives a prepared statement, made at its first use. Reset it after use. */
USHER_CHECK usher_status
statement_get(
    struct sqlite_dir *d, enum statement which, sqlite3_stmt **out, struct usher_error *err);

USHER_CHECK usher_status
record_statement(struct sqlite_dir *d, const struct entity *e, enum record_statement which,
    sqlite3_stmt **out, struct usher_error *err);

/* For those the caller finalizes: all records (see sqlite_each()), all
 * mailboxes that have a redirect_address, the first record whose text member
 * `field` is ?1, how many there are. */
USHER_CHECK usher_status
statement_each(struct sqlite_dir *d, const struct entity *e, const void *prefix, size_t n_keys,
    sqlite3_stmt **out, struct usher_error *err);
USHER_CHECK usher_status
statement_each_moved(struct sqlite_dir *d, sqlite3_stmt **out, struct usher_error *err);
USHER_CHECK usher_status
statement_find(struct sqlite_dir *d, const struct entity *e, const char *field, sqlite3_stmt **out,
    struct usher_error *err);
USHER_CHECK usher_status
statement_count(
    struct sqlite_dir *d, const struct entity *e, sqlite3_stmt **out, struct usher_error *err);

/* True for the member that is kept as a row number: whose an alternative mailbox is. */
bool
record_is_owner(const struct entity *e, size_t i);

/* ---- sqlite_record.c ---- */

/* Binds ?1 ... ?n to all members, or only to the key. `owner` is the row of the mailbox that an
 * alternative mailbox belongs to. Texts are not copied: they must live until the reset. */
USHER_CHECK usher_status
record_bind(struct sqlite_dir *d, sqlite3_stmt *stmt, const struct entity *e, const void *record,
    size_t n_fields, int64_t owner, struct usher_error *err);

/* Copies the current row into `out`. */
USHER_CHECK usher_status
record_read(struct sqlite_dir *d, sqlite3_stmt *stmt, const struct entity *e, struct arena *mem,
    void *out, struct usher_error *err);

/* Reads every row that `stmt` gives into an array in `mem`, and resets it. */
USHER_CHECK usher_status
record_read_all(struct sqlite_dir *d, sqlite3_stmt *stmt, const struct entity *e, struct arena *mem,
    void *array, size_t *n, struct usher_error *err);

/* An address as the table `address` keys it. */
struct address_key {
	struct slice local, domain; /* ASCII letters lowered */
};

/* `address` is an address.text. False when out of memory. */
bool
address_key(struct arena *mem, const char *address, struct address_key *out);

/* Binds domain to ?1, local part to ?2. */
void
address_key_bind(sqlite3_stmt *stmt, const struct address_key *key);

enum { NO_ROW = -1 };

/* The row in which a mailbox with this primary address is kept, unless another was there first: the
 * one guess that a lookup needs to find most mailboxes without looking the address up. */
int64_t
address_key_row(const struct address_key *key);

/* The row of the mailbox that has the address; NO_ROW when there is none. */
USHER_CHECK usher_status
mailbox_find(struct sqlite_dir *d, const char *address, int64_t *id, struct usher_error *err);

/* The mailbox that has the address, in d->scratch; *id = NO_ROW when there is none. */
USHER_CHECK usher_status
mailbox_read(struct sqlite_dir *d, const char *address, struct mailbox *out, int64_t *id,
    struct usher_error *err);

/* Gives the statement whose rows are the mailboxes (row numbers) of a login: those that name it,
 * and the one whose primary address it is. What is bound lies in `mem` and `login`. */
USHER_CHECK usher_status
own_mailboxes(struct sqlite_dir *d, struct arena *mem, const char *login, sqlite3_stmt **out,
    struct usher_error *err);

/* As dir_get(), but an alias finds its mailbox too; keeps d->scratch. */
USHER_CHECK usher_status
record_get(struct sqlite_dir *d, struct arena *mem, const struct entity *e, const void *key,
    void *out, bool *found, struct usher_error *err);

/* The first record, in d->scratch, whose text member `field` has that value. */
USHER_CHECK usher_status
record_find(struct sqlite_dir *d, const struct entity *e, const char *field, const char *value,
    void *out, bool *found, struct usher_error *err);

enum lookup
sqlite_get(struct dir *dir, struct arena *mem, const struct entity *entity, const void *key,
    void *out, struct usher_error *err);

usher_status
sqlite_each(struct dir *dir, const struct entity *entity, const void *prefix,
    usher_status (*each)(const void *record, void *payload), void *payload,
    struct usher_error *err);

usher_status
sqlite_each_moved(struct dir *dir, usher_status (*each)(const void *record, void *payload),
    void *payload, struct usher_error *err);

usher_status
sqlite_count(struct dir *dir, const struct entity *entity, uint64_t *out, struct usher_error *err);

/* ---- sqlite_change.c ---- */

usher_status
sqlite_put(struct dir *dir, const struct entity *entity, const void *record,
    enum dir_change *change, struct usher_error *err);

usher_status
sqlite_remove(struct dir *dir, const struct entity *entity, const void *key,
    enum dir_change *change, struct usher_error *err);

/* ---- sqlite_serve.c ---- */

enum lookup
sqlite_facts(struct dir *dir, struct arena *mem, const struct question *question,
    const char *login_name, struct facts *out, struct usher_error *err);

enum lookup
sqlite_domain(struct dir *dir, struct arena *mem, const char *domain, struct facts *out,
    struct usher_error *err);

enum lookup
sqlite_credential(struct dir *dir, struct arena *mem, const char *login, struct credential *out,
    struct usher_error *err);

enum lookup
sqlite_generation(struct dir *dir, uint64_t *out, struct usher_error *err);

/* ---- sqlite_view.c ---- */

/* All that is read until view_end() is of one moment. Drops what was kept when somebody committed
 * meanwhile. With DIR_SERVE, looks once a second whether the file was replaced. `domain` will be
 * asked for first (NULL: none), and lives until then: when it is not kept, this reads it. */
USHER_CHECK usher_status
view_begin(struct sqlite_dir *d, const char *domain, struct usher_error *err);

/* While the handle is held, sqlite_release() does it. */
void
view_end(struct sqlite_dir *d);

void
sqlite_release(struct dir *dir);

/* Makes d->cache.org what it is in this view. */
USHER_CHECK usher_status
view_org(struct sqlite_dir *d, struct usher_error *err);

/* *out = NULL when there is no such domain. It is kept, or in `mem` when it is too large for that.
 */
USHER_CHECK usher_status
view_domain(struct sqlite_dir *d, struct arena *mem, const char *name, struct domain_entry **out,
    struct usher_error *err);

/* Forgets all that is kept. */
void
serve_cache_drop(struct sqlite_dir *d);

void
serve_cache_free(struct sqlite_dir *d);

#endif
