/* page.c - the page for people: its request, and all around the settings. */
#include "wire/page.h"

#include "base/text.h"
#include "base/url.h"
#include "wire/accept_language.h"
#include "wire/html.h"
#include "wire/page_inside.h"
#include "wire/page_root.h"
#include "wire/query.h"

enum { SAMPLE_BYTES = 300 }; /* a word, `@`, a domain */

/* ---- the request ---- */

static const struct page_text *
find_text(struct slice tag)
{
	for (size_t i = 0; i < PAGE_TEXTS; i++)
		if (slice_is_nocase(tag, page_texts[i]->tag))
			return page_texts[i];
	return NULL;
}

static const struct page_text *
preferred_text(struct slice languages)
{
	const char *tags[PAGE_TEXTS];

	for (size_t i = 0; i < PAGE_TEXTS; i++)
		tags[i] = page_texts[i]->tag;
	return page_texts[accept_language(languages, tags, PAGE_TEXTS)];
}

usher_status
page_read_request(
    struct arena *mem, struct slice query, struct slice languages, struct page_request *out)
{
	struct page_request made = { 0 };
	struct slice name, value;

	while (query_next(&query, &name, &value)) {
		if (made.address == NULL && slice_is(name, "email")) {
			made.address = "";
			if (query_decode(mem, value, PAGE_ADDRESS_BYTES, &made.address) ==
			    USHER_E_NOMEM)
				return USHER_E_NOMEM;
		} else if (made.text == NULL && slice_is(name, "lang")) {
			made.text = find_text(value);
		}
	}
	made.chosen = made.text != NULL;
	if (!made.chosen)
		made.text = preferred_text(languages);
	*out = made;
	return USHER_OK;
}

/* ---- the document ---- */

/* A link to a page of ours, as it stands in an attribute. */
static void
put_link(struct buf *out, const char *path, const char *address, const char *tag)
{
	buf_text(out, path);
	if (address != NULL) {
		buf_text(out, "?email=");
		url_escape(out, slice_of(address));
	}
	if (tag != NULL)
		html_put(out, "$lang=$", address == NULL ? "?" : "&", tag);
}

/* The same page for another address, in the language that the reader has chosen. */
static void
put_link_to(struct buf *out, const struct page_request *request, const char *address)
{
	put_link(out, PAGE_PATH, address, request->chosen ? request->text->tag : NULL);
}

static bool
is_error(const struct page *page)
{
	return page->state == PAGE_BAD_ADDRESS || page->state == PAGE_NOT_SERVED;
}

static void
put_head(struct buf *out, const struct page_frame *frame)
{
	html_put(out,
	    "<!doctype html>\n<html lang=\"$\">\n<head>\n<meta charset=\"utf-8\"/>\n<title>",
	    frame->request->text->tag);
	html_title(out, frame->title, frame->value);
	buf_text(out, "</title>\n"
		      "<meta name=\"viewport\" content=\"width=device-width\"/>\n"
		      "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
		      "<meta name=\"robots\" content=\"noindex\"/>\n"
		      "<style>");
	buf_text(out, page_style);
	buf_text(out, "</style>\n</head>\n");
}

/* Whose page it is, and the same page in the other languages. */
static void
put_banner(struct buf *out, const struct page_frame *frame)
{
	const struct page_request *request = frame->request;
	const struct page_brand *brand = frame->brand;

	buf_text(out, "<body>\n<header>\n");
	if (brand->name != NULL && brand->home != NULL)
		html_put(out, "<p><a href=\"$\"><bdi>$</bdi></a></p>\n", brand->home, brand->name);
	else if (brand->name != NULL)
		html_put(out, "<p><bdi>$</bdi></p>\n", brand->name);
	html_put(out, "<nav aria-label=\"$\">\n", request->text->language);
	for (size_t i = 0; i < PAGE_TEXTS; i++) {
		const struct page_text *t = page_texts[i];

		if (t == request->text)
			continue;
		buf_text(out, "<a href=\"");
		put_link(out, frame->path, request->address, t->tag);
		html_put(out, "\" hreflang=\"$\" lang=\"$\">$</a>\n", t->tag, t->tag, t->name);
	}
	buf_text(out, "</nav>\n</header>\n");
}

void
page_open(struct buf *out, const struct page_frame *frame)
{
	put_head(out, frame);
	put_banner(out, frame);
	buf_text(out, "<main>\n");
}

void
page_close(struct buf *out, const struct page_frame *frame, const char *note)
{
	const struct page_text *t = frame->request->text;

	buf_text(out, "</main>\n<footer>\n");
	if (note != NULL)
		page_write_note(out, note, NULL);
	if (frame->brand->help != NULL)
		html_put(out, "<p><a href=\"$\">$</a></p>\n", frame->brand->help, t->help);
	if (frame->brand->contact != NULL) {
		buf_text(out, "<p><a href=\"");
		url_mailto(out, frame->brand->contact);
		buf_text(out, "\">");
		html_words(out, t->contact, frame->brand->contact);
		buf_text(out, "</a></p>\n");
	}
	buf_text(out, "</footer>\n</body>\n</html>\n");
}

/* The browser shall not judge the address: it knows no umlauts before the `@`. */
static void
put_form(struct buf *out, const struct page *page)
{
	const struct page_request *request = page->request;
	const struct page_text *t = request->text;
	CLEANUP(buf_cleanup) struct buf sample = { .max = SAMPLE_BYTES };

	buf_printf(&sample, "%s@%s", t->sample, page->sample);
	html_put(out,
	    "<form action=\"$\" novalidate=\"\">\n<label for=\"email\">$</label>\n"
	    "<p id=\"hint\">",
	    PAGE_PATH, t->label);
	html_words(out, t->hint, buf_cstr(&sample));
	html_put(out,
	    "</p>\n<input type=\"email\" name=\"email\" id=\"email\" value=\"$\" "
	    "autocomplete=\"email\" autocapitalize=\"none\" spellcheck=\"false\" ",
	    request->address == NULL ? "" : request->address);
	buf_text(out, is_error(page) ? "aria-invalid=\"true\" aria-describedby=\"problem hint\" "
				       "autofocus=\"\"/>\n" :
				       "aria-describedby=\"hint\"/>\n");
	if (request->chosen)
		html_put(out, "<input type=\"hidden\" name=\"lang\" value=\"$\"/>\n", t->tag);
	html_put(out, "<button>$</button>\n</form>\n", t->button);
}

static void
put_problem(struct buf *out, const char *text, const char *value)
{
	buf_text(out, "<p id=\"problem\" role=\"alert\">");
	html_words(out, text, value);
	buf_text(out, "</p>\n");
}

void
page_write_note(struct buf *out, const char *text, const char *value)
{
	buf_text(out, "<p>");
	html_words(out, text, value);
	buf_text(out, "</p>\n");
}

static void
put_link_line(struct buf *out, const struct page *page, const char *address, const char *words)
{
	buf_text(out, "<p><a href=\"");
	put_link_to(out, page->request, address);
	buf_text(out, "\">");
	html_words(out, words, address);
	buf_text(out, "</a></p>\n");
}

static void
put_body(struct buf *out, const struct page *page)
{
	const struct page_text *t = page->request->text;

	switch (page->state) {
	case PAGE_QUESTION:
		page_write_note(out, t->intro, NULL);
		break;
	case PAGE_BAD_ADDRESS:
		put_problem(out, t->bad_address, NULL);
		break;
	case PAGE_NOT_SERVED:
		put_problem(out, t->not_served, page->domain);
		break;
	case PAGE_MOVED:
		page_write_note(out, t->moved, page->domain);
		put_link_line(out, page, page->new_address, t->moved_link);
		break;
	case PAGE_ELSEWHERE:
		page_write_note(out, t->elsewhere, page->domain);
		break;
	case PAGE_NOTHING:
		page_write_note(out, t->nothing, page->domain);
		break;
	case PAGE_SETTINGS:
		page_write_note(out, t->password, NULL);
		page_write_settings(out, page);
		break;
	}
	if (page->state <= PAGE_NOT_SERVED)
		put_form(out, page);
	else
		put_link_line(out, page, NULL, t->another);
}

void
page_write(struct buf *out, const struct page *page)
{
	const struct page_text *t = page->request->text;
	bool settings = page->state == PAGE_SETTINGS;
	const struct page_frame frame = { page->request, PAGE_PATH,
		settings       ? t->settings :
		is_error(page) ? t->error :
				 t->heading,
		settings ? page->address : t->heading, &page->brand };

	page_open(out, &frame);
	buf_text(out, "<h1>");
	html_words(out, settings ? t->settings : t->heading, page->address);
	buf_text(out, "</h1>\n");
	put_body(out, page);
	if (page->roots) {
		buf_text(out, "<p><a href=\"");
		put_link(out, PAGE_ROOT_PATH, NULL, page->request->chosen ? t->tag : NULL);
		html_put(out, "\">$</a></p>\n", t->root.link);
	}
	page_close(out, &frame, settings ? NULL : t->password);
}
