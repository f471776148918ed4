/* bundle.c - any bytes for a file with certificates: what comes out is a chain in order, which is
 * read again the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cert/bundle.h"
#include "cert/key.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MEMORY = 8 * 1024 * 1024 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new(MEMORY);
	struct secret password = { 0 };
	struct bundle first, second;
	struct buf key;

	buf_init(&key, BUNDLE_BYTES);
	if (mem != NULL && secret_set(&password, SLICE_LITERAL("secret")) &&
	    bundle_read(mem, slice_from(data, size), &password, &first, &key, NULL) == USHER_OK) {
		usher_status st = bundle_read(mem, slice_of(first.pem), NULL, &second, &key, NULL);

		if (st != USHER_E_NOMEM && (st != USHER_OK || strcmp(first.pem, second.pem) != 0))
			abort();
		st = key.n == 0 ? USHER_OK :
				  cert_key_fits(buf_as_slice(&key), slice_of(first.pem), NULL);
		if (st != USHER_OK && st != USHER_E_NOMEM)
			abort();
	}
	buf_wipe(&key);
	secret_clear(&password);
	arena_free(mem);
	return 0;
}
