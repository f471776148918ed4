/* resolve_plan.h - decides what a deployment of one of the white paper's four kinds needs: names on
 * certificates, DNS records, settings, listeners. */
#ifndef USHER_RESOLVE_RESOLVE_PLAN_H
#define USHER_RESOLVE_RESOLVE_PLAN_H

#include "model/evidence.h"
#include "resolve/resolve_zone.h"

/* By their numbers in the white paper (http-discovery.md 14). */
enum scenario {
	SCENARIO_ALL_NAMES = 1, /* one certificate with all names */
	SCENARIO_SRV,		/* one with a single name, and a SRV record */
	SCENARIO_TWO_HOSTS,	/* two with a single name each, at two addresses */
	SCENARIO_REDIRECT	/* one with a single name, and a site that redirects */
};

enum { PLAN_SERVERS_MAX = 100 };

/* Of the listeners that there are two of. */
#define PLAN_LISTENER_HOST "mail"
#define PLAN_LISTENER_AUTODISCOVER "autodiscover"

struct plan_wish {
	enum scenario scenario;
	const char *domain; /* mail domain, A-labels */
	const char *host;   /* under which mail programs reach us, A-labels */
	bool accepted;	    /* the domain is in the directory */
	/* Full names of the servers that are together behind `host`. Empty: those that the
	 * directory has at the domain's site, else `host` alone. */
	struct text_list servers;
	struct zone_wish zone; /* way and host are not read */
	/* Addresses on this machine, where they are not the public ones. */
	const struct zone_address *listen;
	size_t n_listen;
	const struct certificate *certificates; /* of the directory */
	size_t n_certificates;
	int64_t now_s;
};

struct plan_name {
	const char *name;
	const char *why; /* one line without full stop */
};

struct plan_certificate {
	const char *listener;	       /* that shows it; NULL: all */
	const struct plan_name *names; /* the first is the common name */
	size_t n_names;
	/* What the directory has for these names; each may be NULL. */
	const struct certificate *enabled;  /* valid, and shown by that listener */
	const struct certificate *imported; /* valid, but not enabled there */
	const struct certificate *request;  /* for which no certificate has come */
	/* As `enabled`, but it vouches for itself, which is enough to begin with. */
	const struct certificate *self_signed;
};

/* A record as it ought to be. */
struct plan_record {
	const struct entity *entity;
	const void *before; /* as it is, or as `usher setup` makes it; NULL: there is none */
	union org_record after;
	const char *why;
};

struct plan_listener {
	bool https;	       /* else redirect */
	const char *name;      /* of `[listen https NAME]`; NULL: none */
	const char *addresses; /* as usherd.conf has them; NULL: not known */
	const char *target;    /* of a redirect; NULL: none */
};

/* What becomes of one kind of program. */
struct plan_client {
	const char *client;
	int source; /* enum source by which it finds the settings; 0: by none */
	const char *sees;
	bool prompt; /* people are asked a question */
};

/* A deployment. */
struct deployment {
	const struct plan_wish *wish;
	int kind;	   /* enum domain_kind */
	const char *title; /* one line */
	struct text_list requirements, tradeoffs;
	const char *url;	  /* https URL where Autodiscover answers, at the host */
	const char *autodiscover; /* the domain's autodiscover host */
	struct text_list setups;  /* hosts for which `usher setup` is to be run first */
	struct plan_certificate certificates[2];
	size_t n_certificates;
	struct zone zone;
	const struct plan_record *records; /* those that are not as they ought to be */
	size_t n_records;
	const struct plan_listener *listeners;
	size_t n_listeners;
	const struct plan_client *clients;
	size_t n_clients;
	struct text_list notes; /* what has to be seen to besides; a line each */
	bool complete;		/* false: an address is not known */
};

/* Puts a domain of kind exchange or mail into *out as `usher setup` makes it, for one that is not
 * accepted yet. USHER_E_NOMEM. */
USHER_CHECK usher_status
resolve_plan_domain(
    struct arena *mem, const char *name, int kind, const char *host, struct facts *out);

/* The plan for the domain of the facts, whose organization may be NULL.
 *
 * URLs and SCPs of Exchange servers are pointed at the host, because no certificate has another
 * name. In scenario 1 a single server keeps its names inside and they are on the certificate,
 * unless no public authority certifies such a name.
 *
 * All of *out lies in `mem`, in the facts or in the wish. USHER_E_LIMIT (servers), USHER_E_NOMEM.
 */
USHER_CHECK usher_status
resolve_plan(struct arena *mem, const struct facts *facts, const struct plan_wish *wish,
    struct deployment *out, struct usher_error *err);

#endif
