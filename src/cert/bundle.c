/* bundle.c - sorts what is in a file: leaf, chain, root, key. */
#include "cert/bundle.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/err.h"
#include "base/text.h"
#include "cert/blocks.h"
#include "cert/build.h"
#include "cert/inspect.h"
#include "cert/order.h"
#include "cert/pile.h"
#include "cert/x509.h"

usher_status
pile_certificate(struct pile *p, X509 *x)
{
	if (x == NULL)
		return ssl_failed(p->err, USHER_E_INPUT, "file",
		    "a certificate in it is damaged; copy the file again");
	for (int i = 0; i < sk_X509_num(p->certificates); i++) {
		if (X509_cmp(sk_X509_value(p->certificates, i), x) == 0) {
			X509_free(x);
			return USHER_OK;
		}
	}
	if (sk_X509_num(p->certificates) == BUNDLE_CERTIFICATES) {
		X509_free(x);
		return err_set(p->err, USHER_E_LIMIT, "file", "more than %d certificates",
		    BUNDLE_CERTIFICATES);
	}
	if (sk_X509_push(p->certificates, x) == 0) {
		X509_free(x);
		return ssl_failed(p->err, USHER_E_NOMEM, "file", "out of memory");
	}
	return USHER_OK;
}

usher_status
pile_key(struct pile *p, EVP_PKEY *key)
{
	if (p->n_keys == PILE_KEYS) {
		EVP_PKEY_free(key);
		return err_set(p->err, USHER_E_LIMIT, "file", "more than %d keys", PILE_KEYS);
	}
	p->keys[p->n_keys++] = key;
	return USHER_OK;
}

usher_status
pile_note(struct pile *p, const char *text)
{
	if (text == NULL)
		return err_nomem(p->err, "file");
	for (size_t i = 0; i < p->n_notes; i++) {
		if (strcmp(p->notes[i], text) == 0)
			return USHER_OK;
	}
	if (p->n_notes < PILE_NOTES)
		p->notes[p->n_notes++] = text;
	return USHER_OK;
}

usher_status
pile_old_algorithm(struct pile *p, const char *algorithm)
{
	if (algorithm == NULL)
		return USHER_OK;
	return pile_note(p,
	    arena_printf(p->mem,
		"it is encrypted with %s, as old exports are: that keeps nobody out for long, so "
		"delete the file when it is imported",
		algorithm));
}

static void
own_pile(struct pile *p)
{
	sk_X509_pop_free(p->certificates, X509_free);
	for (size_t i = 0; i < p->n_keys; i++)
		EVP_PKEY_free(p->keys[i]);
	pbe_close(&p->pbe);
}

/* Adds the certificates of signed data (RFC 5652, 5.1). */
static usher_status
take_pkcs7(struct pile *p, const PKCS7 *file)
{
	const STACK_OF(X509) *inside = NULL;
	usher_status st = USHER_OK;

	if (PKCS7_type_is_signed(file) && file->d.sign != NULL)
		inside = file->d.sign->cert;
	for (int i = 0; st == USHER_OK && i < sk_X509_num(inside); i++) {
		X509 *x = sk_X509_value(inside, i);

		(void)X509_up_ref(x);
		st = pile_certificate(p, x);
	}
	return st;
}

/* Adds the object that *der begins with and moves behind it. USHER_E_ABSENT: none that we know. */
static usher_status
take_object(struct pile *p, struct slice *der)
{
	const unsigned char *at = (const unsigned char *)der->p;
	X509 *x = d2i_X509(NULL, &at, (long)der->n);
	PKCS12 *twelve = NULL;
	PKCS7 *seven = NULL;
	usher_status st = USHER_E_ABSENT;

	if (x != NULL)
		st = pile_certificate(p, x);
	else if ((twelve = d2i_PKCS12(NULL, &at, (long)der->n)) != NULL)
		st = pile_pkcs12(p, twelve);
	else if ((seven = d2i_PKCS7(NULL, &at, (long)der->n)) != NULL)
		st = take_pkcs7(p, seven);
	PKCS12_free(twelve);
	PKCS7_free(seven);
	if (st == USHER_OK) {
		ERR_clear_error();
		*der = slice_skip(*der, (size_t)((const char *)at - der->p));
	}
	return st;
}

/* The first object says that it is longer than what is there. */
static bool
is_cut_off(struct slice der)
{
	const unsigned char *at = (const unsigned char *)der.p;
	long inside;
	int tag, class;
	bool cut;

	(void)ERR_set_mark();
	cut = (ASN1_get_object(&at, &inside, &tag, &class, (long)der.n) & 0x80) != 0 &&
	      ERR_GET_REASON(ERR_peek_last_error()) == ASN1_R_TOO_LONG;
	(void)ERR_pop_to_mark();
	return cut;
}

static usher_status
refuse_object(struct pile *p, struct slice der)
{
	return ssl_failed(p->err, USHER_E_INPUT, "file",
	    is_cut_off(der) ? "it is cut off; copy it again, as binary" :
			      "it is damaged, or neither a certificate, PKCS #7 nor PKCS #12");
}

static bool
only_blanks(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!text_is_space(s.p[i]) && s.p[i] != '\0')
			return false;
	}
	return true;
}

/* One after the other: some programs write certificates so. */
static usher_status
take_objects(struct pile *p, struct slice der)
{
	usher_status st = take_object(p, &der);

	while (st == USHER_OK && !only_blanks(der))
		st = take_object(p, &der);
	return st == USHER_E_ABSENT ? refuse_object(p, der) : st;
}

/* Labels of what may be wrapped otherwise: `certutil -encode` calls everything a certificate. */
static bool
is_ours(const char *label)
{
	static const char *const labels[] = { "", "CERTIFICATE", "X509 CERTIFICATE", "PKCS7",
		"PKCS #7 SIGNED DATA", "PKCS12", "CMS" };

	for (size_t i = 0; i < COUNT_OF(labels); i++) {
		if (strcmp(label, labels[i]) == 0)
			return true;
	}
	return false;
}

static usher_status
take_block(struct pile *p, const struct block *block)
{
	struct slice der = block->der;
	EVP_PKEY *key;
	usher_status st = pbe_key(&p->pbe, block, &key, p->err);

	if (st == USHER_OK)
		return pile_key(p, key);
	if (st != USHER_E_ABSENT)
		return st;
	if (is_ours(block->label))
		return take_objects(p, der);
	/* OpenSSL's form has its own opinion about trust behind the certificate. */
	if (strcmp(block->label, "TRUSTED CERTIFICATE") != 0)
		return USHER_OK;
	st = take_object(p, &der);
	return st == USHER_E_ABSENT ? refuse_object(p, der) : st;
}

static usher_status
take_file(struct pile *p, struct slice file)
{
	struct blocks blocks CLEANUP(blocks_close);
	usher_status st = blocks_open(&blocks, file, p->err);

	while (st == USHER_OK && blocks_next(&blocks))
		st = take_block(p, &blocks.now);
	return st == USHER_OK ? blocks_end(&blocks, p->err) : st;
}

static int64_t
begins(const X509 *x)
{
	int64_t s = INT64_MIN;

	return time_read(X509_get0_notBefore(x), &s, NULL) == USHER_OK ? s : INT64_MIN;
}

/* Of the certificates for one of the keys the newest; *key is that key. NULL when there is none. */
static X509 *
leaf_with_key(const struct pile *p, EVP_PKEY **key)
{
	X509 *leaf = NULL;

	for (size_t k = 0; k < p->n_keys; k++) {
		for (int i = 0; i < sk_X509_num(p->certificates); i++) {
			X509 *x = sk_X509_value(p->certificates, i);

			if (X509_check_private_key(x, p->keys[k]) == 1 &&
			    (leaf == NULL || begins(x) > begins(leaf))) {
				leaf = x;
				*key = p->keys[k];
			}
		}
	}
	ERR_clear_error();
	return leaf;
}

/* NULL when out of memory. */
static struct stack_st_X509 *
chain_of(const struct pile *p, X509 *leaf, X509 **root)
{
	STACK_OF(X509) *chain = sk_X509_new_null();

	*root = NULL;
	for (X509 *x = leaf; x != NULL && sk_X509_num(chain) < CERT_CHAIN_MAX;
	     x = order_issuer(p->certificates, x)) {
		if (x != leaf && order_is_root(x)) {
			*root = x;
			break;
		}
		if (chain == NULL || sk_X509_push(chain, x) == 0) {
			sk_X509_pop_free(chain, X509_free);
			return NULL;
		}
		(void)X509_up_ref(x);
	}
	return chain;
}

static usher_status
write_pem(struct pile *p, const STACK_OF(X509) * chain, X509 *root, struct bundle *out)
{
	BIO *pem CLEANUP(own_bio) = BIO_new(BIO_s_mem());
	BIO *root_pem CLEANUP(own_bio) = BIO_new(BIO_s_mem());

	if (pem == NULL || root_pem == NULL || certificates_write(chain, pem, NULL) != USHER_OK ||
	    (root != NULL && PEM_write_bio_X509(root_pem, root) != 1))
		return ssl_failed(p->err, USHER_E_NOMEM, "file", "out of memory");
	out->n = (size_t)sk_X509_num(chain);
	out->pem = bio_copy(p->mem, pem);
	out->root = root == NULL ? NULL : bio_copy(p->mem, root_pem);
	if (out->pem == NULL || (root != NULL && out->root == NULL))
		return err_nomem(p->err, "file");
	return USHER_OK;
}

static usher_status
copy_notes(struct pile *p, struct text_list *out)
{
	const char **v = arena_array(p->mem, p->n_notes, sizeof(*v));

	if (v == NULL)
		return err_nomem(p->err, "file");
	memcpy(v, p->notes, p->n_notes * sizeof(*v));
	*out = (struct text_list){ v, p->n_notes };
	return USHER_OK;
}

/* Says what was left out. */
static usher_status
note_strangers(struct pile *p, int used)
{
	int n = sk_X509_num(p->certificates) - used;

	if (n == 0)
		return USHER_OK;
	return pile_note(p,
	    arena_printf(p->mem, "%d certificate%s in it %s no part in the chain and %s left out",
		n, n == 1 ? "" : "s", n == 1 ? "has" : "have", n == 1 ? "is" : "are"));
}

static usher_status
find_leaf(const struct pile *p, X509 **leaf, EVP_PKEY **key)
{
	*key = NULL;
	if (sk_X509_num(p->certificates) == 0)
		return err_set(p->err, USHER_E_INPUT, "file", "%s",
		    p->n_keys > 0 ? "there is a key in it, but no certificate" :
				    "no certificate in it");
	if (p->n_keys == 0) {
		*leaf = order_leaf(p->certificates);
		return USHER_OK;
	}
	*leaf = leaf_with_key(p, key);
	return *leaf != NULL ? USHER_OK :
			       err_set(p->err, USHER_E_CONFLICT, "file",
				   "the key in it belongs to none of the certificates in it");
}

static usher_status
sort_out(struct pile *p, struct bundle *out, struct buf *key_pem)
{
	STACK_OF(X509) * chain CLEANUP(own_x509s) = NULL;
	struct bundle b = { .friendly_name = p->friendly_name };
	EVP_PKEY *key;
	X509 *leaf, *root;
	usher_status st = find_leaf(p, &leaf, &key);

	if (st != USHER_OK)
		return st;
	chain = chain_of(p, leaf, &root);
	if (chain == NULL)
		return ssl_failed(p->err, USHER_E_NOMEM, "file", "out of memory");
	st = note_strangers(p, sk_X509_num(chain) + (root != NULL));
	if (st == USHER_OK)
		st = write_pem(p, chain, root, &b);
	if (st == USHER_OK)
		st = copy_notes(p, &b.notes);
	if (st == USHER_OK && key != NULL)
		st = key_write(key, key_pem, p->err);
	if (st == USHER_OK)
		*out = b;
	return st;
}

usher_status
bundle_read(struct arena *mem, struct slice file, const struct secret *password, struct bundle *out,
    struct buf *key, struct usher_error *err)
{
	struct pile p CLEANUP(own_pile) = { .mem = mem, .pbe = pbe_with(password), .err = err };
	usher_status st;

	p.certificates = sk_X509_new_null();
	if (p.certificates == NULL)
		return ssl_failed(err, USHER_E_NOMEM, "file", "out of memory");
	st = take_file(&p, file);
	return st == USHER_OK ? sort_out(&p, out, key) : st;
}
