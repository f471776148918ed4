/* ldap_values.h - records as values of one attribute, `member: value` each, so that what usher
 * comes to know of one day needs no other schema. Pure: asks nobody. */
#ifndef USHER_DIR_LDAP_VALUES_H
#define USHER_DIR_LDAP_VALUES_H

#include <stdbool.h>

#include "model/ldap.h"
#include "model/org.h"

/* The names in packaging/ldap/usher-openldap.ldif, which says what they are for. */
#define LDAP_CLASS_RECORD "usherRecord"
#define LDAP_CLASS_MAILBOX "usherMailbox"
#define LDAP_ENTITY "usherEntity"
#define LDAP_KEY "usherKey"
#define LDAP_VALUE "usherValue"
#define LDAP_REVISION "usherRevision"
#define LDAP_ALTERNATIVE "usherAlternative"
#define LDAP_PUT "usherPut"

/* Sets the members of `record` that the values of `attribute` (NULL: none) name, and leaves the
 * others alone. A member that is there with nothing behind the colon is made absent. Lists have one
 * text a line.
 *
 * Returns USHER_OK
 *	   USHER_E_INPUT a value that is none of these; a member that is there twice, as when two
 *			 administrators wrote at once
 *	   USHER_E_NOMEM */
USHER_CHECK usher_status
ldap_values_read(struct arena *mem, const struct ldap_attribute *attribute,
    const struct field_table *table, void *record, struct usher_error *err);

/* The member as such a value, in `mem`; absent it has nothing behind the colon. An empty slice when
 * out of memory. */
struct slice
ldap_value_of(struct arena *mem, const struct field *f, const void *record);

/* The same of all members that are not absent, as one value with a line for each: an alternative
 * mailbox, which is a part of its owner's entry. None of its members is a list. */
struct slice
ldap_alternative_write(struct arena *mem, const struct alternative_mailbox *a);

/* Reads it back. `owner` is its mailbox. As ldap_values_read(). */
USHER_CHECK usher_status
ldap_alternative_read(struct arena *mem, struct slice value, const char *owner,
    struct alternative_mailbox *out, struct usher_error *err);

/* A record of usher's own from its entry: entity, revision (0 when there is none) and all members,
 * in their canonical form.
 *
 * Returns USHER_OK, USHER_E_INPUT (the entry makes no sense: the message says why), USHER_E_NOMEM.
 */
USHER_CHECK usher_status
ldap_record_read(struct arena *mem, const struct ldap_entry *entry, const struct entity **e,
    int64_t *revision, union org_record *out, struct usher_error *err);

#endif
