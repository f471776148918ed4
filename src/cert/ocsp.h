/* ocsp.h - whether a certificate has been revoked: what its responder is asked and what it answers
 * (RFC 6960, in the profile of RFC 5019). */
#ifndef USHER_CERT_OCSP_H
#define USHER_CERT_OCSP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "cert/trust.h"
#include "usher/status.h"

enum {
	OCSP_RESPONSE_BYTES = 64 * 1024,
	OCSP_SKEW_S = 300,    /* by which the responder's clock may be ahead */
	OCSP_UNDATED_S = 3600 /* how long an answer holds that does not say it */
};

struct ocsp_question {
	const char *url;  /* to GET; NULL: the certificate names no responder */
	const char *pair; /* PEM of the certificate and its issuer, for ocsp_read() */
	bool must_staple; /* clients refuse it without an answer beside it (RFC 7633) */
};

/* What to ask about a chain's first certificate; all in `mem`. Responders know certificates by
 * their issuer: it is in the chain, or else an anchor of `trust` (may be NULL).
 *
 * Returns USHER_OK, USHER_E_INPUT (no chain), USHER_E_ABSENT (there is a responder, but the issuer
 * is not to be found), USHER_E_LIMIT, USHER_E_NOMEM. */
USHER_CHECK usher_status
ocsp_ask(struct arena *mem, struct slice chain_pem, const struct trust *trust,
    struct ocsp_question *out, struct usher_error *err);

enum ocsp_state {
	OCSP_GOOD = 0, /* not revoked */
	OCSP_REVOKED,
	OCSP_UNKNOWN /* the responder has never heard of it */
};

struct ocsp_answer {
	enum ocsp_state state;
	int64_t this_update; /* Unix seconds: what it tells was so then, … */
	int64_t next_update; /* … and until then it may be shown; now_s is before it */
	int64_t revoked;     /* OCSP_REVOKED: since when */
	const char *reason;  /* OCSP_REVOKED: constant text as `keyCompromise`; NULL: none given */
};

/* Reads a response (DER) about the first certificate of `pair` and verifies all of it: that the
 * issuer, or one whom it charged with this, has signed it, and that it holds at `now_s`. No I/O.
 *
 * Returns USHER_OK
 *         USHER_E_PEER   no response, one that says no, about another certificate, or outdated
 *         USHER_E_TRUST  signed by somebody else
 *         USHER_E_INPUT, USHER_E_ABSENT (`pair`, as ocsp_ask()), USHER_E_LIMIT, USHER_E_NOMEM */
USHER_CHECK usher_status
ocsp_read(struct slice pair, struct slice response, int64_t now_s, struct ocsp_answer *out,
    struct usher_error *err);

#endif
