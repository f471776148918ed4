/* expiry.c - tells in time that certificates expire. */
#include "server/expiry.h"

#include <stdlib.h>
#include <string.h>

#include "base/when.h"
#include "server/log.h"
#include "server/service.h"

enum { DAY_S = 86400 };

int64_t
expiry_days_left(int64_t not_after, int64_t now_s)
{
	int64_t left = not_after - now_s;

	return left >= 0 ? left / DAY_S : -((-left + DAY_S - 1) / DAY_S);
}

unsigned
expiry_stage(int64_t not_after, int64_t now_s)
{
	static const int64_t days[] = { 30, 14, 7, 1, 0 };
	unsigned stage = EXPIRY_FAR;

	for (size_t i = 0; i < COUNT_OF(days); i++)
		stage += not_after - now_s <= days[i] * DAY_S;
	return stage;
}

static bool
same(const struct served_certificate *a, const struct served_certificate *b)
{
	return a->not_after == b->not_after && strcmp(a->label, b->label) == 0;
}

/* Index of the first that is the same certificate, or e->n. */
static size_t
find(const struct expiry *e, const struct served_certificate *wanted)
{
	size_t i = 0;

	while (i < e->n && !same(&e->v[i], wanted))
		i++;
	return i;
}

bool
expiry_begin(
    struct expiry *e, const struct served_certificate *v, size_t n, const struct expiry *before)
{
	unsigned char *told = calloc(n + 1, 1);

	if (told == NULL)
		return false;
	*e = (struct expiry){ v, n, told };
	for (size_t i = 0; before != NULL && i < n; i++) {
		size_t at = find(before, &v[i]);

		if (at < before->n)
			told[i] = before->told[at];
	}
	return true;
}

static void
tell(const struct served_certificate *c, int64_t now_s)
{
	bool past = c->not_after <= now_s;
	char not_after[WHEN_TEXT_BYTES];

	when_format(c->not_after, not_after);
	LOG(past ? LEVEL_ERROR : LEVEL_WARNING, "tls", NULL,
	    past ? "certificate has expired, and clients refuse it; renew it" :
		   "certificate expires soon; renew it",
	    log_text("certificate", c->label), log_text("subject", c->subject),
	    log_number("days_left", expiry_days_left(c->not_after, now_s)),
	    log_text("not_after", not_after));
}

void
expiry_look(struct expiry *e, int64_t now_s)
{
	for (size_t i = 0; i < e->n; i++) {
		unsigned stage = expiry_stage(e->v[i].not_after, now_s);

		if (stage <= e->told[i])
			continue;
		e->told[i] = (unsigned char)stage;
		if (find(e, &e->v[i]) == i)
			tell(&e->v[i], now_s);
	}
}

void
expiry_clear(struct expiry *e)
{
	free(e->told);
	*e = (struct expiry){ 0 };
}
