/* test_shared.c - several handles, threads and processes on one directory. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/when.h"

enum {
	FOLLOW_MS = 1100,
	HOLD_MS = 500,
	GIVE_UP_MS = 20 * 1000, /* 10 s, and what a busy machine adds */
	COMMITS = 150,
	READERS = 3
};

static void
sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* A process that holds the write lock until it is told to let go, and HOLD_MS longer. */
struct holder {
	pid_t pid;
	int tell; /* closed: let go */
};

static struct holder
hold_write_lock(struct fixture *f)
{
	struct holder h;
	struct dir *dir;
	int ready[2], over_pipe[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(over_pipe), 0);
	h.pid = fork();
	assert_true(h.pid >= 0);
	if (h.pid == 0) {
		(void)close(over_pipe[1]);
		if (dir_open(f->path, NULL, DIR_WRITE, &dir, &f->err) != USHER_OK ||
		    dir_begin(dir, &f->err) != USHER_OK || write(ready[1], "r", 1) != 1 ||
		    read(over_pipe[0], &byte, 1) != 0)
			_exit(1);
		sleep_ms(HOLD_MS);
		_exit(0);
	}
	(void)close(ready[1]);
	(void)close(over_pipe[0]);
	h.tell = over_pipe[1];
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return h;
}

static void
let_go(const struct holder *h)
{
	(void)close(h->tell);
}

static void
expect_end(const struct holder *h)
{
	int status;

	assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
test_writer_waits_reader_does_not(void **state)
{
	struct fixture *f = *state;
	struct facts facts;
	struct holder holder;
	struct dir *dir;
	uint64_t start;

	dir_close(f->dir);
	f->dir = NULL;
	holder = hold_write_lock(f);
	/* Nothing ends the lock meanwhile: who waited for it would be told `unavailable`. */
	dir = fixture_open(f, DIR_SERVE);
	assert_int_equal(fixture_ask(f, dir, "nora@contoso.com", NULL, &facts), LOOKUP_FOUND);
	dir_close(dir);

	f->dir = fixture_open(f, DIR_WRITE);
	start = clock_mono_ms();
	let_go(&holder);
	assert_int_equal(dir_begin(f->dir, &f->err), USHER_OK);
	assert_true(clock_mono_ms() - start >= HOLD_MS);
	dir_rollback(f->dir);
	expect_end(&holder);
}

static void
test_writer_gives_up_in_words(void **state)
{
	struct fixture *f = *state;
	struct holder holder;
	char who[64];
	uint64_t start;

	dir_close(f->dir);
	f->dir = NULL;
	holder = hold_write_lock(f);
	(void)snprintf(who, sizeof(who), "(test-dir-shared, process %d)", (int)holder.pid);
	f->dir = fixture_open(f, DIR_WRITE);
	start = clock_mono_ms();
	assert_int_equal(dir_begin(f->dir, &f->err), USHER_E_UNAVAILABLE);
	assert_in_range(clock_mono_ms() - start, 9 * 1000, GIVE_UP_MS);
	assert_non_null(strstr(f->err.message, "kept it locked for 10 s"));
	/* Not every file system shows its locks under the numbers that stat(2) gives. */
	if (strstr(f->err.message, who) == NULL)
		assert_non_null(strstr(f->err.message, "fuser -v"));
	print_message("# %s\n", f->err.message);
	let_go(&holder);
	expect_end(&holder);
	assert_int_equal(dir_begin(f->dir, &f->err), USHER_OK);
}

static void
remove_beside(struct fixture *f, const char *suffix)
{
	char name[120];

	(void)snprintf(name, sizeof(name), "%s%s", f->path, suffix);
	assert_int_equal(unlink(name), 0);
}

static void
test_replaced_file_is_followed(void **state)
{
	struct fixture *f = *state;
	struct mailbox m = fixture_mailbox("new@contoso.com");
	struct dir *dir = fixture_open(f, DIR_SERVE);
	struct facts facts;
	uint64_t generation;
	char other[100], backup[140];

	/* As a restored backup comes: made beside it, then moved over it. */
	(void)snprintf(other, sizeof(other), "%s.new", f->path);
	(void)snprintf(backup, sizeof(backup), "VACUUM INTO '%s'", other);
	fixture_put(f, f->dir, ENTITY_MAILBOX, &m, DIR_CREATED);
	fixture_sql(f, backup);
	fixture_remove(f, f->dir, ENTITY_MAILBOX, &m, DIR_REMOVED);
	assert_int_equal(fixture_ask(f, dir, "new@contoso.com", NULL, &facts), LOOKUP_FOUND);
	assert_null(facts.mailbox);
	dir_close(f->dir);
	f->dir = NULL;
	assert_int_equal(rename(other, f->path), 0);
	sleep_ms(FOLLOW_MS);
	assert_int_equal(fixture_ask(f, dir, "new@contoso.com", NULL, &facts), LOOKUP_UNAVAILABLE);
	assert_non_null(strstr(f->err.message, "-shm, which belong to the old one"));
	remove_beside(f, "-wal");
	remove_beside(f, "-shm");
	sleep_ms(FOLLOW_MS);
	assert_int_equal(fixture_ask(f, dir, "new@contoso.com", NULL, &facts), LOOKUP_FOUND);
	assert_non_null(facts.mailbox);

	/* Gone: neither a ghost nor a crash, and back again. */
	assert_int_equal(rename(f->path, other), 0);
	sleep_ms(FOLLOW_MS);
	for (int i = 0; i < 3; i++) {
		memset(&f->err, 0, sizeof(f->err));
		assert_int_equal(
		    fixture_ask(f, dir, "new@contoso.com", NULL, &facts), LOOKUP_UNAVAILABLE);
		assert_string_equal(f->err.where, f->path);
		assert_non_null(strstr(f->err.message, "there is no directory here"));
	}
	assert_int_equal(dir_generation(dir, &generation, &f->err), LOOKUP_UNAVAILABLE);
	assert_int_equal(
	    dir_get(dir, f->mem, &entities[ENTITY_MAILBOX], &m, &m, &f->err), LOOKUP_UNAVAILABLE);
	assert_int_equal(rename(other, f->path), 0);
	sleep_ms(FOLLOW_MS);
	assert_int_equal(fixture_ask(f, dir, "new@contoso.com", NULL, &facts), LOOKUP_FOUND);
	assert_non_null(facts.mailbox);
	dir_close(dir);
}

static void
test_view_stands_still(void **state)
{
	struct fixture *f = *state;
	struct mailbox m = fixture_mailbox("new@contoso.com");
	struct dir *dir = fixture_open(f, DIR_READ);
	uint64_t n;

	assert_int_equal(dir_begin(dir, &f->err), USHER_OK);
	fixture_put(f, f->dir, ENTITY_MAILBOX, &m, DIR_CREATED);
	assert_int_equal(dir_count(dir, &entities[ENTITY_MAILBOX], &n, &f->err), USHER_OK);
	assert_int_equal(n, 2);
	dir_rollback(dir);
	assert_int_equal(dir_count(dir, &entities[ENTITY_MAILBOX], &n, &f->err), USHER_OK);
	assert_int_equal(n, 3);
	dir_close(dir);
}

/* ---- threads ---- */

struct reader {
	struct fixture *f;
	pthread_t thread;
	atomic_uint lookups;
	const char *_Atomic fault;
};

static atomic_bool over;

/* The organization is kept between lookups, the mailbox is not: they must be of one moment. */
static void *
read_on(void *argument)
{
	struct question q = { .address = "nora@contoso.com" };
	struct arena *mem = arena_new(1 << 20);
	struct reader *r = argument;
	struct usher_error err;
	struct facts facts;
	struct dir *dir;

	if (dir_open(r->f->path, NULL, DIR_SERVE, &dir, &err) != USHER_OK) {
		r->fault = "open";
		arena_free(mem);
		return NULL;
	}
	while (!over && r->fault == NULL) {
		arena_reset(mem);
		if (dir_facts(dir, mem, &q, NULL, &facts, &err) != LOOKUP_FOUND)
			r->fault = "lookup";
		else if (facts.mailbox == NULL || facts.mailbox->aliases.n != 1)
			r->fault = "half a mailbox";
		else if (strcmp(facts.org->organization.name, facts.mailbox->display_name) != 0)
			r->fault = "two moments";
		r->lookups++;
	}
	dir_close(dir);
	arena_free(mem);
	return NULL;
}

static void
change_both(struct fixture *f, unsigned i)
{
	static const char *const aliases[] = { "first@contoso.com", "second@contoso.com" };
	struct mailbox nora = fixture_mailbox("nora@contoso.com");
	enum dir_change change;
	union org_record r;
	char name[32];

	(void)snprintf(name, sizeof(name), "Contoso %u", i);
	record_init(&entities[ENTITY_ORGANIZATION].table, &r);
	r.organization.name = name;
	nora.display_name = name;
	nora.aliases = (struct text_list){ &aliases[i % 2], 1 };
	assert_int_equal(dir_begin(f->dir, &f->err), USHER_OK);
	assert_int_equal(
	    dir_put(f->dir, &entities[ENTITY_ORGANIZATION], &r, &change, &f->err), USHER_OK);
	assert_int_equal(
	    dir_put(f->dir, &entities[ENTITY_MAILBOX], &nora, &change, &f->err), USHER_OK);
	assert_int_equal(dir_commit(f->dir, &f->err), USHER_OK);
}

/* On a busy machine a reader may not have begun when the last commit is made. */
static bool
all_have_read(const struct reader *readers)
{
	for (size_t i = 0; i < READERS; i++)
		if (readers[i].lookups == 0 && readers[i].fault == NULL)
			return false;
	return true;
}

static void
test_readers_beside_a_writer(void **state)
{
	struct fixture *f = *state;
	struct reader readers[READERS];

	change_both(f, 0);
	over = false;
	for (size_t i = 0; i < READERS; i++) {
		readers[i] = (struct reader){ .f = f };
		assert_int_equal(pthread_create(&readers[i].thread, NULL, read_on, &readers[i]), 0);
	}
	for (unsigned i = 1; i <= COMMITS || !all_have_read(readers); i++)
		change_both(f, i);
	over = true;
	for (size_t i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(readers[i].thread, NULL), 0);
		if (readers[i].fault != NULL)
			fail_msg("%s after %u lookups", readers[i].fault, readers[i].lookups);
		assert_true(readers[i].lookups > 0);
	}
}

/* A bulk handle leaves no log behind that readers would have to look through. */
static void
test_bulk(void **state)
{
	struct fixture *f = *state;
	struct dir *dir = fixture_open(f, DIR_SERVE);
	enum dir_change change;
	struct facts facts;
	char address[64], wal[120];
	struct stat s;

	dir_close(f->dir);
	f->dir = fixture_open(f, DIR_WRITE | DIR_BULK);
	assert_int_equal(dir_begin(f->dir, &f->err), USHER_OK);
	for (unsigned i = 0; i < 20000; i++) {
		struct mailbox m = fixture_mailbox(address);

		(void)snprintf(address, sizeof(address), "bulk%u@%s", i,
		    i % 1000 == 999 ? "nowhere.example" : "contoso.com");
		assert_int_equal(dir_put(f->dir, &entities[ENTITY_MAILBOX], &m, &change, &f->err),
		    i % 1000 == 999 ? USHER_E_CONFLICT : USHER_OK);
	}
	assert_int_equal(fixture_ask(f, dir, "bulk0@contoso.com", NULL, &facts), LOOKUP_FOUND);
	assert_null(facts.mailbox);
	assert_int_equal(dir_commit(f->dir, &f->err), USHER_OK);
	assert_int_equal(fixture_ask(f, dir, "bulk19998@contoso.com", NULL, &facts), LOOKUP_FOUND);
	assert_non_null(facts.mailbox);
	(void)snprintf(wal, sizeof(wal), "%s-wal", f->path);
	assert_int_equal(stat(wal, &s), 0);
	assert_int_equal(s.st_size, 0);
	dir_close(dir);
}

#define FULL(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FULL(test_writer_waits_reader_does_not),
		FULL(test_writer_gives_up_in_words),
		FULL(test_replaced_file_is_followed),
		FULL(test_view_stands_still),
		FULL(test_readers_beside_a_writer),
		FULL(test_bulk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
