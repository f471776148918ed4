/* mobilesync.c - any bytes as an answer of ActiveSync; what is read is written and read as the
 * same, as far as it can be written. */
#include <stdint.h>
#include <stdlib.h>

#include "wire/mobilesync.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct question question = { .address = "kim@litware.example" };
	struct xml_reader *reader = xml_reader_new();
	struct arena *mem = arena_new(16 * 1024 * 1024);
	struct buf b = { .max = 4 * MOBILESYNC_RESPONSE_BYTES };
	struct answer a, again, third;

	if (reader != NULL && mem != NULL &&
	    mobilesync_read_response(reader, mem, slice_from(data, size), &a, NULL) == USHER_OK) {
		mobilesync_write_response(&b, &question, &a);
		if (b.n > MOBILESYNC_RESPONSE_BYTES)
			goto done;
		if (mobilesync_read_response(reader, mem, buf_as_slice(&b), &again, NULL) !=
		    USHER_OK)
			abort();
		buf_reset(&b);
		mobilesync_write_response(&b, &question, &again);
		if (mobilesync_read_response(reader, mem, buf_as_slice(&b), &third, NULL) !=
			USHER_OK ||
		    !answer_equal(&again, &third))
			abort();
	}
done:
	buf_clear(&b);
	arena_free(mem);
	xml_reader_free(reader);
	return 0;
}
