/* writer.h - the way commands say things: one interface, as text for people or as JSON for
 * programs.
 *
 * Members and lists come with their JSON names; the text form makes aligned blocks and tables of
 * them. What people need beyond that is said with write_say(), which JSON leaves out. A failed
 * write sticks and is reported once, by writer_end(). */
#ifndef USHER_CLI_WRITER_H
#define USHER_CLI_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/compat.h"
#include "model/field.h"
#include "usher/status.h"

struct writer;

/* A column of a table: which member of the listed objects, and its heading. */
struct column {
	const char *name;  /* JSON member */
	const char *title; /* as people read it; NULL: not shown as text */
	bool right;	   /* numbers */
};

/* Both write to `out`. NULL when out of memory. */
struct writer *
writer_text(FILE *out);
struct writer *
writer_json(FILE *out);

/* Flushes, closes what is open and frees. Returns USHER_OK, USHER_E_IO (a full disk, a closed
 * pipe), USHER_E_NOMEM. */
USHER_CHECK usher_status
writer_end(struct writer *w, struct usher_error *err);

bool
writer_is_json(const struct writer *w);

/* An object. `name` is its member name, NULL at the top and inside lists. As text: a block of
 * `label  value` lines, the labels aligned, indented one step per level, headed by `title` when it
 * is not NULL. */
void
write_open(struct writer *w, const char *name, const char *title);
void
write_close(struct writer *w);

/* A list. With columns (n > 0) each object in it becomes a line of a table, whose widths are
 * settled after the first rows so that a million need no memory; without, each object is a block of
 * its own. `columns` must outlive the list. */
void
write_list(struct writer *w, const char *name, const struct column *columns, size_t n);
void
write_list_end(struct writer *w);

/* Members. `name` is NULL inside a list of plain values. As text the label is the name with blanks
 * for underscores, first letter in upper case. A NULL or absent value is null in JSON and left out
 * as text. */
void
write_text(struct writer *w, const char *name, const char *value);
void
write_number(struct writer *w, const char *name, int64_t value);
void
write_flag(struct writer *w, const char *name, bool value);
void
write_texts(struct writer *w, const char *name, const struct text_list *list);

/* One member by its row; absent members are left out, secrets always. */
void
write_field(struct writer *w, const struct field *f, const void *record);

/* The same, secrets too: for an export that was asked for them. */
void
write_field_and_secrets(struct writer *w, const struct field *f, const void *record);

/* All members of a record by their rows, into the object that is open. */
void
write_record(struct writer *w, const struct field_table *t, const void *record);

/* A line for people, at the present indentation; nothing in JSON. Not inside a table. */
void
write_say(struct writer *w, const char *format, ...) PRINTF_LIKE(2, 3);

/* Text as it is, for commands whose result is a document of its own (`--xml`, completion), with no
 * object or list open; nothing is escaped or indented. */
void
write_raw(struct writer *w, const char *text, size_t n);

/* Hands on what is written, for whoever waits for it. False when a write has failed. */
bool
write_flush(struct writer *w);

/* Columns that `text` takes in a terminal: East Asian wide characters take two, combining marks
 * none. Bytes that are not UTF-8 take one each. */
size_t
text_columns(struct slice text);

#endif
