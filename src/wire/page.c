/* page.c - the page for people: its request, and all around the settings. */
#include "wire/page.h"

#include "base/text.h"
#include "base/url.h"
#include "wire/accept_language.h"
#include "wire/html.h"
#include "wire/page_inside.h"
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

/* A link to this page, as it stands in an attribute. */
static void
put_link(struct buf *out, const char *address, const char *tag)
{
	buf_text(out, PAGE_PATH);
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
	put_link(out, address, request->chosen ? request->text->tag : NULL);
}

static bool
is_error(const struct page *page)
{
	return page->state == PAGE_BAD_ADDRESS || page->state == PAGE_NOT_SERVED;
}

static void
put_head(struct buf *out, const struct page *page)
{
	const struct page_text *t = page->request->text;

	html_put(out,
	    "<!doctype html>\n<html lang=\"$\">\n<head>\n<meta charset=\"utf-8\"/>\n<title>",
	    t->tag);
	if (page->state == PAGE_SETTINGS)
		html_title(out, t->settings, page->address);
	else if (is_error(page))
		html_title(out, t->error, t->heading);
	else
		html_title(out, t->heading, NULL);
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
put_banner(struct buf *out, const struct page *page)
{
	const struct page_request *request = page->request;

	buf_text(out, "<body>\n<header>\n");
	if (page->brand != NULL && page->home != NULL)
		html_put(out, "<p><a href=\"$\"><bdi>$</bdi></a></p>\n", page->home, page->brand);
	else if (page->brand != NULL)
		html_put(out, "<p><bdi>$</bdi></p>\n", page->brand);
	html_put(out, "<nav aria-label=\"$\">\n", request->text->language);
	for (size_t i = 0; i < PAGE_TEXTS; i++) {
		const struct page_text *t = page_texts[i];

		if (t == request->text)
			continue;
		buf_text(out, "<a href=\"");
		put_link(out, request->address, t->tag);
		html_put(out, "\" hreflang=\"$\" lang=\"$\">$</a>\n", t->tag, t->tag, t->name);
	}
	buf_text(out, "</nav>\n</header>\n");
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

	put_head(out, page);
	put_banner(out, page);
	buf_text(out, "<main>\n<h1>");
	if (page->state == PAGE_SETTINGS)
		html_words(out, t->settings, page->address);
	else
		html_words(out, t->heading, NULL);
	buf_text(out, "</h1>\n");
	put_body(out, page);
	buf_text(out, "</main>\n<footer>\n");
	if (page->state != PAGE_SETTINGS)
		page_write_note(out, t->password, NULL);
	if (page->help != NULL)
		html_put(out, "<p><a href=\"$\">$</a></p>\n", page->help, t->help);
	if (page->contact != NULL) {
		buf_text(out, "<p><a href=\"");
		url_mailto(out, page->contact);
		buf_text(out, "\">");
		html_words(out, t->contact, page->contact);
		buf_text(out, "</a></p>\n");
	}
	buf_text(out, "</footer>\n</body>\n</html>\n");
}
