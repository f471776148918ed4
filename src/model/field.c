/* field.c - reading, writing, comparing and copying records by their rows. */
#include "model/field.h"

#include <string.h>

static const void *
member(const struct field *f, const void *record)
{
	return (const char *)record + f->offset;
}

static void *
member_of(const struct field *f, void *record)
{
	return (char *)record + f->offset;
}

const char *
field_text(const struct field *f, const void *record)
{
	return *(const char *const *)member(f, record);
}

const struct text_list *
field_list(const struct field *f, const void *record)
{
	return member(f, record);
}

int64_t
field_number(const struct field *f, const void *record)
{
	return *(const int64_t *)member(f, record);
}

enum tri
field_switch(const struct field *f, const void *record)
{
	return *(const enum tri *)member(f, record);
}

int
field_choice(const struct field *f, const void *record)
{
	return *(const int *)member(f, record);
}

const char *
field_choice_name(const struct field *f, const void *record)
{
	return f->choices[field_choice(f, record)];
}

void
field_set_text(const struct field *f, void *record, const char *value)
{
	*(const char **)member_of(f, record) = value;
}

void
field_set_list(const struct field *f, void *record, struct text_list value)
{
	*(struct text_list *)member_of(f, record) = value;
}

void
field_set_number(const struct field *f, void *record, int64_t value)
{
	*(int64_t *)member_of(f, record) = value;
}

void
field_set_switch(const struct field *f, void *record, enum tri value)
{
	*(enum tri *)member_of(f, record) = value;
}

bool
field_set_choice(const struct field *f, void *record, struct slice name)
{
	for (int i = 0; f->choices[i] != NULL; i++) {
		if (slice_is_nocase(name, f->choices[i])) {
			*(int *)member_of(f, record) = i;
			return true;
		}
	}
	return false;
}

bool
field_absent(const struct field *f, const void *record)
{
	switch (f->type) {
	case FIELD_TEXT:
		return field_text(f, record) == NULL;
	case FIELD_LIST:
		return field_list(f, record)->n == 0;
	case FIELD_NUMBER:
		return field_number(f, record) == NUMBER_ABSENT;
	case FIELD_SWITCH:
		return field_switch(f, record) == TRI_ABSENT;
	case FIELD_CHOICE:
		return field_choice(f, record) == 0;
	}
	return true;
}

static bool
text_equal(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool
text_list_equal(const struct text_list *a, const struct text_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i], b->v[i]) != 0)
			return false;
	return true;
}

bool
field_equal(const struct field *f, const void *a, const void *b)
{
	switch (f->type) {
	case FIELD_TEXT:
		return text_equal(field_text(f, a), field_text(f, b));
	case FIELD_LIST:
		return text_list_equal(field_list(f, a), field_list(f, b));
	case FIELD_NUMBER:
		return field_number(f, a) == field_number(f, b);
	case FIELD_SWITCH:
		return field_switch(f, a) == field_switch(f, b);
	case FIELD_CHOICE:
		return field_choice(f, a) == field_choice(f, b);
	}
	return false;
}

const struct field *
field_find(const struct field_table *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->rows[i].name, name) == 0)
			return &t->rows[i];
	return NULL;
}

void
record_init(const struct field_table *t, void *record)
{
	memset(record, 0, t->size);
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i].type == FIELD_NUMBER)
			field_set_number(&t->rows[i], record, NUMBER_ABSENT);
}

static void
share(const struct field *f, void *to, const void *from)
{
	switch (f->type) {
	case FIELD_TEXT:
		field_set_text(f, to, field_text(f, from));
		break;
	case FIELD_LIST:
		field_set_list(f, to, *field_list(f, from));
		break;
	case FIELD_NUMBER:
		field_set_number(f, to, field_number(f, from));
		break;
	case FIELD_SWITCH:
		field_set_switch(f, to, field_switch(f, from));
		break;
	case FIELD_CHOICE:
		(void)field_set_choice(f, to, slice_of(field_choice_name(f, from)));
		break;
	}
}

void
record_fill(const struct field_table *t, void *to, const void *from)
{
	for (size_t i = 0; i < t->n; i++) {
		if (field_absent(&t->rows[i], to) && !field_absent(&t->rows[i], from))
			share(&t->rows[i], to, from);
	}
}

bool
record_equal(const struct field_table *t, const void *a, const void *b)
{
	for (size_t i = 0; i < t->n; i++)
		if (!field_equal(&t->rows[i], a, b))
			return false;
	return true;
}

static bool
list_copy(struct arena *mem, const struct field *f, void *to, const struct text_list *from)
{
	const char **v = arena_array(mem, from->n, sizeof(*v));

	if (v == NULL)
		return false;
	for (size_t i = 0; i < from->n; i++) {
		v[i] = arena_strdup(mem, from->v[i]);
		if (v[i] == NULL)
			return false;
	}
	field_set_list(f, to, (struct text_list){ v, from->n });
	return true;
}

bool
record_copy(struct arena *mem, const struct field_table *t, void *to, const void *from)
{
	memcpy(to, from, t->size);
	for (size_t i = 0; i < t->n; i++) {
		const struct field *f = &t->rows[i];

		if (field_absent(f, from))
			continue;
		if (f->type == FIELD_TEXT) {
			field_set_text(f, to, arena_strdup(mem, field_text(f, from)));
			if (field_text(f, to) == NULL)
				return false;
		} else if (f->type == FIELD_LIST && !list_copy(mem, f, to, field_list(f, from))) {
			return false;
		}
	}
	return true;
}
