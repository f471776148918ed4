/* scp.h - service connection points as objects of a directory (scp.md 1, 2). */
#ifndef USHER_LDAP_SCP_H
#define USHER_LDAP_SCP_H

#include "ldap/link.h"
#include "model/scp.h"

enum { SCP_MAX = 200000 };

struct scp_object {
	const char *name; /* serviceDNSName, else cn; NULL: neither */
	bool has_class;	  /* serviceClassName is ours */
};

/* What one search finds, in the directory's order. */
struct scp_list {
	const struct scp_object *objects;
	const struct scp_record *records; /* beside them */
	size_t n;
};

/* All below `base`, URLs and pointers, in `mem`. `by_category`: found by objectCategory, as Outlook
 * does, and not by objectClass, which every directory knows. `in_all_ms`: see struct link_search.
 * As ldap_link_search(); USHER_E_LIMIT when there are more than SCP_MAX. */
USHER_CHECK usher_status
scp_read(struct ldap_link *link, struct arena *mem, const char *base, bool by_category,
    uint64_t in_all_ms, struct scp_list *out, struct usher_error *err);

/* Below which DN they lie, by attributes of the rootDSE: configurationNamingContext, or the first
 * of namingContexts where there is no Active Directory. NULL: it does not say. */
const char *
scp_base(struct arena *mem, const struct ldap_entry *root);

bool
scp_has_keyword(const struct scp_record *r, const char *keyword);

/* Two domain controllers have made an entry of the same name at once, and this one got another: by
 * the form of its DN. */
bool
scp_is_conflict(const struct scp_record *r);

/* The values of its keywords `NAME=`, in `mem`. NULL `v` when memory is out. */
struct text_list
scp_values(struct arena *mem, const struct scp_record *r, const char *name);

#endif
