/* issue.h - a private authority: its root, and the certificates it issues with the profile that
 * Windows Certificate Services call Web Server.
 *
 * A root is trusted for all that it may vouch for by everybody who installs it. So it vouches for
 * servers only, for no further authority, and by default for nothing but the names that it is made
 * for (RFC 5280, 4.2.1.10). */
#ifndef USHER_CERT_ISSUE_H
#define USHER_CERT_ISSUE_H

#include "cert/key.h"
#include "cert/request.h"
#include "model/org.h"

enum {
	ROOT_YEARS = 10,
	ROOT_YEARS_MAX = 30,
	ISSUE_DAYS = 397,    /* what all clients take from any authority */
	ISSUE_DAYS_MAX = 825 /* Apple's systems refuse longer ones from private authorities */
};

/* A name that a root may be made for, in its one form: a domain with all below it, in A-labels; an
 * IP address or a subnet. Top-level domains and public suffixes are refused.
 *
 * Returns USHER_OK, USHER_E_ADDRESS, USHER_E_NOMEM. */
USHER_CHECK usher_status
issue_scope_parse(struct arena *mem, const char *text, const char **out, struct usher_error *err);

/* A root with this scope may vouch for `name`, a SAN as certificates have it. An empty scope is all
 * names. */
bool
issue_scope_has(const struct text_list *scope, const char *name);

struct root_plan {
	const char *name; /* common name; COMMON_NAME_BYTES at most */
	enum cert_key_kind kind;
	int rsa_bits;
	struct text_list permitted;	 /* by issue_scope_parse(); empty: all names */
	const struct secret *passphrase; /* of its key; NULL: none */
	int64_t now_s;
	int64_t years; /* 1 to ROOT_YEARS_MAX */
};

/* Makes a root: all of *out is set, in `mem` and of the plan. Its key is appended to `key` as
 * PEM (PKCS #8), which the caller wipes.
 *
 * Returns USHER_OK, USHER_E_INPUT (the name is too long, or no domain is permitted), USHER_E_USAGE
 * (the kind of key is none for a root), USHER_E_NOMEM, USHER_E_INTERNAL. */
USHER_CHECK usher_status
issue_root(struct arena *mem, const struct root_plan *plan, struct authority *out, struct buf *key,
    struct usher_error *err);

struct issue_plan {
	const struct authority *by;
	struct slice key_file;		 /* the authority's key, as issue_root() made it */
	const struct secret *passphrase; /* NULL: none */
	int64_t now_s;
	int64_t days; /* 1 to ISSUE_DAYS_MAX; no certificate outlives its root */
};

/* Issues a certificate for a request: for its key, its subject and its SANs, with its common name
 * among them when that is a host name. *out is as by cert_inspect(); its `pem` is the certificate
 * and the root behind it.
 *
 * Returns USHER_OK, USHER_E_INPUT (the request asks for what is not issued; says what and why),
 * USHER_E_CONFLICT (the key is not the root's), USHER_E_CREDENTIALS (the passphrase is missing or
 * wrong), USHER_E_TRUST (the root has expired), USHER_E_NOMEM, USHER_E_INTERNAL. */
USHER_CHECK usher_status
issue_certificate(struct arena *mem, const struct issue_plan *plan, const struct request *request,
    struct certificate *out, struct usher_error *err);

/* `pem` begins with a certificate that the authority has issued for the request's key and all of
 * its names. */
bool
issue_is_answer(
    struct arena *mem, const struct authority *by, struct slice pem, const struct request *request);

#endif
