/* ldap_manage.h - what the management calls of the LDAP back end keep, and give each other: what a
 * transaction has read so far, as it will be when its changes are made. */
#ifndef USHER_DIR_LDAP_MANAGE_H
#define USHER_DIR_LDAP_MANAGE_H

#include "base/name_map.h"
#include "dir/ldap.h"
#include "dir/ldap_exchange.h"
#include "dir/ldap_values.h"
#include "dir/rules.h"

enum {
	MANAGE_BYTES = 768 * 1024 * 1024,   /* of one call or transaction, all of it together */
	MANAGE_TIMEOUT_MS = 10 * 60 * 1000, /* of reading all of something */
	MANAGE_EDITS_MAX = 256,		    /* of one change */
	MANAGE_DN_BYTES = 8 * 1024,
	MANAGE_SINGLE_MAX = 16,	  /* records of a kind that are asked for one by one */
	MANAGE_CN_CHARACTERS = 64 /* the most that Active Directory takes */
};

/* How OpenLDAP keeps a hash of crypt(5), and a hash that no password has: the directory shows none.
 */
#define PASSWORD_CRYPT "{CRYPT}"
#define PASSWORD_UNKNOWN "*"

/* Records of these lie in the entries of people. */
static inline bool
is_of_people(const struct entity *e)
{
	return e->id == ENTITY_MAILBOX || e->id == ENTITY_ALTERNATIVE_MAILBOX ||
	       e->id == ENTITY_CREDENTIAL;
}

/* A record of the configuration, or a person with a mailbox, as it is at this point of the
 * transaction. */
struct held {
	const char *key;	 /* first: see struct name_map. entity_key_text(), or a DN */
	struct ldap_entry entry; /* as it lies in the directory */
	const void *record;
	const struct ldap_person *person; /* of people */
	int64_t revision;
	const struct exchange_object *object; /* of Exchange's; NULL: it is usher's own */
	bool gone;
};

/* Those of one entity. */
struct held_set {
	bool complete;
	size_t singles;
	struct name_map by_key; /* of struct held */
	struct held **v;
	size_t n, room;
};

/* Somebody who has, or had, an address or a login: what name_map finds by it. */
struct held_name {
	const char *name; /* first */
	struct held *person;
};

/* One change on its way; a modification without edits is the password that is to be set. */
struct held_change {
	struct ldap_change change;
	struct held_change *next;
};

struct ldap_manage {
	struct ldap_dir *d;
	struct arena *mem; /* lives as long as the link */
	struct ldap_link *link;
	struct ldap_layout layout;

	unsigned depth;			      /* of calls from inside each other */
	bool lost;			      /* the link; the next call makes another */
	struct arena *work;		      /* of the outermost call, or of the transaction */
	bool has_container;		      /* or it is among the changes */
	const struct exchange_view *exchange; /* NULL: not read yet */
	const struct ldap_map *map;	      /* with it */
	struct held_set sets[ENTITY_COUNT];   /* ENTITY_MAILBOX: people, by DN */
	struct name_map addresses, logins;    /* of struct held_name */
	struct held_change *first, **last;
	size_t n_changes;
	bool makes_container; /* this transaction does */
	bool spoilt;	      /* it cannot be committed any more */
	bool sets_password;
	struct secret password;
};

/* ---- ldap_record.c: the configuration ---- */

/* Begins a call: connects if need be, and forgets what the last one has read unless a transaction
 * or another call goes on. Each that succeeds needs a manage_leave(). */
USHER_CHECK usher_status
manage_enter(struct ldap_dir *d, struct ldap_manage **out, struct usher_error *err);
void
manage_leave(struct ldap_manage *m, usher_status st);

/* Forgets what the transaction has read and gathered. */
void
manage_forget(struct ldap_manage *m);

/* Makes m->map and m->exchange. */
USHER_CHECK usher_status
manage_map(struct ldap_manage *m, struct usher_error *err);

/* The record with the key of `record`; *out is NULL when there is none. Not for mailboxes and what
 * belongs to them. */
USHER_CHECK usher_status
record_held(struct ldap_manage *m, const struct entity *e, const void *record, struct held **out,
    struct usher_error *err);

/* Reads all records of an entity; m->sets then has them, in key order. */
USHER_CHECK usher_status
record_all(struct ldap_manage *m, const struct entity *e, struct usher_error *err);

/* Reads h->record and what goes with it from h->entry. */
USHER_CHECK usher_status
record_refresh(
    struct ldap_manage *m, const struct entity *e, struct held *h, struct usher_error *err);

/* Adds one whose key is not there. */
USHER_CHECK usher_status
record_add(struct ldap_manage *m, const struct entity *e, struct held *h, struct usher_error *err);

/* Whether the entry has the value, letters of any case. */
bool
entry_has(const struct ldap_entry *entry, const char *attribute, const char *value);

/* Says again what `err` says, of `where` and with `more` behind it; `err` may be NULL. */
usher_status
manage_say(struct usher_error *err, usher_status st, const char *where, const char *more);

/* More than MANAGE_BYTES, or out of memory. */
usher_status
manage_full(const struct ldap_manage *m, struct usher_error *err);

/* `entry` after `change`, sharing what has not changed. False when out of memory. */
bool
entry_change(struct arena *mem, struct ldap_entry *entry, const struct ldap_change *change);

/* Orders keys as dir_each() promises. */
int
record_compare(const struct entity *e, const void *a, const void *b);

/* The record as its leading keys that are set in `prefix` say. */
bool
record_fits(const struct entity *e, const void *prefix, const void *record);

/* ---- ldap_people.c: mailboxes, and what belongs to them ---- */

/* Whoever has the address; *out is NULL when nobody has. USHER_E_CONFLICT: several have, or a group
 * has, and the message names them. */
USHER_CHECK usher_status
person_of_address(
    struct ldap_manage *m, const char *address, struct held **out, struct usher_error *err);

/* Whoever logs in so, with an address or without. */
USHER_CHECK usher_status
person_of_login(
    struct ldap_manage *m, const char *login, struct held **out, struct usher_error *err);

USHER_CHECK usher_status
person_of_legacy_dn(
    struct ldap_manage *m, const char *legacy_dn, struct held **out, struct usher_error *err);

/* Reads h->record from h->entry, and lets its addresses find it. */
USHER_CHECK usher_status
person_refresh(struct ldap_manage *m, struct held *h, struct usher_error *err);

/* The address of any mailbox that fits, of those the filter finds or this transaction has made;
 * NULL: none does. */
USHER_CHECK usher_status
people_any(struct ldap_manage *m, const char *filter,
    bool (*fits)(const struct held *h, const void *what), const void *what, const char **out,
    struct usher_error *err);

/* The record with the key; NULL: there is none. */
USHER_CHECK usher_status
people_get(struct ldap_manage *m, const struct entity *e, const void *key, const void **out,
    struct usher_error *err);

/* As dir_each(). */
USHER_CHECK usher_status
people_each(struct ldap_manage *m, const struct entity *e, const void *prefix,
    usher_status (*each)(const void *record, void *payload), void *payload,
    struct usher_error *err);

/* ---- ldap_change.c ---- */

/* What dir/rules.h asks for. */
struct rules_view
manage_rules(struct ldap_manage *m);

/* Adds a change to those of the transaction, and makes it of h->entry, which an addition makes what
 * it is. The change is to lie in m->work. */
USHER_CHECK usher_status
manage_change(struct ldap_manage *m, struct held *h, enum ldap_change_kind kind,
    const struct ldap_edit *edits, size_t n, struct usher_error *err);

/* Edits of one change, as they come to be known. */
struct edits {
	struct ldap_manage *m;
	struct ldap_edit v[MANAGE_EDITS_MAX];
	size_t n;
	bool failed; /* out of memory, or too many */
};

void
edits_add(struct edits *s, enum ldap_edit_kind kind, const char *attribute,
    const struct slice *values, size_t n);

/* The same with one text. */
void
edits_text(struct edits *s, enum ldap_edit_kind kind, const char *attribute, const char *value);

/* The next revision in the place of the one that was there: whoever wrote meanwhile is noticed. */
void
edits_revision(struct edits *s, const struct held *h);

/* ---- ldap_put.c: changes of people ---- */

/* `change` is DIR_SAME before. */
USHER_CHECK usher_status
people_put(struct ldap_manage *m, const struct entity *e, const void *record,
    enum dir_change *change, struct usher_error *err);
USHER_CHECK usher_status
people_remove(struct ldap_manage *m, const struct entity *e, const void *key,
    enum dir_change *change, struct usher_error *err);

#endif
