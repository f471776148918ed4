/* page_root.h - the page that offers the roots of private authorities, and tells people what it
 * means to install one and how it is done. Sent with page_policy, as the other page. */
#ifndef USHER_WIRE_PAGE_ROOT_H
#define USHER_WIRE_PAGE_ROOT_H

#include <stdint.h>

#include "model/field.h"
#include "wire/page.h"

#define PAGE_ROOT_PATH "/ca"
#define PAGE_ROOT_CRT "/ca/root.crt"
#define PAGE_ROOT_PEM "/ca/root.pem"
#define PAGE_ROOT_PROFILE "/ca/root.mobileconfig"

/* All texts are UTF-8, none but those told so may be NULL. */
struct page_root {
	const char *name;
	const char *file;	   /* name for its files, without their end */
	const char *query;	   /* behind the paths above: `?name=…`, or "" for the only one */
	const char *sha256, *sha1; /* hexadecimal digits */
	int64_t not_after;	   /* Unix seconds */
	struct text_list permitted; /* empty: any name */
};

struct page_roots {
	const struct page_request *request; /* its address does not matter */
	struct page_brand brand;
	const char *url; /* of this page, for the code that phones scan; NULL: none */
	const struct page_root *v;
	size_t n; /* at least 1 */
};

/* Writes the document. Failure sticks in `out`. */
void
page_write_roots(struct buf *out, const struct page_roots *page);

#endif
