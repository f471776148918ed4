/* pkcs12.c - writes PKCS #12, by OpenSSL. */
#include "cert/pkcs12.h"

#include <openssl/err.h>

#include "base/err.h"
#include "cert/inspect.h"
#include "cert/x509.h"

static const struct form {
	int cipher;
	int rounds; /* of each of key, certificates and MAC */
	const EVP_MD *(*mac)(void);
} forms[] = {
	/* .NET takes 600 000 rounds in one file (2023), and all others more. */
	[PKCS12_MODERN] = { NID_aes_256_cbc, 100 * 1000, EVP_sha256 },
	[PKCS12_LEGACY] = { NID_pbe_WithSHA1And3_Key_TripleDES_CBC, 2000, EVP_sha1 },
};

static PKCS12 *
make(const char *password, const char *friendly_name, EVP_PKEY *key, STACK_OF(X509) * chain,
    const struct form *form)
{
	X509 *leaf = sk_X509_shift(chain);
	PKCS12 *file = PKCS12_create(password, friendly_name, key, leaf, chain, form->cipher,
	    form->cipher, form->rounds, -1, 0);

	X509_free(leaf);
	if (file == NULL ||
	    PKCS12_set_mac(file, password, -1, NULL, 0, form->rounds, form->mac()) == 1)
		return file;
	PKCS12_free(file);
	return NULL;
}

usher_status
pkcs12_write(struct slice chain_pem, struct slice key_pem, const char *friendly_name,
    const struct secret *password, enum pkcs12_form form, struct buf *out, struct usher_error *err)
{
	STACK_OF(X509) * chain CLEANUP(own_x509s) = NULL;
	EVP_PKEY *key CLEANUP(own_pkey) = NULL;
	PKCS12 *file;
	unsigned char *to;
	int n;
	usher_status st = certificates_load(chain_pem, CERT_CHAIN_MAX, &chain, err);

	if (st == USHER_OK)
		st = key_load(key_pem, &key, err);
	if (st != USHER_OK)
		return st;
	if (X509_check_private_key(sk_X509_value(chain, 0), key) != 1)
		return ssl_failed(
		    err, USHER_E_CONFLICT, "private key", "it is not the key of this certificate");
	file = make(password == NULL || password->n == 0 ? "" : password->bytes, friendly_name, key,
	    chain, &forms[form]);
	n = file == NULL ? -1 : i2d_PKCS12(file, NULL);
	to = n <= 0 ? NULL : (unsigned char *)buf_reserve(out, (size_t)n);
	if (to != NULL) {
		(void)i2d_PKCS12(file, &to);
		buf_used(out, (size_t)n);
	}
	PKCS12_free(file);
	if (n <= 0)
		return ssl_failed(err, USHER_E_INTERNAL, "PKCS #12", "OpenSSL could not make it");
	return to != NULL ? USHER_OK : err_set(err, out->status, "PKCS #12", "it is too long");
}
