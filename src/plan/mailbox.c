/* mailbox.c - the sources of one mailbox: which are asked, from which URL, from when on. */
#include <string.h>

#include "plan/inside.h"

#define MICROSOFT_365_URL "https://autodiscover-s.outlook.com" AUTODISCOVER_PATH

/* Whether the source is asked at all, for the mailbox that was begun last. */
static bool
applies(const struct plan *p, const struct source_row *row)
{
	const struct plan_options *o = &p->options;
	bool first = p->n_addresses == 1;

	if (o->one_language && row->language != LANGUAGE_POX && row->language != o->language)
		return false;
	if (o->one_language && row->language == LANGUAGE_POX &&
	    (o->language == LANGUAGE_JSON_V2 || o->language == LANGUAGE_AUTOCONFIG))
		return false;
	if (row->alone && !o->one_language)
		return false;
	switch (row->source) {
	case SOURCE_SCP:
		return o->directory != NULL && !p->no_more_points;
	case SOURCE_LOCAL_XML: /* what it says is for the mailbox it was given for */
		return o->local_xml != NULL && first &&
		       (!o->one_language || o->language == LANGUAGE_POX);
	case SOURCE_LAST_KNOWN_GOOD:
		return o->last_known_good != NULL && first;
	case SOURCE_MICROSOFT_365:
		return o->microsoft_365;
	case SOURCE_AUTOCONFIG:
		return !o->no_autoconfig || o->one_language;
	default:
		return true;
	}
}

static const char *
first_url(struct plan *p, const struct lane *l)
{
	const struct source_row *row = l->row;
	const char *domain = l->address->domain, *escaped = "";

	if (row->language == LANGUAGE_JSON_V2)
		return json_url(p, l, arena_join(p->mem, row->start, domain));
	if (row->path[strlen(row->path) - 1] == '=')
		escaped = record_escaped(p, l->address->text);
	return escaped == NULL ? NULL : arena_join(p->mem, row->start, domain, row->path, escaped);
}

static void
begin_at_host(struct plan *p, struct lane *l, uint64_t now_ms)
{
	enum language language = l->row->language;
	const char *text = first_url(p, l);
	struct url url = { .text = "" };
	usher_status st = USHER_E_NOMEM;

	if (language == LANGUAGE_POX && p->options.one_language)
		language = p->options.language;
	if (text != NULL)
		st = url_parse(p->mem, slice_of(text), &url, NULL);
	if (st == USHER_E_NOMEM) {
		p->status = st;
		lane_enter(l, LANE_LOST, now_ms);
		return;
	}
	if (st == USHER_OK) {
		lane_begin(p, l, &url, language, now_ms);
		return;
	}
	/* `autodiscover.` in front can make a name longer than names may be. */
	lane_begin_look_up(p, l, LANE_RESOLVE, text, now_ms);
	if (l->state != LANE_LOST)
		lane_lose(p, l, now_ms, RESULT_UNREACHABLE, OUTCOME_NOT_FOUND,
		    "no host can have that name");
}

static void
begin_at_url(struct plan *p, struct lane *l, const struct url *url, uint64_t now_ms)
{
	lane_begin(p, l, url, p->options.one_language ? p->options.language : LANGUAGE_POX, now_ms);
}

static void
begin_lane(struct plan *p, struct lane *l, uint64_t now_ms)
{
	struct url url;

	switch (l->row->source) {
	case SOURCE_SCP:
		lane_search(p, l, p->options.directory, now_ms);
		return;
	case SOURCE_SRV:
		lane_locate(p, l, now_ms);
		return;
	case SOURCE_LOCAL_XML:
		lane_begin_look_up(
		    p, l, LANE_READ, arena_join(p->mem, "file:", p->options.local_xml), now_ms);
		return;
	case SOURCE_LAST_KNOWN_GOOD:
		begin_at_url(p, l, &p->last_known_good, now_ms);
		return;
	case SOURCE_MICROSOFT_365:
		if (url_parse(p->mem, SLICE_LITERAL(MICROSOFT_365_URL), &url, NULL) == USHER_OK)
			begin_at_url(p, l, &url, now_ms);
		else
			p->status = USHER_E_NOMEM;
		return;
	default:
		begin_at_host(p, l, now_ms);
		return;
	}
}

/* `head_start`: a URL that worked once gets it, before others are bothered. */
static struct lane *
make_lane(
    struct plan *p, const struct source_row *row, size_t hops, bool head_start, uint64_t now_ms)
{
	static const uint64_t waits[] = {
		[BEGIN_STAGGERED] = PLAN_STAGGER_MS,
		[BEGIN_STAGGERED_MORE] = 2 * PLAN_STAGGER_MS,
		[BEGIN_LATE] = PLAN_LATE_MS,
		[BEGIN_LAST] = 0,
	};
	struct lane *l = arena_zalloc(p->mem, sizeof(*l));
	bool alone = p->options.one_language && row->language != LANGUAGE_POX;

	if (l == NULL) {
		p->status = USHER_E_NOMEM;
		return NULL;
	}
	l->row = row;
	l->address = plan_address(p);
	l->first_hops = l->hops = hops;
	l->ready_ms = now_ms;
	l->begin_ms = now_ms + (alone ? 0 : waits[row->begin]);
	if (head_start && row->source != SOURCE_LAST_KNOWN_GOOD)
		l->begin_ms += p->options.grace_ms;
	if (row->begin == BEGIN_LAST)
		l->begin_ms = UINT64_MAX;
	l->fallback = row->begin >= BEGIN_LATE && !alone;
	l->late = row->begin == BEGIN_LATE;
	l->yields = row->yields;
	return l;
}

void
mailbox_begin(
    struct plan *p, const struct address *address, size_t at, size_t hops, uint64_t now_ms)
{
	const char *order = p->options.order;
	bool head_start;

	p->addresses[p->n_addresses++] = address;
	head_start = p->n_addresses == 1 && p->options.last_known_good != NULL;
	for (; *order != '\0'; order++) {
		for (size_t i = 0; i < source_rows_n; i++) {
			const struct source_row *row = &source_rows[i];
			struct lane *l;

			if ((char)row->source != *order || !applies(p, row) ||
			    (p->options.excluded & SOURCE_BIT(row->source)) != 0)
				continue;
			l = make_lane(p, row, hops, head_start, now_ms);
			if (l == NULL)
				return;
			memmove(&p->lanes[at + 1], &p->lanes[at],
			    (p->n_lanes - at) * sizeof(struct lane *));
			p->lanes[at++] = l;
			p->n_lanes++;
			begin_lane(p, l, now_ms);
		}
	}
}
