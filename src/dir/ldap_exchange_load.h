/* ldap_exchange_load.h - objects as they were found, on their way to records. */
#ifndef USHER_DIR_LDAP_EXCHANGE_LOAD_H
#define USHER_DIR_LDAP_EXCHANGE_LOAD_H

#include "dir/ldap_exchange_row.h"

struct exchange_raw {
	enum exchange_kind kind;
	struct ldap_entry entry;
};

struct exchange_loading {
	struct ldap_link *link;
	struct arena *mem; /* of what stays */
	struct arena *raw_mem;
	struct exchange_raw *raws;
	size_t n_raws, raw_room;
	const char *const *attributes; /* of each row */
	struct exchange_object *objects;
	size_t n, room;
	const char *warnings[EXCHANGE_WARNINGS_MAX];
	size_t n_warnings;
	struct map_domain *domains;
	size_t n_domains, domain_room;
	struct usher_error *err;
};

/* ---- ldap_exchange.c ---- */

usher_status
exchange_out_of_memory(const struct exchange_loading *l);

/* Makes room for one more in the list that `list` points to; the room doubles. False when out of
 * memory. */
bool
ldap_exchange_grow(struct arena *mem, void *list, size_t n, size_t *room, size_t size);

/* Says why the entry is passed over. */
USHER_CHECK usher_status
exchange_warn(struct exchange_loading *l, const char *dn, const char *why);

/* Letters of any case. */
bool
exchange_has(const struct ldap_entry *entry, const char *attribute, const char *value);

/* The first object of the kind, or the one whose `flag` is set (NULL: none is); NULL: there is
 * none.
 */
const struct ldap_entry *
exchange_first(const struct exchange_loading *l, enum exchange_kind kind, const char *flag);

/* ---- ldap_exchange_record.c ---- */

/* Makes records of all objects. */
USHER_CHECK usher_status
exchange_add_all(struct exchange_loading *l);

#endif
