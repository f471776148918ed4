/* plan_inside.h - what the files of a plan share while it is made. */
#ifndef USHER_RESOLVE_PLAN_INSIDE_H
#define USHER_RESOLVE_PLAN_INSIDE_H

#include "resolve/making.h"
#include "resolve/resolve_plan.h"

/* A server and what belongs to it, as it is or as `usher setup` makes it. */
struct served {
	union org_record server, outlook_anywhere;
	union org_record urls[URL_SERVICE_COUNT];
	bool has_outlook_anywhere, has_url[URL_SERVICE_COUNT];
	bool is_new;
};

/* A plan in the making. Out of memory sticks. */
struct plan_making {
	struct arena *mem;
	const struct facts *facts;
	const struct plan_wish *wish;
	struct deployment *out;
	struct served *servers;
	size_t n_servers;
	struct plan_record *records;
	struct plan_name *names; /* of the first certificate */
	size_t n_names;
	struct plan_listener *listeners;
	const char **notes;
	const char **elsewhere; /* hosts of services that have certificates of their own */
	size_t n_elsewhere;
	const char *proxy; /* of Outlook Anywhere, on the first server; NULL: none */
	bool failed;
};

/* The host, or the domain's autodiscover host where its certificate has that. */
bool
plan_is_ours(const struct plan_making *m, const char *host);

/* On the first certificate. */
bool
plan_is_certified(const struct plan_making *m, const char *host);

/* A host that stays in a URL: in scenario 1 it is on the certificate when it is of our site. */
void
plan_note_host(struct plan_making *m, const char *host, const char *why);

/* Notes the record unless it is as it ought to be. */
void
plan_put_record(struct plan_making *m, enum entity_id id, const void *before,
    const union org_record *after, const char *why);

/* Names that the zone gives us and where programs expect TLS. */
void
plan_names(struct plan_making *m);

void
plan_find_servers(struct plan_making *m);

/* What has to change at a server. */
void
plan_server(struct plan_making *m, const struct served *s);

/* After all names are known. */
void
plan_certificates(struct plan_making *m);

/* After the certificates: the names that Outlook is told to find on them. */
void
plan_provider(struct plan_making *m);

/* Fills in title, requirements, tradeoffs and clients from the rest. False when out of memory. */
bool
plan_words(struct arena *mem, struct deployment *d);

#endif
