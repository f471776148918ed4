/* listen.c - listening sockets, one per listener and thread, and accepting from them. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "server/conn.h"

enum {
	BACKLOG = 1024,
	ACCEPT_BATCH = 32,
	PAUSE_MS = 50,	    /* between looks for room */
	WARN_MS = 10 * 1000 /* between warnings about descriptors */
};

/* ---- binding ---- */

union any_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t
to_system(const struct endpoint *e, union any_address *out)
{
	memset(out, 0, sizeof(*out));
	if (!e->any_family && net_address_is_v4(&e->address)) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(e->port);
		memcpy(&out->v4.sin_addr, e->address.bytes + 12, 4);
		return sizeof(out->v4);
	}
	out->v6.sin6_family = AF_INET6;
	out->v6.sin6_port = htons(e->port);
	memcpy(&out->v6.sin6_addr, e->address.bytes, 16);
	return sizeof(out->v6);
}

static void
from_system(const struct sockaddr_storage *in, struct net_address *address, uint16_t *port)
{
	union any_address a;

	memcpy(&a, in, sizeof(a));
	memset(address->bytes, 0, 16);
	if (in->ss_family == AF_INET) {
		address->bytes[10] = address->bytes[11] = 0xff;
		memcpy(address->bytes + 12, &a.v4.sin_addr, 4);
		*port = ntohs(a.v4.sin_port);
	} else {
		memcpy(address->bytes, &a.v6.sin6_addr, 16);
		*port = ntohs(a.v6.sin6_port);
	}
}

static usher_status
bind_failed(const struct endpoint *e, int error, struct usher_error *err)
{
	char where[ENDPOINT_TEXT_BYTES];

	endpoint_format(e, where);
	if (error == EACCES || error == EPERM)
		return err_set(err, USHER_E_PERMISSION, where,
		    "this port may not be bound: ports below 1024 need CAP_NET_BIND_SERVICE");
	if (error == EADDRINUSE)
		return err_set(err, USHER_E_CONFLICT, where,
		    "the address is in use: stop the other program or choose another port");
	return err_set(err, USHER_E_NETWORK, where, "cannot be listened on: %s", strerror(error));
}

/* Gives a bound socket, or -1 with errno set. */
static int
bind_one(const struct endpoint *e, bool shared)
{
	union any_address a;
	socklen_t n = to_system(e, &a);
	int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error, on = 1, v6_only = !e->any_family;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) &&
	    /* Inherited by what is accepted. */
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0 &&
	    (a.any.sa_family != AF_INET6 ||
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only)) == 0) &&
	    bind(fd, &a.any, n) == 0)
		return fd;
	error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

/* A machine without IPv6 takes `*` for all of IPv4. */
static void
settle_family(struct endpoint *e)
{
	int fd;

	if (!e->any_family)
		return;
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		(void)close(fd);
		return;
	}
	e->any_family = false;
	e->address = (struct net_address){ { [10] = 0xff, [11] = 0xff } };
}

static struct socket *
socket_new(struct worker *w, const struct listener_settings *settings, int fd)
{
	struct socket *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->worker = w;
	s->settings = *settings;
	s->settings.tls = NULL;
	s->settings.app = NULL;
	s->settings.name = strdup(settings->name);
	s->fd = fd;
	if (s->settings.name == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

usher_status
listen_open(struct worker *workers, unsigned n, const struct listener_settings *settings, bool ours,
    struct socket **out, struct endpoint *bound, struct usher_error *err)
{
	struct endpoint e = settings->endpoint;
	int fd;

	settle_family(&e);
	if (!ours) {
		/* SO_REUSEPORT would let a second usherd share the port unnoticed. */
		fd = bind_one(&e, false);
		if (fd < 0)
			return bind_failed(&e, errno, err);
		(void)close(fd);
	}
	for (unsigned i = 0; i < n; i++) {
		struct net_address address;
		struct sockaddr_storage a = { 0 };
		socklen_t size = sizeof(a);
		struct socket *s;

		fd = bind_one(&e, true);
		if (fd < 0 || listen(fd, BACKLOG) != 0 ||
		    getsockname(fd, (struct sockaddr *)&a, &size) != 0) {
			int error = errno;

			if (fd >= 0)
				(void)close(fd);
			return bind_failed(&e, error, err);
		}
		from_system(&a, &address, &e.port);
		s = socket_new(&workers[i], settings, fd);
		if (s == NULL) {
			(void)close(fd);
			return err_nomem(err, settings->name);
		}
		s->next = out[i];
		out[i] = s;
	}
	*bound = e;
	return USHER_OK;
}

/* ---- accepting ---- */

static void
on_acceptable(void *arg);

/* Whoever fills the service must not blind those who watch it. */
static bool
is_private(const struct socket *s)
{
	return s->settings.kind == LISTENER_PRIVATE;
}

/* `all`: the private ones too. */
static void
pause_accepting(struct worker *w, bool all)
{
	uint64_t at = loop_now_ms(w->loop) + PAUSE_MS;

	if (w->resume_at_ms == 0)
		count(w, COUNT_PAUSED, 1);
	w->resume_at_ms = at;
	worker_timer_by(w, at);
	for (struct socket *s = w->sockets; s != NULL; s = s->next)
		if (s->watch != NULL && (all || !is_private(s)))
			loop_watch_set(s->watch, 0);
}

void
listen_resume(struct worker *w)
{
	bool all = true;

	w->resume_at_ms = 0;
	for (struct socket *s = w->sockets; s != NULL; s = s->next) {
		if (s->watch == NULL)
			s->watch = loop_watch_new(w->loop, s->fd, on_acceptable, s);
		if (s->watch == NULL)
			all = false;
		else
			loop_watch_set(s->watch, LOOP_READ);
	}
	if (!all)
		pause_accepting(w, true);
}

bool
listen_make_room(struct worker *w)
{
	struct deadline *d = deadline_oldest(&w->deadlines, STAGE_IDLE);

	if (d == NULL)
		return false;
	count(w, COUNT_IDLE_CLOSED, 1);
	conn_close((struct conn *)d);
	return true;
}

/* A warning that could come a thousand times a second comes every ten. */
static void
warn(struct worker *w, uint64_t *told_ms, const char *event)
{
	uint64_t now = loop_now_ms(w->loop);

	if (*told_ms != 0 && now - *told_ms < WARN_MS)
		return;
	*told_ms = now;
	LOG(LEVEL_WARNING, "engine", NULL, event, log_number("open", w->open));
}

/* The limit is reached and nobody here is idle: perhaps somebody on another thread is. */
static void
no_room(struct worker *w)
{
	struct engine *e = w->engine;

	warn(w, &w->told_full_ms, "connection limit reached: new connections wait");
	pause_accepting(w, false);
	atomic_store(&e->room_wanted, true);
	for (unsigned i = 0; i < e->n_workers; i++)
		if (&e->workers[i] != w)
			loop_wake(e->workers[i].loop);
}

/* No descriptor is left: the spare one takes who waits and sends them away, which is kinder than
 * leaving them in the queue. */
static void
out_of_descriptors(struct worker *w, const struct socket *s)
{
	int fd;

	count(w, COUNT_NO_DESCRIPTOR, 1);
	warn(w, &w->told_descriptors_ms,
	    "no file descriptor left: raise LimitNOFILE or lower the connection limit");
	if (listen_make_room(w))
		return;
	if (w->spare_fd >= 0) {
		(void)close(w->spare_fd);
		fd = accept(s->fd, NULL, NULL);
		if (fd >= 0)
			(void)close(fd);
		w->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	pause_accepting(w, true);
}

static void
take_in(struct worker *w, const struct socket *s, int fd, const struct sockaddr_storage *a)
{
	const struct engine_settings *settings = &w->scope->config->settings;
	struct net_address peer;
	uint16_t port;
	bool trusted;

	from_system(a, &peer, &port);
	trusted = net_ranges_have(settings->trusted, settings->n_trusted, &peer);
	count(w, COUNT_ACCEPTED, 1);
	if (is_private(s)) {
		if (limit_take_kept(w->engine->limit))
			conn_open(w, s, fd, &peer, trusted);
		else
			(void)close(fd);
		return;
	}
	switch (limit_take(w->engine->limit, &peer, trusted)) {
	case LIMIT_TAKEN:
		conn_open(w, s, fd, &peer, trusted);
		return;
	case LIMIT_ADDRESS:
		count(w, COUNT_REFUSED_ADDRESS, 1);
		break;
	case LIMIT_FULL:
		break;
	}
	(void)close(fd);
}

/* Accepts one. False when there is nobody, or no room. `evict`: somebody waits for certain, so that
 * it is right to close an idle connection for them. */
static bool
accept_one(struct worker *w, const struct socket *s, bool evict)
{
	struct sockaddr_storage a = { 0 };
	socklen_t n = sizeof(a);
	int fd;

	if (!is_private(s) && !limit_has_room(w->engine->limit)) {
		if (!evict)
			return false;
		if (!listen_make_room(w)) {
			no_room(w);
			return false;
		}
	}
	fd = accept4(s->fd, (struct sockaddr *)&a, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		take_in(w, s, fd, &a);
		return true;
	}
	/* Gone before it was taken: the next may be there. */
	if (errno == ECONNABORTED || errno == EINTR)
		return true;
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
		out_of_descriptors(w, s);
	return false;
}

static void
on_acceptable(void *arg)
{
	struct socket *s = arg;

	/* Batches keep a burst of new connections from starving those that are served. */
	for (int i = 0; i < ACCEPT_BATCH; i++)
		if (!accept_one(s->worker, s, i == 0))
			return;
}

void
listen_close(struct socket *s, bool drain)
{
	struct worker *w = s->worker;

	while (drain && accept_one(w, s, false))
		;
	loop_watch_free(s->watch);
	(void)close(s->fd);
	free((char *)(uintptr_t)s->settings.name);
	free(s);
}

void
listen_close_all(struct socket *s)
{
	while (s != NULL) {
		struct socket *next = s->next;

		listen_close(s, false);
		s = next;
	}
}

static bool
same_listener(const struct listener_settings *a, const struct listener_settings *b)
{
	return a->kind == b->kind && a->endpoint.any_family == b->endpoint.any_family &&
	       a->endpoint.port == b->endpoint.port &&
	       net_address_eq(&a->endpoint.address, &b->endpoint.address) &&
	       /* Ports that the system chooses differ. */
	       (a->endpoint.port != 0 || strcmp(a->name, b->name) == 0);
}

const struct listener_settings *
listen_find(const struct config *config, const struct listener_settings *like)
{
	for (size_t i = 0; i < config->settings.n_listeners; i++)
		if (same_listener(&config->listeners[i], like))
			return &config->listeners[i];
	return NULL;
}
