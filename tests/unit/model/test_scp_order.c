/* test_scp_order.c - the order of service connection points: sites, age, domains, pointers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "model/scp_order.h"

enum { RECORDS_MAX = 5, KEYWORDS_MAX = 4 };

struct record {
	const char *binding;
	const char *keywords[KEYWORDS_MAX];
	int64_t created;
};

struct row {
	const char *name;
	struct record records[RECORDS_MAX];
	const char *expected; /* the letter after `https://` of each URL, or the pointer */
	const char *site;
	bool strict;
};

#define URL SCP_URL_KEYWORD
#define POINTER SCP_POINTER_KEYWORD
#define A "https://a.contoso.example/autodiscover/autodiscover.xml"
#define B "https://b.contoso.example/autodiscover/autodiscover.xml"
#define C "https://c.contoso.example/autodiscover/autodiscover.xml"
#define D "https://d.contoso.example/autodiscover/autodiscover.xml"

static const struct row rows[] = {
	{ "nothing", { { 0 } }, "" },
	{ "one", { { A, { URL } } }, "a" },
	{ "the oldest first", { { B, { URL }, 20 }, { A, { URL }, 10 } }, "ab" },
	{ "of unknown age last", { { B, { URL }, NUMBER_ABSENT }, { A, { URL }, 10 } }, "ab" },
	{ "of one age in the directory's order", { { A, { URL }, 5 }, { B, { URL }, 5 } }, "ab" },
	{ "our site, then no site, then others",
	    { { C, { URL, "Site=Kyiv" }, 1 }, { B, { URL }, 2 }, { A, { URL, "Site=Oslo" }, 3 } },
	    "abc", "oslo" },
	{ "one of several sites",
	    { { B, { URL }, 1 }, { A, { URL, "Site=Kyiv", "Site=Oslo" }, 3 } }, "ab", "Oslo" },
	{ "an unknown site: by age alone",
	    { { B, { URL, "Site=Kyiv" }, 2 }, { C, { URL }, 3 }, { A, { URL, "Site=Oslo" }, 1 } },
	    "abc" },
	{ "a site with a blank, and one in other letters",
	    { { C, { URL, "Site=Dry dock" }, 1 }, { B, { URL, "Site=M\xc3\xb4le" }, 2 },
		{ A, { URL, "Site=DRY DOCK" }, 3 } },
	    "cab", "Dry Dock" },
	{ "a site that is not ASCII",
	    { { B, { URL, "Site=Dry dock" }, 1 }, { A, { URL, "Site=M\xc3\xb4le" }, 2 } }, "ab",
	    "m\xc3\xb4le" },
	{ "plain http is data as well", { { "http://aa.contoso.example/x", { URL }, 1 } }, "a" },
	{ "strictly: only our site",
	    { { B, { URL }, 1 }, { A, { URL, "Site=Oslo" }, 3 }, { C, { URL, "Site=Kyiv" }, 1 } },
	    "a", "Oslo", true },
	{ "strictly, and none in our site", { { B, { URL, "Site=Kyiv" }, 1 }, { A, { URL }, 3 } },
	    "ab", "Oslo", true },
	{ "for our domain, or any, before those for others",
	    { { C, { URL, "Domain=fabrikam.example", "Site=Oslo" }, 1 },
		{ A, { URL, "Domain=Contoso.Example" }, 3 }, { B, { URL }, 4 } },
	    "abc", "Oslo" },
	{ "each URL once, in any letter case",
	    { { A, { URL }, 1 },
		{ "HTTPS://A.contoso.example/Autodiscover/AUTODISCOVER.xml", { URL }, 2 },
		{ B, { URL }, 3 } },
	    "ab" },
	{ "the keyword in any letter case",
	    { { A, { "77378f46-2c66-4AA9-a6a6-3e7a48b19596" }, 1 } }, "a" },
	{ "no binding, no URL, another kind",
	    { { NULL, { URL } }, { "a b", { URL } }, { "ldap://dc.contoso.example", { URL } },
		{ B, { "Site=Oslo" } }, { A, { URL } } },
	    "a" },
	{ "a pointer for our domain replaces everything",
	    { { A, { URL } },
		{ "LDAP://DC01.fabrikam.example:3268/x", { POINTER, "Domain=contoso.EXAMPLE" } } },
	    "ldap://dc01.fabrikam.example:3268" },
	{ "the second of two pointers is ours",
	    { { "ldap://dc.b.example", { POINTER, "Domain=b.example" } },
		{ "ldap://dc.a.example", { POINTER, "Domain=contoso.example" } } },
	    "ldap://dc.a.example" },
	{ "a pointer for another domain is none",
	    { { A, { URL } }, { "ldap://dc.fabrikam.example", { POINTER, "Domain=a.example" } } },
	    "a" },
	{ "a pointer for everybody, when there is no URL",
	    { { "ldap://dc.a.example", { POINTER, "Domain=a.example" } },
		{ "ldap://dc.fabrikam.example", { POINTER } },
		{ "ldap://dc.b.example", { POINTER } } },
	    "ldap://dc.fabrikam.example" },
	{ "and not when there is one",
	    { { "ldap://dc.fabrikam.example", { POINTER } }, { A, { URL } } }, "a" },
	{ "pointers that lead nowhere",
	    { { "https://dc.fabrikam.example", { POINTER } }, { "ldap://", { POINTER } },
		{ "ldap://dc:0", { POINTER } }, { "ldap://a b", { POINTER } },
		{ NULL, { POINTER } } },
	    "" },
};

static const char *
letters(struct arena *mem, const struct scp_order *o)
{
	const char *out = o->pointer != NULL ? o->pointer : "";

	for (size_t i = 0; i < o->urls.n; i++)
		out = arena_printf(mem, "%s%c", out, o->urls.v[i][strlen("https://")]);
	return out;
}

static void
run_row(const struct row *row)
{
	struct arena *mem = arena_new(1 << 16);
	struct scp_record records[RECORDS_MAX];
	struct scp_order order;
	size_t n = 0;

	while (n < RECORDS_MAX && row->records[n].keywords[0] != NULL) {
		const struct record *r = &row->records[n];
		size_t k = 0;

		while (k < KEYWORDS_MAX && r->keywords[k] != NULL)
			k++;
		records[n++] = (struct scp_record){
			.binding = r->binding,
			.keywords = { (const char **)(uintptr_t)r->keywords, k },
			.created = r->created,
		};
	}
	assert_int_equal(
	    scp_order(mem, records, n, "contoso.example", row->site, row->strict, &order),
	    USHER_OK);
	if (strcmp(letters(mem, &order), row->expected) != 0)
		fail_msg("%s: %s", row->name, letters(mem, &order));
	arena_free(mem);
}

static void
test_order(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		run_row(&rows[i]);
}

static void
test_memory_may_end_anywhere(void **state UNUSED)
{
	const char *keywords[] = { URL, "Domain=contoso.example" };
	const struct scp_record records[] = { { A, { keywords, 2 }, 1 },
		{ B, { keywords, 2 }, 2 } };
	struct scp_order order;

	for (size_t bytes = 0; bytes < 4096; bytes += 13) {
		struct arena *mem = arena_new(bytes);
		usher_status st = scp_order(
		    mem, records, COUNT_OF(records), "contoso.example", NULL, false, &order);

		assert_true(st == USHER_E_NOMEM || (st == USHER_OK && order.urls.n == 2));
		arena_free(mem);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_memory_may_end_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
