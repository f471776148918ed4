/* search.h - one search, resumable: it does what can be done at once and says what to wait for.
 *
 * Nothing here waits. Whoever drives it calls search_advance(), waits for sockets and time by the
 * parts' own calls, and calls it again until it is done. */
#ifndef USHER_LIB_SEARCH_H
#define USHER_LIB_SEARCH_H

#include "base/secret.h"
#include "lib/result.h"
#include "net/connect_to.h"
#include "net/dns.h"
#include "net/http.h"
#include "net/tls.h"
#include "wire/xml.h"

/* What the caller of the library chose, read and copied. */
struct search_options {
	struct usher_find_options given; /* of our size */
	struct text_list trust_hosts;
	struct connect_to *routes;
	size_t n_routes;
};

struct search {
	const char *address;
	struct search_options options;
	struct usher_result *result;
	struct arena *mem; /* the result's */
	struct plan *plan;
	struct dns *dns;
	struct tls_trust *trust;
	struct http *http;
	struct xml_reader *xml;

	const char *login;
	struct secret password;
	struct secret token; /* Bearer's */
	bool asked;	    /* the callback has been */
	uint64_t paused_ms; /* time that callbacks took: nobody is hurried */
};

/* Reads options of any size; NULL is all defaults. What they point to stays the caller's, but for
 * what is copied to `mem`.
 * Returns USHER_OK, USHER_E_USAGE, USHER_E_LIMIT, USHER_E_NOMEM. */
USHER_CHECK usher_status
search_options_read(struct arena *mem, const struct usher_find_options *from,
    struct search_options *out, struct usher_error *err);

/* Begins. Does no network I/O yet. Returns what usher_find() does. */
USHER_CHECK usher_status
search_new(const char *address, const struct usher_find_options *options, struct search **out,
    struct usher_error *err);

/* NULL is ignored. The result goes too unless it was taken. */
void
search_free(struct search *s);

/* The search's clock: it stands still while the caller is asked something. */
uint64_t
search_now_ms(const struct search *s);

/* Copies both. USHER_E_USAGE: not a login name, or too long; USHER_E_NOMEM. */
USHER_CHECK usher_status
search_set_credentials(
    struct search *s, const char *login, const char *password, struct usher_error *err);

/* Begins one step. What can be told at once is told to the plan. */
void
search_begin(struct search *s, const struct plan_step *step);

/* Tells the plan all outcomes that have come. USHER_E_NOMEM. */
USHER_CHECK usher_status
search_collect(struct search *s, struct usher_error *err);

/* Performs all steps and takes all outcomes that need no waiting. *done: see search_result();
 * otherwise *wake_ms is when to come back at the latest, by search_now_ms().
 * Returns USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
search_advance(struct search *s, bool *done, uint64_t *wake_ms, struct usher_error *err);

/* Once done: completes the result and hands it over. */
USHER_CHECK usher_status
search_result(struct search *s, struct usher_result **out, struct usher_error *err);

#endif
