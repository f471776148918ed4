/* test_acme.c - tokens are never paths, one renewal at a time, and nothing is left behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cert/acme.h"

#define TOKEN "4JInMgL3BwU9gAstsrda74R5aQ6eT_FZsbRIoMl9g9U"
#define ANSWER TOKEN ".v5UczeHrHYXAzZu8JtRK_7g6AMlx46AqixKvEjDjMOE"

static int
make(void **state)
{
	static char stem[64];

	(void)snprintf(stem, sizeof(stem), "/tmp/usher-test-acme-XXXXXX");
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
test_tokens(void **state)
{
	static const struct {
		const char *token;
		bool valid;
	} rows[] = {
		{ TOKEN, true },
		{ "a", true },
		{ "-_", true },
		{ "", false },
		{ ".", false },
		{ "..", false },
		{ "a.b", false },
		{ "a/b", false },
		{ "%41", false },
		{ "a b", false },
		{ "\xc3\xbc", false },
		{ "a=", false },
	};
	char longest[ACME_TOKEN_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (acme_token_valid(slice_of(rows[i].token)) != rows[i].valid)
			fail_msg("token `%s`", rows[i].token);
	memset(longest, 'a', sizeof(longest));
	assert_true(acme_token_valid(slice_from(longest, ACME_TOKEN_MAX)));
	assert_false(acme_token_valid(slice_from(longest, ACME_TOKEN_MAX + 1)));
	assert_false(acme_token_valid(slice_from("a\0b", 3)));
}

static unsigned
mode_of(const char *stem, const char *rest)
{
	struct stat st;
	char path[256];

	(void)snprintf(path, sizeof(path), "%s%s", stem, rest);
	return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void
test_answers(void **state)
{
	static const char *const not_to_it[] = { "", TOKEN, TOKEN ".", "x" ANSWER, TOKEN ".a/b",
		ANSWER "\n" };
	const struct slice token = SLICE_LITERAL(TOKEN), answer = SLICE_LITERAL(ANSWER);
	const char *stem = *state;
	struct folder home;
	struct buf out;

	buf_init(&out, ACME_AUTHORIZATION_MAX);
	assert_int_equal(acme_answer_put(stem, token, answer, NULL), USHER_E_ABSENT);
	assert_int_equal(acme_answer_get(stem, token, &out, NULL), USHER_E_ABSENT);
	assert_int_equal(acme_open(stem, &home, NULL), USHER_OK);
	assert_int_equal(acme_answer_get(stem, token, &out, NULL), USHER_E_ABSENT);
	assert_int_equal(acme_answer_put(stem, token, answer, NULL), USHER_OK);
	assert_int_equal(mode_of(stem, ".acme"), 0700);
	assert_int_equal(mode_of(stem, ".acme/challenge"), 0700);
	assert_int_equal(mode_of(stem, ".acme/challenge/" TOKEN), 0600);
	assert_int_equal(acme_answer_get(stem, token, &out, NULL), USHER_OK);
	assert_string_equal(buf_cstr(&out), ANSWER);
	for (size_t i = 0; i < sizeof(not_to_it) / sizeof(not_to_it[0]); i++)
		assert_int_equal(
		    acme_answer_put(stem, token, slice_of(not_to_it[i]), NULL), USHER_E_INPUT);
	assert_int_equal(
	    acme_answer_put(stem, SLICE_LITERAL(".."), SLICE_LITERAL("...x"), NULL), USHER_E_INPUT);
	assert_int_equal(
	    acme_answer_get(stem, SLICE_LITERAL("../challenge"), &out, NULL), USHER_E_ABSENT);
	assert_int_equal(acme_answer_remove(stem, token, NULL), USHER_OK);
	assert_int_equal(acme_answer_remove(stem, token, NULL), USHER_OK);
	assert_int_equal(mode_of(stem, ".acme/challenge/" TOKEN), 0);
	acme_close(&home);
	buf_clear(&out);
}

static void
test_one_at_a_time(void **state)
{
	const struct slice token = SLICE_LITERAL(TOKEN), answer = SLICE_LITERAL(ANSWER);
	const char *stem = *state;
	struct folder home, other;

	assert_int_equal(acme_open(stem, &home, NULL), USHER_OK);
	assert_int_equal(acme_answer_put(stem, token, answer, NULL), USHER_OK);
	assert_int_equal(acme_open(stem, &other, NULL), USHER_E_UNAVAILABLE);
	acme_close(&other);
	assert_int_equal(mode_of(stem, ".acme/challenge/" TOKEN), 0600);

	/* What ended without a word leaves answers, and no lock. */
	folder_close(&home);
	assert_int_equal(folder_open(stem, ".acme", false, &home, NULL), USHER_OK);
	assert_int_equal(folder_put(&home, "order-1.pem", SLICE_LITERAL("half"), NULL), USHER_OK);
	assert_int_equal(folder_put(&home, "mine", SLICE_LITERAL("an account"), NULL), USHER_OK);
	folder_close(&home);
	assert_int_equal(acme_open(stem, &home, NULL), USHER_OK);
	assert_int_equal(mode_of(stem, ".acme/challenge/" TOKEN), 0);
	assert_int_equal(mode_of(stem, ".acme/order-1.pem"), 0);
	assert_int_equal(mode_of(stem, ".acme/mine"), 0600);
	acme_close(&home);
}

static void
test_no_folder(void **state)
{
	struct folder home;

	(void)state;
	assert_int_equal(acme_open("/nonexistent/a.db", &home, NULL), USHER_E_IO);
	acme_close(&home);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test_setup_teardown(test_answers, make, drop),
		cmocka_unit_test_setup_teardown(test_one_at_a_time, make, drop),
		cmocka_unit_test(test_no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
