/* random_mobilesync.c - answers of ActiveSync drawn at random. */
#include "random_mobilesync.h"

#include "random.h"
#include "wire/mobilesync.h"

static const char *
maybe(struct dice *d)
{
	return dice_roll(d, 2) == 0 ? NULL : dice_text(d);
}

static void
settings(struct dice *d, struct answer *out)
{
	struct answer_protocol *p;

	out->user.display_name = maybe(d);
	out->user.autodiscover_smtp_address = dice_text(d);
	out->n_protocols = dice_roll(d, 4);
	p = dice_must(arena_array(d->mem, out->n_protocols, sizeof(*p)));
	out->protocols = p;
	for (size_t i = 0; i < out->n_protocols; i++) {
		bool enroll = dice_roll(d, 2) == 0;

		answer_protocol_init(&p[i], enroll ? PROTOCOL_CERT_ENROLL : PROTOCOL_ACTIVESYNC);
		p[i].url = dice_url(d);
		if (enroll)
			p[i].server_data = maybe(d);
	}
}

static void
refusal(struct dice *d, struct answer_refusal *r)
{
	static const int64_t codes[] = { 500, 600, 601, 603 };

	r->code = codes[dice_roll(d, COUNT_OF(codes))];
	r->message = maybe(d);
	r->debug = maybe(d);
	if (r->code == 500) {
		r->status = 2;
		return;
	}
	r->time = dice_roll(d, 2) == 0 ? NULL : "23:59:59.0000000";
	r->id = dice_roll(d, 2) == 0 ? NULL : "2718281828";
}

void
random_mobilesync(struct arena *mem, uint64_t seed, struct answer *out)
{
	static const enum answer_kind kinds[] = { ANSWER_SETTINGS, ANSWER_REDIRECT_ADDRESS,
		ANSWER_REFUSAL };
	struct dice d = { seed, mem };

	answer_init(out, kinds[dice_roll(&d, COUNT_OF(kinds))]);
	if (out->kind == ANSWER_SETTINGS)
		settings(&d, out);
	else if (out->kind == ANSWER_REFUSAL)
		refusal(&d, &out->refusal);
	else
		out->redirect = dice_text(&d);
}
