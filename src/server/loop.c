/* loop.c - the event loop, by libuv. */
#include "server/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

struct loop {
	uv_loop_t uv;
	uv_async_t async;
	uv_timer_t timer;
	uv_check_t check;
	const struct loop_calls *calls;
	void *owner;
};

struct loop_watch {
	uv_poll_t poll;
	unsigned events;
	void (*ready)(void *arg);
	void *arg;
};

struct loop_work {
	uv_work_t request;
	void (*work)(void *arg);
	void (*done)(void *arg, bool ran);
	void *arg;
};

static void
on_wake(uv_async_t *async)
{
	struct loop *loop = async->data;

	loop->calls->wake(loop->owner);
}

static void
on_timer(uv_timer_t *timer)
{
	struct loop *loop = timer->data;

	loop->calls->timer(loop->owner);
}

static void
on_check(uv_check_t *check)
{
	struct loop *loop = check->data;

	loop->calls->turn(loop->owner);
}

struct loop *
loop_new(const struct loop_calls *calls, void *owner)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL)
		return NULL;
	loop->calls = calls;
	loop->owner = owner;
	if (uv_loop_init(&loop->uv) != 0) {
		free(loop);
		return NULL;
	}
	if (uv_async_init(&loop->uv, &loop->async, on_wake) != 0) {
		(void)uv_loop_close(&loop->uv);
		free(loop);
		return NULL;
	}
	(void)uv_timer_init(&loop->uv, &loop->timer);
	(void)uv_check_init(&loop->uv, &loop->check);
	loop->async.data = loop;
	loop->timer.data = loop;
	loop->check.data = loop;
	(void)uv_check_start(&loop->check, on_check);
	return loop;
}

void
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return;
	uv_close((uv_handle_t *)&loop->async, NULL);
	uv_close((uv_handle_t *)&loop->timer, NULL);
	uv_close((uv_handle_t *)&loop->check, NULL);
	/* One more turn runs the close callbacks of these and of the last watches. */
	(void)uv_run(&loop->uv, UV_RUN_DEFAULT);
	(void)uv_loop_close(&loop->uv);
	free(loop);
}

void
loop_run(struct loop *loop)
{
	(void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void
loop_stop(struct loop *loop)
{
	uv_stop(&loop->uv);
}

void
loop_wake(struct loop *loop)
{
	(void)uv_async_send(&loop->async);
}

uint64_t
loop_now_ms(const struct loop *loop)
{
	return uv_now(&loop->uv);
}

void
loop_timer(struct loop *loop, uint64_t at_ms)
{
	uint64_t now = uv_now(&loop->uv);

	if (at_ms == UINT64_MAX)
		(void)uv_timer_stop(&loop->timer);
	else
		(void)uv_timer_start(&loop->timer, on_timer, at_ms > now ? at_ms - now : 0, 0);
}

/* An error is told like readiness: the next call on the socket finds it out. */
static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct loop_watch *watch = poll->data;

	(void)status;
	(void)events;
	watch->ready(watch->arg);
}

struct loop_watch *
loop_watch_new(struct loop *loop, int fd, void (*ready)(void *arg), void *arg)
{
	struct loop_watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return NULL;
	if (uv_poll_init(&loop->uv, &watch->poll, fd) != 0) {
		free(watch);
		return NULL;
	}
	watch->poll.data = watch;
	watch->ready = ready;
	watch->arg = arg;
	return watch;
}

void
loop_watch_set(struct loop_watch *watch, unsigned events)
{
	int mask = 0;

	if (watch->events == events && uv_is_active((uv_handle_t *)&watch->poll) == (events != 0))
		return;
	watch->events = events;
	if (events == 0) {
		(void)uv_poll_stop(&watch->poll);
		return;
	}
	if (events & LOOP_READ)
		mask |= UV_READABLE;
	if (events & LOOP_WRITE)
		mask |= UV_WRITABLE;
	(void)uv_poll_start(&watch->poll, mask, on_poll);
}

static void
on_watch_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
loop_watch_free(struct loop_watch *watch)
{
	if (watch == NULL)
		return;
	uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

void
loop_pool_threads(unsigned n)
{
	char text[16];

	/* libuv reads it when the pool first gets work. */
	(void)snprintf(text, sizeof(text), "%u", n);
	(void)setenv("UV_THREADPOOL_SIZE", text, 1);
}

static void
on_work(uv_work_t *request)
{
	struct loop_work *w = request->data;

	w->work(w->arg);
}

static void
on_work_done(uv_work_t *request, int status)
{
	struct loop_work *w = request->data;

	w->done(w->arg, status == 0);
	free(w);
}

struct loop_work *
loop_work(struct loop *loop, void (*work)(void *arg), void (*done)(void *arg, bool ran), void *arg)
{
	struct loop_work *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->request.data = w;
	w->work = work;
	w->done = done;
	w->arg = arg;
	if (uv_queue_work(&loop->uv, &w->request, on_work, on_work_done) != 0) {
		free(w);
		return NULL;
	}
	return w;
}

void
loop_work_cancel(struct loop_work *work)
{
	(void)uv_cancel((uv_req_t *)&work->request);
}
