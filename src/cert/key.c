/* key.c - private keys, by OpenSSL. */
#include "cert/key.h"

#include <string.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "base/err.h"
#include "cert/blocks.h"
#include "cert/build.h"
#include "cert/pbe.h"
#include "cert/x509.h"

/* What a passphrase costs whoever tries them all; what OWASP asked of PBKDF2 with SHA-256 in 2023.
 */
enum { ROUNDS = 600 * 1000 };

enum { KIND_BYTES = 16 };

static const struct {
	const char *word;
	enum cert_key_kind kind;
	int rsa_bits;
} kinds[] = {
	{ "rsa", CERT_KEY_RSA, CERT_RSA_BITS_MIN },
	{ "rsa2048", CERT_KEY_RSA, 2048 },
	{ "rsa3072", CERT_KEY_RSA, 3072 },
	{ "rsa4096", CERT_KEY_RSA, 4096 },
	{ "p256", CERT_KEY_P256, 0 },
	{ "p384", CERT_KEY_P384, 0 },
	{ "ed25519", CERT_KEY_ED25519, 0 },
};

/* `text` without the colon of OpenSSL's `rsa:2048`; too long a text stays as it is. */
static struct slice
less_colon(struct slice text, char room[KIND_BYTES])
{
	size_t at = slice_find(text, ':');

	if (at == text.n || text.n > KIND_BYTES)
		return text;
	memcpy(room, text.p, at);
	memcpy(room + at, text.p + at + 1, text.n - at - 1);
	return slice_from(room, text.n - 1);
}

usher_status
cert_key_parse(struct slice text, enum cert_key_kind *kind, int *rsa_bits, struct usher_error *err)
{
	char room[KIND_BYTES];

	text = less_colon(text, room);
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		if (slice_is_nocase(text, kinds[i].word)) {
			*kind = kinds[i].kind;
			*rsa_bits = kinds[i].rsa_bits;
			return USHER_OK;
		}
	}
	if (slice_is_nocase(text, "rsa1024") || slice_is_nocase(text, "rsa512"))
		return err_set(err, USHER_E_USAGE, "kind of key",
		    "RSA below 2048 bits is made no more: no CA signs it and current clients "
		    "refuse it; "
		    "use rsa2048");
	return err_set(err, USHER_E_USAGE, "kind of key",
	    "not one of rsa2048, rsa3072, rsa4096, p256, p384, ed25519");
}

usher_status
cert_key_make(enum cert_key_kind kind, int rsa_bits, struct buf *pem, struct usher_error *err)
{
	EVP_PKEY *key CLEANUP(own_pkey) = NULL;

	switch (kind) {
	case CERT_KEY_RSA:
		if (rsa_bits != 2048 && rsa_bits != 3072 && rsa_bits != 4096)
			return err_set(err, USHER_E_USAGE, "key",
			    "RSA with %d bits is not made; use 2048, 3072 or 4096", rsa_bits);
		key = EVP_RSA_gen((unsigned)rsa_bits);
		break;
	case CERT_KEY_P256:
		key = EVP_EC_gen("P-256");
		break;
	case CERT_KEY_P384:
		key = EVP_EC_gen("P-384");
		break;
	case CERT_KEY_ED25519:
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	}
	if (key == NULL)
		return ssl_failed(err, USHER_E_INTERNAL, "key", "OpenSSL could not make it");
	return key_write(key, pem, err);
}

usher_status
cert_key_read(
    struct slice file, const struct secret *passphrase, struct buf *pem, struct usher_error *err)
{
	struct pbe pbe CLEANUP(pbe_close) = pbe_with(passphrase);
	struct blocks blocks CLEANUP(blocks_close);
	usher_status st = blocks_open(&blocks, file, err);

	while (st == USHER_OK && blocks_next(&blocks)) {
		EVP_PKEY *key CLEANUP(own_pkey) = NULL;

		st = pbe_key(&pbe, &blocks.now, &key, err);
		if (st == USHER_OK)
			return key_write(key, pem, err);
		if (st == USHER_E_ABSENT)
			st = USHER_OK;
	}
	if (st == USHER_OK)
		st = blocks_end(&blocks, err);
	return st == USHER_OK ? err_set(err, USHER_E_ABSENT, "private key",
				    "no private key in it (-----BEGIN PRIVATE KEY)") :
				st;
}

usher_status
cert_key_encrypt(
    struct slice key_pem, const struct secret *passphrase, struct buf *pem, struct usher_error *err)
{
	EVP_PKEY *key CLEANUP(own_pkey) = NULL;
	PKCS8_PRIV_KEY_INFO *plain CLEANUP(own_pkcs8) = NULL;
	BIO *out CLEANUP(own_bio) = BIO_new(BIO_s_mem());
	X509_SIG *sealed;
	bool written;
	usher_status st;

	if (passphrase == NULL || passphrase->n == 0)
		return err_set(err, USHER_E_USAGE, "private key", "a passphrase is needed");
	st = key_load(key_pem, &key, err);
	if (st != USHER_OK)
		return st;
	plain = EVP_PKEY2PKCS8(key);
	sealed = plain == NULL ? NULL :
				 PKCS8_encrypt(-1, EVP_aes_256_cbc(), passphrase->bytes,
				     (int)passphrase->n, NULL, 0, ROUNDS, plain);
	written = out != NULL && sealed != NULL && PEM_write_bio_PKCS8(out, sealed) == 1;
	X509_SIG_free(sealed);
	if (!written)
		return ssl_failed(err, USHER_E_NOMEM, "private key", "out of memory");
	buf_slice(pem, bio_slice(out));
	return pem->status == USHER_OK ? USHER_OK :
					 err_set(err, pem->status, "private key", "it is too long");
}

bool
cert_key_is_encrypted(struct slice key_pem)
{
	static const char *const marks[] = { "-----BEGIN ENCRYPTED PRIVATE KEY-----", "DEK-Info:" };

	for (size_t i = 0; i < COUNT_OF(marks); i++) {
		if (key_pem.n > 0 &&
		    memmem(key_pem.p, key_pem.n, marks[i], strlen(marks[i])) != NULL)
			return true;
	}
	return false;
}

usher_status
cert_key_fits(struct slice key_pem, struct slice certificate_pem, struct usher_error *err)
{
	EVP_PKEY *key CLEANUP(own_pkey) = NULL;
	X509 *x CLEANUP(own_x509) = NULL;
	usher_status st = key_load(key_pem, &key, err);

	if (st == USHER_OK)
		st = certificate_load(certificate_pem, &x, err);
	if (st != USHER_OK)
		return st;
	if (X509_check_private_key(x, key) != 1)
		return ssl_failed(
		    err, USHER_E_CONFLICT, "private key", "it is not the key of this certificate");
	return USHER_OK;
}

usher_status
cert_key_text(struct arena *mem, struct slice key_pem, const char **out, struct usher_error *err)
{
	EVP_PKEY *key CLEANUP(own_pkey) = NULL;
	const char *text;
	usher_status st = key_load(key_pem, &key, err);

	if (st != USHER_OK)
		return st;
	text = key_text(mem, key);
	if (text == NULL)
		return err_nomem(err, "private key");
	*out = text;
	return USHER_OK;
}

usher_status
cert_public_key(struct arena *mem, struct slice certificate_pem, struct slice *spki,
    const char **text, struct usher_error *err)
{
	X509 *x CLEANUP(own_x509) = NULL;
	const EVP_PKEY *key;
	const char *said = NULL;
	unsigned char *bytes = NULL;
	struct slice der;
	int n;
	usher_status st = certificate_load(certificate_pem, &x, err);

	if (st != USHER_OK)
		return st;
	key = X509_get0_pubkey(x);
	if (key == NULL)
		return ssl_failed(
		    err, USHER_E_INPUT, "certificate", "its public key cannot be read");
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &bytes);
	st = der_take(mem, bytes, n, &der, err);
	if (st != USHER_OK)
		return st;
	if (text != NULL && (said = key_text(mem, key)) == NULL)
		return err_nomem(err, "certificate");
	*spki = der;
	if (text != NULL)
		*text = said;
	return USHER_OK;
}
