/* scp_view.h - the connection points of a forest as one of its computers finds them. */
#ifndef USHER_CLI_SCP_VIEW_H
#define USHER_CLI_SCP_VIEW_H

#include "cli/forest_sites.h"
#include "ldap/scp.h"
#include "model/scp_order.h"

/* Member `view` of the args of such a command: whose view it is. */
struct scp_view_args {
	const char *site;
	const char *client;
	const char *domain;
	bool strict_site;
};

/* The rows of `view` in the options of a command whose args are an `args`. */
/* clang-format off */
#define SCP_VIEW_ROWS(args) \
	SCP_VIEW_ROW(args, "site", OPT_TEXT, site, "SITE", \
	    "in the order for a computer at this site"), \
	SCP_VIEW_ROW(args, "client", OPT_TEXT, client, "ADDR", \
	    "in the order for the computer with this IP address: its subnet tells its site"), \
	SCP_VIEW_ROW(args, "domain", OPT_TEXT, domain, "DOMAIN", \
	    "in the order for a mailbox in this domain"), \
	SCP_VIEW_ROW(args, "strict-site", OPT_FLAG, strict_site, NULL, \
	    "leave the others out when there is one for the computer's site, as Outlook does")
#define SCP_VIEW_ROW(args, name, type, member, value, help) \
	{ 0, name, type, offsetof(args, view) + offsetof(struct scp_view_args, member), value, help }
/* clang-format on */

struct scp_view {
	struct scp_list list;
	struct scp_order order;	   /* of the list */
	struct forest_sites sites; /* none in a directory that knows no sites */
	const char *site;	   /* of the computer; NULL: unknown */
};

/* Reads all into cli->mem. A --site that the forest does not have gets a note. As forest_open() and
 * ldap_link_search(); USHER_E_USAGE for a domain or an address that is none. */
USHER_CHECK usher_status
scp_view_read(struct cli *cli, const struct forest_args *forest, const struct scp_view_args *args,
    struct scp_view *out, struct usher_error *err);

#endif
