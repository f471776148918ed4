/* options.c - reads what a caller of the library chose. */
#include <string.h>

#include "base/err.h"
#include "lib/search.h"

enum { LIST_MAX = 256 }; /* entries of a list among the options */

usher_status
options_copy(const void *from, void *to, size_t size, struct usher_error *err)
{
	const unsigned char *bytes = from;
	size_t given;

	if (from == NULL)
		return USHER_OK;
	memcpy(&given, from, sizeof(given));
	if (given < sizeof(given))
		return err_set(err, USHER_E_USAGE, "options", "size is not set");
	for (size_t i = size; i < given; i++) {
		if (bytes[i] != 0)
			return err_set(err, USHER_E_USAGE, "options",
			    "one is used that came after version " USHER_VERSION);
	}
	memcpy(to, from, given < size ? given : size);
	return USHER_OK;
}

static usher_status
count_list(const char *const *list, size_t *n, struct usher_error *err)
{
	for (*n = 0; list != NULL && list[*n] != NULL; (*n)++) {
		if (*n == LIST_MAX)
			return err_set(err, USHER_E_LIMIT, "options",
			    "a list of more than %d entries", LIST_MAX);
	}
	return USHER_OK;
}

usher_status
options_trust_host(struct arena *mem, const char *text, const char **out, struct usher_error *err)
{
	struct slice s = slice_of(text);
	bool wild = slice_starts(s, SLICE_LITERAL("*."));
	const char *name;
	usher_status st = domain_parse(mem, slice_skip(s, wild ? 2 : 0), &name, NULL);

	if (st == USHER_E_ADDRESS)
		return err_set(err, USHER_E_USAGE, "trust-host", "`%s` is not a host name", text);
	if (st == USHER_OK && wild)
		name = arena_printf(mem, "*.%s", name);
	if (st != USHER_OK || name == NULL)
		return err_nomem(err, "options");
	*out = name;
	return USHER_OK;
}

static usher_status
read_trust_hosts(struct arena *mem, struct search_options *o, struct usher_error *err)
{
	const char *const *list = o->given.trust_hosts;
	const char **v;
	size_t n;
	usher_status st = count_list(list, &n, err);

	if (st != USHER_OK)
		return st;
	v = arena_array(mem, n, sizeof(*v));
	if (v == NULL)
		return err_nomem(err, "options");
	for (size_t i = 0; list != NULL && i < n; i++) {
		st = options_trust_host(mem, list[i], &v[i], err);
		if (st != USHER_OK)
			return st;
	}
	o->trust_hosts = (struct text_list){ v, n };
	return USHER_OK;
}

static usher_status
read_routes(struct arena *mem, struct search_options *o, struct usher_error *err)
{
	size_t n;
	usher_status st = count_list(o->given.connect_to, &n, err);

	if (st != USHER_OK || o->given.connect_to == NULL)
		return st;
	o->routes = arena_array(mem, n, sizeof(*o->routes));
	if (o->routes == NULL)
		return err_nomem(err, "options");
	for (o->n_routes = 0; st == USHER_OK && o->n_routes < n; o->n_routes++)
		st = connect_to_parse(
		    mem, slice_of(o->given.connect_to[o->n_routes]), &o->routes[o->n_routes], err);
	return st;
}

/* ---- logins ---- */

static const struct {
	enum usher_scheme ours;
	enum auth_scheme scheme;
} schemes[] = {
	{ USHER_BASIC, SCHEME_BASIC },
	{ USHER_NTLM, SCHEME_NTLM },
	{ USHER_NEGOTIATE, SCHEME_NEGOTIATE },
	{ USHER_BEARER, SCHEME_BEARER },
};

/* What the caller has the means for and allows. */
static unsigned
read_schemes(const struct usher_find_options *o)
{
	unsigned means = 0;
	unsigned allowed = 0;

	if (o->password != NULL || o->credentials != NULL)
		means |= SCHEMES_BY_PASSWORD;
	if (o->bearer_token != NULL)
		means |= SCHEMES_BY_TOKEN;
	if (o->schemes != 0 || (o->login == NULL && o->password == NULL))
		means |= SCHEMES_BY_TICKET;
	for (size_t i = 0; i < COUNT_OF(schemes); i++) {
		if (o->schemes == 0 || (o->schemes & schemes[i].ours) != 0)
			allowed |= SCHEME_BIT(schemes[i].scheme);
	}
	return means & allowed;
}

usher_status
options_offer(struct arena *mem, const char *text, struct plan_offer *out, struct usher_error *err)
{
	struct slice rest = slice_of(text);
	size_t n = slice_find(rest, '=');
	usher_status st = USHER_E_ADDRESS;

	*out = (struct plan_offer){ .host = "" };
	if (n < rest.n)
		st = domain_parse(mem, (struct slice){ rest.p, n }, &out->host, NULL);
	for (rest = slice_skip(rest, n); st == USHER_OK && rest.n > 1; rest = slice_skip(rest, n)) {
		rest = slice_skip(rest, 1);
		n = slice_find(rest, ',');
		out->schemes |= SCHEME_BIT(auth_scheme_named((struct slice){ rest.p, n }));
	}
	if (st == USHER_OK || st == USHER_E_NOMEM)
		return st == USHER_OK ? st : err_nomem(err, "options");
	return err_set(
	    err, USHER_E_USAGE, "offered-before", "`%s` is not HOST=SCHEME,SCHEME", text);
}

static usher_status
read_offers(struct arena *mem, struct search_options *o, struct usher_error *err)
{
	const char *const *list = o->given.offered_before;
	usher_status st = count_list(list, &o->n_offers, err);

	if (st != USHER_OK || list == NULL)
		return st;
	o->offers = arena_array(mem, o->n_offers, sizeof(*o->offers));
	if (o->offers == NULL)
		return err_nomem(err, "options");
	for (size_t i = 0; st == USHER_OK && i < o->n_offers; i++)
		st = options_offer(mem, list[i], &o->offers[i], err);
	return st;
}

usher_status
search_options_read(struct arena *mem, const struct usher_find_options *from,
    struct search_options *out, struct usher_error *err)
{
	struct search_options o = { .given = USHER_FIND_OPTIONS_INIT };
	usher_status st = options_copy(from, &o.given, sizeof(o.given), err);

	if (st == USHER_OK)
		st = read_trust_hosts(mem, &o, err);
	if (st == USHER_OK)
		st = read_routes(mem, &o, err);
	if (st == USHER_OK)
		st = read_offers(mem, &o, err);
	if (st != USHER_OK)
		return st;
	o.schemes = read_schemes(&o.given);
	*out = o;
	return st;
}
