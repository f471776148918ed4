/* conf.c - any configuration file: what is read, written complete and read again is the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/conf.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
dump_again(const struct conf *conf)
{
	struct buf one = { .max = CONF_FILE_BYTES }, two = { .max = CONF_FILE_BYTES };
	struct usher_error err;
	struct conf *again;

	conf_dump(conf, &one);
	if (one.status == USHER_OK) {
		if (conf_read("fuzz", buf_as_slice(&one), &again, &err) != USHER_OK)
			abort();
		conf_dump(again, &two);
		if (!slice_eq(buf_as_slice(&one), buf_as_slice(&two)))
			abort();
		conf_unref(again);
	}
	buf_clear(&one);
	buf_clear(&two);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct usher_error err = { 0 };
	struct conf *conf = NULL;

	if (size > CONF_FILE_BYTES)
		return 0;
	if (conf_read("fuzz", slice_from(data, size), &conf, &err) == USHER_OK)
		dump_again(conf);
	else if (err.message[0] == '\0')
		abort();
	conf_unref(conf);
	return 0;
}
