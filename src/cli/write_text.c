/* write_text.c - the writer's text for people: aligned blocks and tables. */
#include <string.h>
#include <wchar.h>

#include "base/text.h"
#include "cli/write.h"

enum {
	TABLE_ROWS_SEEN = 200, /* rows that settle the widths */
	TABLE_BYTES_SEEN = 256 * 1024,
	TABLE_WIDEST = 60, /* a column never claims more; longer cells push the rest */
	COLUMN_GAP = 2
};

/* Length of the UTF-8 sequence at p and its code point; 1 and -1 for what is none. */
static size_t
decode(const unsigned char *p, size_t n, int32_t *code)
{
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	int32_t c = len < 2 ? p[0] : p[0] & (0x7f >> len);

	*code = -1;
	if (len == 0 || len > n || !text_utf8_valid(slice_from(p, len)))
		return 1;
	for (size_t i = 1; i < len; i++)
		c = c << 6 | (p[i] & 0x3f);
	*code = c;
	return len;
}

struct range {
	int32_t first, last;
};

static bool
in_ranges(int32_t code, const struct range *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (code >= r[i].first && code <= r[i].last)
			return true;
	return false;
}

/* Our own short list rather than wcwidth(), whose answer depends on the locale. */
static size_t
code_columns(int32_t code)
{
	static const struct range none[] = { { 0x300, 0x36f }, { 0x483, 0x489 }, { 0x591, 0x5bd },
		{ 0x610, 0x61a }, { 0x64b, 0x65f }, { 0x900, 0x902 }, { 0x93c, 0x93c },
		{ 0x941, 0x948 }, { 0xe31, 0xe31 }, { 0xe34, 0xe3a }, { 0xe47, 0xe4e },
		{ 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x200b, 0x200f }, { 0x20d0, 0x20ff },
		{ 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff } };
	static const struct range wide[] = { { 0x1100, 0x115f }, { 0x2e80, 0x303e },
		{ 0x3041, 0xa4cf }, { 0xa960, 0xa97c }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff },
		{ 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f },
		{ 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd } };

	if (in_ranges(code, none, COUNT_OF(none)))
		return 0;
	return in_ranges(code, wide, COUNT_OF(wide)) ? 2 : 1;
}

size_t
text_columns(struct slice text)
{
	size_t columns = 0;

	for (size_t i = 0; i < text.n;) {
		int32_t code;

		i += decode((const unsigned char *)text.p + i, text.n - i, &code);
		columns += code_columns(code);
	}
	return columns;
}

/* Nothing that a peer or a file said may steer the terminal: control characters, C1 ones included,
 * and the marks that turn the direction of writing become `?`. */
static bool
steers(int32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e) ||
	       (code >= 0x2066 && code <= 0x2069);
}

static void
put_clean(struct buf *b, struct slice text)
{
	for (size_t i = 0; i < text.n;) {
		int32_t code;
		size_t n = decode((const unsigned char *)text.p + i, text.n - i, &code);

		if (steers(code))
			buf_char(b, '?');
		else
			buf_append(b, text.p + i, n);
		i += n;
	}
}

static void
put_blanks(struct buf *b, size_t n)
{
	while (n-- > 0)
		buf_char(b, ' ');
}

static size_t
indentation(const struct writer *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->depth; i++)
		n += w->levels[i].indented ? 2 : 0;
	return n;
}

static char
text_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* How a word is spelled wherever it stands; NULL when it is an ordinary one. */
static const char *
spelling(struct slice word)
{
	static const char *const all[] = { "DN", "DNS", "ECP", "EWS", "FQDN", "GUID", "HTTP", "ID",
		"MAPI", "OAB", "OAuth2", "OWA", "PEM", "SMTP", "SSL", "TLS", "TTL", "UM", "URI",
		"URL" };

	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (slice_eq_nocase(word, slice_of(all[i])))
			return all[i];
	return NULL;
}

/* `site_scope` as `Site scope`, `legacy_dn` as `Legacy DN`. */
static void
put_label(struct buf *b, const char *name)
{
	struct slice rest = slice_of(name);

	for (bool first = true; rest.n > 0; first = false) {
		struct slice word = slice_from(rest.p, slice_find(rest, '_'));
		const char *spelled = spelling(word);

		rest = slice_skip(rest, word.n + 1);
		if (!first)
			buf_char(b, ' ');
		if (spelled != NULL) {
			buf_text(b, spelled);
			continue;
		}
		if (first) {
			buf_char(b, text_upper(word.p[0]));
			word = slice_skip(word, 1);
		}
		buf_slice(b, word);
	}
}

/* ---- blocks ---- */

static void
flush_block(struct writer *w)
{
	size_t indent = indentation(w), widest = 0;
	const char *p = buf_cstr(&w->block);

	for (size_t i = 0; i < w->n_waiting; i++) {
		size_t columns = text_columns(slice_of(p));

		widest = columns > widest ? columns : widest;
		p += strlen(p) + 1;
		p += strlen(p) + 1;
	}
	p = buf_cstr(&w->block);
	for (size_t i = 0; i < w->n_waiting; i++) {
		const char *value = p + strlen(p) + 1;

		put_blanks(&w->line, indent);
		buf_text(&w->line, p);
		put_blanks(&w->line, widest - text_columns(slice_of(p)) + COLUMN_GAP);
		buf_text(&w->line, value);
		buf_char(&w->line, '\n');
		writer_put_line(w);
		p = value + strlen(value) + 1;
	}
	buf_cut(&w->block, 0);
	w->n_waiting = 0;
}

static void
add_pair(struct writer *w, const char *name, struct slice value)
{
	if (name != NULL)
		put_label(&w->block, name);
	buf_char(&w->block, '\0');
	put_clean(&w->block, value);
	buf_char(&w->block, '\0');
	if (w->block.status == USHER_OK)
		w->n_waiting++;
}

/* ---- tables ---- */

/* The list whose table the innermost object is a row of, or NULL. */
static struct level *
table_of_row(struct writer *w)
{
	struct level *l;

	if (w->depth < 2 || writer_top(w)->kind != LEVEL_OBJECT)
		return NULL;
	l = &w->levels[w->depth - 2];
	return l->kind == LEVEL_LIST && l->n_columns > 0 ? l : NULL;
}

static bool
inside_table(const struct writer *w)
{
	for (size_t i = 0; i < w->depth; i++)
		if (w->levels[i].n_columns > 0)
			return true;
	return false;
}

/* One cell. Blanks are owed until something follows, so that no line ends in any. */
static void
put_cell(struct writer *w, const struct level *table, size_t i, struct slice text, size_t *owed)
{
	size_t columns = text_columns(text), width = w->widths[i];
	size_t fill = columns < width ? width - columns : 0;

	if (width == 0)
		return;
	if (text.n == 0) {
		*owed += width + COLUMN_GAP;
		return;
	}
	put_blanks(&w->line, *owed + (table->columns[i].right ? fill : 0));
	buf_slice(&w->line, text);
	*owed = COLUMN_GAP + (table->columns[i].right ? 0 : fill);
}

static void
put_heading(struct writer *w, const struct level *table)
{
	size_t owed = indentation(w);

	for (size_t i = 0; i < table->n_columns; i++)
		if (table->columns[i].title != NULL)
			put_cell(w, table, i, slice_of(table->columns[i].title), &owed);
	buf_char(&w->line, '\n');
	writer_put_line(w);
}

/* Settles the widths by the rows seen so far and writes these. A column in which nothing stands is
 * left out when `whole`: no further row can want it. */
static void
settle_table(struct writer *w, const struct level *table, bool whole)
{
	const char *p = buf_cstr(&w->block);

	memset(w->widths, 0, sizeof(w->widths));
	for (size_t row = 0; row < w->n_waiting; row++)
		for (size_t i = 0; i < table->n_columns; i++, p += strlen(p) + 1) {
			size_t columns = text_columns(slice_of(p));

			if (columns > TABLE_WIDEST)
				columns = TABLE_WIDEST;
			if (columns > w->widths[i])
				w->widths[i] = columns;
		}
	for (size_t i = 0; i < table->n_columns; i++) {
		const char *title = table->columns[i].title;

		if (title == NULL)
			w->widths[i] = 0;
		else if ((w->widths[i] > 0 || !whole) &&
			 text_columns(slice_of(title)) > w->widths[i])
			w->widths[i] = text_columns(slice_of(title));
	}
	put_heading(w, table);
	p = buf_cstr(&w->block);
	for (size_t row = 0; row < w->n_waiting; row++) {
		size_t owed = indentation(w);

		for (size_t i = 0; i < table->n_columns; i++, p += strlen(p) + 1)
			put_cell(w, table, i, slice_of(p), &owed);
		buf_char(&w->line, '\n');
		writer_put_line(w);
	}
	buf_cut(&w->block, 0);
	w->n_waiting = 0;
	w->settled = true;
}

static void
end_row(struct writer *w, const struct level *table)
{
	size_t owed = indentation(w);

	if (w->settled) {
		for (size_t i = 0; i < table->n_columns; i++)
			put_cell(w, table, i, buf_as_slice(&w->cells[i]), &owed);
		buf_char(&w->line, '\n');
		writer_put_line(w);
		return;
	}
	for (size_t i = 0; i < table->n_columns; i++)
		buf_append(&w->block, buf_cstr(&w->cells[i]), w->cells[i].n + 1);
	if (w->block.status != USHER_OK)
		return;
	w->n_waiting++;
	if (w->n_waiting == TABLE_ROWS_SEEN || w->block.n > TABLE_BYTES_SEEN)
		settle_table(w, table, false);
}

static struct buf *
cell_named(struct writer *w, const struct level *table, const char *name)
{
	for (size_t i = 0; i < table->n_columns; i++)
		if (name != NULL && strcmp(table->columns[i].name, name) == 0)
			return &w->cells[i];
	return NULL;
}

/* ---- the interface ---- */

static void
text_open(struct writer *w, struct level *l, const char *name, const char *title)
{
	struct level *parent = w->depth < 2 ? NULL : &w->levels[w->depth - 2];

	if (table_of_row(w) != NULL) {
		for (size_t i = 0; i < parent->n_columns; i++)
			buf_cut(&w->cells[i], 0);
		return;
	}
	if (inside_table(w) && l->n_columns == 0)
		return;
	flush_block(w);
	if (parent != NULL && parent->any && (l->kind == LEVEL_OBJECT || l->n_columns > 0))
		writer_put(w, "\n", 1);
	if (parent != NULL)
		parent->any = true;
	w->settled = false;
	if (title == NULL && (name == NULL || l->kind == LEVEL_LIST))
		return;
	put_blanks(&w->line, indentation(w));
	if (title != NULL)
		put_clean(&w->line, slice_of(title));
	else
		put_label(&w->line, name);
	buf_char(&w->line, '\n');
	writer_put_line(w);
	l->indented = true;
}

static void
text_close(struct writer *w, struct level *l)
{
	struct level *table = table_of_row(w);

	if (table != NULL)
		end_row(w, table);
	else if (l->n_columns > 0 && w->n_waiting > 0)
		settle_table(w, l, true);
	else if (!inside_table(w))
		flush_block(w);
}

static void
text_value(struct writer *w, const char *name, enum value_kind kind, struct slice text)
{
	struct level *table = table_of_row(w);
	struct buf *cell;

	if (kind == VALUE_NULL)
		return;
	if (kind == VALUE_FLAG)
		text = slice_is(text, "true") ? SLICE_LITERAL("on") : SLICE_LITERAL("off");
	if (table != NULL) {
		cell = cell_named(w, table, name);
		if (cell != NULL) {
			buf_cut(cell, 0);
			put_clean(cell, text);
		}
		return;
	}
	if (inside_table(w))
		return;
	if (w->depth > 0)
		writer_top(w)->any = true;
	add_pair(w, name, text);
}

static void
text_texts(struct writer *w, const char *name, const struct text_list *list)
{
	struct level *table = table_of_row(w);
	struct buf *cell;

	if (table == NULL) {
		for (size_t i = 0; i < list->n; i++)
			text_value(w, i == 0 ? name : NULL, VALUE_TEXT, slice_of(list->v[i]));
		return;
	}
	cell = cell_named(w, table, name);
	if (cell == NULL)
		return;
	buf_cut(cell, 0);
	for (size_t i = 0; i < list->n; i++) {
		if (i > 0)
			buf_text(cell, ", ");
		put_clean(cell, slice_of(list->v[i]));
	}
}

static void
text_say(struct writer *w, struct slice text)
{
	flush_block(w);
	if (w->depth > 0)
		writer_top(w)->any = true;
	if (text.n > 0)
		put_blanks(&w->line, indentation(w));
	put_clean(&w->line, text);
	buf_char(&w->line, '\n');
	writer_put_line(w);
}

static void
text_finish(struct writer *w)
{
	flush_block(w);
}

static const struct writer_ops text_ops = {
	.json = false,
	.open = text_open,
	.close = text_close,
	.value = text_value,
	.texts = text_texts,
	.say = text_say,
	.finish = text_finish,
};

struct writer *
writer_text(FILE *out)
{
	return writer_new(&text_ops, out);
}
