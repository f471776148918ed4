/* tls.h - the client's judgement of certificates: chain, name, dates, and the evidence of each. */
#ifndef USHER_NET_TLS_H
#define USHER_NET_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "model/evidence.h"
#include "usher/status.h"

enum {
	TLS_NAMES_MAX = 128, /* names of one certificate that are recorded; all are compared */
	TLS_EVIDENCE_BYTES = 64 * 1024
};

struct tls_trust;

/* What certificates are judged by: the roots in `ca_file` (PEM), else the system's; the date
 * `now_s` (Unix seconds), 0 for the clock's.
 * USHER_E_INPUT, USHER_E_PERMISSION: the file; USHER_E_NOMEM. */
USHER_CHECK usher_status
tls_trust_new(const char *ca_file, int64_t now_s, struct tls_trust **out, struct usher_error *err);

/* NULL is ignored. */
void
tls_trust_free(struct tls_trust *trust);

/* One connection's verification. Caller's storage; outlives the handshake. */
struct tls_check {
	struct tls_trust *trust;
	const char *host; /* A-labels or an IP address: the name the certificate must carry */
	struct arena *mem;
	struct tls_evidence *out; /* filled in during the handshake */
	bool wants_certificate;	  /* the peer asked for one of ours during it; we have none */
};

void
tls_evidence_init(struct tls_evidence *e);

/* Prepares the TLS library's context (an `SSL_CTX *`) before a handshake: TLS 1.2 and later, our
 * roots, our verification; a certificate that does not pass ends the handshake. False: out of
 * memory. */
bool
tls_check_install(void *context, struct tls_check *check);

#endif
