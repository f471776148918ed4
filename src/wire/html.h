/* html.h - HTML out: templates of ours, into which texts of others come escaped. */
#ifndef USHER_WIRE_HTML_H
#define USHER_WIRE_HTML_H

#include "base/buf.h"

/* Appends `template`, markup of ours, with each `$` replaced by the next of the texts, escaped as
 * by xml_escape(): html_put(out, "<a href=\"$\">$</a>", url, name). Attributes stand in double
 * quotes. None of the texts may be NULL. Failure sticks in `out`. */
#define html_put(out, template, ...) \
	html_put_n((out), (template), (const char *const[]){ __VA_ARGS__ }, \
	    COUNT_OF(((const char *const[]){ __VA_ARGS__ })))

void
html_put_n(struct buf *out, const char *template, const char *const *texts, size_t n);

/* Appends `text` escaped, with places where a narrow column may break a host name, an address or a
 * URL. */
void
html_breakable(struct buf *out, struct slice text);

/* Appends `text`, words for people, escaped, with each `$` replaced by `value`, which may be NULL
 * when there is none. The value is breakable, in an element that keeps its direction of writing to
 * itself. */
void
html_words(struct buf *out, const char *text, const char *value);

/* The same where no element may stand. */
void
html_title(struct buf *out, const char *text, const char *value);

#endif
