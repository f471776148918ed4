/* locate.c - the hosts that SRV records and directories name, tried one after the other
 * (http-discovery.md 5, scp.md 3). */
#include <string.h>

#include "model/scp_order.h"
#include "plan/inside.h"
#include "plan/srv.h"

/* ---- one host after the other ---- */

void
lane_judge_target(struct plan *p, struct lane *l, uint64_t now_ms)
{
	const char *reason = "";
	enum verdict verdict = redirect_target(p, l, &reason);

	l->at_target = true;
	lane_act_on(p, l, verdict, reason, now_ms);
}

void
lane_next_target(struct plan *p, struct lane *l, uint64_t now_ms)
{
	const struct plan_options *o = &p->options;
	usher_status st;

	if (l->next_target == l->n_targets || (l->points != NULL && p->no_more_points))
		return;
	st = url_parse(p->mem, slice_of(l->targets[l->next_target++]), &l->url, NULL);
	if (st != USHER_OK) { /* they were URLs when they were put there */
		p->status = USHER_E_NOMEM;
		return;
	}
	l->addresses = (struct text_list){ NULL, 0 };
	l->hops = l->first_hops;
	l->from_public = false;
	l->language = o->one_language ? o->language : LANGUAGE_POX;
	l->attempt = record_begin(p, l, now_ms);
	if (l->attempt != NULL && l->points != NULL)
		record_point(p, l, l->next_target - 1);
	if (l->attempt != NULL)
		lane_judge_target(p, l, now_ms);
}

/* The record of the look-up itself names all that are tried, in order. */
static const char *
list_targets(struct plan *p, const struct lane *l, const struct text_list *names)
{
	const char *text = arena_join(p->mem, record_way(p, l), "it names");

	for (size_t i = 0; text != NULL && i < names->n; i++)
		text = arena_join(p->mem, text, i == 0 ? " " : ", ", names->v[i]);
	return text;
}

/* The look-up has done its part: its targets are tried from now on. */
static void
begin_targets(struct plan *p, struct lane *l, const char *const *urls, size_t n,
    const struct text_list *names, uint64_t now_ms)
{
	l->targets = arena_array(p->mem, n, sizeof(*l->targets));
	if (l->targets == NULL) {
		p->status = USHER_E_NOMEM;
		lane_enter(l, LANE_LOST, now_ms);
		return;
	}
	memcpy(l->targets, urls, n * sizeof(*urls));
	l->n_targets = n;
	l->attempt->redirect = urls[0];
	lane_finish_attempt(p, l, RESULT_REDIRECT, list_targets(p, l, names), now_ms);
	lane_enter(l, LANE_LOST, now_ms);
	l->ready_ms = now_ms;
	lane_next_target(p, l, now_ms);
}

/* ---- SRV records ---- */

void
lane_locate(struct plan *p, struct lane *l, uint64_t now_ms)
{
	l->name = arena_join(p->mem, "_autodiscover._tcp.", l->address->domain);
	if (l->name == NULL)
		p->status = USHER_E_NOMEM;
	lane_begin_look_up(p, l, LANE_LOCATE,
	    l->name == NULL ? NULL :
			      arena_join(p->mem, "dns:", l->name, "?type=SRV"), /* RFC 4501 */
	    now_ms);
}

static bool
says_absent(const struct plan_location *what)
{
	const char *host = what->n_records == 1 ? what->records[0].host : "?";

	return host[0] == '\0' || strcmp(host, ".") == 0;
}

/* `HOST:PORT` each, and their URLs. */
static bool
name_records(struct plan *p, const struct srv_record *records, size_t n, const char **names,
    const char **urls)
{
	for (size_t i = 0; i < n; i++) {
		struct url url = { .text = "" };
		const char *text;

		names[i] =
		    arena_printf(p->mem, "%s:%u", records[i].host, (unsigned)records[i].port);
		if (names[i] == NULL)
			return false;
		text = arena_join(p->mem, "https://", names[i], AUTODISCOVER_PATH);
		if (text == NULL || url_parse(p->mem, slice_of(text), &url, NULL) != USHER_OK)
			return false;
		urls[i] = url.text;
	}
	return true;
}

static void
on_records(struct plan *p, struct lane *l, const struct plan_location *what, uint64_t now_ms)
{
	struct srv_record *v = arena_array(p->mem, what->n_records, sizeof(*v));
	const char *names[PLAN_TARGETS_MAX], *urls[PLAN_TARGETS_MAX];
	size_t n = 0;

	if (v == NULL || srv_order(p->mem, what->records, what->n_records,
			     p->options.seed + p->n_addresses, v, &n) != USHER_OK) {
		p->status = USHER_E_NOMEM;
		lane_enter(l, LANE_LOST, now_ms);
		return;
	}
	if (n == 0) {
		lane_lose(p, l, now_ms, RESULT_UNREACHABLE, OUTCOME_NOT_FOUND, "%s",
		    says_absent(what) ? "the domain says there that it has no such service" :
					"it names no host");
		return;
	}
	if (n > PLAN_TARGETS_MAX)
		n = PLAN_TARGETS_MAX;
	if (!name_records(p, v, n, names, urls)) {
		p->status = USHER_E_NOMEM;
		lane_enter(l, LANE_LOST, now_ms);
		return;
	}
	begin_targets(p, l, urls, n, &(struct text_list){ names, n }, now_ms);
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

/* ---- directories ---- */

void
lane_search(struct plan *p, struct lane *l, const char *directory, uint64_t now_ms)
{
	l->name = directory;
	l->points = NULL;
	lane_begin_look_up(p, l, LANE_SEARCH, directory, now_ms);
}

static void
note_directory(struct lane *l, const char *directory)
{
	if (directory != NULL && l->n_directories < COUNT_OF(l->directories))
		l->directories[l->n_directories++] = directory;
}

/* By host and port; what is no host by its name. */
static bool
searched(const struct lane *l, const char *directory)
{
	for (size_t i = 0; i < l->n_directories; i++) {
		if (slice_is_nocase(slice_of(l->directories[i]), directory))
			return true;
	}
	return false;
}

/* One directory leads to another: each is searched once. */
static void
on_pointer(struct plan *p, struct lane *l, const char *pointer, uint64_t now_ms)
{
	bool before = searched(l, pointer);

	l->attempt->redirect = pointer;
	if (before || l->pointers == PLAN_POINTERS_MAX) {
		lane_lose(p, l, now_ms, RESULT_REDIRECT, OUTCOME_NOT_FOUND, "%s%s",
		    record_way(p, l),
		    before ? "it sends us to a directory that was searched before" :
			     "it sends us on once more, after ten pointers");
		return;
	}
	l->pointers++;
	lane_finish_attempt(p, l, RESULT_REDIRECT,
	    arena_join(p->mem, record_way(p, l), "it sends us on to ", pointer), now_ms);
	lane_search(p, l, pointer, now_ms);
}

/* Which of the directory's records name the targets. */
static bool
keep_points(struct plan *p, struct lane *l, const struct plan_finding *what,
    const struct scp_order *order, size_t n)
{
	struct scp_record *copies = arena_array(p->mem, n, sizeof(*copies));
	const struct scp_record **points = arena_array(p->mem, n, sizeof(*points));

	if (copies == NULL || points == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		copies[i] = what->records[order->places[i]];
		copies[i].dn = record_text(p, copies[i].dn);
		points[i] = &copies[i];
	}
	l->points = points;
	l->tiers = order->tiers;
	return p->status == USHER_OK;
}

static void
on_points(struct plan *p, struct lane *l, const struct plan_finding *what,
    const struct scp_order *order, uint64_t now_ms)
{
	struct text_list urls = order->urls;

	if (urls.n > PLAN_TARGETS_MAX)
		urls.n = PLAN_TARGETS_MAX;
	if (keep_points(p, l, what, order, urls.n)) {
		begin_targets(p, l, urls.v, urls.n, &urls, now_ms);
	} else {
		p->status = USHER_E_NOMEM;
		lane_enter(l, LANE_LOST, now_ms);
	}
}

/* The site is this computer's, whatever another forest calls its own. */
static void
note_finding(struct plan *p, struct lane *l, const struct plan_finding *what)
{
	l->attempt->directory = l->directory = record_text(p, what->server);
	l->way = record_text(p, what->way);
	l->unsafe = l->unsafe || !what->safe;
	if (p->site == NULL && l->pointers == 0)
		p->site = record_text(p, what->site);
	l->attempt->site = p->site;
	note_directory(l, l->name);
	note_directory(l, l->directory);
}

void
lane_searched(struct plan *p, struct lane *l, const struct plan_finding *what, uint64_t now_ms)
{
	enum plan_failure failure = lane_failure(l, what->failure);
	struct scp_order order;

	note_finding(p, l, what);
	if (failure != PLAN_NO_FAILURE) {
		/* A computer outside has no directory: never a reason to stop (scp.md 3.3). */
		lane_lose(p, l, now_ms, RESULT_UNREACHABLE, OUTCOME_NOT_FOUND, "%s%s",
		    record_way(p, l),
		    what->detail != NULL ? what->detail : record_failure(failure)->text);
		return;
	}
	if (scp_order(p->mem, what->records, what->n_records, l->address->domain, p->site,
		p->options.strict_site, &order) != USHER_OK) {
		p->status = USHER_E_NOMEM;
		lane_enter(l, LANE_LOST, now_ms);
	} else if (order.pointer != NULL) {
		on_pointer(p, l, order.pointer, now_ms);
	} else if (order.urls.n > 0) {
		on_points(p, l, what, &order, now_ms);
	} else {
		lane_lose(p, l, now_ms, RESULT_NO_ENDPOINT, OUTCOME_NOT_FOUND,
		    "%sit holds no service connection point", record_way(p, l));
	}
}
