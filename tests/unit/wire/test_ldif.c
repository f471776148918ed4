/* test_ldif.c - change records, letter by letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compat.h"
#include "wire/ldif.h"

#define VALUE(text) \
	{ \
		(text), sizeof(text) - 1 \
	}

static const struct slice names[] = { VALUE("quay1") };
static const struct slice keywords[] = { VALUE("77378F46"), VALUE("Site=M\xc3\xbcnchen"),
	VALUE(" x"), VALUE("x "), VALUE(":x"), VALUE("<x"), VALUE("a\nb"), VALUE("") };
static const struct ldap_edit edits[] = {
	{ LDAP_EDIT_REPLACE, { "cn", names, 1 } },
	{ LDAP_EDIT_ADD, { "keywords", keywords, COUNT_OF(keywords) } },
	{ LDAP_EDIT_DELETE, { "description", NULL, 0 } },
};

static const char values[] = "keywords: 77378F46\n"
			     "keywords:: U2l0ZT1Nw7xuY2hlbg==\n"
			     "keywords:: IHg=\n"
			     "keywords:: eCA=\n"
			     "keywords:: Ong=\n"
			     "keywords:: PHg=\n"
			     "keywords:: YQpi\n"
			     "keywords:\n";

static void
check(const struct ldap_change *change, const char *before, const char *after)
{
	struct buf b = { .max = 4096 }, expected = { .max = 4096 };

	ldif_write(&b, change);
	buf_printf(&expected, "%s%s%s", before, values, after);
	assert_string_equal(buf_cstr(&b), buf_cstr(&expected));
	buf_clear(&b);
	buf_clear(&expected);
}

static void
test_changes(void **state UNUSED)
{
	struct ldap_change change = { LDAP_CHANGE_ADD, "CN=quay1,DC=x", edits, 2 };
	struct buf b = { .max = 4096 };

	check(&change, "dn: CN=quay1,DC=x\nchangetype: add\ncn: quay1\n", "\n");
	change.kind = LDAP_CHANGE_MODIFY;
	change.n = 3;
	check(&change,
	    "dn: CN=quay1,DC=x\nchangetype: modify\nreplace: cn\ncn: quay1\n-\nadd: keywords\n",
	    "-\ndelete: description\n-\n\n");
	change = (struct ldap_change){ LDAP_CHANGE_DELETE, "CN=\xc3\xbc", NULL, 0 };
	ldif_write(&b, &change);
	assert_string_equal(buf_cstr(&b), "dn:: Q049w7w=\nchangetype: delete\n\n");
	buf_clear(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
