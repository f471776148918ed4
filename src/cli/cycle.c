/* cycle.c - redirects and aliases that lead back to where they began, or on for too long.
 *
 * Clients count to ten and give up; here it is known beforehand. */
#include "cli/cycle.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/rule.h"

enum {
	HOPS_MAX = 10,		      /* pox.md 3.3: clients stop there */
	STEPS_MAX = 2 * HOPS_MAX + 2, /* an alias before each, and the last ones */
	TRIED_MAX = 200 * 1000,
	WALK_BYTES = 16 * 1024 * 1024,
	WAY_TEXT_BYTES = 400
};

/* Where a walk stands: at one address, or at all of a domain that fit every one of some patterns
 * (with none: at all addresses of the domain). */
struct spot {
	const char *domain;
	const char *local; /* NULL: patterns tell */
	const char *patterns[STEPS_MAX];
	size_t n_patterns;
};

/* One that was taken: by what, from where. */
struct step {
	const char *by; /* of two equal ones the second closes a circle */
	struct spot from;
	int grows; /* bytes by which it makes a local part longer, at least */
	bool hop;  /* a client has to ask anew */
};

struct walk {
	struct dir *dir;
	struct arena *mem;
	const struct mailbox *as_if; /* stands for the one that is stored; NULL: none does */
	struct step steps[STEPS_MAX];
	size_t n, hops, tried;
	struct usher_error *err;
};

/* ---- telling ---- */

/* `ann@a.example`, `*-ext@a.example`, or the domain alone for all of it. */
static void
put_spot(struct buf *b, const struct spot *s)
{
	if (s->local != NULL)
		buf_printf(b, "%s@", s->local);
	else if (s->n_patterns > 0)
		buf_printf(b, "%s@", s->patterns[s->n_patterns - 1]);
	buf_text(b, s->domain);
}

static usher_status
refuse(const struct walk *w, size_t first, const struct spot *last, const char *what)
{
	struct buf CLEANUP(buf_cleanup) way = { 0 };
	struct buf CLEANUP(buf_cleanup) where = { 0 };

	buf_init(&way, WAY_TEXT_BYTES);
	buf_init(&where, USHER_ERROR_WHERE_BYTES);
	put_spot(&where, &w->steps[first].from);
	for (size_t i = first; i < w->n; i++) {
		put_spot(&way, &w->steps[i].from);
		buf_text(&way, " → ");
	}
	put_spot(&way, last);
	return err_set(w->err, USHER_E_INPUT, buf_cstr(&where), "%s: %s", what, buf_cstr(&way));
}

/* The way from `first` on is a circle. It is one for sure when each step is of one address, or of
 * all that fit two patterns at most: whether three meet is not looked at. */
static usher_status
refuse_circle(const struct walk *w, size_t first, const struct spot *last)
{
	bool sure = true;
	int grows = 0;

	for (size_t i = first; i < w->n; i++) {
		sure = sure && w->steps[i].from.n_patterns <= 2 && w->steps[i].grows == 0;
		grows += w->steps[i].grows;
	}
	/* What gets shorter each time comes to an end. */
	if (grows < 0)
		return USHER_OK;
	return refuse(w, first, last,
	    sure && last->n_patterns <= 2 ?
		"would send clients round in a circle" :
		"may send clients round in a circle, with some addresses that fit its patterns");
}

/* ---- walking ---- */

static usher_status
walk(struct walk *w, const struct spot *at);

/* From `at` to `to`, `by` something that stands there. */
static usher_status
step(struct walk *w, const struct spot *at, const char *by, bool hop, int grows,
    const struct spot *to)
{
	usher_status st;

	if (by == NULL)
		return err_nomem(w->err, "redirects");
	for (size_t i = 0; i < w->n; i++) {
		const char *then = w->steps[i].from.local;

		if (strcmp(w->steps[i].by, by) == 0 && (then == NULL) == (at->local == NULL) &&
		    (then == NULL || slice_is_nocase(slice_of(then), at->local)))
			return refuse_circle(w, i, at);
	}
	w->steps[w->n++] = (struct step){ by, *at, grows, hop };
	w->hops += hop;
	if (w->hops > HOPS_MAX)
		st =
		    refuse(w, 0, to, "would send clients on more than ten times, and they give up");
	else
		st = walk(w, to);
	w->hops -= hop;
	w->n--;
	return st;
}

static usher_status
to_address(struct walk *w, const struct spot *at, const char *by, const char *address)
{
	struct slice whole = slice_of(address);
	size_t sign = slice_find_last(whole, '@');
	struct spot to = {
		.local = address == NULL ? NULL : arena_copy(w->mem, slice_from(address, sign))
	};

	if (to.local == NULL || *to.local == '\0')
		return address == NULL || to.local == NULL ? err_nomem(w->err, "redirects") :
							     USHER_OK;
	to.domain = address + sign + 1;
	return step(w, at, by, true, 0, &to);
}

static usher_status
read_one(struct walk *w, enum entity_id id, const char *key, union org_record *out, bool *found)
{
	const struct entity *e = &entities[id];
	union org_record record;
	enum lookup how;

	record_init(&e->table, &record);
	field_set_text(&e->table.rows[0], &record, key);
	how = dir_get(w->dir, w->mem, e, &record, out, w->err);
	*found = how == LOOKUP_FOUND;
	return how == LOOKUP_UNAVAILABLE ? w->err->status : USHER_OK;
}

static bool
has_address(const struct mailbox *m, const char *address)
{
	bool has = slice_is_nocase(slice_of(m->address), address);

	for (size_t i = 0; !has && i < m->aliases.n; i++)
		has = slice_is_nocase(slice_of(m->aliases.v[i]), address);
	return has;
}

/* *target stays NULL when the address is no mailbox's, or that of one that has not moved. */
static usher_status
mailbox_target(struct walk *w, const char *address, const char **target, const char **primary)
{
	const struct question question = { .address = address };
	const struct mailbox *m = w->as_if;
	struct facts facts;

	if (m == NULL || !has_address(m, address)) {
		switch (dir_facts(w->dir, w->mem, &question, NULL, &facts, w->err)) {
		case LOOKUP_PENDING: /* of handles that serve alone */
		case LOOKUP_UNAVAILABLE:
			return w->err->status;
		case LOOKUP_ABSENT:
			return USHER_OK;
		case LOOKUP_FOUND:
			m = facts.mailbox;
		}
		if (m != NULL && w->as_if != NULL && has_address(w->as_if, m->address))
			m = w->as_if;
	}
	if (m == NULL || m->redirect_address == NULL || has_address(m, m->redirect_address))
		return USHER_OK;
	*target = m->redirect_address;
	*primary = m->address;
	return USHER_OK;
}

struct rules {
	struct arena *mem;
	struct redirect *v;
	size_t n, room;
};

static usher_status
take_rule(const void *record, void *payload)
{
	struct rules *r = payload;

	if (r->n == r->room) {
		struct redirect *v;

		r->room = r->room == 0 ? 8 : 2 * r->room;
		v = arena_array(r->mem, r->room, sizeof(*v));
		if (v == NULL)
			return USHER_E_NOMEM;
		if (r->n > 0)
			memcpy(v, r->v, r->n * sizeof(*v));
		r->v = v;
	}
	return record_copy(r->mem, &entities[ENTITY_REDIRECT].table, &r->v[r->n++], record) ?
		   USHER_OK :
		   USHER_E_NOMEM;
}

static usher_status
read_rules(struct walk *w, const char *domain, struct rules *out)
{
	const struct entity *e = &entities[ENTITY_REDIRECT];
	struct redirect prefix;
	usher_status st;

	*out = (struct rules){ .mem = w->mem };
	record_init(&e->table, &prefix);
	prefix.domain = domain;
	st = dir_each(w->dir, e, &prefix, take_rule, out, w->err);
	if (st == USHER_E_NOMEM)
		return err_nomem(w->err, "redirect rules");
	return st;
}

/* What leaves by a rule when only patterns are known. */
static usher_status
leave_by_pattern(struct walk *w, const struct spot *at, const struct redirect *rule, const char *by)
{
	struct slice target = slice_of(rule->redirect_address);
	struct spot to = *at;
	bool known = false;

	if (rule->redirect_domain != NULL) {
		for (size_t i = 0; i < at->n_patterns; i++)
			known = known || strcmp(at->patterns[i], rule->pattern) == 0;
		if (!known)
			to.patterns[to.n_patterns++] = rule->pattern;
		to.domain = rule->redirect_domain;
		return step(w, at, by, true, 0, &to);
	}
	if (slice_find(target, '*') == target.n)
		return to_address(w, at, by, rule->redirect_address);
	target.n = slice_find_last(target, '@');
	to = (struct spot){ .domain = target.p + target.n + 1 };
	to.patterns[0] = arena_copy(w->mem, target);
	to.n_patterns = strcmp(rule->pattern, "*") == 0 && slice_is(target, "*") ? 0 : 1;
	if (to.patterns[0] == NULL)
		return err_nomem(w->err, "redirects");
	return step(w, at, by, true, (int)target.n - (int)strlen(rule->pattern), &to);
}

/* *caught: the rule leaves nothing for later ones. */
static usher_status
try_rule(struct walk *w, const struct spot *at, const struct redirect *rule, bool *caught)
{
	const char *by = arena_join(w->mem, "rule ", rule->pattern, "@", at->domain);
	bool meets = true;

	*caught = strcmp(rule->pattern, "*") == 0;
	for (size_t i = 0; i < at->n_patterns; i++) {
		meets = meets && rule_patterns_meet(at->patterns[i], rule->pattern);
		*caught = *caught || strcmp(at->patterns[i], rule->pattern) == 0;
	}
	if (!meets || (rule->redirect_address == NULL && rule->redirect_domain == NULL))
		return USHER_OK;
	return leave_by_pattern(w, at, rule, by);
}

static usher_status
by_rules(struct walk *w, const struct spot *at, const struct domain *domain, bool *caught)
{
	const struct redirect *rule;
	struct rules rules;
	usher_status st = read_rules(w, domain->domain, &rules);

	*caught = false;
	if (st != USHER_OK)
		return st;
	if (at->local == NULL) {
		for (size_t i = 0; st == USHER_OK && !*caught && i < rules.n; i++)
			st = try_rule(w, at, &rules.v[i], caught);
		return st;
	}
	rule = rule_find(rules.v, rules.n, domain, at->local);
	*caught = rule != NULL;
	if (rule == NULL || (rule->redirect_address == NULL && rule->redirect_domain == NULL))
		return USHER_OK;
	return to_address(w, at, arena_join(w->mem, "rule ", rule->pattern, "@", at->domain),
	    rule_target(w->mem, rule, domain, at->local));
}

static usher_status
by_mailbox(struct walk *w, const struct spot *at, bool *caught)
{
	const char *address = arena_join(w->mem, at->local, "@", at->domain);
	const char *target = NULL, *primary = NULL;
	usher_status st;

	*caught = false;
	if (address == NULL)
		return err_nomem(w->err, "redirects");
	st = mailbox_target(w, address, &target, &primary);
	if (st != USHER_OK || target == NULL)
		return st;
	*caught = true;
	return to_address(w, at, arena_join(w->mem, "mailbox ", primary), target);
}

static usher_status
walk(struct walk *w, const struct spot *at)
{
	const struct domain *domain;
	struct spot to = *at;
	union org_record record;
	bool found, caught = false;
	usher_status st;

	if (++w->tried > TRIED_MAX)
		return refuse(
		    w, 0, at, "leads on to so many rules that they cannot be searched for circles");
	st = read_one(w, ENTITY_DOMAIN, at->domain, &record, &found);
	if (st != USHER_OK || !found)
		return st;
	domain = &record.domain;
	if (domain->kind == DOMAIN_ALIAS) {
		to.domain = domain->alias_of;
		return step(w, at, arena_join(w->mem, "alias ", at->domain), false, 0, &to);
	}
	if (at->local != NULL)
		st = by_mailbox(w, at, &caught);
	if (st == USHER_OK && !caught)
		st = by_rules(w, at, domain, &caught);
	if (st != USHER_OK || caught || domain->kind != DOMAIN_REDIRECT_ADDRESS)
		return st;
	to.domain = domain->redirect_domain;
	return step(w, at, arena_join(w->mem, "domain ", at->domain), true, 0, &to);
}

/* ---- where walks begin ---- */

static usher_status
walk_from(
    struct dir *dir, const struct mailbox *as_if, const struct spot *from, struct usher_error *err)
{
	struct arena *CLEANUP(arena_cleanup) mem = arena_new(WALK_BYTES);
	struct usher_error inner = { 0 };
	struct walk w = { .dir = dir, .mem = mem, .as_if = as_if, .err = &inner };
	usher_status st = mem == NULL ? err_nomem(&inner, "redirects") : walk(&w, from);

	if (st != USHER_OK && err != NULL)
		*err = inner;
	return st;
}

static usher_status
walk_from_address(
    struct dir *dir, const struct mailbox *as_if, const char *address, struct usher_error *err)
{
	struct arena *CLEANUP(arena_cleanup) mem = arena_new(2 * FIELD_TEXT_BYTES);
	size_t sign = slice_find_last(slice_of(address), '@');
	struct spot from = { 0 };

	if (mem != NULL)
		from.local = arena_copy(mem, slice_from(address, sign));
	if (from.local == NULL)
		return err_nomem(err, "redirects");
	from.domain = address + sign + 1;
	return walk_from(dir, as_if, &from, err);
}

usher_status
cycle_check_address(struct dir *dir, const char *address, struct usher_error *err)
{
	return walk_from_address(dir, NULL, address, err);
}

usher_status
cycle_check_mailbox(struct dir *dir, const struct mailbox *mailbox, struct usher_error *err)
{
	return mailbox->redirect_address == NULL ?
		   USHER_OK :
		   walk_from_address(dir, mailbox, mailbox->address, err);
}

/* A search of the whole directory on its way. */
struct search {
	struct dir *dir;
	struct usher_error *err;
};

static usher_status
search_mailbox(const void *record, void *payload)
{
	const struct mailbox *m = record;
	struct search *s = payload;

	return walk_from_address(s->dir, NULL, m->address, s->err);
}

static usher_status
search_domain(const void *record, void *payload)
{
	const struct domain *d = record;
	struct search *s = payload;

	return walk_from(s->dir, NULL, &(struct spot){ .domain = d->domain }, s->err);
}

usher_status
cycle_check_domain(struct dir *dir, const char *domain, struct usher_error *err)
{
	struct search s = { dir, err };
	usher_status st = walk_from(dir, NULL, &(struct spot){ .domain = domain }, err);

	return st == USHER_OK ? dir_each_moved(dir, search_mailbox, &s, err) : st;
}

usher_status
cycle_check_all(struct dir *dir, struct usher_error *err)
{
	struct search s = { dir, err };
	usher_status st = dir_each(dir, &entities[ENTITY_DOMAIN], NULL, search_domain, &s, err);

	return st == USHER_OK ? dir_each_moved(dir, search_mailbox, &s, err) : st;
}
