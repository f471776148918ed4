/* page_inside.h - what the files of the page for people share. */
#ifndef USHER_WIRE_PAGE_INSIDE_H
#define USHER_WIRE_PAGE_INSIDE_H

#include "wire/page.h"

/* Made of page.css when building. */
extern const char page_style[];

/* A paragraph of words with `value` in them, see html_words(). */
void
page_write_note(struct buf *out, const char *text, const char *value);

/* page_settings.c: the settings, by program and all together. */
void
page_write_settings(struct buf *out, const struct page *page);

#endif
