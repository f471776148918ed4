/* pox_response.c - any bytes as a POX response; one that is read is read again as it was written,
 * but for the protocols that are kept and never written. */
#include <stdint.h>
#include <stdlib.h>

#include "wire/pox.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
drop_unknown(struct arena *mem, struct answer *a)
{
	struct answer_protocol *kept = arena_array(mem, a->n_protocols, sizeof(*kept));
	size_t n = 0;

	if (kept == NULL)
		abort();
	for (size_t i = 0; i < a->n_protocols; i++)
		if (a->protocols[i].kind != PROTOCOL_UNKNOWN)
			kept[n++] = a->protocols[i];
	a->protocols = kept;
	a->n_protocols = n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xml_reader *reader = xml_reader_new();
	struct arena *mem = arena_new(16 * 1024 * 1024);
	struct buf b = { .max = POX_RESPONSE_BYTES };
	struct answer a, again;

	if (reader != NULL && mem != NULL &&
	    pox_read_response(reader, mem, slice_from(data, size), &a, NULL) == USHER_OK) {
		if (a.kind == ANSWER_SETTINGS)
			drop_unknown(mem, &a);
		pox_write_response(&b, &a);
		if (b.status == USHER_OK &&
		    (pox_read_response(reader, mem, buf_as_slice(&b), &again, NULL) != USHER_OK ||
			!answer_equal(&a, &again)))
			abort();
	}
	buf_clear(&b);
	arena_free(mem);
	xml_reader_free(reader);
	return 0;
}
