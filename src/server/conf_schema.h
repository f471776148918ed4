/* conf_schema.h - the rows of the configuration: parser, defaults, dump, sample file and the check
 * of the manual are made from them. */
#ifndef USHER_SERVER_CONF_SCHEMA_H
#define USHER_SERVER_CONF_SCHEMA_H

#include "server/conf.h"

enum conf_type {
	CONF_TEXT,	/* const char * */
	CONF_DOMAIN,	/* const char *: domain_parse() */
	CONF_HTTPS_URL, /* const char *: url_parse(), https */
	CONF_LIST,	/* struct text_list */
	CONF_ADDRESSES, /* struct conf_addresses */
	CONF_RANGES,	/* struct conf_ranges */
	CONF_NUMBER,	/* uint64_t */
	CONF_BYTES,	/* uint64_t */
	CONF_TIME,	/* uint64_t, ms */
	CONF_SWITCH,	/* bool */
	CONF_CHOICE	/* int, index into choices */
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
};

struct conf_section {
	const char *name; /* `listen https`; "" before the first header */
	int listener;	  /* enum listener_kind, or -1 */
	size_t offset;	  /* in struct conf; unused for listeners */
	const struct conf_row *rows;
	size_t n;
	const char *help;
};

enum { CONF_SECTIONS = 11 };

extern const struct conf_section conf_sections[CONF_SECTIONS];

/* What a value of this row may be, for messages and the sample: `a number from 1 to 64`. */
void
conf_allowed(const struct conf_row *row, struct buf *out);

#endif
