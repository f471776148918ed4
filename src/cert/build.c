/* build.c - serial numbers, dates, extensions and signatures of certificates. */
#include "cert/build.h"

#include <openssl/bn.h>
#include <openssl/x509v3.h>

#include "base/encode.h"
#include "cert/own.h"
#include "cert/x509.h"

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

static bool
add_all(X509 *x, const STACK_OF(X509_EXTENSION) * list)
{
	bool ok = true;

	for (int i = 0; ok && i < sk_X509_EXTENSION_num(list); i++)
		ok = X509_add_ext(x, sk_X509_EXTENSION_value(list, i), -1) == 1;
	return ok;
}

bool
build_extensions(X509 *x, X509 *issuer, const struct build_row *rows, size_t n)
{
	STACK_OF(X509_EXTENSION) * list CLEANUP(own_extensions) = NULL;
	X509V3_CTX context;
	bool ok = true;

	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	for (size_t i = 0; ok && i < n; i++)
		ok = extension_add(&list, &context, rows[i].nid, rows[i].value);
	return ok && add_all(x, list);
}

bool
build_server_extensions(X509 *x, X509 *issuer, const struct text_list *names)
{
	STACK_OF(X509_EXTENSION) * list CLEANUP(own_extensions) = NULL;
	bool no_subject = X509_NAME_entry_count(X509_get_subject_name(x)) == 0;
	X509V3_CTX context;

	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	return extension_add(&list, &context, NID_basic_constraints, "critical,CA:FALSE") &&
	       extension_add(&list, &context, NID_subject_key_identifier, "hash") &&
	       server_extensions(&list, &context, X509_get0_pubkey(x), names, no_subject) &&
	       (issuer == x ||
		   extension_add(&list, &context, NID_authority_key_identifier, "keyid:always")) &&
	       add_all(x, list);
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
