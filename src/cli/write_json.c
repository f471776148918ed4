/* write_json.c - the writer's JSON (RFC 8259): nothing is held back, so a listing may be endless.
 *
 * Objects are spread over lines, but one inside a list stands on one line: easy to read, to grep
 * and to compare. */
#include "base/encode.h"
#include "cli/write.h"

static void
new_line(struct writer *w, size_t depth)
{
	buf_char(&w->line, '\n');
	for (size_t i = 0; i < depth; i++)
		buf_text(&w->line, "  ");
}

/* Comma, line break and name before a value that stands `depth` levels deep. */
static void
lead(struct writer *w, size_t depth, const char *name)
{
	struct level *parent = depth == 0 ? NULL : &w->levels[depth - 1];

	if (parent != NULL) {
		if (parent->any)
			buf_char(&w->line, ',');
		if (!parent->compact)
			new_line(w, depth);
		else if (parent->any)
			buf_char(&w->line, ' ');
		parent->any = true;
		if (parent->kind == LEVEL_OBJECT) {
			json_quote(&w->line, slice_of(name));
			buf_text(&w->line, ": ");
		}
	}
}

static void
json_open(struct writer *w, struct level *l, const char *name, const char *title)
{
	const struct level *parent = w->depth < 2 ? NULL : &w->levels[w->depth - 2];

	(void)title;
	l->compact = parent != NULL && (parent->compact || parent->kind == LEVEL_LIST);
	lead(w, w->depth - 1, name);
	buf_char(&w->line, l->kind == LEVEL_LIST ? '[' : '{');
	writer_put_line(w);
}

static void
json_close(struct writer *w, struct level *l)
{
	if (l->any && !l->compact)
		new_line(w, w->depth - 1);
	buf_char(&w->line, l->kind == LEVEL_LIST ? ']' : '}');
	if (w->depth == 1)
		buf_char(&w->line, '\n');
	writer_put_line(w);
}

static void
put_value(struct writer *w, enum value_kind kind, struct slice text)
{
	if (kind == VALUE_TEXT)
		json_quote(&w->line, text);
	else
		buf_slice(&w->line, text);
}

static void
json_value(struct writer *w, const char *name, enum value_kind kind, struct slice text)
{
	lead(w, w->depth, name);
	put_value(w, kind, text);
	writer_put_line(w);
}

static void
json_texts(struct writer *w, const char *name, const struct text_list *list)
{
	lead(w, w->depth, name);
	buf_char(&w->line, '[');
	for (size_t i = 0; i < list->n; i++) {
		if (i > 0)
			buf_text(&w->line, ", ");
		put_value(w, VALUE_TEXT, slice_of(list->v[i]));
	}
	buf_char(&w->line, ']');
	writer_put_line(w);
}

static void
json_say(struct writer *w, struct slice text)
{
	(void)w;
	(void)text;
}

static void
json_finish(struct writer *w)
{
	(void)w;
}

static const struct writer_ops json_ops = {
	.json = true,
	.open = json_open,
	.close = json_close,
	.value = json_value,
	.texts = json_texts,
	.say = json_say,
	.finish = json_finish,
};

struct writer *
writer_json(FILE *out)
{
	return writer_new(&json_ops, out);
}
