/* serving.c - what usherd would serve after a change of certificates, beside what it serves now. */
#include "cli/serving.h"

#include <string.h>

#include "base/err.h"

/* A state of the directory: `all`, with `changed` in the place of `instead_of`. */
struct state {
	const struct cert_list *all;
	const struct certificate *instead_of, *changed; /* `changed` may be NULL */
	int64_t now_s;
};

const struct text_list *
serving_names(const struct certificate *c)
{
	return c->host_names.n > 0 ? &c->host_names : &c->names;
}

static bool
is_on(const struct certificate *c, const char *listener)
{
	for (size_t i = 0; i < c->listeners.n; i++)
		if (slice_is_nocase(slice_of(c->listeners.v[i]), listener))
			return true;
	return c->listeners.n == 0;
}

/* The certificate that answers for `host` on `listener`; NULL when none is for it. */
static const struct certificate *
pick(const struct state *s, const char *listener, const char *host)
{
	const struct certificate *best = NULL;

	for (size_t i = 0; i < s->all->n; i++) {
		const struct certificate *c = &s->all->v[i];

		if (c == s->instead_of)
			c = s->changed;
		if (c == NULL || c->pem == NULL || !cert_is_for_https(c) || !is_on(c, listener) ||
		    !cert_names_cover(serving_names(c), host))
			continue;
		if (best == NULL || certificate_goes_before(c, best, s->now_s))
			best = c;
	}
	return best;
}

/* One side of the comparison. The certificate that was judged last is met again and again. */
struct side {
	struct state state;
	const struct certificate *judged;
	enum cert_status status;
};

struct comparing {
	const struct judge *judge;
	struct side before, after;
};

static usher_status
status_of(struct comparing *c, struct side *side, const struct certificate *cert,
    enum cert_status *out, struct usher_error *err)
{
	struct judgement judgement;
	usher_status st;

	if (side->judged != cert) {
		st = judge_certificate(c->judge, c->judge->cli->mem, cert, NULL, &judgement, err);
		if (st != USHER_OK)
			return st;
		side->judged = cert;
		side->status = judgement.verdict.status;
	}
	*out = side->status;
	return USHER_OK;
}

static usher_status
compare_name(struct comparing *c, const char *listener, const char *host, struct usher_error *err)
{
	const struct certificate *was = pick(&c->before.state, listener, host);
	const struct certificate *will = pick(&c->after.state, listener, host);
	enum cert_status status_was, status_will;
	usher_status st;

	if (was == NULL || was == will)
		return USHER_OK;
	if (will == NULL)
		return err_set(err, USHER_E_CONFLICT, was->thumbprint,
		    "no other certificate for %s is enabled%s%s; enable one first, or add --force",
		    host, listener[0] == '\0' ? "" : " on listener ", listener);
	st = status_of(c, &c->before, was, &status_was, err);
	if (st == USHER_OK)
		st = status_of(c, &c->after, will, &status_will, err);
	if (st == USHER_OK && status_was == CERT_VALID && status_will != CERT_VALID)
		st = err_set(err, USHER_E_CONFLICT, will->thumbprint,
		    "is %s, and programs would get it for %s in the place of %s, which is Valid; "
		    "add --force if they shall",
		    cert_status_name(status_will), host, was->thumbprint);
	return st;
}

static usher_status
compare_on(struct comparing *c, const char *listener, struct usher_error *err)
{
	const struct text_list *names = &c->before.state.instead_of->names;
	usher_status st = USHER_OK;

	for (size_t i = 0; st == USHER_OK && i < names->n; i++)
		st = compare_name(c, listener, names->v[i], err);
	return st;
}

usher_status
serving_check(const struct judge *j, const struct cert_list *all, const struct certificate *before,
    const struct certificate *after, struct usher_error *err)
{
	int64_t now_s = j->cli->now_ms / 1000;
	struct comparing c = {
		.judge = j,
		.before.state = { all, before, before, now_s },
		.after.state = { all, before, after, now_s },
	};
	/* A listener that no certificate names gets those that are for all. */
	usher_status st = compare_on(&c, "", err);

	for (size_t i = 0; st == USHER_OK && i < all->n; i++)
		for (size_t k = 0; st == USHER_OK && k < all->v[i].listeners.n; k++)
			st = compare_on(&c, all->v[i].listeners.v[k], err);
	return st;
}
