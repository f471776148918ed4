/* test_subject.c - names of certificates as administrators type them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "cert/inspect.h"
#include "cert/names.h"
#include "cert/subject.h"

static struct arena *mem;

static int
setup(void **state)
{
	(void)state;
	mem = arena_new(16 * 1024 * 1024);
	return mem == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(mem);
	return 0;
}

static void
test_subjects(void **state)
{
	/* What comes back, or NULL and a part of the message. */
	static const struct {
		const char *typed, *wanted, *message;
	} rows[] = {
		{ "", "", NULL },
		{ "CN=mail.contoso.com", "CN=mail.contoso.com", NULL },
		/* the white paper's, root first */
		{ "c=US, o=Contoso, cn=mail.contoso.com", "CN=mail.contoso.com,O=Contoso,C=US",
		    NULL },
		{ "c=ES, o=Diversión de Bicicleta, cn=mail.fabrikam.com",
		    "CN=mail.fabrikam.com,O=Diversión de Bicicleta,C=ES", NULL },
		{ "C=US,S=WA,L=Redmond,O=Contoso,OU=IT,CN=a",
		    "CN=a,OU=IT,O=Contoso,L=Redmond,ST=WA,C=US", NULL },
		{ "DC=com,DC=contoso,CN=a", "CN=a,DC=contoso,DC=com", NULL },
		/* RFC 4514's, leaf first */
		{ "CN=a,O=Contoso,C=US", "CN=a,O=Contoso,C=US", NULL },
		{ "CN=a, O=Contoso , C=us", "CN=a,O=Contoso,C=US", NULL },
		{ "CN=a,DC=contoso,DC=com", "CN=a,DC=contoso,DC=com", NULL },
		{ "E=it@contoso.com,CN=a,C=US", "emailAddress=it@contoso.com,CN=a,C=US", NULL },
		{ "OU=a,OU=b", "OU=a,OU=b", NULL },
		{ "CN=a;O=b;C=US", "CN=a,O=b,C=US", NULL },
		/* several attributes in one RDN */
		{ "OU=Sales+CN=J.  Smith,O=Contoso", "CN=J.  Smith+OU=Sales,O=Contoso", NULL },
		/* whose order is DER's */
		{ "O=Contoso,OU=Sales + CN=a", "OU=Sales+CN=a,O=Contoso", NULL },
		{ "OU=c,OU=b+CN=a", "OU=b+CN=a,OU=c", NULL },
		/* escapes, quotes, hexadecimal */
		{ "CN=a,O=Contoso\\, Ltd.", "CN=a,O=Contoso\\, Ltd.", NULL },
		{ "CN=a,O=\"Contoso, Ltd.\"", "CN=a,O=Contoso\\, Ltd.", NULL },
		{ "CN=a,O=\"Con\"\"toso\"", "CN=a,O=Con\\\"toso", NULL },
		{ "CN=a,O=\\ b\\ ", "CN=a,O=\\ b\\ ", NULL },
		{ "CN=Lu\\C4\\8Di\\C4\\87", "CN=Lučić", NULL },
		{ "CN=a,O=\\#1", "CN=a,O=\\#1", NULL },
		{ "CN=#0C0161,O=x", "CN=a,O=x", NULL },
		{ "1.3.6.1.4.1.99999.1=abc,CN=a", "1.3.6.1.4.1.99999.1=#0C03616263,CN=a", NULL },
		{ "1.3.6.1.4.1.99999.1=#0C03616263,CN=a", "1.3.6.1.4.1.99999.1=#0C03616263,CN=a",
		    NULL },
		{ "OID.2.5.4.3=a", "CN=a", NULL },
		{ "2.5.4.97=VATDE-123,CN=a", "organizationIdentifier=VATDE-123,CN=a", NULL },
		{ "organizationIdentifier=VATDE-123,CN=a", "organizationIdentifier=VATDE-123,CN=a",
		    NULL },
		{ "CN=a=b", "CN=a=b", NULL },
		/* refused */
		{ "mail.contoso.com", NULL, "TYPE=VALUE" },
		{ "CN=a,Ltd.", NULL, "a comma within a value" },
		{ "CN=", NULL, "no value" },
		{ "CN=a,", NULL, "missing behind it" },
		{ "CN=a+", NULL, "missing behind it" },
		{ "CN=\"a", NULL, "backslash" },
		{ "CN=\"a\"b", NULL, "backslash" },
		{ "CN=a\\", NULL, "backslash" },
		{ "CN=a\\x", NULL, "backslash" },
		{ "CN=#00", NULL, "backslash" },
		{ "CN=#0C02", NULL, "backslash" },
		{ "CN=a\\00b", NULL, "control" },
		{ "CN=a\\FF", NULL, "UTF-8" },
		{ "X=a", NULL, "not a type" },
		{ "1.2.a=b", NULL, "not a type" },
		{ "C=USA,CN=a", NULL, "two letters" },
		{ "C=\"U,\",CN=a", NULL, "two letters" },
		{ "E=ä@b,CN=a", NULL, "ASCII" },
		{ "/C=US/CN=a", NULL, "slashes" },
		{ "CN=a123456789012345678901234567890123456789012345678901234567890123.com", NULL,
		    "longer than 64" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct usher_error err = { 0 };
		struct subject s;
		const char *text = NULL;
		usher_status st = subject_parse(mem, slice_of(rows[i].typed), &s, &err);

		if (st == USHER_OK)
			st = subject_text(mem, &s, &text, &err);
		if ((st == USHER_OK) != (rows[i].wanted != NULL))
			fail_msg("%s: %s: %s", rows[i].typed, usher_status_name(st), err.message);
		if (st != USHER_OK && strstr(err.message, rows[i].message) == NULL)
			fail_msg(
			    "%s: no `%s` in `%s`", rows[i].typed, rows[i].message, err.message);
		if (st == USHER_OK && strcmp(text, rows[i].wanted) != 0)
			fail_msg("%s: `%s` is not `%s`", rows[i].typed, text, rows[i].wanted);
	}
}

static void
test_common_name(void **state)
{
	struct subject s;
	const char *const longest =
	    "a23456789.123456789.123456789.123456789.123456789.123456789.1234";

	(void)state;
	assert_int_equal(subject_parse(mem, slice_of("CN=leaf,CN=root,C=US"), &s, NULL), USHER_OK);
	assert_string_equal(subject_common_name(&s), "leaf");
	assert_int_equal(subject_parse(mem, slice_of("O=x"), &s, NULL), USHER_OK);
	assert_null(subject_common_name(&s));
	assert_int_equal(subject_of_host(mem, longest, &s, NULL), USHER_OK);
	assert_string_equal(subject_common_name(&s), longest);
	assert_int_equal(subject_of_host(mem, arena_join(mem, "b", longest), &s, NULL), USHER_OK);
	assert_int_equal(s.n, 0);
}

static void
test_names(void **state)
{
	/* What comes back, or NULL and a part of the message; and whether no public CA takes it. */
	static const struct {
		const char *typed, *wanted, *message;
		bool private;
	} rows[] = {
		{ "mail.contoso.com", "mail.contoso.com", NULL, false },
		{ " Mail.Contoso.COM. ", "mail.contoso.com", NULL, false },
		{ "bücher.de", "xn--bcher-kva.de", NULL, false },
		{ "*.Bücher.de", "*.xn--bcher-kva.de", NULL, false },
		{ "xn--bcher-kva.de", "xn--bcher-kva.de", NULL, false },
		{ "*.contoso.com", "*.contoso.com", NULL, false },
		{ "cas01", "cas01", NULL, true },
		{ "cas_01.Contoso.com.", "cas_01.contoso.com", NULL, true },
		{ "_dmarc.contoso.com", "_dmarc.contoso.com", NULL, true },
		{ "mail.contoso.local", "mail.contoso.local", NULL, true },
		{ "8.8.8.8", "8.8.8.8", NULL, false },
		{ "192.168.1.10", "192.168.1.10", NULL, true },
		{ "[FD00::0:1]", "fd00::1", NULL, true },
		{ "2606:4700::1111", "2606:4700::1111", NULL, false },
		{ "", NULL, "empty", false },
		{ "*", NULL, "whole first label", false },
		{ "*.*.contoso.com", NULL, "whole first label", false },
		{ "mail.*.contoso.com", NULL, "whole first label", false },
		{ "mail*.contoso.com", NULL, "whole first label", false },
		{ "*.com", NULL, "many owners", false },
		{ "*.co.uk", NULL, "many owners", false },
		{ "*.local", NULL, "many owners", false },
		{ "*.10.0.0.1", NULL, "wildcards", false },
		{ "https://mail.contoso.com/owa", NULL, "no host name", false },
		{ "ann@contoso.com", NULL, "no host name", false },
		{ "a b.contoso.com", NULL, "character", false },
		{ "-a.contoso.com", NULL, "'-'", false },
		{ "a..contoso.com", NULL, "empty label", false },
		{ "300.1.1.1", NULL, "number", false },
		{ "bü_cher.de", NULL, "", false },
		{ "a\nb.de", NULL, "control", false },
		{ "a,DNS:b.de", NULL, "character", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct usher_error err = { 0 };
		const char *name = NULL;
		usher_status st = cert_name_parse(mem, slice_of(rows[i].typed), &name, &err);

		if ((st == USHER_OK) != (rows[i].wanted != NULL))
			fail_msg("%s: %s: %s", rows[i].typed, usher_status_name(st), err.message);
		if (st != USHER_OK && strstr(err.message, rows[i].message) == NULL)
			fail_msg(
			    "%s: no `%s` in `%s`", rows[i].typed, rows[i].message, err.message);
		if (st != USHER_OK)
			continue;
		if (strcmp(name, rows[i].wanted) != 0)
			fail_msg("%s: `%s` is not `%s`", rows[i].typed, name, rows[i].wanted);
		if ((cert_name_private(name) != NULL) != rows[i].private)
			fail_msg("%s: %s", name, cert_name_private(name));
	}
}

static void
test_list_of_names(void **state)
{
	const char *v[CERT_NAMES_MAX + 2] = { "b.example", "A.example", "a.example.", "b.EXAMPLE" };
	struct text_list typed = { v, 4 }, out;

	(void)state;
	assert_int_equal(cert_names_parse(mem, &typed, &out, NULL), USHER_OK);
	assert_int_equal(out.n, 2);
	assert_string_equal(out.v[0], "b.example");
	assert_string_equal(out.v[1], "a.example");

	for (size_t i = 0; i <= CERT_NAMES_MAX; i++)
		v[i] = arena_printf(mem, "host%zu.contoso.com", i);
	v[CERT_NAMES_MAX + 1] = v[0];
	typed.n = 500;
	assert_int_equal(cert_names_parse(mem, &typed, &out, NULL), USHER_OK);
	assert_int_equal(out.n, 500);
	typed.n = CERT_NAMES_MAX;
	assert_int_equal(cert_names_parse(mem, &typed, &out, NULL), USHER_OK);
	typed.n = CERT_NAMES_MAX + 1;
	assert_int_equal(cert_names_parse(mem, &typed, &out, NULL), USHER_E_LIMIT);
	v[CERT_NAMES_MAX] = v[0];
	typed.n = CERT_NAMES_MAX + 2;
	assert_int_equal(cert_names_parse(mem, &typed, &out, NULL), USHER_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_subjects),
		cmocka_unit_test(test_common_name),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_list_of_names),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
