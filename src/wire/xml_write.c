/* xml_write.c - writing XML: tags on their lines, and escaping at the sink. */
#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "wire/xml.h"

/* Bytes that need a second look; all others stand for themselves. */
static const bool special[256] = {
	[0 ... 0x1f] = true,
	['&'] = true,
	['<'] = true,
	['>'] = true,
	['"'] = true,
	[0x80 ... 0xff] = true,
};

/* What stands for the special character at s.p[i], or NULL when it stands for itself. *n is its
 * length. */
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
	case '\t': /* as references they survive in an attribute, and CR anywhere */
		return "&#9;";
	case '\n':
		return "&#10;";
	case '\r':
		return "&#13;";
	default:
		break;
	}
	if (c < 0x80)
		return unknown;

	*n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (*n > s.n - i || !text_utf8_valid(slice_from(s.p + i, *n))) {
		*n = 1;
		return unknown;
	}
	if (memcmp(s.p + i, "\xef\xbf\xbe", *n) == 0 || memcmp(s.p + i, "\xef\xbf\xbf", *n) == 0)
		return unknown;
	return NULL;
}

void
xml_escape(struct buf *out, struct slice s)
{
	size_t plain = 0; /* from here on not yet written */
	size_t i = 0;

	for (;;) {
		const char *instead;
		size_t n;

		while (i < s.n && !special[(unsigned char)s.p[i]])
			i++;
		if (i == s.n)
			break;
		instead = replacement(s, i, &n);
		if (instead != NULL) {
			buf_append(out, s.p + plain, i - plain);
			buf_text(out, instead);
			plain = i + n;
		}
		i += n;
	}
	buf_slice(out, slice_skip(s, plain));
}

struct xml_writer
xml_writer_on(struct buf *out)
{
	buf_text(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
	return (struct xml_writer){ out, 0 };
}

/* Indentation and `before name`, in one piece: there are hundreds of tags in an answer. */
static void
put_tag(struct xml_writer *w, size_t level, const char *before, const char *name)
{
	size_t blanks = 2 * level, mark = strlen(before), n = strlen(name);
	char *to = buf_reserve(w->out, blanks + mark + n);

	if (to == NULL)
		return;
	memset(to, ' ', blanks);
	memcpy(to + blanks, before, mark);
	memcpy(to + blanks + mark, name, n);
	buf_used(w->out, blanks + mark + n);
}

static void
begin_tag(struct xml_writer *w, const char *name, const struct xml_attribute *attributes, size_t n)
{
	put_tag(w, w->depth, "<", name);
	for (size_t i = 0; i < n; i++) {
		put_tag(w, 0, " ", attributes[i].name);
		buf_append(w->out, "=\"", 2);
		xml_escape(w->out, slice_of(attributes[i].value));
		buf_char(w->out, '"');
	}
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
	put_tag(w, w->depth, "</", name);
	buf_append(w->out, ">\n", 2);
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
	put_tag(w, 0, "</", name);
	buf_append(w->out, ">\n", 2);
}
