/* ldap_exchange.h - what Active Directory and Exchange themselves hold of an organization (scp.md 7
 * to 9): read as usher's records, and changed where usher can say what should change. */
#ifndef USHER_DIR_LDAP_EXCHANGE_H
#define USHER_DIR_LDAP_EXCHANGE_H

#include "dir/ldap_map.h"
#include "ldap/link.h"
#include "model/directory.h"

enum { EXCHANGE_WARNINGS_MAX = 100 /* further ones are passed over in silence */ };

/* A record that is kept in an object of Exchange's or of Active Directory's. */
struct exchange_object {
	enum entity_id entity;
	const void *record; /* as entity_check() leaves it */
	const char *dn;	    /* whose entry ldap_exchange_edit() wants; NULL: there is none yet */
};

struct exchange_view {
	const struct ldap_map *map; /* how people are found in this directory */
	/* In an order in which each names only earlier ones; servers oldest first. */
	const struct exchange_object *objects;
	size_t n;
	struct text_list warnings;     /* what was passed over and why, each with its DN */
	const char *const *attributes; /* where members are: inside of ldap_exchange.c */
};

/* Reads all that Exchange and Active Directory tell, in a few searches; in any other directory
 * there is nothing. Objects that are broken, or have reached this server only in part, are passed
 * over with a warning. `settings` may be NULL; its attributes are those of ldap_map_make(), and
 * `ENTITY.MEMBER=ATTRIBUTE` says where Exchange's objects have a member. All lies in `mem`.
 *
 * Returns USHER_OK, USHER_E_INPUT (an attribute in the settings), and as ldap_link_search(). */
USHER_CHECK usher_status
ldap_exchange_load(struct ldap_link *link, const struct dir_settings *settings, struct arena *mem,
    struct exchange_view *out, struct usher_error *err);

/* The object that holds the record with the key of `record`; NULL: none does, and it is kept among
 * usher's own. */
const struct exchange_object *
ldap_exchange_find(
    const struct exchange_view *view, const struct entity *entity, const void *record);

/* What is to be done to `entry`, which has object->dn and all its attributes (NULL when that is
 * NULL), so that it is read as `wanted`: as ldap_person_edit().
 *
 * Returns USHER_OK, USHER_E_INPUT (Exchange has no place for a member, or keeps it where only its
 * own tools should write; the message names it), USHER_E_NOMEM. */
USHER_CHECK usher_status
ldap_exchange_edit(const struct exchange_view *view, const struct exchange_object *object,
    struct arena *mem, const struct ldap_entry *entry, const void *wanted, struct ldap_change *out,
    struct usher_error *err);

#endif
