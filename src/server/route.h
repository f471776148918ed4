/* route.h - from listener, path and method to a handler. */
#ifndef USHER_SERVER_ROUTE_H
#define USHER_SERVER_ROUTE_H

#include "server/authenticate.h"
#include "server/engine.h"

enum route_login {
	LOGIN_NONE = 0,	 /* anybody */
	LOGIN_OVER_HTTP, /* anybody, and not over TLS alone where a proxy is in front */
	LOGIN_FIRST,	 /* the router authenticates; the handler finds a `struct auth` in data */
	LOGIN_LATER	 /* the handler decides when it has read the body */
};

struct route {
	unsigned listeners; /* bits 1 << enum listener_kind */
	const char *path;   /* lower case; with `*` at its end, all paths that begin so */
	unsigned methods;   /* bits 1 << enum http1_method */
	size_t body_max;    /* 0: none is wanted, a handler for anybody answers at the head */
	enum route_login login;
	void (*handle)(struct request *request);
};

/* The engine's head(). */
void
route_head(struct request *request);

/* ---- handlers ---- */

/* handle_pox.c: a POX question, and the probe of its URL by GET. */
void
handle_pox(struct request *request);
void
handle_pox_probe(struct request *request);

/* handle_soap.c: settings of many users, for whoever is logged in, and what others may know of the
 * organization. */
void
handle_soap(struct request *request);

/* handle_public.c: what anybody is told about a domain. */
void
handle_json_v2(struct request *request);
void
handle_autoconfig(struct request *request);

/* handle_profile.c: Apple's systems. */
void
handle_profile(struct request *request);

/* handle_well_known.c: what a domain's host names lead to. */
#define CALDAV_WELL_KNOWN_PATH "/.well-known/caldav"
#define CARDDAV_WELL_KNOWN_PATH "/.well-known/carddav"

void
handle_pacc(struct request *request);
void
handle_dav(struct request *request);

/* handle_challenge.c: what an ACME server asks. */
void
handle_challenge(struct request *request);

/* handle_page.c: the same for people. */
void
handle_page(struct request *request);

/* handle_root.c: the roots of private authorities, as a page and as files. */
void
handle_roots(struct request *request);
void
handle_root_file(struct request *request);

/* handle_redirect.c: plain HTTP to https. */
void
handle_redirect(struct request *request);

/* handle_private.c */
void
handle_metrics(struct request *request);
void
handle_health(struct request *request);
void
handle_status(struct request *request);

#endif
