/* write.h - inside of the writer: what the two forms share. Commands include writer.h. */
#ifndef USHER_CLI_WRITE_H
#define USHER_CLI_WRITE_H

#include "base/buf.h"
#include "cli/writer.h"

enum {
	WRITER_DEPTH = 16,   /* nested objects and lists */
	WRITER_COLUMNS = 16, /* of one table */
	WRITER_LINE_BYTES = 1024 * 1024,
	WRITER_BLOCK_BYTES = 8 * 1024 * 1024
};

enum level_kind { LEVEL_OBJECT, LEVEL_LIST };

struct level {
	enum level_kind kind;
	bool any;      /* something was written in it */
	bool indented; /* text: its content stands one step further in */
	bool compact;  /* JSON: on one line */
	const struct column *columns;
	size_t n_columns;
};

enum value_kind { VALUE_NULL, VALUE_TEXT, VALUE_NUMBER, VALUE_FLAG };

struct writer_ops {
	bool json;
	/* `l` is the innermost level, already pushed, not yet popped. */
	void (*open)(struct writer *w, struct level *l, const char *name, const char *title);
	void (*close)(struct writer *w, struct level *l);
	void (*value)(struct writer *w, const char *name, enum value_kind kind, struct slice text);
	void (*texts)(struct writer *w, const char *name, const struct text_list *list);
	void (*say)(struct writer *w, struct slice text);
	void (*finish)(struct writer *w);
};

struct writer {
	const struct writer_ops *ops;
	FILE *out;
	int io_errno; /* of the first write that failed */
	size_t depth;
	struct level levels[WRITER_DEPTH];
	struct buf line; /* the line that is being made */

	/* Text only. A block waits for its labels to be aligned, a table for its widths. */
	struct buf block; /* label, value; or the cells of the rows; each with its NUL */
	size_t n_waiting; /* pairs or rows in `block` */
	bool settled;	  /* the table's widths are fixed and its heading is out */
	size_t widths[WRITER_COLUMNS];
	struct buf cells[WRITER_COLUMNS]; /* of the row that is open */
};

struct writer *
writer_new(const struct writer_ops *ops, FILE *out);

/* The innermost open object or list; NULL at the top. */
struct level *
writer_top(struct writer *w);

/* Writes bytes; the first failure sticks. */
void
writer_put(struct writer *w, const char *p, size_t n);

/* Writes w->line and empties it. */
void
writer_put_line(struct writer *w);

#endif
