/* languages.c - several languages for one mailbox: each has a plan of its own, and what they give
 * is joined into one answer. */
#include <string.h>

#include "base/err.h"
#include "lib/search.h"

/* ---- joining ---- */

static bool
same_kind(const struct answer_protocol *a, const struct answer_protocol *b)
{
	if (a->kind != b->kind)
		return false;
	return a->kind != PROTOCOL_UNKNOWN ||
	       (a->type != NULL && b->type != NULL && strcmp(a->type, b->type) == 0);
}

/* The first of the `n` that is of that kind; NULL: none. */
static struct answer_protocol *
of_kind(struct answer_protocol *v, size_t n, const struct answer_protocol *like)
{
	for (size_t i = 0; i < n; i++) {
		if (same_kind(&v[i], like))
			return &v[i];
	}
	return NULL;
}

/* Exchange's blocks are lists of URLs, of which each language knows some. Elsewhere a server, its
 * port and its encryption belong together. */
static bool
may_be_filled(const struct answer_protocol *a, const struct answer_protocol *b)
{
	return a->kind >= PROTOCOL_EXCH && a->kind <= PROTOCOL_MAPI_HTTP &&
	       (a->server == NULL || b->server == NULL || strcmp(a->server, b->server) == 0);
}

/* The ways of the first answer, and those of the next that are of a kind which that has none of. */
static bool
join_protocols(struct arena *mem, const struct plan_result *first, const struct plan_result *next,
    struct answer *out)
{
	const struct answer *a = first->answer, *b = next->answer;
	struct answer_protocol *v = arena_array(mem, a->n_protocols + b->n_protocols, sizeof(*v));
	size_t n = a->n_protocols;

	if (v == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		v[i] = a->protocols[i];
		if (v[i].language == NULL)
			v[i].language = language_name(first->language);
	}
	for (size_t i = 0; i < b->n_protocols; i++) {
		struct answer_protocol *known = of_kind(v, a->n_protocols, &b->protocols[i]);

		if (known != NULL && may_be_filled(known, &b->protocols[i]))
			record_fill(&answer_protocol_table, known, &b->protocols[i]);
		if (known != NULL)
			continue;
		v[n] = b->protocols[i];
		v[n++].language = language_name(next->language);
	}
	out->protocols = v;
	out->n_protocols = n;
	return true;
}

/* What the next one says beyond the first joins it. NULL: out of memory. */
static const struct answer *
join(struct arena *mem, const struct plan_result *first, const struct plan_result *next)
{
	const struct answer *a = first->answer, *b = next->answer;
	struct answer *out = arena_alloc(mem, sizeof(*out));

	if (out == NULL)
		return NULL;
	*out = *a;
	record_fill(&answer_user_table, &out->user, &b->user);
	record_fill(&answer_account_table, out, b);
	if (a->n_alternative_mailboxes == 0) {
		out->alternative_mailboxes = b->alternative_mailboxes;
		out->n_alternative_mailboxes = b->n_alternative_mailboxes;
	}
	if (a->n_documentation == 0) {
		out->documentation = b->documentation;
		out->n_documentation = b->n_documentation;
	}
	if (a->n_setting_errors == 0) {
		out->setting_errors = b->setting_errors;
		out->n_setting_errors = b->n_setting_errors;
	}
	return join_protocols(mem, first, next, out) ? out : NULL;
}

/* ---- the record ---- */

/* The attempts of the next plan follow those so far; their clock is the whole search's. */
static const struct attempt *const *
join_attempts(struct arena *mem, const struct plan_result *all, struct plan_result *next)
{
	const struct attempt **v =
	    arena_array(mem, all->n_attempts + next->n_attempts, sizeof(const struct attempt *));
	struct attempt *copies = arena_array(mem, next->n_attempts, sizeof(*copies));

	if (v == NULL || copies == NULL)
		return NULL;
	for (size_t i = 0; i < all->n_attempts; i++)
		v[i] = all->attempts[i];
	for (size_t i = 0; i < next->n_attempts; i++) {
		copies[i] = *next->attempts[i];
		copies[i].started_ms += all->elapsed_ms;
		v[all->n_attempts + i] = &copies[i];
		if (next->won == next->attempts[i])
			next->won = &copies[i];
	}
	return v;
}

/* The search has found what one of its languages has found. */
static usher_status
add(struct arena *mem, struct plan_result *all, struct plan_result next)
{
	const struct attempt *const *attempts = join_attempts(mem, all, &next);
	struct plan_result both = *all;

	if (next.outcome == OUTCOME_FOUND && all->outcome == OUTCOME_FOUND)
		both.answer = join(mem, all, &next);
	else if (next.outcome == OUTCOME_FOUND)
		both = next;
	if (attempts == NULL || (both.won != NULL && both.answer == NULL))
		return USHER_E_NOMEM;
	both.attempts = attempts;
	both.n_attempts = all->n_attempts + next.n_attempts;
	both.elapsed_ms = all->elapsed_ms + next.elapsed_ms;
	*all = both;
	return USHER_OK;
}

/* ---- taking turns ---- */

static bool
is_at_autodiscover_url(enum language language)
{
	return language == LANGUAGE_POX || language == LANGUAGE_SOAP ||
	       language == LANGUAGE_MOBILESYNC;
}

/* Where one of these languages was answered the others are asked, and nowhere else. The questions
 * of SOAP have a URL beside the usual one. NULL: `next` has to find its own way. */
static usher_status
endpoint_for(
    struct arena *mem, enum language next, const struct plan_result *told, const char **out)
{
	struct slice url, svc = SLICE_LITERAL(".svc");

	*out = NULL;
	if (told->won == NULL || !is_at_autodiscover_url(next) ||
	    !is_at_autodiscover_url(told->language))
		return USHER_OK;
	url = slice_of(told->won->url);
	if (!slice_starts_nocase(url, SLICE_LITERAL("https:")))
		return USHER_OK;
	*out = told->won->url;
	if (slice_ends_nocase(url, svc))
		*out = arena_printf(mem, "%.*s.xml", (int)(url.n - svc.n), url.p);
	return *out == NULL ? USHER_E_NOMEM : USHER_OK;
}

static usher_status
begin(struct usher_search *s, enum language language, struct usher_error *err)
{
	const struct plan_result *told = &s->result->plan;
	const char *address = told->outcome == OUTCOME_FOUND ? told->address : s->address;
	struct plan_offer offers[PLAN_OFFERS_MAX];
	struct plan_options how = s->how;
	const char *endpoint;
	struct address who;
	usher_status st = endpoint_for(s->mem, language, told, &endpoint);

	how.language = language;
	how.total_ms -= (uint64_t)told->elapsed_ms;
	how.offers = offers;
	how.n_offers = plan_offers(s->plan, offers);
	how.before = s->plan;
	if (endpoint != NULL) {
		how.last_known_good = endpoint;
		how.order = "G";
		how.excluded = 0;
	}
	if (st == USHER_OK)
		st = address_parse(s->mem, slice_of(address), &who, err);
	if (st == USHER_OK)
		st = plan_new(s->mem, &who, &how, search_now_ms(s), &s->plan, err);
	memset(s->told, 0, sizeof(s->told));
	return st == USHER_E_NOMEM ? err_nomem(err, s->address) : st;
}

usher_status
search_end_turn(struct usher_search *s, bool *done, struct usher_error *err)
{
	struct plan_result *all = &s->result->plan;
	struct plan_result told;

	plan_result(s->plan, &told);
	if (s->turn == 0)
		*all = told;
	else if (add(s->mem, all, told) != USHER_OK)
		return err_nomem(err, s->address);
	/* A password that was refused is tried no more, in whatever language. */
	*done = ++s->turn >= s->options.n_languages || told.outcome == OUTCOME_REJECTED ||
		(uint64_t)all->elapsed_ms >= s->how.total_ms;
	return *done ? USHER_OK : begin(s, s->options.languages[s->turn], err);
}
