/* request.c - PKCS #10, by OpenSSL. */
#include "cert/request.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/err.h"
#include "base/text.h"
#include "cert/blocks.h"
#include "cert/build.h"
#include "cert/x509.h"

static const char *const fault_texts[REQUEST_FAULT_COUNT] = {
	[REQUEST_WEAK_KEY] = "its RSA key has less than 2048 bits: current clients refuse such a "
			     "certificate; make a request with a new key",
	[REQUEST_WEAK_SIGNATURE] =
	    "it is signed with MD5 or SHA-1, which only its own maker is hurt "
	    "by; the certificate is signed with SHA-256",
	[REQUEST_NO_NAMES] =
	    "it has a common name only: clients look at subject alternative names, "
	    "so name the hosts when issuing",
	[REQUEST_WANTS_CA] = "it asks to be a CA; a server's certificate must not be one",
};

const char *
request_fault_text(enum request_fault fault)
{
	return fault_texts[fault];
}

/* The common name nearest to the leaf; *out is NULL when there is none that is text. */
static usher_status
read_common_name(
    struct arena *mem, const X509_NAME *name, const char **out, struct usher_error *err)
{
	int at = -1, last = -1;
	unsigned char *utf8 = NULL;
	struct slice s;
	int n;

	*out = NULL;
	while ((at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0)
		last = at;
	if (last < 0)
		return USHER_OK;
	n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
	ERR_clear_error();
	s = slice_from(utf8, n > 0 ? (size_t)n : 0);
	if (s.n > 0 && !text_has_control(s) && text_utf8_valid(s))
		*out = arena_copy(mem, s);
	else
		n = 0;
	OPENSSL_free(utf8);
	return n > 0 && *out == NULL ? err_nomem(err, "request") : USHER_OK;
}

static usher_status
damaged(struct usher_error *err)
{
	return ssl_failed(err, USHER_E_INPUT, "request", "it is damaged; copy the file again");
}

/* What the request asks for. */
static usher_status
read_extensions(struct arena *mem, X509_REQ *x, struct request *r, struct usher_error *err)
{
	STACK_OF(X509_EXTENSION) * list CLEANUP(own_extensions) = X509_REQ_get_extensions(x);
	GENERAL_NAMES *sans CLEANUP(own_names) = NULL;
	BASIC_CONSTRAINTS *basic;
	int found = -1;
	usher_status st;

	sans = X509V3_get_d2i(list, NID_subject_alt_name, &found, NULL);
	if (sans == NULL && found != -1)
		return damaged(err);
	st = sans_read(mem, sans, &r->names, &r->n_other_names, err);
	if (st != USHER_OK)
		return st;
	if (r->names.n == 0)
		r->faults |= 1U << REQUEST_NO_NAMES;
	basic = X509V3_get_d2i(list, NID_basic_constraints, &found, NULL);
	if (basic != NULL && basic->ca != 0)
		r->faults |= 1U << REQUEST_WANTS_CA;
	BASIC_CONSTRAINTS_free(basic);
	ERR_clear_error();
	return USHER_OK;
}

static usher_status
read_key(struct arena *mem, X509_REQ *x, struct request *r, struct usher_error *err)
{
	EVP_PKEY *key = X509_REQ_get0_pubkey(x);
	unsigned char *der = NULL;
	int n;

	if (key == NULL || !key_is_usable(key))
		return ssl_failed(err, USHER_E_INPUT, "request",
		    "its key is damaged or of a kind that no mail program takes; use RSA, ECDSA or "
		    "Ed25519");
	if (X509_REQ_verify(x, key) != 1)
		return ssl_failed(err, USHER_E_INPUT, "request",
		    "its signature is wrong: it was changed after it was made, or its maker does "
		    "not have the key");
	if (key_is_weak(key))
		r->faults |= 1U << REQUEST_WEAK_KEY;
	if (signature_is_weak(X509_REQ_get_signature_nid(x)))
		r->faults |= 1U << REQUEST_WEAK_SIGNATURE;
	r->signature = OBJ_nid2ln(X509_REQ_get_signature_nid(x));
	r->key = key_text(mem, key);
	if (r->key == NULL)
		return err_nomem(err, "request");
	n = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(x), &der);
	return der_take(mem, der, n, &r->public_key, err);
}

static usher_status
read_subject(struct arena *mem, X509_REQ *x, struct request *r, struct usher_error *err)
{
	X509_NAME *name = X509_REQ_get_subject_name(x);
	unsigned char *der = NULL;
	usher_status st = name_text(mem, name, &r->subject, err);
	int n;

	if (st == USHER_OK)
		st = read_common_name(mem, name, &r->common_name, err);
	if (st != USHER_OK)
		return st;
	n = i2d_X509_NAME(name, &der);
	return der_take(mem, der, n, &r->subject_der, err);
}

/* The request as it came, in its two forms and under its two names. */
static usher_status
keep_bytes(
    struct arena *mem, X509_REQ *x, struct slice der, struct request *r, struct usher_error *err)
{
	BIO *pem CLEANUP(own_bio) = BIO_new(BIO_s_mem());

	if (pem == NULL || PEM_write_bio_X509_REQ(pem, x) != 1)
		return ssl_failed(err, USHER_E_NOMEM, "request", "out of memory");
	r->der = slice_from(arena_copy(mem, der), der.n);
	r->pem = bio_copy(mem, pem);
	r->thumbprint = digest_text(mem, der, EVP_sha1(), true);
	r->sha256 = digest_text(mem, der, EVP_sha256(), false);
	if (r->der.p == NULL || r->pem == NULL || r->thumbprint == NULL || r->sha256 == NULL)
		return ssl_failed(err, USHER_E_NOMEM, "request", "out of memory");
	return USHER_OK;
}

static usher_status
read_request(
    struct arena *mem, X509_REQ *x, struct slice der, struct request *out, struct usher_error *err)
{
	struct request r = { 0 };
	usher_status st = read_key(mem, x, &r, err);

	if (st == USHER_OK)
		st = read_subject(mem, x, &r, err);
	if (st == USHER_OK)
		st = read_extensions(mem, x, &r, err);
	if (st == USHER_OK)
		st = keep_bytes(mem, x, der, &r, err);
	if (st == USHER_OK)
		*out = r;
	return st;
}

usher_status
request_read(struct arena *mem, struct slice file, struct request *out, struct usher_error *err)
{
	struct blocks blocks CLEANUP(blocks_close);
	usher_status st = blocks_open(&blocks, file, err);

	while (st == USHER_OK && blocks_next(&blocks)) {
		struct slice der = blocks.now.der;
		const unsigned char *at = (const unsigned char *)der.p;
		X509_REQ *x CLEANUP(own_csr) = d2i_X509_REQ(NULL, &at, (long)der.n);

		ERR_clear_error();
		if (x != NULL && at == (const unsigned char *)der.p + der.n)
			return read_request(mem, x, der, out, err);
		if (slice_ends_nocase(
			slice_of(blocks.now.label), SLICE_LITERAL("CERTIFICATE REQUEST")))
			return damaged(err);
	}
	if (st == USHER_OK)
		st = blocks_end(&blocks, err);
	return st == USHER_OK ?
		   err_set(err, USHER_E_INPUT, "request",
		       "no certificate request in it (-----BEGIN CERTIFICATE REQUEST)") :
		   st;
}

static bool
fill(X509_REQ *x, EVP_PKEY *key, const struct subject *subject, const struct text_list *names)
{
	STACK_OF(X509_EXTENSION) * list CLEANUP(own_extensions) = NULL;
	X509_NAME *name CLEANUP(own_name) = name_make(subject);
	X509V3_CTX context;

	X509V3_set_ctx(&context, NULL, NULL, x, NULL, 0);
	return name != NULL && X509_REQ_set_version(x, X509_REQ_VERSION_1) == 1 &&
	       X509_REQ_set_subject_name(x, name) == 1 && X509_REQ_set_pubkey(x, key) == 1 &&
	       server_extensions(&list, &context, key, names, subject->n == 0) &&
	       X509_REQ_add_extensions(x, list) == 1 &&
	       X509_REQ_sign(x, key, build_digest(key)) > 0;
}

usher_status
request_make(struct arena *mem, struct slice key_pem, const struct subject *subject,
    const struct text_list *names, struct request *out, struct usher_error *err)
{
	EVP_PKEY *key CLEANUP(own_pkey) = NULL;
	X509_REQ *x CLEANUP(own_csr) = NULL;
	unsigned char *bytes = NULL;
	struct slice der;
	usher_status st;
	int n;

	if (subject->n == 0 && names->n == 0)
		return err_set(err, USHER_E_USAGE, "request", "it needs a subject or a name");
	st = key_load(key_pem, &key, err);
	if (st != USHER_OK)
		return st;
	x = X509_REQ_new();
	if (x == NULL || !fill(x, key, subject, names))
		return ssl_failed(err, USHER_E_INTERNAL, "request", "OpenSSL could not make it");
	n = i2d_X509_REQ(x, &bytes);
	st = der_take(mem, bytes, n, &der, err);
	return st == USHER_OK ? request_read(mem, der, out, err) : st;
}
