/* where.c - reads where a caller wants to look, and where not: sources, languages, and the names by
 * which Outlook's registry calls them (http-discovery.md 8). */
#include <string.h>

#include "base/err.h"
#include "lib/search.h"
#include "plan/source.h"

/* Values of Outlook that change nothing here: whoever copies a policy need not leave them out. */
static const struct {
	const char *name;
	const char *why_not; /* it cannot be on; NULL: it may be */
} idle_switches[] = {
	{ "EnableOffice365ConfigService", "usher never asks that service" },
	{ "ZeroConfigExchange", NULL },
};

/* Where does the value of `NAME=VALUE` begin; NULL when there is none. */
static const char *
split(struct arena *mem, const char *text, const char **name)
{
	struct slice s = slice_of(text);
	size_t n = slice_find(s, '=');

	*name = arena_copy(mem, (struct slice){ s.p, n });
	return n == s.n ? NULL : text + n + 1;
}

/* A switch alone is on. */
static usher_status
read_switch(const char *name, const char *value, bool *out, struct usher_error *err)
{
	if (value != NULL && strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
		return err_set(err, USHER_E_USAGE, "outlook", "`%s` is either 0 or 1, and not `%s`",
		    name, value);
	*out = value == NULL || value[0] == '1';
	return USHER_OK;
}

static usher_status
check_idle_switch(const char *name, bool on, struct usher_error *err)
{
	for (size_t i = 0; i < COUNT_OF(idle_switches); i++) {
		if (!slice_is_nocase(slice_of(name), idle_switches[i].name))
			continue;
		if (!on || idle_switches[i].why_not == NULL)
			return USHER_OK;
		return err_set(err, USHER_E_USAGE, "outlook", "`%s` can only be 0: %s", name,
		    idle_switches[i].why_not);
	}
	if (slice_is_nocase(slice_of(name), "ExcludeSrvLookup"))
		return err_set(err, USHER_E_USAGE, "outlook",
		    "`%s`: Outlook does not read it: ExcludeSrvRecord is meant", name);
	return err_set(err, USHER_E_USAGE, "outlook",
	    "`%s` is not a value of Outlook's that says where to look", name);
}

/* The hosts between commas join those that are trusted already. */
static usher_status
read_servers(
    struct arena *mem, const char *value, struct plan_options *out, struct usher_error *err)
{
	struct slice rest = slice_of(value);
	const char **v = arena_array(mem, out->trust_hosts.n + rest.n + 1, sizeof(*v));
	size_t n = out->trust_hosts.n;

	if (v == NULL)
		return err_nomem(err, "outlook");
	for (size_t i = 0; i < n; i++)
		v[i] = out->trust_hosts.v[i];
	while (rest.n > 0) {
		size_t end = slice_find(rest, ',');
		const char *host = arena_copy(mem, (struct slice){ rest.p, end });
		usher_status st = host == NULL ? err_nomem(err, "outlook") :
						 options_trust_host(mem, host, &v[n++], err);

		if (st != USHER_OK)
			return st;
		rest = slice_skip(rest, end + 1);
	}
	out->trust_hosts = (struct text_list){ v, n };
	return USHER_OK;
}

static usher_status
read_outlook(struct arena *mem, struct search_options *o, const char *text,
    struct plan_options *out, struct usher_error *err)
{
	const char *name;
	const char *value = split(mem, text, &name);
	bool on = false;
	int source;
	usher_status st;

	if (name == NULL)
		return err_nomem(err, "outlook");
	if (slice_is_nocase(slice_of(name), "RedirectServers"))
		return read_servers(mem, value == NULL ? "" : value, out, err);
	source = source_by_switch(name);
	st = read_switch(name, value, &on, err);
	if (source != 0 && on)
		out->excluded |= SOURCE_BIT(source);
	else if (source == 0 && slice_is_nocase(slice_of(name), "PreferLocalXML"))
		out->prefer_local_xml = on;
	else if (source == 0 &&
		 slice_is_nocase(slice_of(name), "PreferProvidedEmailInAutoDiscoverAuthPrompts"))
		o->given.prefer_address = on;
	else if (source == 0 && check_idle_switch(name, on, err) != USHER_OK)
		st = USHER_E_USAGE;
	return st;
}

/* The first one mentioned is the first to be asked in. */
static usher_status
read_languages(struct search_options *o, struct usher_error *err)
{
	struct slice rest = slice_of(o->given.language == NULL ? "" : o->given.language);

	while (rest.n > 0) {
		struct slice name = { rest.p, slice_find(rest, ',') };
		enum language language;
		size_t i = 0;

		if (!language_find(slice_trim(name), &language))
			return err_set(err, USHER_E_USAGE, "language",
			    "`%.*s` is none: there are pox, soap, activesync, json and autoconfig",
			    (int)name.n, name.p);
		while (i < o->n_languages && o->languages[i] != language)
			i++;
		o->languages[i] = language;
		o->n_languages += i == o->n_languages;
		rest = slice_skip(rest, name.n + 1);
	}
	return USHER_OK;
}

usher_status
options_keep(struct arena *mem, const char *given, const char **out, struct usher_error *err)
{
	*out = given == NULL ? NULL : arena_strdup(mem, given);
	return given == NULL || *out != NULL ? USHER_OK : err_nomem(err, "options");
}

usher_status
where_read(
    struct arena *mem, struct search_options *o, struct plan_options *out, struct usher_error *err)
{
	const struct usher_find_options *given = &o->given;
	usher_status st = read_languages(o, err);

	out->trust_hosts = o->trust_hosts;
	for (size_t i = 0; st == USHER_OK && given->outlook != NULL && given->outlook[i] != NULL;
	     i++)
		st = read_outlook(mem, o, given->outlook[i], out, err);
	out->one_language = o->n_languages > 0;
	out->language = o->languages[0];
	out->microsoft_365 = given->microsoft_365 != 0;
	out->no_autoconfig = given->no_autoconfig != 0;
	out->resolve_ms = given->resolve_ms;
	out->connect_ms = given->connect_ms;
	out->request_ms = given->request_ms;
	out->grace_ms = given->grace_ms;
	if (st == USHER_OK)
		st = options_keep(mem, given->sources, &out->order, err);
	if (st == USHER_OK)
		st = options_keep(mem, given->last_known_good, &out->last_known_good, err);
	if (st == USHER_OK)
		st = options_keep(mem, given->local_xml, &out->local_xml, err);
	return st;
}
