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

/* What signs for it, made by the first who asks. */
static usher_status
signer_of(struct identity *identity, const struct credentials *c, const struct cms_signer **out,
    struct usher_error *err)
{
	struct cms_signer *ready = atomic_load_explicit(&identity->signer, memory_order_acquire);
	struct cms_signer *made = NULL;
	usher_status st = USHER_OK;

	if (ready == NULL) {
		st = cms_signer_new(c->leaf, c->key, c->chain, &made, err);
		if (st == USHER_OK &&
		    atomic_compare_exchange_strong(&identity->signer, &ready, made))
			ready = made;
		else
			cms_signer_free(made); /* another thread was first */
	}
	*out = ready;
	return st;
}

usher_status
tls_set_sign(const struct tls_set *set, const char *name, struct slice content, struct buf *out,
    bool *told, struct usher_error *err)
{
	const struct credentials *c = NULL;
	struct identity *identity = tls_set_signer(set, name, &c);
	const struct cms_signer *signer;
	usher_status st;

	if (identity == NULL)
		return err_set(
		    err, USHER_E_INPUT, "signature", "there is no certificate that can be read");
	st = signer_of(identity, c, &signer, err);
	if (st == USHER_OK)
		st = cms_sign(signer, content, out, err);
	*told = st == USHER_E_INPUT && atomic_flag_test_and_set(&identity->told);
	return st;
}
