/* test_schema.c - the tables fit the rows, lookups touch no more than they must, and an older file
 * comes forward whole or not at all. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include "dir/sqlite.h"

static int
number(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int n;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	n = sqlite3_column_int(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return n;
}

static const char *
column_type(const struct field *f)
{
	return f->type == FIELD_NUMBER || f->type == FIELD_SWITCH ? "INTEGER" : "TEXT";
}

static void
test_columns_are_the_rows(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db = sqlite_of(f->dir)->db;
	char sql[200];

	for (int i = 0; i < ENTITY_COUNT; i++) {
		const struct entity *e = &entities[i];
		/* The row number, and the owner's in the place of his address. */
		bool numbered = i == ENTITY_ORGANIZATION || i == ENTITY_MAILBOX;
		size_t first = i == ENTITY_ALTERNATIVE_MAILBOX;

		(void)snprintf(
		    sql, sizeof(sql), "SELECT count(*) FROM pragma_table_info('%s')", e->name);
		if ((size_t)number(db, sql) != e->table.n + numbered)
			fail_msg("%s: %d columns", e->name, number(db, sql));
		for (size_t k = first; k < e->table.n; k++) {
			const struct field *row = &e->table.rows[k];

			(void)snprintf(sql, sizeof(sql),
			    "SELECT count(*) FROM pragma_table_info('%s') WHERE name = '%s' AND "
			    "type = '%s'",
			    e->name, row->name, column_type(row));
			if (number(db, sql) != 1)
				fail_msg(
				    "%s.%s %s is missing", e->name, row->name, column_type(row));
		}
	}
}

static void
test_lookups_search(void **state)
{
	static const enum statement hot[] = { STATEMENT_DOMAIN, STATEMENT_SERVICES,
		STATEMENT_MAILBOX_BY_ROW, STATEMENT_MAILBOX_BY_ADDRESS,
		STATEMENT_MAILBOX_BY_LEGACY_DN, STATEMENT_ALTERNATIVES, STATEMENT_CREDENTIAL,
		STATEMENT_OWN_MAILBOXES, STATEMENT_ADDRESS_OWNER, STATEMENT_ADDRESS_CHECK,
		STATEMENT_DOMAIN_MAILBOX, STATEMENT_REDIRECTS };
	struct fixture *f = *state;
	struct sqlite_dir *d = sqlite_of(f->dir);

	for (size_t i = 0; i < COUNT_OF(hot); i++) {
		sqlite3_stmt *stmt, *plan = NULL;
		char *sql;

		assert_int_equal(statement_get(d, hot[i], &stmt, &f->err), USHER_OK);
		sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sqlite3_sql(stmt));
		assert_int_equal(sqlite3_prepare_v2(d->db, sql, -1, &plan, NULL), SQLITE_OK);
		while (sqlite3_step(plan) == SQLITE_ROW) {
			const char *step = (const char *)sqlite3_column_text(plan, 3);

			if ((strstr(step, "SCAN") != NULL &&
				strcmp(step, "SCAN CONSTANT ROW") != 0) ||
			    strstr(step, "TEMP B-TREE") != NULL)
				fail_msg("%s: %s", sqlite3_sql(stmt), step);
		}
		(void)sqlite3_finalize(plan);
		sqlite3_free(sql);
	}
}

static int
count_statement(unsigned event, void *n, void *stmt, void *sql)
{
	(void)event;
	(void)stmt;
	(void)sql;
	++*(int *)n;
	return 0;
}

/* What anybody is told of a domain costs one look at the file, whether it has changed or whether
 * there is one; of the requests that one thread has at hand, only the first has to look for a known
 * one. */
static void
test_domains_cost_one_statement(void **state)
{
	struct fixture *f = *state;
	struct dir *dir = fixture_open(f, DIR_SERVE);
	struct facts facts;
	int n = 0;

	assert_int_equal(dir_domain(dir, f->mem, "fabrikam.com", &facts, &f->err), LOOKUP_FOUND);
	assert_int_equal(dir_domain(dir, f->mem, "none.example", &facts, &f->err), LOOKUP_FOUND);
	assert_null(facts.domain);
	(void)sqlite3_trace_v2(sqlite_of(dir)->db, SQLITE_TRACE_STMT, count_statement, &n);
	assert_int_equal(dir_domain(dir, f->mem, "fabrikam.com", &facts, &f->err), LOOKUP_FOUND);
	assert_non_null(facts.domain);
	assert_int_equal(n, 1);

	dir_hold(dir);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
		    dir_domain(dir, f->mem, "fabrikam.com", &facts, &f->err), LOOKUP_FOUND);
	dir_release(dir);
	assert_int_equal(n, 2);

	/* One that is not there is looked for each time: who asks for many must not fill memory. */
	for (int held = 0; held < 2; held++) {
		n = 0;
		if (held)
			dir_hold(dir);
		for (int i = 0; i < 3; i++)
			assert_int_equal(
			    dir_domain(dir, f->mem, "none.example", &facts, &f->err), LOOKUP_FOUND);
		assert_null(facts.domain);
		assert_int_equal(n, 3);
		dir_release(dir);
	}
	dir_close(dir);
}

static void
test_connection_is_guarded(void **state)
{
	static const struct {
		const char *pragma;
		int wanted;
	} rows[] = {
		{ "PRAGMA foreign_keys", 1 },
		{ "PRAGMA trusted_schema", 0 },
		{ "PRAGMA synchronous", 2 },
		{ "PRAGMA mmap_size", 0 },
		{ "PRAGMA application_id", SQLITE_DIR_APPLICATION_ID },
		{ "SELECT count(*) FROM pragma_foreign_key_check", 0 },
	};
	struct fixture *f = *state;
	sqlite3 *db = sqlite_of(f->dir)->db;
	int on;

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (number(db, rows[i].pragma) != rows[i].wanted)
			fail_msg("%s: %d", rows[i].pragma, number(db, rows[i].pragma));
	assert_int_equal(sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, -1, &on), SQLITE_OK);
	assert_int_equal(on, 1);
	assert_int_equal(number(db, "PRAGMA user_version"), schema_version);
	/* All tables are STRICT. */
	assert_int_equal(
	    number(db, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' "
		       "AND type = 'table' AND name NOT LIKE 'sqlite%' AND NOT strict"),
	    0);
}

static const char *const fabricated[] = {
	"CREATE TABLE a (x INTEGER PRIMARY KEY); INSERT INTO a VALUES (1), (2)",
	"CREATE TABLE b (y INTEGER REFERENCES a); INSERT INTO b SELECT x FROM a",
	/* A table rebuilt as the manual of SQLite says: what refers to it must survive. */
	("CREATE TABLE a2 (x INTEGER PRIMARY KEY, z TEXT); INSERT INTO a2 SELECT x, 'z' FROM a; "
	 "DROP TABLE a; ALTER TABLE a2 RENAME TO a"),
	"INSERT INTO b VALUES (3)",	       /* an orphan */
	"CREATE TABLE c (x); SELECT nonsense", /* fails in its middle */
};

static sqlite3 *
open_file(struct fixture *f)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	return db;
}

static void
test_migrations(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db = open_file(f);
	const char *broken[COUNT_OF(fabricated)];

	assert_int_equal(schema_migrate(db, f->path, DIR_WRITE, fabricated, 1, &f->err), USHER_OK);
	assert_int_equal(number(db, "PRAGMA user_version"), 1);
	assert_int_equal(number(db, "PRAGMA application_id"), SQLITE_DIR_APPLICATION_ID);

	/* From 1 to 3 at once; then nothing more to do. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    schema_migrate(db, f->path, DIR_WRITE, fabricated, 3, &f->err), USHER_OK);
		assert_int_equal(number(db, "PRAGMA user_version"), 3);
		assert_int_equal(number(db, "SELECT count(*) FROM b JOIN a ON x = y"), 2);
	}
	assert_int_equal(number(db, "PRAGMA foreign_keys"), 1);

	/* An orphan at the end, or an error in the middle: all of it is taken back. */
	assert_int_equal(
	    schema_migrate(db, f->path, DIR_WRITE, fabricated, 4, &f->err), USHER_E_UNAVAILABLE);
	assert_non_null(strstr(f->err.message, "1 records name others"));
	memcpy(broken, fabricated, sizeof(broken));
	broken[3] = "CREATE TABLE d (x)";
	assert_int_not_equal(schema_migrate(db, f->path, DIR_WRITE, broken, 5, &f->err), USHER_OK);
	assert_int_equal(number(db, "PRAGMA user_version"), 3);
	assert_int_equal(
	    number(db, "SELECT count(*) FROM sqlite_schema WHERE name IN ('c', 'd')"), 0);
	assert_int_equal(number(db, "SELECT count(*) FROM b"), 2);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Certificates of schema 3 are there in schema 4, and nobody has asked for them anew. */
static void
test_schema_3(void **state)
{
	struct fixture *f = *state;
	const struct entity *e = &entities[ENTITY_CERTIFICATE];
	union org_record key, there;

	fixture_sql(f, "INSERT INTO certificate (thumbprint, sha256, pem) VALUES ('AB', '12', 'x');"
		       "ALTER TABLE certificate DROP COLUMN listeners;"
		       "ALTER TABLE certificate DROP COLUMN request;"
		       "ALTER TABLE certificate DROP COLUMN renews;"
		       "ALTER TABLE certificate DROP COLUMN acme;"
		       "DROP TABLE authority; PRAGMA user_version = 3");
	dir_close(f->dir);
	f->dir = fixture_open(f, DIR_WRITE);
	record_init(&e->table, &key);
	key.certificate.thumbprint = "AB";
	assert_int_equal(dir_get(f->dir, f->mem, e, &key, &there, &f->err), LOOKUP_FOUND);
	assert_string_equal(there.certificate.pem, "x");
	assert_null(there.certificate.request);
	assert_int_equal(there.certificate.listeners.n, 0);
}

static void
test_another_under_a_running_service(void **state)
{
	struct fixture *f = *state;
	struct dir *dir = fixture_open(f, DIR_SERVE);
	struct facts facts;

	assert_int_equal(fixture_ask(f, dir, "nora@contoso.com", NULL, &facts), LOOKUP_FOUND);
	fixture_sql(f, "PRAGMA user_version = 99");
	assert_int_equal(fixture_ask(f, dir, "nora@contoso.com", NULL, &facts), LOOKUP_UNAVAILABLE);
	assert_non_null(strstr(f->err.message, "by a newer usher"));
	fixture_sql(f, "PRAGMA user_version = 1");
	assert_int_equal(fixture_ask(f, dir, "nora@contoso.com", NULL, &facts), LOOKUP_UNAVAILABLE);
	assert_non_null(strstr(f->err.message, "reload usherd"));
	dir_close(dir);
}

static void
test_unknown_word(void **state)
{
	struct fixture *f = *state;
	struct facts facts;

	fixture_sql(f, "UPDATE domain SET kind = 'hologram' WHERE domain = 'fabrikam.com'");
	assert_int_equal(
	    fixture_ask(f, f->dir, "any@fabrikam.com", NULL, &facts), LOOKUP_UNAVAILABLE);
	assert_non_null(strstr(f->err.message, "domain whose kind"));
}

#define EMPTY(test) cmocka_unit_test_setup_teardown(test, fixture_setup_empty, fixture_teardown)
#define FULL(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FULL(test_columns_are_the_rows),
		FULL(test_lookups_search),
		FULL(test_domains_cost_one_statement),
		FULL(test_connection_is_guarded),
		EMPTY(test_migrations),
		FULL(test_schema_3),
		FULL(test_another_under_a_running_service),
		FULL(test_unknown_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
