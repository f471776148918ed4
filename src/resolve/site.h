/* site.h - which server of an organization answers for whom, and under which URLs. */
#ifndef USHER_RESOLVE_SITE_H
#define USHER_RESOLVE_SITE_H

#include <stdbool.h>

#include "model/facts.h"

/* What is good inside the network and what is good outside. */
enum side { INSIDE, OUTSIDE, SIDES };

/* Names compare without regard to case; either may be NULL. */
bool
site_same(const char *a, const char *b);

/* The mailbox's server, else the domain's, else the oldest; NULL when that name is no server's, or
 * there is none. `mailbox` may be NULL. */
const struct server *
site_choose(const struct facts *facts, const struct mailbox *mailbox);

/* Walks the server itself, then the others of its site, oldest first: the one behind `at`, or NULL
 * at the end. */
const struct server *
site_next(const struct org_view *org, const struct server *server, const struct server *at);

/* NULL: that server has no such service. */
const struct service_url *
site_service(const struct org_view *org, const struct server *server, enum url_service service);

/* `u` may be NULL. */
const char *
site_side(const struct service_url *u, enum side side);

/* The server's URL, or that of the first of its site that has one; NULL: none. */
const char *
site_url(const struct org_view *org, const struct server *server, enum url_service service,
    enum side side);

#endif
