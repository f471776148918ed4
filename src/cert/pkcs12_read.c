/* pkcs12_read.c - takes PKCS #12 files apart, of all writers and of none. */
#include <openssl/err.h>

#include "base/err.h"
#include "base/text.h"
#include "cert/bundle.h"
#include "cert/pile.h"
#include "cert/x509.h"

enum { NESTED_MAX = 4, CANDIDATES = 3, CANDIDATE_BYTES = 2 * SECRET_MAX_BYTES };

/* A password in the forms in which writers have turned it into bytes. OpenSSL makes a BMPString of
 * UTF-8 for PBES1 and the MAC, and gives the bytes themselves to PBES2. */
struct candidates {
	struct slice v[CANDIDATES]; /* v[i].p is NULL for no password at all */
	size_t n;
	struct buf twice, latin;
};

struct reading {
	struct pile *pile;
	struct candidates passwords;
	size_t n_opened, n_shut; /* parts that were encrypted: opened, and not */
	bool named_by_key;
};

/* `latin` stays incomplete, and false comes back, when `text` has characters above U+00FF. */
static bool
to_latin(struct buf *latin, struct slice text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c >= 0x80) {
			if (c > 0xc3 || i + 1 == text.n)
				return false;
			i++;
			c = (unsigned char)((c & 3) << 6 | ((unsigned char)text.p[i] & 0x3f));
		}
		buf_char(latin, (char)c);
	}
	return true;
}

static usher_status
find_candidates(struct candidates *c, struct slice password, struct usher_error *err)
{
	buf_init(&c->twice, CANDIDATE_BYTES);
	buf_init(&c->latin, CANDIDATE_BYTES);
	c->n = 0;
	if (password.n == 0) {
		/* The empty text, which has its final NUL, and nothing: both are in use. */
		c->v[c->n++] = SLICE_LITERAL("");
		c->v[c->n++] = (struct slice){ NULL, 0 };
		return USHER_OK;
	}
	c->v[c->n++] = password;
	if (text_is_ascii(password) || !text_utf8_valid(password))
		return USHER_OK;
	/* At once, so that no piece stays behind when they grow. */
	(void)buf_reserve(&c->twice, 2 * password.n);
	(void)buf_reserve(&c->latin, password.n);
	/* OpenSSL before 1.1.0 took each byte of the UTF-8 for a character. */
	for (size_t i = 0; i < password.n; i++)
		text_put_utf8(&c->twice, (unsigned char)password.p[i]);
	c->v[c->n++] = buf_as_slice(&c->twice);
	/* In a Latin-1 terminal PBES2 got Latin-1. */
	if (to_latin(&c->latin, password))
		c->v[c->n++] = buf_as_slice(&c->latin);
	return c->twice.status == USHER_OK && c->latin.status == USHER_OK ?
		   USHER_OK :
		   err_nomem(err, "password");
}

static usher_status
damaged(struct pile *p)
{
	return ssl_failed(p->err, USHER_E_INPUT, "PKCS #12", "it is damaged; copy the file again");
}

/* The bytes are one DER object: what a wrong password leaves hardly ever is. */
static bool
is_whole(const unsigned char *bytes, int n)
{
	const unsigned char *at = bytes;
	long inside;
	int tag, class;
	bool whole = n > 0 && (ASN1_get_object(&at, &inside, &tag, &class, n) & 0x80) == 0 &&
		     tag == V_ASN1_SEQUENCE && inside == n - (at - bytes);

	/* BER of open length, as NSS writes it, ends in two zeros. */
	whole = whole || (n > 4 && bytes[0] == 0x30 && bytes[1] == 0x80 && bytes[n - 1] == 0 &&
			     bytes[n - 2] == 0);
	ERR_clear_error();
	return whole;
}

/* *out (for OPENSSL_clear_free()) stays NULL when no password fits. */
static usher_status
decrypt(struct reading *r, const X509_ALGOR *algorithm, const ASN1_OCTET_STRING *sealed,
    unsigned char **out, int *n)
{
	struct pile *p = r->pile;

	for (size_t i = 0; i < r->passwords.n; i++) {
		struct slice password = r->passwords.v[i];
		const char *old;
		usher_status st = pbe_allow(&p->pbe, algorithm, &old, p->err);

		if (st == USHER_OK)
			st = pile_old_algorithm(p, old);
		if (st != USHER_OK)
			return st;
		if (PKCS12_pbe_crypt_ex(algorithm, password.p, (int)password.n,
			ASN1_STRING_get0_data(sealed), ASN1_STRING_length(sealed), out, n, 0,
			p->pbe.ctx, NULL) != NULL &&
		    is_whole(*out, *n)) {
			r->n_opened++;
			ERR_clear_error();
			return USHER_OK;
		}
		if (*out != NULL)
			OPENSSL_clear_free(*out, (size_t)*n);
		*out = NULL;
	}
	ERR_clear_error();
	r->n_shut++;
	return USHER_OK;
}

static usher_status
take_plain_key(struct pile *p, const PKCS8_PRIV_KEY_INFO *plain)
{
	EVP_PKEY *key;
	usher_status st = pbe_pkcs8_key(plain, &key, p->err);

	return st == USHER_OK ? pile_key(p, key) : st;
}

static usher_status
take_sealed_key(struct reading *r, const X509_SIG *sealed)
{
	PKCS8_PRIV_KEY_INFO *plain CLEANUP(own_pkcs8) = NULL;
	const X509_ALGOR *algorithm;
	const ASN1_OCTET_STRING *bytes;
	const unsigned char *at;
	unsigned char *opened = NULL;
	int n = 0;
	usher_status st;

	X509_SIG_get0(sealed, &algorithm, &bytes);
	st = decrypt(r, algorithm, bytes, &opened, &n);
	if (st != USHER_OK || opened == NULL)
		return st;
	at = opened;
	plain = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, n);
	OPENSSL_clear_free(opened, (size_t)n);
	return plain == NULL ? damaged(r->pile) : take_plain_key(r->pile, plain);
}

/* The key's, or else the first. */
static usher_status
take_friendly_name(struct reading *r, PKCS12_SAFEBAG *bag)
{
	struct pile *p = r->pile;
	bool of_key = PKCS12_SAFEBAG_get_nid(bag) != NID_certBag;
	const char *copy = NULL;
	bool good;
	char *name;

	if (p->friendly_name != NULL && (!of_key || r->named_by_key))
		return USHER_OK;
	name = PKCS12_get_friendlyname(bag);
	ERR_clear_error();
	good = name != NULL && *name != '\0' && text_utf8_valid(slice_of(name)) &&
	       !text_has_control(slice_of(name));
	if (good)
		copy = arena_strdup(p->mem, name);
	OPENSSL_free(name);
	if (!good)
		return USHER_OK;
	if (copy == NULL)
		return err_nomem(p->err, "PKCS #12");
	p->friendly_name = copy;
	r->named_by_key = of_key;
	return USHER_OK;
}

static usher_status
take_bags(struct reading *r, const STACK_OF(PKCS12_SAFEBAG) * bags, int depth);

static usher_status
take_bag(struct reading *r, PKCS12_SAFEBAG *bag, int depth)
{
	struct pile *p = r->pile;

	switch (PKCS12_SAFEBAG_get_nid(bag)) {
	case NID_keyBag:
		return take_plain_key(p, PKCS12_SAFEBAG_get0_p8inf(bag));
	case NID_pkcs8ShroudedKeyBag:
		return take_sealed_key(r, PKCS12_SAFEBAG_get0_pkcs8(bag));
	case NID_certBag:
		if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
			return USHER_OK;
		return pile_certificate(p, PKCS12_SAFEBAG_get1_cert(bag));
	case NID_safeContentsBag:
		if (depth == NESTED_MAX)
			return err_set(p->err, USHER_E_LIMIT, "PKCS #12",
			    "bags within bags, more than %d deep", NESTED_MAX);
		return take_bags(r, PKCS12_SAFEBAG_get0_safes(bag), depth + 1);
	default:
		return USHER_OK;
	}
}

static usher_status
take_bags(struct reading *r, const STACK_OF(PKCS12_SAFEBAG) * bags, int depth)
{
	usher_status st = USHER_OK;

	for (int i = 0; st == USHER_OK && i < sk_PKCS12_SAFEBAG_num(bags); i++) {
		PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);

		st = take_bag(r, bag, depth);
		if (st == USHER_OK)
			st = take_friendly_name(r, bag);
	}
	return st;
}

static usher_status
take_sealed_bags(struct reading *r, const PKCS7 *part, STACK_OF(PKCS12_SAFEBAG) * *bags)
{
	const PKCS7_ENC_CONTENT *content =
	    part->d.encrypted == NULL ? NULL : part->d.encrypted->enc_data;
	const unsigned char *at;
	unsigned char *opened = NULL;
	int n = 0;
	usher_status st;

	if (content == NULL || content->enc_data == NULL)
		return damaged(r->pile);
	st = decrypt(r, content->algorithm, content->enc_data, &opened, &n);
	if (st != USHER_OK || opened == NULL)
		return st;
	at = opened;
	*bags = (STACK_OF(PKCS12_SAFEBAG) *)ASN1_item_d2i(
	    NULL, &at, n, ASN1_ITEM_rptr(PKCS12_SAFEBAGS));
	OPENSSL_clear_free(opened, (size_t)n);
	return *bags == NULL ? damaged(r->pile) : USHER_OK;
}

static usher_status
take_part(struct reading *r, PKCS7 *part)
{
	STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
	usher_status st = USHER_OK;

	if (PKCS7_type_is_data(part)) {
		bags = PKCS12_unpack_p7data(part);
		if (bags == NULL)
			return damaged(r->pile);
	} else if (PKCS7_type_is_encrypted(part)) {
		st = take_sealed_bags(r, part, &bags);
	} else {
		st =
		    pile_note(r->pile, "a part of it is encrypted for a certificate, and left out");
	}
	if (st == USHER_OK)
		st = take_bags(r, bags, 0);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	return st;
}

/* What the MAC is made with can be computed here. */
static bool
knows_mac(PKCS12 *file, int64_t *rounds)
{
	const X509_ALGOR *algorithm = NULL;
	const ASN1_INTEGER *n = NULL;

	PKCS12_get0_mac(NULL, &algorithm, NULL, &n, file);
	*rounds = 1;
	if (n != NULL && ASN1_INTEGER_get_int64(rounds, n) != 1)
		*rounds = -1;
	ERR_clear_error();
	return EVP_get_digestbyobj(algorithm->algorithm) != NULL;
}

/* *good is whether a password fits the MAC; true as well when there is nothing to check. */
static usher_status
check_mac(struct reading *r, PKCS12 *file, bool *good)
{
	int64_t rounds;

	*good = true;
	if (PKCS12_mac_present(file) != 1)
		return pile_note(
		    r->pile, "it has no MAC: nothing tells whether it was changed on its way");
	if (!knows_mac(file, &rounds))
		return pile_note(r->pile, "its MAC is of a kind that cannot be checked here");
	*good = false;
	for (size_t i = 0; !*good && i < r->passwords.n; i++) {
		struct slice password = r->passwords.v[i];
		usher_status st = pbe_spend(&r->pile->pbe, rounds, r->pile->err);

		if (st != USHER_OK)
			return st;
		*good = PKCS12_verify_mac(file, password.p, (int)password.n) == 1;
	}
	ERR_clear_error();
	return USHER_OK;
}

static usher_status
take_parts(struct reading *r, PKCS12 *file)
{
	STACK_OF(PKCS7) *parts = PKCS12_unpack_authsafes(file);
	usher_status st = USHER_OK;

	if (parts == NULL)
		return damaged(r->pile);
	for (int i = 0; st == USHER_OK && i < sk_PKCS7_num(parts); i++)
		st = take_part(r, sk_PKCS7_value(parts, i));
	sk_PKCS7_pop_free(parts, PKCS7_free);
	return st;
}

/* A wrong password spoils the MAC and all that is encrypted, damage not everything. */
static usher_status
judge(const struct reading *r, bool good_mac, usher_status st)
{
	struct pile *p = r->pile;

	if (st != USHER_OK && st != USHER_E_INPUT)
		return st;
	if (!good_mac)
		return r->n_opened > 0 ? damaged(p) : pbe_refused(&p->pbe, p->err);
	if (st == USHER_OK && r->n_shut > 0)
		return r->n_opened > 0 ?
			   err_set(p->err, USHER_E_CREDENTIALS, "password",
			       "a part of it has another password; export it again with one") :
			   pbe_refused(&p->pbe, p->err);
	return st;
}

usher_status
pile_pkcs12(struct pile *p, PKCS12 *file)
{
	struct reading r = { .pile = p };
	bool good_mac = false;
	usher_status st = find_candidates(&r.passwords, p->pbe.password, p->err);

	if (st == USHER_OK)
		st = check_mac(&r, file, &good_mac);
	if (st == USHER_OK) {
		st = take_parts(&r, file);
		st = judge(&r, good_mac, st);
	}
	buf_wipe(&r.passwords.twice);
	buf_wipe(&r.passwords.latin);
	return st;
}
