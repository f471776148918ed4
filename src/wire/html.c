/* html.c - HTML out: templates of ours, into which texts of others come escaped. */
#include "wire/html.h"

#include <assert.h>

#include "wire/xml.h"

void
html_put_n(struct buf *out, const char *template, const char *const *texts, size_t n)
{
	struct slice rest = slice_of(template);

	for (size_t i = 0; i < n; i++) {
		size_t at = slice_find(rest, '$');

		assert(at < rest.n && texts[i] != NULL);
		buf_append(out, rest.p, at);
		xml_escape(out, slice_of(texts[i]));
		rest = slice_skip(rest, at + 1);
	}
	assert(slice_find(rest, '$') == rest.n);
	buf_slice(out, rest);
}

static bool
may_break_before(const char *p)
{
	return *p == '.' || *p == '@' || (p[-1] == '/' && *p != '/');
}

void
html_breakable(struct buf *out, struct slice text)
{
	while (text.n > 0) {
		size_t n = 1;

		while (n < text.n && !may_break_before(text.p + n))
			n++;
		xml_escape(out, slice_from(text.p, n));
		text = slice_skip(text, n);
		if (text.n > 0)
			buf_text(out, "<wbr/>");
	}
}

/* The next part of *rest, up to a `$`. False: it was the last. */
static bool
put_part(struct buf *out, struct slice *rest)
{
	size_t at = slice_find(*rest, '$');
	bool more = at < rest->n;

	xml_escape(out, slice_from(rest->p, at));
	*rest = slice_skip(*rest, at + 1);
	return more;
}

void
html_words(struct buf *out, const char *text, const char *value)
{
	struct slice rest = slice_of(text);

	while (put_part(out, &rest)) {
		buf_text(out, "<bdi>");
		html_breakable(out, slice_of(value));
		buf_text(out, "</bdi>");
	}
}

void
html_title(struct buf *out, const char *text, const char *value)
{
	struct slice rest = slice_of(text);

	while (put_part(out, &rest))
		xml_escape(out, slice_of(value));
}
