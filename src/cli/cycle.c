/* cycle.c - redirects and aliases that lead back to where they began.
 *
 * Clients count to ten and give up; here it is known beforehand. */
#include "cli/cycle.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"

enum { CYCLE_HOPS = 100, CYCLE_TEXT_BYTES = 400 };

/* Where a record sends its askers, or NULL. */
static const char *
target(const struct entity *e, const union org_record *r)
{
	if (e->id == ENTITY_MAILBOX)
		return r->mailbox.redirect_address;
	if (r->domain.kind == DOMAIN_REDIRECT_ADDRESS)
		return r->domain.redirect_domain;
	return r->domain.kind == DOMAIN_ALIAS ? r->domain.alias_of : NULL;
}

static void
key_of(const struct entity *e, union org_record *r, const char *name)
{
	record_init(&e->table, r);
	field_set_text(&e->table.rows[0], r, name);
}

usher_status
cycle_check(struct dir *dir, struct arena *mem, const struct entity *e, const void *record,
    struct usher_error *err)
{
	struct buf CLEANUP(buf_cleanup) round = { 0 };
	union org_record at;
	const char *first, *next;

	if (e->id != ENTITY_DOMAIN && e->id != ENTITY_MAILBOX)
		return USHER_OK;
	memcpy(&at, record, e->table.size);
	first = field_text(&e->table.rows[0], record);
	buf_init(&round, CYCLE_TEXT_BYTES);
	buf_text(&round, first);
	for (int hops = 0; hops < CYCLE_HOPS; hops++) {
		union org_record key;

		next = target(e, &at);
		if (next == NULL)
			return USHER_OK;
		buf_printf(&round, " → %s", next);
		if (slice_is_nocase(slice_of(next), first))
			return err_set(err, USHER_E_INPUT, first,
			    "would send clients round in a circle: %s", buf_cstr(&round));
		key_of(e, &key, next);
		switch (dir_get(dir, mem, e, &key, &at, err)) {
		case LOOKUP_FOUND:
			break;
		case LOOKUP_ABSENT:
			return USHER_OK;
		case LOOKUP_UNAVAILABLE:
			return err->status;
		}
	}
	return USHER_OK;
}
