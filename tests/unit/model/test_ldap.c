/* test_ldap.c - looking into entries, and values in the syntax of filters and DNs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/text.h"
#include "model/ldap.h"

#define VALUE(text) \
	{ \
		(text), sizeof(text) - 1 \
	}

static void
test_escapes(void **state UNUSED)
{
	static const struct {
		struct slice value;
		const char *filter, *dn;
	} rows[] = {
		{ VALUE("amy@contoso.com"), "amy@contoso.com", "amy@contoso.com" },
		{ VALUE(""), "", "" },
		{ VALUE("*"), "\\2a", "*" },
		{ VALUE("a)(uid=*"), "a\\29\\28uid=\\2a", "a)(uid\\3d*" },
		{ VALUE("a\\b"), "a\\5cb", "a\\5cb" },
		{ VALUE("a\0b"), "a\\00b", "a\\00b" },
		{ VALUE("M\xc3\xbcnchen"), "M\xc3\xbcnchen", "M\xc3\xbcnchen" },
		{ VALUE("\xff"), "\\ff", "\\ff" },
		{ VALUE(" a "), " a ", "\\20a\\20" },
		{ VALUE(" "), " ", "\\20" },
		{ VALUE("#1, \"x\"+y;<z>"), "#1, \"x\"+y;<z>",
		    "\\231\\2c \\22x\\22\\2by\\3b\\3cz\\3e" },
		{ VALUE("a\r\nb"), "a\\0d\\0ab", "a\\0d\\0ab" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b = { .max = 1024 };

		ldap_escape(&b, rows[i].value);
		assert_string_equal(buf_cstr(&b), rows[i].filter);
		buf_reset(&b);
		ldap_escape_dn(&b, rows[i].value);
		assert_string_equal(buf_cstr(&b), rows[i].dn);
		buf_clear(&b);
	}
}

static void
test_entry(void **state UNUSED)
{
	static const struct slice mail[] = { VALUE("a@b.example"), VALUE("c@d.example") };
	static const struct slice guid[] = { VALUE("1\0002") };
	static const struct ldap_attribute attributes[] = { { "mail", mail, 2 },
		{ "objectGUID;binary", guid, 1 }, { "empty", NULL, 0 } };
	static const struct ldap_entry entry = { "cn=a", attributes, 3 };
	struct arena *mem = arena_new(4096);

	assert_ptr_equal(ldap_attribute_of(&entry, "MAIL"), &attributes[0]);
	assert_ptr_equal(ldap_attribute_of(&entry, "objectguid"), &attributes[1]);
	assert_null(ldap_attribute_of(&entry, "mai"));
	assert_string_equal(ldap_text_of(mem, &entry, "mail"), "a@b.example");
	assert_null(ldap_text_of(mem, &entry, "objectGUID"));
	assert_null(ldap_text_of(mem, &entry, "empty"));
	assert_null(ldap_text_of(mem, &entry, "absent"));
	arena_free(mem);
}

static void
test_dn(void **state UNUSED)
{
	static const struct {
		const char *dn, *name, *parent;
	} rows[] = {
		{ "CN=Pier,CN=Sites", "Pier", "CN=Sites" },
		{ "CN=a\\, b\\5cc\\20 , DC=x", "a, b\\c ", "DC=x" },
		{ "CN=M\\c3\\bcnchen", "M\xc3\xbcnchen", "" },
		{ "CN=a\\", "a\\", "" },
		{ "CN=", "", "" },
		{ "", NULL, "" },
		{ "Pier,CN=Sites", NULL, "CN=Sites" },
	};
	static const struct {
		const char *a, *b;
		bool same, below;
	} pairs[] = {
		{ "CN=Ann,DC=x", "cn = ann, dc=X", true, true },
		{ "CN=Ann Q,DC=x", "CN=AnnQ,DC=x", false, false },
		{ "CN=Ann,OU=y,DC=x", "DC=x", false, true },
		{ "DC=x", "CN=Ann,DC=x", false, false },
		{ "CN=Ann\\,DC=x", "DC=x", false, false },
		{ "DC=x", "", false, true },
		{ "", "", true, true },
	};
	struct arena *mem = arena_new(4096);

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *name = ldap_dn_name(mem, rows[i].dn);

		if (rows[i].name == NULL)
			assert_null(name);
		else
			assert_string_equal(name, rows[i].name);
		assert_string_equal(ldap_dn_parent(rows[i].dn), rows[i].parent);
	}
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		assert_int_equal(ldap_dn_same(pairs[i].a, pairs[i].b), pairs[i].same);
		assert_int_equal(ldap_dn_same(pairs[i].b, pairs[i].a), pairs[i].same);
		assert_int_equal(ldap_dn_below(pairs[i].a, pairs[i].b), pairs[i].below);
	}
	arena_free(mem);
}

static void
test_places(void **state UNUSED)
{
	static const struct {
		const char *text, *place, *host, *domain;
		uint16_t port;
	} rows[] = {
		{ "ldap://dc1.harbour.example", "ldap://dc1.harbour.example", "dc1.harbour.example",
		    NULL, 389 },
		{ " LDAP://DC1.Harbour.Example:389/x?y ", "ldap://dc1.harbour.example",
		    "dc1.harbour.example", NULL, 389 },
		{ "ldap://dc1.harbour.example:3268", "ldap://dc1.harbour.example:3268",
		    "dc1.harbour.example", NULL, 3268 },
		{ "LdapS://10.0.0.1", "ldaps://10.0.0.1", "10.0.0.1", NULL, 636 },
		{ "ldaps://[2001:db8::1]:389", "ldaps://[2001:db8::1]:389", "2001:db8::1", NULL,
		    389 },
		{ "ldap:///DC=harbour,dc=Example", "ldap:///DC=harbour,DC=example", NULL,
		    "harbour.example", 389 },
		{ "ldap://", NULL, NULL, NULL, 0 },
		{ "ldap:///", NULL, NULL, NULL, 0 },
		{ "ldaps:///DC=a", NULL, NULL, NULL, 0 },
		{ "ldap:///CN=Configuration,DC=a", NULL, NULL, NULL, 0 },
		{ "ldap://a b", NULL, NULL, NULL, 0 },
		{ "ldap://a:0", NULL, NULL, NULL, 0 },
		{ "ldap://a:65536", NULL, NULL, NULL, 0 },
		{ "ldap://[::1", NULL, NULL, NULL, 0 },
		{ "ldap://[::1]x", NULL, NULL, NULL, 0 },
		{ "ldap://[a.example]", NULL, NULL, NULL, 0 },
		{ "ldapi://%2frun%2fldapi", NULL, NULL, NULL, 0 },
		{ "https://a.example", NULL, NULL, NULL, 0 },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *mem = arena_new(4096);
		struct ldap_place p = { 0 };
		usher_status st = ldap_place_read(mem, slice_of(rows[i].text), &p);

		if (!text_same(p.text, rows[i].place) || !text_same(p.host, rows[i].host) ||
		    !text_same(p.domain, rows[i].domain) || p.port != rows[i].port ||
		    st != (rows[i].place == NULL ? USHER_E_INPUT : USHER_OK))
			fail_msg("%s: %s, status %d", rows[i].text, p.text, (int)st);
		arena_free(mem);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_entry),
		cmocka_unit_test(test_dn),
		cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
