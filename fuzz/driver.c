/* driver.c - runs a fuzz target over the files of its corpus, so that the normal tests replay it.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX_BYTES = 4 * 1024 * 1024 };

static int
replay(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *exact;
	uint8_t *data;
	size_t n;

	if (f == NULL)
		return -1;
	data = malloc(INPUT_MAX_BYTES);
	if (data == NULL) {
		(void)fclose(f);
		return -1;
	}
	n = fread(data, 1, INPUT_MAX_BYTES, f);
	(void)fclose(f);
	/* An allocation of the exact size lets the sanitizer see a read past the end. */
	exact = malloc(n == 0 ? 1 : n);
	if (exact != NULL) {
		memcpy(exact, data, n);
		(void)LLVMFuzzerTestOneInput(exact, n);
	}
	free(exact);
	free(data);
	return exact == NULL ? -1 : 0;
}

static int
is_file(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

int
main(int argc, char **argv)
{
	struct dirent **names = NULL;
	int failed = 0;
	int n;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
		return 64;
	}
	n = scandir(argv[1], &names, is_file, alphasort);
	if (n <= 0) {
		(void)fprintf(stderr, "%s: no corpus\n", argv[1]);
		return 66;
	}
	(void)printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		char path[4096];
		int ok;

		(void)snprintf(path, sizeof(path), "%s/%s", argv[1], names[i]->d_name);
		ok = replay(path) == 0;
		failed += !ok;
		(void)printf("%sok %d - %s\n", ok ? "" : "not ", i + 1, names[i]->d_name);
		(void)fflush(stdout);
		free(names[i]);
	}
	free(names);
	return failed != 0;
}
