/* sqlite_schema.c - the tables of the embedded directory, and how an older file becomes today's. */
#include <stdio.h>

#include "base/err.h"
#include "dir/sqlite.h"

/* Columns have the names of the rows in model/org.c. A list is text with one item a line: no item
 * holds a control byte. A switch is 0 or 1, a choice its name; what is absent is NULL.
 *
 * What is already in the field is never edited: a change is one more step. */
static const char schema_1[] =
    "CREATE TABLE state (\n"
    "	id INTEGER PRIMARY KEY CHECK (id = 1),\n"
    "	generation INTEGER NOT NULL\n"
    ") STRICT;\n"
    /* From the clock, so that the numbers of a file and its successor differ. */
    "INSERT INTO state VALUES (1, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER));\n"

    "CREATE TABLE organization (\n"
    "	id INTEGER PRIMARY KEY CHECK (id = 1),\n"
    "	name TEXT NOT NULL,\n"
    "	deployment_id TEXT,\n"
    "	administrative_group TEXT,\n"
    "	oab_id TEXT,\n"
    "	public_folder_mailbox TEXT\n"
    ") STRICT;\n"

    "CREATE TABLE site (\n"
    "	name TEXT COLLATE NOCASE PRIMARY KEY NOT NULL,\n"
    "	subnets TEXT\n"
    ") STRICT;\n"

    "CREATE TABLE server (\n"
    "	name TEXT COLLATE NOCASE PRIMARY KEY NOT NULL,\n"
    "	fqdn TEXT,\n"
    "	site TEXT COLLATE NOCASE REFERENCES site,\n"
    "	version TEXT,\n"
    "	internal_uri TEXT,\n"
    "	site_scope TEXT,\n"
    "	created INTEGER CHECK (created >= 0)\n"
    ") STRICT;\n"

    "CREATE TABLE url (\n"
    "	server TEXT COLLATE NOCASE NOT NULL REFERENCES server ON DELETE CASCADE,\n"
    "	service TEXT NOT NULL,\n"
    "	internal TEXT,\n"
    "	external TEXT,\n"
    "	internal_authentication TEXT,\n"
    "	external_authentication TEXT,\n"
    "	PRIMARY KEY (server, service)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE outlook_anywhere (\n"
    "	server TEXT COLLATE NOCASE PRIMARY KEY NOT NULL REFERENCES server ON DELETE CASCADE,\n"
    "	enabled INTEGER CHECK (enabled IN (0, 1)),\n"
    "	external_host TEXT,\n"
    "	internal_host TEXT,\n"
    "	client_authentication TEXT NOT NULL,\n"
    "	internal_client_authentication TEXT NOT NULL,\n"
    "	ssl INTEGER CHECK (ssl IN (0, 1))\n"
    ") STRICT;\n"

    "CREATE TABLE provider (\n"
    "	name TEXT COLLATE NOCASE PRIMARY KEY NOT NULL,\n"
    "	cert_principal_name TEXT,\n"
    "	server TEXT,\n"
    "	ttl INTEGER CHECK (ttl >= 0),\n"
    "	server_exclusive_connect INTEGER CHECK (server_exclusive_connect IN (0, 1))\n"
    ") STRICT;\n"

    "CREATE TABLE certificate (\n"
    "	thumbprint TEXT COLLATE NOCASE PRIMARY KEY NOT NULL,\n"
    "	sha256 TEXT,\n"
    "	subject TEXT,\n"
    "	names TEXT,\n"
    "	issuer TEXT,\n"
    "	not_before INTEGER CHECK (not_before >= 0),\n"
    "	not_after INTEGER CHECK (not_after >= 0),\n"
    "	friendly_name TEXT,\n"
    "	exportable INTEGER CHECK (exportable IN (0, 1)),\n"
    "	services TEXT,\n"
    "	host_names TEXT,\n"
    "	pem TEXT\n"
    ") STRICT;\n"

    "CREATE TABLE domain (\n"
    "	domain TEXT PRIMARY KEY NOT NULL,\n"
    "	type TEXT NOT NULL,\n"
    "	kind TEXT NOT NULL,\n"
    "	display_name TEXT,\n"
    "	short_name TEXT,\n"
    "	redirect_url TEXT,\n"
    "	redirect_domain TEXT,\n"
    "	alias_of TEXT REFERENCES domain CHECK (alias_of <> domain),\n"
    "	server TEXT COLLATE NOCASE REFERENCES server,\n"
    "	ttl INTEGER CHECK (ttl >= 0),\n"
    "	anonymous INTEGER CHECK (anonymous IN (0, 1)),\n"
    "	certificate TEXT COLLATE NOCASE REFERENCES certificate,\n"
    "	host_names TEXT\n"
    ") STRICT;\n"
    "CREATE INDEX domain_alias_of ON domain (alias_of) WHERE alias_of IS NOT NULL;\n"

    "CREATE TABLE service (\n"
    "	domain TEXT NOT NULL REFERENCES domain ON DELETE CASCADE,\n"
    "	type TEXT NOT NULL,\n"
    "	rank INTEGER NOT NULL CHECK (rank >= 0),\n"
    "	host TEXT,\n"
    "	port INTEGER CHECK (port BETWEEN 0 AND 65535),\n"
    "	socket TEXT NOT NULL,\n"
    "	authentication TEXT NOT NULL,\n"
    "	user_name TEXT,\n"
    "	oauth2_issuer TEXT,\n"
    "	url TEXT,\n"
    "	PRIMARY KEY (domain, type, rank)\n"
    ") STRICT, WITHOUT ROWID;\n"

    /* `id` is made from the address, so that a lookup can guess it: see address_key_row(). */
    "CREATE TABLE mailbox (\n"
    "	id INTEGER PRIMARY KEY,\n"
    "	address TEXT NOT NULL,\n"
    "	display_name TEXT,\n"
    "	aliases TEXT,\n"
    "	legacy_dn TEXT COLLATE NOCASE,\n"
    "	guid TEXT,\n"
    "	server TEXT COLLATE NOCASE REFERENCES server,\n"
    "	\"database\" TEXT,\n"
    "	login_name TEXT COLLATE NOCASE,\n"
    "	redirect_address TEXT,\n"
    "	redirect_url TEXT,\n"
    "	public_folder_mailbox TEXT,\n"
    "	enabled INTEGER CHECK (enabled IN (0, 1)),\n"
    "	mapi_http INTEGER CHECK (mapi_http IN (0, 1)),\n"
    "	outlook_anywhere INTEGER CHECK (outlook_anywhere IN (0, 1)),\n"
    "	ews INTEGER CHECK (ews IN (0, 1)),\n"
    "	activesync INTEGER CHECK (activesync IN (0, 1)),\n"
    "	owa INTEGER CHECK (owa IN (0, 1))\n"
    ") STRICT;\n"
    "CREATE UNIQUE INDEX mailbox_legacy_dn ON mailbox (legacy_dn) WHERE legacy_dn IS NOT NULL;\n"
    "CREATE INDEX mailbox_login_name ON mailbox (login_name) WHERE login_name IS NOT NULL;\n"

    /* Primary addresses and aliases of all mailboxes, ASCII letters lowered: one descent finds the
     * mailbox, two mailboxes cannot share an address, and a domain that has any stays. That
     * `mailbox` exists is kept by sqlite_change.c: a foreign key would want an index, and that
     * would cost a third of the time of an import. */
    "CREATE TABLE address (\n"
    "	domain TEXT NOT NULL REFERENCES domain,\n"
    "	local TEXT NOT NULL,\n"
    "	mailbox INTEGER NOT NULL,\n"
    "	PRIMARY KEY (domain, local)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE alternative_mailbox (\n"
    "	owner INTEGER NOT NULL REFERENCES mailbox ON DELETE CASCADE,\n"
    "	display_name TEXT NOT NULL,\n"
    "	type TEXT NOT NULL,\n"
    "	legacy_dn TEXT COLLATE NOCASE,\n"
    "	server TEXT,\n"
    "	smtp_address TEXT,\n"
    "	owner_smtp_address TEXT,\n"
    "	PRIMARY KEY (owner, display_name)\n"
    ") STRICT, WITHOUT ROWID;\n"

    "CREATE TABLE credential (\n"
    "	login_name TEXT COLLATE NOCASE PRIMARY KEY NOT NULL,\n"
    "	password_hash TEXT,\n"
    "	enabled INTEGER CHECK (enabled IN (0, 1))\n"
    ") STRICT, WITHOUT ROWID;\n";

/* Federation, OAuth2 and documentation. */
static const char schema_2[] =
    "ALTER TABLE organization ADD COLUMN certificate_template TEXT;\n"
    "ALTER TABLE organization ADD COLUMN application_uri TEXT;\n"
    "ALTER TABLE organization ADD COLUMN token_issuer TEXT;\n"
    "ALTER TABLE organization ADD COLUMN token_endpoint TEXT;\n"
    "ALTER TABLE organization ADD COLUMN federated_domains TEXT;\n"

    "ALTER TABLE domain ADD COLUMN documentation_url TEXT;\n"
    "ALTER TABLE domain ADD COLUMN oauth2_login_url TEXT;\n"
    "ALTER TABLE domain ADD COLUMN oauth2_token_url TEXT;\n"
    "ALTER TABLE domain ADD COLUMN oauth2_scope TEXT;\n"
    "ALTER TABLE domain ADD COLUMN oauth2_client_id TEXT;\n"

    "CREATE TABLE relationship (\n"
    "	name TEXT COLLATE NOCASE PRIMARY KEY NOT NULL,\n"
    "	domains TEXT,\n"
    "	free_busy TEXT NOT NULL,\n"
    "	mail_tips TEXT NOT NULL,\n"
    "	delivery_reports INTEGER CHECK (delivery_reports IN (0, 1)),\n"
    "	mailbox_move INTEGER CHECK (mailbox_move IN (0, 1)),\n"
    "	application_uri TEXT,\n"
    "	autodiscover_url TEXT,\n"
    "	sharing_url TEXT\n"
    ") STRICT;\n";

/* Many domains: what each shows of itself, rules for redirects, a mailbox with other services. */
static const char schema_3[] =
    "ALTER TABLE domain ADD COLUMN separators TEXT;\n"
    "ALTER TABLE domain ADD COLUMN home_page TEXT;\n"
    "ALTER TABLE domain ADD COLUMN logo TEXT;\n"
    "ALTER TABLE domain ADD COLUMN contact TEXT;\n"

    "ALTER TABLE mailbox ADD COLUMN services_of TEXT REFERENCES domain;\n"
    "CREATE INDEX mailbox_services_of ON mailbox (services_of) WHERE services_of IS NOT NULL;\n"
    /* Few have one: when a domain changes, those are looked at for circles. */
    "CREATE INDEX mailbox_redirect_address ON mailbox (redirect_address)\n"
    "	WHERE redirect_address IS NOT NULL;\n"

    "CREATE TABLE redirect (\n"
    "	domain TEXT NOT NULL REFERENCES domain ON DELETE CASCADE,\n"
    "	pattern TEXT NOT NULL,\n"
    "	rank INTEGER CHECK (rank >= 1),\n"
    "	redirect_address TEXT,\n"
    "	redirect_domain TEXT,\n"
    "	redirect_url TEXT,\n"
    "	PRIMARY KEY (domain, pattern)\n"
    ") STRICT, WITHOUT ROWID;\n";

/* Requests for certificates, listeners of their own, ACME; private authorities. */
static const char schema_4[] = "ALTER TABLE certificate ADD COLUMN listeners TEXT;\n"
			       "ALTER TABLE certificate ADD COLUMN request TEXT;\n"
			       /* No reference: a request outlives what it was to replace. */
			       "ALTER TABLE certificate ADD COLUMN renews TEXT COLLATE NOCASE;\n"
			       "ALTER TABLE certificate ADD COLUMN acme TEXT;\n"

			       "CREATE TABLE authority (\n"
			       "	name TEXT COLLATE NOCASE PRIMARY KEY NOT NULL,\n"
			       "	sha256 TEXT,\n"
			       "	subject TEXT,\n"
			       "	not_before INTEGER CHECK (not_before >= 0),\n"
			       "	not_after INTEGER CHECK (not_after >= 0),\n"
			       "	encrypted INTEGER CHECK (encrypted IN (0, 1)),\n"
			       "	permitted TEXT,\n"
			       "	pem TEXT\n"
			       ") STRICT;\n";

static const char *const schema_steps[] = {
	schema_1,
	schema_2,
	schema_3,
	schema_4,
};

const int schema_version = COUNT_OF(schema_steps);

static usher_status
read_number(sqlite3 *db, const char *path, unsigned flags, const char *sql, int *out,
    struct usher_error *err)
{
	sqlite3_stmt *stmt = NULL;
	usher_status st = USHER_OK;

	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK ||
	    sqlite3_step(stmt) != SQLITE_ROW)
		st = sqlite_fail(db, path, flags, err);
	else
		*out = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return st;
}

usher_status
schema_look(sqlite3 *db, const char *path, unsigned flags, enum schema_state *out, int *version,
    struct usher_error *err)
{
	int application = 0, tables = 0;
	usher_status st;

	st = read_number(db, path, flags, "PRAGMA application_id", &application, err);
	if (st == USHER_OK)
		st = read_number(db, path, flags, "PRAGMA user_version", version, err);
	if (st == USHER_OK)
		st = read_number(
		    db, path, flags, "SELECT count(*) FROM sqlite_schema", &tables, err);
	if (st != USHER_OK)
		return st;

	if (application != SQLITE_DIR_APPLICATION_ID)
		*out =
		    application == 0 && *version == 0 && tables == 0 ? SCHEMA_NONE : SCHEMA_FOREIGN;
	else if (*version > schema_version)
		*out = SCHEMA_NEWER;
	else
		*out = *version < schema_version ? SCHEMA_OLDER : SCHEMA_CURRENT;
	return USHER_OK;
}

/* Inside the transaction: another process may have been faster. */
static usher_status
run_steps(sqlite3 *db, const char *path, unsigned flags, const char *const *steps, int n,
    struct usher_error *err)
{
	char sql[128];
	int version = 0, orphans = 0;
	usher_status st;

	st = read_number(db, path, flags, "PRAGMA user_version", &version, err);
	if (st != USHER_OK)
		return st;
	for (int i = version; i < n; i++)
		if (sqlite3_exec(db, steps[i], NULL, NULL, NULL) != SQLITE_OK)
			return sqlite_fail(db, path, flags, err);
	if (version < n) {
		(void)snprintf(sql, sizeof(sql),
		    "PRAGMA application_id = %d; PRAGMA user_version = %d",
		    SQLITE_DIR_APPLICATION_ID, n);
		if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
			return sqlite_fail(db, path, flags, err);
	}
	st = read_number(
	    db, path, flags, "SELECT count(*) FROM pragma_foreign_key_check", &orphans, err);
	if (st == USHER_OK && orphans != 0)
		st = err_set(err, USHER_E_UNAVAILABLE, path,
		    "cannot be brought to schema %d: %d records name others that do not exist", n,
		    orphans);
	return st;
}

usher_status
schema_migrate(sqlite3 *db, const char *path, unsigned flags, const char *const *steps, int n,
    struct usher_error *err)
{
	usher_status st;

	if (steps == NULL) {
		steps = schema_steps;
		n = schema_version;
	}
	/* Rebuilding a table would otherwise delete what refers to it; checked at the end. */
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 0, NULL);
	if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) {
		st = sqlite_fail(db, path, flags, err);
	} else {
		st = run_steps(db, path, flags, steps, n, err);
		if (st == USHER_OK && sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
			st = sqlite_fail(db, path, flags, err);
		if (st != USHER_OK && !sqlite3_get_autocommit(db))
			(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	}
	(void)sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	return st;
}
