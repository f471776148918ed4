/* http.h - HTTP requests of the client side: several at once, bounded, never redirected.
 *
 * No cookies, no .netrc, no cached logins; nothing is read from the environment. */
#ifndef USHER_NET_HTTP_H
#define USHER_NET_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/secret.h"
#include "base/url.h"
#include "model/evidence.h"
#include "model/scheme.h"
#include "net/poller.h"
#include "net/proxy.h"
#include "net/tls.h"
#include "usher/status.h"

enum {
	HTTP_HEAD_BYTES = 64 * 1024, /* all response fields, interim responses included */
	HTTP_FIELDS_MAX = 200,
	HTTP_CHALLENGES_MAX = 16,
	HTTP_TRANSFERS_MAX = 16 /* under way at once */
};

enum http_failure {
	HTTP_OK = 0, /* a complete response of any status */
	HTTP_REFUSED,
	HTTP_UNREACHABLE,
	HTTP_UNRESOLVED, /* only where the library resolves: proxies, http_get() */
	HTTP_BROKEN_OFF,
	HTTP_TIMED_OUT,
	HTTP_TLS,
	HTTP_OVERSIZED,
	HTTP_NOT_HTTP,
	HTTP_PROXY,    /* the proxy does not let us through */
	HTTP_NO_LOGIN, /* the scheme's handshake broke down before anything was proved */
	HTTP_STOPPED,
	HTTP_INTERNAL
};

struct http_request {
	const struct url *url;
	struct text_list addresses;  /* to connect to; empty: a proxy or the system resolves */
	uint16_t connect_port;	     /* 0: the URL's */
	const struct proxy *proxy;   /* with its addresses; NULL: none */
	const char *connect_host;    /* with a proxy: what it connects to; NULL: the URL's */
	struct slice body;	     /* POSTed when not empty, else GET; copied */
	const char *content_type;    /* with a body */
	const char *const *fields;   /* further `Name: value`; NULL-terminated, or NULL */
	enum auth_scheme scheme;     /* NONE: anonymous. Else this one alone, and https only */
	const char *login;	     /* BASIC, NTLM: `name`, `name@domain`, `DOMAIN\\name` */
	const struct secret *secret; /* BASIC, NTLM: the password; BEARER: the token */
	size_t body_max;	     /* of the response */
	bool body_always;	     /* else only the body of a 200 is read and kept … */
	bool body_of_500;	     /* … and of a 500, where faults are told so … */
	bool body_never;	     /* … or none: the head is all that is wanted */
	uint64_t connect_ms;	     /* TLS included */
	uint64_t total_ms;	     /* 0: until stopped */
};

/* All in the arena given to http_take(). What is known is filled in after a failure too. */
struct http_response {
	uint32_t id;
	enum http_failure failure;
	const char *detail; /* one line, NULL when HTTP_OK */
	int64_t status;	    /* NUMBER_ABSENT: no response */
	const char *location;
	const char *content_type;
	struct text_list challenges; /* WWW-Authenticate fields */
	bool offers_soap;	     /* there is a field X-SOAP-Enabled, whatever it says */
	struct slice body;
	struct tls_evidence tls; /* of the connection that carried it, reused ones included */
};

struct http;

/* `trust` and `poller` outlive it. USHER_E_INTERNAL: libcurl lacks what we need; USHER_E_NOMEM. */
USHER_CHECK usher_status
http_new(
    struct tls_trust *trust, struct poller *poller, struct http **out, struct usher_error *err);

/* Drops what is under way. NULL is ignored. */
void
http_free(struct http *http);

/* Begins; the response comes from http_take() under `id`.
 * USHER_E_LIMIT, USHER_E_NOMEM, USHER_E_TRUST (a login for an http URL), USHER_E_CREDENTIALS (the
 * scheme cannot be used with these; `err` says why). */
USHER_CHECK usher_status
http_start(
    struct http *http, uint32_t id, const struct http_request *request, struct usher_error *err);

/* The transfer ends with HTTP_STOPPED, keeping what had come. */
void
http_stop(struct http *http, uint32_t id);

/* Begins what was started and does what time demands; what sockets demand is done when the poller
 * calls back. USHER_E_INTERNAL. */
USHER_CHECK usher_status
http_work(struct http *http, struct usher_error *err);

/* When http_work() wants to run at the latest, by clock_mono_ms(); UINT64_MAX: no need. */
uint64_t
http_wake_ms(const struct http *http);

/* True: a transfer has ended and *out describes it, in `mem`. When `mem` is too small for that the
 * failure is HTTP_OVERSIZED. */
bool
http_take(struct http *http, struct arena *mem, struct http_response *out);

/* One blocking GET of an http or https URL, redirects not followed. Only the response's own failure
 * is USHER_OK with out->failure set. `trust` may be NULL for http. */
USHER_CHECK usher_status
http_get(struct tls_trust *trust, struct arena *mem, const struct url *url, size_t body_max,
    uint64_t timeout_ms, struct http_response *out, struct usher_error *err);

#endif
