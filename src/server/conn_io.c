/* conn_io.c - moving bytes of a connection, with TLS or without. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "server/conn.h"

static enum io_result
judge_errno(enum io_result again)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? again : IO_FAILED;
}

static enum io_result
plain_read(int fd, void *p, size_t n, size_t *got)
{
	ssize_t r = recv(fd, p, n, 0);

	if (r < 0)
		return judge_errno(IO_WANT_READ);
	*got = (size_t)r;
	return r == 0 ? IO_END : IO_DONE;
}

static enum io_result
plain_write(int fd, const void *p, size_t n, size_t *put)
{
	ssize_t r = send(fd, p, n, MSG_NOSIGNAL);

	if (r < 0)
		return judge_errno(IO_WANT_WRITE);
	*put = (size_t)r;
	return IO_DONE;
}

enum io_result
conn_read_first(struct conn *c, void *p, size_t n, size_t *got)
{
	enum io_result r = plain_read(c->fd, p, n, got);

	c->failed |= r == IO_FAILED || r == IO_END;
	return r;
}

enum io_result
conn_read(struct conn *c, void *p, size_t n, size_t *got)
{
	enum io_result r =
	    c->tls != NULL ? tls_read(c->tls, p, n, got) : plain_read(c->fd, p, n, got);

	if (r == IO_DONE)
		count(c->worker, COUNT_BYTES_IN, *got);
	c->failed |= r == IO_FAILED;
	return r;
}

enum io_result
conn_write(struct conn *c, const void *p, size_t n, size_t *put)
{
	enum io_result r =
	    c->tls != NULL ? tls_write(c->tls, p, n, put) : plain_write(c->fd, p, n, put);

	if (r == IO_DONE)
		count(c->worker, COUNT_BYTES_OUT, *put);
	c->failed |= r == IO_FAILED;
	return r;
}

void
conn_hold(struct conn *c)
{
	int on = 1;

	/* Without it the answer only takes more packets. */
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}

enum step
conn_step(enum io_result got)
{
	switch (got) {
	case IO_DONE:
		return STEP_AGAIN;
	case IO_WANT_READ:
		return STEP_READ;
	case IO_WANT_WRITE:
		return STEP_WRITE;
	case IO_END:
	case IO_PLAIN_HTTP:
	case IO_FAILED:
		break;
	}
	return STEP_CLOSE;
}
