/* sample.c - prints a sample of usherd.conf, for installation. */
#include <stdio.h>
#include <stdlib.h>

#include "server/conf.h"

int
main(void)
{
	struct buf out CLEANUP(buf_cleanup);

	buf_init(&out, CONF_FILE_BYTES);
	conf_sample(&out);
	if (out.status != USHER_OK || fwrite(out.p, 1, out.n, stdout) != out.n ||
	    fflush(stdout) != 0)
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
