/* test_kill9.c - a program that changes the directory is killed at random instants, some hundred
 * times: the directory opens, holds all that was acknowledged and nothing in half. */
#include "fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/when.h"

enum {
	ROUNDS = 150,
	BUDGET_MS = 10 * 1000, /* of each test */
	DELAY_US = 30 * 1000,
	BULK_DELAY_US = 250 * 1000,
	BULK = 3000
};

static uint64_t seed;

static unsigned
any(unsigned below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % below;
}

static void
check(usher_status st, const struct usher_error *err)
{
	if (st == USHER_OK)
		return;
	(void)fprintf(stderr, "# child: %s: %s\n", err->where, err->message);
	_exit(1);
}

static void
put_numbered(struct dir *dir, const char *name, unsigned i)
{
	enum dir_change change;
	struct usher_error err;
	struct mailbox m;
	char address[64];

	(void)snprintf(address, sizeof(address), "%s%u@contoso.com", name, i);
	m = fixture_mailbox(address);
	check(dir_put(dir, &entities[ENTITY_MAILBOX], &m, &change, &err), &err);
}

/* Runs one transaction and acknowledges it. */
typedef void (*work_fn)(struct dir *dir, unsigned i);

/* Two mailboxes that belong together; the pair before goes. */
static void
put_pair(struct dir *dir, unsigned i)
{
	struct mailbox before;
	enum dir_change change;
	struct usher_error err;
	char address[64];

	put_numbered(dir, "left", i);
	put_numbered(dir, "right", i);
	(void)snprintf(address, sizeof(address), "left%u@contoso.com", i - 1);
	before = fixture_mailbox(address);
	check(dir_remove(dir, &entities[ENTITY_MAILBOX], &before, &change, &err), &err);
	(void)snprintf(address, sizeof(address), "right%u@contoso.com", i - 1);
	check(dir_remove(dir, &entities[ENTITY_MAILBOX], &before, &change, &err), &err);
}

/* As an import: much in one transaction, so that pages are written before the commit. */
static void
put_bulk(struct dir *dir, unsigned i)
{
	for (unsigned k = 0; k < BULK; k++)
		put_numbered(dir, "bulk", i * BULK + k);
}

static void
child(struct fixture *f, int acknowledge, unsigned from, work_fn work)
{
	struct usher_error err;
	struct dir *dir;

	check(dir_open(f->path, NULL, DIR_WRITE, &dir, &err), &err);
	for (unsigned i = from;; i++) {
		check(dir_begin(dir, &err), &err);
		work(dir, i);
		check(dir_commit(dir, &err), &err);
		if (write(acknowledge, &i, sizeof(i)) != (ssize_t)sizeof(i))
			_exit(1);
	}
}

/* The last number that was acknowledged before the end, `none` when there was none. */
static unsigned
run_and_kill(struct fixture *f, unsigned from, work_fn work, unsigned none, unsigned delay_us)
{
	unsigned last = none, i;
	int acknowledge[2], status;
	pid_t pid;

	assert_int_equal(pipe(acknowledge), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child(f, acknowledge[1], from, work);
	(void)close(acknowledge[1]);
	(void)usleep(any(delay_us));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	while (read(acknowledge[0], &i, sizeof(i)) == (ssize_t)sizeof(i))
		last = i;
	(void)close(acknowledge[0]);
	return last;
}

static bool
is_there(struct fixture *f, const char *name, unsigned i)
{
	struct facts facts;
	char address[64];

	(void)snprintf(address, sizeof(address), "%s%u@contoso.com", name, i);
	arena_reset(f->mem);
	assert_int_equal(fixture_ask(f, f->dir, address, NULL, &facts), LOOKUP_FOUND);
	return facts.mailbox != NULL;
}

/* Pages, foreign keys, and what no foreign key keeps (doc/DIRECTORY.md). */
static void
check_file(struct fixture *f)
{
	static const struct {
		const char *sql, *wanted;
	} rows[] = {
		{ "PRAGMA integrity_check", "ok" },
		{ "SELECT count(*) FROM pragma_foreign_key_check", "0" },
		{ "SELECT count(*) FROM address WHERE mailbox NOT IN (SELECT id FROM mailbox)",
		    "0" },
		{ "SELECT count(*) FROM mailbox WHERE id NOT IN (SELECT mailbox FROM address)",
		    "0" },
	};
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		sqlite3_stmt *stmt = NULL;

		assert_int_equal(sqlite3_prepare_v2(db, rows[i].sql, -1, &stmt, NULL), SQLITE_OK);
		assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
		assert_string_equal((const char *)sqlite3_column_text(stmt, 0), rows[i].wanted);
		(void)sqlite3_finalize(stmt);
	}
	(void)sqlite3_close(db);
}

static uint64_t
count_mailboxes(struct fixture *f)
{
	uint64_t n;

	assert_int_equal(dir_count(f->dir, &entities[ENTITY_MAILBOX], &n, &f->err), USHER_OK);
	return n;
}

static void
test_small_transactions(void **state)
{
	uint64_t start = clock_mono_ms();
	struct fixture *f = *state;
	unsigned last = 0, rounds;

	dir_close(f->dir);
	for (rounds = 0; rounds < ROUNDS && clock_mono_ms() - start < BUDGET_MS; rounds++) {
		last = run_and_kill(f, last + 1, put_pair, last, DELAY_US);
		f->dir = fixture_open(f, DIR_WRITE);
		/* Committed, but killed before it could say so, is allowed. */
		if (is_there(f, "left", last + 1))
			last++;
		if (last > 0 && (!is_there(f, "left", last) || !is_there(f, "right", last)))
			fail_msg("round %u: %u was acknowledged and is gone", rounds, last);
		if (is_there(f, "right", last + 1) || (last > 0 && is_there(f, "left", last - 1)) ||
		    (last > 0 && is_there(f, "right", last - 1)) ||
		    count_mailboxes(f) != (last > 0 ? 4 : 2))
			fail_msg("round %u: half of a change is left", rounds);
		dir_close(f->dir);
	}
	f->dir = NULL;
	print_message("# killed %u times, %u transactions\n", rounds, last);
	check_file(f);
}

static void
test_large_transactions(void **state)
{
	uint64_t start = clock_mono_ms();
	struct fixture *f = *state;
	unsigned done = 0, rounds;

	dir_close(f->dir);
	for (rounds = 0; rounds < ROUNDS / 3 && clock_mono_ms() - start < BUDGET_MS; rounds++) {
		unsigned acknowledged =
		    run_and_kill(f, done, put_bulk, done - 1, BULK_DELAY_US) + 1;
		uint64_t n;

		f->dir = fixture_open(f, DIR_WRITE);
		n = count_mailboxes(f) - 2;
		if (n % BULK != 0 || n < (uint64_t)acknowledged * BULK ||
		    n > (uint64_t)(acknowledged + 1) * BULK)
			fail_msg("round %u: %u imports acknowledged, %u mailboxes are there",
			    rounds, acknowledged, (unsigned)n);
		done = (unsigned)(n / BULK);
		dir_close(f->dir);
	}
	f->dir = NULL;
	print_message("# killed %u times, %u imports\n", rounds, done);
	check_file(f);
}

static void
create_for_ever(struct fixture *f)
{
	struct usher_error err;
	struct dir *dir;

	for (;;) {
		check(dir_open(f->path, NULL, DIR_WRITE | DIR_CREATE, &dir, &err), &err);
		dir_close(dir);
		(void)unlink(f->path);
	}
}

/* Whatever stage it had reached, the next one completes it. */
static void
test_creation(void **state)
{
	uint64_t start = clock_mono_ms();
	struct fixture *f = *state;

	for (unsigned i = 0; i < ROUNDS / 3 && clock_mono_ms() - start < BUDGET_MS; i++) {
		int status;
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			create_for_ever(f);
		(void)usleep(any(DELAY_US));
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		dir_close(fixture_open(f, DIR_WRITE | DIR_CREATE));
		dir_close(fixture_open(f, DIR_SERVE));
	}
}

#define FULL(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FULL(test_small_transactions),
		FULL(test_large_transactions),
		cmocka_unit_test_setup_teardown(
		    test_creation, fixture_setup_empty, fixture_teardown),
	};

	seed = clock_mono_ms();
	print_message("# seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
