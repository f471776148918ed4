/* test_issue.c - what a root may vouch for, what is issued by it, and in which forms it goes out.
 * What other programs think of all this is in tests/interop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cert/inspect.h"
#include "cert/issue.h"
#include "cert/names.h"
#include "cert/trust.h"
#include "cert/verdict.h"
#include "cert/wrap.h"

static const int64_t NOW = 1795250100; /* 2026-11-21T08:35:00Z */
static const int64_t DAY = 86400;

static struct arena *mem;

static int
make_arena(void **state)
{
	(void)state;
	mem = arena_new(16 * 1024 * 1024);
	return mem == NULL ? -1 : 0;
}

static int
free_arena(void **state)
{
	(void)state;
	arena_free(mem);
	return 0;
}

/* ---- scope ---- */

static void
test_scope_parse(void **state)
{
	static const struct {
		const char *typed, *form; /* NULL: refused */
	} rows[] = {
		{ "contoso.com", "contoso.com" },
		{ "Contoso.COM.", "contoso.com" },
		{ "müller.example", "xn--mller-kva.example" },
		{ "mail.corp.local", "mail.corp.local" },
		{ "quay1", "quay1" },
		{ "192.0.2.7", "192.0.2.7" },
		{ "10.0.0.0/8", "10.0.0.0/8" },
		{ "2001:db8::/32", "2001:db8::/32" },
		{ "com", NULL },
		{ "dev", NULL },
		{ "co.uk", NULL },
		{ "*.contoso.com", NULL },
		{ ".contoso.com", NULL },
		{ "10.0.0.1/8", NULL },
		{ "0.0.0.0/33", NULL },
		{ "a,b", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct usher_error err = { 0 };
		const char *form = NULL;
		usher_status st = issue_scope_parse(mem, rows[i].typed, &form, &err);

		if (st != (rows[i].form == NULL ? USHER_E_ADDRESS : USHER_OK))
			fail_msg("`%s`: status %d", rows[i].typed, (int)st);
		if (form != NULL)
			assert_string_equal(form, rows[i].form);
	}
}

static void
test_scope_has(void **state)
{
	static const char *const v[] = { "contoso.com", "quay1", "192.0.2.0/24", "2001:db8::1" };
	static const struct text_list scope = { v, COUNT_OF(v) }, all = { NULL, 0 };
	static const struct {
		const char *name;
		bool has;
	} rows[] = {
		{ "contoso.com", true },
		{ "mail.contoso.com", true },
		{ "a.b.contoso.com", true },
		{ "*.contoso.com", true },
		{ "quay1", true },
		{ "a.quay1", true },
		{ "192.0.2.255", true },
		{ "2001:db8::1", true },
		{ "badcontoso.com", false },
		{ "contoso.com.example", false },
		{ "com", false },
		{ "*.com", false },
		{ "quay10", false },
		{ "192.0.3.0", false },
		{ "2001:db8::2", false },
		{ "::ffff:192.0.2.1", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (issue_scope_has(&scope, rows[i].name) != rows[i].has)
			fail_msg("%s", rows[i].name);
		assert_true(issue_scope_has(&all, rows[i].name));
	}
}

/* ---- making ---- */

static const char *const permitted[] = { "contoso.com", "10.0.0.0/8" };

static void
make_root(struct authority *out, struct buf *key, const struct secret *passphrase)
{
	const struct root_plan plan = { .name = "Contoso Root",
		.kind = CERT_KEY_P256,
		.permitted = { permitted, COUNT_OF(permitted) },
		.passphrase = passphrase,
		.now_s = NOW,
		.years = 10 };

	buf_init(key, CERT_KEY_BYTES);
	assert_int_equal(issue_root(mem, &plan, out, key, NULL), USHER_OK);
}

/* A request for the names, separated by blanks, with this common name. */
static struct request
ask_for(const char *common_name, const char *const *names, size_t n)
{
	struct text_list list = { names, n };
	struct subject subject = { 0 };
	struct request request;
	struct buf key;

	buf_init(&key, CERT_KEY_BYTES);
	assert_int_equal(cert_key_make(CERT_KEY_P256, 0, &key, NULL), USHER_OK);
	if (common_name != NULL)
		assert_int_equal(subject_of_host(mem, common_name, &subject, NULL), USHER_OK);
	assert_int_equal(
	    request_make(mem, buf_as_slice(&key), &subject, &list, &request, NULL), USHER_OK);
	buf_wipe(&key);
	return request;
}

static void
test_root(void **state)
{
	const struct root_plan bad[] = {
		{ .name = "", .kind = CERT_KEY_P256, .years = 1 },
		{ .name = "a", .kind = CERT_KEY_ED25519, .years = 1 },
		{ .name = "a",
		    .kind = CERT_KEY_P256,
		    .years = 1,
		    .permitted = { permitted + 1, 1 } },
	};
	struct authority a;
	struct buf key;

	(void)state;
	make_root(&a, &key, NULL);
	assert_string_equal(a.name, "Contoso Root");
	assert_string_equal(a.subject, "CN=Contoso Root");
	assert_int_equal(a.not_before, NOW - 3600);
	assert_int_equal(a.not_after, NOW + 3652 * DAY);
	assert_int_equal(a.encrypted, TRI_OFF);
	assert_int_equal(a.permitted.n, 2);
	assert_int_equal(strlen(a.sha256), 64);
	assert_false(cert_key_is_encrypted(buf_as_slice(&key)));
	assert_int_equal(cert_key_fits(buf_as_slice(&key), slice_of(a.pem), NULL), USHER_OK);
	buf_wipe(&key);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct usher_error err = { 0 };

		buf_init(&key, CERT_KEY_BYTES);
		assert_int_not_equal(issue_root(mem, &bad[i], &a, &key, &err), USHER_OK);
		assert_string_not_equal(err.message, "");
		assert_int_equal(key.n, 0);
		buf_wipe(&key);
	}
}

/* By our own judgement, which is that of clients. */
static void
assert_valid(const struct authority *a, const struct certificate *c, const struct text_list *hosts)
{
	struct trust *trust;
	struct verdict verdict;
	struct verdict_question question = {
		.pem = slice_of(c->pem), .hosts = hosts, .now_s = NOW
	};

	assert_int_equal(trust_open(NULL, slice_of(a->pem), true, &trust, NULL), USHER_OK);
	question.trust = trust;
	assert_int_equal(verdict_of(mem, &question, &verdict, NULL), USHER_OK);
	assert_string_equal(cert_status_name(verdict.status), "Valid");
	assert_int_equal(verdict.missing.n, 0);
	trust_free(trust);
}

static void
test_issue(void **state)
{
	static const char *const names[] = { "mail.contoso.com", "*.contoso.com", "10.1.2.3" };
	static const char *const more[] = { "mail.contoso.com", "*.contoso.com", "10.1.2.3",
		"cn.contoso.com" };
	const struct text_list all = { more, 4 };
	const struct request request = ask_for("cn.contoso.com", names, 3);
	struct issue_plan plan = { .now_s = NOW, .days = 30 };
	struct authority a;
	struct certificate c, again;
	struct request other;
	struct buf key;

	(void)state;
	make_root(&a, &key, NULL);
	plan.by = &a;
	plan.key_file = buf_as_slice(&key);
	assert_int_equal(issue_certificate(mem, &plan, &request, &c, NULL), USHER_OK);
	assert_true(text_list_equal(&c.names, &all));
	assert_int_equal(c.not_after, NOW + 30 * DAY);
	assert_string_equal(c.issuer, a.subject);
	assert_valid(&a, &c, &all);

	assert_true(issue_is_answer(mem, &a, slice_of(c.pem), &request));
	assert_false(issue_is_answer(mem, &a, slice_of(a.pem), &request));
	assert_false(issue_is_answer(mem, &a, SLICE_LITERAL("none"), &request));
	other = ask_for("cn.contoso.com", names, 3);
	assert_false(issue_is_answer(mem, &a, slice_of(c.pem), &other));
	other = request;
	other.names.n = 1;
	assert_false(issue_is_answer(mem, &a, slice_of(c.pem), &other));

	assert_int_equal(issue_certificate(mem, &plan, &request, &again, NULL), USHER_OK);
	assert_string_not_equal(c.sha256, again.sha256);
	plan.days = ISSUE_DAYS_MAX;
	plan.now_s = a.not_after - DAY;
	assert_int_equal(issue_certificate(mem, &plan, &request, &c, NULL), USHER_OK);
	assert_int_equal(c.not_after, a.not_after);
	plan.now_s = a.not_after;
	assert_int_equal(issue_certificate(mem, &plan, &request, &c, NULL), USHER_E_TRUST);
	buf_wipe(&key);
}

static void
test_passphrase(void **state)
{
	static const char *const names[] = { "mail.contoso.com" };
	const struct request request = ask_for(NULL, names, 1);
	struct secret right = { 0 }, wrong = { 0 };
	struct issue_plan plan = { .now_s = NOW, .days = 30 };
	struct authority a, other;
	struct certificate c;
	struct buf key, others;

	(void)state;
	assert_true(secret_set(&right, SLICE_LITERAL("geheim")));
	assert_true(secret_set(&wrong, SLICE_LITERAL("Geheim")));
	make_root(&a, &key, &right);
	make_root(&other, &others, NULL);
	assert_int_equal(a.encrypted, TRI_ON);
	assert_true(cert_key_is_encrypted(buf_as_slice(&key)));
	plan.by = &a;
	plan.key_file = buf_as_slice(&key);
	assert_int_equal(issue_certificate(mem, &plan, &request, &c, NULL), USHER_E_CREDENTIALS);
	plan.passphrase = &wrong;
	assert_int_equal(issue_certificate(mem, &plan, &request, &c, NULL), USHER_E_CREDENTIALS);
	plan.passphrase = &right;
	assert_int_equal(issue_certificate(mem, &plan, &request, &c, NULL), USHER_OK);
	plan.key_file = buf_as_slice(&others);
	assert_int_equal(issue_certificate(mem, &plan, &request, &c, NULL), USHER_E_CONFLICT);
	secret_clear(&right);
	secret_clear(&wrong);
	buf_wipe(&key);
	buf_wipe(&others);
}

static void
test_refused(void **state)
{
	static const char *const names[] = { "mail.contoso.com", "mail.other.example" };
	static const struct {
		const char *common_name;
		size_t n;
		unsigned faults;
		const char *says;
	} rows[] = {
		{ NULL, 2, 0, "may not vouch" },
		{ "www.other.example", 1, 0, "may not vouch" },
		{ "other", 0, 0, "may not vouch" },
		{ "Contoso Ltd", 0, 0, "names no host" },
		{ NULL, 1, 1U << REQUEST_WANTS_CA, "authority itself" },
		{ NULL, 1, 1U << REQUEST_WEAK_KEY, "ECDSA P-256" },
	};
	struct issue_plan plan = { .now_s = NOW, .days = 30 };
	struct authority a;
	struct buf key;

	(void)state;
	make_root(&a, &key, NULL);
	plan.by = &a;
	plan.key_file = buf_as_slice(&key);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct request request = ask_for(rows[i].common_name, names, rows[i].n);
		struct usher_error err = { 0 };
		struct certificate c;

		request.faults |= rows[i].faults;
		assert_int_equal(issue_certificate(mem, &plan, &request, &c, &err), USHER_E_INPUT);
		if (strstr(err.message, rows[i].says) == NULL)
			fail_msg("row %zu: %s", i, err.message);
	}
	buf_wipe(&key);
}

static void
test_forms(void **state)
{
	struct authority a;
	struct buf key, out;

	(void)state;
	make_root(&a, &key, NULL);
	buf_wipe(&key);
	for (int form = CERT_FORM_PEM; form <= CERT_FORM_PKCS7; form++) {
		buf_init(&out, CERT_PEM_BYTES);
		assert_int_equal(
		    cert_wrap(slice_of(a.pem), (enum cert_form)form, &out, NULL), USHER_OK);
		assert_int_equal(out.p[0], form == CERT_FORM_PEM ? '-' : 0x30);
		buf_clear(&out);
		buf_init(&out, 16);
		assert_int_equal(
		    cert_wrap(slice_of(a.pem), (enum cert_form)form, &out, NULL), USHER_E_LIMIT);
		buf_clear(&out);
		if (form != CERT_FORM_PEM)
			assert_int_equal(
			    cert_wrap(SLICE_LITERAL("none"), (enum cert_form)form, &out, NULL),
			    USHER_E_INPUT);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scope_parse),
		cmocka_unit_test(test_scope_has),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_issue),
		cmocka_unit_test(test_passphrase),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_forms),
	};

	return cmocka_run_group_tests_name("issue", tests, make_arena, free_arena);
}
