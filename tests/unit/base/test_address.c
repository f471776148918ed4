/* test_address.c - which addresses and names are taken, and in what form they come out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"
#include "base/compat.h"
#include "base/err.h"

#define L63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"
#define L64 L63 "1"

static const struct {
	struct slice text;
	const char *key; /* NULL: refused */
	const char *domain_text;
} address_rows[] = {
	{ SLICE_LITERAL("nora@contoso.com"), "nora@contoso.com", "contoso.com" },
	{ SLICE_LITERAL("Nora.Lind@Contoso.COM"), "nora.lind@contoso.com", "contoso.com" },
	{ SLICE_LITERAL(" \tnora@contoso.com\r\n"), "nora@contoso.com", "contoso.com" },
	{ SLICE_LITERAL("nora@contoso.com."), "nora@contoso.com", "contoso.com" },
	{ SLICE_LITERAL("o'neil+tag=x@contoso.com"), "o'neil+tag=x@contoso.com", "contoso.com" },
	{ SLICE_LITERAL("root@localhost"), "root@localhost", "localhost" },
	{ SLICE_LITERAL("j\xc3\xb6@b\xc3\xbc"
			"cher.example"),
	    "j\xc3\xb6@xn--bcher-kva.example",
	    "b\xc3\xbc"
	    "cher.example" },
	{ SLICE_LITERAL("jo\xcc\x88@contoso.com"), "j\xc3\xb6@contoso.com", "contoso.com" },
	{ SLICE_LITERAL("a@B\xc3\x9c"
			"CHER.example"),
	    "a@xn--bcher-kva.example",
	    "b\xc3\xbc"
	    "cher.example" },
	{ SLICE_LITERAL("a@XN--BCHER-KVA.example"), "a@xn--bcher-kva.example",
	    "b\xc3\xbc"
	    "cher.example" },
	{ SLICE_LITERAL("a@stra\xc3\x9f"
			"e.example"),
	    "a@xn--strae-oqa.example",
	    "stra\xc3\x9f"
	    "e.example" },
	{ SLICE_LITERAL(L64 "@contoso.com"), L64 "@contoso.com", "contoso.com" },
	{ SLICE_LITERAL(L64 "x@contoso.com"), NULL, NULL },
	{ SLICE_LITERAL(""), NULL, NULL },
	{ SLICE_LITERAL(" "), NULL, NULL },
	{ SLICE_LITERAL("nora"), NULL, NULL },
	{ SLICE_LITERAL("@contoso.com"), NULL, NULL },
	{ SLICE_LITERAL("nora@"), NULL, NULL },
	{ SLICE_LITERAL("a@b@c"), NULL, NULL },
	{ SLICE_LITERAL("\"a@b\"@contoso.com"), NULL, NULL },
	{ SLICE_LITERAL("\"a b\"@contoso.com"), NULL, NULL },
	{ SLICE_LITERAL("a b@contoso.com"), NULL, NULL },
	{ SLICE_LITERAL("a,b@contoso.com"), NULL, NULL },
	{ SLICE_LITERAL("<a@contoso.com>"), NULL, NULL },
	{ SLICE_LITERAL(".a@contoso.com"), NULL, NULL },
	{ SLICE_LITERAL("a.@contoso.com"), NULL, NULL },
	{ SLICE_LITERAL("a..b@contoso.com"), NULL, NULL },
	{ SLICE_LITERAL("a@.contoso.com"), NULL, NULL },
	{ SLICE_LITERAL("a@contoso..com"), NULL, NULL },
	{ SLICE_LITERAL("a@contoso.com.."), NULL, NULL },
	{ SLICE_LITERAL("a@."), NULL, NULL },
	{ SLICE_LITERAL("a@con_toso.com"), NULL, NULL },
	{ SLICE_LITERAL("a@-contoso.com"), NULL, NULL },
	{ SLICE_LITERAL("a@contoso-.com"), NULL, NULL },
	{ SLICE_LITERAL("a@contoso.com/x"), NULL, NULL },
	{ SLICE_LITERAL("a@[192.0.2.1]"), NULL, NULL },
	{ SLICE_LITERAL("a@192.0.2.1"), NULL, NULL },
	{ SLICE_LITERAL("a@0x7f.1"), NULL, NULL },
	{ SLICE_LITERAL("a@xn--.com"), NULL, NULL },
	{ SLICE_LITERAL("a@xn--\xc3\xbc.com"), NULL, NULL },
	{ SLICE_LITERAL("a\0b@contoso.com"), NULL, NULL },
	{ SLICE_LITERAL("a@con\0toso.com"), NULL, NULL },
	{ SLICE_LITERAL("a\x01@contoso.com"), NULL, NULL },
	{ SLICE_LITERAL("a\x7f@contoso.com"), NULL, NULL },
	{ SLICE_LITERAL("a\xc2\x9b@contoso.com"), NULL, NULL },
	{ SLICE_LITERAL("a\xff@contoso.com"), NULL, NULL },
	{ SLICE_LITERAL("a\xc3@contoso.com"), NULL, NULL },
	{ SLICE_LITERAL("a\xed\xa0\x80@contoso.com"), NULL, NULL },
	{ SLICE_LITERAL("a@con\xfftoso.com"), NULL, NULL },
	{ SLICE_LITERAL("a@" L63 "." L63 "." L63 ".example"), "a@" L63 "." L63 "." L63 ".example",
	    L63 "." L63 "." L63 ".example" },
	{ SLICE_LITERAL("a@" L64 ".example"), NULL, NULL },
	{ SLICE_LITERAL(L63 "@" L63 "." L63 "." L63), NULL, NULL },
};

static void
test_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(address_rows); i++) {
		struct arena *mem = arena_new(64 * 1024);
		struct usher_error err = { 0 };
		struct address a = { 0 };
		usher_status st = address_parse(mem, address_rows[i].text, &a, &err);
		const char *name = address_rows[i].text.p;

		if (address_rows[i].key == NULL) {
			if (st != USHER_E_ADDRESS || err.status != st || err.message[0] == '\0')
				fail_msg("row %zu (%s) was taken as %s", i, name,
				    st == USHER_OK ? a.key : usher_status_name(st));
			if (a.text != NULL)
				fail_msg("row %zu (%s) wrote its result", i, name);
		} else {
			if (st != USHER_OK)
				fail_msg("row %zu (%s): %s", i, name, err.message);
			if (strcmp(a.key, address_rows[i].key) != 0)
				fail_msg("row %zu (%s) gave %s", i, name, a.key);
			if (strcmp(a.domain_text, address_rows[i].domain_text) != 0)
				fail_msg("row %zu (%s) shows %s", i, name, a.domain_text);
		}
		arena_free(mem);
	}
}

static void
test_keeps_case_of_local_part(void **state)
{
	struct arena *mem = arena_new(4096);
	struct address a;

	(void)state;
	assert_int_equal(address_parse(mem, slice_of("Nora@Contoso.Com"), &a, NULL), USHER_OK);
	assert_string_equal(a.text, "Nora@contoso.com");
	assert_string_equal(a.local, "Nora");
	assert_string_equal(a.domain, "contoso.com");
	arena_free(mem);
}

static const struct {
	const char *text;
	const char *want; /* NULL: refused */
} domain_rows[] = {
	{ "example", "example" },
	{ "Mail.Example.", "mail.example" },
	{ "r3---sn-abc.example", "r3---sn-abc.example" },
	{ "3com.example", "3com.example" },
	{ "\xe4\xbe\x8b\xe3\x80\x82\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "xn--fsq.xn--zckzah" },
	{ "xn--fsq.\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "xn--fsq.xn--zckzah" },
	{ "\xef\xbc\x85.example", NULL },			       /* maps to % */
	{ "\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.\xef\xbc\x91", NULL }, /* maps to 127.1 */
	{ "", NULL },
	{ ".", NULL },
	{ "a b.example", NULL },
	{ "a:b", NULL },
	{ "*.example", NULL },
	{ "127.0.0.1", NULL },
	{ "example.0x", NULL },
};

static void
test_domains(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(domain_rows); i++) {
		struct arena *mem = arena_new(64 * 1024);
		const char *got = "(refused)";
		const char *want = domain_rows[i].want;
		usher_status st = domain_parse(mem, slice_of(domain_rows[i].text), &got, NULL);

		if (st != (want == NULL ? USHER_E_ADDRESS : USHER_OK) ||
		    (want != NULL && strcmp(got, want) != 0))
			fail_msg("%s gave %s", domain_rows[i].text, got);
		arena_free(mem);
	}
}

static void
test_public_suffixes(void **state)
{
	static const struct {
		const char *domain;
		bool suffix;
		const char *registrable;
	} rows[] = {
		{ "com", true, NULL },
		{ "co.uk", true, NULL },
		{ "localhost", true, NULL },
		{ "example.com", false, "example.com" },
		{ "a.b.example.co.uk", false, "example.co.uk" },
		{ "corp.local", false, "corp.local" },
		{ "xn--55qx5d.cn", true, NULL },
		{ "mail.xn--bcher-kva.de", false, "xn--bcher-kva.de" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *got = domain_registrable(rows[i].domain);

		if (domain_is_public_suffix(rows[i].domain) != rows[i].suffix)
			fail_msg("%s: public suffix or not", rows[i].domain);
		if (rows[i].registrable == NULL ?
			got != NULL :
			got == NULL || strcmp(got, rows[i].registrable) != 0)
			fail_msg("%s: registrable part %s", rows[i].domain, got);
	}
	assert_true(domain_same_site("autodiscover.example.com", "Example.com"));
	assert_false(domain_same_site("example.com", "example.org"));
	assert_false(domain_same_site("co.uk", "co.uk"));
}

static void
test_patterns(void **state)
{
	static const struct {
		const char *pattern, *host;
		bool match;
	} rows[] = {
		{ "mail.example", "MAIL.example", true },
		{ "*.example", "mail.example", true },
		{ "*.Example", "mail.EXAMPLE", true },
		{ "*.example", "a.mail.example", false },
		{ "*.example", "example", false },
		{ "*.example", ".example", false },
		{ "m*.example", "mail.example", false },
		{ "*", "mail", false },
		{ "", "", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (domain_matches(rows[i].pattern, rows[i].host) != rows[i].match)
			fail_msg("%s against %s", rows[i].pattern, rows[i].host);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_keeps_case_of_local_part),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_public_suffixes),
		cmocka_unit_test(test_patterns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
