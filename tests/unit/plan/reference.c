/* reference.c - discovery step by step: no plan, no clock, nothing at once. */
#include "reference.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ip.h"
#include "base/text.h"
#include "model/scp_order.h"
#include "plan/source.h"
#include "plan/srv.h"

#define PATH "/autodiscover/autodiscover.xml"

enum { VISITS_MAX = 512, HOPS_MAX = 10, TARGETS_MAX = 8 };

struct visit {
	const char *address;
	struct url url;
	enum language language;
};

struct client {
	struct world *w;
	const struct plan_options *o;
	struct reference got;
	const char *address;		     /* the present one */
	const char *addresses[HOPS_MAX + 1]; /* asked for so far */
	size_t n_addresses, n_visits, n_refusers, failures;
	bool password_bad;

	/* lists: a new run need not clear them */
	struct visit visits[VISITS_MAX];
	const char *refusers[VISITS_MAX], *realms[VISITS_MAX];
};

/* Where a question comes from. */
struct way {
	enum source source;
	size_t hops;
	bool at_source;
	bool from_public; /* a host that the whole Internet can reach has led here */
};

static bool
ask(struct client *c, struct url url, enum language language, struct way way);

static bool
find_all(struct client *c, const char *address, size_t hops);

static const char *
domain_of(const char *address)
{
	return strrchr(address, '@') + 1;
}

/* Hosts of the domains of the first `n` mailboxes are followed without a question. */
static bool
same_site(const struct client *c, const struct url *url, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!url->ip_literal && domain_same_site(domain_of(c->addresses[i]), url->host))
			return true;
	}
	return false;
}

/* That very host, by the allow-list or when asked. */
static bool
chosen(const struct client *c, const struct url *url)
{
	for (size_t i = 0; i < c->o->trust_hosts.n; i++) {
		if (domain_matches(c->o->trust_hosts.v[i], url->host))
			return true;
	}
	return c->o->may_ask && !same_site(c, url, c->n_addresses) &&
	       c->w->consent(c->w, url->host);
}

/* Who would refuse a host may have been asked about it before its domain was agreed to. */
static bool
trusted(const struct client *c, const struct url *url)
{
	return same_site(c, url, 1) || chosen(c, url) ||
	       (same_site(c, url, c->n_addresses) &&
		   (!c->o->may_ask || c->w->consent(c->w, url->host)));
}

/* NULL: not by that name. */
static const struct text_list *
addresses_of(struct client *c, const char *host, struct plan_resolution *r)
{
	int delay = 0;

	*r = (struct plan_resolution){ .failure = PLAN_NO_FAILURE };
	c->w->resolve(c->w, host, &delay, r);
	return delay >= 0 && delay < PLAN_RESOLVE_MS && r->failure == PLAN_NO_FAILURE ?
		   &r->addresses :
		   NULL;
}

static bool
any_public(const struct text_list *addresses)
{
	for (size_t i = 0; i < addresses->n; i++) {
		if (ip_is_public(addresses->v[i]))
			return true;
	}
	return false;
}

static bool
been_there(
    const struct client *c, const char *address, const struct url *url, enum language language)
{
	for (size_t i = 0; i < c->n_visits; i++) {
		if (c->visits[i].language == language &&
		    strcmp(c->visits[i].address, address) == 0 && url_same(&c->visits[i].url, url))
			return true;
	}
	return false;
}

static bool
go_to_url(struct client *c, const char *target, enum language language, struct way way,
    const struct url *from, bool in_document)
{
	struct plan_resolution r;
	struct url next;
	usher_status st = in_document ? url_parse(c->w->mem, slice_of(target), &next, NULL) :
					url_resolve(c->w->mem, from, slice_of(target), &next, NULL);

	if (st != USHER_OK || !next.https || next.userinfo || way.hops == HOPS_MAX)
		return false;
	if (!in_document &&
	    (!slice_starts_nocase(slice_of(next.path), SLICE_LITERAL("/autodiscover/")) ||
		!slice_ends_nocase(slice_of(next.path), SLICE_LITERAL("/autodiscover.xml"))))
		return false;
	if (from != NULL && !trusted(c, &next))
		return false;
	if (from != NULL && any_public(addresses_of(c, from->host, &r)))
		way.from_public = true;
	way.hops++;
	way.at_source = false;
	return ask(c, next, language, way);
}

static bool
go_to_address(struct client *c, const char *target, struct way way, bool own_word)
{
	struct address next;
	struct url as_host = { .text = "" };

	if (address_parse(c->w->mem, slice_of(target), &next, NULL) != USHER_OK ||
	    way.hops == HOPS_MAX || c->n_addresses == HOPS_MAX + 1 ||
	    domain_is_public_suffix(next.domain))
		return false;
	for (size_t i = 0; i < c->n_addresses; i++) {
		if (slice_eq_nocase(slice_of(c->addresses[i]), slice_of(next.text)))
			return false;
	}
	as_host.host = next.domain;
	if (!own_word && !trusted(c, &as_host))
		return false;
	return find_all(c, next.text, way.hops + 1);
}

static bool
on_document(struct client *c, const struct answer *a, const struct url *url, enum language language,
    struct way way)
{
	if (a == NULL)
		return false;
	switch (a->kind) {
	case ANSWER_SETTINGS:
		return a->n_protocols > 0;
	case ANSWER_REDIRECT_URL:
		return go_to_url(c, a->redirect, language, way, url, true);
	case ANSWER_REDIRECT_ADDRESS:
		return go_to_address(c, a->redirect, way, url == NULL);
	case ANSWER_REFUSAL:
		if (url != NULL && a->refusal.code == REFUSAL_NO_PROVIDER &&
		    language == LANGUAGE_POX && !c->o->one_language)
			return ask(c, *url, LANGUAGE_MOBILESYNC, way);
		return false;
	}
	return false;
}

/* In the words of the random worlds: Basic alone, with a realm. */
static const char *
basic_realm(const struct plan_response *r)
{
	const char *text = r->challenges.n == 0 ? "" : r->challenges.v[0];

	return strncmp(text, "Basic realm=\"c", 14) == 0 && strstr(text, "NTLM") == NULL ? text :
											   NULL;
}

static bool
may_log_in(struct client *c, const struct url *url, const char *realm)
{
	if (realm == NULL || (c->o->schemes & SCHEMES_BY_PASSWORD) == 0 || c->password_bad ||
	    c->failures >= 3)
		return false;
	for (size_t i = 0; i < c->n_refusers; i++) {
		if (strcmp(c->refusers[i], url->host) == 0)
			return false;
	}
	return true;
}

static void
note_refusal(struct client *c, const struct url *url, const char *realm)
{
	for (size_t i = 0; i < c->n_refusers; i++)
		c->password_bad = c->password_bad || strcmp(c->realms[i], realm) == 0;
	c->refusers[c->n_refusers] = url->host;
	c->realms[c->n_refusers++] = realm;
}

/* One request. False: nothing came of it. */
static bool
request(struct client *c, const struct url *url, enum language language, struct way way, bool login,
    struct plan_response *out)
{
	const char *address = c->address;
	bool probe =
	    !url->https || (language == LANGUAGE_SOAP &&
			       slice_ends_nocase(slice_of(url->path), SLICE_LITERAL(".xml")));
	const struct plan_step step = {
		.kind = probe ? PLAN_PROBE : PLAN_REQUEST,
		.source = way.source,
		.address = address,
		.url = url,
		.language = language,
		.credentialed = login,
		.scheme = login ? SCHEME_BASIC : SCHEME_NONE,
	};
	int limit =
	    way.at_source && (way.source == SOURCE_ROOT || way.source == SOURCE_HTTP_REDIRECT) ?
		PLAN_PROBE_MS :
		PLAN_REQUEST_MS;
	int delay = 0;

	*out = (struct plan_response){ .http_status = NUMBER_ABSENT };
	c->w->respond(c->w, &step, &delay, out);
	return delay >= 0 && delay < (login ? PLAN_REQUEST_MS : limit) &&
	       out->failure == PLAN_NO_FAILURE && (!url->https || out->tls.verdict == TLS_VERIFIED);
}

/* http-discovery.md 9: nobody on the Internet sends us to a machine that only we can reach. */
static bool
reachable(struct client *c, const struct url *url, struct way way)
{
	struct plan_resolution r;
	const struct text_list *addresses = addresses_of(c, url->host, &r);

	return addresses != NULL &&
	       (!way.from_public || addresses->n == 0 || chosen(c, url) || any_public(addresses));
}

static bool
on_response(struct client *c, const struct url *url, enum language language, struct way way,
    const struct plan_response *r)
{
	int64_t s = r->http_status;
	struct url svc;

	if (s == 301 || s == 302 || s == 303 || s == 307 || s == 308)
		return r->location != NULL && go_to_url(c, r->location, language, way, url, false);
	if (!url->https)
		return false;
	if (language == LANGUAGE_SOAP &&
	    slice_ends_nocase(slice_of(url->path), SLICE_LITERAL(".xml"))) {
		if (!r->offers_soap ||
		    url_resolve(c->w->mem, url, SLICE_LITERAL("/autodiscover/autodiscover.svc"),
			&svc, NULL) != USHER_OK)
			return false;
		return ask(c, svc, language, way);
	}
	return s == 200 && on_document(c, r->answer, url, language, way);
}

static bool
log_in(struct client *c, const struct url *url, enum language language, struct way way,
    const char *realm)
{
	struct plan_response r;
	bool came = request(c, url, language, way, true, &r);

	if (!came || r.http_status == 401) {
		c->failures++;
		if (came)
			note_refusal(c, url, realm);
		return false;
	}
	if (r.http_status == 456 || r.http_status == 457) {
		c->password_bad = true;
		return false;
	}
	if (!on_response(c, url, language, way, &r))
		return false;
	c->got.by_login = true;
	return true;
}

static bool
ask(struct client *c, struct url url, enum language language, struct way way)
{
	const char *address = c->address;
	struct plan_response r;
	const char *realm;

	if (been_there(c, address, &url, language) || c->n_visits == VISITS_MAX)
		return false;
	if (!reachable(c, &url, way))
		return false;
	c->visits[c->n_visits++] = (struct visit){ address, url, language };
	if (!request(c, &url, language, way, false, &r))
		return false;
	if (r.http_status == 401 && url.https &&
	    !(language == LANGUAGE_SOAP &&
		slice_ends_nocase(slice_of(url.path), SLICE_LITERAL(".xml")))) {
		realm = basic_realm(&r);
		return may_log_in(c, &url, realm) && log_in(c, &url, language, way, realm);
	}
	if ((r.http_status == 456 || r.http_status == 457) && url.https) {
		c->password_bad = true;
		return false;
	}
	return on_response(c, &url, language, way, &r);
}

static bool
ask_text(struct client *c, const char *text, enum language language, struct way way)
{
	struct url url;

	return text != NULL && url_parse(c->w->mem, slice_of(text), &url, NULL) == USHER_OK &&
	       (url.https || way.source == SOURCE_HTTP_REDIRECT) && ask(c, url, language, way);
}

static bool
by_srv(struct client *c, enum language language, struct way way)
{
	const char *domain = domain_of(c->address);
	struct plan_location found = { .failure = PLAN_NO_SUCH_NAME };
	struct srv_record *v;
	size_t n = 0;
	int delay = 0;

	c->w->locate(c->w, arena_join(c->w->mem, "_autodiscover._tcp.", domain), &delay, &found);
	v = arena_array(c->w->mem, found.n_records, sizeof(*v));
	if (v == NULL || delay < 0 || delay >= PLAN_RESOLVE_MS ||
	    found.failure != PLAN_NO_FAILURE ||
	    srv_order(c->w->mem, found.records, found.n_records, c->o->seed + c->n_addresses, v,
		&n) != USHER_OK)
		return false;
	for (size_t i = 0; i < n && i < TARGETS_MAX; i++) {
		struct url url;
		const char *text =
		    arena_printf(c->w->mem, "https://%s:%u" PATH, v[i].host, (unsigned)v[i].port);

		if (url_parse(c->w->mem, slice_of(text), &url, NULL) == USHER_OK &&
		    trusted(c, &url) && ask(c, url, language, way))
			return true;
	}
	return false;
}

static bool
by_directory(struct client *c, enum language language, struct way way)
{
	const char *domain = domain_of(c->address);
	const char *at = c->o->directory, *before[TARGETS_MAX + 2];

	for (size_t hops = 0; hops < TARGETS_MAX + 2; hops++) {
		struct plan_finding found = { .failure = PLAN_NO_FAILURE };
		struct scp_order order;
		int delay = 0;

		c->w->search(c->w, at, &delay, &found);
		if (delay < 0 || delay >= PLAN_SEARCH_MS || found.failure != PLAN_NO_FAILURE ||
		    scp_order(c->w->mem, found.records, found.n_records, domain, c->o->site,
			c->o->strict_site, &order) != USHER_OK)
			return false;
		for (size_t i = 0; i < order.urls.n && i < TARGETS_MAX; i++) {
			if (ask_text(c, order.urls.v[i], language, way))
				return true;
		}
		if (order.pointer == NULL)
			return false;
		before[hops] = at;
		at = order.pointer;
		for (size_t i = 0; i <= hops; i++) {
			if (strcmp(before[i], at) == 0)
				return false;
		}
	}
	return false;
}

static bool
by_file(struct client *c, struct way way)
{
	struct plan_response r = { .failure = PLAN_NO_FAILURE };

	c->w->read(c->w, &r);
	return r.failure == PLAN_NO_FAILURE && on_document(c, r.answer, NULL, LANGUAGE_POX, way);
}

static bool
by_source(struct client *c, enum source source, size_t hops)
{
	const struct plan_options *o = c->o;
	const struct way way = { .source = source, .hops = hops, .at_source = true };
	const char *address = c->address, *domain = domain_of(address);
	enum language language = o->one_language ? o->language : LANGUAGE_POX;
	bool usual = language != LANGUAGE_JSON_V2 && language != LANGUAGE_AUTOCONFIG;
	struct arena *mem = c->w->mem;
	bool first = address == c->addresses[0];

	switch (source) {
	case SOURCE_LAST_KNOWN_GOOD:
		return usual && first && ask_text(c, o->last_known_good, language, way);
	case SOURCE_SCP:
		return usual && o->directory != NULL && by_directory(c, language, way);
	case SOURCE_AUTODISCOVER:
		return usual && ask_text(c, arena_join(mem, "https://autodiscover.", domain, PATH),
				    language, way);
	case SOURCE_ROOT:
		return usual &&
		       ask_text(c, arena_join(mem, "https://", domain, PATH), language, way);
	case SOURCE_LOCAL_XML:
		return language == LANGUAGE_POX && first && o->local_xml != NULL && by_file(c, way);
	case SOURCE_HTTP_REDIRECT:
		return usual && ask_text(c, arena_join(mem, "http://autodiscover.", domain, PATH),
				    language, way);
	case SOURCE_SRV:
		return usual && by_srv(c, language, way);
	default: /* what others do in their own ways, no plain client does */
		return false;
	}
}

static bool
find_all(struct client *c, const char *address, size_t hops)
{
	const char *order = c->o->order != NULL	   ? c->o->order :
			    c->o->prefer_local_xml ? "FGACBDE" :
						     "GACBFDE";
	const char *before = c->address;
	bool found = false;

	c->address = c->addresses[c->n_addresses++] = address;
	for (; *order != '\0' && !found; order++)
		found = (c->o->excluded & SOURCE_BIT(*order)) == 0 &&
			by_source(c, (enum source) * order, hops);
	c->address = before;
	return found;
}

struct reference
reference_run(struct world *w, const char *address, const struct plan_options *options)
{
	struct client *c = malloc(sizeof(*c));
	struct reference got;

	if (c == NULL)
		abort();
	memset(c, 0, offsetof(struct client, visits));
	c->w = w;
	c->o = options;
	c->got.found = find_all(c, address, 0);
	got = c->got;
	free(c);
	return got;
}
