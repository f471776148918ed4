/* test_tls_set.c - which certificate a name gets, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/when.h"
#include "cert/selfsigned.h"
#include "server/tls_set.h"

struct pair {
	struct certificate certificate;
	struct buf key;
};

/* a.example: SANs `a` and `a.example`; b.example alike. */
struct fixture {
	struct arena *mem;
	struct pair a, b;
};

static void
make(struct fixture *f, const char *fqdn, struct pair *out)
{
	buf_init(&out->key, 64 * 1024);
	assert_int_equal(cert_selfsigned(f->mem, fqdn, clock_unix_ms() / 1000, &out->key,
			     &out->certificate, NULL),
	    USHER_OK);
}

static int
setup(void **state)
{
	static struct fixture f;

	f.mem = arena_new(1024 * 1024);
	assert_non_null(f.mem);
	make(&f, "a.example", &f.a);
	make(&f, "b.example", &f.b);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	buf_wipe(&f->a.key);
	buf_wipe(&f->b.key);
	arena_free(f->mem);
	return 0;
}

static usher_status
add(struct tls_set *set, const char *label, const struct pair *p, const char *const *names,
    size_t n, struct usher_error *err)
{
	const struct tls_given given = { .label = label,
		.chain_pem = slice_of(p->certificate.pem),
		.key_pem = buf_as_slice(&p->key) };
	struct identity *added;
	usher_status st = tls_set_add(set, &given, &added, err);

	return st == USHER_OK ? tls_set_add_names(set, added, false, names, n, err) : st;
}

static void
test_choice(void **state)
{
	static const char *const first_names[] = { "mail.example", "*.one.example",
		"twice.example" };
	static const char *const second_names[] = { "x.one.example", "twice.example", "*.example",
		"UPPER.example" };
	static const struct {
		const char *name;
		const char *label;
	} rows[] = {
		{ NULL, "first" },
		{ "", "first" },
		{ "mail.example", "first" },
		{ "MAIL.Example.", "first" },
		{ "y.one.example", "first" },
		{ "x.one.example", "second" },
		{ "z.y.one.example", "first" }, /* `*` is one label: unknown, so the first */
		{ "any.example", "second" },
		{ "upper.example", "second" },
		{ "twice.example", "first" },
		{ "unknown.test", "first" },
		{ "localhost", "first" },
		{ "a.example", "second" }, /* by `*.example`, not by the certificate's own name */
		{ ".example", "first" },
	};
	const struct fixture *f = *state;
	const struct tls_options options = { .tickets = NULL };
	struct tls_set *set;

	assert_int_equal(tls_set_new(&options, &set, NULL), USHER_OK);
	assert_null(tls_set_choose(set, "mail.example"));
	assert_int_equal(add(set, "first", &f->a, first_names, 3, NULL), USHER_OK);
	assert_int_equal(add(set, "second", &f->b, second_names, 4, NULL), USHER_OK);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *got = tls_set_choose(set, rows[i].name);

		if (got == NULL || strcmp(got, rows[i].label) != 0)
			fail_msg("%s: %s", rows[i].name, got);
	}
	tls_set_unref(set);
}

static void
test_own_names(void **state)
{
	const struct fixture *f = *state;
	const struct tls_options options = { .tickets = NULL };
	struct tls_set *set;

	assert_int_equal(tls_set_new(&options, &set, NULL), USHER_OK);
	assert_int_equal(add(set, "a", &f->a, NULL, 0, NULL), USHER_OK);
	assert_int_equal(add(set, "b", &f->b, NULL, 0, NULL), USHER_OK);
	assert_string_equal(tls_set_choose(set, "a.example"), "a");
	assert_string_equal(tls_set_choose(set, "b.example"), "b");
	assert_string_equal(tls_set_choose(set, "b"), "b");
	assert_string_equal(tls_set_choose(set, "c.example"), "a");
	tls_set_unref(set);
}

static void
test_many_names(void **state)
{
	const struct fixture *f = *state;
	const struct tls_options options = { .tickets = NULL };
	const char *names[1000];
	struct tls_set *set;

	for (size_t i = 0; i < COUNT_OF(names); i++)
		names[i] = arena_printf(f->mem, "n%zu.example", i);
	assert_int_equal(tls_set_new(&options, &set, NULL), USHER_OK);
	assert_int_equal(add(set, "a", &f->a, NULL, 0, NULL), USHER_OK);
	assert_int_equal(add(set, "b", &f->b, names, COUNT_OF(names), NULL), USHER_OK);
	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_string_equal(tls_set_choose(set, names[i]), "b");
	assert_string_equal(tls_set_choose(set, "n1000.example"), "a");
	tls_set_unref(set);
}

static void
test_refused(void **state)
{
	const struct fixture *f = *state;
	const struct tls_options options = { .tickets = NULL };
	struct slice chain = slice_of(f->a.certificate.pem);
	struct slice key = buf_as_slice(&f->a.key);
	const struct {
		const char *name;
		struct slice chain, key;
		const char *where, *message;
	} rows[] = {
		{ "no certificate", slice_of("hello"), key, "chain", "no PEM certificate" },
		{ "nothing", slice_of(""), slice_of(""), "chain", "no PEM certificate" },
		{ "cut certificate", slice_from(chain.p, chain.n / 2), key, "chain",
		    "no PEM certificate" },
		{ "no key", chain, slice_of("hello"), "key", "no PEM private key" },
		{ "key of another", chain, buf_as_slice(&f->b.key), "key", "does not belong" },
	};
	struct usher_error err;
	struct tls_set *set;

	assert_int_equal(tls_set_new(&options, &set, NULL), USHER_OK);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct tls_given given = {
			.label = "chain",
			.key_label = "key",
			.chain_pem = rows[i].chain,
			.key_pem = rows[i].key,
		};
		struct identity *added;
		usher_status st = tls_set_add(set, &given, &added, &err);

		if (st != USHER_E_INPUT || strstr(err.message, rows[i].message) == NULL ||
		    strcmp(err.where, rows[i].where) != 0)
			fail_msg("%s: %s: %s", rows[i].name, err.where, err.message);
	}
	assert_null(tls_set_choose(set, NULL));
	tls_set_unref(set);
}

/* ---- keys of several kinds ---- */

/* A certificate for `host` with `key`, which it takes over, by an authority of `organization`. */
static void
make_by(
    struct fixture *f, EVP_PKEY *key, const char *host, const char *organization, struct pair *out)
{
	X509 *x = X509_new();
	BIO *pem = BIO_new(BIO_s_mem()), *key_pem = BIO_new(BIO_s_mem());
	bool edwards = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
	char *text;
	long n;

	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(
	    X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)host, -1, -1, 0);
	/* Each kind of key has its own intermediate. */
	X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", MBSTRING_ASC,
	    (const unsigned char *)EVP_PKEY_get0_type_name(key), -1, -1, 0);
	X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "O", MBSTRING_ASC,
	    (const unsigned char *)organization, -1, -1, 0);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_true(X509_sign(x, key, edwards ? NULL : EVP_sha256()) > 0);
	assert_int_equal(PEM_write_bio_X509(pem, x), 1);
	assert_int_equal(PEM_write_bio_PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL), 1);
	n = BIO_get_mem_data(pem, &text);
	out->certificate.pem = arena_copy(f->mem, slice_from(text, (size_t)n));
	n = BIO_get_mem_data(key_pem, &text);
	buf_init(&out->key, 64 * 1024);
	buf_append(&out->key, text, (size_t)n);
	BIO_free(pem);
	BIO_free(key_pem);
	X509_free(x);
	EVP_PKEY_free(key);
}

/* What a client is shown that asks for `name` (NULL: sends none) by TLS of that version and knows
 * these signature algorithms (NULL: all): host and kind of key; "none" without a handshake. */
static const char *
shown(struct tls_set *set, const char *name, int version, const char *algorithms)
{
	static char out[128];
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *client = SSL_new(context);
	enum io_result served = IO_WANT_READ;
	const char *reason = "";
	struct tls *server;
	char text[64] = "";
	int fds[2], n = 0;
	X509 *x;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	server = tls_new(set, fds[0]);
	assert_int_equal(SSL_set_max_proto_version(client, version), 1);
	if (algorithms != NULL) {
		(void)snprintf(text, sizeof(text), "%s", algorithms);
		assert_int_equal(SSL_set1_sigalgs_list(client, text), 1);
	}
	if (name != NULL) {
		(void)snprintf(text, sizeof(text), "%s", name);
		assert_int_equal(SSL_set_tlsext_host_name(client, text), 1);
	}
	assert_int_equal(SSL_set_fd(client, fds[1]), 1);
	SSL_set_connect_state(client);
	for (int i = 0; i < 20 && (n != 1 || served != IO_DONE) && served != IO_FAILED; i++) {
		n = SSL_do_handshake(client);
		served = served == IO_DONE ? served : tls_handshake(server, &reason);
	}
	x = n == 1 && served == IO_DONE ? SSL_get1_peer_certificate(client) : NULL;
	(void)snprintf(out, sizeof(out), "none");
	if (x != NULL) {
		X509_NAME_get_text_by_NID(
		    X509_get_subject_name(x), NID_commonName, text, sizeof(text));
		(void)snprintf(
		    out, sizeof(out), "%s %s", text, EVP_PKEY_get0_type_name(X509_get0_pubkey(x)));
	}
	X509_free(x);
	SSL_free(client);
	SSL_CTX_free(context);
	tls_free(server);
	(void)close(fds[0]);
	(void)close(fds[1]);
	return out;
}

static void
test_kinds_of_keys(void **state)
{
	static const char *const both[] = { "both.example" }, *const two[] = { "two.example" },
				 *const alone[] = { "alone.example" },
				 *const late[] = { "late.example" };
	static const char rsa[] = "rsa_pss_rsae_sha256:RSA+SHA256", edwards[] = "ed25519";
	const struct {
		const char *host, *organization;
		EVP_PKEY *key;
		const char *const *names;
		bool alone, later;
	} given[] = {
		{ "first.example", "One", EVP_EC_gen("P-256"), both, false, false },
		{ "second.example", "One", EVP_EC_gen("P-256"), both, false, false },
		{ "rsa.example", "One", EVP_RSA_gen(2048), both, false, false },
		{ "edwards.example", "One", EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), both, false,
		    false },
		{ "two.example", "One", EVP_EC_gen("P-256"), two, false, false },
		{ "else.example", "Two", EVP_RSA_gen(2048), two, false, false },
		{ "alone.example", "One", EVP_EC_gen("P-256"), alone, true, false },
		{ "beside.example", "One", EVP_RSA_gen(2048), alone, false, false },
		{ "late.example", "One", EVP_RSA_gen(2048), late, true, true },
		{ "later.example", "One", EVP_EC_gen("P-256"), late, false, false },
	};
	static const struct {
		const char *name;
		int version;
		const char *algorithms, *wanted;
	} rows[] = {
		{ "both.example", TLS1_3_VERSION, NULL, "first.example EC" },
		{ "both.example", TLS1_2_VERSION, NULL, "first.example EC" },
		{ "both.example", TLS1_3_VERSION, rsa, "rsa.example RSA" },
		{ "both.example", TLS1_2_VERSION, rsa, "rsa.example RSA" },
		{ "both.example", TLS1_3_VERSION, edwards, "edwards.example ED25519" },
		{ NULL, TLS1_3_VERSION, NULL, "first.example EC" },
		{ NULL, TLS1_3_VERSION, rsa, "rsa.example RSA" },
		{ "unknown.example", TLS1_2_VERSION, rsa, "rsa.example RSA" },
		{ "two.example", TLS1_3_VERSION, NULL, "two.example EC" },
		{ "two.example", TLS1_3_VERSION, rsa, "none" },
		{ "alone.example", TLS1_2_VERSION, NULL, "alone.example EC" },
		{ "alone.example", TLS1_3_VERSION, rsa, "none" },
		{ "late.example", TLS1_3_VERSION, NULL, "late.example RSA" },
		{ "late.example", TLS1_2_VERSION, NULL, "late.example RSA" },
	};
	const struct tls_options options = { .tickets = NULL };
	struct fixture *f = *state;
	struct tls_set *set;

	assert_int_equal(tls_set_new(&options, &set, NULL), USHER_OK);
	for (size_t i = 0; i < COUNT_OF(given); i++) {
		struct tls_given g = { .label = given[i].host };
		struct identity *added;
		struct pair p;

		make_by(f, given[i].key, given[i].host, given[i].organization, &p);
		g.chain_pem = slice_of(p.certificate.pem);
		g.key_pem = buf_as_slice(&p.key);
		assert_int_equal(given[i].later ? tls_set_add_later(set, &g, &added, NULL) :
						  tls_set_add(set, &g, &added, NULL),
		    USHER_OK);
		assert_int_equal(
		    tls_set_add_names(set, added, given[i].alone, given[i].names, 1, NULL),
		    USHER_OK);
		buf_wipe(&p.key);
	}
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *got = shown(set, rows[i].name, rows[i].version, rows[i].algorithms);

		if (strcmp(got, rows[i].wanted) != 0)
			fail_msg("row %zu, %s: %s", i, rows[i].name, got);
	}
	tls_set_unref(set);
}

static void
test_staple(void **state)
{
	static const struct {
		int64_t now_s;
		bool shown;
	} rows[] = { { 0, true }, { 999, true }, { 1000, false }, { 5000, false } };
	struct tls_staple *staple;
	unsigned char *got;
	size_t n;

	(void)state;
	assert_int_equal(tls_staple_new(&staple, NULL), USHER_OK);
	assert_null(tls_staple_copy(staple, 0, &n));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_true(tls_staple_put(staple, SLICE_LITERAL("response"), 1000));
		got = tls_staple_copy(staple, rows[i].now_s, &n);
		assert_int_equal(got != NULL, rows[i].shown);
		if (got != NULL)
			assert_memory_equal(got, "response", n);
		OPENSSL_free(got);
	}
	assert_false(tls_staple_shared(staple));
	tls_staple_drop(tls_staple_ref(staple));
	assert_true(tls_staple_shared(staple));
	assert_null(tls_staple_copy(staple, 0, &n));
	tls_staple_unref(staple);
	tls_staple_unref(staple);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_own_names),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_kinds_of_keys),
		cmocka_unit_test(test_staple),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
