/* inspect.c - reads certificates into the directory's record. */
#include "cert/inspect.h"

#include "base/err.h"
#include "cert/x509.h"

static usher_status
read_names(struct arena *mem, const X509 *x, struct text_list *out, struct usher_error *err)
{
	GENERAL_NAMES *sans CLEANUP(own_names) =
	    X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	return sans_read(mem, sans, out, NULL, err);
}

/* *out is NULL when the name is no text. */
static usher_status
read_name(struct arena *mem, const X509_NAME *name, const char **out, struct usher_error *err)
{
	usher_status st = name_text(mem, name, out, err);

	if (st == USHER_E_INPUT)
		*out = NULL;
	else if (st == USHER_OK && **out == '\0')
		*out = NULL;
	return st == USHER_E_INPUT ? USHER_OK : st;
}

static usher_status
read_digests(struct arena *mem, X509 *x, struct certificate *c, struct usher_error *err)
{
	unsigned char *bytes = NULL;
	int n = i2d_X509(x, &bytes);
	struct slice der;
	usher_status st = der_take(mem, bytes, n, &der, err);

	if (st != USHER_OK)
		return st;
	c->thumbprint = digest_text(mem, der, EVP_sha1(), true);
	c->sha256 = digest_text(mem, der, EVP_sha256(), false);
	if (c->thumbprint == NULL || c->sha256 == NULL)
		return ssl_failed(err, USHER_E_NOMEM, "certificate", "out of memory");
	return USHER_OK;
}

static usher_status
read_leaf(struct arena *mem, X509 *x, struct certificate *c, struct usher_error *err)
{
	usher_status st = read_digests(mem, x, c, err);

	if (st == USHER_OK)
		st = read_name(mem, X509_get_subject_name(x), &c->subject, err);
	if (st == USHER_OK)
		st = read_name(mem, X509_get_issuer_name(x), &c->issuer, err);
	if (st == USHER_OK)
		st = read_names(mem, x, &c->names, err);
	if (st == USHER_OK)
		st = time_read(X509_get0_notBefore(x), &c->not_before, err);
	if (st == USHER_OK)
		st = time_read(X509_get0_notAfter(x), &c->not_after, err);
	return st;
}

usher_status
cert_inspect(struct arena *mem, struct slice pem, struct certificate *out, struct usher_error *err)
{
	STACK_OF(X509) * found CLEANUP(own_x509s) = NULL;
	BIO *chain CLEANUP(own_bio) = BIO_new(BIO_s_mem());
	struct certificate c;
	usher_status st;

	if (pem.n > CERT_PEM_BYTES)
		return err_set(
		    err, USHER_E_LIMIT, "certificate", "longer than %d bytes", CERT_PEM_BYTES);
	if (chain == NULL)
		return err_nomem(err, "certificate");
	record_init(&entities[ENTITY_CERTIFICATE].table, &c);
	st = certificates_load(pem, CERT_CHAIN_MAX, &found, err);
	if (st == USHER_OK)
		st = read_leaf(mem, sk_X509_value(found, 0), &c, err);
	if (st == USHER_OK)
		st = certificates_write(found, chain, err);
	if (st != USHER_OK)
		return st;
	c.pem = bio_copy(mem, chain);
	if (c.pem == NULL)
		return err_nomem(err, "certificate");
	*out = c;
	return USHER_OK;
}

usher_status
cert_serial_number(struct arena *mem, struct slice pem, const char **out, struct usher_error *err)
{
	X509 *x CLEANUP(own_x509) = NULL;
	usher_status st = certificate_load(pem, &x, err);
	BIGNUM *number;
	char *text;

	if (st != USHER_OK)
		return st;
	number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	text = number == NULL ? NULL : BN_bn2hex(number);
	BN_free(number);
	*out = text == NULL ? NULL : arena_strdup(mem, text);
	OPENSSL_free(text);
	return *out == NULL ? ssl_failed(err, USHER_E_NOMEM, "certificate", "out of memory") :
			      USHER_OK;
}
