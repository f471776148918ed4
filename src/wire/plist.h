/* plist.h - property lists as XML, the way Apple's systems read them. */
#ifndef USHER_WIRE_PLIST_H
#define USHER_WIRE_PLIST_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/xml.h"

/* Writes the declarations and opens the list. Failure sticks in `out`. */
struct xml_writer
plist_begin(struct buf *out);

void
plist_end(struct xml_writer *w);

/* `key` is NULL for what stands in an array. */
void
plist_open_dict(struct xml_writer *w, const char *key);
void
plist_close_dict(struct xml_writer *w);
void
plist_open_array(struct xml_writer *w, const char *key);
void
plist_close_array(struct xml_writer *w);

/* Members of a dict. A NULL text is left out. */
void
plist_text(struct xml_writer *w, const char *key, const char *text);
void
plist_integer(struct xml_writer *w, const char *key, int64_t number);
void
plist_data(struct xml_writer *w, const char *key, struct slice bytes);
void
plist_switch(struct xml_writer *w, const char *key, bool on);

/* What a profile and each payload in it begin with (autoconfig.md 4.2). The UUID is that of
 * `uuid_name` in the GUID `space`, by guid_of_name(). */
void
plist_payload(struct xml_writer *w, const char *type, const char *identifier, const char *space,
    const char *uuid_name, const char *title);

#endif
