/* uacme.c - whatever uacme hands on from an ACME server becomes one clean line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/uacme.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct usher_error err = { 0 };
	usher_status st = uacme_judge("https://acme.example/dir", slice_from(data, size), &err);
	struct slice message = slice_of(err.message);

	if (st == USHER_OK || err.status != st || err.where[0] == '\0' || message.n == 0 ||
	    text_has_control(message) || !text_utf8_valid(message))
		abort();
	return 0;
}
