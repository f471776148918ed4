/* selfsigned.c - makes a certificate and signs it with its own key. */
#include "cert/selfsigned.h"

#include <openssl/pem.h>

#include "base/err.h"
#include "cert/build.h"
#include "cert/inspect.h"
#include "cert/key.h"
#include "cert/names.h"
#include "cert/x509.h"

enum { DAY_S = 24 * 3600 };

static bool
fill(X509 *x, EVP_PKEY *key, const struct selfsigned *wanted)
{
	X509_NAME *name CLEANUP(own_name) = name_make(&wanted->subject);
	int64_t end_s = wanted->now_s + (int64_t)wanted->days * DAY_S;

	return name != NULL && build_begin(x) && build_period(x, wanted->now_s, end_s) &&
	       X509_set_subject_name(x, name) == 1 && X509_set_issuer_name(x, name) == 1 &&
	       X509_set_pubkey(x, key) == 1 && build_server_extensions(x, x, wanted->names) &&
	       build_sign(x, key);
}

usher_status
cert_selfsigned_make(struct arena *mem, const struct selfsigned *wanted, struct certificate *out,
    struct usher_error *err)
{
	EVP_PKEY *key CLEANUP(own_pkey) = NULL;
	X509 *x CLEANUP(own_x509) = NULL;
	BIO *pem CLEANUP(own_bio) = BIO_new(BIO_s_mem());
	const char *text;
	usher_status st;

	if (wanted->days < 1 || wanted->days > SELFSIGNED_DAYS_MAX)
		return err_set(err, USHER_E_USAGE, "certificate",
		    "it can be valid for 1 to %d days", SELFSIGNED_DAYS_MAX);
	if (wanted->subject.n == 0 && wanted->names->n == 0)
		return err_set(err, USHER_E_USAGE, "certificate", "it needs a subject or a name");
	st = key_load(wanted->key_pem, &key, err);
	if (st != USHER_OK)
		return st;
	x = X509_new();
	if (pem == NULL || x == NULL || !fill(x, key, wanted) || PEM_write_bio_X509(pem, x) != 1)
		return ssl_failed(
		    err, USHER_E_INTERNAL, "certificate", "OpenSSL could not make it");
	text = bio_copy(mem, pem);
	if (text == NULL)
		return err_nomem(err, "certificate");
	return cert_inspect(mem, slice_of(text), out, err);
}

/* The label and the whole name; once when they are the same. */
static usher_status
host_names(struct arena *mem, const char *fqdn, struct text_list *out, struct usher_error *err)
{
	struct slice host = slice_of(fqdn);
	const char *label = arena_copy(mem, slice_from(host.p, slice_find(host, '.')));
	const char *const both[] = { label, fqdn };
	const struct text_list typed = { both, COUNT_OF(both) };

	if (label == NULL)
		return err_nomem(err, "certificate");
	return cert_names_parse(mem, &typed, out, err);
}

usher_status
cert_selfsigned(struct arena *mem, const char *fqdn, int64_t now_s, struct buf *key,
    struct certificate *out, struct usher_error *err)
{
	struct text_list names;
	struct selfsigned wanted = { .names = &names, .now_s = now_s, .days = SELFSIGNED_DAYS };
	struct certificate made;
	struct buf pem CLEANUP(buf_wipe);
	usher_status st;

	buf_init(&pem, CERT_KEY_BYTES);
	st = host_names(mem, fqdn, &names, err);
	if (st == USHER_OK)
		st = subject_of_host(mem, names.v[0], &wanted.subject, err);
	if (st == USHER_OK)
		st = cert_key_make(CERT_KEY_P256, 0, &pem, err);
	wanted.key_pem = buf_as_slice(&pem);
	if (st == USHER_OK)
		st = cert_selfsigned_make(mem, &wanted, &made, err);
	if (st != USHER_OK)
		return st;
	made.friendly_name = arena_strdup(mem, fqdn);
	buf_slice(key, buf_as_slice(&pem));
	if (key->status != USHER_OK || made.friendly_name == NULL)
		return err_nomem(err, "certificate");
	*out = made;
	return USHER_OK;
}
