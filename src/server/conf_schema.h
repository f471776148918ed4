/* conf_schema.h - the rows of the configuration. */
#ifndef USHER_SERVER_CONF_SCHEMA_H
#define USHER_SERVER_CONF_SCHEMA_H

#include "model/conf_row.h"
#include "server/conf.h"

struct conf_section {
	const char *name; /* `listen https`; "" before the first header */
	int listener;	  /* enum listener_kind, or -1 */
	size_t offset;	  /* in struct conf; unused for listeners */
	const struct conf_rows *rows;
	const char *help;
};

enum { CONF_SECTIONS = 12 };

extern const struct conf_section conf_sections[CONF_SECTIONS];

#endif
