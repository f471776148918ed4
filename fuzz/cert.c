/* cert.c - any bytes for a chain: what is read is read again the same from what is kept of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cert/inspect.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 1024 * 1024 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new(MEMORY);
	struct certificate first, second;

	if (mem != NULL && cert_inspect(mem, slice_from(data, size), &first, NULL) == USHER_OK) {
		usher_status st = cert_inspect(mem, slice_of(first.pem), &second, NULL);

		if (st != USHER_E_NOMEM &&
		    (st != USHER_OK ||
			!record_equal(&entities[ENTITY_CERTIFICATE].table, &first, &second)))
			abort();
	}
	arena_free(mem);
	return 0;
}
