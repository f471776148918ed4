/* http_proxy.c - a request through a proxy: what libcurl is told, and what became of it. */
#include <string.h>

#include "base/text.h"
#include "net/http_inside.h"

static const char *
password_of(const struct proxy *p)
{
	return p->password.n > 0 ? p->password.bytes : "";
}

/* What libcurl may use, when the proxy asks: it takes the strongest. */
static unsigned long
schemes_of(struct transfer *t, const struct proxy *p)
{
	unsigned long schemes = 0;

	schemes |= (p->schemes & PROXY_BASIC) != 0 ? CURLAUTH_BASIC : 0;
	schemes |= (p->schemes & PROXY_DIGEST) != 0 ? CURLAUTH_DIGEST : 0;
	if ((p->schemes & PROXY_NTLM) == 0)
		return schemes;
	if (auth_can_ntlm(p->login, password_of(p), &t->proxy_lack))
		schemes |= CURLAUTH_NTLM;
	return schemes;
}

/* A field of our own, as for hosts. Without a ticket the other schemes are left. */
static bool
add_ticket(struct transfer *t, const struct proxy *p)
{
	struct usher_error err;
	usher_status st = auth_add_ticket(&t->proxy_fields, "Proxy-Authorization", p->host, &err);

	if (st == USHER_E_CREDENTIALS)
		t->proxy_lack = arena_strdup(t->mem, err.message);
	return st != USHER_E_NOMEM && (st == USHER_OK || t->proxy_lack != NULL);
}

static bool
set_login(struct transfer *t, const struct proxy *p)
{
	unsigned long schemes;

	if (!p->socks && (p->schemes & PROXY_NEGOTIATE) != 0 && !add_ticket(t, p))
		return false;
	t->proxy_login = t->proxy_fields != NULL;
	if (t->proxy_fields != NULL)
		return curl_easy_setopt(t->easy, CURLOPT_PROXYHEADER, t->proxy_fields) == CURLE_OK;
	if (p->login == NULL)
		return true;
	schemes = schemes_of(t, p);
	t->proxy_login = p->socks || schemes != 0;
	return curl_easy_setopt(t->easy, CURLOPT_PROXYAUTH, (long)schemes) == CURLE_OK &&
	       curl_easy_setopt(t->easy, CURLOPT_PROXYUSERNAME, p->login) == CURLE_OK &&
	       curl_easy_setopt(t->easy, CURLOPT_PROXYPASSWORD, password_of(p)) == CURLE_OK;
}

bool
proxy_set(struct transfer *t, const struct http_request *r)
{
	const struct proxy *p = r->proxy;
	const char *name;

	/* Empty: none, whatever the environment says; that has been read already. */
	if (p == NULL)
		return curl_easy_setopt(t->easy, CURLOPT_PROXY, "") == CURLE_OK;
	t->proxied = true;
	t->tunnelled = r->url->https;
	name = transfer_bracketed(t->mem, p->host);
	t->proxy_name =
	    name == NULL ? NULL : arena_printf(t->mem, "%s:%u", name, (unsigned)p->port);
	return t->proxy_name != NULL &&
	       curl_easy_setopt(t->easy, CURLOPT_PROXY, t->proxy_name) == CURLE_OK &&
	       curl_easy_setopt(t->easy, CURLOPT_PROXYTYPE,
		   (long)(p->socks ? CURLPROXY_SOCKS5_HOSTNAME : CURLPROXY_HTTP)) == CURLE_OK &&
	       curl_easy_setopt(t->easy, CURLOPT_NOPROXY, "") == CURLE_OK && set_login(t, p) &&
	       /* Its challenge has to be seen. */
	       curl_easy_setopt(t->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS,
		   (p->schemes & PROXY_NTLM) == 0 ? 1L : 0L) == CURLE_OK &&
	       transfer_set_addresses(t, p->host, p->port, &p->addresses);
}

/* TLS has not begun on a connection that was made for this transfer: nobody else can speak. */
static bool
before_the_tunnel(const struct transfer *t)
{
	long connections = 0;

	(void)curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connections);
	return t->tunnelled && connections > 0 && t->tls.verdict == TLS_NOT_TRIED;
}

bool
proxy_takes_line(struct transfer *t, struct slice line)
{
	const struct slice challenge = SLICE_LITERAL("Proxy-Authenticate:");
	struct slice value;

	if (!t->proxied || (!before_the_tunnel(t) && !slice_starts_nocase(line, challenge)))
		return false;
	value = slice_trim(slice_skip(line, challenge.n));
	if (slice_starts_nocase(line, challenge) &&
	    slice_starts_nocase(value, SLICE_LITERAL("NTLM ")) &&
	    !auth_is_ntlm_v2(slice_trim(slice_skip(value, 5))))
		t->proxy_fault = arena_join(t->mem, t->proxy_name, ": ", auth_not_v2);
	return true;
}

/* What the proxy itself said; 0: nothing, or it connected. */
static long
proxy_status(const struct transfer *t)
{
	long status = 0;

	(void)curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &status);
	if (status == 0 && t->head_done && t->tls.verdict == TLS_NOT_TRIED && t->status == 407)
		return 407;
	return status >= 300 ? status : 0;
}

/* It tried, and the host is not to be reached from there. */
static bool
tried(const struct transfer *t, long status)
{
	long reply = CURLPX_OK;

	(void)curl_easy_getinfo(t->easy, CURLINFO_PROXY_ERROR, &reply);
	return status >= 500 || reply == CURLPX_REPLY_CONNECTION_REFUSED ||
	       reply == CURLPX_REPLY_HOST_UNREACHABLE ||
	       reply == CURLPX_REPLY_NETWORK_UNREACHABLE ||
	       reply == CURLPX_REPLY_GENERAL_SERVER_FAILURE || reply == CURLPX_REPLY_TTL_EXPIRED;
}

enum http_failure
proxy_failure(struct transfer *t, CURLcode code, enum http_failure failure)
{
	long status;

	if (!t->proxied)
		return failure;
	if (t->proxy_fault != NULL)
		return HTTP_PROXY;
	status = proxy_status(t);
	if (status == 407)
		t->proxy_fault = arena_printf(t->mem, "%s %s%s%s", t->proxy_name,
		    t->proxy_login ? "refused our login" : "wants a login",
		    t->proxy_lack == NULL ? "" : "; ", t->proxy_lack == NULL ? "" : t->proxy_lack);
	else if (status != 0)
		t->proxy_fault = arena_printf(t->mem, "%s says HTTP %ld", t->proxy_name, status);
	else if (code == CURLE_COULDNT_CONNECT || code == CURLE_PROXY ||
		 code == CURLE_COULDNT_RESOLVE_PROXY)
		t->proxy_fault = arena_printf(t->mem, "%s: %s", t->proxy_name, t->error);
	else
		return failure;
	return tried(t, status) ? HTTP_UNREACHABLE : HTTP_PROXY;
}
