/* redirect.c - may this redirect be followed? (http-discovery.md 9, pox.md 3.3) */
#include <string.h>

#include "base/text.h"
#include "plan/inside.h"

static bool
listed(const struct plan *p, const char *host)
{
	for (size_t i = 0; i < p->options.trust_hosts.n; i++) {
		if (domain_matches(p->options.trust_hosts.v[i], host))
			return true;
	}
	return false;
}

/* An IP address has no registrable part, whatever its last two numbers look like. */
static bool
same_site(const struct plan *p, const char *host)
{
	for (size_t i = 0; i < p->n_addresses; i++) {
		if (domain_same_site(p->addresses[i]->domain, host))
			return true;
	}
	return false;
}

bool
redirect_same_site(const struct plan *p, const struct lane *l)
{
	bool ip_literal = l->next_address == NULL && l->next_url.ip_literal;

	return !ip_literal && same_site(p, l->next_host);
}

const struct word *
redirect_said(const struct plan *p, const char *host)
{
	for (size_t i = 0; i < p->n_words; i++) {
		if (strcmp(p->words[i].host, host) == 0)
			return &p->words[i];
	}
	return NULL;
}

/* That very host or domain, by the allow-list or by a word. */
static bool
is_trusted(const struct plan *p, const char *host)
{
	const struct word *word = redirect_said(p, host);

	return listed(p, host) || (word != NULL && word->yes);
}

static bool
is_microsofts(const char *host)
{
	return domain_same_site(host, "outlook.com") || domain_same_site(host, "office365.com");
}

static enum verdict
judge_trust(struct plan *p, struct lane *l, const char *host, const char **reason)
{
	const struct word *word = redirect_said(p, host);

	l->next_host = host;
	/* Who refused a host did not mean to trust it by agreeing to its domain later. */
	if ((word == NULL && redirect_same_site(p, l)) || is_trusted(p, host))
		return VERDICT_FOLLOW;
	/* The caller gave us the file, and asked for Microsoft's hosts. */
	if (l->state == LANE_READ || (p->options.microsoft_365 && is_microsofts(host)))
		return VERDICT_FOLLOW;
	if (word == NULL && p->options.may_ask && p->n_words < PLAN_ATTEMPTS_MAX)
		return VERDICT_ASK;
	*reason = arena_printf(p->mem,
	    "it sends us to %s, which does not belong to %s: trust that host explicitly if you "
	    "know it",
	    host, p->addresses[0]->domain);
	return VERDICT_UNSAFE;
}

void
redirect_word(struct plan *p, const char *host, bool yes)
{
	if (redirect_said(p, host) == NULL && p->n_words < PLAN_ATTEMPTS_MAX)
		p->words[p->n_words++] = (struct word){ .host = host, .yes = yes };
}

bool
redirect_at_trusted(const struct lane *l)
{
	return l->row->trusted && !l->unsafe;
}

bool
redirect_chosen(const struct plan *p, const struct lane *l)
{
	return (redirect_at_trusted(l) && lane_at_source(l)) || is_trusted(p, l->url.host);
}

/* Web sites redirect whatever they are asked; only such a path is meant for us: `/autodiscover/`,
 * any folders, and the name of the service. */
static bool
is_for_us(const struct url *url, enum language language)
{
	struct slice path = slice_of(url->path);
	bool autodiscover = slice_starts_nocase(path, SLICE_LITERAL("/autodiscover/"));

	switch (language) {
	case LANGUAGE_JSON_V2:
		return autodiscover &&
		       slice_starts_nocase(path, SLICE_LITERAL("/autodiscover/autodiscover.json"));
	case LANGUAGE_AUTOCONFIG:
		return slice_ends_nocase(path, SLICE_LITERAL("/config-v1.1.xml"));
	case LANGUAGE_SOAP:
		if (autodiscover && slice_ends_nocase(path, SLICE_LITERAL("/autodiscover.svc")))
			return true;
		FALLTHROUGH;
	default:
		return autodiscover && slice_ends_nocase(path, SLICE_LITERAL("/autodiscover.xml"));
	}
}

bool
redirect_been_there(
    const struct plan *p, const struct lane *l, const struct url *url, enum language language)
{
	for (size_t i = 0; i < p->n_visited; i++) {
		const struct visited *v = &p->visited[i];

		if (v->address == l->address && v->language == language && url_same(&v->url, url))
			return true;
	}
	return false;
}

static const char after_ten[] = "it sends us on once more, after ten redirects";

enum verdict
redirect_url(
    struct plan *p, struct lane *l, const char *target, bool in_document, const char **reason)
{
	struct url *next = &l->next_url;
	usher_status st;

	l->next_address = NULL;
	if (in_document)
		st = url_parse(p->mem, slice_of(target), next, NULL);
	else
		st = url_resolve(p->mem, &l->url, slice_of(target), next, NULL);
	if (st == USHER_E_NOMEM)
		p->status = st;
	if (st != USHER_OK) {
		*reason = "it sends us to something that is no web address";
		return VERDICT_USELESS;
	}
	if (!in_document && !is_for_us(next, l->next_language)) {
		*reason = "it is a web site: it redirects to a page, not to Autodiscover";
		return VERDICT_USELESS;
	}
	/* From https that takes safety away; between plain web sites it is a habit. */
	if (!next->https) {
		*reason = "it sends us to plain http, where nothing is safe";
		return l->url.https ? VERDICT_UNSAFE : VERDICT_USELESS;
	}
	if (next->userinfo) {
		*reason = "it sends us to a URL with a login name inside";
		return VERDICT_UNSAFE;
	}
	if (redirect_been_there(p, l, next, l->next_language)) {
		*reason = "it sends us to a URL that was asked before";
		return VERDICT_USELESS;
	}
	if (l->hops == PLAN_REDIRECTS_MAX) {
		*reason = after_ten;
		return VERDICT_USELESS;
	}
	return judge_trust(p, l, next->host, reason);
}

enum verdict
redirect_target(struct plan *p, struct lane *l, const char **reason)
{
	l->next_address = NULL;
	l->next_url = l->url;
	if (redirect_been_there(p, l, &l->url, l->language)) {
		*reason = "it is named there, but it was asked before";
		return VERDICT_USELESS;
	}
	if (!l->url.https || l->url.userinfo) {
		*reason = l->url.https ? "it is a URL with a login name inside" :
					 "it is not asked: no password goes to plain http";
		return VERDICT_UNSAFE;
	}
	l->next_host = l->url.host;
	return redirect_at_trusted(l) ? VERDICT_FOLLOW : judge_trust(p, l, l->url.host, reason);
}

bool
redirect_asked_for(const struct plan *p, const struct address *address)
{
	for (size_t i = 0; i < p->n_addresses; i++) {
		if (strcmp(p->addresses[i]->key, address->key) == 0)
			return true;
	}
	return false;
}

enum verdict
redirect_address(struct plan *p, struct lane *l, const char *target, const char **reason)
{
	struct address *next = arena_zalloc(p->mem, sizeof(*next));
	usher_status st = USHER_E_NOMEM;

	if (next != NULL)
		st = address_parse(p->mem, slice_of(target), next, NULL);
	if (st == USHER_E_NOMEM)
		p->status = st;
	if (st != USHER_OK) {
		*reason = "it names another address that is no mailbox";
		return VERDICT_USELESS;
	}
	l->next_address = next;
	if (redirect_asked_for(p, next)) {
		p->no_more_points = true; /* scp.md 3.4 */
		*reason = "it sends us to an address that was asked for before";
		return VERDICT_USELESS;
	}
	if (l->hops == PLAN_REDIRECTS_MAX || p->n_addresses == ADDRESSES_MAX) {
		*reason = after_ten;
		return VERDICT_USELESS;
	}
	if (domain_is_public_suffix(next->domain)) {
		*reason = "it names an address whose domain anybody can register under";
		return VERDICT_UNSAFE;
	}
	return judge_trust(p, l, next->domain, reason);
}
