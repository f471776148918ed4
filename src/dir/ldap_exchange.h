/* ldap_exchange.h - what Active Directory and Exchange themselves hold of an organization (scp.md 7
 * to 9): read as usher's records, and changed where usher can say what should change. */
#ifndef USHER_DIR_LDAP_EXCHANGE_H
#define USHER_DIR_LDAP_EXCHANGE_H

#include "dir/ldap_map.h"
#include "ldap/link.h"

/* A record that is kept in objects of Exchange's. */
struct exchange_object {
	enum entity_id entity;
	const void *record; /* as entity_check() leaves it */
	const char *dn;	    /* of the entry that ldap_exchange_edit() wants; NULL: nothing of it
			       can be changed */
};

struct exchange_view {
	const struct ldap_map *map; /* how people are found in this directory */
	/* In an order in which each names only earlier ones; servers oldest first. */
	const struct exchange_object *objects;
	size_t n;
	struct text_list warnings; /* what was passed over, each with its DN; one line each */
};

/* What there is to say about the directory beside its addresses. */
struct exchange_options {
	int flavour;		     /* enum map_flavour, or -1: look */
	struct text_list attributes; /* for ldap_map_make(); `ENTITY.MEMBER=ATTRIBUTE` as well:
					where Exchange's objects have that member */
};

/* Reads all that Exchange and Active Directory tell, in a few searches; in another directory it
 * finds no object. Objects that are broken, or have reached this server only in part, are passed
 * over with a warning. All lies in `mem`.
 *
 * Returns USHER_OK, USHER_E_INPUT (an attribute of the options), and as ldap_link_search(). */
USHER_CHECK usher_status
ldap_exchange_load(struct ldap_link *link, const struct exchange_options *options,
    struct arena *mem, struct exchange_view *out, struct usher_error *err);

/* The object that holds the record with this key; NULL: none does, and the record is kept among
 * usher's own. */
const struct exchange_object *
ldap_exchange_find(const struct exchange_view *view, const struct entity *entity, const void *key);

/* What is to be done to the object's entry so that it is read as `wanted`: as ldap_person_edit().
 * `entry` is the one with object->dn, all its attributes.
 *
 * Returns USHER_OK, USHER_E_INPUT (Exchange has no place for a member, or keeps it where only its
 * own tools should write; the message names them), USHER_E_NOMEM. */
USHER_CHECK usher_status
ldap_exchange_edit(const struct exchange_view *view, const struct exchange_object *object,
    struct arena *mem, const struct ldap_entry *entry, const void *wanted, struct ldap_change *out,
    struct usher_error *err);

#endif
