/* json.c - Autodiscover V2: one URL per question, and what becomes of it (json-v2.md 10). */
#include <string.h>

#include "plan/inside.h"

/* The first is the one that leads on to settings; the others are for who asks in nothing else. */
static const char *const protocols[] = { "AutodiscoverV1", "ActiveSync", "Ews", "Rest" };

const char *
json_url(struct plan *p, const struct lane *l, const char *origin)
{
	const char *address = record_escaped(p, l->address->text);

	if (origin == NULL || address == NULL)
		return NULL;
	return arena_join(p->mem, origin, "/autodiscover/autodiscover.json?Email=", address,
	    "&Protocol=", protocols[l->next_protocol]);
}

/* The next protocol's question goes to the host that knew the last one. */
static void
ask_next(struct plan *p, struct lane *l, uint64_t now_ms)
{
	bool v6 = strchr(l->url.host, ':') != NULL;
	const char *origin = arena_printf(p->mem, "https://%s%s%s:%u", v6 ? "[" : "", l->url.host,
	    v6 ? "]" : "", (unsigned)l->url.port);
	struct url url = { .text = "" };
	const char *text;

	l->next_protocol++;
	text = json_url(p, l, origin);
	if (text == NULL || url_parse(p->mem, slice_of(text), &url, NULL) != USHER_OK) {
		p->status = USHER_E_NOMEM;
		return;
	}
	lane_begin(p, l, &url, LANGUAGE_JSON_V2, now_ms);
}

/* All that was told, as one answer. */
static void
conclude(struct plan *p, struct lane *l, uint64_t now_ms)
{
	struct answer *all = arena_alloc(p->mem, sizeof(*all));

	if (all == NULL) {
		p->status = USHER_E_NOMEM;
		return;
	}
	answer_init(all, ANSWER_SETTINGS);
	all->protocols = l->told;
	all->n_protocols = l->n_told;
	l->answer = all;
	l->attempt = l->told_by;
	lane_note_promise(l, now_ms);
	lane_enter(l, LANE_WON, now_ms);
}

void
json_next(struct plan *p, struct lane *l, uint64_t now_ms)
{
	const struct attempt *last = l->attempt;
	bool knows_v2 = l->n_told > 0 || last->result == RESULT_REFUSAL || last->http_status == 400;

	if (l->language != LANGUAGE_JSON_V2 || !p->options.one_language || !knows_v2)
		return;
	if (l->next_protocol + 1 < COUNT_OF(protocols))
		ask_next(p, l, now_ms);
	else if (l->n_told > 0)
		conclude(p, l, now_ms);
}

static void
on_url(struct plan *p, struct lane *l, const struct answer_protocol *protocol, uint64_t now_ms)
{
	if (!p->options.one_language) {
		lane_send_on(p, l, protocol->url, LANGUAGE_POX, now_ms);
		return;
	}
	if (l->told == NULL)
		l->told = arena_array(p->mem, COUNT_OF(protocols), sizeof(*l->told));
	lane_finish_attempt(p, l, RESULT_SETTINGS, "it gave a URL", now_ms);
	lane_enter(l, LANE_LOST, now_ms);
	if (l->told == NULL) {
		p->status = USHER_E_NOMEM;
		return;
	}
	l->told[l->n_told++] = *protocol;
	l->told_by = l->attempt;
	json_next(p, l, now_ms);
}

void
json_document(struct plan *p, struct lane *l, const struct answer *answer, uint64_t now_ms)
{
	const char *message = record_text(p, answer->refusal.message);

	if (answer->kind == ANSWER_SETTINGS && answer->n_protocols > 0)
		on_url(p, l, &answer->protocols[0], now_ms);
	else
		lane_lose(p, l, now_ms, RESULT_REFUSAL, OUTCOME_NOT_FOUND, "it gives no URL%s%s",
		    message == NULL ? "" : ": ", message == NULL ? "" : message);
}
