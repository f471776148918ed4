/* ocsp.c - OCSP by OpenSSL. */
#include "cert/ocsp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>

#include "base/encode.h"
#include "base/err.h"
#include "base/url.h"
#include "cert/inspect.h"
#include "cert/order.h"
#include "cert/x509.h"

enum { REQUEST_BYTES = 1024 };

/* The certificate in question, its issuer, and its name as responders know it. */
struct pair {
	X509 *leaf, *issuer;
	OCSP_CERTID *id;
};

static void
pair_clear(struct pair *p)
{
	X509_free(p->leaf);
	X509_free(p->issuer);
	OCSP_CERTID_free(p->id);
	ERR_clear_error();
}

static void
own_responders(STACK_OF(OPENSSL_STRING) * *urls)
{
	X509_email_free(*urls);
}

static void
own_features(TLS_FEATURE **features)
{
	TLS_FEATURE_free(*features);
}

static void
own_request(OCSP_REQUEST **request)
{
	OCSP_REQUEST_free(*request);
}

static void
own_response(OCSP_RESPONSE **response)
{
	OCSP_RESPONSE_free(*response);
}

static void
own_basic(OCSP_BASICRESP **basic)
{
	OCSP_BASICRESP_free(*basic);
}

static void
own_store(X509_STORE **store)
{
	X509_STORE_free(*store);
}

/* ---- the chain ---- */

/* Among the anchors. NULL: none. */
static X509 *
trusted_issuer(const struct trust *trust, X509 *leaf)
{
	STACK_OF(X509) * chain CLEANUP(own_x509s) =
	    order_verify(trust, leaf, NULL, NULL, NULL, NULL);
	X509 *issuer = chain == NULL ? NULL : order_issuer(chain, leaf);

	if (issuer != NULL)
		(void)X509_up_ref(issuer);
	return issuer;
}

static usher_status
read_pair(struct slice pem, struct pair *out, struct usher_error *err)
{
	STACK_OF(X509) * chain CLEANUP(own_x509s) = NULL;
	usher_status st = certificates_load(pem, CERT_CHAIN_MAX, &chain, err);

	if (st != USHER_OK)
		return st;
	out->leaf = sk_X509_shift(chain);
	out->issuer = order_issuer(chain, out->leaf);
	if (out->issuer != NULL)
		(void)X509_up_ref(out->issuer);
	return USHER_OK;
}

/* SHA-1 names the certificate here and protects nothing (RFC 5019, 2.1.1). */
static usher_status
name_leaf(struct pair *p, const struct trust *trust, struct usher_error *err)
{
	if (p->issuer == NULL && trust != NULL)
		p->issuer = trusted_issuer(trust, p->leaf);
	if (p->issuer == NULL)
		return err_set(err, USHER_E_ABSENT, "certificate",
		    "its responder cannot be asked without its issuer; import it with the chain, "
		    "or let the system trust its root");
	p->id = OCSP_cert_to_id(EVP_sha1(), p->leaf, p->issuer);
	return p->id == NULL ? err_nomem(err, "certificate") : USHER_OK;
}

/* ---- asking ---- */

static bool
must_staple(const X509 *leaf)
{
	TLS_FEATURE *features CLEANUP(own_features) =
	    X509_get_ext_d2i(leaf, NID_tlsfeature, NULL, NULL);
	const long status_request = 5; /* RFC 6066, 8 */

	for (int i = 0; i < sk_ASN1_INTEGER_num(features); i++) {
		if (ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features, i)) == status_request)
			return true;
	}
	return false;
}

/* NULL: none that can be asked. To ask over https, another certificate would have to be judged. */
static const char *
responder(STACK_OF(OPENSSL_STRING) * urls)
{
	for (int i = 0; i < sk_OPENSSL_STRING_num(urls); i++) {
		const char *url = sk_OPENSSL_STRING_value(urls, i);

		if (slice_starts_nocase(slice_of(url), SLICE_LITERAL("http://")))
			return url;
	}
	return NULL;
}

/* RFC 6960, A.1: the request is the path's last part, so that caches can answer too. */
static usher_status
write_url(struct arena *mem, const char *base, const struct pair *p, const char **out,
    struct usher_error *err)
{
	OCSP_REQUEST *request CLEANUP(own_request) = OCSP_REQUEST_new();
	OCSP_CERTID *id = OCSP_CERTID_dup(p->id);
	unsigned char der[REQUEST_BYTES], *to = der;
	struct buf text CLEANUP(buf_cleanup), url CLEANUP(buf_cleanup);
	int n;

	buf_init(&text, REQUEST_BYTES * 2);
	buf_init(&url, URL_MAX_BYTES);
	if (request == NULL || id == NULL || OCSP_request_add0_id(request, id) == NULL) {
		OCSP_CERTID_free(id);
		return err_nomem(err, "certificate");
	}
	n = i2d_OCSP_REQUEST(request, NULL);
	if (n <= 0 || n > REQUEST_BYTES)
		return err_set(err, USHER_E_LIMIT, "certificate", "its number is too long");
	(void)i2d_OCSP_REQUEST(request, &to);
	base64_encode(&text, der, (size_t)n);
	buf_text(&url, base);
	if (base[strlen(base) - 1] != '/')
		buf_char(&url, '/');
	url_escape(&url, buf_as_slice(&text));
	if (text.status != USHER_OK || url.status != USHER_OK)
		return err_set(err, USHER_E_LIMIT, base, "the responder's URL is too long");
	*out = arena_copy(mem, buf_as_slice(&url));
	return *out == NULL ? err_nomem(err, "certificate") : USHER_OK;
}

static usher_status
write_pair(struct arena *mem, const struct pair *p, const char **out, struct usher_error *err)
{
	BIO *text CLEANUP(own_bio) = BIO_new(BIO_s_mem());

	if (text == NULL || PEM_write_bio_X509(text, p->leaf) != 1 ||
	    PEM_write_bio_X509(text, p->issuer) != 1)
		return err_nomem(err, "certificate");
	*out = bio_copy(mem, text);
	return *out == NULL ? err_nomem(err, "certificate") : USHER_OK;
}

usher_status
ocsp_ask(struct arena *mem, struct slice chain_pem, const struct trust *trust,
    struct ocsp_question *out, struct usher_error *err)
{
	STACK_OF(OPENSSL_STRING) * urls CLEANUP(own_responders) = NULL;
	struct pair p CLEANUP(pair_clear) = { 0 };
	struct ocsp_question question = { 0 };
	const char *base = NULL;
	usher_status st = read_pair(chain_pem, &p, err);

	if (st == USHER_OK) {
		question.must_staple = must_staple(p.leaf);
		urls = X509_get1_ocsp(p.leaf);
		base = responder(urls);
	}
	if (base != NULL) {
		st = name_leaf(&p, trust, err);
		if (st == USHER_OK)
			st = write_url(mem, base, &p, &question.url, err);
		if (st == USHER_OK)
			st = write_pair(mem, &p, &question.pair, err);
	}
	if (st == USHER_OK)
		*out = question;
	return st;
}

/* ---- reading ---- */

static usher_status
bad_answer(struct usher_error *err, const char *message)
{
	return err_set(err, USHER_E_PEER, "responder", "%s", message);
}

/* The issuer is all that is trusted, at `now_s`: OpenSSL then checks that the signer is the issuer
 * itself, or has its word for signing such answers (RFC 6960, 4.2.2.2). */
static usher_status
verify(OCSP_BASICRESP *basic, X509 *issuer, int64_t now_s, struct usher_error *err)
{
	X509_STORE *store CLEANUP(own_store) = X509_STORE_new();
	STACK_OF(X509) * signers CLEANUP(own_x509s) = sk_X509_new_null();

	if (store == NULL || signers == NULL ||
	    X509_add_cert(signers, issuer, X509_ADD_FLAG_UP_REF) != 1 ||
	    X509_STORE_add_cert(store, issuer) != 1 ||
	    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) != 1)
		return err_nomem(err, "responder");
	X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)now_s);
	if (OCSP_basic_verify(basic, signers, store, OCSP_NOEXPLICIT) == 1)
		return USHER_OK;
	return err_set(err, USHER_E_TRUST, "responder",
	    "its answer is not signed by the certificate's issuer");
}

static usher_status
read_single(OCSP_BASICRESP *basic, OCSP_CERTID *id, int64_t now_s, struct ocsp_answer *out,
    struct usher_error *err)
{
	ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL, *revoked = NULL;
	struct ocsp_answer answer = { 0 };
	int status, reason = OCSP_REVOKED_STATUS_NOSTATUS;

	if (OCSP_resp_find_status(
		basic, id, &status, &reason, &revoked, &this_update, &next_update) != 1)
		return bad_answer(err, "it answers about another certificate");
	if (time_read(this_update, &answer.this_update, NULL) != USHER_OK ||
	    (next_update != NULL &&
		time_read(next_update, &answer.next_update, NULL) != USHER_OK) ||
	    (status == V_OCSP_CERTSTATUS_REVOKED &&
		time_read(revoked, &answer.revoked, NULL) != USHER_OK))
		return bad_answer(err, "its answer has no date");
	if (next_update == NULL)
		answer.next_update = answer.this_update + OCSP_UNDATED_S;
	if (answer.this_update > now_s + OCSP_SKEW_S)
		return bad_answer(err, "its answer is dated in the future; compare the clocks");
	if (answer.next_update <= now_s)
		return bad_answer(err, "its answer is outdated");
	answer.state = status == V_OCSP_CERTSTATUS_GOOD	   ? OCSP_GOOD :
		       status == V_OCSP_CERTSTATUS_REVOKED ? OCSP_REVOKED :
							     OCSP_UNKNOWN;
	if (answer.state == OCSP_REVOKED && reason != OCSP_REVOKED_STATUS_NOSTATUS)
		answer.reason = OCSP_crl_reason_str(reason);
	*out = answer;
	return USHER_OK;
}

static usher_status
read_response(const struct pair *p, struct slice der, int64_t now_s, struct ocsp_answer *out,
    struct usher_error *err)
{
	const unsigned char *at = (const unsigned char *)der.p;
	OCSP_RESPONSE *response CLEANUP(own_response) = d2i_OCSP_RESPONSE(NULL, &at, (long)der.n);
	OCSP_BASICRESP *basic CLEANUP(own_basic) = NULL;
	usher_status st;
	int status;

	if (response == NULL || at != (const unsigned char *)der.p + der.n)
		return bad_answer(err, "its answer is no OCSP response");
	status = OCSP_response_status(response);
	if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		return err_set(err, USHER_E_PEER, "responder", "it gives no answer: %s",
		    OCSP_response_status_str(status));
	basic = OCSP_response_get1_basic(response);
	if (basic == NULL)
		return bad_answer(err, "its answer is no OCSP response");
	st = verify(basic, p->issuer, now_s, err);
	return st == USHER_OK ? read_single(basic, p->id, now_s, out, err) : st;
}

usher_status
ocsp_read(struct slice pair, struct slice response, int64_t now_s, struct ocsp_answer *out,
    struct usher_error *err)
{
	struct pair p CLEANUP(pair_clear) = { 0 };
	usher_status st;

	if (response.n > OCSP_RESPONSE_BYTES)
		return err_set(err, USHER_E_LIMIT, "responder",
		    "its answer is longer than %d bytes", OCSP_RESPONSE_BYTES);
	st = read_pair(pair, &p, err);
	if (st == USHER_OK)
		st = name_leaf(&p, NULL, err);
	return st == USHER_OK ? read_response(&p, response, now_s, out, err) : st;
}
