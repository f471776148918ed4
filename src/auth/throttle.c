/* throttle.c - counts failures and turns them into growing waits. */
#include "auth/throttle.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "auth/ledger.h"
#include "base/err.h"

enum { FIRST_DELAY_MS = 1000, DOUBLINGS_MAX = 20, SOURCE_BYTES = 16 };

struct throttle {
	struct ledger *ledger;
	struct throttle_limits limits;
};

usher_status
throttle_new(const struct throttle_limits *limits, struct throttle **out, struct usher_error *err)
{
	struct throttle *t = calloc(1, sizeof(*t));
	usher_status st;

	if (t == NULL)
		return err_nomem(err, "throttle");
	t->limits = *limits;
	st = ledger_new(limits->entries, &t->ledger, err);
	if (st != USHER_OK) {
		free(t);
		return st;
	}
	*out = t;
	return USHER_OK;
}

void
throttle_free(struct throttle *t)
{
	if (t == NULL)
		return;
	ledger_free(t->ledger);
	free(t);
}

/* One customer has at least a /64 of IPv6 and could try from each address in it. */
static struct slice
source_key(const char *source, unsigned char out[SOURCE_BYTES])
{
	memset(out, 0, SOURCE_BYTES);
	if (inet_pton(AF_INET6, source, out) == 1) {
		static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

		if (memcmp(out, mapped, sizeof(mapped)) != 0)
			memset(out + SOURCE_BYTES / 2, 0, SOURCE_BYTES / 2);
		return slice_from(out, SOURCE_BYTES);
	}
	memset(out, 0, SOURCE_BYTES);
	if (inet_pton(AF_INET, source, out + 12) == 1) {
		out[10] = out[11] = 0xff;
		return slice_from(out, SOURCE_BYTES);
	}
	return slice_of(source);
}

static uint64_t
wait_of(struct throttle *t, const struct slice *about, size_t n, uint64_t now_ms)
{
	struct fact fact;

	if (!ledger_get(t->ledger, about, n, now_ms, &fact) || fact.until_ms <= now_ms)
		return 0;
	return fact.until_ms - now_ms;
}

uint64_t
throttle_wait_ms(struct throttle *t, const char *source, const char *login, uint64_t now_ms)
{
	unsigned char key[SOURCE_BYTES];
	const struct slice about[] = { source_key(source, key), slice_of(login) };
	uint64_t pair = wait_of(t, about, 2, now_ms);
	uint64_t alone = wait_of(t, about, 1, now_ms);

	return pair > alone ? pair : alone;
}

struct count_up {
	const struct throttle_limits *limits;
	uint64_t now_ms;
	uint32_t allowed;
};

static void
count_failure(struct fact *fact, void *payload)
{
	const struct count_up *c = payload;
	uint64_t delay = 0;

	if (fact->count < UINT32_MAX)
		fact->count++;
	if (fact->count > c->allowed) {
		uint32_t doublings = fact->count - c->allowed - 1;

		delay =
		    doublings > DOUBLINGS_MAX ? UINT64_MAX : (uint64_t)FIRST_DELAY_MS << doublings;
		if (delay > c->limits->delay_max_ms)
			delay = c->limits->delay_max_ms;
	}
	fact->until_ms = c->now_ms + delay;
	fact->expires_ms = fact->until_ms + c->limits->forget_ms;
}

void
throttle_failed(struct throttle *t, const char *source, const char *login, uint64_t now_ms)
{
	unsigned char key[SOURCE_BYTES];
	const struct slice about[] = { source_key(source, key), slice_of(login) };
	struct count_up pair = { &t->limits, now_ms, t->limits.pair_failures };
	struct count_up alone = { &t->limits, now_ms, t->limits.source_failures };

	ledger_change(t->ledger, about, 2, now_ms, count_failure, &pair);
	ledger_change(t->ledger, about, 1, now_ms, count_failure, &alone);
}

static void
forget(struct fact *fact, void *payload)
{
	(void)payload;
	*fact = (struct fact){ 0 };
}

void
throttle_passed(struct throttle *t, const char *source, const char *login, uint64_t now_ms)
{
	unsigned char key[SOURCE_BYTES];
	const struct slice about[] = { source_key(source, key), slice_of(login) };
	struct fact fact;

	/* The common case, nothing to forget, must not take another's slot. */
	if (ledger_get(t->ledger, about, 2, now_ms, &fact))
		ledger_change(t->ledger, about, 2, now_ms, forget, NULL);
}
