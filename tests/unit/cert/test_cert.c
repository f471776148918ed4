/* test_cert.c - certificates are made as Exchange Setup makes them, and read as openssl reads them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cert/inspect.h"
#include "cert/selfsigned.h"

static const int64_t NOW = 1795250100; /* 2026-11-21T08:35:00Z */
static const int64_t DAY = 86400;

struct made {
	struct arena *mem;
	struct buf key;
	struct certificate c;
	char path[64]; /* the chain, for openssl */
};

static int
make(void **state)
{
	static struct made m;
	struct usher_error err = { 0 };
	int fd;

	m.mem = arena_new(1024 * 1024);
	buf_init(&m.key, CERT_KEY_BYTES);
	assert_int_equal(
	    cert_selfsigned(m.mem, "cas01.corp.contoso.com", NOW, &m.key, &m.c, &err), USHER_OK);
	(void)snprintf(m.path, sizeof(m.path), "/tmp/usher-test-cert-XXXXXX");
	fd = mkstemp(m.path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, m.c.pem, strlen(m.c.pem)), strlen(m.c.pem));
	(void)close(fd);
	*state = &m;
	return 0;
}

static int
drop(void **state)
{
	struct made *m = *state;

	(void)unlink(m->path);
	buf_wipe(&m->key);
	arena_free(m->mem);
	return 0;
}

/* Runs `openssl x509 ARGUMENTS` on the certificate. */
static void
openssl(const struct made *m, const char *arguments, struct buf *out)
{
	char command[256];
	FILE *p;
	size_t n;

	(void)snprintf(
	    command, sizeof(command), "openssl x509 -in %s -noout %s", m->path, arguments);
	p = popen(command, "r");
	assert_non_null(p);
	while ((n = fread(buf_reserve(out, 4096), 1, 4096, p)) > 0)
		buf_used(out, n);
	assert_int_equal(pclose(p), 0);
}

static void
test_openssl_agrees(void **state)
{
	static const struct {
		const char *arguments, *wanted;
	} rows[] = {
		{ "-subject -nameopt RFC2253", "subject=CN=cas01\n" },
		{ "-issuer -nameopt RFC2253", "issuer=CN=cas01\n" },
		{ "-ext subjectAltName", "DNS:cas01, DNS:cas01.corp.contoso.com\n" },
		{ "-ext extendedKeyUsage", "TLS Web Server Authentication\n" },
		{ "-ext keyUsage", "Digital Signature\n" },
		{ "-ext basicConstraints", "CA:FALSE\n" },
		{ "-text", "Public-Key: (256 bit)" },
		{ "-text", "NIST CURVE: P-256" },
		{ "-text", "Signature Algorithm: ecdsa-with-SHA256" },
		{ "-text", "Version: 3 (0x2)" },
		{ "-dates", "notBefore=Nov 21 07:35:00 2026 GMT\n" },
		{ "-dates", "notAfter=Nov 21 08:35:00 2031 GMT\n" },
	};
	const struct made *m = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf out;

		buf_init(&out, 64 * 1024);
		openssl(m, rows[i].arguments, &out);
		if (strstr(buf_cstr(&out), rows[i].wanted) == NULL)
			fail_msg("%s: no `%s` in `%s`", rows[i].arguments, rows[i].wanted,
			    buf_cstr(&out));
		buf_clear(&out);
	}
}

static void
test_thumbprints_are_openssls(void **state)
{
	const struct made *m = *state;
	const struct {
		const char *arguments, *ours;
	} rows[] = {
		{ "-fingerprint -sha1", m->c.thumbprint },
		{ "-fingerprint -sha256", m->c.sha256 },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf out, plain;

		buf_init(&out, 4096);
		buf_init(&plain, 4096);
		openssl(m, rows[i].arguments, &out);
		for (const char *p = strchr(buf_cstr(&out), '='); *p != '\0'; p++) {
			if (strchr("=:\n", *p) == NULL)
				buf_char(&plain, *p);
		}
		assert_true(slice_is_nocase(buf_as_slice(&plain), rows[i].ours));
		buf_clear(&out);
		buf_clear(&plain);
	}
	assert_int_equal(strspn(m->c.thumbprint, "0123456789ABCDEF"), 40);
	assert_int_equal(strspn(m->c.sha256, "0123456789abcdef"), 64);
}

static void
test_record(void **state)
{
	const struct made *m = *state;

	assert_string_equal(m->c.subject, "CN=cas01");
	assert_string_equal(m->c.issuer, "CN=cas01");
	assert_string_equal(m->c.friendly_name, "cas01.corp.contoso.com");
	assert_int_equal(m->c.names.n, 2);
	assert_string_equal(m->c.names.v[0], "cas01");
	assert_string_equal(m->c.names.v[1], "cas01.corp.contoso.com");
	assert_int_equal(m->c.not_before, NOW - 3600);
	assert_int_equal(m->c.not_after, NOW + (5 * 365 + 1) * DAY);
	assert_int_equal(m->c.services.n, 0);
}

static void
test_two_are_different(void **state)
{
	const struct made *m = *state;
	struct certificate other;
	struct buf key;

	buf_init(&key, CERT_KEY_BYTES);
	assert_int_equal(
	    cert_selfsigned(m->mem, "cas01.corp.contoso.com", NOW, &key, &other, NULL), USHER_OK);
	assert_string_not_equal(other.sha256, m->c.sha256);
	assert_string_not_equal(buf_cstr(&key), buf_cstr(&m->key));
	buf_wipe(&key);
}

/* Writes the key beside the certificate and compares what openssl calls their public keys. */
static void
test_key_belongs(void **state)
{
	const struct made *m = *state;
	char path[80], command[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s.key", m->path);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(m->key.p, 1, m->key.n, f), m->key.n);
	assert_int_equal(fclose(f), 0);
	(void)snprintf(command, sizeof(command),
	    "test \"$(openssl x509 -in %s -noout -pubkey)\" = \"$(openssl pkey -in %s -pubout)\"",
	    m->path, path);
	assert_int_equal(system(command), 0);
	(void)unlink(path);
}

static void
test_host_names(void **state)
{
	static const struct {
		const char *name, *cn;
	} rows[] = {
		{ "mail", "CN=mail" },
		{ "xn--bcher-kva.example", "CN=xn--bcher-kva" },
		{ "", NULL },
		{ ".example.com", NULL },
		{ "a,DNS:evil.example", NULL },
		{ "a\nb.example", NULL },
		{ "a123456789012345678901234567890123456789012345678901234567890123456.example",
		    NULL },
	};
	const struct made *m = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct certificate c;
		struct buf key;
		usher_status st;

		buf_init(&key, CERT_KEY_BYTES);
		st = cert_selfsigned(m->mem, rows[i].name, NOW, &key, &c, NULL);
		if ((st == USHER_OK) != (rows[i].cn != NULL))
			fail_msg("%s: status %s", rows[i].name, usher_status_name(st));
		if (st == USHER_OK)
			assert_string_equal(c.subject, rows[i].cn);
		buf_wipe(&key);
	}
}

static void
test_broken_input(void **state)
{
	const struct made *m = *state;
	const char *cut = arena_printf(m->mem, "%.*s", (int)strlen(m->c.pem) - 60, m->c.pem);
	const char *garbled = arena_printf(m->mem, "%.60s****%s", m->c.pem, m->c.pem + 64);
	const struct {
		const char *name, *pem;
		usher_status wanted;
	} rows[] = {
		{ "empty", "", USHER_E_INPUT },
		{ "text", "hello", USHER_E_INPUT },
		{ "cut off", cut, USHER_E_INPUT },
		{ "garbled", garbled, USHER_E_INPUT },
		{ "key only", buf_cstr(&m->key), USHER_E_INPUT },
		{ "text around", arena_printf(m->mem, "subject\n%s\ntrailer\n", m->c.pem),
		    USHER_OK },
		{ "key first", arena_printf(m->mem, "%s%s", buf_cstr(&m->key), m->c.pem),
		    USHER_OK },
		{ "good, then cut off", arena_printf(m->mem, "%s%s", m->c.pem, cut),
		    USHER_E_INPUT },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct certificate c;
		usher_status st = cert_inspect(m->mem, slice_of(rows[i].pem), &c, NULL);

		if (st != rows[i].wanted)
			fail_msg("%s: %s", rows[i].name, usher_status_name(st));
		if (st == USHER_OK)
			assert_string_equal(c.pem, m->c.pem);
	}
}

static void
test_long_chain(void **state)
{
	const struct made *m = *state;
	struct certificate c;
	struct buf chain;

	buf_init(&chain, CERT_PEM_BYTES);
	for (int i = 0; i <= CERT_CHAIN_MAX; i++)
		buf_text(&chain, m->c.pem);
	assert_int_equal(cert_inspect(m->mem, buf_as_slice(&chain), &c, NULL), USHER_E_LIMIT);
	buf_clear(&chain);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openssl_agrees),
		cmocka_unit_test(test_thumbprints_are_openssls),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_two_are_different),
		cmocka_unit_test(test_key_belongs),
		cmocka_unit_test(test_host_names),
		cmocka_unit_test(test_broken_input),
		cmocka_unit_test(test_long_chain),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
