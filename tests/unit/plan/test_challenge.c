/* test_challenge.c - WWW-Authenticate as servers really write it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plan/challenge.h"

struct row {
	const char *fields[4];
	bool basic;
	const char *realm;
	const char *schemes;
};

static const struct row rows[] = {
	{ { NULL }, false, "", "" },
	{ { "" }, false, "", "" },
	{ { "Basic realm=\"mail\"" }, true, "mail", "Basic" },
	{ { "basic REALM=mail" }, true, "mail", "basic" },
	{ { "Basic realm = \"mail\"" }, true, "mail", "Basic" },
	{ { "Basic realm=\"a \\\"quoted\\\" word\", charset=\"UTF-8\"" }, true, "a \"quoted\" word",
	    "Basic" },
	{ { "Basic realm=\"one, two=three\"" }, true, "one, two=three", "Basic" },
	{ { "Basic" }, false, "", "Basic" },
	{ { "Basic realm=\"\"" }, false, "", "Basic" },
	{ { "Negotiate", "NTLM", "Basic realm=\"mail\"" }, true, "mail", "Negotiate, NTLM, Basic" },
	{ { "Negotiate, NTLM, Basic realm=\"mail\"" }, true, "mail", "Negotiate, NTLM, Basic" },
	{ { "NTLM TlRMTVNTUAACAAAA==" }, false, "", "NTLM" },
	{ { "NTLM TlRMTVNTUAACAAAA==, Basic realm=x" }, true, "x", "NTLM, Basic" },
	{ { "Bearer client_id=\"1\", trusted_issuers=\"2@3\", realm=\"not this\"",
	      "Basic realm=y" },
	    true, "y", "Bearer, Basic" },
	{ { "Digest realm=\"d\", nonce=\"n\", Basic realm=\"b\"" }, true, "b", "Digest, Basic" },
	{ { ",, Basic realm=\"mail\" ,," }, true, "mail", "Basic" },
	{ { "Basic realm=\"never closed" }, true, "never closed", "Basic" },
	{ { "\"Basic realm=x\"" }, false, "", "" },
	{ { "=Basic" }, false, "", "" },
	{ { "Basic realm=\"x\" Negotiate" }, true, "x", "Basic" },
};

static void
test_rows(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct row *row = &rows[i];
		struct arena *mem = arena_new(4096);
		struct text_list fields = { row->fields, 0 };
		struct challenge c;

		while (row->fields[fields.n] != NULL)
			fields.n++;
		assert_int_equal(challenge_read(mem, &fields, &c), USHER_OK);
		if (c.basic != row->basic || strcmp(c.realm, row->realm) != 0 ||
		    strcmp(c.schemes, row->schemes) != 0)
			fail_msg("row %zu, %s: basic %d, realm `%s`, schemes `%s`", i,
			    row->fields[0], c.basic, c.realm, c.schemes);
		arena_free(mem);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
