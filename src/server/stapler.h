/* stapler.h - gets OCSP responses for the certificates that are served, in a thread of its own, so
 * that a responder can be slow, wrong or down at no cost but the staple. */
#ifndef USHER_SERVER_STAPLER_H
#define USHER_SERVER_STAPLER_H

#include <stdatomic.h>
#include <stdint.h>

#include "server/tls.h"

enum {
	STAPLER_FETCH_MS = 10 * 1000, /* for one response, from connecting on */
	STAPLER_RENEW_MIN_S = 60,     /* between two answers about one certificate */
	STAPLER_RETRY_S = 60,	      /* after the first failure; doubles … */
	STAPLER_RETRY_MAX_S = 3600    /* … up to this */
};

/* When to ask again: in the middle of the answer's life, or of what is left of it. */
int64_t
stapler_renewal(int64_t this_update, int64_t next_update, int64_t now_s);

/* How long to wait after so many failures in a row, 1 or more. */
int64_t
stapler_wait_s(unsigned failures);

/* Lives as long as the process, through reloads. Any thread. */
struct stapler;

/* Counts into *fetched and *failed, which outlive it. USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
stapler_new(_Atomic uint64_t *fetched, _Atomic uint64_t *failed, struct stapler **out,
    struct usher_error *err);

/* Ends the thread without waiting for a responder. NULL is ignored. */
void
stapler_free(struct stapler *s);

/* From now on responders are asked. A proxy is taken from the environment.
 * Returns as proxies_read(), trust_open(), poller_new() and http_new(), and USHER_E_IO. */
USHER_CHECK usher_status
stapler_start(struct stapler *s, struct usher_error *err);

/* What is or will be at hand for a chain, the same one for the same chain; `label` is for the log.
 * The caller has a reference; when the last is gone, responders are not asked about it any more.
 * USHER_OK, USHER_E_NOMEM. */
USHER_CHECK usher_status
stapler_get(struct stapler *s, const char *label, struct slice chain_pem, struct tls_staple **out,
    struct usher_error *err);

/* What failed is tried again at once. */
void
stapler_retry(struct stapler *s);

#endif
