/* json.h - records, answers and attempts as JSON; documents and lines of records from JSON.
 *
 * Members are the rows' names. Absent members are left out when written and may be left out or
 * null when read; unknown and repeated ones are refused. Switches are true and false, choices their
 * names, times RFC 3339. */
#ifndef USHER_WIRE_JSON_H
#define USHER_WIRE_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "model/answer.h"
#include "model/evidence.h"
#include "model/org.h"
#include "usher/status.h"

enum {
	JSON_DEPTH_MAX = 8,
	JSON_RECORD_BYTES = 1024 * 1024, /* one record; a document has no ceiling of its own */
	JSON_FORMAT = 1			 /* member `usher` of a document */
};

/* ---- writing; failure sticks in the buffer ---- */

enum json_flags {
	JSON_PLAIN = 0,
	JSON_SECRETS = 1 << 0 /* FIELD_SECRET members too */
};

/* One object on one line, without a newline. */
void
json_write_record(struct buf *out, const struct field_table *t, const void *record, unsigned flags);

/* As `find --json` shows it: `kind`, then `user`, the members of the account, `protocols[]` and
 * `alternative_mailboxes[]`; or `redirect`; or `refusal`. */
void
json_write_answer(struct buf *out, const struct answer *answer);

void
json_write_attempt(struct buf *out, const struct attempt *attempt);

/* A document of the whole directory, one record per line. The caller empties `out` (buf_reset)
 * whenever it likes between two calls. */
struct json_document {
	struct buf *out;
	const struct entity *open; /* whose list is being written */
	bool first;		   /* no record in that list yet */
};

void
json_document_begin(struct json_document *d, struct buf *out);

/* Records come entity by entity, in the order of entities[]. */
void
json_document_record(
    struct json_document *d, const struct entity *e, const void *record, unsigned flags);

void
json_document_end(struct json_document *d);

/* ---- reading ---- */

/* Reads one object into *record; what it does not name is absent. No entity_check(). `line` is the
 * number of the first line of `text`, for err->where, which becomes `line 17, column 5`.
 * Texts are in `mem`.
 *
 * Returns USHER_OK
 *         USHER_E_INPUT  not JSON, not an object, member unknown, repeated or of another type
 *         USHER_E_LIMIT  over JSON_RECORD_BYTES or JSON_DEPTH_MAX
 *         USHER_E_NOMEM */
USHER_CHECK usher_status
json_read_record(struct arena *mem, struct slice text, size_t line, const struct field_table *t,
    void *record, struct usher_error *err);

struct json_item {
	const struct entity *entity;
	union org_record *record; /* may be changed, as by entity_check() */
	struct arena *mem;	  /* holds the record; emptied before the next */
	size_t line;		  /* in the document */
};

/* Reads a document and calls `each` for every record, not yet checked, in the order of entities[]
 * whatever the order of the members is, so that each record names only earlier ones; domains of
 * kind alias come after the others. The whole is walked for well-formedness first: after a
 * USHER_E_INPUT for broken nesting `each` was not called.
 *
 * Returns as json_read_record(), or what `each` returned other than USHER_OK. */
USHER_CHECK usher_status
json_read_document(struct slice text,
    usher_status (*each)(const struct json_item *item, void *payload, struct usher_error *err),
    void *payload, struct usher_error *err);

#endif
