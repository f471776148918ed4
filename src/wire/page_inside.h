/* page_inside.h - what the files of the page for people share. */
#ifndef USHER_WIRE_PAGE_INSIDE_H
#define USHER_WIRE_PAGE_INSIDE_H

#include "wire/page.h"

/* Made of page.css when building. */
extern const char page_style[];

/* What stands around a page's own matter. */
struct page_frame {
	const struct page_request *request;
	const char *path;	   /* of this page, for its other languages */
	const char *title, *value; /* of the document, by html_title() */
	const struct page_brand *brand;
};

/* All before a page's own matter, with <main> open, and all behind it. */
void
page_open(struct buf *out, const struct page_frame *frame);
void
page_close(struct buf *out, const struct page_frame *frame, const char *note);

/* A paragraph of words with `value` in them, see html_words(). */
void
page_write_note(struct buf *out, const char *text, const char *value);

/* page_settings.c: a table, which the caller closes; `value` as of html_words(). */
void
page_open_table(struct buf *out, const char *caption, const char *value);

/* A row with a value that is typed as it is. */
void
page_put_row(struct buf *out, const char *label, struct slice value);

/* The same with one that is chosen from what a program offers, or explained. */
void
page_put_choice(struct buf *out, const char *label, const char *value);

/* page_settings.c: the settings, by program and all together. */
void
page_write_settings(struct buf *out, const struct page *page);

#endif
