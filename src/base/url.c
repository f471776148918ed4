/* url.c - splitting, resolving and writing http and https URLs. */
#include "base/url.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/text.h"

/* A reference cut at its delimiters (RFC 3986, appendix B); the fragment is dropped. */
struct parts {
	struct slice scheme;	/* without `:` */
	struct slice authority; /* without `//` */
	struct slice path;
	struct slice query; /* without `?` */
	bool has_scheme, has_authority, has_query;
};

static bool
is_scheme_char(char c)
{
	return text_is_alnum(c) || c == '+' || c == '-' || c == '.';
}

static struct parts
split(struct slice text)
{
	struct parts p = { 0 };
	size_t n = 0;

	text.n = slice_find(text, '#');
	while (n < text.n && is_scheme_char(text.p[n]))
		n++;
	if (n > 0 && n < text.n && text.p[n] == ':' && text_is_alpha(text.p[0])) {
		p.scheme = slice_from(text.p, n);
		p.has_scheme = true;
		text = slice_skip(text, n + 1);
	}
	if (slice_starts(text, SLICE_LITERAL("//"))) {
		text = slice_skip(text, 2);
		n = 0;
		while (n < text.n && text.p[n] != '/' && text.p[n] != '?')
			n++;
		p.authority = slice_from(text.p, n);
		p.has_authority = true;
		text = slice_skip(text, n);
	}
	n = slice_find(text, '?');
	p.path = slice_from(text.p, n);
	p.has_query = n < text.n;
	p.query = slice_skip(text, n + 1);
	return p;
}

static usher_status
refuse(struct slice text, const char *why, struct usher_error *err)
{
	return err_set(err, USHER_E_INPUT, "URL", "'%.*s' %s", text.n > 200 ? 200 : (int)text.n,
	    text.n == 0 ? "" : text.p, why);
}

/* Bytes that cannot stand in any URL, whatever is done to them. */
static const char *
text_fault(struct slice text)
{
	if (text.n > URL_MAX_BYTES)
		return "is longer than 2048 bytes";
	if (!text_utf8_valid(text) || text_has_control(text))
		return "holds control bytes or is not UTF-8";
	if (slice_find(text, ' ') != text.n)
		return "holds a blank: write it as %20";
	/* Some programs read it as `/`, and so see another host than we do. */
	if (slice_find(text, '\\') != text.n)
		return "holds a backslash";
	return NULL;
}

/* Appends path or query; what RFC 3986 does not allow there is written as %XX. */
static void
put_encoded(struct buf *b, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x80 || strchr("\"<>^`{|}", c) != NULL)
			buf_printf(b, "%%%02X", (unsigned)c);
		else
			buf_char(b, s.p[i]);
	}
}

/* Takes `name`, an IPv4 address, or an IPv6 address when it stood in brackets. */
static usher_status
read_host(
    struct arena *mem, struct slice host, bool bracketed, struct url *out, struct usher_error *err)
{
	char text[INET6_ADDRSTRLEN] = "";
	unsigned char address[sizeof(struct in6_addr)];
	int family = bracketed ? AF_INET6 : AF_INET;
	usher_status st;

	if (host.n > 0 && host.n < sizeof(text))
		memcpy(text, host.p, host.n);
	out->ip_literal = inet_pton(family, text, address) == 1;
	if (out->ip_literal) {
		if (inet_ntop(family, address, text, sizeof(text)) == NULL)
			return err_set(err, USHER_E_INTERNAL, "URL", "cannot write an address");
		out->host = arena_strdup(mem, text);
		return out->host == NULL ? err_nomem(err, "URL") : USHER_OK;
	}
	if (bracketed)
		return refuse(host, "is no IPv6 address", err);
	st = domain_parse(mem, host, &out->host, err);
	/* The caller asked about a URL. */
	if (st == USHER_E_ADDRESS) {
		st = USHER_E_INPUT;
		if (err != NULL)
			err->status = st;
	}
	return st;
}

/* `[userinfo@]host[:port]` (RFC 3986, 3.2). */
static usher_status
read_authority(struct arena *mem, struct slice authority, struct url *out, struct usher_error *err)
{
	size_t at = slice_find_last(authority, '@');
	bool bracketed;
	struct slice host, port;
	uint64_t number;

	out->userinfo = at < authority.n;
	if (out->userinfo)
		authority = slice_skip(authority, at + 1);
	bracketed = authority.n > 0 && authority.p[0] == '[';
	if (bracketed) {
		host = slice_from(authority.p + 1, slice_find(slice_skip(authority, 1), ']'));
		port = slice_skip(authority, host.n + 2);
		if (host.n + 2 > authority.n || (port.n > 0 && port.p[0] != ':'))
			return refuse(authority, "is no IPv6 address with an optional port", err);
	} else {
		host = slice_from(authority.p, slice_find(authority, ':'));
		port = slice_skip(authority, host.n);
	}
	port = slice_skip(port, 1);
	out->port = out->https ? 443 : 80;
	out->explicit_port = port.n > 0;
	if (out->explicit_port) {
		if (!text_number(port, 1, UINT16_MAX, &number))
			return refuse(authority, "has a port that is not 1 to 65535", err);
		out->port = (uint16_t)number;
	}
	return read_host(mem, host, bracketed, out, err);
}

/* From parts of an absolute URL to *out. `text` is for messages. */
static usher_status
finish(struct arena *mem, const struct parts *p, struct slice text, struct url *out,
    struct usher_error *err)
{
	CLEANUP(buf_cleanup) struct buf b = { 0 };
	size_t path_at, query_at;
	struct url u = { 0 };
	usher_status st;
	char *canonical;

	buf_init(&b, URL_MAX_BYTES);
	u.https = slice_is_nocase(p->scheme, "https");
	if (!u.https && !slice_is_nocase(p->scheme, "http"))
		return refuse(text, "does not begin with https:// or http://", err);
	if (!p->has_authority || p->authority.n == 0)
		return refuse(text, "names no host", err);
	st = read_authority(mem, p->authority, &u, err);
	if (st != USHER_OK)
		return st;

	buf_text(&b, u.https ? "https://" : "http://");
	buf_printf(&b, strchr(u.host, ':') != NULL ? "[%s]" : "%s", u.host);
	if (u.port != (u.https ? 443 : 80))
		buf_printf(&b, ":%u", (unsigned)u.port);
	path_at = b.n;
	if (p->path.n == 0)
		buf_char(&b, '/');
	put_encoded(&b, p->path);
	query_at = b.n;
	if (p->has_query) {
		buf_char(&b, '?');
		put_encoded(&b, p->query);
	}
	if (b.status == USHER_E_LIMIT)
		return refuse(text, "is longer than 2048 bytes in canonical spelling", err);
	if (b.status != USHER_OK)
		return err_nomem(err, "URL");

	canonical = arena_copy(mem, buf_as_slice(&b));
	u.path = arena_copy(mem, slice_from(b.p + path_at, query_at - path_at));
	if (canonical == NULL || u.path == NULL)
		return err_nomem(err, "URL");
	u.text = canonical;
	if (p->has_query)
		u.query = canonical + query_at + 1;
	*out = u;
	return USHER_OK;
}

usher_status
url_parse(struct arena *mem, struct slice text, struct url *out, struct usher_error *err)
{
	const char *fault = text_fault(text);
	struct parts p;

	if (fault != NULL)
		return refuse(text, fault, err);
	p = split(text);
	return finish(mem, &p, text, out, err);
}

/* RFC 3986, 5.2.4, for a path that begins with `/`. */
static void
put_without_dots(struct buf *b, struct slice path)
{
	size_t from = b->n;

	while (path.n > 0) {
		struct slice segment;
		bool last;

		path = slice_skip(path, 1);
		segment = slice_from(path.p, slice_find(path, '/'));
		last = segment.n == path.n;
		path = slice_skip(path, segment.n);
		if (slice_is(segment, "..")) {
			struct slice so_far = slice_skip(buf_as_slice(b), from);

			if (so_far.n > 0)
				buf_cut(b, from + slice_find_last(so_far, '/'));
		} else if (!slice_is(segment, ".")) {
			buf_char(b, '/');
			buf_slice(b, segment);
			continue;
		}
		if (last)
			buf_char(b, '/');
	}
}

usher_status
url_resolve(struct arena *mem, const struct url *base, struct slice reference, struct url *out,
    struct usher_error *err)
{
	CLEANUP(buf_cleanup) struct buf merged = { 0 };
	CLEANUP(buf_cleanup) struct buf path = { 0 };
	struct slice base_path = slice_of(base->path);
	const char *fault = text_fault(reference);
	struct parts from, p;

	buf_init(&merged, 2 * URL_MAX_BYTES);
	buf_init(&path, 2 * URL_MAX_BYTES);
	if (fault != NULL)
		return refuse(reference, fault, err);
	p = split(reference);
	from = split(slice_of(base->text));
	if (!p.has_scheme && !p.has_authority) {
		p.authority = from.authority;
		p.has_authority = true;
		if (p.path.n == 0) {
			buf_slice(&merged, base_path);
			if (!p.has_query) {
				p.query = from.query;
				p.has_query = from.has_query;
			}
		} else if (p.path.p[0] != '/') {
			buf_append(&merged, base_path.p, slice_find_last(base_path, '/') + 1);
		}
	}
	if (!p.has_scheme)
		p.scheme = from.scheme;
	buf_slice(&merged, p.path);
	put_without_dots(&path, buf_as_slice(&merged));
	if (merged.status == USHER_E_NOMEM || path.status == USHER_E_NOMEM)
		return err_nomem(err, "URL");
	p.path = buf_as_slice(&path);
	return finish(mem, &p, reference, out, err);
}

bool
url_same(const struct url *a, const struct url *b)
{
	if (a->https != b->https || a->port != b->port || strcmp(a->host, b->host) != 0)
		return false;
	if (!slice_eq_nocase(slice_of(a->path), slice_of(b->path)))
		return false;
	if (a->query == NULL || b->query == NULL)
		return a->query == b->query;
	return strcmp(a->query, b->query) == 0;
}

void
url_escape(struct buf *b, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (text_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~')
			buf_char(b, c);
		else
			buf_printf(b, "%%%02X", (unsigned)(unsigned char)c);
	}
}

void
url_mailto(struct buf *b, const char *address)
{
	const char *at = strrchr(address, '@');

	buf_text(b, "mailto:");
	url_escape(b, slice_from(address, at == NULL ? strlen(address) : (size_t)(at - address)));
	if (at == NULL)
		return;
	buf_char(b, '@');
	url_escape(b, slice_of(at + 1));
}

bool
url_unescape(struct buf *b, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		int high, low;

		if (s.p[i] != '%') {
			buf_char(b, s.p[i]);
			continue;
		}
		if (s.n - i < 3)
			return false;
		high = text_hex_value(s.p[i + 1]);
		low = text_hex_value(s.p[i + 2]);
		if (high < 0 || low < 0 || (high == 0 && low == 0))
			return false;
		buf_char(b, (char)(high << 4 | low));
		i += 2;
	}
	return true;
}
