/* conn_request.c - the stages of a request: head, body, work, reply. */
#include <string.h>

#include "base/compat.h"
#include "base/when.h"
#include "server/conn.h"
#include "server/forward.h"

/* ---- head ---- */

/* False for what would otherwise be looked at in vain again and again: a peer that sends octet by
 * octet costs one scan of its head per line. */
static bool
worth_reading(struct exchange *x)
{
	bool line = memchr(x->in + x->scanned, '\n', x->in_n - x->scanned) != NULL;

	x->scanned = x->in_n;
	return line || x->in_n >= x->limits.head_bytes;
}

static void
fill_request(struct conn *c)
{
	struct exchange *x = c->x;
	struct request *r = &x->request;
	const struct engine_settings *settings = &x->scope->config->settings;

	r->head = &x->head;
	r->path = x->path;
	r->body = (struct slice){ NULL, 0 };
	r->client = c->peer;
	r->secure = c->tls != NULL;
	if (c->trusted) {
		r->client =
		    forward_client(&x->head, settings->trusted, settings->n_trusted, &c->peer);
		r->secure |= forward_secure(&x->head);
		if (!net_address_eq(&r->client, &c->peer)) {
			net_address_format(&r->client, x->client_text);
			x->request_fields[1] = log_text("client", x->client_text);
			x->request_log.n_fields = 2;
		}
	}
	r->listener = c->listener;
	r->context = x->scope->context;
	r->app = settings->app;
	r->since_ms = clock_mono_ms();
	r->log = &x->user_log;
	r->handle = NULL;
	r->body_max = settings->limits.body_bytes;
	r->data = NULL;
	r->log_path = NULL;
}

/* What needs no application. True when it has been answered. */
static bool
answer_ourselves(struct conn *c)
{
	static const struct reply_field allow = { "Allow", "GET, HEAD, POST" };
	struct exchange *x = c->x;
	struct reply reply = { .fields = &allow, .n_fields = 1 };

	if (slice_is(x->head.method_text, "CONNECT") || slice_is(x->head.method_text, "TRACE"))
		reply.status = 405;
	else if (slice_is(x->head.path, "*"))
		reply.status = 204;
	else
		return false;
	request_reply(&x->request, &reply);
	return true;
}

static enum step
begin_request(struct conn *c)
{
	struct exchange *x = c->x;
	struct request *r = &x->request;
	const struct engine_settings *settings = &x->scope->config->settings;

	x->has_head = true;
	c->n_requests++;
	count(c->worker, COUNT_REQUESTS, 1);
	x->close = !x->head.keep_alive || c->removed || c->n_requests >= settings->limits.requests;
	x->raw = x->head.head_bytes;
	x->body_done = !x->head.chunked && x->head.content_length == 0;
	http1_body_init(&x->body_reader, &x->head);
	fill_request(c);
	if (!answer_ourselves(c)) {
		if (!http1_route_path(x->head.path, x->path))
			return conn_refuse(c, 400, "malformed path");
		settings->callbacks.head(r);
	}
	if (r->body_max > settings->limits.body_bytes || exchange_waits(x))
		r->body_max = settings->limits.body_bytes;
	x->limits.body_bytes = x->discard ? DRAIN_BYTES : r->body_max;
	x->body.max = x->limits.body_bytes + x->in_size;
	if (x->replied)
		return conn_enter(c, STAGE_REPLY);
	if (r->handle == NULL)
		return conn_refuse(c, 500, "nobody answers this request");
	if (x->head.content_length > x->limits.body_bytes)
		return conn_refuse(c, 413, "the request's body is too large");
	return conn_enter(c, STAGE_BODY);
}

/* Some clients end a body with an empty line too many (RFC 9112, 2.2). It begins no request: the
 * connection is still idle. */
static void
drop_empty_line(struct exchange *x)
{
	if (x->in_n == 2 && memcmp(x->in, "\r\n", 2) == 0)
		x->in_n = 0;
}

/* STEP_READ when more input is needed. */
static enum step
read_head(struct conn *c)
{
	struct exchange *x = c->x;
	struct slice in = slice_from(x->in, x->in_n);
	const char *reason = NULL;
	enum http1_result got;
	int status = 0;

	if (!worth_reading(x))
		return STEP_READ;
	got = http1_read_head(in, &x->limits, &x->head, &status, &reason);
	if (got == HTTP1_MORE)
		return STEP_READ;
	if (got == HTTP1_ERROR) {
		count(c->worker, COUNT_MALFORMED, 1);
		return conn_refuse(c, status, reason);
	}
	if (x->in_size - x->head.head_bytes < IN_ROOM_BYTES) {
		/* The head's slices would not survive growing later. */
		if (!exchange_grow(x))
			return STEP_CLOSE;
		in.p = x->in;
		(void)http1_read_head(in, &x->limits, &x->head, &status, &reason);
	}
	return begin_request(c);
}

enum step
conn_head(struct conn *c)
{
	struct exchange *x = c->x;

	if (x == NULL) {
		x = c->x = exchange_get(c);
		if (x == NULL)
			return STEP_CLOSE;
	}
	for (;;) {
		enum step step = read_head(c);
		enum io_result got;
		size_t n;

		if (step != STEP_READ)
			return step;
		if (x->in_n == x->in_size && !exchange_grow(x))
			return STEP_CLOSE;
		got = conn_read(c, x->in + x->in_n, x->in_size - x->in_n, &n);
		if (got != IO_DONE) {
			if (x->in_n == 0) {
				exchange_put(x);
				c->x = NULL;
			}
			return conn_step(got);
		}
		x->in_n += n;
		if (c->deadline.stage == STAGE_IDLE)
			drop_empty_line(x);
		if (c->deadline.stage == STAGE_IDLE && x->in_n > 0)
			(void)conn_enter(c, STAGE_HEAD);
	}
}

/* ---- between requests ---- */

/* After an answer that keeps the connection: the next request, or idleness. */
static enum step
next_request(struct conn *c)
{
	if (c->worker->stopping || c->removed)
		return STEP_CLOSE;
	exchange_next(c->x);
	drop_empty_line(c->x);
	if (c->x->in_n > 0 || (c->tls != NULL && tls_has_pending(c->tls))) {
		(void)conn_enter(c, c->x->in_n > 0 ? STAGE_HEAD : STAGE_IDLE);
		if (++c->in_turn < TURN_REQUESTS)
			return STEP_AGAIN;
		/* The socket is writable now: the loop comes back after the others. */
		c->in_turn = 0;
		return STEP_WRITE;
	}
	(void)conn_enter(c, STAGE_IDLE);
	c->in_turn = 0;
	exchange_put(c->x);
	c->x = NULL;
	return STEP_READ;
}

/* ---- body ---- */

/* Where decoded bytes go: behind the head as long as the body fits there, then to a buffer. NULL
 * when out of memory. */
static char *
body_target(struct exchange *x)
{
	if (x->discard)
		return x->in + x->raw;
	if (!x->body_moved)
		return x->in + x->head.head_bytes + x->body_n;
	return buf_reserve(&x->body, x->in_n - x->raw + 1);
}

/* Takes what has been read. Gives 0 or the status of a refusal. */
static int
take_body(struct exchange *x, const char **reason)
{
	struct slice raw = slice_from(x->in + x->raw, x->in_n - x->raw);
	char *to = body_target(x);
	size_t taken = 0, made = 0;
	enum http1_result got;
	int status = 0;

	*reason = "the server is out of memory, try again";
	if (to == NULL)
		return 503;
	got = http1_body_feed(&x->body_reader, raw, to, &x->limits, &taken, &made, &status, reason);
	if (got == HTTP1_ERROR)
		return status;
	x->body_done = got == HTTP1_DONE;
	x->raw += taken;
	if (x->discard)
		return 0;
	if (x->body_moved)
		buf_used(&x->body, made);
	else
		x->body_n += made;
	return 0;
}

/* Makes room for the next read. All input has been taken. False when out of memory. */
static bool
make_room(struct exchange *x)
{
	size_t head_bytes = x->head.head_bytes;

	if (!x->body_moved && !x->discard) {
		if (x->in_n < x->in_size)
			return true;
		buf_append(&x->body, x->in + head_bytes, x->body_n);
		x->body_moved = true;
	}
	x->raw = x->in_n = head_bytes;
	return x->body.status == USHER_OK;
}

static enum step
body_refused(struct conn *c, int status, const char *reason)
{
	count(c->worker, COUNT_MALFORMED, status == 400);
	/* When it is read for nobody, the answer is out already. */
	return c->x->discard ? conn_begin_linger(c) : conn_refuse(c, status, reason);
}

enum step
conn_body(struct conn *c)
{
	struct exchange *x = c->x;
	struct request *r = &x->request;

	while (!x->body_done) {
		const char *reason;
		int status = take_body(x, &reason);
		enum step step;
		enum io_result got;
		size_t n;

		if (status != 0)
			return body_refused(c, status, reason);
		if (x->body_done)
			break;
		if (x->head.expect_continue && !x->continued && !x->discard) {
			buf_text(&x->out, "HTTP/1.1 100 Continue\r\n\r\n");
			x->continued = true;
		}
		step = conn_flush(c);
		if (step != STEP_AGAIN)
			return step;
		if (!make_room(x))
			return body_refused(c, 503, "the server is out of memory, try again");
		got = conn_read(c, x->in + x->in_n, x->in_size - x->in_n, &n);
		if (got != IO_DONE)
			return conn_step(got);
		x->in_n += n;
	}
	if (x->discard)
		return next_request(c);
	r->body = x->body_moved ? buf_as_slice(&x->body) :
				  slice_from(x->in + x->head.head_bytes, x->body_n);
	c->worker->n_ready++;
	return conn_enter(c, STAGE_READY);
}

/* ---- work and reply ---- */

enum step
conn_work(struct conn *c)
{
	struct exchange *x = c->x;

	if (x->replied)
		return conn_enter(c, STAGE_REPLY);
	if (exchange_waits(x))
		return STEP_WORK;
	return conn_refuse(c, 500, "nobody answers this request");
}

enum step
conn_flush(struct conn *c)
{
	struct exchange *x = c->x;

	while (x->out_at < x->out.n) {
		size_t n = 0;
		enum io_result got = conn_write(c, x->out.p + x->out_at, x->out.n - x->out_at, &n);

		if (got != IO_DONE)
			return conn_step(got);
		x->out_at += n;
	}
	buf_reset(&x->out);
	x->out_at = 0;
	return STEP_AGAIN;
}

void
conn_replied(struct conn *c)
{
	struct exchange *x = c->x;
	uint64_t ms = loop_now_ms(c->worker->loop) - x->begun_ms;

	if (x->status >= 200 && x->status < 600)
		count(c->worker, COUNT_STATUS_2XX + (enum engine_counter)(x->status / 100 - 2), 1);
	if (!x->scope->config->settings.log_requests || !log_wanted(LEVEL_INFO, "http"))
		return;
	if (!x->has_head)
		LOG(LEVEL_INFO, "http", &x->user_log, "refused", log_number("status", x->status),
		    log_number("ms", (int64_t)ms));
	else
		LOG(LEVEL_INFO, "http", &x->user_log, "request",
		    log_slice("method", x->head.method_text),
		    log_slice("path",
			x->request.log_path != NULL ? slice_of(x->request.log_path) : x->head.path),
		    log_number("status", x->status), log_number("ms", (int64_t)ms));
}

enum step
conn_reply(struct conn *c)
{
	struct exchange *x = c->x;
	enum step step;

	if (x->close)
		conn_hold(c);
	step = conn_flush(c);
	if (step == STEP_READ || step == STEP_WRITE)
		return step;
	conn_replied(c);
	if (step == STEP_CLOSE)
		return STEP_CLOSE;
	/* Input that nobody will read would turn the close into a reset. */
	if (x->close)
		return x->linger || x->in_n > x->raw ? conn_begin_linger(c) : STEP_CLOSE;
	return x->discard && !x->body_done ? conn_enter(c, STAGE_BODY) : next_request(c);
}
