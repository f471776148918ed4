/* tls.c - verifies the peer's certificate and writes down what was seen. */
#include "net/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"

struct tls_trust {
	X509_STORE *store;
	bool bundle_helps; /* the system's bundle of roots has not been read yet */
	int64_t now_s;	   /* 0: the clock */
};

/* ---- roots ---- */

/* The compiled-in places, and not the ones that the environment names: a library does not let a
 * variable decide whom it trusts. The folder is looked into as needed; the bundle, which takes a
 * tenth of a second to read, only when the folder did not help. */
static bool
load_folder(X509_STORE *store)
{
	return X509_STORE_load_path(store, X509_get_default_cert_dir()) == 1;
}

static bool
load_bundle(struct tls_trust *trust)
{
	if (!trust->bundle_helps)
		return false;
	trust->bundle_helps = false;
	if (X509_STORE_load_file(trust->store, X509_get_default_cert_file()) == 1)
		return true;
	ERR_clear_error();
	return false;
}

static usher_status
load_file(X509_STORE *store, const char *file, struct usher_error *err)
{
	if (access(file, R_OK) != 0)
		return err_set(err, errno == EACCES ? USHER_E_PERMISSION : USHER_E_INPUT, file,
		    "cannot be read: %s", strerror(errno));
	if (X509_STORE_load_file(store, file) != 1) {
		ERR_clear_error();
		return err_set(err, USHER_E_INPUT, file,
		    "holds no certificate: give a PEM file of trusted roots");
	}
	/* Whoever names a certificate trusts that one, be it a root or not. */
	(void)X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	return USHER_OK;
}

usher_status
tls_trust_new(const char *ca_file, int64_t now_s, struct tls_trust **out, struct usher_error *err)
{
	struct tls_trust *t = OPENSSL_zalloc(sizeof(*t));
	usher_status st = USHER_OK;

	if (t == NULL)
		return err_nomem(err, "TLS");
	t->now_s = now_s;
	t->store = X509_STORE_new();
	if (t->store == NULL || (ca_file == NULL && !load_folder(t->store)))
		st = err_nomem(err, "TLS");
	else if (ca_file != NULL)
		st = load_file(t->store, ca_file, err);
	t->bundle_helps = ca_file == NULL;
	if (st != USHER_OK) {
		tls_trust_free(t);
		return st;
	}
	*out = t;
	return USHER_OK;
}

void
tls_trust_free(struct tls_trust *trust)
{
	if (trust == NULL)
		return;
	X509_STORE_free(trust->store);
	OPENSSL_free(trust);
}

/* ---- evidence ---- */

void
tls_evidence_init(struct tls_evidence *e)
{
	*e = (struct tls_evidence){ .not_before = NUMBER_ABSENT, .not_after = NUMBER_ABSENT };
}

static const char *
name_text(struct arena *mem, const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *p = NULL;
	const char *out = NULL;
	long n;

	if (bio == NULL)
		return NULL;
	if (X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		n = BIO_get_mem_data(bio, &p);
		if (n > 0)
			out = arena_copy(mem, slice_from(p, (size_t)n));
	}
	BIO_free(bio);
	return out;
}

static const char *
address_text(struct arena *mem, const ASN1_OCTET_STRING *ip)
{
	const unsigned char *b = ASN1_STRING_get0_data(ip);

	if (ASN1_STRING_length(ip) == 4)
		return arena_printf(mem, "%d.%d.%d.%d", b[0], b[1], b[2], b[3]);
	if (ASN1_STRING_length(ip) != 16)
		return NULL;
	return arena_printf(mem, "%x:%x:%x:%x:%x:%x:%x:%x", b[0] << 8 | b[1], b[2] << 8 | b[3],
	    b[4] << 8 | b[5], b[6] << 8 | b[7], b[8] << 8 | b[9], b[10] << 8 | b[11],
	    b[12] << 8 | b[13], b[14] << 8 | b[15]);
}

static const char *
general_name_text(struct arena *mem, const GENERAL_NAME *gn)
{
	if (gn->type == GEN_DNS)
		return arena_copy(mem, slice_from(ASN1_STRING_get0_data(gn->d.dNSName),
					   (size_t)ASN1_STRING_length(gn->d.dNSName)));
	if (gn->type == GEN_IPADD)
		return address_text(mem, gn->d.iPAddress);
	return NULL;
}

static struct text_list
alternative_names(struct arena *mem, X509 *cert)
{
	GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	int count = all == NULL ? 0 : sk_GENERAL_NAME_num(all);
	const char **v = arena_array(mem, TLS_NAMES_MAX, sizeof(*v));
	size_t n = 0;

	for (int i = 0; v != NULL && i < count && n < TLS_NAMES_MAX; i++) {
		const char *text = general_name_text(mem, sk_GENERAL_NAME_value(all, i));

		if (text != NULL)
			v[n++] = text;
	}
	GENERAL_NAMES_free(all);
	return (struct text_list){ v, n };
}

static int64_t
time_seconds(const ASN1_TIME *t)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return NUMBER_ABSENT;
	return (int64_t)timegm(&tm);
}

static void
describe(struct arena *mem, X509 *cert, struct tls_evidence *e)
{
	e->subject = name_text(mem, X509_get_subject_name(cert));
	e->issuer = name_text(mem, X509_get_issuer_name(cert));
	e->names = alternative_names(mem, cert);
	e->not_before = time_seconds(X509_get0_notBefore(cert));
	e->not_after = time_seconds(X509_get0_notAfter(cert));
}

/* ---- verification ---- */

/* Every fault of the chain is met before the verdict, so that the record can name all of them. The
 * worst one is the verdict: an untrusted certificate proves nothing, not even its dates. */
struct faults {
	enum tls_verdict verdict;
	const char *detail;
	struct arena *mem;
};

static enum tls_verdict
verdict_of(int error)
{
	switch (error) {
	case X509_V_OK:
		return TLS_VERIFIED;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return TLS_WRONG_NAME;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return TLS_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return TLS_NOT_YET_VALID;
	case X509_V_ERR_CERT_REVOKED:
		return TLS_REVOKED;
	default:
		return TLS_UNTRUSTED;
	}
}

static int
severity(enum tls_verdict verdict)
{
	switch (verdict) {
	case TLS_UNTRUSTED:
		return 5;
	case TLS_REVOKED:
		return 4;
	case TLS_WRONG_NAME:
		return 3;
	case TLS_EXPIRED:
		return 2;
	case TLS_NOT_YET_VALID:
		return 1;
	default:
		return 0;
	}
}

/* OpenSSL asks about each fault; going on finds the next one. The handshake still fails. */
static int
on_fault(int ok, X509_STORE_CTX *ctx)
{
	struct faults *f = X509_STORE_CTX_get_app_data(ctx);
	int error = X509_STORE_CTX_get_error(ctx);
	enum tls_verdict verdict = verdict_of(error);
	const char *words = X509_verify_cert_error_string(error);

	if (ok || f == NULL)
		return ok;
	if (severity(verdict) > severity(f->verdict))
		f->verdict = verdict;
	if (f->detail == NULL)
		f->detail = words;
	else if (strstr(f->detail, words) == NULL)
		f->detail = arena_printf(f->mem, "%s; %s", f->detail, words);
	return 1;
}

static bool
set_up(X509_STORE_CTX *ctx, X509_STORE_CTX *handshake, const struct tls_check *check)
{
	X509_VERIFY_PARAM *param;

	if (X509_STORE_CTX_init(ctx, check->trust->store, X509_STORE_CTX_get0_cert(handshake),
		X509_STORE_CTX_get0_untrusted(handshake)) != 1 ||
	    X509_STORE_CTX_set_default(ctx, "ssl_server") != 1)
		return false;
	param = X509_STORE_CTX_get0_param(ctx);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, check->host) != 1 &&
	    X509_VERIFY_PARAM_set1_host(param, check->host, 0) != 1)
		return false;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (check->trust->now_s != 0)
		X509_VERIFY_PARAM_set_time(param, (time_t)check->trust->now_s);
	return true;
}

/* Judges the handshake's certificate by a context of our own: it may take two rounds. */
static void
judge(X509_STORE_CTX *handshake, const struct tls_check *check, struct faults *faults)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	*faults = (struct faults){ .verdict = TLS_VERIFIED, .mem = check->mem };
	if (ctx == NULL || !set_up(ctx, handshake, check) ||
	    X509_STORE_CTX_set_app_data(ctx, faults) != 1) {
		faults->verdict = TLS_BROKEN;
		faults->detail = "out of memory";
	} else {
		X509_STORE_CTX_set_verify_cb(ctx, on_fault);
		if (X509_verify_cert(ctx) != 1 && faults->verdict == TLS_VERIFIED) {
			faults->verdict = TLS_UNTRUSTED;
			faults->detail =
			    X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
		}
	}
	X509_STORE_CTX_free(ctx);
}

static int
verify(X509_STORE_CTX *handshake, void *opaque)
{
	const struct tls_check *check = opaque;
	X509 *cert = X509_STORE_CTX_get0_cert(handshake);
	struct faults faults;

	tls_evidence_init(check->out);
	check->out->verdict = TLS_BROKEN;
	if (cert == NULL)
		return 0;
	describe(check->mem, cert, check->out);
	judge(handshake, check, &faults);
	if (faults.verdict == TLS_UNTRUSTED && load_bundle(check->trust))
		judge(handshake, check, &faults);
	check->out->verdict = (int)faults.verdict;
	check->out->detail = faults.detail;
	X509_STORE_CTX_set_error(
	    handshake, faults.verdict == TLS_VERIFIED ? X509_V_OK : X509_V_ERR_CERT_UNTRUSTED);
	return faults.verdict == TLS_VERIFIED;
}

/* Called when the peer asks for a certificate; the handshake goes on without. */
static int
on_request(SSL *ssl UNUSED, void *opaque)
{
	struct tls_check *check = opaque;

	check->wants_certificate = true;
	return 1;
}

bool
tls_check_install(void *context, struct tls_check *check)
{
	SSL_CTX *ctx = context;

	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1)
		return false;
	/* The check ends with the handshake; a second one on the same connection would find it
	 * gone.
	 */
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set1_cert_store(ctx, check->trust->store);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify, check);
	SSL_CTX_set_cert_cb(ctx, on_request, check);
	return true;
}
