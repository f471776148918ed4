/* fixture.c - a small organization in a directory of its own. */
#include "fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIXTURE_BYTES = 64 * 1024 * 1024 };

int
fixture_setup_empty(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	/* In memory when there is such a place: thousands of commits wait for no disk. */
	(void)snprintf(f->folder, sizeof(f->folder), "%s/usher-dir-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(f->folder));
	(void)snprintf(f->path, sizeof(f->path), "%s/usher.db", f->folder);
	f->mem = arena_new(FIXTURE_BYTES);
	assert_non_null(f->mem);
	*state = f;
	return 0;
}

struct dir *
fixture_open(struct fixture *f, unsigned flags)
{
	struct dir *dir = NULL;

	if (dir_open(f->path, NULL, flags, &dir, &f->err) != USHER_OK)
		fail_msg("%s: %s", f->err.where, f->err.message);
	return dir;
}

void
fixture_put(struct fixture *f, struct dir *dir, enum entity_id id, const void *record,
    enum dir_change wanted)
{
	enum dir_change change = DIR_SAME;
	usher_status st;

	st = dir_begin(dir, &f->err);
	if (st == USHER_OK)
		st = dir_put(dir, &entities[id], record, &change, &f->err);
	if (st == USHER_OK)
		st = dir_commit(dir, &f->err);
	if (st != USHER_OK)
		fail_msg("%s: %s: %s", entities[id].name, f->err.where, f->err.message);
	assert_int_equal(change, wanted);
}

void
fixture_remove(
    struct fixture *f, struct dir *dir, enum entity_id id, const void *key, enum dir_change wanted)
{
	enum dir_change change = DIR_SAME;
	usher_status st;

	st = dir_begin(dir, &f->err);
	if (st == USHER_OK)
		st = dir_remove(dir, &entities[id], key, &change, &f->err);
	if (st == USHER_OK)
		st = dir_commit(dir, &f->err);
	if (st != USHER_OK)
		fail_msg("%s: %s: %s", entities[id].name, f->err.where, f->err.message);
	assert_int_equal(change, wanted);
}

struct mailbox
fixture_mailbox(const char *address)
{
	struct mailbox m;

	record_init(&entities[ENTITY_MAILBOX].table, &m);
	m.address = address;
	return m;
}

/* A record of which nothing is set yet. */
static void
begin_record(enum entity_id id, union org_record *r)
{
	record_init(&entities[id].table, r);
}

static void
put_organization(struct fixture *f)
{
	union org_record r;

	begin_record(ENTITY_ORGANIZATION, &r);
	r.organization.name = "Contoso";
	r.organization.deployment_id = "3b0b1c9e-5a0f-4b3a-9c8e-6f0d2e1a7b11";
	fixture_put(f, f->dir, ENTITY_ORGANIZATION, &r, DIR_CREATED);
	begin_record(ENTITY_SITE, &r);
	r.site.name = "HQ";
	fixture_put(f, f->dir, ENTITY_SITE, &r, DIR_CREATED);
	begin_record(ENTITY_SERVER, &r);
	r.server.name = "EX1";
	r.server.fqdn = "ex1.contoso.com";
	r.server.site = "HQ";
	r.server.created = 1700000000;
	fixture_put(f, f->dir, ENTITY_SERVER, &r, DIR_CREATED);
	begin_record(ENTITY_URL, &r);
	r.url.server = "EX1";
	r.url.service = URL_EWS;
	r.url.internal = "https://ex1.contoso.com/EWS/Exchange.asmx";
	fixture_put(f, f->dir, ENTITY_URL, &r, DIR_CREATED);
}

static void
put_domains(struct fixture *f)
{
	union org_record r;

	begin_record(ENTITY_DOMAIN, &r);
	r.domain.domain = "contoso.com";
	r.domain.server = "EX1";
	fixture_put(f, f->dir, ENTITY_DOMAIN, &r, DIR_CREATED);
	begin_record(ENTITY_DOMAIN, &r);
	r.domain.domain = "contoso.net";
	r.domain.kind = DOMAIN_ALIAS;
	r.domain.alias_of = "contoso.com";
	fixture_put(f, f->dir, ENTITY_DOMAIN, &r, DIR_CREATED);
	begin_record(ENTITY_DOMAIN, &r);
	r.domain.domain = "fabrikam.com";
	r.domain.kind = DOMAIN_MAIL;
	fixture_put(f, f->dir, ENTITY_DOMAIN, &r, DIR_CREATED);
	begin_record(ENTITY_SERVICE, &r);
	r.service.domain = "fabrikam.com";
	r.service.rank = 1;
	r.service.port = 465;
	r.service.host = "mail.fabrikam.com";
	r.service.type = SERVICE_SMTP;
	fixture_put(f, f->dir, ENTITY_SERVICE, &r, DIR_CREATED);
	r.service.type = SERVICE_IMAP;
	r.service.port = 993;
	fixture_put(f, f->dir, ENTITY_SERVICE, &r, DIR_CREATED);
}

static void
put_mailboxes(struct fixture *f)
{
	static const char *const aliases[] = { "n.hansen@contoso.com", "nora.h@fabrikam.com" };
	struct mailbox nora = fixture_mailbox("nora@contoso.com");
	struct mailbox ola = fixture_mailbox("ola@contoso.com");
	union org_record r;

	nora.display_name = "Nora Hansen";
	nora.aliases = (struct text_list){ aliases, COUNT_OF(aliases) };
	nora.legacy_dn = "/o=Contoso/cn=nora";
	nora.server = "EX1";
	fixture_put(f, f->dir, ENTITY_MAILBOX, &nora, DIR_CREATED);
	ola.login_name = "ola";
	fixture_put(f, f->dir, ENTITY_MAILBOX, &ola, DIR_CREATED);

	begin_record(ENTITY_ALTERNATIVE_MAILBOX, &r);
	r.alternative_mailbox.mailbox = "ola@contoso.com";
	r.alternative_mailbox.display_name = "Nora Hansen";
	r.alternative_mailbox.type = ALTERNATIVE_DELEGATE;
	r.alternative_mailbox.smtp_address = "N.Hansen@contoso.com";
	r.alternative_mailbox.owner_smtp_address = "ola@contoso.com";
	fixture_put(f, f->dir, ENTITY_ALTERNATIVE_MAILBOX, &r, DIR_CREATED);

	begin_record(ENTITY_CREDENTIAL, &r);
	r.credential.login_name = "nora@contoso.com";
	r.credential.password_hash = "$y$nora";
	fixture_put(f, f->dir, ENTITY_CREDENTIAL, &r, DIR_CREATED);
	r.credential.login_name = "ola";
	r.credential.password_hash = "$y$ola";
	fixture_put(f, f->dir, ENTITY_CREDENTIAL, &r, DIR_CREATED);
}

int
fixture_setup(void **state)
{
	struct fixture *f;

	fixture_setup_empty(state);
	f = *state;
	f->dir = fixture_open(f, DIR_WRITE | DIR_CREATE);
	put_organization(f);
	put_domains(f);
	put_mailboxes(f);
	return 0;
}

int
fixture_teardown(void **state)
{
	struct fixture *f = *state;
	struct dirent *entry;
	DIR *folder;

	dir_close(f->dir);
	arena_free(f->mem);
	folder = opendir(f->folder);
	while (folder != NULL && (entry = readdir(folder)) != NULL)
		(void)unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder != NULL)
		(void)closedir(folder);
	(void)rmdir(f->folder);
	free(f);
	return 0;
}

enum lookup
fixture_ask(
    struct fixture *f, struct dir *dir, const char *who, const char *login, struct facts *out)
{
	struct question q = { .address = who };

	if (who != NULL && who[0] == '/')
		q = (struct question){ .legacy_dn = who };
	return dir_facts(dir, f->mem, &q, login, out, &f->err);
}

void
fixture_sql(struct fixture *f, const char *sql)
{
	sqlite3 *db = NULL;
	int rc;

	rc = sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}
