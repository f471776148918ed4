/* http_proxy.c - a request through a proxy: what libcurl is told, and what became of it. */
#include <string.h>

#include "base/text.h"
#include "net/http_inside.h"

/* Digest before Basic, and neither unless the proxy asks: libcurl takes the stronger one. */
#define SCHEMES (CURLAUTH_BASIC | CURLAUTH_DIGEST)

static bool
set_login(struct transfer *t, const struct proxy *p)
{
	if (p->login == NULL)
		return true;
	return curl_easy_setopt(t->easy, CURLOPT_PROXYAUTH, (long)SCHEMES) == CURLE_OK &&
	       curl_easy_setopt(t->easy, CURLOPT_PROXYUSERNAME, p->login) == CURLE_OK &&
	       curl_easy_setopt(t->easy, CURLOPT_PROXYPASSWORD,
		   p->password.n > 0 ? p->password.bytes : "") == CURLE_OK;
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
	t->proxy_login = p->login != NULL;
	name = transfer_bracketed(t->mem, p->host);
	t->proxy_name =
	    name == NULL ? NULL : arena_printf(t->mem, "%s:%u", name, (unsigned)p->port);
	return t->proxy_name != NULL &&
	       curl_easy_setopt(t->easy, CURLOPT_PROXY, t->proxy_name) == CURLE_OK &&
	       curl_easy_setopt(t->easy, CURLOPT_PROXYTYPE,
		   (long)(p->socks ? CURLPROXY_SOCKS5_HOSTNAME : CURLPROXY_HTTP)) == CURLE_OK &&
	       curl_easy_setopt(t->easy, CURLOPT_NOPROXY, "") == CURLE_OK && set_login(t, p) &&
	       transfer_set_addresses(t, p->host, p->port, &p->addresses);
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
	status = proxy_status(t);
	if (status == 407)
		t->proxy_fault = arena_printf(t->mem, "%s %s", t->proxy_name,
		    t->proxy_login ? "refused our login" : "wants a login");
	else if (status != 0)
		t->proxy_fault = arena_printf(t->mem, "%s says HTTP %ld", t->proxy_name, status);
	else if (code == CURLE_COULDNT_CONNECT || code == CURLE_PROXY ||
		 code == CURLE_COULDNT_RESOLVE_PROXY)
		t->proxy_fault = arena_printf(t->mem, "%s: %s", t->proxy_name, t->error);
	else
		return failure;
	return tried(t, status) ? HTTP_UNREACHABLE : HTTP_PROXY;
}
