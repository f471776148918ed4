/* names.c - one form for the names on a certificate. */
#include "cert/names.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/ip.h"
#include "base/text.h"
#include "cert/inspect.h"

static usher_status
refuse(struct slice text, const char *why, struct usher_error *err)
{
	return err_set(err, USHER_E_ADDRESS, "name", "'%.*s' %s",
	    text.n > DOMAIN_MAX_BYTES ? DOMAIN_MAX_BYTES : (int)text.n, text.n == 0 ? "" : text.p,
	    why);
}

/* *out is NULL when `text` is no address. */
static usher_status
parse_address(struct arena *mem, struct slice text, const char **out, struct usher_error *err)
{
	char typed[INET6_ADDRSTRLEN], shown[INET6_ADDRSTRLEN];
	unsigned char bytes[sizeof(struct in6_addr)];
	int family = slice_find(text, ':') < text.n ? AF_INET6 : AF_INET;

	*out = NULL;
	if (text.n > 2 && text.p[0] == '[' && text.p[text.n - 1] == ']')
		text = slice_from(text.p + 1, text.n - 2);
	if (text.n == 0 || text.n >= sizeof(typed))
		return USHER_OK;
	memcpy(typed, text.p, text.n);
	typed[text.n] = '\0';
	if (inet_pton(family, typed, bytes) != 1 ||
	    inet_ntop(family, bytes, shown, sizeof(shown)) == NULL)
		return USHER_OK;
	*out = arena_strdup(mem, shown);
	return *out == NULL ? err_nomem(err, "name") : USHER_OK;
}

/* A name without wildcard. Its underscores stand as letters while domain_parse() looks at the
 * rest, which refuses them elsewhere. */
static usher_status
parse_host(struct arena *mem, struct slice text, const char **out, struct usher_error *err)
{
	char *copy, *lower;
	size_t n;
	usher_status st;

	if (slice_find(text, '_') == text.n)
		return domain_parse(mem, text, out, err);
	copy = arena_copy(mem, text);
	lower = text_lower_copy(mem, text);
	if (copy == NULL || lower == NULL)
		return err_nomem(err, "name");
	for (char *p = copy; *p != '\0'; p++)
		*p = *p == '_' ? 'x' : *p;
	st = domain_parse(mem, slice_from(copy, text.n), out, err);
	if (st != USHER_OK)
		return st;
	n = strlen(*out);
	if (!slice_eq_nocase(slice_from(copy, n), slice_of(*out)))
		return refuse(text, "has an underscore beside letters that are not ASCII", err);
	lower[n] = '\0'; /* the last dot */
	*out = lower;
	return USHER_OK;
}

usher_status
cert_name_parse(struct arena *mem, struct slice text, const char **out, struct usher_error *err)
{
	struct slice all = slice_trim(text), host = all;
	bool wild = slice_starts(all, SLICE_LITERAL("*."));
	const char *name = NULL;
	usher_status st;

	if (wild)
		host = slice_skip(all, 2);
	if (slice_find(host, '*') < host.n)
		return refuse(all,
		    "has a '*' elsewhere than as its whole first label; clients take no other",
		    err);
	if (slice_find(host, '/') < host.n || slice_find(host, '@') < host.n)
		return refuse(all, "is no host name; give the part behind the '@' or '//'", err);
	st = parse_address(mem, host, &name, err);
	if (st != USHER_OK)
		return st;
	if (name != NULL && wild)
		return refuse(all, "is an address; it has no wildcards", err);
	if (name == NULL) {
		st = parse_host(mem, host, &name, err);
		if (st != USHER_OK)
			return st;
	}
	if (wild && domain_is_public_suffix(name))
		return refuse(all, "would stand for the names of many owners", err);
	if (wild && (name = arena_join(mem, "*.", name)) == NULL)
		return err_nomem(err, "name");
	if (strlen(name) > DOMAIN_MAX_BYTES)
		return refuse(all, "is longer than 253 bytes", err);
	*out = name;
	return USHER_OK;
}

static bool
has(const struct text_list *list, const char *name)
{
	for (size_t i = 0; i < list->n; i++) {
		if (strcmp(list->v[i], name) == 0)
			return true;
	}
	return false;
}

usher_status
cert_names_parse(struct arena *mem, const struct text_list *typed, struct text_list *out,
    struct usher_error *err)
{
	size_t room = typed->n < CERT_NAMES_MAX ? typed->n : CERT_NAMES_MAX;
	const char **v = arena_array(mem, room, sizeof(*v));
	struct text_list found = { v, 0 };

	if (v == NULL)
		return err_nomem(err, "name");
	for (size_t i = 0; i < typed->n; i++) {
		const char *name;
		usher_status st = cert_name_parse(mem, slice_of(typed->v[i]), &name, err);

		if (st != USHER_OK)
			return st;
		if (has(&found, name))
			continue;
		if (found.n == CERT_NAMES_MAX)
			return err_set(err, USHER_E_LIMIT, "name",
			    "more than %d names; make several certificates", CERT_NAMES_MAX);
		v[found.n++] = name;
	}
	*out = found;
	return USHER_OK;
}

const char *
cert_name_private(const char *name)
{
	/* RFC 6761: for tests and documents. */
	static const char *const nobodys[] = { ".test", ".example", ".invalid" };
	struct slice host = slice_of(name);
	bool internal;

	if (slice_starts(host, SLICE_LITERAL("*.")))
		host = slice_skip(host, 2);
	if (ip_version(host.p) != 0)
		return ip_is_public(host.p) ? NULL :
					      "is a private address: no public CA issues for it";
	if (slice_find(host, '_') < host.n)
		return "has an underscore: public CAs may not issue for it, a private one may";
	if (slice_find(host, '.') == host.n)
		return "is a name of one label: public CAs may not issue for it, a private one may";
	internal = domain_is_internal(host.p);
	for (size_t i = 0; i < COUNT_OF(nobodys) && !internal; i++)
		internal = slice_ends_nocase(host, slice_of(nobodys[i]));
	return internal ?
		   "is under a domain that nobody can own: public CAs may not issue for it, a "
		   "private one may" :
		   NULL;
}
