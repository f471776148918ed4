/* loop.h - one event loop: sockets watched, one timer, wake-ups from other threads, and a pool for
 * what blocks. The only door to libuv. */
#ifndef USHER_SERVER_LOOP_H
#define USHER_SERVER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* Belongs to the thread that runs it; only loop_wake() may be called from others. */
struct loop;

struct loop_calls {
	void (*timer)(void *owner);
	void (*turn)(void *owner); /* all watches that were ready have been told */
	void (*wake)(void *owner); /* once or more after each loop_wake() */
};

/* NULL when out of memory or descriptors. `calls` outlives the loop. */
struct loop *
loop_new(const struct loop_calls *calls, void *owner);

/* Not while it runs. Watches must have been freed and work be done. NULL is ignored. */
void
loop_free(struct loop *loop);

/* Runs until loop_stop(). */
void
loop_run(struct loop *loop);

void
loop_stop(struct loop *loop);

void
loop_wake(struct loop *loop);

/* Milliseconds that only go forward, read once per turn of the loop. */
uint64_t
loop_now_ms(const struct loop *loop);

/* Calls timer() once, at `at_ms` of loop_now_ms(); replaces what was set. UINT64_MAX: never. */
void
loop_timer(struct loop *loop, uint64_t at_ms);

/* ---- sockets ---- */

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop_watch;

/* Watches nothing yet. `ready` may be called for a reason that has passed: try and see. NULL when
 * out of memory or when the descriptor cannot be watched. */
struct loop_watch *
loop_watch_new(struct loop *loop, int fd, void (*ready)(void *arg), void *arg);

/* LOOP_READ | LOOP_WRITE, or 0. Costs nothing when nothing changes. */
void
loop_watch_set(struct loop_watch *watch, unsigned events);

/* Before the descriptor is closed. NULL is ignored. */
void
loop_watch_free(struct loop_watch *watch);

/* ---- pool ---- */

/* Threads of the process-wide pool. Before the first loop_work(). */
void
loop_pool_threads(unsigned n);

struct loop_work;

/* Runs work(arg) in the pool, then done(arg, ran) in the loop; `ran` is false when it was taken
 * back by loop_work_cancel(). NULL when out of memory. Valid until done() is called. */
struct loop_work *
loop_work(struct loop *loop, void (*work)(void *arg), void (*done)(void *arg, bool ran), void *arg);

/* Takes it back when it has not begun; done() is called all the same, later. */
void
loop_work_cancel(struct loop_work *work);

#endif
