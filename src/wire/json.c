/* json.c - records from JSON; binds jansson. */
#include "wire/json.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "base/err.h"
#include "base/text.h"
#include "base/when.h"

enum { ITEM_BYTES = 8 * 1024 * 1024 }; /* of a record and all that a check of it may allocate */

/* A text, and how to tell where in it something is. */
struct source_text {
	const char *begin;
	size_t first_line;
};

struct place {
	char text[64];
};

/* `line 17, column 5`, for err->where. */
static struct place
place(const struct source_text *text, const char *at)
{
	struct place place;
	size_t line = text->first_line;
	size_t column = 1;

	for (const char *p = text->begin; p < at; p++) {
		column++;
		if (*p == '\n') {
			line++;
			column = 1;
		}
	}
	(void)snprintf(place.text, sizeof(place.text), "line %zu, column %zu", line, column);
	return place;
}

/* ---- extents: where a value ends, without reading it ---- */

static void
skip_blanks(struct slice *s)
{
	while (s->n > 0 && text_is_space(s->p[0]))
		*s = slice_skip(*s, 1);
}

/* Bytes of the string that `s` begins with, quotes included; 0 when it does not end. */
static size_t
string_extent(struct slice s)
{
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return i + 1;
	}
	return 0;
}

/* Cuts the value that *rest begins with. Brackets are only counted: what lies between is read, and
 * checked, later. `levels` is how deep it may nest. */
static usher_status
cut_value(const struct source_text *text, struct slice *rest, size_t levels, struct slice *value,
    struct usher_error *err)
{
	size_t depth = 0;
	size_t i = 0;

	while (i < rest->n) {
		char c = rest->p[i];

		if (c == '"') {
			size_t n = string_extent(slice_skip(*rest, i));

			if (n == 0)
				return err_set(err, USHER_E_INPUT, place(text, rest->p + i).text,
				    "a string that begins here does not end");
			i += n;
		} else if (c == '{' || c == '[') {
			if (++depth > levels)
				return err_set(err, USHER_E_LIMIT, place(text, rest->p + i).text,
				    "nested too deeply");
			i++;
		} else if (depth > 0 && (c == '}' || c == ']')) {
			depth--;
			i++;
		} else if (depth == 0 && (c == ',' || c == '}' || c == ']' || text_is_space(c))) {
			break;
		} else {
			i++;
			continue;
		}
		if (depth == 0)
			break;
	}
	if (depth > 0 || i == 0)
		return err_set(err, USHER_E_INPUT,
		    place(text, rest->p + (i == 0 ? 0 : rest->n)).text,
		    i == 0 ? "a value is missing" : "the text ends too early");
	*value = slice_from(rest->p, i);
	*rest = slice_skip(*rest, i);
	return USHER_OK;
}

/* ---- one record ---- */

/* What an object is read into, and from where. */
struct reading {
	struct arena *mem;
	const struct source_text *text;
	const char *at; /* where the object begins */
	const struct field *field;
	void *record;
	struct usher_error *err;
};

static usher_status
wrong_type(const struct reading *r, const char *wanted)
{
	return err_set(r->err, USHER_E_INPUT, place(r->text, r->at).text, "%s: must be %s",
	    r->field->name, wanted);
}

static usher_status
read_text(const struct reading *r, const json_t *v)
{
	const char *copy;

	if (!json_is_string(v))
		return wrong_type(r, "a string");
	if (json_string_length(v) == 0)
		return USHER_OK;
	copy = arena_copy(r->mem, slice_from(json_string_value(v), json_string_length(v)));
	if (copy == NULL)
		return err_nomem(r->err, r->field->name);
	field_set_text(r->field, r->record, copy);
	return USHER_OK;
}

static usher_status
read_list(const struct reading *r, const json_t *v)
{
	size_t n = json_array_size(v);
	const char **texts;

	if (!json_is_array(v))
		return wrong_type(r, "a list of strings");
	texts = arena_array(r->mem, n, sizeof(*texts));
	if (texts == NULL)
		return err_nomem(r->err, r->field->name);
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(v, i);

		if (!json_is_string(one))
			return wrong_type(r, "a list of strings");
		texts[i] =
		    arena_copy(r->mem, slice_from(json_string_value(one), json_string_length(one)));
		if (texts[i] == NULL)
			return err_nomem(r->err, r->field->name);
	}
	field_set_list(r->field, r->record, (struct text_list){ texts, n });
	return USHER_OK;
}

static usher_status
read_number(const struct reading *r, const json_t *v)
{
	bool is_time = r->field->form == FORM_TIME;
	int64_t number;

	if (is_time && json_is_string(v)) {
		struct slice text = slice_from(json_string_value(v), json_string_length(v));

		if (!when_parse(text, &number) || number < 0)
			return wrong_type(r, "a time like \"2026-11-21T08:35:00Z\"");
	} else if (json_is_integer(v) && json_integer_value(v) >= 0) {
		number = json_integer_value(v);
	} else {
		return wrong_type(r, is_time ? "a time like \"2026-11-21T08:35:00Z\"" :
					       "a whole number, not negative");
	}
	field_set_number(r->field, r->record, number);
	return USHER_OK;
}

static usher_status
read_choice(const struct reading *r, const json_t *v)
{
	CLEANUP(buf_cleanup) struct buf names = { 0 };

	if (json_is_string(v) && field_set_choice(r->field, r->record,
				     slice_from(json_string_value(v), json_string_length(v))))
		return USHER_OK;
	buf_init(&names, USHER_ERROR_MESSAGE_BYTES);
	buf_text(&names, "one of");
	for (size_t i = 0; r->field->choices[i] != NULL; i++)
		buf_printf(&names, "%s \"%s\"", i == 0 ? "" : ",", r->field->choices[i]);
	if (names.status == USHER_E_NOMEM)
		return err_nomem(r->err, r->field->name);
	return wrong_type(r, buf_cstr(&names));
}

static usher_status
read_member(const struct reading *r, const json_t *v)
{
	if (json_is_null(v))
		return USHER_OK;
	switch (r->field->type) {
	case FIELD_TEXT:
		return read_text(r, v);
	case FIELD_LIST:
		return read_list(r, v);
	case FIELD_NUMBER:
		return read_number(r, v);
	case FIELD_SWITCH:
		if (!json_is_boolean(v))
			return wrong_type(r, "true or false");
		field_set_switch(r->field, r->record, json_is_true(v) ? TRI_ON : TRI_OFF);
		return USHER_OK;
	case FIELD_CHOICE:
		return read_choice(r, v);
	}
	return USHER_OK;
}

static void
drop(json_t **v)
{
	json_decref(*v);
}

/* The library's own words may quote a secret. */
static const char *
syntax_fault(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_premature_end_of_input:
		return "the text ends too early";
	case json_error_end_of_input_expected:
		return "something follows the object";
	case json_error_null_character:
		return "a string holds a NUL";
	case json_error_invalid_utf8:
		return "not UTF-8";
	case json_error_duplicate_key:
		return "a member is repeated";
	case json_error_numeric_overflow:
		return "a number is too large";
	default:
		return "not JSON";
	}
}

/* Short of memory, jansson cuts strings short or calls them invalid, and does not say so. Its
 * allocator is the process's; what it gives is still malloc()'s, and free() takes it back. */
static _Thread_local bool starved;
static once_flag watch_once = ONCE_FLAG_INIT;

static void *
watched_malloc(size_t n)
{
	void *p = malloc(n);

	starved = starved || p == NULL;
	return p;
}

static void
watch_memory(void)
{
	json_set_alloc_funcs(watched_malloc, free);
}

/* Leaves *out NULL on failure. */
static usher_status
parse_object(
    const struct source_text *text, struct slice object, json_t **out, struct usher_error *err)
{
	json_error_t error = { 0 };
	size_t at;
	json_t *v;

	if (object.n > JSON_RECORD_BYTES)
		return err_set(err, USHER_E_LIMIT, place(text, object.p).text,
		    "a record is larger than 1 MiB");
	call_once(&watch_once, watch_memory);
	starved = false;
	v = json_loadb(object.p, object.n, JSON_REJECT_DUPLICATES, &error);
	if (starved) {
		json_decref(v);
		return err_nomem(err, "JSON");
	}
	if (v == NULL) {
		at = error.position > 0 ? (size_t)error.position - 1 : 0;
		return err_set(err, USHER_E_INPUT,
		    place(text, object.p + (at < object.n ? at : object.n)).text, "%s",
		    syntax_fault(&error));
	}
	*out = v;
	return USHER_OK;
}

/* `object` is cut by cut_value() and begins with `{`. */
static usher_status
read_object(struct arena *mem, const struct source_text *text, struct slice object,
    const struct field_table *t, void *record, struct usher_error *err)
{
	CLEANUP(drop) json_t *whole = NULL;
	struct reading r = { mem, text, object.p, NULL, record, err };
	usher_status st = parse_object(text, object, &whole, err);
	const char *name;
	json_t *v;

	if (st != USHER_OK)
		return st;
	record_init(t, record);
	json_object_foreach(whole, name, v)
	{
		r.field = field_find(t, name);
		if (r.field == NULL)
			return err_set(err, USHER_E_INPUT, place(text, object.p).text,
			    "'%s' is no member of this record", name);
		st = read_member(&r, v);
		if (st != USHER_OK)
			return st;
	}
	return USHER_OK;
}

usher_status
json_read_record(struct arena *mem, struct slice text, size_t line, const struct field_table *t,
    void *record, struct usher_error *err)
{
	struct source_text source = { text.p, line };
	struct slice rest = text;
	struct slice object;
	usher_status st;

	skip_blanks(&rest);
	if (rest.n == 0 || rest.p[0] != '{')
		return err_set(err, USHER_E_INPUT, place(&source, rest.p).text,
		    "not a JSON object: it must begin with '{'");
	st = cut_value(&source, &rest, JSON_DEPTH_MAX, &object, err);
	if (st != USHER_OK)
		return st;
	skip_blanks(&rest);
	if (rest.n > 0)
		return err_set(err, USHER_E_INPUT, place(&source, rest.p).text,
		    "something follows the object");
	return read_object(mem, &source, object, t, record, err);
}

/* ---- documents ---- */

typedef usher_status (*item_fn)(
    const struct json_item *item, void *payload, struct usher_error *err);

struct document {
	struct source_text text;
	struct slice values[ENTITY_COUNT]; /* n is 0 when it is not there */
	bool has_format;
	struct arena *mem; /* of one record */
	item_fn each;
	void *payload;
	struct usher_error *err;
};

static usher_status
fault(const struct document *d, const char *at, const char *what)
{
	return err_set(d->err, USHER_E_INPUT, place(&d->text, at).text, "%s", what);
}

/* Takes `c`, blanks before it dropped. */
static bool
take(struct slice *rest, char c)
{
	skip_blanks(rest);
	if (rest->n == 0 || rest->p[0] != c)
		return false;
	*rest = slice_skip(*rest, 1);
	return true;
}

static usher_status
index_member(struct document *d, struct slice name, struct slice value)
{
	const struct entity *e = entity_find(name);
	uint64_t format;

	if (slice_is(name, "usher")) {
		if (!text_number(value, 0, UINT32_MAX, &format))
			return fault(d, value.p, "usher: must be the number of the format, 1");
		if (format != JSON_FORMAT)
			return err_set(d->err, USHER_E_INPUT, place(&d->text, value.p).text,
			    "format %lu is not known here: use a newer usher",
			    (unsigned long)format);
		d->has_format = true;
		return USHER_OK;
	}
	if (e == NULL || !slice_is(name, e->plural))
		return err_set(d->err, USHER_E_INPUT, place(&d->text, name.p).text,
		    "'%.*s' is no member of a document", name.n > 64 ? 64 : (int)name.n, name.p);
	if (d->values[e->id].n > 0)
		return fault(d, name.p, "a member is repeated");
	if (value.p[0] != (e->n_keys == 0 ? '{' : '[') && !slice_is(value, "null"))
		return err_set(d->err, USHER_E_INPUT, place(&d->text, value.p).text,
		    "%s: must be %s", e->plural,
		    e->n_keys == 0 ? "an object" : "a list of objects");
	d->values[e->id] = value;
	return USHER_OK;
}

/* Finds the members of the document. */
static usher_status
index_document(struct document *d, struct slice rest)
{
	struct slice name, value;
	usher_status st;

	if (!take(&rest, '{'))
		return fault(d, rest.p, "not a JSON object: it must begin with '{'");
	if (!take(&rest, '}')) {
		do {
			skip_blanks(&rest);
			if (rest.n == 0 || rest.p[0] != '"')
				return fault(d, rest.p, "a member's name is missing");
			st = cut_value(&d->text, &rest, 0, &name, d->err);
			if (st != USHER_OK)
				return st;
			if (!take(&rest, ':'))
				return fault(d, rest.p, "a ':' is missing");
			skip_blanks(&rest);
			st = cut_value(&d->text, &rest, JSON_DEPTH_MAX, &value, d->err);
			if (st != USHER_OK)
				return st;
			st = index_member(d, slice_from(name.p + 1, name.n - 2), value);
			if (st != USHER_OK)
				return st;
		} while (take(&rest, ','));
		if (!take(&rest, '}'))
			return fault(d, rest.p, "a ',' or '}' is missing");
	}
	skip_blanks(&rest);
	if (rest.n > 0)
		return fault(d, rest.p, "something follows the document");
	if (!d->has_format)
		return fault(d, d->text.begin, "no document of usher: member \"usher\" is missing");
	return USHER_OK;
}

static bool
is_alias(const struct entity *e, const union org_record *record)
{
	return e->id == ENTITY_DOMAIN && record->domain.kind == DOMAIN_ALIAS;
}

static usher_status
hand_out(struct document *d, const struct entity *e, struct slice object, size_t line, bool aliases)
{
	union org_record record;
	struct json_item item = { e, &record, d->mem, line };
	usher_status st;

	if (object.p[0] != '{')
		return fault(d, object.p, "a record must be an object");
	arena_reset(d->mem);
	st = read_object(d->mem, &d->text, object, &e->table, &record, d->err);
	if (st != USHER_OK || is_alias(e, &record) != aliases)
		return st;
	return d->each(&item, d->payload, d->err);
}

static size_t
count_lines(const char *from, const char *to)
{
	size_t n = 0;

	for (; from < to; from++)
		n += *from == '\n';
	return n;
}

/* `aliases` picks the domains of kind alias, or all that is not one. */
static usher_status
walk_list(struct document *d, const struct entity *e, bool aliases)
{
	struct slice rest = d->values[e->id];
	const char *seen = d->text.begin;
	size_t line = d->text.first_line;
	struct slice object;
	usher_status st;

	if (!take(&rest, '[') || take(&rest, ']'))
		return USHER_OK;
	do {
		skip_blanks(&rest);
		st = cut_value(&d->text, &rest, JSON_DEPTH_MAX, &object, d->err);
		if (st != USHER_OK)
			return st;
		line += count_lines(seen, object.p);
		seen = object.p;
		st = hand_out(d, e, object, line, aliases);
		if (st != USHER_OK)
			return st;
	} while (take(&rest, ','));
	/* It was cut at its last bracket, of either kind. */
	if (!take(&rest, ']') || rest.n > 0)
		return fault(d, rest.p, "a ',' or ']' is missing");
	return USHER_OK;
}

static usher_status
walk_document(struct document *d)
{
	for (size_t i = 0; i < ENTITY_COUNT; i++) {
		const struct entity *e = &entities[i];
		struct slice value = d->values[i];
		usher_status st = USHER_OK;

		if (value.n == 0)
			continue;
		if (e->n_keys > 0)
			st = walk_list(d, e, false);
		else if (value.p[0] == '{')
			st = hand_out(d, e, value,
			    d->text.first_line + count_lines(d->text.begin, value.p), false);
		if (st == USHER_OK && e->id == ENTITY_DOMAIN)
			st = walk_list(d, e, true);
		if (st != USHER_OK)
			return st;
	}
	return USHER_OK;
}

usher_status
json_read_document(struct slice text,
    usher_status (*each)(const struct json_item *item, void *payload, struct usher_error *err),
    void *payload, struct usher_error *err)
{
	struct document d = { .text = { text.p, 1 }, .each = each, .payload = payload, .err = err };
	usher_status st;

	/* A byte order mark is dropped (RFC 8259, 8.1). */
	if (slice_starts(text, SLICE_LITERAL("\xef\xbb\xbf")))
		text = slice_skip(text, 3);
	st = index_document(&d, text);
	if (st != USHER_OK)
		return st;
	d.mem = arena_new(ITEM_BYTES);
	if (d.mem == NULL)
		return err_nomem(err, "JSON");
	st = walk_document(&d);
	arena_free(d.mem);
	return st;
}
