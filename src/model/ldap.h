/* ldap.h - entries of an LDAP directory, and changes to them. */
#ifndef USHER_MODEL_LDAP_H
#define USHER_MODEL_LDAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "usher/status.h"

/* Values are bytes: text in UTF-8, GUIDs and SIDs as they lie in the directory. */
struct ldap_attribute {
	const char *name;
	const struct slice *values;
	size_t n;
};

struct ldap_entry {
	const char *dn;
	const struct ldap_attribute *attributes;
	size_t n;
};

/* All of it in `mem`. False when out of memory; `to` is as it was. */
bool
ldap_entry_copy(struct arena *mem, const struct ldap_entry *from, struct ldap_entry *to);

/* The attribute with that name, letters of any case and without options (`;binary`); NULL: none. */
const struct ldap_attribute *
ldap_attribute_of(const struct ldap_entry *entry, const char *name);

/* Its first value as text; NULL when there is none, it has a NUL, or memory is out. */
const char *
ldap_text_of(struct arena *mem, const struct ldap_entry *entry, const char *name);

/* A GeneralizedTime of UTC (RFC 4517, 3.3.13) in Unix seconds; NUMBER_ABSENT when it is none. */
int64_t
ldap_time_in(struct slice value);

/* Its first value so. */
int64_t
ldap_time_of(const struct ldap_entry *entry, const char *name);

/* Where a directory is. */
struct ldap_place {
	const char *text; /* the same in one spelling, without the usual port and what follows */
	bool tls;	  /* ldaps:// */
	const char *host; /* A-labels in lower case, or an IP address without brackets; NULL … */
	const char *domain; /* … `ldap:///DC=a,DC=example`: whatever serves this domain */
	uint16_t port;	    /* the usual one filled in: 389, 636 */
	bool explicit_port;
};

/* Reads `ldap://HOST[:PORT][/…]`, `ldaps://…` (RFC 4516) with blanks around it. USHER_OK,
 * USHER_E_INPUT (it is another thing), USHER_E_NOMEM. Texts are in `mem`. */
USHER_CHECK usher_status
ldap_place_read(struct arena *mem, struct slice text, struct ldap_place *out);

/* `ldap:///DC=a,DC=example` for the domain `a.example`; NULL when out of memory. */
const char *
ldap_domain_uri(struct arena *mem, const char *domain);

enum ldap_change_kind { LDAP_CHANGE_ADD = 0, LDAP_CHANGE_MODIFY, LDAP_CHANGE_DELETE };

enum ldap_edit_kind { LDAP_EDIT_ADD = 0, LDAP_EDIT_DELETE, LDAP_EDIT_REPLACE };

struct ldap_edit {
	enum ldap_edit_kind kind;	 /* with LDAP_CHANGE_MODIFY only */
	struct ldap_attribute attribute; /* no values: all of them, with DELETE and REPLACE */
};

struct ldap_change {
	enum ldap_change_kind kind;
	const char *dn;
	const struct ldap_edit *edits;
	size_t n;
};

/* Appends `value` for a place in a filter: no sign of it has a meaning there (RFC 4515, 3). */
void
ldap_escape(struct buf *b, struct slice value);

/* The value of a DN's first part, as it was before it was escaped; NULL when `dn` begins with none,
 * or memory is out. */
const char *
ldap_dn_name(struct arena *mem, const char *dn);

/* What is behind the first part, "" when nothing is: points into `dn`. */
const char *
ldap_dn_parent(const char *dn);

/* Both name one entry, as far as can be seen without the schema: letters of any case, blanks around
 * the signs between parts. */
bool
ldap_dn_same(const char *a, const char *b);

/* `dn` is `base` or below it. Everything is below "". */
bool
ldap_dn_below(const char *dn, const char *base);

/* Appends `value` for a place in a DN (RFC 4514, 2.4). */
void
ldap_escape_dn(struct buf *b, struct slice value);

#endif
