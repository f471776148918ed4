/* json_tree.c - JSON as a tree, and records, answers and attempts from it. */
#include "wire/json_tree.h"

#include <string.h>

#include "base/err.h"
#include "base/when.h"
#include "wire/json_walk.h"

/* ---- the tree ---- */

struct level {
	struct json_node *node;
	const struct json_node **end; /* where the next child is linked */
};

struct builder {
	struct arena *mem;
	bool starved;
	struct level levels[JSON_WALK_DEPTH + 1];
	size_t depth;
	const struct json_node *root;
};

/* Once out of memory nothing more is linked. */
static struct json_node *
add(struct builder *b, const char *name, enum json_node_kind kind)
{
	struct json_node *node = arena_zalloc(b->mem, sizeof(*node));

	b->starved = b->starved || node == NULL;
	if (b->starved)
		return NULL;
	node->kind = kind;
	node->name = name == NULL ? NULL : arena_strdup(b->mem, name);
	b->starved = name != NULL && node->name == NULL;
	if (b->depth == 0) {
		b->root = node;
		return node;
	}
	*b->levels[b->depth - 1].end = node;
	b->levels[b->depth - 1].end = &node->next;
	b->levels[b->depth - 1].node->n++;
	return node;
}

static void
take_open(void *payload, const char *name, bool list)
{
	struct builder *b = payload;
	struct json_node *node = add(b, name, list ? NODE_LIST : NODE_OBJECT);

	if (node != NULL)
		b->levels[b->depth++] = (struct level){ node, &node->first };
}

static void
take_close(void *payload, bool list UNUSED)
{
	struct builder *b = payload;

	if (!b->starved)
		b->depth--;
}

static void
take_text(void *payload, const char *name, const char *value)
{
	struct builder *b = payload;
	struct json_node *node = add(b, name, value == NULL ? NODE_NULL : NODE_TEXT);

	if (node == NULL || value == NULL)
		return;
	node->text = arena_strdup(b->mem, value);
	b->starved = b->starved || node->text == NULL;
}

static void
take_number(void *payload, const char *name, int64_t value)
{
	struct json_node *node = add(payload, name, NODE_NUMBER);

	if (node != NULL)
		node->number = value;
}

static void
take_flag(void *payload, const char *name, bool value)
{
	struct json_node *node = add(payload, name, NODE_FLAG);

	if (node != NULL)
		node->flag = value;
}

usher_status
json_tree_read(
    struct arena *mem, struct slice text, const struct json_node **out, struct usher_error *err)
{
	static const struct json_visitor visitor = { take_open, take_close, take_text, take_number,
		take_flag };
	struct builder b = { .mem = mem };
	usher_status st = json_walk(text, &visitor, &b, err);

	if (st != USHER_OK)
		return st;
	if (b.starved || b.root == NULL)
		return err_nomem(err, "JSON");
	*out = b.root;
	return USHER_OK;
}

const struct json_node *
json_tree_member(const struct json_node *object, const char *name)
{
	if (object == NULL || object->kind != NODE_OBJECT)
		return NULL;
	for (const struct json_node *v = object->first; v != NULL; v = v->next) {
		if (strcmp(v->name, name) == 0)
			return v->kind == NODE_NULL ? NULL : v;
	}
	return NULL;
}

/* ---- records ---- */

static usher_status
refuse(const char *name, const char *wanted, struct usher_error *err)
{
	return err_set(err, USHER_E_INPUT, name, "must be %s", wanted);
}

static usher_status
read_list(struct arena *mem, const struct field *f, const struct json_node *v, void *record,
    struct usher_error *err)
{
	const char **texts;
	size_t n = 0;

	if (v->kind != NODE_LIST)
		return refuse(f->name, "a list of strings", err);
	texts = arena_array(mem, v->n, sizeof(*texts));
	if (texts == NULL)
		return err_nomem(err, f->name);
	for (const struct json_node *one = v->first; one != NULL; one = one->next) {
		if (one->kind != NODE_TEXT)
			return refuse(f->name, "a list of strings", err);
		texts[n++] = one->text;
	}
	field_set_list(f, record, (struct text_list){ texts, n });
	return USHER_OK;
}

static usher_status
read_number(const struct field *f, const struct json_node *v, void *record, struct usher_error *err)
{
	bool is_time = f->form == FORM_TIME;
	int64_t number = v->number;

	if (is_time ? v->kind != NODE_TEXT || !when_parse(slice_of(v->text), &number) :
		      v->kind != NODE_NUMBER)
		return refuse(
		    f->name, is_time ? "a time like \"2026-11-21T08:35:00Z\"" : "a number", err);
	if (number < f->min || number > f->max)
		return refuse(
		    f->name, is_time ? "a time after 1970" : "a number in its bounds", err);
	field_set_number(f, record, number);
	return USHER_OK;
}

static usher_status
read_field(struct arena *mem, const struct field *f, const struct json_node *v, void *record,
    struct usher_error *err)
{
	switch (f->type) {
	case FIELD_TEXT:
		if (v->kind != NODE_TEXT)
			return refuse(f->name, "a string", err);
		field_set_text(f, record, v->text[0] == '\0' ? NULL : v->text);
		return USHER_OK;
	case FIELD_LIST:
		return read_list(mem, f, v, record, err);
	case FIELD_NUMBER:
		return read_number(f, v, record, err);
	case FIELD_SWITCH:
		if (v->kind != NODE_FLAG)
			return refuse(f->name, "true or false", err);
		field_set_switch(f, record, v->flag ? TRI_ON : TRI_OFF);
		return USHER_OK;
	case FIELD_CHOICE:
		if (v->kind != NODE_TEXT || !field_set_choice(f, record, slice_of(v->text)))
			return refuse(f->name, "one of the names that there are", err);
		return USHER_OK;
	}
	return USHER_OK;
}

usher_status
json_tree_record(struct arena *mem, const struct json_node *object, const struct field_table *t,
    void *record, struct usher_error *err)
{
	usher_status st = USHER_OK;

	if (object != NULL && object->kind != NODE_OBJECT)
		return refuse(object->name, "an object", err);
	record_init(t, record);
	for (size_t i = 0; i < t->n && st == USHER_OK; i++) {
		const struct json_node *v = json_tree_member(object, t->rows[i].name);

		if (v != NULL)
			st = read_field(mem, &t->rows[i], v, record, err);
	}
	return st;
}

/* ---- answers ---- */

/* A list of records of one table; *out has room for each. */
static usher_status
read_records(struct arena *mem, const struct json_node *object, const char *name,
    const struct field_table *t, const void **out, size_t *n, struct usher_error *err)
{
	const struct json_node *list = json_tree_member(object, name);
	usher_status st = USHER_OK;
	char *records;
	size_t at = 0;

	if (list == NULL)
		return USHER_OK;
	if (list->kind != NODE_LIST)
		return refuse(name, "a list", err);
	records = arena_array(mem, list->n, t->size);
	if (records == NULL)
		return err_nomem(err, name);
	for (const struct json_node *v = list->first; v != NULL && st == USHER_OK; v = v->next)
		st = json_tree_record(mem, v, t, records + at++ * t->size, err);
	*out = records;
	*n = list->n;
	return st;
}

#define OWA struct answer_owa_url
static const struct field owa_rows[] = {
	ROW_TEXT(OWA, url, FORM_URL, 0, "web access"),
	ROW_TEXT(OWA, authentication_method, FORM_ANY, 0, "ways to log in"),
};
static const struct field_table owa_table = FIELD_TABLE(owa_rows, OWA);

#define WEB struct answer_web
static const struct field web_rows[] = {
	ROW_TEXT(WEB, protocol_type, FORM_ANY, 0, "kind of the protocol inside"),
	ROW_TEXT(WEB, as_url, FORM_URL, 0, "availability service"),
};
static const struct field_table web_table = FIELD_TABLE(web_rows, WEB);

static usher_status
read_web(struct arena *mem, const struct json_node *protocol, const char *name,
    struct answer_web *out, struct usher_error *err)
{
	const struct json_node *side = json_tree_member(protocol, name);
	const void *owa = NULL;
	usher_status st;

	if (side == NULL)
		return USHER_OK;
	st = json_tree_record(mem, side, &web_table, out, err);
	if (st == USHER_OK)
		st = read_records(mem, side, "owa", &owa_table, &owa, &out->n_owa, err);
	out->owa = owa;
	return st;
}

/* `type` names the kind; the row of that name is for kinds that we do not know. */
static void
read_kind(struct answer_protocol *p)
{
	for (int kind = PROTOCOL_UNKNOWN; p->type != NULL && kind < PROTOCOL_KINDS; kind++) {
		if (strcmp(p->type, protocol_kind_name((enum protocol_kind)kind)) == 0) {
			p->kind = kind;
			p->type = NULL;
		}
	}
}

static usher_status
read_protocols(
    struct arena *mem, const struct json_node *object, struct answer *out, struct usher_error *err)
{
	const struct json_node *list = json_tree_member(object, "protocols");
	struct answer_protocol *p;
	usher_status st = USHER_OK;

	if (list == NULL)
		return USHER_OK;
	if (list->kind != NODE_LIST)
		return refuse("protocols", "a list", err);
	p = arena_array(mem, list->n, sizeof(*p));
	if (p == NULL)
		return err_nomem(err, "protocols");
	out->protocols = p;
	out->n_protocols = list->n;
	for (const struct json_node *v = list->first; v != NULL && st == USHER_OK; v = v->next) {
		st = json_tree_record(mem, v, &answer_protocol_table, p, err);
		if (st == USHER_OK)
			st = read_web(mem, v, "internal", &p->internal, err);
		if (st == USHER_OK)
			st = read_web(mem, v, "external", &p->external, err);
		read_kind(p++);
	}
	return st;
}

usher_status
json_tree_settings(
    struct arena *mem, const struct json_node *object, struct answer *out, struct usher_error *err)
{
	const struct json_node *kind = json_tree_member(object, "kind");
	usher_status st;

	if (kind == NULL || kind->kind != NODE_TEXT || strcmp(kind->text, "settings") != 0)
		return refuse("kind", "\"settings\"", err);
	answer_init(out, ANSWER_SETTINGS);
	st = json_tree_record(mem, object, &answer_account_table, out, err);
	if (st == USHER_OK)
		st = json_tree_record(
		    mem, json_tree_member(object, "user"), &answer_user_table, &out->user, err);
	for (int i = 0; i < ANSWER_LISTS && st == USHER_OK; i++) {
		const void *items = NULL;
		size_t n = 0;

		st = read_records(
		    mem, object, answer_lists[i].name, answer_lists[i].table, &items, &n, err);
		answer_list_set(out, (enum answer_list_id)i, items, n);
	}
	return st == USHER_OK ? read_protocols(mem, object, out, err) : st;
}

/* ---- attempts ---- */

usher_status
json_tree_attempt(
    struct arena *mem, const struct json_node *object, struct attempt *out, struct usher_error *err)
{
	const struct json_node *source = json_tree_member(object, "source");
	const struct json_node *credentialed = json_tree_member(object, "credentialed");
	struct tls_evidence tls;
	usher_status st;

	if (source == NULL || source->kind != NODE_TEXT || source->text[0] < 'A' ||
	    source->text[0] > 'Z' || source->text[1] != '\0')
		return refuse("source", "the letter of a source", err);
	if (credentialed != NULL && credentialed->kind != NODE_FLAG)
		return refuse("credentialed", "true or false", err);
	st = json_tree_record(mem, object, &attempt_table, out, err);
	if (st == USHER_OK)
		st = json_tree_record(
		    mem, json_tree_member(object, "tls"), &tls_evidence_table, &tls, err);
	if (st != USHER_OK)
		return st;
	out->source = (unsigned char)source->text[0];
	out->credentialed = credentialed != NULL && credentialed->flag;
	out->tls = tls;
	return USHER_OK;
}
