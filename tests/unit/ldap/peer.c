/* peer.c - the least of LDAP that a scripted server needs (RFC 4511, 4). */
#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/slice.h"
#include "base/when.h"

enum {
	CONNECTIONS = 64,
	REQUEST_BYTES = 64 * 1024,
	LATE_MS = 300,
	LATE_MAX = 16,
	MUCH = 1000,
	BIG_BYTES = 10 * 1024 * 1024
};

enum {
	OP_BIND = 0x60,
	OP_BOUND = 0x61,
	OP_UNBIND = 0x42,
	OP_SEARCH = 0x63,
	OP_ENTRY = 0x64,
	OP_DONE = 0x65,
	OP_REFERENCE = 0x73,
	OP_EXTENDED = 0x78
};

struct late {
	uint64_t at_ms;
	int id;
};

struct connection {
	int fd; /* -1: free */
	bool deaf;
	unsigned char in[REQUEST_BYTES];
	size_t n;
	struct late late[LATE_MAX];
	size_t n_late;
};

/* ---- writing ---- */

static void
put(struct buf *b, int tag, const struct buf *content)
{
	buf_char(b, (char)tag);
	buf_char(b, (char)0x84);
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_char(b, (char)(content->n >> shift));
	buf_append(b, content->p, content->n);
}

static void
put_text(struct buf *b, int tag, const char *text, size_t n)
{
	struct buf content CLEANUP(buf_clear) = { 0 };

	buf_init(&content, 2 * BIG_BYTES);
	buf_append(&content, text, n);
	put(b, tag, &content);
}

static void
put_number(struct buf *b, int tag, int number)
{
	char bytes[] = { (char)(number >> 24), (char)(number >> 16), (char)(number >> 8),
		(char)number };

	put_text(b, tag, bytes, sizeof(bytes));
}

static void
put_message(struct buf *b, int id, int op, const struct buf *content)
{
	struct buf message CLEANUP(buf_clear) = { 0 };

	buf_init(&message, 2 * BIG_BYTES);
	put_number(&message, 0x02, id);
	put(&message, op, content);
	put(b, 0x30, &message);
}

static void
put_result(struct buf *b, int id, int op, int code)
{
	struct buf content CLEANUP(buf_clear) = { 0 };

	buf_init(&content, REQUEST_BYTES);
	put_number(&content, 0x0a, code);
	put_text(&content, 0x04, "", 0);
	put_text(&content, 0x04, code == 0 ? "" : "as told", code == 0 ? 0 : 7);
	put_message(b, id, op, &content);
}

static void
put_entry(struct buf *b, int id, const char *cn, size_t n)
{
	struct buf content CLEANUP(buf_clear) = { 0 }, values CLEANUP(buf_clear) = { 0 },
			   attribute CLEANUP(buf_clear) = { 0 },
			   attributes CLEANUP(buf_clear) = { 0 };

	buf_init(&content, 2 * BIG_BYTES);
	buf_init(&values, 2 * BIG_BYTES);
	buf_init(&attribute, 2 * BIG_BYTES);
	buf_init(&attributes, 2 * BIG_BYTES);
	put_text(&values, 0x04, cn, n);
	put_text(&attribute, 0x04, "cn", 2);
	put(&attribute, 0x31, &values);
	put(&attributes, 0x30, &attribute);
	put_text(&content, 0x04, "cn=entry", 8);
	put(&content, 0x30, &attributes);
	put_message(b, id, OP_ENTRY, &content);
}

static void
put_reference(struct buf *b, int id)
{
	static const char uri[] = "ldap://127.0.0.1:1/dc=elsewhere";
	struct buf content CLEANUP(buf_clear) = { 0 };

	buf_init(&content, REQUEST_BYTES);
	put_text(&content, 0x04, uri, strlen(uri));
	put_message(b, id, OP_REFERENCE, &content);
}

/* RFC 4511, 4.4.1. */
static void
put_notice(struct buf *b)
{
	static const char oid[] = "1.3.6.1.4.1.1466.20036";
	struct buf content CLEANUP(buf_clear) = { 0 };

	buf_init(&content, REQUEST_BYTES);
	put_number(&content, 0x0a, 52);
	put_text(&content, 0x04, "", 0);
	put_text(&content, 0x04, "", 0);
	put_text(&content, 0x8a, oid, strlen(oid));
	put_message(b, 0, OP_EXTENDED, &content);
}

/* ---- doing as told ---- */

static const struct {
	const char *word;
	int code;
} results[] = { { "size", 4 }, { "time", 3 }, { "busy", 51 }, { "gone", 52 }, { "refer", 10 } };

static bool
says(struct slice text, const char *word)
{
	for (; text.n > 0; text = slice_skip(text, slice_find(text, ' ') + 1))
		if (slice_is(slice_from(text.p, slice_find(text, ' ')), word))
			return true;
	return false;
}

/* Blocks: what is written here is small, or asked for by a test that reads it. */
static bool
send_all(struct connection *c, const struct buf *b)
{
	size_t sent = 0;

	while (sent < b->n) {
		ssize_t n = send(c->fd, b->p + sent, b->n - sent, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		sent += (size_t)n;
	}
	return true;
}

static void
hang_up(struct connection *c)
{
	(void)close(c->fd);
	c->fd = -1;
}

/* What would be the answer, as far as it is one. */
static void
answer_search(struct connection *c, int id, struct slice text, struct buf *out)
{
	size_t entries = says(text, "nothing") ? 0 :
			 says(text, "twice")   ? 2 :
			 says(text, "much")    ? MUCH :
						 1;
	char *big = NULL;
	int code = 0;

	for (size_t i = 0; i < COUNT_OF(results); i++) {
		if (says(text, results[i].word)) {
			code = results[i].code;
			entries = 0;
		}
	}
	if (says(text, "big")) {
		big = calloc(1, BIG_BYTES);
		put_entry(out, id, big, BIG_BYTES);
		free(big);
		entries = 0;
	}
	while (entries-- > 0)
		put_entry(out, id, text.p, text.n);
	if (says(text, "reference"))
		put_reference(out, id);
	if (says(text, "half") || says(text, "halfclose")) {
		out->n /= 2;
		c->deaf = true;
		return;
	}
	put_result(out, says(text, "odd") ? id + 1000 : id, OP_DONE, code);
}

static void
search(struct connection *c, int id, struct slice text)
{
	static const char garbage[256] = "HTTP/1.1 400 Bad Request\r\n\r\n";
	static const char huge[] = "\x30\x84\x40\x00\x00\x00\x02\x01\x01";
	struct buf out CLEANUP(buf_clear) = { 0 };

	buf_init(&out, 4 * BIG_BYTES);
	if (says(text, "mute"))
		return;
	if (says(text, "hang")) {
		c->deaf = true;
		return;
	}
	if (says(text, "late") && c->n_late < LATE_MAX) {
		c->late[c->n_late++] = (struct late){ clock_mono_ms() + LATE_MS, id };
		return;
	}
	if (says(text, "garbage"))
		buf_append(&out, garbage, sizeof(garbage));
	else if (says(text, "huge"))
		buf_append(&out, huge, sizeof(huge) - 1);
	else if (says(text, "notice"))
		put_notice(&out);
	else if (!says(text, "close") && !says(text, "flood"))
		answer_search(c, id, text, &out);
	while (says(text, "flood") && send_all(c, &out))
		if (out.n == 0)
			put_result(&out, 1000000, OP_DONE, 0);
	(void)send_all(c, &out);
	if (says(text, "close") || says(text, "halfclose") || says(text, "notice") ||
	    says(text, "flood"))
		hang_up(c);
}

static void
send_late(struct connection *c)
{
	struct buf out CLEANUP(buf_clear) = { 0 };
	size_t kept = 0;

	buf_init(&out, REQUEST_BYTES);
	for (size_t i = 0; i < c->n_late; i++) {
		if (c->late[i].at_ms > clock_mono_ms()) {
			c->late[kept++] = c->late[i];
			continue;
		}
		put_entry(&out, c->late[i].id, "late", 4);
		put_result(&out, c->late[i].id, OP_DONE, 0);
	}
	c->n_late = kept;
	(void)send_all(c, &out);
}

/* ---- reading ---- */

/* Tag and length of what is at `p`; the header's size, 0: not all of it is there. */
static size_t
read_header(const unsigned char *p, size_t n, size_t *length)
{
	size_t more;

	if (n < 2)
		return 0;
	*length = p[1];
	if (p[1] < 0x80)
		return 2;
	more = p[1] & 0x7f;
	if (n < 2 + more)
		return 0;
	*length = 0;
	for (size_t i = 0; i < more; i++)
		*length = *length << 8 | p[2 + i];
	return 2 + more;
}

/* What (cn=…) asks for: the octets behind the name. */
static struct slice
text_of(const unsigned char *p, size_t n)
{
	const unsigned char *at = memmem(p, n,
	    "\x04\x02"
	    "cn\x04",
	    5);

	return at == NULL ? slice_from("", 0) : slice_from(at + 6, at[5]);
}

static void
request(struct peer *peer, struct connection *c, const unsigned char *p, size_t n)
{
	struct buf out CLEANUP(buf_clear) = { 0 };
	size_t length = 0, header = read_header(p, n, &length);
	int id = 0;

	buf_init(&out, REQUEST_BYTES);
	for (size_t i = 0; i < length; i++)
		id = id << 8 | p[header + i];
	p += header + length;
	n -= header + length;
	switch (p[0]) {
	case OP_BIND:
		peer->logins++;
		put_result(&out, id, OP_BOUND, peer->refuse ? 49 : 0);
		(void)send_all(c, &out);
		break;
	case OP_SEARCH:
		peer->searches++;
		search(c, id, text_of(p, n));
		break;
	default:
		hang_up(c);
	}
}

static void
receive(struct peer *peer, struct connection *c)
{
	ssize_t got = recv(c->fd, c->in + c->n, sizeof(c->in) - c->n, MSG_DONTWAIT);
	size_t length, header;

	if (got <= 0) {
		hang_up(c);
		return;
	}
	c->n += (size_t)got;
	while (c->fd >= 0 && (header = read_header(c->in, c->n, &length)) > 0 &&
	       header + length <= c->n) {
		if (!c->deaf && !peer->silent)
			request(peer, c, c->in + header, length);
		c->n -= header + length;
		memmove(c->in, c->in + header + length, c->n);
	}
}

static void
greet(struct peer *peer, struct connection *v)
{
	int fd = accept4(peer->listener, NULL, NULL, SOCK_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < CONNECTIONS; i++) {
		if (v[i].fd < 0) {
			v[i].fd = fd;
			v[i].n = v[i].n_late = 0;
			v[i].deaf = false;
			return;
		}
	}
	(void)close(fd);
}

static void *
run(void *arg)
{
	struct peer *peer = arg;
	struct connection *v = calloc(CONNECTIONS, sizeof(*v));
	struct pollfd fds[CONNECTIONS + 2];

	for (size_t i = 0; i < CONNECTIONS; i++)
		v[i].fd = -1;
	for (;;) {
		fds[0] = (struct pollfd){ .fd = peer->stop[0], .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = peer->listener, .events = POLLIN };
		for (size_t i = 0; i < CONNECTIONS; i++)
			fds[i + 2] = (struct pollfd){ .fd = v[i].fd, .events = POLLIN };
		(void)poll(fds, CONNECTIONS + 2, 20);
		if (fds[0].revents != 0)
			break;
		for (size_t i = 0; i < CONNECTIONS; i++) {
			if (v[i].fd >= 0 && fds[i + 2].revents != 0)
				receive(peer, &v[i]);
			if (v[i].fd >= 0)
				send_late(&v[i]);
		}
		if (fds[1].revents != 0)
			greet(peer, v);
	}
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (v[i].fd >= 0)
			(void)close(v[i].fd);
	free(v);
	return NULL;
}

/* ---- */

unsigned short
peer_port(const struct peer *peer)
{
	struct sockaddr_in at;
	socklen_t n = sizeof(at);

	(void)getsockname(peer->listener, (struct sockaddr *)&at, &n);
	return ntohs(at.sin_port);
}

bool
peer_start(struct peer *peer, unsigned short port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;
	pthread_t thread;

	memset(peer, 0, sizeof(*peer));
	peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	(void)setsockopt(peer->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(peer->listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(peer->listener, CONNECTIONS) != 0 || pipe(peer->stop) != 0 ||
	    pthread_create(&thread, NULL, run, peer) != 0)
		return false;
	peer->thread = thread;
	(void)snprintf(
	    peer->uri, sizeof(peer->uri), "ldap://127.0.0.1:%u", (unsigned)peer_port(peer));
	return true;
}

void
peer_stop(struct peer *peer)
{
	(void)!write(peer->stop[1], "", 1);
	(void)pthread_join(peer->thread, NULL);
	(void)close(peer->stop[0]);
	(void)close(peer->stop[1]);
	(void)close(peer->listener);
}
