/* cert_name.c - any text for a name on a certificate: its canonical form is its own. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cert/names.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 64 * 1024 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new(MEMORY);
	const char *first, *second;

	if (mem != NULL && cert_name_parse(mem, slice_from(data, size), &first, NULL) == USHER_OK) {
		(void)cert_name_private(first);
		if (cert_name_parse(mem, slice_of(first), &second, NULL) != USHER_OK ||
		    strcmp(first, second) != 0)
			abort();
	}
	arena_free(mem);
	return 0;
}
