/* csv.h - rows of comma-separated values (RFC 4180), from text that arrives in pieces.
 *
 * Lines end in CRLF or LF; a BOM and empty lines are skipped. The first row says by what fields
 * are separated: a comma, a semicolon or a tab, whichever comes first outside quotes. */
#ifndef USHER_WIRE_CSV_H
#define USHER_WIRE_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

enum { CSV_FIELDS_MAX = 64, CSV_ROW_BYTES = 1024 * 1024 };

enum csv_result {
	CSV_ROW,     /* fields are set */
	CSV_MORE,    /* the row does not end in the text given */
	CSV_END,     /* nothing is left */
	CSV_BAD_ROW, /* `fault` says why; the next call goes on after the line */
	CSV_TOO_LONG /* no row ends within CSV_ROW_BYTES: `fault` says why, give up */
};

struct csv {
	char separator; /* 0 before the first row */
	size_t row;	/* number of the row last read, 1 is the first that is not empty */
	const char *fault;
	size_t n_fields;
	struct slice fields[CSV_FIELDS_MAX]; /* unquoted; valid until the next call */

	struct buf text; /* the fields' own */
	bool begun;
};

void
csv_init(struct csv *csv);

void
csv_clear(struct csv *csv);

/* Reads the row at the start of `text`. `last`: nothing comes after `text`. *used is how much of it
 * is done with, also for CSV_MORE (empty lines) and CSV_BAD_ROW; call again with the rest and, for
 * CSV_MORE, with more behind it. Out of memory is CSV_TOO_LONG. */
enum csv_result
csv_next(struct csv *csv, struct slice text, bool last, size_t *used);

#endif
