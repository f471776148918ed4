/* sqlite_record.c - every SQL statement, and records to and from rows by the tables of model/org.c.
 */
#include <limits.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "dir/sqlite.h"

enum { SQL_MAX_BYTES = 8 * 1024 };

/* Entities are read as `t`. A mailbox's row number follows its members, and an alternative mailbox
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
	[STATEMENT_DOMAIN_ALIASES] = { NO_ENTITY,
	    "SELECT domain FROM domain WHERE alias_of = ?1 LIMIT 1" },
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
	[STATEMENT_DOMAIN] = { ENTITY_DOMAIN, "FROM domain t WHERE domain = ?1" },
	[STATEMENT_SERVICES] = { ENTITY_SERVICE,
	    "FROM service t WHERE domain = ?1 ORDER BY type, rank" },
	[STATEMENT_MAILBOX_BY_ROW] = { ENTITY_MAILBOX, "FROM mailbox t WHERE id = ?1" },
	[STATEMENT_MAILBOX_BY_ADDRESS] = { ENTITY_MAILBOX, MAILBOX_BY_ADDRESS },
	[STATEMENT_MAILBOX_BY_LEGACY_DN] = { ENTITY_MAILBOX,
	    "FROM mailbox t WHERE legacy_dn = ?1" },
	[STATEMENT_ALTERNATIVES] = { ENTITY_ALTERNATIVE_MAILBOX,
	    "FROM alternative_mailbox t WHERE owner = ?1 ORDER BY display_name" },
	[STATEMENT_CREDENTIAL] = { ENTITY_CREDENTIAL, "FROM credential t WHERE login_name = ?1" },
};

/* ---- statements ---- */

static bool
is_owner(const struct entity *e, size_t i)
{
	return e->id == ENTITY_ALTERNATIVE_MAILBOX && i == 0;
}

static const char *
column_name(const struct entity *e, size_t i)
{
	return is_owner(e, i) ? "owner" : e->table.rows[i].name;
}

static void
put_select(struct buf *sql, const struct entity *e)
{
	for (size_t i = 0; i < e->table.n; i++) {
		buf_text(sql, i == 0 ? "SELECT " : ", ");
		if (is_owner(e, i))
			buf_text(sql, "(SELECT address FROM mailbox WHERE id = t.owner)");
		else
			buf_printf(sql, "t.\"%s\"", column_name(e, i));
	}
	buf_text(sql, e->id == ENTITY_MAILBOX ? ", t.id " : " ");
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

/* ---- values ---- */

static void
bind_slice(sqlite3_stmt *stmt, int at, struct slice s)
{
	(void)sqlite3_bind_text64(stmt, at, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8);
}

/* NULL when out of memory. Items hold no control byte: entity_check() has seen to it. */
static const char *
join_list(struct arena *mem, const struct text_list *list)
{
	size_t n = 0;
	char *text, *to;

	for (size_t i = 0; i < list->n; i++)
		n += strlen(list->v[i]) + 1;
	text = to = arena_alloc(mem, n);
	if (text == NULL)
		return NULL;
	for (size_t i = 0; i < list->n; i++) {
		to = stpcpy(to, list->v[i]);
		*to++ = '\n';
	}
	to[-1] = '\0';
	return text;
}

static bool
split_list(struct arena *mem, struct slice text, struct text_list *out)
{
	size_t n = 1, at = 0;
	const char **v;
	char *copy;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	copy = arena_copy(mem, text);
	v = arena_array(mem, n, sizeof(*v));
	if (copy == NULL || v == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		v[i] = copy + at;
		at += slice_find(slice_skip(text, at), '\n');
		copy[at++] = '\0';
	}
	*out = (struct text_list){ v, n };
	return true;
}

static usher_status
bind_field(struct sqlite_dir *d, sqlite3_stmt *stmt, int at, const struct field *f,
    const void *record, struct usher_error *err)
{
	const char *text;

	if (f->type != FIELD_CHOICE && field_absent(f, record)) {
		(void)sqlite3_bind_null(stmt, at);
		return USHER_OK;
	}
	switch (f->type) {
	case FIELD_TEXT:
		bind_slice(stmt, at, slice_of(field_text(f, record)));
		break;
	case FIELD_LIST:
		text = join_list(d->scratch, field_list(f, record));
		if (text == NULL)
			return err_nomem(err, d->path);
		bind_slice(stmt, at, slice_of(text));
		break;
	case FIELD_NUMBER:
		(void)sqlite3_bind_int64(stmt, at, field_number(f, record));
		break;
	case FIELD_SWITCH:
		(void)sqlite3_bind_int(stmt, at, field_switch(f, record) == TRI_ON);
		break;
	case FIELD_CHOICE:
		bind_slice(stmt, at, slice_of(field_choice_name(f, record)));
		break;
	}
	return USHER_OK;
}

usher_status
record_bind(struct sqlite_dir *d, sqlite3_stmt *stmt, const struct entity *e, const void *record,
    size_t n_fields, int64_t owner, struct usher_error *err)
{
	usher_status st = USHER_OK;

	for (size_t i = 0; i < n_fields && st == USHER_OK; i++) {
		if (is_owner(e, i))
			(void)sqlite3_bind_int64(stmt, (int)i + 1, owner);
		else
			st = bind_field(d, stmt, (int)i + 1, &e->table.rows[i], record, err);
	}
	return st;
}

static struct slice
column_slice(sqlite3_stmt *stmt, int at)
{
	const void *p = sqlite3_column_text(stmt, at);

	return slice_from(p, p == NULL ? 0 : (size_t)sqlite3_column_bytes(stmt, at));
}

/* False when out of memory, or when a choice is not known: then *known = false. */
static bool
read_field(
    sqlite3_stmt *stmt, int at, const struct field *f, struct arena *mem, void *out, bool *known)
{
	struct text_list list;
	const char *text;

	switch (f->type) {
	case FIELD_TEXT:
		text = arena_copy(mem, column_slice(stmt, at));
		field_set_text(f, out, text);
		return text != NULL;
	case FIELD_LIST:
		if (!split_list(mem, column_slice(stmt, at), &list))
			return false;
		field_set_list(f, out, list);
		return true;
	case FIELD_NUMBER:
		field_set_number(f, out, sqlite3_column_int64(stmt, at));
		return true;
	case FIELD_SWITCH:
		field_set_switch(f, out, sqlite3_column_int(stmt, at) != 0 ? TRI_ON : TRI_OFF);
		return true;
	case FIELD_CHOICE:
		*known = field_set_choice(f, out, column_slice(stmt, at));
		return *known;
	}
	return false;
}

usher_status
record_read(struct sqlite_dir *d, sqlite3_stmt *stmt, const struct entity *e, struct arena *mem,
    void *out, struct usher_error *err)
{
	bool known = true;

	record_init(&e->table, out);
	for (size_t i = 0; i < e->table.n; i++) {
		const struct field *f = &e->table.rows[i];

		if (sqlite3_column_type(stmt, (int)i) == SQLITE_NULL)
			continue;
		if (read_field(stmt, (int)i, f, mem, out, &known))
			continue;
		if (known)
			return err_nomem(err, d->path);
		return err_set(err, USHER_E_UNAVAILABLE, d->path,
		    "holds a %s whose %s this usher does not know; restore a backup", e->title,
		    f->name);
	}
	return USHER_OK;
}

usher_status
record_read_all(struct sqlite_dir *d, sqlite3_stmt *stmt, const struct entity *e, struct arena *mem,
    void *array, size_t *n, struct usher_error *err)
{
	size_t count = 0, room = 0;
	usher_status st;
	char *all = NULL;
	bool row;

	while ((st = sqlite_row(d, stmt, &row, err)) == USHER_OK && row) {
		if (count == room) {
			size_t more = room == 0 ? 8 : 2 * room;
			char *grown = arena_array(mem, more, e->table.size);

			if (grown == NULL) {
				st = err_nomem(err, d->path);
				break;
			}
			if (count > 0)
				memcpy(grown, all, count * e->table.size);
			all = grown;
			room = more;
		}
		st = record_read(d, stmt, e, mem, all + count * e->table.size, err);
		if (st != USHER_OK)
			break;
		count++;
	}
	(void)sqlite3_reset(stmt);
	if (st != USHER_OK)
		return st;
	memcpy(array, &all, sizeof(all));
	*n = count;
	return USHER_OK;
}

/* ---- addresses ---- */

bool
address_key(struct arena *mem, const char *address, struct address_key *out)
{
	const char *copy = text_lower_copy(mem, slice_of(address));
	struct slice all = slice_of(copy);
	size_t at = slice_find_last(all, '@');

	out->local = slice_from(all.p, at);
	out->domain = slice_skip(all, at + 1);
	return copy != NULL;
}

void
address_key_bind(sqlite3_stmt *stmt, const struct address_key *key)
{
	bind_slice(stmt, 1, key->domain);
	bind_slice(stmt, 2, key->local);
}

static uint64_t
hash_slice(uint64_t h, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211);
	return h;
}

int64_t
address_key_row(const struct address_key *key)
{
	uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */

	h = hash_slice(h, key->local);
	h = hash_slice(h, SLICE_LITERAL("@"));
	h = hash_slice(h, key->domain);
	return (int64_t)((h ^ h >> 47) & (((uint64_t)1 << 47) - 1));
}

usher_status
mailbox_find(struct sqlite_dir *d, const char *address, int64_t *id, struct usher_error *err)
{
	struct address_key key;
	sqlite3_stmt *stmt;
	usher_status st;
	bool row;

	if (!address_key(d->scratch, address, &key))
		return err_nomem(err, d->path);
	st = statement_get(d, STATEMENT_ADDRESS_OWNER, &stmt, err);
	if (st != USHER_OK)
		return st;
	address_key_bind(stmt, &key);
	st = sqlite_row(d, stmt, &row, err);
	if (st == USHER_OK)
		*id = row ? sqlite3_column_int64(stmt, 0) : NO_ROW;
	(void)sqlite3_reset(stmt);
	return st;
}

/* ---- reading ---- */

/* Binds the leading keys that are set. An owner who does not exist binds to NO_ROW: nothing. What
 * is bound lies in `mem` and in `key`. */
static usher_status
bind_keys(struct sqlite_dir *d, struct arena *mem, sqlite3_stmt *stmt, const struct entity *e,
    const void *key, size_t n_keys, struct usher_error *err)
{
	struct address_key address;
	int64_t owner = NO_ROW;
	usher_status st = USHER_OK;

	if (n_keys == 0)
		return USHER_OK;
	if (e->id == ENTITY_MAILBOX) {
		if (!address_key(mem, field_text(&e->table.rows[0], key), &address))
			return err_nomem(err, d->path);
		address_key_bind(stmt, &address);
		return USHER_OK;
	}
	if (e->id == ENTITY_ALTERNATIVE_MAILBOX)
		st = mailbox_find(d, field_text(&e->table.rows[0], key), &owner, err);
	return st != USHER_OK ? st : record_bind(d, stmt, e, key, n_keys, owner, err);
}

usher_status
record_get(struct sqlite_dir *d, struct arena *mem, const struct entity *e, const void *key,
    void *out, bool *found, struct usher_error *err)
{
	sqlite3_stmt *stmt;
	usher_status st;

	st = record_statement(d, e, RECORD_GET, &stmt, err);
	if (st != USHER_OK)
		return st;
	st = bind_keys(d, d->scratch, stmt, e, key, e->n_keys, err);
	if (st == USHER_OK)
		st = sqlite_row(d, stmt, found, err);
	if (st == USHER_OK && *found)
		st = record_read(d, stmt, e, mem, out, err);
	(void)sqlite3_reset(stmt);
	return st;
}

usher_status
mailbox_read(struct sqlite_dir *d, const char *address, struct mailbox *out, int64_t *id,
    struct usher_error *err)
{
	sqlite3_stmt *stmt;
	usher_status st;
	bool row;

	st = mailbox_find(d, address, id, err);
	if (st != USHER_OK || *id == NO_ROW)
		return st;
	st = statement_get(d, STATEMENT_MAILBOX_BY_ROW, &stmt, err);
	if (st != USHER_OK)
		return st;
	(void)sqlite3_bind_int64(stmt, 1, *id);
	st = sqlite_row(d, stmt, &row, err);
	if (st == USHER_OK)
		st = record_read(d, stmt, &entities[ENTITY_MAILBOX], d->scratch, out, err);
	(void)sqlite3_reset(stmt);
	return st;
}

usher_status
record_find(struct sqlite_dir *d, const struct entity *e, const char *field, const char *value,
    void *out, bool *found, struct usher_error *err)
{
	struct buf sql CLEANUP(buf_cleanup);
	sqlite3_stmt *stmt = NULL;
	usher_status st;

	buf_init(&sql, SQL_MAX_BYTES);
	put_select(&sql, e);
	buf_printf(&sql, "FROM %s t WHERE t.\"%s\" = ?1 ORDER BY 1 LIMIT 1", e->name, field);
	st = prepare(d, &sql, 0, &stmt, err);
	if (st == USHER_OK) {
		bind_slice(stmt, 1, slice_of(value));
		st = sqlite_row(d, stmt, found, err);
	}
	if (st == USHER_OK && *found)
		st = record_read(d, stmt, e, d->scratch, out, err);
	(void)sqlite3_finalize(stmt);
	return st;
}

usher_status
own_mailboxes(struct sqlite_dir *d, struct arena *mem, const char *login, sqlite3_stmt **out,
    struct usher_error *err)
{
	struct address_key key;
	sqlite3_stmt *stmt;
	usher_status st;

	if (!address_key(mem, login, &key))
		return err_nomem(err, d->path);
	st = statement_get(d, STATEMENT_OWN_MAILBOXES, &stmt, err);
	if (st != USHER_OK)
		return st;
	address_key_bind(stmt, &key);
	bind_slice(stmt, 3, slice_of(login));
	*out = stmt;
	return USHER_OK;
}

enum lookup
sqlite_get(struct dir *dir, struct arena *mem, const struct entity *e, const void *key, void *out,
    struct usher_error *err)
{
	struct sqlite_dir *d = sqlite_of(dir);
	union org_record record;
	bool found;

	arena_reset(d->scratch);
	if (record_get(d, mem, e, key, &record, &found, err) != USHER_OK)
		return LOOKUP_UNAVAILABLE;
	/* An alias finds its mailbox too, but it is not that record's key. */
	if (found && e->id == ENTITY_MAILBOX)
		found = slice_is_nocase(
		    slice_of(record.mailbox.address), field_text(&e->table.rows[0], key));
	if (!found)
		return LOOKUP_ABSENT;
	memcpy(out, &record, e->table.size);
	return LOOKUP_FOUND;
}

static size_t
keys_set(const struct entity *e, const void *prefix)
{
	size_t n = 0;

	while (prefix != NULL && n < e->n_keys && !field_absent(&e->table.rows[n], prefix))
		n++;
	return n;
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
	for (size_t i = 0; i < e->n_keys; i++)
		buf_printf(sql, "%s%zu", i == 0 ? " ORDER BY " : ", ", i + 1);
}

usher_status
sqlite_each(struct dir *dir, const struct entity *e, const void *prefix,
    usher_status (*each)(const void *record, void *payload), void *payload, struct usher_error *err)
{
	struct arena *mem CLEANUP(arena_cleanup) = arena_new(RECORD_MAX_BYTES);
	struct arena *keys CLEANUP(arena_cleanup) = arena_new(RECORD_MAX_BYTES);
	struct sqlite_dir *d = sqlite_of(dir);
	size_t n_keys = keys_set(e, prefix);
	struct buf sql CLEANUP(buf_cleanup);
	sqlite3_stmt *stmt = NULL;
	union org_record record;
	usher_status st;
	bool row;

	buf_init(&sql, SQL_MAX_BYTES);
	if (mem == NULL || keys == NULL)
		return err_nomem(err, d->path);
	/* Neither a kept statement nor scratch memory: `each` may read records of the same entity.
	 */
	put_each(&sql, e, prefix, n_keys);
	st = prepare(d, &sql, 0, &stmt, err);
	if (st == USHER_OK)
		st = bind_keys(d, keys, stmt, e, prefix, n_keys, err);
	while (st == USHER_OK && (st = sqlite_row(d, stmt, &row, err)) == USHER_OK && row) {
		arena_reset(mem);
		st = record_read(d, stmt, e, mem, &record, err);
		if (st == USHER_OK)
			st = each(&record, payload);
	}
	(void)sqlite3_finalize(stmt);
	return st;
}

usher_status
sqlite_count(struct dir *dir, const struct entity *e, uint64_t *out, struct usher_error *err)
{
	struct sqlite_dir *d = sqlite_of(dir);
	struct buf sql CLEANUP(buf_cleanup);
	sqlite3_stmt *stmt = NULL;
	usher_status st;
	bool row;

	buf_init(&sql, SQL_MAX_BYTES);
	buf_printf(&sql, "SELECT count(*) FROM %s", e->name);
	st = prepare(d, &sql, 0, &stmt, err);
	if (st == USHER_OK)
		st = sqlite_row(d, stmt, &row, err);
	if (st == USHER_OK)
		*out = (uint64_t)sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return st;
}
