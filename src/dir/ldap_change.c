/* ldap_change.c - changes of the configuration, gathered and sent.
 *
 * Each change is worked out against what the transaction knows at that moment, so that sending them
 * in the same order never leaves a directory behind in which something names what is not there. */
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "base/encode.h"
#include "base/err.h"
#include "dir/ldap_manage.h"

enum { HASH_BYTES = 16 };

/* ---- edits ---- */

void
edits_add(struct edits *s, enum ldap_edit_kind kind, const char *attribute,
    const struct slice *values, size_t n)
{
	struct slice *copies = arena_array(s->m->work, n, sizeof(*copies));

	s->failed = s->failed || copies == NULL || s->n == MANAGE_EDITS_MAX;
	if (s->failed || n == 0)
		return;
	memcpy(copies, values, n * sizeof(*copies));
	s->v[s->n++] = (struct ldap_edit){ kind, { attribute, copies, n } };
}

void
edits_text(struct edits *s, enum ldap_edit_kind kind, const char *attribute, const char *value)
{
	const struct slice text = slice_of(value);

	s->failed = s->failed || value == NULL;
	edits_add(s, kind, attribute, &text, 1);
}

void
edits_revision(struct edits *s, const struct held *h)
{
	const struct ldap_attribute *now = ldap_attribute_of(&h->entry, LDAP_REVISION);

	if (now != NULL)
		edits_add(s, LDAP_EDIT_DELETE, LDAP_REVISION, now->values, now->n);
	edits_text(s, LDAP_EDIT_ADD, LDAP_REVISION,
	    arena_printf(s->m->work, "%lld", (long long)h->revision + 1));
}

usher_status
manage_change(struct ldap_manage *m, struct held *h, enum ldap_change_kind kind,
    const struct ldap_edit *edits, size_t n, struct usher_error *err)
{
	struct held_change *c = arena_zalloc(m->work, sizeof(*c));
	struct ldap_edit *copies = arena_array(m->work, n, sizeof(*copies));

	if (c == NULL || copies == NULL)
		return manage_full(m, err);
	if (n > 0)
		memcpy(copies, edits, n * sizeof(*copies));
	c->change = (struct ldap_change){ kind, h->entry.dn, copies, n };
	if (kind != LDAP_CHANGE_DELETE && !entry_change(m->work, &h->entry, &c->change))
		return manage_full(m, err);
	*m->last = c;
	m->last = &c->next;
	m->n_changes++;
	return USHER_OK;
}

/* ---- rules ---- */

static usher_status
rules_get(void *back_end, const struct entity *e, const void *key, union org_record *out,
    bool *found, struct usher_error *err)
{
	struct held *h;
	usher_status st = record_held(back_end, e, key, &h, err);

	*found = st == USHER_OK && h != NULL;
	if (*found)
		memcpy(out, h->record, e->table.size);
	return st;
}

struct naming {
	const struct field *field;
	const char *value;
};

static bool
names(const struct held *h, const void *what)
{
	const struct naming *n = what;

	return h->record != NULL && !field_absent(n->field, h->record) &&
	       slice_is_nocase(slice_of(n->value), field_text(n->field, h->record));
}

/* Of mailboxes those are found that usher was told to be so: what Exchange knows of its servers is
 * not for usher to take away. */
static usher_status
find_mailbox(struct ldap_manage *m, const struct field *field, const char *value,
    union org_record *out, bool *found, struct usher_error *err)
{
	const struct naming naming = { field, value };
	const char *filter = arena_printf(m->work, "(%s=%s: %s)", LDAP_VALUE, field->name, value);
	const char *address = NULL;
	usher_status st = manage_map(m, err);

	if (st == USHER_OK)
		st = people_any(m, filter, names, &naming, &address, err);
	*found = address != NULL;
	record_init(&entities[ENTITY_MAILBOX].table, out);
	out->mailbox.address = address;
	return st;
}

static usher_status
rules_find(void *back_end, const struct entity *e, const char *field, const char *value,
    union org_record *out, bool *found, struct usher_error *err)
{
	struct ldap_manage *m = back_end;
	const struct field *f = field_find(&e->table, field);
	const struct held_set *set = &m->sets[e->id];
	usher_status st;

	if (e->id == ENTITY_MAILBOX)
		return find_mailbox(m, f, value, out, found, err);
	st = record_all(m, e, err);
	*found = false;
	for (size_t i = 0; st == USHER_OK && !*found && i < set->n; i++) {
		const struct held *h = set->v[i];

		*found = !h->gone && !field_absent(f, h->record) &&
			 slice_is_nocase(slice_of(value), field_text(f, h->record));
		if (*found)
			memcpy(out, h->record, e->table.size);
	}
	return st;
}

/* Whether any address is in the domain `what`. */
static bool
is_in(const struct held *h, const void *what)
{
	const struct mailbox *mailbox = h->record;
	bool in =
	    mailbox != NULL && slice_is_nocase(slice_of(what), strrchr(mailbox->address, '@') + 1);

	for (size_t i = 0; mailbox != NULL && !in && i < mailbox->aliases.n; i++)
		in = slice_is_nocase(slice_of(what), strrchr(mailbox->aliases.v[i], '@') + 1);
	return in;
}

static usher_status
rules_mailbox_in(void *back_end, const char *domain, const char **out, struct usher_error *err)
{
	struct ldap_manage *m = back_end;
	usher_status st = manage_map(m, err);

	return st == USHER_OK ? people_any(m, ldap_map_by_domain(m->map, m->work, domain), is_in,
				    domain, out, err) :
				st;
}

struct rules_view
manage_rules(struct ldap_manage *m)
{
	return (struct rules_view){ m, m->layout.container, m->work, rules_get, rules_find,
		rules_mailbox_in };
}

/* ---- put ---- */

static usher_status
make_container(struct ldap_manage *m, struct usher_error *err)
{
	struct held container = { .entry.dn = m->layout.container };
	struct edits s = { .m = m };
	usher_status st;

	if (m->has_container)
		return USHER_OK;
	edits_text(&s, LDAP_EDIT_ADD, "objectClass", "container");
	edits_text(&s, LDAP_EDIT_ADD, "cn", ldap_dn_name(m->work, m->layout.container));
	if (s.failed)
		return manage_full(m, err);
	st = manage_change(m, &container, LDAP_CHANGE_ADD, s.v, s.n, err);
	m->has_container = m->makes_container = st == USHER_OK;
	return st;
}

static size_t
characters(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* `domain harbour.example`; a key that is too long for a name in Active Directory is told by its
 * hash. NULL when out of memory. */
static const char *
name_entry(struct ldap_manage *m, const struct entity *e, const char *key)
{
	const char *name = *key == '\0' ? e->name : arena_join(m->work, e->name, " ", key);
	unsigned char hash[SHA256_BYTES];
	struct buf CLEANUP(buf_cleanup) b = { .max = MANAGE_DN_BYTES };

	if (name == NULL || characters(name) <= MANAGE_CN_CHARACTERS)
		return name;
	if (!sha256(slice_of(key), hash))
		return NULL;
	buf_printf(&b, "%s ", e->name);
	hex_encode(&b, hash, HASH_BYTES);
	return b.status == USHER_OK ? arena_copy(m->work, buf_as_slice(&b)) : NULL;
}

static const char *
dn_of(struct ldap_manage *m, const char *name)
{
	struct buf CLEANUP(buf_cleanup) b;

	buf_init(&b, MANAGE_DN_BYTES);
	buf_text(&b, "CN=");
	ldap_escape_dn(&b, slice_of(name));
	buf_printf(&b, ",%s", m->layout.container);
	return b.status == USHER_OK ? arena_copy(m->work, buf_as_slice(&b)) : NULL;
}

/* The value that says the member now; NULL: none does. */
static const struct slice *
line_of(const struct held *h, const struct field *f)
{
	const struct ldap_attribute *a = ldap_attribute_of(&h->entry, LDAP_VALUE);

	for (size_t i = 0; a != NULL && i < a->n; i++)
		if (slice_is_nocase(
			slice_from(a->values[i].p, slice_find(a->values[i], ':')), f->name))
			return &a->values[i];
	return NULL;
}

/* Members that differ from those of h->record, all that are there if there is none. */
static void
edit_members(struct edits *s, const struct entity *e, const struct held *h, const void *record)
{
	struct slice gone[MANAGE_EDITS_MAX], new[MANAGE_EDITS_MAX];
	size_t n_gone = 0, n_new = 0;

	for (size_t i = 0; i < e->table.n; i++) {
		const struct field *f = &e->table.rows[i];
		const struct slice *line = line_of(h, f);

		if (h->record != NULL && field_equal(f, h->record, record))
			continue;
		if (line != NULL)
			gone[n_gone++] = *line;
		if (field_absent(f, record))
			continue;
		new[n_new] = ldap_value_of(s->m->work, f, record);
		s->failed = s->failed || new[n_new].p == NULL;
		n_new++;
	}
	edits_add(s, LDAP_EDIT_DELETE, LDAP_VALUE, gone, n_gone);
	edits_add(s, LDAP_EDIT_ADD, LDAP_VALUE, new, n_new);
}

/* A record that this transaction has removed before comes back. */
static usher_status
add_record(
    struct ldap_manage *m, const struct entity *e, const void *record, struct usher_error *err)
{
	const char *key = entity_key_text(m->work, e, record), *name;
	struct held *h = key == NULL ? NULL : name_map_find(&m->sets[e->id].by_key, key);
	bool known = h != NULL;
	struct edits s = { .m = m };
	usher_status st = make_container(m, err);

	if (st != USHER_OK)
		return st;
	if (!known)
		h = arena_zalloc(m->work, sizeof(*h));
	name = key == NULL ? NULL : name_entry(m, e, key);
	if (h == NULL || name == NULL)
		return manage_full(m, err);
	h->entry = (struct ldap_entry){ .dn = dn_of(m, name) };
	h->record = NULL;
	h->gone = false;
	edits_text(&s, LDAP_EDIT_ADD, "objectClass", LDAP_CLASS_RECORD);
	edits_text(&s, LDAP_EDIT_ADD, "cn", name);
	edits_text(&s, LDAP_EDIT_ADD, LDAP_ENTITY, e->name);
	if (*key != '\0')
		edits_text(&s, LDAP_EDIT_ADD, LDAP_KEY, key);
	edit_members(&s, e, h, record);
	edits_text(&s, LDAP_EDIT_ADD, LDAP_REVISION, "1");
	if (s.failed || h->entry.dn == NULL)
		return manage_full(m, err);
	st = manage_change(m, h, LDAP_CHANGE_ADD, s.v, s.n, err);
	if (st == USHER_OK)
		st = record_refresh(m, e, h, err);
	return st == USHER_OK && !known ? record_add(m, e, h, err) : st;
}

static usher_status
edit_record(struct ldap_manage *m, const struct entity *e, struct held *h, const void *record,
    struct usher_error *err)
{
	struct edits s = { .m = m };
	usher_status st;

	edit_members(&s, e, h, record);
	edits_revision(&s, h);
	if (s.failed)
		return manage_full(m, err);
	st = manage_change(m, h, LDAP_CHANGE_MODIFY, s.v, s.n, err);
	return st == USHER_OK ? record_refresh(m, e, h, err) : st;
}

static usher_status
theirs(const struct ldap_manage *m, const struct entity *e, const struct held *h,
    struct usher_error *err)
{
	return err_set(err, USHER_E_CONFLICT, h->entry.dn == NULL ? m->d->uri : h->entry.dn,
	    "the %s is Exchange's or Active Directory's own; use their tools for that", e->title);
}

static usher_status
edit_object(struct ldap_manage *m, const struct entity *e, struct held *h, const void *record,
    struct usher_error *err)
{
	void *copy = arena_alloc(m->work, e->table.size);
	struct ldap_change change;
	usher_status st;

	if (h->entry.dn == NULL)
		return theirs(m, e, h, err);
	if (copy == NULL || !record_copy(m->work, &e->table, copy, record))
		return manage_full(m, err);
	st = ldap_link_read(m->link, m->work, h->object->dn, NULL, &h->entry, err);
	if (st == USHER_OK)
		st = ldap_exchange_edit(
		    m->exchange, h->object, m->work, &h->entry, copy, &change, err);
	if (st == USHER_E_INPUT)
		return manage_say(err, USHER_E_CONFLICT, h->object->dn, "");
	if (st == USHER_OK && change.n > 0)
		st = manage_change(m, h, change.kind, change.edits, change.n, err);
	if (st == USHER_OK)
		h->record = copy;
	return st;
}

static usher_status
put_record(struct ldap_manage *m, const struct entity *e, const void *record,
    enum dir_change *change, struct usher_error *err)
{
	const struct rules_view rules = manage_rules(m);
	struct held *h;
	usher_status st = record_held(m, e, record, &h, err);

	*change = DIR_SAME;
	if (st != USHER_OK || (h != NULL && record_equal(&e->table, h->record, record)))
		return st;
	st = rules_check(&rules, e, record, err);
	if (st == USHER_OK)
		st = rules_missing(&rules, e, record, err);
	if (st != USHER_OK)
		return st;
	st = h == NULL	       ? add_record(m, e, record, err) :
	     h->object != NULL ? edit_object(m, e, h, record, err) :
				 edit_record(m, e, h, record, err);
	if (st == USHER_OK)
		*change = h == NULL ? DIR_CREATED : DIR_CHANGED;
	return st;
}

/* ---- remove ---- */

static usher_status
drop(struct ldap_manage *m, const struct entity *e, struct held *h, struct usher_error *err)
{
	if (h->object != NULL)
		return theirs(m, e, h, err);
	h->gone = true;
	return manage_change(m, h, LDAP_CHANGE_DELETE, NULL, 0, err);
}

/* What goes with the record goes before it. */
static usher_status
drop_parts(struct ldap_manage *m, const struct entity *e, const struct held *whole,
    struct usher_error *err)
{
	const char *name = e->n_keys == 0 ? NULL : field_text(&e->table.rows[0], whole->record);
	usher_status st = USHER_OK;

	for (size_t r = 0; st == USHER_OK && r < REFERENCE_COUNT; r++) {
		const struct entity *from = &entities[references[r].from];
		const struct held_set *set = &m->sets[from->id];

		if (!references[r].part || references[r].to != e->id)
			continue;
		st = record_all(m, from, err);
		for (size_t i = 0; st == USHER_OK && i < set->n; i++) {
			struct held *h = set->v[i];

			if (!h->gone && slice_is_nocase(slice_of(name),
					    field_text(&from->table.rows[0], h->record)))
				st = drop(m, from, h, err);
		}
	}
	return st;
}

static usher_status
remove_record(struct ldap_manage *m, const struct entity *e, const void *key,
    enum dir_change *change, struct usher_error *err)
{
	const struct rules_view rules = manage_rules(m);
	struct held *h;
	usher_status st = record_held(m, e, key, &h, err);

	*change = DIR_SAME;
	if (st != USHER_OK || h == NULL)
		return st;
	if (h->object != NULL)
		return theirs(m, e, h, err);
	st = rules_needed(&rules, e, h->record, err);
	if (st == USHER_OK)
		st = drop_parts(m, e, h, err);
	if (st == USHER_OK)
		st = drop(m, e, h, err);
	if (st == USHER_OK)
		*change = DIR_REMOVED;
	return st;
}

usher_status
ldap_dir_put(struct dir *dir, const struct entity *e, const void *record, enum dir_change *change,
    struct usher_error *err)
{
	struct ldap_manage *m;
	usher_status st = manage_enter(ldap_dir_of(dir), &m, err);

	if (st != USHER_OK)
		return st;
	st = (is_of_people(e) ? people_put : put_record)(m, e, record, change, err);
	m->spoilt = m->spoilt || (st != USHER_OK && st != USHER_E_CONFLICT);
	manage_leave(m, st);
	return st;
}

usher_status
ldap_dir_remove(struct dir *dir, const struct entity *e, const void *key, enum dir_change *change,
    struct usher_error *err)
{
	struct ldap_manage *m;
	usher_status st = manage_enter(ldap_dir_of(dir), &m, err);

	if (st != USHER_OK)
		return st;
	st = (is_of_people(e) ? people_remove : remove_record)(m, e, key, change, err);
	m->spoilt = m->spoilt || (st != USHER_OK && st != USHER_E_CONFLICT);
	manage_leave(m, st);
	return st;
}

usher_status
ldap_dir_password(struct dir *dir, const char *login, const struct secret *password,
    enum dir_change *change, struct usher_error *err)
{
	struct ldap_manage *m;
	struct held *h = NULL;
	usher_status st = manage_enter(ldap_dir_of(dir), &m, err);

	if (st != USHER_OK)
		return st;
	st = person_of_login(m, login, &h, err);
	if (st == USHER_OK && h == NULL)
		st = err_set(err, USHER_E_ABSENT, login, "there is nobody with this login");
	if (st == USHER_OK)
		st = manage_change(m, h, LDAP_CHANGE_MODIFY, NULL, 0, err);
	if (st == USHER_OK && !secret_set(&m->password, slice_from(password->bytes, password->n)))
		st = err_nomem(err, login);
	if (st == USHER_OK) {
		m->sets_password = true;
		*change = DIR_CHANGED;
	}
	manage_leave(m, st);
	return st;
}

/* ---- the transaction ---- */

usher_status
ldap_dir_begin(struct dir *dir, struct usher_error *err)
{
	struct ldap_manage *m;
	usher_status st = manage_enter(ldap_dir_of(dir), &m, err);

	if (st == USHER_OK)
		manage_leave(m, st);
	return st;
}

void
ldap_dir_rollback(struct dir *dir)
{
	struct ldap_manage *m = ldap_dir_of(dir)->manage;

	if (m != NULL)
		manage_forget(m);
}

/* `add entries below CN=usher,…`: the right that is wanting. */
static void
say_right(const struct ldap_change *change, struct usher_error *err)
{
	struct buf CLEANUP(buf_cleanup) b;

	buf_init(&b, USHER_ERROR_MESSAGE_BYTES);
	if (change->kind == LDAP_CHANGE_DELETE)
		buf_text(&b, "delete it");
	else if (change->kind == LDAP_CHANGE_ADD)
		buf_printf(&b, "add entries below %s", ldap_dn_parent(change->dn));
	else
		buf_text(&b, change->n == 0 ? "set its password" : "write its");
	for (size_t i = 0; change->kind == LDAP_CHANGE_MODIFY && i < change->n; i++) {
		const char *name = change->edits[i].attribute.name;
		bool said = false;

		for (size_t k = 0; k < i && !said; k++)
			said = strcmp(change->edits[k].attribute.name, name) == 0;
		if (!said)
			buf_printf(&b, "%s %s", i == 0 ? "" : ",", name);
	}
	(void)err_set(
	    err, USHER_E_PERMISSION, change->dn, "this login needs the right to %s", buf_cstr(&b));
}

static void
say_why(const struct ldap_change *change, struct usher_error *err)
{
	if (err->status == USHER_E_PERMISSION)
		say_right(change, err);
	else if (err->status == USHER_E_CONFLICT && change->kind == LDAP_CHANGE_MODIFY)
		(void)err_set(err, USHER_E_CONFLICT, change->dn,
		    "somebody else has changed it meanwhile; look at it again");
	else if (err->status == USHER_E_INPUT)
		(void)manage_say(err, USHER_E_INPUT, change->dn,
		    "; is the schema there that usher ships (usher-openldap.ldif, usher-ad.ldif)?");
}

static usher_status
send_all(struct ldap_manage *m, struct usher_error *err)
{
	const struct ldap_change **all = arena_array(m->work, m->n_changes, sizeof(*all));
	usher_status st;
	size_t n = 0;

	if (all == NULL)
		return manage_full(m, err);
	for (const struct held_change *c = m->first; c != NULL; c = c->next)
		all[n++] = &c->change;
	st = ldap_link_changes(m->link, all, n, err);
	for (size_t i = 0; st != USHER_OK && i < n; i++) {
		if (strcmp(err->where, all[i]->dn) == 0) {
			say_why(all[i], err);
			break;
		}
	}
	return st;
}

/* Without transactions what is made stays made: to say so is all that can be done. */
static usher_status
send_each(struct ldap_manage *m, struct usher_error *err)
{
	usher_status st = USHER_OK;
	size_t n = 0;

	for (const struct held_change *c = m->first; st == USHER_OK && c != NULL; c = c->next) {
		st = c->change.n > 0 || c->change.kind == LDAP_CHANGE_DELETE ?
			 ldap_link_change(m->link, &c->change, err) :
			 ldap_link_password(
			     m->link, c->change.dn, &m->password, m->layout.active_directory, err);
		if (st != USHER_OK)
			say_why(&c->change, err);
		n += st == USHER_OK;
	}
	if (st != USHER_OK && n > 0) {
		char where[sizeof(err->where)], more[160];

		memcpy(where, err->where, sizeof(where));
		(void)snprintf(more, sizeof(more),
		    "; %zu of %zu changes are made before it: told the same again, usher goes on "
		    "from there",
		    n, m->n_changes);
		(void)manage_say(err, st, where, more);
	}
	return st;
}

usher_status
ldap_dir_commit(struct dir *dir, struct usher_error *err)
{
	struct ldap_manage *m = ldap_dir_of(dir)->manage;
	struct usher_error why = { 0 };
	usher_status st = USHER_OK;

	if (m->spoilt)
		st = err_set(&why, USHER_E_UNAVAILABLE, m->d->uri,
		    "a change could not be worked out, and so none is made");
	else if (m->n_changes > 0 && m->layout.transactions && !m->sets_password)
		st = send_all(m, &why);
	else if (m->n_changes > 0)
		st = send_each(m, &why);
	if (st == USHER_OK)
		m->makes_container = false;
	else if (err != NULL)
		*err = why;
	m->lost = m->lost || st == USHER_E_NETWORK || st == USHER_E_TIMEOUT;
	manage_forget(m);
	return st;
}

usher_status
ldap_dir_pending(struct dir *dir,
    usher_status (*each)(const struct ldap_change *change, void *payload), void *payload,
    struct usher_error *err)
{
	const struct ldap_manage *m = ldap_dir_of(dir)->manage;
	usher_status st = USHER_OK;

	(void)err;
	for (const struct held_change *c = m == NULL ? NULL : m->first; st == USHER_OK && c != NULL;
	     c = c->next)
		st = each(&c->change, payload);
	return st;
}
