/* test_ocsp.c - what responders answer, made here as they make it, is believed when it is right.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/url.h"
#include "cert/ocsp.h"

static const int64_t NOW = 1795250100; /* 2026-11-21T08:35:00Z */
static const int64_t HOUR = 3600, DAY = 86400;

enum { ANSWER_BYTES = 4096 };

struct party {
	X509 *x;
	EVP_PKEY *key;
};

struct extension {
	int nid;
	const char *value;
};

static struct {
	struct arena *mem;
	struct party ca, other_ca; /* of the same name */
	struct party leaf, neighbour;
	struct party charged;	  /* by `ca`, with answering */
	struct party late;	  /* the same, but expired */
	struct party uncharged;	  /* issued by `ca` for something else */
	struct party overcharged; /* by `other_ca` */
	const char *chain;	  /* leaf and CA */
} s;

static void
extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *e;

	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* `issuer` NULL: self-signed. An extension of nid 0 ends the list. */
static struct party
make_party(const char *name, long serial, const struct party *issuer, int64_t until,
    const struct extension *extensions)
{
	struct party p = { X509_new(), EVP_EC_gen("P-256") };
	X509_NAME *subject = X509_get_subject_name(p.x);

	(void)X509_set_version(p.x, X509_VERSION_3);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(p.x), serial);
	(void)ASN1_TIME_set(X509_getm_notBefore(p.x), (time_t)(NOW - 30 * DAY));
	(void)ASN1_TIME_set(X509_getm_notAfter(p.x), (time_t)until);
	(void)X509_NAME_add_entry_by_txt(
	    subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
	(void)X509_set_issuer_name(
	    p.x, issuer == NULL ? subject : X509_get_subject_name(issuer->x));
	(void)X509_set_pubkey(p.x, p.key);
	for (; extensions->nid != 0; extensions++)
		extend(p.x, issuer == NULL ? p.x : issuer->x, extensions->nid, extensions->value);
	assert_true(X509_sign(p.x, issuer == NULL ? p.key : issuer->key, EVP_sha256()) > 0);
	return p;
}

static const char *
pem_of(X509 *first, X509 *second, X509 *third)
{
	X509 *const all[] = { first, second, third };
	BIO *out = BIO_new(BIO_s_mem());
	char *text, *copy;
	long n;

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		if (all[i] != NULL)
			assert_int_equal(PEM_write_bio_X509(out, all[i]), 1);
	}
	n = BIO_get_mem_data(out, &text);
	copy = arena_copy(s.mem, slice_from(text, (size_t)n));
	BIO_free(out);
	return copy;
}

static const struct extension authority[] = { { NID_basic_constraints, "critical,CA:TRUE" },
	{ NID_key_usage, "critical,keyCertSign,cRLSign" }, { 0, NULL } };
static const struct extension answers[] = { { NID_ext_key_usage, "OCSPSigning" }, { 0, NULL } };
static const struct extension serves[] = { { NID_info_access, "OCSP;URI:https://ocsp.example/,"
							      "OCSP;URI:http://ocsp.example/a" },
	{ NID_ext_key_usage, "serverAuth" }, { 0, NULL } };

static int
make_all(void **state)
{
	(void)state;
	s.mem = arena_new(1024 * 1024);
	s.ca = make_party("CA", 1, NULL, NOW + 365 * DAY, authority);
	s.other_ca = make_party("CA", 1, NULL, NOW + 365 * DAY, authority);
	s.leaf = make_party("mail.contoso.com", 2, &s.ca, NOW + 90 * DAY, serves);
	s.neighbour = make_party("www.contoso.com", 3, &s.ca, NOW + 90 * DAY, serves);
	s.charged = make_party("responder", 4, &s.ca, NOW + 90 * DAY, answers);
	s.late = make_party("responder", 5, &s.ca, NOW - DAY, answers);
	s.uncharged = make_party("responder", 6, &s.ca, NOW + 90 * DAY, serves);
	s.overcharged = make_party("responder", 4, &s.other_ca, NOW + 90 * DAY, answers);
	s.chain = pem_of(s.leaf.x, s.ca.x, NULL);
	return 0;
}

static int
drop_all(void **state)
{
	const struct party all[] = { s.ca, s.other_ca, s.leaf, s.neighbour, s.charged, s.late,
		s.uncharged, s.overcharged };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		X509_free(all[i].x);
		EVP_PKEY_free(all[i].key);
	}
	arena_free(s.mem);
	return 0;
}

/* ---- answers ---- */

struct answer {
	const struct party *about, *signer;
	int status; /* of the certificate; -1: none, the responder says tryLater */
	int reason;
	int64_t this_update, next_update; /* from now; next_update 0: none */
	bool twice;			  /* the neighbour, which is revoked, comes first */
};

static void
add_status(OCSP_BASICRESP *basic, const struct party *about, const struct answer *a)
{
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), about->x, s.ca.x);
	ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(NOW + a->this_update));
	ASN1_TIME *to =
	    a->next_update == 0 ? NULL : ASN1_TIME_set(NULL, (time_t)(NOW + a->next_update));
	ASN1_TIME *revoked = ASN1_TIME_set(NULL, (time_t)(NOW - DAY));

	assert_non_null(OCSP_basic_add1_status(basic, id, a->status, a->reason, revoked, from, to));
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	ASN1_TIME_free(revoked);
}

static struct slice
make_answer(const struct answer *a, unsigned char out[ANSWER_BYTES])
{
	OCSP_BASICRESP *basic = a->status < 0 ? NULL : OCSP_BASICRESP_new();
	const struct answer revoked = { .status = V_OCSP_CERTSTATUS_REVOKED,
		.reason = OCSP_REVOKED_STATUS_NOSTATUS,
		.next_update = DAY };
	OCSP_RESPONSE *response;
	unsigned char *to = out;
	int n;

	if (a->twice)
		add_status(basic, &s.neighbour, &revoked);
	if (basic != NULL) {
		add_status(basic, a->about, a);
		assert_int_equal(
		    OCSP_basic_sign(basic, a->signer->x, a->signer->key, EVP_sha256(), NULL, 0), 1);
	}
	response = OCSP_response_create(
	    basic == NULL ? OCSP_RESPONSE_STATUS_TRYLATER : OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	n = i2d_OCSP_RESPONSE(response, NULL);
	assert_in_range(n, 1, ANSWER_BYTES);
	(void)i2d_OCSP_RESPONSE(response, &to);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	return slice_from(out, (size_t)n);
}

static void
test_answers(void **state)
{
	const int good = V_OCSP_CERTSTATUS_GOOD, gone = V_OCSP_CERTSTATUS_REVOKED,
		  unknown = V_OCSP_CERTSTATUS_UNKNOWN, none = OCSP_REVOKED_STATUS_NOSTATUS,
		  stolen = OCSP_REVOKED_STATUS_KEYCOMPROMISE;
	const struct {
		const char *name;
		struct answer answer;
		usher_status status;
		enum ocsp_state state;
		const char *text; /* of the revocation, or of the error */
	} rows[] = {
		{ "good", { &s.leaf, &s.ca, good, none, -HOUR, DAY, false }, 0, OCSP_GOOD, NULL },
		{ "by one who is charged with it",
		    { &s.leaf, &s.charged, good, none, -HOUR, DAY, false }, 0, OCSP_GOOD, NULL },
		{ "a clock ahead by little", { &s.leaf, &s.ca, good, none, 299, DAY, false }, 0,
		    OCSP_GOOD, NULL },
		{ "among others", { &s.leaf, &s.ca, good, none, -HOUR, DAY, true }, 0, OCSP_GOOD,
		    NULL },
		{ "without an end", { &s.leaf, &s.ca, good, none, -60, 0, false }, 0, OCSP_GOOD,
		    NULL },
		{ "without an end, old", { &s.leaf, &s.ca, good, none, -HOUR, 0, false },
		    USHER_E_PEER, 0, "outdated" },
		{ "revoked", { &s.leaf, &s.ca, gone, stolen, -HOUR, DAY, false }, 0, OCSP_REVOKED,
		    "keyCompromise" },
		{ "revoked without reason", { &s.leaf, &s.ca, gone, none, -HOUR, DAY, false }, 0,
		    OCSP_REVOKED, NULL },
		{ "unknown", { &s.leaf, &s.ca, unknown, none, -HOUR, DAY, false }, 0, OCSP_UNKNOWN,
		    NULL },
		{ "outdated this second", { &s.leaf, &s.ca, good, none, -DAY, -1, false },
		    USHER_E_PEER, 0, "outdated" },
		{ "from the future", { &s.leaf, &s.ca, good, none, 301, DAY, false }, USHER_E_PEER,
		    0, "future" },
		{ "about another", { &s.neighbour, &s.ca, good, none, -HOUR, DAY, false },
		    USHER_E_PEER, 0, "another certificate" },
		{ "tryLater", { .status = -1 }, USHER_E_PEER, 0, "trylater" },
		{ "by another CA of that name",
		    { &s.leaf, &s.other_ca, good, none, -HOUR, DAY, false }, USHER_E_TRUST, 0,
		    "not signed" },
		{ "by one whom another CA charged",
		    { &s.leaf, &s.overcharged, good, none, -HOUR, DAY, false }, USHER_E_TRUST, 0,
		    "not signed" },
		{ "by one who is not charged with it",
		    { &s.leaf, &s.uncharged, good, none, -HOUR, DAY, false }, USHER_E_TRUST, 0,
		    "not signed" },
		{ "by the certificate itself", { &s.leaf, &s.leaf, good, none, -HOUR, DAY, false },
		    USHER_E_TRUST, 0, "not signed" },
		{ "by one whose charge has expired",
		    { &s.leaf, &s.late, good, none, -HOUR, DAY, false }, USHER_E_TRUST, 0,
		    "not signed" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		unsigned char der[ANSWER_BYTES];
		struct slice response = make_answer(&rows[i].answer, der);
		struct usher_error err = { 0 };
		struct ocsp_answer got = { 0 };
		usher_status st = ocsp_read(slice_of(s.chain), response, NOW, &got, &err);
		const char *text = st == USHER_OK ? got.reason : err.message;

		if (st != rows[i].status || got.state != rows[i].state ||
		    (text == NULL) != (rows[i].text == NULL) ||
		    (text != NULL && strstr(text, rows[i].text) == NULL))
			fail_msg("%s: %d %d %s: %s", rows[i].name, st, got.state, text, err.where);
		if (st != USHER_OK)
			continue;
		if (got.this_update != NOW + rows[i].answer.this_update || got.next_update <= NOW ||
		    (rows[i].answer.next_update != 0 &&
			got.next_update != NOW + rows[i].answer.next_update) ||
		    (got.state == OCSP_REVOKED && got.revoked != NOW - DAY))
			fail_msg("%s: wrong dates", rows[i].name);
	}
}

/* What is cut is no answer, and what is changed never another one. */
static void
test_damage(void **state)
{
	const struct answer good = { &s.leaf, &s.ca, V_OCSP_CERTSTATUS_GOOD,
		OCSP_REVOKED_STATUS_NOSTATUS, -HOUR, DAY, false };
	unsigned char der[ANSWER_BYTES + 1];
	struct slice response = make_answer(&good, der);
	struct ocsp_answer got;
	size_t body = response.n - 100; /* up to the signature's own spelling */

	(void)state;
	for (size_t n = 0; n < response.n; n++)
		assert_int_not_equal(
		    ocsp_read(slice_of(s.chain), slice_from(der, n), NOW, &got, NULL), USHER_OK);
	for (size_t i = 0; i < body; i += 3) {
		der[i] ^= 0x10;
		if (ocsp_read(slice_of(s.chain), response, NOW, &got, NULL) == USHER_OK &&
		    got.state != OCSP_GOOD)
			fail_msg("byte %zu was changed", i);
		der[i] ^= 0x10;
	}
	der[response.n] = 0;
	assert_int_equal(
	    ocsp_read(slice_of(s.chain), slice_from(der, response.n + 1), NOW, &got, NULL),
	    USHER_E_PEER);
}

static void
test_limit(void **state)
{
	char *large = calloc(1, OCSP_RESPONSE_BYTES + 1);
	struct ocsp_answer got;

	(void)state;
	assert_int_equal(ocsp_read(slice_of(s.chain), slice_from(large, OCSP_RESPONSE_BYTES + 1),
			     NOW, &got, NULL),
	    USHER_E_LIMIT);
	assert_int_equal(
	    ocsp_read(slice_of(s.chain), slice_from(large, OCSP_RESPONSE_BYTES), NOW, &got, NULL),
	    USHER_E_PEER);
	free(large);
}

/* ---- asking ---- */

static void
test_question(void **state)
{
	static const struct slice base = SLICE_LITERAL("http://ocsp.example/a/");
	const char *shuffled = pem_of(s.leaf.x, s.neighbour.x, s.ca.x);
	struct ocsp_question q;
	struct trust *trust;
	struct usher_error err = { 0 };
	struct buf text, der;
	OCSP_REQUEST *request;
	OCSP_CERTID *wanted = OCSP_cert_to_id(EVP_sha1(), s.leaf.x, s.ca.x);
	const unsigned char *at;

	(void)state;
	buf_init(&text, ANSWER_BYTES);
	buf_init(&der, ANSWER_BYTES);
	assert_int_equal(ocsp_ask(s.mem, slice_of(s.chain), NULL, &q, &err), USHER_OK);
	assert_false(q.must_staple);
	assert_true(slice_starts(slice_of(q.url), base));
	assert_true(url_unescape(&text, slice_skip(slice_of(q.url), base.n)));
	assert_true(base64_decode(&der, buf_as_slice(&text)));
	at = (const unsigned char *)der.p;
	request = d2i_OCSP_REQUEST(NULL, &at, (long)der.n);
	assert_non_null(request);
	assert_int_equal(OCSP_request_onereq_count(request), 1);
	assert_int_equal(
	    OCSP_id_cmp(OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, 0)), wanted), 0);
	OCSP_REQUEST_free(request);
	OCSP_CERTID_free(wanted);
	buf_clear(&text);
	buf_clear(&der);

	/* The issuer may stand anywhere, or be what the system trusts. */
	assert_int_equal(ocsp_ask(s.mem, slice_of(shuffled), NULL, &q, &err), USHER_OK);
	assert_string_equal(q.pair, s.chain);
	assert_int_equal(
	    trust_open(NULL, slice_of(pem_of(s.ca.x, NULL, NULL)), true, &trust, &err), USHER_OK);
	assert_int_equal(
	    ocsp_ask(s.mem, slice_of(pem_of(s.leaf.x, NULL, NULL)), trust, &q, &err), USHER_OK);
	assert_string_equal(q.pair, s.chain);
	trust_free(trust);
}

static void
test_no_question(void **state)
{
	static const struct extension plain[] = { { 0, NULL } };
	static const struct extension over_https[] = {
		{ NID_info_access, "OCSP;URI:https://ocsp.example/" }, { 0, NULL }
	};
	static const struct extension strict[] = { { NID_tlsfeature, "status_request" },
		{ 0, NULL } };
	const struct extension *const rows[] = { plain, over_https, strict };
	struct usher_error err = { 0 };
	struct ocsp_question q;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct party p = make_party("mail.contoso.com", 9, &s.ca, NOW + DAY, rows[i]);

		assert_int_equal(
		    ocsp_ask(s.mem, slice_of(pem_of(p.x, NULL, NULL)), NULL, &q, &err), USHER_OK);
		assert_null(q.url);
		assert_int_equal(q.must_staple, rows[i] == strict);
		X509_free(p.x);
		EVP_PKEY_free(p.key);
	}
	assert_int_equal(
	    ocsp_ask(s.mem, slice_of(pem_of(s.leaf.x, s.other_ca.x, NULL)), NULL, &q, &err),
	    USHER_E_ABSENT);
	assert_non_null(strstr(err.message, "import it with the chain"));
	assert_int_equal(ocsp_ask(s.mem, slice_of("nothing"), NULL, &q, &err), USHER_E_INPUT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_question),
		cmocka_unit_test(test_no_question),
	};

	return cmocka_run_group_tests(tests, make_all, drop_all);
}
