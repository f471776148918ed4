/* site_check.h - sites, beside each other and beside the scopes of servers. */
#ifndef USHER_CLI_SITE_CHECK_H
#define USHER_CLI_SITE_CHECK_H

#include "cli/command.h"

/* What one record that is about to be put does not say of itself; others than sites and servers are
 * well. A site with a subnet that another has is USHER_E_CONFLICT: its clients would be at either.
 * Scopes, when the command tells of them, that name no site get a note, since the sites may be
 * those of an Active Directory. */
USHER_CHECK usher_status
site_check(struct cli *cli, struct dir *dir, const struct entity *e, const union org_record *record,
    struct usher_error *err);

#endif
