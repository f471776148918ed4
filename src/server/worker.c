/* worker.c - one thread of the engine: its loop, and the orders it obeys. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "server/conn.h"

enum { LATE_BATCH = 64 }; /* connections closed for lateness per turn of the loop */

void
worker_timer_by(struct worker *w, uint64_t at_ms)
{
	if (at_ms >= w->timer_at_ms)
		return;
	w->timer_at_ms = at_ms;
	loop_timer(w->loop, at_ms);
}

void
worker_check_stop(struct worker *w)
{
	if (w->stopping && w->open == 0 && w->deferred == 0)
		loop_stop(w->loop);
}

/* Calls `each` on all connections; it may close the one it is given. */
static void
each_conn(struct worker *w, void (*each)(struct conn *c))
{
	for (enum stage s = 0; s < STAGES; s++) {
		struct deadline *next;

		for (struct deadline *d = deadline_oldest(&w->deadlines, s); d != NULL; d = next) {
			next = deadline_after(&w->deadlines, d);
			each((struct conn *)d);
		}
	}
}

static void
on_timer(void *owner)
{
	struct worker *w = owner;
	uint64_t now = loop_now_ms(w->loop);
	struct deadline *d;
	uint64_t next;

	w->timer_at_ms = UINT64_MAX;
	for (int i = 0; i < LATE_BATCH && (d = deadline_late(&w->deadlines, now)) != NULL; i++)
		conn_late((struct conn *)d);
	if (w->resume_at_ms != 0 && now >= w->resume_at_ms)
		listen_resume(w);
	if (w->stopping && now >= w->stop_at_ms)
		each_conn(w, conn_close);
	next = deadline_first_ms(&w->deadlines);
	if (w->resume_at_ms != 0 && w->resume_at_ms < next)
		next = w->resume_at_ms;
	if (w->stopping && now < w->stop_at_ms && w->stop_at_ms < next)
		next = w->stop_at_ms;
	worker_timer_by(w, next);
}

/* A request under way keeps its settings; its connection changes over with the next one. */
static void
change_over(struct conn *c)
{
	if (listen_find(c->worker->scope->config, c->listener) == NULL)
		c->removed = true;
	if (c->x != NULL || c->deadline.stage == STAGE_LINGER)
		return;
	conn_rescope(c);
	/* One that has not asked yet may still ask once. */
	if (c->removed && c->deadline.stage == STAGE_IDLE)
		conn_close(c);
}

/* Closes sockets that `config` (NULL: none) has no listener for. */
static void
drop_sockets(struct worker *w, const struct config *config)
{
	struct socket **at = &w->sockets;

	while (*at != NULL) {
		struct socket *s = *at;

		if (config != NULL && listen_find(config, &s->settings) != NULL) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		listen_close(s, config != NULL);
	}
}

static void
take_settings(struct worker *w, struct scope *scope, struct socket *sockets)
{
	const struct engine_deadlines *d = &scope->config->settings.deadlines;
	const uint32_t stage_ms[STAGES] = {
		[STAGE_PROXIED] = d->handshake_ms,
		[STAGE_HANDSHAKE] = d->handshake_ms,
		[STAGE_HEAD] = d->head_ms,
		[STAGE_BODY] = d->body_ms,
		[STAGE_READY] = d->work_ms,
		[STAGE_WORK] = d->work_ms,
		[STAGE_ANSWERED] = d->reply_ms,
		[STAGE_REPLY] = d->reply_ms,
		[STAGE_IDLE] = d->idle_ms,
		[STAGE_LINGER] = d->linger_ms,
	};
	struct scope *old = w->scope;

	memcpy(w->deadlines.stage_ms, stage_ms, sizeof(stage_ms));
	drop_sockets(w, scope->config);
	w->scope = scope;
	while (sockets != NULL) {
		struct socket *next = sockets->next;

		sockets->next = w->sockets;
		w->sockets = sockets;
		sockets = next;
	}
	listen_resume(w);
	exchanges_free(w);
	if (old == NULL)
		return;
	each_conn(w, change_over);
	scope_unref(old);
	/* New deadlines may be shorter than what the timer waits for. */
	worker_timer_by(w, loop_now_ms(w->loop));
}

static void
close_waiting(struct conn *c)
{
	if (c->x == NULL && c->deadline.stage > STAGE_HANDSHAKE)
		conn_close(c);
}

static void
begin_stop(struct worker *w, uint32_t grace_ms)
{
	w->stopping = true;
	drop_sockets(w, NULL);
	w->resume_at_ms = 0;
	each_conn(w, close_waiting);
	w->stop_at_ms = loop_now_ms(w->loop) + grace_ms;
	worker_timer_by(w, w->stop_at_ms);
	worker_check_stop(w);
}

static void
on_wake(void *owner)
{
	struct worker *w = owner;
	struct scope *scope;
	struct socket *sockets;
	uint32_t grace_ms;
	bool stop;

	(void)pthread_mutex_lock(&w->lock);
	scope = w->new_scope;
	sockets = w->new_sockets;
	grace_ms = w->grace_ms;
	stop = w->stop && !w->stopping;
	(void)pthread_mutex_unlock(&w->lock);
	if (scope != NULL) {
		take_settings(w, scope, sockets);
		(void)pthread_mutex_lock(&w->lock);
		w->new_scope = NULL;
		w->new_sockets = NULL;
		(void)pthread_cond_signal(&w->obeyed);
		(void)pthread_mutex_unlock(&w->lock);
	}
	if (stop)
		begin_stop(w, grace_ms);
	else if (atomic_load(&w->engine->room_wanted) && listen_make_room(w))
		atomic_store(&w->engine->room_wanted, false);
}

/* ---- for the owner's thread ---- */

static void
on_turn(void *owner)
{
	turn_end(owner);
}

static const struct loop_calls calls = { .timer = on_timer, .turn = on_turn, .wake = on_wake };

usher_status
worker_init(struct worker *w, struct engine *e, unsigned index, struct usher_error *err)
{
	w->engine = e;
	w->index = index;
	w->next_conn_id = index + 1;
	w->timer_at_ms = UINT64_MAX;
	w->woken_end = &w->woken;
	deadlines_init(&w->deadlines);
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->obeyed, NULL);
	w->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	w->loop = loop_new(&calls, w);
	if (w->loop == NULL)
		return err_set(err, USHER_E_IO, "engine",
		    "no event loop can be made: out of memory or file descriptors");
	return USHER_OK;
}

void *
worker_run(void *arg)
{
	struct worker *w = arg;

	loop_run(w->loop);
	return NULL;
}

void
worker_change(struct worker *w, struct scope *scope, struct socket *sockets)
{
	(void)pthread_mutex_lock(&w->lock);
	w->new_scope = scope;
	w->new_sockets = sockets;
	(void)pthread_mutex_unlock(&w->lock);
	loop_wake(w->loop);
}

void
worker_await(struct worker *w)
{
	(void)pthread_mutex_lock(&w->lock);
	while (w->new_scope != NULL)
		(void)pthread_cond_wait(&w->obeyed, &w->lock);
	(void)pthread_mutex_unlock(&w->lock);
}

void
worker_stop(struct worker *w, uint32_t grace_ms)
{
	(void)pthread_mutex_lock(&w->lock);
	w->stop = true;
	w->grace_ms = grace_ms;
	(void)pthread_mutex_unlock(&w->lock);
	loop_wake(w->loop);
}

void
worker_free(struct worker *w)
{
	if (w->engine == NULL)
		return;
	drop_sockets(w, NULL);
	listen_close_all(w->new_sockets);
	exchanges_free(w);
	if (w->scope != NULL)
		scope_unref(w->scope);
	if (w->new_scope != NULL)
		scope_unref(w->new_scope);
	loop_free(w->loop);
	if (w->spare_fd >= 0)
		(void)close(w->spare_fd);
	(void)pthread_mutex_destroy(&w->lock);
	(void)pthread_cond_destroy(&w->obeyed);
}
