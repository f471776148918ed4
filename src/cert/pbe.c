/* pbe.c - password-based encryption: its algorithms, its costs, and private keys behind it. */
#include "cert/pbe.h"

#include <limits.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>

#include "base/err.h"
#include "cert/bundle.h"
#include "cert/x509.h"

/* Algorithms of which we speak. All others of PBES1 and PBES2 are left to OpenSSL. */
static const struct algorithm {
	int nid;
	bool legacy; /* only the legacy provider has it */
	const char *name;
} algorithms[] = {
	{ NID_pbe_WithSHA1And40BitRC2_CBC, true, "RC2 with 40 bits" },
	{ NID_pbe_WithSHA1And128BitRC2_CBC, true, "RC2" },
	{ NID_pbe_WithSHA1And40BitRC4, true, "RC4 with 40 bits" },
	{ NID_pbe_WithSHA1And128BitRC4, true, "RC4" },
	{ NID_pbe_WithSHA1And3_Key_TripleDES_CBC, false, "3DES" },
	{ NID_pbe_WithSHA1And2_Key_TripleDES_CBC, false, "3DES with two keys" },
	{ NID_pbeWithMD2AndDES_CBC, true, "DES" },
	{ NID_pbeWithMD5AndDES_CBC, true, "DES" },
	{ NID_pbeWithSHA1AndDES_CBC, true, "DES" },
	{ NID_pbeWithMD2AndRC2_CBC, true, "RC2" },
	{ NID_pbeWithMD5AndRC2_CBC, true, "RC2" },
	{ NID_pbeWithSHA1AndRC2_CBC, true, "RC2" },
	/* within PBES2 */
	{ NID_rc2_cbc, true, "RC2" },
	{ NID_des_cbc, true, "DES" },
	{ NID_des_ede3_cbc, false, "3DES" },
};

static const struct algorithm *
algorithm_of(int nid)
{
	for (size_t i = 0; i < COUNT_OF(algorithms); i++) {
		if (algorithms[i].nid == nid)
			return &algorithms[i];
	}
	return NULL;
}

struct pbe
pbe_with(const struct secret *password)
{
	struct pbe p = { 0 };

	if (password != NULL)
		p.password = slice_from(password->bytes, password->n);
	return p;
}

void
pbe_close(struct pbe *p)
{
	(void)OSSL_PROVIDER_unload(p->legacy);
	(void)OSSL_PROVIDER_unload(p->standard);
	OSSL_LIB_CTX_free(p->ctx);
	ERR_clear_error();
}

static usher_status
need_context(struct pbe *p, const struct algorithm *a, struct usher_error *err)
{
	if (p->ctx == NULL)
		p->ctx = OSSL_LIB_CTX_new();
	if (p->ctx != NULL && p->standard == NULL)
		p->standard = OSSL_PROVIDER_load(p->ctx, "default");
	if (p->standard == NULL)
		return ssl_failed(err, USHER_E_NOMEM, "file", "out of memory");
	if (a == NULL || !a->legacy || p->legacy != NULL)
		return USHER_OK;
	p->legacy = OSSL_PROVIDER_load(p->ctx, "legacy");
	ERR_clear_error();
	if (p->legacy != NULL)
		return USHER_OK;
	return err_set(err, USHER_E_UNAVAILABLE, "file",
	    "it is encrypted with %s, which OpenSSL reads only with its legacy provider "
	    "(legacy.so), "
	    "and that is not installed; install it, or export the file again with AES",
	    a->name);
}

usher_status
pbe_spend(struct pbe *p, int64_t rounds, struct usher_error *err)
{
	if (rounds < 0 || (uint64_t)rounds > BUNDLE_ROUNDS - p->rounds)
		return err_set(err, USHER_E_LIMIT, "file",
		    "it asks for more than %d rounds of work for its password", BUNDLE_ROUNDS);
	p->rounds += (uint64_t)rounds;
	return USHER_OK;
}

/* INT64_MAX for what cannot be: it is over every limit. */
static int64_t
integer(const ASN1_INTEGER *i)
{
	int64_t n;

	if (i == NULL)
		return 1;
	return ASN1_INTEGER_get_int64(&n, i) == 1 && n > 0 ? n : INT64_MAX;
}

static int64_t
times(int64_t a, int64_t b)
{
	int64_t n;

	return __builtin_mul_overflow(a, b, &n) ? INT64_MAX : n;
}

/* Rounds of a key derivation within PBES2, or -1 when it is unknown or damaged. */
static int64_t
derivation_rounds(const X509_ALGOR *f)
{
	int64_t rounds = -1;

	if (OBJ_obj2nid(f->algorithm) == NID_id_pbkdf2) {
		PBKDF2PARAM *k =
		    ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), f->parameter);

		if (k != NULL)
			rounds = integer(k->iter);
		PBKDF2PARAM_free(k);
	} else if (OBJ_obj2nid(f->algorithm) == NID_id_scrypt) {
		SCRYPT_PARAMS *k =
		    ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), f->parameter);

		if (k != NULL)
			rounds = times(times(integer(k->costParameter), integer(k->blockSize)),
			    integer(k->parallelizationParameter));
		SCRYPT_PARAMS_free(k);
	}
	return rounds;
}

/* Which cipher, and for how many rounds. */
static bool
look_into(const X509_ALGOR *algorithm, int *nid, int64_t *rounds)
{
	*nid = OBJ_obj2nid(algorithm->algorithm);
	*rounds = -1;
	if (*nid == NID_pbes2) {
		PBE2PARAM *two =
		    ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);

		if (two != NULL) {
			*nid = OBJ_obj2nid(two->encryption->algorithm);
			*rounds = derivation_rounds(two->keyfunc);
		}
		PBE2PARAM_free(two);
	} else {
		PBEPARAM *one =
		    ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), algorithm->parameter);

		if (one != NULL)
			*rounds = integer(one->iter);
		PBEPARAM_free(one);
	}
	ERR_clear_error();
	return *rounds >= 0;
}

usher_status
pbe_allow(struct pbe *p, const X509_ALGOR *algorithm, const char **old, struct usher_error *err)
{
	const struct algorithm *a;
	int64_t rounds;
	int nid;
	usher_status st;

	if (!look_into(algorithm, &nid, &rounds))
		return err_set(err, USHER_E_INPUT, "file",
		    "it is encrypted in a way that we do not know; export it again with AES-256");
	a = algorithm_of(nid);
	st = pbe_spend(p, rounds, err);
	if (st == USHER_OK)
		st = need_context(p, a, err);
	if (st == USHER_OK)
		*old = a == NULL ? NULL : a->name;
	return st;
}

usher_status
pbe_refused(const struct pbe *p, struct usher_error *err)
{
	return ssl_failed(err, USHER_E_CREDENTIALS, "password",
	    p->password.n == 0 ? "it is encrypted; give its password" : "the password is wrong");
}

static usher_status
accept_key(EVP_PKEY *key, EVP_PKEY **out, struct usher_error *err)
{
	if (key == NULL)
		return ssl_failed(err, USHER_E_INPUT, "private key", "it is damaged");
	ERR_clear_error();
	if (!key_is_usable(key)) {
		EVP_PKEY_free(key);
		return err_set(err, USHER_E_INPUT, "private key",
		    "it is of a kind that no mail program takes; use RSA, ECDSA or Ed25519");
	}
	*out = key;
	return USHER_OK;
}

usher_status
pbe_pkcs8_key(const PKCS8_PRIV_KEY_INFO *p8, EVP_PKEY **out, struct usher_error *err)
{
	return accept_key(EVP_PKCS82PKEY(p8), out, err);
}

static usher_status
sealed_key(struct pbe *p, const X509_SIG *sealed, EVP_PKEY **out, struct usher_error *err)
{
	PKCS8_PRIV_KEY_INFO *plain CLEANUP(own_pkcs8) = NULL;
	const X509_ALGOR *algorithm;
	const char *old;
	usher_status st;

	X509_SIG_get0(sealed, &algorithm, NULL);
	st = pbe_allow(p, algorithm, &old, err);
	if (st != USHER_OK)
		return st;
	plain = PKCS8_decrypt_ex(
	    sealed, p->password.n == 0 ? "" : p->password.p, (int)p->password.n, p->ctx, NULL);
	return plain == NULL ? pbe_refused(p, err) : pbe_pkcs8_key(plain, out, err);
}

/* Decrypts as RFC 1421 files of OpenSSL's are: one round of MD5 makes the key. */
static usher_status
open_header(struct pbe *p, const struct block *block, struct buf *out, struct usher_error *err)
{
	unsigned char key[EVP_MAX_KEY_LENGTH];
	EVP_CIPHER_INFO info;
	EVP_CIPHER *cipher = NULL;
	EVP_CIPHER_CTX *work = NULL;
	const struct algorithm *a;
	unsigned char *to;
	int n = 0, last = 0;
	bool good = false;
	usher_status st;

	if (PEM_get_EVP_CIPHER_INFO(block->header, &info) != 1 || info.cipher == NULL)
		return ssl_failed(err, USHER_E_INPUT, "private key",
		    "it is encrypted in a way that we do not know");
	a = algorithm_of(EVP_CIPHER_get_nid(info.cipher));
	st = need_context(p, a, err);
	if (st != USHER_OK)
		return st;
	to = (unsigned char *)buf_reserve(out, block->der.n + EVP_MAX_BLOCK_LENGTH);
	cipher = EVP_CIPHER_fetch(p->ctx, EVP_CIPHER_get0_name(info.cipher), NULL);
	work = EVP_CIPHER_CTX_new();
	if (to != NULL && cipher != NULL && work != NULL)
		good = EVP_BytesToKey(info.cipher, EVP_md5(), info.iv,
			   (const unsigned char *)p->password.p, (int)p->password.n, 1, key,
			   NULL) > 0 &&
		       EVP_DecryptInit_ex2(work, cipher, key, info.iv, NULL) == 1 &&
		       EVP_DecryptUpdate(work, to, &n, (const unsigned char *)block->der.p,
			   (int)block->der.n) == 1 &&
		       EVP_DecryptFinal_ex(work, to + n, &last) == 1;
	EVP_CIPHER_CTX_free(work);
	EVP_CIPHER_free(cipher);
	OPENSSL_cleanse(key, sizeof(key));
	if (!good)
		return out->status == USHER_OK ? pbe_refused(p, err) : err_nomem(err, "file");
	buf_used(out, (size_t)(n + last));
	return USHER_OK;
}

static bool
is_key_label(const char *label)
{
	return slice_ends_nocase(slice_of(label), SLICE_LITERAL("PRIVATE KEY"));
}

/* NULL when it is something else. */
static X509_SIG *
as_sealed(struct slice der)
{
	const unsigned char *at = (const unsigned char *)der.p;
	X509_SIG *sealed = d2i_X509_SIG(NULL, &at, (long)der.n);

	ERR_clear_error();
	return sealed;
}

static EVP_PKEY *
as_plain(struct slice der)
{
	const unsigned char *at = (const unsigned char *)der.p;

	return d2i_AutoPrivateKey(NULL, &at, (long)der.n);
}

usher_status
pbe_key(struct pbe *p, const struct block *block, EVP_PKEY **out, struct usher_error *err)
{
	struct buf opened CLEANUP(buf_wipe);
	struct slice der = block->der;
	bool bare = *block->label == '\0';
	X509_SIG *sealed;
	EVP_PKEY *key;
	usher_status st = USHER_OK;

	buf_init(&opened, BUNDLE_BYTES);
	if (!bare && !is_key_label(block->label))
		return err_set(err, USHER_E_ABSENT, "private key", "this block is no key");
	if (strcmp(block->label, "OPENSSH PRIVATE KEY") == 0)
		return err_set(err, USHER_E_INPUT, "private key",
		    "it is one of OpenSSH's; convert it with ssh-keygen -p -m PKCS8");
	if (!bare && *block->header != '\0') {
		st = open_header(p, block, &opened, err);
		der = buf_as_slice(&opened);
	}
	if (st != USHER_OK)
		return st;
	sealed = as_sealed(der);
	if (sealed != NULL) {
		st = sealed_key(p, sealed, out, err);
		X509_SIG_free(sealed);
		return st;
	}
	key = as_plain(der);
	if (key == NULL && bare) {
		ERR_clear_error();
		return err_set(err, USHER_E_ABSENT, "private key", "this is no key");
	}
	/* A wrong password that happens to leave good padding. */
	if (key == NULL && opened.n > 0)
		return pbe_refused(p, err);
	return accept_key(key, out, err);
}
