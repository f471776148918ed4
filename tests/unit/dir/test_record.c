/* test_record.c - every entity makes the round trip, and what clashes is refused in words. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"

enum { ROUNDS = 40, LIST_ITEMS = 3 };

static uint64_t seed = 42;

static unsigned
any(unsigned below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(seed >> 33) % below;
}

/* Names that must exist elsewhere exist in the fixture. */
static const char *
referred(const struct entity *e, const struct field *f)
{
	static const struct {
		enum entity_id entity;
		const char *field, *value;
	} rows[] = {
		{ ENTITY_SERVER, "site", "hq" },
		{ ENTITY_URL, "server", "EX1" },
		{ ENTITY_OUTLOOK_ANYWHERE, "server", "ex1" },
		{ ENTITY_DOMAIN, "server", "EX1" },
		{ ENTITY_DOMAIN, "alias_of", "fabrikam.com" },
		{ ENTITY_DOMAIN, "certificate", "00" },
		{ ENTITY_SERVICE, "domain", "contoso.com" },
		{ ENTITY_REDIRECT, "domain", "contoso.com" },
		{ ENTITY_MAILBOX, "server", "EX1" },
		{ ENTITY_MAILBOX, "services_of", "fabrikam.com" },
		{ ENTITY_ALTERNATIVE_MAILBOX, "mailbox", "nora@contoso.com" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].entity == e->id && strcmp(rows[i].field, f->name) == 0)
			return rows[i].value;
	return NULL;
}

static const char *
any_text(struct arena *mem, const struct entity *e, const struct field *f)
{
	static const char *const words[] = { "Åse", "O'Neil", "\"quoted\"", "a;b--", "日本",
		"%s%n" };

	if (referred(e, f) != NULL)
		return referred(e, f);
	if (f->form == FORM_ADDRESS)
		return arena_printf(mem, "U%u.%u@%s", any(100), any(1000000),
		    any(2) ? "contoso.com" : "fabrikam.com");
	return arena_printf(mem, "%s %u%s", words[any(COUNT_OF(words))], any(1000000),
	    f->form == FORM_LINES ? "\nsecond line\n" : "");
}

static void
any_field(struct arena *mem, const struct entity *e, const struct field *f, void *record)
{
	const char **v = arena_array(mem, LIST_ITEMS, sizeof(*v));
	bool key = (f->flags & (FIELD_KEY | FIELD_REQUIRED)) != 0;
	int n_choices = 0;

	if (!key && any(3) == 0)
		return;
	switch (f->type) {
	case FIELD_TEXT:
		field_set_text(f, record, any_text(mem, e, f));
		break;
	case FIELD_LIST:
		for (size_t i = 0; i < LIST_ITEMS; i++)
			v[i] = any_text(mem, e, f);
		field_set_list(f, record, (struct text_list){ v, 1 + any(LIST_ITEMS) });
		break;
	case FIELD_NUMBER:
		field_set_number(f, record, f->min + any(60000) % (f->max - f->min + 1));
		break;
	case FIELD_SWITCH:
		field_set_switch(f, record, any(2) ? TRI_ON : TRI_OFF);
		break;
	case FIELD_CHOICE:
		while (f->choices[n_choices] != NULL)
			n_choices++;
		assert_true(
		    field_set_choice(f, record, slice_of(f->choices[any((unsigned)n_choices)])));
		break;
	}
}

/* All that is asked of one record, whatever entity it is of. */
static void
round_trip(struct fixture *f, const struct entity *e)
{
	union org_record record, changed, back;

	record_init(&e->table, &record);
	for (size_t i = 0; i < e->table.n; i++)
		any_field(f->mem, e, &e->table.rows[i], &record);
	/* A domain of another kind than alias may keep the name, so the alias rules are apart. */
	if (e->id == ENTITY_DOMAIN && record.domain.kind == DOMAIN_ALIAS)
		record.domain.kind = DOMAIN_MAIL;
	fixture_remove(f, f->dir, e->id, &record, e->n_keys == 0 ? DIR_REMOVED : DIR_SAME);

	fixture_put(f, f->dir, e->id, &record, DIR_CREATED);
	fixture_put(f, f->dir, e->id, &record, DIR_SAME);
	assert_int_equal(dir_get(f->dir, f->mem, e, &record, &back, &f->err), LOOKUP_FOUND);
	assert_true(record_equal(&e->table, &record, &back));

	changed = record;
	for (size_t i = e->n_keys; i < e->table.n; i++)
		any_field(f->mem, e, &e->table.rows[i], &changed);
	if (e->id == ENTITY_DOMAIN && changed.domain.kind == DOMAIN_ALIAS)
		changed.domain.kind = DOMAIN_MAIL;
	fixture_put(f, f->dir, e->id, &changed,
	    record_equal(&e->table, &record, &changed) ? DIR_SAME : DIR_CHANGED);
	assert_int_equal(dir_get(f->dir, f->mem, e, &record, &back, &f->err), LOOKUP_FOUND);
	assert_true(record_equal(&e->table, &changed, &back));

	if (e->n_keys == 0)
		return;
	fixture_remove(f, f->dir, e->id, &record, DIR_REMOVED);
	assert_int_equal(dir_get(f->dir, f->mem, e, &record, &back, &f->err), LOOKUP_ABSENT);
}

static void
test_round_trips(void **state)
{
	struct fixture *f = *state;
	union org_record r;

	record_init(&entities[ENTITY_CERTIFICATE].table, &r);
	r.certificate.thumbprint = "00";
	r.certificate.sha256 = "00";
	r.certificate.pem = "pem";
	fixture_put(f, f->dir, ENTITY_CERTIFICATE, &r, DIR_CREATED);
	for (int i = 0; i < ENTITY_COUNT; i++) {
		print_message("# %s\n", entities[i].name);
		/* EX1's one row of each would be in the way of the random one. */
		for (int round = 0; round < ROUNDS; round++) {
			if (i == ENTITY_URL)
				fixture_sql(f, "DELETE FROM url");
			round_trip(f, &entities[i]);
		}
	}
}

/* Each refused put and remove: whose fault, and a word that its message must hold. */
static void
expect_conflict(
    struct fixture *f, enum entity_id id, const void *record, bool put, const char *word)
{
	enum dir_change change = DIR_CREATED;
	usher_status st;

	assert_int_equal(dir_begin(f->dir, &f->err), USHER_OK);
	memset(&f->err, 0, sizeof(f->err));
	st = put ? dir_put(f->dir, &entities[id], record, &change, &f->err) :
		   dir_remove(f->dir, &entities[id], record, &change, &f->err);
	if (st != USHER_E_CONFLICT || strstr(f->err.message, word) == NULL)
		fail_msg("wanted a conflict with \"%s\", got %s: %s", word, usher_status_name(st),
		    f->err.message);
	assert_int_equal(dir_commit(f->dir, &f->err), USHER_OK);
}

static void
test_conflicts_of_mailboxes(void **state)
{
	static const char *const taken[] = { "free@contoso.com", "N.HANSEN@contoso.com" };
	static const char *const own[] = { "New@contoso.com", "new@contoso.com" };
	struct fixture *f = *state;
	struct mailbox m = fixture_mailbox("new@contoso.com");

	m.aliases = (struct text_list){ taken, 2 };
	expect_conflict(f, ENTITY_MAILBOX, &m, true, "N.HANSEN@contoso.com is already");
	m.aliases = (struct text_list){ taken, 1 };
	m.server = "EX9";
	expect_conflict(f, ENTITY_MAILBOX, &m, true, "no server EX9");
	m.server = NULL;
	m.legacy_dn = "/O=CONTOSO/CN=NORA";
	expect_conflict(f, ENTITY_MAILBOX, &m, true, "that of nora@contoso.com");
	m.legacy_dn = NULL;
	m.address = "n.hansen@CONTOSO.com";
	expect_conflict(f, ENTITY_MAILBOX, &m, true, "alias of nora@contoso.com");
	m.address = "x@nowhere.example";
	expect_conflict(f, ENTITY_MAILBOX, &m, true, "nowhere.example is not an accepted domain");
	m.address = "x@contoso.net";
	expect_conflict(f, ENTITY_MAILBOX, &m, true, "contoso.net is an alias domain");

	/* None of it left a trace, and a mailbox may repeat its own address. */
	m.address = "new@contoso.com";
	m.aliases = (struct text_list){ own, 2 };
	fixture_put(f, f->dir, ENTITY_MAILBOX, &m, DIR_CREATED);
	m.aliases = (struct text_list){ taken, 1 };
	fixture_put(f, f->dir, ENTITY_MAILBOX, &m, DIR_CHANGED);
	m.legacy_dn = "/o=Contoso/cn=nora";
	expect_conflict(f, ENTITY_MAILBOX, &m, true, "that of nora@contoso.com");
}

static void
test_conflicts_of_others(void **state)
{
	struct fixture *f = *state;
	union org_record r;

	record_init(&entities[ENTITY_DOMAIN].table, &r);
	r.domain.domain = "new.example";
	r.domain.kind = DOMAIN_ALIAS;
	r.domain.alias_of = "contoso.net";
	expect_conflict(
	    f, ENTITY_DOMAIN, &r, true, "contoso.net is an alias itself; name contoso.com");
	r.domain.domain = "contoso.com";
	expect_conflict(f, ENTITY_DOMAIN, &r, true, "each would stand for the other");
	r.domain.domain = "new.example";
	r.domain.alias_of = "new.example";
	expect_conflict(f, ENTITY_DOMAIN, &r, true, "another domain");
	r.domain.alias_of = "absent.example";
	expect_conflict(f, ENTITY_DOMAIN, &r, true, "no domain absent.example");
	r.domain.domain = "contoso.com";
	r.domain.alias_of = "fabrikam.com";
	expect_conflict(f, ENTITY_DOMAIN, &r, true, "has the alias contoso.net");
	r.domain.domain = "fabrikam.com";
	r.domain.alias_of = "contoso.com";
	expect_conflict(f, ENTITY_DOMAIN, &r, true, "mailbox nora@contoso.com");
	expect_conflict(f, ENTITY_DOMAIN, &r, false, "mailbox nora@contoso.com");
	r.domain.domain = "contoso.com";
	expect_conflict(f, ENTITY_DOMAIN, &r, false, "domain contoso.net still names it");
	r.domain.domain = "new.example";
	r.domain.kind = DOMAIN_EXCHANGE;
	r.domain.alias_of = NULL;
	r.domain.certificate = "AB";
	expect_conflict(f, ENTITY_DOMAIN, &r, true, "no certificate AB");

	record_init(&entities[ENTITY_SERVER].table, &r);
	r.server.name = "ex1";
	expect_conflict(f, ENTITY_SERVER, &r, false, "still names it");
	record_init(&entities[ENTITY_SITE].table, &r);
	r.site.name = "hq";
	expect_conflict(f, ENTITY_SITE, &r, false, "server EX1 still names it");

	record_init(&entities[ENTITY_ALTERNATIVE_MAILBOX].table, &r);
	r.alternative_mailbox.mailbox = "nobody@contoso.com";
	r.alternative_mailbox.display_name = "Nobody";
	expect_conflict(f, ENTITY_ALTERNATIVE_MAILBOX, &r, true, "no such mailbox");
	fixture_remove(f, f->dir, ENTITY_ALTERNATIVE_MAILBOX, &r, DIR_SAME);
}

static uint64_t
count_of(struct fixture *f, enum entity_id id)
{
	uint64_t n;

	assert_int_equal(dir_count(f->dir, &entities[id], &n, &f->err), USHER_OK);
	return n;
}

static void
test_removal_takes_parts_along(void **state)
{
	struct fixture *f = *state;
	struct mailbox ola = fixture_mailbox("Ola@contoso.com"),
		       again = fixture_mailbox("b@contoso.com");
	union org_record r;

	again.login_name = "ola";
	fixture_put(f, f->dir, ENTITY_MAILBOX, &again, DIR_CREATED);
	fixture_remove(f, f->dir, ENTITY_MAILBOX, &ola, DIR_REMOVED);
	assert_int_equal(count_of(f, ENTITY_ALTERNATIVE_MAILBOX), 0);
	assert_int_equal(count_of(f, ENTITY_CREDENTIAL), 2); /* b's as well */
	fixture_remove(f, f->dir, ENTITY_MAILBOX, &again, DIR_REMOVED);
	assert_int_equal(count_of(f, ENTITY_CREDENTIAL), 1);
	ola.address = "NORA@contoso.com";
	fixture_remove(f, f->dir, ENTITY_MAILBOX, &ola, DIR_REMOVED);
	assert_int_equal(count_of(f, ENTITY_CREDENTIAL), 0);

	record_init(&entities[ENTITY_DOMAIN].table, &r);
	r.domain.domain = "fabrikam.com";
	fixture_remove(f, f->dir, ENTITY_DOMAIN, &r, DIR_REMOVED);
	assert_int_equal(count_of(f, ENTITY_SERVICE), 0);
	r.domain.domain = "contoso.net";
	fixture_remove(f, f->dir, ENTITY_DOMAIN, &r, DIR_REMOVED);
	r.domain.domain = "contoso.com";
	fixture_remove(f, f->dir, ENTITY_DOMAIN, &r, DIR_REMOVED);
	record_init(&entities[ENTITY_SERVER].table, &r);
	r.server.name = "ex1";
	fixture_remove(f, f->dir, ENTITY_SERVER, &r, DIR_REMOVED);
	assert_int_equal(count_of(f, ENTITY_URL), 0);
}

static void
test_key_in_other_letters(void **state)
{
	struct fixture *f = *state;
	union org_record r, back;

	record_init(&entities[ENTITY_SERVER].table, &r);
	r.server.name = "Ex1";
	r.server.fqdn = "ex1.contoso.com";
	fixture_put(f, f->dir, ENTITY_SERVER, &r, DIR_CHANGED);
	fixture_put(f, f->dir, ENTITY_SERVER, &r, DIR_SAME);
	assert_int_equal(count_of(f, ENTITY_SERVER), 1);
	assert_int_equal(count_of(f, ENTITY_URL), 1);
	r.server.name = "EX1";
	assert_int_equal(
	    dir_get(f->dir, f->mem, &entities[ENTITY_SERVER], &r, &back, &f->err), LOOKUP_FOUND);
	assert_string_equal(back.server.name, "Ex1");
}

static usher_status
join_keys(const void *record, void *payload)
{
	const struct mailbox *m = record;
	char *all = payload;

	(void)snprintf(all + strlen(all), 400 - strlen(all), "%s ", m->address);
	return strcmp(m->address, "stop@contoso.com") == 0 ? USHER_E_LIMIT : USHER_OK;
}

static void
test_each_is_in_order(void **state)
{
	static const struct {
		const char *prefix, *wanted;
	} rows[] = {
		{ NULL, "Abe@contoso.com nora@contoso.com ola@contoso.com zoe@contoso.com "
			"abe@fabrikam.com " },
		{ "@fabrikam.com", "abe@fabrikam.com " },
		{ "zoe@contoso.com", "zoe@contoso.com " },
		{ "n.hansen@contoso.com", "" },
		{ "@nowhere.example", "" },
	};
	static const char *const more[] = { "zoe@contoso.com", "Abe@contoso.com",
		"abe@fabrikam.com" };
	const struct entity *e = &entities[ENTITY_MAILBOX];
	struct fixture *f = *state;
	struct mailbox m;
	char all[400];

	for (size_t i = 0; i < COUNT_OF(more); i++) {
		m = fixture_mailbox(more[i]);
		fixture_put(f, f->dir, ENTITY_MAILBOX, &m, DIR_CREATED);
	}
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		all[0] = '\0';
		m = fixture_mailbox(rows[i].prefix);
		assert_int_equal(dir_each(f->dir, e, &m, join_keys, all, &f->err), USHER_OK);
		assert_string_equal(all, rows[i].wanted);
	}
	m = fixture_mailbox("stop@contoso.com");
	fixture_put(f, f->dir, ENTITY_MAILBOX, &m, DIR_CREATED);
	all[0] = '\0';
	assert_int_equal(dir_each(f->dir, e, NULL, join_keys, all, &f->err), USHER_E_LIMIT);
	assert_null(strstr(all, "zoe"));
}

static usher_status
read_another(const void *record, void *payload)
{
	const struct mail_service *service = record;
	struct fixture *f = payload;
	union org_record key, back;

	record_init(&entities[ENTITY_DOMAIN].table, &key);
	key.domain.domain = service->domain;
	assert_int_equal(
	    dir_get(f->dir, f->mem, &entities[ENTITY_DOMAIN], &key, &back, &f->err), LOOKUP_FOUND);
	assert_int_equal(dir_get(f->dir, f->mem, &entities[ENTITY_SERVICE], record, &back, &f->err),
	    LOOKUP_FOUND);
	f->err.where[0]++;
	return USHER_OK;
}

static void
test_each_may_read(void **state)
{
	struct fixture *f = *state;
	struct mail_service prefix;

	f->err.where[0] = 0;
	record_init(&entities[ENTITY_SERVICE].table, &prefix);
	prefix.domain = "fabrikam.com";
	assert_int_equal(
	    dir_each(f->dir, &entities[ENTITY_SERVICE], &prefix, read_another, f, &f->err),
	    USHER_OK);
	assert_int_equal(f->err.where[0], 2);
}

static void
test_rollback_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct mailbox m = fixture_mailbox("gone@contoso.com");
	enum dir_change change;
	union org_record back;

	assert_int_equal(dir_begin(f->dir, &f->err), USHER_OK);
	assert_int_equal(
	    dir_put(f->dir, &entities[ENTITY_MAILBOX], &m, &change, &f->err), USHER_OK);
	assert_int_equal(
	    dir_get(f->dir, f->mem, &entities[ENTITY_MAILBOX], &m, &back, &f->err), LOOKUP_FOUND);
	dir_rollback(f->dir);
	assert_int_equal(
	    dir_get(f->dir, f->mem, &entities[ENTITY_MAILBOX], &m, &back, &f->err), LOOKUP_ABSENT);
	/* Outside a transaction nothing can be changed at all. */
	assert_int_equal(
	    dir_put(f->dir, &entities[ENTITY_MAILBOX], &m, &change, &f->err), USHER_E_INTERNAL);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(test_round_trips),
		WITH_FIXTURE(test_conflicts_of_mailboxes),
		WITH_FIXTURE(test_conflicts_of_others),
		WITH_FIXTURE(test_removal_takes_parts_along),
		WITH_FIXTURE(test_key_in_other_letters),
		WITH_FIXTURE(test_each_is_in_order),
		WITH_FIXTURE(test_each_may_read),
		WITH_FIXTURE(test_rollback_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
