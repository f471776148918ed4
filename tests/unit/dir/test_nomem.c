/* test_nomem.c - each allocation of ours and of SQLite fails once: a status, nothing half-done. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Counts down to the one that fails; 0: none will. */
static long countdown;

static bool
fails(void)
{
	return countdown > 0 && --countdown == 0;
}

#include "../failmalloc.h"

char *
__real_strdup(const char *text);

char *
__wrap_strdup(const char *text);

char *
__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

/* SQLite is in a library of its own, but it takes its memory from where it is told. */
static sqlite3_mem_methods usual;

static void *
sqlite_malloc(int n)
{
	return fails() ? NULL : usual.xMalloc(n);
}

static void *
sqlite_realloc(void *p, int n)
{
	return fails() ? NULL : usual.xRealloc(p, n);
}

static void
fail_inside_sqlite(void)
{
	sqlite3_mem_methods ours;

	assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &usual), SQLITE_OK);
	ours = usual;
	ours.xMalloc = sqlite_malloc;
	ours.xRealloc = sqlite_realloc;
	assert_int_equal(sqlite3_config(SQLITE_CONFIG_MALLOC, &ours), SQLITE_OK);
}

static usher_status
nothing(const void *record, void *payload)
{
	(void)record;
	(void)payload;
	return USHER_OK;
}

static usher_status
changes(struct dir *dir, struct usher_error *err)
{
	static const char *const aliases[] = { "a@contoso.com", "b@contoso.com" };
	struct mailbox m = fixture_mailbox("walk@contoso.com");
	struct mailbox ola = fixture_mailbox("ola@contoso.com");
	enum dir_change change;
	union org_record r;
	usher_status st;

	m.aliases = (struct text_list){ aliases, 2 };
	m.legacy_dn = "/o=Contoso/cn=walk";
	record_init(&entities[ENTITY_DOMAIN].table, &r);
	r.domain.domain = "walk.example";
	r.domain.kind = DOMAIN_ALIAS;
	r.domain.alias_of = "contoso.com";
	st = dir_begin(dir, err);
	if (st == USHER_OK)
		st = dir_put(dir, &entities[ENTITY_DOMAIN], &r, &change, err);
	if (st == USHER_OK)
		st = dir_put(dir, &entities[ENTITY_MAILBOX], &m, &change, err);
	if (st == USHER_OK)
		st = dir_remove(dir, &entities[ENTITY_MAILBOX], &ola, &change, err);
	/* A refusal in words needs memory as well. */
	r.domain.alias_of = "absent.example";
	if (st == USHER_OK) {
		st = dir_put(dir, &entities[ENTITY_DOMAIN], &r, &change, err);
		st = st == USHER_E_CONFLICT ? USHER_OK : st;
	}
	return st == USHER_OK ? dir_commit(dir, err) : st;
}

static usher_status
lookups(struct fixture *f, struct dir *dir)
{
	struct usher_error err = { 0 };
	struct credential c;
	struct facts facts;
	uint64_t n;

	if (fixture_ask(f, dir, "nora@contoso.net", "ola", &facts) != LOOKUP_FOUND ||
	    fixture_ask(f, dir, "/o=Contoso/cn=nora", NULL, &facts) != LOOKUP_FOUND)
		return f->err.status;
	if (facts.mailbox == NULL)
		return USHER_E_INTERNAL; /* absent is not unavailable */
	if (dir_credential(dir, f->mem, "n.hansen@contoso.com", &c, &err) != LOOKUP_FOUND ||
	    dir_generation(dir, &n, &err) != LOOKUP_FOUND)
		return err.status;
	return dir_each(dir, &entities[ENTITY_MAILBOX], NULL, nothing, NULL, &err);
}

static usher_status
whole_life(struct fixture *f, bool change)
{
	struct dir *dir = NULL;
	usher_status st;

	st = dir_open(f->path, NULL, change ? DIR_WRITE : DIR_SERVE, &dir, &f->err);
	if (st == USHER_OK)
		st = change ? changes(dir, &f->err) : lookups(f, dir);
	dir_close(dir);
	return st;
}

/* What fixture_setup() made, for going back to. */
static char pristine[1024 * 1024];
static size_t pristine_bytes;

static void
keep_file(struct fixture *f)
{
	FILE *file = fopen(f->path, "r");

	assert_non_null(file);
	pristine_bytes = fread(pristine, 1, sizeof(pristine), file);
	assert_in_range(pristine_bytes, 4096, sizeof(pristine) - 1);
	(void)fclose(file);
}

static void
put_file_back(struct fixture *f)
{
	char wal[120];
	FILE *file = fopen(f->path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(pristine, 1, pristine_bytes, file), pristine_bytes);
	assert_int_equal(fclose(file), 0);
	(void)snprintf(wal, sizeof(wal), "%s-wal", f->path);
	(void)remove(wal);
}

static void
check_whole(struct fixture *f, bool changed)
{
	struct dir *dir = fixture_open(f, DIR_READ);
	uint64_t mailboxes, domains, alternatives;

	assert_int_equal(dir_count(dir, &entities[ENTITY_MAILBOX], &mailboxes, NULL), USHER_OK);
	assert_int_equal(dir_count(dir, &entities[ENTITY_DOMAIN], &domains, NULL), USHER_OK);
	assert_int_equal(
	    dir_count(dir, &entities[ENTITY_ALTERNATIVE_MAILBOX], &alternatives, NULL), USHER_OK);
	assert_int_equal(mailboxes, 2);
	assert_int_equal(domains, changed ? 4 : 3);
	assert_int_equal(alternatives, changed ? 0 : 1);
	dir_close(dir);
}

static void
walk(struct fixture *f, bool change)
{
	long at = 0, left;

	dir_close(f->dir);
	f->dir = NULL;
	keep_file(f);
	do {
		usher_status st;

		arena_reset(f->mem);
		memset(&f->err, 0, sizeof(f->err));
		countdown = ++at;
		st = whole_life(f, change);
		left = countdown;
		countdown = 0;
		/* SQLite does without some of its memory. */
		if (st != USHER_OK && st != USHER_E_NOMEM)
			fail_msg(
			    "allocation %ld: %s: %s", at, usher_status_name(st), f->err.message);
		if (!change)
			continue;
		check_whole(f, st == USHER_OK);
		put_file_back(f);
	} while (left == 0);
	print_message("# %ld allocations\n", at - 1);
}

static void
test_changes(void **state)
{
	walk(*state, true);
}

static void
test_lookups(void **state)
{
	walk(*state, false);
}

#define FULL(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FULL(test_changes),
		FULL(test_lookups),
	};

	fail_inside_sqlite();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
