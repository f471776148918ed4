/* json_walk.c - whatever is opened is closed, and never too deep. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/slice.h"
#include "wire/json_walk.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
take_open(void *payload, const char *name, bool list)
{
	size_t *depth = payload;

	(void)name;
	(void)list;
	if (++*depth > JSON_WALK_DEPTH)
		abort();
}

static void
take_close(void *payload, bool list)
{
	size_t *depth = payload;

	(void)list;
	if ((*depth)-- == 0)
		abort();
}

static void
take_text(void *payload, const char *name, const char *value)
{
	(void)payload;
	(void)name;
	(void)value;
}

static void
take_number(void *payload, const char *name, int64_t value)
{
	(void)payload;
	(void)name;
	(void)value;
}

static void
take_flag(void *payload, const char *name, bool value)
{
	(void)payload;
	(void)name;
	(void)value;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct json_visitor visitor = { take_open, take_close, take_text, take_number,
		take_flag };
	size_t depth = 0;
	usher_status st = json_walk(slice_from(data, size), &visitor, &depth, NULL);

	if (depth != 0 || (st != USHER_OK && st != USHER_E_INPUT && st != USHER_E_NOMEM))
		abort();
	return 0;
}
