/* test_serve.c - what a running usherd is told about addresses, legacyDNs and logins. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

static const char *
or_none(const char *text)
{
	return text == NULL ? "-" : text;
}

/* Question, and the address, domain and mailbox that the facts must name. */
static const struct {
	const char *ask, *address, *domain, *mailbox;
} targets[] = {
	{ "nora@contoso.com", "nora@contoso.com", "contoso.com", "nora@contoso.com" },
	{ " NORA@Contoso.COM ", "NORA@contoso.com", "contoso.com", "nora@contoso.com" },
	{ "N.Hansen@contoso.com", "N.Hansen@contoso.com", "contoso.com", "nora@contoso.com" },
	{ "nora.h@fabrikam.com", "nora.h@fabrikam.com", "fabrikam.com", "nora@contoso.com" },
	{ "nora@contoso.net", "nora@contoso.com", "contoso.com", "nora@contoso.com" },
	{ "n.hansen@CONTOSO.net", "n.hansen@contoso.com", "contoso.com", "nora@contoso.com" },
	{ "nobody@contoso.com", "nobody@contoso.com", "contoso.com", NULL },
	{ "nobody@contoso.net", "nobody@contoso.com", "contoso.com", NULL },
	{ "any@fabrikam.com", "any@fabrikam.com", "fabrikam.com", NULL },
	{ "nora@nowhere.example", "nora@nowhere.example", NULL, NULL },
	{ "/o=Contoso/cn=nora", "nora@contoso.com", "contoso.com", "nora@contoso.com" },
	{ "/O=CONTOSO/CN=NORA", "nora@contoso.com", "contoso.com", "nora@contoso.com" },
	{ "/o=Contoso/cn=nobody", NULL, NULL, NULL },
	/* The one that a mailbox without legacyDN has. */
	{ "/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/"
	  "cn=ola@contoso.com",
	    "ola@contoso.com", "contoso.com", "ola@contoso.com" },
	{ "/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/"
	  "cn=nora@contoso.com",
	    NULL, NULL, NULL },
};

static void
test_targets(void **state)
{
	struct fixture *f = *state;
	struct dir *dir = fixture_open(f, DIR_SERVE);

	for (size_t i = 0; i < 2 * COUNT_OF(targets); i++) {
		size_t k = i % COUNT_OF(targets);
		struct facts facts;
		char got[400], wanted[400];

		assert_int_equal(fixture_ask(f, dir, targets[k].ask, NULL, &facts), LOOKUP_FOUND);
		(void)snprintf(got, sizeof(got), "%s: %s %s %s", targets[k].ask,
		    or_none(facts.address), or_none(facts.domain ? facts.domain->domain : NULL),
		    or_none(facts.mailbox ? facts.mailbox->address : NULL));
		(void)snprintf(wanted, sizeof(wanted), "%s: %s %s %s", targets[k].ask,
		    or_none(targets[k].address), or_none(targets[k].domain),
		    or_none(targets[k].mailbox));
		assert_string_equal(got, wanted);
	}
	dir_close(dir);
}

static void
test_facts_are_whole(void **state)
{
	struct fixture *f = *state;
	struct dir *dir = fixture_open(f, DIR_SERVE);
	struct facts facts;

	assert_int_equal(fixture_ask(f, dir, "ola@contoso.com", NULL, &facts), LOOKUP_FOUND);
	assert_string_equal(facts.local, "ola");
	assert_string_equal(facts.domain_name, "contoso.com");
	assert_string_equal(facts.org->organization.name, "Contoso");
	assert_int_equal(facts.org->n_sites, 1);
	assert_int_equal(facts.org->n_servers, 1);
	assert_string_equal(facts.org->servers[0].site, "HQ");
	assert_int_equal(facts.org->n_urls, 1);
	assert_int_equal(facts.n_alternatives, 1);
	assert_string_equal(facts.alternatives[0].mailbox, "ola@contoso.com");
	assert_string_equal(facts.alternatives[0].smtp_address, "N.Hansen@contoso.com");
	assert_int_equal(facts.n_services, 0);

	/* By the order of enum mail_service_type, not of their names. */
	assert_int_equal(fixture_ask(f, dir, "any@fabrikam.com", NULL, &facts), LOOKUP_FOUND);
	assert_int_equal(facts.n_services, 2);
	assert_int_equal(facts.services[0].type, SERVICE_IMAP);
	assert_int_equal(facts.services[1].type, SERVICE_SMTP);
	dir_close(dir);
}

static void
test_bad_questions(void **state)
{
	static const char *const bad[] = { "", "nora", "@contoso.com", "nora@", "a@b@c",
		"nora@-.com", "no ra@contoso.com", NULL };
	struct fixture *f = *state;
	struct facts facts;
	char dn[2000];

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (fixture_ask(f, f->dir, bad[i], NULL, &facts) != LOOKUP_ABSENT)
			fail_msg("%s was taken", or_none(bad[i]));
	memset(dn, 'x', sizeof(dn));
	dn[0] = '/';
	dn[sizeof(dn) - 1] = '\0';
	assert_int_equal(fixture_ask(f, f->dir, dn, NULL, &facts), LOOKUP_FOUND);
	assert_null(facts.mailbox);
}

/* Whether the caller's own mailbox lists the one that is asked for. */
static const struct {
	const char *login, *ask;
	bool delegate;
} callers[] = {
	{ "ola", "nora@contoso.com", true },
	{ "OLA", "nora@contoso.net", true },
	{ "ola", "/o=contoso/cn=nora", true },
	{ "ola", "ola@contoso.com", false },
	{ "ola@contoso.com", "nora@contoso.com", false }, /* not the login of that mailbox */
	{ "nora@contoso.com", "ola@contoso.com", false },
	{ "nora@contoso.com", "nora@contoso.com", false },
	{ "per@contoso.com", "nora@contoso.com", true },
	{ "kim@contoso.com", "nora@contoso.com", true },
	{ "kim@contoso.com", "per@contoso.com", true },
	{ "nobody", "nora@contoso.com", false },
	{ NULL, "nora@contoso.com", false },
};

static void
put_alternative(struct fixture *f, const char *owner, const char *name, const char *address,
    const char *legacy_dn)
{
	struct alternative_mailbox a;

	record_init(&entities[ENTITY_ALTERNATIVE_MAILBOX].table, &a);
	a.mailbox = owner;
	a.display_name = name;
	a.smtp_address = address;
	a.legacy_dn = legacy_dn;
	fixture_put(f, f->dir, ENTITY_ALTERNATIVE_MAILBOX, &a, DIR_CREATED);
}

static void
test_callers(void **state)
{
	struct mailbox per = fixture_mailbox("Per@contoso.com"),
		       kim = fixture_mailbox("kim@contoso.com");
	struct fixture *f = *state;
	struct facts facts;

	fixture_put(f, f->dir, ENTITY_MAILBOX, &per, DIR_CREATED);
	fixture_put(f, f->dir, ENTITY_MAILBOX, &kim, DIR_CREATED);
	put_alternative(f, "per@contoso.com", "A", "nobody@nowhere.example", NULL);
	put_alternative(f, "per@contoso.com", "B", NULL, "/o=CONTOSO/cn=nora");
	put_alternative(f, "kim@contoso.com", "A", "nora@contoso.net", NULL);
	put_alternative(f, "kim@contoso.com", "B", NULL,
	    "/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/"
	    "cn=per@contoso.com");
	for (size_t i = 0; i < COUNT_OF(callers); i++) {
		assert_int_equal(
		    fixture_ask(f, f->dir, callers[i].ask, callers[i].login, &facts), LOOKUP_FOUND);
		if (facts.caller_is_delegate != callers[i].delegate)
			fail_msg("%s asks for %s", or_none(callers[i].login), callers[i].ask);
	}
}

static const struct {
	const char *login, *found;
} logins[] = {
	{ "ola", "ola" },
	{ "Ola", "ola" },
	{ "ola@contoso.com", "ola" },
	{ "OLA@contoso.net", "ola" },
	{ "nora@contoso.com", "nora@contoso.com" },
	{ "n.hansen@contoso.com", "nora@contoso.com" },
	{ "nora.h@fabrikam.com", "nora@contoso.com" },
	{ "nora", NULL },
	{ "nobody@contoso.com", NULL },
	{ "CONTOSO\\ola", NULL },
	{ "", NULL },
	{ "a@b@c", NULL },
};

static void
test_logins(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(logins); i++) {
		struct credential c;
		enum lookup result = dir_credential(f->dir, f->mem, logins[i].login, &c, &f->err);

		assert_int_equal(result, logins[i].found != NULL ? LOOKUP_FOUND : LOOKUP_ABSENT);
		if (result == LOOKUP_FOUND)
			assert_string_equal(c.login_name, logins[i].found);
	}
}

/* What an unknown login costs is what some known one costs, and does not change with each try. */
static void
test_decoys(void **state)
{
	static const struct {
		const char *login, *hash;
	} rows[] = {
		{ "nobody@contoso.com", "$y$nora" },
		{ "a@b@c", "$y$nora" },
		{ "nz", "$y$ola" },
		{ "nz", "$y$ola" },
		{ "zz", "$y$nora" },
	};
	struct fixture *f = *state;
	struct credential c, key = { 0 };

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(
		    dir_credential(f->dir, f->mem, rows[i].login, &c, &f->err), LOOKUP_ABSENT);
		assert_string_equal(c.password_hash, rows[i].hash);
	}
	key.login_name = "ola";
	fixture_remove(f, f->dir, ENTITY_CREDENTIAL, &key, DIR_REMOVED);
	key.login_name = "nora@contoso.com";
	fixture_remove(f, f->dir, ENTITY_CREDENTIAL, &key, DIR_REMOVED);
	assert_int_equal(dir_credential(f->dir, f->mem, "nz", &c, &f->err), LOOKUP_ABSENT);
	assert_null(c.password_hash);
}

/* A second mailbox whose row was taken by another is found all the same. */
static void
test_taken_row(void **state)
{
	struct mailbox m = fixture_mailbox("late@contoso.com");
	struct fixture *f = *state;
	struct facts facts;

	fixture_put(f, f->dir, ENTITY_MAILBOX, &m, DIR_CREATED);
	dir_close(f->dir);
	/* As if ola's row number were what late's address gives. */
	fixture_sql(f, "UPDATE mailbox SET id = -5 WHERE address = 'late@contoso.com';"
		       "UPDATE address SET mailbox = -5 WHERE local = 'late'");
	f->dir = fixture_open(f, DIR_WRITE);
	assert_int_equal(fixture_ask(f, f->dir, "LATE@contoso.com", NULL, &facts), LOOKUP_FOUND);
	assert_string_equal(facts.mailbox->address, "late@contoso.com");
	fixture_put(f, f->dir, ENTITY_MAILBOX, &m, DIR_SAME);
	fixture_remove(f, f->dir, ENTITY_MAILBOX, &m, DIR_REMOVED);
	assert_int_equal(fixture_ask(f, f->dir, "late@contoso.com", NULL, &facts), LOOKUP_FOUND);
	assert_null(facts.mailbox);
}

static uint64_t
generation(struct fixture *f, struct dir *dir)
{
	uint64_t n;

	assert_int_equal(dir_generation(dir, &n, &f->err), LOOKUP_FOUND);
	return n;
}

static void
test_change_is_seen_at_the_next_lookup(void **state)
{
	struct mailbox m = fixture_mailbox("new@contoso.com");
	struct fixture *f = *state;
	struct dir *dir = fixture_open(f, DIR_SERVE);
	uint64_t before = generation(f, dir);
	enum dir_change change;
	union org_record r;
	struct facts facts;

	assert_int_equal(fixture_ask(f, dir, "new@contoso.com", NULL, &facts), LOOKUP_FOUND);
	assert_null(facts.mailbox);

	/* Not before the commit, also not for the organization, which is kept. */
	record_init(&entities[ENTITY_ORGANIZATION].table, &r);
	r.organization.name = "Fabrikam";
	assert_int_equal(dir_begin(f->dir, &f->err), USHER_OK);
	assert_int_equal(
	    dir_put(f->dir, &entities[ENTITY_ORGANIZATION], &r, &change, &f->err), USHER_OK);
	assert_int_equal(
	    dir_put(f->dir, &entities[ENTITY_MAILBOX], &m, &change, &f->err), USHER_OK);
	assert_int_equal(fixture_ask(f, dir, "new@contoso.com", NULL, &facts), LOOKUP_FOUND);
	assert_null(facts.mailbox);
	assert_string_equal(facts.org->organization.name, "Contoso");
	/* The writer sees its own. */
	assert_int_equal(fixture_ask(f, f->dir, "new@contoso.com", NULL, &facts), LOOKUP_FOUND);
	assert_non_null(facts.mailbox);
	assert_string_equal(facts.org->organization.name, "Fabrikam");
	assert_int_equal(generation(f, dir), before);

	assert_int_equal(dir_commit(f->dir, &f->err), USHER_OK);
	assert_int_equal(fixture_ask(f, dir, "new@contoso.com", NULL, &facts), LOOKUP_FOUND);
	assert_non_null(facts.mailbox);
	assert_string_equal(facts.org->organization.name, "Fabrikam");
	assert_int_not_equal(generation(f, dir), before);

	/* Told the same twice, nothing moves; taken back, neither. */
	before = generation(f, dir);
	fixture_put(f, f->dir, ENTITY_MAILBOX, &m, DIR_SAME);
	assert_int_equal(generation(f, dir), before);
	assert_int_equal(dir_begin(f->dir, &f->err), USHER_OK);
	assert_int_equal(
	    dir_remove(f->dir, &entities[ENTITY_MAILBOX], &m, &change, &f->err), USHER_OK);
	assert_int_equal(fixture_ask(f, f->dir, "new@contoso.com", NULL, &facts), LOOKUP_FOUND);
	assert_null(facts.mailbox);
	dir_rollback(f->dir);
	assert_int_equal(fixture_ask(f, f->dir, "new@contoso.com", NULL, &facts), LOOKUP_FOUND);
	assert_non_null(facts.mailbox);
	assert_int_equal(generation(f, dir), before);
	dir_close(dir);
}

/* More domains than are kept, with services, and one that is too large to be kept at all. */
static void
test_many_domains(void **state)
{
	enum { DOMAINS = 2500, HOSTS = 900 };
	static char names[DOMAINS][24], hosts[HOSTS][700];
	static const char *v[HOSTS];
	struct fixture *f = *state;
	enum dir_change change;
	union org_record r;
	struct facts facts;

	assert_int_equal(dir_begin(f->dir, &f->err), USHER_OK);
	for (unsigned i = 0; i < DOMAINS; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "d%u.example", i);
		record_init(&entities[ENTITY_DOMAIN].table, &r);
		r.domain.domain = names[i];
		r.domain.kind = DOMAIN_MAIL;
		assert_int_equal(
		    dir_put(f->dir, &entities[ENTITY_DOMAIN], &r, &change, &f->err), USHER_OK);
	}
	for (size_t i = 0; i < HOSTS; i++) {
		memset(hosts[i], 'h', sizeof(hosts[i]) - 1);
		v[i] = hosts[i];
	}
	r.domain.host_names = (struct text_list){ v, HOSTS };
	assert_int_equal(dir_put(f->dir, &entities[ENTITY_DOMAIN], &r, &change, &f->err), USHER_OK);
	assert_int_equal(dir_commit(f->dir, &f->err), USHER_OK);
	for (unsigned i = 0; i < 3 * DOMAINS; i++) {
		const char *name = names[i * 7919 % DOMAINS];
		char who[64];

		arena_reset(f->mem);
		(void)snprintf(who, sizeof(who), "any@%s", name);
		assert_int_equal(fixture_ask(f, f->dir, who, NULL, &facts), LOOKUP_FOUND);
		assert_string_equal(facts.domain->domain, name);
		if (name == names[DOMAINS - 1])
			assert_int_equal(facts.domain->host_names.n, HOSTS);
	}
}

/* As somebody has them who hosts ten thousand domains, each with a server of its own. */
static void
test_many_servers(void **state)
{
	struct fixture *f = *state;
	const struct server_links *links;
	const struct server *server;
	struct facts facts;

	fixture_sql(f, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
		       "WHERE i < 10000) INSERT INTO server (name, fqdn, created) "
		       "SELECT 'S' || i, 'mail.customer-' || i || '.example', i FROM n;"
		       "INSERT INTO url (server, service, internal, external) "
		       "SELECT s.name, column1, 'https://' || fqdn || '/' || column1, "
		       "'https://' || fqdn || '/' || column1 FROM server s, (VALUES ('ews'), "
		       "('owa'), ('ecp'), ('activesync'), ('mapi')) WHERE s.name <> 'EX1';");
	assert_int_equal(fixture_ask(f, f->dir, "ola@contoso.com", NULL, &facts), LOOKUP_FOUND);
	assert_int_equal(facts.org->n_servers, 10001);
	server = org_view_server(facts.org, "s9999");
	assert_non_null(server);
	links = org_view_links(facts.org, server);
	assert_string_equal(
	    links->urls[URL_MAPI]->external, "https://mail.customer-9999.example/mapi");
	assert_null(links->urls[URL_OAB]);
}

/* What is committed meanwhile shows after the release, and not before. */
static void
test_held(void **state)
{
	static const char late[] = "late@contoso.com";
	struct fixture *f = *state;
	struct dir *dir = fixture_open(f, DIR_SERVE);
	const struct mailbox mailbox = fixture_mailbox(late);
	struct facts facts;

	dir_hold(dir);
	assert_int_equal(fixture_ask(f, dir, late, NULL, &facts), LOOKUP_FOUND);
	assert_null(facts.mailbox);
	fixture_put(f, f->dir, ENTITY_MAILBOX, &mailbox, DIR_CREATED);
	assert_int_equal(fixture_ask(f, dir, late, NULL, &facts), LOOKUP_FOUND);
	assert_null(facts.mailbox);
	dir_release(dir);
	assert_int_equal(fixture_ask(f, dir, late, NULL, &facts), LOOKUP_FOUND);
	assert_non_null(facts.mailbox);
	dir_hold(dir);
	dir_release(dir);
	dir_close(dir);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(test_held),
		WITH_FIXTURE(test_targets),
		WITH_FIXTURE(test_facts_are_whole),
		WITH_FIXTURE(test_bad_questions),
		WITH_FIXTURE(test_callers),
		WITH_FIXTURE(test_logins),
		WITH_FIXTURE(test_decoys),
		WITH_FIXTURE(test_taken_row),
		WITH_FIXTURE(test_change_is_seen_at_the_next_lookup),
		WITH_FIXTURE(test_many_domains),
		WITH_FIXTURE(test_many_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
