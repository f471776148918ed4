/* x509.c - OpenSSL's objects to plain data and back. */
#include "cert/x509.h"

#include <arpa/inet.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/encode.h"
#include "base/err.h"
#include "base/ip.h"
#include "base/text.h"
#include "cert/build.h"
#include "cert/inspect.h"
#include "cert/key.h"

enum { EC_BITS_MIN = 256, CURVE_BYTES = 64 };

usher_status
ssl_failed(struct usher_error *err, usher_status status, const char *where, const char *message)
{
	bool nomem = false;
	unsigned long e;

	while ((e = ERR_get_error()) != 0)
		nomem = nomem || ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE;
	return nomem ? err_nomem(err, where) : err_set(err, status, where, "%s", message);
}

int
no_passphrase(char *out UNUSED, int n UNUSED, int writing UNUSED, void *context UNUSED)
{
	return 0;
}

BIO *
bio_on(struct slice s)
{
	return s.n > INT_MAX ? NULL : BIO_new_mem_buf(s.n == 0 ? "" : s.p, (int)s.n);
}

const char *
bio_copy(struct arena *mem, BIO *bio)
{
	return arena_copy(mem, bio_slice(bio));
}

usher_status
der_take(struct arena *mem, unsigned char *der, int n, struct slice *out, struct usher_error *err)
{
	const char *copy = NULL;

	if (n > 0)
		copy = arena_copy(mem, slice_from(der, (size_t)n));
	OPENSSL_free(der);
	if (copy == NULL)
		return ssl_failed(err, USHER_E_NOMEM, "certificate", "out of memory");
	*out = slice_from(copy, (size_t)n);
	return USHER_OK;
}

usher_status
name_text(struct arena *mem, const X509_NAME *name, const char **out, struct usher_error *err)
{
	BIO *text CLEANUP(own_bio) = BIO_new(BIO_s_mem());
	const char *copy;
	struct slice s;

	if (text == NULL ||
	    X509_NAME_print_ex(text, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
		return ssl_failed(err, USHER_E_INPUT, "subject", "it is no text");
	s = bio_slice(text);
	if (s.n > SUBJECT_TEXT_BYTES || !text_utf8_valid(s))
		return err_set(err, USHER_E_INPUT, "subject", "it is too long or no text");
	copy = arena_copy(mem, s);
	if (copy == NULL)
		return err_nomem(err, "subject");
	*out = copy;
	return USHER_OK;
}

X509_NAME *
name_make(const struct subject *s)
{
	X509_NAME *name = X509_NAME_new();

	for (size_t i = 0; name != NULL && i < s->n; i++) {
		const struct subject_attribute *a = &s->v[i];

		if (X509_NAME_add_entry_by_txt(name, a->type, MBSTRING_UTF8,
			(const unsigned char *)a->value, (int)strlen(a->value), -1,
			a->joined ? -1 : 0) != 1) {
			X509_NAME_free(name);
			return NULL;
		}
	}
	return name;
}

/* NULL without error for what no client compares with a host name. */
static const char *
san_text(struct arena *mem, const GENERAL_NAME *name)
{
	char address[INET6_ADDRSTRLEN];
	struct slice s;

	if (name->type == GEN_DNS) {
		s = slice_from(ASN1_STRING_get0_data(name->d.dNSName),
		    (size_t)ASN1_STRING_length(name->d.dNSName));
		if (s.n == 0 || text_has_control(s) || !text_utf8_valid(s))
			return NULL;
		return text_lower_copy(mem, s);
	}
	if (name->type == GEN_IPADD) {
		int n = ASN1_STRING_length(name->d.iPAddress);
		int family = n == 4 ? AF_INET : AF_INET6;

		if ((n != 4 && n != 16) ||
		    inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), address,
			sizeof(address)) == NULL)
			return NULL;
		return arena_strdup(mem, address);
	}
	return NULL;
}

usher_status
sans_read(struct arena *mem, const GENERAL_NAMES *sans, struct text_list *out, size_t *others,
    struct usher_error *err)
{
	int n = sans == NULL ? 0 : sk_GENERAL_NAME_num(sans);
	struct text_list found = { NULL, 0 };
	const char **v;

	if (n > CERT_NAMES_MAX)
		return err_set(
		    err, USHER_E_LIMIT, "certificate", "more than %d names in it", CERT_NAMES_MAX);
	v = arena_array(mem, (size_t)(n < 0 ? 0 : n), sizeof(*v));
	if (v == NULL)
		return err_nomem(err, "certificate");
	for (int i = 0; i < n; i++) {
		const char *text = san_text(mem, sk_GENERAL_NAME_value(sans, i));

		if (text != NULL)
			v[found.n++] = text;
	}
	found.v = v;
	if (others != NULL)
		*others = (size_t)(n < 0 ? 0 : n) - found.n;
	*out = found;
	return USHER_OK;
}

/* NULL when out of memory. */
static GENERAL_NAME *
san_make(const char *name)
{
	bool address = ip_version(name) != 0;
	GENERAL_NAME *out = GENERAL_NAME_new();
	ASN1_STRING *value = address ? a2i_IPADDRESS(name) : ASN1_IA5STRING_new();

	if (out == NULL || value == NULL ||
	    (!address && ASN1_STRING_set(value, name, (int)strlen(name)) != 1)) {
		ASN1_STRING_free(value);
		GENERAL_NAME_free(out);
		return NULL;
	}
	GENERAL_NAME_set0_value(out, address ? GEN_IPADD : GEN_DNS, value);
	return out;
}

/* NULL when out of memory. */
static GENERAL_NAMES *
sans_make(const struct text_list *names)
{
	GENERAL_NAMES *out = GENERAL_NAMES_new();

	for (size_t i = 0; out != NULL && i < names->n; i++) {
		GENERAL_NAME *one = san_make(names->v[i]);

		if (one == NULL || sk_GENERAL_NAME_push(out, one) == 0) {
			GENERAL_NAME_free(one);
			GENERAL_NAMES_free(out);
			return NULL;
		}
	}
	return out;
}

bool
extension_add(STACK_OF(X509_EXTENSION) * *list, X509V3_CTX *context, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, context, nid, value);
	bool good = e != NULL && X509v3_add_ext(list, e, -1) != NULL;

	X509_EXTENSION_free(e);
	return good;
}

bool
server_extensions(STACK_OF(X509_EXTENSION) * *list, X509V3_CTX *context, const EVP_PKEY *key,
    const struct text_list *names, bool no_subject)
{
	/* Nothing but RSA enciphers keys (RFC 8813, 3). */
	const char *usage = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA ?
				"critical,digitalSignature,keyEncipherment" :
				"critical,digitalSignature";
	GENERAL_NAMES *sans CLEANUP(own_names) = NULL;

	if (!extension_add(list, context, NID_key_usage, usage) ||
	    !extension_add(list, context, NID_ext_key_usage, "serverAuth"))
		return false;
	if (names->n == 0)
		return true;
	sans = sans_make(names);
	return sans != NULL && X509V3_add1_i2d(list, NID_subject_alt_name, sans, no_subject,
				   X509V3_ADD_APPEND) == 1;
}

usher_status
time_read(const ASN1_TIME *t, int64_t *out_s, struct usher_error *err)
{
	struct tm tm = { 0 };

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return ssl_failed(err, USHER_E_INPUT, "certificate",
		    "its dates cannot be read; ask its issuer for a new one");
	*out_s = (int64_t)timegm(&tm);
	return USHER_OK;
}

const char *
digest_text(struct arena *mem, struct slice bytes, const EVP_MD *md, bool upper)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct buf b;
	char *out;

	if (EVP_Digest(bytes.p, bytes.n, digest, &n, md, NULL) != 1)
		return NULL;
	buf_init(&b, sizeof(digest) * 2);
	hex_encode(&b, digest, n);
	out = b.status == USHER_OK ? arena_copy(mem, buf_as_slice(&b)) : NULL;
	buf_clear(&b);
	for (char *p = out; upper && p != NULL && *p != '\0'; p++) {
		if (*p >= 'a')
			*p = (char)(*p - 'a' + 'A');
	}
	return out;
}

/* The queue is left as it is: it says whether the end or a damaged block was met. */
static X509 *
next_certificate(BIO *in)
{
	return PEM_read_bio_X509(in, NULL, no_passphrase, NULL);
}

usher_status
certificates_load(struct slice pem, int max, STACK_OF(X509) * *out, struct usher_error *err)
{
	BIO *in CLEANUP(own_bio) = bio_on(pem);
	STACK_OF(X509) * found CLEANUP(own_x509s) = sk_X509_new_null();
	X509 *x;

	if (in == NULL || found == NULL)
		return err_nomem(err, "certificate");
	while ((x = next_certificate(in)) != NULL) {
		if (sk_X509_push(found, x) == 0) {
			X509_free(x);
			return ssl_failed(err, USHER_E_NOMEM, "certificate", "out of memory");
		}
		if (sk_X509_num(found) > max)
			return err_set(err, USHER_E_LIMIT, "certificate",
			    "more than %d certificates in the chain", max);
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return ssl_failed(err, USHER_E_INPUT, "certificate",
		    "a certificate in it is damaged; copy the file again");
	if (sk_X509_num(found) == 0)
		return ssl_failed(err, USHER_E_INPUT, "certificate",
		    "no certificate in it; it must be PEM (-----BEGIN CERTIFICATE)");
	ERR_clear_error();
	*out = found;
	found = NULL;
	return USHER_OK;
}

usher_status
certificate_load(struct slice pem, X509 **out, struct usher_error *err)
{
	BIO *in CLEANUP(own_bio) = bio_on(pem);
	X509 *x;

	if (in == NULL)
		return err_nomem(err, "certificate");
	x = next_certificate(in);
	if (x == NULL)
		return ssl_failed(err, USHER_E_INPUT, "certificate", "it cannot be read");
	*out = x;
	return USHER_OK;
}

usher_status
certificates_write(const STACK_OF(X509) * list, BIO *out, struct usher_error *err)
{
	for (int i = 0; i < sk_X509_num(list); i++) {
		if (PEM_write_bio_X509(out, sk_X509_value(list, i)) != 1)
			return ssl_failed(err, USHER_E_NOMEM, "certificate", "out of memory");
	}
	return USHER_OK;
}

usher_status
key_load(struct slice pem, EVP_PKEY **out, struct usher_error *err)
{
	BIO *in CLEANUP(own_bio) = bio_on(pem);
	EVP_PKEY *key;

	if (in == NULL)
		return err_nomem(err, "private key");
	key = PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL);
	if (key == NULL)
		return ssl_failed(err, USHER_E_INPUT, "private key", "it cannot be read");
	*out = key;
	return USHER_OK;
}

usher_status
key_write(EVP_PKEY *key, struct buf *pem, struct usher_error *err)
{
	/* Secure memory: BIO_free() cleanses what it held. */
	BIO *out CLEANUP(own_bio) = BIO_new(BIO_s_secmem());

	if (out == NULL || PEM_write_bio_PKCS8PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) != 1)
		return ssl_failed(err, USHER_E_NOMEM, "private key", "out of memory");
	buf_slice(pem, bio_slice(out));
	return pem->status == USHER_OK ? USHER_OK :
					 err_set(err, pem->status, "private key", "it is too long");
}

const char *
key_text(struct arena *mem, const EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);
	char curve[CURVE_BYTES];
	const char *nist;

	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		return arena_printf(mem, "RSA %d", bits);
	case EVP_PKEY_RSA_PSS:
		return arena_printf(mem, "RSA-PSS %d", bits);
	case EVP_PKEY_DSA:
		return arena_printf(mem, "DSA %d", bits);
	case EVP_PKEY_ED25519:
		return arena_strdup(mem, "Ed25519");
	case EVP_PKEY_ED448:
		return arena_strdup(mem, "Ed448");
	case EVP_PKEY_EC:
		if (EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) != 1)
			return arena_printf(mem, "ECDSA %d", bits);
		nist = EC_curve_nid2nist(OBJ_txt2nid(curve));
		return arena_join(mem, "ECDSA ", nist == NULL ? curve : nist);
	default:
		return arena_printf(mem, "unknown, %d bits", bits);
	}
}

bool
key_is_usable(const EVP_PKEY *key)
{
	int id = EVP_PKEY_get_base_id(key);

	return id == EVP_PKEY_RSA || id == EVP_PKEY_EC || id == EVP_PKEY_ED25519;
}

bool
key_is_weak(const EVP_PKEY *key)
{
	int bits = EVP_PKEY_get_bits(key);

	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		return bits < CERT_RSA_BITS_MIN;
	case EVP_PKEY_EC:
		return bits < EC_BITS_MIN;
	default:
		return EVP_PKEY_get_base_id(key) == EVP_PKEY_DSA;
	}
}

bool
signature_is_weak(int nid)
{
	int md = NID_undef;

	if (OBJ_find_sigid_algs(nid, &md, NULL) != 1)
		return false;
	return md == NID_md5 || md == NID_sha1 || md == NID_md2 || md == NID_md4 ||
	       md == NID_ripemd160;
}
