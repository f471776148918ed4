/* servers.c - URIs as they are given, and what DNS knows beside them. */
#include "ldap/servers.h"

#include <ldap.h>
#include <string.h>

#include "base/err.h"
#include "base/slice.h"
#include "base/text.h"

/* The next word of `rest`, which blanks separate. */
static bool
next_word(struct slice *rest, struct slice *word)
{
	*rest = slice_trim(*rest);
	*word = slice_from(rest->p, slice_find(*rest, ' '));
	*rest = slice_skip(*rest, word->n);
	return word->n > 0;
}

/* `ldaps://` or `ldap://`, and nothing behind it. */
static bool
is_everybody(struct slice uri, bool *tls)
{
	*tls = slice_is_nocase(uri, "ldaps:///");
	return *tls || slice_is_nocase(uri, "ldap:///");
}

static usher_status
check_uri(struct slice uri, const char *domain, const char *list, struct usher_error *err)
{
	bool tls;

	if (is_everybody(uri, &tls))
		return domain != NULL ? USHER_OK :
					err_set(err, USHER_E_USAGE, list,
					    "names no host, and there is no domain whose SRV "
					    "records would; write ldap://dc1.example.com");
	if ((slice_starts_nocase(uri, SLICE_LITERAL("ldap://")) ||
		slice_starts_nocase(uri, SLICE_LITERAL("ldaps://")) ||
		slice_starts_nocase(uri, SLICE_LITERAL("ldapi://"))) &&
	    !text_has_control(uri) && slice_find(uri, ',') == uri.n)
		return USHER_OK;
	return err_set(err, USHER_E_USAGE, list,
	    "names a directory in a form that is none; write ldap://dc1.example.com, "
	    "ldaps://dc1.example.com or ldapi://%%2frun%%2fldapi, several with blanks between "
	    "them");
}

usher_status
ldap_servers_check(const char *list, const char *domain, struct usher_error *err)
{
	struct slice rest = slice_of(list), word;
	usher_status st =
	    err_set(err, USHER_E_USAGE, list, "names no server; write ldap://dc1.example.com");

	while (next_word(&rest, &word)) {
		st = check_uri(word, domain, list, err);
		if (st != USHER_OK)
			break;
	}
	return st;
}

static bool
add(struct ldap_servers *out, const char *uri)
{
	if (uri != NULL && out->n < SERVERS_MAX)
		out->uris[out->n++] = uri;
	return uri != NULL;
}

static bool
is_in(struct slice host, const char *domain)
{
	size_t n = strlen(domain);

	return slice_is_nocase(host, domain) ||
	       (slice_ends_nocase(host, slice_of(domain)) && host.p[host.n - n - 1] == '.');
}

/* SRV tells the port of LDAP without TLS: with it, a host has the usual one. */
static usher_status
add_hosts(bool tls, const char *domain, struct arena *mem, struct ldap_servers *out,
    struct usher_error *err)
{
	size_t before = out->n;
	struct slice rest, word, host;
	char *hosts = NULL;
	bool room = true;

	/* They come ordered by priority and weight. */
	if (ldap_domain2hostlist(domain, &hosts) == LDAP_SUCCESS && hosts != NULL) {
		rest = slice_of(hosts);
		while (room && next_word(&rest, &word)) {
			host = slice_from(word.p, slice_find(word, ':'));
			if (!is_in(host, domain))
				continue;
			room =
			    add(out, tls ? arena_printf(mem, "ldaps://%.*s", (int)host.n, host.p) :
					   arena_printf(mem, "ldap://%.*s", (int)word.n, word.p));
		}
	}
	ldap_memfree(hosts);
	if (!room)
		return err_nomem(err, domain);
	return out->n > before ? USHER_OK :
				 err_set(err, USHER_E_NETWORK, domain,
				     "DNS names no directory in this domain (SRV records of "
				     "_ldap._tcp)");
}

usher_status
ldap_servers_find(const char *list, const char *domain, struct arena *mem, struct ldap_servers *out,
    struct usher_error *err)
{
	struct slice rest = slice_of(list), word;
	usher_status st = ldap_servers_check(list, domain, err);
	bool tls;

	out->n = 0;
	while (st == USHER_OK && next_word(&rest, &word)) {
		if (is_everybody(word, &tls))
			st = add_hosts(tls, domain, mem, out, err);
		else if (!add(out, arena_copy(mem, word)))
			st = err_nomem(err, list);
	}
	/* Whom DNS does not know may be named beside it. */
	return st == USHER_E_NETWORK && out->n > 0 ? USHER_OK : st;
}

struct link_options
ldap_server_options(const struct link_options *options, const char *uri)
{
	struct link_options one = *options;

	one.uri = uri;
	if (!slice_starts_nocase(slice_of(uri), SLICE_LITERAL("ldapi:")))
		return one;
	one.start_tls = false;
	if (one.login == LINK_ANONYMOUS) {
		one.login = LINK_GSSAPI;
		one.mechanism = "EXTERNAL";
	}
	return one;
}
