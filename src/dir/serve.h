/* serve.h - what lookups decide alike, wherever the back end has its facts from. */
#ifndef USHER_DIR_SERVE_H
#define USHER_DIR_SERVE_H

#include "base/address.h"
#include "dir/domain_entry.h"
#include "model/facts.h"
#include "usher/status.h"

/* Where domains are found. */
struct serve_domains {
	/* *out = NULL when there is no such domain. */
	usher_status (*find)(void *payload, struct arena *mem, const char *name,
	    const struct domain_entry **out, struct usher_error *err);
	void *payload;
};

/* The domain of that name, or the one that it is an alias of: then *real is that one's name. */
USHER_CHECK usher_status
serve_follow(const struct serve_domains *domains, struct arena *mem, const char *name,
    const struct domain_entry **out, const char **real, struct usher_error *err);

/* An address with its domain, an alias followed. */
struct located {
	const struct domain_entry *entry; /* NULL: not accepted here */
	struct slice local;		  /* as it was given */
	const char *domain;
};

/* `address` is an address.key. */
USHER_CHECK usher_status
serve_locate(const struct serve_domains *domains, struct arena *mem, const char *address,
    struct located *out, struct usher_error *err);

/* The same without the detail of `ann+news`; false when it has none. */
bool
serve_base(const struct located *at, struct located *out);

/* Fills in who was asked for, and the domain with all that belongs to it. */
USHER_CHECK usher_status
serve_put_target(struct arena *mem, const struct address *asked, const struct located *at,
    struct facts *out, struct usher_error *err);

/* `entry` may be NULL. */
void
serve_put_domain(const struct domain_entry *entry, struct facts *out);

/* A mailbox may have the services of another domain than its own; `mailbox` may be NULL. */
USHER_CHECK usher_status
serve_put_mailbox_services(const struct serve_domains *domains, struct arena *mem,
    const struct mailbox *mailbox, struct facts *out, struct usher_error *err);

/* The mailbox of that login. */
bool
serve_is_own(const struct mailbox *mailbox, const char *login);

#endif
