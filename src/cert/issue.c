/* issue.c - makes roots, and certificates by them. */
#include "cert/issue.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/address.h"
#include "base/err.h"
#include "base/ip.h"
#include "cert/build.h"
#include "cert/inspect.h"
#include "cert/names.h"
#include "cert/own.h"
#include "cert/x509.h"

enum { DAY_S = 24 * 3600, IP_BYTES = 16 };

static usher_status
failed(struct usher_error *err, const char *where)
{
	return ssl_failed(err, USHER_E_INTERNAL, where, "OpenSSL could not make it");
}

/* ---- scope ---- */

usher_status
issue_scope_parse(struct arena *mem, const char *text, const char **out, struct usher_error *err)
{
	const char *fault, *domain;
	struct ip_subnet subnet;
	usher_status st;

	if (ip_version(text) != 0 || strchr(text, '/') != NULL) {
		fault = ip_subnet_parse(text, &subnet);
		if (fault != NULL)
			return err_set(err, USHER_E_ADDRESS, text, "%s", fault);
		*out = arena_strdup(mem, text);
		return *out == NULL ? err_nomem(err, text) : USHER_OK;
	}
	st = domain_parse(mem, slice_of(text), &domain, err);
	if (st != USHER_OK)
		return st;
	if (domain_is_top_level(domain) ||
	    (strchr(domain, '.') != NULL && domain_is_public_suffix(domain)))
		return err_set(err, USHER_E_ADDRESS, text,
		    "everybody's names are below it: give domains of your own");
	*out = domain;
	return USHER_OK;
}

static bool
has_address(const char *permitted, const char *address)
{
	struct ip_subnet subnet;

	return ip_subnet_parse(permitted, &subnet) == NULL && ip_subnet_has(&subnet, address);
}

/* RFC 5280, 4.2.1.10: the domain itself, or labels before it. */
static bool
has_host(const char *permitted, struct slice host)
{
	struct slice domain = slice_of(permitted);

	return slice_ends_nocase(host, domain) &&
	       (host.n == domain.n || host.p[host.n - domain.n - 1] == '.');
}

bool
issue_scope_has(const struct text_list *scope, const char *name)
{
	struct slice host = slice_of(name);
	bool address = ip_version(name) != 0;
	bool has = scope->n == 0;

	if (slice_starts(host, SLICE_LITERAL("*.")))
		host = slice_skip(host, 2);
	for (size_t i = 0; !has && i < scope->n; i++)
		has = address ? has_address(scope->v[i], name) : has_host(scope->v[i], host);
	return has;
}

/* ---- name constraints ---- */

static void
own_constraints(NAME_CONSTRAINTS **constraints)
{
	NAME_CONSTRAINTS_free(*constraints);
}

static bool
add_subtree(STACK_OF(GENERAL_SUBTREE) * *to, int type, const void *bytes, size_t n)
{
	GENERAL_SUBTREE *subtree = GENERAL_SUBTREE_new();
	ASN1_STRING *value =
	    ASN1_STRING_type_new(type == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);

	if (*to == NULL)
		*to = sk_GENERAL_SUBTREE_new_null();
	if (*to != NULL && subtree != NULL && value != NULL &&
	    ASN1_STRING_set(value, bytes, (int)n) == 1) {
		GENERAL_NAME_set0_value(subtree->base, type, value);
		value = NULL;
		if (sk_GENERAL_SUBTREE_push(*to, subtree) > 0)
			return true;
	}
	ASN1_STRING_free(value);
	GENERAL_SUBTREE_free(subtree);
	return false;
}

static bool
add_subnet(STACK_OF(GENERAL_SUBTREE) * *to, const struct ip_subnet *subnet)
{
	unsigned char bytes[2 * IP_BYTES] = { 0 };

	memcpy(bytes, subnet->bytes, subnet->n);
	for (size_t i = 0; i < subnet->bits; i++)
		bytes[subnet->n + i / 8] |= (unsigned char)(0x80 >> i % 8);
	return add_subtree(to, GEN_IPADD, bytes, 2 * subnet->n);
}

/* A kind of name that is not mentioned would be free: addresses are excluded unless permitted, and
 * those of each version by themselves, because some clients do not compare the two. */
static bool
add_constraints(X509 *x, const struct text_list *permitted)
{
	NAME_CONSTRAINTS *c CLEANUP(own_constraints) = NAME_CONSTRAINTS_new();
	struct ip_subnet all[] = { { .n = 4 }, { .n = IP_BYTES } };
	bool excluded[] = { true, true };
	bool ok = c != NULL;

	for (size_t i = 0; ok && i < permitted->n; i++) {
		const char *text = permitted->v[i];
		struct ip_subnet subnet;

		if (ip_subnet_parse(text, &subnet) != NULL) {
			ok = add_subtree(&c->permittedSubtrees, GEN_DNS, text, strlen(text));
			continue;
		}
		ok = add_subnet(&c->permittedSubtrees, &subnet);
		excluded[subnet.n == IP_BYTES] = false;
	}
	for (size_t i = 0; ok && i < COUNT_OF(all); i++)
		ok = !excluded[i] || add_subnet(&c->excludedSubtrees, &all[i]);
	return ok && X509_add1_ext_i2d(x, NID_name_constraints, c, 1, X509V3_ADD_DEFAULT) == 1;
}

/* ---- the root ---- */

static bool
fill_root(X509 *x, EVP_PKEY *key, const struct root_plan *plan)
{
	/* The usage limits what is issued to servers, for all clients that look up the chain. */
	static const struct build_row rows[] = {
		{ NID_basic_constraints, "critical,CA:TRUE,pathlen:0" },
		{ NID_key_usage, "critical,keyCertSign,cRLSign" },
		{ NID_ext_key_usage, "serverAuth" },
		{ NID_subject_key_identifier, "hash" },
	};
	X509_NAME *name = X509_get_subject_name(x);
	/* Years of 365 days and the leap days that lie in them. */
	int64_t until_s = plan->now_s + (plan->years * 365 + plan->years / 4) * DAY_S;

	return build_begin(x) && build_period(x, plan->now_s, until_s) &&
	       X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
		   (const unsigned char *)plan->name, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, name) == 1 && X509_set_pubkey(x, key) == 1 &&
	       build_extensions(x, x, rows, COUNT_OF(rows)) &&
	       (plan->permitted.n == 0 || add_constraints(x, &plan->permitted)) &&
	       build_sign(x, key);
}

static usher_status
check_root(const struct root_plan *plan, struct usher_error *err)
{
	struct ip_subnet subnet;
	bool domain = plan->permitted.n == 0;

	for (size_t i = 0; !domain && i < plan->permitted.n; i++)
		domain = ip_subnet_parse(plan->permitted.v[i], &subnet) != NULL;
	if (!domain)
		return err_set(err, USHER_E_INPUT, plan->name,
		    "without a domain among the names, all domains would be permitted: give one");
	if (plan->name[0] == '\0' || strlen(plan->name) > COMMON_NAME_BYTES)
		return err_set(err, USHER_E_INPUT, "authority", "its name has 1 to %d bytes",
		    COMMON_NAME_BYTES);
	if (plan->kind == CERT_KEY_ED25519)
		return err_set(err, USHER_E_USAGE, plan->name,
		    "Windows and Apple's systems know no root with Ed25519: take p256 or rsa");
	return USHER_OK;
}

static usher_status
describe_root(struct arena *mem, const struct root_plan *plan, const X509 *x, struct authority *out,
    struct usher_error *err)
{
	BIO *pem CLEANUP(own_bio) = BIO_new(BIO_s_mem());
	struct certificate c;
	usher_status st;

	if (pem == NULL || PEM_write_bio_X509(pem, x) != 1)
		return failed(err, plan->name);
	st = cert_inspect(mem, bio_slice(pem), &c, err);
	if (st != USHER_OK)
		return st;
	*out = (struct authority){
		.name = plan->name,
		.sha256 = c.sha256,
		.subject = c.subject,
		.not_before = c.not_before,
		.not_after = c.not_after,
		.encrypted = plan->passphrase != NULL ? TRI_ON : TRI_OFF,
		.permitted = plan->permitted,
		.pem = c.pem,
	};
	return USHER_OK;
}

static usher_status
make_root(struct arena *mem, const struct root_plan *plan, struct slice key_pem,
    struct authority *out, struct buf *key, struct usher_error *err)
{
	EVP_PKEY *pair CLEANUP(own_pkey) = NULL;
	X509 *x CLEANUP(own_x509) = X509_new();
	usher_status st = key_load(key_pem, &pair, err);

	if (st != USHER_OK)
		return st;
	if (x == NULL || !fill_root(x, pair, plan))
		return failed(err, plan->name);
	if (plan->passphrase != NULL)
		st = cert_key_encrypt(key_pem, plan->passphrase, key, err);
	else
		buf_slice(key, key_pem);
	if (st == USHER_OK && key->status != USHER_OK)
		st = err_nomem(err, plan->name);
	return st == USHER_OK ? describe_root(mem, plan, x, out, err) : st;
}

usher_status
issue_root(struct arena *mem, const struct root_plan *plan, struct authority *out, struct buf *key,
    struct usher_error *err)
{
	usher_status st = check_root(plan, err);
	struct buf plain;

	if (st != USHER_OK)
		return st;
	buf_init(&plain, CERT_KEY_BYTES);
	st = cert_key_make(plan->kind, plan->rsa_bits, &plain, err);
	if (st == USHER_OK)
		st = make_root(mem, plan, buf_as_slice(&plain), out, key, err);
	buf_wipe(&plain);
	return st;
}

/* ---- what is asked for ---- */

/* The SANs, and the common name when it is a host name: Exchange and IIS ask for it so. A single
 * word may be anybody's name, and counts only when there is nothing else. */
static usher_status
asked_names(struct arena *mem, const struct request *request, struct text_list *out,
    struct usher_error *err)
{
	const char **v = arena_array(mem, request->names.n + 1, sizeof(*v));
	const char *host;
	usher_status st;
	size_t n = request->names.n;

	if (v == NULL)
		return err_nomem(err, "request");
	if (n > 0)
		memcpy(v, request->names.v, n * sizeof(*v));
	if (request->common_name != NULL && (n == 0 || strchr(request->common_name, '.') != NULL)) {
		st = cert_name_parse(mem, slice_of(request->common_name), &host, NULL);
		if (st == USHER_E_NOMEM)
			return err_nomem(err, "request");
		if (st == USHER_OK)
			v[n++] = host;
	}
	st = cert_names_parse(mem, &(struct text_list){ v, n }, out, err);
	if (st == USHER_OK && out->n == 0)
		st = err_set(err, USHER_E_INPUT, "request",
		    "it names no host: ask for one, as with --domain of `usher cert request`");
	return st;
}

static usher_status
check_request(const struct authority *by, const struct request *request,
    const struct text_list *names, struct usher_error *err)
{
	const char *outside = NULL;
	size_t n = 0;

	if ((request->faults & 1U << REQUEST_WANTS_CA) != 0)
		return err_set(err, USHER_E_INPUT, "request",
		    "it asks to be an authority itself; this one issues to servers only");
	if ((request->faults & 1U << REQUEST_WEAK_KEY) != 0)
		return err_set(err, USHER_E_INPUT, "request", "%s: %s", request->key,
		    request_fault_text(REQUEST_WEAK_KEY));
	for (size_t i = 0; i < names->n; i++) {
		if (issue_scope_has(&by->permitted, names->v[i]))
			continue;
		if (n++ == 0)
			outside = names->v[i];
	}
	if (n == 1)
		return err_set(err, USHER_E_INPUT, outside,
		    "`%s` may not vouch for it: leave it out, or make another authority with "
		    "--permit",
		    by->name);
	if (n > 1)
		return err_set(err, USHER_E_INPUT, outside,
		    "`%s` may not vouch for it and %zu more of the names: leave them out, or make "
		    "another authority with --permit",
		    by->name, n - 1);
	return USHER_OK;
}

/* ---- issuing ---- */

struct issuing {
	const struct issue_plan *plan;
	const struct request *request;
	struct text_list names;
	X509 *root;
	EVP_PKEY *root_key;
};

static void
own_issuing(struct issuing *i)
{
	X509_free(i->root);
	EVP_PKEY_free(i->root_key);
}

static usher_status
load_root(struct issuing *i, struct usher_error *err)
{
	const struct authority *by = i->plan->by;
	struct buf key;
	usher_status st;

	if (by->not_after <= i->plan->now_s)
		return err_set(err, USHER_E_TRUST, by->name,
		    "its root has expired: make another authority, and install its root");
	st = certificate_load(slice_of(by->pem), &i->root, err);
	if (st != USHER_OK)
		return st;
	buf_init(&key, CERT_KEY_BYTES);
	st = cert_key_read(i->plan->key_file, i->plan->passphrase, &key, err);
	if (st == USHER_OK)
		st = cert_key_fits(buf_as_slice(&key), slice_of(by->pem), err);
	if (st == USHER_OK)
		st = key_load(buf_as_slice(&key), &i->root_key, err);
	buf_wipe(&key);
	return st;
}

static bool
fill_leaf(X509 *x, const struct issuing *i)
{
	const unsigned char *spki = (const unsigned char *)i->request->public_key.p;
	const unsigned char *der = (const unsigned char *)i->request->subject_der.p;
	EVP_PKEY *key CLEANUP(own_pkey) = d2i_PUBKEY(NULL, &spki, (long)i->request->public_key.n);
	X509_NAME *subject CLEANUP(own_name) =
	    d2i_X509_NAME(NULL, &der, (long)i->request->subject_der.n);
	int64_t until_s = i->plan->now_s + i->plan->days * DAY_S;

	if (until_s > i->plan->by->not_after)
		until_s = i->plan->by->not_after;
	return key != NULL && subject != NULL && build_begin(x) &&
	       build_period(x, i->plan->now_s, until_s) && X509_set_subject_name(x, subject) == 1 &&
	       X509_set_issuer_name(x, X509_get_subject_name(i->root)) == 1 &&
	       X509_set_pubkey(x, key) == 1 && build_server_extensions(x, i->root, &i->names) &&
	       build_sign(x, i->root_key);
}

usher_status
issue_certificate(struct arena *mem, const struct issue_plan *plan, const struct request *request,
    struct certificate *out, struct usher_error *err)
{
	struct issuing i CLEANUP(own_issuing) = { plan, request, { 0 }, NULL, NULL };
	X509 *x CLEANUP(own_x509) = X509_new();
	BIO *pem CLEANUP(own_bio) = BIO_new(BIO_s_mem());
	usher_status st = asked_names(mem, request, &i.names, err);

	if (st == USHER_OK)
		st = check_request(plan->by, request, &i.names, err);
	if (st == USHER_OK)
		st = load_root(&i, err);
	if (st != USHER_OK)
		return st;
	if (x == NULL || pem == NULL || !fill_leaf(x, &i) || PEM_write_bio_X509(pem, x) != 1 ||
	    PEM_write_bio_X509(pem, i.root) != 1)
		return failed(err, "certificate");
	return cert_inspect(mem, bio_slice(pem), out, err);
}

/* ---- what was issued before ---- */

static bool
has_issued(const struct authority *by, struct slice pem)
{
	X509 *root CLEANUP(own_x509) = NULL;
	X509 *x CLEANUP(own_x509) = NULL;
	bool issued = certificate_load(slice_of(by->pem), &root, NULL) == USHER_OK &&
		      certificate_load(pem, &x, NULL) == USHER_OK &&
		      X509_verify(x, X509_get0_pubkey(root)) == 1;

	ERR_clear_error();
	return issued;
}

bool
issue_is_answer(
    struct arena *mem, const struct authority *by, struct slice pem, const struct request *request)
{
	struct text_list asked;
	struct certificate c;
	struct slice key;

	return has_issued(by, pem) && cert_public_key(mem, pem, &key, NULL, NULL) == USHER_OK &&
	       slice_eq(key, request->public_key) && cert_inspect(mem, pem, &c, NULL) == USHER_OK &&
	       asked_names(mem, request, &asked, NULL) == USHER_OK &&
	       text_list_equal(&c.names, &asked);
}
