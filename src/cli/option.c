/* option.c - which options and operands a command takes, wherever their rows stand. */
#include "cli/option.h"

#include <string.h>

#include "base/text.h"

#define COMMON(member) offsetof(struct common, member)

static const struct option_spec common_rows[] = {
	{ 'd', "directory", OPT_TEXT, COMMON(directory), "URI",
	    "the directory to work on, as sqlite:/var/lib/usher/usher.db" },
	{ 'c', "config", OPT_TEXT, COMMON(config), "FILE",
	    "configuration of usherd that says where the directory is" },
	{ 'j', "json", OPT_FLAG, COMMON(json), NULL, "print JSON" },
	{ 'h', "help", OPT_FLAG, COMMON(help), NULL, "explain the command" },
	{ 0, "version", OPT_FLAG, COMMON(version), NULL, "print the version" },
};

static const struct option_spec dry_run_row = { 'n', "dry-run", OPT_FLAG, COMMON(dry_run), NULL,
	"say what would change, and change nothing" };

static const struct option_spec now_row = { 0, "now", OPT_TIME, COMMON(now_s), "TIME",
	"take this for the present time" };

/* The i-th word of c->operands as it stands there; empty past the last. */
static struct slice
raw_word(const struct command *c, size_t i)
{
	struct slice rest;

	if (c == NULL || c->operands == NULL)
		return (struct slice){ 0 };
	rest = slice_of(c->operands);
	while (i-- > 0)
		rest = slice_skip(rest, slice_find(rest, ' ') + 1);
	return slice_from(rest.p, slice_find(rest, ' '));
}

/* What stands around the name in a word. */
struct marks {
	bool optional, repeated;
};

static struct slice
bare_word(struct slice word, struct marks *out)
{
	struct slice more = SLICE_LITERAL("…");

	out->optional = word.n > 1 && word.p[0] == '[';
	if (out->optional)
		word = slice_from(word.p + 1, word.n - 2);
	out->repeated = slice_ends_nocase(word, more);
	if (out->repeated)
		word.n -= more.n;
	return word;
}

struct slice
operand_word(const struct command *c, size_t i)
{
	struct marks marks;

	return bare_word(raw_word(c, i), &marks);
}

void
operand_range(const struct command *c, size_t *min, size_t *max)
{
	struct marks marks = { false, false };

	*min = *max = 0;
	for (size_t i = 0; raw_word(c, i).n > 0; i++) {
		(void)bare_word(raw_word(c, i), &marks);
		*min += marks.optional ? 0 : 1;
		++*max;
	}
	if (marks.repeated)
		*max = SIZE_MAX;
}

static bool
names_field(struct slice word, const struct field *f)
{
	size_t n = strlen(f->name);

	if (word.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (text_lower(word.p[i]) != (f->name[i] == '_' ? '-' : f->name[i]))
			return false;
	return true;
}

const struct field *
operand_field(const struct command *c, size_t i)
{
	const struct field_table *t = &entities[c->entity].table;
	struct slice word = operand_word(c, i);

	for (size_t k = 0; k < t->n; k++)
		if ((t->rows[k].flags & FIELD_KEY) != 0 && names_field(word, &t->rows[k]))
			return &t->rows[k];
	return NULL;
}

/* True when the row is an option of `c`: keys that no operand gives, and what can be set. */
static bool
takes_field(const struct command *c, const struct field *f)
{
	if ((f->flags & FIELD_KEY) != 0) {
		for (size_t i = 0; operand_word(c, i).n > 0; i++)
			if (operand_field(c, i) == f)
				return false;
		return (c->flags & (CMD_SETS | CMD_KEYS)) != 0;
	}
	return (c->flags & CMD_SETS) != 0 && (f->flags & (FIELD_FIXED | FIELD_SECRET)) == 0;
}

static void
from_spec(const struct option_spec *spec, struct option *out)
{
	*out = (struct option){ .letter = spec->letter, .help = spec->help, .spec = spec };
	memcpy(out->name, spec->name, strnlen(spec->name, OPTION_NAME_BYTES - 1));
}

/* Its value goes into struct common. */
static void
from_common(const struct option_spec *spec, struct option *out)
{
	from_spec(spec, out);
	out->shared = true;
}

/* Members whose option is shorter than they are. */
static const struct {
	const char *member, *option;
} short_names[] = {
	{ "authentication", "auth" },
};

void
option_of_field(const struct field *f, struct option *out)
{
	const char *name = f->name;

	*out = (struct option){ .help = f->help, .field = f };
	for (size_t i = 0; i < COUNT_OF(short_names); i++)
		if (strcmp(f->name, short_names[i].member) == 0) {
			name = short_names[i].option;
			out->also = f->name;
		}
	for (size_t i = 0; i < OPTION_NAME_BYTES - 1 && name[i] != '\0'; i++)
		out->name[i] = name[i] == '_' ? '-' : name[i];
}

bool
option_at(const struct command *c, size_t i, struct option *out)
{
	if (c != NULL) {
		for (const struct option_spec *s = c->opts; s != NULL && s->name != NULL; s++)
			if (i-- == 0)
				return from_spec(s, out), true;
		for (size_t k = 0; k < entities[c->entity].table.n; k++) {
			const struct field *f = &entities[c->entity].table.rows[k];

			if (takes_field(c, f) && i-- == 0)
				return option_of_field(f, out), true;
		}
		if ((c->flags & CMD_CHANGES) != 0 && i-- == 0)
			return from_common(&dry_run_row, out), true;
		if ((c->flags & CMD_CLOCK) != 0 && i-- == 0)
			return from_common(&now_row, out), true;
	}
	/* After a command `--version` may be a server's, and means nothing of its own. */
	if (i >= COUNT_OF(common_rows) - (c == NULL ? 0 : 1))
		return false;
	from_common(&common_rows[i], out);
	out->common = true;
	return true;
}

static void
put_choices(struct buf *b, const char *const *choices)
{
	for (size_t i = 0; choices[i] != NULL; i++)
		buf_printf(b, "%s%s", i > 0 ? "|" : "", choices[i]);
}

void
option_value_name(struct buf *b, const struct option *o)
{
	static const char *const by_form[] = { [FORM_ANY] = "TEXT",
		[FORM_DOMAIN] = "DOMAIN",
		[FORM_HOST] = "HOST",
		[FORM_ADDRESS] = "ADDRESS",
		[FORM_URL] = "URL",
		[FORM_GUID] = "GUID",
		[FORM_SUBNET] = "CIDR",
		[FORM_LEGACY_DN] = "DN",
		[FORM_LINES] = "TEXT",
		[FORM_TIME] = "TIME" };

	if (o->spec != NULL) {
		if (o->spec->type == OPT_CHOICE)
			put_choices(b, o->spec->choices);
		else if (o->spec->value != NULL)
			buf_text(b, o->spec->value);
		return;
	}
	switch (o->field->type) {
	case FIELD_TEXT:
		buf_text(b, by_form[o->field->form]);
		break;
	case FIELD_LIST:
		buf_printf(b, "%s,…", by_form[o->field->form]);
		break;
	case FIELD_NUMBER:
		buf_text(b, o->field->form == FORM_TIME ? "TIME" : "NUMBER");
		break;
	case FIELD_SWITCH:
		buf_text(b, "on|off");
		break;
	case FIELD_CHOICE:
		put_choices(b, o->field->choices);
		break;
	}
}
