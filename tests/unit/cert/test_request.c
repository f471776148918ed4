/* test_request.c - keys, and requests made and read, beside openssl's opinion of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "cert/inspect.h"
#include "cert/key.h"
#include "cert/request.h"
#include "cert/selfsigned.h"
#include "fixtures.h"

static const char script[] =
    "openssl ecparam -name prime256v1 -genkey -noout -out p256.key\n"
    "openssl genrsa -out weak.key 1024\n"
    "openssl ecparam -name secp521r1 -genkey -noout -out p521.key\n"
    "openssl dsaparam -genkey -out dsa.key 1024\n"
    "req() { out=$1; key=$2; shift 2; openssl req -new -key $key.key -out $out.csr "
    "-subj /C=ES/O=Bicicletas/CN=mail.fabrikam.com \"$@\"; }\n"
    "SAN=subjectAltName=DNS:mail.fabrikam.com,DNS:Autodiscover.Fabrikam.com,IP:192.0.2.1\n"
    "req plain p256 -addext \"$SAN\"\n"
    "req other p521 -addext \"$SAN,email:a@b.example,URI:https://b.example/\"\n"
    "req weak weak -sha1\n"
    "req ca p256 -addext \"$SAN\" -addext basicConstraints=CA:TRUE\n"
    "req dsa dsa\n"
    "req twice p256 -addext \"$SAN\"\n"
    "openssl req -in plain.csr -outform der -out plain.der\n"
    "sed 's/CERTIFICATE/NEW &/; s/$/\\r/' plain.csr >new.csr\n"
    "(echo 'Request for Autodiscover'; cat plain.csr; echo end) >mailed.csr\n"
    "iconv -f ascii -t utf-16 new.csr >powershell.csr\n"
    "sed 's/CERTIFICATE REQUEST/CERTIFICATE/' plain.csr >certutil.csr\n"
    "cat p256.key plain.csr >withkey.csr\n"
    "LC_ALL=C sed 's/Bicicletas/Bicicletos/' plain.der >changed.der\n"
    "head -c 200 plain.der >cut.der\n"
    "(head -n 4 plain.csr; tail -n 1 plain.csr) >cut.csr\n";

static struct arena *mem;

static int
setup(void **state)
{
	(void)state;
	mem = arena_new(64 * 1024 * 1024);
	return mem == NULL || fixtures_make(script) != 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(mem);
	return fixtures_drop();
}

static const char *
list_text(const struct text_list *list)
{
	const char *text = "";

	for (size_t i = 0; i < list->n; i++)
		text = arena_join(mem, text, *text == '\0' ? "" : " ", list->v[i]);
	return text;
}

static void
test_kinds(void **state)
{
	static const struct {
		const char *word, *text;
		enum cert_key_kind kind;
		const char *message;
	} rows[] = {
		{ "rsa", "RSA 2048", CERT_KEY_RSA, NULL },
		{ "RSA3072", "RSA 3072", CERT_KEY_RSA, NULL },
		{ "p256", "ECDSA P-256", CERT_KEY_P256, NULL },
		{ "P384", "ECDSA P-384", CERT_KEY_P384, NULL },
		{ "ed25519", "Ed25519", CERT_KEY_ED25519, NULL },
		{ "rsa1024", NULL, 0, "below 2048 bits" },
		{ "dsa", NULL, 0, "not one of" },
		{ "", NULL, 0, "not one of" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct usher_error err = { 0 };
		enum cert_key_kind kind;
		const char *text;
		struct buf pem;
		int bits;
		usher_status st = cert_key_parse(slice_of(rows[i].word), &kind, &bits, &err);

		if (rows[i].text == NULL) {
			assert_int_equal(st, USHER_E_USAGE);
			assert_non_null(strstr(err.message, rows[i].message));
			continue;
		}
		assert_int_equal(st, USHER_OK);
		assert_int_equal(kind, rows[i].kind);
		buf_init(&pem, CERT_KEY_BYTES);
		assert_int_equal(cert_key_make(kind, bits, &pem, NULL), USHER_OK);
		assert_int_equal(cert_key_text(mem, buf_as_slice(&pem), &text, NULL), USHER_OK);
		assert_string_equal(text, rows[i].text);
		buf_wipe(&pem);
	}
	assert_int_equal(
	    cert_key_make(CERT_KEY_RSA, 1024, &(struct buf){ 0 }, NULL), USHER_E_USAGE);
}

static void
test_encrypted(void **state)
{
	struct slice key = fixture(mem, "p256.key");
	struct secret passphrase = { 0 }, wrong = { 0 };
	struct buf sealed, opened;
	const char *text;

	(void)state;
	buf_init(&sealed, CERT_KEY_BYTES);
	buf_init(&opened, CERT_KEY_BYTES);
	assert_true(secret_set(&passphrase, SLICE_LITERAL("schlüssel")));
	assert_true(secret_set(&wrong, SLICE_LITERAL("schlussel")));
	assert_int_equal(
	    cert_key_encrypt(key, &(struct secret){ 0 }, &sealed, NULL), USHER_E_USAGE);
	assert_int_equal(cert_key_encrypt(key, &passphrase, &sealed, NULL), USHER_OK);
	assert_true(cert_key_is_encrypted(buf_as_slice(&sealed)));
	assert_int_equal(cert_key_text(mem, buf_as_slice(&sealed), &text, NULL), USHER_E_INPUT);
	assert_int_equal(
	    cert_key_read(buf_as_slice(&sealed), NULL, &opened, NULL), USHER_E_CREDENTIALS);
	assert_int_equal(
	    cert_key_read(buf_as_slice(&sealed), &wrong, &opened, NULL), USHER_E_CREDENTIALS);
	assert_int_equal(opened.n, 0);
	assert_int_equal(
	    cert_key_read(buf_as_slice(&sealed), &passphrase, &opened, NULL), USHER_OK);
	assert_int_equal(fixture_write("sealed.key", buf_as_slice(&sealed)), 0);
	assert_int_equal(fixture_write("opened.key", buf_as_slice(&opened)), 0);
	assert_int_equal(system("openssl pkcs8 -in sealed.key -passin pass:schlüssel >again.key && "
				"cmp opened.key again.key"),
	    0);
	secret_clear(&passphrase);
	secret_clear(&wrong);
	buf_wipe(&sealed);
	buf_wipe(&opened);
}

static void
test_read(void **state)
{
	static const char SUBJECT[] = "CN=mail.fabrikam.com,O=Bicicletas,C=ES";
	static const char NAMES[] = "mail.fabrikam.com autodiscover.fabrikam.com 192.0.2.1";
	static const struct {
		const char *file, *names, *key;
		unsigned faults;
		size_t others;
	} rows[] = {
		{ "plain.csr", NAMES, "ECDSA P-256", 0, 0 },
		{ "plain.der", NAMES, "ECDSA P-256", 0, 0 },
		{ "new.csr", NAMES, "ECDSA P-256", 0, 0 },
		{ "mailed.csr", NAMES, "ECDSA P-256", 0, 0 },
		{ "powershell.csr", NAMES, "ECDSA P-256", 0, 0 },
		{ "certutil.csr", NAMES, "ECDSA P-256", 0, 0 },
		{ "withkey.csr", NAMES, "ECDSA P-256", 0, 0 },
		{ "other.csr", NAMES, "ECDSA P-521", 0, 2 },
		{ "ca.csr", NAMES, "ECDSA P-256", 1U << REQUEST_WANTS_CA, 0 },
		{ "weak.csr", "", "RSA 1024",
		    1U << REQUEST_WEAK_KEY | 1U << REQUEST_WEAK_SIGNATURE | 1U << REQUEST_NO_NAMES,
		    0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct usher_error err = { 0 };
		struct request r;
		usher_status st = request_read(mem, fixture(mem, rows[i].file), &r, &err);

		if (st != USHER_OK)
			fail_msg("%s: %s: %s", rows[i].file, usher_status_name(st), err.message);
		if (strcmp(r.subject, SUBJECT) != 0 ||
		    strcmp(list_text(&r.names), rows[i].names) != 0 ||
		    strcmp(r.key, rows[i].key) != 0 || r.faults != rows[i].faults ||
		    r.n_other_names != rows[i].others)
			fail_msg("%s: %s, %s, %s, faults %x, %zu others", rows[i].file, r.subject,
			    list_text(&r.names), r.key, r.faults, r.n_other_names);
		assert_string_equal(r.common_name, "mail.fabrikam.com");
		if (strcmp(rows[i].names, NAMES) == 0 && strcmp(r.key, "ECDSA P-256") == 0 &&
		    rows[i].faults == 0) {
			assert_true(slice_eq(r.der, fixture(mem, "plain.der")));
			assert_string_equal(r.pem, fixture(mem, "plain.csr").p);
		}
	}
	for (int f = 0; f < REQUEST_FAULT_COUNT; f++)
		assert_non_null(request_fault_text((enum request_fault)f));
}

static void
test_read_refused(void **state)
{
	static const struct {
		const char *file, *message;
	} rows[] = {
		{ "changed.der", "signature is wrong" },
		{ "cut.der", "no certificate request" },
		{ "cut.csr", "damaged" },
		{ "dsa.csr", "kind" },
		{ "p256.key", "no certificate request" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct usher_error err = { 0 };
		struct request r;
		usher_status st = request_read(mem, fixture(mem, rows[i].file), &r, &err);

		if (st != USHER_E_INPUT || strstr(err.message, rows[i].message) == NULL)
			fail_msg("%s: %s: %s", rows[i].file, usher_status_name(st), err.message);
	}
}

/* What IIS and Exchange add: attributes of Microsoft's, among them its own number for extensions.
 */
static void
test_microsoft(void **state)
{
	struct slice key_pem = fixture(mem, "p256.key");
	BIO *in = BIO_new_mem_buf(key_pem.p, (int)key_pem.n);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
	X509_REQ *x = X509_REQ_new();
	X509V3_CTX context;
	X509_EXTENSION *e;
	STACK_OF(X509_EXTENSION) *list = sk_X509_EXTENSION_new_null();
	unsigned char *der = NULL;
	struct request r;
	int n;

	(void)state;
	X509V3_set_ctx(&context, NULL, NULL, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &context, NID_subject_alt_name, "DNS:mail.contoso.com");
	assert_true(sk_X509_EXTENSION_push(list, e) > 0);
	assert_int_equal(X509_REQ_set_pubkey(x, key), 1);
	assert_int_equal(X509_REQ_add1_attr_by_txt(x, "1.3.6.1.4.1.311.13.2.3", V_ASN1_IA5STRING,
			     (const unsigned char *)"6.1.7601.2", 10),
	    1);
	assert_int_equal(X509_REQ_add1_attr_by_txt(x, "1.3.6.1.4.1.311.21.20", V_ASN1_SEQUENCE,
			     (const unsigned char *)"\x30\x03\x02\x01\x05", 5),
	    1);
	assert_int_equal(X509_REQ_add_extensions_nid(x, list, NID_ms_ext_req), 1);
	assert_true(X509_REQ_sign(x, key, EVP_sha256()) > 0);
	n = i2d_X509_REQ(x, &der);
	assert_int_equal(request_read(mem, slice_from(der, (size_t)n), &r, NULL), USHER_OK);
	assert_string_equal(list_text(&r.names), "mail.contoso.com");
	assert_string_equal(r.subject, "");
	assert_null(r.common_name);
	OPENSSL_free(der);
	sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
	X509_REQ_free(x);
	EVP_PKEY_free(key);
	BIO_free(in);
}

static void
test_made(void **state)
{
	static const char *const v[] = { "mail.contoso.com", "*.contoso.com", "192.0.2.1",
		"2001:db8::1", "cas_01" };
	static const struct text_list some = { v, COUNT_OF(v) }, none = { NULL, 0 };
	static const struct {
		const char *key, *subject;
		const struct text_list *names;
		const char *wanted[5]; /* parts of `openssl req -text` */
	} rows[] = {
		{ "p256", "c=ES, o=Diversión de Bicicleta, cn=mail.contoso.com", &some,
		    { "verify OK",
			"C = ES, O = Diversi\\C3\\B3n de Bicicleta, CN = mail.contoso.com",
			"Usage: critical\n                    Digital Signature\n",
			"DNS:mail.contoso.com, DNS:*.contoso.com, IP Address:192.0.2.1, IP "
			"Address:2001:DB8:0:0:0:0:0:1, DNS:cas_01",
			"TLS Web Server Authentication" } },
		{ "rsa2048", "CN=a", &some,
		    { "Digital Signature, Key Encipherment", "TLS Web Server Authentication",
			"sha256WithRSAEncryption", "2048 bit", "verify OK" } },
		{ "p384", "CN=a", &none, { "Subject: CN = a", "verify OK", "secp384r1" } },
		{ "ed25519", "", &some, { "Alternative Name: critical", "ED25519", "verify OK" } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		enum cert_key_kind kind;
		struct subject subject;
		struct request r;
		struct slice text;
		struct buf key;
		int bits;

		buf_init(&key, CERT_KEY_BYTES);
		assert_int_equal(
		    cert_key_parse(slice_of(rows[i].key), &kind, &bits, NULL), USHER_OK);
		assert_int_equal(cert_key_make(kind, bits, &key, NULL), USHER_OK);
		assert_int_equal(
		    subject_parse(mem, slice_of(rows[i].subject), &subject, NULL), USHER_OK);
		assert_int_equal(
		    request_make(mem, buf_as_slice(&key), &subject, rows[i].names, &r, NULL),
		    USHER_OK);
		buf_wipe(&key);
		assert_string_equal(list_text(&r.names), list_text(rows[i].names));
		assert_int_equal(fixture_write("made.csr", slice_of(r.pem)), 0);
		assert_int_equal(fixture_write("made.der", r.der), 0);
		assert_int_equal(system("openssl req -in made.csr -verify -text >made.txt 2>&1 && "
					"openssl req -in made.csr -outform der | cmp made.der"),
		    0);
		text = fixture(mem, "made.txt");
		for (size_t k = 0; k < 5 && rows[i].wanted[k] != NULL; k++) {
			if (strstr(text.p, rows[i].wanted[k]) == NULL)
				fail_msg(
				    "%s: no `%s` in %s", rows[i].key, rows[i].wanted[k], text.p);
		}
	}
}

static void
test_not_made(void **state)
{
	struct slice key = fixture(mem, "p256.key");
	struct subject subject = { NULL, 0 };
	struct text_list names = { NULL, 0 };
	struct request r;

	(void)state;
	assert_int_equal(request_make(mem, key, &subject, &names, &r, NULL), USHER_E_USAGE);
	assert_int_equal(subject_of_host(mem, "a.example", &subject, NULL), USHER_OK);
	assert_int_equal(
	    request_make(mem, slice_of("x"), &subject, &names, &r, NULL), USHER_E_INPUT);
}

static void
test_selfsigned(void **state)
{
	static const char *const v[] = { "a.example", "10.0.0.1" };
	static const struct text_list names = { v, COUNT_OF(v) };
	const int64_t now = 1795250100;
	struct selfsigned wanted = {
		.key_pem = fixture(mem, "p256.key"), .names = &names, .now_s = now, .days = 30
	};
	struct certificate c;
	struct slice spki;
	struct request r;
	const char *text;

	(void)state;
	assert_int_equal(
	    subject_parse(mem, slice_of("c=US, o=Contoso, cn=a.example"), &wanted.subject, NULL),
	    USHER_OK);
	assert_int_equal(cert_selfsigned_make(mem, &wanted, &c, NULL), USHER_OK);
	assert_string_equal(c.subject, "CN=a.example,O=Contoso,C=US");
	assert_string_equal(c.issuer, c.subject);
	assert_string_equal(list_text(&c.names), "a.example 10.0.0.1");
	assert_int_equal(c.not_after, now + INT64_C(30) * 86400);
	assert_int_equal(cert_key_fits(wanted.key_pem, slice_of(c.pem), NULL), USHER_OK);
	assert_int_equal(fixture_write("own.pem", slice_of(c.pem)), 0);
	assert_int_equal(
	    system("openssl verify -no_check_time -CAfile own.pem -purpose sslserver own.pem >log"),
	    0);

	/* A request for the same key has the same public key. */
	assert_int_equal(cert_public_key(mem, slice_of(c.pem), &spki, &text, NULL), USHER_OK);
	assert_string_equal(text, "ECDSA P-256");
	assert_int_equal(
	    request_make(mem, wanted.key_pem, &wanted.subject, &names, &r, NULL), USHER_OK);
	assert_true(slice_eq(spki, r.public_key));

	wanted.days = 0;
	assert_int_equal(cert_selfsigned_make(mem, &wanted, &c, NULL), USHER_E_USAGE);
	wanted.days = 1;
	wanted.subject.n = 0;
	assert_int_equal(cert_selfsigned_make(mem, &wanted, &c, NULL), USHER_OK);
	assert_null(c.subject);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_encrypted),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_read_refused),
		cmocka_unit_test(test_microsoft),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_not_made),
		cmocka_unit_test(test_selfsigned),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
