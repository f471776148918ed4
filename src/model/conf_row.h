/* conf_row.h - keys of a configuration file as rows: parser, defaults, dump, sample file and the
 * check of the manual are made from them. */
#ifndef USHER_MODEL_CONF_ROW_H
#define USHER_MODEL_CONF_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "model/field.h"
#include "usher/status.h"

enum { CONF_LIST_MAX = 64 /* items of a list */ };

enum conf_type {
	CONF_TEXT,	/* const char * */
	CONF_DOMAIN,	/* const char *: domain_parse() */
	CONF_HTTPS_URL, /* const char *: url_parse(), https */
	CONF_LIST,	/* struct text_list, apart by commas or blanks */
	CONF_DNS,	/* struct text_list of names of LDAP entries, apart by semicolons */
	CONF_NUMBER,	/* uint64_t */
	CONF_BYTES,	/* uint64_t */
	CONF_TIME,	/* uint64_t, ms */
	CONF_SWITCH,	/* bool */
	CONF_CHOICE,	/* int, index into choices */
	CONF_OTHER	/* as `kind` says */
};

/* A type that only one user of the rows knows. */
struct conf_kind {
	/* USHER_OK, USHER_E_INPUT, USHER_E_NOMEM. */
	usher_status (*read)(struct slice value, void *at);
	void (*write)(const void *at, struct buf *out);
	void (*allowed)(struct buf *out);
};

struct conf_row {
	const char *name; /* lower case, words apart by one blank */
	enum conf_type type;
	size_t offset;		    /* in the struct of its section */
	uint64_t min, max;	    /* CONF_NUMBER, CONF_BYTES, CONF_TIME */
	const char *preset;	    /* the default as one would write it; NULL: none */
	const char *const *choices; /* CONF_CHOICE, NULL-terminated */
	const char *help;	    /* one line, no full stop */
	/* Further check of one text or list item, NULL: none. Says what is allowed, or NULL. */
	const char *(*check)(struct slice item);
	const struct conf_kind *kind; /* CONF_OTHER */
};

struct conf_rows {
	const struct conf_row *v;
	size_t n;
};

#define CONF_ROWS(array) \
	{ \
		(array), COUNT_OF(array) \
	}

/* Names are compared in lower case with single blanks. NULL: there is no such row. */
const struct conf_row *
conf_row_find(const struct conf_rows *rows, struct slice name);

/* Reads `value`, which is not empty, into the member of `base`; texts lie in `mem`. Returns
 * USHER_OK, USHER_E_NOMEM, or USHER_E_INPUT: then *why says what is allowed when the row does not
 * (conf_row_allowed()), and is NULL otherwise. */
USHER_CHECK usher_status
conf_row_read(struct arena *mem, const struct conf_row *row, void *base, struct slice value,
    const char **why);

/* All members as the presets say; those without one are left alone. False when out of memory, which
 * lists and domains alone need. */
bool
conf_rows_preset(struct arena *mem, const struct conf_rows *rows, void *base);

/* Appends the member as conf_row_read() reads it; nothing when it is absent. */
void
conf_row_write(const struct conf_row *row, const void *base, struct buf *out);

/* Appends what a value may be, for messages and the sample: `a number from 1 to 64`. */
void
conf_row_allowed(const struct conf_row *row, struct buf *out);

/* Takes the next item of a list, apart by commas or blanks. False when there is none left. */
bool
conf_next_item(struct slice *rest, struct slice *item);

enum { CONF_NAME_BYTES = 64 };

/* A name in the form in which names are compared. Empty when it does not fit. */
struct slice
conf_plain_name(struct slice s, char out[CONF_NAME_BYTES]);

#endif
