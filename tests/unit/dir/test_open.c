/* test_open.c - every file that is no directory, and every trouble with one that is, in words. */
#include "fixture.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/when.h"

enum { NOBODY = 65534, CANNOT = 77 /* what the test wants to try */ };

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* What lies at the path: `sql` makes an SQLite file, `text` any other; neither: nothing. */
static const struct {
	const char *name, *sql, *text;
	unsigned flags;
	usher_status wanted;
	const char *word;
} files[] = {
	{ "missing", NULL, NULL, DIR_READ, USHER_E_ABSENT, "usher setup" },
	{ "missing, to change", NULL, NULL, DIR_WRITE, USHER_E_ABSENT, "usher setup" },
	{ "missing, to make", NULL, NULL, DIR_WRITE | DIR_CREATE, USHER_OK, NULL },
	{ "empty", NULL, "", DIR_READ, USHER_E_ABSENT, "usher setup" },
	{ "empty, to make", NULL, "", DIR_WRITE | DIR_CREATE, USHER_OK, NULL },
	{ "no tables", "PRAGMA journal_mode = WAL", NULL, DIR_WRITE, USHER_E_ABSENT,
	    "usher setup" },
	{ "no tables, to make", "PRAGMA journal_mode = WAL", NULL, DIR_WRITE | DIR_CREATE, USHER_OK,
	    NULL },
	{ "text", NULL,
	    "a text that is long enough to be taken for a header of a hundred bytes, "
	    "which is what SQLite looks at before it says no to a file",
	    DIR_READ, USHER_E_UNAVAILABLE, "not a directory of usher" },
	{ "text, to make", NULL, "no", DIR_WRITE | DIR_CREATE, USHER_E_UNAVAILABLE,
	    "not a directory of usher" },
	{ "another program's", "CREATE TABLE t (x)", NULL, DIR_WRITE | DIR_CREATE,
	    USHER_E_UNAVAILABLE, "another program" },
	{ "another program's by its number", "PRAGMA application_id = 7", NULL, DIR_READ,
	    USHER_E_UNAVAILABLE, "another program" },
	{ "newer", "PRAGMA application_id = 1970497650; PRAGMA user_version = 99", NULL,
	    DIR_WRITE | DIR_CREATE, USHER_E_UNAVAILABLE, "schema 99 of a newer usher" },
	{ "newer, to read", "PRAGMA application_id = 1970497650; PRAGMA user_version = 99", NULL,
	    DIR_SERVE, USHER_E_UNAVAILABLE, "upgrade usher" },
	{ "older, to read", "PRAGMA application_id = 1970497650; PRAGMA user_version = 0", NULL,
	    DIR_READ, USHER_E_UNAVAILABLE, "schema 0 of an older usher; start or reload usherd" },
	{ "older, to read when it is brought forward",
	    "PRAGMA application_id = 1970497650; PRAGMA user_version = 0", NULL,
	    DIR_READ | DIR_FORWARD, USHER_OK, NULL },
	{ "newer, to read when it is brought forward",
	    "PRAGMA application_id = 1970497650; PRAGMA user_version = 99", NULL,
	    DIR_READ | DIR_FORWARD, USHER_E_UNAVAILABLE, "schema 99 of a newer usher" },
	{ "older", "PRAGMA application_id = 1970497650; PRAGMA user_version = 0", NULL, DIR_WRITE,
	    USHER_OK, NULL },
};

static void
test_files(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(files); i++) {
		struct dir *dir = NULL;
		usher_status st;

		(void)snprintf(f->path, sizeof(f->path), "%s/%zu.db", f->folder, i);
		if (files[i].sql != NULL)
			fixture_sql(f, files[i].sql);
		if (files[i].text != NULL)
			write_file(f->path, files[i].text);
		memset(&f->err, 0, sizeof(f->err));
		st = dir_open(f->path, NULL, files[i].flags, &dir, &f->err);
		if (st != files[i].wanted ||
		    (st != USHER_OK && (strstr(f->err.message, files[i].word) == NULL ||
					   strcmp(f->err.where, f->path) != 0)))
			fail_msg("%s: %s: %s: %s", files[i].name, usher_status_name(st),
			    f->err.where, f->err.message);
		dir_close(dir);
	}
}

static void
test_names(void **state)
{
	static const struct {
		const char *uri;
		usher_status wanted;
	} rows[] = {
		{ "http://dc1", USHER_E_USAGE },
		{ "sqlite:", USHER_E_USAGE },
		{ "", USHER_E_USAGE },
		{ "sqlite:/nowhere/usher.db", USHER_E_ABSENT },
		{ "/nowhere/usher.db", USHER_E_ABSENT },
		{ "/proc", USHER_E_UNAVAILABLE },
		{ "/etc/passwd/usher.db", USHER_E_ABSENT },
		{ ":memory:", USHER_E_ABSENT },
		{ "sqlite:file:x?mode=memory", USHER_E_ABSENT },
	};
	struct fixture *f = *state;
	struct dir *dir = NULL;
	char uri[120];

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (dir_open(rows[i].uri, NULL, DIR_READ, &dir, &f->err) != rows[i].wanted)
			fail_msg("\"%s\": %s: %s", rows[i].uri, usher_status_name(f->err.status),
			    f->err.message);
	assert_int_equal(
	    dir_open("/nowhere/usher.db", NULL, DIR_WRITE | DIR_CREATE, &dir, &f->err), USHER_E_IO);
	assert_non_null(strstr(f->err.message, "folder does not exist"));

	(void)snprintf(uri, sizeof(uri), "SQLite:%s", f->path);
	assert_int_equal(dir_open(uri, NULL, DIR_WRITE | DIR_CREATE, &dir, &f->err), USHER_OK);
	(void)snprintf(uri, sizeof(uri), "sqlite:%s", f->path);
	assert_string_equal(dir_name(dir), uri);
	assert_string_equal(dir_stem(dir), f->path);
	dir_close(dir);
	dir_close(NULL);
}

static void
test_file_is_for_its_owner(void **state)
{
	struct fixture *f = *state;
	struct stat s;

	if (geteuid() == 0)
		assert_int_equal(chown(f->folder, NOBODY, NOBODY), 0);
	dir_close(fixture_open(f, DIR_WRITE | DIR_CREATE));
	assert_int_equal(stat(f->path, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0600);
	if (geteuid() == 0)
		assert_int_equal(s.st_uid, NOBODY);
}

static off_t
root_page(struct fixture *f, const char *table)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	off_t page;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
			     "SELECT rootpage FROM sqlite_schema WHERE name = ?1", -1, &stmt, NULL),
	    SQLITE_OK);
	(void)sqlite3_bind_text(stmt, 1, table, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	page = sqlite3_column_int(stmt, 0);
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
	return page;
}

/* A page is overwritten: found out when it is read, said in words. */
static void
test_damage(void **state)
{
	enum { PAGE = 4096 };
	static char noise[PAGE];
	struct fixture *f = *state;
	struct facts facts;
	struct dir *dir;
	struct stat s;
	int fd;

	dir_close(f->dir);
	f->dir = NULL;
	assert_int_equal(stat(f->path, &s), 0);
	memset(noise, 0x5a, sizeof(noise));
	fd = open(f->path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(
	    pwrite(fd, noise, sizeof(noise), (root_page(f, "mailbox") - 1) * PAGE), sizeof(noise));
	(void)close(fd);

	dir = fixture_open(f, DIR_SERVE);
	assert_int_equal(fixture_ask(f, dir, "nora@contoso.com", NULL, &facts), LOOKUP_UNAVAILABLE);
	assert_non_null(strstr(f->err.message, "damaged"));
	assert_non_null(strstr(f->err.message, "restore a backup"));
	dir_close(dir);
	assert_int_equal(truncate(f->path, s.st_size / 3), 0);
	assert_int_equal(dir_open(f->path, NULL, DIR_READ, &dir, &f->err), USHER_E_UNAVAILABLE);
}

/* Runs `child` in a process of its own, for it gives up rights. */
static void
in_child(struct fixture *f, void (*child)(struct fixture *f))
{
	int status;
	pid_t pid;

	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		child(f);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == CANNOT)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
want(bool right, struct fixture *f, const char *what)
{
	if (right)
		return;
	(void)fprintf(
	    stderr, "# %s: %s: %s\n", what, usher_status_name(f->err.status), f->err.message);
	_exit(1);
}

static void
as_nobody(struct fixture *f)
{
	struct dir *dir = NULL;

	want(setgid(NOBODY) == 0 && setuid(NOBODY) == 0, f, "setuid");
	want(dir_open(f->path, NULL, DIR_WRITE, &dir, &f->err) == USHER_E_PERMISSION, f,
	    "to change");
	want(strstr(f->err.message, "run as the user who owns it") != NULL, f, "remedy");
	want(
	    dir_open(f->path, NULL, DIR_SERVE, &dir, &f->err) == USHER_E_PERMISSION, f, "to serve");
	want(strstr(f->err.message, "run as the user who owns it") != NULL, f, "remedy");
	want(dir_open("/usher-test.db", NULL, DIR_WRITE | DIR_CREATE, &dir, &f->err) ==
		 USHER_E_PERMISSION,
	    f, "to make");
}

static void
test_permission(void **state)
{
	static const struct {
		mode_t folder, file;
	} rows[] = { { 0700, 0644 }, { 0755, 0600 }, { 0755, 0444 } };
	struct fixture *f = *state;

	if (geteuid() != 0)
		skip();
	dir_close(f->dir);
	f->dir = NULL;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(chmod(f->folder, rows[i].folder), 0);
		assert_int_equal(chmod(f->path, rows[i].file), 0);
		in_child(f, as_nobody);
	}
}

static usher_status
put_many(struct fixture *f, unsigned n)
{
	enum dir_change change;
	char address[64];

	if (dir_begin(f->dir, &f->err) != USHER_OK)
		return f->err.status;
	for (unsigned i = 0; i < n; i++) {
		struct mailbox m = fixture_mailbox(address);

		(void)snprintf(address, sizeof(address), "full%u@contoso.com", i);
		/* Goes on after a failure: it is the commit that counts. */
		(void)!dir_put(f->dir, &entities[ENTITY_MAILBOX], &m, &change, &f->err);
	}
	return dir_commit(f->dir, &f->err);
}

/* The file size limit stands for a full disk: the same error at the same place. */
static void
on_full_disk(struct fixture *f)
{
	struct rlimit limit;
	struct facts facts;

	(void)signal(SIGXFSZ, SIG_IGN);
	want(getrlimit(RLIMIT_FSIZE, &limit) == 0, f, "limit");
	f->dir = fixture_open(f, DIR_WRITE);
	limit.rlim_cur = 300 * 1024;
	want(setrlimit(RLIMIT_FSIZE, &limit) == 0, f, "limit");
	want(put_many(f, 20000) == USHER_E_IO, f, "full");
	want(strstr(f->err.message, "no room") != NULL, f, "full");
	want(strstr(f->err.message, "nothing was changed") != NULL, f, "full");
	want(fixture_ask(f, f->dir, "nora@contoso.com", NULL, &facts) == LOOKUP_FOUND &&
		 facts.mailbox != NULL,
	    f, "what was there");
	want(fixture_ask(f, f->dir, "full0@contoso.com", NULL, &facts) == LOOKUP_FOUND &&
		 facts.mailbox == NULL,
	    f, "nothing in half");
	want(fixture_ask(f, f->dir, "full19999@contoso.com", NULL, &facts) == LOOKUP_FOUND &&
		 facts.mailbox == NULL,
	    f, "nothing after it");
	limit.rlim_cur = limit.rlim_max;
	want(setrlimit(RLIMIT_FSIZE, &limit) == 0, f, "limit");
	want(put_many(f, 20000) == USHER_OK, f, "room again");
	dir_close(f->dir);
}

static void
test_full_disk(void **state)
{
	struct fixture *f = *state;
	struct facts facts;

	dir_close(f->dir);
	f->dir = NULL;
	in_child(f, on_full_disk);
	f->dir = fixture_open(f, DIR_READ);
	assert_int_equal(
	    fixture_ask(f, f->dir, "full19999@contoso.com", NULL, &facts), LOOKUP_FOUND);
	assert_non_null(facts.mailbox);
}

/* In a mount namespace of its own, where only root can go. */
static void
enter_namespace(void)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		_exit(CANNOT);
}

static void
on_read_only_file_system(struct fixture *f)
{
	struct dir *dir = NULL;
	struct facts facts;

	enter_namespace();
	want(mount(f->folder, f->folder, NULL, MS_BIND, NULL) == 0 &&
		 mount(NULL, f->folder, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) == 0,
	    f, "mount");
	want(dir_open(f->path, NULL, DIR_SERVE, &dir, &f->err) == USHER_OK, f, "to serve");
	want(fixture_ask(f, dir, "nora@contoso.com", NULL, &facts) == LOOKUP_FOUND, f, "lookup");
	dir_close(dir);
	want(dir_open(f->path, NULL, DIR_WRITE, &dir, &f->err) == USHER_E_PERMISSION, f,
	    "to change");
	want(strstr(f->err.message, "read-only") != NULL, f, "word");
	(void)snprintf(f->path, sizeof(f->path), "%s/new.db", f->folder);
	want(dir_open(f->path, NULL, DIR_WRITE | DIR_CREATE, &dir, &f->err) == USHER_E_PERMISSION,
	    f, "to make");
}

static void
on_tiny_file_system(struct fixture *f)
{
	enum dir_change change;
	struct domain domain;

	enter_namespace();
	want(mount("tmpfs", f->folder, "tmpfs", 0, "size=1m") == 0, f, "mount");
	f->dir = fixture_open(f, DIR_WRITE | DIR_CREATE);
	record_init(&entities[ENTITY_DOMAIN].table, &domain);
	domain.domain = "contoso.com";
	want(dir_begin(f->dir, &f->err) == USHER_OK &&
		 dir_put(f->dir, &entities[ENTITY_DOMAIN], &domain, &change, &f->err) == USHER_OK &&
		 dir_commit(f->dir, &f->err) == USHER_OK,
	    f, "domain");
	want(put_many(f, 20000) == USHER_E_IO, f, "full");
	want(strstr(f->err.message, "no room") != NULL, f, "word");
	want(put_many(f, 100) == USHER_OK, f, "less");
	dir_close(f->dir);
}

static void
test_file_systems(void **state)
{
	struct fixture *f = *state;

	dir_close(f->dir);
	f->dir = NULL;
	in_child(f, on_read_only_file_system);
	in_child(f, on_tiny_file_system);
}

static void
test_locked_as_a_whole(void **state)
{
	struct fixture *f = *state;
	struct dir *dir = NULL;
	sqlite3 *db = NULL;
	uint64_t start;

	dir_close(f->dir);
	f->dir = NULL;
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db,
			     "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; "
			     "UPDATE state SET generation = 5",
			     NULL, NULL, NULL),
	    SQLITE_OK);
	start = clock_mono_ms();
	assert_int_equal(dir_open(f->path, NULL, DIR_SERVE, &dir, &f->err), USHER_E_UNAVAILABLE);
	assert_non_null(strstr(f->err.message, "locked by another program"));
	assert_true(clock_mono_ms() - start < 1000);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	dir_close(fixture_open(f, DIR_SERVE));
}

#define EMPTY(test) cmocka_unit_test_setup_teardown(test, fixture_setup_empty, fixture_teardown)
#define FULL(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		EMPTY(test_files),
		EMPTY(test_names),
		EMPTY(test_file_is_for_its_owner),
		FULL(test_damage),
		FULL(test_permission),
		FULL(test_full_disk),
		FULL(test_file_systems),
		FULL(test_locked_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
