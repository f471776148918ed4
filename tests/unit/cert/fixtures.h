/* fixtures.h - a folder of files that openssl makes when a test begins. */
#ifndef USHER_TESTS_CERT_FIXTURES_H
#define USHER_TESTS_CERT_FIXTURES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"

enum { FIXTURE_BYTES = 1024 * 1024 };

static char folder[] = "/tmp/usher-test-cert-XXXXXX";

/* Runs `script` by sh in a new folder, stopping at the first command that fails. */
static inline int
fixtures_make(const char *script)
{
	FILE *sh;

	if (mkdtemp(folder) == NULL || chdir(folder) != 0)
		return -1;
	sh = popen("exec sh -e >log 2>&1", "w");
	if (sh == NULL || fputs(script, sh) < 0 || pclose(sh) != 0) {
		return system("tail -n 20 log >&2; false");
	}
	return 0;
}

static inline int
fixtures_drop(void)
{
	char command[sizeof(folder) + 16];

	(void)snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

/* NUL-terminated; an empty slice when it cannot be read. */
static inline struct slice
fixture(struct arena *mem, const char *name)
{
	static char bytes[FIXTURE_BYTES];
	FILE *f = fopen(name, "rb");
	size_t n = f == NULL ? 0 : fread(bytes, 1, sizeof(bytes), f);

	if (f != NULL)
		(void)fclose(f);
	if (n == 0)
		(void)fprintf(stderr, "%s/%s: empty\n", folder, name);
	return slice_from(arena_copy(mem, slice_from(bytes, n)), n);
}

static inline int
fixture_write(const char *name, struct slice s)
{
	FILE *f = fopen(name, "wb");

	if (f == NULL || fwrite(s.p, 1, s.n, f) != s.n)
		return -1;
	return fclose(f);
}

#endif
