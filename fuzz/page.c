/* page.c - any bytes as Accept-Language and query of the page for people: it stays well-formed. */
#include <stdint.h>
#include <stdlib.h>

#include "wire/page.h"
#include "wire/xml.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(struct arena *mem, const struct page *page)
{
	static const struct slice first = SLICE_LITERAL("<!doctype html>\n");
	static const struct xml_limits limits = { .bytes = 1024 * 1024, .elements = 10000 };
	struct xml_reader *reader = xml_reader_new();
	struct buf b = { .max = limits.bytes };
	const struct xml_node *root;

	page_write(&b, page);
	if (reader != NULL && b.status == USHER_OK &&
	    xml_read(reader, mem, slice_skip(buf_as_slice(&b), first.n), &limits, &root, NULL) !=
		USHER_OK)
		abort();
	xml_reader_free(reader);
	buf_clear(&b);
}

/* The input is `Accept-Language LF query`; what stands in the query for the address is put wherever
 * a text of others can be. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = slice_from(data, size);
	struct slice languages = slice_from(input.p, slice_find(input, '\n'));
	struct arena *mem = arena_new(4 * 1024 * 1024);
	struct page_request request;
	struct answer_protocol p[2];
	struct answer answer;

	if (mem == NULL)
		return 0;
	if (page_read_request(mem, slice_skip(input, languages.n + 1), languages, &request) ==
	    USHER_OK) {
		const char *text = request.address == NULL ? "" : request.address;
		struct page page = {
			.request = &request,
			.brand = { text, text, text, text },
			.sample = text,
			.address = text,
			.domain = text,
			.new_address = text,
			.answer = &answer,
			.profiles = { text, text, text },
			.url = text,
		};

		answer_init(&answer, ANSWER_SETTINGS);
		answer_protocol_init(&p[0], PROTOCOL_IMAP);
		p[0].server = p[0].login_name = p[0].encryption = text;
		answer_protocol_init(&p[1], PROTOCOL_ACTIVESYNC);
		p[1].url = text;
		answer.protocols = p;
		answer.n_protocols = 2;
		for (int i = PAGE_QUESTION; i <= PAGE_SETTINGS; i++) {
			page.state = (enum page_state)i;
			check(mem, &page);
		}
	}
	arena_free(mem);
	return 0;
}
