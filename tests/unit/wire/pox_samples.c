/* pox_samples.c - `pox_samples FOLDER N` writes N random requests and responses for a validator. */
#include <stdio.h>
#include <stdlib.h>

#include "random_pox.h"
#include "wire/pox.h"

static int
save(const char *folder, const char *kind, unsigned long i, const struct buf *b)
{
	char path[4096];
	FILE *f;
	int failed;

	(void)snprintf(path, sizeof(path), "%s/%s-%lu.xml", folder, kind, i);
	f = fopen(path, "wb");
	if (f == NULL || b->status != USHER_OK)
		return 1;
	failed = fwrite(b->p, 1, b->n, f) != b->n;
	return fclose(f) != 0 || failed;
}

int
main(int argc, char **argv)
{
	unsigned long n;

	if (argc != 3)
		return 64;
	n = strtoul(argv[2], NULL, 10);
	for (unsigned long i = 0; i < n; i++) {
		struct arena *mem = arena_new(1024 * 1024);
		struct buf b = { .max = POX_RESPONSE_BYTES };
		struct question question;
		struct answer answer;

		if (mem == NULL)
			return 1;
		random_answer(mem, i, &answer);
		pox_write_response(&b, &answer);
		if (save(argv[1], "response", i, &b) != 0)
			return 1;
		buf_reset(&b);
		random_question(mem, i, &question);
		pox_write_request(&b, &question);
		if (save(argv[1], "request", i, &b) != 0)
			return 1;
		buf_clear(&b);
		arena_free(mem);
	}
	return 0;
}
