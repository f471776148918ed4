/* build.c - serial numbers, dates, extensions and signatures of certificates. */
#include "cert/build.h"

#include <openssl/bn.h>
#include <openssl/x509v3.h>

#include "base/encode.h"

enum {
	HOUR_S = 3600,
	VERSION_3 = 2, /* RFC 5280, 4.1.2.1 */
	SERIAL_BYTES = 20
};

bool
build_begin(X509 *x)
{
	unsigned char bytes[SERIAL_BYTES];
	BIGNUM *n;
	bool ok;

	if (!random_bytes(bytes, sizeof(bytes)))
		return false;
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, of constant length */
	n = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL &&
	     X509_set_version(x, VERSION_3) == 1;
	BN_free(n);
	return ok;
}

bool
build_period(X509 *x, int64_t from_s, int64_t until_s)
{
	return ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(from_s - HOUR_S)) != NULL &&
	       ASN1_TIME_set(X509_getm_notAfter(x), (time_t)until_s) != NULL;
}

bool
build_extensions(X509 *x, X509 *issuer, const struct build_row *rows, size_t n)
{
	X509V3_CTX context;
	bool ok = true;

	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	for (size_t i = 0; ok && i < n; i++) {
		X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, rows[i].nid, rows[i].value);

		ok = e != NULL && X509_add_ext(x, e, -1) == 1;
		X509_EXTENSION_free(e);
	}
	return ok;
}

const EVP_MD *
build_digest(const EVP_PKEY *key)
{
	int id = EVP_PKEY_get_base_id(key);

	return id == EVP_PKEY_ED25519 || id == EVP_PKEY_ED448 ? NULL : EVP_sha256();
}

bool
build_sign(X509 *x, EVP_PKEY *key)
{
	return X509_sign(x, key, build_digest(key)) > 0;
}

struct slice
bio_slice(BIO *bio)
{
	char *text;
	long n = BIO_get_mem_data(bio, &text);

	return slice_from(text, (size_t)n);
}
