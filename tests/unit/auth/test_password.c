/* test_password.c - hashes are yescrypt, others of crypt(5) verify too, and decoys cost the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <time.h>

#include "auth/password.h"
#include "base/compat.h"

static struct secret
secret_of(const char *text)
{
	struct secret s = { 0 };

	assert_true(secret_set(&s, slice_of(text)));
	return s;
}

static void
test_make_and_verify(void **state)
{
	struct secret right = secret_of("s3cret gr\xc3\xbc\xc3\x9f"), wrong = secret_of("s3cret");
	char one[PASSWORD_HASH_BYTES], two[PASSWORD_HASH_BYTES];

	(void)state;
	assert_int_equal(password_hash(&right, one, NULL), USHER_OK);
	assert_int_equal(password_hash(&right, two, NULL), USHER_OK);
	assert_memory_equal(one, "$y$", 3);
	assert_string_not_equal(one, two);
	assert_int_equal(password_verify(&right, one), USHER_OK);
	assert_int_equal(password_verify(&right, two), USHER_OK);
	assert_int_equal(password_verify(&wrong, one), USHER_E_CREDENTIALS);
	secret_clear(&right);
	secret_clear(&wrong);
}

/* Hashes of `secret` made by `mkpasswd`. */
static void
test_other_methods(void **state)
{
	static const struct {
		const char *name, *hash;
		bool good;
	} rows[] = {
		{ "sha512crypt",
		    "$6$saltsalt$"
		    "TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq."
		    "H91p5hVO1",
		    true },
		{ "sha256crypt", "$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA", true },
		{ "bcrypt", "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a", true },
		{ "md5crypt", "$1$saltsalt$9xy1btjgzLYfb7hivXtC//", true },
		{ "empty", "", false },
		{ "locked", "!", false },
		{ "locked by sign", "!$y$j9T$abc$def", false },
		{ "star", "*", false },
		{ "plain text", "secret", false },
		{ "unknown method", "$zz$salt$hash", false },
		{ "DES", "ab1Ke3wtWqFZk", false },
	};
	struct secret password = secret_of("secret");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if ((password_verify(&password, rows[i].hash) == USHER_OK) != rows[i].good)
			fail_msg("%s", rows[i].name);
	}
	assert_int_equal(password_verify(&password, NULL), USHER_E_CREDENTIALS);
	secret_clear(&password);
}

static void
test_refused_passwords(void **state)
{
	struct secret empty = { 0 }, word = secret_of("x");
	char hash[PASSWORD_HASH_BYTES], long_text[600];
	struct secret too_long;

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	too_long = secret_of(long_text);
	assert_int_equal(password_hash(&empty, hash, NULL), USHER_E_INPUT);
	assert_int_equal(password_hash(&too_long, hash, NULL), USHER_E_INPUT);
	assert_int_equal(password_hash(&word, hash, NULL), USHER_OK);
	assert_int_equal(password_verify(&empty, hash), USHER_E_CREDENTIALS);
	assert_int_equal(password_verify(&too_long, hash), USHER_E_CREDENTIALS);
	secret_clear(&word);
	secret_clear(&too_long);
}

static double
cpu_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* CPU time of this thread, as other programs may run: within a factor of two is equal here, where a
 * missing decoy would be a factor of thousands. */
static void
test_decoy_costs_the_same(void **state)
{
	struct secret password = secret_of("wrong");
	char hash[PASSWORD_HASH_BYTES];
	double verify, decoy, start;

	(void)state;
	assert_int_equal(password_hash(&password, hash, NULL), USHER_OK);
	start = cpu_ms();
	for (int i = 0; i < 5; i++)
		assert_int_equal(password_verify(&password, hash), USHER_OK);
	verify = cpu_ms() - start;
	start = cpu_ms();
	for (int i = 0; i < 5; i++)
		assert_int_equal(
		    password_decoy(&password, i % 2 == 0 ? hash : NULL), USHER_E_CREDENTIALS);
	decoy = cpu_ms() - start;
	if (decoy < verify / 2 || decoy > verify * 2)
		fail_msg("verify %.1f ms, decoy %.1f ms", verify, decoy);
	secret_clear(&password);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make_and_verify),
		cmocka_unit_test(test_other_methods),
		cmocka_unit_test(test_refused_passwords),
		cmocka_unit_test(test_decoy_costs_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
