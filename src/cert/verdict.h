/* verdict.h - whether a certificate will do: as Exchange names it, and what is wrong with it.
 *
 * Nothing here reads a clock or asks a network; who is believed is read before (cert/trust.h). */
#ifndef USHER_CERT_VERDICT_H
#define USHER_CERT_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "cert/trust.h"
#include "model/field.h"
#include "usher/status.h"

/* Get-ExchangeCertificate's column Status. */
enum cert_status {
	CERT_UNKNOWN = 0, /* it cannot be read */
	CERT_VALID,
	CERT_INVALID,
	CERT_DATE_INVALID,
	CERT_PENDING_REQUEST,
	CERT_REVOKED,
	CERT_REVOCATION_CHECK_FAILURE,
	CERT_UNTRUSTED
};

/* `Valid`, `DateInvalid` … Never NULL. */
const char *
cert_status_name(enum cert_status status);

enum cert_fault {
	CERT_FAULT_EXPIRED = 0,
	CERT_FAULT_NOT_YET_VALID,
	CERT_FAULT_EXPIRES_SOON, /* less than 30 days, or a third of its life when that is less */
	CERT_FAULT_REVOKED,
	CERT_FAULT_SELF_SIGNED,	    /* and no anchor */
	CERT_FAULT_UNTRUSTED_ROOT,  /* the chain ends in a root that is no anchor */
	CERT_FAULT_NO_INTERMEDIATE, /* the chain ends below any root or anchor */
	CERT_FAULT_CHAIN_BROKEN,    /* a signature in it is wrong, or its CA may not issue this */
	CERT_FAULT_CHAIN_EXPIRED,   /* a certificate above the leaf is out of its dates */
	CERT_FAULT_WEAK_KEY,	    /* RSA below 2048 bits, DSA, a curve below 256 bits */
	CERT_FAULT_WEAK_SIGNATURE,  /* MD5 or SHA-1 below the anchor */
	CERT_FAULT_IS_CA,
	CERT_FAULT_WRONG_USAGE,	 /* its usages leave out TLS servers */
	CERT_FAULT_NO_SAN,	 /* a common name only */
	CERT_FAULT_NAME_MISSING, /* see `missing` */
	CERT_FAULT_OTHER_KEY,	 /* the key is another's */
	CERT_FAULT_COUNT
};

struct cert_fault_row {
	const char *id;	  /* `cert-expired`: stable, for programs */
	const char *what; /* fixed texts, no full stop */
	const char *whom; /* who notices, and how */
	const char *todo;
	enum cert_status status; /* that it gives; CERT_VALID when it gives none */
};

extern const struct cert_fault_row cert_faults[CERT_FAULT_COUNT];

enum revocation { REVOCATION_UNASKED = 0, REVOCATION_GOOD, REVOCATION_REVOKED, REVOCATION_FAILED };

struct verdict_question {
	struct slice pem;	       /* chain, leaf first */
	struct slice key_pem;	       /* empty: not looked at */
	const struct text_list *hosts; /* it should cover, A-labels or addresses; NULL: none */
	const struct trust *trust;
	enum revocation revocation; /* what a responder said */
	int64_t now_s;
};

struct verdict {
	enum cert_status status;
	unsigned faults;	  /* bit 1 << enum cert_fault */
	struct text_list missing; /* of `hosts`: those it does not cover */
	int64_t days_left;	  /* whole days until it expires; negative afterwards */
	const char *key;	  /* `RSA 2048`, as cert_key_text() */
	const char *signature;	  /* algorithm as OpenSSL names it */
	bool self_signed;
};

/* A wildcard stands for one label (RFC 6125, 6.4.3); the common name counts for nothing when there
 * are SANs, and is no name that covers a host when there are none (RFC 9525, 2).
 *
 * Returns USHER_OK, also when everything is wrong with the certificate and also when it cannot be
 * read (CERT_UNKNOWN); USHER_E_NOMEM. */
USHER_CHECK usher_status
verdict_of(struct arena *mem, const struct verdict_question *q, struct verdict *out,
    struct usher_error *err);

/* A certificate with these SANs is one for `host` (a name or an IP address). */
bool
cert_names_cover(const struct text_list *names, const char *host);

#endif
