/* test_memory.c - every way through OpenSSL with one allocation failing, ours or its own: never a
 * crash, never half an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>

#include <openssl/crypto.h>

#include "../failnth.h"
#include "cert/bundle.h"
#include "cert/inspect.h"
#include "cert/key.h"
#include "cert/names.h"
#include "cert/pkcs12.h"
#include "cert/request.h"
#include "cert/selfsigned.h"
#include "cert/verdict.h"
#include "fixtures.h"

enum { RUNS = 60 };

static const char script[] =
    "openssl ecparam -name prime256v1 -genkey -noout -out a.key\n"
    "openssl req -new -x509 -key a.key -subj /CN=a -addext subjectAltName=DNS:a.example "
    "-days 9 -out a.pem\n"
    "openssl req -new -key a.key -subj /CN=a -addext subjectAltName=DNS:a.example -out a.csr\n"
    "openssl pkcs8 -topk8 -in a.key -iter 1 -passout pass:secret -out sealed.key\n"
    "p12() { openssl pkcs12 -export -in a.pem -inkey a.key -name a -passout pass:secret -iter 1 "
    "\"$@\"; }\n"
    "p12 -out modern.p12; p12 -legacy -out legacy.p12\n"
    "openssl crl2pkcs7 -nocrl -certfile a.pem -out a.p7b\n"
    "(cat a.key a.pem) >both.pem\n";

/* Only there in programs with the leak sanitizer. */
void
__lsan_disable(void) __attribute__((weak));
void
__lsan_enable(void) __attribute__((weak));

static struct slice key, pem, csr, sealed, modern, legacy, p7b, both;
static struct secret secret;
static struct trust *trust;
static bool theirs; /* OpenSSL's allocations fail as well */

static bool
their_turn(void)
{
	return theirs && fails();
}

static void *
their_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return their_turn() ? NULL : __real_malloc(n);
}

static void *
their_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return their_turn() ? NULL : __real_realloc(p, n);
}

static void
their_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

static int
setup(void **state)
{
	static struct arena *mem;

	mem = arena_new(1024 * 1024);
	*state = mem;
	if (mem == NULL || fixtures_make(script) != 0 ||
	    !secret_set(&secret, SLICE_LITERAL("secret")))
		return -1;
	key = fixture(mem, "a.key");
	pem = fixture(mem, "a.pem");
	csr = fixture(mem, "a.csr");
	sealed = fixture(mem, "sealed.key");
	modern = fixture(mem, "modern.p12");
	legacy = fixture(mem, "legacy.p12");
	p7b = fixture(mem, "a.p7b");
	both = fixture(mem, "both.pem");
	return trust_open("a.pem", (struct slice){ 0 }, false, &trust, NULL) != USHER_OK;
}

static int
teardown(void **state)
{
	trust_free(trust);
	secret_clear(&secret);
	arena_free(*state);
	return fixtures_drop();
}

static usher_status
read_bundle(struct arena *mem, struct slice file)
{
	struct bundle b;
	struct buf out;
	usher_status st;

	buf_init(&out, CERT_KEY_BYTES);
	st = bundle_read(mem, file, &secret, &b, &out, NULL);
	if (st == USHER_OK)
		assert_string_equal(b.pem, pem.p);
	else
		assert_int_equal(out.n, 0);
	buf_wipe(&out);
	return st;
}

static usher_status
read_both(struct arena *mem)
{
	return read_bundle(mem, both);
}

static usher_status
read_p7b(struct arena *mem)
{
	return read_bundle(mem, p7b);
}

static usher_status
read_modern(struct arena *mem)
{
	return read_bundle(mem, modern);
}

static usher_status
read_legacy(struct arena *mem)
{
	return read_bundle(mem, legacy);
}

static usher_status
read_key(struct arena *mem)
{
	struct buf out;
	usher_status st;

	(void)mem;
	buf_init(&out, CERT_KEY_BYTES);
	st = cert_key_read(sealed, &secret, &out, NULL);
	buf_wipe(&out);
	return st;
}

static usher_status
write_pkcs12(struct arena *mem)
{
	struct buf out;
	usher_status st;

	(void)mem;
	buf_init(&out, BUNDLE_BYTES);
	st = pkcs12_write(pem, key, "a", &secret, PKCS12_LEGACY, &out, NULL);
	buf_wipe(&out);
	return st;
}

static usher_status
read_request(struct arena *mem)
{
	struct request r;
	usher_status st = request_read(mem, csr, &r, NULL);

	if (st == USHER_OK)
		assert_string_equal(r.names.v[0], "a.example");
	return st;
}

static usher_status
make(struct arena *mem)
{
	static const char *const typed_v[] = { "a.example", "*.b.example", "192.0.2.1" };
	static const struct text_list typed = { typed_v, COUNT_OF(typed_v) };
	struct text_list names;
	struct selfsigned wanted = {
		.key_pem = key, .names = &names, .now_s = 1795250100, .days = 1
	};
	struct certificate c;
	struct request r;
	usher_status st = cert_names_parse(mem, &typed, &names, NULL);

	if (st == USHER_OK)
		st = subject_parse(mem, slice_of("c=US, cn=a.example"), &wanted.subject, NULL);
	if (st == USHER_OK)
		st = request_make(mem, key, &wanted.subject, &names, &r, NULL);
	if (st == USHER_OK)
		st = cert_selfsigned_make(mem, &wanted, &c, NULL);
	return st;
}

static usher_status
judge(struct arena *mem)
{
	struct verdict_question q = {
		.pem = pem, .key_pem = key, .trust = trust, .now_s = 1795250100
	};
	struct verdict v;

	return verdict_of(mem, &q, &v, NULL);
}

static usher_status
complete(struct arena *mem)
{
	struct trust *t = NULL;
	const char *out;
	usher_status st = trust_open(NULL, pem, true, &t, NULL);

	if (st == USHER_OK)
		st = trust_complete(mem, t, pem, pem, &out, NULL);
	trust_free(t);
	return st;
}

static const struct {
	const char *name;
	usher_status (*run)(struct arena *mem);
	bool own_context; /* into which OpenSSL 3.0 copies names, and loses some as memory ends */
} rows[] = {
	{ "PEM", read_both },
	{ "PKCS #7", read_p7b },
	{ "PKCS #12", read_modern, true },
	{ "old PKCS #12", read_legacy, true },
	{ "encrypted key", read_key, true },
	{ "written PKCS #12", write_pkcs12 },
	{ "request", read_request },
	{ "new request and certificate", make },
	{ "verdict", judge },
	{ "completion", complete },
};

static usher_status
run(size_t i, long n)
{
	struct arena *mem = arena_new(4 * 1024 * 1024);
	usher_status st;

	assert_non_null(mem);
	left = n;
	st = rows[i].run(mem);
	arena_free(mem);
	return st;
}

static void
test_ours(void **state)
{
	(void)state;
	theirs = false;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_int_equal(run(i, -1), USHER_OK);
		for (long n = 0;; n++) {
			usher_status st = run(i, n);

			if (spare_the_rest()) {
				assert_int_equal(st, USHER_OK);
				break;
			}
			if (st != USHER_E_NOMEM)
				fail_msg("%s, allocation %ld: %s", rows[i].name, n,
				    usher_status_name(st));
		}
	}
}

/* OpenSSL makes thousands, does without some, and does not always say why it did not go on. */
static void
test_theirs(void **state)
{
	(void)state;
	theirs = true;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		bool forget = rows[i].own_context && __lsan_disable != NULL;
		long all;

		if (forget)
			__lsan_disable();
		assert_int_equal(run(i, LONG_MAX), USHER_OK);
		all = LONG_MAX - left;
		for (long n = 0; n < all; n += all / RUNS + 1)
			(void)run(i, n);
		left = -1;
		assert_int_equal(run(i, -1), USHER_OK);
		if (forget)
			__lsan_enable();
	}
	theirs = false;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ours),
		cmocka_unit_test(test_theirs),
	};

	if (CRYPTO_set_mem_functions(their_malloc, their_realloc, their_free) != 1)
		return 1;
	return cmocka_run_group_tests(tests, setup, teardown);
}
