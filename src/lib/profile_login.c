/* profile_login.c - what a profile keeps for logging in: the login name, the hosts that a person
 * trusts, and what hosts have offered. */
#include <string.h>

#include "base/address.h"
#include "base/text.h"
#include "base/url.h"
#include "lib/profile.h"
#include "lib/search.h"

/* As a caller names it; every scheme that is none of ours is the same to us. */
#define OTHER_NAME "Other"

struct offers {
	struct plan_offer v[PLAN_OFFERS_MAX];
	size_t n;
};

/* ---- what hosts have offered ---- */

/* NULL when there are too many: those that are known already must not be displaced. */
static struct plan_offer *
offer_of(struct offers *all, const char *host)
{
	for (size_t i = 0; i < all->n; i++) {
		if (strcmp(all->v[i].host, host) == 0)
			return &all->v[i];
	}
	if (all->n == COUNT_OF(all->v))
		return NULL;
	all->v[all->n] = (struct plan_offer){ .host = host };
	return &all->v[all->n++];
}

static usher_status
read_kept(struct arena *mem, const struct text_list *kept, struct offers *out)
{
	for (size_t i = 0; i < kept->n; i++) {
		struct plan_offer one, *to;
		usher_status st = options_offer(mem, kept->v[i], &one, NULL);

		if (st == USHER_E_NOMEM)
			return st;
		to = st == USHER_OK ? offer_of(out, one.host) : NULL;
		if (to != NULL)
			to->schemes |= one.schemes;
	}
	return USHER_OK;
}

/* The name of the host that an attempt has asked over verified TLS; NULL: none that counts. */
static usher_status
host_of(struct arena *mem, const struct attempt *a, const char **out)
{
	struct url url;
	usher_status st;

	*out = NULL;
	if (a->url == NULL || a->tls.verdict != TLS_VERIFIED)
		return USHER_OK;
	st = url_parse(mem, slice_of(a->url), &url, NULL);
	if (st == USHER_OK)
		st = domain_parse(mem, slice_of(url.host), out, NULL);
	return st == USHER_E_NOMEM ? st : USHER_OK;
}

/* Whoever was given the password by Basic had never offered better, or was to have it in so many
 * words: what it offers now is what is to be expected of it. */
static usher_status
forget_better(struct arena *mem, const struct usher_result *result, struct offers *all)
{
	const struct attempt *won = result->settings == NULL ? NULL : result->plan.won;
	struct plan_offer *kept;
	const char *host;
	usher_status st;

	if (won == NULL || !won->credentialed || won->scheme != SCHEME_BASIC)
		return USHER_OK;
	st = host_of(mem, won, &host);
	kept = host == NULL ? NULL : offer_of(all, host);
	if (kept != NULL)
		kept->schemes = 0;
	return st;
}

static usher_status
add_offers(struct arena *mem, const struct usher_result *result, struct offers *all)
{
	for (size_t i = 0; i < result->plan.n_attempts; i++) {
		const struct attempt *a = result->plan.attempts[i];
		struct plan_offer *to;
		const char *host;
		usher_status st = host_of(mem, a, &host);

		if (st != USHER_OK)
			return st;
		to = a->offered.n == 0 || host == NULL ? NULL : offer_of(all, host);
		for (size_t k = 0; to != NULL && k < a->offered.n; k++)
			to->schemes |= SCHEME_BIT(auth_scheme_named(slice_of(a->offered.v[k])));
	}
	return USHER_OK;
}

/* `HOST=SCHEME,SCHEME`, strongest first; NULL when out of memory. */
static const char *
offer_text(struct arena *mem, const struct plan_offer *offer)
{
	const char *text = offer->host;
	const char *before = "=";

	for (int s = SCHEME_OTHER; text != NULL && s > SCHEME_NONE; s--) {
		if ((offer->schemes & SCHEME_BIT(s)) == 0)
			continue;
		text = arena_join(mem, text, before,
		    s == SCHEME_OTHER ? OTHER_NAME : auth_scheme_name((enum auth_scheme)s));
		before = ",";
	}
	return text;
}

static usher_status
keep_offers(struct arena *mem, const struct usher_result *result, struct text_list *kept)
{
	struct offers all = { .n = 0 };
	const char **v = arena_array(mem, COUNT_OF(all.v), sizeof(*v));
	usher_status st = v == NULL ? USHER_E_NOMEM : read_kept(mem, kept, &all);
	size_t n = 0;

	if (st == USHER_OK)
		st = forget_better(mem, result, &all);
	if (st == USHER_OK)
		st = add_offers(mem, result, &all);
	for (size_t i = 0; st == USHER_OK && i < all.n; i++) {
		if (all.v[i].schemes == 0)
			continue;
		v[n] = offer_text(mem, &all.v[i]);
		if (v[n++] == NULL)
			st = USHER_E_NOMEM;
	}
	if (st == USHER_OK)
		*kept = (struct text_list){ v, n };
	return st;
}

/* ---- what a person has said ---- */

static bool
is_listed(const char *const *v, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(v[i], text) == 0)
			return true;
	}
	return false;
}

/* The hosts that were given, and those that were agreed to. */
static usher_status
keep_trust(struct arena *mem, const struct usher_result *result, struct text_list *kept)
{
	const struct text_list lists[] = { result->trust_hosts,
		{ result->agreed, result->n_agreed } };
	const char **v = arena_array(mem, PLAN_TRUST_HOSTS_MAX, sizeof(*v));
	size_t n = 0;

	if (v == NULL)
		return USHER_E_NOMEM;
	for (size_t l = 0; l < COUNT_OF(lists); l++) {
		for (size_t i = 0; i < lists[l].n && n < PLAN_TRUST_HOSTS_MAX; i++) {
			usher_status st = options_trust_host(mem, lists[l].v[i], &v[n], NULL);

			if (st == USHER_E_NOMEM)
				return st;
			/* An address that was agreed to can be no name. */
			if (st == USHER_OK && !is_listed(v, n, v[n]))
				n++;
		}
	}
	*kept = (struct text_list){ v, n };
	return USHER_OK;
}

/* The address itself is what is used when nothing is kept. */
static const char *
login_to_keep(const struct usher_result *result, const char *address)
{
	struct slice login = slice_of(result->login == NULL ? "" : result->login);

	if (login.n == 0 || login.n >= USHER_LOGIN_BYTES || slice_is(login, address) ||
	    slice_is(login, result->find.address) || !text_utf8_valid(login) ||
	    text_has_control(login))
		return NULL;
	return result->login;
}

usher_status
profile_login_keep(struct arena *mem, const struct usher_result *result, struct profile_head *head)
{
	usher_status st = keep_offers(mem, result, &head->offered_before);

	if (st != USHER_OK || result->settings == NULL)
		return st;
	head->login = login_to_keep(result, head->address);
	return keep_trust(mem, result, &head->trust_hosts);
}

/* ---- where to look ---- */

void
profile_directory_keep(const struct usher_result *result, int64_t now_s, struct profile_head *head)
{
	for (size_t i = 0; i < result->plan.n_attempts; i++) {
		const struct attempt *a = result->plan.attempts[i];

		if (a->site == NULL || result->site_given)
			continue;
		head->site = a->site;
		head->site_at = now_s;
	}
	if (result->settings == NULL)
		return;
	head->directory = result->directory;
	head->domain_joined = result->domain_joined ? TRI_ON : TRI_ABSENT;
}
