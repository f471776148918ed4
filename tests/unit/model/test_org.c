/* test_org.c - which records are taken and how they are put into form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "model/org.h"

/* A record written as `member=value;member=value`; lists are separated by `,`. */
static void
fill(struct arena *mem, const struct entity *e, const char *text, void *record)
{
	struct slice rest = slice_of(text);

	record_init(&e->table, record);
	while (rest.n > 0) {
		struct slice part = slice_from(rest.p, slice_find(rest, ';'));
		size_t eq = slice_find(part, '=');
		const struct field *f =
		    field_find(&e->table, arena_copy(mem, slice_from(part.p, eq)));
		struct slice value = slice_skip(part, eq + 1);
		const char **v;
		uint64_t number;

		rest = slice_skip(rest, part.n + 1);
		if (f == NULL)
			fail_msg("no such member: %s", text);
		switch (f->type) {
		case FIELD_TEXT:
			field_set_text(f, record, arena_copy(mem, value));
			break;
		case FIELD_NUMBER:
			assert_true(text_number(value, 0, INT64_MAX, &number));
			field_set_number(f, record, (int64_t)number);
			break;
		case FIELD_SWITCH:
			field_set_switch(f, record, slice_is(value, "on") ? TRI_ON : TRI_OFF);
			break;
		case FIELD_CHOICE:
			assert_true(field_set_choice(f, record, value));
			break;
		case FIELD_LIST:
			v = arena_array(mem, 16, sizeof(*v));
			number = 0;
			while (value.n > 0) {
				struct slice one = slice_from(value.p, slice_find(value, ','));

				v[number++] = arena_copy(mem, one);
				value = slice_skip(value, one.n + 1);
			}
			field_set_list(f, record, (struct text_list){ v, number });
			break;
		}
	}
}

#define ORG "deployment_id=4f0d3a5e-6f0a-4d3c-9b1e-2a77c1d0e8b4;"
#define CERT "thumbprint=aa:bb:cc:dd:ee:ff:00:11:22:33 44 55 66 77 88 99 00 11 22 33;"
#define PRINT "AABBCCDDEEFF0011223344556677889900112233"
#define SHA "sha256=00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF;"

static const struct {
	enum entity_id entity;
	const char *text;
	const char *want;  /* equal to this when taken; NULL: refused */
	const char *fault; /* part of the message */
} rows[] = {
	{ ENTITY_ORGANIZATION, "name=Contoso", "name=Contoso", NULL },
	{ ENTITY_ORGANIZATION, "name=Contoso;deployment_id=4F0D3A5E-6F0A-4D3C-9B1E-2A77C1D0E8B4",
	    ORG "name=Contoso", NULL },
	{ ENTITY_ORGANIZATION, "name=Contoso;deployment_id=4f0d", NULL,
	    "deployment_id: is no GUID" },
	{ ENTITY_ORGANIZATION, "name=", NULL, "name: is missing" },
	{ ENTITY_ORGANIZATION, "name=a/b", NULL, "name: must hold no '/'" },
	{ ENTITY_ORGANIZATION, "name=a\xff", NULL, "name: is not UTF-8" },
	{ ENTITY_ORGANIZATION, "name=a\nb", NULL, "name: holds control characters" },

	{ ENTITY_SITE, "name=Pier 1;subnets=192.0.2.0/24,192.0.2.9,2001:DB8::/32",
	    "name=Pier 1;subnets=192.0.2.0/24,192.0.2.9/32,2001:db8::/32", NULL },
	{ ENTITY_SITE, "name=Pier;subnets=192.0.2.0/24,192.0.2.0/24",
	    "name=Pier;subnets=192.0.2.0/24", NULL },
	{ ENTITY_SITE, "name=Pier;subnets=192.0.2.1/24", NULL, "bits set outside its mask" },
	{ ENTITY_SITE, "name=Pier;subnets=192.0.2.0/33", NULL, "is no subnet" },
	{ ENTITY_SITE, "name=Pier;subnets=192.0.2/24", NULL, "is no subnet" },
	{ ENTITY_SITE, "name=Pier;subnets=2001:db8::/129", NULL, "is no subnet" },
	{ ENTITY_SITE, "name=Pier;subnets=/8", NULL, "is no subnet" },

	{ ENTITY_SERVER, "name=MBX01;fqdn=Mbx01.Contoso.COM.;version=15.1.2507",
	    "name=MBX01;fqdn=mbx01.contoso.com;version=15.1.2507", NULL },
	{ ENTITY_SERVER, "name=a.b;fqdn=a.b", NULL, "is no server name" },
	{ ENTITY_SERVER, "name=a/b;fqdn=a.b", NULL, "is no server name" },
	{ ENTITY_SERVER, "name=MBX01", NULL, "fqdn: is missing" },
	{ ENTITY_SERVER, "name=MBX01;fqdn=a.b;version=15", NULL, "is no version" },
	{ ENTITY_SERVER, "name=MBX01;fqdn=a.b;internal_uri=mail", NULL, "internal_uri: 'mail'" },

	{ ENTITY_URL, "server=S;service=ews;internal=https://CAS/EWS/Exchange.asmx",
	    "server=S;service=ews;internal=https://cas/EWS/Exchange.asmx", NULL },
	{ ENTITY_URL,
	    "server=S;service=owa;internal_authentication=BASIC,windowsintegrated,fba,BAsic",
	    "server=S;service=owa;internal_authentication=Basic,WindowsIntegrated,Fba", NULL },
	{ ENTITY_URL, "server=S;service=owa;external_authentication=a b", NULL, "list of words" },
	{ ENTITY_URL, "server=S;external=https://u:p@cas/", NULL, "user name before the host" },
	{ ENTITY_URL, "service=ews", NULL, "server: is missing" },

	{ ENTITY_OUTLOOK_ANYWHERE, "server=S;enabled=on", NULL, "external_host: is missing" },
	{ ENTITY_OUTLOOK_ANYWHERE, "server=S;enabled=on;internal_host=rpc.example",
	    "server=S;enabled=on;internal_host=rpc.example", NULL },
	{ ENTITY_OUTLOOK_ANYWHERE, "server=S", "server=S", NULL },

	{ ENTITY_PROVIDER, "name=expr;cert_principal_name=MSSTD:*.x.example;ttl=0",
	    "name=EXPR;cert_principal_name=msstd:*.x.example;ttl=0", NULL },
	{ ENTITY_PROVIDER, "name=EXPR;cert_principal_name=None",
	    "name=EXPR;cert_principal_name=none", NULL },
	{ ENTITY_PROVIDER, "name=EXPR;cert_principal_name=", "name=EXPR", NULL },
	{ ENTITY_PROVIDER, "name=EXPR;cert_principal_name=mail.x.example", NULL,
	    "neither none nor" },
	{ ENTITY_PROVIDER, "name=EXPR;cert_principal_name=msstd:", NULL, "neither none nor" },
	{ ENTITY_PROVIDER, "name=MAPI", NULL, "none of EXCH" },
	{ ENTITY_PROVIDER, "name=EXPR;ttl=87601", NULL, "ttl: is not 0 to 87600" },

	{ ENTITY_CERTIFICATE, CERT SHA "pem=a\nb",
	    "thumbprint=AABBCCDDEEFF00112233445566778899"
	    "00112233;sha256=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff;"
	    "pem=a\nb",
	    NULL },
	{ ENTITY_CERTIFICATE, "thumbprint=12;" SHA "pem=x", NULL, "40 hexadecimal digits" },
	{ ENTITY_CERTIFICATE, CERT "sha256=12;pem=x", NULL, "64 hexadecimal digits" },
	{ ENTITY_CERTIFICATE, CERT SHA, NULL, "pem: is missing, and so is request" },
	{ ENTITY_CERTIFICATE, CERT SHA "pem=x;request=y", NULL, "cannot stand beside pem" },
	{ ENTITY_CERTIFICATE, CERT SHA "pem=x;renews=12", NULL, "renews: is no thumbprint" },
	{ ENTITY_CERTIFICATE, CERT SHA "pem=x;renews=" PRINT, NULL, "goes with request only" },
	{ ENTITY_CERTIFICATE, CERT SHA "request=x;services=https", NULL, "nothing to serve" },
	{ ENTITY_CERTIFICATE, CERT SHA "request=x;acme=ca", NULL, "acme: 'ca'" },

	{ ENTITY_AUTHORITY, "name=Harbour;" SHA "pem=x;permitted=a.example,A.example,",
	    "name=Harbour;sha256=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff;"
	    "pem=x;permitted=a.example",
	    NULL },
	{ ENTITY_AUTHORITY, "name=Harbour;" SHA, NULL, "pem: is missing" },
	{ ENTITY_AUTHORITY, "name=Harbour;sha256=12;pem=x", NULL, "64 hexadecimal digits" },

	{ ENTITY_DOMAIN,
	    "domain=B\xc3\xbc"
	    "cher.Example.;kind=mail",
	    "domain=xn--bcher-kva.example;kind=mail", NULL },
	{ ENTITY_DOMAIN, "domain=x_y.example", NULL, "domain: 'x_y.example'" },
	{ ENTITY_DOMAIN, "domain=x.example;kind=redirect-url", NULL,
	    "redirect_url: is missing: kind redirect-url needs it" },
	{ ENTITY_DOMAIN, "domain=x.example;kind=redirect-url;redirect_url=http://y.example/", NULL,
	    "must begin with https://" },
	{ ENTITY_DOMAIN, "domain=x.example;kind=redirect-url;redirect_url=https://y.example/any",
	    "domain=x.example;kind=redirect-url;redirect_url=https://y.example/any", NULL },
	{ ENTITY_DOMAIN, "domain=x.example;kind=redirect-address", NULL,
	    "redirect_domain: is missing" },
	{ ENTITY_DOMAIN, "domain=x.example;kind=redirect-address;redirect_domain=X.example", NULL,
	    "is the domain itself" },
	{ ENTITY_DOMAIN, "domain=x.example;kind=alias", NULL, "alias_of: is missing" },
	{ ENTITY_DOMAIN, "domain=x.example;kind=alias;alias_of=x.EXAMPLE", NULL,
	    "alias_of: is the domain itself" },
	{ ENTITY_DOMAIN, "domain=x.example;alias_of=y.example", NULL, "goes with kind alias only" },
	{ ENTITY_DOMAIN, "domain=x.example;ttl=5", NULL, "goes with kind mail only" },
	{ ENTITY_DOMAIN, "domain=x.example;kind=mail;server=S", NULL,
	    "goes with kind exchange only" },
	{ ENTITY_DOMAIN, "domain=x.example;host_names=Mail.X.example,192.0.2.1,mail.x.example",
	    "domain=x.example;host_names=mail.x.example,192.0.2.1", NULL },
	{ ENTITY_DOMAIN, "domain=x.example;certificate=zz", NULL, "certificate: is no thumbprint" },

	{ ENTITY_SERVICE, "domain=x.example;type=imap;host=imap.x.example",
	    "domain=x.example;type=imap;rank=1;host=imap.x.example;port=993", NULL },
	{ ENTITY_SERVICE, "domain=x.example;type=smtp;socket=starttls;host=smtp.x.example",
	    "domain=x.example;type=smtp;socket=starttls;rank=1;host=smtp.x.example;port=587",
	    NULL },
	{ ENTITY_SERVICE, "domain=x.example;type=pop3;rank=2;host=::1;port=1995",
	    "domain=x.example;type=pop3;rank=2;host=::1;port=1995", NULL },
	{ ENTITY_SERVICE, "domain=x.example;type=jmap;url=https://x.example/jmap",
	    "domain=x.example;type=jmap;rank=1;url=https://x.example/jmap", NULL },
	{ ENTITY_SERVICE, "domain=x.example;type=imap", NULL, "host: is missing" },
	{ ENTITY_SERVICE, "domain=x.example;type=imap;host=h;url=https://h/", NULL, "url: is for" },
	{ ENTITY_SERVICE, "domain=x.example;type=jmap", NULL, "and so is url" },
	{ ENTITY_SERVICE, "domain=x.example;type=imap;host=h;port=0", NULL,
	    "port: is not 1 to 65535" },
	{ ENTITY_SERVICE, "domain=x.example;type=imap;host=h;port=65536", NULL, "port: is not" },
	{ ENTITY_SERVICE, "domain=x.example;type=jmap;host=h;socket=starttls", NULL,
	    "socket: is tls" },

	{ ENTITY_MAILBOX,
	    "address=Nora@Contoso.com;login_name=CORP\\Nora;aliases=nora@contoso.com,"
	    "N@Contoso.com,n@contoso.com",
	    "address=Nora@contoso.com;login_name=corp\\nora;aliases=N@contoso.com", NULL },
	{ ENTITY_MAILBOX, "address=a@b@c", NULL, "more than one '@'" },
	{ ENTITY_MAILBOX, "address=", NULL, "address: is missing" },
	{ ENTITY_MAILBOX, "address=a@x.example;redirect_address=A@x.example", NULL, "in circles" },
	{ ENTITY_MAILBOX, "address=a@x.example;aliases=b@x.example;redirect_address=B@x.example",
	    NULL, "in circles" },
	{ ENTITY_MAILBOX, "address=a@x.example;redirect_address=a@y.example",
	    "address=a@x.example;redirect_address=a@y.example", NULL },
	{ ENTITY_MAILBOX,
	    "address=a@x.example;redirect_address=a@y.example;redirect_url=https://y.example/",
	    NULL, "cannot stand beside" },
	{ ENTITY_MAILBOX, "address=a@x.example;redirect_url=http://y.example/", NULL, "https://" },
	{ ENTITY_MAILBOX, "address=a@x.example;legacy_dn=cn=a", NULL, "is no legacyDN" },

	{ ENTITY_ALTERNATIVE_MAILBOX,
	    "mailbox=a@x.example;display_name=Old;smtp_address=b@x.example",
	    "mailbox=a@x.example;display_name=Old;smtp_address=b@x.example;"
	    "owner_smtp_address=a@x.example",
	    NULL },
	{ ENTITY_ALTERNATIVE_MAILBOX,
	    "mailbox=a@x.example;display_name=Sales;type=delegate;smtp_address=s@x.example",
	    "mailbox=a@x.example;display_name=Sales;type=delegate;smtp_address=s@x.example;"
	    "owner_smtp_address=s@x.example",
	    NULL },
	{ ENTITY_ALTERNATIVE_MAILBOX,
	    "mailbox=a@x.example;display_name=Old;legacy_dn=/o=x/cn=y;server=mbx.x.example",
	    "mailbox=a@x.example;display_name=Old;legacy_dn=/o=x/cn=y;server=mbx.x.example", NULL },
	{ ENTITY_ALTERNATIVE_MAILBOX, "mailbox=a@x.example;display_name=Old;legacy_dn=/o=x/cn=y",
	    NULL, "server: is missing" },
	{ ENTITY_ALTERNATIVE_MAILBOX, "mailbox=a@x.example;display_name=Old", NULL,
	    "smtp_address: is missing" },
	{ ENTITY_ALTERNATIVE_MAILBOX,
	    "mailbox=a@x.example;display_name=Old;server=s;smtp_address=b@x.example", NULL,
	    "one pair or the other" },

	{ ENTITY_CREDENTIAL, "login_name=Nora;password_hash=$y$j9T$abc",
	    "login_name=nora;password_hash=$y$j9T$abc", NULL },
	{ ENTITY_CREDENTIAL, "login_name=no:ra;password_hash=$y$j9T$abc", NULL,
	    "login_name: must" },
	{ ENTITY_CREDENTIAL, "login_name=nora", NULL, "password_hash: is missing" },
	{ ENTITY_CREDENTIAL, "login_name=nora;password_hash=my secret", NULL, "is no hash" },
};

static void
test_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct entity *e = &entities[rows[i].entity];
		struct arena *mem = arena_new(256 * 1024);
		struct usher_error err = { 0 };
		union org_record got, want;
		usher_status st;

		fill(mem, e, rows[i].text, &got);
		st = entity_check(mem, e, &got, &err);
		if (rows[i].want == NULL) {
			if (st != USHER_E_INPUT || strstr(err.message, rows[i].fault) == NULL)
				fail_msg("%s %s: status %d, '%s'", e->name, rows[i].text, (int)st,
				    err.message);
			assert_null(strstr(err.message, "secret"));
			assert_int_equal(strncmp(err.where, e->title, strlen(e->title)), 0);
		} else {
			if (st != USHER_OK)
				fail_msg("%s %s: %s", e->name, rows[i].text, err.message);
			fill(mem, e, rows[i].want, &want);
			if (!record_equal(&e->table, &got, &want))
				fail_msg("%s %s: came out otherwise", e->name, rows[i].text);
			/* A second time changes nothing. */
			assert_int_equal(entity_check(mem, e, &got, NULL), USHER_OK);
			assert_true(record_equal(&e->table, &got, &want));
		}
		arena_free(mem);
	}
}

static void
test_limits(void **state)
{
	static const char *many[FIELD_LIST_MAX + 1];
	const struct entity *e = &entities[ENTITY_MAILBOX];
	struct arena *mem = arena_new(1024 * 1024);
	char longest[FIELD_TEXT_BYTES + 2];
	struct usher_error err;
	struct mailbox m;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	record_init(&e->table, &m);
	m.address = "a@x.example";
	m.display_name = longest;
	assert_int_equal(entity_check(mem, e, &m, &err), USHER_E_INPUT);
	assert_string_equal(err.message, "display_name: is longer than 1024 bytes");
	m.display_name = longest + 1;
	assert_int_equal(entity_check(mem, e, &m, &err), USHER_OK);
	for (size_t i = 0; i < COUNT_OF(many); i++)
		many[i] = "b@x.example";
	m.aliases = (struct text_list){ many, COUNT_OF(many) };
	assert_int_equal(entity_check(mem, e, &m, &err), USHER_E_INPUT);
	m.aliases.n--;
	assert_int_equal(entity_check(mem, e, &m, &err), USHER_OK);
	assert_int_equal(m.aliases.n, 1);
	arena_free(mem);
}

static void
test_key_text(void **state)
{
	struct arena *mem = arena_new(4096);
	union org_record r;

	(void)state;
	fill(mem, &entities[ENTITY_SERVICE], "domain=mail.example;type=imap;rank=2", &r);
	assert_string_equal(
	    entity_key_text(mem, &entities[ENTITY_SERVICE], &r), "mail.example imap 2");
	fill(mem, &entities[ENTITY_ORGANIZATION], "name=Contoso", &r);
	assert_string_equal(entity_key_text(mem, &entities[ENTITY_ORGANIZATION], &r), "");
	fill(mem, &entities[ENTITY_MAILBOX], "", &r);
	assert_string_equal(entity_key_text(mem, &entities[ENTITY_MAILBOX], &r), "?");
	arena_free(mem);
}

static void
test_versions(void **state)
{
	static const struct {
		const char *text;
		int major; /* -1: refused */
	} cases[] = {
		{ "15.1.2507", 15 },
		{ "8.1.240", 8 },
		{ "15.1.2507.6", 15 },
		{ "63.63.32767", 63 },
		{ "64.0.0", -1 },
		{ "1.64.0", -1 },
		{ "1.0.32768", -1 },
		{ "15.1", -1 },
		{ "15.1.", -1 },
		{ "15.1.2.3.4", -1 },
		{ "v15.1.2", -1 },
		{ "", -1 },
		{ NULL, -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct version v = { 0 };

		if (version_parse(cases[i].text, &v) != (cases[i].major >= 0) ||
		    (cases[i].major >= 0 && (int)v.major != cases[i].major))
			fail_msg("%s", cases[i].text);
	}
}

static void
test_legacy_dn(void **state)
{
	struct organization o = { .name = "Contoso" };
	struct arena *mem = arena_new(16 * 1024);
	struct mailbox m = { .address = "Nora@contoso.com" };
	const char *made =
	    "/o=Contoso/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/"
	    "cn=nora@contoso.com";

	(void)state;
	assert_string_equal(mailbox_legacy_dn(mem, &o, &m), made);
	assert_string_equal(legacy_dn_address(mem, &o, made), "nora@contoso.com");
	o.administrative_group = "First";
	assert_string_equal(mailbox_legacy_dn(mem, &o, &m),
	    "/o=Contoso/ou=First/cn=Recipients/cn=nora@contoso.com");
	assert_null(legacy_dn_address(mem, &o, made));
	assert_string_equal(
	    legacy_dn_address(mem, &o, "/O=contoso/OU=first/CN=recipients/CN=A@b.example"),
	    "a@b.example");
	assert_null(legacy_dn_address(mem, &o, "/o=contoso/ou=first/cn=recipients/cn=nora"));
	m.legacy_dn = "/o=x/cn=y";
	assert_string_equal(mailbox_legacy_dn(mem, &o, &m), "/o=x/cn=y");
	arena_free(mem);
}

static void
test_which_certificate(void **state)
{
	enum { NOW_S = 1000 };
	const struct certificate old = { .sha256 = "a",
		.subject = "CN=h",
		.issuer = "CN=CA",
		.not_before = 100,
		.not_after = 2000 };
	const struct certificate new = { .sha256 = "b",
		.subject = "CN=h",
		.issuer = "CN=CA",
		.not_before = 200,
		.not_after = 2000 };
	const struct certificate same = { .sha256 = "c",
		.subject = "CN=h",
		.issuer = "CN=CA",
		.not_before = 200,
		.not_after = 2000 };
	const struct certificate alone = { .sha256 = "d",
		.subject = "CN=h",
		.issuer = "CN=h",
		.not_before = 300,
		.not_after = 2000 };
	const struct certificate expired = { .sha256 = "e",
		.subject = "CN=h",
		.issuer = "CN=CA",
		.not_before = 300,
		.not_after = NOW_S };
	const struct certificate future = { .sha256 = "f",
		.subject = "CN=h",
		.issuer = "CN=CA",
		.not_before = NOW_S + 1,
		.not_after = 2000 };
	const struct certificate *const order[] = { &new, &same, &old, &alone, &future, &expired };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(order); i++)
		for (size_t k = 0; k < COUNT_OF(order); k++)
			assert_int_equal(certificate_goes_before(order[i], order[k], NOW_S), i < k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_key_text),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_legacy_dn),
		cmocka_unit_test(test_which_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
