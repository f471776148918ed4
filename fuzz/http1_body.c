/* http1_body.c - fuzz target: a body fed whole and fed octet by octet is the same body. The first
 * octet of the input chooses: 255 chunked, else the announced length. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/http1.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BODY_BYTES = 200, INPUT_BYTES = 64 * 1024 };

static void
check(int holds)
{
	if (!holds)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char whole[INPUT_BYTES], split[INPUT_BYTES];
	const struct http1_limits limits = { .head_bytes = 2048, .body_bytes = BODY_BYTES };
	struct http1_request request = { 0 };
	struct http1_body body;
	enum http1_result got, again = HTTP1_MORE;
	size_t taken = 0, made = 0, taken_again = 0, made_again = 0;
	int status = 0, status_again = 0;
	const char *reason;

	if (size == 0 || size > INPUT_BYTES)
		return 0;
	request.chunked = data[0] == 255;
	request.content_length = request.chunked ? 0 : data[0];
	data++;
	size--;
	http1_body_init(&body, &request);
	got = http1_body_feed(
	    &body, slice_from(data, size), whole, &limits, &taken, &made, &status, &reason);
	http1_body_init(&body, &request);
	do {
		size_t n = taken_again < size ? 1 : 0;
		size_t t = 0, m = 0;

		again = http1_body_feed(&body, slice_from(data + taken_again, n),
		    split + made_again, &limits, &t, &m, &status_again, &reason);
		taken_again += t;
		made_again += m;
	} while (again == HTTP1_MORE && taken_again < size);
	check(got == again && status == status_again);
	if (got == HTTP1_ERROR)
		return 0;
	check(taken == taken_again && made == made_again && made <= BODY_BYTES && taken <= size);
	check(memcmp(whole, split, made) == 0);
	return 0;
}
