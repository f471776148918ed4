/* ldap_person_edit.c - what has to be changed of an entry so that it says what a mailbox says. */
#include <string.h>

#include "base/encode.h"
#include "base/err.h"
#include "base/text.h"
#include "dir/ldap_member.h"

enum { EDITS_MAX = 4 * MAP_OF_MAILBOX };

struct editing {
	const struct ldap_map *map;
	struct arena *mem;
	const struct ldap_entry *entry;
	const struct mailbox *wanted;
	const char *target; /* an own address that ldap_person_read() does not show; NULL: none */
	struct ldap_edit edits[EDITS_MAX];
	size_t n;
	bool failed; /* out of memory */
};

/* ---- values of one attribute ---- */

struct values {
	struct slice *v;
	size_t n;
};

static void
values_begin(struct editing *e, struct values *values, size_t most)
{
	*values = (struct values){ arena_array(e->mem, most, sizeof(*values->v)), 0 };
	e->failed = e->failed || values->v == NULL;
}

static void
values_add(const struct editing *e, struct values *values, struct slice value)
{
	if (!e->failed)
		values->v[values->n++] = value;
}

static bool
values_have(const struct slice *v, size_t n, struct slice value)
{
	for (size_t i = 0; i < n; i++)
		if (slice_eq(v[i], value))
			return true;
	return false;
}

static void
add_edit(struct editing *e, enum ldap_edit_kind kind, const char *attribute, struct values values)
{
	if (values.n > 0 && !e->failed)
		e->edits[e->n++] = (struct ldap_edit){ kind, { attribute, values.v, values.n } };
}

/* Takes away what is there and not wanted, adds what is wanted and not there. */
static void
put_values(struct editing *e, const char *attribute, const struct values *wanted)
{
	const struct ldap_attribute *a = ldap_attribute_of(e->entry, attribute);
	size_t n = a == NULL ? 0 : a->n;
	struct values gone, new;

	values_begin(e, &gone, n);
	values_begin(e, &new, wanted->n);
	for (size_t i = 0; i < n; i++)
		if (!values_have(wanted->v, wanted->n, a->values[i]))
			values_add(e, &gone, a->values[i]);
	for (size_t i = 0; i < wanted->n; i++)
		if (a == NULL || !values_have(a->values, n, wanted->v[i]))
			values_add(e, &new, wanted->v[i]);
	add_edit(e, LDAP_EDIT_DELETE, attribute, gone);
	add_edit(e, LDAP_EDIT_ADD, attribute, new);
}

/* ---- addresses ---- */

static bool
is_wanted(const struct mailbox *m, struct slice address)
{
	bool found = slice_is_nocase(address, m->address);

	for (size_t i = 0; !found && i < m->aliases.n; i++)
		found = slice_is_nocase(address, m->aliases.v[i]);
	return found;
}

/* The address in a value; empty when it is none of mail. */
static struct slice
address_in(struct slice value)
{
	size_t colon = slice_find(value, ':');

	if (colon == value.n)
		return value;
	return slice_is_nocase(slice_from(value.p, colon), "smtp") ? slice_skip(value, colon + 1) :
								     (struct slice){ 0 };
}

static void
add_address(struct editing *e, struct values *values, bool typed, const char *address)
{
	const char *kind = address == e->wanted->address ? "SMTP:" : "smtp:";
	const char *text = arena_join(e->mem, typed ? kind : "", address);

	e->failed = e->failed || text == NULL;
	values_add(e, values, slice_of(text));
}

/* Where new aliases go: where the entry has some, else where the directory would have them. */
static const char *
place_of_aliases(const struct editing *e)
{
	const struct text_list *list = &e->map->members[MAP_ALIASES];

	for (size_t i = 0; i < list->n; i++)
		if (ldap_attribute_of(e->entry, list->v[i]) != NULL)
			return list->v[i];
	return list->n == 0 || e->wanted->aliases.n == 0 ? NULL : list->v[0];
}

/* Where the primary address stands by itself. */
static const char *
place_of_primary(const struct editing *e)
{
	const struct text_list *list = &e->map->members[MAP_ADDRESS];

	for (size_t i = 0; i < list->n; i++)
		if (!map_is_typed(list->v[i]))
			return list->v[i];
	return list->n == 0 ? NULL : list->v[0];
}

/* An attribute whose values tell of which kind they are has all addresses; others those that are
 * their business, and what they have besides as long as it is wanted. */
static void
put_addresses(struct editing *e, const char *attribute)
{
	const struct ldap_attribute *a = ldap_attribute_of(e->entry, attribute);
	const struct text_list *list = &e->wanted->aliases;
	bool primary = text_same(attribute, place_of_primary(e));
	bool aliases = text_same(attribute, place_of_aliases(e));
	bool typed = map_is_typed(attribute);
	bool shares = !aliases && (!primary || map_list_has(&e->map->members[MAP_ALIASES],
						   slice_of(attribute)));
	size_t n = a == NULL ? 0 : a->n;
	struct values values;

	values_begin(e, &values, n + list->n + 1);
	if (primary || (typed && (aliases || n > 0)))
		add_address(e, &values, typed, e->wanted->address);
	for (size_t i = 0; (aliases || (typed && n > 0)) && i < list->n; i++)
		add_address(e, &values, typed, list->v[i]);
	for (size_t i = 0; i < n; i++) {
		struct slice address = address_in(a->values[i]);
		bool stays = typed ? address.n == 0 || slice_is_nocase(address, e->target) :
				     shares && is_wanted(e->wanted, address) &&
					 !(primary && slice_is_nocase(address, e->wanted->address));

		if (stays)
			values_add(e, &values, a->values[i]);
	}
	put_values(e, attribute, &values);
}

static void
put_all_addresses(struct editing *e)
{
	const struct text_list *first = &e->map->members[MAP_ADDRESS];
	const struct text_list *further = &e->map->members[MAP_ALIASES];

	for (size_t i = 0; i < first->n; i++)
		put_addresses(e, first->v[i]);
	for (size_t i = 0; i < further->n; i++)
		if (!map_list_has(first, slice_of(further->v[i])))
			put_addresses(e, further->v[i]);
}

/* ---- other members ---- */

/* `member: value` of that member. */
static bool
is_line(struct slice value, const struct field *f)
{
	return slice_is_nocase(slice_from(value.p, slice_find(value, ':')), f->name);
}

/* Instead of the one that is there. */
static void
put_line(struct editing *e, const struct field *f)
{
	const struct ldap_attribute *a = ldap_attribute_of(e->entry, LDAP_VALUE);
	struct values gone, new;

	values_begin(e, &gone, a == NULL ? 0 : a->n);
	values_begin(e, &new, 1);
	for (size_t i = 0; a != NULL && i < a->n; i++)
		if (is_line(a->values[i], f))
			values_add(e, &gone, a->values[i]);
	if (!field_absent(f, e->wanted)) {
		struct slice line = ldap_value_of(e->mem, f, e->wanted);

		e->failed = e->failed || line.p == NULL;
		values_add(e, &new, line);
	}
	add_edit(e, LDAP_EDIT_DELETE, LDAP_VALUE, gone);
	add_edit(e, LDAP_EDIT_ADD, LDAP_VALUE, new);
}

/* Where a value goes into the form that its attribute has elsewhere. */
static struct slice
value_for(struct editing *e, const struct field *f, const char *attribute, const char *text)
{
	unsigned char bytes[16];
	const char *value;
	size_t n = sizeof(bytes);

	if (f->form == FORM_GUID &&
	    slice_starts_nocase(slice_of(attribute), SLICE_LITERAL("msExch"))) {
		guid_to_windows(text, bytes);
		value = arena_copy(e->mem, slice_from(bytes, n));
	} else {
		value = arena_join(e->mem, map_is_typed(attribute) ? "SMTP:" : "", text);
		n = value == NULL ? 0 : strlen(value);
	}
	e->failed = e->failed || value == NULL;
	return slice_from(value, n);
}

static void
put_text(struct editing *e, const struct field *f, const char *attribute)
{
	const char *text = field_text(f, e->wanted);
	struct values values;

	values_begin(e, &values, 1);
	if (text != NULL)
		values_add(e, &values, value_for(e, f, attribute, text));
	put_values(e, attribute, &values);
}

static void
put_switch(struct editing *e, const struct field *f, const char *attribute)
{
	struct values values;

	values_begin(e, &values, 1);
	if (!field_absent(f, e->wanted))
		values_add(e, &values,
		    field_switch(f, e->wanted) == TRI_ON ? SLICE_LITERAL("TRUE") :
							   SLICE_LITERAL("FALSE"));
	put_values(e, attribute, &values);
}

static bool
has_line(const struct editing *e, const struct field *f)
{
	const struct ldap_attribute *a = ldap_attribute_of(e->entry, LDAP_VALUE);
	bool found = false;

	for (size_t i = 0; a != NULL && !found && i < a->n; i++)
		found = is_line(a->values[i], f);
	return found;
}

/* The attribute is one that only Exchange's schema has (usher's has a few of them for OpenLDAP), or
 * its values name objects of Exchange's, which a short name does not. */
static bool
is_exchanges(const struct editing *e, enum map_member m, const char *attribute)
{
	if (m == MAP_SERVER || m == MAP_DATABASE)
		return map_is_ours(attribute);
	return e->map->flavour == MAP_ACTIVE_DIRECTORY &&
	       (m == MAP_GUID || m == MAP_REDIRECT_ADDRESS) && map_is_ours(attribute);
}

static usher_status
put_member(struct editing *e, enum map_member m, struct usher_error *err)
{
	const struct field *f = &entities[ENTITY_MAILBOX].table.rows[m];
	const struct text_list *list = &e->map->members[m];
	const char *attribute = list->n == 0 ? NULL : list->v[0];
	bool line;

	if (e->map->flavour == MAP_EXCHANGE && attribute != NULL &&
	    (is_exchanges(e, m, attribute) || m == MAP_GUID))
		return err_set(err, USHER_E_INPUT, e->entry->dn,
		    "%s: Exchange keeps it in %s, which only its own tools should write", f->name,
		    attribute);
	line = attribute == NULL || is_exchanges(e, m, attribute) || has_line(e, f);
	if (line && !e->map->extended)
		return err_set(err, USHER_E_INPUT, e->entry->dn,
		    "%s: %s has no place for it; with usher's schema (usher-ad.ldif) it would have",
		    f->name, e->map->flavour == MAP_EXCHANGE ? "Exchange" : "Active Directory");
	if (line)
		put_line(e, f);
	else if (f->type == FIELD_SWITCH)
		put_switch(e, f, attribute);
	else
		put_text(e, f, attribute);
	return USHER_OK;
}

/* ---- the whole ---- */

/* An entry that others made has not our class yet. */
static void
put_class(struct editing *e)
{
	const struct ldap_attribute *a = ldap_attribute_of(e->entry, "objectClass");
	bool ours = false;
	struct values values;

	for (size_t i = 0; i < e->n; i++)
		ours =
		    ours ||
		    (e->edits[i].kind == LDAP_EDIT_ADD &&
			(e->map->flavour == MAP_OPENLDAP ?
				map_is_ours(e->edits[i].attribute.name) :
				slice_is_nocase(slice_of(e->edits[i].attribute.name), LDAP_VALUE)));
	for (size_t i = 0; a != NULL && i < a->n; i++)
		ours = ours && !slice_is_nocase(a->values[i], LDAP_CLASS_MAILBOX);
	if (!ours)
		return;
	values_begin(e, &values, 1);
	values_add(e, &values, slice_of(LDAP_CLASS_MAILBOX));
	add_edit(e, LDAP_EDIT_ADD, "objectClass", values);
}

usher_status
ldap_person_edit(const struct ldap_map *map, struct arena *mem, const struct ldap_entry *entry,
    const struct mailbox *wanted, struct ldap_change *out, struct usher_error *err)
{
	const struct field_table *table = &entities[ENTITY_MAILBOX].table;
	struct editing e = { .map = map, .mem = mem, .entry = entry, .wanted = wanted };
	struct ldap_person now;
	struct ldap_edit *edits;

	if (!ldap_person_read(map, mem, entry, &now))
		return err_nomem(err, entry->dn);
	e.target = now.kind == PERSON_ELSEWHERE ? now.mailbox.redirect_address : NULL;
	if (!field_equal(&table->rows[MAP_ADDRESS], &now.mailbox, wanted) ||
	    !field_equal(&table->rows[MAP_ALIASES], &now.mailbox, wanted))
		put_all_addresses(&e);
	for (int m = 0; m < MAP_OF_MAILBOX; m++) {
		usher_status st = USHER_OK;

		if (m == MAP_ADDRESS || m == MAP_ALIASES ||
		    (m == MAP_LOGIN_NAME && wanted->login_name == NULL) ||
		    field_equal(&table->rows[m], &now.mailbox, wanted))
			continue;
		st = put_member(&e, (enum map_member)m, err);
		if (st != USHER_OK)
			return st;
	}
	put_class(&e);
	edits = arena_array(mem, e.n, sizeof(*edits));
	if (e.failed || edits == NULL)
		return err_nomem(err, entry->dn);
	if (e.n > 0)
		memcpy(edits, e.edits, e.n * sizeof(*edits));
	*out = (struct ldap_change){ LDAP_CHANGE_MODIFY, entry->dn, edits, e.n };
	return USHER_OK;
}
