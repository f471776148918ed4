/* tls_sign.c - signing with the certificates of a set. */
#include "server/tls_sign.h"

#include "base/err.h"
#include "cert/cms.h"
#include "server/tls_set.h"

usher_status
tls_set_sign(const struct tls_set *set, const char *name, struct slice content, struct buf *out,
    struct usher_error *err)
{
	const struct credentials *c = tls_set_credentials(set, name);

	return c == NULL ? err_set(err, USHER_E_INPUT, "signature", "there is no certificate") :
			   cms_sign(c->leaf, c->key, c->chain, content, out, err);
}
