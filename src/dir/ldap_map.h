/* ldap_map.h - which attributes of a directory tell of people: filters that find their entries, and
 * entries read as mailboxes (scp.md 7). Pure: asks nobody.
 *
 * What comes out of entries was checked by nobody before: values that are no text, too long, or not
 * in their form are passed over one by one, as if they were not there. */
#ifndef USHER_DIR_LDAP_MAP_H
#define USHER_DIR_LDAP_MAP_H

#include <stdbool.h>

#include "base/arena.h"
#include "model/ldap.h"
#include "model/org.h"
#include "usher/status.h"

enum map_flavour {
	MAP_OPENLDAP = 0,     /* and all that is none of the others */
	MAP_ACTIVE_DIRECTORY, /* without Exchange */
	MAP_EXCHANGE
};

/* A domain of an Active Directory forest. */
struct map_domain {
	const char *netbios; /* as in DOMAIN\user */
	const char *dns;     /* its DNS name, in lower case: the realm as well */
	const char *dn;	     /* below which its people are */
};

struct ldap_map;

/* `attributes` has texts `member=attribute`, and says instead of the flavour's own habits where a
 * member is read from: those of mailboxes, and `disabled`, `hidden`, `recipient_type`,
 * `archive_guid`, `archive_name`, `delegates` (DNs of those whose programs open the mailbox),
 * `delegate_of` (its back link). A member may be there several times: it is read from the first of
 * its attributes that has a value, addresses and login names from all; `-` for an attribute is
 * none. `extended` says that the directory knows usher's own class of mailboxes. `domains` may be
 * empty. All is copied into `mem`.
 *
 * Returns USHER_OK, USHER_E_INPUT (no such member, or no name of an attribute), USHER_E_NOMEM. */
USHER_CHECK usher_status
ldap_map_make(struct arena *mem, enum map_flavour flavour, bool extended,
    const struct text_list *attributes, const struct map_domain *domains, size_t n_domains,
    const struct ldap_map **out, struct usher_error *err);

enum map_flavour
ldap_map_flavour(const struct ldap_map *map);

/* What ldap_person_read() wants to see of an entry; NULL-terminated. */
const char *const *
ldap_map_attributes(const struct ldap_map *map);

/* ---- filters (RFC 4515), in `mem`; NULL when out of memory ---- */

/* Whoever has the address, which is an address.text or .key. */
const char *
ldap_map_by_address(const struct ldap_map *map, struct arena *mem, const char *address);

/* Whoever has the legacyDN, or had it once. */
const char *
ldap_map_by_legacy_dn(const struct ldap_map *map, struct arena *mem, const char *legacy_dn);

/* Whoever may be meant by a login: `user`, `DOMAIN\user`, `user@domain`, an address. Not all that
 * it finds are: ldap_map_fit() tells. */
const char *
ldap_map_by_login(const struct ldap_map *map, struct arena *mem, const char *login);

/* Everybody who has an address in `domain`; NULL: any address. */
const char *
ldap_map_by_domain(const struct ldap_map *map, struct arena *mem, const char *domain);

/* Everybody who has a redirect_address. */
const char *
ldap_map_by_redirect(const struct ldap_map *map, struct arena *mem);

/* ---- people ---- */

enum person_kind {
	PERSON_NOBODY = 0, /* no address: may log in all the same */
	PERSON_MAILBOX,
	PERSON_ELSEWHERE, /* a mail user or contact: no mailbox here, perhaps a redirect_address */
	PERSON_GROUP
};

struct ldap_person {
	const char *dn;
	enum person_kind kind;
	bool contact;  /* cannot log in */
	bool disabled; /* must not log in; its mailbox may be opened by others */
	bool hidden;   /* from address lists; means nothing to those who know the address */
	struct mailbox mailbox; /* login_name is what dir_credential() calls canonical */
	/* Login names, in the form of text_login_copy(). */
	struct text_list logins;    /* each good everywhere */
	const char *short_name;	    /* good inside its domain: sAMAccountName; NULL: none */
	struct text_list delegates; /* DNs of those whose programs open this mailbox */
	bool may_have_shares;	    /* others' mailboxes may name it as delegate: look for them */
	const struct alternative_mailbox *alternatives; /* its archive, and what usher was told */
	size_t n_alternatives;
};

/* False when out of memory. */
bool
ldap_person_read(const struct ldap_map *map, struct arena *mem, const struct ldap_entry *entry,
    struct ldap_person *out);

/* The mailbox as an answer to somebody who asked for `address` (NULL: for the person): NULL when
 * there is none here, and nowhere else to ask than where the question came from. */
const struct mailbox *
ldap_person_mailbox(const struct ldap_person *person, const char *address);

/* How a person fits a login, which is in the form of text_login_copy(): one with the name goes
 * before those who only have it for an address; several of the same fit are a login of nobody. */
enum map_fit { MAP_FIT_NONE = 0, MAP_FIT_ADDRESS, MAP_FIT_NAME };

enum map_fit
ldap_map_fit(const struct ldap_map *map, const struct ldap_person *person, const char *login);

/* Whose mailboxes this one's program opens: a filter for their entries, each of which is a person
 * to make an alternative mailbox of. NULL when out of memory. */
const char *
ldap_map_by_delegate(const struct ldap_map *map, struct arena *mem, const char *dn);

/* `other`, found by that filter, as an alternative of `owner`. */
void
ldap_person_share(const struct ldap_person *owner, const struct ldap_person *other,
    struct alternative_mailbox *out);

/* ---- changing ---- */

/* What is to be done to `entry`, read with ldap_map_attributes(), so that it is read as `wanted`,
 * which is as entity_check() leaves it: members that are the same stay untouched; of attributes
 * that differ the very values that were there are taken away and the new ones added. out->n is 0
 * when nothing is to be done. out->kind is LDAP_CHANGE_MODIFY; all lies in `mem` and in `entry`.
 *
 * A login_name that is absent stays as it is: it is the entry's own.
 *
 * Returns USHER_OK, USHER_E_INPUT (the directory has no place for a member, and the message names
 * it), USHER_E_NOMEM. */
USHER_CHECK usher_status
ldap_person_edit(const struct ldap_map *map, struct arena *mem, const struct ldap_entry *entry,
    const struct mailbox *wanted, struct ldap_change *out, struct usher_error *err);

#endif
