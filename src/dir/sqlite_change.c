/* sqlite_change.c - making, replacing and removing records, and why not.
 *
 * What can clash is looked at before the first row is touched, while the write lock keeps others
 * out: a refused record leaves nothing to undo, so that an import needs no savepoint per record. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "dir/sqlite.h"

/* Members that name a record of another entity. The foreign keys of sqlite_schema.c say the same;
 * these rows are for telling which one failed. */
static const struct reference {
	enum entity_id from;
	const char *field;
	enum entity_id to;
	bool part; /* goes with what it names */
} references[] = {
	{ ENTITY_SERVER, "site", ENTITY_SITE, false },
	{ ENTITY_URL, "server", ENTITY_SERVER, true },
	{ ENTITY_OUTLOOK_ANYWHERE, "server", ENTITY_SERVER, true },
	{ ENTITY_DOMAIN, "alias_of", ENTITY_DOMAIN, false },
	{ ENTITY_DOMAIN, "server", ENTITY_SERVER, false },
	{ ENTITY_DOMAIN, "certificate", ENTITY_CERTIFICATE, false },
	{ ENTITY_SERVICE, "domain", ENTITY_DOMAIN, true },
	{ ENTITY_REDIRECT, "domain", ENTITY_DOMAIN, true },
	{ ENTITY_MAILBOX, "services_of", ENTITY_DOMAIN, false },
	{ ENTITY_MAILBOX, "server", ENTITY_SERVER, false },
};

/* One record on its way into the directory. */
struct change {
	const struct entity *e;
	const void *record;
	bool exists;
	union org_record old;
	int64_t row;	    /* of the mailbox, or of the mailbox that owns the alternative one */
	struct mailbox now; /* ENTITY_MAILBOX: the record again, with its type */
	union org_record canonical;
};

/* ---- explaining ---- */

static usher_status PRINTF_LIKE(4, 5) conflict(
    struct sqlite_dir *d, const struct change *c, struct usher_error *err, const char *format, ...)
{
	const char *key = entity_key_text(d->scratch, c->e, c->record);
	char why[USHER_ERROR_MESSAGE_BYTES];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(why, sizeof(why), format, ap);
	va_end(ap);
	return err_set(err, USHER_E_CONFLICT, d->path, "%s%s%s: %s", c->e->title,
	    c->e->n_keys > 0 ? " " : "", key == NULL || c->e->n_keys == 0 ? "" : key, why);
}

/* After a foreign key said no: names the record that is missing. */
static usher_status
explain_missing(struct sqlite_dir *d, const struct change *c, struct usher_error *err)
{
	for (size_t i = 0; i < COUNT_OF(references); i++) {
		const struct reference *r = &references[i];
		const struct entity *to = &entities[r->to];
		const struct field *f;
		union org_record key, other;
		usher_status st;
		bool found;

		if (r->from != c->e->id)
			continue;
		f = field_find(&c->e->table, r->field);
		if (f == NULL || field_absent(f, c->record))
			continue;
		record_init(&to->table, &key);
		field_set_text(&to->table.rows[0], &key, field_text(f, c->record));
		st = record_get(d, d->scratch, to, &key, &other, &found, err);
		if (st != USHER_OK)
			return st;
		if (!found)
			return conflict(d, c, err, "there is no %s %s; add it first", to->title,
			    field_text(f, c->record));
	}
	return conflict(d, c, err, "it names what does not exist");
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
	return conflict(d, c, err, "its legacy_dn is already that of %s",
	    found ? other.mailbox.address : "another mailbox");
}

static usher_status
explain_put(struct sqlite_dir *d, const struct change *c, struct usher_error *err)
{
	switch (sqlite3_extended_errcode(d->db)) {
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return explain_missing(d, c, err);
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
	if (kind == NULL)
		st = conflict(d, c, err,
		    "%s is not an accepted domain; `usher domain add` makes it one", key.domain.p);
	else if (strcmp(kind, "alias") == 0)
		st = conflict(d, c, err,
		    "%s is an alias domain and takes its addresses from the other domain",
		    key.domain.p);
	else if (owner != NO_ROW && owner != c->row)
		st = conflict(d, c, err, "%s is already an address of another mailbox", address);
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

/* The first text of the statement for this domain, NULL when it gives none. */
static usher_status
first_of_domain(struct sqlite_dir *d, enum statement which, const char *domain, const char **out,
    struct usher_error *err)
{
	sqlite3_stmt *stmt;
	usher_status st;
	bool row;

	st = statement_get(d, which, &stmt, err);
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

/* One hop: lookups follow an alias once, so an alias never stands for an alias. */
static usher_status
check_alias(struct sqlite_dir *d, const struct change *c, struct usher_error *err)
{
	const struct domain *domain = c->record;
	const struct entity *e = &entities[ENTITY_DOMAIN];
	struct domain key;
	union org_record target;
	const char *other;
	usher_status st;
	bool found;

	if (domain->kind != DOMAIN_ALIAS)
		return USHER_OK;
	record_init(&e->table, &key);
	key.domain = domain->alias_of;
	if (key.domain == NULL || strcmp(key.domain, domain->domain) == 0)
		return conflict(d, c, err, "an alias needs another domain as alias_of");
	st = record_get(d, d->scratch, e, &key, &target, &found, err);
	if (st != USHER_OK)
		return st;
	if (!found)
		return conflict(d, c, err, "there is no domain %s; add it first", key.domain);
	if (target.domain.kind == DOMAIN_ALIAS &&
	    strcmp(target.domain.alias_of, domain->domain) == 0)
		return conflict(
		    d, c, err, "%s is an alias of it: each would stand for the other", key.domain);
	if (target.domain.kind == DOMAIN_ALIAS)
		return conflict(d, c, err, "%s is an alias itself; name %s", key.domain,
		    target.domain.alias_of);
	st = first_of_domain(d, STATEMENT_DOMAIN_ALIASES, domain->domain, &other, err);
	if (st == USHER_OK && other != NULL)
		st = conflict(d, c, err, "it has the alias %s and cannot become one", other);
	if (st != USHER_OK)
		return st;
	st = first_of_domain(d, STATEMENT_DOMAIN_MAILBOX, domain->domain, &other, err);
	if (st == USHER_OK && other != NULL)
		return conflict(
		    d, c, err, "it has addresses (mailbox %s) and cannot become an alias", other);
	if (st == USHER_OK)
		st = first_of_domain(d, STATEMENT_DOMAIN_RULE, domain->domain, &other, err);
	if (st == USHER_OK && other != NULL)
		st = conflict(
		    d, c, err, "it has redirect rules (%s) and cannot become an alias", other);
	return st;
}

/* usherd refuses to start with a domain whose certificate it cannot show. */
static usher_status
check_domain(struct sqlite_dir *d, const struct change *c, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_CERTIFICATE];
	const struct domain *domain = c->record;
	struct certificate key;
	union org_record there;
	usher_status st = USHER_OK;
	bool found = false;

	record_init(&e->table, &key);
	key.thumbprint = domain->certificate;
	if (key.thumbprint != NULL)
		st = record_get(d, d->scratch, e, &key, &there, &found, err);
	if (st == USHER_OK && found && there.certificate.pem == NULL)
		st = conflict(
		    d, c, err, "%s is a request that waits for its certificate", key.thumbprint);
	return st == USHER_OK ? check_alias(d, c, err) : st;
}

/* Those of the domain that it stands for are the rules of an alias. */
static usher_status
check_rule(struct sqlite_dir *d, const struct change *c, struct usher_error *err)
{
	const struct redirect *rule = c->record;
	const struct entity *e = &entities[ENTITY_DOMAIN];
	struct domain key;
	union org_record domain;
	usher_status st;
	bool found;

	record_init(&e->table, &key);
	key.domain = rule->domain;
	st = record_get(d, d->scratch, e, &key, &domain, &found, err);
	if (st == USHER_OK && found && domain.domain.kind == DOMAIN_ALIAS)
		st = conflict(d, c, err, "%s is an alias; make the rule in %s", rule->domain,
		    domain.domain.alias_of);
	return st;
}

static usher_status
check(struct sqlite_dir *d, const struct change *c, struct usher_error *err)
{
	switch (c->e->id) {
	case ENTITY_MAILBOX:
		return check_mailbox(d, c, err);
	case ENTITY_DOMAIN:
		return check_domain(d, c, err);
	case ENTITY_REDIRECT:
		return check_rule(d, c, err);
	case ENTITY_ALTERNATIVE_MAILBOX:
		if (c->row == NO_ROW)
			return conflict(d, c, err, "there is no such mailbox; add it first");
		return USHER_OK;
	default:
		return USHER_OK;
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
		return conflict(d, c, err, "the address is an alias of %s", c->old.mailbox.address);
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
	struct change c = { .e = e, .record = record, .row = NO_ROW };
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
explain_needed(struct sqlite_dir *d, const struct change *c, struct usher_error *err)
{
	const char *key = field_text(&c->e->table.rows[0], c->record), *other = NULL;
	usher_status st;

	for (size_t i = 0; i < COUNT_OF(references); i++) {
		const struct entity *from = &entities[references[i].from];
		union org_record found;
		bool row;

		if (references[i].to != c->e->id || references[i].part)
			continue;
		st = record_find(d, from, references[i].field, key, &found, &row, err);
		if (st != USHER_OK)
			return st;
		if (!row)
			continue;
		other = entity_key_text(d->scratch, from, &found);
		return conflict(
		    d, c, err, "%s %s still names it", from->title, other == NULL ? "" : other);
	}
	if (c->e->id == ENTITY_DOMAIN) {
		st = first_of_domain(d, STATEMENT_DOMAIN_MAILBOX, key, &other, err);
		if (st != USHER_OK)
			return st;
	}
	return other != NULL ? conflict(d, c, err, "mailbox %s still has an address in it", other) :
			       conflict(d, c, err, "others still name it");
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
		st = explain_needed(d, c, err);
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
	struct change c = { .e = e, .record = key, .row = NO_ROW };
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
