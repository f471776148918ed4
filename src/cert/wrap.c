/* wrap.c - PEM to DER and PKCS #7. */
#include "cert/wrap.h"

#include <openssl/pem.h>
#include <openssl/pkcs7.h>

#include "base/err.h"
#include "cert/build.h"
#include "cert/inspect.h"
#include "cert/own.h"
#include "cert/x509.h"

static void
own_pkcs7(PKCS7 **p7)
{
	PKCS7_free(*p7);
}

static bool
write_der(BIO *out, STACK_OF(X509) * chain)
{
	return i2d_X509_bio(out, sk_X509_value(chain, 0)) == 1;
}

static bool
write_pkcs7(BIO *out, STACK_OF(X509) * chain)
{
	PKCS7 *p7 CLEANUP(own_pkcs7) = PKCS7_new();
	bool ok = p7 != NULL && PKCS7_set_type(p7, NID_pkcs7_signed) == 1 &&
		  PKCS7_content_new(p7, NID_pkcs7_data) == 1 && PKCS7_set_detached(p7, 1) == 1;

	for (int i = 0; ok && i < sk_X509_num(chain); i++)
		ok = PKCS7_add_certificate(p7, sk_X509_value(chain, i)) == 1;
	return ok && i2d_PKCS7_bio(out, p7) == 1;
}

usher_status
cert_wrap(struct slice pem, enum cert_form form, struct buf *out, struct usher_error *err)
{
	STACK_OF(X509) * chain CLEANUP(own_x509s) = NULL;
	BIO *bytes CLEANUP(own_bio) = NULL;
	usher_status st;

	if (form == CERT_FORM_PEM) {
		buf_slice(out, pem);
	} else {
		st = certificates_load(pem, CERT_CHAIN_MAX, &chain, err);
		if (st != USHER_OK)
			return st;
		bytes = BIO_new(BIO_s_mem());
		if (bytes == NULL ||
		    !(form == CERT_FORM_DER ? write_der : write_pkcs7)(bytes, chain))
			return ssl_failed(err, USHER_E_NOMEM, "certificate", "out of memory");
		buf_slice(out, bio_slice(bytes));
	}
	return out->status == USHER_OK ?
		   USHER_OK :
		   err_set(err, out->status, "certificate", "it does not fit");
}
