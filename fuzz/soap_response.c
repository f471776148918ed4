/* soap_response.c - any bytes as an answer of SOAP; what is read and written is read as the same
 * from then on. */
#include <stdint.h>
#include <stdlib.h>

#include "wire/soap.h"
#include "wire/soap_rows.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
write_all(struct buf *b, const struct answer *a)
{
	static const char *const user[] = { "a@a.example" };
	const char *names[SOAP_ROWS];
	const struct soap_request request = { .subjects = { user, 1 },
		.settings = { names, SOAP_ROWS } };
	struct soap_response response;

	for (size_t i = 0; i < SOAP_ROWS; i++)
		names[i] = soap_rows[i].name;
	buf_reset(b);
	soap_response_begin(&response, b, &request, NULL);
	soap_response_answer(&response, a);
	soap_response_end(&response);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xml_reader *reader = xml_reader_new();
	struct arena *mem = arena_new(32 * 1024 * 1024);
	struct buf b = { .max = 8 * 1024 * 1024 };
	struct answer a, again, third;

	if (reader == NULL || mem == NULL ||
	    soap_read_response(reader, mem, slice_from(data, size), &a, NULL) != USHER_OK)
		goto done;
	write_all(&b, &a);
	if (b.status != USHER_OK || b.n > SOAP_RESPONSE_BYTES ||
	    soap_read_response(reader, mem, buf_as_slice(&b), &again, NULL) != USHER_OK)
		goto done;
	write_all(&b, &again);
	if (b.n <= SOAP_RESPONSE_BYTES &&
	    (soap_read_response(reader, mem, buf_as_slice(&b), &third, NULL) != USHER_OK ||
		!answer_equal(&again, &third)))
		abort();
done:
	buf_clear(&b);
	arena_free(mem);
	xml_reader_free(reader);
	return 0;
}
