/* proxy.h - which proxy stands between us and a host: by option, else by the environment. */
#ifndef USHER_NET_PROXY_H
#define USHER_NET_PROXY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/secret.h"
#include "base/url.h"
#include "model/field.h"
#include "usher/status.h"

enum { PROXY_PORT = 1080 }; /* where none is told (curl's meaning) */

/* The ways to log in to a proxy that asks: the strongest is taken. */
enum proxy_scheme {
	PROXY_BASIC = 1 << 0,
	PROXY_DIGEST = 1 << 1,
	PROXY_NTLM = 1 << 2,	  /* NTLMv2 only */
	PROXY_NEGOTIATE = 1 << 3, /* by the Kerberos tickets of the process, before it asks */
	PROXY_USUAL = PROXY_BASIC | PROXY_DIGEST
};

struct proxy {
	bool socks;	  /* SOCKS 5 (RFC 1928), else HTTP with CONNECT */
	const char *host; /* lower case A-labels, or an address; NULL: no proxy */
	uint16_t port;
	const char *login; /* NULL: none */
	struct secret password;
	unsigned schemes;	    /* enum proxy_scheme */
	struct text_list addresses; /* of its host, when they are known; filled in by the user */
};

struct proxies {
	struct proxy of[2];	/* of http and of https URLs */
	const char *exceptions; /* hosts that are asked directly; NULL: none */
};

/* What a caller chose; each may be NULL. */
struct proxy_choice {
	const char *url;	/* NULL: by the environment; "": none */
	const char *password;	/* for url's login; NULL: as url says */
	const char *exceptions; /* NULL: by the environment */
	const char *schemes;	/* `ntlm,basic` …; NULL: PROXY_USUAL */
};

/* Reads `[http://|socks5://|socks5h://][LOGIN[:PASSWORD]@]HOST[:PORT]`, and a list of hosts and
 * domains, or `*`. The environment is http_proxy (not HTTP_PROXY: a CGI program's request could set
 * it), https_proxy, all_proxy, no_proxy, and the last three in capitals.
 * USHER_E_USAGE: not like that; the message never holds the text. USHER_E_NOMEM. */
USHER_CHECK usher_status
proxies_read(struct arena *mem, const struct proxy_choice *choice, struct proxies *out,
    struct usher_error *err);

/* A zeroed struct is fine. */
void
proxies_clear(struct proxies *p);

/* Some URL may go through one. */
bool
proxies_any(const struct proxies *p);

/* NULL: the URL is asked directly. */
struct proxy *
proxies_for(struct proxies *p, const struct url *url);

#endif
