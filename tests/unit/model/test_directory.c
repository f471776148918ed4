/* test_directory.c - the keys of section `[directory]`: defaults, values, and that what is written
 * is read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/directory.h"

static usher_status
read_key(struct arena *mem, struct dir_settings *s, const char *name, const char *value)
{
	const struct conf_row *row = conf_row_find(&dir_settings_rows, slice_of(name));
	const char *why;

	if (row == NULL)
		fail_msg("no key `%s`", name);
	return conf_row_read(mem, row, s, slice_of(value), &why);
}

static void
test_defaults(void **state)
{
	struct dir_settings s;

	(void)state;
	dir_settings_init(&s);
	assert_false(s.start_tls);
	assert_null(s.login);
	assert_int_equal(s.kind, DIR_KIND_AUTO);
	assert_int_equal(s.people.n, 0);
	assert_int_equal(s.timeout_ms, 2000);
	assert_int_equal(s.connections, 2);
	assert_int_equal(s.refresh_ms, 10000);
	assert_int_equal(s.cache_ms, 5000);
	assert_int_equal(s.stale_ms, 600000);
	assert_string_equal(s.state, "/var/lib/usher/usher");
}

static void
test_values(void **state)
{
	static const struct {
		const char *name, *value;
		const char *written; /* NULL: refused */
	} rows[] = {
		{ "start tls", "yes", "yes" },
		{ "Start  TLS", "on", "yes" },
		{ "start tls", "maybe", NULL },
		{ "people", "ou=Our People,dc=example,dc=org", "ou=Our People,dc=example,dc=org" },
		{ "people", "ou=a,dc=example;; ou=b,dc=example ;",
		    "ou=a,dc=example; ou=b,dc=example" },
		{ "people", "ou=a\\;b,dc=example;ou=c\\\\;ou=d\\",
		    "ou=a\\;b,dc=example; ou=c\\\\; ou=d\\" },
		{ "people", ";", "" },
		{ "attributes", "address=mail, aliases=mailAlternateAddress",
		    "address=mail, aliases=mailAlternateAddress" },
		{ "attributes", "mail", NULL },
		{ "attributes", "address=", NULL },
		{ "kind", "Active-Directory", "active-directory" },
		{ "kind", "novell", NULL },
		{ "timeout", "250ms", "250ms" },
		{ "timeout", "0", NULL },
		{ "timeout", "2m", NULL },
		{ "connections", "0", NULL },
		{ "connections", "64", "64" },
		{ "cache", "0", "0" },
		{ "stale", "0", "0" },
		{ "refresh", "0", NULL },
	};
	struct arena *mem = arena_new(1024 * 1024);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct dir_settings s;
		CLEANUP(buf_cleanup) struct buf out = { .max = 4096 };
		usher_status st;

		dir_settings_init(&s);
		st = read_key(mem, &s, rows[i].name, rows[i].value);
		if (rows[i].written == NULL) {
			if (st != USHER_E_INPUT)
				fail_msg("`%s = %s` was taken", rows[i].name, rows[i].value);
			continue;
		}
		if (st != USHER_OK)
			fail_msg("`%s = %s` was refused", rows[i].name, rows[i].value);
		conf_row_write(conf_row_find(&dir_settings_rows, slice_of(rows[i].name)), &s, &out);
		if (strcmp(buf_cstr(&out), rows[i].written) != 0)
			fail_msg(
			    "`%s = %s` became `%s`", rows[i].name, rows[i].value, buf_cstr(&out));
	}
	arena_free(mem);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
