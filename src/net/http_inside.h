/* http_inside.h - what the files of the HTTP client share; http.h is what others see. */
#ifndef USHER_NET_HTTP_INSIDE_H
#define USHER_NET_HTTP_INSIDE_H

#include <curl/curl.h>

#include "base/buf.h"
#include "net/http.h"
#include "net/race.h"

enum { HTTP_PLACES_MAX = 16, HTTP_PLACE_BYTES = INET6_ADDRSTRLEN + 8 };

struct transfer {
	uint32_t id;
	CURL *easy;
	struct http *http;
	struct arena *mem; /* the strings below */
	const char *host;
	uint16_t port;
	char error[CURL_ERROR_SIZE];
	struct curl_slist *fields;
	struct curl_slist *connect_to;
	struct curl_slist *resolve;
	struct buf request;

	uint64_t begun_ms;
	uint64_t connect_ms;
	uint64_t total_ms;
	struct race race; /* to the addresses of race_host */
	bool racing;	  /* libcurl has not begun */
	int connected;	  /* the last socket we opened for it, when that was the race's; else -1 */
	const char *race_host;
	uint16_t race_port;

	struct buf body;
	bool body_always;
	bool body_of_500;
	bool body_never;
	size_t head_bytes;
	size_t n_fields;
	size_t drained;
	bool head_done; /* of the final response */
	bool oversized;
	bool lost_socket; /* libcurl has closed one of its sockets */

	enum auth_scheme scheme;
	unsigned refusals;	/* 401s in this handshake */
	bool proved;		/* the scheme's last message goes out, or has gone */
	const char *auth_fault; /* why it does not; NULL: none yet */

	bool proxied;
	bool tunnelled;		/* by CONNECT */
	bool proxy_login;	/* we have one for it */
	const char *proxy_lack; /* why one of its schemes cannot be used; NULL: none */
	struct curl_slist *proxy_fields;
	const char *proxy_name;	 /* HOST:PORT */
	const char *proxy_fault; /* what it said or did; NULL: nothing wrong */

	const char *location;
	const char *content_type;
	const char *challenges[HTTP_CHALLENGES_MAX];
	size_t n_challenges;
	bool offers_soap;
	struct tls_check check;
	struct tls_evidence tls;

	bool done;
	enum http_failure failure;
	int64_t status;
};

/* What was seen of a host when its connection was made, for requests that use it again. */
struct seen {
	struct seen *next;
	struct arena *mem;
	const char *host;
	uint16_t port;
	struct tls_evidence tls;
};

struct http {
	CURLM *multi;
	struct tls_trust *trust;
	struct poller *poller;
	uint64_t wake_ms; /* when libcurl wants to be called without a socket; UINT64_MAX: never */
	CURLMcode failed; /* the first failure of the whole */
	struct transfer *transfers[HTTP_TRANSFERS_MAX];
	struct seen *seen;
	char places[HTTP_PLACES_MAX][HTTP_PLACE_BYTES]; /* the last that won a race */
	size_t n_places;
};

/* A transfer that only has to be added to the multi handle, by connect_work() when it is racing.
 * NULL: out of memory. */
struct transfer *
transfer_new(struct http *http, uint32_t id, const struct http_request *r);

/* NULL is ignored. */
void
transfer_free(struct transfer *t);

/* The transfer is over, as libcurl says. */
void
transfer_finish(struct transfer *t, CURLcode code);

/* The transfer was stopped by us. */
void
transfer_stop(struct transfer *t);

/* Copies what came to `mem`. False: it is too small for that. */
bool
transfer_response(struct arena *mem, const struct transfer *t, struct http_response *out);

/* Keeps what the handshake showed for later requests on the same connection, and with it the
 * transfer's arena. */
void
transfer_remember(struct transfer *t);

/* A host as it stands before a port: an IPv6 address in brackets. NULL: out of memory. */
const char *
transfer_bracketed(struct arena *mem, const char *host);

/* False: out of memory, or of `line`. */
bool
transfer_add_line(struct curl_slist **list, const char *line);

/* ---- http_connect.c ---- */

/* The addresses of the host to connect to, and no others; none: libcurl looks it up. Several make a
 * race (RFC 8305), unless one of them has won before: then that is the first to be tried. */
bool
transfer_set_addresses(
    struct transfer *t, const char *host, uint16_t port, const struct text_list *addresses);

/* Tells libcurl what time there is left. */
bool
transfer_set_times(struct transfer *t, uint64_t now_ms);

/* Goes on with the races; transfers that have a connection begin, those without hope end. */
void
connect_work(struct http *http);

/* When connect_work() wants to run at the latest; UINT64_MAX: no need. */
uint64_t
connect_wake_ms(const struct http *http);

/* ---- http_proxy.c ---- */

/* Makes the transfer go through the request's proxy, or through none. False: out of memory. */
bool
proxy_set(struct transfer *t, const struct http_request *r);

/* `failure`, unless it is the proxy that failed. */
enum http_failure
proxy_failure(struct transfer *t, CURLcode code, enum http_failure failure);

/* The line of a head is the proxy's. When it asks for what is not safe, t->proxy_fault says so, and
 * libcurl must not get on. */
bool
proxy_takes_line(struct transfer *t, struct slice line);

/* ---- http_auth.c ---- */

/* False: *why says so. */
bool
auth_can_ntlm(const char *login, const char *password, const char **why);

/* Adds the field `name` with a token for `host`. As negotiate_token(). */
USHER_CHECK usher_status
auth_add_ticket(
    struct curl_slist **fields, const char *name, const char *host, struct usher_error *err);

/* Whether libcurl answers this challenge of NTLM, in Base64, by NTLMv2. */
bool
auth_is_ntlm_v2(struct slice token);

extern const char auth_not_v2[];

/* Makes the transfer log in by the request's scheme and no other.
 * USHER_E_CREDENTIALS: it cannot with what the request holds; *err says why. USHER_E_NOMEM. */
USHER_CHECK usher_status
auth_start(struct transfer *t, const struct http_request *r, struct usher_error *err);

/* A WWW-Authenticate field has come. */
void
auth_on_challenge(struct transfer *t, struct slice value);

/* A response's head is complete. False: libcurl must not get on with the handshake. */
bool
auth_goes_on(struct transfer *t);

/* After the end: the handshake broke down before anything was proved. */
bool
auth_broke_down(const struct transfer *t);

/* ---- http_response.c ---- */

/* Whether the body of this response is part of the answer. */
bool
transfer_wants_body(const struct transfer *t);

#endif
