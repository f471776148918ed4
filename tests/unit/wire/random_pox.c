/* random_pox.c - questions and answers drawn at random. */
#include "random_pox.h"

#include <stddef.h>

#include "random.h"
#include "wire/pox.h"
#include "wire/pox_elements.h"

static bool
in_list(const struct element_list *list, const struct field *f)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->rows[i].field.offset == f->offset)
			return true;
	return false;
}

/* The model has members that only other languages have a word for. */
static bool
pox_says(const struct field_table *t, const struct field *f)
{
	if (t == &answer_account_table)
		return in_list(&pox_account, f) ||
		       f->offset == offsetof(struct answer, account_type) ||
		       f->offset == offsetof(struct answer, public_folder_smtp_address);
	if (t == &answer_refusal_table)
		return in_list(&pox_error, f);
	if (t != &answer_protocol_table)
		return true;
	for (size_t i = 0; i < POX_PROTOCOL_BLOCKS; i++)
		if (in_list(&pox_protocol_blocks[i], f))
			return true;
	return in_list(&pox_protocol, f);
}

static void
web_side(struct dice *d, struct answer_web *side)
{
	size_t n = dice_roll(d, 4);
	struct answer_owa_url *owa = dice_must(arena_array(d->mem, n, sizeof(*owa)));

	for (size_t i = 0; i < n; i++) {
		owa[i].url = dice_url(d);
		owa[i].authentication_method = dice_roll(d, 4) == 0 ? NULL : dice_text(d);
	}
	*side = (struct answer_web){ .owa = owa, .n_owa = n };
	if (dice_roll(d, 2) == 0)
		side->protocol_type = dice_text(d);
	if (dice_roll(d, 2) == 0)
		side->as_url = dice_url(d);
}

static void
protocol(struct dice *d, struct answer_protocol *p)
{
	enum protocol_kind kind =
	    (enum protocol_kind)(PROTOCOL_EXCH + dice_roll(d, PROTOCOL_NNTP - PROTOCOL_EXCH + 1));

	dice_record(d, pox_says, &answer_protocol_table, p);
	p->kind = (int)kind;
	p->type = NULL;
	p->version = kind == PROTOCOL_MAPI_HTTP ? 1 + (int64_t)dice_roll(d, 3) : NUMBER_ABSENT;
	p->internal = (struct answer_web){ 0 };
	p->external = (struct answer_web){ 0 };
	if (kind == PROTOCOL_WEB && dice_roll(d, 4) != 0)
		web_side(d, &p->internal);
	if (kind == PROTOCOL_WEB && dice_roll(d, 4) != 0)
		web_side(d, &p->external);
}

static void
settings(struct dice *d, struct answer *a)
{
	struct answer_alternative_mailbox *alternatives;
	struct answer_protocol *protocols;

	a->n_alternative_mailboxes = dice_roll(d, 4);
	a->n_protocols = dice_roll(d, 5);
	alternatives =
	    dice_must(arena_array(d->mem, a->n_alternative_mailboxes, sizeof(*alternatives)));
	protocols = dice_must(arena_array(d->mem, a->n_protocols, sizeof(*protocols)));
	for (size_t i = 0; i < a->n_alternative_mailboxes; i++)
		dice_record(d, pox_says, &answer_alternative_mailbox_table, &alternatives[i]);
	for (size_t i = 0; i < a->n_protocols; i++)
		protocol(d, &protocols[i]);
	a->alternative_mailboxes = alternatives;
	a->protocols = protocols;
	dice_record(d, pox_says, &answer_user_table, &a->user);
}

static void
refusal(struct dice *d, struct answer_refusal *r)
{
	static const int64_t codes[] = { 500, 501, 600, 601, 602, 603, 666 };

	dice_record(d, pox_says, &answer_refusal_table, r);
	r->code = codes[dice_roll(d, COUNT_OF(codes))];
	r->time = dice_roll(d, 4) == 0 ? NULL :
		  dice_roll(d, 2) == 0 ? "23:59:59.0000000" :
					 "00:00:00";
	r->id = dice_roll(d, 4) == 0 ?
		    NULL :
		    dice_must(arena_printf(d->mem, "%u", (unsigned)dice_roll(d, UINT32_MAX)));
}

void
random_answer(struct arena *mem, uint64_t seed, struct answer *out)
{
	struct dice d = { seed, mem };

	answer_init(out, (enum answer_kind)dice_roll(&d, 4));
	switch (out->kind) {
	case ANSWER_REFUSAL:
		refusal(&d, &out->refusal);
		break;
	case ANSWER_SETTINGS: {
		enum answer_kind kind = out->kind;

		dice_record(&d, pox_says, &answer_account_table, out);
		out->kind = kind;
		settings(&d, out);
		if (out->image != NULL)
			out->image = dice_url(&d);
		if (out->service_home != NULL)
			out->service_home = dice_url(&d);
		break;
	}
	case ANSWER_REDIRECT_ADDRESS:
		out->account_type = dice_roll(&d, 2) == 0 ? "email" : NULL;
		out->redirect = dice_text(&d);
		break;
	case ANSWER_REDIRECT_URL:
		out->account_type = dice_roll(&d, 2) == 0 ? "email" : NULL;
		out->redirect = dice_url(&d);
		break;
	}
}

void
random_question(struct arena *mem, uint64_t seed, struct question *out)
{
	struct dice d = { seed, mem };
	uint64_t which = 1 + dice_roll(&d, 3);

	*out = (struct question){ .schema = SCHEMA_OUTLOOK, .schema_text = POX_SCHEMA_OUTLOOK };
	out->address = which & 1 ? dice_text(&d) : NULL;
	out->legacy_dn = which & 2 ? dice_text(&d) : NULL;
}
