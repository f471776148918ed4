/* inspect.c - reads certificates into the directory's record. */
#include "cert/inspect.h"

#include <arpa/inet.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/encode.h"
#include "base/err.h"
#include "base/text.h"
#include "cert/own.h"

enum { SUBJECT_BYTES = 4096 };

/* The library's error queue is per thread and outlives us: leave it empty. */
static usher_status
broken(struct usher_error *err, const char *message)
{
	ERR_clear_error();
	return err_set(err, USHER_E_INPUT, "certificate", "%s", message);
}

static BIO *
bio_on(struct slice text)
{
	return text.n > CERT_PEM_BYTES ? NULL : BIO_new_mem_buf(text.p, (int)text.n);
}

/* The next CERTIFICATE block, or NULL at the end or when it is broken. */
static X509 *
next_certificate(BIO *in)
{
	return PEM_read_bio_X509(in, NULL, NULL, NULL);
}

static const char *
name_text(struct arena *mem, const X509_NAME *name)
{
	BIO *out CLEANUP(own_bio) = BIO_new(BIO_s_mem());
	char *text;
	long n;

	/* RFC 4514 without the escapes of bytes above 0x7f: our texts are UTF-8. */
	if (out == NULL ||
	    X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
		return NULL;
	n = BIO_get_mem_data(out, &text);
	if (n <= 0 || n > SUBJECT_BYTES || !text_utf8_valid(slice_from(text, (size_t)n)))
		return NULL;
	return arena_copy(mem, slice_from(text, (size_t)n));
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

static usher_status
read_names(struct arena *mem, const X509 *x, struct text_list *out, struct usher_error *err)
{
	GENERAL_NAMES *sans CLEANUP(own_names) =
	    X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	int n = sans == NULL ? 0 : sk_GENERAL_NAME_num(sans);
	const char **v;

	out->v = NULL;
	out->n = 0;
	if (n > CERT_NAMES_MAX)
		return err_set(
		    err, USHER_E_LIMIT, "certificate", "more than %d names in it", CERT_NAMES_MAX);
	if (n <= 0)
		return USHER_OK;
	v = arena_array(mem, (size_t)n, sizeof(*v));
	if (v == NULL)
		return err_nomem(err, "certificate");
	for (int i = 0; i < n; i++) {
		const char *text = san_text(mem, sk_GENERAL_NAME_value(sans, i));

		if (text != NULL)
			v[out->n++] = text;
	}
	out->v = v;
	return USHER_OK;
}

static usher_status
read_time(const ASN1_TIME *t, int64_t *out, struct usher_error *err)
{
	struct tm tm = { 0 };

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return broken(err, "its dates cannot be read; ask its issuer for a new one");
	*out = (int64_t)timegm(&tm);
	return USHER_OK;
}

static const char *
digest_text(struct arena *mem, const X509 *x, const EVP_MD *md, bool upper)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct buf b;
	char *out;

	if (X509_digest(x, md, digest, &n) != 1)
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

static usher_status
read_leaf(struct arena *mem, const X509 *x, struct certificate *c, struct usher_error *err)
{
	usher_status st;

	c->thumbprint = digest_text(mem, x, EVP_sha1(), true);
	c->sha256 = digest_text(mem, x, EVP_sha256(), false);
	if (c->thumbprint == NULL || c->sha256 == NULL) {
		ERR_clear_error();
		return err_nomem(err, "certificate");
	}
	c->subject = name_text(mem, X509_get_subject_name(x));
	c->issuer = name_text(mem, X509_get_issuer_name(x));
	ERR_clear_error();
	st = read_names(mem, x, &c->names, err);
	if (st == USHER_OK)
		st = read_time(X509_get0_notBefore(x), &c->not_before, err);
	if (st == USHER_OK)
		st = read_time(X509_get0_notAfter(x), &c->not_after, err);
	return st;
}

usher_status
cert_inspect(struct arena *mem, struct slice pem, struct certificate *out, struct usher_error *err)
{
	BIO *in CLEANUP(own_bio) = bio_on(pem);
	BIO *chain CLEANUP(own_bio) = BIO_new(BIO_s_mem());
	struct certificate c;
	char *text;
	long n;
	int count = 0;

	if (pem.n > CERT_PEM_BYTES)
		return err_set(
		    err, USHER_E_LIMIT, "certificate", "longer than %d bytes", CERT_PEM_BYTES);
	if (in == NULL || chain == NULL)
		return err_nomem(err, "certificate");
	record_init(&entities[ENTITY_CERTIFICATE].table, &c);

	for (;; count++) {
		X509 *x CLEANUP(own_x509) = next_certificate(in);
		usher_status st = USHER_OK;

		if (x == NULL)
			break;
		if (count == CERT_CHAIN_MAX)
			return err_set(err, USHER_E_LIMIT, "certificate",
			    "more than %d certificates in the chain", CERT_CHAIN_MAX);
		if (count == 0)
			st = read_leaf(mem, x, &c, err);
		if (st != USHER_OK)
			return st;
		if (PEM_write_bio_X509(chain, x) != 1)
			return err_nomem(err, "certificate");
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return broken(err, "a certificate in it is damaged; copy the file again");
	ERR_clear_error();
	if (count == 0)
		return broken(err, "no certificate in it; it must be PEM (-----BEGIN CERTIFICATE)");
	n = BIO_get_mem_data(chain, &text);
	c.pem = arena_copy(mem, slice_from(text, (size_t)n));
	if (c.pem == NULL)
		return err_nomem(err, "certificate");
	*out = c;
	return USHER_OK;
}
