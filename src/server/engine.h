/* engine.h - the HTTP/TLS engine as the rest of usherd sees it: settings in, requests out.
 *
 * N threads, each with its own loop, its own socket per listener (SO_REUSEPORT) and its own
 * connections; a connection never changes its thread. The application fills in settings and
 * callbacks; callbacks run on the thread of their connection and must not block: what blocks goes
 * through request_defer(). */
#ifndef USHER_SERVER_ENGINE_H
#define USHER_SERVER_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "server/log.h"
#include "server/net_address.h"
#include "server/tls.h"
#include "usher/status.h"
#include "wire/http1.h"

/* ---- settings ---- */

enum listener_kind {
	LISTENER_HTTPS = 0, /* TLS */
	LISTENER_REDIRECT,  /* plain HTTP, only redirects */
	LISTENER_PRIVATE,   /* plain HTTP: metrics, health */
	LISTENER_PROXY	    /* plain HTTP from a trusted reverse proxy */
};

enum { ENGINE_MAX_THREADS = 64, ENGINE_MAX_LISTENERS = 32, ENGINE_MAX_TRUSTED = 64 };

struct listener_settings {
	const char *name; /* for log lines; unique */
	enum listener_kind kind;
	struct endpoint endpoint; /* what a reload recognises the listener by, with `kind` */
	bool proxied;		  /* connections of trusted proxies begin with a PROXY header */
	struct tls_set *tls;	  /* LISTENER_HTTPS only; the engine takes its own reference */
	const void *app;	  /* the application's own; lives as long as settings.app */
};

struct engine_limits {
	size_t head_bytes;	      /* request line and fields */
	size_t body_bytes;	      /* what request.body_max begins with */
	unsigned connections;	      /* in all */
	unsigned address_connections; /* per IPv4 address or IPv6 /64; trusted proxies are exempt */
	unsigned requests;	      /* per connection, then it is closed */
	unsigned pool_queue;	      /* deferred functions waiting or running; over it: 503 */
	size_t arena_bytes;	      /* ceiling of request.mem */
};

/* Each bounds its whole stage, not the pause between bytes. */
struct engine_deadlines {
	uint32_t handshake_ms;
	uint32_t head_ms;
	uint32_t body_ms;
	uint32_t work_ms; /* deferred functions of one request, waiting included; then 503 */
	uint32_t reply_ms;
	uint32_t idle_ms;
	uint32_t linger_ms; /* reading on after a refusal, so that the client sees the answer */
};

struct request;

struct engine_app {
	/* Makes the context of one thread (its directory handle ...). Called in the thread that
	 * calls engine_start() or engine_reconfigure(), once per thread and settings. May be NULL:
	 * contexts are NULL then.
	 * Any failure makes the start or the reconfiguration fail with the same status. */
	usher_status (*context_new)(
	    void *app, unsigned thread, void **out, struct usher_error *err);

	/* On the context's own thread, or on the owner's when that does not run; after the last
	 * request that could see it. May be NULL. */
	void (*context_free)(void *context);

	/* The head is read, the body is not. Either answer now with request_reply() (401, 404,
	 * 405, redirect ...), or set request->handle, perhaps request->body_max, and return. */
	void (*head)(struct request *request);

	/* Releases settings.app after the last context_free(). Any thread. May be NULL. */
	void (*app_free)(void *app);

	/* Around calls of handle() that come one right after the other on a thread: all their
	 * requests were complete before `begins` was told. May be NULL. */
	void (*batch)(void *context, bool begins);

	/* A descriptor that is readable when turn() has something to do, or -1; asked for once per
	 * context. May be NULL. */
	int (*descriptor)(void *context);

	/* On the context's own thread; what it wakes goes on when it has returned. */
	void (*turn)(void *context);
};

struct engine_settings {
	unsigned threads;      /* 1-ENGINE_MAX_THREADS; fixed at the start */
	unsigned pool_threads; /* for deferred functions; fixed at the start */
	const struct listener_settings *listeners;
	size_t n_listeners;
	const struct net_range *trusted; /* proxies whose X-Forwarded-For/-Proto count */
	size_t n_trusted;
	struct engine_limits limits;
	struct engine_deadlines deadlines;
	bool log_requests; /* one line of level info per answered request */
	struct engine_app callbacks;
	void *app; /* the application's configuration; see app_free */
};

/* Everything zero but limits, deadlines and pool with their safe defaults, threads = processors. */
void
engine_settings_init(struct engine_settings *settings);

/* ---- life ---- */

struct engine;

/* Copies the settings, binds and listens on every listener, starts nothing: privileges can be
 * dropped and the sandbox closed after it. `settings->app` belongs to the engine from a successful
 * return on.
 *
 * Returns USHER_OK
 *         USHER_E_USAGE       settings contradict each other
 *         USHER_E_PERMISSION  a port may not be bound
 *         USHER_E_CONFLICT    an address is in use
 *         USHER_E_NETWORK     it cannot be bound for another reason
 *         USHER_E_NOMEM, USHER_E_IO */
USHER_CHECK usher_status
engine_new(const struct engine_settings *settings, struct engine **out, struct usher_error *err);

/* Makes contexts and starts the threads; they block all signals. Returns as context_new() or
 * USHER_E_NOMEM, USHER_E_IO. After a failure only engine_free() is allowed. */
USHER_CHECK usher_status
engine_start(struct engine *engine, struct usher_error *err);

/* Replaces all settings but threads and pool_threads. Listeners that stay keep their sockets, new
 * ones are bound first; connections of removed ones finish their request. Running connections take
 * the new settings with their next request. On failure nothing has changed and `settings->app`
 * still belongs to the caller. Returns when every thread has changed over. Not from a callback.
 *
 * Returns as engine_new() and context_new(). */
USHER_CHECK usher_status
engine_reconfigure(
    struct engine *engine, const struct engine_settings *settings, struct usher_error *err);

/* Stops accepting, closes idle connections, lets running requests finish for at most grace_ms, then
 * closes what is left. Returns when the threads have ended. Not from a callback. */
void
engine_stop(struct engine *engine, uint32_t grace_ms);

/* After engine_stop(), or before engine_start(). NULL is ignored. */
void
engine_free(struct engine *engine);

/* The address a listener is bound to, for port 0. False when there is no such listener. */
bool
engine_listener_endpoint(const struct engine *engine, const char *name, struct endpoint *out);

/* ---- counters ---- */

enum engine_counter {
	COUNT_ACCEPTED = 0,
	COUNT_OPEN, /* gauge */
	COUNT_REFUSED_ADDRESS,
	COUNT_PAUSED,
	COUNT_NO_DESCRIPTOR,
	COUNT_HANDSHAKES,
	COUNT_HANDSHAKES_RESUMED,
	COUNT_HANDSHAKES_FAILED,
	COUNT_REQUESTS,
	COUNT_STATUS_2XX,
	COUNT_STATUS_3XX,
	COUNT_STATUS_4XX,
	COUNT_STATUS_5XX,
	COUNT_MALFORMED,
	COUNT_LATE_HANDSHAKE,
	COUNT_LATE_HEAD,
	COUNT_LATE_BODY,
	COUNT_LATE_WORK,
	COUNT_LATE_REPLY,
	COUNT_IDLE_CLOSED,
	COUNT_DEFERRED,
	COUNT_POOL_FULL,
	COUNT_WAITED,
	COUNT_WAITING, /* gauge */
	COUNT_BYTES_IN,
	COUNT_BYTES_OUT,
	ENGINE_COUNTERS
};

/* How a counter appears in metrics: rows of one name stand next to each other. */
struct engine_counter_row {
	const char *name;  /* `usherd_connections_total` */
	const char *label; /* `stage="head"`, or NULL */
	const char *help;
	bool gauge;
};

extern const struct engine_counter_row engine_counter_rows[ENGINE_COUNTERS];

/* Sums over the threads. Any thread, any time. */
void
engine_count(const struct engine *engine, uint64_t out[ENGINE_COUNTERS]);

/* ---- one request ---- */

struct request {
	const struct http1_request *head;
	const char *path;	   /* for routing: decoded, lower case (http1_route_path()) */
	struct slice body;	   /* in handle() only; empty before */
	struct arena *mem;	   /* reset after the reply */
	struct net_address client; /* behind trusted proxies the real one */
	bool secure;		   /* TLS up to us, or up to a trusted proxy that says so */
	const struct listener_settings *listener;
	void *context;	   /* of this thread, from context_new() */
	void *app;	   /* settings.app */
	uint64_t since_ms; /* clock_mono_ms() when it was complete; in head(): when its head was */
	const struct log_context *log; /* for LOG() */

	/* set by head() */
	void (*handle)(struct request *request); /* called with the whole body */
	size_t body_max; /* 413 above it, before the body is read; never above limits.body_bytes */
	void *data;	 /* the application's own, for instance in mem */
	const char *log_path; /* logged in the path's place, which holds an address; NULL: none */
};

/* Shows up as user= in this request's log lines; copied. NULL takes it away. */
void
request_set_user(struct request *request, const char *user);

/* The host the client asked for: Host without port and brackets, lower case, in request->mem.
 * NULL without one or when out of memory. */
const char *
request_host(struct request *request);

struct reply_field {
	const char *name;
	const char *value; /* control bytes are sent as `?` */
};

enum { REPLY_MAX_FIELDS = 32, REPLY_HEAD_BYTES = 8192 };

struct reply {
	int status;
	const char *type;  /* Content-Type, or NULL */
	struct slice body; /* copied; not sent to HEAD, but counted for Content-Length */
	const struct reply_field *fields; /* Date, Server, Content-Length, Connection are the
					     engine's */
	size_t n_fields;
	bool close; /* close the connection after it */
};

/* Answers; exactly once per request, from head(), handle() or a done(). The request is gone when it
 * returns: touch nothing of it any more. When the connection has been lost meanwhile, nothing is
 * sent. */
void
request_reply(struct request *request, const struct reply *reply);

/* request_reply() with a line of plain text, and `Retry-After: 1` for 503. */
void
request_refuse(struct request *request, int status, const char *text);

/* Runs work(arg) in the thread pool, then done(request, arg) on the request's own thread, where the
 * request goes on: it may reply or defer again. work() sees nothing of the request but what `arg`
 * (for instance in request->mem) holds, and must not touch the thread's context.
 *
 * done() is called exactly once, also when the connection has been lost or timed out meanwhile and
 * when work() was skipped because the engine stops; `ran` says whether work() did run. It must
 * reply or defer again in every case.
 *
 * Not from head(): the body is still to come.
 *
 * False when the pool's queue is full: nothing is called; the caller still has the request, and
 * answers with request_refuse(request, 503, ...). */
USHER_CHECK bool
request_defer(struct request *request, void (*work)(void *arg),
    void (*done)(struct request *request, void *arg, bool ran), void *arg);

/* Lets the request wait for something that context's turn() brings: again(request) is called when
 * request_wake() has been called as often as this, exactly once, also when the connection has been
 * lost or timed out meanwhile. It must reply, defer or wait again in every case; waiting counts
 * into deadlines.work_ms. Whoever is to call request_wake() does so in a time of its own: nothing
 * takes the request back.
 *
 * From head() too: what body there is is read on meanwhile, up to limits.body_bytes, and again() is
 * handle() then.
 *
 * False when the connection has been lost or the context cannot be watched: the caller still has
 * the request, and answers with request_refuse(request, 503, ...). */
USHER_CHECK bool
request_wait(struct request *request, void (*again)(struct request *request));

/* On the request's own thread. */
void
request_wake(struct request *request);

#endif
