/* random_pox.c - questions and answers drawn at random. */
#include "random_pox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "wire/pox.h"
#include "wire/pox_elements.h"

struct dice {
	uint64_t state;
	struct arena *mem;
};

/* splitmix64: any seed will do, and neighbours have nothing in common. */
static uint64_t
roll(struct dice *d, uint64_t sides)
{
	uint64_t z = d->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (z ^ (z >> 31)) % sides;
}

static void *
must(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* Characters that an escaper or a parser may stumble over, among plain ones. */
static uint32_t
character(struct dice *d, bool at_end)
{
	static const uint32_t special[] = { '&', '<', '>', '"', '\'', ']', '%', '\\', '@', 0x7f,
		0xa0, 0xe9, 0x20ac, 0x2028, 0xd7ff, 0xe000, 0xfffd, 0x1f600, 0x10ffff };
	static const uint32_t blank[] = { ' ', '\t', '\n', '\r' };

	switch (roll(d, 4)) {
	case 0:
		return special[roll(d, COUNT_OF(special))];
	case 1:
		if (!at_end) /* blanks at the ends are not kept */
			return blank[roll(d, COUNT_OF(blank))];
		FALLTHROUGH;
	default:
		return '0' + (uint32_t)roll(d, 'z' - '0');
	}
}

static const char *
text(struct dice *d)
{
	size_t n = 1 + roll(d, 20);
	struct buf b = { .max = 4096 };
	const char *copy;

	for (size_t i = 0; i < n; i++)
		text_put_utf8(&b, character(d, i == 0 || i == n - 1));
	copy = must(arena_copy(d->mem, buf_as_slice(&b)));
	buf_clear(&b);
	return copy;
}

static const char *
url(struct dice *d)
{
	return must(arena_printf(d->mem, "https://h%u.example/a?b=%u&c=%u", (unsigned)roll(d, 99),
	    (unsigned)roll(d, 99), (unsigned)roll(d, 99)));
}

static bool
is_date(const struct field *f)
{
	return strcmp(f->name, "expiration_date") == 0;
}

static const char *
text_of_form(struct dice *d, const struct field *f)
{
	if (f->form == FORM_URL)
		return url(d);
	if (is_date(f))
		return must(arena_printf(d->mem, "%08u", (unsigned)roll(d, 99999999)));
	return text(d);
}

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

/* Each member is there or not, whatever else is. */
static void
fill(struct dice *d, const struct field_table *t, void *record)
{
	record_init(t, record);
	for (size_t i = 0; i < t->n; i++) {
		const struct field *f = &t->rows[i];

		if (!pox_says(t, f) || roll(d, 3) != 0)
			continue;
		if (f->type == FIELD_TEXT)
			field_set_text(f, record, text_of_form(d, f));
		else if (f->type == FIELD_SWITCH)
			field_set_switch(f, record, roll(d, 2) == 0 ? TRI_OFF : TRI_ON);
		else
			field_set_number(
			    f, record, f->min + (int64_t)roll(d, (uint64_t)(f->max - f->min) + 1));
	}
}

static void
web_side(struct dice *d, struct answer_web *side)
{
	size_t n = roll(d, 4);
	struct answer_owa_url *owa = must(arena_array(d->mem, n, sizeof(*owa)));

	for (size_t i = 0; i < n; i++) {
		owa[i].url = url(d);
		owa[i].authentication_method = roll(d, 4) == 0 ? NULL : text(d);
	}
	*side = (struct answer_web){ .owa = owa, .n_owa = n };
	if (roll(d, 2) == 0)
		side->protocol_type = text(d);
	if (roll(d, 2) == 0)
		side->as_url = url(d);
}

static void
protocol(struct dice *d, struct answer_protocol *p)
{
	enum protocol_kind kind =
	    (enum protocol_kind)(PROTOCOL_EXCH + roll(d, PROTOCOL_NNTP - PROTOCOL_EXCH + 1));

	fill(d, &answer_protocol_table, p);
	p->kind = (int)kind;
	p->type = NULL;
	p->version = kind == PROTOCOL_MAPI_HTTP ? 1 + (int64_t)roll(d, 3) : NUMBER_ABSENT;
	p->internal = (struct answer_web){ 0 };
	p->external = (struct answer_web){ 0 };
	if (kind == PROTOCOL_WEB && roll(d, 4) != 0)
		web_side(d, &p->internal);
	if (kind == PROTOCOL_WEB && roll(d, 4) != 0)
		web_side(d, &p->external);
}

static void
settings(struct dice *d, struct answer *a)
{
	struct answer_alternative_mailbox *alternatives;
	struct answer_protocol *protocols;

	a->n_alternative_mailboxes = roll(d, 4);
	a->n_protocols = roll(d, 5);
	alternatives = must(arena_array(d->mem, a->n_alternative_mailboxes, sizeof(*alternatives)));
	protocols = must(arena_array(d->mem, a->n_protocols, sizeof(*protocols)));
	for (size_t i = 0; i < a->n_alternative_mailboxes; i++)
		fill(d, &answer_alternative_mailbox_table, &alternatives[i]);
	for (size_t i = 0; i < a->n_protocols; i++)
		protocol(d, &protocols[i]);
	a->alternative_mailboxes = alternatives;
	a->protocols = protocols;
	fill(d, &answer_user_table, &a->user);
}

static void
refusal(struct dice *d, struct answer_refusal *r)
{
	static const int64_t codes[] = { 500, 501, 600, 601, 602, 603, 666 };

	fill(d, &answer_refusal_table, r);
	r->code = codes[roll(d, COUNT_OF(codes))];
	r->time = roll(d, 4) == 0 ? NULL : roll(d, 2) == 0 ? "23:59:59.0000000" : "00:00:00";
	r->id = roll(d, 4) == 0 ? NULL :
				  must(arena_printf(d->mem, "%u", (unsigned)roll(d, UINT32_MAX)));
}

void
random_answer(struct arena *mem, uint64_t seed, struct answer *out)
{
	struct dice d = { seed, mem };

	answer_init(out, (enum answer_kind)roll(&d, 4));
	switch (out->kind) {
	case ANSWER_REFUSAL:
		refusal(&d, &out->refusal);
		break;
	case ANSWER_SETTINGS: {
		enum answer_kind kind = out->kind;

		fill(&d, &answer_account_table, out);
		out->kind = kind;
		settings(&d, out);
		if (out->image != NULL)
			out->image = url(&d);
		if (out->service_home != NULL)
			out->service_home = url(&d);
		break;
	}
	case ANSWER_REDIRECT_ADDRESS:
		out->account_type = roll(&d, 2) == 0 ? "email" : NULL;
		out->redirect = text(&d);
		break;
	case ANSWER_REDIRECT_URL:
		out->account_type = roll(&d, 2) == 0 ? "email" : NULL;
		out->redirect = url(&d);
		break;
	}
}

void
random_question(struct arena *mem, uint64_t seed, struct question *out)
{
	struct dice d = { seed, mem };
	uint64_t which = 1 + roll(&d, 3);

	*out = (struct question){ .schema = SCHEMA_OUTLOOK, .schema_text = POX_SCHEMA_OUTLOOK };
	out->address = which & 1 ? text(&d) : NULL;
	out->legacy_dn = which & 2 ? text(&d) : NULL;
}
