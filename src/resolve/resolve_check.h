/* resolve_check.h - compares a deployment with the world: what has to be looked at, and what it
 * means. */
#ifndef USHER_RESOLVE_RESOLVE_CHECK_H
#define USHER_RESOLVE_RESOLVE_CHECK_H

#include "resolve/resolve_plan.h"

/* From good to bad. */
enum check_verdict {
	CHECK_OK = 0,
	CHECK_WARNING,
	CHECK_UNTESTED, /* it could not be found out */
	CHECK_ERROR,
	CHECK_CRITICAL /* passwords are in danger */
};

/* What is looked up in DNS, and what was found there. */
struct check_name {
	const char *name;
	bool srv;
	/* To be filled in: */
	bool trouble;	    /* no answer */
	const char *detail; /* why there is none; NULL */
	struct text_list addresses;
	bool alias; /* the addresses are another name's */
	const struct srv_record *records;
	size_t n_records;
};

enum check_expect {
	EXPECT_SERVICE = 0, /* Autodiscover that asks for a login, or tells the settings */
	EXPECT_DOCUMENT,    /* 200 */
	EXPECT_CERTIFICATE, /* whatever it is, with a good certificate */
	EXPECT_REDIRECT,    /* to the URL of the service */
	EXPECT_NOBODY,	    /* no connection at all */
	EXPECT_STRANGER	    /* nothing, or a web site with a good certificate */
};

enum check_failure {
	SEEN_ANSWER = 0, /* HTTP of any status */
	SEEN_NOBODY,	 /* no connection */
	SEEN_BAD_TLS,
	SEEN_TROUBLE /* a connection, and then no HTTP */
};

/* A URL that is asked at one address, and what came of it. */
struct check_site {
	const char *url;
	const char *host;
	enum check_expect expect;
	bool post; /* the question of an Outlook, else GET */
	/* To be filled in: */
	const char *address;
	enum check_failure failure;
	const char *detail; /* of a failure */
	struct tls_evidence tls;
	int64_t status; /* NUMBER_ABSENT: none */
	const char *location;
};

struct check_row {
	const char *check;   /* `dns` `connection` `certificate` `answer` `directory` `listener` */
	const char *subject; /* what was looked at */
	enum check_verdict verdict;
	const char *found; /* one line */
	const char *fault; /* identifier in the catalogue (faults.md 7); NULL: it has none */
	const char *todo;  /* NULL: nothing */
};

struct check {
	const struct deployment *plan;
	int64_t now_s;
	struct check_name *names;
	size_t n_names;
	struct check_site *sites;
	size_t n_sites;
	struct check_row *rows;
	size_t n_rows, room;
};

/* `ok` `warning` `untested` `error` `critical`. */
const char *
check_verdict_name(enum check_verdict verdict);

/* Begins a check with the names that are to be looked up. USHER_E_NOMEM. */
USHER_CHECK usher_status
resolve_check_begin(
    struct arena *mem, const struct deployment *plan, int64_t now_s, struct check *out);

/* After the names: the sites that are to be asked, one for each address. USHER_E_NOMEM. */
USHER_CHECK usher_status
resolve_check_sites(struct arena *mem, struct check *c);

/* After the sites: the rows. `has_directory`: the plan's facts are those of a directory.
 * USHER_E_NOMEM. */
USHER_CHECK usher_status
resolve_check_rows(struct arena *mem, struct check *c, bool has_directory);

#endif
