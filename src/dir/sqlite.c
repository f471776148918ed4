/* sqlite.c - the embedded directory: opening its file, transactions, and failures in words. */
#include "dir/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/url.h"
#include "base/when.h"

/* Never open and close the directory's file here while SQLite has it open: closing any descriptor
 * of a file drops all locks that this process holds on it (fcntl(2), POSIX locks). */

/* ---- failures ---- */

static const struct failure {
	int code; /* primary or extended */
	usher_status status;
	const char *words;
} failures[] = {
	{ SQLITE_READONLY_DBMOVED, USHER_E_UNAVAILABLE,
	    "was replaced or deleted while it was open; run the command again" },
	{ SQLITE_READONLY_DIRECTORY, USHER_E_PERMISSION,
	    "its folder may not be written to; run as the user who owns it" },
	{ SQLITE_READONLY_CANTLOCK, USHER_E_PERMISSION,
	    "the files -wal and -shm beside it may not be written to; run as the user who owns "
	    "it" },
	{ SQLITE_READONLY, USHER_E_PERMISSION,
	    "is read-only for this user; run as the user who owns it, or make it writable" },
	{ SQLITE_PERM, USHER_E_PERMISSION, "may not be opened by this user" },
	{ SQLITE_FULL, USHER_E_IO,
	    "no room left on its file system; nothing was changed, make room and repeat" },
	{ SQLITE_NOTADB, USHER_E_UNAVAILABLE,
	    "is not a directory of usher; look at the path, or restore a backup" },
	{ SQLITE_CORRUPT, USHER_E_UNAVAILABLE,
	    "is damaged; stop usherd, move it away and restore a backup" },
	{ SQLITE_NOMEM, USHER_E_NOMEM, "out of memory" },
	{ SQLITE_IOERR_NOMEM, USHER_E_NOMEM, "out of memory" },
	{ SQLITE_TOOBIG, USHER_E_LIMIT, "a record of more than 4 MB" },
};

static const struct failure *
find_failure(int code)
{
	for (size_t i = 0; i < COUNT_OF(failures); i++)
		if (failures[i].code == code)
			return &failures[i];
	for (size_t i = 0; i < COUNT_OF(failures); i++)
		if (failures[i].code == (code & 0xff))
			return &failures[i];
	return NULL;
}

static usher_status
fail_busy(const char *path, unsigned flags, struct usher_error *err)
{
	char holder[HOLDER_BYTES];

	if ((flags & DIR_SERVE) != 0)
		return err_set(
		    err, USHER_E_UNAVAILABLE, path, "is locked by another program; ask again");
	if (!sqlite_holder(path, holder))
		return err_set(err, USHER_E_UNAVAILABLE, path,
		    "another program has kept it locked for %d s; wait for it or end it: `fuser -v "
		    "%s` shows who has it open",
		    SQLITE_DIR_WAIT_MS / 1000, path);
	return err_set(err, USHER_E_UNAVAILABLE, path,
	    "another program (%s) has kept it locked for %d s; wait for it or end it", holder,
	    SQLITE_DIR_WAIT_MS / 1000);
}

usher_status
sqlite_fail(sqlite3 *db, const char *path, unsigned flags, struct usher_error *err)
{
	int latest = errno, code = sqlite3_extended_errcode(db);
	/* SQLite forgets its number when the failure ended a transaction (seen in 3.40). */
	int number = sqlite3_system_errno(db) != 0 ? sqlite3_system_errno(db) : latest;
	const struct failure *f = find_failure(code);

	if (f != NULL)
		return err_set(err, f->status, path, "%s", f->words);
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return fail_busy(path, flags, err);
	case SQLITE_CANTOPEN:
	case SQLITE_IOERR:
		if (number == ENOSPC || number == EDQUOT || number == EFBIG)
			return err_set(
			    err, USHER_E_IO, path, "%s", find_failure(SQLITE_FULL)->words);
		if (number == EACCES || number == EPERM || number == EROFS)
			return err_set(err, USHER_E_PERMISSION, path,
			    "cannot be opened (%s); run as the user who owns it and its folder",
			    strerror(number));
		return err_set(err, USHER_E_IO, path,
		    "cannot be read or written (%s, %s); look at the disk and the system log",
		    sqlite3_errmsg(db), number == 0 ? "no system error" : strerror(number));
	case SQLITE_CONSTRAINT:
		return err_set(err, USHER_E_CONFLICT, path, "%s", sqlite3_errmsg(db));
	default:
		return err_set(
		    err, USHER_E_INTERNAL, path, "SQLite: %s (%d)", sqlite3_errmsg(db), code);
	}
}

static usher_status
fail_errno(const char *path, int number, struct usher_error *err)
{
	switch (number) {
	case ENOENT:
	case ENOTDIR:
		return err_set(err, USHER_E_ABSENT, path,
		    "there is no directory here; make one with `usher setup` or name another with "
		    "--directory");
	case EACCES:
	case EPERM:
	case EROFS:
		return err_set(err, USHER_E_PERMISSION, path, "%s; run as the user who owns it",
		    strerror(number));
	default:
		return err_set(err, USHER_E_IO, path, "%s", strerror(number));
	}
}

usher_status
sqlite_row(struct sqlite_dir *d, sqlite3_stmt *stmt, bool *row, struct usher_error *err)
{
	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		*row = true;
		return USHER_OK;
	case SQLITE_DONE:
		*row = false;
		return USHER_OK;
	default:
		return sqlite_failed(d, err);
	}
}

usher_status
sqlite_run(struct sqlite_dir *d, enum statement which, struct usher_error *err)
{
	sqlite3_stmt *stmt;
	usher_status st;
	bool row;

	st = statement_get(d, which, &stmt, err);
	if (st != USHER_OK)
		return st;
	st = sqlite_row(d, stmt, &row, err);
	(void)sqlite3_reset(stmt);
	return st;
}

/* ---- opening ---- */

#define WAL_SUFFIX "-wal"
#define SHM_SUFFIX "-shm"

static void
remove_beside(const char *path, const char *suffix)
{
	char name[PATH_MAX];

	if (snprintf(name, sizeof(name), "%s%s", path, suffix) < (int)sizeof(name))
		(void)unlink(name);
}

/* Makes an empty file that only its owner reads, for it will hold password hashes. A folder of
 * another user keeps its files his, so that root may set up what usherd serves. */
static usher_status
make_file(const struct sqlite_dir *d, struct usher_error *err)
{
	usher_status st = USHER_OK;
	struct stat folder;
	int fd, folder_fd;

	folder_fd = open(d->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder_fd < 0)
		return errno == ENOENT ? err_set(err, USHER_E_IO, d->path,
					     "its folder does not exist; make it first") :
					 fail_errno(d->path, errno, err);
	fd = open(d->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0) {
		/* Left by a file that was deleted, but not by all who have it open. */
		remove_beside(d->path, WAL_SUFFIX);
		remove_beside(d->path, SHM_SUFFIX);
	}
	if (fd < 0 && errno != EEXIST)
		st = fail_errno(d->path, errno, err);
	if (fd >= 0) {
		if ((geteuid() == 0 && (fstat(folder_fd, &folder) != 0 ||
					   fchown(fd, folder.st_uid, folder.st_gid) != 0)) ||
		    fsync(folder_fd) != 0)
			st = fail_errno(d->path, errno, err);
		(void)close(fd);
	}
	(void)close(folder_fd);
	return st;
}

static struct file_id
identify(const char *path, const char *suffix)
{
	char name[PATH_MAX];
	struct stat s;

	if (snprintf(name, sizeof(name), "%s%s", path, suffix) >= (int)sizeof(name) ||
	    stat(name, &s) != 0)
		return (struct file_id){ 0, 0 };
	return (struct file_id){ s.st_dev, s.st_ino };
}

static bool
same_file(const struct file_id *a, const struct file_id *b)
{
	return a->inode != 0 && a->inode == b->inode && a->device == b->device;
}

static struct file_ids
identify_all(const struct sqlite_dir *d)
{
	return (struct file_ids){ identify(d->path, ""), identify(d->path, WAL_SUFFIX),
		identify(d->path, SHM_SUFFIX) };
}

bool
sqlite_still_there(struct sqlite_dir *d)
{
	struct file_ids now = identify_all(d);

	if (!same_file(&now.main, &d->ids.main))
		return false;
	d->ids = now;
	return true;
}

/* A log left by the file that was here before would be played into the new one, and its index is
 * still mapped by our other threads. */
static usher_status
check_leftovers(const struct sqlite_dir *d, struct usher_error *err)
{
	struct file_ids now = identify_all(d);

	if (d->ids.main.inode == 0 || same_file(&now.main, &d->ids.main) ||
	    (!same_file(&now.wal, &d->ids.wal) && !same_file(&now.shm, &d->ids.shm)))
		return USHER_OK;
	return err_set(err, USHER_E_UNAVAILABLE, d->path,
	    "was replaced while it was in use; remove %s" WAL_SUFFIX " and %s" SHM_SUFFIX
	    ", which belong to the old one",
	    d->path, d->path);
}

static usher_status
look_at_file(struct sqlite_dir *d, struct usher_error *err)
{
	const unsigned create = DIR_WRITE | DIR_CREATE;
	struct stat s;

	if (stat(d->path, &s) != 0) {
		usher_status st;

		if (errno != ENOENT || (d->flags & create) != create)
			return fail_errno(d->path, errno, err);
		st = make_file(d, err);
		if (st != USHER_OK)
			return st;
		if (stat(d->path, &s) != 0)
			return fail_errno(d->path, errno, err);
	}
	if (!S_ISREG(s.st_mode))
		return err_set(err, USHER_E_UNAVAILABLE, d->path,
		    "is not a file; name the file of the directory");
	return check_leftovers(d, err);
}

/* On a file system that nobody can write to there is no other program to agree with, and no place
 * for the -shm file that WAL needs. A log left behind must still be read, so it has no exception.
 */
static bool
is_immutable(const char *path)
{
	char wal[PATH_MAX];
	struct statvfs v;
	struct stat s;

	if (statvfs(path, &v) != 0 || (v.f_flag & ST_RDONLY) == 0)
		return false;
	return snprintf(wal, sizeof(wal), "%s-wal", path) < (int)sizeof(wal) &&
	       (stat(wal, &s) != 0 || s.st_size == 0);
}

static usher_status
open_file(struct sqlite_dir *d, struct usher_error *err)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	struct buf name CLEANUP(buf_cleanup);
	int rc;

	buf_init(&name, 4 * PATH_MAX);
	if ((d->flags & DIR_WRITE) != 0) {
		flags |= SQLITE_OPEN_READWRITE;
		buf_text(&name, d->path);
	} else if (!is_immutable(d->path)) {
		flags |= SQLITE_OPEN_READONLY;
		buf_text(&name, d->path);
	} else {
		flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
		buf_text(&name, "file:");
		url_escape(&name, slice_of(d->path));
		buf_text(&name, "?immutable=1");
	}
	if (name.status != USHER_OK)
		return err_nomem(err, d->path);
	rc = sqlite3_open_v2(buf_cstr(&name), &d->db, flags, NULL);
	if (d->db == NULL)
		return err_nomem(err, d->path);
	if (rc != SQLITE_OK)
		return sqlite_failed(d, err);
	/* SQLite opens what it may not write to all the same. */
	if ((d->flags & DIR_WRITE) != 0 && sqlite3_db_readonly(d->db, "main") == 1)
		return err_set(
		    err, USHER_E_PERMISSION, d->path, "%s", find_failure(SQLITE_READONLY)->words);
	return USHER_OK;
}

static usher_status
configure(struct sqlite_dir *d, struct usher_error *err)
{
	static const struct {
		int option, value;
	} options[] = {
		{ SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_DQS_DDL, 0 },
		{ SQLITE_DBCONFIG_DQS_DML, 0 },
	};
	int cache_kib = (d->flags & DIR_BULK) != 0  ? SQLITE_DIR_BULK_CACHE_KIB :
			(d->flags & DIR_SERVE) != 0 ? SQLITE_DIR_SERVE_CACHE_KIB :
						      SQLITE_DIR_CACHE_KIB;
	char sql[256];

	for (size_t i = 0; i < COUNT_OF(options); i++)
		if (sqlite3_db_config(d->db, options[i].option, options[i].value, NULL) !=
		    SQLITE_OK)
			return sqlite_failed(d, err);
	/* The log may be another file's by then. */
	if ((d->flags & DIR_SERVE) != 0)
		(void)sqlite3_db_config(d->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	(void)sqlite3_limit(d->db, SQLITE_LIMIT_LENGTH, RECORD_MAX_BYTES);
	(void)sqlite3_busy_timeout(d->db, (d->flags & DIR_SERVE) != 0 ? 0 : SQLITE_DIR_WAIT_MS);
	/* No mmap: its pages would count as ours. */
	(void)snprintf(sql, sizeof(sql),
	    "PRAGMA cache_size = -%d; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY; "
	    "PRAGMA cell_size_check = ON; PRAGMA synchronous = FULL",
	    cache_kib);
	if (sqlite3_exec(d->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_failed(d, err);
	return USHER_OK;
}

static usher_status
sqlite_open(const char *where, const struct dir_settings *settings, unsigned flags,
    struct dir **out, struct usher_error *err);

static void
sqlite_close(struct dir *dir);

/* For a handle that only reads: through one that is there for as long as that takes. */
static usher_status
migrate_beside(const struct sqlite_dir *d, int version, struct usher_error *err)
{
	struct usher_error why = { 0 };
	struct dir *writer;
	usher_status st = sqlite_open(d->path, NULL, DIR_WRITE, &writer, &why);

	if (st != USHER_OK)
		return err_set(err, st, d->path,
		    "is of schema %d of an older usher and cannot be brought to schema %d: %s",
		    version, schema_version, why.message);
	sqlite_close(writer);
	return USHER_OK;
}

static usher_status
check_schema(struct sqlite_dir *d, struct usher_error *err)
{
	bool write = (d->flags & DIR_WRITE) != 0;
	bool create = write && (d->flags & DIR_CREATE) != 0;
	enum schema_state state;
	usher_status st;
	int version;

	st = schema_look(d->db, d->path, d->flags, &state, &version, err);
	if (st != USHER_OK)
		return st;
	switch (state) {
	case SCHEMA_CURRENT:
		break;
	case SCHEMA_NONE:
		if (!create)
			return fail_errno(d->path, ENOENT, err);
		FALLTHROUGH;
	case SCHEMA_OLDER:
		d->dir.brought_from = version;
		if ((d->flags & DIR_FORWARD) != 0)
			return migrate_beside(d, version, err);
		if (!write)
			return err_set(err, USHER_E_UNAVAILABLE, d->path,
			    "is of schema %d of an older usher; start or reload usherd, or change "
			    "something with usher: that brings it to schema %d",
			    version, schema_version);
		st = schema_migrate(d->db, d->path, d->flags, NULL, 0, err);
		if (st != USHER_OK)
			return st;
		break;
	case SCHEMA_NEWER:
		return err_set(err, USHER_E_UNAVAILABLE, d->path,
		    "is of schema %d of a newer usher, this one knows %d; upgrade usher", version,
		    schema_version);
	case SCHEMA_FOREIGN:
		return err_set(err, USHER_E_UNAVAILABLE, d->path,
		    "is a file of another program, not a directory of usher; look at the path");
	}
	/* Kept in the file's header, so it is done once; a restored copy may have lost it. */
	if (write &&
	    sqlite3_exec(d->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_failed(d, err);
	return USHER_OK;
}

usher_status
sqlite_connect(struct sqlite_dir *d, struct usher_error *err)
{
	usher_status st;

	st = look_at_file(d, err);
	if (st == USHER_OK)
		st = open_file(d, err);
	if (st == USHER_OK)
		st = configure(d, err);
	if (st == USHER_OK)
		st = check_schema(d, err);
	if (st != USHER_OK) {
		sqlite_disconnect(d);
		return st;
	}
	d->ids = identify_all(d);
	d->looked_ms = clock_mono_ms();
	return USHER_OK;
}

void
sqlite_disconnect(struct sqlite_dir *d)
{
	serve_cache_drop(d);
	for (size_t i = 0; i < COUNT_OF(d->fixed); i++)
		(void)sqlite3_finalize(d->fixed[i]);
	for (size_t i = 0; i < COUNT_OF(d->records); i++)
		for (size_t k = 0; k < RECORD_COUNT; k++)
			(void)sqlite3_finalize(d->records[i][k]);
	d->viewing = NULL;
	d->row_of = NULL;
	memset(d->fixed, 0, sizeof(d->fixed));
	memset(d->records, 0, sizeof(d->records));
	(void)sqlite3_close(d->db);
	d->db = NULL;
}

/* Memory statistics would put one lock of the process into every allocation. */
static void
configure_library(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static void
sqlite_close(struct dir *dir)
{
	struct sqlite_dir *d = sqlite_of(dir);

	sqlite_disconnect(d);
	serve_cache_free(d);
	arena_free(d->scratch);
	free(d->dir.stem);
	free(d->path);
	free(d->folder);
	free(d);
}

static usher_status
sqlite_open(const char *where, const struct dir_settings *settings, unsigned flags,
    struct dir **out, struct usher_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct sqlite_dir *d;
	char *copy = NULL;
	usher_status st;

	(void)settings;
	(void)pthread_once(&once, configure_library);
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return err_nomem(err, where);
	/* SQLite gives `:memory:` and `file:` meanings of their own; behind a folder they are
	 * names. */
	if (asprintf(&d->path, "%s%s", where[0] == '/' ? "" : "./", where) < 0)
		d->path = NULL;
	d->flags = flags;
	d->scratch = arena_new(SCRATCH_MAX_BYTES);
	d->cache.org_mem = arena_new(CACHE_ORG_BYTES);
	d->cache.domain_mem = arena_new(CACHE_DOMAIN_BYTES);
	d->cache.delegate_mem = arena_new(CACHE_DELEGATE_BYTES);
	d->dir.stem = d->path == NULL ? NULL : strdup(d->path);
	copy = d->path == NULL ? NULL : strdup(d->path);
	d->folder = copy == NULL ? NULL : strdup(dirname(copy));
	free(copy);
	if (d->dir.stem == NULL || d->folder == NULL || d->scratch == NULL ||
	    d->cache.org_mem == NULL || d->cache.domain_mem == NULL ||
	    d->cache.delegate_mem == NULL) {
		st = err_nomem(err, where);
		goto fail;
	}
	st = sqlite_connect(d, err);
	if (st != USHER_OK)
		goto fail;
	*out = &d->dir;
	return USHER_OK;

fail:
	sqlite_close(&d->dir);
	return st;
}

/* ---- transactions ---- */

static usher_status
sqlite_begin(struct dir *dir, struct usher_error *err)
{
	struct sqlite_dir *d = sqlite_of(dir);
	usher_status st;

	d->changed = false;
	d->lost = false;
	if ((d->flags & DIR_WRITE) != 0)
		return sqlite_run(d, STATEMENT_BEGIN_WRITE, err);
	st = sqlite_run(d, STATEMENT_BEGIN_READ, err);
	if (st != USHER_OK)
		return st;
	/* BEGIN alone reads nothing: the view is fixed by the first look. */
	st = sqlite_run(d, STATEMENT_USER_VERSION, err);
	if (st != USHER_OK)
		(void)sqlite3_exec(d->db, "ROLLBACK", NULL, NULL, NULL);
	return st;
}

static void
sqlite_rollback(struct dir *dir)
{
	struct sqlite_dir *d = sqlite_of(dir);

	if (d->db != NULL && !sqlite3_get_autocommit(d->db))
		(void)sqlite3_exec(d->db, "ROLLBACK", NULL, NULL, NULL);
	serve_cache_drop(d);
}

static usher_status
sqlite_commit(struct dir *dir, struct usher_error *err)
{
	struct sqlite_dir *d = sqlite_of(dir);
	usher_status st = USHER_OK;

	if (d->lost) {
		if (err != NULL)
			*err = d->loss;
		st = d->loss.status;
	} else if (d->changed) {
		st = sqlite_run(d, STATEMENT_MOVE_GENERATION, err);
		if (st == USHER_OK)
			st = sqlite_run(d, STATEMENT_COMMIT, err);
	}
	/* Also when nothing was changed: then there is nothing to keep. */
	sqlite_rollback(dir);
	/* The log of a million records would slow every reader down until the next change. A reader
	 * in the way is no failure: all is committed, and the next writer tries again. */
	if (st == USHER_OK && d->changed && (d->flags & DIR_BULK) != 0)
		(void)sqlite3_wal_checkpoint_v2(
		    d->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	return st;
}

static const char *const schemes[] = { "sqlite", NULL };

const struct dir_backend sqlite_backend = {
	.schemes = schemes,
	.open = sqlite_open,
	.close = sqlite_close,
	.facts = sqlite_facts,
	.domain = sqlite_domain,
	.credential = sqlite_credential,
	.release = sqlite_release,
	.generation = sqlite_generation,
	.begin = sqlite_begin,
	.commit = sqlite_commit,
	.rollback = sqlite_rollback,
	.get = sqlite_get,
	.each = sqlite_each,
	.each_moved = sqlite_each_moved,
	.count = sqlite_count,
	.put = sqlite_put,
	.remove = sqlite_remove,
};
