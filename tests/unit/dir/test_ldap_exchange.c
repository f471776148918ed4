/* test_ldap_exchange.c - objects of Exchange's as records, and what is changed of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/text.h"
#include "dir/ldap_exchange.h"

enum { PARTS_MAX = 16 };

#define CONFIGURATION "CN=Configuration,DC=x"
#define ORGANIZATION "CN=Harbour,CN=Microsoft Exchange,CN=Services," CONFIGURATION
#define SERVERS "CN=Servers,CN=First Group,CN=Administrative Groups," ORGANIZATION
#define SETTINGS "CN=Global Settings," ORGANIZATION
#define SITES "CN=Sites," CONFIGURATION

/* `DN|attribute=value|…`; what the directory holds. */
static const char *const forest[] = {
	ORGANIZATION
	"|objectClass=msExchOrganizationContainer|cn=Harbour|objectGUID=0123456789abcdef",
	"CN=QUAY1," SERVERS
	"|objectClass=msExchExchangeServer|cn=QUAY1|networkAddress=netbios:QUAY1|"
	"networkAddress=ncacn_ip_tcp:Quay1.harbour.example|msExchServerSite=CN=Pier," SITES
	"|versionNumber=1942063563|serialNumber=Version 15.1 (Build "
	"32507.6)|whenCreated=20160101000000.0Z",
	"CN=OLD," SERVERS "|objectClass=msExchExchangeServer|cn=OLD|"
	"networkAddress=ncacn_ip_tcp:old.harbour.example|serialNumber=Version 14.3 (Build 30123.4)|"
	"whenCreated=20100101000000.0Z",
	"CN=HALF," SERVERS "|objectClass=msExchExchangeServer|cn=HALF",
	"CN=QUAY1,CN=Autodiscover,CN=Protocols,CN=QUAY1," SERVERS
	"|objectClass=serviceConnectionPoint|"
	"serviceBindingInformation=https://quay1.harbour.example/Autodiscover/Autodiscover.xml|"
	"keywords=77378f46-2c66-4aa9-a6a6-3e7a48b19596|keywords=Site=Pier|keywords=Ours=kept|"
	"whenCreated=20170101000000.0Z",
	"CN=EWS (Default Web Site),CN=HTTP,CN=Protocols,CN=QUAY1," SERVERS
	"|objectClass=msExchVirtualDirectory|cn=EWS (Default Web Site)|"
	"msExchInternalHostName=https://quay1.harbour.example/EWS/Exchange.asmx|"
	"msExchExternalHostName=https://mail.harbour.example/EWS/Exchange.asmx",
	"CN=EWS (Another),CN=HTTP,CN=Protocols,CN=QUAY1," SERVERS
	"|objectClass=msExchVirtualDirectory|cn=EWS "
	"(Another)|msExchInternalHostName=https://other/",
	"CN=EWS (Exchange Back End),CN=HTTP,CN=Protocols,CN=OLD," SERVERS
	"|objectClass=msExchVirtualDirectory|cn=EWS (Exchange Back End)|"
	"msExchInternalHostName=https://old:444/",
	"CN=owa (Default Web Site),CN=HTTP,CN=Protocols,CN=OLD," SERVERS
	"|objectClass=msExchVirtualDirectory|cn=owa (Default Web "
	"Site)|msExchInternalHostName=nonsense",
	"CN=owa (Default Web Site),CN=HTTP,CN=Protocols,CN=QUAY1," SERVERS
	"|objectClass=msExchVirtualDirectory|cn=owa (Default Web Site)|"
	"msExchInternalHostName=https://quay1.harbour.example/"
	"owa|msExchInternalAuthenticationMethods=5|"
	"msExchExternalAuthenticationMethods=-1",
	"CN=Rpc (Default Web Site),CN=HTTP,CN=Protocols,CN=QUAY1," SERVERS
	"|objectClass=msExchVirtualDirectory|cn=Rpc (Default Web Site)|"
	"msExchInternalHostName=quay1.harbour.example|"
	"msExchExternalHostName=https://mail.harbour.example/rpc|"
	"msExchInternalAuthenticationMethods=2|msExchExternalAuthenticationMethods=8193",
	"CN=EWS (Default Web Site),CN=HTTP,CN=Protocols,CN=GONE," SERVERS
	"|objectClass=msExchVirtualDirectory|cn=EWS (Default Web Site)",
	"CN=EXPR," SETTINGS "|objectClass=msExchAutoDiscoverConfig|cn=EXPR|msExchAutoDiscoverTTL=3|"
	"msExchAutoDiscoverFlags=5|ourPrincipal=msstd:mail.harbour.example",
	"CN=A," SETTINGS
	"|objectClass=msExchAcceptedDomain|msExchAcceptedDomainName=Harbour.example|"
	"msExchAcceptedDomainFlags=6",
	"CN=B," SETTINGS
	"|objectClass=msExchAcceptedDomain|msExchAcceptedDomainName=harbour.example",
	"CN=Half," SETTINGS "|objectClass=msExchAcceptedDomain|cn=Half",
	"CN=EXCH," SETTINGS
	"|objectClass=msExchAutoDiscoverConfig|cn=EXCH|msExchAutoDiscoverTTL=soon",
	"CN=C," SETTINGS "|objectClass=msExchAcceptedDomain|msExchAcceptedDomainName=*.x.example",
	"CN=First," SETTINGS "|objectClass=msExchOAB|cn=First|objectGUID=fedcba9876543210",
	"CN=Used," SETTINGS "|objectClass=msExchOAB|cn=Used|objectGUID=fedcba0123456789|"
	"msExchOABDefault=TRUE",
	"CN=Pier," SITES "|objectClass=site|cn=Pier",
	"CN=M\xc3\xbcnchen," SITES "|objectClass=site|cn=M\xc3\xbcnchen",
	"CN=192.0.2.0/24,CN=Subnets," SITES
	"|objectClass=subnet|cn=192.0.2.0/24|siteObject=CN=Pier," SITES,
	"CN=2001:db8::/32,CN=Subnets," SITES
	"|objectClass=subnet|cn=2001:db8::/32|siteObject=CN=Pier," SITES,
	"CN=nonsense,CN=Subnets," SITES "|objectClass=subnet|cn=nonsense|siteObject=CN=Pier," SITES,
	"CN=X,CN=Partitions," CONFIGURATION
	"|objectClass=crossRef|nETBIOSName=HARBOUR|dnsRoot=Harbour.example|nCName=DC=x",
	"CN=Y,CN=Partitions," CONFIGURATION "|objectClass=crossRef|nETBIOSName=HALF",
};

static struct arena *mem;
static usher_status failure; /* of the next search */

static struct ldap_entry
parse(const char *line)
{
	struct ldap_attribute *a = arena_array(mem, PARTS_MAX, sizeof(*a));
	struct slice rest = slice_of(line);
	size_t end = slice_find(rest, '|');
	struct ldap_entry e = { arena_copy(mem, slice_from(rest.p, end)), a, 0 };

	for (rest = slice_skip(rest, end + 1); rest.n > 0; rest = slice_skip(rest, end + 1)) {
		struct slice part = { rest.p, end = slice_find(rest, '|') };
		size_t equals = slice_find(part, '='), k = 0;
		const char *name = arena_copy(mem, slice_from(part.p, equals));
		struct slice *values;

		while (k < e.n && strcmp(a[k].name, name) != 0)
			k++;
		if (k == e.n) {
			values = arena_array(mem, PARTS_MAX, sizeof(*values));
			a[e.n++] = (struct ldap_attribute){ name, values, 0 };
		}
		values = (struct slice *)(uintptr_t)a[k].values;
		values[a[k].n++] = slice_skip(part, equals + 1);
	}
	return e;
}

/* ---- in the place of ldap/link.c ---- */

const char *
ldap_link_uri(const struct ldap_link *link UNUSED)
{
	return "ldap://dc1";
}

usher_status
ldap_link_read(struct ldap_link *link UNUSED, struct arena *into UNUSED, const char *dn,
    const char *const *attributes UNUSED, struct ldap_entry *out, struct usher_error *err UNUSED)
{
	assert_string_equal(dn, "");
	*out = parse("|configurationNamingContext=" CONFIGURATION
		     "|supportedCapabilities=1.2.840.113556.1.4.800");
	return USHER_OK;
}

usher_status
ldap_link_search(struct ldap_link *link UNUSED, const struct link_search *q, link_take *take,
    void *payload, struct usher_error *err)
{
	usher_status st = failure;

	failure = USHER_OK;
	for (size_t i = 0; st == USHER_OK && i < COUNT_OF(forest); i++) {
		struct ldap_entry e = parse(forest[i]);
		const char *class =
		    arena_join(mem, "(objectClass=", ldap_text_of(mem, &e, "objectClass"), ")");

		if (ldap_dn_below(e.dn, q->base) && strstr(q->filter, class) != NULL)
			st = take(&e, payload, err);
	}
	return st;
}

/* ---- cases ---- */

static int
set_up(void **state UNUSED)
{
	mem = arena_new(16 * 1024 * 1024);
	return mem == NULL;
}

static int
tear_down(void **state UNUSED)
{
	arena_free(mem);
	return 0;
}

static struct exchange_view
loaded(int kind)
{
	static const char *const told[] = { "provider.cert_principal_name = ourPrincipal" };
	const struct dir_settings settings = { .kind = kind, .attributes = { told, 1 } };
	struct exchange_view view;

	assert_int_equal(ldap_exchange_load(NULL, &settings, mem, &view, NULL), USHER_OK);
	return view;
}

static const char *
member_text(const struct field *f, const void *record)
{
	const char *text = f->name;

	switch (f->type) {
	case FIELD_TEXT:
		return arena_join(mem, text, "=", field_text(f, record));
	case FIELD_LIST:
		text = arena_join(mem, text, "=");
		for (size_t i = 0; i < field_list(f, record)->n; i++)
			text =
			    arena_join(mem, text, i == 0 ? "" : "+", field_list(f, record)->v[i]);
		return text;
	case FIELD_NUMBER:
		return arena_printf(mem, "%s=%lld", text, (long long)field_number(f, record));
	case FIELD_SWITCH:
		return arena_join(mem, text, "=", field_switch(f, record) == TRI_ON ? "on" : "off");
	case FIELD_CHOICE:
		return arena_join(mem, text, "=", field_choice_name(f, record));
	}
	return text;
}

/* `server: name=QUAY1 fqdn=…` */
static const char *
object_text(const struct exchange_object *o)
{
	const struct entity *e = &entities[o->entity];
	const char *text = arena_join(mem, e->name, ":");

	for (size_t i = 0; i < e->table.n; i++)
		if (!field_absent(&e->table.rows[i], o->record))
			text =
			    arena_join(mem, text, " ", member_text(&e->table.rows[i], o->record));
	return text;
}

static void
test_records(void **state UNUSED)
{
	static const char *const expected[] = {
		"organization: name=Harbour deployment_id=33323130-3534-3736-3839-616263646566 "
		"administrative_group=First Group oab_id=63646566-6162-3130-3233-343536373839",
		"site: name=Pier subnets=192.0.2.0/24+2001:db8::/32",
		"site: name=M\xc3\xbcnchen",
		"server: name=OLD fqdn=old.harbour.example version=14.3.123 created=1262304000",
		"server: name=QUAY1 fqdn=quay1.harbour.example site=Pier version=15.1.2507 "
		"internal_uri=https://quay1.harbour.example/Autodiscover/Autodiscover.xml "
		"site_scope=Pier created=1483228800",
		"url: server=QUAY1 service=ews "
		"internal=https://quay1.harbour.example/EWS/Exchange.asmx "
		"external=https://mail.harbour.example/EWS/Exchange.asmx",
		"url: server=QUAY1 service=um "
		"internal=https://quay1.harbour.example/EWS/UM2007Legacy.asmx "
		"external=https://mail.harbour.example/EWS/UM2007Legacy.asmx",
		"url: server=QUAY1 service=owa internal=https://quay1.harbour.example/owa "
		"internal_authentication=Basic+Fba",
		"outlook_anywhere: server=QUAY1 enabled=on external_host=mail.harbour.example "
		"internal_host=quay1.harbour.example client_authentication=negotiate",
		"provider: name=EXPR cert_principal_name=msstd:mail.harbour.example ttl=3 "
		"server_exclusive_connect=on",
		"provider: name=EXCH",
		"domain: domain=harbour.example type=internal-relay",
	};
	static const char *const warned[] = { "CN=nonsense,", "CN=GONE,", "CN=HALF,",
		"CN=owa (Default Web Site),CN=HTTP,CN=Protocols,CN=OLD,", "CN=B,", "CN=Half,",
		"CN=C," };
	struct exchange_view view = loaded(DIR_KIND_AUTO);

	assert_int_equal(ldap_map_flavour(view.map), MAP_EXCHANGE);
	for (size_t i = 0; i < view.n && i < COUNT_OF(expected); i++)
		assert_string_equal(object_text(&view.objects[i]), expected[i]);
	assert_int_equal(view.n, COUNT_OF(expected));
	for (size_t i = 0; i < COUNT_OF(warned); i++) {
		bool found = false;

		for (size_t k = 0; k < view.warnings.n; k++)
			found = found || strstr(view.warnings.v[k], warned[i]) != NULL;
		if (!found)
			fail_msg("nobody is warned of %s", warned[i]);
	}
	assert_int_equal(view.warnings.n, COUNT_OF(warned) + 1); /* and the partition */
}

static void
test_kinds(void **state UNUSED)
{
	struct exchange_view view = loaded(DIR_KIND_ACTIVE_DIRECTORY);

	assert_int_equal(ldap_map_flavour(view.map), MAP_ACTIVE_DIRECTORY);
	assert_int_equal(view.n, 2); /* the sites */
	view = loaded(DIR_KIND_OPENLDAP);
	assert_int_equal(ldap_map_flavour(view.map), MAP_OPENLDAP);
	assert_int_equal(view.n, 0);
}

static void
test_failures(void **state UNUSED)
{
	static const char *const wrong[] = { "provider.tll=x" };
	const struct dir_settings settings = { .attributes = { wrong, 1 } };
	struct exchange_view view;
	struct usher_error err;

	assert_int_equal(ldap_exchange_load(NULL, &settings, mem, &view, &err), USHER_E_INPUT);
	assert_string_equal(err.where, wrong[0]);
	failure = USHER_E_ABSENT; /* no container of Exchange's */
	assert_int_equal(ldap_exchange_load(NULL, NULL, mem, &view, &err), USHER_OK);
	assert_int_equal(ldap_map_flavour(view.map), MAP_ACTIVE_DIRECTORY);
	failure = USHER_E_NETWORK;
	assert_int_equal(ldap_exchange_load(NULL, NULL, mem, &view, &err), USHER_E_NETWORK);
}

static const char *
change_text(const struct ldap_change *change)
{
	static const char *const kinds[] = { "+", "-", "=" };
	const char *text = "";

	for (size_t i = 0; i < change->n; i++)
		for (size_t k = 0; k < change->edits[i].attribute.n; k++)
			text = arena_join(mem, text, text[0] == '\0' ? "" : " ",
			    kinds[change->edits[i].kind], change->edits[i].attribute.name, "=",
			    arena_copy(mem, change->edits[i].attribute.values[k]));
	return text;
}

/* What is done when a member becomes `text`. */
static void
test_edits(void **state UNUSED)
{
	static const struct {
		enum entity_id entity;
		const char *key;
		int service;
		const char *member, *text, *change;
	} rows[] = {
		{ ENTITY_SERVER, "quay1", 0, "internal_uri", "https://x.example/a",
		    "-serviceBindingInformation=https://quay1.harbour.example/Autodiscover/"
		    "Autodiscover.xml +serviceBindingInformation=https://x.example/a" },
		{ ENTITY_SERVER, "QUAY1", 0, "site_scope", "Mole",
		    "-keywords=77378f46-2c66-4aa9-a6a6-3e7a48b19596 -keywords=Site=Pier "
		    "-keywords=Ours=kept +keywords=77378f46-2c66-4aa9-a6a6-3e7a48b19596 "
		    "+keywords=Ours=kept +keywords=Site=Mole" },
		{ ENTITY_SERVER, "QUAY1", 0, "fqdn", "x.example",
		    "QUAY1: fqdn: Exchange keeps it in networkAddress, which only its own tools "
		    "should write" },
		{ ENTITY_SERVER, "OLD", 0, "internal_uri", "https://x.example/a",
		    "OLD: internal_uri: the server has no connection point; make one with `usher "
		    "scp publish`" },
		{ ENTITY_URL, "QUAY1", URL_EWS, "external", NULL,
		    "-msExchExternalHostName=https://mail.harbour.example/EWS/Exchange.asmx" },
		{ ENTITY_URL, "QUAY1", URL_OWA, "internal_authentication", "OAuth",
		    "-msExchInternalAuthenticationMethods=5 "
		    "+msExchInternalAuthenticationMethods=1024" },
		{ ENTITY_URL, "QUAY1", URL_UM, "internal", "https://x.example/um",
		    "QUAY1 um: internal: it follows from the URL of ews" },
		{ ENTITY_OUTLOOK_ANYWHERE, "QUAY1", 0, "external_host", "x.example",
		    "-msExchExternalHostName=https://mail.harbour.example/rpc "
		    "+msExchExternalHostName=https://x.example/rpc" },
		{ ENTITY_OUTLOOK_ANYWHERE, "QUAY1", 0, "internal_host", "x.example",
		    "-msExchInternalHostName=quay1.harbour.example "
		    "+msExchInternalHostName=x.example" },
		{ ENTITY_OUTLOOK_ANYWHERE, "QUAY1", 0, "client_authentication", "basic",
		    "-msExchExternalAuthenticationMethods=8193 "
		    "+msExchExternalAuthenticationMethods=1" },
		{ ENTITY_OUTLOOK_ANYWHERE, "QUAY1", 0, "ssl", "off",
		    "QUAY1: ssl: Exchange has no place for it" },
		{ ENTITY_PROVIDER, "EXPR", 0, "ttl", "4",
		    "-msExchAutoDiscoverTTL=3 +msExchAutoDiscoverTTL=4" },
		{ ENTITY_PROVIDER, "EXPR", 0, "server_exclusive_connect", "off",
		    "-msExchAutoDiscoverFlags=5 +msExchAutoDiscoverFlags=4" },
		{ ENTITY_PROVIDER, "EXPR", 0, "cert_principal_name", "none",
		    "-ourPrincipal=msstd:mail.harbour.example +ourPrincipal=none" },
		{ ENTITY_DOMAIN, "harbour.example", 0, "type", "external-relay",
		    "-msExchAcceptedDomainFlags=6 +msExchAcceptedDomainFlags=5" },
		{ ENTITY_DOMAIN, "harbour.example", 0, "home_page", "https://x.example/",
		    "harbour.example: home_page: Exchange has no place for it" },
		{ ENTITY_SITE, "Pier", 0, "subnets", "192.0.2.0/25",
		    "Pier: subnets: sites are Active Directory's; change them with its own tools" },
	};
	struct exchange_view view = loaded(DIR_KIND_AUTO);

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct entity *e = &entities[rows[i].entity];
		const struct field *f = field_find(&e->table, rows[i].member);
		union org_record wanted;
		const struct exchange_object *object;
		struct ldap_entry entry = { 0 };
		struct ldap_change change;
		struct usher_error err = { 0 };
		usher_status st;

		record_init(&e->table, &wanted);
		field_set_text(&e->table.rows[0], &wanted, rows[i].key);
		if (e->id == ENTITY_URL)
			wanted.url.service = rows[i].service;
		object = ldap_exchange_find(&view, e, &wanted);
		assert_non_null(object);
		assert_true(record_copy(mem, &e->table, &wanted, object->record));
		if (f->type == FIELD_TEXT)
			field_set_text(f, &wanted, rows[i].text);
		else if (f->type == FIELD_LIST)
			field_set_list(f, &wanted, (struct text_list){ &rows[i].text, 1 });
		else if (f->type == FIELD_NUMBER)
			field_set_number(f, &wanted, rows[i].text[0] - '0');
		else if (f->type == FIELD_SWITCH)
			field_set_switch(f, &wanted, TRI_OFF);
		else
			assert_true(field_set_choice(f, &wanted, slice_of(rows[i].text)));
		for (size_t k = 0; object->dn != NULL && k < COUNT_OF(forest); k++)
			if (strncmp(forest[k], object->dn, strlen(object->dn)) == 0)
				entry = parse(forest[k]);
		st = ldap_exchange_edit(&view, object, mem, &entry, &wanted, &change, &err);
		assert_string_equal(st == USHER_OK ? change_text(&change) :
						     arena_join(mem, err.where, ": ", err.message),
		    rows[i].change);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_records, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kinds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_failures, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_edits, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
