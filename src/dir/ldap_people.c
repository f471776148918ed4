/* ldap_people.c - mailboxes, their alternative ones and their credentials, read for management from
 * the entries of people. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "dir/ldap_manage.h"

enum { FILTER_BYTES = 64 * 1024, WANTED_MAX = 64 };

/* ---- one person ---- */

static bool
same_address(const char *a, const char *b)
{
	return slice_eq_nocase(slice_of(a), slice_of(b));
}

static bool
has_address(const struct mailbox *mailbox, const char *address)
{
	if (mailbox == NULL || mailbox->address == NULL)
		return false;
	if (same_address(mailbox->address, address))
		return true;
	for (size_t i = 0; i < mailbox->aliases.n; i++)
		if (same_address(mailbox->aliases.v[i], address))
			return true;
	return false;
}

static usher_status
note_name(struct ldap_manage *m, struct name_map *map, struct held *h, const char *name,
    struct usher_error *err)
{
	struct held_name *a = name_map_find(map, name);

	if (a != NULL) {
		a->person = h;
		return USHER_OK;
	}
	a = arena_alloc(m->work, sizeof(*a));
	if (a == NULL)
		return manage_full(m, err);
	*a = (struct held_name){ name, h };
	return name_map_add(map, m->work, a) ? USHER_OK : manage_full(m, err);
}

/* Whom this transaction knows by the name, if he still has it. */
static struct held *
known_by(const struct name_map *map, const char *name,
    bool (*fits)(const struct held *h, const void *what), const void *what)
{
	const struct held_name *a = name_map_find(map, name);

	return a != NULL && !a->person->gone && fits(a->person, what) ? a->person : NULL;
}

/* What only stands for the address because an entry has to have something there is absent. */
static void
simplify(struct mailbox *mailbox)
{
	if (mailbox->login_name != NULL && same_address(mailbox->login_name, mailbox->address))
		mailbox->login_name = NULL;
	if (mailbox->display_name != NULL && same_address(mailbox->display_name, mailbox->address))
		mailbox->display_name = NULL;
}

usher_status
person_refresh(struct ldap_manage *m, struct held *h, struct usher_error *err)
{
	struct ldap_person *person = arena_alloc(m->work, sizeof(*person));
	const struct ldap_attribute *revision = ldap_attribute_of(&h->entry, LDAP_REVISION);
	struct mailbox *mailbox = arena_alloc(m->work, sizeof(*mailbox));
	usher_status st = USHER_OK;
	uint64_t number = 0;

	if (person == NULL || mailbox == NULL ||
	    !ldap_person_read(m->map, m->work, &h->entry, person))
		return manage_full(m, err);
	if (revision != NULL && revision->n > 0)
		(void)text_number(revision->values[0], 0, INT64_MAX, &number);
	h->revision = (int64_t)number;
	h->person = person;
	h->record = NULL;
	for (size_t i = 0; st == USHER_OK && i < person->logins.n; i++)
		st = note_name(m, &m->logins, h, person->logins.v[i], err);
	if (st != USHER_OK || person->mailbox.address == NULL || person->kind == PERSON_GROUP)
		return st;
	*mailbox = person->mailbox;
	simplify(mailbox);
	h->record = mailbox;
	st = note_name(m, &m->addresses, h, mailbox->address, err);
	for (size_t i = 0; st == USHER_OK && i < mailbox->aliases.n; i++)
		st = note_name(m, &m->addresses, h, mailbox->aliases.v[i], err);
	return st;
}

/* ---- searching ---- */

struct finding {
	struct ldap_manage *m;
	bool (*fits)(const struct held *h, const void *what);
	const void *what;
	struct held *found, *second;
};

/* A person whom this transaction has read already is as it is there. */
static usher_status
take_person(const struct ldap_entry *entry, void *payload, struct usher_error *err)
{
	struct finding *f = payload;
	struct ldap_manage *m = f->m;
	struct held *h = name_map_find(&m->sets[ENTITY_MAILBOX].by_key, entry->dn);
	usher_status st = USHER_OK;

	if (h == NULL) {
		h = arena_zalloc(m->work, sizeof(*h));
		if (h == NULL || !ldap_entry_copy(m->work, entry, &h->entry))
			return manage_full(m, err);
		h->key = h->entry.dn;
		st = person_refresh(m, h, err);
		if (st == USHER_OK)
			st = record_add(m, &entities[ENTITY_MAILBOX], h, err);
	}
	if (st != USHER_OK || h->gone || (f->fits != NULL && !f->fits(h, f->what)))
		return st;
	if (f->found == NULL)
		f->found = h;
	else if (f->found != h)
		f->second = h;
	return USHER_OK;
}

/* What ldap_person_read() wants, and what usher keeps there besides. */
static void
list_wanted(const struct ldap_manage *m, const char *wanted[WANTED_MAX])
{
	static const char *const ours[] = { LDAP_ENTITY, LDAP_PUT, LDAP_REVISION, LDAP_ALTERNATIVE,
		"userPassword" };
	const char *const *theirs = ldap_map_attributes(m->map);
	size_t n = 0, room = WANTED_MAX - 1 - COUNT_OF(ours);

	for (; theirs[n] != NULL && n < room; n++)
		wanted[n] = theirs[n];
	for (size_t i = 0; i < COUNT_OF(ours); i++)
		wanted[n++] = ours[i];
	wanted[n] = NULL;
}

static usher_status
search_people(struct ldap_manage *m, const char *filter, struct finding *f, struct usher_error *err)
{
	const char *wanted[WANTED_MAX];
	struct link_search search = { .scope = LINK_BELOW,
		.filter = filter,
		.attributes = wanted,
		.in_all_ms = MANAGE_TIMEOUT_MS };
	usher_status st = USHER_OK;

	if (filter == NULL)
		return manage_full(m, err);
	list_wanted(m, wanted);
	for (size_t i = 0; st == USHER_OK && i < m->layout.people.n; i++) {
		search.base = m->layout.people.v[i];
		st = ldap_link_search(m->link, &search, take_person, f, err);
	}
	return st;
}

/* The only one whom the filter finds and who fits. */
static usher_status
find_one(struct ldap_manage *m, const char *filter,
    bool (*fits)(const struct held *h, const void *what), const char *what, struct held **out,
    struct usher_error *err)
{
	struct finding f = { .m = m, .fits = fits, .what = what };
	usher_status st = search_people(m, filter, &f, err);

	if (st == USHER_OK && f.second != NULL)
		st = err_set(err, USHER_E_CONFLICT, what,
		    "is of two entries: %.400s and %.400s; take it from one of them",
		    f.found->entry.dn, f.second->entry.dn);
	*out = f.found;
	return st;
}

static bool
fits_address(const struct held *h, const void *what)
{
	return has_address(h->record, what) || h->person->kind == PERSON_GROUP;
}

usher_status
person_of_address(
    struct ldap_manage *m, const char *address, struct held **out, struct usher_error *err)
{
	struct held *h = known_by(&m->addresses, address, fits_address, address);
	usher_status st = manage_map(m, err);

	if (st == USHER_OK && h == NULL)
		st = find_one(m, ldap_map_by_address(m->map, m->work, address), fits_address,
		    address, &h, err);
	if (st == USHER_OK && h != NULL && h->record == NULL)
		st = err_set(err, USHER_E_CONFLICT, address, "is the address of a group, %.400s",
		    h->entry.dn);
	if (st == USHER_OK)
		*out = h;
	return st;
}

struct login {
	const struct ldap_map *map;
	const char *name;
	enum map_fit fit;
};

static bool
fits_login(const struct held *h, const void *what)
{
	const struct login *login = what;

	return !h->person->contact && h->person->kind != PERSON_GROUP &&
	       ldap_map_fit(login->map, h->person, login->name) == login->fit;
}

/* Names go before addresses. */
usher_status
person_of_login(struct ldap_manage *m, const char *name, struct held **out, struct usher_error *err)
{
	usher_status st = manage_map(m, err);
	struct login login = { m->map, name, MAP_FIT_NAME };
	const char *filter = st == USHER_OK ? ldap_map_by_login(m->map, m->work, name) : NULL;
	struct finding f = { .m = m, .fits = fits_login, .what = &login };

	if (st == USHER_OK)
		f.found = known_by(&m->logins, name, fits_login, &login);
	if (st == USHER_OK && f.found == NULL)
		st = search_people(m, filter, &f, err);
	login.fit = MAP_FIT_ADDRESS;
	if (st == USHER_OK && f.found == NULL)
		f.found = known_by(&m->addresses, name, fits_login, &login);
	if (st == USHER_OK && f.found == NULL)
		st = search_people(m, filter, &f, err);
	if (st == USHER_OK && f.second != NULL)
		st = err_set(err, USHER_E_CONFLICT, name,
		    "is a login of two entries: %.400s and %.400s", f.found->entry.dn,
		    f.second->entry.dn);
	if (st == USHER_OK)
		*out = f.found;
	return st;
}

static bool
fits_legacy_dn(const struct held *h, const void *what)
{
	const struct mailbox *mailbox = h->record;

	return mailbox != NULL && mailbox->legacy_dn != NULL &&
	       slice_is_nocase(slice_of(what), mailbox->legacy_dn);
}

usher_status
person_of_legacy_dn(
    struct ldap_manage *m, const char *legacy_dn, struct held **out, struct usher_error *err)
{
	usher_status st = manage_map(m, err);
	struct held_set *set = &m->sets[ENTITY_MAILBOX];

	*out = NULL;
	for (size_t i = 0; st == USHER_OK && *out == NULL && i < set->n; i++)
		if (!set->v[i]->gone && fits_legacy_dn(set->v[i], legacy_dn))
			*out = set->v[i];
	if (st == USHER_OK && *out == NULL)
		st = find_one(m, ldap_map_by_legacy_dn(m->map, m->work, legacy_dn), fits_legacy_dn,
		    legacy_dn, out, err);
	return st;
}

usher_status
people_any(struct ldap_manage *m, const char *filter,
    bool (*fits)(const struct held *h, const void *what), const void *what, const char **out,
    struct usher_error *err)
{
	const struct held_set *set = &m->sets[ENTITY_MAILBOX];
	struct finding f = { .m = m, .fits = fits, .what = what };
	usher_status st = USHER_OK;

	for (size_t i = 0; f.found == NULL && i < set->n; i++)
		if (!set->v[i]->gone && fits(set->v[i], what))
			f.found = set->v[i];
	if (f.found == NULL)
		st = search_people(m, filter, &f, err);
	if (st == USHER_OK)
		*out = f.found == NULL ? NULL : ((const struct mailbox *)f.found->record)->address;
	return st;
}

/* ---- what belongs to a mailbox ---- */

static bool
is_mailbox(const struct held *h)
{
	return h->record != NULL && ldap_person_mailbox(h->person, NULL) != NULL;
}

/* Every one that usher was told of is a value of its own; an archive that Exchange knows is none.
 */
static usher_status
each_alternative(struct ldap_manage *m, const struct held *h,
    usher_status (*each)(const void *record, void *payload), void *payload, struct usher_error *err)
{
	const struct ldap_attribute *a = ldap_attribute_of(&h->entry, LDAP_ALTERNATIVE);
	const struct mailbox *owner = h->record;
	usher_status st = USHER_OK;

	for (size_t i = 0; st == USHER_OK && a != NULL && i < a->n; i++) {
		struct alternative_mailbox record;

		st = ldap_alternative_read(m->work, a->values[i], owner->address, &record, err);
		if (st == USHER_E_INPUT)
			return manage_say(err, st, h->entry.dn, "; mend its " LDAP_ALTERNATIVE);
		if (st == USHER_OK)
			st = each(&record, payload);
	}
	return st;
}

static usher_status
each_credential(struct ldap_manage *m, const struct held *h,
    usher_status (*each)(const void *record, void *payload), void *payload, struct usher_error *err)
{
	const struct ldap_attribute *a = ldap_attribute_of(&h->entry, "userPassword");
	const struct mailbox *mailbox = h->record;
	struct credential record = { .password_hash = PASSWORD_UNKNOWN };
	const char *login = h->person->mailbox.login_name;

	if (login == NULL && mailbox != NULL)
		login = mailbox->address;
	if (login == NULL || (a == NULL && !m->layout.active_directory))
		return USHER_OK;
	record.login_name = text_login_copy(m->work, slice_of(login));
	if (a != NULL && a->n == 1 &&
	    slice_starts_nocase(a->values[0], SLICE_LITERAL(PASSWORD_CRYPT)))
		record.password_hash =
		    arena_copy(m->work, slice_skip(a->values[0], sizeof(PASSWORD_CRYPT) - 1));
	if (record.login_name == NULL || record.password_hash == NULL)
		return manage_full(m, err);
	return each(&record, payload);
}

/* Those of the one person `h`. */
static usher_status
each_of(struct ldap_manage *m, const struct entity *e, const struct held *h,
    usher_status (*each)(const void *record, void *payload), void *payload, struct usher_error *err)
{
	if (e->id == ENTITY_CREDENTIAL)
		return each_credential(m, h, each, payload, err);
	if (!is_mailbox(h))
		return USHER_OK;
	return e->id == ENTITY_MAILBOX ? each(h->record, payload) :
					 each_alternative(m, h, each, payload, err);
}

/* ---- get ---- */

struct getting {
	const struct entity *e;
	const void *key;
	struct ldap_manage *m;
	void *found;
};

static usher_status
get_one(const void *record, void *payload)
{
	struct getting *g = payload;

	if (g->e->id == ENTITY_ALTERNATIVE_MAILBOX ?
		!slice_is_nocase(slice_of(field_text(&g->e->table.rows[1], g->key)),
		    field_text(&g->e->table.rows[1], record)) :
		g->e->id == ENTITY_MAILBOX && !record_fits(g->e, g->key, record))
		return USHER_OK;
	g->found = arena_alloc(g->m->work, g->e->table.size);
	return g->found != NULL && record_copy(g->m->work, &g->e->table, g->found, record) ?
		   USHER_OK :
		   USHER_E_LIMIT;
}

usher_status
people_get(struct ldap_manage *m, const struct entity *e, const void *key, const void **out,
    struct usher_error *err)
{
	struct getting g = { e, key, m, NULL };
	const char *name = field_text(&e->table.rows[0], key);
	struct held *h = NULL;
	usher_status st = e->id == ENTITY_CREDENTIAL ? person_of_login(m, name, &h, err) :
						       person_of_address(m, name, &h, err);

	if (st == USHER_OK && h != NULL)
		st = each_of(m, e, h, get_one, &g, err);
	if (st == USHER_OK)
		*out = g.found;
	return st;
}

/* ---- each ---- */

static usher_status
load_people(
    struct ldap_manage *m, const struct entity *e, const char *domain, struct usher_error *err)
{
	static const char *const filters[] = {
		[ENTITY_ALTERNATIVE_MAILBOX] = "(" LDAP_ALTERNATIVE "=*)",
		[ENTITY_CREDENTIAL] = "(&(" LDAP_ENTITY "=mailbox)(userPassword=*))",
	};
	struct finding f = { .m = m };

	return search_people(m,
	    e->id == ENTITY_MAILBOX ? ldap_map_by_domain(m->map, m->work, domain) : filters[e->id],
	    &f, err);
}

static const struct held *
held_at(const void *at)
{
	return *(const struct held *const *)at;
}

/* Those without a mailbox come last. */
static int
compare_people(const void *a, const void *b)
{
	const struct held *x = held_at(a), *y = held_at(b);

	if (x->record == NULL || y->record == NULL)
		return (x->record == NULL) - (y->record == NULL);
	return record_compare(&entities[ENTITY_MAILBOX], x->record, y->record);
}

static int
compare_targets(const void *a, const void *b)
{
	const struct mailbox *x = held_at(a)->record, *y = held_at(b)->record;

	return strcmp(x->redirect_address, y->redirect_address);
}

/* The people that fit, in the order of `compare`, in memory of their own: `each` may read more. */
static usher_status
sort_people(struct ldap_manage *m, bool (*fits)(const struct held *h, const void *what),
    const void *what, int (*compare)(const void *, const void *), struct held ***out, size_t *n,
    struct usher_error *err)
{
	const struct held_set *set = &m->sets[ENTITY_MAILBOX];
	struct held **v = arena_array(m->work, set->n, sizeof(struct held *));
	size_t count = 0;

	if (v == NULL)
		return manage_full(m, err);
	for (size_t i = 0; i < set->n; i++)
		if (!set->v[i]->gone && fits(set->v[i], what))
			v[count++] = set->v[i];
	if (count > 1)
		qsort(v, count, sizeof(struct held *), compare);
	*out = v;
	*n = count;
	return USHER_OK;
}

/* `what` is a domain, or NULL. */
static bool
in_domain(const struct held *h, const void *what)
{
	const struct mailbox *mailbox = h->record;

	return what == NULL || (mailbox != NULL && slice_is_nocase(slice_of(what),
						       strrchr(mailbox->address, '@') + 1));
}

usher_status
people_each(struct ldap_manage *m, const struct entity *e, const void *prefix,
    usher_status (*each)(const void *record, void *payload), void *payload, struct usher_error *err)
{
	const char *first = prefix == NULL ? NULL : field_text(&e->table.rows[0], prefix);
	const char *domain = first != NULL && first[0] == '@' ? first + 1 : NULL;
	struct held **v = NULL, *one = NULL;
	size_t n = 0;
	usher_status st = manage_map(m, err);

	if (st == USHER_OK && first != NULL && domain == NULL) {
		st = e->id == ENTITY_CREDENTIAL ? person_of_login(m, first, &one, err) :
						  person_of_address(m, first, &one, err);
		v = &one;
		n = one != NULL;
	} else if (st == USHER_OK) {
		st = load_people(m, e, domain, err);
		if (st == USHER_OK)
			st = sort_people(m, in_domain, domain, compare_people, &v, &n, err);
	}
	for (size_t i = 0; st == USHER_OK && i < n; i++)
		st = each_of(m, e, v[i], each, payload, err);
	return st;
}

static bool
has_moved(const struct held *h, const void *what)
{
	const struct mailbox *mailbox = h->record;

	(void)what;
	return mailbox != NULL && mailbox->redirect_address != NULL;
}

static usher_status
each_moved(struct ldap_manage *m, usher_status (*each)(const void *record, void *payload),
    void *payload, struct usher_error *err)
{
	struct finding f = { .m = m };
	struct held **v;
	size_t n;
	usher_status st = manage_map(m, err);

	if (st == USHER_OK)
		st = search_people(m, ldap_map_by_redirect(m->map, m->work), &f, err);
	if (st == USHER_OK)
		st = sort_people(m, has_moved, NULL, compare_targets, &v, &n, err);
	for (size_t i = 0; st == USHER_OK && i < n; i++)
		st = each(v[i]->record, payload);
	return st;
}

usher_status
ldap_dir_each_moved(struct dir *dir, usher_status (*each)(const void *record, void *payload),
    void *payload, struct usher_error *err)
{
	struct ldap_manage *m;
	usher_status st = manage_enter(ldap_dir_of(dir), &m, err);

	if (st != USHER_OK)
		return st;
	st = each_moved(m, each, payload, err);
	manage_leave(m, st);
	return st;
}
