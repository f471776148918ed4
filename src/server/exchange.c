/* exchange.c - what exists only while a request is under way, taken from a pool per thread. */
#include <stdlib.h>
#include <string.h>

#include "server/conn.h"

enum {
	REPLY_MAX_BYTES = 64 * 1024 * 1024, /* ours alone; no peer chooses it */
	BUF_KEPT_BYTES = 64 * 1024	    /* larger buffers are not kept for the next request */
};

struct exchange *
exchange_of(struct request *request)
{
	return (struct exchange *)request;
}

static struct exchange *
exchange_new(struct worker *w)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return NULL;
	x->request.mem = arena_new(w->scope->config->settings.limits.arena_bytes);
	if (x->request.mem == NULL) {
		free(x);
		return NULL;
	}
	x->worker = w;
	x->in = x->small;
	x->in_size = sizeof(x->small);
	buf_init(&x->out, REPLY_MAX_BYTES);
	return x;
}

static void
exchange_free(struct exchange *x)
{
	arena_free(x->request.mem);
	buf_clear(&x->out);
	buf_clear(&x->body);
	free(x);
}

/* The part that every request begins with. */
static void
begin(struct exchange *x, struct conn *c)
{
	conn_rescope(c);
	x->conn = c;
	x->scope = scope_ref(c->scope);
	x->limits.head_bytes = c->scope->config->settings.limits.head_bytes;
	x->begun_ms = loop_now_ms(x->worker->loop);

	x->listener_fields[0] = log_text("listener", c->listener->name);
	x->conn_fields[0] = log_number("conn", (int64_t)c->id);
	memcpy(x->peer_text, c->peer_text, sizeof(x->peer_text));
	x->conn_fields[1] = log_text("peer", x->peer_text);
	x->request_fields[0] = log_number("request", c->n_requests + 1);
	x->listener_log = (struct log_context){ NULL, x->listener_fields, 1 };
	x->conn_log = (struct log_context){ &x->listener_log, x->conn_fields, 2 };
	x->request_log = (struct log_context){ &x->conn_log, x->request_fields, 1 };
	x->user_log = (struct log_context){ &x->request_log, x->user_fields, 0 };
}

struct exchange *
exchange_get(struct conn *c)
{
	struct worker *w = c->worker;
	struct exchange *x = w->n_kept > 0 ? w->kept[--w->n_kept] : exchange_new(w);

	if (x != NULL)
		begin(x, c);
	return x;
}

/* Heads hold credentials, bodies addresses: neither stays in memory longer than it is used. */
static void
wipe(struct exchange *x, size_t from, size_t to)
{
	if (to > from)
		explicit_bzero(x->in + from, to - from);
}

static void
keep_or_clear(struct buf *b)
{
	if (b->size > BUF_KEPT_BYTES)
		buf_clear(b);
	else
		buf_reset(b);
}

/* All but the input. */
static void
forget(struct exchange *x)
{
	arena_wipe(x->request.mem); /* a password's hash may have been in it */
	if (x->body.n > 0)
		explicit_bzero(x->body.p, x->body.n);
	keep_or_clear(&x->body);
	keep_or_clear(&x->out);
	x->out_at = 0;
	x->scanned = x->raw = 0;
	x->has_head = x->body_moved = x->body_done = x->discard = x->continued = false;
	x->body_n = 0;
	x->status = 0;
	x->replied = x->close = x->linger = false;
	scope_unref(x->scope);
	x->scope = NULL;
	x->conn = NULL;
}

void
exchange_put(struct exchange *x)
{
	struct worker *w = x->worker;

	wipe(x, 0, x->in_n);
	if (x->in != x->small)
		free(x->in);
	x->in = x->small;
	x->in_size = sizeof(x->small);
	x->in_n = 0;
	forget(x);
	if (w->n_kept == EXCHANGES_KEPT)
		exchange_free(x);
	else
		w->kept[w->n_kept++] = x;
}

void
exchange_leave(struct exchange *x)
{
	if (!exchange_waits(x)) {
		exchange_put(x);
		return;
	}
	x->conn = NULL;
	if (x->work != NULL)
		loop_work_cancel(x->work);
}

void
exchange_next(struct exchange *x)
{
	struct conn *c = x->conn;
	size_t left = x->in_n - x->raw;

	memmove(x->in, x->in + x->raw, left);
	wipe(x, left, x->in_n);
	x->in_n = left;
	forget(x);
	begin(x, c);
}

bool
exchange_grow(struct exchange *x)
{
	size_t size = x->limits.head_bytes + IN_ROOM_BYTES;
	char *in;

	if (x->in_size >= size)
		return true;
	in = malloc(size);
	if (in == NULL)
		return false;
	memcpy(in, x->in, x->in_n);
	wipe(x, 0, x->in_n);
	/* Only the small buffer is ever smaller: nothing to free, unless the limit was raised. */
	if (x->in != x->small)
		free(x->in);
	x->in = in;
	x->in_size = size;
	return true;
}

void
exchanges_free(struct worker *w)
{
	while (w->n_kept > 0)
		exchange_free(w->kept[--w->n_kept]);
}
