/* tls_sign.c - signing with the certificates of a set. */
#include "server/tls_sign.h"

#include "base/err.h"
#include "cert/cms.h"
#include "server/tls_set.h"

usher_status
tls_set_sign(const struct tls_set *set, const char *name, struct slice content, struct buf *out,
    struct usher_error *err)
{
	SSL_CTX *context = tls_set_context_for(set, name);
	STACK_OF(X509) *chain = NULL;

	if (context == NULL)
		return err_set(err, USHER_E_INPUT, "signature", "there is no certificate");
	(void)SSL_CTX_get0_chain_certs(context, &chain);
	return cms_sign(SSL_CTX_get0_certificate(context), SSL_CTX_get0_privatekey(context), chain,
	    content, out, err);
}
