/* sqlite_change.c - making, replacing and removing records, and why not.
 *
 * What can clash is looked at before the first row is touched, while the write lock keeps others
 * out: a refused record leaves nothing to undo, so that an import needs no savepoint per record. */
#include <string.h>

#include "base/err.h"
#include "dir/rules.h"
#include "dir/sqlite.h"

/* One record on its way into the directory. */
struct change {
	const struct entity *e;
	const void *record;
	bool exists;
	union org_record old;
	int64_t row;	    /* of the mailbox, or of the mailbox that owns the alternative one */
	struct mailbox now; /* ENTITY_MAILBOX: the record again, with its type */
	union org_record canonical;
	struct rules_view rules;
};

/* ---- explaining ---- */

/* What dir/rules.h asks for, from this file. */
static usher_status
rules_get(void *back_end, const struct entity *e, const void *key, union org_record *out,
    bool *found, struct usher_error *err)
{
	struct sqlite_dir *d = back_end;

	return record_get(d, d->scratch, e, key, out, found, err);
}

static usher_status
rules_find(void *back_end, const struct entity *e, const char *field, const char *value,
    union org_record *out, bool *found, struct usher_error *err)
{
	return record_find(back_end, e, field, value, out, found, err);
}

static usher_status
rules_mailbox_in(void *back_end, const char *domain, const char **out, struct usher_error *err)
{
	struct sqlite_dir *d = back_end;
	sqlite3_stmt *stmt;
	usher_status st;
	bool row;

	st = statement_get(d, STATEMENT_DOMAIN_MAILBOX, &stmt, err);
	if (st != USHER_OK)
		return st;
	(void)sqlite3_bind_text(stmt, 1, domain, -1, SQLITE_STATIC);
	st = sqlite_row(d, stmt, &row, err);
	*out = NULL;
	if (st == USHER_OK && row) {
		*out = arena_strdup(d->scratch, (const char *)sqlite3_column_text(stmt, 0));
		if (*out == NULL)
			st = err_nomem(err, d->path);
	}
	(void)sqlite3_reset(stmt);
	return st;
}

static struct rules_view
rules_of(struct sqlite_dir *d)
{
	return (
	    struct rules_view){ d, d->path, d->scratch, rules_get, rules_find, rules_mailbox_in };
}

/* After a foreign key said no: names the record that is missing. */
static usher_status
explain_missing(const struct change *c, struct usher_error *err)
{
	usher_status st = rules_missing(&c->rules, c->e, c->record, err);

	return st == USHER_OK ?
		   rules_conflict(&c->rules, c->e, c->record, err, "it names what does not exist") :
		   st;
}

/* After the unique index of legacyDNs said no. */
static usher_status
explain_legacy_dn(struct sqlite_dir *d, const struct change *c, struct usher_error *err)
{
	union org_record other;
	usher_status st;
	bool found;

	st = record_find(d, c->e, "legacy_dn", c->now.legacy_dn, &other, &found, err);
	if (st != USHER_OK)
		return st;
	return rules_conflict(&c->rules, c->e, c->record, err,
	    "its legacy_dn is already that of %s",
	    found ? other.mailbox.address : "another mailbox");
}

static usher_status
explain_put(struct sqlite_dir *d, const struct change *c, struct usher_error *err)
{
	switch (sqlite3_extended_errcode(d->db)) {
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return explain_missing(c, err);
	case SQLITE_CONSTRAINT_UNIQUE:
		if (c->e->id == ENTITY_MAILBOX && c->now.legacy_dn != NULL)
			return explain_legacy_dn(d, c, err);
		break;
	default:
		break;
	}
	return sqlite_failed(d, err);
}

/* ---- checks before a change ---- */

static usher_status
check_address(
    struct sqlite_dir *d, const struct change *c, const char *address, struct usher_error *err)
{
	struct address_key key;
	const char *kind;
	sqlite3_stmt *stmt;
	usher_status st;
	int64_t owner;
	bool row;

	if (!address_key(d->scratch, address, &key))
		return err_nomem(err, d->path);
	st = statement_get(d, STATEMENT_ADDRESS_CHECK, &stmt, err);
	if (st != USHER_OK)
		return st;
	address_key_bind(stmt, &key);
	st = sqlite_row(d, stmt, &row, err);
	if (st != USHER_OK) {
		(void)sqlite3_reset(stmt);
		return st;
	}
	kind = (const char *)sqlite3_column_text(stmt, 0);
	owner =
	    sqlite3_column_type(stmt, 1) == SQLITE_NULL ? NO_ROW : sqlite3_column_int64(stmt, 1);
	st = rules_address(&c->rules, c->record, address,
	    kind == NULL	       ? -1 :
	    strcmp(kind, "alias") == 0 ? DOMAIN_ALIAS :
					 DOMAIN_EXCHANGE,
	    owner != NO_ROW && owner != c->row, err);
	(void)sqlite3_reset(stmt);
	return st;
}

static usher_status
check_mailbox(struct sqlite_dir *d, const struct change *c, struct usher_error *err)
{
	usher_status st = check_address(d, c, c->now.address, err);

	for (size_t i = 0; st == USHER_OK && i < c->now.aliases.n; i++)
		st = check_address(d, c, c->now.aliases.v[i], err);
	return st;
}

static usher_status
check(struct sqlite_dir *d, const struct change *c, struct usher_error *err)
{
	switch (c->e->id) {
	case ENTITY_MAILBOX:
		return check_mailbox(d, c, err);
	case ENTITY_ALTERNATIVE_MAILBOX:
		if (c->row == NO_ROW)
			return rules_conflict(&c->rules, c->e, c->record, err,
			    "there is no such mailbox; add it first");
		return USHER_OK;
	default:
		return rules_check(&c->rules, c->e, c->record, err);
	}
}

/* ---- put ---- */

static usher_status
find_old_mailbox(struct sqlite_dir *d, struct change *c, struct usher_error *err)
{
	usher_status st;

	memcpy(&c->now, c->record, sizeof(c->now));
	st = mailbox_read(d, c->now.address, &c->old.mailbox, &c->row, err);
	c->exists = st == USHER_OK && c->row != NO_ROW;
	if (c->exists && !slice_is_nocase(slice_of(c->old.mailbox.address), c->now.address))
		return rules_conflict(&c->rules, c->e, c->record, err,
		    "the address is an alias of %s", c->old.mailbox.address);
	return st;
}

/* Any address of the owner will do as key; its primary one is what is read back. */
static usher_status
find_owner(struct sqlite_dir *d, struct change *c, struct usher_error *err)
{
	const struct alternative_mailbox *record = c->record;
	struct mailbox owner;
	usher_status st;

	st = mailbox_read(d, record->mailbox, &owner, &c->row, err);
	if (st != USHER_OK || c->row == NO_ROW)
		return st;
	c->canonical.alternative_mailbox = *record;
	c->canonical.alternative_mailbox.mailbox = owner.address;
	c->record = &c->canonical;
	return USHER_OK;
}

static usher_status
find_old(struct sqlite_dir *d, struct change *c, struct usher_error *err)
{
	usher_status st;

	if (c->e->id == ENTITY_MAILBOX)
		return find_old_mailbox(d, c, err);
	if (c->e->id == ENTITY_ALTERNATIVE_MAILBOX) {
		st = find_owner(d, c, err);
		if (st != USHER_OK || c->row == NO_ROW)
			return st;
	}
	return record_get(d, d->scratch, c->e, c->record, &c->old, &c->exists, err);
}

/* Adds or takes away all addresses of a mailbox. */
static usher_status
run_addresses(struct sqlite_dir *d, enum statement which, const struct mailbox *m, int64_t row,
    struct usher_error *err)
{
	struct address_key key;
	sqlite3_stmt *stmt;
	usher_status st;
	bool more;

	st = statement_get(d, which, &stmt, err);
	for (size_t i = 0; st == USHER_OK && i <= m->aliases.n; i++) {
		if (!address_key(d->scratch, i == 0 ? m->address : m->aliases.v[i - 1], &key))
			return err_nomem(err, d->path);
		address_key_bind(stmt, &key);
		(void)sqlite3_bind_int64(stmt, 3, row);
		st = sqlite_row(d, stmt, &more, err);
		(void)sqlite3_reset(stmt);
	}
	return st;
}

static usher_status
replace_addresses(struct sqlite_dir *d, const struct change *c, struct usher_error *err)
{
	const struct field *aliases = field_find(&c->e->table, "aliases");
	usher_status st;

	if (aliases != NULL && field_equal(aliases, &c->old, &c->now))
		return USHER_OK;
	st = run_addresses(d, STATEMENT_ADDRESS_DELETE, &c->old.mailbox, c->row, err);
	return st != USHER_OK ? st :
				run_addresses(d, STATEMENT_ADDRESS_INSERT, &c->now, c->row, err);
}

/* The first free row from the one that the address gives. */
static int
insert_mailbox(sqlite3_stmt *stmt, struct change *c, const struct address_key *key)
{
	int rc;

	c->row = address_key_row(key);
	for (;;) {
		(void)sqlite3_bind_int64(stmt, (int)c->e->table.n + 1, c->row);
		rc = sqlite3_step(stmt);
		if (rc != SQLITE_CONSTRAINT_PRIMARYKEY && rc != SQLITE_CONSTRAINT_ROWID)
			return rc;
		(void)sqlite3_reset(stmt);
		c->row++;
	}
}

static usher_status
write_record(struct sqlite_dir *d, struct change *c, struct usher_error *err)
{
	bool mailbox = c->e->id == ENTITY_MAILBOX;
	struct address_key key;
	sqlite3_stmt *stmt;
	usher_status st;
	int rc;

	st = record_statement(d, c->e, c->exists ? RECORD_UPDATE : RECORD_INSERT, &stmt, err);
	if (st == USHER_OK)
		st = record_bind(d, stmt, c->e, c->record, c->e->table.n, c->row, err);
	if (st != USHER_OK)
		return st;
	if (mailbox && !address_key(d->scratch, c->now.address, &key))
		return err_nomem(err, d->path);
	if (mailbox && c->exists)
		(void)sqlite3_bind_int64(stmt, (int)c->e->table.n + 1, c->row);
	rc = mailbox && !c->exists ? insert_mailbox(stmt, c, &key) : sqlite3_step(stmt);
	if ((rc & 0xff) == SQLITE_CONSTRAINT)
		st = explain_put(d, c, err);
	else if (rc != SQLITE_DONE)
		st = sqlite_failed(d, err);
	(void)sqlite3_reset(stmt);
	if (st != USHER_OK || !mailbox)
		return st;
	return c->exists ? replace_addresses(d, c, err) :
			   run_addresses(d, STATEMENT_ADDRESS_INSERT, &c->now, c->row, err);
}

/* SQLite may have ended the transaction by itself: another change would stand alone. */
static usher_status
refuse_lost(const struct sqlite_dir *d, struct usher_error *err)
{
	if (d->lost && err != NULL)
		*err = d->loss;
	return d->lost ? d->loss.status : USHER_OK;
}

/* Remembers a failure that may have left half a record behind. */
static usher_status
settle(
    struct sqlite_dir *d, usher_status st, const struct usher_error *why, struct usher_error *err)
{
	if (st == USHER_OK)
		return st;
	if (st != USHER_E_CONFLICT && !d->lost) {
		d->lost = true;
		d->loss = *why;
	}
	if (err != NULL)
		*err = *why;
	return st;
}

/* What lookups of this handle have kept: to itself a handle does not look like somebody else. */
static void
note_change(struct sqlite_dir *d)
{
	d->changed = true;
	if (d->cache.data_version > 0)
		serve_cache_drop(d);
}

usher_status
sqlite_put(struct dir *dir, const struct entity *e, const void *record, enum dir_change *change,
    struct usher_error *err)
{
	struct sqlite_dir *d = sqlite_of(dir);
	struct change c = { .e = e, .record = record, .row = NO_ROW, .rules = rules_of(d) };
	struct usher_error why;
	usher_status st;

	st = refuse_lost(d, err);
	if (st != USHER_OK)
		return st;
	arena_reset(d->scratch);
	st = find_old(d, &c, &why);
	if (st == USHER_OK && c.exists && record_equal(&e->table, &c.old, c.record)) {
		*change = DIR_SAME;
		return USHER_OK;
	}
	if (st == USHER_OK)
		st = check(d, &c, &why);
	if (st == USHER_OK)
		st = write_record(d, &c, &why);
	if (st != USHER_OK)
		return settle(d, st, &why, err);
	note_change(d);
	*change = c.exists ? DIR_CHANGED : DIR_CREATED;
	return USHER_OK;
}

/* ---- remove ---- */

/* After a foreign key said no: names one record that still needs this one. */
static usher_status
explain_needed(const struct change *c, struct usher_error *err)
{
	usher_status st = rules_needed(&c->rules, c->e, c->record, err);

	return st == USHER_OK ?
		   rules_conflict(&c->rules, c->e, c->record, err, "others still name it") :
		   st;
}

/* A login may open several mailboxes: its credential goes with the last. */
static usher_status
remove_credential(struct sqlite_dir *d, const struct mailbox *gone, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_CREDENTIAL];
	struct credential key;
	sqlite3_stmt *stmt;
	usher_status st;
	bool row;

	record_init(&e->table, &key);
	key.login_name = gone->login_name != NULL ? gone->login_name : gone->address;
	st = own_mailboxes(d, d->scratch, key.login_name, &stmt, err);
	if (st != USHER_OK)
		return st;
	st = sqlite_row(d, stmt, &row, err);
	(void)sqlite3_reset(stmt);
	if (st != USHER_OK || row)
		return st;
	st = record_statement(d, e, RECORD_DELETE, &stmt, err);
	if (st == USHER_OK)
		st = record_bind(d, stmt, e, &key, e->n_keys, 0, err);
	if (st != USHER_OK)
		return st;
	st = sqlite_row(d, stmt, &row, err);
	(void)sqlite3_reset(stmt);
	return st;
}

static usher_status
delete_record(struct sqlite_dir *d, const struct change *c, struct usher_error *err)
{
	sqlite3_stmt *stmt;
	usher_status st;
	int rc;

	st = record_statement(d, c->e, RECORD_DELETE, &stmt, err);
	if (st != USHER_OK)
		return st;
	if (c->e->id == ENTITY_MAILBOX)
		(void)sqlite3_bind_int64(stmt, 1, c->row);
	else
		st = record_bind(d, stmt, c->e, c->record, c->e->n_keys, c->row, err);
	if (st != USHER_OK)
		return st;
	rc = sqlite3_step(stmt);
	if ((rc & 0xff) == SQLITE_CONSTRAINT)
		st = explain_needed(c, err);
	else if (rc != SQLITE_DONE)
		st = sqlite_failed(d, err);
	(void)sqlite3_reset(stmt);
	if (st != USHER_OK || c->e->id != ENTITY_MAILBOX)
		return st;
	st = run_addresses(d, STATEMENT_ADDRESS_DELETE, &c->old.mailbox, c->row, err);
	return st != USHER_OK ? st : remove_credential(d, &c->old.mailbox, err);
}

usher_status
sqlite_remove(struct dir *dir, const struct entity *e, const void *key, enum dir_change *change,
    struct usher_error *err)
{
	struct sqlite_dir *d = sqlite_of(dir);
	struct change c = { .e = e, .record = key, .row = NO_ROW, .rules = rules_of(d) };
	struct usher_error why;
	usher_status st;

	st = refuse_lost(d, err);
	if (st != USHER_OK)
		return st;
	arena_reset(d->scratch);
	st = find_old(d, &c, &why);
	if (st == USHER_OK && !c.exists) {
		*change = DIR_SAME;
		return USHER_OK;
	}
	if (st == USHER_OK)
		st = delete_record(d, &c, &why);
	if (st != USHER_OK)
		return settle(d, st, &why, err);
	note_change(d);
	*change = DIR_REMOVED;
	return USHER_OK;
}
