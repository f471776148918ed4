/* test_cms.c - what we sign, OpenSSL reads, believes, and would have written alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/cms.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "cert/cms.h"

enum { CEILING = 256 * 1024, LARGEST = 65536 };

/* ---- signers ---- */

struct signer {
	EVP_PKEY *key;
	X509 *leaf;
	STACK_OF(X509) * chain;
	struct cms_signer *signs;
};

/* Self-signed; the serial number sets how long its encoding is. */
static X509 *
certificate(EVP_PKEY *key, const char *name, uint64_t serial)
{
	X509 *x = X509_new();
	X509_NAME *subject = X509_get_subject_name(x);

	assert_non_null(subject);
	(void)X509_set_version(x, X509_VERSION_3);
	(void)ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial);
	(void)X509_gmtime_adj(X509_getm_notBefore(x), -60);
	(void)X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	assert_int_equal(X509_NAME_add_entry_by_txt(
			     subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0),
	    1);
	(void)X509_set_issuer_name(x, subject);
	(void)X509_set_pubkey(x, key);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	return x;
}

static void
make(struct signer *s, EVP_PKEY *key, int n_chain)
{
	*s = (struct signer){ .key = key,
		.leaf = certificate(key, "mail.example", 0xfedcba9876543210) };
	if (n_chain > 0)
		s->chain = sk_X509_new_null();
	for (int i = 0; i < n_chain; i++)
		(void)sk_X509_push(
		    s->chain, certificate(key, i % 2 == 0 ? "Issuing CA" : "A Root of Some Length",
				  (uint64_t)i + 1));
	assert_int_equal(cms_signer_new(s->leaf, s->key, s->chain, &s->signs, NULL), USHER_OK);
}

static void
drop(struct signer *s)
{
	cms_signer_free(s->signs);
	sk_X509_pop_free(s->chain, X509_free);
	X509_free(s->leaf);
	EVP_PKEY_free(s->key);
}

static const struct row {
	const char *label;
	const char *curve; /* NULL: RSA */
	int n_chain;
} rows[] = {
	{ "P-256", "P-256", 0 },
	{ "P-256 with a chain", "P-256", 3 },
	{ "P-384", "P-384", 1 },
	{ "P-521", "P-521", 1 },
	{ "RSA", NULL, 1 },
};

/* ---- what is compared ---- */

static CMS_ContentInfo *
read_cms(struct slice der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &p, (long)der.n);

	assert_non_null(cms);
	assert_ptr_equal(p, der.p + der.n);
	return cms;
}

/* Whether the signature is right; *content becomes what was signed, to be freed. */
static bool
verifies(CMS_ContentInfo *cms, char **content, size_t *n)
{
	BIO *out = BIO_new(BIO_s_mem());
	bool right =
	    CMS_verify(cms, NULL, NULL, NULL, out, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) == 1;
	char *p;

	*n = (size_t)BIO_get_mem_data(out, &p);
	*content = malloc(*n + 1);
	assert_non_null(*content);
	if (*n > 0)
		memcpy(*content, p, *n);
	BIO_free(out);
	return right;
}

/* All that OpenSSL shows of it but the time and the signature. */
static char *
shown(CMS_ContentInfo *cms)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *text, *at;

	assert_int_equal(CMS_ContentInfo_print_ctx(out, cms, 0, NULL), 1);
	(void)BIO_write(out, "", 1);
	(void)BIO_get_mem_data(out, &text);
	text = strdup(text);
	BIO_free(out);
	at = strstr(text, "UTCTIME:");
	assert_non_null(at);
	memset(at, '-', strcspn(at, "\n"));
	/* The certificates have signatures too, and the last one is the signer's. */
	for (char *next = at; (next = strstr(next, "signature:")) != NULL; next++)
		at = next;
	*at = '\0';
	return text;
}

/* Read again: only its DER has the certificates in their order. */
static CMS_ContentInfo *
by_openssl(const struct signer *s, struct slice content)
{
	BIO *in = BIO_new_mem_buf(content.p, (int)content.n);
	CMS_ContentInfo *cms = CMS_sign(s->leaf, s->key, s->chain, in, CMS_BINARY | CMS_NOSMIMECAP);
	unsigned char *der = NULL;
	int n = i2d_CMS_ContentInfo(cms, &der);

	assert_true(n > 0);
	BIO_free(in);
	CMS_ContentInfo_free(cms);
	cms = read_cms(slice_from((const char *)der, (size_t)n));
	OPENSSL_free(der);
	return cms;
}

/* What is wrong with ours, or NULL. */
static const char *
judge(struct slice der, struct slice content, CMS_ContentInfo *theirs)
{
	CMS_ContentInfo *ours = read_cms(der);
	unsigned char *again = NULL;
	int again_n = i2d_CMS_ContentInfo(ours, &again);
	size_t n;
	char *got;
	bool right = verifies(ours, &got, &n);
	char *a = shown(ours), *b = shown(theirs);
	const char *fault = NULL;

	if (!right)
		fault = "the signature is wrong";
	else if (n != content.n || memcmp(got, content.p, n) != 0)
		fault = "the content is another";
	else if (strcmp(a, b) != 0)
		fault = "OpenSSL writes something else";
	else if (again_n != (int)der.n || memcmp(again, der.p, der.n) != 0)
		fault = "it is not DER";
	OPENSSL_free(again);
	free(a);
	free(b);
	free(got);
	CMS_ContentInfo_free(ours);
	return fault;
}

static void
compare(const struct row *row, const struct signer *s, struct slice content)
{
	CLEANUP(buf_cleanup) struct buf out = { .max = CEILING };
	CMS_ContentInfo *theirs = by_openssl(s, content);
	const char *fault;

	assert_int_equal(cms_sign(s->signs, content, &out, NULL), USHER_OK);
	fault = judge(buf_as_slice(&out), content, theirs);
	if (fault != NULL)
		fail_msg("%s, %zu bytes: %s", row->label, content.n, fault);
	CMS_ContentInfo_free(theirs);
}

/* ---- tests ---- */

static EVP_PKEY *
new_key(const struct row *row)
{
	EVP_PKEY *key = row->curve == NULL ? EVP_RSA_gen(2048) : EVP_EC_gen(row->curve);

	assert_non_null(key);
	return key;
}

/* Sizes on both sides of every change in how a length is written. */
static void
openssl_would_write_it_alike(void **state)
{
	static const size_t sizes[] = { 1, 127, 128, 255, 256, 3612, 65535, 65536 };
	char *content = malloc(LARGEST);

	(void)state;
	assert_non_null(content);
	memset(content, '\n', LARGEST);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct signer s;

		make(&s, new_key(&rows[i]), rows[i].n_chain);
		/* The key changes nothing about the content. */
		for (size_t k = 0; k < (i == 0 ? COUNT_OF(sizes) : 1); k++)
			compare(&rows[i], &s, slice_from(content, sizes[k]));
		drop(&s);
	}
	free(content);
}

static void
a_changed_byte_is_noticed(void **state)
{
	static const struct slice content = SLICE_LITERAL("a profile of ann@fabrikam.example");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_cleanup) struct buf out = { .max = CEILING };
		CMS_ContentInfo *cms;
		struct signer s;
		char *at, *got;
		size_t n;

		make(&s, new_key(&rows[i]), rows[i].n_chain);
		assert_int_equal(cms_sign(s.signs, content, &out, NULL), USHER_OK);
		at = memmem(out.p, out.n, "ann@", 4);
		assert_non_null(at);
		*at = 'b';
		cms = read_cms(buf_as_slice(&out));
		assert_false(verifies(cms, &got, &n));
		free(got);
		CMS_ContentInfo_free(cms);
		drop(&s);
	}
}

static void
a_ceiling_is_kept(void **state)
{
	static const char content[5000];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		CLEANUP(buf_cleanup) struct buf out = { .max = sizeof(content) };
		struct usher_error err = { 0 };
		struct signer s;

		make(&s, new_key(&rows[i]), rows[i].n_chain);
		assert_int_equal(
		    cms_sign(s.signs, slice_from(content, sizeof(content)), &out, &err),
		    USHER_E_LIMIT);
		assert_string_equal(err.message, "it does not fit into memory");
		drop(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openssl_would_write_it_alike),
		cmocka_unit_test(a_changed_byte_is_noticed),
		cmocka_unit_test(a_ceiling_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
