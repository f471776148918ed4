/* test_digest.c - digest.h against published vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compat.h"
#include "base/digest.h"

static void
hashes(void **state)
{
	static const struct row {
		const char *text, *hash;
	} rows[] = {
		/* FIPS 180-4, as NIST's examples show them */
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		unsigned char hash[SHA256_BYTES];
		CLEANUP(buf_cleanup) struct buf b = { .max = 2 * SHA256_BYTES };

		assert_true(sha256(slice_of(rows[i].text), hash));
		hex_encode(&b, hash, sizeof(hash));
		assert_string_equal(buf_cstr(&b), rows[i].hash);
	}
}

static void
guids(void **state)
{
	static const struct row {
		const char *space, *name, *guid;
	} rows[] = {
		/* RFC 9562, A.4 */
		{ GUID_SPACE_DNS, "www.example.com", "2ed6657d-e927-568b-95e1-2665a8aea6a2" },
		{ GUID_SPACE_DNS, "example.com", "cfbff0d1-9375-5685-968c-48ce8b15ae17" },
		{ "CFBFF0D1-9375-5685-968C-48CE8B15AE17", "mail:alice@example.com",
		    "5c476f5d-a4cd-568f-ab7d-78f11521dde3" },
	};
	char out[GUID_TEXT_BYTES] = "as it was";

	(void)state;
	assert_false(guid_of_name("no guid", slice_of("x"), out));
	assert_string_equal(out, "as it was");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_true(guid_of_name(rows[i].space, slice_of(rows[i].name), out));
		assert_string_equal(out, rows[i].guid);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes),
		cmocka_unit_test(guids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
