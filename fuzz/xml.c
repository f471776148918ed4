/* xml.c - any bytes: the reader survives them, and the writer's escaping makes them readable. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/xml.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 1024 * 1024, ELEMENTS = 1000 };

static size_t
walk(const struct xml_node *node)
{
	size_t n = strlen(node->name) + strlen(node->text) + node->line;

	for (size_t i = 0; i < node->n_attributes; i++)
		n += strlen(node->attributes[i].value);
	for (const struct xml_node *c = node->first; c != NULL; c = c->next)
		n += walk(c);
	return n;
}

static void
read_escaped(struct xml_reader *reader, struct slice text)
{
	const struct xml_limits limits = { 8 * XML_MAX_TEXT_BYTES, 1 };
	struct arena *mem = arena_new(MEMORY);
	struct buf b = { .max = limits.bytes };
	const struct xml_node *root;

	buf_text(&b, "<a b=\"");
	xml_escape(&b, text);
	buf_text(&b, "\">");
	xml_escape(&b, text);
	buf_text(&b, "</a>");
	if (mem != NULL && b.status == USHER_OK &&
	    xml_read(reader, mem, buf_as_slice(&b), &limits, &root, NULL) == USHER_E_INPUT)
		abort();
	buf_clear(&b);
	arena_free(mem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct xml_limits limits = { 256 * 1024, ELEMENTS };
	struct xml_reader *reader = xml_reader_new();
	struct arena *mem = arena_new(MEMORY);
	const struct xml_node *root;

	if (reader != NULL && mem != NULL) {
		/* Twice, because a parser is used again. */
		for (int i = 0; i < 2; i++)
			if (xml_read(reader, mem, slice_from(data, size), &limits, &root, NULL) ==
			    USHER_OK)
				(void)walk(root);
		if (size <= XML_MAX_TEXT_BYTES / 3)
			read_escaped(reader, slice_from(data, size));
	}
	arena_free(mem);
	xml_reader_free(reader);
	return 0;
}
