/* autoconfig.c - any bytes as Mail Autoconfig and as its question; what is read and written is read
 * as the same from then on. */
#include <stdint.h>
#include <stdlib.h>

#include "wire/autoconfig.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xml_reader *reader = xml_reader_new();
	struct arena *mem = arena_new(16 * 1024 * 1024);
	struct buf b = { .max = 4 * 1024 * 1024 };
	struct address address;
	struct question question;
	struct answer a, again, third;

	if (reader == NULL || mem == NULL ||
	    address_parse(mem, slice_of("a&b@a.example"), &address, NULL) != USHER_OK)
		goto done;
	if (autoconfig_read_request(mem, slice_from(data, size), &question, NULL) == USHER_E_NOMEM)
		goto done;
	if (autoconfig_read(reader, mem, slice_from(data, size), &a, NULL) != USHER_OK)
		goto done;
	autoconfig_write(&b, &a);
	if (autoconfig_check(&a, NULL) == USHER_OK && b.n == 0)
		abort();
	if (b.n > AUTOCONFIG_BYTES ||
	    autoconfig_read(reader, mem, buf_as_slice(&b), &again, NULL) != USHER_OK)
		goto done; /* it grew, or nothing of it may be written */
	buf_reset(&b);
	autoconfig_write(&b, &again);
	if (b.n <= AUTOCONFIG_BYTES &&
	    (autoconfig_read(reader, mem, buf_as_slice(&b), &third, NULL) != USHER_OK ||
		!answer_equal(&again, &third)))
		abort();
	if (autoconfig_fill(mem, &address, &a, NULL) == USHER_OK) {
		buf_reset(&b);
		autoconfig_write(&b, &a);
	}
done:
	buf_clear(&b);
	arena_free(mem);
	xml_reader_free(reader);
	return 0;
}
