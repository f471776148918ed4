/* xml.c - the binding to libxml2: events of its parser become a small tree in an arena. */
#include "wire/xml.h"

#include <stdlib.h>
#include <string.h>

#include <libxml/SAX2.h>
#include <libxml/dict.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "base/err.h"
#include "base/text.h"

enum {
	DECLARATION_BYTES = 256, /* where an encoding is looked for */
	/* Names stay in the parser's dictionary from one document to the next. A peer that sends
	 * new ones each time must not make it grow for ever. */
	DICTIONARY_NAMES = 1024,
	KEPT_TEXT_BYTES = XML_MAX_TEXT_BYTES
};

struct open_element {
	struct xml_node *node;
	const struct xml_node **tail; /* where its next child is hung */
	size_t mark;		      /* where its text begins */
};

struct xml_reader {
	xmlParserCtxtPtr parser; /* NULL: to be made at the next document */
	struct buf text;	 /* character data of all open elements, innermost last */
	struct buf utf8;	 /* the document, as UTF-8 and with a NUL */

	/* the document being read */
	struct arena *mem;
	struct open_element open[XML_MAX_DEPTH];
	size_t depth;
	size_t elements_left;
	/* Each namespace is copied once, however often elements change between them. */
	const char *spaces[XML_MAX_SPACES];
	size_t n_spaces;
	const struct xml_node *root;
	usher_status status;
	struct usher_error *err;
};

/* Ends the document from inside an event: no further event comes. */
static void
stop(struct xml_reader *r, usher_status status, const char *why)
{
	if (r->status != USHER_OK)
		return;
	r->status = status;
	if (status == USHER_E_NOMEM)
		(void)err_nomem(r->err, "XML");
	else
		(void)err_set(
		    r->err, status, NULL, "XML line %d: %s", xmlSAX2GetLineNumber(r->parser), why);
	xmlStopParser(r->parser);
}

static bool
copy_attributes(struct xml_reader *r, struct xml_node *node, int n, const xmlChar **from)
{
	struct xml_attribute *to;

	to = arena_array(r->mem, (size_t)n, sizeof(*to));
	if (to == NULL)
		return false;
	/* Five pointers each: local name, prefix, namespace, begin and end of the value. */
	for (size_t i = 0; i < (size_t)n; i++, from += 5) {
		to[i].name = arena_strdup(r->mem, (const char *)from[0]);
		to[i].value = arena_copy(r->mem, slice_from(from[3], (size_t)(from[4] - from[3])));
		if (to[i].name == NULL || to[i].value == NULL)
			return false;
	}
	node->attributes = to;
	node->n_attributes = (size_t)n;
	return true;
}

/* Nearly all elements are in the namespace of the one before. */
static bool
set_space(struct xml_reader *r, struct xml_node *node, const char *uri)
{
	size_t i = r->n_spaces;

	if (uri == NULL)
		return true;
	while (i > 0 && strcmp(r->spaces[i - 1], uri) != 0)
		i--;
	if (i > 0) {
		node->space = r->spaces[i - 1];
		return true;
	}
	if (r->n_spaces == XML_MAX_SPACES) {
		stop(r, USHER_E_LIMIT, "too many namespaces");
		return false;
	}
	node->space = arena_strdup(r->mem, uri);
	if (node->space != NULL)
		r->spaces[r->n_spaces++] = node->space;
	return node->space != NULL;
}

static void
on_start(void *user, const xmlChar *name, UNUSED const xmlChar *prefix, const xmlChar *uri,
    UNUSED int n_namespaces, UNUSED const xmlChar **namespaces, int n_attributes,
    UNUSED int n_defaulted, const xmlChar **attributes)
{
	struct xml_reader *r = user;
	struct open_element *parent = r->depth == 0 ? NULL : &r->open[r->depth - 1];
	struct xml_node *node;

	if (r->depth == XML_MAX_DEPTH) {
		stop(r, USHER_E_LIMIT, "elements are nested too deeply");
		return;
	}
	if (r->elements_left == 0) {
		stop(r, USHER_E_LIMIT, "too many elements");
		return;
	}
	if (n_attributes > XML_MAX_ATTRIBUTES) {
		stop(r, USHER_E_LIMIT, "too many attributes");
		return;
	}
	r->elements_left--;

	node = arena_zalloc(r->mem, sizeof(*node));
	if (node != NULL)
		node->name = arena_strdup(r->mem, (const char *)name);
	if (node == NULL || node->name == NULL || !set_space(r, node, (const char *)uri) ||
	    (n_attributes > 0 && !copy_attributes(r, node, n_attributes, attributes))) {
		stop(r, USHER_E_NOMEM, NULL);
		return;
	}
	node->text = "";
	node->line = (size_t)xmlSAX2GetLineNumber(r->parser);
	if (parent == NULL) {
		r->root = node;
	} else {
		*parent->tail = node;
		parent->tail = &node->next;
	}
	r->open[r->depth++] = (struct open_element){ node, &node->first, r->text.n };
}

static void
on_text(void *user, const xmlChar *p, int n)
{
	struct xml_reader *r = user;
	struct slice s = slice_from(p, (size_t)n);
	size_t so_far = r->text.n - r->open[r->depth - 1].mark;

	/* The indentation between children is most of the text there is. */
	while (so_far == 0 && s.n > 0 && text_is_space(s.p[0]))
		s = slice_skip(s, 1);
	if (s.n > XML_MAX_TEXT_BYTES - so_far) {
		stop(r, USHER_E_LIMIT, "the text of an element is too long");
		return;
	}
	buf_slice(&r->text, s);
	if (r->text.status != USHER_OK)
		stop(r, USHER_E_NOMEM, NULL);
}

static void
on_end(
    void *user, UNUSED const xmlChar *name, UNUSED const xmlChar *prefix, UNUSED const xmlChar *uri)
{
	struct xml_reader *r = user;
	struct open_element *e = &r->open[--r->depth];
	struct slice text = slice_trim(slice_skip(buf_as_slice(&r->text), e->mark));

	if (text.n > 0)
		e->node->text = arena_copy(r->mem, text);
	buf_cut(&r->text, e->mark);
	if (e->node->text == NULL)
		stop(r, USHER_E_NOMEM, NULL);
}

/* Called at `<!DOCTYPE name`, before anything that stands inside is looked at. */
static void
on_doctype(void *user, UNUSED const xmlChar *name, UNUSED const xmlChar *public_id,
    UNUSED const xmlChar *system_id)
{
	stop(user, USHER_E_INPUT, "a document type declaration is not allowed");
}

static usher_status
report(struct xml_reader *r)
{
	const xmlError *e = xmlCtxtGetLastError(r->parser);
	struct slice message;

	if (e == NULL || e->code == XML_ERR_NO_MEMORY)
		return err_nomem(r->err, "XML");
	message = slice_trim(slice_of(e->message));
	return err_set(r->err, USHER_E_INPUT, NULL, "XML line %d: %.*s", e->line, (int)message.n,
	    message.n == 0 ? "not well-formed" : message.p);
}

/* The first fatal error ends the document; those that follow from it would only confuse. An
 * undeclared prefix is none: names are read without it. */
static void
on_error(void *user, UNUSED const char *format, ...)
{
	struct xml_reader *r = user;
	const xmlError *e = xmlCtxtGetLastError(r->parser);

	if (r->status != USHER_OK || e == NULL || e->level != XML_ERR_FATAL)
		return;
	r->status = report(r);
	xmlStopParser(r->parser);
}

/* Where there is no parser to tell, libxml2 writes to standard error by way of the thread's
 * generic handler. That handler is the program's, so it is only borrowed. */
struct handler {
	xmlGenericErrorFunc function;
	void *context;
};

static void
ignore_error(UNUSED void *context, UNUSED const char *format, ...)
{
}

static struct handler
borrow_handler(void)
{
	struct handler theirs = { xmlGenericError, xmlGenericErrorContext };

	xmlSetGenericErrorFunc(NULL, ignore_error);
	return theirs;
}

static void
give_back_handler(struct handler theirs)
{
	xmlSetGenericErrorFunc(theirs.context, theirs.function);
}

static bool
make_parser(struct xml_reader *r)
{
	struct handler theirs = borrow_handler();

	r->parser = xmlNewParserCtxt();
	give_back_handler(theirs);
	if (r->parser == NULL)
		return false;
	*r->parser->sax = (xmlSAXHandler){
		.initialized = XML_SAX2_MAGIC,
		.internalSubset = on_doctype,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_text,
		.ignorableWhitespace = on_text,
		.cdataBlock = on_text,
		.error = on_error,
		.fatalError = on_error,
	};
	r->parser->userData = r;
	return true;
}

static void
drop_parser(struct xml_reader *r)
{
	xmlFreeParserCtxt(r->parser);
	r->parser = NULL;
}

struct xml_reader *
xml_reader_new(void)
{
	struct xml_reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	buf_init(&r->text, (size_t)XML_MAX_DEPTH * XML_MAX_TEXT_BYTES);
	xmlInitParser();
	if (!make_parser(r)) {
		free(r);
		return NULL;
	}
	return r;
}

void
xml_reader_free(struct xml_reader *r)
{
	if (r == NULL)
		return;
	if (r->parser != NULL)
		drop_parser(r);
	buf_clear(&r->text);
	buf_clear(&r->utf8);
	free(r);
}

void
xml_reader_cleanup(struct xml_reader **r)
{
	xml_reader_free(*r);
	*r = NULL;
}

/* What the declaration says, or an empty slice. Its grammar is the parser's business. */
static struct slice
declared_encoding(struct slice document)
{
	static const char word[] = "encoding";
	struct cursor c = cursor_on(document);
	struct slice head;
	const char *at;
	char quote;

	if (!slice_starts(document, SLICE_LITERAL("<?xml")))
		return (struct slice){ NULL, 0 };
	head = cursor_until(&c, '>', DECLARATION_BYTES);
	at = head.n == 0 ? NULL : memmem(head.p, head.n, word, sizeof(word) - 1);
	if (at == NULL)
		return (struct slice){ NULL, 0 };
	c = cursor_on(slice_skip(head, (size_t)(at - head.p) + sizeof(word) - 1));
	cursor_blanks(&c);
	(void)cursor_char(&c, '=');
	cursor_blanks(&c);
	quote = cursor_peek(&c) == '\'' ? '\'' : '"';
	(void)cursor_char(&c, quote);
	return cursor_until(&c, quote, DECLARATION_BYTES);
}

static usher_status
from_utf16(struct buf *out, struct slice s, bool big_endian, struct usher_error *err)
{
	uint32_t high = 0; /* first half of a pair, waiting */

	if (s.n % 2 != 0)
		return err_set(err, USHER_E_INPUT, NULL, "XML: UTF-16 of an odd number of bytes");
	for (size_t i = 0; i < s.n; i += 2) {
		unsigned char a = (unsigned char)s.p[i], b = (unsigned char)s.p[i + 1];
		uint32_t unit = big_endian ? (uint32_t)a << 8 | b : (uint32_t)b << 8 | a;
		bool low = unit >= 0xdc00 && unit <= 0xdfff;

		if (low != (high != 0))
			return err_set(err, USHER_E_INPUT, NULL, "XML: half a UTF-16 pair");
		if (unit >= 0xd800 && unit <= 0xdbff) {
			high = unit;
			continue;
		}
		text_put_utf8(
		    out, low ? 0x10000 + ((high - 0xd800) << 10) + (unit - 0xdc00) : unit);
		high = 0;
	}
	return USHER_OK;
}

static bool
is_one_of(struct slice name, const char *const *names)
{
	while (*names != NULL && !slice_is_nocase(name, *names))
		names++;
	return *names != NULL;
}

/* Puts the document as UTF-8 without byte order mark into r->utf8, so that the parser never
 * converts anything and finds it in one piece. */
static usher_status
to_utf8(struct xml_reader *r, struct slice document, struct usher_error *err)
{
	static const char *const as_utf8[] = { "utf-8", "utf8", "us-ascii", "ascii",
		"utf-16" /* what some programs declare while they send UTF-8 */, NULL };
	static const char *const as_cp1252[] = { "iso-8859-1", "latin1", "windows-1252", NULL };
	usher_status st = USHER_OK;
	struct slice name;

	/* Three times is the most that a conversion makes of it. */
	buf_reset(&r->utf8);
	r->utf8.max = document.n * 3;
	name = declared_encoding(document);
	if (slice_starts(document, SLICE_LITERAL("\xef\xbb\xbf")))
		buf_slice(&r->utf8, slice_skip(document, 3));
	else if (slice_starts(document, SLICE_LITERAL("\xff\xfe")))
		st = from_utf16(&r->utf8, slice_skip(document, 2), false, err);
	else if (slice_starts(document, SLICE_LITERAL("\xfe\xff")))
		st = from_utf16(&r->utf8, slice_skip(document, 2), true, err);
	else if (is_one_of(name, as_cp1252))
		text_from_cp1252(&r->utf8, document);
	else if (name.n == 0 || is_one_of(name, as_utf8))
		buf_slice(&r->utf8, document);
	else
		return err_set(err, USHER_E_INPUT, NULL,
		    "XML: the encoding %.*s is not read here; send UTF-8", (int)name.n, name.p);
	if (st == USHER_OK && r->utf8.status != USHER_OK)
		st = err_nomem(err, "XML");
	return st;
}

/* libxml2 compares each attribute and namespace declaration of a tag with all others of it before
 * it tells of any: a tag of a megabyte takes it nine seconds. Each has a `=`. */
static usher_status
check_bytes(struct slice document, size_t equals_max, struct usher_error *err)
{
	size_t at;

	/* The parser takes a NUL for the end of the document. */
	if (slice_find(document, '\0') != document.n)
		return err_set(err, USHER_E_INPUT, NULL, "XML: a NUL byte");
	while ((at = slice_find(document, '=')) != document.n) {
		if (equals_max-- == 0)
			return err_set(err, USHER_E_LIMIT, NULL, "XML: too many attributes");
		document = slice_skip(document, at + 1);
	}
	return USHER_OK;
}

static usher_status
parse(struct xml_reader *r)
{
	/* The encoding is settled. NOENT has `&amp;` in an attribute given as `&`; without a
	 * document type there are no other entities. NONET: nothing is loaded anyway. */
	const int options = XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_IGNORE_ENC;

	struct handler theirs;
	xmlParserInputPtr input;

	if (r->parser == NULL && !make_parser(r))
		return err_nomem(r->err, "XML");
	theirs = borrow_handler();
	/* Not xmlCtxtReadMemory(), which copies the document and asks again and again whether there
	 * is more of it. */
	xmlCtxtReset(r->parser);
	(void)xmlCtxtUseOptions(r->parser, options);
	input = xmlNewStringInputStream(r->parser, (const xmlChar *)buf_cstr(&r->utf8));
	if (input != NULL) {
		(void)inputPush(r->parser, input);
		(void)xmlParseDocument(r->parser);
	}
	give_back_handler(theirs);
	if (input == NULL)
		return err_nomem(r->err, "XML");
	if (r->status != USHER_OK)
		return r->status;
	if (!r->parser->wellFormed || r->root == NULL)
		return report(r);
	return USHER_OK;
}

usher_status
xml_read(struct xml_reader *r, struct arena *mem, struct slice document,
    const struct xml_limits *limits, const struct xml_node **root, struct usher_error *err)
{
	usher_status st;

	if (document.n > limits->bytes)
		return err_set(err, USHER_E_LIMIT, NULL,
		    "XML: the document has %zu bytes, more than the %zu allowed", document.n,
		    limits->bytes);
	r->mem = mem;
	r->depth = 0;
	r->elements_left = limits->elements;
	r->n_spaces = 0;
	r->root = NULL;
	r->status = USHER_OK;
	r->err = err;
	buf_reset(&r->text);

	st = to_utf8(r, document, err);
	if (st == USHER_OK)
		st = check_bytes(buf_as_slice(&r->utf8), limits->elements, err);
	if (st == USHER_OK)
		st = parse(r);
	if (st == USHER_OK)
		*root = r->root;

	if (r->utf8.size > KEPT_TEXT_BYTES)
		buf_clear(&r->utf8);
	if (r->text.size > KEPT_TEXT_BYTES)
		buf_clear(&r->text);
	/* After a failure there is no telling what state the parser is in; good clients are not
	 * slowed by making a new one. */
	if (r->parser != NULL &&
	    (st != USHER_OK || xmlDictSize(r->parser->dict) > DICTIONARY_NAMES))
		drop_parser(r);
	return st;
}

usher_status
xml_read_answer(struct xml_reader *r, struct arena *mem, struct slice document,
    const struct xml_limits *limits, const struct xml_node **root, struct usher_error *err)
{
	usher_status st = xml_read(r, mem, document, limits, root, err);

	if (st != USHER_E_INPUT)
		return st;
	if (err != NULL)
		err->status = USHER_E_PEER;
	return USHER_E_PEER;
}

const struct xml_node *
xml_child(const struct xml_node *node, const char *name)
{
	for (const struct xml_node *c = node->first; c != NULL; c = c->next)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

const char *
xml_child_text(const struct xml_node *node, const char *name)
{
	const struct xml_node *child = xml_child(node, name);

	return child == NULL || child->text[0] == '\0' ? NULL : child->text;
}

const char *
xml_attribute_value(const struct xml_node *node, const char *name)
{
	for (size_t i = 0; i < node->n_attributes; i++)
		if (strcmp(node->attributes[i].name, name) == 0)
			return node->attributes[i].value[0] == '\0' ? NULL :
								      node->attributes[i].value;
	return NULL;
}
