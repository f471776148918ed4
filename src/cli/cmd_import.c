/* cmd_import.c - `usher mailbox import FILE`: many mailboxes from CSV or JSON lines, all or none.
 *
 * Rows stream through: what is kept of each is eight bytes, by which doubles are found. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/password.h"
#include "base/err.h"
#include "base/text.h"
#include "base/when.h"
#include "cli/commands.h"
#include "cli/cycle.h"
#include "cli/nearest.h"
#include "cli/record.h"
#include "cli/seen.h"
#include "wire/csv.h"
#include "wire/json.h"

enum {
	CHUNK_BYTES = 64 * 1024,
	LINE_BYTES = 1024 * 1024,
	ROW_BYTES = 8 * 1024 * 1024, /* of memory, for one row */
	BAD_ROWS_SHOWN = 1000,
	PROGRESS_MS = 100,
	COLUMNS_MAX = CSV_FIELDS_MAX
};

enum import_format { FORMAT_BY_NAME = 0, FORMAT_CSV, FORMAT_JSONL };

struct import_args {
	int format;
	bool skip_bad;
};

static const char *const formats[] = { "auto", "csv", "jsonl", NULL };

static const struct option_spec import_opts[] = {
	{ 0, "format", OPT_CHOICE, offsetof(struct import_args, format), NULL,
	    "what FILE is; auto goes by its name (.jsonl, .ndjson, .json) and takes CSV otherwise",
	    formats },
	{ 0, "skip-bad", OPT_FLAG, offsetof(struct import_args, skip_bad), NULL,
	    "import the good rows even when there are bad ones" },
	{ 0 },
};

/* A mailbox and the password of its owner. */
struct row {
	struct mailbox mailbox;
	const char *password_hash;
};

enum { MAILBOX_ROWS_MAX = 40 };

struct import {
	struct cli *cli;
	const struct import_args *args;
	const char *name;
	struct dir *dir;
	struct arena *mem; /* of one row */
	bool by_lines;

	struct field rows[MAILBOX_ROWS_MAX + 1];
	struct field_table table;
	const struct field *columns[COLUMNS_MAX];
	size_t n_columns;

	bool may_exist; /* the directory had mailboxes before */
	struct seen *seen;
	uint64_t counts[DIR_REMOVED + 1];
	uint64_t n_rows, n_bad;

	uint64_t bytes_all, bytes_done; /* 0: not known beforehand */
	uint64_t shown_ms;
	bool progress;
};

/* ---- what people see meanwhile ---- */

static void
show_progress(struct import *im)
{
	uint64_t now = clock_mono_ms();
	char bar[31] = "";

	if (!im->progress || (im->shown_ms != 0 && now - im->shown_ms < PROGRESS_MS))
		return;
	im->shown_ms = now;
	if (im->bytes_all == 0) {
		(void)fprintf(stderr, "\r%llu rows", (unsigned long long)im->n_rows);
		return;
	}
	memset(bar, ' ', sizeof(bar) - 1);
	for (size_t i = 0; i < sizeof(bar) - 1; i++)
		if (i < im->bytes_done * (sizeof(bar) - 1) / im->bytes_all)
			bar[i] = '#';
	(void)fprintf(stderr, "\r[%s] %3llu %%  %llu rows", bar,
	    (unsigned long long)(im->bytes_done * 100 / im->bytes_all),
	    (unsigned long long)im->n_rows);
}

static void
clear_progress(struct import *im)
{
	if (im->progress && im->shown_ms != 0)
		(void)fputs("\r\033[K", stderr);
	im->shown_ms = 0;
}

static void
complain(struct import *im, size_t number, const struct usher_error *err)
{
	/* The directory names itself; here it is the row that matters. */
	bool named = err->where[0] != '\0' && err->status != USHER_E_CONFLICT;

	im->n_bad++;
	if (im->n_bad > BAD_ROWS_SHOWN)
		return;
	clear_progress(im);
	if (im->by_lines && slice_starts(slice_of(err->where), SLICE_LITERAL("line ")))
		cli_note("%s: %s: %s", im->name, err->where, err->message);
	else
		cli_note("%s: %s %zu: %s%s%s", im->name, im->by_lines ? "line" : "row", number,
		    named ? err->where : "", named ? ": " : "", err->message);
}

/* ---- one row ---- */

/* A fault of the row, as opposed to one of the directory or of memory. */
static bool
is_row_fault(usher_status st)
{
	return st == USHER_E_INPUT || st == USHER_E_ADDRESS || st == USHER_E_CONFLICT ||
	       st == USHER_E_LIMIT;
}

/* Members that the row does not name stay as they are. */
static usher_status
merge(struct import *im, struct mailbox *mailbox, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_MAILBOX];
	union org_record there;

	if (!im->may_exist)
		return USHER_OK;
	switch (dir_get(im->dir, im->mem, e, mailbox, &there, err)) {
	case LOOKUP_FOUND:
		break;
	case LOOKUP_ABSENT:
		return USHER_OK;
	case LOOKUP_PENDING: /* of handles that serve alone */
	case LOOKUP_UNAVAILABLE:
		return err->status;
	}
	record_fill(&e->table, mailbox, &there);
	return USHER_OK;
}

static usher_status
put_credential(struct import *im, const struct row *row, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_CREDENTIAL];
	enum dir_change change;
	union org_record r;
	usher_status st;

	record_init(&e->table, &r);
	r.credential.login_name =
	    row->mailbox.login_name == NULL ? row->mailbox.address : row->mailbox.login_name;
	r.credential.password_hash = row->password_hash;
	st = entity_check(im->mem, e, &r, err);
	return st == USHER_OK ? dir_put(im->dir, e, &r, &change, err) : st;
}

static usher_status
put_row(struct import *im, struct row *row, size_t number, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_MAILBOX];
	enum dir_change change;
	size_t before = 0;
	usher_status st;

	if (row->password_hash != NULL && !password_hash_usable(row->password_hash))
		return err_set(err, USHER_E_INPUT, "password_hash",
		    "is not a hash that crypt(3) of this system can verify");
	st = entity_check(im->mem, e, &row->mailbox, err);
	if (st != USHER_OK)
		return st;
	if (!seen_add(im->seen, row->mailbox.address, number, &before))
		return err_nomem(err, im->name);
	if (before != 0)
		return err_set(err, USHER_E_INPUT, row->mailbox.address, "stands in %s %zu already",
		    im->by_lines ? "line" : "row", before);
	st = merge(im, &row->mailbox, err);
	if (st == USHER_OK)
		st = cycle_check_mailbox(im->dir, &row->mailbox, err);
	if (st == USHER_OK)
		st = dir_put(im->dir, e, &row->mailbox, &change, err);
	if (st == USHER_OK && row->password_hash != NULL)
		st = put_credential(im, row, err);
	if (st == USHER_OK)
		im->counts[change]++;
	return st;
}

/* Takes what came of reading a row: stores it, or names it as bad. */
static usher_status
take_row(
    struct import *im, struct row *row, size_t number, usher_status st, struct usher_error *err)
{
	im->n_rows++;
	if (st == USHER_OK)
		st = put_row(im, row, number, err);
	if (is_row_fault(st)) {
		complain(im, number, err);
		st = USHER_OK;
	}
	arena_reset(im->mem);
	if (im->n_rows % 256 == 0)
		show_progress(im);
	return st;
}

/* ---- CSV ---- */

/* `Display Name` and `display-name` are display_name. */
static bool
names_column(struct slice title, const char *name)
{
	size_t n = strlen(name);

	if (title.n != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = text_lower(title.p[i]);

		if ((c == ' ' || c == '-' ? '_' : c) != name[i])
			return false;
	}
	return true;
}

static usher_status
unknown_column(struct import *im, struct slice title, struct usher_error *err)
{
	const char *text = arena_copy(im->cli->mem, title);
	struct nearest near = nearest_to(text);

	if (text == NULL)
		return err_nomem(err, im->name);
	for (size_t i = 0; i < im->table.n; i++)
		nearest_try(&near, slice_of(im->table.rows[i].name));
	if (strcmp(text, "password") == 0)
		return err_set(err, USHER_E_INPUT, im->name,
		    "passwords are not taken in bulk; give their hashes in a column password_hash");
	if (near.found.n > 0)
		return err_set(err, USHER_E_INPUT, im->name,
		    "unknown column `%s`; did you mean `%.*s`?", text, (int)near.found.n,
		    near.found.p);
	return err_set(err, USHER_E_INPUT, im->name,
	    "unknown column `%s`; the first row names members of a mailbox, as `usher help mailbox "
	    "add` lists them",
	    text);
}

static usher_status
take_header(struct import *im, const struct csv *csv, struct usher_error *err)
{
	for (size_t i = 0; i < csv->n_fields; i++) {
		struct slice title = slice_trim(csv->fields[i]);
		const struct field *found = NULL;

		for (size_t k = 0; k < im->table.n; k++)
			if (names_column(title, im->table.rows[k].name))
				found = &im->table.rows[k];
		if (found == NULL)
			return unknown_column(im, title, err);
		for (size_t k = 0; k < i; k++)
			if (im->columns[k] == found)
				return err_set(err, USHER_E_INPUT, im->name,
				    "there are two columns `%s`", found->name);
		im->columns[i] = found;
	}
	im->n_columns = csv->n_fields;
	for (size_t i = 0; i < im->n_columns; i++)
		if (strcmp(im->columns[i]->name, "address") == 0)
			return USHER_OK;
	return err_set(err, USHER_E_INPUT, im->name,
	    "there is no column `address`; the first row has to name the columns");
}

/* Lists may be separated by semicolons too, which need no quotes. */
static usher_status
set_cell(struct import *im, const struct field *f, struct row *row, struct slice cell,
    struct usher_error *err)
{
	char *text = arena_copy(im->mem, cell);

	if (text == NULL)
		return err_set(err, USHER_E_LIMIT, f->name, "is too long");
	if (text_has_control(cell) || !text_utf8_valid(cell))
		return err_set(
		    err, USHER_E_INPUT, f->name, "is not UTF-8 or has control characters in it");
	for (char *p = text; f->type == FIELD_LIST && *p != '\0'; p++)
		if (*p == ';')
			*p = ',';
	return record_set_text(im->mem, f, row, text, err);
}

static usher_status
take_cells(struct import *im, const struct csv *csv, struct usher_error *err)
{
	usher_status st = USHER_OK;
	struct row row;

	record_init(&im->table, &row);
	if (csv->n_fields != im->n_columns)
		st = err_set(err, USHER_E_INPUT, NULL, "has %zu fields where the first row has %zu",
		    csv->n_fields, im->n_columns);
	for (size_t i = 0; i < im->n_columns && st == USHER_OK; i++)
		st = set_cell(im, im->columns[i], &row, csv->fields[i], err);
	return take_row(im, &row, csv->row, st, err);
}

/* The rows that end in `text`. */
static usher_status
csv_rows(struct import *im, void *reader, struct slice text, bool last, size_t *used,
    struct usher_error *err)
{
	struct csv *csv = reader;
	usher_status st = USHER_OK;

	*used = 0;
	while (st == USHER_OK) {
		size_t n;
		enum csv_result result = csv_next(csv, slice_skip(text, *used), last, &n);

		*used += n;
		switch (result) {
		case CSV_ROW:
			st = im->n_columns == 0 ? take_header(im, csv, err) :
						  take_cells(im, csv, err);
			break;
		case CSV_BAD_ROW:
			st = take_row(im, NULL, csv->row,
			    err_set(err, USHER_E_INPUT, NULL, "%s", csv->fault), err);
			break;
		case CSV_TOO_LONG:
			return err_set(err, USHER_E_INPUT, im->name, "after row %zu: %s", csv->row,
			    csv->fault);
		case CSV_MORE:
		case CSV_END:
			if (last && im->n_columns == 0)
				return err_set(err, USHER_E_INPUT, im->name,
				    "is empty; the first row has to name the columns");
			return USHER_OK;
		}
	}
	return st;
}

/* ---- JSON lines ---- */

struct lines {
	size_t line;
};

static usher_status
jsonl_rows(struct import *im, void *reader, struct slice text, bool last, size_t *used,
    struct usher_error *err)
{
	struct lines *lines = reader;
	usher_status st = USHER_OK;

	*used = 0;
	while (st == USHER_OK && *used < text.n) {
		struct slice rest = slice_skip(text, *used), line;
		size_t n = slice_find(rest, '\n');
		struct row row;

		if (n == rest.n && !last) {
			if (n >= LINE_BYTES)
				return err_set(err, USHER_E_INPUT, im->name,
				    "line %zu is longer than a megabyte", lines->line + 1);
			return USHER_OK;
		}
		*used += n < rest.n ? n + 1 : n;
		lines->line++;
		line = slice_trim(slice_from(rest.p, n));
		if (line.n == 0)
			continue;
		record_init(&im->table, &row);
		st = take_row(im, &row, lines->line,
		    json_read_record(im->mem, line, lines->line, &im->table, &row, err), err);
	}
	return st;
}

/* ---- the whole ---- */

static usher_status
read_rows(struct import *im, int fd, struct buf *text,
    usher_status (*rows)(struct import *im, void *reader, struct slice text, bool last,
	size_t *used, struct usher_error *err),
    void *reader, struct usher_error *err)
{
	usher_status st = USHER_OK;
	bool last = false;

	while (st == USHER_OK && !last) {
		char *to = buf_reserve(text, CHUNK_BYTES);
		size_t used;
		ssize_t n;

		if (to == NULL)
			return err_nomem(err, im->name);
		n = read(fd, to, CHUNK_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, USHER_E_IO, im->name, "%s", strerror(errno));
		buf_used(text, (size_t)n);
		last = n == 0;
		st = rows(im, reader, buf_as_slice(text), last, &used, err);
		buf_drop(text, used);
		im->bytes_done += (uint64_t)n;
	}
	return st;
}

static usher_status
read_file(struct import *im, int fd, struct usher_error *err)
{
	struct buf CLEANUP(buf_cleanup) text;
	struct lines lines = { 0 };
	struct csv csv;
	usher_status st;

	buf_init(&text, LINE_BYTES + 2 * CHUNK_BYTES);
	if (im->by_lines)
		return read_rows(im, fd, &text, jsonl_rows, &lines, err);
	csv_init(&csv);
	st = read_rows(im, fd, &text, csv_rows, &csv, err);
	csv_clear(&csv);
	return st;
}

/* The rows of a mailbox and one more. */
static void
make_table(struct import *im)
{
	const struct field_table *mailbox = &entities[ENTITY_MAILBOX].table;

	for (size_t i = 0; i < mailbox->n && i < MAILBOX_ROWS_MAX; i++)
		im->rows[im->table.n++] = mailbox->rows[i];
	im->rows[im->table.n++] = (struct field){ .name = "password_hash",
		.type = FIELD_TEXT,
		.offset = offsetof(struct row, password_hash) };
	im->table.rows = im->rows;
	im->table.size = sizeof(struct row);
}

static usher_status
work(struct import *im, int fd, struct usher_error *err)
{
	uint64_t there;
	usher_status st;

	st = dir_begin(im->dir, err);
	if (st == USHER_OK)
		st = dir_count(im->dir, &entities[ENTITY_MAILBOX], &there, err);
	if (st != USHER_OK)
		return st;
	im->may_exist = there > 0;
	st = read_file(im, fd, err);
	clear_progress(im);
	if (st != USHER_OK || im->cli->dry_run || (im->n_bad > 0 && !im->args->skip_bad))
		return st;
	return dir_commit(im->dir, err);
}

static int
report(struct import *im)
{
	struct writer *w = im->cli->out;
	bool refused = im->n_bad > 0 && !im->args->skip_bad;

	if (im->n_bad > BAD_ROWS_SHOWN)
		cli_note("%s: … and %llu further bad rows", im->name,
		    (unsigned long long)(im->n_bad - BAD_ROWS_SHOWN));
	if (refused)
		cli_note("%s: %llu of %llu rows %s bad, nothing was imported; mend them, or leave "
			 "them out with --skip-bad",
		    im->name, (unsigned long long)im->n_bad, (unsigned long long)im->n_rows,
		    im->n_bad == 1 ? "is" : "are");
	else
		write_say(w, "%llu row%s: %s%llu created, %llu changed, %llu the same, %llu bad",
		    (unsigned long long)im->n_rows, im->n_rows == 1 ? "" : "s",
		    im->cli->dry_run ? "would be " : "",
		    (unsigned long long)im->counts[DIR_CREATED],
		    (unsigned long long)im->counts[DIR_CHANGED],
		    (unsigned long long)im->counts[DIR_SAME], (unsigned long long)im->n_bad);
	if (im->cli->json) {
		write_open(w, NULL, NULL);
		write_flag(w, "dry_run", im->cli->dry_run);
		write_flag(w, "imported", !refused && !im->cli->dry_run);
		write_number(w, "rows", (int64_t)im->n_rows);
		write_number(w, "bad", (int64_t)im->n_bad);
		write_number(w, "created", (int64_t)im->counts[DIR_CREATED]);
		write_number(w, "changed", (int64_t)im->counts[DIR_CHANGED]);
		write_number(w, "same", (int64_t)im->counts[DIR_SAME]);
		write_close(w);
	}
	if (refused)
		return CLI_DATA;
	return im->n_bad > 0 ? CLI_NEGATIVE : CLI_DONE;
}

static bool
is_jsonl(const struct import *im)
{
	struct slice name = slice_of(im->name);

	if (im->args->format != FORMAT_BY_NAME)
		return im->args->format == FORMAT_JSONL;
	return slice_ends_nocase(name, SLICE_LITERAL(".jsonl")) ||
	       slice_ends_nocase(name, SLICE_LITERAL(".ndjson")) ||
	       slice_ends_nocase(name, SLICE_LITERAL(".json"));
}

static int
import_open(struct import *im, int *fd)
{
	struct usher_error err = { 0 };
	struct stat st;

	*fd = STDIN_FILENO;
	if (strcmp(im->name, "-") == 0) {
		im->name = "standard input";
	} else {
		*fd = open(im->name, O_RDONLY | O_CLOEXEC);
		if (*fd < 0) {
			usher_status status = errno == EACCES ? USHER_E_PERMISSION : USHER_E_INPUT;

			(void)err_set(&err, status, im->name, "%s", strerror(errno));
			return cli_fail(status, &err);
		}
	}
	if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode))
		im->bytes_all = (uint64_t)st.st_size;
	im->progress = isatty(STDERR_FILENO) == 1;
	return CLI_DONE;
}

static int
import_run(struct cli *cli, const void *args)
{
	struct usher_error err = { 0 };
	struct import *im = arena_zalloc(cli->mem, sizeof(*im));
	usher_status st;
	int fd, status;

	if (im == NULL)
		return cli_fail(err_nomem(&err, NULL), &err);
	im->cli = cli;
	im->args = args;
	im->name = cli->operands[0];
	im->by_lines = is_jsonl(im);
	make_table(im);
	status = import_open(im, &fd);
	if (status != CLI_DONE)
		return status;
	im->mem = arena_new(ROW_BYTES);
	im->seen = seen_new();
	if (im->mem == NULL || im->seen == NULL)
		status = cli_fail(err_nomem(&err, NULL), &err);
	else
		status = cli_open(cli, DIR_WRITE, &im->dir);
	if (status == CLI_DONE) {
		st = work(im, fd, &err);
		status = st == USHER_OK ? report(im) : cli_fail(st, &err);
		dir_close(im->dir);
	}
	seen_free(im->seen);
	arena_free(im->mem);
	if (fd != STDIN_FILENO)
		(void)close(fd);
	return status;
}

const struct command cmd_mailbox_import = {
	.name = "mailbox import",
	.operands = "FILE",
	.summary = "add or change many mailboxes from a file",
	.about =
	    "FILE is CSV whose first row names the columns (address, display_name, aliases, …), "
	    "or has one JSON object on each line; - is standard input. A column password_hash "
	    "takes hashes of crypt(3). Members that a row does not give stay as they are. All "
	    "rows are imported or, when one is bad, none; each bad row is named by its number.",
	.flags = CMD_CHANGES,
	.opts = import_opts,
	.args_size = sizeof(struct import_args),
	.run = import_run,
};
