/* turn.c - one turn of the loop: first everything that has come is read, then the complete requests
 * are handled, then their answers are sent.
 *
 * Handled together, they may look at one moment of the directory, and each of them was complete
 * before that moment. Sent together, they wake a client that waits for several of them once; and
 * nobody's answer is late by more than the others of its turn take. */
#include "base/when.h"
#include "server/conn.h"

/* NULL is ignored. */
static void
tell(struct scope *scope, bool begins)
{
	const struct engine_app *calls = scope == NULL ? NULL : &scope->config->settings.callbacks;

	if (calls != NULL && calls->batch != NULL)
		calls->batch(scope->context, begins);
}

/* Goes on to the next scope: around a reload there can be two in one turn. */
static struct scope *
change(struct scope *from, struct scope *to)
{
	if (from == to)
		return from;
	tell(from, false);
	if (from != NULL)
		scope_unref(from);
	if (to != NULL)
		(void)scope_ref(to);
	tell(to, true);
	return to;
}

void
conn_handled(struct conn *c)
{
	if (c->x->replied)
		(void)conn_enter(c, STAGE_ANSWERED);
	else
		conn_go(c);
}

static void
handle(struct conn *c)
{
	struct request *r = &c->x->request;

	(void)conn_enter(c, STAGE_WORK);
	if (!exchange_waits(c->x)) {
		r->since_ms = clock_mono_ms();
		r->handle(r);
	}
	conn_handled(c);
}

static struct exchange *
next_woken(struct worker *w)
{
	struct exchange *x = w->woken;

	if (x == NULL)
		return NULL;
	w->woken = x->next_woken;
	if (w->woken == NULL)
		w->woken_end = &w->woken;
	return x;
}

static void
handle_all(struct worker *w)
{
	struct scope *scope = NULL;
	struct exchange *x;
	struct deadline *d;

	while ((x = next_woken(w)) != NULL) {
		scope = change(scope, x->scope);
		exchange_go_on(x);
	}
	while ((d = deadline_oldest(&w->deadlines, STAGE_READY)) != NULL) {
		struct conn *c = (struct conn *)d;

		scope = change(scope, c->x->scope);
		handle(c);
	}
	(void)change(scope, NULL);
}

void
turn_end(struct worker *w)
{
	struct deadline *d;

	/* Behind a request that has its answer the next one may have been read already. */
	while (w->n_ready > 0) {
		w->n_ready = 0;
		handle_all(w);
		while ((d = deadline_oldest(&w->deadlines, STAGE_ANSWERED)) != NULL) {
			struct conn *c = (struct conn *)d;

			(void)conn_enter(c, STAGE_REPLY);
			conn_go(c);
		}
	}
}
