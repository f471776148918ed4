/* xml_write.c - writing XML: tags on their lines, and escaping at the sink. */
#include <assert.h>
#include <stdint.h>
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

/* Compared as a whole, with all ones where it is true (a GNU C extension, of gcc and clang). */
typedef signed char block __attribute__((vector_size(BLOCK_BYTES)));

static inline bool
has_special(const char *p)
{
	uint64_t halves[2];
	block b, found;

	memcpy(&b, p, sizeof(b));
	/* 0x80 and above are negative; `"` and `&`, `<` and `>` differ in a bit. */
	found = (b < 0x20) | ((b | 4) == '&') | ((b | 2) == '>');
	memcpy(halves, &found, sizeof(halves));
	return (halves[0] | halves[1]) != 0;
}

/* How many bytes at the beginning stand for themselves. */
static size_t
plain_bytes(struct slice s)
{
	size_t i = 0;

	while (s.n - i >= BLOCK_BYTES && !has_special(s.p + i))
		i += BLOCK_BYTES;
	/* What is left is mostly plain too: the last block, with bytes that were seen before. */
	if (i > 0 && s.n - i < BLOCK_BYTES && !has_special(s.p + s.n - BLOCK_BYTES))
		return s.n;
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

static inline char *
put(char *to, struct slice s)
{
	memcpy(to, s.p, s.n);
	return to + s.n;
}

/* Indentation, `before`, `name` and `after` in one piece: there are hundreds of tags in an answer.
 */
static inline void
put_tag(
    struct xml_writer *w, size_t level, struct slice before, struct slice name, struct slice after)
{
	size_t blanks = 2 * level;
	char *to = buf_reserve(w->out, blanks + before.n + name.n + after.n);

	if (to == NULL)
		return;
	memset(to, ' ', blanks);
	(void)put(put(put(to + blanks, before), name), after);
	buf_used(w->out, blanks + before.n + name.n + after.n);
}

static void
put_attributes(struct xml_writer *w, const struct xml_attribute *attributes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		put_tag(
		    w, 0, SLICE_LITERAL(" "), slice_of(attributes[i].name), SLICE_LITERAL("=\""));
		xml_escape(w->out, slice_of(attributes[i].value));
		buf_char(w->out, '"');
	}
}

void
xml_open(struct xml_writer *w, const char *name, const struct xml_attribute *attributes, size_t n)
{
	assert(w->depth < XML_MAX_DEPTH);
	put_tag(w, w->depth, SLICE_LITERAL("<"), slice_of(name), SLICE_LITERAL(""));
	put_attributes(w, attributes, n);
	buf_text(w->out, ">\n");
	w->depth++;
}

void
xml_close(struct xml_writer *w, const char *name)
{
	assert(w->depth > 0);
	w->depth--;
	put_tag(w, w->depth, SLICE_LITERAL("</"), slice_of(name), SLICE_LITERAL(">\n"));
}

/* A leaf without attributes whose text needs no escape: nearly all of an answer. */
static void
put_plain_leaf(struct xml_writer *w, struct slice name, struct slice text)
{
	size_t blanks = 2 * (size_t)w->depth;
	size_t n = blanks + 2 * name.n + sizeof("<></>\n") - 1 + text.n;
	char *to = buf_reserve(w->out, n);

	if (to == NULL)
		return;
	memset(to, ' ', blanks);
	to += blanks;
	*to++ = '<';
	to = put(to, name);
	*to++ = '>';
	to = put(to, text);
	to = put(to, SLICE_LITERAL("</"));
	to = put(to, name);
	(void)put(to, SLICE_LITERAL(">\n"));
	buf_used(w->out, n);
}

void
xml_leaf(struct xml_writer *w, const char *name, const struct xml_attribute *attributes, size_t n,
    const char *text)
{
	struct slice tag = slice_of(name), content = slice_of(text);

	if (n == 0 && content.n > 0 && plain_bytes(content) == content.n) {
		put_plain_leaf(w, tag, content);
		return;
	}
	put_tag(w, w->depth, SLICE_LITERAL("<"), tag, SLICE_LITERAL(""));
	put_attributes(w, attributes, n);
	if (content.n == 0) {
		buf_text(w->out, " />\n");
		return;
	}
	buf_char(w->out, '>');
	xml_escape(w->out, content);
	put_tag(w, 0, SLICE_LITERAL("</"), tag, SLICE_LITERAL(">\n"));
}
