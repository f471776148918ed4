/* test_store.c - key files are private, whole, and swept when nothing names them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cert/inspect.h"
#include "cert/store.h"

static const char A[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char B[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static int
make(void **state)
{
	static char stem[64];

	(void)snprintf(stem, sizeof(stem), "/tmp/usher-test-store-XXXXXX");
	if (mkdtemp(stem) == NULL)
		return 1;
	(void)strcat(stem, "/a.db");
	*state = stem;
	return 0;
}

static int
drop(void **state)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf $(dirname %s)", (const char *)*state);
	return system(command);
}

static void
put(const char *stem, const char *name, const char *text)
{
	assert_int_equal(cert_key_put(stem, name, slice_of(text), NULL), USHER_OK);
}

static void
test_round_trip(void **state)
{
	const char *stem = *state;
	struct buf key;
	struct stat st;
	char path[256];
	mode_t old = umask(0);

	buf_init(&key, CERT_KEY_BYTES);
	put(stem, A, "first");
	put(stem, A, "second");
	(void)umask(old);
	assert_int_equal(cert_key_get(stem, A, &key, NULL), USHER_OK);
	assert_string_equal(buf_cstr(&key), "second");
	cert_key_path(stem, A, path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	cert_key_path(stem, "", path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	buf_wipe(&key);
}

static void
test_refusals(void **state)
{
	const char *stem = *state;
	struct buf key;
	char path[256], other[256];

	buf_init(&key, CERT_KEY_BYTES);
	assert_int_equal(cert_key_get(stem, B, &key, NULL), USHER_E_ABSENT);
	assert_int_equal(cert_key_get(stem, "../../etc/passwd", &key, NULL), USHER_E_INPUT);
	assert_int_equal(cert_key_put(stem, "", slice_of("x"), NULL), USHER_E_INPUT);
	assert_int_equal(cert_key_put("/nonexistent/a.db", A, slice_of("x"), NULL), USHER_E_IO);

	put(stem, A, "private");
	cert_key_path(stem, A, path, sizeof(path));
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(cert_key_get(stem, A, &key, NULL), USHER_E_TRUST);
	assert_int_equal(chmod(path, 0600), 0);

	cert_key_path(stem, B, other, sizeof(other));
	assert_int_equal(symlink(path, other), 0);
	assert_int_equal(cert_key_get(stem, B, &key, NULL), USHER_E_IO);
	put(stem, B, "replaces the link, not its target");
	assert_int_equal(cert_key_get(stem, A, &key, NULL), USHER_OK);
	assert_string_equal(buf_cstr(&key), "private");
	buf_wipe(&key);
}

static void
test_too_long(void **state)
{
	char *text = calloc(1, CERT_KEY_BYTES + 2);
	struct buf key;

	memset(text, 'k', CERT_KEY_BYTES + 1);
	buf_init(&key, CERT_KEY_BYTES);
	put(*state, A, text);
	assert_int_equal(cert_key_get(*state, A, &key, NULL), USHER_E_LIMIT);
	text[CERT_KEY_BYTES] = '\0';
	put(*state, A, text);
	assert_int_equal(cert_key_get(*state, A, &key, NULL), USHER_OK);
	assert_int_equal(key.n, CERT_KEY_BYTES);
	buf_wipe(&key);
	free(text);
}

static bool
exists(const char *stem, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s.keys/%s", stem, name);
	return access(path, F_OK) == 0;
}

static void
touch(const char *stem, const char *name)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s.keys/%s", stem, name);
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fclose(f);
}

static void
test_sweep(void **state)
{
	const char *stem = *state;
	const char *v[] = { B };
	const struct text_list known = { v, 1 };
	char a[80], b[80], other[80];

	(void)snprintf(a, sizeof(a), "%s.pem", A);
	(void)snprintf(b, sizeof(b), "%s.pem", B);
	put(stem, A, "nobody's");
	put(stem, B, "somebody's");
	touch(stem, ".new-0123456789abcdef");
	touch(stem, "README");
	assert_int_equal(cert_key_sweep(stem, &known, NULL), USHER_OK);
	assert_false(exists(stem, a));
	assert_true(exists(stem, b));
	assert_false(exists(stem, ".new-0123456789abcdef"));
	assert_true(exists(stem, "README"));
	/* Another directory in the same folder has keys of its own. */
	(void)snprintf(other, sizeof(other), "%.*s/b.db", (int)strlen(stem) - 5, stem);
	put(other, A, "another's");
	assert_int_equal(cert_key_sweep(stem, &known, NULL), USHER_OK);
	assert_true(exists(other, a));
	assert_int_equal(cert_key_sweep("/tmp/usher-no-such-folder", &known, NULL), USHER_OK);
}

enum { WRITERS = 8, WRITES = 50, KEY_BYTES = CERT_KEY_BYTES };

/* Writes a key of one letter again and again. */
static void
write_keys(const char *stem, char letter)
{
	char *text = calloc(1, KEY_BYTES + 1);

	memset(text, letter, KEY_BYTES);
	for (int i = 0; i < WRITES; i++)
		if (cert_key_put(stem, A, slice_of(text), NULL) != USHER_OK)
			_exit(1);
	_exit(0);
}

static void
test_many_writers(void **state)
{
	struct buf key;

	for (int i = 0; i < WRITERS; i++) {
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0)
			write_keys(*state, (char)('a' + i));
	}
	for (int i = 0; i < WRITERS; i++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	buf_init(&key, CERT_KEY_BYTES);
	assert_int_equal(cert_key_get(*state, A, &key, NULL), USHER_OK);
	assert_int_equal(key.n, KEY_BYTES);
	for (size_t i = 1; i < key.n; i++)
		assert_int_equal(key.p[i], key.p[0]);
	buf_wipe(&key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, make, drop),
		cmocka_unit_test_setup_teardown(test_refusals, make, drop),
		cmocka_unit_test_setup_teardown(test_too_long, make, drop),
		cmocka_unit_test_setup_teardown(test_sweep, make, drop),
		cmocka_unit_test_setup_teardown(test_many_writers, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
