/* test_encode.c - base64, hexadecimal, GUIDs, JSON strings and secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/secret.h"

static void
test_base64(void **state)
{
	static const char *const pairs[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xff\xfe\xfb", "//77" },
	};
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zg===", "=",
		"====", "Z===", "Zh==", "Zm9=", "Zg==Zg==", "Zm 9v", "Zm9v\n", "Zm-_",
		"Zm9v====", "\xc3\xbcgg" };
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		buf_reset(&b);
		base64_encode(&b, pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(buf_cstr(&b), pairs[i][1]);
		buf_reset(&b);
		assert_true(base64_decode(&b, slice_of(pairs[i][1])));
		assert_string_equal(buf_cstr(&b), pairs[i][0]);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		if (base64_decode(&b, slice_of(bad[i])))
			fail_msg("'%s' was decoded", bad[i]);
	assert_false(base64_decode(&b, SLICE_LITERAL("Zm9\0")));
	buf_clear(&b);
}

static void
test_hex_and_guid(void **state)
{
	char a[GUID_TEXT_BYTES], c[GUID_TEXT_BYTES];
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	hex_encode(&b, "\x00\xab\x7f", 3);
	assert_string_equal(buf_cstr(&b), "00ab7f");
	buf_clear(&b);

	assert_true(guid_make(a));
	assert_true(guid_make(c));
	assert_true(guid_valid(slice_of(a)));
	assert_string_not_equal(a, c);
	assert_int_equal(a[14], '4');
	assert_non_null(strchr("89ab", a[19]));
	assert_true(guid_valid(slice_of("4F0D3A5E-6F0A-4D3C-9B1E-2A77C1D0E8B4")));
	assert_false(guid_valid(slice_of("{4f0d3a5e-6f0a-4d3c-9b1e-2a77c1d0e8b4}")));
	assert_false(guid_valid(slice_of("4f0d3a5e-6f0a-4d3c-9b1e-2a77c1d0e8b")));
	assert_false(guid_valid(slice_of("4f0d3a5e06f0a-4d3c-9b1e-2a77c1d0e8b4")));
	assert_false(guid_valid(slice_of("4g0d3a5e-6f0a-4d3c-9b1e-2a77c1d0e8b4")));
	assert_false(guid_valid(slice_of("")));
}

static void
test_json(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 200);
	json_quote(&b, SLICE_LITERAL("a\"\\/\b\f\n\r\t\x01\0\x7f\xc3\xbc \xff\xc3 \xed\xa0\x80 "
				     "\xf0\x9f\x98\x80"));
	assert_string_equal(buf_cstr(&b),
	    "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u0000\x7f\xc3\xbc \xef\xbf\xbd\xef\xbf\xbd "
	    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xf0\x9f\x98\x80\"");
	buf_clear(&b);
}

static void
test_secret(void **state)
{
	static char long_text[SECRET_MAX_BYTES + 1];
	struct secret a = { 0 };
	struct secret b = { 0 };

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	assert_true(secret_eq(&a, &b));
	assert_true(secret_set(&a, slice_of("pass")));
	assert_string_equal(a.bytes, "pass");
	assert_true(secret_set(&b, slice_of("pass")));
	assert_true(secret_eq(&a, &b));
	assert_true(secret_set(&b, slice_of("pasS")));
	assert_false(secret_eq(&a, &b));
	/* From its own bytes. */
	assert_true(secret_set(&a, slice_from(a.bytes, 2)));
	assert_string_equal(a.bytes, "pa");
	assert_false(secret_set(&a, SLICE_LITERAL("a\0b")));
	assert_null(a.bytes);
	assert_true(secret_set(&a, slice_from(long_text, SECRET_MAX_BYTES)));
	assert_false(secret_set(&a, slice_from(long_text, SECRET_MAX_BYTES + 1)));
	assert_int_equal(a.n, 0);
	assert_true(secret_set(&a, slice_of("")));
	secret_clear(&b);
	secret_clear(&b);
}

static void
test_guid_of_windows(void **state UNUSED)
{
	static const unsigned char bytes[16] = { 0xe0, 0x04, 0x25, 0x3f, 0x89, 0x4f, 0xd3, 0x11,
		0x9a, 0x0c, 0x03, 0x05, 0xe8, 0x2c, 0x33, 0x01 };
	unsigned char back[16];
	char text[GUID_TEXT_BYTES];

	guid_from_windows(bytes, text);
	assert_string_equal(text, "3f2504e0-4f89-11d3-9a0c-0305e82c3301");
	guid_to_windows("3F2504E0-4F89-11D3-9A0C-0305E82C3301", back);
	assert_memory_equal(back, bytes, sizeof(bytes));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_hex_and_guid),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_guid_of_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
