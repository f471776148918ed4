/* tls_sign.c - signing with the certificates of a set. */
#include "server/tls_sign.h"

#include "base/err.h"
#include "cert/cms.h"
#include "server/tls_set.h"

bool
tls_set_signs_quickly(const struct tls_set *set, const char *name)
{
	const struct credentials *c = NULL;

	return tls_set_signer(set, name, &c) != NULL && cms_is_quick(c->key);
}

usher_status
tls_set_sign(const struct tls_set *set, const char *name, struct slice content, struct buf *out,
    bool *told, struct usher_error *err)
{
	const struct credentials *c = NULL;
	struct identity *signer = tls_set_signer(set, name, &c);
	usher_status st;

	if (signer == NULL)
		return err_set(
		    err, USHER_E_INPUT, "signature", "there is no certificate that can be read");
	st = cms_sign(c->leaf, c->key, c->chain, content, out, err);
	*told = st == USHER_E_INPUT && atomic_flag_test_and_set(&signer->told);
	return st;
}
