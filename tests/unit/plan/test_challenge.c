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
	unsigned offered;
	const char *realm;
	const char *schemes;
};

enum {
	BASIC = SCHEME_BIT(SCHEME_BASIC),
	NTLM = SCHEME_BIT(SCHEME_NTLM),
	NEGOTIATE = SCHEME_BIT(SCHEME_NEGOTIATE),
	BEARER = SCHEME_BIT(SCHEME_BEARER),
	OTHER = SCHEME_BIT(SCHEME_OTHER)
};

static const struct row rows[] = {
	{ { NULL }, 0, "", "" },
	{ { "" }, 0, "", "" },
	{ { "Basic realm=\"mail\"" }, BASIC, "mail", "Basic" },
	{ { "basic REALM=mail" }, BASIC, "mail", "basic" },
	{ { "Basic realm = \"mail\"" }, BASIC, "mail", "Basic" },
	{ { "Basic realm=\"a \\\"quoted\\\" word\", charset=\"UTF-8\"" }, BASIC,
	    "a \"quoted\" word", "Basic" },
	{ { "Basic realm=\"one, two=three\"" }, BASIC, "one, two=three", "Basic" },
	{ { "Basic" }, 0, "", "Basic" },
	{ { "Basic realm=\"\"" }, 0, "", "Basic" },
	{ { "Negotiate", "NTLM", "Basic realm=\"mail\"" }, NEGOTIATE | NTLM | BASIC, "mail",
	    "Negotiate, NTLM, Basic" },
	{ { "Negotiate, NTLM, Basic realm=\"mail\"" }, NEGOTIATE | NTLM | BASIC, "mail",
	    "Negotiate, NTLM, Basic" },
	{ { "NTLM TlRMTVNTUAACAAAA==" }, NTLM, "", "NTLM" },
	{ { "NTLM TlRMTVNTUAACAAAA==, Basic realm=x" }, NTLM | BASIC, "x", "NTLM, Basic" },
	{ { "Bearer client_id=\"1\", trusted_issuers=\"2@3\", realm=\"not this\"",
	      "Basic realm=y" },
	    BEARER | BASIC, "y", "Bearer, Basic" },
	{ { "Digest realm=\"d\", nonce=\"n\", Basic realm=\"b\"" }, OTHER | BASIC, "b",
	    "Digest, Basic" },
	{ { ",, Basic realm=\"mail\" ,," }, BASIC, "mail", "Basic" },
	{ { "Basic realm=\"never closed" }, BASIC, "never closed", "Basic" },
	{ { "\"Basic realm=x\"" }, 0, "", "" },
	{ { "=Basic" }, 0, "", "" },
	{ { "Basic realm=\"x\" Negotiate" }, BASIC, "x", "Basic" },
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
		if (c.offered != row->offered || strcmp(c.realm, row->realm) != 0 ||
		    strcmp(c.schemes, row->schemes) != 0)
			fail_msg("row %zu, %s: offers %x, realm `%s`, schemes `%s`", i,
			    row->fields[0], c.offered, c.realm, c.schemes);
		arena_free(mem);
	}
}

struct choice_row {
	unsigned offered, mine, seen, failed;
	bool basic_anyway;
	enum login_verdict verdict;
	enum auth_scheme scheme;
};

static const struct choice_row choices[] = {
	/* the strongest that is possible */
	{ BASIC | NTLM | NEGOTIATE | BEARER, BASIC | NTLM | NEGOTIATE | BEARER, 0, 0, false,
	    LOGIN_POSSIBLE, SCHEME_BEARER },
	{ BASIC | NTLM | NEGOTIATE | BEARER, BASIC | NTLM | NEGOTIATE, 0, 0, false, LOGIN_POSSIBLE,
	    SCHEME_NEGOTIATE },
	{ BASIC | NTLM | NEGOTIATE, BASIC | NTLM, 0, 0, false, LOGIN_POSSIBLE, SCHEME_NTLM },
	{ BASIC | NTLM | NEGOTIATE, BASIC | NTLM | NEGOTIATE, 0, NEGOTIATE, false, LOGIN_POSSIBLE,
	    SCHEME_NTLM },
	/* Basic alone, or by explicit word */
	{ BASIC, BASIC | NTLM, 0, 0, false, LOGIN_POSSIBLE, SCHEME_BASIC },
	{ BASIC, BASIC | NTLM, BASIC, 0, false, LOGIN_POSSIBLE, SCHEME_BASIC },
	{ BASIC | NEGOTIATE, BASIC | NTLM, 0, 0, false, LOGIN_TOO_WEAK },
	{ BASIC | NEGOTIATE, BASIC | NTLM, 0, 0, true, LOGIN_POSSIBLE, SCHEME_BASIC },
	{ BASIC | OTHER, BASIC | NTLM, 0, 0, false, LOGIN_TOO_WEAK },
	{ BASIC | NTLM, BASIC | NTLM, 0, NTLM, false, LOGIN_TOO_WEAK },
	{ BASIC, BASIC | NTLM, NTLM, 0, false, LOGIN_WEAKENED },
	{ BASIC, BASIC | NTLM, NEGOTIATE | BASIC, 0, false, LOGIN_WEAKENED },
	{ BASIC, BASIC | NTLM, NTLM, 0, true, LOGIN_POSSIBLE, SCHEME_BASIC },
	/* nothing */
	{ 0, BASIC | NTLM | NEGOTIATE | BEARER, 0, 0, true, LOGIN_UNKNOWN },
	{ OTHER, BASIC | NTLM | NEGOTIATE | BEARER, 0, 0, true, LOGIN_UNKNOWN },
	{ BASIC | NTLM, 0, 0, 0, false, LOGIN_NO_MEANS },
	{ NEGOTIATE, BASIC | NTLM, 0, 0, false, LOGIN_NO_MEANS },
	{ NTLM, BASIC | NTLM, 0, BASIC | NTLM, true, LOGIN_FAILED },
};

static void
test_choices(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(choices); i++) {
		const struct choice_row *row = &choices[i];
		const struct challenge c = { row->offered, "", "" };
		const struct login_means means = { row->mine, row->seen, row->failed,
			row->basic_anyway };
		enum auth_scheme scheme = SCHEME_NONE;
		enum login_verdict verdict = challenge_choose(&c, &means, &scheme);

		if (verdict != row->verdict || scheme != row->scheme)
			fail_msg("choice %zu: verdict %d, scheme %d", i, verdict, scheme);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_choices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
