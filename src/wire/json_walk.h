/* json_walk.h - any JSON, told part by part to whoever shows it. */
#ifndef USHER_WIRE_JSON_WALK_H
#define USHER_WIRE_JSON_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "usher/status.h"

enum { JSON_WALK_DEPTH = 8 };

/* `name` is NULL at the top and inside lists. Members come in the order of the text. */
struct json_visitor {
	void (*open)(void *payload, const char *name, bool list);
	void (*close)(void *payload, bool list);
	void (*text)(void *payload, const char *name, const char *value); /* NULL: null */
	void (*number)(void *payload, const char *name, int64_t value);
	void (*flag)(void *payload, const char *name, bool value);
};

/* The text is read whole before the first part is told. Numbers with a fraction are told as
 * text.
 * USHER_E_INPUT (no JSON object or array, or nested deeper than JSON_WALK_DEPTH), USHER_E_NOMEM. */
USHER_CHECK usher_status
json_walk(
    struct slice text, const struct json_visitor *visitor, void *payload, struct usher_error *err);

#endif
