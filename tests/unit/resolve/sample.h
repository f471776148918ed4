/* sample.h - an organization to ask about: two sites, three servers, and domains of every kind. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include "base/buf.h"
#include "resolve/resolve.h"

/* All of it may be changed by a test; sample_init() makes it anew. */
struct sample {
	struct server servers[3];
	struct service_url urls[16];
	struct outlook_anywhere rpc[2];
	struct provider providers[3];
	struct org_view org;
	struct domain domain;
	struct mail_service services[5];
	struct mailbox mailbox;
	struct alternative_mailbox alternatives[2];
	struct facts facts;
	struct question question;
	struct resolve_context context;
};

/* nora@contoso.com on CAS01 (Exchange 2016, site Pier), asked by herself with Outlook 2007. */
void
sample_init(struct sample *s);

/* The same with the services of a `mail` domain, asked by nobody in particular. */
void
sample_init_mail(struct sample *s);

/* To be called when the organization is as the test wants it. */
void
sample_ready(struct arena *mem, struct sample *s);

/* The record of a service URL of a server; made when there is none. */
struct service_url *
sample_url(struct sample *s, const char *server, enum url_service service);

/* The answer as lines `User legacy_dn=…`, `EXCH server=… ttl=…`, members in the order of rows. */
void
sample_show(const struct answer *a, struct buf *out);

#endif
