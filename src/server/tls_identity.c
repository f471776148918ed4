/* tls_identity.c - a certificate with its chain and key, read at once or when it is asked for. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "cert/cms.h"
#include "server/tls_set.h"

enum { PEM_MAX_BYTES = 1024 * 1024, CHAIN_MAX = 16 };

usher_status
identity_new(const struct tls_given *given, struct identity **out, struct usher_error *err)
{
	struct identity *c;

	if (given->chain_pem.n > PEM_MAX_BYTES || given->key_pem.n > PEM_MAX_BYTES)
		return err_set(
		    err, USHER_E_INPUT, given->label, "larger than %d bytes", PEM_MAX_BYTES);
	c = calloc(1, sizeof(*c));
	if (c != NULL)
		c->label = strdup(given->label);
	if (c == NULL || c->label == NULL) {
		identity_free(c);
		return err_nomem(err, given->label);
	}
	c->staple = tls_staple_ref(given->staple);
	*out = c;
	return USHER_OK;
}

static void
credentials_clear(struct credentials *c)
{
	X509_free(c->leaf);
	sk_X509_pop_free(c->chain, X509_free);
	EVP_PKEY_free(c->key);
	*c = (struct credentials){ 0 };
}

void
identity_free(struct identity *c)
{
	if (c == NULL)
		return;
	cms_signer_free(atomic_load_explicit(&c->signer, memory_order_relaxed));
	credentials_clear(&c->made);
	buf_clear(&c->chain_pem);
	buf_wipe(&c->key_pem);
	tls_staple_unref(c->staple);
	free(c->label);
	free(c);
}

usher_status
identity_keep(struct identity *c, const struct tls_given *given, struct usher_error *err)
{
	buf_init(&c->chain_pem, given->chain_pem.n);
	buf_init(&c->key_pem, given->key_pem.n);
	buf_slice(&c->chain_pem, given->chain_pem);
	buf_slice(&c->key_pem, given->key_pem);
	return c->chain_pem.status == USHER_OK && c->key_pem.status == USHER_OK ?
		   USHER_OK :
		   err_nomem(err, given->label);
}

/* ---- reading ---- */

static int
no_passphrase(char *p, int n, int writing, void *arg)
{
	(void)p;
	(void)n;
	(void)writing;
	(void)arg;
	return 0;
}

static usher_status
read_chain(struct credentials *c, const char *label, struct slice pem, struct usher_error *err)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	usher_status st = USHER_OK;
	X509 *x;
	int n;

	if (bio == NULL)
		return err_nomem(err, label);
	for (n = 0; st == USHER_OK && n <= CHAIN_MAX; n++) {
		x = PEM_read_bio_X509_AUX(bio, NULL, no_passphrase, NULL);
		if (x == NULL)
			break;
		if (n == 0) {
			c->leaf = x;
			continue;
		}
		if (c->chain == NULL)
			c->chain = sk_X509_new_null();
		if (c->chain == NULL || sk_X509_push(c->chain, x) == 0) {
			X509_free(x);
			st = err_nomem(err, label);
		}
	}
	BIO_free(bio);
	if (st == USHER_OK && n == 0)
		st = err_set(err, USHER_E_INPUT, label, "no PEM certificate in it");
	if (st == USHER_OK && n > CHAIN_MAX)
		st = err_set(
		    err, USHER_E_INPUT, label, "more than %d certificates in one chain", CHAIN_MAX);
	ERR_clear_error();
	return st;
}

static usher_status
read_key(struct credentials *c, const char *label, struct slice pem, struct usher_error *err)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	usher_status st = USHER_OK;

	if (bio == NULL)
		return err_nomem(err, label);
	c->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	if (c->key == NULL)
		st = err_set(err, USHER_E_INPUT, label,
		    "no PEM private key in it, or one with a passphrase");
	else if (X509_check_private_key(c->leaf, c->key) != 1)
		st = err_set(err, USHER_E_INPUT, label,
		    "the private key does not belong to the certificate");
	ERR_clear_error();
	return st;
}

usher_status
identity_read(struct identity *c, const struct tls_given *given, struct usher_error *err)
{
	usher_status st = read_chain(&c->made, given->label, given->chain_pem, err);

	if (st == USHER_OK)
		st = read_key(&c->made, given->key_label == NULL ? given->label : given->key_label,
		    given->key_pem, err);
	if (st == USHER_OK)
		atomic_store_explicit(&c->ready, true, memory_order_release);
	else
		credentials_clear(&c->made);
	return st;
}

/* What could not be read is tried again by the next who asks: memory may be back. */
const struct credentials *
identity_credentials(struct identity *c, pthread_mutex_t *reading)
{
	bool ready = atomic_load_explicit(&c->ready, memory_order_acquire);
	struct tls_given kept = { .label = c->label };

	if (ready)
		return &c->made;
	(void)pthread_mutex_lock(reading);
	ready = atomic_load_explicit(&c->ready, memory_order_relaxed);
	kept.chain_pem = buf_as_slice(&c->chain_pem);
	kept.key_pem = buf_as_slice(&c->key_pem);
	if (!ready && identity_read(c, &kept, NULL) == USHER_OK) {
		buf_clear(&c->chain_pem);
		buf_wipe(&c->key_pem);
		ready = true;
	}
	(void)pthread_mutex_unlock(reading);
	return ready ? &c->made : NULL;
}

/* ---- side by side ---- */

enum key_family { FAMILY_RSA, FAMILY_EC, FAMILY_EDWARDS };

/* TLS keeps a place for each of these. */
static enum key_family
family(const struct credentials *c)
{
	switch (EVP_PKEY_get_base_id(c->key)) {
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		return FAMILY_RSA;
	case EVP_PKEY_EC:
		return FAMILY_EC;
	default:
		return FAMILY_EDWARDS;
	}
}

static const ASN1_STRING *
organization(const X509_NAME *name)
{
	int at = X509_NAME_get_index_by_NID(name, NID_organizationName, -1);

	return at < 0 ? NULL : X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at));
}

/* Authorities have an intermediate for each kind of key, but one organization. */
static bool
same_authority(const X509 *a, const X509 *b)
{
	const X509_NAME *one = X509_get_issuer_name(a), *other = X509_get_issuer_name(b);
	const ASN1_STRING *o1 = organization(one), *o2 = organization(other);

	return X509_NAME_cmp(one, other) == 0 ||
	       (o1 != NULL && o2 != NULL && ASN1_STRING_cmp(o1, o2) == 0);
}

bool
identity_goes_with(const struct identity *a, const struct identity *b)
{
	return atomic_load_explicit(&a->ready, memory_order_acquire) &&
	       atomic_load_explicit(&b->ready, memory_order_acquire) &&
	       family(&a->made) != family(&b->made) && same_authority(a->made.leaf, b->made.leaf);
}

bool
identity_signs(const struct credentials *c)
{
	return family(c) != FAMILY_EDWARDS;
}
