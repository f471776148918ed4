/* elements.h - XML elements that hold one value each, described by rows: one row serves reader and
 * writer. */
#ifndef USHER_WIRE_ELEMENTS_H
#define USHER_WIRE_ELEMENTS_H

#include "model/answer.h"
#include "wire/xml.h"

struct element {
	struct field field; /* `name` is the element's */
	unsigned places;    /* bits of the kinds of record that write it here; 0: each does */
};

/* clang-format off */
#define ELEMENT(of, element, member, value, top, places) \
	{ { .name = (element), .type = (value), .offset = offsetof(of, member), .max = (top) }, \
	    (places) }
#define ELEMENT_TEXT(of, element, member) ELEMENT(of, element, member, FIELD_TEXT, 0, 0)
#define ELEMENT_LIST(name, rows) { name, rows, COUNT_OF(rows) }
/* clang-format on */

/* The children of an element, in the order in which they are written. */
struct element_list {
	const char *name; /* of the parent */
	const struct element *rows;
	size_t n;
};

/* On, true and 1, off, false and 0, in any letter case. */
enum tri
element_switch(const char *text);

/* Sets the member unless it is set already: the first of several elements of one name counts. A
 * value that makes no sense is as good as none: a server's slip in one setting must not cost the
 * user all the others. `text` must live as long as the record. */
void
element_read(const struct field *f, void *record, const char *text);

/* The children of `node` that the list has rows for; others are read over. */
void
elements_read(const struct xml_node *node, const struct element_list *list, void *record);

/* One of them at least is present. */
bool
elements_present(const struct element_list *list, const void *record);

/* Those that are present, `words` being what off and on are called. */
void
elements_write(struct xml_writer *w, const struct element_list *list, const void *record,
    const char *const words[2]);

/* Reads a peer's document whose root `read` makes an answer of; *out is written on success only.
 * Returns what xml_read_answer() and `read` do. */
USHER_CHECK usher_status
elements_read_answer(struct xml_reader *reader, struct arena *mem, struct slice xml,
    const struct xml_limits *limits,
    usher_status (*read)(struct arena *mem, const struct xml_node *root, struct answer *out,
	struct usher_error *err),
    struct answer *out, struct usher_error *err);

/* How many children have that local name. */
size_t
elements_count(const struct xml_node *node, const char *name);

#endif
