/* locate.c - the hosts that SRV records name, tried one after the other (http-discovery.md 5). */
#include <string.h>

#include "plan/inside.h"
#include "plan/srv.h"

void
lane_locate(struct plan *p, struct lane *l, uint64_t now_ms)
{
	l->srv_name = arena_printf(p->mem, "_autodiscover._tcp.%s", plan_address(p)->domain);
	l->url.text = arena_printf(p->mem, "dns:%s?type=SRV", l->srv_name); /* RFC 4501 */
	if (l->srv_name == NULL || l->url.text == NULL) {
		p->status = USHER_E_NOMEM;
		lane_enter(l, LANE_LOST, now_ms);
		return;
	}
	l->attempt = record_begin(p, l, now_ms);
	lane_enter(l, l->attempt == NULL ? LANE_LOST : LANE_LOCATE, now_ms);
}

static bool
target_url(struct plan *p, const struct srv_record *r, struct url *out)
{
	const char *text =
	    arena_printf(p->mem, "https://%s:%u%s", r->host, (unsigned)r->port, AUTODISCOVER_PATH);

	if (text != NULL && url_parse(p->mem, slice_of(text), out, NULL) == USHER_OK)
		return true;
	p->status = USHER_E_NOMEM;
	return false;
}

void
lane_judge_target(struct plan *p, struct lane *l, uint64_t now_ms)
{
	const char *reason = "";

	switch (redirect_target(p, l, &reason)) {
	case VERDICT_FOLLOW:
		lane_set_out(p, l, now_ms);
		return;
	case VERDICT_ASK:
		l->at_target = true;
		lane_enter(l, LANE_CONSENT, now_ms);
		return;
	case VERDICT_UNSAFE:
		lane_lose(p, l, now_ms, RESULT_BLOCKED, OUTCOME_BLOCKED, "%s", reason);
		return;
	case VERDICT_USELESS:
		lane_lose(p, l, now_ms, RESULT_REDIRECT, OUTCOME_NOT_FOUND, "%s", reason);
		return;
	}
}

void
lane_next_target(struct plan *p, struct lane *l, uint64_t now_ms)
{
	if (l->next_target == l->n_targets || !target_url(p, &l->targets[l->next_target], &l->url))
		return;
	l->next_target++;
	l->addresses = (struct text_list){ NULL, 0 };
	l->hops = 0;
	l->from_public = false;
	l->attempt = record_begin(p, l, now_ms);
	if (l->attempt != NULL)
		lane_judge_target(p, l, now_ms);
}

/* The record of the look-up itself names all targets in the order they are tried. */
static const char *
list_targets(struct plan *p, const struct lane *l)
{
	const char *text = "it names";

	for (size_t i = 0; text != NULL && i < l->n_targets; i++)
		text = arena_printf(p->mem, "%s%s %s:%u", text, i == 0 ? "" : ",",
		    l->targets[i].host, (unsigned)l->targets[i].port);
	return text;
}

static bool
says_absent(const struct plan_location *what)
{
	const char *host = what->n_records == 1 ? what->records[0].host : "?";

	return host[0] == '\0' || strcmp(host, ".") == 0;
}

static void
on_records(struct plan *p, struct lane *l, const struct plan_location *what, uint64_t now_ms)
{
	struct url first = { .text = "" };

	l->targets = arena_array(p->mem, what->n_records, sizeof(*l->targets));
	if (l->targets == NULL ||
	    srv_order(p->mem, what->records, what->n_records, p->options.seed + p->n_addresses,
		l->targets, &l->n_targets) != USHER_OK) {
		p->status = USHER_E_NOMEM;
		lane_enter(l, LANE_LOST, now_ms);
		return;
	}
	if (l->n_targets == 0) {
		lane_lose(p, l, now_ms, RESULT_UNREACHABLE, OUTCOME_NOT_FOUND, "%s",
		    says_absent(what) ? "the domain says there that it has no such service" :
					"it names no host");
		return;
	}
	if (l->n_targets > PLAN_TARGETS_MAX)
		l->n_targets = PLAN_TARGETS_MAX;
	if (target_url(p, &l->targets[0], &first))
		l->attempt->redirect = first.text;
	lane_finish_attempt(p, l, RESULT_REDIRECT, list_targets(p, l), now_ms);
	lane_enter(l, LANE_LOST, now_ms);
	lane_next_target(p, l, now_ms);
}

void
lane_located(struct plan *p, struct lane *l, const struct plan_location *what, uint64_t now_ms)
{
	enum plan_failure failure = lane_failure(l, what->failure);

	if (failure == PLAN_NO_FAILURE) {
		on_records(p, l, what, now_ms);
	} else if (failure == PLAN_NO_SUCH_NAME || failure == PLAN_NO_ADDRESS) {
		l->attempt->dns_error = failure == PLAN_NO_SUCH_NAME ? "NXDOMAIN" : "no record";
		lane_lose(
		    p, l, now_ms, RESULT_UNREACHABLE, OUTCOME_NOT_FOUND, "there is no such record");
	} else {
		l->attempt->dns_error =
		    what->detail != NULL ? record_text(p, what->detail) : "no answer";
		lane_lose_by_failure(p, l, PLAN_DNS_TROUBLE, l->attempt->dns_error, now_ms);
	}
}
