/* poller.c - poller.h by epoll, with a timer among the sockets. */
#include "net/poller.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/err.h"

enum { EVENTS_AT_ONCE = 32 };

struct user {
	poller_callback *callback;
	void *payload;
};

struct poller {
	int fd;
	int timer;
	int failed; /* errno of a socket that could not be watched */
	struct user users[POLLER_USERS];
};

static usher_status
status_of(int error, struct usher_error *err)
{
	if (error == ENOMEM)
		return err_nomem(err, NULL);
	return err_set(err, USHER_E_LIMIT, NULL, "sockets cannot be watched: %s", strerror(error));
}

/* The timer's own event carries a user that nobody is. */
static uint64_t
tag(unsigned user, int fd)
{
	return (uint64_t)user << 32 | (uint32_t)fd;
}

usher_status
poller_new(struct poller **out, struct usher_error *err)
{
	struct poller *p = calloc(1, sizeof(*p));
	struct epoll_event timer = { .events = EPOLLIN };

	if (p == NULL)
		return err_nomem(err, NULL);
	p->fd = epoll_create1(EPOLL_CLOEXEC);
	p->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	timer.data.u64 = tag(POLLER_USERS, p->timer);
	if (p->fd < 0 || p->timer < 0 || epoll_ctl(p->fd, EPOLL_CTL_ADD, p->timer, &timer) != 0) {
		usher_status st = status_of(errno, err);

		poller_free(p);
		return st;
	}
	*out = p;
	return USHER_OK;
}

void
poller_free(struct poller *p)
{
	if (p == NULL)
		return;
	if (p->timer >= 0)
		(void)close(p->timer);
	if (p->fd >= 0)
		(void)close(p->fd);
	free(p);
}

int
poller_fd(const struct poller *p)
{
	return p->fd;
}

void
poller_join(struct poller *p, enum poller_user user, poller_callback *callback, void *payload)
{
	p->users[user] = (struct user){ callback, payload };
}

void
poller_watch(struct poller *p, enum poller_user user, int fd, short events)
{
	struct epoll_event e = { .data.u64 = tag(user, fd) };

	if (events == 0) {
		(void)epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, &e);
		return;
	}
	e.events |= (events & POLLIN) != 0 ? (uint32_t)EPOLLIN : 0;
	e.events |= (events & POLLOUT) != 0 ? (uint32_t)EPOLLOUT : 0;
	if (epoll_ctl(p->fd, EPOLL_CTL_MOD, fd, &e) != 0 &&
	    epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &e) != 0)
		p->failed = errno;
}

void
poller_wake_at(struct poller *p, uint64_t at_ms)
{
	struct itimerspec when = { .it_value = { 0 } };

	/* A zero disarms; the first nanosecond has long passed. */
	if (at_ms != UINT64_MAX) {
		when.it_value.tv_sec = (time_t)(at_ms / 1000);
		when.it_value.tv_nsec = (long)(at_ms % 1000 * 1000000) + 1;
	}
	(void)timerfd_settime(p->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void
call_back(const struct poller *p, const struct epoll_event *e)
{
	unsigned user = (unsigned)(e->data.u64 >> 32);
	short events = 0;

	if (user >= POLLER_USERS || p->users[user].callback == NULL)
		return;
	if ((e->events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
		events |= POLLIN;
	if ((e->events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0)
		events |= POLLOUT;
	p->users[user].callback(p->users[user].payload, (int)(uint32_t)e->data.u64, events);
}

usher_status
poller_dispatch(struct poller *p, struct usher_error *err)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int n = epoll_wait(p->fd, events, EVENTS_AT_ONCE, 0);

	for (int i = 0; i < n; i++)
		call_back(p, &events[i]);
	return p->failed == 0 ? USHER_OK : status_of(p->failed, err);
}
