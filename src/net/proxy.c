/* proxy.c - reads the proxies of options and environment. */
#include "net/proxy.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/text.h"

enum { TEXT_MAX = 4096 }; /* of a proxy's URL, and of its login */

/* ---- one proxy ---- */

static bool
is_address(const char *text)
{
	unsigned char out[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, out) == 1 || inet_pton(AF_INET6, text, out) == 1;
}

static usher_status
read_scheme(struct slice *s, bool *socks)
{
	static const struct {
		const char *text;
		bool socks;
	} schemes[] = { { "http://", false }, { "socks5h://", true }, { "socks5://", true } };

	*socks = false;
	for (size_t i = 0; i < COUNT_OF(schemes); i++) {
		if (slice_starts_nocase(*s, slice_of(schemes[i].text))) {
			*s = slice_skip(*s, strlen(schemes[i].text));
			*socks = schemes[i].socks;
			return USHER_OK;
		}
	}
	/* Something else in front of `://`. */
	for (size_t i = 0; i + 2 < s->n; i++) {
		if (memcmp(s->p + i, "://", 3) == 0)
			return USHER_E_USAGE;
	}
	return USHER_OK;
}

static usher_status
unescape(struct slice s, struct buf *out)
{
	return url_unescape(out, s) ? out->status : USHER_E_USAGE;
}

static usher_status
read_password(struct slice s, struct secret *out)
{
	struct buf text CLEANUP(buf_cleanup);
	usher_status st;

	buf_init(&text, TEXT_MAX);
	st = unescape(s, &text);
	if (st == USHER_OK && !secret_set(out, buf_as_slice(&text)))
		st = USHER_E_USAGE;
	if (text.p != NULL)
		explicit_bzero(text.p, text.n);
	return st;
}

static usher_status
read_userinfo(struct arena *mem, struct slice s, struct proxy *out)
{
	struct buf text CLEANUP(buf_cleanup);
	size_t colon = slice_find(s, ':');
	usher_status st;

	buf_init(&text, TEXT_MAX);
	st = unescape((struct slice){ s.p, colon }, &text);
	if (st != USHER_OK)
		return st;
	out->login = arena_copy(mem, buf_as_slice(&text));
	if (out->login == NULL)
		return USHER_E_NOMEM;
	return colon == s.n ? USHER_OK : read_password(slice_skip(s, colon + 1), &out->password);
}

static usher_status
read_host(struct arena *mem, struct slice s, struct proxy *out)
{
	struct cursor c = cursor_on(s);
	bool bracket = cursor_maybe(&c, '[');
	struct slice host = { s.p, slice_find(s, ':') };
	uint64_t port = PROXY_PORT;
	struct slice rest;

	if (bracket)
		host = cursor_until(&c, ']', s.n);
	rest = bracket ? cursor_rest(&c) : slice_skip(s, host.n);
	if (c.failed || host.n == 0 ||
	    (rest.n > 0 &&
		(rest.p[0] != ':' || !text_number(slice_skip(rest, 1), 1, UINT16_MAX, &port))))
		return USHER_E_USAGE;
	out->port = (uint16_t)port;
	out->host = text_lower_copy(mem, host);
	if (out->host == NULL)
		return USHER_E_NOMEM;
	if (is_address(out->host))
		return USHER_OK;
	return bracket ? USHER_E_USAGE : domain_parse(mem, host, &out->host, NULL);
}

static usher_status
read_parts(struct arena *mem, struct slice s, struct proxy *out)
{
	usher_status st = read_scheme(&s, &out->socks);
	size_t at = s.n;

	if (st != USHER_OK || s.n > TEXT_MAX)
		return USHER_E_USAGE;
	while (s.n > 0 && s.p[s.n - 1] == '/')
		s.n--;
	/* A password may hold an `@`. */
	for (size_t i = 0; i < s.n; i++)
		at = s.p[i] == '@' ? i : at;
	if (at < s.n) {
		st = read_userinfo(mem, (struct slice){ s.p, at }, out);
		s = slice_skip(s, at + 1);
	}
	return st == USHER_OK ? read_host(mem, s, out) : st;
}

static usher_status
read_proxy(struct arena *mem, const char *name, const char *text, struct proxy *out,
    struct usher_error *err)
{
	usher_status st;

	if (text == NULL || text[0] == '\0')
		return USHER_OK;
	st = read_parts(mem, slice_trim(slice_of(text)), out);
	if (st == USHER_OK)
		return st;
	if (st == USHER_E_NOMEM)
		return err_nomem(err, name);
	return err_set(err, USHER_E_USAGE, name,
	    "it is no proxy that can be used: give http://HOST:PORT or socks5://HOST:PORT");
}

/* ---- all of them ---- */

/* The first of the variables that is not empty, and its name. */
static const char *
variable(const char *const *names, const char **name)
{
	for (*name = *names; *names != NULL; names++) {
		const char *value = getenv(*names);

		*name = *names;
		if (value != NULL && value[0] != '\0')
			return value;
	}
	return NULL;
}

static usher_status
read_environment(struct arena *mem, struct proxies *out, struct usher_error *err)
{
	static const char *const names[2][5] = {
		{ "http_proxy", "all_proxy", "ALL_PROXY", NULL },
		{ "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", NULL },
	};
	usher_status st = USHER_OK;

	for (size_t i = 0; st == USHER_OK && i < COUNT_OF(names); i++) {
		const char *name = "";
		const char *value = variable(names[i], &name);

		st = read_proxy(mem, name, value, &out->of[i], err);
	}
	return st;
}

static usher_status
read_choice(struct arena *mem, const struct proxy_choice *choice, struct proxies *out,
    struct usher_error *err)
{
	usher_status st = USHER_OK;

	for (size_t i = 0; st == USHER_OK && i < COUNT_OF(out->of); i++) {
		struct proxy *p = &out->of[i];

		st = read_proxy(mem, "proxy", choice->url, p, err);
		if (st == USHER_OK && p->login != NULL && choice->password != NULL &&
		    !secret_set(&p->password, slice_of(choice->password)))
			st = err_nomem(err, "proxy");
	}
	return st;
}

static usher_status
read_schemes(const char *text, unsigned *out, struct usher_error *err)
{
	static const struct {
		const char *name;
		enum proxy_scheme scheme;
	} rows[] = {
		{ "basic", PROXY_BASIC },
		{ "digest", PROXY_DIGEST },
		{ "ntlm", PROXY_NTLM },
		{ "negotiate", PROXY_NEGOTIATE },
	};

	*out = text == NULL ? PROXY_USUAL : 0;
	for (struct slice rest = slice_of(text); rest.n > 0;) {
		struct slice name = { rest.p, slice_find(rest, ',') };
		size_t i = 0;

		while (i < COUNT_OF(rows) && !slice_is_nocase(slice_trim(name), rows[i].name))
			i++;
		if (i == COUNT_OF(rows))
			return err_set(err, USHER_E_USAGE, "proxy-auth",
			    "`%.*s` is none of negotiate, ntlm, digest and basic", (int)name.n,
			    name.p);
		*out |= rows[i].scheme;
		rest = slice_skip(rest, name.n + 1);
	}
	return USHER_OK;
}

usher_status
proxies_read(struct arena *mem, const struct proxy_choice *choice, struct proxies *out,
    struct usher_error *err)
{
	static const char *const names[] = { "no_proxy", "NO_PROXY", NULL };
	const char *exceptions = choice->exceptions;
	struct proxies read = { .exceptions = NULL };
	const char *name;
	unsigned schemes;
	usher_status st = read_schemes(choice->schemes, &schemes, err);

	if (st != USHER_OK)
		return st;
	if (exceptions == NULL)
		exceptions = variable(names, &name);
	read.exceptions = exceptions == NULL ? "" : text_lower_copy(mem, slice_of(exceptions));
	if (choice->url != NULL)
		st = read_choice(mem, choice, &read, err);
	else
		st = read_environment(mem, &read, err);
	if (st == USHER_OK && read.exceptions == NULL)
		st = err_nomem(err, "proxy");
	if (st != USHER_OK) {
		proxies_clear(&read);
		return st;
	}
	for (size_t i = 0; i < COUNT_OF(read.of); i++)
		read.of[i].schemes = schemes;
	*out = read;
	return USHER_OK;
}

void
proxies_clear(struct proxies *p)
{
	for (size_t i = 0; i < COUNT_OF(p->of); i++)
		secret_clear(&p->of[i].password);
}

/* ---- exceptions ---- */

/* `contoso.example`, `.contoso.example` and `*.contoso.example` are the same: the domain and all
 * below it. */
static bool
covers(struct slice entry, struct slice host)
{
	if (slice_is(entry, "*"))
		return true;
	if (slice_starts(entry, SLICE_LITERAL("*.")))
		entry = slice_skip(entry, 2);
	else if (slice_starts(entry, SLICE_LITERAL(".")))
		entry = slice_skip(entry, 1);
	if (entry.n == 0 || entry.n > host.n ||
	    memcmp(host.p + host.n - entry.n, entry.p, entry.n) != 0)
		return false;
	return entry.n == host.n || host.p[host.n - entry.n - 1] == '.';
}

static bool
is_exception(const char *list, const char *host)
{
	while (*list != '\0') {
		size_t n = strcspn(list, ", \t");

		if (n > 0 && covers(slice_from(list, n), slice_of(host)))
			return true;
		list += n;
		list += strspn(list, ", \t");
	}
	return false;
}

bool
proxies_any(const struct proxies *p)
{
	return p->of[0].host != NULL || p->of[1].host != NULL;
}

struct proxy *
proxies_for(struct proxies *p, const struct url *url)
{
	struct proxy *found = &p->of[url->https];

	return found->host == NULL || is_exception(p->exceptions, url->host) ? NULL : found;
}
