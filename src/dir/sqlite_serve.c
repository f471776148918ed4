/* sqlite_serve.c - the lookups of a running usherd: few pages, no waiting. */
#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/text.h"
#include "dir/serve.h"
#include "dir/sqlite.h"

struct found_mailbox {
	struct mailbox *mailbox; /* NULL: there is none */
	int64_t row;
	bool has_alternatives;
};

static const struct found_mailbox nobody = { NULL, NO_ROW, false };

/* Copies the row that `stmt` stands on. */
static usher_status
take_mailbox(struct sqlite_dir *d, struct arena *mem, sqlite3_stmt *stmt, struct found_mailbox *out,
    struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_MAILBOX];

	out->row = sqlite3_column_int64(stmt, (int)e->table.n);
	out->has_alternatives = sqlite3_column_int(stmt, (int)e->table.n + 1) != 0;
	out->mailbox = arena_alloc(mem, sizeof(*out->mailbox));
	return out->mailbox == NULL ? err_nomem(err, d->path) :
				      record_read(d, stmt, e, mem, out->mailbox, err);
}

static usher_status
read_mailbox(struct sqlite_dir *d, struct arena *mem, sqlite3_stmt *stmt, struct found_mailbox *out,
    struct usher_error *err)
{
	usher_status st;
	bool row;

	*out = nobody;
	st = sqlite_row(d, stmt, &row, err);
	if (st == USHER_OK && row)
		st = take_mailbox(d, mem, stmt, out, err);
	(void)sqlite3_reset(stmt);
	return st;
}

/* The row's first column is the primary address. */
static bool
row_is(sqlite3_stmt *stmt, const struct address_key *key)
{
	struct slice address =
	    slice_from(sqlite3_column_text(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0));

	return address.n == key->local.n + 1 + key->domain.n && address.p[key->local.n] == '@' &&
	       slice_starts_nocase(address, key->local) && slice_ends_nocase(address, key->domain);
}

static usher_status
mailbox_by_key(struct sqlite_dir *d, struct arena *mem, const struct address_key *key,
    struct found_mailbox *out, struct usher_error *err)
{
	sqlite3_stmt *stmt;
	usher_status st;
	bool row;

	*out = nobody;
	st = statement_get(d, STATEMENT_MAILBOX_BY_ROW, &stmt, err);
	if (st != USHER_OK)
		return st;
	(void)sqlite3_bind_int64(stmt, 1, address_key_row(key));
	st = sqlite_row(d, stmt, &row, err);
	row = st == USHER_OK && row && row_is(stmt, key);
	if (row)
		st = take_mailbox(d, mem, stmt, out, err);
	(void)sqlite3_reset(stmt);
	if (st != USHER_OK || row)
		return st;

	/* An alias, or its row was taken by another. */
	st = statement_get(d, STATEMENT_MAILBOX_BY_ADDRESS, &stmt, err);
	if (st != USHER_OK)
		return st;
	address_key_bind(stmt, key);
	return read_mailbox(d, mem, stmt, out, err);
}

static usher_status
find_domain(void *payload, struct arena *mem, const char *name, const struct domain_entry **out,
    struct usher_error *err)
{
	struct domain_entry *entry = NULL;
	usher_status st = view_domain(payload, mem, name, &entry, err);

	*out = entry;
	return st;
}

static struct serve_domains
domains_of(struct sqlite_dir *d)
{
	return (struct serve_domains){ find_domain, d };
}

static usher_status
locate(struct sqlite_dir *d, struct arena *mem, const char *address, struct located *out,
    struct usher_error *err)
{
	const struct serve_domains domains = domains_of(d);

	return serve_locate(&domains, mem, address, out, err);
}

static struct address_key
key_of(const struct located *at)
{
	return (struct address_key){ at->local, slice_of(at->domain) };
}

/* The mailbox of the address as it is, else of the address without its detail. */
static usher_status
mailbox_at(struct sqlite_dir *d, struct arena *mem, const struct located *at,
    struct found_mailbox *out, struct usher_error *err)
{
	struct address_key key = key_of(at);
	struct located base;
	usher_status st;

	*out = nobody;
	if (at->entry == NULL)
		return USHER_OK;
	st = mailbox_by_key(d, mem, &key, out, err);
	if (st != USHER_OK || out->mailbox != NULL || !serve_base(at, &base))
		return st;
	key = key_of(&base);
	return mailbox_by_key(d, mem, &key, out, err);
}

/* A mailbox without legacyDN has the one that is made from its primary address. */
static usher_status
mailbox_by_legacy_dn(struct sqlite_dir *d, struct arena *mem, const char *legacy_dn,
    struct found_mailbox *out, struct usher_error *err)
{
	struct address_key key;
	const char *address;
	sqlite3_stmt *stmt;
	usher_status st;

	*out = nobody;
	if (strlen(legacy_dn) > LEGACY_DN_MAX_BYTES)
		return USHER_OK;
	st = statement_get(d, STATEMENT_MAILBOX_BY_LEGACY_DN, &stmt, err);
	if (st != USHER_OK)
		return st;
	(void)sqlite3_bind_text(stmt, 1, legacy_dn, -1, SQLITE_STATIC);
	st = read_mailbox(d, mem, stmt, out, err);
	if (st != USHER_OK || out->mailbox != NULL || d->cache.org.organization.name == NULL)
		return st;

	address = legacy_dn_address(mem, &d->cache.org.organization, legacy_dn);
	if (address == NULL)
		return USHER_OK;
	if (!address_key(mem, address, &key))
		return err_nomem(err, d->path);
	st = mailbox_by_key(d, mem, &key, out, err);
	if (st == USHER_OK && out->mailbox != NULL &&
	    (out->mailbox->legacy_dn != NULL ||
		!slice_is_nocase(slice_of(out->mailbox->address), address)))
		*out = nobody;
	return st;
}

static usher_status
read_alternatives(struct sqlite_dir *d, struct arena *mem, int64_t row,
    const struct alternative_mailbox **out, size_t *n, struct usher_error *err)
{
	sqlite3_stmt *stmt;
	usher_status st;

	st = statement_get(d, STATEMENT_ALTERNATIVES, &stmt, err);
	if (st != USHER_OK)
		return st;
	(void)sqlite3_bind_int64(stmt, 1, row);
	return record_read_all(d, stmt, &entities[ENTITY_ALTERNATIVE_MAILBOX], mem, out, n, err);
}

/* Form A names the mailbox by its legacyDN, form B by any of its addresses. *row is NO_ROW when it
 * is none of ours. */
static usher_status
alternative_row(struct sqlite_dir *d, struct arena *mem, const struct alternative_mailbox *a,
    int64_t *row, struct usher_error *err)
{
	struct located at;
	struct found_mailbox found = nobody;
	const char *lower;
	usher_status st = USHER_OK;

	if (a->legacy_dn != NULL) {
		st = mailbox_by_legacy_dn(d, mem, a->legacy_dn, &found, err);
	} else if (a->smtp_address != NULL) {
		lower = text_lower_copy(mem, slice_of(a->smtp_address));
		if (lower == NULL)
			return err_nomem(err, d->path);
		st = locate(d, mem, lower, &at, err);
		if (st == USHER_OK)
			st = mailbox_at(d, mem, &at, &found, err);
	}
	*row = found.row;
	return st;
}

static bool
add_row(struct arena *mem, int64_t **rows, size_t *n, size_t *room, int64_t row)
{
	int64_t *grown;

	if (*n == *room) {
		*room = *room == 0 ? 8 : 2 * *room;
		grown = arena_array(mem, *room, sizeof(*grown));
		if (grown == NULL)
			return false;
		if (*n > 0)
			memcpy(grown, *rows, *n * sizeof(*grown));
		*rows = grown;
	}
	(*rows)[(*n)++] = row;
	return true;
}

/* The rows of all mailboxes that those of `login` list as alternatives. */
static usher_status
read_delegate(struct sqlite_dir *d, struct arena *mem, const char *login, struct delegate *out,
    struct usher_error *err)
{
	int64_t *rows = NULL, found;
	size_t n = 0, room = 0;
	sqlite3_stmt *stmt;
	usher_status st;
	bool row;

	st = own_mailboxes(d, mem, login, &stmt, err);
	if (st != USHER_OK)
		return st;
	while (st == USHER_OK && (st = sqlite_row(d, stmt, &row, err)) == USHER_OK && row) {
		const struct alternative_mailbox *v;
		size_t n_v;

		st = read_alternatives(d, mem, sqlite3_column_int64(stmt, 0), &v, &n_v, err);
		for (size_t i = 0; st == USHER_OK && i < n_v; i++) {
			st = alternative_row(d, mem, &v[i], &found, err);
			if (st == USHER_OK && found != NO_ROW &&
			    !add_row(mem, &rows, &n, &room, found))
				st = err_nomem(err, d->path);
		}
	}
	(void)sqlite3_reset(stmt);
	*out = (struct delegate){ login, rows, n };
	return st;
}

/* For the next question of the same caller: SOAP asks about a hundred users at once. What does not
 * fit is not kept. */
static void
keep_delegate(struct serve_cache *c, const struct delegate *who)
{
	int64_t *rows;

	c->delegate = (struct delegate){ 0 };
	arena_reset(c->delegate_mem);
	rows = arena_array(c->delegate_mem, who->n, sizeof(*rows));
	if (rows == NULL)
		return;
	if (who->n > 0)
		memcpy(rows, who->rows, who->n * sizeof(*rows));
	c->delegate = (struct delegate){ arena_strdup(c->delegate_mem, who->login), rows, who->n };
}

static usher_status
caller_is_delegate(struct sqlite_dir *d, struct arena *mem, const char *login,
    const struct found_mailbox *target, bool *is, struct usher_error *err)
{
	struct delegate who = d->cache.delegate;
	usher_status st;

	*is = false;
	if (login == NULL || target->mailbox == NULL || serve_is_own(target->mailbox, login))
		return USHER_OK;
	if (who.login == NULL || strcmp(who.login, login) != 0) {
		st = read_delegate(d, mem, login, &who, err);
		if (st != USHER_OK)
			return st;
		keep_delegate(&d->cache, &who);
	}
	for (size_t i = 0; !*is && i < who.n; i++)
		*is = who.rows[i] == target->row;
	return USHER_OK;
}

/* Fills in the address that was asked for and its domain; what a legacyDN names has the primary
 * address of its mailbox. */
static usher_status
find_target(struct sqlite_dir *d, struct arena *mem, const struct question *question,
    struct facts *out, struct found_mailbox *target, struct usher_error *err)
{
	struct address asked;
	struct located at;
	usher_status st;

	if (question->legacy_dn != NULL) {
		st = mailbox_by_legacy_dn(d, mem, question->legacy_dn, target, err);
		if (st != USHER_OK || target->mailbox == NULL)
			return st;
		st = address_parse(mem, slice_of(target->mailbox->address), &asked, err);
	} else {
		st = address_parse(mem, slice_of(question->address), &asked, err);
	}
	if (st == USHER_OK)
		st = locate(d, mem, asked.key, &at, err);
	if (st == USHER_OK && question->legacy_dn == NULL)
		st = mailbox_at(d, mem, &at, target, err);
	return st == USHER_OK ? serve_put_target(mem, &asked, &at, out, err) : st;
}

enum lookup
sqlite_facts(struct dir *dir, struct arena *mem, const struct question *question,
    const char *login_name, struct facts *out, struct usher_error *err)
{
	struct sqlite_dir *d = sqlite_of(dir);
	const struct serve_domains domains = domains_of(d);
	struct facts facts = { .org = &d->cache.org };
	struct found_mailbox target = nobody;
	usher_status st;

	if (question->address == NULL && question->legacy_dn == NULL)
		return LOOKUP_ABSENT;
	st = view_begin(d, NULL, err);
	if (st != USHER_OK)
		return LOOKUP_UNAVAILABLE;
	st = view_org(d, err);
	if (st == USHER_OK)
		st = find_target(d, mem, question, &facts, &target, err);
	if (st == USHER_OK)
		st = serve_put_mailbox_services(&domains, mem, target.mailbox, &facts, err);
	if (st == USHER_OK && target.has_alternatives)
		st = read_alternatives(
		    d, mem, target.row, &facts.alternatives, &facts.n_alternatives, err);
	if (st == USHER_OK)
		st =
		    caller_is_delegate(d, mem, login_name, &target, &facts.caller_is_delegate, err);
	view_end(d);
	if (st == USHER_E_ADDRESS)
		return LOOKUP_ABSENT;
	if (st != USHER_OK)
		return LOOKUP_UNAVAILABLE;
	facts.mailbox = target.mailbox;
	*out = facts;
	return LOOKUP_FOUND;
}

enum lookup
sqlite_domain(struct dir *dir, struct arena *mem, const char *domain, struct facts *out,
    struct usher_error *err)
{
	struct sqlite_dir *d = sqlite_of(dir);
	const struct serve_domains domains = domains_of(d);
	struct facts facts = { .org = &d->cache.org };
	const struct domain_entry *entry;
	usher_status st;

	st = view_begin(d, domain, err);
	if (st != USHER_OK)
		return LOOKUP_UNAVAILABLE;
	st = view_org(d, err);
	if (st == USHER_OK)
		st = serve_follow(&domains, mem, domain, &entry, &facts.domain_name, err);
	view_end(d);
	if (st != USHER_OK)
		return LOOKUP_UNAVAILABLE;
	serve_put_domain(entry, &facts);
	*out = facts;
	return LOOKUP_FOUND;
}

static usher_status
read_credential(struct sqlite_dir *d, enum statement which, struct arena *mem, const char *login,
    struct credential *out, bool *found, struct usher_error *err)
{
	sqlite3_stmt *stmt;
	usher_status st;

	st = statement_get(d, which, &stmt, err);
	if (st != USHER_OK)
		return st;
	(void)sqlite3_bind_text(stmt, 1, login, -1, SQLITE_STATIC);
	st = sqlite_row(d, stmt, found, err);
	if (st == USHER_OK && *found)
		st = record_read(d, stmt, &entities[ENTITY_CREDENTIAL], mem, out, err);
	(void)sqlite3_reset(stmt);
	return st;
}

/* The login of the mailbox that has the address. */
static usher_status
credential_of_address(struct sqlite_dir *d, struct arena *mem, const char *address,
    struct credential *out, bool *found, struct usher_error *err)
{
	struct found_mailbox owner;
	struct address asked;
	struct located at;
	usher_status st;

	st = address_parse(mem, slice_of(address), &asked, err);
	if (st == USHER_OK)
		st = locate(d, mem, asked.key, &at, err);
	if (st == USHER_OK)
		st = mailbox_at(d, mem, &at, &owner, err);
	if (st != USHER_OK || owner.mailbox == NULL)
		return st;
	return read_credential(d, STATEMENT_CREDENTIAL, mem,
	    owner.mailbox->login_name != NULL ? owner.mailbox->login_name : owner.mailbox->address,
	    out, found, err);
}

static usher_status
read_decoy(struct sqlite_dir *d, struct arena *mem, const char *login, struct credential *out,
    struct usher_error *err)
{
	struct credential beside = { 0 };
	bool found;
	usher_status st;

	st = read_credential(d, STATEMENT_CREDENTIAL_BESIDE, mem, login, &beside, &found, err);
	if (st == USHER_OK)
		out->password_hash = found ? beside.password_hash : NULL;
	return st;
}

enum lookup
sqlite_credential(struct dir *dir, struct arena *mem, const char *login, struct credential *out,
    struct usher_error *err)
{
	struct sqlite_dir *d = sqlite_of(dir);
	bool found = false;
	usher_status st;

	st = view_begin(d, NULL, err);
	if (st != USHER_OK)
		return LOOKUP_UNAVAILABLE;
	st = read_credential(d, STATEMENT_CREDENTIAL, mem, login, out, &found, err);
	if (st == USHER_OK && !found)
		st = credential_of_address(d, mem, login, out, &found, err);
	if (!found && (st == USHER_OK || st == USHER_E_ADDRESS))
		st = read_decoy(d, mem, login, out, err);
	view_end(d);
	if (st != USHER_OK)
		return LOOKUP_UNAVAILABLE;
	return found ? LOOKUP_FOUND : LOOKUP_ABSENT;
}

enum lookup
sqlite_generation(struct dir *dir, uint64_t *out, struct usher_error *err)
{
	struct sqlite_dir *d = sqlite_of(dir);
	sqlite3_stmt *stmt;
	usher_status st;
	bool row;

	st = view_begin(d, NULL, err);
	if (st != USHER_OK)
		return LOOKUP_UNAVAILABLE;
	st = statement_get(d, STATEMENT_GENERATION, &stmt, err);
	if (st == USHER_OK) {
		st = sqlite_row(d, stmt, &row, err);
		if (st == USHER_OK)
			*out = (uint64_t)sqlite3_column_int64(stmt, 0);
		(void)sqlite3_reset(stmt);
	}
	view_end(d);
	return st == USHER_OK ? LOOKUP_FOUND : LOOKUP_UNAVAILABLE;
}
