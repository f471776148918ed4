/* page_root.c - the page that offers the roots of private authorities. */
#include "wire/page_root.h"

#include <string.h>

#include "base/encode.h"
#include "base/when.h"
#include "wire/html.h"
#include "wire/page_inside.h"
#include "wire/qr.h"

enum {
	DATE_BYTES = sizeof("2026-11-21"),
	DIGITS_BYTES = 256,
	GROUP_BYTES = sizeof("AA:BB:CC:DD:") - 1,
	COMMAND_BYTES = 1024,
	NAMES_SHOWN = 20
};

/* Lines of a narrow column end between groups of four bytes. */
static void
put_fingerprint(struct buf *out, const char *label, const char *hex)
{
	CLEANUP(buf_cleanup) struct buf digits = { .max = DIGITS_BYTES };

	fingerprint_put(&digits, hex);
	html_put(out, "<tr><th scope=\"row\">$</th><td><code>", label);
	for (struct slice rest = buf_as_slice(&digits); rest.n > 0;) {
		struct slice group = { rest.p, rest.n < GROUP_BYTES ? rest.n : GROUP_BYTES };

		buf_slice(out, group);
		rest = slice_skip(rest, group.n);
		buf_text(out, rest.n > 0 ? "<wbr/>" : "");
	}
	buf_text(out, "</code></td></tr>\n");
	if (digits.status != USHER_OK)
		out->status = digits.status;
}

/* All of them are in the root for whoever wants to know. */
static void
put_names(struct buf *out, const char *label, const struct text_list *names)
{
	html_put(out, "<tr><th scope=\"row\">$</th><td>", label);
	for (size_t i = 0; i < names->n && i < NAMES_SHOWN; i++)
		html_put(out, i > 0 ? ", $" : "$", names->v[i]);
	buf_text(out, names->n > NAMES_SHOWN ? ", …</td></tr>\n" : "</td></tr>\n");
}

static void
put_root(struct buf *out, const struct page_root_text *t, const struct page_root *root)
{
	char until[WHEN_TEXT_BYTES];

	when_format(root->not_after, until);
	until[DATE_BYTES - 1] = '\0';
	page_write_note(out, root->permitted.n > 0 ? t->scope : t->any_scope, NULL);
	page_open_table(out, "$", root->name);
	put_fingerprint(out, t->sha256, root->sha256);
	put_fingerprint(out, t->sha1, root->sha1);
	page_put_choice(out, t->until, until);
	if (root->permitted.n > 0)
		put_names(out, t->names, &root->permitted);
	buf_text(out, "</table>\n");
}

/* What is downloaded for each system. */
static const char *
path_for(enum page_system system)
{
	return system == PAGE_IOS || system == PAGE_MAC ? PAGE_ROOT_PROFILE :
	       system == PAGE_LINUX			? PAGE_ROOT_PEM :
							  PAGE_ROOT_CRT;
}

static void
put_downloads(struct buf *out, const struct page_roots *page, enum page_system system)
{
	const struct page_root_text *t = &page->request->text->root;
	const char *path = path_for(system);
	const char *words = strcmp(path, PAGE_ROOT_PROFILE) == 0 ? t->profile : t->certificate;

	for (size_t i = 0; i < page->n; i++) {
		const struct page_root *root = &page->v[i];

		html_put(out, "<p><a href=\"$$\" class=\"button\">$", path, root->query, words);
		if (page->n > 1)
			html_put(out, ": $", root->name);
		buf_text(out, "</a></p>\n");
	}
}

/* A command is the same in all languages; what stands in it is a name of ours. */
static void
put_command(struct buf *out, const char *command, const char *file)
{
	CLEANUP(buf_cleanup) struct buf text = { .max = COMMAND_BYTES };

	for (struct slice rest = slice_of(command); rest.n > 0;) {
		size_t at = slice_find(rest, '$');

		buf_append(&text, rest.p, at);
		if (at < rest.n)
			buf_text(&text, file);
		rest = slice_skip(rest, at + 1);
	}
	html_put(out, "<pre><code>$</code></pre>\n", buf_cstr(&text));
	if (text.status != USHER_OK)
		out->status = text.status;
}

static void
put_system(struct buf *out, const struct page_roots *page, enum page_system system)
{
	const struct page_system_text *words = &page->request->text->root.system[system];

	html_put(out, "<details name=\"system\">\n<summary><h3>$</h3></summary>\n", words->name);
	put_downloads(out, page, system);
	buf_text(out, "<ol>\n");
	for (size_t i = 0; i < PAGE_STEPS && words->steps[i].text != NULL; i++) {
		html_put(out, "<li>$", words->steps[i].text);
		if (words->steps[i].command != NULL)
			put_command(out, words->steps[i].command, page->v[0].file);
		buf_text(out, "</li>\n");
	}
	buf_text(out, "</ol>\n</details>\n");
}

void
page_write_roots(struct buf *out, const struct page_roots *page)
{
	const struct page_root_text *t = &page->request->text->root;
	const struct page_frame frame = { page->request, PAGE_ROOT_PATH, t->heading, NULL,
		&page->brand };

	page_open(out, &frame);
	html_put(out, "<h1>$</h1>\n", t->heading);
	page_write_note(out, t->intro, NULL);
	buf_text(out, "<section>\n");
	for (size_t i = 0; i < page->n; i++)
		put_root(out, t, &page->v[i]);
	page_write_note(out, t->compare, NULL);
	html_put(out,
	    "</section>\n<section aria-labelledby=\"systems\">\n<h2 id=\"systems\">$</h2>\n",
	    t->systems);
	for (int i = 0; i < PAGE_SYSTEMS; i++)
		put_system(out, page, (enum page_system)i);
	buf_text(out, "</section>\n");
	page_write_note(out, t->remove, NULL);
	if (page->url != NULL) {
		buf_text(out, "<aside>\n");
		if (qr_draw(out, page->url, t->code))
			html_put(out, "<p>$</p>\n", t->scan);
		buf_text(out, "</aside>\n");
	}
	page_close(out, &frame, NULL);
}
