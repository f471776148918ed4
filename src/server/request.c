/* request.c - what a handler does with its request: answer it, or leave it to the pool. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/compat.h"
#include "base/text.h"
#include "server/conn.h"

void
request_set_user(struct request *request, const char *user)
{
	struct exchange *x = exchange_of(request);
	size_t n = user == NULL ? 0 : strnlen(user, USER_BYTES - 1);

	if (n > 0)
		memcpy(x->user, user, n);
	x->user_fields[0] = log_slice("user", slice_from(x->user, n));
	x->user_log.n_fields = user == NULL ? 0 : 1;
}

const char *
request_host(struct request *request)
{
	struct slice host = request->head->host;

	if (host.n > 0 && host.p[0] == '[')
		host = slice_from(host.p + 1, slice_find(host, ']') - 1);
	else
		host = slice_from(host.p, slice_find(host, ':'));
	return host.n == 0 ? NULL : text_lower_copy(request->mem, host);
}

/* What becomes of a body that has not been read when the answer is made: a short one is read for
 * nobody, so that the connection can be kept; else it is closed. A client that waits for 100 may
 * send its body or not: then nobody can say where the next request begins. */
static void
settle_body(struct exchange *x)
{
	bool here = !x->head.chunked && x->head.content_length <= x->in_n - x->head.head_bytes;

	if ((x->head.expect_continue && !here) || x->head.content_length > DRAIN_BYTES)
		x->close = x->linger = true;
	else
		x->discard = true;
}

static const char *
date_of(struct worker *w)
{
	time_t now = time(NULL);

	if (now != w->date_s) {
		reply_date(now, w->date);
		w->date_s = now;
	}
	return w->date;
}

void
request_reply(struct request *request, const struct reply *reply)
{
	struct exchange *x = exchange_of(request);

	assert(!x->replied);
	x->replied = true;
	if (x->conn == NULL)
		return;
	/* Whom it waits for finds it gone from its connection. */
	x->close |= reply->close || x->worker->stopping || x->conn->removed || x->waits > 0;
	if (!x->body_done && !x->close)
		settle_body(x);
	else if (!x->body_done)
		x->linger = true;
	x->status = reply->status;
	reply_build(&x->out, reply, x->has_head ? &x->head : NULL, x->close, date_of(x->worker));
	if (x->out.status != USHER_OK) {
		buf_reset(&x->out);
		x->close = true;
	}
}

static void
refuse(struct request *request, int status, const char *text, bool close)
{
	static const struct reply_field retry = { "Retry-After", "1" };
	char line[256];
	int n = snprintf(line, sizeof(line), "%s\n", text);
	struct reply reply = {
		.status = status,
		.type = "text/plain; charset=utf-8",
		.body = slice_from(line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1),
		.fields = &retry,
		.n_fields = status == 503,
		.close = close,
	};

	request_reply(request, &reply);
}

void
request_refuse(struct request *request, int status, const char *text)
{
	refuse(request, status, text, false);
}

enum step
conn_refuse(struct conn *c, int status, const char *text)
{
	struct exchange *x = c->x;

	refuse(&x->request, status, text, true);
	x->linger = true;
	return conn_enter(c, STAGE_REPLY);
}

bool
exchange_waits(const struct exchange *x)
{
	return x->work != NULL || x->waits > 0 || x->woken;
}

/* What it waited for has come. A late connection has had its answer. */
static void
begin_again(struct exchange *x)
{
	x->worker->deferred--;
	x->replied = x->conn == NULL ? false : x->replied;
}

/* The last word on a request whose connection has been lost. */
static void
exchange_end(struct exchange *x)
{
	struct worker *w = x->worker;

	exchange_put(x);
	worker_check_stop(w);
}

/* ---- deferral ---- */

static void
run(void *arg)
{
	struct exchange *x = arg;

	x->work_run(x->work_arg);
}

static void
finished(void *arg, bool ran)
{
	struct exchange *x = arg;

	x->work = NULL;
	atomic_fetch_sub(&x->worker->engine->pool_used, 1);
	begin_again(x);
	x->work_done(&x->request, x->work_arg, ran);
	if (x->conn != NULL)
		conn_go(x->conn);
	else
		exchange_end(x);
}

bool
request_defer(struct request *request, void (*work)(void *arg),
    void (*done)(struct request *request, void *arg, bool ran), void *arg)
{
	struct exchange *x = exchange_of(request);
	struct worker *w = x->worker;
	unsigned max = x->scope->config->settings.limits.pool_queue;

	if (x->conn == NULL)
		return false;
	if (atomic_fetch_add(&w->engine->pool_used, 1) >= max) {
		atomic_fetch_sub(&w->engine->pool_used, 1);
		count(w, COUNT_POOL_FULL, 1);
		return false;
	}
	x->work_run = work;
	x->work_done = done;
	x->work_arg = arg;
	x->work = loop_work(w->loop, run, finished, x);
	if (x->work == NULL) {
		atomic_fetch_sub(&w->engine->pool_used, 1);
		return false;
	}
	w->deferred++;
	count(w, COUNT_DEFERRED, 1);
	return true;
}

/* ---- waiting ---- */

bool
request_wait(struct request *request, void (*again)(struct request *request))
{
	struct exchange *x = exchange_of(request);
	struct worker *w = x->worker;

	if (x->conn == NULL || !scope_watch(x->scope, w->loop))
		return false;
	request->handle = again;
	if (x->waits++ > 0)
		return true;
	w->deferred++;
	count(w, COUNT_WAITED, 1);
	count(w, COUNT_WAITING, 1);
	return true;
}

/* One whose body is still to come is not in this list: it is handled as any other. */
void
request_wake(struct request *request)
{
	struct exchange *x = exchange_of(request);
	struct worker *w = x->worker;

	if (--x->waits > 0)
		return;
	count(w, COUNT_WAITING, UINT64_MAX);
	if (x->conn != NULL && x->conn->deadline.stage != STAGE_WORK) {
		w->deferred--;
		return;
	}
	x->woken = true;
	x->next_woken = NULL;
	*w->woken_end = x;
	w->woken_end = &x->next_woken;
	w->n_ready++;
}

void
exchange_go_on(struct exchange *x)
{
	x->woken = false;
	begin_again(x);
	x->request.handle(&x->request);
	if (x->conn == NULL)
		exchange_end(x);
	else
		conn_handled(x->conn);
}
