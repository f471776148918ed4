/* sqlite_statement.c - every SQL statement: written here, or made from the rows of an entity. */
#include "base/buf.h"
#include "base/err.h"
#include "dir/sqlite.h"

enum { SQL_MAX_BYTES = 8 * 1024 };

/* Entities are read as `t`. A mailbox's members are followed by its row number and by whether it
 * has alternative mailboxes, which saves the lookup that mostly finds none. An alternative mailbox
 * names its owner by row, so that an owner's address stands in one place only. */
#define MAILBOX_BY_ADDRESS \
	"FROM address a CROSS JOIN mailbox t ON t.id = a.mailbox WHERE a.domain = ?1 AND " \
	"a.local = ?2"
#define NO_ENTITY ENTITY_COUNT

/* `SELECT` and the columns of the entity are put before, unless there is NO_ENTITY. */
static const struct {
	enum entity_id entity;
	const char *text;
} fixed[STATEMENT_FIXED_COUNT] = {
	[STATEMENT_BEGIN_READ] = { NO_ENTITY, "BEGIN" },
	[STATEMENT_BEGIN_WRITE] = { NO_ENTITY, "BEGIN IMMEDIATE" },
	[STATEMENT_COMMIT] = { NO_ENTITY, "COMMIT" },
	[STATEMENT_DATA_VERSION] = { NO_ENTITY, "PRAGMA data_version" },
	[STATEMENT_USER_VERSION] = { NO_ENTITY, "PRAGMA user_version" },
	[STATEMENT_GENERATION] = { NO_ENTITY, "SELECT generation FROM state" },
	[STATEMENT_MOVE_GENERATION] = { NO_ENTITY, "UPDATE state SET generation = generation + 1" },
	[STATEMENT_ADDRESS_OWNER] = { NO_ENTITY,
	    "SELECT mailbox FROM address WHERE domain = ?1 AND local = ?2" },
	[STATEMENT_ADDRESS_CHECK] = { NO_ENTITY,
	    "SELECT (SELECT kind FROM domain WHERE domain = ?1), "
	    "(SELECT mailbox FROM address WHERE domain = ?1 AND local = ?2)" },
	[STATEMENT_ADDRESS_INSERT] = { NO_ENTITY,
	    "INSERT INTO address (domain, local, mailbox) VALUES (?1, ?2, ?3) "
	    "ON CONFLICT DO NOTHING" },
	[STATEMENT_ADDRESS_DELETE] = { NO_ENTITY,
	    "DELETE FROM address WHERE domain = ?1 AND local = ?2 AND mailbox = ?3" },
	[STATEMENT_DOMAIN_MAILBOX] = { NO_ENTITY,
	    "SELECT m.address FROM address a CROSS JOIN mailbox m ON m.id = a.mailbox "
	    "WHERE a.domain = ?1 ORDER BY a.local LIMIT 1" },
	/* Whose login it is: ?3 the login name, ?1 and ?2 the same as address. */
	[STATEMENT_OWN_MAILBOXES] = { NO_ENTITY,
	    "SELECT id FROM mailbox WHERE login_name = ?3 UNION ALL "
	    "SELECT m.id FROM address a CROSS JOIN mailbox m ON m.id = a.mailbox "
	    "WHERE a.domain = ?1 AND a.local = ?2 AND m.login_name IS NULL AND "
	    "lower(m.address) = a.local || '@' || a.domain" },
	[STATEMENT_ORGANIZATION] = { ENTITY_ORGANIZATION, "FROM organization t" },
	[STATEMENT_SITES] = { ENTITY_SITE, "FROM site t ORDER BY name" },
	[STATEMENT_SERVERS] = { ENTITY_SERVER, "FROM server t ORDER BY created, name" },
	[STATEMENT_URLS] = { ENTITY_URL, "FROM url t ORDER BY server, service" },
	[STATEMENT_OUTLOOK_ANYWHERES] = { ENTITY_OUTLOOK_ANYWHERE,
	    "FROM outlook_anywhere t ORDER BY server" },
	[STATEMENT_PROVIDERS] = { ENTITY_PROVIDER, "FROM provider t ORDER BY name" },
	[STATEMENT_RELATIONSHIPS] = { ENTITY_RELATIONSHIP, "FROM relationship t ORDER BY name" },
	[STATEMENT_DOMAIN] = { ENTITY_DOMAIN, "FROM domain t WHERE domain = ?1" },
	/* A row also when there is no such domain: see view_begin(). */
	[STATEMENT_VIEW_OF_DOMAIN] = { ENTITY_DOMAIN,
	    "FROM (SELECT 1) LEFT JOIN domain t ON t.domain = ?1" },
	[STATEMENT_SERVICES] = { ENTITY_SERVICE,
	    "FROM service t WHERE domain = ?1 ORDER BY type, rank" },
	[STATEMENT_REDIRECTS] = { ENTITY_REDIRECT, "FROM redirect t WHERE domain = ?1" },
	[STATEMENT_MAILBOX_BY_ROW] = { ENTITY_MAILBOX, "FROM mailbox t WHERE id = ?1" },
	[STATEMENT_MAILBOX_BY_ADDRESS] = { ENTITY_MAILBOX, MAILBOX_BY_ADDRESS },
	[STATEMENT_MAILBOX_BY_LEGACY_DN] = { ENTITY_MAILBOX,
	    "FROM mailbox t WHERE legacy_dn = ?1" },
	[STATEMENT_ALTERNATIVES] = { ENTITY_ALTERNATIVE_MAILBOX,
	    "FROM alternative_mailbox t WHERE owner = ?1 ORDER BY display_name" },
	[STATEMENT_CREDENTIAL] = { ENTITY_CREDENTIAL, "FROM credential t WHERE login_name = ?1" },
	/* The next one, and after the last the first. */
	[STATEMENT_CREDENTIAL_BESIDE] = { ENTITY_CREDENTIAL,
	    "FROM credential t WHERE login_name = coalesce("
	    "(SELECT min(login_name) FROM credential WHERE login_name > ?1), "
	    "(SELECT min(login_name) FROM credential))" },
};

bool
record_is_owner(const struct entity *e, size_t i)
{
	return e->id == ENTITY_ALTERNATIVE_MAILBOX && i == 0;
}

static const char *
column_name(const struct entity *e, size_t i)
{
	return record_is_owner(e, i) ? "owner" : e->table.rows[i].name;
}

static void
put_select(struct buf *sql, const struct entity *e)
{
	for (size_t i = 0; i < e->table.n; i++) {
		buf_text(sql, i == 0 ? "SELECT " : ", ");
		if (record_is_owner(e, i))
			buf_text(sql, "(SELECT address FROM mailbox WHERE id = t.owner)");
		else
			buf_printf(sql, "t.\"%s\"", column_name(e, i));
	}
	if (e->id == ENTITY_MAILBOX)
		buf_text(
		    sql, ", t.id, EXISTS (SELECT 1 FROM alternative_mailbox WHERE owner = t.id)");
	buf_char(sql, ' ');
}

/* ` WHERE "a" = ?1 AND "b" = ?2`, nothing for no keys. */
static void
put_where(struct buf *sql, const struct entity *e, size_t n_keys)
{
	for (size_t i = 0; i < n_keys; i++)
		buf_printf(
		    sql, "%s \"%s\" = ?%zu", i == 0 ? " WHERE" : " AND", column_name(e, i), i + 1);
}

static void
put_columns(struct buf *sql, const struct entity *e, const char *between, bool equals)
{
	for (size_t i = 0; i < e->table.n; i++) {
		buf_printf(sql, "%s\"%s\"", i == 0 ? "" : between, column_name(e, i));
		if (equals)
			buf_printf(sql, " = ?%zu", i + 1);
	}
}

static void
put_record_statement(struct buf *sql, const struct entity *e, enum record_statement which)
{
	switch (which) {
	case RECORD_GET:
		put_select(sql, e);
		if (e->id == ENTITY_MAILBOX) {
			buf_text(sql, MAILBOX_BY_ADDRESS);
			break;
		}
		buf_printf(sql, "FROM %s t", e->name);
		put_where(sql, e, e->n_keys);
		break;
	case RECORD_INSERT:
		buf_printf(sql, "INSERT INTO %s (", e->name);
		put_columns(sql, e, ", ", false);
		buf_text(sql, e->id == ENTITY_MAILBOX ? ", id) VALUES (?" : ") VALUES (?");
		for (size_t i = e->id == ENTITY_MAILBOX ? 0 : 1; i < e->table.n; i++)
			buf_text(sql, ", ?");
		buf_char(sql, ')');
		break;
	case RECORD_UPDATE:
		/* The key too: it may be spelled in other letter case. */
		buf_printf(sql, "UPDATE %s SET ", e->name);
		put_columns(sql, e, ", ", true);
		if (e->id == ENTITY_MAILBOX)
			buf_printf(sql, " WHERE id = ?%zu", e->table.n + 1);
		else
			put_where(sql, e, e->n_keys);
		break;
	case RECORD_DELETE:
		buf_printf(sql, "DELETE FROM %s", e->name);
		if (e->id == ENTITY_MAILBOX)
			buf_text(sql, " WHERE id = ?1");
		else
			put_where(sql, e, e->n_keys);
		break;
	case RECORD_COUNT:
		break;
	}
}

static usher_status
prepare(struct sqlite_dir *d, const struct buf *sql, unsigned flags, sqlite3_stmt **out,
    struct usher_error *err)
{
	if (d->db == NULL) {
		if (err != NULL)
			*err = d->gone;
		return d->gone.status;
	}
	if (sql->status != USHER_OK)
		return err_nomem(err, d->path);
	if (sqlite3_prepare_v3(d->db, buf_cstr(sql), (int)sql->n, flags, out, NULL) != SQLITE_OK)
		return sqlite_failed(d, err);
	return USHER_OK;
}

usher_status
statement_get(
    struct sqlite_dir *d, enum statement which, sqlite3_stmt **out, struct usher_error *err)
{
	struct buf sql CLEANUP(buf_cleanup);
	usher_status st = USHER_OK;

	buf_init(&sql, SQL_MAX_BYTES);
	if (d->fixed[which] == NULL) {
		if (fixed[which].entity != NO_ENTITY)
			put_select(&sql, &entities[fixed[which].entity]);
		buf_text(&sql, fixed[which].text);
		st = prepare(d, &sql, SQLITE_PREPARE_PERSISTENT, &d->fixed[which], err);
	}
	if (st == USHER_OK)
		*out = d->fixed[which];
	return st;
}

usher_status
record_statement(struct sqlite_dir *d, const struct entity *e, enum record_statement which,
    sqlite3_stmt **out, struct usher_error *err)
{
	sqlite3_stmt **slot = &d->records[e->id][which];
	struct buf sql CLEANUP(buf_cleanup);
	usher_status st = USHER_OK;

	buf_init(&sql, SQL_MAX_BYTES);
	if (*slot == NULL) {
		put_record_statement(&sql, e, which);
		st = prepare(d, &sql, SQLITE_PREPARE_PERSISTENT, slot, err);
	}
	if (st == USHER_OK)
		*out = *slot;
	return st;
}

/* The mailbox of each primary address, which the table of addresses has in order. */
static void
put_each_mailbox(struct buf *sql, bool by_domain, bool by_local)
{
	buf_text(sql, "FROM address a CROSS JOIN mailbox t ON t.id = a.mailbox AND "
		      "lower(t.address) = a.local || '@' || a.domain");
	if (by_domain)
		buf_text(sql, " WHERE a.domain = ?1");
	if (by_local)
		buf_text(sql, " AND a.local = ?2");
	buf_text(sql, " ORDER BY a.domain, a.local");
}

static void
put_each(struct buf *sql, const struct entity *e, const void *prefix, size_t n_keys)
{
	put_select(sql, e);
	if (e->id == ENTITY_MAILBOX) {
		bool whole = n_keys > 0 && field_text(&e->table.rows[0], prefix)[0] != '@';

		put_each_mailbox(sql, n_keys > 0, whole);
		return;
	}
	buf_printf(sql, "FROM %s t", e->name);
	put_where(sql, e, n_keys);
	if (e->id == ENTITY_REDIRECT) /* as they are tried */
		buf_text(sql, " ORDER BY domain, rank, pattern");
	for (size_t i = 0; e->id != ENTITY_REDIRECT && i < e->n_keys; i++)
		buf_printf(sql, "%s%zu", i == 0 ? " ORDER BY " : ", ", i + 1);
}

usher_status
statement_each(struct sqlite_dir *d, const struct entity *e, const void *prefix, size_t n_keys,
    sqlite3_stmt **out, struct usher_error *err)
{
	struct buf sql CLEANUP(buf_cleanup);

	buf_init(&sql, SQL_MAX_BYTES);
	put_each(&sql, e, prefix, n_keys);
	return prepare(d, &sql, 0, out, err);
}

usher_status
statement_each_moved(struct sqlite_dir *d, sqlite3_stmt **out, struct usher_error *err)
{
	struct buf sql CLEANUP(buf_cleanup);

	buf_init(&sql, SQL_MAX_BYTES);
	put_select(&sql, &entities[ENTITY_MAILBOX]);
	buf_text(&sql, "FROM mailbox t WHERE redirect_address IS NOT NULL "
		       "ORDER BY redirect_address, id");
	return prepare(d, &sql, 0, out, err);
}

usher_status
statement_find(struct sqlite_dir *d, const struct entity *e, const char *field, sqlite3_stmt **out,
    struct usher_error *err)
{
	struct buf sql CLEANUP(buf_cleanup);

	buf_init(&sql, SQL_MAX_BYTES);
	put_select(&sql, e);
	buf_printf(&sql, "FROM %s t WHERE t.\"%s\" = ?1 ORDER BY 1 LIMIT 1", e->name, field);
	return prepare(d, &sql, 0, out, err);
}

usher_status
statement_count(
    struct sqlite_dir *d, const struct entity *e, sqlite3_stmt **out, struct usher_error *err)
{
	struct buf sql CLEANUP(buf_cleanup);

	buf_init(&sql, SQL_MAX_BYTES);
	buf_printf(&sql, "SELECT count(*) FROM %s", e->name);
	return prepare(d, &sql, 0, out, err);
}
