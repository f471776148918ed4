/* test_ldap_cache.c - what the cache of people keeps, for how long, and how much of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dir/ldap_cache.h"

enum { FRESH_MS = 5000, STALE_MS = 600000, ADDRESSES = 1000 * 1000, NOW = 10 * 1000 * 1000 };

static const struct ldap_cache_limits limits = { CACHE_ENTRIES, CACHE_BYTES, FRESH_MS, STALE_MS };

static const struct alternative_mailbox archive = { .mailbox = "ann@harbour.example",
	.display_name = "Archive",
	.type = ALTERNATIVE_ARCHIVE,
	.smtp_address = "archive@harbour.example" };
static const char *const logins[] = { "ann", "ann@corp.example" };
static const char *const aliases[] = { "a@harbour.example" };

static struct ldap_person
ann(void)
{
	struct ldap_person p = { .dn = "cn=Ann,dc=harbour,dc=example",
		.kind = PERSON_MAILBOX,
		.short_name = "ann",
		.alternatives = &archive,
		.n_alternatives = 1,
		.logins = { logins, COUNT_OF(logins) } };

	record_init(&entities[ENTITY_MAILBOX].table, &p.mailbox);
	p.mailbox.address = "ann@harbour.example";
	p.mailbox.aliases = (struct text_list){ aliases, COUNT_OF(aliases) };
	return p;
}

static struct ldap_cache_entry *
put(struct ldap_cache *c, const char *key, const struct ldap_person *people, size_t n,
    uint64_t asked_ms)
{
	struct ldap_cache_entry *e = ldap_cache_make(c, key);

	assert_non_null(e);
	e->flight = c;
	assert_true(ldap_cache_put(c, e, people, n, asked_ms));
	e->flight = NULL;
	return e;
}

static void
test_copies(void **state)
{
	struct ldap_cache *c = ldap_cache_new(&limits);
	struct ldap_person p = ann();
	struct ldap_cache_entry *e;

	(void)state;
	e = put(c, "ann", &p, 1, NOW);
	memset(&p, 0xa5, sizeof(p));
	assert_ptr_equal(ldap_cache_find(c, "ann"), e);
	assert_null(ldap_cache_find(c, "Ann"));
	assert_int_equal(e->n, 1);
	assert_string_equal(e->people[0].dn, "cn=Ann,dc=harbour,dc=example");
	assert_string_equal(e->people[0].short_name, "ann");
	assert_string_equal(e->people[0].mailbox.address, "ann@harbour.example");
	assert_string_equal(e->people[0].mailbox.aliases.v[0], "a@harbour.example");
	assert_string_equal(e->people[0].logins.v[1], "ann@corp.example");
	assert_string_equal(e->people[0].alternatives[0].smtp_address, "archive@harbour.example");
	assert_int_equal(e->people[0].delegates.n, 0);
	ldap_cache_free(c);
	ldap_cache_free(NULL);
}

/* What is known when, and what it is good for. Times are relative to NOW. */
static void
test_verdicts(void **state)
{
	enum { NEVER = -1 };
	enum { NOBODY = 0, SOMEBODY, MOVED, MOVED_TO_URL };
	static const struct {
		const char *name;
		int who;
		int64_t asked, failed, since;
		enum cache_verdict verdict;
	} rows[] = {
		{ "nothing is known", NOBODY, NEVER, NEVER, 0, CACHE_ASK },
		{ "just asked", SOMEBODY, 0, NEVER, 0, CACHE_FRESH },
		{ "asked within the time", SOMEBODY, FRESH_MS - 1, NEVER, 0, CACHE_FRESH },
		{ "asked too long ago", SOMEBODY, FRESH_MS, NEVER, 0, CACHE_ASK },
		{ "long ago, but by himself", SOMEBODY, FRESH_MS, NEVER, FRESH_MS, CACHE_FRESH },
		{ "nobody is an answer", NOBODY, FRESH_MS - 1, NEVER, 0, CACHE_FRESH },
		{ "it moved", MOVED, FRESH_MS - 1, NEVER, 0, CACHE_FRESH },
		{ "failed before he came", SOMEBODY, FRESH_MS, 2, 1, CACHE_ASK },
		{ "failed for him", SOMEBODY, FRESH_MS, 1, 2, CACHE_STALE },
		{ "failed, and it is too old", SOMEBODY, STALE_MS, 1, 2, CACHE_FAILED },
		{ "failed, and it moved", MOVED, FRESH_MS, 1, 2, CACHE_FAILED },
		{ "failed, and it moved to a URL", MOVED_TO_URL, FRESH_MS, 1, 2, CACHE_FAILED },
		{ "failed, and nothing is known", NOBODY, NEVER, 1, 2, CACHE_FAILED },
		{ "failed, and it is fresh", SOMEBODY, FRESH_MS - 1, 1, 2, CACHE_FRESH },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ldap_cache *c = ldap_cache_new(&limits);
		struct ldap_cache_entry *e = ldap_cache_make(c, "key");
		struct ldap_person p = ann();

		if (rows[i].who == MOVED)
			p.mailbox.redirect_address = "ann@elsewhere.example";
		if (rows[i].who == MOVED_TO_URL)
			p.mailbox.redirect_url = "https://elsewhere.example/";
		if (rows[i].asked != NEVER)
			e = put(
			    c, "key", &p, rows[i].who != NOBODY, (uint64_t)(NOW - rows[i].asked));
		if (rows[i].failed != NEVER)
			e->failed_ms = (uint64_t)(NOW - rows[i].failed);
		if (ldap_cache_judge(c, e, (uint64_t)(NOW - rows[i].since), NOW) != rows[i].verdict)
			fail_msg("%s", rows[i].name);
		ldap_cache_free(c);
	}
}

/* An answer wipes out that there was none. */
static void
test_recovers(void **state)
{
	struct ldap_cache *c = ldap_cache_new(&limits);
	struct ldap_cache_entry *e = ldap_cache_make(c, "key");
	struct ldap_person p = ann();

	(void)state;
	e->failed_ms = NOW;
	(void)put(c, "key", &p, 1, NOW);
	assert_int_equal(ldap_cache_judge(c, e, NOW + 1, NOW + FRESH_MS), CACHE_ASK);
	ldap_cache_free(c);
}

/* Anybody may ask for any number of addresses. */
static void
test_a_million(void **state)
{
	struct ldap_cache *c = ldap_cache_new(&limits);
	struct ldap_cache_entry *pinned = ldap_cache_make(c, "asked for");
	struct ldap_person p = ann();
	char key[64];

	(void)state;
	pinned->flight = c;
	for (int i = 0; i < ADDRESSES; i++) {
		(void)snprintf(key, sizeof(key), "user%d@harbour.example", i);
		(void)put(c, key, &p, i % 4 == 0, NOW);
		if (ldap_cache_bytes(c) > CACHE_BYTES || ldap_cache_count(c) > CACHE_ENTRIES)
			fail_msg("%d addresses take %zu bytes, %zu entries", i, ldap_cache_bytes(c),
			    ldap_cache_count(c));
	}
	assert_non_null(ldap_cache_find(c, key));
	assert_null(ldap_cache_find(c, "user0@harbour.example"));
	assert_ptr_equal(ldap_cache_find(c, "asked for"), pinned);
	pinned->flight = NULL;
	ldap_cache_free(c);
}

/* What is used stays. */
static void
test_by_use(void **state)
{
	const struct ldap_cache_limits few = { 4, CACHE_BYTES, FRESH_MS, STALE_MS };
	struct ldap_cache *c = ldap_cache_new(&few);
	char key[16];

	(void)state;
	(void)put(c, "kept", NULL, 0, NOW);
	for (int i = 0; i < 20; i++) {
		(void)snprintf(key, sizeof(key), "%d", i);
		(void)put(c, key, NULL, 0, NOW);
		assert_non_null(ldap_cache_find(c, "kept"));
	}
	assert_int_equal(ldap_cache_count(c), 4);
	ldap_cache_free(c);
}

static void
test_too_large(void **state)
{
	static char large[CACHE_ANSWER_BYTES];
	struct ldap_cache *c = ldap_cache_new(&limits);
	struct ldap_cache_entry *e = ldap_cache_make(c, "key");
	struct ldap_person p = ann();
	size_t bytes = ldap_cache_bytes(c);

	(void)state;
	memset(large, 'x', sizeof(large) - 1);
	p.mailbox.display_name = large;
	assert_false(ldap_cache_put(c, e, &p, 1, NOW));
	assert_int_equal(e->asked_ms, 0);
	assert_int_equal(ldap_cache_bytes(c), bytes);
	ldap_cache_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_recovers),
		cmocka_unit_test(test_a_million),
		cmocka_unit_test(test_by_use),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
