/* random_soap.c - answers of SOAP drawn at random. */
#include "random_soap.h"

#include <stddef.h>

#include "random.h"
#include "wire/soap_rows.h"

/* Which blocks the rows of a place fill; the row must be of a kind that is read as it is written.
 */
static bool
says(enum soap_place place, const struct field *f)
{
	for (size_t i = 0; i < SOAP_ROWS; i++) {
		const struct soap_setting *s = &soap_rows[i];

		if (s->place == place && s->field.offset == f->offset &&
		    (s->shape == SOAP_AS_TEXT || s->shape == SOAP_AS_ON_OFF ||
			s->shape == SOAP_AS_EWS))
			return true;
	}
	return false;
}

static bool
user_says(const struct field_table *t, const struct field *f)
{
	(void)t;
	return says(SOAP_AT_USER, f);
}

static bool
account_says(const struct field_table *t, const struct field *f)
{
	(void)t;
	return says(SOAP_AT_ACCOUNT, f);
}

static bool
exch_says(const struct field_table *t, const struct field *f)
{
	(void)t;
	return says(SOAP_AT_EXCH, f);
}

static bool
expr_says(const struct field_table *t, const struct field *f)
{
	(void)t;
	return says(SOAP_AT_EXPR, f);
}

static bool
exhttp_says(const struct field_table *t, const struct field *f)
{
	(void)t;
	return says(SOAP_AT_EXHTTP, f);
}

static bool
either_says(const struct field_table *t, const struct field *f)
{
	(void)t;
	return says(SOAP_AT_EITHER, f);
}

static bool
all_says(const struct field_table *t, const struct field *f)
{
	(void)t;
	(void)f;
	return true;
}

static void
web_side(struct dice *d, struct answer_web *side)
{
	size_t n = 1 + dice_roll(d, 3);
	struct answer_owa_url *owa = dice_must(arena_array(d->mem, n, sizeof(*owa)));

	for (size_t i = 0; i < n; i++) {
		owa[i].url = dice_url(d);
		owa[i].authentication_method = dice_roll(d, 4) == 0 ? NULL : dice_text(d);
	}
	*side = (struct answer_web){ .owa = owa, .n_owa = n };
}

/* Pages of the control panel are the same in EXCH and EXPR. */
static void
share_pages(struct dice *d, struct answer_protocol *blocks, size_t n)
{
	struct answer_protocol pages;

	dice_record(d, either_says, &answer_protocol_table, &pages);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < answer_protocol_table.n; k++) {
			const struct field *f = &answer_protocol_table.rows[k];

			if (says(SOAP_AT_EITHER, f))
				field_set_text(f, &blocks[i], field_text(f, &pages));
		}
}

static struct answer_protocol *
block(struct dice *d, struct answer_protocol *to,
    bool (*what)(const struct field_table *t, const struct field *f), enum protocol_kind kind)
{
	dice_record(d, what, &answer_protocol_table, to);
	to->kind = (int)kind;
	to->server = dice_text(d);
	return to + 1;
}

static struct answer_protocol *
connections(struct dice *d, struct answer_protocol *to, enum protocol_kind kind)
{
	static const char *const encryption[] = { NULL, "SSL", "TLS", "None" };
	size_t n = dice_roll(d, 3);

	for (size_t i = 0; i < n; i++, to++) {
		answer_protocol_init(to, kind);
		to->server = dice_text(d);
		to->port = (int64_t)(10000 * i + dice_roll(d, 10000)); /* no two alike */
		to->encryption = encryption[dice_roll(d, COUNT_OF(encryption))];
	}
	return to;
}

static void
protocols(struct dice *d, struct answer *out)
{
	enum { MOST = 4 + 3 * 2 };
	struct answer_protocol *all = dice_must(arena_array(d->mem, MOST, sizeof(*all)));
	struct answer_protocol *to = all;

	if (dice_roll(d, 4) != 0)
		to = block(d, to, exch_says, PROTOCOL_EXCH);
	if (dice_roll(d, 4) != 0)
		to = block(d, to, expr_says, PROTOCOL_EXPR);
	share_pages(d, all, (size_t)(to - all));
	if (dice_roll(d, 4) == 0)
		to = block(d, to, exhttp_says, PROTOCOL_EXHTTP);
	if (dice_roll(d, 2) == 0) {
		answer_protocol_init(to, PROTOCOL_WEB);
		web_side(d, &to->internal);
		if (dice_roll(d, 2) == 0)
			web_side(d, &to->external);
		to++;
	}
	to = connections(d, to, PROTOCOL_POP3);
	to = connections(d, to, PROTOCOL_IMAP);
	to = connections(d, to, PROTOCOL_SMTP);
	out->protocols = all;
	out->n_protocols = (size_t)(to - all);
}

/* Records of a list of the answer. */
static void
list(struct dice *d, struct answer *out, enum answer_list_id id)
{
	const struct field_table *t = answer_lists[id].table;
	size_t n = dice_roll(d, 4);
	char *to = dice_must(arena_array(d->mem, n, t->size));

	for (size_t i = 0; i < n; i++)
		dice_record(d, all_says, t, to + i * t->size);
	answer_list_set(out, id, to, n);
}

static void
settings(struct dice *d, struct answer *out)
{
	dice_record(d, account_says, &answer_account_table, out);
	out->kind = ANSWER_SETTINGS;
	dice_record(d, user_says, &answer_user_table, &out->user);
	if (dice_roll(d, 4) == 0)
		out->user.default_ab_view = "contacts";
	list(d, out, ANSWER_ALTERNATIVE_MAILBOXES);
	list(d, out, ANSWER_SHARING_LOCATIONS);
	protocols(d, out);
}

static void
refusal(struct dice *d, struct answer_refusal *r)
{
	static const struct {
		const char *name;
		int64_t code;
	} words[] = { { "InvalidUser", 500 }, { "InvalidRequest", 600 }, { "ServerBusy", 603 },
		{ "InternalServerError", 603 }, { "Peculiar", 603 } };
	size_t i = dice_roll(d, COUNT_OF(words));

	r->name = words[i].name;
	r->code = words[i].code;
	r->message = dice_roll(d, 4) == 0 ? NULL : dice_text(d);
}

void
random_soap(struct arena *mem, uint64_t seed, struct answer *out)
{
	struct dice d = { seed, mem };

	answer_init(out, (enum answer_kind)dice_roll(&d, 4));
	switch (out->kind) {
	case ANSWER_SETTINGS:
		settings(&d, out);
		break;
	case ANSWER_REFUSAL:
		refusal(&d, &out->refusal);
		break;
	case ANSWER_REDIRECT_ADDRESS:
		out->redirect = dice_text(&d);
		break;
	case ANSWER_REDIRECT_URL:
		out->redirect = dice_url(&d);
		break;
	}
}

void
write_soap(struct buf *out, const struct answer *answer)
{
	static const char *const user[] = { "kim@litware.example" };
	const char *names[SOAP_ROWS];
	const struct soap_request request = {
		.operation = SOAP_GET_USER_SETTINGS,
		.subjects = { user, 1 },
		.settings = { names, SOAP_ROWS },
	};
	struct soap_response response;

	for (size_t i = 0; i < SOAP_ROWS; i++)
		names[i] = soap_rows[i].name;
	soap_response_begin(&response, out, &request, NULL);
	soap_response_answer(&response, answer);
	soap_response_end(&response);
}
