/* sqlite_record.c - records to rows and back, by the tables of model/org.c. */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "dir/sqlite.h"

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
		if (record_is_owner(e, i))
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
	sqlite3_stmt *stmt = NULL;
	usher_status st;

	st = statement_find(d, e, field, &stmt, err);
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

/* Finalizes the statement: neither a kept one nor scratch memory, because `each` may read records
 * of the same entity. */
static usher_status
each_row(struct sqlite_dir *d, sqlite3_stmt *stmt, const struct entity *e,
    usher_status (*each)(const void *record, void *payload), void *payload, struct usher_error *err)
{
	struct arena *mem CLEANUP(arena_cleanup) = arena_new(RECORD_MAX_BYTES);
	usher_status st = mem == NULL ? err_nomem(err, d->path) : USHER_OK;
	union org_record record;
	bool row;

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
sqlite_each(struct dir *dir, const struct entity *e, const void *prefix,
    usher_status (*each)(const void *record, void *payload), void *payload, struct usher_error *err)
{
	struct arena *keys CLEANUP(arena_cleanup) = arena_new(RECORD_MAX_BYTES);
	struct sqlite_dir *d = sqlite_of(dir);
	size_t n_keys = keys_set(e, prefix);
	sqlite3_stmt *stmt = NULL;
	usher_status st;

	if (keys == NULL)
		return err_nomem(err, d->path);
	st = statement_each(d, e, prefix, n_keys, &stmt, err);
	if (st == USHER_OK)
		st = bind_keys(d, keys, stmt, e, prefix, n_keys, err);
	if (st == USHER_OK)
		return each_row(d, stmt, e, each, payload, err);
	(void)sqlite3_finalize(stmt);
	return st;
}

usher_status
sqlite_each_moved(struct dir *dir, usher_status (*each)(const void *record, void *payload),
    void *payload, struct usher_error *err)
{
	struct sqlite_dir *d = sqlite_of(dir);
	sqlite3_stmt *stmt = NULL;
	usher_status st = statement_each_moved(d, &stmt, err);

	return st == USHER_OK ? each_row(d, stmt, &entities[ENTITY_MAILBOX], each, payload, err) :
				st;
}

usher_status
sqlite_count(struct dir *dir, const struct entity *e, uint64_t *out, struct usher_error *err)
{
	struct sqlite_dir *d = sqlite_of(dir);
	sqlite3_stmt *stmt = NULL;
	usher_status st;
	bool row;

	st = statement_count(d, e, &stmt, err);
	if (st == USHER_OK)
		st = sqlite_row(d, stmt, &row, err);
	if (st == USHER_OK)
		*out = (uint64_t)sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	return st;
}
