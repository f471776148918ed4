/* subject.c - any text for a distinguished name: what is written is read again the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cert/subject.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 256 * 1024 };

/* NULL when it cannot be read, or written because it would be too long. */
static const char *
again(struct arena *mem, struct slice text)
{
	struct subject s;
	const char *out;

	return subject_parse(mem, text, &s, NULL) == USHER_OK &&
		       subject_text(mem, &s, &out, NULL) == USHER_OK ?
		   out :
		   NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new(MEMORY);
	const char *first = mem == NULL ? NULL : again(mem, slice_from(data, size));

	if (first != NULL) {
		const char *second = again(mem, slice_of(first));

		if (second == NULL || strcmp(first, second) != 0)
			abort();
	}
	arena_free(mem);
	return 0;
}
