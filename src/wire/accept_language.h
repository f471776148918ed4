/* accept_language.h - the Accept-Language field: which of our languages a reader likes best. */
#ifndef USHER_WIRE_ACCEPT_LANGUAGE_H
#define USHER_WIRE_ACCEPT_LANGUAGE_H

#include "base/slice.h"

enum { ACCEPT_LANGUAGE_RANGES = 32 }; /* that are looked at; later ones are read over */

/* The index of the tag that the field's ranges prefer by their weights (RFC 9110, 12.5.4), each
 * range shortened until a tag fits (RFC 4647, 3.4: `de-AT` finds `de`). Of equal weights the
 * earlier range wins. 0 when the field is empty, names none of them, or makes no sense. `tags` are
 * in lower case. */
size_t
accept_language(struct slice field, const char *const *tags, size_t n);

#endif
