/* org_view.h - the part of an organization that is the same for every question: read once, kept
 * until it changes, and found in without a search. */
#ifndef USHER_MODEL_ORG_VIEW_H
#define USHER_MODEL_ORG_VIEW_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/ip_table.h"
#include "base/name_map.h"
#include "model/org.h"

/* What is good inside the network and what is good outside. */
enum url_side { INSIDE, OUTSIDE, SIDES };

enum {
	ORG_OWA_MAX = 64
}; /* OWA URLs of a site and a side; those of younger servers are not told */

/* What the servers of one site offer together. Names of sites compare as text_fold_copy() has them.
 */
struct site_links {
	const char *name;	    /* folded; NULL: the servers that name no site */
	const struct server *first; /* the oldest */
	/* The URL of the oldest server that has one; NULL: none has. */
	const char *urls[URL_SERVICE_COUNT][SIDES];
	/* Each OWA URL once, by the age of its server. */
	const struct service_url **owa[SIDES];
	size_t n_owa[SIDES];
	const struct outlook_anywhere *outlook_anywhere; /* of the oldest that has it switched on */
};

/* What belongs to one server. */
struct server_links {
	const struct service_url *urls[URL_SERVICE_COUNT]; /* NULL: it has no such service */
	const struct outlook_anywhere *outlook_anywhere;   /* NULL: none, or switched off */
	const struct site_links *site;
	const struct server *next; /* the next of its site, by age; NULL: none */
};

struct org_view {
	struct organization organization;
	const struct site *sites;
	size_t n_sites;
	const struct server *servers; /* oldest first */
	size_t n_servers;
	const struct service_url *urls; /* one at most of a server and a service */
	size_t n_urls;
	const struct outlook_anywhere *outlook_anywhere; /* one at most of a server */
	size_t n_outlook_anywhere;
	const struct provider *providers;
	size_t n_providers;
	const struct relationship *relationships;
	size_t n_relationships;

	/* Made by org_view_link(). */
	const struct server_links *links; /* of each server, in their order */
	struct name_map by_name;	  /* the servers */
	struct ip_table subnets;	  /* of the sites; each leads to a struct site_links */
	const char *newest_version;	  /* of all servers; NULL: none names one */
};

/* Makes what is found without a search from the arrays above, in `mem`; to be called when they are
 * complete, and again when they change. False when out of memory. */
bool
org_view_link(struct arena *mem, struct org_view *view);

/* The server of that name, without regard to case; NULL: there is none. */
const struct server *
org_view_server(const struct org_view *view, const char *name);

/* `server` is one of the view's. */
const struct server_links *
org_view_links(const struct org_view *view, const struct server *server);

/* The servers of the site that has a subnet with `address` (in IPv6 form, see ip_table_find()): of
 * several the one with the longest prefix; of sites that share a subnet the first. NULL: no site
 * has, or no server stands in that one. */
const struct site_links *
org_view_site_of(const struct org_view *view, const unsigned char address[16]);

#endif
