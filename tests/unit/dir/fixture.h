/* fixture.h - a small organization in a directory of its own, for tests. */
#ifndef USHER_TESTS_DIR_FIXTURE_H
#define USHER_TESTS_DIR_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/arena.h"
#include "dir/dir.h"

/* In a scratch folder that goes with it. */
struct fixture {
	char folder[64];
	char path[96];	 /* of the file; not there yet after fixture_setup_empty() */
	struct dir *dir; /* open for writing; NULL after fixture_setup_empty() */
	struct arena *mem;
	struct usher_error err;
};

/* For cmocka. The full one holds organization Contoso with site HQ, server EX1, domains contoso.com
 * (exchange), contoso.net (alias of it) and fabrikam.com (mail: imap and smtp), and the mailboxes
 * nora@contoso.com (aliases n.hansen@contoso.com, nora.h@fabrikam.com; legacyDN
 * /o=Contoso/cn=nora) and ola@contoso.com (login name `ola`; lists nora as an alternative). */
int
fixture_setup_empty(void **state);
int
fixture_setup(void **state);
int
fixture_teardown(void **state);

/* In a transaction of its own; fails the test unless the outcome is that. */
void
fixture_put(struct fixture *f, struct dir *dir, enum entity_id id, const void *record,
    enum dir_change wanted);
void
fixture_remove(
    struct fixture *f, struct dir *dir, enum entity_id id, const void *key, enum dir_change wanted);

struct mailbox
fixture_mailbox(const char *address);

struct dir *
fixture_open(struct fixture *f, unsigned flags);

/* Asks for an address (or, when it begins with '/', a legacyDN). */
enum lookup
fixture_ask(
    struct fixture *f, struct dir *dir, const char *who, const char *login, struct facts *out);

/* Runs SQL on the file behind usher's back. */
void
fixture_sql(struct fixture *f, const char *sql);

#endif
