/* race.c - race.h by sockets that do not block. */
#include "net/race.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- lining up ---- */

static bool
is_v6(const char *address)
{
	return strchr(address, ':') != NULL;
}

bool
race_address_set(union race_address *out, const char *address, uint16_t port)
{
	if (is_v6(address)) {
		out->v6 =
		    (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
		return inet_pton(AF_INET6, address, &out->v6.sin6_addr) == 1;
	}
	out->v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
	return inet_pton(AF_INET, address, &out->v4.sin_addr) == 1;
}

socklen_t
race_address_bytes(const union race_address *a)
{
	return a->any.sa_family == AF_INET6 ? sizeof(a->v6) : sizeof(a->v4);
}

static void
add(struct race *r, const char *address, uint16_t port)
{
	struct racer *one = &r->of[r->n];

	*one = (struct racer){ .fd = -1 };
	r->n += race_address_set(&one->to, address, port);
}

bool
race_prepare(struct race *r, struct poller *poller, const struct text_list *addresses,
    uint16_t port, uint64_t now_ms, uint64_t over_ms)
{
	size_t at[2] = { 0, 0 }; /* of each family */
	bool v6 = addresses->n > 0 && is_v6(addresses->v[0]);

	*r = (struct race){ .poller = poller, .next_ms = now_ms, .over_ms = over_ms };
	while (r->n < RACE_ADDRESSES_MAX && (at[0] < addresses->n || at[1] < addresses->n)) {
		while (at[v6] < addresses->n && is_v6(addresses->v[at[v6]]) != v6)
			at[v6]++;
		if (at[v6] < addresses->n)
			add(r, addresses->v[at[v6]++], port);
		v6 = !v6;
	}
	r->winner = r->n;
	return r->n > 1;
}

/* ---- running ---- */

static void
drop(struct race *r, struct racer *one)
{
	if (one->fd < 0)
		return;
	poller_watch(r->poller, POLLER_RACE, one->fd, 0);
	(void)close(one->fd);
	one->fd = -1;
}

static void
lose(struct race *r, struct racer *one, int error, uint64_t now_ms)
{
	drop(r, one);
	/* A refusal comes from the host, all else may come from the way to it. */
	if (r->error != ECONNREFUSED)
		r->error = error;
	r->next_ms = now_ms;
}

static void
win(struct race *r, struct racer *one)
{
	r->winner = (size_t)(one - r->of);
	r->error = 0;
	poller_watch(r->poller, POLLER_RACE, one->fd, 0);
	for (size_t i = 0; i < r->begun; i++) {
		if (i != r->winner)
			drop(r, &r->of[i]);
	}
}

static void
begin(struct race *r, uint64_t now_ms)
{
	struct racer *one = &r->of[r->begun++];
	int family = one->to.any.sa_family;

	one->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (one->fd < 0) {
		lose(r, one, errno, now_ms);
		return;
	}
	if (connect(one->fd, &one->to.any, race_address_bytes(&one->to)) == 0) {
		win(r, one);
	} else if (errno != EINPROGRESS) {
		lose(r, one, errno, now_ms);
	} else {
		poller_watch(r->poller, POLLER_RACE, one->fd, POLLOUT);
		r->next_ms = now_ms + RACE_STAGGER_MS;
	}
}

/* Sees what has become of an attempt under way. */
static void
settle(struct race *r, struct racer *one, uint64_t now_ms)
{
	struct pollfd ready = { .fd = one->fd, .events = POLLOUT };
	int error = 0;
	socklen_t n = sizeof(error);

	if (one->fd < 0 || poll(&ready, 1, 0) != 1)
		return;
	if (getsockopt(one->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		error = errno;
	if (error == 0)
		win(r, one);
	else
		lose(r, one, error, now_ms);
}

static bool
has_runner(const struct race *r)
{
	for (size_t i = 0; i < r->begun; i++) {
		if (r->of[i].fd >= 0)
			return true;
	}
	return false;
}

enum race_state
race_work(struct race *r, uint64_t now_ms)
{
	for (size_t i = 0; i < r->begun && r->winner == r->n; i++)
		settle(r, &r->of[i], now_ms);
	while (r->begun < r->n && r->winner == r->n && r->next_ms <= now_ms)
		begin(r, now_ms);
	if (r->winner < r->n)
		return RACE_WON;
	if (r->over_ms <= now_ms)
		return RACE_TIMED_OUT;
	return r->begun < r->n || has_runner(r) ? RACE_ON : RACE_LOST;
}

uint64_t
race_wake_ms(const struct race *r)
{
	return r->begun < r->n && r->next_ms < r->over_ms ? r->next_ms : r->over_ms;
}

/* ---- the end ---- */

void
race_winner(const struct race *r, char out[INET6_ADDRSTRLEN])
{
	const union race_address *to = &r->of[r->winner].to;
	const void *from = to->any.sa_family == AF_INET6 ? (const void *)&to->v6.sin6_addr :
							   (const void *)&to->v4.sin_addr;

	(void)inet_ntop(to->any.sa_family, from, out, INET6_ADDRSTRLEN);
}

int
race_take(struct race *r)
{
	int fd = -1;

	if (r->winner < r->n) {
		fd = r->of[r->winner].fd;
		r->of[r->winner].fd = -1;
	}
	return fd;
}

void
race_end(struct race *r)
{
	for (size_t i = 0; i < r->begun; i++)
		drop(r, &r->of[i]);
}
