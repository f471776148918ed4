/* worker.h - one thread of the engine and what its parts share. Inside the engine only. */
#ifndef USHER_SERVER_WORKER_H
#define USHER_SERVER_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "server/deadline.h"
#include "server/engine.h"
#include "server/limit.h"
#include "server/loop.h"

/* Settings as copied by the engine; never changed. Counted, by any thread. */
struct config {
	atomic_uint refs;
	struct engine_settings settings;
	struct listener_settings listeners[ENGINE_MAX_LISTENERS];
	struct endpoint bound[ENGINE_MAX_LISTENERS]; /* with the ports that the system chose */
	struct net_range trusted[ENGINE_MAX_TRUSTED];
};

/* A config and this thread's context for it. Counted by its own thread alone. */
struct scope {
	struct config *config;
	void *context;
	struct loop_watch *watch; /* of the context's descriptor; NULL until a request waits */
	unsigned users;
};

/* A listening socket of one thread. */
struct socket {
	struct socket *next;
	struct worker *worker;
	struct listener_settings settings; /* name is own memory; tls and app are not used */
	int fd;
	struct loop_watch *watch;
};

enum { EXCHANGES_KEPT = 64 };

struct exchange;

struct worker {
	struct engine *engine;
	unsigned index;
	pthread_t thread;
	bool running;
	struct loop *loop;

	struct scope *scope; /* the current one */
	struct socket *sockets;
	struct deadlines deadlines;
	uint64_t timer_at_ms;
	uint64_t resume_at_ms; /* accepting is paused until then; 0: it is not */
	int spare_fd;
	uint64_t told_full_ms; /* last warnings */
	uint64_t told_descriptors_ms;

	unsigned open;			     /* connections */
	unsigned n_ready;		     /* requests to be handled by the next turn_end() */
	unsigned deferred;		     /* functions in the pool, and requests that wait */
	struct exchange *woken, **woken_end; /* requests that have waited, in order */
	uint64_t next_conn_id;

	struct exchange *kept[EXCHANGES_KEPT];
	unsigned n_kept;

	time_t date_s; /* of `date` */
	char date[40];

	atomic_uint_fast64_t counts[ENGINE_COUNTERS];

	/* Orders from the engine's owner. Everything below is under `lock`. */
	pthread_mutex_t lock;
	pthread_cond_t obeyed;
	struct scope *new_scope; /* to change over to, with new_sockets */
	struct socket *new_sockets;
	bool stop;
	uint64_t stop_at_ms; /* of loop_now_ms(); set by the worker */
	uint32_t grace_ms;
	bool stopping; /* read without the lock by the worker alone */
};

struct engine {
	struct config *config;
	struct limit *limit;
	atomic_uint pool_used;
	atomic_bool room_wanted; /* a worker at the limit asks others for an idle connection */
	unsigned n_workers;
	bool started;
	struct worker workers[];
};

/* ---- scope.c ---- */

/* Copies; checks what would contradict itself. `app` is not taken over before the config is in use.
 * Returns USHER_OK, USHER_E_USAGE, USHER_E_NOMEM. */
USHER_CHECK usher_status
config_new(const struct engine_settings *settings, struct config **out, struct usher_error *err);

/* `with_app`: the last one releases the application's configuration too. NULL is ignored. */
void
config_unref(struct config *config, bool with_app);

/* Makes one scope per worker; on failure none is left. Returns as context_new(), USHER_E_NOMEM. */
USHER_CHECK usher_status
scopes_new(struct config *config, unsigned n, struct scope **out, struct usher_error *err);

struct scope *
scope_ref(struct scope *scope);

/* Frees context and config with the last one. */
void
scope_unref(struct scope *scope);

/* Has the context's turn() called from now on. False when it cannot be watched. */
bool
scope_watch(struct scope *scope, struct loop *loop);

/* ---- worker.c ---- */

/* Returns USHER_OK, USHER_E_IO; worker_free() is needed either way. */
USHER_CHECK usher_status
worker_init(struct worker *w, struct engine *e, unsigned index, struct usher_error *err);

/* Not while it runs. */
void
worker_free(struct worker *w);

/* Body of the thread; `arg` is the worker. */
void *
worker_run(void *arg);

/* Orders from another thread: to change over to a scope and additional sockets, to wait until that
 * is done, to stop. */
void
worker_change(struct worker *w, struct scope *scope, struct socket *sockets);
void
worker_await(struct worker *w);
void
worker_stop(struct worker *w, uint32_t grace_ms);

static inline void
count(struct worker *w, enum engine_counter c, uint64_t n)
{
	/* One writer: no locked instruction is needed. */
	uint_fast64_t old = atomic_load_explicit(&w->counts[c], memory_order_relaxed);

	atomic_store_explicit(&w->counts[c], old + n, memory_order_relaxed);
}

/* Makes sure that timer() runs at `at_ms` or earlier. */
void
worker_timer_by(struct worker *w, uint64_t at_ms);

/* Ends the loop when nothing is left to finish. */
void
worker_check_stop(struct worker *w);

/* ---- listen.c ---- */

/* Binds and listens for every worker: out[i] gets the socket of worker i in front, also when a
 * later one fails. *bound is the endpoint with its port. Returns as engine_new(). */
USHER_CHECK usher_status
listen_open(struct worker *workers, unsigned n, const struct listener_settings *settings, bool ours,
    struct socket **out, struct endpoint *bound, struct usher_error *err);

/* Closes. On the worker's thread, or when it does not run. `drain`: accepts first who waits in the
 * queue, so that nobody is reset. */
void
listen_close(struct socket *s, bool drain);

/* A list of sockets, none of which is watched yet. */
void
listen_close_all(struct socket *s);

/* Closes the connection that has been idle longest: who wants to ask comes before who is silent.
 * False when none is idle. */
bool
listen_make_room(struct worker *w);

/* Accepts on all sockets from now on. What cannot be watched for want of memory is tried again. */
void
listen_resume(struct worker *w);

/* The listener in `config` that a socket or connection belongs to, or NULL. */
const struct listener_settings *
listen_find(const struct config *config, const struct listener_settings *like);

#endif
