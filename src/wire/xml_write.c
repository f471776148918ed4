/* xml_write.c - writing XML: tags on their lines, and escaping at the sink. */
#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "wire/xml.h"

/* What stands for the character at s.p[i], or NULL when it stands for itself. *n is its length. */
static const char *
replacement(struct slice s, size_t i, size_t *n)
{
	static const char unknown[] = "\xef\xbf\xbd"; /* U+FFFD */
	unsigned char c = (unsigned char)s.p[i];

	*n = 1;
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\t': /* as a reference it survives in an attribute, and CR anywhere */
		return "&#9;";
	case '\n':
		return "&#10;";
	case '\r':
		return "&#13;";
	default:
		break;
	}
	if (c < 0x80)
		return c < 0x20 ? unknown : NULL;

	*n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (*n > s.n - i || !text_utf8_valid(slice_from(s.p + i, *n))) {
		*n = 1;
		return unknown;
	}
	return memcmp(s.p + i, "\xef\xbf\xbe", *n) == 0 ||
		       memcmp(s.p + i, "\xef\xbf\xbf", *n) == 0 ?
		   unknown :
		   NULL;
}

void
xml_escape(struct buf *out, struct slice s)
{
	size_t plain = 0; /* from here on not yet written */
	size_t n;

	for (size_t i = 0; i < s.n; i += n) {
		const char *instead = replacement(s, i, &n);

		if (instead == NULL)
			continue;
		buf_append(out, s.p + plain, i - plain);
		buf_text(out, instead);
		plain = i + n;
	}
	buf_slice(out, slice_skip(s, plain));
}

struct xml_writer
xml_writer_on(struct buf *out)
{
	buf_text(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
	return (struct xml_writer){ out, 0 };
}

static void
indent(struct xml_writer *w)
{
	for (unsigned i = 0; i < w->depth; i++)
		buf_append(w->out, "  ", 2);
}

static void
begin_tag(struct xml_writer *w, const char *name, const struct xml_attribute *attributes, size_t n)
{
	indent(w);
	buf_char(w->out, '<');
	buf_text(w->out, name);
	for (size_t i = 0; i < n; i++) {
		buf_char(w->out, ' ');
		buf_text(w->out, attributes[i].name);
		buf_text(w->out, "=\"");
		xml_escape(w->out, slice_of(attributes[i].value));
		buf_char(w->out, '"');
	}
}

static void
end_tag(struct xml_writer *w, const char *name)
{
	buf_text(w->out, "</");
	buf_text(w->out, name);
	buf_text(w->out, ">\n");
}

void
xml_open(struct xml_writer *w, const char *name, const struct xml_attribute *attributes, size_t n)
{
	assert(w->depth < XML_MAX_DEPTH);
	begin_tag(w, name, attributes, n);
	buf_text(w->out, ">\n");
	w->depth++;
}

void
xml_close(struct xml_writer *w, const char *name)
{
	assert(w->depth > 0);
	w->depth--;
	indent(w);
	end_tag(w, name);
}

void
xml_leaf(struct xml_writer *w, const char *name, const struct xml_attribute *attributes, size_t n,
    const char *text)
{
	begin_tag(w, name, attributes, n);
	if (text[0] == '\0') {
		buf_text(w->out, " />\n");
		return;
	}
	buf_char(w->out, '>');
	xml_escape(w->out, slice_of(text));
	end_tag(w, name);
}
