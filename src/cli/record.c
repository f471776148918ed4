/* record.c - from operands and options to records. */
#include "cli/record.h"

#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/text.h"
#include "base/when.h"
#include "cli/option.h"

enum { LIST_MOST = 1000 };

static usher_status
set_list(struct arena *mem, const struct field *f, void *record, struct slice text,
    struct usher_error *err)
{
	const struct text_list *old = field_list(f, record);
	const char **v = arena_array(mem, old->n + LIST_MOST, sizeof(*v));
	size_t n = old->n;

	if (v == NULL)
		return err_nomem(err, f->name);
	if (n > 0)
		memcpy(v, old->v, n * sizeof(*v));
	while (text.n > 0) {
		size_t length = slice_find(text, ',');
		struct slice part = slice_trim(slice_from(text.p, length));

		text = slice_skip(text, length + 1);
		if (part.n == 0)
			continue;
		if (n >= LIST_MOST)
			return err_set(
			    err, USHER_E_INPUT, f->name, "has more than %d values", LIST_MOST);
		v[n] = arena_copy(mem, part);
		if (v[n++] == NULL)
			return err_nomem(err, f->name);
	}
	field_set_list(f, record, (struct text_list){ v, n });
	return USHER_OK;
}

static bool
switch_of(struct slice text, enum tri *out)
{
	static const char *const on[] = { "on", "true", "yes", "1" };
	static const char *const off[] = { "off", "false", "no", "0" };

	for (size_t i = 0; i < COUNT_OF(on); i++) {
		if (slice_is_nocase(text, on[i]))
			return *out = TRI_ON, true;
		if (slice_is_nocase(text, off[i]))
			return *out = TRI_OFF, true;
	}
	return false;
}

static bool
number_of(const struct field *f, struct slice text, int64_t *out)
{
	uint64_t number;

	if (!text_number(text, (uint64_t)f->min, (uint64_t)f->max, &number))
		return false;
	*out = (int64_t)number;
	return true;
}

static usher_status
refuse(const struct field *f, const char *text, struct usher_error *err)
{
	struct buf CLEANUP(buf_cleanup) allowed;
	struct option o;

	option_of_field(f, &o);
	buf_init(&allowed, USHER_ERROR_MESSAGE_BYTES);
	if (f->type == FIELD_NUMBER)
		buf_printf(
		    &allowed, "a number from %lld to %lld", (long long)f->min, (long long)f->max);
	else
		option_value_name(&allowed, &o);
	return err_set(
	    err, USHER_E_INPUT, f->name, "cannot be `%s`; give %s", text, buf_cstr(&allowed));
}

usher_status
record_set_text(struct arena *mem, const struct field *f, void *record, const char *text,
    struct usher_error *err)
{
	struct slice value = slice_trim(slice_of(text));
	enum tri tri = TRI_ABSENT;
	int64_t number;
	const char *copy;

	switch (f->type) {
	case FIELD_TEXT:
		copy = value.n == 0 ? NULL : arena_copy(mem, value);
		if (copy == NULL && value.n > 0)
			return err_nomem(err, f->name);
		field_set_text(f, record, copy);
		return USHER_OK;
	case FIELD_LIST:
		field_set_list(f, record, (struct text_list){ 0 });
		return set_list(mem, f, record, value, err);
	case FIELD_NUMBER:
		if (value.n == 0) {
			field_set_number(f, record, NUMBER_ABSENT);
			return USHER_OK;
		}
		if (f->form == FORM_TIME ? !when_parse(value, &number) :
					   !number_of(f, value, &number))
			return refuse(f, text, err);
		field_set_number(f, record, number);
		return USHER_OK;
	case FIELD_SWITCH:
		if (value.n > 0 && !switch_of(value, &tri))
			return refuse(f, text, err);
		field_set_switch(f, record, tri);
		return USHER_OK;
	case FIELD_CHOICE:
		if (!field_set_choice(f, record, value.n == 0 ? slice_of(f->choices[0]) : value))
			return refuse(f, text, err);
		return USHER_OK;
	}
	return USHER_OK;
}

/* Domains and addresses are found by their canonical form only. */
static usher_status
canonical(struct arena *mem, const struct field *f, const char **text, struct usher_error *err)
{
	struct address address;
	usher_status st = USHER_OK;

	if (f->form == FORM_DOMAIN)
		return domain_parse(mem, slice_of(*text), text, err);
	/* All mailboxes of a domain, see dir_each(). */
	if (f->form == FORM_ADDRESS && **text == '@') {
		st = domain_parse(mem, slice_of(*text + 1), text, err);
		if (st == USHER_OK)
			*text = arena_printf(mem, "@%s", *text);
		return st != USHER_OK || *text != NULL ? st : err_nomem(err, NULL);
	}
	if (f->form == FORM_ADDRESS) {
		st = address_parse(mem, slice_of(*text), &address, err);
		if (st == USHER_OK)
			*text = address.text;
	}
	return st;
}

static usher_status
set_key(
    struct cli *cli, const struct field *f, void *record, const char *text, struct usher_error *err)
{
	usher_status st = USHER_OK;

	if (text[0] == '\0')
		return err_set(
		    err, USHER_E_USAGE, cli->command->name, "the %s cannot be empty", f->name);
	if (f->type == FIELD_TEXT)
		st = canonical(cli->mem, f, &text, err);
	return st == USHER_OK ? record_set_text(cli->mem, f, record, text, err) : st;
}

struct sole {
	struct arena *mem;
	const char *name;
	size_t n;
};

static usher_status
count_server(const void *record, void *payload)
{
	const struct server *server = record;
	struct sole *sole = payload;

	if (sole->n++ == 0)
		sole->name = arena_strdup(sole->mem, server->name);
	return USHER_OK;
}

/* Most organizations have one server, and need not name it. */
static usher_status
the_only_server(
    struct cli *cli, struct dir *dir, const struct field *f, void *record, struct usher_error *err)
{
	struct sole sole = { .mem = cli->mem };
	usher_status st = dir_each(dir, &entities[ENTITY_SERVER], NULL, count_server, &sole, err);

	if (st != USHER_OK)
		return st;
	if (sole.n == 0)
		return err_set(err, USHER_E_ABSENT, dir_name(dir),
		    "there is no server yet; make one with `usher setup` or `usher server add`");
	if (sole.n > 1)
		return err_set(err, USHER_E_USAGE, cli->command->name,
		    "there are %zu servers; %s (`usher server list`)", sole.n,
		    cli->command->entity == ENTITY_SERVER ? "name one" :
							    "say which with --server NAME");
	if (sole.name == NULL)
		return err_nomem(err, NULL);
	field_set_text(f, record, sole.name);
	return USHER_OK;
}

/* Key members that nobody said. */
static usher_status
default_key(struct cli *cli, struct dir *dir, const struct field *f, void *record, bool *complete,
    struct usher_error *err)
{
	bool names_server = cli->command->entity == ENTITY_SERVER || strcmp(f->name, "server") == 0;

	if (dir != NULL && names_server)
		return the_only_server(cli, dir, f, record, err);
	if (dir != NULL && f->type == FIELD_NUMBER)
		field_set_number(f, record, f->min > 0 ? f->min : 1);
	else if (f->type != FIELD_CHOICE || dir == NULL)
		*complete = false;
	return USHER_OK;
}

usher_status
record_key(struct cli *cli, struct dir *dir, void *record, bool *complete, struct usher_error *err)
{
	const struct entity *e = &entities[cli->command->entity];
	usher_status st = USHER_OK;

	record_init(&e->table, record);
	*complete = true;
	for (size_t i = 0; i < e->n_keys && st == USHER_OK; i++) {
		const struct field *f = &e->table.rows[i];
		const char *text = NULL;

		for (size_t k = 0; k < cli->n_operands; k++)
			if (operand_field(cli->command, k) == f)
				text = cli->operands[k];
		for (size_t k = 0; k < cli->n_settings; k++)
			if (cli->settings[k].field == f)
				text = cli->settings[k].value;
		st = text != NULL ? set_key(cli, f, record, text, err) :
				    default_key(cli, dir, f, record, complete, err);
	}
	return st;
}

/* As the parser says it of other options. */
static usher_status
as_option(struct cli *cli, const struct field *f, usher_status st, struct usher_error *err)
{
	struct usher_error was = *err;
	struct option o;

	if (st != USHER_E_INPUT)
		return st;
	option_of_field(f, &o);
	return err_set(err, USHER_E_USAGE, cli->command->name, "--%s %s", o.name, was.message);
}

usher_status
record_apply_settings(struct cli *cli, void *record, struct usher_error *err)
{
	usher_status st = USHER_OK;

	for (size_t i = 0; i < cli->n_settings && st == USHER_OK; i++) {
		const struct setting *s = &cli->settings[i];
		bool again = false;

		if ((s->field->flags & FIELD_KEY) != 0)
			continue;
		for (size_t k = 0; k < i; k++)
			again = again || cli->settings[k].field == s->field;
		if (again && s->field->type == FIELD_LIST)
			st = set_list(cli->mem, s->field, record, slice_of(s->value), err);
		else
			st = record_set_text(cli->mem, s->field, record, s->value, err);
		st = as_option(cli, s->field, st, err);
	}
	return st;
}

void
record_member_text(struct buf *b, const struct field *f, const void *record)
{
	char when[WHEN_TEXT_BYTES];

	if (f->type != FIELD_CHOICE && field_absent(f, record)) {
		buf_text(b, "–");
		return;
	}
	if ((f->flags & FIELD_SECRET) != 0) {
		buf_text(b, "…");
		return;
	}
	switch (f->type) {
	case FIELD_TEXT:
		buf_text(b, field_text(f, record));
		break;
	case FIELD_LIST:
		for (size_t i = 0; i < field_list(f, record)->n; i++)
			buf_printf(b, "%s%s", i > 0 ? ", " : "", field_list(f, record)->v[i]);
		break;
	case FIELD_NUMBER:
		if (f->form == FORM_TIME) {
			when_format(field_number(f, record), when);
			buf_text(b, when);
		} else {
			buf_printf(b, "%lld", (long long)field_number(f, record));
		}
		break;
	case FIELD_SWITCH:
		buf_text(b, field_switch(f, record) == TRI_ON ? "on" : "off");
		break;
	case FIELD_CHOICE:
		buf_text(b, field_choice_name(f, record));
		break;
	}
}
