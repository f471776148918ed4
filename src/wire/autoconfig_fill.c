/* autoconfig_fill.c - placeholders of Mail Autoconfig (autoconfig.md 2.4). */
#include <string.h>

#include "base/err.h"
#include "wire/autoconfig.h"

enum { FILLED_BYTES = FIELD_URL_BYTES };

struct filling {
	struct arena *mem;
	const struct address *address;
	usher_status status; /* sticky */
};

static bool
take(struct slice *rest, const char *placeholder)
{
	if (!slice_starts(*rest, slice_of(placeholder)))
		return false;
	*rest = slice_skip(*rest, strlen(placeholder));
	return true;
}

/* What was put in is not looked at again. */
static const char *
fill_text(struct filling *f, const char *text)
{
	CLEANUP(buf_cleanup) struct buf b = { 0 };
	struct slice rest = slice_of(text);
	const char *copy;

	if (slice_find(rest, '%') == rest.n)
		return text;
	buf_init(&b, FILLED_BYTES);
	while (rest.n > 0) {
		size_t percent = slice_find(rest, '%');

		buf_append(&b, rest.p, percent);
		rest = slice_skip(rest, percent);
		if (take(&rest, AUTOCONFIG_ADDRESS)) {
			buf_text(&b, f->address->text);
		} else if (take(&rest, AUTOCONFIG_LOCAL_PART)) {
			buf_text(&b, f->address->local);
		} else if (take(&rest, AUTOCONFIG_DOMAIN)) {
			buf_text(&b, f->address->domain);
		} else {
			buf_append(&b, rest.p, rest.n > 0);
			rest = slice_skip(rest, 1);
		}
	}
	copy = b.status == USHER_OK ? arena_copy(f->mem, buf_as_slice(&b)) : NULL;
	if (copy == NULL && f->status == USHER_OK)
		f->status = b.status == USHER_E_LIMIT ? USHER_E_LIMIT : USHER_E_NOMEM;
	return copy;
}

static void
fill_record(struct filling *f, const struct field_table *t, void *record)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct field *row = &t->rows[i];

		if (row->type == FIELD_TEXT && !field_absent(row, record))
			field_set_text(row, record, fill_text(f, field_text(row, record)));
	}
}

static struct text_list
fill_list(struct filling *f, const struct text_list *list)
{
	const char **v = arena_array(f->mem, list->n, sizeof(*v));

	if (v == NULL) {
		f->status = USHER_E_NOMEM;
		return *list;
	}
	for (size_t i = 0; i < list->n; i++)
		v[i] = fill_text(f, list->v[i]);
	return (struct text_list){ v, list->n };
}

usher_status
autoconfig_fill(struct arena *mem, const struct address *address, struct answer *answer,
    struct usher_error *err)
{
	struct filling f = { mem, address, USHER_OK };
	struct answer filled = *answer;
	struct answer_protocol *to = arena_array(mem, answer->n_protocols, sizeof(*to));

	if (to == NULL)
		return err_nomem(err, "Mail Autoconfig");
	fill_record(&f, &answer_account_table, &filled);
	filled.domains = fill_list(&f, &answer->domains);
	for (size_t i = 0; i < answer->n_protocols; i++) {
		to[i] = answer->protocols[i];
		fill_record(&f, &answer_protocol_table, &to[i]);
	}
	filled.protocols = to;
	if (f.status == USHER_E_LIMIT)
		return err_set(err, USHER_E_LIMIT, NULL,
		    "a setting with the address in it is longer than %d bytes", FILLED_BYTES);
	if (f.status != USHER_OK)
		return err_nomem(err, "Mail Autoconfig");
	*answer = filled;
	return USHER_OK;
}
