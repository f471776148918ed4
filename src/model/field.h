/* field.h - structs described by rows, so that one row serves every reader and writer.
 *
 * A row tells the name of a member, its type and where it lies. Equality, JSON, SQL columns, LDAP
 * attributes and command options are made from the same rows: a new setting is one new row. */
#ifndef USHER_MODEL_FIELD_H
#define USHER_MODEL_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

enum field_type {
	FIELD_TEXT,   /* const char *: UTF-8, NULL when absent, never "" */
	FIELD_LIST,   /* struct text_list */
	FIELD_NUMBER, /* int64_t: >= 0, NUMBER_ABSENT when absent */
	FIELD_SWITCH, /* enum tri */
	FIELD_CHOICE  /* int: index into `choices`; 0 is the default and may mean absent */
};

enum { NUMBER_ABSENT = -1 };

/* Three-valued, because "not said" and "off" differ in every protocol we speak. */
enum tri { TRI_ABSENT = 0, TRI_OFF, TRI_ON };

struct text_list {
	const char *const *v; /* n texts, none NULL */
	size_t n;
};

/* The same texts in the same order. */
bool
text_list_equal(const struct text_list *a, const struct text_list *b);

enum field_flags {
	FIELD_KEY = 1 << 0,	 /* part of the entity's key; keys come first, in order */
	FIELD_REQUIRED = 1 << 1, /* must be present */
	FIELD_SECRET = 1 << 2,	 /* never shown, logged or listed; only exported when asked */
	FIELD_FIXED = 1 << 3	 /* set by usher when the record is made; not an option of `set` */
};

/* What a text may hold beyond being UTF-8 without control bytes, and what a number means. */
enum field_form {
	FORM_ANY = 0,
	FORM_DOMAIN,  /* mail domain, by domain_parse(); stored in its result's form */
	FORM_HOST,    /* host name or IP address */
	FORM_ADDRESS, /* mailbox, by address_parse(); stored as address.text */
	FORM_URL,     /* absolute https or http URL */
	FORM_GUID,
	FORM_SUBNET, /* CIDR, IPv4 or IPv6 */
	FORM_LEGACY_DN,
	FORM_LINES, /* text of several lines (PEM) */
	FORM_TIME   /* a number: Unix seconds; as text RFC 3339, see when_format() */
};

enum {
	FIELD_TEXT_BYTES = 1024, /* of any text but the next two */
	FIELD_URL_BYTES = 2048,
	FIELD_LINES_BYTES = 256 * 1024,
	FIELD_LIST_MAX = 1000 /* texts in a list */
};

struct field {
	const char *name; /* snake_case: JSON member and SQL column; an option spells it with '-' */
	enum field_type type;
	enum field_form form;
	unsigned flags;		    /* enum field_flags */
	size_t offset;		    /* in the struct */
	const char *const *choices; /* FIELD_CHOICE: NULL-terminated names */
	int64_t min, max;	    /* FIELD_NUMBER */
	const char *help;	    /* one line for --help and the manual; no full stop */
};

#define FIELD_TIME_MAX INT64_C(253402300799) /* the end of the year 9999 */

/* Rows of a table. ROW_TEXT(struct site, name, FORM_ANY, FIELD_KEY, "site name"); …_AS() where the
 * row has another name than its member. */
/* clang-format off */
#define ROW_TEXT(record, member, form, flags, help) \
	ROW_TEXT_AS(#member, record, member, form, flags, help)
#define ROW_TEXT_AS(name, record, member, form, flags, help) \
	{ name, FIELD_TEXT, form, flags, offsetof(record, member), NULL, 0, 0, help }
#define ROW_LIST(record, member, form, flags, help) \
	{ #member, FIELD_LIST, form, flags, offsetof(record, member), NULL, 0, 0, help }
#define ROW_NUMBER(record, member, min, max, flags, help) \
	ROW_NUMBER_AS(#member, record, member, min, max, flags, help)
#define ROW_NUMBER_AS(name, record, member, min, max, flags, help) \
	{ name, FIELD_NUMBER, FORM_ANY, flags, offsetof(record, member), NULL, min, max, help }
#define ROW_TIME(record, member, flags, help) ROW_TIME_AS(#member, record, member, flags, help)
#define ROW_TIME_AS(name, record, member, flags, help) \
	{ name, FIELD_NUMBER, FORM_TIME, flags, offsetof(record, member), NULL, 0, \
	    FIELD_TIME_MAX, help }
#define ROW_SWITCH(record, member, flags, help) \
	{ #member, FIELD_SWITCH, FORM_ANY, flags, offsetof(record, member), NULL, 0, 0, help }
#define ROW_CHOICE(record, member, choices, flags, help) \
	ROW_CHOICE_AS(#member, record, member, choices, flags, help)
#define ROW_CHOICE_AS(name, record, member, choices, flags, help) \
	{ name, FIELD_CHOICE, FORM_ANY, flags, offsetof(record, member), choices, 0, 0, help }
#define FIELD_TABLE(rows, record) { rows, sizeof(rows) / sizeof((rows)[0]), sizeof(record) }
/* clang-format on */

struct field_table {
	const struct field *rows;
	size_t n;
	size_t size; /* sizeof the struct */
};

/* Typed access to the member a row describes. */
const char *
field_text(const struct field *f, const void *record);
const struct text_list *
field_list(const struct field *f, const void *record);
int64_t
field_number(const struct field *f, const void *record);
enum tri
field_switch(const struct field *f, const void *record);
int
field_choice(const struct field *f, const void *record);
/* The name of the current choice; never NULL. */
const char *
field_choice_name(const struct field *f, const void *record);

void
field_set_text(const struct field *f, void *record, const char *value);
void
field_set_list(const struct field *f, void *record, struct text_list value);
void
field_set_number(const struct field *f, void *record, int64_t value);
void
field_set_switch(const struct field *f, void *record, enum tri value);
/* False when no choice has that name (ASCII letters without case). */
bool
field_set_choice(const struct field *f, void *record, struct slice name);

/* True when the member holds nothing: NULL, empty list, NUMBER_ABSENT, TRI_ABSENT, choice 0. */
bool
field_absent(const struct field *f, const void *record);

bool
field_equal(const struct field *f, const void *a, const void *b);

/* NULL when there is no such row. */
const struct field *
field_find(const struct field_table *t, const char *name);

/* All members absent. */
void
record_init(const struct field_table *t, void *record);

/* Members that are absent become those of `from`, which are shared. */
void
record_fill(const struct field_table *t, void *to, const void *from);

bool
record_equal(const struct field_table *t, const void *a, const void *b);

/* Copies the struct, and what its rows point to into `mem`; false when out of memory. `to` may be
 * uninitialised. */
bool
record_copy(struct arena *mem, const struct field_table *t, void *to, const void *from);

#endif
