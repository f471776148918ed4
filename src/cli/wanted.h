/* wanted.h - the host names under which clients come, as the directory has them: what certificates
 * have to cover. */
#ifndef USHER_CLI_WANTED_H
#define USHER_CLI_WANTED_H

#include "base/arena.h"
#include "dir/dir.h"

struct wanted_name {
	const char *name;	 /* A-labels */
	const char *why;	 /* where the directory names it; one line without full stop */
	const char *domain;	 /* whose name it is; NULL: the organization's alone */
	const char *certificate; /* thumbprint of the one that the domain has of its own, or NULL */
};

struct wanted {
	const struct wanted_name *v; /* each name once: servers', then domains' by their names */
	size_t n;
};

/* Hosts of URLs, inside and outside, of Outlook Anywhere while it is enabled, of SCPs and of
 * Outlook providers; the host names of domains, and the names below a domain that `usher plan
 * --dns` has records for. IP addresses are left out. Everything lies in `mem`. Returns USHER_OK,
 * USHER_E_NOMEM, and what dir_each() returns. */
USHER_CHECK usher_status
wanted_names(struct arena *mem, struct dir *dir, struct wanted *out, struct usher_error *err);

#endif
