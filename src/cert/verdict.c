/* verdict.c - judges certificates; the rows of faults. */
#include "cert/verdict.h"

#include <openssl/err.h>

#include "base/address.h"
#include "base/err.h"
#include "base/ip.h"
#include "base/text.h"
#include "cert/inspect.h"
#include "cert/order.h"
#include "cert/x509.h"

enum { DAY_S = 86400, SOON_DAYS = 30, SOON_PART = 3 };

const struct cert_fault_row cert_faults[CERT_FAULT_COUNT] = {
	[CERT_FAULT_EXPIRED] = { "cert-expired", "it has expired",
	    "every client warns or turns away, phones without a word",
	    "renew it (usher cert renew) and enable the new one", CERT_DATE_INVALID },
	[CERT_FAULT_NOT_YET_VALID] = { "cert-not-yet-valid", "it is not valid yet",
	    "every client warns or turns away until it is",
	    "wait, or set the clock of this server or of the CA", CERT_DATE_INVALID },
	[CERT_FAULT_EXPIRES_SOON] = { "cert-expires-soon", "it expires soon", "nobody yet",
	    "renew it (usher cert renew)", CERT_VALID },
	[CERT_FAULT_REVOKED] = { "cert-revoked", "its CA has revoked it",
	    "clients that ask the CA turn away, Outlook among them",
	    "replace it at once with a new key", CERT_REVOKED },
	[CERT_FAULT_SELF_SIGNED] = { "cert-self-signed", "it is signed by itself",
	    "Outlook on domain-joined PCs takes it for the SCP's host; all others warn or turn "
	    "away",
	    "request one from a CA (usher cert request), or make a private CA (usher ca init)",
	    CERT_UNTRUSTED },
	[CERT_FAULT_UNTRUSTED_ROOT] = { "cert-private-ca-untrusted",
	    "its chain ends in a root that is not trusted here",
	    "every client that does not have this root warns or turns away: phones, home PCs, "
	    "libraries",
	    "install the root on all of them, or use a public CA", CERT_UNTRUSTED },
	[CERT_FAULT_NO_INTERMEDIATE] = { "cert-chain-incomplete",
	    "its chain ends below any root that is trusted here: an intermediate certificate is "
	    "missing, or the CA is a private one",
	    "browsers may find the missing one by themselves; phones and mail programs turn away",
	    "import it again with the intermediate certificates of its CA, or install the private "
	    "CA's root",
	    CERT_UNTRUSTED },
	[CERT_FAULT_CHAIN_BROKEN] = { "cert-chain-broken",
	    "its chain is broken: a signature is wrong, or a CA in it may not issue this "
	    "certificate",
	    "every client turns away", "import it again with the certificates its CA gives out",
	    CERT_INVALID },
	[CERT_FAULT_CHAIN_EXPIRED] = { "cert-intermediate-expired",
	    "a certificate above it is out of its dates",
	    "clients that find no other way to a root turn away, older ones first",
	    "import it again with the present intermediate certificates of its CA",
	    CERT_DATE_INVALID },
	[CERT_FAULT_WEAK_KEY] = { "cert-weak-key",
	    "its key, or one above it, is too short (RSA below 2048 bits, DSA, or a curve below "
	    "256)",
	    "current systems refuse it", "request a new one with a new key of RSA 2048 or P-256",
	    CERT_INVALID },
	[CERT_FAULT_WEAK_SIGNATURE] = { "cert-weak-signature",
	    "it, or one above it, is signed with SHA-1 or MD5", "current systems do not trust it",
	    "have it issued again with SHA-256", CERT_INVALID },
	[CERT_FAULT_IS_CA] = { "cert-is-ca", "it is the certificate of a CA, not of a server",
	    "many clients refuse it, and whoever gets its key can issue for any name",
	    "issue one for the server from it (usher ca issue)", CERT_INVALID },
	[CERT_FAULT_WRONG_USAGE] = { "cert-wrong-usage", "it is not meant for TLS servers",
	    "every client turns away", "have it issued with the Web Server template (serverAuth)",
	    CERT_INVALID },
	[CERT_FAULT_NO_SAN] = { "cert-no-san",
	    "it has a common name only, and no subject alternative names",
	    "browsers, phones and current mail programs take it for no host at all",
	    "have it issued again with all names as subject alternative names", CERT_VALID },
	[CERT_FAULT_NAME_MISSING] = { "cert-name-missing",
	    "it does not cover all names it is needed for",
	    "clients that come by a missing name say that it does not match the name of the site",
	    "request one with all names, or change URLs and SCP to names it covers", CERT_VALID },
	[CERT_FAULT_OTHER_KEY] = { "cert-private-key-unusable",
	    "the private key here is not its key", "it cannot be served at all",
	    "import it together with its key", CERT_INVALID },
};

const char *
cert_status_name(enum cert_status status)
{
	static const char *const names[] = {
		[CERT_UNKNOWN] = "Unknown",
		[CERT_VALID] = "Valid",
		[CERT_INVALID] = "Invalid",
		[CERT_DATE_INVALID] = "DateInvalid",
		[CERT_PENDING_REQUEST] = "PendingRequest",
		[CERT_REVOKED] = "Revoked",
		[CERT_REVOCATION_CHECK_FAILURE] = "RevocationCheckFailure",
		[CERT_UNTRUSTED] = "Untrusted",
	};

	return names[status];
}

static void
add_fault(struct verdict *v, enum cert_fault fault)
{
	v->faults |= 1U << fault;
}

static bool
has_fault(const struct verdict *v, enum cert_fault fault)
{
	return (v->faults & 1U << fault) != 0;
}

/* What OpenSSL finds, by place. All else that it finds breaks the chain. */
static const struct {
	int error;
	enum cert_fault of_leaf, above;
} heard_faults[] = {
	{ X509_V_ERR_CERT_HAS_EXPIRED, CERT_FAULT_EXPIRED, CERT_FAULT_CHAIN_EXPIRED },
	{ X509_V_ERR_CERT_NOT_YET_VALID, CERT_FAULT_NOT_YET_VALID, CERT_FAULT_CHAIN_EXPIRED },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, CERT_FAULT_SELF_SIGNED, CERT_FAULT_SELF_SIGNED },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, CERT_FAULT_UNTRUSTED_ROOT,
	    CERT_FAULT_UNTRUSTED_ROOT },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, CERT_FAULT_NO_INTERMEDIATE,
	    CERT_FAULT_NO_INTERMEDIATE },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, CERT_FAULT_NO_INTERMEDIATE,
	    CERT_FAULT_NO_INTERMEDIATE },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, CERT_FAULT_NO_INTERMEDIATE,
	    CERT_FAULT_NO_INTERMEDIATE },
	{ X509_V_ERR_INVALID_PURPOSE, CERT_FAULT_WRONG_USAGE, CERT_FAULT_CHAIN_BROKEN },
};

static void
hear(void *to, int error, int depth)
{
	for (size_t i = 0; i < COUNT_OF(heard_faults); i++) {
		if (heard_faults[i].error == error) {
			add_fault(to, depth == 0 ? heard_faults[i].of_leaf : heard_faults[i].above);
			return;
		}
	}
	add_fault(to, CERT_FAULT_CHAIN_BROKEN);
}

/* The leaf and all above it but the anchor, whose signature nobody looks at. */
static void
judge_strength(struct verdict *v, const STACK_OF(X509) * chain)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *x = sk_X509_value(chain, i);
		const EVP_PKEY *key = X509_get0_pubkey(x);

		if (i > 0 && order_is_root(x))
			break;
		if (key != NULL && key_is_weak(key))
			add_fault(v, CERT_FAULT_WEAK_KEY);
		if (signature_is_weak(X509_get_signature_nid(x)))
			add_fault(v, CERT_FAULT_WEAK_SIGNATURE);
	}
}

static void
judge_dates(struct verdict *v, const X509 *leaf, int64_t now_s)
{
	int64_t from_s, until_s, soon_s = (int64_t)SOON_DAYS * DAY_S, left_s;

	if (time_read(X509_get0_notBefore(leaf), &from_s, NULL) != USHER_OK ||
	    time_read(X509_get0_notAfter(leaf), &until_s, NULL) != USHER_OK)
		return; /* the chain is broken then, says OpenSSL */
	left_s = until_s - now_s;
	v->days_left = left_s / DAY_S - (left_s % DAY_S < 0);
	if ((until_s - from_s) / SOON_PART < soon_s)
		soon_s = (until_s - from_s) / SOON_PART;
	if (!has_fault(v, CERT_FAULT_EXPIRED) && left_s < soon_s)
		add_fault(v, CERT_FAULT_EXPIRES_SOON);
}

bool
cert_names_cover(const struct text_list *names, const char *host)
{
	bool address = ip_version(host) != 0;

	for (size_t i = 0; i < names->n; i++) {
		if (address ? text_same(names->v[i], host) : domain_matches(names->v[i], host))
			return true;
	}
	return false;
}

static usher_status
judge_names(struct arena *mem, struct verdict *v, const X509 *leaf, const struct text_list *hosts,
    struct usher_error *err)
{
	GENERAL_NAMES *sans CLEANUP(own_names) =
	    X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	struct text_list names;
	const char **missing;
	usher_status st = sans_read(mem, sans, &names, NULL, err);

	ERR_clear_error();
	if (st == USHER_E_LIMIT) {
		add_fault(v, CERT_FAULT_CHAIN_BROKEN);
		return USHER_OK;
	}
	if (st != USHER_OK)
		return st;
	if (names.n == 0)
		add_fault(v, CERT_FAULT_NO_SAN);
	missing = arena_array(mem, hosts == NULL ? 0 : hosts->n, sizeof(*missing));
	if (missing == NULL)
		return err_nomem(err, "certificate");
	v->missing.v = missing;
	for (size_t i = 0; hosts != NULL && i < hosts->n; i++) {
		if (!cert_names_cover(&names, hosts->v[i]))
			missing[v->missing.n++] = hosts->v[i];
	}
	if (v->missing.n > 0)
		add_fault(v, CERT_FAULT_NAME_MISSING);
	return USHER_OK;
}

static usher_status
judge_key(struct verdict *v, X509 *leaf, struct slice key_pem, struct usher_error *err)
{
	EVP_PKEY *key CLEANUP(own_pkey) = NULL;
	usher_status st;

	if (key_pem.n == 0)
		return USHER_OK;
	st = key_load(key_pem, &key, err);
	if (st == USHER_E_NOMEM)
		return st;
	if (st != USHER_OK || X509_check_private_key(leaf, key) != 1)
		add_fault(v, CERT_FAULT_OTHER_KEY);
	ERR_clear_error();
	return USHER_OK;
}

/* The worst of what its faults give. */
static enum cert_status
status_of(const struct verdict *v, enum revocation revocation)
{
	static const enum cert_status worst_first[] = { CERT_REVOKED, CERT_DATE_INVALID,
		CERT_INVALID, CERT_UNTRUSTED };

	for (size_t i = 0; i < COUNT_OF(worst_first); i++) {
		for (int f = 0; f < CERT_FAULT_COUNT; f++) {
			if (has_fault(v, (enum cert_fault)f) &&
			    cert_faults[f].status == worst_first[i])
				return worst_first[i];
		}
	}
	return revocation == REVOCATION_FAILED ? CERT_REVOCATION_CHECK_FAILURE : CERT_VALID;
}

static usher_status
judge(struct arena *mem, struct verdict *v, STACK_OF(X509) * list, const struct verdict_question *q,
    struct usher_error *err)
{
	X509 *leaf = sk_X509_value(list, 0);
	STACK_OF(X509) * chain CLEANUP(own_x509s) =
	    order_verify(q->trust, leaf, list, &q->now_s, hear, v);
	const EVP_PKEY *key = X509_get0_pubkey(leaf);
	usher_status st;

	if (chain == NULL)
		return ssl_failed(err, USHER_E_NOMEM, "certificate", "out of memory");
	judge_strength(v, chain);
	judge_dates(v, leaf, q->now_s);
	if (X509_check_ca(leaf) == 1)
		add_fault(v, CERT_FAULT_IS_CA);
	if (q->revocation == REVOCATION_REVOKED)
		add_fault(v, CERT_FAULT_REVOKED);
	v->self_signed = order_is_root(leaf);
	v->signature = OBJ_nid2ln(X509_get_signature_nid(leaf));
	v->key = key == NULL ? "unknown" : key_text(mem, key);
	ERR_clear_error();
	if (v->key == NULL)
		return err_nomem(err, "certificate");
	st = judge_names(mem, v, leaf, q->hosts, err);
	if (st == USHER_OK)
		st = judge_key(v, leaf, q->key_pem, err);
	v->status = status_of(v, q->revocation);
	return st;
}

usher_status
verdict_of(struct arena *mem, const struct verdict_question *q, struct verdict *out,
    struct usher_error *err)
{
	STACK_OF(X509) * list CLEANUP(own_x509s) = NULL;
	struct verdict v = { .status = CERT_UNKNOWN, .key = "unknown", .signature = "unknown" };
	usher_status st = certificates_load(q->pem, CERT_CHAIN_MAX, &list, NULL);

	if (st == USHER_E_NOMEM)
		return err_nomem(err, "certificate");
	if (st == USHER_OK) {
		st = judge(mem, &v, list, q, err);
		if (st != USHER_OK)
			return st;
	}
	*out = v;
	return USHER_OK;
}
