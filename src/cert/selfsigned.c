/* selfsigned.c - makes a key and a certificate that vouches for itself. */
#include "cert/selfsigned.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/address.h"
#include "base/encode.h"
#include "base/err.h"
#include "base/text.h"
#include "cert/inspect.h"
#include "cert/own.h"

enum {
	HOUR_S = 3600,
	DAY_S = 24 * HOUR_S,
	X509_VERSION_3_VALUE = 2, /* RFC 5280, 4.1.2.1 */
	SERIAL_BYTES = 16,
	COMMON_NAME_BYTES = 64 /* RFC 5280, appendix A: ub-common-name */
};

/* 5 calendar years with one leap day: the sixth year never begins. */
static const int64_t LIFETIME_S = (SELFSIGNED_YEARS * 365LL + 1) * DAY_S;

static bool
set_serial(X509 *x)
{
	unsigned char bytes[SERIAL_BYTES];
	BIGNUM *n;
	bool ok;

	if (!random_bytes(bytes, sizeof(bytes)))
		return false;
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, of constant length */
	n = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = n != NULL && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x)) != NULL;
	BN_free(n);
	return ok;
}

static bool
add_extension(X509 *x, X509V3_CTX *context, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, context, nid, value);
	bool ok = e != NULL && X509_add_ext(x, e, -1) == 1;

	X509_EXTENSION_free(e);
	return ok;
}

static bool
add_extensions(X509 *x, const char *sans)
{
	const struct {
		int nid;
		const char *value;
	} rows[] = {
		{ NID_basic_constraints, "critical,CA:FALSE" },
		{ NID_key_usage, "critical,digitalSignature,keyEncipherment" },
		{ NID_ext_key_usage, "serverAuth" },
		{ NID_subject_key_identifier, "hash" },
		{ NID_subject_alt_name, sans },
	};
	X509V3_CTX context;

	X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (!add_extension(x, &context, rows[i].nid, rows[i].value))
			return false;
	}
	return true;
}

static bool
fill(X509 *x, EVP_PKEY *key, struct slice common_name, const char *sans, int64_t now_s)
{
	X509_NAME *name = X509_get_subject_name(x);

	return X509_set_version(x, X509_VERSION_3_VALUE) == 1 && set_serial(x) &&
	       ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(now_s - HOUR_S)) != NULL &&
	       ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(now_s + LIFETIME_S)) != NULL &&
	       X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
		   (const unsigned char *)common_name.p, (int)common_name.n, -1, 0) == 1 &&
	       X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1 &&
	       add_extensions(x, sans) && X509_sign(x, key, EVP_sha256()) > 0;
}

/* The name becomes part of OpenSSL's extension syntax, in which a comma would begin another name.
 */
static bool
is_host_name(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!text_is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '.')
			return false;
	}
	return s.n > 0 && s.n <= DOMAIN_MAX_BYTES;
}

static usher_status
failed(struct usher_error *err)
{
	ERR_clear_error();
	return err_set(err, USHER_E_INTERNAL, "certificate", "OpenSSL could not make it");
}

usher_status
cert_selfsigned(struct arena *mem, const char *fqdn, int64_t now_s, struct buf *key,
    struct certificate *out, struct usher_error *err)
{
	EVP_PKEY *pair CLEANUP(own_pkey) = NULL;
	X509 *x CLEANUP(own_x509) = NULL;
	BIO *pem CLEANUP(own_bio) = BIO_new(BIO_s_mem());
	/* Secure memory: BIO_free() cleanses what it held. */
	BIO *key_pem CLEANUP(own_bio) = BIO_new(BIO_s_secmem());
	struct slice host = slice_of(fqdn);
	struct slice label = { host.p, slice_find(host, '.') };
	struct certificate made;
	const char *sans;
	usher_status st;
	char *text;
	long n;

	if (!is_host_name(host) || label.n == 0 || label.n > COMMON_NAME_BYTES)
		return err_set(err, USHER_E_ADDRESS, fqdn, "not a host name of a server");
	sans = label.n == host.n ?
		   arena_printf(mem, "DNS:%s", fqdn) :
		   arena_printf(mem, "DNS:%.*s,DNS:%s", (int)label.n, label.p, fqdn);
	if (sans == NULL || pem == NULL || key_pem == NULL)
		return err_nomem(err, "certificate");

	pair = EVP_EC_gen("P-256");
	x = X509_new();
	if (pair == NULL || x == NULL || !fill(x, pair, label, sans, now_s) ||
	    PEM_write_bio_X509(pem, x) != 1 ||
	    PEM_write_bio_PrivateKey(key_pem, pair, NULL, NULL, 0, NULL, NULL) != 1)
		return failed(err);

	n = BIO_get_mem_data(pem, &text);
	st = cert_inspect(mem, slice_from(text, (size_t)n), &made, err);
	if (st != USHER_OK)
		return st;
	made.friendly_name = arena_strdup(mem, fqdn);
	n = BIO_get_mem_data(key_pem, &text);
	buf_append(key, text, (size_t)n);
	if (key->status != USHER_OK || made.friendly_name == NULL)
		return err_nomem(err, "certificate");
	*out = made;
	return USHER_OK;
}
