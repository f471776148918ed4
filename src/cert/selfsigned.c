/* selfsigned.c - makes a key and a certificate that vouches for itself. */
#include "cert/selfsigned.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/address.h"
#include "base/err.h"
#include "base/text.h"
#include "cert/build.h"
#include "cert/inspect.h"
#include "cert/own.h"

enum {
	DAY_S = 24 * 3600,
	COMMON_NAME_BYTES = 64 /* RFC 5280, appendix A: ub-common-name */
};

/* 5 calendar years with one leap day: the sixth year never begins. */
static const int64_t LIFETIME_S = (SELFSIGNED_YEARS * 365LL + 1) * DAY_S;

static bool
fill(X509 *x, EVP_PKEY *key, struct slice common_name, const char *sans, int64_t now_s)
{
	const struct build_row rows[] = {
		{ NID_basic_constraints, "critical,CA:FALSE" },
		{ NID_key_usage, "critical,digitalSignature,keyEncipherment" },
		{ NID_ext_key_usage, "serverAuth" },
		{ NID_subject_key_identifier, "hash" },
		{ NID_subject_alt_name, sans },
	};
	X509_NAME *name = X509_get_subject_name(x);

	return build_begin(x) && build_period(x, now_s, now_s + LIFETIME_S) &&
	       X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
		   (const unsigned char *)common_name.p, (int)common_name.n, -1, 0) == 1 &&
	       X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1 &&
	       build_extensions(x, x, rows, COUNT_OF(rows)) && build_sign(x, key);
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

	st = cert_inspect(mem, bio_slice(pem), &made, err);
	if (st != USHER_OK)
		return st;
	made.friendly_name = arena_strdup(mem, fqdn);
	buf_slice(key, bio_slice(key_pem));
	if (key->status != USHER_OK || made.friendly_name == NULL)
		return err_nomem(err, "certificate");
	*out = made;
	return USHER_OK;
}
