/* rules.h - what records may say of each other, the same behind every back end: they name only what
 * is there, and nothing goes that others still name. */
#ifndef USHER_DIR_RULES_H
#define USHER_DIR_RULES_H

#include <stdbool.h>

#include "model/org.h"

/* A member that names a record of another entity. */
struct reference {
	enum entity_id from;
	const char *field;
	enum entity_id to;
	bool part; /* goes with what it names */
};

enum { REFERENCE_COUNT = 10 };

extern const struct reference references[REFERENCE_COUNT];

/* What the rules ask of a back end, all of it inside the transaction of the change. */
struct rules_view {
	void *back_end;
	const char *where; /* for messages */
	struct arena *mem; /* of what is found */

	usher_status (*get)(void *back_end, const struct entity *e, const void *key,
	    union org_record *out, bool *found, struct usher_error *err);
	/* Any record whose text member `field` is `value`. */
	usher_status (*find)(void *back_end, const struct entity *e, const char *field,
	    const char *value, union org_record *out, bool *found, struct usher_error *err);
	/* The address of any mailbox that has one in `domain`; NULL: none has. */
	usher_status (*mailbox_in)(
	    void *back_end, const char *domain, const char **out, struct usher_error *err);
};

/* USHER_E_CONFLICT, in words that name the record. */
usher_status
rules_conflict(const struct rules_view *v, const struct entity *e, const void *record,
    struct usher_error *err, const char *format, ...) PRINTF_LIKE(5, 6);

/* USHER_E_CONFLICT when `record` names one that is not there. */
USHER_CHECK usher_status
rules_missing(const struct rules_view *v, const struct entity *e, const void *record,
    struct usher_error *err);

/* USHER_E_CONFLICT when another record still names this one, which is no part of it. */
USHER_CHECK usher_status
rules_needed(const struct rules_view *v, const struct entity *e, const void *record,
    struct usher_error *err);

/* USHER_E_CONFLICT when `address` of the mailbox `record` is in a domain that takes none, or is of
 * somebody else. `kind` is an enum domain_kind; -1: there is no such domain. */
USHER_CHECK usher_status
rules_address(const struct rules_view *v, const void *record, const char *address, int kind,
    bool taken, struct usher_error *err);

/* What domains and redirect rules may say beyond that; all is well with other records. */
USHER_CHECK usher_status
rules_check(const struct rules_view *v, const struct entity *e, const void *record,
    struct usher_error *err);

#endif
