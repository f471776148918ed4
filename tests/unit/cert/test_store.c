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
#include <unistd.h>

#include "cert/inspect.h"
#include "cert/store.h"

static const char A[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char B[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static int
make(void **state)
{
	static char folder[64];

	(void)snprintf(folder, sizeof(folder), "/tmp/usher-test-store-XXXXXX");
	*state = mkdtemp(folder);
	return *state == NULL;
}

static int
drop(void **state)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s", (const char *)*state);
	return system(command);
}

static void
put(const char *folder, const char *name, const char *text)
{
	assert_int_equal(cert_key_put(folder, name, slice_of(text), NULL), USHER_OK);
}

static void
test_round_trip(void **state)
{
	const char *folder = *state;
	struct buf key;
	struct stat st;
	char path[256];
	mode_t old = umask(0);

	buf_init(&key, CERT_KEY_BYTES);
	put(folder, A, "first");
	put(folder, A, "second");
	(void)umask(old);
	assert_int_equal(cert_key_get(folder, A, &key, NULL), USHER_OK);
	assert_string_equal(buf_cstr(&key), "second");
	cert_key_path(folder, A, path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	cert_key_path(folder, "", path, sizeof(path));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	buf_wipe(&key);
}

static void
test_refusals(void **state)
{
	const char *folder = *state;
	struct buf key;
	char path[256], other[256];

	buf_init(&key, CERT_KEY_BYTES);
	assert_int_equal(cert_key_get(folder, B, &key, NULL), USHER_E_ABSENT);
	assert_int_equal(cert_key_get(folder, "../../etc/passwd", &key, NULL), USHER_E_INPUT);
	assert_int_equal(cert_key_put(folder, "", slice_of("x"), NULL), USHER_E_INPUT);
	assert_int_equal(cert_key_put("/nonexistent", A, slice_of("x"), NULL), USHER_E_IO);

	put(folder, A, "private");
	cert_key_path(folder, A, path, sizeof(path));
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(cert_key_get(folder, A, &key, NULL), USHER_E_TRUST);
	assert_int_equal(chmod(path, 0600), 0);

	cert_key_path(folder, B, other, sizeof(other));
	assert_int_equal(symlink(path, other), 0);
	assert_int_equal(cert_key_get(folder, B, &key, NULL), USHER_E_IO);
	put(folder, B, "replaces the link, not its target");
	assert_int_equal(cert_key_get(folder, A, &key, NULL), USHER_OK);
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
exists(const char *folder, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/keys/%s", folder, name);
	return access(path, F_OK) == 0;
}

static void
touch(const char *folder, const char *name)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/keys/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fclose(f);
}

static void
test_sweep(void **state)
{
	const char *folder = *state;
	const char *v[] = { B };
	const struct text_list known = { v, 1 };
	char a[80], b[80];

	(void)snprintf(a, sizeof(a), "%s.pem", A);
	(void)snprintf(b, sizeof(b), "%s.pem", B);
	put(folder, A, "nobody's");
	put(folder, B, "somebody's");
	touch(folder, ".new");
	touch(folder, "README");
	assert_int_equal(cert_key_sweep(folder, &known, NULL), USHER_OK);
	assert_false(exists(folder, a));
	assert_true(exists(folder, b));
	assert_false(exists(folder, ".new"));
	assert_true(exists(folder, "README"));
	assert_int_equal(cert_key_sweep("/tmp/usher-no-such-folder", &known, NULL), USHER_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_round_trip, make, drop),
		cmocka_unit_test_setup_teardown(test_refusals, make, drop),
		cmocka_unit_test_setup_teardown(test_too_long, make, drop),
		cmocka_unit_test_setup_teardown(test_sweep, make, drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
