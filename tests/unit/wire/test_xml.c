/* test_xml.c - what the XML reader takes, what it refuses, and what the writer makes of bad text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/xml.h"

static const struct xml_limits limits = { .bytes = 64 * 1024, .elements = 100 };

/* `name(attribute=value)[text]{children}`, so that a whole tree is compared as one line. */
static void
dump(struct buf *b, const struct xml_node *node)
{
	buf_text(b, node->name);
	for (size_t i = 0; i < node->n_attributes; i++)
		buf_printf(b, "(%s=%s)", node->attributes[i].name, node->attributes[i].value);
	if (node->text[0] != '\0')
		buf_printf(b, "[%s]", node->text);
	for (const struct xml_node *c = node->first; c != NULL; c = c->next) {
		buf_char(b, c == node->first ? '{' : ' ');
		dump(b, c);
		if (c->next == NULL)
			buf_char(b, '}');
	}
}

static const struct good {
	const char *label;
	struct slice document;
	const char *tree;
} good[] = {
#define GOOD(label, document, tree) \
	{ \
		label, SLICE_LITERAL(document), tree \
	}
	GOOD("no declaration", "<a/>", "a"),
	GOOD("declaration", "<?xml version=\"1.0\" encoding=\"utf-8\"?><a>x</a>", "a[x]"),
	GOOD("byte order mark", "\xef\xbb\xbf<?xml version='1.0'?><a>\xc3\xa9</a>", "a[\xc3\xa9]"),
	GOOD("mark beats declaration",
	    "\xef\xbb\xbf<?xml version='1.0' encoding='iso-8859-1'?><a>\xc3\xa9</a>",
	    "a[\xc3\xa9]"),
	GOOD("UTF-16 declared, UTF-8 sent",
	    "<?xml version='1.0' encoding='UTF-16'?><a>\xc3\xa9</a>", "a[\xc3\xa9]"),
	GOOD("Latin-1", "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>", "a[\xc3\xa9]"),
	GOOD("windows-1252", "<?xml version='1.0' encoding = \"Windows-1252\" ?><a>\x80</a>",
	    "a[\xe2\x82\xac]"),
	GOOD("UTF-16 little-endian", "\xff\xfe<\0a\0>\0\xe9\0\x3d\xd8\x00\xde<\0/\0a\0>\0",
	    "a[\xc3\xa9\xf0\x9f\x98\x80]"),
	GOOD("UTF-16 big-endian", "\xfe\xff\0<\0a\0>\0\xe9\0<\0/\0a\0>", "a[\xc3\xa9]"),
	GOOD("the five entities", "<a>&lt;&amp;&gt;&quot;&apos;</a>", "a[<&>\"']"),
	GOOD("character references", "<a>&#233;&#x1F600;</a>", "a[\xc3\xa9\xf0\x9f\x98\x80]"),
	GOOD("CDATA", "<a>x<![CDATA[<&]]>y</a>", "a[x<&y]"),
	GOOD("comments and instructions", "<!-- c --><a>x<!-- <b/> -->y<?php echo?></a><!-- d -->",
	    "a[xy]"),
	GOOD("blanks are trimmed", "<a>\r\n  x y\t</a>", "a[x y]"),
	GOOD("mixed content", "<a> p <b>q</b> r <c>s</c> t </a>", "a[p  r  t]{b[q] c[s]}"),
	GOOD("prefixes", "<x:a xmlns:x='urn:u'><x:b>1</x:b></x:a>", "a{b[1]}"),
	GOOD("undeclared prefix", "<x:a><y:b>1</y:b></x:a>", "a{b[1]}"),
	GOOD("attributes", "<a T='m&amp;n' V=\"1\" xmlns='urn:u' xmlns:p='urn:p' p:W='2'/>",
	    "a(T=m&n)(V=1)(W=2)"),
	GOOD("siblings", "<a><b/><b>2</b><c><b>3</b></c></a>", "a{b b[2] c{b[3]}}"),
	GOOD("XML 1.1", "<?xml version='1.1'?><a/>", "a"),
};

static void
test_good(void **state)
{
	struct xml_reader *reader = xml_reader_new();

	(void)state;
	assert_non_null(reader);
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct arena *mem = arena_new(64 * 1024);
		const struct xml_node *root = NULL;
		struct usher_error err = { 0 };
		struct buf b = { .max = 4096 };

		if (xml_read(reader, mem, good[i].document, &limits, &root, &err) != USHER_OK)
			fail_msg("%s: %s", good[i].label, err.message);
		dump(&b, root);
		if (strcmp(buf_cstr(&b), good[i].tree) != 0)
			fail_msg("%s: %s", good[i].label, buf_cstr(&b));
		buf_clear(&b);
		arena_free(mem);
	}
	xml_reader_free(reader);
}

static const struct bad {
	const char *label;
	struct slice document;
	usher_status status;
	const char *message; /* part of it */
} bad[] = {
#define BAD(label, document, status, message) \
	{ \
		label, SLICE_LITERAL(document), status, message \
	}
	BAD("empty", "", USHER_E_INPUT, "empty"),
	BAD("blanks", " \n ", USHER_E_INPUT, "line"),
	BAD("no XML", "Hello", USHER_E_INPUT, "line 1"),
	BAD("form data", "Email=a%40b&Protocol=x", USHER_E_INPUT, "line 1"),
	BAD("DOCTYPE", "<!DOCTYPE a><a/>", USHER_E_INPUT,
	    "line 1: a document type declaration is not allowed"),
	BAD("external DOCTYPE", "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", USHER_E_INPUT,
	    "document type declaration"),
	BAD("entity bomb",
	    "<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY b 'x'><!ENTITY c '&b;&b;&b;&b;'>"
	    "<!ENTITY d '&c;&c;&c;&c;'>]><a>&d;</a>",
	    USHER_E_INPUT, "line 2: a document type declaration"),
	BAD("external entity", "<!DOCTYPE a [<!ENTITY x SYSTEM 'http://127.0.0.1:1/'>]><a>&x;</a>",
	    USHER_E_INPUT, "document type declaration"),
	BAD("parameter entity", "<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/'> %p;]><a/>",
	    USHER_E_INPUT, "document type declaration"),
	BAD("DOCTYPE in UTF-16", "\xff\xfe<\0!\0D\0O\0C\0T\0Y\0P\0E\0 \0a\0>\0<\0a\0/\0>\0",
	    USHER_E_INPUT, "document type declaration"),
	BAD("unknown entity", "<a>\n&nbsp;</a>", USHER_E_INPUT, "line 2: Entity 'nbsp'"),
	BAD("unknown entity in an attribute", "<a b='&nbsp;'/>", USHER_E_INPUT, "'nbsp'"),
	BAD("reference to NUL", "<a>&#0;</a>", USHER_E_INPUT, "line 1"),
	BAD("reference to a control character", "<a>&#8;</a>", USHER_E_INPUT, "line 1"),
	BAD("control character", "<a>\x01</a>", USHER_E_INPUT, "line 1"),
	BAD("NUL inside", "<a>x\0y</a>", USHER_E_INPUT, "NUL"),
	BAD("NUL after the root", "<a/>\0", USHER_E_INPUT, "NUL"),
	BAD("two roots", "<a/><b/>", USHER_E_INPUT, "line 1: Extra content"),
	BAD("text after the root", "<a/>x", USHER_E_INPUT, "Extra content"),
	BAD("mismatch", "<a>\n<b></a>", USHER_E_INPUT, "line 2: Opening and ending tag mismatch"),
	BAD("open end", "<a><b>", USHER_E_INPUT, "line 1"),
	BAD("double attribute", "<a b='1' b='2'/>", USHER_E_INPUT, "Attribute b redefined"),
	BAD("invalid UTF-8", "<a>\xc3(</a>", USHER_E_INPUT, "UTF-8"),
	BAD("overlong UTF-8", "<a>\xc0\xaf</a>", USHER_E_INPUT, "UTF-8"),
	BAD("surrogate in UTF-8", "<a>\xed\xa0\x80</a>", USHER_E_INPUT, "line 1"),
	BAD("Latin-1 not declared", "<a>caf\xe9</a>", USHER_E_INPUT, "UTF-8"),
	BAD("odd UTF-16", "\xff\xfe<\0a\0/\0>", USHER_E_INPUT, "odd"),
	BAD("half a pair", "\xff\xfe<\0a\0>\0\x3d\xd8<\0/\0a\0>\0", USHER_E_INPUT, "pair"),
	BAD("second half first", "\xff\xfe<\0a\0>\0\x00\xde<\0/\0a\0>\0", USHER_E_INPUT, "pair"),
	BAD("UTF-16 without mark", "<\0a\0/\0>\0", USHER_E_INPUT, "NUL"),
	BAD("UTF-32", "\xff\xfe\0\0<\0\0\0a\0\0\0/\0\0\0>\0\0\0", USHER_E_INPUT, "NUL"),
	BAD("UTF-7", "<?xml version='1.0' encoding='UTF-7'?><a>+ADw-</a>", USHER_E_INPUT,
	    "encoding UTF-7 is not read here; send UTF-8"),
	BAD("EBCDIC", "\x4c\x6f\xa7\x94\x93\x40", USHER_E_INPUT, "line 1"),
	BAD("too many attributes",
	    "<a a1='' a2='' a3='' a4='' a5='' a6='' a7='' a8='' a9='' b1='' b2='' b3='' b4='' "
	    "b5='' "
	    "b6='' b7='' b8=''/>",
	    USHER_E_LIMIT, "too many attributes"),
};

static void
refuse(struct xml_reader *reader, const char *label, struct slice document, usher_status wanted,
    const char *message)
{
	struct arena *mem = arena_new(256 * 1024);
	const struct xml_node *root = NULL;
	struct usher_error err = { 0 };
	usher_status st = xml_read(reader, mem, document, &limits, &root, &err);

	if (st != wanted || root != NULL || strstr(err.message, message) == NULL)
		fail_msg("%s: %s: %s", label, usher_status_name(st), err.message);
	arena_free(mem);
}

static void
test_bad(void **state)
{
	struct xml_reader *reader = xml_reader_new();

	(void)state;
	assert_non_null(reader);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		refuse(reader, bad[i].label, bad[i].document, bad[i].status, bad[i].message);
	xml_reader_free(reader);
}

static void
repeat(struct buf *b, const char *text, size_t times)
{
	for (size_t i = 0; i < times; i++)
		buf_text(b, text);
}

static void
test_limits(void **state)
{
	struct xml_reader *reader = xml_reader_new();
	struct buf b = { .max = 16 * 1024 * 1024 };

	(void)state;
	assert_non_null(reader);
	repeat(&b, "<a>", 1000);
	repeat(&b, "</a>", 1000);
	refuse(reader, "1,000 deep", buf_as_slice(&b), USHER_E_LIMIT, "nested too deeply");

	buf_reset(&b);
	buf_text(&b, "<a>");
	repeat(&b, "<b/>", 100);
	buf_text(&b, "</a>");
	refuse(reader, "101 elements", buf_as_slice(&b), USHER_E_LIMIT, "too many elements");

	buf_reset(&b);
	buf_text(&b, "<a b='");
	repeat(&b, "0123456789", 6000);
	buf_text(&b, "'>");
	refuse(reader, "huge attribute, cut", buf_as_slice(&b), USHER_E_INPUT, "line 1");

	buf_reset(&b);
	buf_text(&b, "<a");
	for (int i = 0; i < 101; i++)
		buf_printf(&b, " xmlns:a%d='u'", i);
	buf_text(&b, "/>");
	refuse(reader, "101 namespaces", buf_as_slice(&b), USHER_E_LIMIT, "too many attributes");

	buf_reset(&b);
	buf_text(&b, "<a>");
	for (int i = 0; i < XML_MAX_SPACES + 1; i++)
		buf_printf(&b, "<b xmlns='u%d'/>", i);
	buf_text(&b, "</a>");
	refuse(
	    reader, "33 namespaces in use", buf_as_slice(&b), USHER_E_LIMIT, "too many namespaces");

	/* This one would take libxml2 seconds. */
	buf_reset(&b);
	buf_text(&b, "<a");
	for (int i = 0; b.n < 60 * 1000; i++)
		buf_printf(&b, " a%d=''", i);
	buf_text(&b, "/>");
	refuse(reader, "attributes", buf_as_slice(&b), USHER_E_LIMIT, "too many attributes");

	buf_reset(&b);
	repeat(&b, "<a>", 1);
	repeat(&b, " ", 10 * 1024 * 1024);
	refuse(reader, "10 MB", buf_as_slice(&b), USHER_E_LIMIT, "more than the 65536 allowed");

	buf_clear(&b);
	xml_reader_free(reader);
}

static void
test_text_limit(void **state)
{
	const struct xml_limits wide = { .bytes = 1024 * 1024, .elements = 10 };
	struct xml_reader *reader = xml_reader_new();
	const struct xml_node *root = NULL;
	struct arena *mem = arena_new(1024 * 1024);
	struct buf b = { .max = 1024 * 1024 };

	(void)state;
	assert_non_null(reader);
	buf_text(&b, "<a>");
	repeat(&b, " ", XML_MAX_TEXT_BYTES);
	repeat(&b, "x", XML_MAX_TEXT_BYTES);
	buf_text(&b, "</a>");
	assert_int_equal(xml_read(reader, mem, buf_as_slice(&b), &wide, &root, NULL), USHER_OK);
	assert_int_equal(strlen(root->text), XML_MAX_TEXT_BYTES);

	buf_cut(&b, b.n - 4);
	buf_text(&b, "x</a>");
	assert_int_equal(
	    xml_read(reader, mem, buf_as_slice(&b), &wide, &root, NULL), USHER_E_LIMIT);
	buf_clear(&b);
	arena_free(mem);
	xml_reader_free(reader);
}

static void
test_truncated(void **state)
{
	static const char text[] = "<?xml version='1.0' encoding='utf-8'?>\n<a b='&amp;'><!-- c -->"
				   "<x:c xmlns:x='urn:u'>\xc3\xa9&#233;<![CDATA[<]]></x:c></a>";
	struct xml_reader *reader = xml_reader_new();

	(void)state;
	assert_non_null(reader);
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		char *exact = malloc(n + 1);
		char label[32];

		assert_non_null(exact);
		memcpy(exact, text, n);
		(void)snprintf(label, sizeof(label), "cut after %zu bytes", n);
		refuse(reader, label, slice_from(exact, n), USHER_E_INPUT, "XML line ");
		free(exact);
	}
	xml_reader_free(reader);
}

/* New names in each document must not make the reader grow, nor spoil what it read before. */
static void
test_reuse(void **state)
{
	struct xml_reader *reader = xml_reader_new();
	struct arena *mem = arena_new(1024 * 1024);
	const struct xml_node *first = NULL;

	(void)state;
	assert_non_null(reader);
	assert_int_equal(
	    xml_read(reader, mem, SLICE_LITERAL("<keep>me</keep>"), &limits, &first, NULL),
	    USHER_OK);
	for (int i = 0; i < 3000; i++) {
		struct arena *own = arena_new(4096);
		const struct xml_node *root = NULL;
		char text[64], name[16];

		(void)snprintf(name, sizeof(name), "n%d", i);
		(void)snprintf(text, sizeof(text), "<%s>%d</%s>", name, i, name);
		assert_int_equal(
		    xml_read(reader, own, slice_of(text), &limits, &root, NULL), USHER_OK);
		assert_string_equal(root->name, name);
		arena_free(own);
	}
	assert_string_equal(first->name, "keep");
	assert_string_equal(first->text, "me");
	arena_free(mem);
	xml_reader_free(reader);
}

static void
test_small_arena(void **state)
{
	struct xml_reader *reader = xml_reader_new();
	size_t ceiling;

	(void)state;
	assert_non_null(reader);
	for (ceiling = 0; ceiling < 4096; ceiling++) {
		struct arena *mem = arena_new(ceiling);
		const struct xml_node *root = NULL;
		usher_status st = xml_read(
		    reader, mem, SLICE_LITERAL("<a b='c'>d<e>f</e></a>"), &limits, &root, NULL);

		arena_free(mem);
		if (st == USHER_OK)
			break;
		assert_int_equal(st, USHER_E_NOMEM);
		assert_null(root);
	}
	assert_in_range(ceiling, 100, 400);
	xml_reader_free(reader);
}

static const struct escaped {
	struct slice in;
	const char *out;
} escaped[] = {
#define ESCAPED(in, out) \
	{ \
		SLICE_LITERAL(in), out \
	}
	ESCAPED("", ""),
	ESCAPED("plain", "plain"),
	ESCAPED("<a href=\"x\">&", "&lt;a href=&quot;x&quot;&gt;&amp;"),
	ESCAPED("a\tb\r\nc", "a&#9;b&#13;&#10;c"),
	ESCAPED("\x01|\x1b|\0|\x7f", "\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd|\x7f"),
	ESCAPED("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
	ESCAPED("\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"),
	ESCAPED("\xc3", "\xef\xbf\xbd"),
	ESCAPED("\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"),
	ESCAPED("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"),
	ESCAPED("\xe2\x82<", "\xef\xbf\xbd\xef\xbf\xbd&lt;"),
	ESCAPED("\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"),
};

static void
test_escape(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(escaped); i++) {
		struct buf b = { .max = 1024 };

		xml_escape(&b, escaped[i].in);
		if (strcmp(buf_cstr(&b), escaped[i].out) != 0)
			fail_msg("row %zu: %s", i, buf_cstr(&b));
		buf_clear(&b);
	}
}

static void
test_write(void **state)
{
	const struct xml_attribute attributes[] = { { "T", "<\"" }, { "V", "1" } };
	struct buf b = { .max = 1024 };
	struct xml_writer w = xml_writer_on(&b);

	(void)state;
	xml_open(&w, "a", attributes, 1);
	xml_open(&w, "b", NULL, 0);
	xml_leaf(&w, "c", attributes, 2, "x & y");
	xml_leaf(&w, "d", NULL, 0, "");
	xml_close(&w, "b");
	xml_close(&w, "a");
	assert_string_equal(buf_cstr(&b), "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
					  "<a T=\"&lt;&quot;\">\n"
					  "  <b>\n"
					  "    <c T=\"&lt;&quot;\" V=\"1\">x &amp; y</c>\n"
					  "    <d />\n"
					  "  </b>\n"
					  "</a>\n");
	buf_clear(&b);
}

/* Elements that change between long namespaces must not copy them each time. */
static void
test_namespaces_are_shared(void **state)
{
	struct xml_reader *reader = xml_reader_new();
	struct arena *mem = arena_new(64 * 1024);
	const struct xml_node *root;
	struct buf b = { .max = 64 * 1024 };

	(void)state;
	buf_text(&b, "<a xmlns:x='");
	repeat(&b, "0123456789", 1000);
	buf_text(&b, "' xmlns:y='");
	repeat(&b, "9876543210", 1000);
	buf_text(&b, "'>");
	repeat(&b, "<x:b/><y:b/>", 40);
	buf_text(&b, "</a>");
	assert_int_equal(xml_read(reader, mem, buf_as_slice(&b), &limits, &root, NULL), USHER_OK);
	assert_ptr_equal(root->first->space, root->first->next->next->space);
	buf_clear(&b);
	arena_free(mem);
	xml_reader_free(reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_namespaces_are_shared),
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_text_limit),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_small_arena),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
