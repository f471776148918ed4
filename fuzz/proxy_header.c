/* proxy_header.c - any bytes for what a balancer says first. */
#include <stdlib.h>
#include <string.h>

#include "wire/proxy_header.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header header;
	uint8_t *exact;
	size_t n;

	if (size < PROXY_HEADER_FIRST)
		return 0;
	n = proxy_header_length(data);
	if (n > PROXY_HEADER_BYTES)
		abort();
	if (n == 0 || n > size)
		return 0;
	/* As long as it says and no longer, so that a sanitizer sees who reads on. */
	exact = malloc(n);
	if (exact == NULL)
		return 0;
	memcpy(exact, data, n);
	(void)proxy_header_read(exact, n, &header);
	free(exact);
	return 0;
}
