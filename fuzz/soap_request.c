/* soap_request.c - any bytes as a question of SOAP; one that is read is answered, with answers that
 * are XML whatever is in them, and asked again it is read as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/soap.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ANSWER_BYTES = 16 * 1024 * 1024 };

static void
check_xml(struct xml_reader *reader, struct arena *mem, const struct buf *b)
{
	static const struct xml_limits limits = { ANSWER_BYTES, 1000 * 1000 };
	const struct xml_node *root;
	struct answer a;
	usher_status st;

	if (b->status != USHER_OK)
		return;
	st = xml_read(reader, mem, buf_as_slice(b), &limits, &root, NULL);
	if (st != USHER_OK && st != USHER_E_NOMEM && st != USHER_E_LIMIT)
		abort();
	st = soap_read_response(reader, mem, buf_as_slice(b), &a, NULL);
	if (st == USHER_E_INPUT)
		abort(); /* that is for what users wrote */
}

/* What an organization says of its federation and of those it knows, in texts of the question. */
static void
answer_organization(
    struct xml_reader *reader, struct arena *mem, const struct soap_request *request)
{
	const struct text_list *texts = &request->subjects;
	const char *text = texts->n == 0 ? NULL : texts->v[texts->n - 1];
	const struct organization organization = {
		.application_uri = text,
		.token_issuer = text,
		.token_endpoint = text,
		.federated_domains = *texts,
	};
	const struct relationship relationship = {
		.name = text,
		.domains = *texts,
		.application_uri = text,
		.autodiscover_url = text,
		.sharing_url = text,
	};
	struct buf b = { .max = ANSWER_BYTES };

	if (text == NULL)
		return;
	if (request->operation == SOAP_GET_FEDERATION_INFORMATION)
		soap_write_federation(&b, request, request->server_version, &organization);
	else
		soap_write_relationships(&b, request, request->server_version, &relationship, 1);
	check_xml(reader, mem, &b);
	buf_reset(&b);
	soap_write_refusal(&b, request, request->server_version, "NotFederated", text);
	check_xml(reader, mem, &b);
	buf_clear(&b);
}

static void
answer_subjects(struct xml_reader *reader, struct arena *mem, const struct soap_request *request)
{
	struct soap_response response;
	struct buf b = { .max = ANSWER_BYTES };
	struct answer a;

	soap_response_begin(&response, &b, request, request->server_version);
	for (size_t i = 0; i < request->subjects.n; i++) {
		answer_init(&a, i % 2 == 0 ? ANSWER_SETTINGS : ANSWER_REFUSAL);
		soap_response_answer(&response, &a);
	}
	soap_response_end(&response);
	check_xml(reader, mem, &b);
	buf_clear(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xml_reader *reader = xml_reader_new();
	struct arena *mem = arena_new((size_t)4 * ANSWER_BYTES);
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
	if (request.operation == SOAP_GET_USER_SETTINGS ||
	    request.operation == SOAP_GET_DOMAIN_SETTINGS)
		answer_subjects(reader, mem, &request);
	else
		answer_organization(reader, mem, &request);
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
