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
#include "server/tls.h"

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
	return tls_set_add_pem(
	    set, label, slice_of(p->certificate.pem), buf_as_slice(&p->key), names, n, err);
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
		const char *message;
	} rows[] = {
		{ "no certificate", slice_of("hello"), key, "no PEM certificate" },
		{ "nothing", slice_of(""), slice_of(""), "no PEM certificate" },
		{ "cut certificate", slice_from(chain.p, chain.n / 2), key, "no PEM certificate" },
		{ "no key", chain, slice_of("hello"), "no PEM private key" },
		{ "key of another", chain, buf_as_slice(&f->b.key), "does not belong" },
	};
	struct usher_error err;
	struct tls_set *set;

	assert_int_equal(tls_set_new(&options, &set, NULL), USHER_OK);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		usher_status st =
		    tls_set_add_pem(set, "label", rows[i].chain, rows[i].key, NULL, 0, &err);

		if (st != USHER_E_INPUT || strstr(err.message, rows[i].message) == NULL ||
		    strcmp(err.where, "label") != 0)
			fail_msg("%s: %s: %s", rows[i].name, err.where, err.message);
	}
	assert_int_equal(
	    tls_set_add(set, "/nonexistent/chain.pem", "/x", NULL, 0, &err), USHER_E_IO);
	assert_string_equal(err.where, "/nonexistent/chain.pem");
	assert_null(tls_set_choose(set, NULL));
	tls_set_unref(set);
}

/* An RSA key and a certificate for `name` alone. */
static void
make_rsa(struct fixture *f, const char *name, struct pair *out)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	X509 *x = X509_new();
	BIO *pem = BIO_new(BIO_s_mem()), *key_pem = BIO_new(BIO_s_mem());
	X509_NAME *subject = X509_get_subject_name(x);
	char *text;
	long n;

	X509_gmtime_adj(X509_getm_notBefore(x), -60);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_NAME_add_entry_by_txt(
	    subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	assert_int_equal(X509_set_issuer_name(x, subject), 1);
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
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

/* Whether a client that asks for `name`, by TLS of that version, is shown a certificate for it. */
static bool
shows(struct tls_set *set, const char *name, int version)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL *client = SSL_new(context);
	enum io_result served = IO_WANT_READ;
	const char *reason = "";
	struct tls *server;
	char asked[64];
	bool is;
	int fds[2], n = 0;
	X509 *x;

	assert_true(snprintf(asked, sizeof(asked), "%s", name) < (int)sizeof(asked));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	server = tls_new(set, fds[0]);
	assert_int_equal(SSL_set_max_proto_version(client, version), 1);
	assert_int_equal(SSL_set_tlsext_host_name(client, asked), 1);
	assert_int_equal(SSL_set_fd(client, fds[1]), 1);
	SSL_set_connect_state(client);
	for (int i = 0; i < 20 && (n != 1 || served != IO_DONE); i++) {
		n = SSL_do_handshake(client);
		served = served == IO_DONE ? served : tls_handshake(server, &reason);
	}
	if (n != 1 || served != IO_DONE)
		fail_msg("%s: no handshake: %s", name, reason);
	x = SSL_get1_peer_certificate(client);
	is = X509_check_host(x, name, 0, 0, NULL) == 1;
	X509_free(x);
	SSL_free(client);
	SSL_CTX_free(context);
	tls_free(server);
	(void)close(fds[0]);
	(void)close(fds[1]);
	return is;
}

static void
test_kinds_of_keys(void **state)
{
	static const char *const names[] = { "rsa.example" };
	const struct tls_options options = { .tickets = NULL };
	struct fixture *f = *state;
	struct pair rsa;
	struct tls_set *set;

	make_rsa(f, names[0], &rsa);
	assert_int_equal(tls_set_new(&options, &set, NULL), USHER_OK);
	assert_int_equal(add(set, "a", &f->a, NULL, 0, NULL), USHER_OK);
	assert_int_equal(tls_set_add_later(set, "rsa", slice_of(rsa.certificate.pem),
			     buf_as_slice(&rsa.key), names, 1, NULL),
	    USHER_OK);
	assert_true(shows(set, "a.example", TLS1_3_VERSION));
	assert_true(shows(set, "rsa.example", TLS1_3_VERSION));
	assert_true(shows(set, "rsa.example", TLS1_2_VERSION));
	tls_set_unref(set);
	buf_wipe(&rsa.key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_own_names),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_kinds_of_keys),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
