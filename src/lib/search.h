/* search.h - one search, resumable: it does what can be done at once and never waits.
 *
 * search.c   its life, from options to result, and its clock
 * options.c  what its caller chose
 * steps.c    performs the plan's steps and tells their outcomes
 * directory.c  searches directories for connection points
 * languages.c  asks in several languages, and joins what they give
 * ask.c      questions to the caller, answered at once or later
 * trace.c    tells the caller what is going on */
#ifndef USHER_LIB_SEARCH_H
#define USHER_LIB_SEARCH_H

#include "base/secret.h"
#include "lib/result.h"
#include "net/connect_to.h"
#include "net/dns.h"
#include "net/http.h"
#include "net/ldap.h"
#include "net/poller.h"
#include "net/ticket.h"
#include "net/tls.h"
#include "usher/search.h"
#include "wire/xml.h"

/* What the caller of the library chose, read and copied. */
struct search_options {
	struct usher_find_options given; /* of our size; its pointers are the caller's */
	struct text_list trust_hosts;
	struct proxies proxies;
	struct connect_to *routes;
	size_t n_routes;
	unsigned schemes; /* SCHEME_BIT()s: what the plan may log in by */
	struct plan_offer *offers;
	size_t n_offers;
	enum language languages[LANGUAGE_COUNT]; /* to ask in, one after the other */
	size_t n_languages;			 /* 0: as the plan sees fit */
};

enum {
	DIRECTORIES_MAX = 32,
	DIRECTORY_LOOKUP =
	    1 << 27 /* ids of their look-ups, among those of steps, which are small */
};

/* Something the caller was asked and has not answered. */
struct asked {
	bool open;
	bool answered; /* later; to be acted upon */
	bool yes;      /* consent was given, or there are credentials */
	struct plan_step step;
	struct usher_redirect redirect;	  /* of PLAN_CONSENT */
	struct usher_challenge challenge; /* of PLAN_REQUEST */
};

/* A question under way. */
struct search_question {
	uint32_t id; /* 0: none */
	enum language language;
	const char *address;
};

/* A directory that is or was searched. */
struct directory {
	uint32_t id; /* of the step */
	const char *name;
	struct dirsearch *search; /* NULL: stopped */
	bool over;
};

struct usher_search {
	const char *address;
	struct search_options options;
	struct usher_result *result; /* NULL: taken */
	struct arena *mem;	     /* the result's */
	struct poller *poller;
	struct plan *plan;
	struct plan_options how; /* of the first plan */
	size_t turn;		 /* of the languages */
	struct dns *dns;
	struct tls_trust *trust;
	struct http *http;
	struct xml_reader *xml;
	struct search_question questions[HTTP_TRANSFERS_MAX];

	struct directory directories[DIRECTORIES_MAX];
	size_t n_directories;
	const char *directory; /* as it was named; NULL: none */
	const char *domain_by; /* how it was found that this computer is in it; NULL */
	const char *last_site, *directory_login, *ca_file;
	struct secret directory_password;

	const char *login;
	struct secret password;
	struct secret token;	      /* Bearer's */
	bool prompted;		      /* the credentials callback has been */
	bool blocking;		      /* nobody can answer later */
	struct ticket *ticket;	      /* that is being got; NULL: none … */
	struct plan_step ticket_step; /* … for this one */
	struct asked consent;
	struct asked credentials;
	size_t n_open; /* of these two */
	uint64_t asked_ms;
	uint64_t began_ms;
	uint64_t paused_ms; /* time that questions took: nobody is hurried */

	bool told[PLAN_ATTEMPTS_MAX]; /* to the trace: that the attempt has ended */
	bool cancelled;
	bool over;
	usher_status status; /* once over */
	struct usher_error err;
};

/* Copies a struct of options, which begins with its size, over the defaults in *to. NULL `from` is
 * all defaults; a newer caller's is fine as long as those that we do not know are not used.
 * Returns USHER_OK, USHER_E_USAGE. */
USHER_CHECK usher_status
options_copy(const void *from, void *to, size_t size, struct usher_error *err);

/* Reads options of any size; NULL is all defaults.
 * Returns USHER_OK, USHER_E_USAGE, USHER_E_LIMIT, USHER_E_NOMEM. */
USHER_CHECK usher_status
search_options_read(struct arena *mem, const struct usher_find_options *from,
    struct search_options *out, struct usher_error *err);

/* Milliseconds that stand still while a question is open. */
uint64_t
search_now_ms(const struct usher_search *s);

/* Copies both. USHER_E_USAGE: not a login name, or too long; USHER_E_NOMEM. */
USHER_CHECK usher_status
search_set_credentials(
    struct usher_search *s, const char *login, const char *password, struct usher_error *err);

/* ---- languages.c ---- */

/* The plan is done: its result joins the whole's, and the next language's plan begins, or it is
 * *done. USHER_E_NOMEM. */
USHER_CHECK usher_status
search_end_turn(struct usher_search *s, bool *done, struct usher_error *err);

/* ---- steps.c ---- */

/* Reads one entry of trust_hosts: host names become A-labels; `*.` in front stays.
 * USHER_E_USAGE, USHER_E_NOMEM. */
USHER_CHECK usher_status
options_trust_host(struct arena *mem, const char *text, const char **out, struct usher_error *err);

/* Reads one entry of offered_before. USHER_E_USAGE, USHER_E_NOMEM. */
USHER_CHECK usher_status
options_offer(struct arena *mem, const char *text, struct plan_offer *out, struct usher_error *err);

/* A copy: the search may outlive what the caller has given. USHER_E_NOMEM. */
USHER_CHECK usher_status
options_keep(struct arena *mem, const char *given, const char **out, struct usher_error *err);

/* Where to look, of what the caller chose. Some of Outlook's switches say how to log in: they
 * change `o`. USHER_E_USAGE, USHER_E_NOMEM. */
USHER_CHECK usher_status
where_read(
    struct arena *mem, struct search_options *o, struct plan_options *out, struct usher_error *err);

/* Begins one step. What can be told at once is told to the plan. */
void
search_begin(struct usher_search *s, const struct plan_step *step);

/* Ends one step; its outcome will be told. */
void
search_stop(struct usher_search *s, uint32_t id);

/* ---- document.c ---- */

enum {
	DOCUMENT_QUESTION_BYTES = 64 * 1024,
	SEARCH_RESPONSE_BYTES = 8 * 1024 * 1024 /* one response: bytes, and what they mean */
};

/* Fills in how the step's question is asked: its body, which must live as long as `r` is used, and
 * what its answer may be. Failure sticks in `body`. */
void
document_write_question(
    struct usher_search *s, const struct plan_step *step, struct http_request *r, struct buf *body);

/* Reads the answer to step `id`. True: what it means is linked to the result, `mem` and all. */
bool
document_read(struct usher_search *s, struct arena *mem, uint32_t id, struct slice body,
    struct plan_response *out);

/* Reads the file of a PLAN_READ, and tells. */
void
document_read_file(struct usher_search *s, const struct plan_step *step);

/* Its answer has been read, or there is none. */
void
document_forget_question(struct usher_search *s, uint32_t id);

/* Tells the plan all outcomes that have come. USHER_E_NOMEM. */
USHER_CHECK usher_status
search_collect(struct usher_search *s, struct usher_error *err);

/* Sends the request of a step, with the credentials there are if it wants them. */
void
search_request(struct usher_search *s, const struct plan_step *step);

/* ---- ask.c ---- */

void
search_ask_consent(struct usher_search *s, const struct plan_step *step);

/* For a step that wants credentials when there are none: asks, or tells that there are none. */
void
search_ask_credentials(struct usher_search *s, const struct plan_step *step);

/* Acts upon answers that came later. */
void
search_take_answers(struct usher_search *s);

/* Nobody needs the answer any more. */
void
search_withdraw(struct usher_search *s, uint32_t id);

/* ---- directory.c ---- */

/* Which directory, and how it is entered. After dns_new(). USHER_E_NOMEM. */
USHER_CHECK usher_status
directory_read(struct usher_search *s, struct plan_options *how, struct usher_error *err);

/* For profiles: what was asked for, in the result. */
void
directory_note_given(struct usher_search *s);

void
directory_search(struct usher_search *s, const struct plan_step *step);

/* If the step is one of these, its outcome is told. */
void
directory_stop(struct usher_search *s, uint32_t id);

void
directory_answer(struct usher_search *s, const struct dns_answer *a);

/* Tells what is over. */
void
directory_collect(struct usher_search *s);

uint64_t
directory_wake_ms(const struct usher_search *s);

void
directory_let_go(struct usher_search *s);

/* ---- trace.c ---- */

void
search_trace_begun(struct usher_search *s, const struct plan_step *step);

/* All attempts that have ended since it was called last. */
void
search_trace_ended(struct usher_search *s);

#endif
