/* ldap_record.c - the records of the configuration, read for management: usher's own entries, and
 * what Exchange's objects say. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "dir/ldap_manage.h"

enum { LINK_MEMORY_BYTES = 1024 * 1024 };

/* ---- opening ---- */

static usher_status
look_for_container(struct ldap_manage *m, struct usher_error *err)
{
	static const char *const nothing[] = { "1.1", NULL };
	struct ldap_entry entry;
	usher_status st =
	    ldap_link_read(m->link, m->work, m->layout.container, nothing, &entry, err);

	m->has_container = st == USHER_OK;
	return st == USHER_E_ABSENT ? USHER_OK : st;
}

static usher_status
connect_to(struct ldap_manage *m, struct usher_error *err)
{
	const struct ldap_dir *d = m->d;
	usher_status st = ldap_dir_connect(d->uri, &d->settings, &m->link, err);

	if (st == USHER_OK)
		st = ldap_layout_find(m->link, &d->settings, m->mem, &m->layout, err);
	return st == USHER_OK ? look_for_container(m, err) : st;
}

usher_status
ldap_manage_open(struct ldap_dir *d, struct usher_error *err)
{
	struct ldap_manage *m;
	usher_status st;

	if (d->manage != NULL)
		return USHER_OK;
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return err_nomem(err, d->uri);
	m->d = d;
	m->last = &m->first;
	m->mem = arena_new(LINK_MEMORY_BYTES);
	m->work = arena_new(MANAGE_BYTES);
	st = m->mem == NULL || m->work == NULL ? err_nomem(err, d->uri) : connect_to(m, err);
	if (st == USHER_OK && !m->has_container && !m->layout.active_directory &&
	    (d->dir.flags & (DIR_CREATE | DIR_SERVE)) == 0)
		st = err_set(err, USHER_E_ABSENT, m->layout.container,
		    "there is no such entry, or this login may not see it; run `usher setup`");
	if (st == USHER_OK)
		d->manage = m;
	else
		ldap_manage_close(m);
	return st;
}

void
ldap_manage_close(struct ldap_manage *manage)
{
	if (manage == NULL)
		return;
	secret_clear(&manage->password);
	ldap_link_close(manage->link);
	arena_free(manage->mem);
	arena_free(manage->work);
	free(manage);
}

/* ---- calls ---- */

usher_status
manage_say(struct usher_error *err, usher_status st, const char *where, const char *more)
{
	char why[USHER_ERROR_MESSAGE_BYTES] = "";

	if (err != NULL)
		memcpy(why, err->message, sizeof(why));
	return err_set(err, st, where, "%.800s%s", why, more);
}

usher_status
manage_full(const struct ldap_manage *m, struct usher_error *err)
{
	return err_set(err, USHER_E_LIMIT, m->d->uri,
	    "this is more than %d MB of records at once; do it in parts, a domain at a time",
	    MANAGE_BYTES / (1024 * 1024));
}

void
manage_forget(struct ldap_manage *m)
{
	arena_reset(m->work);
	memset(m->sets, 0, sizeof(m->sets));
	m->addresses = m->logins = (struct name_map){ 0 };
	m->exchange = NULL;
	m->map = NULL;
	m->has_container = m->has_container && !m->makes_container;
	m->makes_container = m->spoilt = m->sets_password = false;
	m->first = NULL;
	m->last = &m->first;
	m->n_changes = 0;
	secret_clear(&m->password);
}

usher_status
manage_enter(struct ldap_dir *d, struct ldap_manage **out, struct usher_error *err)
{
	usher_status st;

	if (d->manage != NULL && d->manage->lost && d->manage->depth == 0 &&
	    !d->dir.in_transaction) {
		ldap_manage_close(d->manage);
		d->manage = NULL;
	}
	st = ldap_manage_open(d, err);
	if (st != USHER_OK)
		return st;
	if (d->manage->depth == 0 && !d->dir.in_transaction)
		manage_forget(d->manage);
	d->manage->depth++;
	*out = d->manage;
	return USHER_OK;
}

void
manage_leave(struct ldap_manage *m, usher_status st)
{
	m->depth--;
	m->lost = m->lost || st == USHER_E_NETWORK || st == USHER_E_TIMEOUT || st == USHER_E_PEER;
}

/* ---- entries ---- */

static bool
has_value(const struct ldap_attribute *a, struct slice value)
{
	for (size_t i = 0; i < a->n; i++)
		if (slice_eq(a->values[i], value))
			return true;
	return false;
}

/* The values of `a` after `edit`. */
static bool
edit_values(struct arena *mem, struct ldap_attribute *a, const struct ldap_edit *edit)
{
	const struct ldap_attribute *by = &edit->attribute;
	struct slice *v = arena_array(mem, a->n + by->n, sizeof(*v));
	size_t n = 0;

	if (v == NULL)
		return false;
	for (size_t i = 0; i < a->n && edit->kind != LDAP_EDIT_REPLACE; i++)
		if (edit->kind == LDAP_EDIT_ADD || (by->n > 0 && !has_value(by, a->values[i])))
			v[n++] = a->values[i];
	for (size_t i = 0; i < by->n && edit->kind != LDAP_EDIT_DELETE; i++)
		v[n++] = by->values[i];
	a->values = v;
	a->n = n;
	return true;
}

bool
entry_change(struct arena *mem, struct ldap_entry *entry, const struct ldap_change *change)
{
	struct ldap_attribute *all = arena_array(mem, entry->n + change->n, sizeof(*all));
	size_t n = entry->n;

	if (all == NULL)
		return false;
	if (n > 0)
		memcpy(all, entry->attributes, n * sizeof(*all));
	for (size_t i = 0; i < change->n; i++) {
		const struct ldap_edit *edit = &change->edits[i];
		size_t at = 0;

		while (at < n && !slice_is_nocase(slice_of(all[at].name), edit->attribute.name))
			at++;
		if (at == n)
			all[n++] = (struct ldap_attribute){ edit->attribute.name, NULL, 0 };
		if (!edit_values(mem, &all[at], edit))
			return false;
	}
	entry->attributes = all;
	entry->n = n;
	return true;
}

bool
entry_has(const struct ldap_entry *entry, const char *attribute, const char *value)
{
	const struct ldap_attribute *a = ldap_attribute_of(entry, attribute);

	for (size_t i = 0; a != NULL && i < a->n; i++)
		if (slice_is_nocase(a->values[i], value))
			return true;
	return false;
}

/* ---- order ---- */

static int
compare_nocase(const char *a, const char *b)
{
	int order = strcasecmp(a == NULL ? "" : a, b == NULL ? "" : b);

	return order != 0 || a == NULL || b == NULL ? order : strcmp(a, b);
}

static int
compare_field(const struct field *f, const void *a, const void *b)
{
	if (f->type == FIELD_NUMBER)
		return field_number(f, a) < field_number(f, b) ?
			   -1 :
			   field_number(f, a) > field_number(f, b);
	if (f->type == FIELD_CHOICE)
		return strcmp(field_choice_name(f, a), field_choice_name(f, b));
	return compare_nocase(field_text(f, a), field_text(f, b));
}

/* By domain, then local part. */
static int
compare_addresses(const char *a, const char *b)
{
	int order = compare_nocase(strrchr(a, '@'), strrchr(b, '@'));

	return order != 0 ? order : compare_nocase(a, b);
}

int
record_compare(const struct entity *e, const void *a, const void *b)
{
	const struct redirect *x = a, *y = b;
	int order = 0;
	size_t i = 0;

	if (e->id == ENTITY_MAILBOX || e->id == ENTITY_ALTERNATIVE_MAILBOX)
		order = compare_addresses(
		    field_text(&e->table.rows[i], a), field_text(&e->table.rows[i], b));
	else if (e->id == ENTITY_REDIRECT)
		order = compare_field(&e->table.rows[i], a, b);
	if (order == 0 && e->id == ENTITY_REDIRECT && x->rank != y->rank)
		order = x->rank < y->rank ? -1 : 1;
	for (; order == 0 && i < e->n_keys; i++)
		order = compare_field(&e->table.rows[i], a, b);
	return order;
}

static int
compare_held(const void *a, const void *b, void *e)
{
	const struct held *const *x = a, *const *y = b;

	return record_compare(e, (*x)->record, (*y)->record);
}

bool
record_fits(const struct entity *e, const void *prefix, const void *record)
{
	for (size_t i = 0; prefix != NULL && i < e->n_keys; i++) {
		const struct field *f = &e->table.rows[i];

		if (field_absent(f, prefix))
			break;
		if (compare_field(f, prefix, record) != 0 &&
		    (f->type != FIELD_TEXT ||
			!slice_is_nocase(slice_of(field_text(f, prefix)), field_text(f, record))))
			return false;
	}
	return true;
}

/* ---- records ---- */

static usher_status
take_record(struct ldap_manage *m, const struct entity *e, const void *record, struct held *h,
    struct usher_error *err)
{
	void *copy = arena_alloc(m->work, e->table.size);

	if (copy == NULL || !record_copy(m->work, &e->table, copy, record))
		return manage_full(m, err);
	h->record = copy;
	h->key = entity_key_text(m->work, e, copy);
	return h->key == NULL ? manage_full(m, err) : USHER_OK;
}

usher_status
record_refresh(
    struct ldap_manage *m, const struct entity *e, struct held *h, struct usher_error *err)
{
	const struct entity *is;
	union org_record record;
	usher_status st = ldap_record_read(m->work, &h->entry, &is, &h->revision, &record, err);

	if (st == USHER_OK && is != e)
		st = err_set(err, USHER_E_INPUT, h->entry.dn, "is no %s", e->title);
	if (st == USHER_E_INPUT)
		return manage_say(err, st, h->entry.dn, "; mend the entry or delete it");
	return st == USHER_OK ? take_record(m, e, &record, h, err) : st;
}

usher_status
record_add(struct ldap_manage *m, const struct entity *e, struct held *h, struct usher_error *err)
{
	struct held_set *set = &m->sets[e->id];

	if (set->n == set->room) {
		size_t room = set->room == 0 ? 8 : 2 * set->room;
		struct held **grown = arena_array(m->work, room, sizeof(struct held *));

		if (grown == NULL)
			return manage_full(m, err);
		if (set->n > 0)
			memcpy(grown, set->v, set->n * sizeof(struct held *));
		set->v = grown;
		set->room = room;
	}
	if (!name_map_add(&set->by_key, m->work, h))
		return manage_full(m, err);
	set->v[set->n++] = h;
	return USHER_OK;
}

struct taking {
	struct ldap_manage *m;
	const struct entity *e;
	const char *only; /* the key; NULL: any */
};

/* What this transaction has changed goes before what others see. */
static usher_status
take_entry(const struct ldap_entry *entry, void *payload, struct usher_error *err)
{
	struct taking *t = payload;
	struct held *h = arena_zalloc(t->m->work, sizeof(*h)), *there;
	usher_status st;

	if (h == NULL || !ldap_entry_copy(t->m->work, entry, &h->entry))
		return manage_full(t->m, err);
	st = record_refresh(t->m, t->e, h, err);
	if (st != USHER_OK || (t->only != NULL && !slice_is_nocase(slice_of(h->key), t->only)))
		return st;
	there = name_map_find(&t->m->sets[t->e->id].by_key, h->key);
	if (there == NULL)
		return record_add(t->m, t->e, h, err);
	if (there->object == NULL && !ldap_dn_same(there->entry.dn, h->entry.dn))
		return err_set(err, USHER_E_CONFLICT, h->entry.dn,
		    "is the same %s %s as %s; delete the wrong one", t->e->title, h->key,
		    there->entry.dn);
	return USHER_OK;
}

static usher_status
search_records(
    struct ldap_manage *m, const struct entity *e, const char *key, struct usher_error *err)
{
	struct taking t = { m, e, key };
	struct buf CLEANUP(buf_cleanup) filter;
	struct link_search search = {
		.base = m->layout.container, .scope = LINK_CHILDREN, .in_all_ms = MANAGE_TIMEOUT_MS
	};

	buf_init(&filter, 8 * FIELD_TEXT_BYTES);
	if (!m->has_container || m->makes_container)
		return USHER_OK;
	buf_printf(&filter, "(&(objectClass=%s)(%s=%s)", LDAP_CLASS_RECORD, LDAP_ENTITY, e->name);
	if (key != NULL && *key != '\0') {
		buf_printf(&filter, "(%s=", LDAP_KEY);
		ldap_escape(&filter, slice_of(key));
		buf_char(&filter, ')');
	}
	buf_char(&filter, ')');
	if (filter.status != USHER_OK)
		return err_set(err, USHER_E_LIMIT, e->title, "the key is too long");
	search.filter = buf_cstr(&filter);
	return ldap_link_search(m->link, &search, take_entry, &t, err);
}

/* ---- Exchange's objects ---- */

usher_status
manage_map(struct ldap_manage *m, struct usher_error *err)
{
	struct exchange_view *view;
	usher_status st = USHER_OK;

	if (m->map != NULL)
		return USHER_OK;
	view = arena_zalloc(m->work, sizeof(*view));
	if (view == NULL)
		return manage_full(m, err);
	st = ldap_exchange_load(m->link, &m->d->settings, m->work, view, err);
	if (st != USHER_OK)
		return st;
	m->exchange = view;
	m->map = view->map;
	return USHER_OK;
}

/* They go before entries of usher's own with the same key: Exchange itself believes them. */
static usher_status
take_objects(struct ldap_manage *m, const struct entity *e, struct usher_error *err)
{
	usher_status st = manage_map(m, err);

	for (size_t i = 0; st == USHER_OK && i < m->exchange->n; i++) {
		const struct exchange_object *object = &m->exchange->objects[i];
		struct held *h;

		if (object->entity != e->id)
			continue;
		h = arena_zalloc(m->work, sizeof(*h));
		if (h == NULL)
			return manage_full(m, err);
		h->object = object;
		h->entry.dn = object->dn;
		st = take_record(m, e, object->record, h, err);
		if (st == USHER_OK && name_map_find(&m->sets[e->id].by_key, h->key) == NULL)
			st = record_add(m, e, h, err);
	}
	return st;
}

/* ---- one, and all ---- */

usher_status
record_all(struct ldap_manage *m, const struct entity *e, struct usher_error *err)
{
	struct held_set *set = &m->sets[e->id];
	usher_status st = USHER_OK;

	if (!set->complete) {
		st = take_objects(m, e, err);
		if (st == USHER_OK)
			st = search_records(m, e, NULL, err);
		set->complete = st == USHER_OK;
	}
	if (st == USHER_OK && set->n > 1)
		qsort_r(set->v, set->n, sizeof(struct held *), compare_held, (void *)(uintptr_t)e);
	return st;
}

usher_status
record_held(struct ldap_manage *m, const struct entity *e, const void *record, struct held **out,
    struct usher_error *err)
{
	struct held_set *set = &m->sets[e->id];
	const char *key = entity_key_text(m->work, e, record);
	usher_status st = key == NULL ? manage_full(m, err) : USHER_OK;

	*out = NULL;
	if (st == USHER_OK && !set->complete && name_map_find(&set->by_key, key) == NULL) {
		if (set->singles == 0)
			st = take_objects(m, e, err);
		if (st == USHER_OK)
			st = ++set->singles > MANAGE_SINGLE_MAX ? record_all(m, e, err) :
								  search_records(m, e, key, err);
	}
	if (st == USHER_OK)
		*out = name_map_find(&set->by_key, key);
	if (*out != NULL && (*out)->gone)
		*out = NULL;
	return st;
}

/* ---- the calls of dir.h ---- */

static usher_status
get(struct ldap_manage *m, struct arena *mem, const struct entity *e, const void *key, void *out,
    bool *found, struct usher_error *err)
{
	const void *record = NULL;
	struct held *h = NULL;
	usher_status st;

	*found = false;
	if (is_of_people(e))
		st = people_get(m, e, key, &record, err);
	else
		st = record_held(m, e, key, &h, err);
	if (h != NULL)
		record = h->record;
	if (st != USHER_OK || record == NULL)
		return st;
	*found = true;
	return record_copy(mem, &e->table, out, record) ? USHER_OK : err_nomem(err, e->title);
}

enum lookup
ldap_dir_get(struct dir *dir, struct arena *mem, const struct entity *e, const void *key, void *out,
    struct usher_error *err)
{
	struct ldap_manage *m;
	union org_record record;
	bool found = false;
	usher_status st = manage_enter(ldap_dir_of(dir), &m, err);

	if (st != USHER_OK)
		return LOOKUP_UNAVAILABLE;
	st = get(m, mem, e, key, &record, &found, err);
	manage_leave(m, st);
	if (st == USHER_OK && found)
		memcpy(out, &record, e->table.size);
	return st != USHER_OK ? LOOKUP_UNAVAILABLE : found ? LOOKUP_FOUND : LOOKUP_ABSENT;
}

/* The array may grow while `each` reads more. */
static usher_status
records_each(struct ldap_manage *m, const struct entity *e, const void *prefix,
    usher_status (*each)(const void *record, void *payload), void *payload, struct usher_error *err)
{
	const struct held_set *set = &m->sets[e->id];
	usher_status st = record_all(m, e, err);
	struct held **v = set->v;
	size_t n = set->n;

	for (size_t i = 0; st == USHER_OK && i < n; i++)
		if (!v[i]->gone && record_fits(e, prefix, v[i]->record))
			st = each(v[i]->record, payload);
	return st;
}

usher_status
ldap_dir_each(struct dir *dir, const struct entity *e, const void *prefix,
    usher_status (*each)(const void *record, void *payload), void *payload, struct usher_error *err)
{
	struct ldap_manage *m;
	usher_status st = manage_enter(ldap_dir_of(dir), &m, err);

	if (st != USHER_OK)
		return st;
	st = is_of_people(e) ? people_each(m, e, prefix, each, payload, err) :
			       records_each(m, e, prefix, each, payload, err);
	manage_leave(m, st);
	return st;
}

static usher_status
count_one(const void *record, void *payload)
{
	uint64_t *n = payload;

	(void)record;
	*n += 1;
	return USHER_OK;
}

usher_status
ldap_dir_count(struct dir *dir, const struct entity *e, uint64_t *out, struct usher_error *err)
{
	uint64_t n = 0;
	usher_status st = ldap_dir_each(dir, e, NULL, count_one, &n, err);

	if (st == USHER_OK)
		*out = n;
	return st;
}
