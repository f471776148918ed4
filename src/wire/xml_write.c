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

enum { BLOCK_BYTES = 16 };

/* Without a branch, so that compilers make a few vector instructions of it. */
static bool
has_special(const char *block)
{
	unsigned char found = 0;

	for (size_t i = 0; i < BLOCK_BYTES; i++) {
		signed char c = (signed char)block[i]; /* 0x80 and above are negative */

		found |= (c < 0x20) | ((c | 4) == '&') |
			 ((c | 2) == '>'); /* `"` and `&`, `<` and `>` differ in a bit */
	}
	return found != 0;
}

/* How many bytes at the beginning stand for themselves. */
static size_t
plain_bytes(struct slice s)
{
	size_t i = 0;

	while (s.n - i >= BLOCK_BYTES && !has_special(s.p + i))
		i += BLOCK_BYTES;
	while (i < s.n && !special[(unsigned char)s.p[i]])
		i++;
	return i;
}

/* What stands for the special character at the beginning of `s`; *n is how many bytes it has. */
static struct slice
replacement(struct slice s, size_t *n)
{
	static const struct slice unknown = SLICE_LITERAL("\xef\xbf\xbd"); /* U+FFFD */
	unsigned char c = (unsigned char)s.p[0];

	*n = 1;
	switch (c) {
	case '&':
		return SLICE_LITERAL("&amp;");
	case '<':
		return SLICE_LITERAL("&lt;");
	case '>':
		return SLICE_LITERAL("&gt;");
	case '"':
		return SLICE_LITERAL("&quot;");
	case '\t': /* as references they survive in an attribute, and CR anywhere */
		return SLICE_LITERAL("&#9;");
	case '\n':
		return SLICE_LITERAL("&#10;");
	case '\r':
		return SLICE_LITERAL("&#13;");
	default:
		break;
	}
	if (c < 0x80)
		return unknown;

	*n = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
	if (*n > s.n || !text_utf8_valid(slice_from(s.p, *n))) {
		*n = 1;
		return unknown;
	}
	if (memcmp(s.p, "\xef\xbf\xbe", *n) == 0 || memcmp(s.p, "\xef\xbf\xbf", *n) == 0)
		return unknown;
	return slice_from(s.p, *n);
}

void
xml_escape(struct buf *out, struct slice s)
{
	for (;;) {
		size_t n = plain_bytes(s);

		buf_append(out, s.p, n);
		s = slice_skip(s, n);
		if (s.n == 0)
			return;
		buf_slice(out, replacement(s, &n));
		s = slice_skip(s, n);
	}
}

struct xml_writer
xml_writer_on(struct buf *out)
{
	buf_text(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n");
	return (struct xml_writer){ out, 0 };
}

/* Indentation, `before`, `name` and `after` in one piece: there are hundreds of tags in an answer.
 */
static inline void
put_tag(
    struct xml_writer *w, size_t level, struct slice before, const char *name, struct slice after)
{
	size_t blanks = 2 * level, n = strlen(name);
	char *to = buf_reserve(w->out, blanks + before.n + n + after.n);

	if (to == NULL)
		return;
	memset(to, ' ', blanks);
	to += blanks;
	memcpy(to, before.p, before.n);
	to += before.n;
	memcpy(to, name, n);
	memcpy(to + n, after.p, after.n);
	buf_used(w->out, blanks + before.n + n + after.n);
}

static void
put_attributes(struct xml_writer *w, const struct xml_attribute *attributes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		put_tag(w, 0, SLICE_LITERAL(" "), attributes[i].name, SLICE_LITERAL("=\""));
		xml_escape(w->out, slice_of(attributes[i].value));
		buf_char(w->out, '"');
	}
}

void
xml_open(struct xml_writer *w, const char *name, const struct xml_attribute *attributes, size_t n)
{
	assert(w->depth < XML_MAX_DEPTH);
	put_tag(w, w->depth, SLICE_LITERAL("<"), name, SLICE_LITERAL(""));
	put_attributes(w, attributes, n);
	buf_text(w->out, ">\n");
	w->depth++;
}

void
xml_close(struct xml_writer *w, const char *name)
{
	assert(w->depth > 0);
	w->depth--;
	put_tag(w, w->depth, SLICE_LITERAL("</"), name, SLICE_LITERAL(">\n"));
}

void
xml_leaf(struct xml_writer *w, const char *name, const struct xml_attribute *attributes, size_t n,
    const char *text)
{
	put_tag(w, w->depth, SLICE_LITERAL("<"), name, SLICE_LITERAL(""));
	put_attributes(w, attributes, n);
	if (text[0] == '\0') {
		buf_text(w->out, " />\n");
		return;
	}
	buf_char(w->out, '>');
	xml_escape(w->out, slice_of(text));
	put_tag(w, 0, SLICE_LITERAL("</"), name, SLICE_LITERAL(">\n"));
}
