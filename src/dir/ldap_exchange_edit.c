/* ldap_exchange_edit.c - what has to be changed of an object so that it says what a record says. */
#include <string.h>

#include "base/err.h"
#include "dir/ldap_exchange_row.h"

static bool
same_key(const struct entity *e, const void *a, const void *b)
{
	for (size_t i = 0; i < e->n_keys; i++) {
		const struct field *f = &e->table.rows[i];

		if (f->type == FIELD_TEXT ?
			!slice_eq_nocase(slice_of(field_text(f, a)), slice_of(field_text(f, b))) :
			!field_equal(f, a, b))
			return false;
	}
	return true;
}

const struct exchange_object *
ldap_exchange_find(
    const struct exchange_view *view, const struct entity *entity, const void *record)
{
	for (size_t i = 0; i < view->n; i++)
		if (view->objects[i].entity == entity->id &&
		    same_key(entity, view->objects[i].record, record))
			return &view->objects[i];
	return NULL;
}

/* The row of the object itself that has the member, not of one beside it; NULL: none has. */
static const struct exchange_row *
row_of(enum entity_id entity, const char *member, size_t *at)
{
	for (size_t i = EXCHANGE_ROWS; i-- > 0;) {
		const struct exchange_row *row = &exchange_rows[i];

		*at = i;
		if (exchange_entity(row->kind)->id == entity && strcmp(row->member, member) == 0)
			return row;
	}
	return NULL;
}

struct changing {
	const struct exchange_view *view;
	const struct exchange_object *object;
	struct arena *mem;
	const struct ldap_entry *entry;
	const void *wanted;
	struct ldap_edit edits[2 * EXCHANGE_ROWS];
	size_t n;
	struct usher_error *err;
};

/* Takes the values that are there away and adds the wanted ones. */
static usher_status
change_member(struct changing *c, const struct field *f)
{
	const struct entity *e = &entities[c->object->entity];
	size_t at;
	const struct exchange_row *row = row_of(e->id, f->name, &at);
	const char *key = entity_key_text(c->mem, e, c->wanted);
	const struct ldap_attribute *old;
	struct ldap_attribute new = { 0 };

	if (row == NULL)
		return err_set(c->err, USHER_E_INPUT, key,
		    e->id == ENTITY_SITE ?
			"%s: sites are Active Directory's; change them with its own tools" :
			"%s: Exchange has no place for it",
		    f->name);
	if (row->fixed)
		return err_set(c->err, USHER_E_INPUT, key,
		    "%s: Exchange keeps it in %s, which only its own tools should write", f->name,
		    c->view->attributes[at]);
	if (c->object->dn == NULL)
		return err_set(c->err, USHER_E_INPUT, key,
		    e->id == ENTITY_SERVER ? "%s: the server has no connection point; make one "
					     "with `usher scp publish`" :
					     "%s: it follows from the URL of ews",
		    f->name);
	old = ldap_attribute_of(c->entry, c->view->attributes[at]);
	new.name = c->view->attributes[at];
	if (!exchange_write(row, old, c->mem, c->wanted, &new))
		return err_nomem(c->err, key);
	if (old != NULL && old->n > 0)
		c->edits[c->n++] = (struct ldap_edit){ LDAP_EDIT_DELETE, *old };
	if (new.n > 0)
		c->edits[c->n++] = (struct ldap_edit){ LDAP_EDIT_ADD, new };
	return USHER_OK;
}

usher_status
ldap_exchange_edit(const struct exchange_view *view, const struct exchange_object *object,
    struct arena *mem, const struct ldap_entry *entry, const void *wanted, struct ldap_change *out,
    struct usher_error *err)
{
	const struct field_table *table = &entities[object->entity].table;
	struct changing c = { .view = view,
		.object = object,
		.mem = mem,
		.entry = entry,
		.wanted = wanted,
		.err = err };
	struct ldap_edit *edits;

	for (size_t i = 0; i < table->n; i++) {
		usher_status st = USHER_OK;

		if (!field_equal(&table->rows[i], object->record, wanted))
			st = change_member(&c, &table->rows[i]);
		if (st != USHER_OK)
			return st;
	}
	edits = arena_array(mem, c.n, sizeof(*edits));
	if (edits == NULL)
		return err_nomem(err, object->dn);
	if (c.n > 0)
		memcpy(edits, c.edits, c.n * sizeof(*edits));
	*out = (struct ldap_change){ LDAP_CHANGE_MODIFY, object->dn, edits, c.n };
	return USHER_OK;
}
