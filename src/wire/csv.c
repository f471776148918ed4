/* csv.c - rows of comma-separated values (RFC 4180). */
#include "wire/csv.h"

void
csv_init(struct csv *csv)
{
	*csv = (struct csv){ 0 };
	buf_init(&csv->text, CSV_ROW_BYTES);
}

void
csv_clear(struct csv *csv)
{
	buf_clear(&csv->text);
}

/* The first separator of the first line that is not inside quotes; a comma when there is none. 0
 * when more text has to be seen first. */
static char
find_separator(struct slice text, bool last)
{
	bool quoted = false;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == ',' || c == ';' || c == '\t'))
			return c;
		else if (!quoted && c == '\n')
			return ',';
	}
	return last || text.n >= CSV_ROW_BYTES ? ',' : '\0';
}

/* Bytes up to and with the line's end at `at`, 0 when there is none. */
static size_t
line_end(struct slice text, size_t at)
{
	if (at < text.n && text.p[at] == '\n')
		return 1;
	return at + 1 < text.n && text.p[at] == '\r' && text.p[at + 1] == '\n' ? 2 : 0;
}

enum step { STEP_OK, STEP_MORE, STEP_BAD };

struct reader {
	struct csv *csv;
	struct slice text;
	bool last;
	size_t at;
};

static enum step
bad(struct reader *r, const char *fault)
{
	r->csv->fault = fault;
	return STEP_BAD;
}

/* A field in quotes, up to what follows them. */
static enum step
quoted_field(struct reader *r)
{
	size_t from = ++r->at;

	for (;; r->at++) {
		if (r->at >= r->text.n)
			return r->last ? bad(r, "a quote is opened and never closed") : STEP_MORE;
		if (r->text.p[r->at] != '"')
			continue;
		buf_append(&r->csv->text, r->text.p + from, r->at - from);
		if (r->at + 1 >= r->text.n && !r->last)
			return STEP_MORE;
		r->at++;
		if (r->at >= r->text.n || r->text.p[r->at] != '"')
			return STEP_OK;
		from = r->at;
	}
}

static enum step
plain_field(struct reader *r)
{
	size_t from = r->at;

	while (r->at < r->text.n && r->text.p[r->at] != r->csv->separator &&
	       line_end(r->text, r->at) == 0) {
		if (r->text.p[r->at] == '"')
			return bad(r, "a quote stands in the middle of a field");
		r->at++;
	}
	if (r->at >= r->text.n && !r->last)
		return STEP_MORE;
	buf_append(&r->csv->text, r->text.p + from, r->at - from);
	return STEP_OK;
}

/* One field and the separator behind it; *more when another field follows. */
static enum step
field(struct reader *r, bool *more)
{
	struct csv *csv = r->csv;
	size_t from = csv->text.n;
	bool quoted = r->at < r->text.n && r->text.p[r->at] == '"';
	enum step step = quoted ? quoted_field(r) : plain_field(r);
	size_t end;

	if (step != STEP_OK)
		return step;
	if (csv->n_fields == CSV_FIELDS_MAX)
		return bad(r, "the row has more than 64 fields");
	/* Offsets for now: the buffer may still move. */
	csv->fields[csv->n_fields++] = slice_from(NULL, csv->text.n - from);
	*more = r->at < r->text.n && r->text.p[r->at] == csv->separator;
	if (*more) {
		r->at++;
		return STEP_OK;
	}
	if (r->at >= r->text.n)
		return r->last ? STEP_OK : STEP_MORE;
	end = line_end(r->text, r->at);
	if (end == 0 && r->at + 1 >= r->text.n && !r->last)
		return STEP_MORE; /* a CR whose LF has yet to come */
	if (end == 0)
		return bad(r, "text follows a closing quote");
	r->at += end;
	return STEP_OK;
}

static void
skip_empty_lines(struct reader *r)
{
	static const struct slice bom = { "\xef\xbb\xbf", 3 };
	size_t n;

	if (!r->csv->begun && slice_starts(r->text, bom))
		r->at = bom.n;
	while ((n = line_end(r->text, r->at)) > 0)
		r->at += n;
}

/* After a bad row: past the end of the line it went wrong in. */
static enum csv_result
skip_line(struct reader *r, size_t *used)
{
	while (r->at < r->text.n && r->text.p[r->at] != '\n')
		r->at++;
	if (r->at >= r->text.n && !r->last)
		return CSV_MORE;
	*used = r->at < r->text.n ? r->at + 1 : r->at;
	r->csv->row++;
	return CSV_BAD_ROW;
}

/* The row at r->at. */
static enum csv_result
read_row(struct reader *r, size_t *used)
{
	struct csv *csv = r->csv;
	enum step step = STEP_OK;
	const char *at;
	bool more = true;

	buf_reset(&csv->text);
	csv->n_fields = 0;
	while (more && step == STEP_OK)
		step = field(r, &more);
	if (csv->text.status != USHER_OK ||
	    (step == STEP_MORE && r->text.n - *used >= CSV_ROW_BYTES)) {
		csv->fault = "the row has no end within a megabyte; is a quote not closed?";
		return CSV_TOO_LONG;
	}
	if (step == STEP_BAD)
		return skip_line(r, used);
	if (step == STEP_MORE)
		return CSV_MORE;

	at = buf_cstr(&csv->text);
	for (size_t i = 0; i < csv->n_fields; i++) {
		csv->fields[i].p = at;
		at += csv->fields[i].n;
	}
	*used = r->at;
	csv->row++;
	return CSV_ROW;
}

enum csv_result
csv_next(struct csv *csv, struct slice text, bool last, size_t *used)
{
	struct reader r = { csv, text, last, 0 };

	*used = 0;
	/* Less may be a part of a BOM. */
	if (!csv->begun && text.n < 3 && !last)
		return CSV_MORE;
	skip_empty_lines(&r);
	*used = r.at;
	csv->begun = csv->begun || text.n > 0;
	if (r.at >= text.n)
		return last ? CSV_END : CSV_MORE;
	if (csv->separator == '\0')
		csv->separator = find_separator(slice_skip(text, r.at), last);
	return csv->separator == '\0' ? CSV_MORE : read_row(&r, used);
}
