/* ldap_put.c - what usher puts into the entries of people, and takes away again. */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "dir/ldap_manage.h"

#define OF_MAILBOX "mailbox" /* values of LDAP_ENTITY: usher keeps something there, … */
#define OF_PERSON "person"   /* … and has made the entry itself */

/* An entry that Exchange keeps needs nothing of usher's, unless usher keeps something there. */
static bool
is_exchanges(const struct ldap_manage *m, const struct held *h, const struct edits *s)
{
	bool ours = ldap_map_flavour(m->map) != MAP_EXCHANGE ||
		    entry_has(&h->entry, "objectClass", LDAP_CLASS_MAILBOX);

	for (size_t i = 0; !ours && i < s->n; i++)
		ours =
		    slice_starts_nocase(slice_of(s->v[i].attribute.name), SLICE_LITERAL("usher"));
	return !ours;
}

/* Adds our edits about the entry itself to those that say something of the mailbox. */
static void
add_ours(const struct held *h, struct edits *s)
{
	size_t n = s->n;
	bool classed = entry_has(&h->entry, "objectClass", LDAP_CLASS_MAILBOX);

	for (size_t i = 0; i < n; i++) {
		const struct ldap_attribute *a = &s->v[i].attribute;
		bool class = slice_is_nocase(slice_of(a->name), "objectClass");

		classed = classed || class;
		if (s->v[i].kind == LDAP_EDIT_ADD && !class &&
		    ldap_attribute_of(&h->entry, a->name) == NULL &&
		    !entry_has(&h->entry, LDAP_ENTITY, OF_PERSON))
			edits_text(s, LDAP_EDIT_ADD, LDAP_PUT, a->name);
	}
	if (!classed)
		edits_text(s, LDAP_EDIT_ADD, "objectClass", LDAP_CLASS_MAILBOX);
	if (!entry_has(&h->entry, LDAP_ENTITY, OF_MAILBOX))
		edits_text(s, LDAP_EDIT_ADD, LDAP_ENTITY, OF_MAILBOX);
	edits_revision(s, h);
}

/* Takes our class out of the edits, to be added before the rest: of one change Samba looks at the
 * other attributes first, and finds that they have no class. */
static usher_status
add_class(struct ldap_manage *m, struct held *h, struct edits *s, struct usher_error *err)
{
	struct edits first = { .m = m };
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (s->v[i].kind == LDAP_EDIT_ADD &&
		    slice_is_nocase(slice_of(s->v[i].attribute.name), "objectClass"))
			first.v[first.n++] = s->v[i];
		else
			s->v[n++] = s->v[i];
	}
	s->n = n;
	return first.n == 0 ? USHER_OK :
			      manage_change(m, h, LDAP_CHANGE_MODIFY, first.v, first.n, err);
}

static usher_status
change_person(struct ldap_manage *m, struct held *h, struct edits *s, struct usher_error *err)
{
	usher_status st = USHER_OK;

	if (!is_exchanges(m, h, s))
		add_ours(h, s);
	if (s->failed)
		return manage_full(m, err);
	if (m->layout.active_directory)
		st = add_class(m, h, s, err);
	if (st != USHER_OK)
		return st;
	st = manage_change(m, h, LDAP_CHANGE_MODIFY, s->v, s->n, err);
	return st == USHER_OK ? person_refresh(m, h, err) : st;
}

/* ---- mailboxes ---- */

static usher_status
check_address(struct ldap_manage *m, const struct mailbox *mailbox, const char *address,
    const struct held *self, struct usher_error *err)
{
	const struct rules_view rules = manage_rules(m);
	union org_record key;
	struct held *domain, *owner = NULL;
	usher_status st;
	int kind;

	record_init(&entities[ENTITY_DOMAIN].table, &key);
	key.domain.domain = strrchr(address, '@') + 1;
	st = record_held(m, &entities[ENTITY_DOMAIN], &key, &domain, err);
	if (st == USHER_OK && domain != NULL)
		st = person_of_address(m, address, &owner, err);
	if (st != USHER_OK)
		return st;
	kind = domain == NULL ? -1 : ((const struct domain *)domain->record)->kind;
	return rules_address(&rules, mailbox, address, kind, owner != NULL && owner != self, err);
}

static usher_status
check_mailbox(struct ldap_manage *m, const struct mailbox *mailbox, const struct held *self,
    struct usher_error *err)
{
	const struct rules_view rules = manage_rules(m);
	const struct entity *e = &entities[ENTITY_MAILBOX];
	struct held *other = NULL;
	usher_status st = check_address(m, mailbox, mailbox->address, self, err);

	for (size_t i = 0; st == USHER_OK && i < mailbox->aliases.n; i++)
		st = check_address(m, mailbox, mailbox->aliases.v[i], self, err);
	if (st == USHER_OK)
		st = rules_missing(&rules, e, mailbox, err);
	if (st == USHER_OK && mailbox->legacy_dn != NULL)
		st = person_of_legacy_dn(m, mailbox->legacy_dn, &other, err);
	if (st == USHER_OK && other != NULL && other != self)
		st = rules_conflict(&rules, e, mailbox, err, "its legacy_dn is already that of %s",
		    ((const struct mailbox *)other->record)->address);
	return st;
}

/* Somebody without a mailbox who logs in as the new one's owner is its owner. */
static usher_status
find_owner(struct ldap_manage *m, const struct mailbox *mailbox, struct held **out,
    struct usher_error *err)
{
	const struct rules_view rules = manage_rules(m);
	const char *name = mailbox->login_name != NULL ? mailbox->login_name : mailbox->address;
	const char *login = text_login_copy(m->work, slice_of(name));
	usher_status st = login == NULL ? manage_full(m, err) : person_of_login(m, login, out, err);

	if (st == USHER_OK && *out != NULL && (*out)->record != NULL)
		return rules_conflict(&rules, &entities[ENTITY_MAILBOX], mailbox, err,
		    "%s is %.300s, who has the mailbox %s: a person has one here", login,
		    (*out)->entry.dn, ((const struct mailbox *)(*out)->record)->address);
	return st;
}

/* The entry of somebody whom only usher knows. */
static usher_status
make_person(struct ldap_manage *m, const struct mailbox *mailbox, struct held **out,
    struct usher_error *err)
{
	static const char *const classes[] = { "person", "organizationalPerson", "inetOrgPerson",
		LDAP_CLASS_MAILBOX };
	const char *address = mailbox->address;
	const char *name = mailbox->display_name != NULL ? mailbox->display_name : address;
	struct held *h = arena_zalloc(m->work, sizeof(*h));
	struct buf CLEANUP(buf_cleanup) dn = { .max = MANAGE_DN_BYTES };
	struct ldap_change change = { 0 };
	struct edits s = { .m = m };

	if (m->layout.active_directory)
		return err_set(err, USHER_E_CONFLICT, address,
		    "there is no account for it, and usher makes none in Active Directory: make "
		    "the user there first, then say who it is with --login-name");
	buf_text(&dn, "cn=");
	ldap_escape_dn(&dn, slice_of(address));
	buf_printf(&dn, ",%s", m->layout.people.v[0]);
	for (size_t i = 0; i < COUNT_OF(classes); i++)
		edits_text(&s, LDAP_EDIT_ADD, "objectClass", classes[i]);
	edits_text(&s, LDAP_EDIT_ADD, "cn", address);
	edits_text(&s, LDAP_EDIT_ADD, "sn", name);
	edits_text(&s, LDAP_EDIT_ADD, LDAP_ENTITY, OF_MAILBOX);
	edits_text(&s, LDAP_EDIT_ADD, LDAP_ENTITY, OF_PERSON);
	edits_text(&s, LDAP_EDIT_ADD, LDAP_REVISION, "1");
	change = (struct ldap_change){ LDAP_CHANGE_ADD, NULL, s.v, s.n };
	if (h == NULL || s.failed || dn.status != USHER_OK)
		return manage_full(m, err);
	h->entry.dn = h->key = arena_copy(m->work, buf_as_slice(&dn));
	if (h->key == NULL || !entry_change(m->work, &h->entry, &change))
		return manage_full(m, err);
	*out = h;
	return USHER_OK;
}

static usher_status
work_out(struct ldap_manage *m, const struct held *h, const struct mailbox *mailbox,
    struct ldap_change *out, struct usher_error *err)
{
	usher_status st = ldap_person_edit(m->map, m->work, &h->entry, mailbox, out, err);

	return st == USHER_E_INPUT ? manage_say(err, USHER_E_CONFLICT, h->entry.dn, "") : st;
}

/* A person who was gone in this transaction, and is made again, has an entry that is new. */
static usher_status
add_mailbox(struct ldap_manage *m, const struct mailbox *mailbox, struct usher_error *err)
{
	struct held *h = NULL, *there;
	struct edits s = { .m = m };
	struct ldap_change change;
	usher_status st = make_person(m, mailbox, &h, err);

	if (st == USHER_OK)
		st = work_out(m, h, mailbox, &change, err);
	if (st != USHER_OK)
		return st;
	if (!entry_change(m->work, &h->entry, &change))
		return manage_full(m, err);
	for (size_t i = 0; i < h->entry.n; i++)
		edits_add(&s, LDAP_EDIT_ADD, h->entry.attributes[i].name,
		    h->entry.attributes[i].values, h->entry.attributes[i].n);
	if (s.failed)
		return manage_full(m, err);
	there = name_map_find(&m->sets[ENTITY_MAILBOX].by_key, h->key);
	if (there != NULL)
		h = there;
	h->entry = (struct ldap_entry){ .dn = h->key };
	h->gone = false;
	st = manage_change(m, h, LDAP_CHANGE_ADD, s.v, s.n, err);
	if (st == USHER_OK)
		st = person_refresh(m, h, err);
	return st == USHER_OK && there == NULL ? record_add(m, &entities[ENTITY_MAILBOX], h, err) :
						 st;
}

static usher_status
edit_mailbox(
    struct ldap_manage *m, struct held *h, const struct mailbox *mailbox, struct usher_error *err)
{
	struct edits s = { .m = m };
	struct ldap_change change;
	usher_status st = work_out(m, h, mailbox, &change, err);

	for (size_t i = 0; st == USHER_OK && i < change.n; i++)
		edits_add(&s, change.edits[i].kind, change.edits[i].attribute.name,
		    change.edits[i].attribute.values, change.edits[i].attribute.n);
	return st == USHER_OK ? change_person(m, h, &s, err) : st;
}

static usher_status
put_mailbox(struct ldap_manage *m, const struct mailbox *record, enum dir_change *change,
    struct usher_error *err)
{
	const struct rules_view rules = manage_rules(m);
	const struct entity *e = &entities[ENTITY_MAILBOX];
	struct mailbox wanted;
	struct held *h = NULL;
	usher_status st = person_of_address(m, record->address, &h, err);
	bool known = st == USHER_OK && h != NULL;

	if (known && !slice_is_nocase(
			 slice_of(record->address), ((const struct mailbox *)h->record)->address))
		return rules_conflict(&rules, e, record, err, "the address is an alias of %s",
		    ((const struct mailbox *)h->record)->address);
	if (known && record_equal(&e->table, h->record, record))
		return USHER_OK;
	if (st == USHER_OK && !known)
		st = find_owner(m, record, &h, err);
	if (st == USHER_OK)
		st = check_mailbox(m, record, h, err);
	if (st != USHER_OK)
		return st;
	/* What is sent at the end outlives the record. */
	if (!record_copy(m->work, &e->table, &wanted, record))
		return manage_full(m, err);
	/* One of his login names is as good as another: his account is not ours to rename. */
	if (h != NULL && wanted.login_name != NULL &&
	    ldap_map_fit(m->map, h->person, wanted.login_name) == MAP_FIT_NAME)
		wanted.login_name = h->person->mailbox.login_name;
	st = h == NULL ? add_mailbox(m, &wanted, err) : edit_mailbox(m, h, &wanted, err);
	if (st == USHER_OK)
		*change = known ? DIR_CHANGED : DIR_CREATED;
	return st;
}

/* Takes away what usher has put there, and nothing else. */
static usher_status
strip(struct ldap_manage *m, struct held *h, struct usher_error *err)
{
	static const char *const ours[] = { LDAP_ENTITY, LDAP_VALUE, LDAP_REVISION,
		LDAP_ALTERNATIVE, LDAP_PUT };
	const struct ldap_attribute *put = ldap_attribute_of(&h->entry, LDAP_PUT);
	struct edits s = { .m = m };
	usher_status st;

	for (size_t i = 0; i < h->entry.n; i++) {
		const struct ldap_attribute *a = &h->entry.attributes[i];
		bool goes = put != NULL && entry_has(&h->entry, LDAP_PUT, a->name);

		for (size_t k = 0; k < COUNT_OF(ours); k++)
			goes = goes || slice_is_nocase(slice_of(a->name), ours[k]);
		if (goes)
			edits_add(&s, LDAP_EDIT_DELETE, a->name, a->values, a->n);
	}
	if (entry_has(&h->entry, "objectClass", LDAP_CLASS_MAILBOX))
		edits_text(&s, LDAP_EDIT_DELETE, "objectClass", LDAP_CLASS_MAILBOX);
	if (s.failed)
		return manage_full(m, err);
	st = manage_change(m, h, LDAP_CHANGE_MODIFY, s.v, s.n, err);
	return st == USHER_OK ? person_refresh(m, h, err) : st;
}

static usher_status
remove_mailbox(struct ldap_manage *m, struct held *h, struct usher_error *err)
{
	if (entry_has(&h->entry, LDAP_ENTITY, OF_PERSON)) {
		h->gone = true;
		return manage_change(m, h, LDAP_CHANGE_DELETE, NULL, 0, err);
	}
	if (!entry_has(&h->entry, LDAP_ENTITY, OF_MAILBOX))
		return err_set(err, USHER_E_CONFLICT, h->entry.dn,
		    "usher has put nothing there that it could remove: take the mailbox away with "
		    "the tools that made it");
	return strip(m, h, err);
}

/* ---- alternative mailboxes ---- */

/* The value that is shown under this name now; NULL: none. */
static const struct slice *
find_alternative(
    struct ldap_manage *m, const struct held *h, const char *name, struct alternative_mailbox *out)
{
	const struct ldap_attribute *a = ldap_attribute_of(&h->entry, LDAP_ALTERNATIVE);

	for (size_t i = 0; a != NULL && i < a->n; i++)
		if (ldap_alternative_read(m->work, a->values[i],
			((const struct mailbox *)h->record)->address, out, NULL) == USHER_OK &&
		    slice_is_nocase(slice_of(name), out->display_name))
			return &a->values[i];
	return NULL;
}

static usher_status
put_alternative(struct ldap_manage *m, struct held *h, const struct alternative_mailbox *record,
    enum dir_change *change, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_ALTERNATIVE_MAILBOX];
	struct alternative_mailbox wanted = *record, old;
	const struct slice *there = find_alternative(m, h, record->display_name, &old);
	struct edits s = { .m = m };
	struct slice value;
	usher_status st;

	wanted.mailbox = ((const struct mailbox *)h->record)->address;
	if (there != NULL && record_equal(&e->table, &old, &wanted))
		return USHER_OK;
	value = ldap_alternative_write(m->work, &wanted);
	s.failed = value.p == NULL;
	if (there != NULL)
		edits_add(&s, LDAP_EDIT_DELETE, LDAP_ALTERNATIVE, there, 1);
	edits_add(&s, LDAP_EDIT_ADD, LDAP_ALTERNATIVE, &value, 1);
	st = change_person(m, h, &s, err);
	if (st == USHER_OK)
		*change = there == NULL ? DIR_CREATED : DIR_CHANGED;
	return st;
}

static usher_status
remove_alternative(struct ldap_manage *m, struct held *h, const struct alternative_mailbox *key,
    enum dir_change *change, struct usher_error *err)
{
	struct alternative_mailbox old;
	const struct slice *there = find_alternative(m, h, key->display_name, &old);
	struct edits s = { .m = m };
	usher_status st;

	if (there == NULL)
		return USHER_OK;
	edits_add(&s, LDAP_EDIT_DELETE, LDAP_ALTERNATIVE, there, 1);
	st = change_person(m, h, &s, err);
	if (st == USHER_OK)
		*change = DIR_REMOVED;
	return st;
}

/* ---- credentials ---- */

/* Only hashes that OpenLDAP hands to crypt(3) as they are can be carried over. */
static usher_status
put_credential(struct ldap_manage *m, struct held *h, const struct credential *record,
    enum dir_change *change, struct usher_error *err)
{
	const struct ldap_attribute *now = ldap_attribute_of(&h->entry, "userPassword");
	struct edits s = { .m = m };
	const char *hash = arena_join(m->work, PASSWORD_CRYPT, record->password_hash);
	usher_status st;

	if (record->enabled == TRI_OFF)
		return err_set(err, USHER_E_CONFLICT, h->entry.dn,
		    "a login is switched off in the directory itself, not here");
	if (strcmp(record->password_hash, PASSWORD_UNKNOWN) == 0 ||
	    (hash != NULL && entry_has(&h->entry, "userPassword", hash)))
		return USHER_OK;
	if (m->layout.active_directory)
		return err_set(err, USHER_E_CONFLICT, h->entry.dn,
		    "Active Directory takes no hash of a password; use `usher mailbox password`");
	if (now != NULL)
		edits_add(&s, LDAP_EDIT_DELETE, "userPassword", now->values, now->n);
	edits_text(&s, LDAP_EDIT_ADD, "userPassword", hash);
	if (s.failed)
		return manage_full(m, err);
	st = manage_change(m, h, LDAP_CHANGE_MODIFY, s.v, s.n, err);
	if (st == USHER_OK)
		*change = now == NULL ? DIR_CREATED : DIR_CHANGED;
	return st;
}

static usher_status
remove_credential(
    struct ldap_manage *m, struct held *h, enum dir_change *change, struct usher_error *err)
{
	const struct ldap_attribute *now = ldap_attribute_of(&h->entry, "userPassword");
	struct edits s = { .m = m };
	usher_status st;

	if (m->layout.active_directory)
		return err_set(err, USHER_E_CONFLICT, h->entry.dn,
		    "Active Directory keeps the password of an account as long as the account: "
		    "switch that off there");
	if (now == NULL)
		return USHER_OK;
	edits_add(&s, LDAP_EDIT_DELETE, "userPassword", now->values, now->n);
	if (s.failed)
		return manage_full(m, err);
	st = manage_change(m, h, LDAP_CHANGE_MODIFY, s.v, s.n, err);
	if (st == USHER_OK)
		*change = DIR_REMOVED;
	return st;
}

/* ---- both ---- */

/* Whose the record is; *out is NULL when there is nobody. */
static usher_status
find_person(struct ldap_manage *m, const struct entity *e, const void *record, struct held **out,
    struct usher_error *err)
{
	const char *name = field_text(&e->table.rows[0], record);
	usher_status st = e->id == ENTITY_CREDENTIAL ? person_of_login(m, name, out, err) :
						       person_of_address(m, name, out, err);

	if (st == USHER_OK && *out != NULL && e->id == ENTITY_MAILBOX &&
	    !slice_is_nocase(slice_of(name), ((const struct mailbox *)(*out)->record)->address))
		*out = NULL;
	return st;
}

usher_status
people_put(struct ldap_manage *m, const struct entity *e, const void *record,
    enum dir_change *change, struct usher_error *err)
{
	const struct rules_view rules = manage_rules(m);
	void *copy = arena_alloc(m->work, e->table.size);
	struct held *h = NULL;
	usher_status st;

	*change = DIR_SAME;
	/* What is gathered outlives the caller's record. */
	if (copy == NULL || !record_copy(m->work, &e->table, copy, record))
		return manage_full(m, err);
	record = copy;
	if (e->id == ENTITY_MAILBOX)
		return put_mailbox(m, record, change, err);
	st = find_person(m, e, record, &h, err);
	if (st == USHER_OK && h == NULL)
		st = rules_conflict(&rules, e, record, err,
		    e->id == ENTITY_CREDENTIAL ? "there is nobody with this login" :
						 "there is no such mailbox; add it first");
	if (st != USHER_OK)
		return st;
	return e->id == ENTITY_CREDENTIAL ? put_credential(m, h, record, change, err) :
					    put_alternative(m, h, record, change, err);
}

usher_status
people_remove(struct ldap_manage *m, const struct entity *e, const void *key,
    enum dir_change *change, struct usher_error *err)
{
	struct held *h = NULL;
	usher_status st = find_person(m, e, key, &h, err);

	*change = DIR_SAME;
	if (st != USHER_OK || h == NULL)
		return st;
	if (e->id == ENTITY_CREDENTIAL)
		return remove_credential(m, h, change, err);
	if (e->id == ENTITY_ALTERNATIVE_MAILBOX)
		return remove_alternative(m, h, key, change, err);
	st = remove_mailbox(m, h, err);
	if (st == USHER_OK)
		*change = DIR_REMOVED;
	return st;
}
