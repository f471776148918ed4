/* site.h - which server of an organization answers for whom, and under which URLs.
 *
 * A domain's home is the server that it names, else the oldest of all. The server of a mailbox is
 * that which it names, unless that is gone; else, when the domain names none, the oldest of the
 * client's site; else the home. So where the client is counts only for who belongs nowhere: whose
 * mailbox stands at a site is served from there wherever they are, and what is good inside and
 * outside is told to everybody, since computers move and addresses are translated.
 *
 * Each URL, and Outlook Anywhere, is that of the first of these that has it: the server itself, the
 * oldest other of its site, and then, for sites that have not everything, the home and the oldest
 * other of its site. Further sites are never asked: they may be somebody else's. */
#ifndef USHER_RESOLVE_SITE_H
#define USHER_RESOLVE_SITE_H

#include <stdbool.h>

#include "model/facts.h"

/* Names compare without regard to case; either may be NULL. */
bool
site_same(const char *a, const char *b);

struct site_choice {
	const struct server *server; /* NULL: there is none; nothing below may be asked then */
	const struct server *home;   /* when the one that the domain names is gone, the same */
};

/* `mailbox` may be NULL, and so may `client`, its address in IPv6 form: it is not known then. */
struct site_choice
site_choose(
    const struct facts *facts, const struct mailbox *mailbox, const unsigned char client[16]);

/* Walks the server itself, then the others of its site, oldest first: the one behind `at`, or NULL
 * at the end. */
const struct server *
site_next(const struct org_view *org, const struct server *server, const struct server *at);

/* `u` may be NULL. */
const char *
site_side(const struct service_url *u, enum url_side side);

/* NULL: none. */
const char *
site_url(const struct org_view *org, const struct site_choice *choice, enum url_service service,
    enum url_side side);

/* NULL: none is switched on. */
const struct outlook_anywhere *
site_outlook_anywhere(const struct org_view *org, const struct site_choice *choice);

struct site_owa {
	const struct service_url *urls[ORG_OWA_MAX + 1]; /* each leads elsewhere on that side */
	size_t n;
};

/* The OWA URLs of all servers of the site, the server's own first; when there are none, those of
 * the home's. */
void
site_owa(const struct org_view *org, const struct site_choice *choice, enum url_side side,
    struct site_owa *out);

#endif
