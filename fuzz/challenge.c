/* challenge.c - any bytes as WWW-Authenticate fields, one per line. */
#include <stdlib.h>
#include <string.h>

#include "plan/challenge.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS_MAX = 16 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new(4 * size + 64 * 1024);
	struct slice rest = slice_from(data, size);
	const char *v[FIELDS_MAX];
	struct text_list fields = { v, 0 };
	struct challenge c;

	if (mem == NULL)
		return 0;
	while (rest.n > 0 && fields.n < FIELDS_MAX) {
		struct slice line = { rest.p, slice_find(rest, '\n') };

		v[fields.n] = arena_copy(mem, line);
		if (v[fields.n] == NULL)
			abort();
		fields.n++;
		rest = slice_skip(rest, line.n + 1 < rest.n ? line.n + 1 : rest.n);
	}
	if (challenge_read(mem, &fields, &c) != USHER_OK)
		abort();
	if (c.offered & SCHEME_BIT(SCHEME_BASIC) && c.realm[0] == '\0')
		abort();
	arena_free(mem);
	return 0;
}
