/* ocsp.c - OCSP by OpenSSL. */
#include "cert/ocsp.h"

#include <limits.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>

#include "base/encode.h"
#include "base/err.h"
#include "base/url.h"
#include "cert/inspect.h"
#include "cert/own.h"

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

static usher_status
read_leaf(BIO *in, struct pair *out, struct usher_error *err)
{
	if (in == NULL)
		return err_nomem(err, "certificate");
	out->leaf = PEM_read_bio_X509(in, NULL, NULL, NULL);
	return out->leaf != NULL ? USHER_OK :
				   err_set(err, USHER_E_INPUT, "certificate",
				       "there is none in it; it must be PEM");
}

/* The issuer is nearly always the next, but files in the wild are in any order. */
static usher_status
find_issuer(BIO *in, struct pair *out, struct usher_error *err)
{
	for (int i = 0; out->issuer == NULL && i < CERT_CHAIN_MAX; i++) {
		X509 *x CLEANUP(own_x509) = PEM_read_bio_X509(in, NULL, NULL, NULL);

		if (x == NULL)
			break;
		if (X509_check_issued(x, out->leaf) == X509_V_OK &&
		    X509_verify(out->leaf, X509_get0_pubkey(x)) == 1 && X509_up_ref(x) == 1)
			out->issuer = x;
	}
	if (out->issuer == NULL)
		return err_set(err, USHER_E_ABSENT, "certificate",
		    "its responder cannot be asked without its issuer; import it with the chain");
	/* SHA-1 names the certificate here and protects nothing (RFC 5019, 2.1.1). */
	out->id = OCSP_cert_to_id(EVP_sha1(), out->leaf, out->issuer);
	return out->id == NULL ? err_nomem(err, "certificate") : USHER_OK;
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

usher_status
ocsp_ask(
    struct arena *mem, struct slice chain_pem, struct ocsp_question *out, struct usher_error *err)
{
	STACK_OF(OPENSSL_STRING) * urls CLEANUP(own_responders) = NULL;
	struct ocsp_question question = { 0 };
	struct pair p CLEANUP(pair_clear) = { 0 };
	BIO *in CLEANUP(own_bio) = NULL;
	const char *base;
	usher_status st;

	if (chain_pem.n > INT_MAX)
		return err_set(err, USHER_E_LIMIT, "certificate", "too long");
	in = BIO_new_mem_buf(chain_pem.p, (int)chain_pem.n);
	st = read_leaf(in, &p, err);
	if (st != USHER_OK)
		return st;
	question.must_staple = must_staple(p.leaf);
	urls = X509_get1_ocsp(p.leaf);
	base = responder(urls);
	if (base != NULL)
		st = find_issuer(in, &p, err);
	if (st == USHER_OK && base != NULL)
		st = write_url(mem, base, &p, &question.url, err);
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

static bool
read_time(const ASN1_GENERALIZEDTIME *t, int64_t *out)
{
	struct tm tm = { 0 };

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*out = (int64_t)timegm(&tm);
	return true;
}

/* The issuer is all that is trusted, at `now_s`: OpenSSL then checks that the signer is the issuer
 * itself, or has its word for signing such answers (RFC 6960, 4.2.2.2). */
static usher_status
verify(OCSP_BASICRESP *basic, X509 *issuer, int64_t now_s, struct usher_error *err)
{
	X509_STORE *store CLEANUP(own_store) = X509_STORE_new();
	STACK_OF(X509) *signers = sk_X509_new_null();
	int verified = -1;

	if (store != NULL && signers != NULL && sk_X509_push(signers, issuer) > 0 &&
	    X509_STORE_add_cert(store, issuer) == 1 &&
	    X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1) {
		X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)now_s);
		verified = OCSP_basic_verify(basic, signers, store, OCSP_NOEXPLICIT);
	} else {
		verified = -2;
	}
	sk_X509_free(signers);
	if (verified == -2)
		return err_nomem(err, "responder");
	return verified == 1 ? USHER_OK :
			       err_set(err, USHER_E_TRUST, "responder",
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
	if (!read_time(this_update, &answer.this_update))
		return bad_answer(err, "its answer has no date");
	if (next_update == NULL)
		answer.next_update = answer.this_update + OCSP_UNDATED_S;
	else if (!read_time(next_update, &answer.next_update))
		return bad_answer(err, "its answer has no date");
	if (answer.this_update > now_s + OCSP_SKEW_S)
		return bad_answer(err, "its answer is dated in the future; compare the clocks");
	if (answer.next_update <= now_s)
		return bad_answer(err, "its answer is outdated");
	answer.state = status == V_OCSP_CERTSTATUS_GOOD	   ? OCSP_GOOD :
		       status == V_OCSP_CERTSTATUS_REVOKED ? OCSP_REVOKED :
							     OCSP_UNKNOWN;
	if (answer.state == OCSP_REVOKED && !read_time(revoked, &answer.revoked))
		return bad_answer(err, "its answer has no date");
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
ocsp_read(struct slice chain_pem, struct slice response, int64_t now_s, struct ocsp_answer *out,
    struct usher_error *err)
{
	struct pair p CLEANUP(pair_clear) = { 0 };
	BIO *in CLEANUP(own_bio) = NULL;
	usher_status st;

	if (chain_pem.n > INT_MAX)
		return err_set(err, USHER_E_LIMIT, "certificate", "too long");
	if (response.n > OCSP_RESPONSE_BYTES)
		return err_set(err, USHER_E_LIMIT, "responder",
		    "its answer is longer than %d bytes", OCSP_RESPONSE_BYTES);
	in = BIO_new_mem_buf(chain_pem.p, (int)chain_pem.n);
	st = read_leaf(in, &p, err);
	if (st == USHER_OK)
		st = find_issuer(in, &p, err);
	return st == USHER_OK ? read_response(&p, response, now_s, out, err) : st;
}
