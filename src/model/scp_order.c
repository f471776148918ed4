/* scp_order.c - puts service connection points into the order in which they are tried (scp.md 3).
 */
#include "model/scp_order.h"

#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/text.h"
#include "base/url.h"
#include "model/ldap.h"

struct candidate {
	const char *url;
	const char *key;   /* the same in lower case */
	bool repeated;	   /* a better one has the same URL */
	bool other_domain; /* it is for domains of which ours is none */
	enum scp_tier tier;
	int64_t created; /* the unknown is the youngest */
	size_t index;	 /* in the directory's order */
};

/* The value of a keyword `NAME=value`; false when it is another. */
static bool
keyword_value(const char *keyword, struct slice name, struct slice *value)
{
	struct slice s = slice_of(keyword);

	if (!slice_starts_nocase(s, name))
		return false;
	*value = slice_skip(s, name.n);
	return true;
}

static bool
has_keyword(const struct scp_record *r, const char *keyword)
{
	for (size_t i = 0; i < r->keywords.n; i++) {
		if (slice_is_nocase(slice_of(r->keywords.v[i]), keyword))
			return true;
	}
	return false;
}

struct match {
	bool named;   /* there are such keywords … */
	bool matches; /* … and one of them is ours */
};

static struct match
match_site(const struct scp_record *r, const char *site)
{
	struct match m = { false, false };
	struct slice value;

	for (size_t i = 0; i < r->keywords.n; i++) {
		if (!keyword_value(r->keywords.v[i], SLICE_LITERAL("Site="), &value))
			continue;
		m.named = true;
		m.matches = m.matches || text_same_folded(value, slice_of(site));
	}
	return m;
}

static usher_status
match_domain(struct arena *mem, const struct scp_record *r, const char *domain, struct match *out)
{
	struct match m = { false, false };
	struct slice value;

	for (size_t i = 0; i < r->keywords.n; i++) {
		const char *name;
		usher_status st;

		if (!keyword_value(r->keywords.v[i], SLICE_LITERAL("Domain="), &value))
			continue;
		m.named = true;
		st = domain_parse(mem, value, &name, NULL);
		if (st == USHER_E_NOMEM)
			return st;
		m.matches = m.matches || (st == USHER_OK && slice_is(slice_of(name), domain));
	}
	*out = m;
	return USHER_OK;
}

/* *out is NULL when the binding names no directory. */
static usher_status
read_pointer(struct arena *mem, const char *binding, const char **out)
{
	struct ldap_place place;
	usher_status st = ldap_place_read(mem, slice_of(binding), &place);

	*out = st == USHER_OK && place.host != NULL ? place.text : NULL;
	return st == USHER_E_NOMEM ? st : USHER_OK;
}

/* A pointer for our domain, or else the first that is for everybody: it has no other keyword. */
static usher_status
find_pointer(struct arena *mem, const struct scp_record *records, size_t n, const char *domain,
    const char **ours, const char **anybodys)
{
	*ours = *anybodys = NULL;
	for (size_t i = 0; i < n && *ours == NULL; i++) {
		struct match m;
		const char *uri = NULL;
		usher_status st;

		if (!has_keyword(&records[i], SCP_POINTER_KEYWORD))
			continue;
		st = match_domain(mem, &records[i], domain, &m);
		if (st == USHER_OK)
			st = read_pointer(mem, records[i].binding, &uri);
		if (st != USHER_OK)
			return st;
		if (m.matches)
			*ours = uri;
		else if (*anybodys == NULL && records[i].keywords.n == 1)
			*anybodys = uri;
	}
	return USHER_OK;
}

static int
compare(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	if (a->other_domain != b->other_domain)
		return a->other_domain ? 1 : -1;
	if (a->tier != b->tier)
		return a->tier > b->tier ? 1 : -1;
	if (a->created != b->created)
		return a->created > b->created ? 1 : -1;
	return a->index > b->index ? 1 : -1;
}

static usher_status
read_candidate(struct arena *mem, const struct scp_record *r, const char *domain, const char *site,
    struct candidate *out)
{
	struct match by_domain = { false, false };
	struct match by_site = match_site(r, site);
	struct url url;
	usher_status st = match_domain(mem, r, domain, &by_domain);

	out->url = NULL;
	if (st == USHER_OK)
		st = url_parse(mem, slice_trim(slice_of(r->binding)), &url, NULL);
	if (st != USHER_OK)
		return st == USHER_E_NOMEM ? st : USHER_OK;
	out->key = text_lower_copy(mem, slice_of(url.text));
	if (out->key == NULL)
		return USHER_E_NOMEM;
	out->url = url.text;
	out->repeated = false;
	out->other_domain = by_domain.named && !by_domain.matches;
	out->created = r->created == NUMBER_ABSENT ? INT64_MAX : r->created;
	if (site == NULL)
		out->tier = SCP_OUR_SITE;
	else if (by_site.named)
		out->tier = by_site.matches ? SCP_OUR_SITE : SCP_OTHER_SITE;
	else
		out->tier = SCP_ANY_SITE;
	return USHER_OK;
}

/* By URL, and the better one first. */
static int
compare_urls(const void *left, const void *right)
{
	const struct candidate *const *a = left, *const *b = right;
	int order = strcmp((*a)->key, (*b)->key);

	return order != 0 ? order : *a > *b ? 1 : -1;
}

/* Of those in order that have the same URL, in any letter case, the first one stays. */
static bool
drop_repeated(struct arena *mem, struct candidate *v, size_t n)
{
	struct candidate **by_url = arena_array(mem, n, sizeof(*by_url));

	if (by_url == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		by_url[i] = &v[i];
	qsort(by_url, n, sizeof(struct candidate *), compare_urls);
	for (size_t i = 1; i < n; i++)
		by_url[i]->repeated = strcmp(by_url[i]->key, by_url[i - 1]->key) == 0;
	return true;
}

static usher_status
list_urls(struct arena *mem, struct candidate *v, size_t n, bool strict_site, struct scp_order *out)
{
	const char **urls = arena_array(mem, n, sizeof(*urls));
	size_t *places = arena_array(mem, n, sizeof(*places));
	enum scp_tier *tiers = arena_array(mem, n, sizeof(*tiers));

	if (urls == NULL || places == NULL || tiers == NULL)
		return USHER_E_NOMEM;
	qsort(v, n, sizeof(*v), compare);
	if (!drop_repeated(mem, v, n))
		return USHER_E_NOMEM;
	out->urls = (struct text_list){ urls, 0 };
	out->places = places;
	out->tiers = tiers;
	for (size_t i = 0; i < n; i++) {
		if (strict_site && v[i].tier != SCP_OUR_SITE && v[0].tier == SCP_OUR_SITE)
			continue;
		if (v[i].repeated)
			continue;
		places[out->urls.n] = v[i].index;
		tiers[out->urls.n] = v[i].tier;
		urls[out->urls.n++] = v[i].url;
	}
	return USHER_OK;
}

usher_status
scp_order(struct arena *mem, const struct scp_record *records, size_t n, const char *domain,
    const char *site, bool strict_site, struct scp_order *out)
{
	struct candidate *v = arena_array(mem, n, sizeof(*v));
	const char *ours, *anybodys;
	size_t n_urls = 0;
	usher_status st = v == NULL ? USHER_E_NOMEM : USHER_OK;

	if (st == USHER_OK)
		st = find_pointer(mem, records, n, domain, &ours, &anybodys);
	if (st != USHER_OK)
		return st;
	*out = (struct scp_order){ .pointer = ours };
	for (size_t i = 0; i < n && ours == NULL; i++) {
		if (!has_keyword(&records[i], SCP_URL_KEYWORD))
			continue;
		v[n_urls].index = i;
		st = read_candidate(mem, &records[i], domain, site, &v[n_urls]);
		if (st != USHER_OK)
			return st;
		if (v[n_urls].url != NULL)
			n_urls++;
	}
	if (n_urls == 0 && ours == NULL)
		out->pointer = anybodys;
	return list_urls(mem, v, n_urls, strict_site, out);
}
