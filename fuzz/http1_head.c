/* http1_head.c - fuzz target: a head read whole and read line by line is the same head. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/http1.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int holds)
{
	if (!holds)
		abort();
}

static int
inside(struct slice s, const uint8_t *data, size_t size)
{
	return (const uint8_t *)s.p >= data && (const uint8_t *)s.p + s.n <= data + size;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct http1_request whole, part;
	const struct http1_limits limits = { .head_bytes = 2048, .body_bytes = 2048 };
	enum http1_result got, again = HTTP1_MORE;
	int status = 0, status_again = 0;
	const char *reason;
	char path[HTTP1_PATH_BYTES];

	got = http1_read_head(slice_from(data, size), &limits, &whole, &status, &reason);
	for (size_t n = 1; n <= size && again == HTTP1_MORE; n++)
		if (data[n - 1] == '\n' || n == limits.head_bytes || n == size)
			again = http1_read_head(
			    slice_from(data, n), &limits, &part, &status_again, &reason);
	check(got == again && status == status_again);
	if (got != HTTP1_DONE)
		return 0;
	check(whole.head_bytes <= size && whole.head_bytes <= limits.head_bytes);
	check(whole.head_bytes == part.head_bytes && whole.n_fields == part.n_fields);
	check(slice_eq(whole.path, part.path) && slice_eq(whole.host, part.host));
	check(!(whole.chunked && whole.has_length));
	for (size_t i = 0; i < whole.n_fields; i++)
		check(inside(whole.fields[i].name, data, size) &&
		      inside(whole.fields[i].value, data, size));
	if (http1_route_path(whole.path, path))
		check(path[0] == '/' && strstr(path, "//") == NULL && strlen(path) < sizeof(path));
	return 0;
}
