/* soap_request.c - any bytes as a question of SOAP; one that is read is answered, and asked again
 * it is read as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/soap.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
answer(const struct soap_request *request)
{
	struct soap_response response;
	struct buf b = { .max = 16 * 1024 * 1024 };
	struct answer a;

	soap_response_begin(&response, &b, request, request->server_version);
	for (size_t i = 0; i < request->subjects.n; i++) {
		answer_init(&a, i % 2 == 0 ? ANSWER_SETTINGS : ANSWER_REFUSAL);
		soap_response_answer(&response, &a);
	}
	soap_response_end(&response);
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xml_reader *reader = xml_reader_new();
	struct arena *mem = arena_new(16 * 1024 * 1024);
	struct buf b = { .max = 4 * SOAP_REQUEST_BYTES };
	struct soap_request request, again;
	enum soap_fault fault;
	struct usher_error err;
	usher_status st;

	if (reader == NULL || mem == NULL)
		goto done;
	st = soap_read_request(reader, mem, slice_from(data, size), &request, &fault, &err);
	if (st == USHER_E_INPUT)
		soap_write_fault(&b, fault, err.message);
	if (st != USHER_OK || request.invalid != NULL)
		goto done;
	answer(&request);
	soap_write_request(&b, &request);
	if (b.n > SOAP_REQUEST_BYTES)
		goto done;
	if (soap_read_request(reader, mem, buf_as_slice(&b), &again, &fault, NULL) != USHER_OK ||
	    again.operation != request.operation ||
	    !text_list_equal(&again.subjects, &request.subjects) ||
	    (request.settings.n > 0 && !text_list_equal(&again.settings, &request.settings)))
		abort();
done:
	buf_clear(&b);
	arena_free(mem);
	xml_reader_free(reader);
	return 0;
}
