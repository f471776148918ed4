/* elements.c - elements that hold one value each, read and written by rows. */
#include "wire/elements.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum tri
element_switch(const char *text)
{
	static const char *const words[][3] = {
		{ "off", "false", "0" },
		{ "on", "true", "1" },
	};
	struct slice s = slice_of(text);

	for (size_t i = 0; i < COUNT_OF(words); i++)
		for (size_t k = 0; k < COUNT_OF(words[i]); k++)
			if (slice_is_nocase(s, words[i][k]))
				return i == 0 ? TRI_OFF : TRI_ON;
	return TRI_ABSENT;
}

void
element_read(const struct field *f, void *record, const char *text)
{
	uint64_t number;

	if (text[0] == '\0' || !field_absent(f, record))
		return;
	if (f->type == FIELD_TEXT)
		field_set_text(f, record, text);
	else if (f->type == FIELD_SWITCH)
		field_set_switch(f, record, element_switch(text));
	else if (text_number(slice_of(text), 0, (uint64_t)f->max, &number))
		field_set_number(f, record, (int64_t)number);
}

void
elements_read(const struct xml_node *node, const struct element_list *list, void *record)
{
	for (const struct xml_node *c = node->first; c != NULL; c = c->next) {
		for (size_t i = 0; i < list->n; i++) {
			if (strcmp(c->name, list->rows[i].field.name) != 0)
				continue;
			element_read(&list->rows[i].field, record, c->text);
			break;
		}
	}
}

bool
elements_present(const struct element_list *list, const void *record)
{
	size_t n = list->n;

	while (n > 0 && field_absent(&list->rows[n - 1].field, record))
		n--;
	return n > 0;
}

void
elements_write(struct xml_writer *w, const struct element_list *list, const void *record,
    const char *const words[2])
{
	for (size_t i = 0; i < list->n; i++) {
		const struct field *f = &list->rows[i].field;
		char number[24];

		if (field_absent(f, record))
			continue;
		if (f->type == FIELD_TEXT) {
			xml_leaf(w, f->name, NULL, 0, field_text(f, record));
		} else if (f->type == FIELD_SWITCH) {
			xml_leaf(w, f->name, NULL, 0, words[field_switch(f, record) == TRI_ON]);
		} else {
			(void)snprintf(number, sizeof(number), "%" PRId64, field_number(f, record));
			xml_leaf(w, f->name, NULL, 0, number);
		}
	}
}

size_t
elements_count(const struct xml_node *node, const char *name)
{
	size_t n = 0;

	for (const struct xml_node *c = node->first; c != NULL; c = c->next)
		n += strcmp(c->name, name) == 0;
	return n;
}

usher_status
elements_read_answer(struct xml_reader *reader, struct arena *mem, struct slice xml,
    const struct xml_limits *limits,
    usher_status (*read)(struct arena *mem, const struct xml_node *root, struct answer *out,
	struct usher_error *err),
    struct answer *out, struct usher_error *err)
{
	const struct xml_node *root;
	struct answer answer;
	usher_status st;

	st = xml_read_answer(reader, mem, xml, limits, &root, err);
	if (st == USHER_OK)
		st = read(mem, root, &answer, err);
	if (st == USHER_OK)
		*out = answer;
	return st;
}
