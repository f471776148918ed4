/* json_write.c - records, answers and attempts as JSON. */
#include <inttypes.h>

#include "base/encode.h"
#include "base/when.h"
#include "wire/json.h"

/* Members of one object: `{` or `, ` before the name. */
struct object {
	struct buf *out;
	bool open;
};

static void
put_name(struct object *o, const char *name)
{
	buf_text(o->out, o->open ? ", " : "{");
	o->open = true;
	json_quote(o->out, slice_of(name));
	buf_text(o->out, ": ");
}

static void
end_object(struct object *o)
{
	buf_text(o->out, o->open ? "}" : "{}");
}

static void
put_text(struct object *o, const char *name, const char *text)
{
	if (text == NULL)
		return;
	put_name(o, name);
	json_quote(o->out, slice_of(text));
}

static void
put_list(struct buf *out, const struct text_list *list)
{
	buf_char(out, '[');
	for (size_t i = 0; i < list->n; i++) {
		buf_text(out, i == 0 ? "" : ", ");
		json_quote(out, slice_of(list->v[i]));
	}
	buf_char(out, ']');
}

static void
put_number(struct buf *out, const struct field *f, int64_t number)
{
	char when[WHEN_TEXT_BYTES];

	if (f->form == FORM_TIME) {
		when_format(number, when);
		json_quote(out, slice_of(when));
	} else {
		buf_printf(out, "%" PRId64, number);
	}
}

/* A choice has no absent state of its own and is always named. */
static void
put_member(struct object *o, const struct field *f, const void *record)
{
	if (f->type != FIELD_CHOICE && field_absent(f, record))
		return;
	put_name(o, f->name);
	switch (f->type) {
	case FIELD_TEXT:
		json_quote(o->out, slice_of(field_text(f, record)));
		break;
	case FIELD_LIST:
		put_list(o->out, field_list(f, record));
		break;
	case FIELD_NUMBER:
		put_number(o->out, f, field_number(f, record));
		break;
	case FIELD_SWITCH:
		buf_text(o->out, field_switch(f, record) == TRI_ON ? "true" : "false");
		break;
	case FIELD_CHOICE:
		json_quote(o->out, slice_of(field_choice_name(f, record)));
		break;
	}
}

static void
put_members(struct object *o, const struct field_table *t, const void *record, unsigned flags)
{
	for (size_t i = 0; i < t->n; i++)
		if ((t->rows[i].flags & FIELD_SECRET) == 0 || (flags & JSON_SECRETS) != 0)
			put_member(o, &t->rows[i], record);
}

void
json_write_record(struct buf *out, const struct field_table *t, const void *record, unsigned flags)
{
	struct object o = { out, false };

	put_members(&o, t, record, flags);
	end_object(&o);
}

/* ---- answers ---- */

static void
put_web_side(struct object *parent, const char *name, const struct answer_web *w)
{
	struct object o = { parent->out, false };

	if (w->n_owa == 0 && w->protocol_type == NULL && w->as_url == NULL)
		return;
	put_name(parent, name);
	put_name(&o, "owa");
	buf_char(o.out, '[');
	for (size_t i = 0; i < w->n_owa; i++) {
		struct object url = { o.out, false };

		buf_text(o.out, i == 0 ? "" : ", ");
		put_text(&url, "url", w->owa[i].url);
		put_text(&url, "authentication_method", w->owa[i].authentication_method);
		end_object(&url);
	}
	buf_char(o.out, ']');
	put_text(&o, "protocol_type", w->protocol_type);
	put_text(&o, "as_url", w->as_url);
	end_object(&o);
}

static void
put_protocol(struct buf *out, const struct answer_protocol *p)
{
	struct object o = { out, false };
	const struct field_table *t = &answer_protocol_table;

	/* The row `type` is what an unknown kind was called. */
	put_text(&o, "type",
	    p->type != NULL ? p->type : protocol_kind_name((enum protocol_kind)p->kind));
	for (size_t i = 0; i < t->n; i++)
		if (t->rows[i].offset != offsetof(struct answer_protocol, type))
			put_member(&o, &t->rows[i], p);
	put_web_side(&o, "internal", &p->internal);
	put_web_side(&o, "external", &p->external);
	end_object(&o);
}

static void
put_records(
    struct object *o, const char *name, const struct field_table *t, const void *records, size_t n)
{
	put_name(o, name);
	buf_char(o->out, '[');
	for (size_t i = 0; i < n; i++) {
		buf_text(o->out, i == 0 ? "" : ", ");
		json_write_record(o->out, t, (const char *)records + i * t->size, JSON_PLAIN);
	}
	buf_char(o->out, ']');
}

static void
put_settings(struct object *o, const struct answer *a)
{
	put_name(o, "user");
	json_write_record(o->out, &answer_user_table, &a->user, JSON_PLAIN);
	put_members(o, &answer_account_table, a, JSON_PLAIN);
	for (int i = 0; i < ANSWER_LISTS; i++) {
		size_t n;
		const void *items = answer_list_items(a, (enum answer_list_id)i, &n);

		if (n > 0 || i == ANSWER_ALTERNATIVE_MAILBOXES)
			put_records(o, answer_lists[i].name, answer_lists[i].table, items, n);
	}
	put_name(o, "protocols");
	buf_char(o->out, '[');
	for (size_t i = 0; i < a->n_protocols; i++) {
		buf_text(o->out, i == 0 ? "" : ", ");
		put_protocol(o->out, &a->protocols[i]);
	}
	buf_char(o->out, ']');
}

void
json_write_answer(struct buf *out, const struct answer *answer)
{
	static const char *const kinds[] = { "settings", "redirect-address", "redirect-url",
		"refusal" };
	struct object o = { out, false };

	put_text(&o, "kind", kinds[answer->kind]);
	switch (answer->kind) {
	case ANSWER_SETTINGS:
		put_settings(&o, answer);
		break;
	case ANSWER_REDIRECT_ADDRESS:
	case ANSWER_REDIRECT_URL:
		put_text(&o, "redirect", answer->redirect);
		break;
	case ANSWER_REFUSAL:
		put_name(&o, "refusal");
		json_write_record(out, &answer_refusal_table, &answer->refusal, JSON_PLAIN);
		break;
	}
	end_object(&o);
}

void
json_write_attempt(struct buf *out, const struct attempt *attempt)
{
	const char letter[2] = { (char)attempt->source, '\0' };
	struct object o = { out, false };

	put_text(&o, "source", letter);
	put_text(&o, "source_name", source_name((enum source)attempt->source));
	put_members(&o, &attempt_table, attempt, JSON_PLAIN);
	if (attempt->tls.verdict != TLS_NOT_TRIED) {
		put_name(&o, "tls");
		json_write_record(out, &tls_evidence_table, &attempt->tls, JSON_PLAIN);
	}
	put_name(&o, "credentialed");
	buf_text(out, attempt->credentialed ? "true" : "false");
	end_object(&o);
}

/* ---- documents ---- */

void
json_document_begin(struct json_document *d, struct buf *out)
{
	*d = (struct json_document){ .out = out };
	buf_printf(out, "{\n  \"usher\": %d", JSON_FORMAT);
}

static void
close_list(struct json_document *d)
{
	if (d->open != NULL)
		buf_text(d->out, "\n  ]");
	d->open = NULL;
}

void
json_document_record(
    struct json_document *d, const struct entity *e, const void *record, unsigned flags)
{
	bool first = d->open != e;

	if (first) {
		close_list(d);
		buf_printf(d->out, ",\n  \"%s\": ", e->plural);
	}
	if (e->n_keys > 0) {
		buf_text(d->out, first ? "[\n    " : ",\n    ");
		d->open = e;
	}
	json_write_record(d->out, &e->table, record, flags);
}

void
json_document_end(struct json_document *d)
{
	close_list(d);
	buf_text(d->out, "\n}\n");
}
