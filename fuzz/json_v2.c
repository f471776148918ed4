/* json_v2.c - any bytes as a target and as an answer of Autodiscover V2. */
#include <stdint.h>
#include <stdlib.h>

#include "wire/json_v2.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
ask(struct arena *mem, struct slice target)
{
	size_t mark = slice_find(target, '?');
	struct buf b = { .max = 64 * 1024 };
	enum json_v2_error error;
	struct question q;
	struct answer a;

	if (json_v2_read_request(mem, slice_from(target.p, mark), slice_skip(target, mark + 1), &q,
		&error, NULL) != USHER_OK)
		return;
	if (error == JSON_V2_NO_ERROR)
		json_v2_url(&b, "h.example", &q, JSON_V2_SEGMENT);
	else if (json_v2_refusal(mem, error, &q, "Ews", &a) == USHER_OK)
		(void)json_v2_write_response(&b, &a);
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *mem = arena_new(4 * 1024 * 1024);
	struct buf b = { .max = 8 * JSON_V2_RESPONSE_BYTES };
	struct slice input = slice_from(data, size);
	struct answer a, again;

	if (mem == NULL)
		return 0;
	ask(mem, input);
	if (json_v2_read_response(mem, input, &a, NULL) == USHER_OK) {
		(void)json_v2_write_response(&b, &a);
		if (b.n <= JSON_V2_RESPONSE_BYTES &&
		    json_v2_read_response(mem, buf_as_slice(&b), &again, NULL) == USHER_OK &&
		    again.kind != a.kind)
			abort();
	}
	buf_clear(&b);
	arena_free(mem);
	return 0;
}
