/* conn.h - one connection and the request on it. Inside the engine only.
 *
 * A connection is always in one stage (deadline.h). The function of the stage is called until it
 * has to wait; it says for what. */
#ifndef USHER_SERVER_CONN_H
#define USHER_SERVER_CONN_H

#include <sys/socket.h>

#include "base/buf.h"
#include "server/io.h"
#include "server/worker.h"

enum step {
	STEP_AGAIN = 0, /* the stage has changed: go on */
	STEP_READ,	/* wait until readable */
	STEP_WRITE,
	STEP_TURN, /* wait for the end of the loop's turn */
	STEP_WORK, /* wait for a deferred function, or to be woken */
	STEP_CLOSE
};

struct conn {
	struct deadline deadline; /* first: the lists of stages hold connections */
	struct worker *worker;
	struct scope *scope;
	const struct listener_settings *listener; /* in scope->config */
	struct loop_watch *watch;
	struct tls *tls;	 /* NULL: plain */
	struct exchange *x;	 /* NULL while idle */
	struct proxied *proxied; /* NULL but in STAGE_PROXIED */
	int fd;
	unsigned n_requests;
	unsigned in_turn; /* requests since it was last somebody else's turn */
	uint64_t id;
	struct net_address peer;
	char peer_text[NET_ADDRESS_TEXT_BYTES];
	bool trusted; /* the peer is a trusted proxy */
	bool exempt;  /* for limit_give() */
	bool removed; /* its listener is gone: close after this request */
	bool failed;  /* nothing can be sent any more, not even a leave */
};

enum {
	TURN_REQUESTS = 16,	 /* pipelined requests before others have their turn */
	TURN_READY = 64,	 /* complete requests that may wait for others */
	IN_SMALL_BYTES = 4096,	 /* nearly every request fits whole */
	IN_ROOM_BYTES = 1024,	 /* kept free behind a head for reading its body */
	DRAIN_BYTES = 64 * 1024, /* of an unwanted body read to keep the connection */
	USER_BYTES = 128
};

/* All that exists only while a request is read, worked on or answered. */
struct exchange {
	struct request request; /* first: a request is found back by address */
	struct worker *worker;
	struct conn *conn; /* NULL when the connection has been lost */
	struct scope *scope;

	char *in; /* `small`, or an allocation of in_size bytes */
	size_t in_size;
	size_t in_n;	/* bytes in use */
	size_t scanned; /* of the head: up to where a line feed has been looked for */
	size_t raw;	/* of the body: up to where it has been taken */

	struct http1_request head;
	bool has_head;
	struct http1_body body_reader;
	size_t body_n;	 /* decoded bytes that stand behind the head in `in` */
	bool body_moved; /* ... or in `body` */
	bool body_done;
	bool discard;	/* the body is read, but for nobody */
	bool continued; /* 100 Continue is sent or on its way */
	struct buf body;
	struct http1_limits limits;

	struct buf out;
	size_t out_at;
	int status;
	bool replied;
	bool close;  /* after the reply */
	bool linger; /* before closing: the peer may still be sending */

	struct loop_work *work; /* in the pool */
	void (*work_done)(struct request *request, void *arg, bool ran);
	void (*work_run)(void *arg);
	void *work_arg;
	unsigned waits; /* request_wake() that are to come */
	bool woken;	/* all have, and it is in the list of its worker */
	struct exchange *next_woken;

	uint64_t begun_ms;
	char path[HTTP1_PATH_BYTES];
	char user[USER_BYTES];
	char client_text[NET_ADDRESS_TEXT_BYTES];
	char peer_text[NET_ADDRESS_TEXT_BYTES]; /* a copy: it may outlive its connection */
	struct log_field listener_fields[1], conn_fields[2];
	struct log_field request_fields[2], user_fields[1];
	struct log_context listener_log, conn_log, request_log, user_log;

	char small[IN_SMALL_BYTES];
};

/* ---- conn.c: life ---- */

/* Takes over an accepted socket; closes it when it cannot. */
void
conn_open(
    struct worker *w, const struct socket *s, int fd, const struct net_address *peer, bool trusted);

/* Runs stages until the connection has to wait, then watches for that. */
void
conn_go(struct conn *c);

/* Closes at once, in order when that is still possible. A deferred function finds its exchange
 * without a connection. */
void
conn_close(struct conn *c);

/* Answers late stages as they deserve. */
void
conn_late(struct conn *c);

/* Enters a stage, its deadline included. */
enum step
conn_enter(struct conn *c, enum stage stage);

/* Takes the settings in force; a connection without its listener is marked removed. */
void
conn_rescope(struct conn *c);

/* ---- conn_io.c ---- */

enum io_result
conn_read(struct conn *c, void *p, size_t n, size_t *got);
enum io_result
conn_write(struct conn *c, const void *p, size_t n, size_t *put);
/* Keeps a last part of a packet until the close or the shutdown: the answer, TLS's leave and TCP's
 * end then travel together. */
void
conn_hold(struct conn *c);
/* Reads what comes before TLS. */
enum io_result
conn_read_first(struct conn *c, void *p, size_t n, size_t *got);
/* What to wait for after an attempt that did not succeed. */
enum step
conn_step(enum io_result got);

/* ---- conn_proxied.c ---- */

/* For one connection in STAGE_PROXIED; free() it. NULL when out of memory. */
struct proxied *
proxied_new(void);

/* ---- exchange.c ---- */

/* NULL when out of memory. */
struct exchange *
exchange_get(struct conn *c);
/* Gives back, wiping what stood in it. */
void
exchange_put(struct exchange *x);
/* The connection has no more use for it: gives it back, or leaves it to whom it waits for. */
void
exchange_leave(struct exchange *x);
/* Makes it ready for the next request; what has been read beyond this one moves to the front. */
void
exchange_next(struct exchange *x);
/* Room for the largest head and something behind it; false when out of memory. */
bool
exchange_grow(struct exchange *x);
/* Frees those that wait for another use. */
void
exchanges_free(struct worker *w);
/* The exchange a request is part of. */
struct exchange *
exchange_of(struct request *request);

/* ---- the stages ---- */

enum step
conn_proxied(struct conn *c);
enum step
conn_handshake(struct conn *c);
enum step
conn_head(struct conn *c);
enum step
conn_body(struct conn *c);
enum step
conn_turn(struct conn *c);
enum step
conn_work(struct conn *c);
enum step
conn_reply(struct conn *c);
enum step
conn_linger(struct conn *c);

/* Sends what is in x->out. STEP_AGAIN when it is out. */
enum step
conn_flush(struct conn *c);

/* A refusal by the engine itself: answer, linger, close. */
enum step
conn_refuse(struct conn *c, int status, const char *text);

/* The answer is out, or all that will ever be: counts and logs it. */
void
conn_replied(struct conn *c);

/* Says that nothing follows and reads on for a while. */
enum step
conn_begin_linger(struct conn *c);

/* ---- request.c ---- */

/* Something is still to come for it. */
bool
exchange_waits(const struct exchange *x);
/* Handles one that has been woken and is out of the list. */
void
exchange_go_on(struct exchange *x);

/* ---- turn.c ---- */

/* Handles the complete requests and sends their answers. Not from a stage. */
void
turn_end(struct worker *w);
/* Whoever handles requests has handled this one: its answer goes out, or it waits on. */
void
conn_handled(struct conn *c);

/* ---- reply.c ---- */

/* Appends a whole response to `out`. `date` is an IMF-fixdate. */
void
reply_build(struct buf *out, const struct reply *reply, const struct http1_request *head,
    bool close, const char *date);

/* IMF-fixdate (RFC 9110, 5.6.7). */
void
reply_date(time_t now, char out[40]);

#endif
