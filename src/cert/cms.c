/* cms.c - signed data, by OpenSSL where we do not write it ourselves. */
#include "cert/cms.h"

#include <limits.h>

#include <openssl/cms.h>
#include <openssl/err.h>

#include "base/err.h"
#include "cert/cms_write.h"
#include "cert/own.h"

static void
own_cms(CMS_ContentInfo **cms)
{
	CMS_ContentInfo_free(*cms);
}

/* Whole content, as it is: no line ends are changed, nothing about mail is said. */
enum { FLAGS = CMS_BINARY | CMS_NOSMIMECAP };

bool
cms_is_quick(const EVP_PKEY *key)
{
	enum { QUICK_BITS = 256 }; /* OpenSSL's arithmetic of larger curves is 20 times slower */

	return cms_write_can(key) && EVP_PKEY_get_bits(key) <= QUICK_BITS;
}

usher_status
cms_sign(X509 *certificate, EVP_PKEY *key, STACK_OF(X509) * chain, struct slice content,
    struct buf *out, struct usher_error *err)
{
	CMS_ContentInfo *cms CLEANUP(own_cms) = NULL;
	BIO *in CLEANUP(own_bio) = NULL;
	unsigned char *to;
	int n;

	if (cms_write_can(key))
		return cms_write(certificate, key, chain, content, out, err);
	if (content.n > INT_MAX)
		return err_set(err, USHER_E_LIMIT, "signature", "too much to sign");
	in = BIO_new_mem_buf(content.p, (int)content.n);
	cms = CMS_sign(NULL, NULL, chain, NULL, FLAGS | CMS_PARTIAL);
	if (in == NULL || cms == NULL) {
		ERR_clear_error();
		return err_nomem(err, "signature");
	}
	if (CMS_add1_signer(cms, certificate, key, EVP_sha256(), FLAGS) == NULL ||
	    CMS_final(cms, in, NULL, FLAGS) != 1 || (n = i2d_CMS_ContentInfo(cms, NULL)) <= 0) {
		ERR_clear_error();
		return err_set(err, USHER_E_INPUT, "signature",
		    "the certificate's key cannot sign; RSA and ECDSA keys can");
	}
	to = (unsigned char *)buf_reserve(out, (size_t)n);
	if (to == NULL)
		return err_set(err, out->status, "signature", "it does not fit into memory");
	(void)i2d_CMS_ContentInfo(cms, &to);
	buf_used(out, (size_t)n);
	return USHER_OK;
}
