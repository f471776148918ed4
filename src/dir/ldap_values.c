/* ldap_values.c - `member: value`, both ways, by the rows of model/org.c. */
#include "dir/ldap_values.h"

#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

enum { VALUE_BYTES = FIELD_LIST_MAX * FIELD_TEXT_BYTES, FIELDS_MAX = 64 };

/* ---- writing ---- */

static void
put_text(struct buf *b, const struct field *f, const void *record)
{
	const struct text_list *list;

	if (f->type != FIELD_CHOICE && field_absent(f, record))
		return;
	switch (f->type) {
	case FIELD_TEXT:
		buf_text(b, field_text(f, record));
		break;
	case FIELD_LIST:
		list = field_list(f, record);
		for (size_t i = 0; i < list->n; i++) {
			buf_text(b, i == 0 ? "" : "\n");
			buf_text(b, list->v[i]);
		}
		break;
	case FIELD_NUMBER:
		buf_printf(b, "%" PRId64, field_number(f, record));
		break;
	case FIELD_SWITCH:
		buf_text(b, field_switch(f, record) == TRI_ON ? "on" : "off");
		break;
	case FIELD_CHOICE:
		buf_text(b, field_choice_name(f, record));
		break;
	}
}

static void
put_value(struct buf *b, const struct field *f, const void *record)
{
	size_t before;

	buf_text(b, f->name);
	buf_text(b, ": ");
	before = b->n;
	put_text(b, f, record);
	if (b->n == before) /* a blank at the end would be lost on the way */
		buf_cut(b, before - 1);
}

static struct slice
copy_of(struct arena *mem, const struct buf *b)
{
	const char *copy = b->status == USHER_OK ? arena_copy(mem, buf_as_slice(b)) : NULL;

	return slice_from(copy, copy == NULL ? 0 : b->n);
}

struct slice
ldap_value_of(struct arena *mem, const struct field *f, const void *record)
{
	struct buf CLEANUP(buf_cleanup) b;

	buf_init(&b, VALUE_BYTES);
	put_value(&b, f, record);
	return copy_of(mem, &b);
}

struct slice
ldap_alternative_write(struct arena *mem, const struct alternative_mailbox *a)
{
	const struct entity *e = &entities[ENTITY_ALTERNATIVE_MAILBOX];
	struct buf CLEANUP(buf_cleanup) b;

	buf_init(&b, VALUE_BYTES);
	for (size_t i = 1; i < e->table.n; i++) { /* the first is whose it is */
		if (field_absent(&e->table.rows[i], a))
			continue;
		buf_text(&b, b.n == 0 ? "" : "\n");
		put_value(&b, &e->table.rows[i], a);
	}
	return copy_of(mem, &b);
}

/* ---- reading ---- */

static usher_status
set_list(struct arena *mem, const struct field *f, struct slice text, void *record)
{
	size_t n = 1;
	const char **v;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	v = arena_array(mem, n, sizeof(*v));
	for (size_t i = 0; v != NULL && i < n; i++) {
		size_t end = slice_find(text, '\n');

		v[i] = arena_copy(mem, slice_from(text.p, end));
		if (v[i] == NULL)
			return USHER_E_NOMEM;
		text = slice_skip(text, end + 1);
	}
	if (v == NULL)
		return USHER_E_NOMEM;
	field_set_list(f, record, (struct text_list){ v, n });
	return USHER_OK;
}

/* USHER_E_INPUT: the row does not take the text. */
static usher_status
set_member(struct arena *mem, const struct field *f, struct slice text, void *record)
{
	uint64_t number;
	char *copy;

	switch (f->type) {
	case FIELD_TEXT:
		copy = arena_copy(mem, text);
		field_set_text(f, record, text.n == 0 ? NULL : copy);
		return copy == NULL ? USHER_E_NOMEM : USHER_OK;
	case FIELD_LIST:
		if (text.n > 0)
			return set_list(mem, f, text, record);
		field_set_list(f, record, (struct text_list){ NULL, 0 });
		return USHER_OK;
	case FIELD_NUMBER:
		if (text.n == 0)
			field_set_number(f, record, NUMBER_ABSENT);
		else if (text_number(text, 0, INT64_MAX, &number))
			field_set_number(f, record, (int64_t)number);
		else
			return USHER_E_INPUT;
		return USHER_OK;
	case FIELD_SWITCH:
		if (text.n > 0 && !slice_is_nocase(text, "on") && !slice_is_nocase(text, "off"))
			return USHER_E_INPUT;
		field_set_switch(f, record,
		    text.n == 0			? TRI_ABSENT :
		    slice_is_nocase(text, "on") ? TRI_ON :
						  TRI_OFF);
		return USHER_OK;
	case FIELD_CHOICE:
		return field_set_choice(f, record, text) ? USHER_OK : USHER_E_INPUT;
	}
	return USHER_E_INPUT;
}

/* `name: text` inside `value`. */
static const struct field *
split(struct slice value, const struct field_table *table, struct slice *text)
{
	size_t colon = slice_find(value, ':');
	const struct field *f = NULL;

	for (size_t i = 0; f == NULL && colon < value.n && i < table->n; i++)
		if (slice_is_nocase(slice_from(value.p, colon), table->rows[i].name))
			f = &table->rows[i];
	*text = slice_skip(value, colon + 1);
	if (slice_starts(*text, SLICE_LITERAL(" ")))
		*text = slice_skip(*text, 1);
	return f;
}

struct reading {
	struct arena *mem;
	const struct field_table *table;
	void *record;
	bool seen[FIELDS_MAX];
};

static usher_status
read_value(struct reading *r, struct slice value, struct usher_error *err)
{
	struct slice text;
	const struct field *f = split(value, r->table, &text);
	usher_status st = USHER_E_INPUT;

	if (f == NULL || memchr(value.p, '\0', value.n) != NULL || !text_utf8_valid(value))
		return err_set(err, USHER_E_INPUT, NULL, "`%.*s` is no `member: value`",
		    (int)(value.n < 64 ? value.n : 64), value.n == 0 ? "" : value.p);
	if (r->seen[f - r->table->rows])
		return err_set(err, USHER_E_INPUT, NULL,
		    "%s is there twice; remove the wrong one of the values", f->name);
	r->seen[f - r->table->rows] = true;
	st = set_member(r->mem, f, text, r->record);
	if (st == USHER_E_NOMEM)
		return err_nomem(err, f->name);
	return st == USHER_OK ? st :
				err_set(err, st, NULL, "`%.*s` is no value of %s",
				    (int)(text.n < 64 ? text.n : 64), text.p, f->name);
}

usher_status
ldap_values_read(struct arena *mem, const struct ldap_attribute *attribute,
    const struct field_table *table, void *record, struct usher_error *err)
{
	struct reading r = { .mem = mem, .table = table, .record = record };
	usher_status st = USHER_OK;

	for (size_t i = 0; st == USHER_OK && attribute != NULL && i < attribute->n; i++)
		st = read_value(&r, attribute->values[i], err);
	return st;
}

usher_status
ldap_alternative_read(struct arena *mem, struct slice value, const char *owner,
    struct alternative_mailbox *out, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_ALTERNATIVE_MAILBOX];
	struct reading r = { .mem = mem, .table = &e->table, .record = out };
	usher_status st = USHER_OK;

	record_init(&e->table, out);
	while (st == USHER_OK && value.n > 0) {
		size_t end = slice_find(value, '\n');

		st = read_value(&r, slice_from(value.p, end), err);
		value = slice_skip(value, end + 1);
	}
	out->mailbox = owner;
	return st == USHER_OK ? entity_check(mem, e, out, err) : st;
}

usher_status
ldap_record_read(struct arena *mem, const struct ldap_entry *entry, const struct entity **e,
    int64_t *revision, union org_record *out, struct usher_error *err)
{
	const struct ldap_attribute *kind = ldap_attribute_of(entry, LDAP_ENTITY);
	const struct ldap_attribute *at = ldap_attribute_of(entry, LDAP_REVISION);
	uint64_t number = 0;
	usher_status st;

	*e = kind == NULL || kind->n != 1 ? NULL : entity_find(kind->values[0]);
	if (*e == NULL)
		return err_set(err, USHER_E_INPUT, entry->dn, "its %s is none that is known here",
		    LDAP_ENTITY);
	if (at != NULL && at->n > 0 && !text_number(at->values[0], 0, INT64_MAX, &number))
		return err_set(err, USHER_E_INPUT, entry->dn, "its %s is no number", LDAP_REVISION);
	record_init(&(*e)->table, out);
	st = ldap_values_read(mem, ldap_attribute_of(entry, LDAP_VALUE), &(*e)->table, out, err);
	if (st == USHER_OK)
		st = entity_check(mem, *e, out, err);
	*revision = (int64_t)number;
	return st;
}
