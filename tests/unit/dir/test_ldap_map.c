/* test_ldap_map.c - filters that find people, and entries read as people and changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "dir/ldap_map.h"

enum { VALUES_MAX = 12, BIG = 10 * 1024 * 1024 };

static struct arena *mem;

/* One value; those of one attribute stand one behind the other. */
struct value {
	const char *name;
	struct slice value;
};

#define V(name, text) \
	{ \
		name, \
		{ \
			(text), sizeof(text) - 1 \
		} \
	}

#define GUID "\xe0\x04\x25\x3f\x89\x4f\xd3\x11\x9a\x0c\x03\x05\xe8\x2c\x33\x01"
#define GUID_TEXT "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
#define ROOT "/o=Harbour/ou=First"
#define SERVER ROOT "/cn=Configuration/cn=Servers/cn=QUAY1"

static const struct map_domain domains[] = {
	{ "HARBOUR", "harbour.example", "DC=harbour,DC=example" },
	{ "PIER", "pier.harbour.example", "DC=pier,DC=harbour,DC=example" },
};

static int
set_up(void **state UNUSED)
{
	mem = arena_new(64 * 1024 * 1024);
	return mem == NULL;
}

static int
tear_down(void **state UNUSED)
{
	arena_free(mem);
	return 0;
}

static struct text_list
list(const char *const *v)
{
	struct text_list l = { v, 0 };

	while (v != NULL && v[l.n] != NULL)
		l.n++;
	return l;
}

static const struct ldap_map *
map_of(enum map_flavour flavour, const char *const *attributes)
{
	const struct ldap_map *map = NULL;
	struct text_list told = list(attributes);

	assert_int_equal(
	    ldap_map_make(mem, flavour, true, &told, domains, COUNT_OF(domains), &map, NULL),
	    USHER_OK);
	return map;
}

static struct ldap_entry
entry_of(const char *dn, const struct value *values)
{
	struct ldap_attribute *a = arena_array(mem, VALUES_MAX, sizeof(*a));
	struct ldap_entry entry = { dn, a, 0 };

	for (const struct value *v = values; v->name != NULL; v++) {
		struct slice *copy = arena_array(mem, VALUES_MAX, sizeof(*copy));
		size_t n = 0;

		for (; v[n].name != NULL && strcmp(v[n].name, v->name) == 0; n++)
			copy[n] = v[n].value;
		a[entry.n++] = (struct ldap_attribute){ v->name, copy, n };
		v += n - 1;
	}
	return entry;
}

static struct ldap_person
read_person(const struct ldap_map *map, const char *dn, const struct value *values)
{
	struct ldap_entry entry = entry_of(dn, values);
	struct ldap_person person;

	assert_true(ldap_person_read(map, mem, &entry, &person));
	return person;
}

static const char *
joined(const struct text_list *l)
{
	const char *text = "";

	for (size_t i = 0; i < l->n; i++)
		text = arena_join(mem, text, i == 0 ? "" : " ", l->v[i]);
	return text;
}

static void
assert_same(const char *row, const char *what, const char *a, const char *b)
{
	if ((a == NULL) != (b == NULL) || (a != NULL && strcmp(a, b) != 0))
		fail_msg("%s: %s is %s, not %s", row, what, a == NULL ? "absent" : a,
		    b == NULL ? "absent" : b);
}

/* ---- filters ---- */

static void
test_filters(void **state UNUSED)
{
	static const char *const qmail[] = { "address=mail", "aliases=mailAlternateAddress",
		"aliases=gosaMailAlternateAddress", "login_name=uid", "redirect_address=-", NULL };
	static const struct {
		enum map_flavour flavour;
		const char *const *told;
		char by; /* address, legacyDN, login, domain, redirect, shares */
		const char *of;
		const char *filter;
	} rows[] = {
		{ MAP_EXCHANGE, NULL, 'a', "ann@harbour.example",
		    "(|(proxyAddresses=smtp:ann@harbour.example)(mail=ann@harbour.example))" },
		{ MAP_OPENLDAP, NULL, 'a', "ann@b.example",
		    "(|(proxyAddresses=smtp:ann@b.example)(mail=ann@b.example)"
		    "(mailAlternateAddress=ann@b.example))" },
		{ MAP_OPENLDAP, qmail, 'a', "*@b.example)(uid=\\",
		    "(|(mail=\\2a@b.example\\29\\28uid=\\5c)"
		    "(mailAlternateAddress=\\2a@b.example\\29\\28uid=\\5c)"
		    "(gosaMailAlternateAddress=\\2a@b.example\\29\\28uid=\\5c))" },
		{ MAP_EXCHANGE, NULL, 'l', ROOT "/cn=Recipients/cn=ann*",
		    "(|(legacyExchangeDN=" ROOT "/cn=Recipients/cn=ann\\2a)"
		    "(proxyAddresses=X500:" ROOT "/cn=Recipients/cn=ann\\2a))" },
		{ MAP_ACTIVE_DIRECTORY, NULL, 'n', "ann",
		    "(|(userPrincipalName=ann)(sAMAccountName=ann))" },
		{ MAP_ACTIVE_DIRECTORY, NULL, 'n', "harbour\\ann",
		    "(|(userPrincipalName=harbour\\5cann)(sAMAccountName=ann))" },
		{ MAP_ACTIVE_DIRECTORY, NULL, 'n', "elsewhere\\ann",
		    "(|(userPrincipalName=elsewhere\\5cann))" },
		{ MAP_ACTIVE_DIRECTORY, NULL, 'n', "ann@harbour.example",
		    "(|(userPrincipalName=ann@harbour.example)(sAMAccountName=ann)"
		    "(proxyAddresses=smtp:ann@harbour.example)(mail=ann@harbour.example))" },
		{ MAP_OPENLDAP, qmail, 'n', "ann", "(|(uid=ann))" },
		{ MAP_OPENLDAP, NULL, 'd', "b.example",
		    "(|(proxyAddresses=smtp:*@b.example)(mail=*@b.example))" },
		{ MAP_OPENLDAP, NULL, 'd', NULL, "(|(proxyAddresses=smtp:*)(mail=*))" },
		{ MAP_EXCHANGE, NULL, 'r', NULL,
		    "(|(targetAddress=smtp:*)(usherValue=redirect_address: *))" },
		{ MAP_OPENLDAP, qmail, 'r', NULL, "(|(usherValue=redirect_address: *))" },
		{ MAP_EXCHANGE, NULL, 's', "CN=Ann (2),DC=harbour,DC=example",
		    "(|(msExchDelegateListLink=CN=Ann \\282\\29,DC=harbour,DC=example))" },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct ldap_map *map = map_of(rows[i].flavour, rows[i].told);
		const char *of = rows[i].of;
		const char *filter = rows[i].by == 'a' ? ldap_map_by_address(map, mem, of) :
				     rows[i].by == 'l' ? ldap_map_by_legacy_dn(map, mem, of) :
				     rows[i].by == 'n' ? ldap_map_by_login(map, mem, of) :
				     rows[i].by == 'd' ? ldap_map_by_domain(map, mem, of) :
				     rows[i].by == 'r' ? ldap_map_by_redirect(map, mem) :
							 ldap_map_by_delegate(map, mem, of);

		assert_same(of == NULL ? "all" : of, "filter", filter, rows[i].filter);
	}
}

static void
test_told(void **state UNUSED)
{
	static const struct {
		const char *told, *words;
	} rows[] = {
		{ "adress=mail", "no such member" },
		{ "address=", "name of an attribute" },
		{ "address=mail)(x", "name of an attribute" },
		{ "mail", "no such member" },
		{ "server.version=serialNumber", NULL }, /* not of people */
		{ " aliases = mailLocalAddress ", NULL },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct text_list told = { &rows[i].told, 1 };
		struct usher_error err = { 0 };
		const struct ldap_map *map;
		usher_status st =
		    ldap_map_make(mem, MAP_OPENLDAP, true, &told, NULL, 0, &map, &err);

		assert_int_equal(st, rows[i].words == NULL ? USHER_OK : USHER_E_INPUT);
		if (rows[i].words != NULL)
			assert_non_null(strstr(err.message, rows[i].words));
	}
}

/* Where members are told in the order of the mailbox's rows, none is forgotten. */
static void
test_members(void **state UNUSED)
{
	const struct field_table *table = &entities[ENTITY_MAILBOX].table;

	for (size_t i = 0; i < table->n; i++) {
		const char *told = arena_join(mem, table->rows[i].name, "=x");
		struct text_list all = { &told, 1 };
		const struct ldap_map *map;
		bool wanted = false;

		assert_int_equal(
		    ldap_map_make(mem, MAP_OPENLDAP, true, &all, NULL, 0, &map, NULL), USHER_OK);
		for (const char *const *a = ldap_map_attributes(map); *a != NULL; a++)
			wanted = wanted || strcmp(*a, "x") == 0;
		if (!wanted)
			fail_msg("%s is read nowhere", table->rows[i].name);
	}
}

/* ---- people ---- */

struct person_row {
	const char *row;
	enum map_flavour flavour;
	const char *const *told;
	struct value values[VALUES_MAX];
	enum person_kind kind;
	const char *address, *aliases, *redirect; /* of the mailbox that is answered */
	bool disabled, hidden;
};

static const char *const free_ipa[] = { "address=mail", "aliases=mail", NULL };

static const struct person_row people[] = {
	{ "a mailbox of Exchange", MAP_EXCHANGE, NULL,
	    { V("objectClass", "user"), V("proxyAddresses", "smtp:a2@b.example"),
		V("proxyAddresses", "SMTP:a@b.example"), V("proxyAddresses", "X500:/o=Old/cn=a"),
		V("proxyAddresses", "SIP:a@b.example"), V("mail", "a@b.example"),
		V("msExchMailboxGuid", GUID), V("msExchRecipientTypeDetails", "1") },
	    PERSON_MAILBOX, "a@b.example", "a2@b.example", NULL, false, false },
	{ "moved: the target is elsewhere", MAP_EXCHANGE, NULL,
	    { V("mail", "a@b.example"), V("msExchRecipientTypeDetails", "1"),
		V("targetAddress", "smtp:A@c.example") },
	    PERSON_MAILBOX, "a@b.example", "", "A@c.example", false, false },
	{ "not moved: the target is an own address", MAP_EXCHANGE, NULL,
	    { V("proxyAddresses", "SMTP:a@b.example"), V("proxyAddresses", "smtp:a@c.example"),
		V("msExchRecipientTypeDetails", "1"), V("targetAddress", "SMTP:A@c.example") },
	    PERSON_MAILBOX, "a@b.example", "a@c.example", NULL, false, false },
	{ "a mail user", MAP_EXCHANGE, NULL,
	    { V("mail", "a@b.example"), V("msExchRecipientTypeDetails", "128"),
		V("targetAddress", "SMTP:a@c.example") },
	    PERSON_ELSEWHERE, "a@b.example", "", "a@c.example", false, false },
	{ "a remote mailbox, the target an own address", MAP_EXCHANGE, NULL,
	    { V("proxyAddresses", "SMTP:a@b.example"), V("proxyAddresses", "smtp:a@c.example"),
		V("msExchRecipientTypeDetails", "2147483648"),
		V("targetAddress", "SMTP:a@c.example") },
	    PERSON_ELSEWHERE, "a@b.example", "", "a@c.example", false, false },
	{ "a mail user that leads nowhere", MAP_EXCHANGE, NULL,
	    { V("mail", "a@b.example"), V("msExchRecipientTypeDetails", "128") }, PERSON_ELSEWHERE,
	    NULL, NULL, NULL, false, false },
	{ "a mail user that leads to himself", MAP_EXCHANGE, NULL,
	    { V("mail", "a@b.example"), V("msExchRecipientTypeDetails", "128"),
		V("targetAddress", "SMTP:A@b.example") },
	    PERSON_ELSEWHERE, NULL, NULL, NULL, false, false },
	{ "a shared mailbox, disabled as they are", MAP_EXCHANGE, NULL,
	    { V("mail", "s@b.example"), V("msExchRecipientTypeDetails", "4"),
		V("userAccountControl", "514") },
	    PERSON_MAILBOX, "s@b.example", "", NULL, true, false },
	{ "a room, hidden", MAP_EXCHANGE, NULL,
	    { V("mail", "r@b.example"), V("msExchRecipientTypeDetails", "16"),
		V("msExchHideFromAddressLists", "TRUE") },
	    PERSON_MAILBOX, "r@b.example", "", NULL, false, true },
	{ "equipment", MAP_EXCHANGE, NULL,
	    { V("mail", "r@b.example"), V("msExchRecipientTypeDetails", "32") }, PERSON_MAILBOX,
	    "r@b.example", "", NULL, false, false },
	{ "a linked mailbox", MAP_EXCHANGE, NULL,
	    { V("mail", "l@b.example"), V("msExchRecipientTypeDetails", "2") }, PERSON_MAILBOX,
	    "l@b.example", "", NULL, false, false },
	{ "a user of Windows without mailbox", MAP_EXCHANGE, NULL, { V("mail", "u@b.example") },
	    PERSON_ELSEWHERE, NULL, NULL, NULL, false, false },
	{ "a mailbox whose type has not arrived", MAP_EXCHANGE, NULL,
	    { V("mail", "u@b.example"), V("homeMDB", "CN=DB1,CN=Databases") }, PERSON_MAILBOX,
	    "u@b.example", "", NULL, false, false },
	{ "a type that is no number", MAP_EXCHANGE, NULL,
	    { V("mail", "u@b.example"), V("homeMDB", "CN=DB1"),
		V("msExchRecipientTypeDetails", "one") },
	    PERSON_MAILBOX, "u@b.example", "", NULL, false, false },
	{ "a group", MAP_EXCHANGE, NULL,
	    { V("objectClass", "top"), V("objectClass", "group"), V("mail", "g@b.example") },
	    PERSON_GROUP, NULL, NULL, NULL, false, false },
	{ "a contact", MAP_EXCHANGE, NULL,
	    { V("objectClass", "contact"), V("mail", "c@b.example"),
		V("targetAddress", "SMTP:c@d.example") },
	    PERSON_ELSEWHERE, "c@b.example", "", "c@d.example", false, false },
	{ "nobody's address", MAP_ACTIVE_DIRECTORY, NULL, { V("sAMAccountName", "krbtgt") },
	    PERSON_NOBODY, NULL, NULL, NULL, false, false },
	{ "a user of Active Directory", MAP_ACTIVE_DIRECTORY, NULL,
	    { V("objectClass", "user"), V("mail", "u@b.example"), V("userAccountControl", "512") },
	    PERSON_MAILBOX, "u@b.example", "", NULL, false, false },
	{ "one who is disabled", MAP_ACTIVE_DIRECTORY, NULL,
	    { V("mail", "u@b.example"), V("userAccountControl", "66050") }, PERSON_MAILBOX,
	    "u@b.example", "", NULL, true, false },
	{ "several that say to be primary", MAP_ACTIVE_DIRECTORY, NULL,
	    { V("proxyAddresses", "SMTP:a@b.example"), V("proxyAddresses", "SMTP:c@b.example"),
		V("mail", "c@b.example") },
	    PERSON_MAILBOX, "a@b.example", "c@b.example", NULL, false, false },
	{ "none that says so: mail is", MAP_ACTIVE_DIRECTORY, NULL,
	    { V("proxyAddresses", "smtp:a@b.example"), V("mail", "c@b.example") }, PERSON_MAILBOX,
	    "c@b.example", "a@b.example", NULL, false, false },
	{ "doubles in letters of any case", MAP_ACTIVE_DIRECTORY, NULL,
	    { V("proxyAddresses", "SMTP:A@b.example"), V("proxyAddresses", "smtp:a@B.example"),
		V("proxyAddresses", "smtp:x@b.example"), V("proxyAddresses", "smtp:X@b.example"),
		V("mail", "a@b.example") },
	    PERSON_MAILBOX, "A@b.example", "x@b.example", NULL, false, false },
	{ "values that are no addresses", MAP_OPENLDAP, NULL,
	    { V("mail", "a\0b@c.example"), V("mail", "\xff\xfe@c.example"), V("mail", ""),
		V("mail", "a@"), V("mail", "*()\\"), V("mail", "a b@c.example"),
		V("mail", "a@b.example\n"), V("mail", "good@b.example") },
	    PERSON_MAILBOX, "a@b.example", "good@b.example", NULL, false, false },
	{ "addresses beyond ASCII", MAP_OPENLDAP, NULL,
	    { V("mail", "j\xc3\xb6rg@m\xc3\xbcnchen.example") }, PERSON_MAILBOX,
	    "j\xc3\xb6rg@xn--mnchen-3ya.example", "", NULL, false, false },
	{ "qmail's habits", MAP_OPENLDAP, NULL,
	    { V("uid", "q"), V("mail", "q@b.example"), V("mailAlternateAddress", "q2@b.example"),
		V("accountStatus", "active") },
	    PERSON_MAILBOX, "q@b.example", "q2@b.example", NULL, false, false },
	{ "qmail's account without access", MAP_OPENLDAP, NULL,
	    { V("mail", "q@b.example"), V("accountStatus", "noaccess") }, PERSON_MAILBOX,
	    "q@b.example", "", NULL, true, false },
	{ "FreeIPA: several of one attribute, locked", MAP_OPENLDAP, free_ipa,
	    { V("mail", "f@b.example"), V("mail", "f2@b.example"), V("nsAccountLock", "TRUE") },
	    PERSON_MAILBOX, "f@b.example", "f2@b.example", NULL, true, false },
	{ "what usher was told goes before", MAP_OPENLDAP, NULL,
	    { V("mail", "a@b.example"), V("targetAddress", "smtp:x@c.example"),
		V("usherValue", "redirect_address: y@c.example"), V("usherValue", "ews: off"),
		V("usherValue", "nonsense") },
	    PERSON_MAILBOX, "a@b.example", "", "y@c.example", false, false },
	{ "even that is looked at", MAP_OPENLDAP, NULL,
	    { V("mail", "a@b.example"), V("usherValue", "redirect_address: no address"),
		V("usherValue", "redirect_url: http://x.example/") },
	    PERSON_MAILBOX, "a@b.example", "", NULL, false, false },
};

static void
test_people(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(people); i++) {
		const struct person_row *row = &people[i];
		struct ldap_person p = read_person(
		    map_of(row->flavour, row->told), "CN=Ann,DC=harbour,DC=example", row->values);
		const struct mailbox *m = ldap_person_mailbox(&p, row->address);

		if (p.kind != row->kind || p.disabled != row->disabled || p.hidden != row->hidden)
			fail_msg("%s: kind %d, disabled %d, hidden %d", row->row, (int)p.kind,
			    p.disabled, p.hidden);
		assert_same(row->row, "address", m == NULL ? NULL : m->address, row->address);
		if (m == NULL)
			continue;
		assert_same(row->row, "aliases", joined(&m->aliases), row->aliases);
		assert_same(row->row, "redirect", m->redirect_address, row->redirect);
	}
}

/* Every attribute of the table in scp.md 7. */
static void
test_all_attributes(void **state UNUSED)
{
	static const struct value values[] = { V("displayName", "Ann of the Quay"), V("cn", "Ann"),
		V("proxyAddresses", "SMTP:ann@harbour.example"),
		V("legacyExchangeDN", ROOT "/cn=Recipients/cn=ann"),
		V("msExchHomeServerName", SERVER),
		V("homeMDB", "CN=Mailbox\\, first,CN=Databases,CN=Harbour"),
		V("msExchMailboxGuid", GUID), V("msExchArchiveGUID", GUID),
		V("msExchArchiveName", "Ann's attic"),
		V("msExchDelegateListLink", "CN=Bo,DC=harbour,DC=example"),
		V("msExchDelegateListBL", "CN=Info,DC=harbour,DC=example"), { NULL } };
	struct ldap_person p =
	    read_person(map_of(MAP_EXCHANGE, NULL), "CN=Ann,DC=harbour,DC=example", values);
	const struct alternative_mailbox *archive = p.alternatives;

	assert_string_equal(p.mailbox.display_name, "Ann of the Quay");
	assert_string_equal(p.mailbox.legacy_dn, ROOT "/cn=Recipients/cn=ann");
	assert_string_equal(p.mailbox.server, "QUAY1");
	assert_string_equal(p.mailbox.database, "Mailbox, first");
	assert_string_equal(p.mailbox.guid, GUID_TEXT);
	assert_int_equal(p.n_alternatives, 1);
	assert_int_equal(archive->type, ALTERNATIVE_ARCHIVE);
	assert_string_equal(archive->display_name, "Ann's attic");
	assert_string_equal(archive->legacy_dn, ROOT "/cn=Recipients/cn=ann/guid=" GUID_TEXT);
	assert_string_equal(archive->server, GUID_TEXT "@harbour.example");
	assert_string_equal(joined(&p.delegates), "CN=Bo,DC=harbour,DC=example");
	assert_true(p.may_have_shares);
}

static void
test_shares(void **state UNUSED)
{
	static const struct value ann[] = { V("mail", "ann@b.example"), { NULL } };
	static const struct value info[] = { V("mail", "info@b.example"),
		V("displayName", "Information"), { NULL } };
	const struct ldap_map *map = map_of(MAP_OPENLDAP, NULL);
	struct ldap_person owner = read_person(map, "uid=ann", ann);
	struct ldap_person other = read_person(map, "uid=info", info);
	struct alternative_mailbox share;

	assert_false(owner.may_have_shares);
	ldap_person_share(&owner, &other, &share);
	assert_int_equal(
	    entity_check(mem, &entities[ENTITY_ALTERNATIVE_MAILBOX], &share, NULL), USHER_OK);
	assert_int_equal(share.type, ALTERNATIVE_DELEGATE);
	assert_string_equal(share.mailbox, "ann@b.example");
	assert_string_equal(share.display_name, "Information");
	assert_string_equal(share.smtp_address, "info@b.example");
}

/* Nobody's name is 10 MB long. */
static void
test_big(void **state UNUSED)
{
	char *text = arena_alloc(mem, BIG);
	struct value values[] = { V("mail", "a@b.example"), { "displayName", { text, BIG } },
		{ "legacyExchangeDN", { text, BIG } }, { "proxyAddresses", { text, BIG } },
		{ "usherValue", { text, BIG } }, V("cn", "Ann"), { NULL } };
	struct ldap_person p;

	assert_non_null(text);
	memset(text, '/', BIG);
	p = read_person(map_of(MAP_OPENLDAP, NULL), "uid=ann", values);
	assert_string_equal(p.mailbox.address, "a@b.example");
	assert_string_equal(p.mailbox.display_name, "Ann");
	assert_null(p.mailbox.legacy_dn);
	assert_int_equal(p.mailbox.aliases.n, 0);
}

/* ---- logins ---- */

static void
test_logins(void **state UNUSED)
{
	static const struct value named[] = { V("userPrincipalName", "Ann@b.example"),
		V("sAMAccountName", "annq"), V("mail", "ann.quay@b.example"), { NULL } };
	static const struct value unnamed[] = { V("sAMAccountName", "Bo"), { NULL } };
	static const struct value contact[] = { V("objectClass", "contact"),
		V("mail", "c@b.example"), { NULL } };
	static const char here[] = "CN=Ann,CN=Users,DC=harbour,DC=example";
	static const char pier[] = "CN=Bo, OU=People, DC=pier, DC=harbour, DC=example";
	static const struct {
		const char *dn;
		const struct value *values;
		const char *login;
		enum map_fit fit;
		const char *canonical;
	} rows[] = {
		{ here, named, "ann@b.example", MAP_FIT_NAME, "ann@b.example" },
		{ here, named, "annq", MAP_FIT_NAME, "ann@b.example" },
		{ here, named, "harbour\\annq", MAP_FIT_NAME, "ann@b.example" },
		{ here, named, "annq@harbour.example", MAP_FIT_NAME, "ann@b.example" },
		{ here, named, "ann.quay@b.example", MAP_FIT_ADDRESS, "ann@b.example" },
		{ here, named, "pier\\annq", MAP_FIT_NONE, "ann@b.example" },
		{ here, named, "elsewhere\\annq", MAP_FIT_NONE, "ann@b.example" },
		{ here, named, "annq@b.example", MAP_FIT_NONE, "ann@b.example" },
		{ here, named, "ann", MAP_FIT_NONE, "ann@b.example" },
		{ pier, unnamed, "pier\\bo", MAP_FIT_NAME, "bo@pier.harbour.example" },
		{ pier, unnamed, "bo@pier.harbour.example", MAP_FIT_NAME,
		    "bo@pier.harbour.example" },
		{ here, contact, "c@b.example", MAP_FIT_NONE, NULL },
	};
	const struct ldap_map *map = map_of(MAP_ACTIVE_DIRECTORY, NULL);

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct ldap_person p = read_person(map, rows[i].dn, rows[i].values);

		if (ldap_map_fit(map, &p, rows[i].login) != rows[i].fit)
			fail_msg("%s does not fit so", rows[i].login);
		assert_same(rows[i].login, "login", p.mailbox.login_name, rows[i].canonical);
	}
}

/* ---- changing ---- */

static const char *
change_text(const struct ldap_change *change)
{
	static const char *const kinds[] = { "+", "-", "=" };
	const char *text = "";

	for (size_t i = 0; i < change->n; i++)
		for (size_t k = 0; k < change->edits[i].attribute.n; k++) {
			struct slice v = change->edits[i].attribute.values[k];

			text = arena_join(mem, text, text[0] == '\0' ? "" : " ",
			    kinds[change->edits[i].kind], change->edits[i].attribute.name, "=",
			    strstr(change->edits[i].attribute.name, "Guid") != NULL ?
				"GUID" :
				arena_copy(mem, v));
		}
	return text;
}

static void
test_edits(void **state UNUSED)
{
	static const struct value exchange[] = { V("objectClass", "user"),
		V("proxyAddresses", "SMTP:a@b.example"), V("proxyAddresses", "smtp:a2@b.example"),
		V("proxyAddresses", "X500:/o=Old/cn=a"), V("mail", "a@b.example"),
		V("displayName", "Ann"), V("homeMDB", "CN=DB1,CN=Databases"), { NULL } };
	static const struct value qmail[] = { V("objectClass", "qmailUser"),
		V("mail", "a@b.example"), V("mailAlternateAddress", "a2@b.example"), V("cn", "Ann"),
		V("uid", "a"), { NULL } };
	static const struct value remote[] = { V("proxyAddresses", "SMTP:a@b.example"),
		V("proxyAddresses", "smtp:a@c.example"), V("mail", "a@b.example"),
		V("msExchRecipientTypeDetails", "2147483648"),
		V("targetAddress", "SMTP:a@c.example"), { NULL } };
	static const char *const swapped[] = { "a@b.example" };
	static const char *const three[] = { "a2@b.example", "a3@b.example" };
	static const struct {
		const char *row;
		enum map_flavour flavour;
		const struct value *values;
		const char *member, *text;
		struct text_list aliases;
		const char *change; /* or what is wrong */
		usher_status status;
	} rows[] = {
		{ "nothing", MAP_EXCHANGE, exchange, NULL, NULL, { 0 }, "", USHER_OK },
		{ "a redirect", MAP_EXCHANGE, exchange, "redirect_address", "a@c.example", { 0 },
		    "+targetAddress=SMTP:a@c.example", USHER_OK },
		{ "another display name", MAP_EXCHANGE, exchange, "display_name", "Ann Q", { 0 },
		    "-displayName=Ann +displayName=Ann Q", USHER_OK },
		{ "no display name", MAP_EXCHANGE, exchange, "display_name", NULL, { 0 },
		    "-displayName=Ann", USHER_OK },
		{ "an alias more", MAP_EXCHANGE, exchange, NULL, NULL, { three, 2 },
		    "+proxyAddresses=smtp:a3@b.example", USHER_OK },
		{ "another primary address", MAP_EXCHANGE, exchange, "address", "a2@b.example",
		    { swapped, 1 },
		    "-proxyAddresses=SMTP:a@b.example -proxyAddresses=smtp:a2@b.example "
		    "+proxyAddresses=SMTP:a2@b.example +proxyAddresses=smtp:a@b.example "
		    "-mail=a@b.example +mail=a2@b.example",
		    USHER_OK },
		{ "a server of Exchange's", MAP_EXCHANGE, exchange, "server", "QUAY2", { 0 },
		    "server: Exchange keeps it in msExchHomeServerName", USHER_E_INPUT },
		{ "a switch", MAP_EXCHANGE, exchange, "public_folder_mailbox", "p@b.example", { 0 },
		    "+usherValue=public_folder_mailbox: p@b.example +objectClass=usherMailbox",
		    USHER_OK },
		{ "a redirect without Exchange's schema", MAP_ACTIVE_DIRECTORY, exchange,
		    "redirect_address", "a@c.example", { 0 },
		    "+usherValue=redirect_address: a@c.example +objectClass=usherMailbox",
		    USHER_OK },
		{ "an alias more, as qmail has them", MAP_OPENLDAP, qmail, NULL, NULL, { three, 2 },
		    "+mailAlternateAddress=a3@b.example", USHER_OK },
		{ "a redirect in a foreign entry", MAP_OPENLDAP, qmail, "redirect_address",
		    "a@c.example", { 0 },
		    "+targetAddress=SMTP:a@c.example +objectClass=usherMailbox", USHER_OK },
		{ "a server without Exchange", MAP_OPENLDAP, qmail, "server", "QUAY2", { 0 },
		    "+usherValue=server: QUAY2 +objectClass=usherMailbox", USHER_OK },
		{ "a GUID", MAP_OPENLDAP, qmail, "guid", GUID_TEXT, { 0 },
		    "+msExchMailboxGuid=GUID +objectClass=usherMailbox", USHER_OK },
		{ "a login that is not told", MAP_OPENLDAP, qmail, "login_name", NULL, { 0 }, "",
		    USHER_OK },
		{ "an alias of somebody elsewhere", MAP_EXCHANGE, remote, NULL, NULL, { three, 1 },
		    "+proxyAddresses=smtp:a2@b.example", USHER_OK },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct ldap_map *map = map_of(rows[i].flavour, NULL);
		struct ldap_entry entry = entry_of("uid=a", rows[i].values);
		struct ldap_person p = read_person(map, "uid=a", rows[i].values);
		const struct field_table *table = &entities[ENTITY_MAILBOX].table;
		struct ldap_change change;
		struct usher_error err = { 0 };
		usher_status st;

		if (rows[i].member != NULL)
			field_set_text(field_find(table, rows[i].member), &p.mailbox, rows[i].text);
		if (rows[i].aliases.n > 0)
			p.mailbox.aliases = rows[i].aliases;
		st = ldap_person_edit(map, mem, &entry, &p.mailbox, &change, &err);
		assert_int_equal(st, rows[i].status);
		if (st == USHER_OK)
			assert_same(rows[i].row, "change", change_text(&change), rows[i].change);
		else
			assert_non_null(strstr(err.message, rows[i].change));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_filters, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_members, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_people, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_all_attributes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_shares, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_big, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_logins, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_edits, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
