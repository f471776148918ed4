/* page.h - the page for people: type an address, see the settings, in HTML without scripts.
 *
 * Nothing on it comes from another host, and no style from elsewhere than its own head: it can be
 * sent with page_policy. */
#ifndef USHER_WIRE_PAGE_H
#define USHER_WIRE_PAGE_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/answer.h"
#include "usher/status.h"
#include "wire/mobileconfig.h"
#include "wire/page_text.h"

#define PAGE_PATH "/"

/* Longer ones are as good as none: ADDRESS_MAX_BYTES is what an address may have. */
enum { PAGE_ADDRESS_BYTES = 320 };

/* What the form sends. */
struct page_request {
	const char *address; /* as typed; "" when it cannot be read; NULL: nothing is asked yet */
	const struct page_text *text;
	bool chosen; /* the language, by the reader: it goes into the links */
};

/* Reads the query of a request, without `?`, and its Accept-Language field. `lang` wins over the
 * field; of two parameters with one name the first counts. A `+` stays: in an address it means
 * itself, and forms write it as %2B. USHER_E_NOMEM. */
USHER_CHECK usher_status
page_read_request(
    struct arena *mem, struct slice query, struct slice languages, struct page_request *out);

enum page_state {
	PAGE_QUESTION = 0,
	PAGE_BAD_ADDRESS,
	PAGE_NOT_SERVED, /* the domain is not ours */
	PAGE_MOVED,	 /* to another domain */
	PAGE_ELSEWHERE,	 /* another host tells the settings */
	PAGE_NOTHING,	 /* the domain is ours and has no service */
	PAGE_SETTINGS
};

/* Whose page it is. Each may be NULL: none. */
struct page_brand {
	const char *name;    /* at the head */
	const char *home;    /* URL that the name leads to */
	const char *help;    /* URL of a page that tells more */
	const char *contact; /* address of people who help */
};

/* All texts are UTF-8, none but those told so may be NULL. */
struct page {
	enum page_state state;
	const struct page_request *request;
	struct page_brand brand;
	const char *sample;	     /* domain for the example beside the form */
	const char *address;	     /* PAGE_SETTINGS: as people write it */
	const char *domain;	     /* of what PAGE_NOT_SERVED and the next say, for people */
	const char *new_address;     /* PAGE_MOVED */
	const struct answer *answer; /* PAGE_SETTINGS: with the address filled in */
	bool exchange;		     /* an address does not tell the login name for Exchange */
	/* paths of the Apple profiles that are offered, with their query; NULL: none */
	const char *profiles[MOBILECONFIG_DEVICES];
	const char *url; /* absolute, for the code that phones scan; NULL: none */
	bool roots;	 /* there is a page of roots to lead to */
};

/* Writes the document. Failure sticks in `out`. */
void
page_write(struct buf *out, const struct page *page);

/* The Content-Security-Policy that lets the page work, and nothing else. Made when building. */
extern const char page_policy[];

#endif
