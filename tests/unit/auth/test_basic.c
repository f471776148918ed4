/* test_basic.c - credentials as clients send them, and as they must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "auth/basic.h"
#include "base/buf.h"
#include "base/encode.h"
#include "base/text.h"

static const char *const windows[] = { "CONTOSO=contoso.com", "FAB=fabrikam.example" };
static const struct text_list windows_domains = { windows, 2 };

/* Encodes `plain` behind "Basic ". */
static enum basic_result
read_plain(struct arena *mem, struct slice plain, const struct login_rules *rules,
    const char **login, struct secret *password)
{
	struct buf value;
	enum basic_result result;

	buf_init(&value, 16 * 1024);
	buf_text(&value, "Basic ");
	base64_encode(&value, plain.p, plain.n);
	result = basic_read(mem, buf_as_slice(&value), rules, login, password);
	buf_clear(&value);
	return result;
}

static void
test_logins(void **state)
{
	static const struct {
		const char *plain, *login, *password; /* login NULL: refused */
	} rows[] = {
		{ "nora@contoso.com:s3cret", "nora@contoso.com", "s3cret" },
		{ "Nora@Contoso.COM:S", "nora@contoso.com", "S" },
		{ "nora:x", "nora@default.example", "x" },
		{ "nora@contoso.com:a:b:c", "nora@contoso.com", "a:b:c" },
		{ "CONTOSO\\nora:x", "nora@contoso.com", "x" },
		{ "contoso\\Nora:x", "nora@contoso.com", "x" },
		{ "FAB\\nora:x", "nora@fabrikam.example", "x" },
		{ "OTHER\\nora:x", NULL, NULL },
		{ "CONTOSO\\nora@fabrikam.example:x", "nora@fabrikam.example", "x" },
		{ "\\nora@contoso.com:x", "nora@contoso.com", "x" },
		{ "\\nora:x", "nora@default.example", "x" },
		{ "CONTOSO\\nora\\sales:x", NULL, NULL },
		{ "CONTOSO\\:x", NULL, NULL },
		{ "nora@contoso.com:", NULL, NULL },
		{ ":x", NULL, NULL },
		{ "nora@contoso.com", NULL, NULL },
		{ "", NULL, NULL },
		{ "no\nra@contoso.com:x", NULL, NULL },
		{ "nora@contoso.com:p\x01w", NULL, NULL },
		{ "j\xc3\xb6rg@contoso.com:gr\xc3\xbc\xc3\x9f", "j\xc3\xb6rg@contoso.com",
		    "gr\xc3\xbc\xc3\x9f" },
		{ "j\xf6rg@contoso.com:gr\xfc\xdf", "j\xc3\xb6rg@contoso.com",
		    "gr\xc3\xbc\xc3\x9f" },
		{ "jo\xcc\x88rg@contoso.com:gru\xcc\x88n", "j\xc3\xb6rg@contoso.com",
		    "gru\xcc\x88n" },
		{ "nora@contoso.com:\x80", "nora@contoso.com", "\xe2\x82\xac" },
	};
	const struct login_rules rules = { "default.example", &windows_domains };
	struct arena *mem = arena_new(1024 * 1024);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct secret password = { 0 };
		const char *login = NULL;
		enum basic_result got =
		    read_plain(mem, slice_of(rows[i].plain), &rules, &login, &password);

		if (got != (rows[i].login == NULL ? BASIC_REFUSED : BASIC_OK))
			fail_msg("`%s`: result %d", rows[i].plain, got);
		if (got == BASIC_OK) {
			assert_string_equal(login, rows[i].login);
			assert_string_equal(password.bytes, rows[i].password);
		} else {
			assert_null(password.bytes);
		}
		secret_clear(&password);
	}
	arena_free(mem);
}

/* A directory that knows Windows domains itself gets what nobody here can tell. */
static void
test_domains_kept(void **state)
{
	static const struct {
		const char *plain, *login; /* NULL: refused */
	} rows[] = {
		{ "CONTOSO\\nora:x", "nora@contoso.com" },
		{ "OTHER\\Nora:x", "other\\nora" },
		{ "OTHER\\nora@contoso.com:x", "nora@contoso.com" },
		{ "\\nora:x", "nora" },
		{ "OTHER\\:x", NULL },
		{ "OTHER\\a\\b:x", NULL },
	};
	const struct login_rules rules = { NULL, &windows_domains, true };
	struct arena *mem = arena_new(1024 * 1024);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct secret password = { 0 };
		const char *login = NULL;
		enum basic_result got =
		    read_plain(mem, slice_of(rows[i].plain), &rules, &login, &password);

		if (got != (rows[i].login == NULL ? BASIC_REFUSED : BASIC_OK) ||
		    !text_same(login, rows[i].login))
			fail_msg("`%s`: result %d, `%s`", rows[i].plain, got, login);
		secret_clear(&password);
	}
	arena_free(mem);
}

static void
test_fields(void **state)
{
	static const struct {
		const char *value;
		enum basic_result wanted;
	} rows[] = {
		{ NULL, BASIC_NONE }, { "", BASIC_NONE }, { "Basic", BASIC_NONE },
		{ "Bearer", BASIC_NONE }, { "Bearer YTpi", BASIC_NONE },
		{ "Basicx YTpi", BASIC_NONE }, { "Negotiate TlRMTVNTUAABAAAA", BASIC_NONE },
		{ "Basic YTpi", BASIC_OK }, { "bAsIc YTpi", BASIC_OK },
		{ "Basic   YTpi", BASIC_OK }, { "Basic YTpi YTpi", BASIC_REFUSED },
		{ "Basic YTp", BASIC_REFUSED }, { "Basic YTpi=", BASIC_REFUSED },
		{ "Basic YT*i", BASIC_REFUSED }, { "Basic ====", BASIC_REFUSED },
		{ "Basic YTpiAA==", BASIC_REFUSED }, /* a NUL at the end */
		{ "Basic AGE6Yg==", BASIC_REFUSED }, /* a NUL in front */
	};
	const struct login_rules rules = { NULL, NULL };
	struct arena *mem = arena_new(1024 * 1024);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct secret password = { 0 };
		const char *login = NULL;
		enum basic_result got =
		    basic_read(mem, slice_of(rows[i].value), &rules, &login, &password);

		if (got != rows[i].wanted)
			fail_msg("`%s`: result %d", rows[i].value, got);
		if (got == BASIC_OK)
			assert_string_equal(login, "a");
		secret_clear(&password);
	}
	arena_free(mem);
}

static void
test_limits(void **state)
{
	static const struct {
		size_t user, password;
		enum basic_result wanted;
	} rows[] = {
		{ LOGIN_MAX_BYTES, 1, BASIC_OK },
		{ LOGIN_MAX_BYTES + 1, 1, BASIC_REFUSED },
		{ 1, SECRET_MAX_BYTES, BASIC_OK },
		{ 1, SECRET_MAX_BYTES + 1, BASIC_REFUSED },
		{ 5000, 5000, BASIC_REFUSED },
	};
	const struct login_rules rules = { NULL, NULL };
	struct arena *mem = arena_new(1024 * 1024);
	static char plain[16 * 1024];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct secret password = { 0 };
		const char *login;
		size_t n = rows[i].user + 1 + rows[i].password;

		memset(plain, 'u', n);
		plain[rows[i].user] = ':';
		if (read_plain(mem, slice_from(plain, n), &rules, &login, &password) !=
		    rows[i].wanted)
			fail_msg("row %zu", i);
		secret_clear(&password);
	}
	arena_free(mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_domains_kept),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
