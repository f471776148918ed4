/* cert_request.c - any bytes for a certificate request: what is read is read again the same from
 * what is kept of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cert/request.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 4 * 1024 * 1024 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new(MEMORY);
	struct request first, second;

	if (mem != NULL && request_read(mem, slice_from(data, size), &first, NULL) == USHER_OK) {
		usher_status st = request_read(mem, slice_of(first.pem), &second, NULL);

		if (st != USHER_E_NOMEM && (st != USHER_OK || !slice_eq(first.der, second.der) ||
					       strcmp(first.subject, second.subject) != 0 ||
					       !text_list_equal(&first.names, &second.names)))
			abort();
	}
	arena_free(mem);
	return 0;
}
