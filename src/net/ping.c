/* ping.c - ping.h by sockets that do not block. */
#include "net/ping.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/encode.h"

enum { CHUNK_BYTES = 4096 }; /* of a reply; a datagram that is longer is none */

/* ---- the two ways ---- */

static void
hang_up(struct pings *p, int *fd)
{
	if (*fd < 0)
		return;
	poller_watch(p->poller, POLLER_LDAP, *fd, 0);
	(void)close(*fd);
	*fd = -1;
}

static void
lose(struct pings *p, struct pinged *one, enum ping_loss loss, uint64_t now_ms)
{
	hang_up(p, &one->udp);
	hang_up(p, &one->tcp);
	one->loss = loss;
	one->resend_ms = one->tcp_ms = UINT64_MAX;
	p->next_ms = now_ms;
}

/* The other way has its turn at once, if it has any left. */
static void
close_udp(struct pings *p, struct pinged *one, enum ping_loss loss, uint64_t now_ms)
{
	hang_up(p, &one->udp);
	one->resend_ms = UINT64_MAX;
	if (one->tcp_over)
		lose(p, one, loss, now_ms);
	else if (one->tcp < 0)
		one->tcp_ms = now_ms;
}

static void
close_tcp(struct pings *p, struct pinged *one, enum ping_loss loss, uint64_t now_ms)
{
	hang_up(p, &one->tcp);
	one->tcp_over = true;
	one->tcp_ms = UINT64_MAX;
	if (one->udp < 0)
		lose(p, one, loss, now_ms);
}

/* Connected, so that only this peer is heard. -1: no way leads there. */
static int
open_socket(const struct pinged *one, int type)
{
	int fd = socket(one->to.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, &one->to.any, race_address_bytes(&one->to)) == 0 ||
	    errno == EINPROGRESS)
		return fd;
	(void)close(fd);
	return -1;
}

/* ---- asking ---- */

static bool
ask(const struct pings *p, const struct pinged *one, int fd)
{
	struct buf question CLEANUP(buf_cleanup) = { .max = NETLOGON_REQUEST_BYTES };

	return netlogon_ask(&question, one->id, p->domain, NULL) == USHER_OK &&
	       send(fd, question.p, question.n, MSG_NOSIGNAL) == (ssize_t)question.n;
}

static void
send_udp(struct pings *p, struct pinged *one, uint64_t now_ms)
{
	one->sends++;
	one->resend_ms = one->sends < PING_SENDS ? now_ms + PING_RESEND_MS : UINT64_MAX;
	if (one->udp < 0 || !ask(p, one, one->udp))
		close_udp(p, one, PING_REFUSED, now_ms);
}

static void
begin(struct pings *p, struct pinged *one, uint64_t now_ms)
{
	one->begun = true;
	one->began_ms = now_ms;
	one->tcp_ms = now_ms + PING_TCP_MS;
	p->next_ms = now_ms + PING_STAGGER_MS;
	one->udp = open_socket(one, SOCK_DGRAM);
	if (one->udp >= 0)
		poller_watch(p->poller, POLLER_LDAP, one->udp, POLLIN);
	send_udp(p, one, now_ms);
}

static void
begin_tcp(struct pings *p, struct pinged *one, uint64_t now_ms)
{
	one->tcp_ms = UINT64_MAX;
	one->tcp = open_socket(one, SOCK_STREAM);
	if (one->tcp < 0)
		close_tcp(p, one, PING_REFUSED, now_ms);
	else
		poller_watch(p->poller, POLLER_LDAP, one->tcp, POLLOUT);
}

/* ---- answers ---- */

/* True: it ends all other questions. A controller that is paused, or tells no names, is kept for
 * the case that there is no better one. */
static bool
take_answer(
    struct pings *p, struct pinged *one, const struct dc_answer *a, bool over_tcp, uint64_t now_ms)
{
	bool good = a->named && !a->paused;

	if (good || !p->answered) {
		p->answered = true;
		p->winner = (size_t)(one - p->of);
		p->over_tcp = over_tcp;
		p->took_ms = now_ms - one->began_ms;
		p->answer = *a;
	}
	one->answered = true;
	hang_up(p, over_tcp ? &one->udp : &one->tcp);
	one->resend_ms = one->tcp_ms = UINT64_MAX;
	p->next_ms = now_ms;
	return good;
}

static bool
read_reply(struct pings *p, struct pinged *one, struct slice reply, bool over_tcp, uint64_t now_ms)
{
	struct dc_answer a;
	usher_status st = netlogon_read_reply(p->mem, reply, one->id, &a, NULL);

	if (st == USHER_OK && (a.domain == NULL || slice_is_nocase(slice_of(a.domain), p->domain)))
		return take_answer(p, one, &a, over_tcp, now_ms);
	if (st == USHER_OK || st == USHER_E_ABSENT)
		lose(p, one, PING_FOREIGN, now_ms);
	else if (over_tcp)
		close_tcp(p, one, PING_DAMAGED, now_ms);
	else if (st != USHER_E_CONFLICT) /* of which anybody can send one */
		close_udp(p, one, PING_DAMAGED, now_ms);
	return false;
}

static bool
read_udp(struct pings *p, struct pinged *one, uint64_t now_ms)
{
	char datagram[CHUNK_BYTES];

	while (one->udp >= 0) {
		ssize_t n = recv(one->udp, datagram, sizeof(datagram), 0);

		if (n < 0 && errno != EAGAIN)
			close_udp(p, one, PING_REFUSED, now_ms);
		if (n < 0)
			return false;
		if (read_reply(p, one, slice_from(datagram, (size_t)n), false, now_ms))
			return true;
	}
	return false;
}

/* The question goes out when the connection stands. */
static void
connect_tcp(struct pings *p, struct pinged *one, uint64_t now_ms)
{
	struct pollfd ready = { .fd = one->tcp, .events = POLLOUT };
	int error = 0;
	socklen_t n = sizeof(error);

	if (one->connected || poll(&ready, 1, 0) != 1)
		return;
	if (getsockopt(one->tcp, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || error != 0 ||
	    !ask(p, one, one->tcp)) {
		close_tcp(p, one, PING_REFUSED, now_ms);
		return;
	}
	one->connected = true;
	poller_watch(p->poller, POLLER_LDAP, one->tcp, POLLIN);
}

static bool
read_tcp(struct pings *p, struct pinged *one, uint64_t now_ms)
{
	char chunk[CHUNK_BYTES];

	connect_tcp(p, one, now_ms);
	while (one->tcp >= 0 && one->connected) {
		ssize_t n = recv(one->tcp, chunk, sizeof(chunk), 0);

		if (n < 0 && errno == EAGAIN)
			return false;
		if (n > 0)
			buf_append(&one->in, chunk, (size_t)n);
		if (n <= 0 || one->in.status != USHER_OK)
			close_tcp(p, one, PING_DAMAGED, now_ms);
		else if (netlogon_is_whole(buf_as_slice(&one->in)))
			return read_reply(p, one, buf_as_slice(&one->in), true, now_ms);
	}
	return false;
}

/* ---- all of them ---- */

void
pings_begin(struct pings *p, struct poller *poller, struct arena *mem, const char *domain,
    uint64_t now_ms, uint64_t over_ms)
{
	*p = (struct pings){ .poller = poller,
		.mem = mem,
		.domain = domain,
		.next_ms = now_ms,
		.over_ms = over_ms };
}

void
pings_add(struct pings *p, size_t host, const char *address, uint16_t port)
{
	struct pinged *one = &p->of[p->n];

	if (p->n == PING_ADDRESSES_MAX)
		return;
	*one = (struct pinged){ .host = host,
		.address = address,
		.udp = -1,
		.tcp = -1,
		.resend_ms = UINT64_MAX,
		.tcp_ms = UINT64_MAX,
		.in = { .max = NETLOGON_REPLY_BYTES } };
	/* An id that can be guessed is as good as none. */
	if (race_address_set(&one->to, address, port) && random_bytes(&one->id, sizeof(one->id))) {
		one->id &= INT32_MAX;
		p->n++;
	}
}

static struct pinged *
first_not_begun(struct pings *p)
{
	struct pinged *first = NULL;

	for (size_t i = 0; i < p->n; i++) {
		if (!p->of[i].begun && (first == NULL || p->of[i].host < first->host))
			first = &p->of[i];
	}
	return first;
}

static bool
is_open(const struct pinged *one)
{
	return !one->begun || (one->loss == PING_NOT_LOST && !one->answered);
}

static bool
work_on(struct pings *p, struct pinged *one, uint64_t now_ms)
{
	if (!one->begun || !is_open(one))
		return false;
	if (read_udp(p, one, now_ms) || read_tcp(p, one, now_ms))
		return true;
	if (one->resend_ms <= now_ms)
		send_udp(p, one, now_ms);
	if (one->tcp_ms <= now_ms)
		begin_tcp(p, one, now_ms);
	return false;
}

enum ping_state
pings_work(struct pings *p, uint64_t now_ms)
{
	struct pinged *next;
	bool open = false;

	for (size_t i = 0; i < p->n; i++) {
		if (work_on(p, &p->of[i], now_ms))
			return PING_ANSWERED;
	}
	while (p->next_ms <= now_ms && (next = first_not_begun(p)) != NULL)
		begin(p, next, now_ms);
	for (size_t i = 0; i < p->n; i++)
		open = open || is_open(&p->of[i]);
	if (open && now_ms < p->over_ms)
		return PING_ON;
	return p->answered ? PING_ANSWERED : PING_SILENT;
}

uint64_t
pings_wake_ms(const struct pings *p)
{
	uint64_t wake_ms = p->over_ms;

	for (size_t i = 0; i < p->n; i++) {
		const struct pinged *one = &p->of[i];
		uint64_t at_ms = one->begun ? UINT64_MAX : p->next_ms;

		at_ms = one->resend_ms < at_ms ? one->resend_ms : at_ms;
		at_ms = one->tcp_ms < at_ms ? one->tcp_ms : at_ms;
		wake_ms = at_ms < wake_ms ? at_ms : wake_ms;
	}
	return wake_ms;
}

int
pings_take(struct pings *p)
{
	int *tcp = &p->of[p->winner].tcp, fd = *tcp;

	if (!p->answered || !p->over_tcp || fd < 0)
		return -1;
	poller_watch(p->poller, POLLER_LDAP, fd, 0);
	*tcp = -1;
	return fd;
}

const char *
pings_word(const struct pings *p, size_t host)
{
	static const char *const words[] = {
		[PING_NOT_LOST] = " is silent",
		[PING_REFUSED] = " refuses",
		[PING_FOREIGN] = " does not serve the domain",
		[PING_DAMAGED] = " gives a damaged answer",
	};
	const char *word = NULL;

	for (size_t i = 0; i < p->n; i++) {
		const struct pinged *one = &p->of[i];

		if (one->host == host && one->answered)
			return NULL;
		if (one->host == host && one->begun)
			word = words[one->loss];
	}
	return word;
}

void
pings_end(struct pings *p)
{
	for (size_t i = 0; i < p->n; i++) {
		hang_up(p, &p->of[i].udp);
		hang_up(p, &p->of[i].tcp);
		buf_clear(&p->of[i].in);
	}
	p->n = 0;
}
