/* cms.c - signed data, by OpenSSL where we do not write it ourselves. */
#include "cert/cms.h"

#include <limits.h>
#include <stdlib.h>

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

	return cms_writes_for(key) && EVP_PKEY_get_bits(key) <= QUICK_BITS;
}

struct cms_signer {
	X509 *certificate;
	EVP_PKEY *key;
	STACK_OF(X509) * chain;
	struct cms_writer *writer; /* NULL: OpenSSL writes for this key */
};

usher_status
cms_signer_new(X509 *certificate, EVP_PKEY *key, STACK_OF(X509) * chain, struct cms_signer **out,
    struct usher_error *err)
{
	struct cms_signer *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(err, "signature");
	if (X509_up_ref(certificate) == 1)
		s->certificate = certificate;
	if (EVP_PKEY_up_ref(key) == 1)
		s->key = key;
	if (chain != NULL)
		s->chain = X509_chain_up_ref(chain);
	if (cms_writes_for(key))
		s->writer = cms_writer_new(certificate, key, chain);
	if (s->certificate == NULL || s->key == NULL || (s->chain == NULL) != (chain == NULL) ||
	    (s->writer == NULL && cms_writes_for(key))) {
		ERR_clear_error();
		cms_signer_free(s);
		return err_nomem(err, "signature");
	}
	*out = s;
	return USHER_OK;
}

void
cms_signer_free(struct cms_signer *s)
{
	if (s == NULL)
		return;
	X509_free(s->certificate);
	EVP_PKEY_free(s->key);
	sk_X509_pop_free(s->chain, X509_free);
	cms_writer_free(s->writer);
	free(s);
}

static usher_status
sign_by_openssl(
    const struct cms_signer *s, struct slice content, struct buf *out, struct usher_error *err)
{
	CMS_ContentInfo *cms CLEANUP(own_cms) = NULL;
	BIO *in CLEANUP(own_bio) = NULL;
	unsigned char *to;
	int n;

	if (content.n > INT_MAX)
		return err_set(err, USHER_E_LIMIT, "signature", "too much to sign");
	in = BIO_new_mem_buf(content.p, (int)content.n);
	cms = CMS_sign(NULL, NULL, s->chain, NULL, FLAGS | CMS_PARTIAL);
	if (in == NULL || cms == NULL) {
		ERR_clear_error();
		return err_nomem(err, "signature");
	}
	if (CMS_add1_signer(cms, s->certificate, s->key, EVP_sha256(), FLAGS) == NULL ||
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

usher_status
cms_sign(const struct cms_signer *s, struct slice content, struct buf *out, struct usher_error *err)
{
	return s->writer != NULL && cms_writes_now() ? cms_write(s->writer, content, out, err) :
						       sign_by_openssl(s, content, out, err);
}
