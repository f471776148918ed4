/* trust.c - chains up to the anchors, by OpenSSL. */
#include "cert/trust.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/err.h"
#include "cert/bundle.h"
#include "cert/inspect.h"
#include "cert/order.h"
#include "cert/x509.h"

struct trust {
	X509_STORE *store;
};

void
trust_free(struct trust *trust)
{
	if (trust != NULL)
		X509_STORE_free(trust->store);
	free(trust);
}

void
trust_cleanup(struct trust **trust)
{
	trust_free(*trust);
}

static usher_status
add_anchors(X509_STORE *store, struct slice pem, struct usher_error *err)
{
	STACK_OF(X509) * list CLEANUP(own_x509s) = NULL;
	usher_status st = certificates_load(pem, BUNDLE_CERTIFICATES, &list, err);

	for (int i = 0; st == USHER_OK && i < sk_X509_num(list); i++) {
		if (X509_STORE_add_cert(store, sk_X509_value(list, i)) != 1)
			st = ssl_failed(err, USHER_E_NOMEM, "trusted roots", "out of memory");
	}
	return st;
}

static usher_status
fill_store(X509_STORE *store, const char *ca_file, struct slice anchors_pem, bool only,
    struct usher_error *err)
{
	if (!only && ca_file != NULL && X509_STORE_load_file(store, ca_file) != 1)
		return ssl_failed(
		    err, USHER_E_IO, ca_file, "cannot be read, or is no PEM file of certificates");
	if (!only && ca_file == NULL && X509_STORE_set_default_paths(store) != 1)
		return ssl_failed(
		    err, USHER_E_IO, "trusted roots", "the system's store cannot be opened");
	return anchors_pem.n == 0 ? USHER_OK : add_anchors(store, anchors_pem, err);
}

usher_status
trust_open(const char *ca_file, struct slice anchors_pem, bool only, struct trust **out,
    struct usher_error *err)
{
	struct trust *trust CLEANUP(trust_cleanup) = calloc(1, sizeof(*trust));
	usher_status st;

	if (trust != NULL)
		trust->store = X509_STORE_new();
	if (trust == NULL || trust->store == NULL)
		return ssl_failed(err, USHER_E_NOMEM, "trusted roots", "out of memory");
	st = fill_store(trust->store, ca_file, anchors_pem, only, err);
	if (st != USHER_OK)
		return st;
	ERR_clear_error();
	*out = trust;
	trust = NULL;
	return USHER_OK;
}

struct listener {
	order_heard *heard;
	void *to;
};

/* All faults are of interest, not the first alone. */
static int
hear(int good, X509_STORE_CTX *context)
{
	const struct listener *l = X509_STORE_CTX_get_app_data(context);

	if (good == 0 && l->heard != NULL)
		l->heard(l->to, X509_STORE_CTX_get_error(context),
		    X509_STORE_CTX_get_error_depth(context));
	return 1;
}

/* OpenSSL gives up before it says anything when it cannot read the leaf's key. */
static struct stack_st_X509 *
alone(X509 *leaf, const struct listener *l)
{
	STACK_OF(X509) *chain = sk_X509_new_null();

	if (chain == NULL || sk_X509_push(chain, leaf) == 0) {
		sk_X509_free(chain);
		return NULL;
	}
	(void)X509_up_ref(leaf);
	if (l->heard != NULL)
		l->heard(l->to, X509_V_ERR_UNSPECIFIED, 0);
	return chain;
}

struct stack_st_X509 *
order_verify(const struct trust *trust, X509 *leaf, STACK_OF(X509) * more, const int64_t *now_s,
    order_heard *heard, void *to)
{
	struct listener listener = { heard, to };
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = NULL;

	if (context != NULL && X509_STORE_CTX_init(context, trust->store, leaf, more) == 1) {
		X509_VERIFY_PARAM *rules = X509_STORE_CTX_get0_param(context);

		X509_STORE_CTX_set_app_data(context, &listener);
		X509_STORE_CTX_set_verify_cb(context, hear);
		(void)X509_VERIFY_PARAM_set_purpose(rules, X509_PURPOSE_SSL_SERVER);
		/* What is weak is told by kind; a level would say it of everything at once. */
		X509_VERIFY_PARAM_set_auth_level(rules, 0);
		if (now_s != NULL)
			X509_VERIFY_PARAM_set_time(rules, (time_t)*now_s);
		else
			(void)X509_VERIFY_PARAM_set_flags(rules, X509_V_FLAG_NO_CHECK_TIME);
		if (X509_verify_cert(context) >= 0)
			chain = X509_STORE_CTX_get1_chain(context);
		else if (X509_STORE_CTX_get_error(context) != X509_V_ERR_OUT_OF_MEM)
			chain = alone(leaf, &listener);
	}
	X509_STORE_CTX_free(context);
	return chain;
}

/* Moves the certificates of `pem` to `list`. */
static usher_status
add_more(STACK_OF(X509) * list, struct slice pem, struct usher_error *err)
{
	STACK_OF(X509) * more CLEANUP(own_x509s) = NULL;
	usher_status st = certificates_load(pem, BUNDLE_CERTIFICATES, &more, err);
	X509 *x;

	while (st == USHER_OK && (x = sk_X509_shift(more)) != NULL) {
		if (sk_X509_push(list, x) == 0) {
			X509_free(x);
			st = ssl_failed(err, USHER_E_NOMEM, "certificate", "out of memory");
		}
	}
	return st;
}

usher_status
trust_complete(struct arena *mem, const struct trust *trust, struct slice pem,
    struct slice more_pem, const char **out, struct usher_error *err)
{
	STACK_OF(X509) * list CLEANUP(own_x509s) = NULL;
	STACK_OF(X509) * chain CLEANUP(own_x509s) = NULL;
	BIO *text CLEANUP(own_bio) = BIO_new(BIO_s_mem());
	const char *copy;
	usher_status st = certificates_load(pem, BUNDLE_CERTIFICATES, &list, err);
	int last;

	if (st == USHER_OK && more_pem.n > 0)
		st = add_more(list, more_pem, err);
	if (st != USHER_OK)
		return st;
	chain = order_verify(trust, sk_X509_value(list, 0), list, NULL, NULL, NULL);
	if (text == NULL || chain == NULL)
		return ssl_failed(err, USHER_E_NOMEM, "certificate", "out of memory");
	last = sk_X509_num(chain) - 1;
	if (last > 0 && order_is_root(sk_X509_value(chain, last)))
		X509_free(sk_X509_pop(chain));
	st = certificates_write(chain, text, err);
	if (st != USHER_OK)
		return st;
	ERR_clear_error();
	copy = bio_copy(mem, text);
	if (copy == NULL)
		return err_nomem(err, "certificate");
	*out = copy;
	return USHER_OK;
}
