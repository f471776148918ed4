/* test_verdict.c - certificates good and bad, made by openssl, and what is said of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <time.h>

#include "cert/inspect.h"
#include "cert/verdict.h"
#include "fixtures.h"

/* `issue NAME ISSUER DAYS EXTENSIONS [OPTIONS]` makes NAME.pem. */
static const char script[] =
    "ec() { openssl ecparam -name prime256v1 -genkey -noout -out $1.key; }\n"
    "CA='basicConstraints=critical,CA:TRUE\\nsubjectKeyIdentifier=hash\\n'\n"
    "WEB='subjectAltName=DNS:mail.contoso.com,DNS:*.contoso.com,IP:192.0.2.1\\n"
    "extendedKeyUsage=serverAuth\\nbasicConstraints=CA:FALSE\\n'\n"
    "issue() { n=$1; i=$2; d=$3; e=$4; shift 4; test -f $n.key || ec $n\n"
    "openssl req -new -key $n.key -subj /CN=$n -out $n.csr; printf \"$e\" >$n.ext\n"
    "openssl x509 -req -in $n.csr -CA $i.pem -CAkey $i.key -days $d -extfile $n.ext -out $n.pem "
    "\"$@\"; }\n"
    "self() { n=$1; shift; test -f $n.key || ec $n\n"
    "openssl req -new -x509 -key $n.key -subj /CN=$n -out $n.pem -days 999 \"$@\"; }\n"
    "self root; self stranger\n"
    "issue ca root 900 \"$CA\"\n"
    "issue cut root 10 \"$CA\"\n"
    "issue limited root 900 \"${CA}nameConstraints=permitted;DNS:fabrikam.com\\n\"\n"
    "issue leaf ca 90 \"$WEB\"\n"
    "issue short cut 90 \"$WEB\"\n"
    "issue outside limited 90 \"$WEB\"\n"
    "issue foreign stranger 90 \"$WEB\"\n"
    "issue client ca 90 'subjectAltName=DNS:a.example\\nextendedKeyUsage=clientAuth\\n'\n"
    "issue crlsign ca 90 'subjectAltName=DNS:a.example\\nkeyUsage=cRLSign\\n'\n"
    "issue nosan ca 90 'basicConstraints=CA:FALSE\\n'\n"
    "issue sha1 ca 90 \"$WEB\" -sha1\n"
    "openssl genrsa -out rsa.key 2048; issue rsa root 900 \"$CA\"\n"
    "issue md5 rsa 90 \"$WEB\" -md5\n"
    "openssl genrsa -out weak.key 1024; issue weak ca 90 \"$WEB\"\n"
    "issue second leaf 90 \"$WEB\"\n"
    "self own -addext subjectAltName=DNS:mail.contoso.com -addext basicConstraints=CA:FALSE\n"
    "(head -n 4 leaf.pem; tail -n 1 leaf.pem) >garbled.pem\n"
    "openssl x509 -in leaf.pem -outform der | "
    "LC_ALL=C sed 's/\\x03\\x42\\x00\\x04/\\x03\\x42\\x00\\x05/' | "
    "openssl x509 -inform der -out badkey.pem\n";

static const int64_t DAY = 86400;

static struct arena *mem;
static struct trust *trust;
static int64_t now;

static int
setup(void **state)
{
	(void)state;
	mem = arena_new(64 * 1024 * 1024);
	if (mem == NULL || fixtures_make(script) != 0)
		return -1;
	now = (int64_t)time(NULL);
	return trust_open("root.pem", (struct slice){ 0 }, false, &trust, NULL) != USHER_OK;
}

static int
teardown(void **state)
{
	(void)state;
	trust_free(trust);
	arena_free(mem);
	return fixtures_drop();
}

/* `names` are separated by blanks: the files' PEM, one behind the other. */
static struct slice
chain(const char *names)
{
	struct slice rest = slice_of(names);
	const char *text = "";

	while (rest.n > 0) {
		size_t end = slice_find(rest, ' ');

		text = arena_join(
		    mem, text, fixture(mem, arena_printf(mem, "%.*s.pem", (int)end, rest.p)).p);
		rest = slice_skip(rest, end + 1);
	}
	return slice_of(text);
}

static const char *
faults_text(unsigned faults)
{
	const char *text = "";

	for (int f = 0; f < CERT_FAULT_COUNT; f++) {
		if ((faults & 1U << f) != 0)
			text = arena_join(mem, text, *text == '\0' ? "" : " ", cert_faults[f].id);
	}
	return text;
}

static void
test_faults(void **state)
{
	static const struct {
		const char *chain;
		int days; /* from now */
		const char *status, *faults;
	} rows[] = {
		{ "leaf ca", 0, "Valid", "" },
		{ "leaf ca root", 0, "Valid", "" },
		{ "leaf", 0, "Untrusted", "cert-chain-incomplete" },
		{ "leaf root", 0, "Untrusted", "cert-chain-incomplete" },
		{ "foreign stranger", 0, "Untrusted", "cert-private-ca-untrusted" },
		{ "foreign", 0, "Untrusted", "cert-chain-incomplete" },
		{ "own", 0, "Untrusted", "cert-self-signed" },
		{ "leaf ca", 61, "Valid", "cert-expires-soon" },
		{ "leaf ca", 59, "Valid", "" },
		{ "leaf ca", 91, "DateInvalid", "cert-expired" },
		{ "leaf ca", -2, "DateInvalid", "cert-not-yet-valid cert-intermediate-expired" },
		{ "short cut", 11, "DateInvalid", "cert-intermediate-expired" },
		{ "outside limited", 0, "Invalid", "cert-chain-broken" },
		{ "second leaf ca", 0, "Invalid", "cert-chain-broken" },
		{ "client ca", 0, "Invalid", "cert-wrong-usage" },
		{ "crlsign ca", 0, "Invalid", "cert-wrong-usage" },
		{ "nosan ca", 0, "Valid", "cert-no-san" },
		{ "sha1 ca", 0, "Invalid", "cert-weak-signature" },
		{ "md5 rsa", 0, "Invalid", "cert-weak-signature" },
		{ "weak ca", 0, "Invalid", "cert-weak-key" },
		{ "ca", 0, "Invalid", "cert-is-ca cert-no-san" },
		{ "root", 0, "Invalid", "cert-is-ca cert-no-san" },
		{ "stranger", 0, "Invalid", "cert-self-signed cert-is-ca cert-no-san" },
		{ "badkey ca", 0, "Invalid", "cert-chain-broken" },
		{ "garbled", 0, "Unknown", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct verdict_question q = { .pem = chain(rows[i].chain),
			.trust = trust,
			.now_s = now + rows[i].days * DAY };
		struct verdict v;

		if (verdict_of(mem, &q, &v, NULL) != USHER_OK)
			fail_msg("%s: no verdict", rows[i].chain);
		if (strcmp(cert_status_name(v.status), rows[i].status) != 0 ||
		    strcmp(faults_text(v.faults), rows[i].faults) != 0)
			fail_msg("%s in %d days: %s, %s", rows[i].chain, rows[i].days,
			    cert_status_name(v.status), faults_text(v.faults));
	}
}

static void
test_details(void **state)
{
	static const char *const v_hosts[] = { "mail.contoso.com", "autodiscover.contoso.com",
		"contoso.com", "a.b.contoso.com", "192.0.2.1", "192.0.2.2" };
	static const struct text_list hosts = { v_hosts, COUNT_OF(v_hosts) };
	struct verdict_question q = { .pem = chain("leaf ca"),
		.key_pem = fixture(mem, "leaf.key"),
		.hosts = &hosts,
		.trust = trust,
		.now_s = now };
	struct verdict v;

	(void)state;
	assert_int_equal(verdict_of(mem, &q, &v, NULL), USHER_OK);
	assert_string_equal(faults_text(v.faults), "cert-name-missing");
	assert_int_equal(v.status, CERT_VALID);
	assert_int_equal(v.missing.n, 3);
	assert_string_equal(v.missing.v[0], "contoso.com");
	assert_string_equal(v.missing.v[1], "a.b.contoso.com");
	assert_string_equal(v.missing.v[2], "192.0.2.2");
	assert_string_equal(v.key, "ECDSA P-256");
	assert_string_equal(v.signature, "ecdsa-with-SHA256");
	assert_in_range(v.days_left, 89, 90);
	assert_false(v.self_signed);

	q.hosts = NULL;
	q.key_pem = fixture(mem, "ca.key");
	assert_int_equal(verdict_of(mem, &q, &v, NULL), USHER_OK);
	assert_string_equal(faults_text(v.faults), "cert-private-key-unusable");
	assert_int_equal(v.status, CERT_INVALID);

	q.key_pem = (struct slice){ 0 };
	q.revocation = REVOCATION_FAILED;
	assert_int_equal(verdict_of(mem, &q, &v, NULL), USHER_OK);
	assert_int_equal(v.status, CERT_REVOCATION_CHECK_FAILURE);
	q.revocation = REVOCATION_REVOKED;
	q.now_s = now + 365 * DAY;
	assert_int_equal(verdict_of(mem, &q, &v, NULL), USHER_OK);
	assert_int_equal(v.status, CERT_REVOKED);
	assert_in_range(v.days_left + 300, 24, 25);

	q = (struct verdict_question){ .pem = chain("own"), .trust = trust, .now_s = now };
	assert_int_equal(verdict_of(mem, &q, &v, NULL), USHER_OK);
	assert_true(v.self_signed);
}

/* Our own root beside the system's, or alone; and what cannot be read. */
static void
test_anchors(void **state)
{
	static const struct {
		const char *file, *anchors;
		bool only;
		const char *chain, *status;
	} rows[] = {
		{ "root.pem", "stranger", false, "foreign", "Valid" },
		{ "root.pem", "stranger", false, "leaf ca", "Valid" },
		{ "root.pem", "stranger", true, "leaf ca", "Untrusted" },
		{ "root.pem", "own", false, "own", "Valid" },
		{ NULL, "", false, "leaf ca", "Untrusted" },
		{ NULL, "", true, "leaf ca", "Untrusted" },
		{ NULL, "root ca", true, "leaf", "Valid" },
	};
	struct trust *t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct verdict_question q = { .pem = chain(rows[i].chain), .now_s = now };
		struct verdict v;

		assert_int_equal(
		    trust_open(rows[i].file, chain(rows[i].anchors), rows[i].only, &t, NULL),
		    USHER_OK);
		q.trust = t;
		assert_int_equal(verdict_of(mem, &q, &v, NULL), USHER_OK);
		if (strcmp(cert_status_name(v.status), rows[i].status) != 0)
			fail_msg("%zu: %s: %s, %s", i, rows[i].chain, cert_status_name(v.status),
			    faults_text(v.faults));
		trust_free(t);
	}
	assert_int_equal(
	    trust_open("absent.pem", (struct slice){ 0 }, false, &t, NULL), USHER_E_IO);
	assert_int_equal(trust_open("leaf.ext", (struct slice){ 0 }, false, &t, NULL), USHER_E_IO);
	assert_int_equal(trust_open(NULL, slice_of("x"), true, &t, NULL), USHER_E_INPUT);
}

static void
test_completion(void **state)
{
	static const struct {
		const char *pem, *more, *wanted;
	} rows[] = {
		{ "leaf ca", "", "leaf ca" },
		{ "leaf", "ca", "leaf ca" },
		{ "leaf", "root stranger ca", "leaf ca" },
		{ "leaf root stranger ca", "", "leaf ca" },
		{ "leaf", "", "leaf" },
		{ "foreign", "stranger", "foreign" },
		{ "own", "", "own" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *out;

		assert_int_equal(
		    trust_complete(mem, trust, chain(rows[i].pem), chain(rows[i].more), &out, NULL),
		    USHER_OK);
		if (!slice_eq(slice_of(out), chain(rows[i].wanted)))
			fail_msg("%s and %s: %s", rows[i].pem, rows[i].more, out);
	}
}

static void
test_names_cover(void **state)
{
	static const struct {
		const char *name, *host;
		bool covers;
	} rows[] = {
		{ "mail.contoso.com", "mail.contoso.com", true },
		{ "mail.contoso.com", "MAIL.contoso.com", true },
		{ "mail.contoso.com", "contoso.com", false },
		{ "*.contoso.com", "mail.contoso.com", true },
		{ "*.contoso.com", "contoso.com", false },
		{ "*.contoso.com", "a.b.contoso.com", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "*.0.2.1", "192.0.2.1", false },
		{ "cas01", "cas01", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct text_list names = { &rows[i].name, 1 };

		if (cert_names_cover(&names, rows[i].host) != rows[i].covers)
			fail_msg("%s and %s", rows[i].name, rows[i].host);
	}
}

static void
test_rows_are_whole(void **state)
{
	(void)state;
	for (int f = 0; f < CERT_FAULT_COUNT; f++) {
		const struct cert_fault_row *r = &cert_faults[f];

		assert_non_null(r->id);
		assert_true(*r->what != '\0' && *r->whom != '\0' && *r->todo != '\0');
		assert_true(r->status != CERT_UNKNOWN);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_details),
		cmocka_unit_test(test_anchors),
		cmocka_unit_test(test_completion),
		cmocka_unit_test(test_names_cover),
		cmocka_unit_test(test_rows_are_whole),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
