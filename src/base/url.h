/* url.h - http and https URLs (RFC 3986), the only kinds usher follows. */
#ifndef USHER_BASE_URL_H
#define USHER_BASE_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"
#include "usher/status.h"

enum { URL_MAX_BYTES = 2048 };

struct url {
	bool https;
	bool userinfo; /* had `user@` or `user:password@`: never followed; the text is dropped */
	bool explicit_port; /* a port was written, even if the usual one, which `text` leaves out */
	bool ip_literal;    /* host is an IPv4 address or an IPv6 address (without brackets) */
	uint16_t port;	    /* 80 and 443 filled in */
	const char *host;   /* lower case A-labels, or an address */
	const char *path;   /* begins with `/`; as sent, but what no URL may hold is %XX */
	const char *query;  /* without `?`; NULL when there is none */
	const char *text;   /* the whole in canonical spelling, without fragment and userinfo */
};

/* Absolute `http:` or `https:` URL, at most URL_MAX_BYTES as written and in canonical spelling, no
 * control byte, no blank, no backslash, UTF-8. Addresses in other than the usual spelling (`127.1`,
 * `0x7f000001`) and hosts with a %XX are refused.
 * Returns USHER_OK, USHER_E_INPUT, USHER_E_NOMEM. */
USHER_CHECK usher_status
url_parse(struct arena *mem, struct slice text, struct url *out, struct usher_error *err);

/* Resolves a reference, as from a Location header, against `base` (RFC 3986, 5.2).
 * Returns as url_parse(). */
USHER_CHECK usher_status
url_resolve(struct arena *mem, const struct url *base, struct slice reference, struct url *out,
    struct usher_error *err);

/* Same scheme, host, port; path without regard to case; query exactly. */
bool
url_same(const struct url *a, const struct url *b);

/* Appends `s` with all but unreserved characters as %XX (RFC 3986, 2.3). */
void
url_escape(struct buf *b, struct slice s);

/* Appends the URL that begins a letter to an address (RFC 6068, 2). */
void
url_mailto(struct buf *b, const char *address);

/* Appends `s` with every %XX decoded; `+` stays. False on a broken escape or a decoded NUL. */
bool
url_unescape(struct buf *b, struct slice s);

#endif
