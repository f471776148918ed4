/* remember.c - verdicts on passwords, as facts of a ledger. */
#include "auth/remember.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "auth/ledger.h"
#include "base/err.h"

struct remember {
	struct ledger *ledger;
	_Atomic uint64_t good_ms, bad_ms;
};

/* What is kept in a fact's `count`. */
enum { VERDICT_GOOD = REMEMBERED_GOOD, VERDICT_BAD = REMEMBERED_BAD };

enum { ABOUT_PARTS = 4 };

static void
make_about(struct slice about[ABOUT_PARTS], const char *source, const char *login, const char *hash,
    const struct secret *password)
{
	about[0] = slice_of(login); /* chooses the shard: many may come from one source */
	about[1] = slice_of(source);
	about[2] = slice_of(hash);
	about[3] = slice_from(password->bytes, password->n);
}

usher_status
remember_new(const struct remember_limits *limits, struct remember **out, struct usher_error *err)
{
	struct remember *r = calloc(1, sizeof(*r));
	usher_status st;

	if (r == NULL)
		return err_nomem(err, "remembered passwords");
	st = ledger_new(limits->entries, &r->ledger, err);
	if (st != USHER_OK) {
		free(r);
		return st;
	}
	remember_set_times(r, limits->good_ms, limits->bad_ms);
	*out = r;
	return USHER_OK;
}

void
remember_free(struct remember *r)
{
	if (r == NULL)
		return;
	ledger_free(r->ledger);
	free(r);
}

void
remember_set_times(struct remember *r, uint64_t good_ms, uint64_t bad_ms)
{
	atomic_store(&r->good_ms, good_ms);
	atomic_store(&r->bad_ms, bad_ms);
}

enum remembered
remember_ask(struct remember *r, const char *source, const char *login, const char *hash,
    const struct secret *password, uint64_t now_ms)
{
	struct slice about[ABOUT_PARTS];
	struct fact fact;

	make_about(about, source, login, hash, password);
	if (!ledger_get(r->ledger, about, ABOUT_PARTS, now_ms, &fact))
		return REMEMBERED_NOT;
	return fact.count == VERDICT_GOOD ? REMEMBERED_GOOD : REMEMBERED_BAD;
}

static void
overwrite(struct fact *fact, void *payload)
{
	*fact = *(const struct fact *)payload;
}

void
remember_tell(struct remember *r, const char *source, const char *login, const char *hash,
    const struct secret *password, bool good, uint64_t now_ms)
{
	struct slice about[ABOUT_PARTS];
	struct fact fact = {
		.expires_ms = now_ms + atomic_load(good ? &r->good_ms : &r->bad_ms),
		.count = good ? VERDICT_GOOD : VERDICT_BAD,
	};

	make_about(about, source, login, hash, password);
	ledger_change(r->ledger, about, ABOUT_PARTS, now_ms, overwrite, &fact);
}
