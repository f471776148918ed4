/* test_url.c - URLs are taken, written and resolved as RFC 3986 says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/compat.h"
#include "base/url.h"

static const struct {
	const char *text;
	const char *canonical; /* NULL: refused */
	const char *shape;     /* host port flags: U userinfo, P explicit port, I IP literal */
} rows[] = {
	{ "https://mail.example", "https://mail.example/", "mail.example 443 ---" },
	{ "HTTPS://Mail.EXAMPLE/EWS/Exchange.asmx", "https://mail.example/EWS/Exchange.asmx",
	    "mail.example 443 ---" },
	{ "http://mail.example:80/", "http://mail.example/", "mail.example 80 -P-" },
	{ "http://mail.example:443/", "http://mail.example:443/", "mail.example 443 -P-" },
	{ "https://mail.example:/x", "https://mail.example/x", "mail.example 443 ---" },
	{ "https://mail.example:8443?a=b#c", "https://mail.example:8443/?a=b",
	    "mail.example 8443 -P-" },
	{ "https://mail.example/?", "https://mail.example/?", "mail.example 443 ---" },
	{ "https://user:pw@mail.example/", "https://mail.example/", "mail.example 443 U--" },
	{ "https://a@b@mail.example/", "https://mail.example/", "mail.example 443 U--" },
	{ "https://good.example#@evil.example/", "https://good.example/", "good.example 443 ---" },
	{ "https://192.0.2.1/", "https://192.0.2.1/", "192.0.2.1 443 --I" },
	{ "https://[2001:DB8:0::1]:444/", "https://[2001:db8::1]:444/", "2001:db8::1 444 -PI" },
	{ "https://[::1]/", "https://[::1]/", "::1 443 --I" },
	{ "https://b\xc3\xbc"
	  "cher.example/",
	    "https://xn--bcher-kva.example/", "xn--bcher-kva.example 443 ---" },
	{ "https://mail.example./", "https://mail.example/", "mail.example 443 ---" },
	{ "https://mail.example/../a/./b//c", "https://mail.example/../a/./b//c",
	    "mail.example 443 ---" },
	{ "https://mail.example/\xc3\xbc?<x>", "https://mail.example/%C3%BC?%3Cx%3E",
	    "mail.example 443 ---" },
	{ "https://mail.example/%41%zz", "https://mail.example/%41%zz", "mail.example 443 ---" },
	{ "", NULL, NULL },
	{ "mail.example", NULL, NULL },
	{ "//mail.example/", NULL, NULL },
	{ "/autodiscover", NULL, NULL },
	{ "ftp://mail.example/", NULL, NULL },
	{ "javascript:alert(1)", NULL, NULL },
	{ "https:mail.example/", NULL, NULL },
	{ "https:/mail.example/", NULL, NULL },
	{ "https://", NULL, NULL },
	{ "https:///path", NULL, NULL },
	{ "https://user@/", NULL, NULL },
	{ "https://:443/", NULL, NULL },
	{ "https://mail.example:0/", NULL, NULL },
	{ "https://mail.example:65536/", NULL, NULL },
	{ "https://mail.example:44x/", NULL, NULL },
	{ "https://mail.example:+44/", NULL, NULL },
	{ "https://a:b:443/", NULL, NULL },
	{ "https://2001:db8::1/", NULL, NULL },
	{ "https://[::1/", NULL, NULL },
	{ "https://[::1]x/", NULL, NULL },
	{ "https://[fe80::1%25eth0]/", NULL, NULL },
	{ "https://[mail.example]/", NULL, NULL },
	{ "https://127.1/", NULL, NULL },
	{ "https://0x7f000001/", NULL, NULL },
	{ "https://2130706433/", NULL, NULL },
	{ "https://mail%2eexample/", NULL, NULL },
	{ "https://ma_il.example/", NULL, NULL },
	{ "https://mail..example/", NULL, NULL },
	{ "https://mail.example/a b", NULL, NULL },
	{ " https://mail.example/", NULL, NULL },
	{ "https://mail.example\\@evil.example/", NULL, NULL },
	{ "https://mail.example/\r\nX: y", NULL, NULL },
	{ "https://mail.example/\xff", NULL, NULL },
};

static void
describe(char *out, size_t n, const struct url *u)
{
	(void)snprintf(out, n, "%s %u %c%c%c", u->host, (unsigned)u->port, u->userinfo ? 'U' : '-',
	    u->explicit_port ? 'P' : '-', u->ip_literal ? 'I' : '-');
}

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *mem = arena_new(64 * 1024);
		struct usher_error err = { 0 };
		struct url u = { 0 };
		struct url again;
		char shape[300];
		usher_status st = url_parse(mem, slice_of(rows[i].text), &u, &err);

		if (rows[i].canonical == NULL) {
			if (st != USHER_E_INPUT || err.status != USHER_E_INPUT)
				fail_msg("%s was taken", rows[i].text);
			arena_free(mem);
			continue;
		}
		if (st != USHER_OK)
			fail_msg("%s: %s", rows[i].text, err.message);
		describe(shape, sizeof(shape), &u);
		if (strcmp(u.text, rows[i].canonical) != 0 || strcmp(shape, rows[i].shape) != 0)
			fail_msg("%s gave %s, %s", rows[i].text, u.text, shape);
		assert_int_equal(url_parse(mem, slice_of(u.text), &again, NULL), USHER_OK);
		assert_true(url_same(&u, &again));
		arena_free(mem);
	}
}

static void
test_nul_and_length(void **state)
{
	char text[URL_MAX_BYTES + 2];
	struct arena *mem = arena_new(64 * 1024);
	struct url u;

	(void)state;
	assert_int_equal(
	    url_parse(mem, SLICE_LITERAL("https://a.example/\0b"), &u, NULL), USHER_E_INPUT);
	memset(text, 'a', sizeof(text));
	memcpy(text, "https://", 8);
	memcpy(text + 8, "mail.example/", 13);
	assert_int_equal(url_parse(mem, slice_from(text, URL_MAX_BYTES), &u, NULL), USHER_OK);
	assert_int_equal(
	    url_parse(mem, slice_from(text, URL_MAX_BYTES + 1), &u, NULL), USHER_E_INPUT);
	/* Fits as written, but not when what stands for one byte is %XX. */
	text[100] = '<';
	assert_int_equal(url_parse(mem, slice_from(text, URL_MAX_BYTES), &u, NULL), USHER_E_INPUT);
	arena_free(mem);
}

static void
test_resolve(void **state)
{
	static const struct {
		const char *reference;
		const char *want; /* NULL: refused */
	} cases[] = {
		/* RFC 3986, 5.4, for a base of http://a/b/c/d;p?q */
		{ "g", "http://a/b/c/g" },
		{ "./g", "http://a/b/c/g" },
		{ "g/", "http://a/b/c/g/" },
		{ "/g", "http://a/g" },
		{ "//g", "http://g/" },
		{ "?y", "http://a/b/c/d;p?y" },
		{ "g?y", "http://a/b/c/g?y" },
		{ "#s", "http://a/b/c/d;p?q" },
		{ "g?y#s", "http://a/b/c/g?y" },
		{ ";x", "http://a/b/c/;x" },
		{ "", "http://a/b/c/d;p?q" },
		{ ".", "http://a/b/c/" },
		{ "./", "http://a/b/c/" },
		{ "..", "http://a/b/" },
		{ "../g", "http://a/b/g" },
		{ "../..", "http://a/" },
		{ "../../../../g", "http://a/g" },
		{ "/./g", "http://a/g" },
		{ "/../g", "http://a/g" },
		{ "g.", "http://a/b/c/g." },
		{ "..g", "http://a/b/c/..g" },
		{ "./g/.", "http://a/b/c/g/" },
		{ "g/../h", "http://a/b/c/h" },
		{ "g?y/../x", "http://a/b/c/g?y/../x" },
		{ "https://mail.example/autodiscover/autodiscover.xml",
		    "https://mail.example/autodiscover/autodiscover.xml" },
		{ "https://mail.example/a/../b", "https://mail.example/b" },
		{ "//u@mail.example:8080/x", "http://mail.example:8080/x" },
		{ "http:g", NULL },
		{ "ftp://a/", NULL },
		{ "g h", NULL },
		{ "///x", NULL },
	};
	struct arena *mem = arena_new(256 * 1024);
	struct url base, got;

	(void)state;
	assert_int_equal(url_parse(mem, slice_of("http://a/b/c/d;p?q"), &base, NULL), USHER_OK);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		usher_status st = url_resolve(mem, &base, slice_of(cases[i].reference), &got, NULL);

		if (cases[i].want == NULL ? st != USHER_E_INPUT :
					    st != USHER_OK || strcmp(got.text, cases[i].want) != 0)
			fail_msg("%s gave %s", cases[i].reference,
			    st == USHER_OK ? got.text : usher_status_name(st));
	}
	arena_free(mem);
}

static void
test_same(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "https://a.example/Autodiscover/X", "https://A.example:443/autodiscover/x",
		    true },
		{ "https://a.example/", "http://a.example/", false },
		{ "https://a.example/", "https://a.example:444/", false },
		{ "https://a.example/?q", "https://a.example/?Q", false },
		{ "https://a.example/?", "https://a.example/", false },
	};
	struct arena *mem = arena_new(64 * 1024);
	struct url a, b;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(url_parse(mem, slice_of(cases[i].a), &a, NULL), USHER_OK);
		assert_int_equal(url_parse(mem, slice_of(cases[i].b), &b, NULL), USHER_OK);
		if (url_same(&a, &b) != cases[i].same)
			fail_msg("%s and %s", cases[i].a, cases[i].b);
	}
	arena_free(mem);
}

static void
test_escapes(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	url_escape(&b, slice_of("a+b c/\xc3\xbc~"));
	assert_string_equal(buf_cstr(&b), "a%2Bb%20c%2F%C3%BC~");
	buf_reset(&b);
	url_mailto(&b, "a+b@c-d.example");
	assert_string_equal(buf_cstr(&b), "mailto:a%2Bb@c-d.example");
	buf_reset(&b);
	assert_true(url_unescape(&b, slice_of("a%2bb+%C3%BC")));
	assert_string_equal(buf_cstr(&b), "a+b+\xc3\xbc");
	assert_false(url_unescape(&b, slice_of("%4")));
	assert_false(url_unescape(&b, slice_of("%4g")));
	assert_false(url_unescape(&b, slice_of("%00")));
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_nul_and_length),
		cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_escapes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
