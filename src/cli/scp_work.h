/* scp_work.h - changes to connection points: planned against what is there, then printed or made.
 */
#ifndef USHER_CLI_SCP_WORK_H
#define USHER_CLI_SCP_WORK_H

#include "cli/forest.h"
#include "ldap/scp.h"

enum { SCP_CHANGES_MAX = 4 }; /* two containers, what Exchange has between, and the entry */

struct scp_work {
	struct cli *cli;
	struct forest f;
	const char *login; /* as which we came, for messages; NULL: by a ticket */
	struct scp_list list;
	struct ldap_change changes[SCP_CHANGES_MAX];
	size_t n;
};

/* What an entry is to have. */
struct scp_wish {
	const char *url;	 /* NULL: as it is; "": none */
	struct text_list scoped; /* keywords, as `Site=Pier` … */
	const char *prefix; /* … which take the place of all others that begin with this; NULL:
			       those stay */
	const char *guid;
};

/* Connects, reads what there is, lets `plan` gather changes, and makes them, or prints them as LDIF
 * with --dry-run. Errors are printed; gives the exit status. Each change is whole; when a later one
 * fails, the earlier ones are told before the error. */
int
scp_run(struct cli *cli, const struct forest_args *forest,
    usher_status (*plan)(struct scp_work *w, const void *args, struct usher_error *err),
    const void *args);

/* The entry of `name` with this GUID among its keywords; *index is list.n when there is none.
 * USHER_E_CONFLICT when there are two: we do not choose. */
USHER_CHECK usher_status
scp_find(const struct scp_work *w, const char *name, const char *guid, size_t *index,
    struct usher_error *err);

/* The same for a server's; USHER_E_ABSENT when there is none. */
USHER_CHECK usher_status
scp_find_or_fail(
    const struct scp_work *w, const char *name, size_t *index, struct usher_error *err);

/* The DN of the container for a server's entry: below the server where Exchange has one of that
 * name, else our own. What is not there will be made. As ldap_link_search(). */
USHER_CHECK usher_status
scp_container(struct scp_work *w, const char *server, const char **out, struct usher_error *err);

/* Our own, where pointers lie too. */
USHER_CHECK usher_status
scp_own_container(struct scp_work *w, const char **out, struct usher_error *err);

/* Plan to bring entry `i` to the wish, to make one, to take one away (none when `i` is list.n).
 * USHER_E_NOMEM. */
USHER_CHECK usher_status
scp_plan_change(struct scp_work *w, size_t i, const struct scp_wish *wish, struct usher_error *err);
USHER_CHECK usher_status
scp_plan_entry(struct scp_work *w, const char *name, const char *container,
    const struct scp_wish *wish, struct usher_error *err);
USHER_CHECK usher_status
scp_plan_remove(struct scp_work *w, size_t i, struct usher_error *err);

/* `Site=Pier` of `Pier`, for each. USHER_E_NOMEM. */
USHER_CHECK usher_status
scp_scope(struct arena *mem, const char *prefix, const struct text_list *names,
    struct text_list *out, struct usher_error *err);

/* USHER_E_USAGE when it is no https URL; USHER_E_NOMEM. */
USHER_CHECK usher_status
scp_check_url(struct cli *cli, const char *text, struct usher_error *err);

#endif
