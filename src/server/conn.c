/* conn.c - life of a connection: opening, going through its stages, being late, closing. */
#include "server/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static enum step (*const stages[STAGES])(struct conn *c) = {
	[STAGE_PROXIED] = conn_proxied,
	[STAGE_HANDSHAKE] = conn_handshake,
	[STAGE_HEAD] = conn_head,
	[STAGE_BODY] = conn_body,
	[STAGE_READY] = conn_turn,
	[STAGE_WORK] = conn_work,
	[STAGE_ANSWERED] = conn_turn,
	[STAGE_REPLY] = conn_reply,
	[STAGE_IDLE] = conn_head,
	[STAGE_LINGER] = conn_linger,
};

static const enum engine_counter late_counts[STAGES] = {
	[STAGE_PROXIED] = COUNT_LATE_HANDSHAKE,
	[STAGE_HANDSHAKE] = COUNT_LATE_HANDSHAKE,
	[STAGE_HEAD] = COUNT_LATE_HEAD,
	[STAGE_BODY] = COUNT_LATE_BODY,
	[STAGE_READY] = COUNT_LATE_WORK,
	[STAGE_WORK] = COUNT_LATE_WORK,
	[STAGE_ANSWERED] = COUNT_LATE_REPLY,
	[STAGE_REPLY] = COUNT_LATE_REPLY,
	[STAGE_IDLE] = COUNT_IDLE_CLOSED,
	[STAGE_LINGER] = COUNT_LATE_REPLY,
};

/* Those that wait for the end of the turn keep the memory of a request each, and wait for many of
 * their like but not for a handshake, which takes longer than they all. */
static void
on_ready(void *arg)
{
	struct conn *c = arg;
	struct worker *w = c->worker;

	if (c->deadline.stage <= STAGE_HANDSHAKE)
		turn_end(w);
	conn_go(c);
	if (w->n_ready >= TURN_READY)
		turn_end(w);
}

void
conn_open(
    struct worker *w, const struct socket *s, int fd, const struct net_address *peer, bool trusted)
{
	struct conn *c = calloc(1, sizeof(*c));
	bool exempt = trusted || s->settings.kind == LISTENER_PRIVATE;

	if (c == NULL)
		goto fail;
	c->worker = w;
	c->fd = fd;
	c->peer = *peer;
	c->trusted = trusted;
	c->exempt = exempt;
	c->id = w->next_conn_id;
	c->listener = listen_find(w->scope->config, &s->settings);
	c->watch = loop_watch_new(w->loop, fd, on_ready, c);
	if (c->watch == NULL)
		goto fail;
	if (c->listener->kind == LISTENER_HTTPS) {
		c->tls = tls_new(c->listener->tls, fd);
		if (c->tls == NULL)
			goto fail;
	}
	if (c->listener->proxied && trusted) {
		c->proxied = proxied_new();
		if (c->proxied == NULL)
			goto fail;
	}
	net_address_format(peer, c->peer_text);
	c->scope = scope_ref(w->scope);
	w->next_conn_id += w->engine->n_workers;
	w->open++;
	count(w, COUNT_OPEN, 1);
	(void)conn_enter(c, c->proxied != NULL ? STAGE_PROXIED :
			    c->tls != NULL     ? STAGE_HANDSHAKE :
						 STAGE_HEAD);
	loop_watch_set(c->watch, LOOP_READ);
	return;

fail:
	if (c != NULL) {
		loop_watch_free(c->watch);
		tls_free(c->tls);
	}
	free(c);
	(void)close(fd);
	limit_give(w->engine->limit, peer, exempt);
}

enum step
conn_enter(struct conn *c, enum stage stage)
{
	struct worker *w = c->worker;
	uint64_t now = loop_now_ms(w->loop);

	deadline_enter(&w->deadlines, &c->deadline, stage, now);
	worker_timer_by(w, now + w->deadlines.stage_ms[stage]);
	return STEP_AGAIN;
}

void
conn_go(struct conn *c)
{
	enum step step;

	do
		step = stages[c->deadline.stage](c);
	while (step == STEP_AGAIN);
	switch (step) {
	case STEP_READ:
		loop_watch_set(c->watch, LOOP_READ);
		break;
	case STEP_WRITE:
		loop_watch_set(c->watch, LOOP_WRITE);
		break;
	case STEP_WORK:
		loop_watch_set(c->watch, 0);
		break;
	case STEP_TURN:
		break;
	case STEP_AGAIN:
	case STEP_CLOSE:
		conn_close(c);
		break;
	}
}

void
conn_close(struct conn *c)
{
	struct worker *w = c->worker;

	if (c->tls != NULL && !c->failed)
		tls_shutdown(c->tls);
	tls_free(c->tls);
	free(c->proxied);
	loop_watch_free(c->watch);
	(void)close(c->fd);
	deadline_leave(&c->deadline);
	if (c->x != NULL)
		exchange_leave(c->x);
	limit_give(w->engine->limit, &c->peer, c->exempt);
	scope_unref(c->scope);
	w->open--;
	count(w, COUNT_OPEN, UINT64_MAX);
	free(c);
	worker_check_stop(w);
}

void
conn_rescope(struct conn *c)
{
	const struct engine_settings *settings;
	const struct listener_settings *l;
	struct scope *now = c->worker->scope;

	if (c->scope == now || c->removed)
		return;
	l = listen_find(now->config, c->listener);
	if (l == NULL) {
		c->removed = true;
		return;
	}
	settings = &now->config->settings;
	c->listener = l;
	c->trusted = net_ranges_have(settings->trusted, settings->n_trusted, &c->peer);
	scope_unref(c->scope);
	c->scope = scope_ref(now);
}

/* An answer may still help to understand; nobody waits for its arrival. */
static void
say_late(struct conn *c, int status, const char *text)
{
	if (c->x->replied)
		return;
	(void)conn_refuse(c, status, text);
	(void)conn_flush(c);
	conn_replied(c);
}

void
conn_late(struct conn *c)
{
	enum stage stage = c->deadline.stage;

	count(c->worker, late_counts[stage], 1);
	switch (stage) {
	case STAGE_HEAD:
		if (c->x != NULL && c->x->in_n > 0)
			say_late(c, 408, "the request took too long");
		break;
	case STAGE_BODY:
		say_late(c, 408, "the request took too long");
		break;
	case STAGE_READY:
	case STAGE_WORK:
		say_late(c, 503, "the server is too busy, try again");
		break;
	case STAGE_REPLY:
		c->failed = true; /* it does not read: a leave would only wait */
		break;
	default:
		break;
	}
	conn_close(c);
}

/* ---- the stages without a request ---- */

/* Nothing to do before turn_end(). */
enum step
conn_turn(struct conn *c)
{
	(void)c;
	return STEP_TURN;
}

enum step
conn_handshake(struct conn *c)
{
	struct worker *w = c->worker;
	const char *reason = NULL;
	enum io_result got = tls_handshake(c->tls, &reason);

	switch (got) {
	case IO_DONE:
		count(w, COUNT_HANDSHAKES, 1);
		count(w, COUNT_HANDSHAKES_RESUMED, tls_resumed(c->tls));
		LOG(LEVEL_DEBUG, "tls", NULL, "handshake done",
		    log_text("listener", c->listener->name), log_text("peer", c->peer_text),
		    log_text("version", tls_version(c->tls)),
		    log_text("resumed", tls_resumed(c->tls) ? "yes" : "no"));
		return conn_enter(c, STAGE_HEAD);
	case IO_WANT_READ:
	case IO_WANT_WRITE:
		return conn_step(got);
	case IO_PLAIN_HTTP:
		tls_free(c->tls);
		c->tls = NULL;
		c->x = exchange_get(c);
		if (c->x == NULL)
			return STEP_CLOSE;
		count(w, COUNT_MALFORMED, 1);
		return conn_refuse(c, 400, "this port speaks HTTPS: use https:// in the URL");
	case IO_END:
	case IO_FAILED:
		break;
	}
	c->failed = true;
	count(w, COUNT_HANDSHAKES_FAILED, 1);
	LOG(LEVEL_DEBUG, "tls", NULL, "handshake failed", log_text("listener", c->listener->name),
	    log_text("peer", c->peer_text), log_text("reason", reason == NULL ? "closed" : reason));
	return STEP_CLOSE;
}

enum step
conn_begin_linger(struct conn *c)
{
	exchange_leave(c->x);
	c->x = NULL;
	if (c->tls != NULL && !c->failed)
		tls_shutdown(c->tls);
	c->failed = true;
	(void)shutdown(c->fd, SHUT_WR);
	return conn_enter(c, STAGE_LINGER);
}

enum step
conn_linger(struct conn *c)
{
	char sink[4096];

	/* Whatever still comes is thrown away undecrypted: closing with unread input would reset
	 * the connection, and with it the answer on its way. */
	for (int i = 0; i < 16; i++) {
		ssize_t n = recv(c->fd, sink, sizeof(sink), MSG_DONTWAIT);

		if (n == 0)
			return STEP_CLOSE;
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? STEP_READ : STEP_CLOSE;
	}
	return STEP_READ;
}
