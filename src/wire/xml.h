/* xml.h - XML in and out: a small tree read from untrusted bytes, and escaping at the sink.
 *
 * Reading is the one binding to libxml2. No DTD, no entities but the five of XML and character
 * references, no network, no output to standard error; all sizes and counts are capped. */
#ifndef USHER_WIRE_XML_H
#define USHER_WIRE_XML_H

#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "usher/status.h"

enum {
	XML_MAX_DEPTH = 32,
	XML_MAX_ATTRIBUTES = 16,       /* of one element, namespace declarations apart */
	XML_MAX_SPACES = 32,	       /* namespaces that elements of a document are in */
	XML_MAX_TEXT_BYTES = 64 * 1024 /* character data of one element */
};

struct xml_attribute {
	const char *name; /* local name */
	const char *value;
};

/* An element. Comments and processing instructions leave no trace. */
struct xml_node {
	const char *name;  /* local name */
	const char *space; /* namespace, or NULL; most readers look at names alone */
	const char *text;  /* its own character data, children's left out, trimmed; "" when none */
	const struct xml_attribute *attributes;
	size_t n_attributes;
	const struct xml_node *first; /* child */
	const struct xml_node *next;  /* sibling */
	size_t line;		      /* of its start tag, from 1 */
};

/* Parser memory that is used again for each document. One thread at a time. */
struct xml_reader;

/* NULL when out of memory. */
struct xml_reader *
xml_reader_new(void);

/* NULL is ignored. */
void
xml_reader_free(struct xml_reader *reader);

/* For CLEANUP(). */
void
xml_reader_cleanup(struct xml_reader **reader);

struct xml_limits {
	size_t bytes;	 /* of the document as sent */
	size_t elements; /* in all; and as many `=` characters */
};

/* Reads a whole document. The tree lies in `mem` and takes less than 110 bytes per element and 20
 * per attribute above the document's own size in UTF-8. UTF-8 with or without byte order mark,
 * UTF-16 by its byte order mark, ISO-8859-1 and windows-1252 when the declaration says so.
 *
 * Returns USHER_OK
 *         USHER_E_INPUT  not well-formed, a document type declaration, another encoding, a NUL;
 *                        the message names the line
 *         USHER_E_LIMIT  over a limit
 *         USHER_E_NOMEM */
USHER_CHECK usher_status
xml_read(struct xml_reader *reader, struct arena *mem, struct slice document,
    const struct xml_limits *limits, const struct xml_node **root, struct usher_error *err);

/* The same for what a peer answered: USHER_E_PEER in place of USHER_E_INPUT. */
USHER_CHECK usher_status
xml_read_answer(struct xml_reader *reader, struct arena *mem, struct slice document,
    const struct xml_limits *limits, const struct xml_node **root, struct usher_error *err);

/* The first child element of that local name, or NULL. */
const struct xml_node *
xml_child(const struct xml_node *node, const char *name);

/* The text of that child, NULL when it is missing or empty. */
const char *
xml_child_text(const struct xml_node *node, const char *name);

/* The value of the attribute of that local name, NULL when it is missing or empty. */
const char *
xml_attribute_value(const struct xml_node *node, const char *name);

/* Writes elements, each on its line, indented by two spaces a level. Failure sticks in `out`. */
struct xml_writer {
	struct buf *out;
	unsigned depth;
};

/* Writes the declaration. */
struct xml_writer
xml_writer_on(struct buf *out);

/* A start tag that children follow; `attributes` have names and values to escape. */
void
xml_open(struct xml_writer *w, const char *name, const struct xml_attribute *attributes, size_t n);

void
xml_close(struct xml_writer *w, const char *name);

/* An element with text alone; an empty `text` gives `<name />`. */
void
xml_leaf(struct xml_writer *w, const char *name, const struct xml_attribute *attributes, size_t n,
    const char *text);

/* Appends `s` as character data or attribute value. What XML 1.0 cannot carry (control characters,
 * U+FFFE, U+FFFF, bytes that are not UTF-8) becomes U+FFFD. */
void
xml_escape(struct buf *out, struct slice s);

#endif
