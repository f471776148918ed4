/* pox_request.c - any bytes as a POX request; one that is read is read again as it was written. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/pox.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xml_reader *reader = xml_reader_new();
	struct arena *mem = arena_new(1024 * 1024);
	struct buf b = { .max = POX_REQUEST_BYTES };
	struct question q, again;

	if (reader != NULL && mem != NULL &&
	    pox_read_request(reader, mem, slice_from(data, size), &q, NULL) == USHER_OK) {
		if (q.address == NULL && q.legacy_dn == NULL)
			abort();
		pox_write_request(&b, &q);
		if (pox_read_request(reader, mem, buf_as_slice(&b), &again, NULL) != USHER_OK ||
		    !same(q.address, again.address) || !same(q.legacy_dn, again.legacy_dn))
			abort();
	}
	buf_clear(&b);
	arena_free(mem);
	xml_reader_free(reader);
	return 0;
}
