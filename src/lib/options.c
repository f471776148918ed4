/* options.c - reads what a caller of the library chose. */
#include <string.h>

#include "base/err.h"
#include "lib/search.h"

enum { LIST_MAX = 256 }; /* entries of a list among the options */

/* A newer caller's options are fine as long as those we do not know are not used. */
static usher_status
read_options(
    const struct usher_find_options *from, struct usher_find_options *to, struct usher_error *err)
{
	const unsigned char *bytes = (const unsigned char *)from;

	*to = (struct usher_find_options)USHER_FIND_OPTIONS_INIT;
	if (from == NULL)
		return USHER_OK;
	if (from->size < sizeof(from->size))
		return err_set(err, USHER_E_USAGE, "options", "size is not set");
	for (size_t i = sizeof(*to); i < from->size; i++) {
		if (bytes[i] != 0)
			return err_set(err, USHER_E_USAGE, "options",
			    "one is used that came after version " USHER_VERSION);
	}
	memcpy(to, from, from->size < sizeof(*to) ? from->size : sizeof(*to));
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

/* Host names become A-labels; `*.` in front stays. */
static usher_status
read_trust_host(struct arena *mem, const char *text, const char **out, struct usher_error *err)
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
		st = read_trust_host(mem, list[i], &v[i], err);
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

	if (st != USHER_OK)
		return st;
	o->routes = arena_array(mem, n, sizeof(*o->routes));
	if (o->routes == NULL)
		return err_nomem(err, "options");
	for (o->n_routes = 0; st == USHER_OK && o->n_routes < n; o->n_routes++)
		st = connect_to_parse(
		    mem, slice_of(o->given.connect_to[o->n_routes]), &o->routes[o->n_routes], err);
	return st;
}

usher_status
search_options_read(struct arena *mem, const struct usher_find_options *from,
    struct search_options *out, struct usher_error *err)
{
	struct search_options o = { 0 };
	usher_status st = read_options(from, &o.given, err);

	if (st == USHER_OK)
		st = read_trust_hosts(mem, &o, err);
	if (st == USHER_OK)
		st = read_routes(mem, &o, err);
	if (st == USHER_OK)
		*out = o;
	return st;
}
