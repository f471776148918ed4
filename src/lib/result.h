/* result.h - what a search leaves behind; the public getters read it by rows. */
#ifndef USHER_LIB_RESULT_H
#define USHER_LIB_RESULT_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/field.h"
#include "plan/plan.h"
#include "usher/find.h"

enum {
	RESULT_BYTES = 32 * 1024 * 1024, /* plan, attempts and what the getters show */
	RESULT_JSON_BYTES = 16 * 1024 * 1024,
	RESULT_AGREED_MAX = 16
};

/* Members that are not in the model's own rows. */
struct result_find {
	const char *address;
	const char *outcome;
	const char *reason;
	const char *source;
	const char *source_name;
	const char *url;
	const char *answer_address;
	int64_t elapsed_ms;
};

struct result_attempt {
	const char *source;
	const char *source_name;
	enum tri credentialed;
};

struct result_protocol {
	const char *type;
	struct text_list internal_owa_urls;
	struct text_list external_owa_urls;
	const char *internal_as_url;
	const char *external_as_url;
};

/* A document that was kept: its bytes and what they mean lie in an arena of their own. */
struct kept {
	struct kept *next;
	struct arena *mem;
	const struct answer *answer;
	struct slice document;
};

struct usher_result {
	struct arena *mem; /* this struct too */
	struct kept *kept;
	struct plan_result plan;
	const struct answer *settings; /* NULL: none */
	const struct answer *refusal;  /* NULL: none */
	struct slice document;

	/* for profiles: what the search was told */
	const char *login;		       /* used, or that would have been */
	struct text_list trust_hosts;	       /* given */
	const char *agreed[RESULT_AGREED_MAX]; /* hosts that the caller's callback agreed to */
	size_t n_agreed;
	const char *directory; /* named; NULL: none */
	bool domain_joined, site_given;

	struct result_find find;
	struct result_attempt *attempts;
	struct result_protocol *protocols;
	struct buf json;
};

/* Fills in all that the getters read from `plan` on.
 * Returns USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
result_complete(struct usher_result *r, const char *address, struct usher_error *err);

#endif
