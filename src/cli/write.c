/* write.c - the writer's front: records by rows, and what both forms have in common. */
#include "cli/write.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/when.h"

struct writer *
writer_new(const struct writer_ops *ops, FILE *out)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->ops = ops;
	w->out = out;
	buf_init(&w->line, WRITER_LINE_BYTES);
	buf_init(&w->block, WRITER_BLOCK_BYTES);
	for (size_t i = 0; i < WRITER_COLUMNS; i++)
		buf_init(&w->cells[i], WRITER_LINE_BYTES);
	return w;
}

usher_status
writer_end(struct writer *w, struct usher_error *err)
{
	usher_status st = USHER_OK;

	w->ops->finish(w);
	if (fflush(w->out) != 0 && w->io_errno == 0)
		w->io_errno = errno;
	if (w->io_errno != 0)
		st = err_set(err, USHER_E_IO, "standard output", "%s", strerror(w->io_errno));
	else if (w->line.status != USHER_OK || w->block.status != USHER_OK)
		st = err_nomem(err, "standard output");
	buf_clear(&w->line);
	buf_clear(&w->block);
	for (size_t i = 0; i < WRITER_COLUMNS; i++)
		buf_clear(&w->cells[i]);
	free(w);
	return st;
}

void
writer_put(struct writer *w, const char *p, size_t n)
{
	if (w->io_errno == 0 && n > 0 && fwrite(p, 1, n, w->out) != n)
		w->io_errno = errno;
}

void
writer_put_line(struct writer *w)
{
	writer_put(w, buf_cstr(&w->line), w->line.n);
	buf_cut(&w->line, 0);
}

struct level *
writer_top(struct writer *w)
{
	return w->depth == 0 ? NULL : &w->levels[w->depth - 1];
}

static struct level *
push(struct writer *w, enum level_kind kind)
{
	assert(w->depth < WRITER_DEPTH);
	w->levels[w->depth] = (struct level){ .kind = kind };
	return &w->levels[w->depth++];
}

bool
writer_is_json(const struct writer *w)
{
	return w->ops->json;
}

void
write_open(struct writer *w, const char *name, const char *title)
{
	struct level *l = push(w, LEVEL_OBJECT);

	w->ops->open(w, l, name, title);
}

void
write_close(struct writer *w)
{
	assert(w->depth > 0 && writer_top(w)->kind == LEVEL_OBJECT);
	w->ops->close(w, writer_top(w));
	w->depth--;
}

void
write_list(struct writer *w, const char *name, const struct column *columns, size_t n)
{
	struct level *l = push(w, LEVEL_LIST);

	assert(n <= WRITER_COLUMNS);
	l->columns = columns;
	l->n_columns = n;
	w->ops->open(w, l, name, NULL);
}

void
write_list_end(struct writer *w)
{
	assert(w->depth > 0 && writer_top(w)->kind == LEVEL_LIST);
	w->ops->close(w, writer_top(w));
	w->depth--;
}

void
write_text(struct writer *w, const char *name, const char *value)
{
	if (value == NULL)
		w->ops->value(w, name, VALUE_NULL, SLICE_LITERAL("null"));
	else
		w->ops->value(w, name, VALUE_TEXT, slice_of(value));
}

void
write_number(struct writer *w, const char *name, int64_t value)
{
	char text[24];

	if (value == NUMBER_ABSENT) {
		write_text(w, name, NULL);
		return;
	}
	(void)snprintf(text, sizeof(text), "%lld", (long long)value);
	w->ops->value(w, name, VALUE_NUMBER, slice_of(text));
}

void
write_flag(struct writer *w, const char *name, bool value)
{
	w->ops->value(w, name, VALUE_FLAG, value ? SLICE_LITERAL("true") : SLICE_LITERAL("false"));
}

void
write_texts(struct writer *w, const char *name, const struct text_list *list)
{
	w->ops->texts(w, name, list);
}

void
write_field_and_secrets(struct writer *w, const struct field *f, const void *record)
{
	char when[WHEN_TEXT_BYTES];

	if (f->type == FIELD_CHOICE) {
		write_text(w, f->name, field_choice_name(f, record));
		return;
	}
	if (field_absent(f, record))
		return;
	switch (f->type) {
	case FIELD_LIST:
		write_texts(w, f->name, field_list(f, record));
		break;
	case FIELD_NUMBER:
		if (f->form == FORM_TIME) {
			when_format(field_number(f, record), when);
			write_text(w, f->name, when);
		} else {
			write_number(w, f->name, field_number(f, record));
		}
		break;
	case FIELD_SWITCH:
		write_flag(w, f->name, field_switch(f, record) == TRI_ON);
		break;
	case FIELD_TEXT:
	case FIELD_CHOICE:
		write_text(w, f->name, field_text(f, record));
		break;
	}
}

void
write_field(struct writer *w, const struct field *f, const void *record)
{
	if ((f->flags & FIELD_SECRET) == 0)
		write_field_and_secrets(w, f, record);
}

void
write_record(struct writer *w, const struct field_table *t, const void *record)
{
	for (size_t i = 0; i < t->n; i++)
		write_field(w, &t->rows[i], record);
}

void
write_say(struct writer *w, const char *format, ...)
{
	char *text;
	va_list ap;
	int n;

	if (w->ops->json)
		return;
	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0) {
		w->line.status = USHER_E_NOMEM;
		return;
	}
	w->ops->say(w, slice_from(text, (size_t)n));
	free(text);
}

bool
write_flush(struct writer *w)
{
	if (fflush(w->out) != 0 && w->io_errno == 0)
		w->io_errno = errno;
	return w->io_errno == 0;
}

void
write_raw(struct writer *w, const char *text, size_t n)
{
	writer_put(w, text, n);
}
