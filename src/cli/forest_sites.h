/* forest_sites.h - the sites of an Active Directory, and which of them a computer is at. */
#ifndef USHER_CLI_FOREST_SITES_H
#define USHER_CLI_FOREST_SITES_H

#include "base/ip_table.h"
#include "base/name_map.h"
#include "cli/forest.h"

enum { FOREST_SITES_MAX = 200000 }; /* sites and subnets */

struct forest_site {
	const char *key; /* first: the name, folded */
	const char *name;
	const struct forest_site *next;
};

struct forest_sites {
	const struct forest_site *first;
	size_t n;
	struct name_map by_key;
	struct ip_table subnets; /* each leads to a struct forest_site */
};

/* All of the forest, in cli->mem; none in a directory that knows no sites. As ldap_link_search().
 */
USHER_CHECK usher_status
forest_sites_read(
    struct cli *cli, const struct forest *f, struct forest_sites *out, struct usher_error *err);

/* `key` is a name, folded: see text_fold_copy(). */
bool
forest_sites_have(const struct forest_sites *sites, const char *key);

/* The site of the computer at `address`, as a domain controller would tell it: that of the subnet
 * with the longest prefix, else the only one. *out is NULL when there is none. USHER_E_USAGE: that
 * is no address. */
USHER_CHECK usher_status
forest_sites_at(const struct forest_sites *sites, const char *address, const char **out,
    struct usher_error *err);

#endif
