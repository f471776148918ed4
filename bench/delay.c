/* delay.c - a long line between two network namespaces, which takes as long as it is told.
 *
 *     delay NAMESPACE DEVICE MILLISECONDS [ADDRESS:PORT...]
 *
 * Makes the TUN device DEVICE in its own namespace, where the servers are, and another of that name
 * in NAMESPACE (a file such as /proc/PID/ns/net), where the clients are. Each packet leaves at the
 * other end MILLISECONDS later, but for TCP packets to the given IPv4 addresses and ports, which
 * are lost. Prints `ready`, then what the clients begin, a line each:
 *
 *     dns CLIENT SERVER          a look-up
 *     connection CLIENT SERVER   a SYN; the same line again when it is repeated
 *     handshake CLIENT SERVER    the first part of a ClientHello
 *
 * For kernels without a delay of their own (tc-netem). Ends with its standard input. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum {
	PACKET_BYTES = 1500,
	LINE_PACKETS = 8192, /* a power of two; more at once are lost, as on other lines */
	LOST_MAX = 16,
	IPV4_BYTES = 20,
	TCP_BYTES = 20,
	UDP_BYTES = 8,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PORT_DNS = 53,
	TLS_HANDSHAKE = 22,
	TLS_CLIENT_HELLO = 1,
	NANOSECONDS = 1000000000
};

struct end {
	uint8_t address[4];
	uint16_t port;
};

struct packet {
	int64_t due_ns;
	size_t n;
	uint8_t bytes[PACKET_BYTES];
};

/* One direction. */
struct line {
	int from, to;
	bool of_clients;
	uint64_t in, out; /* packets so far */
	struct packet *packets;
};

static int64_t delay_ns;
static struct end lost[LOST_MAX];
static size_t n_lost;

static int64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * NANOSECONDS + t.tv_nsec;
}

static unsigned
read16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static int
open_device(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		err(1, "cannot make the device %s", name);
	return fd;
}

static void
say(const char *what, const struct end *client, const struct end *server)
{
	const uint8_t *c = client->address, *s = server->address;

	(void)printf("%s %u.%u.%u.%u:%u %u.%u.%u.%u:%u\n", what, c[0], c[1], c[2], c[3],
	    client->port, s[0], s[1], s[2], s[3], server->port);
}

static bool
is_lost(const struct end *server)
{
	for (size_t i = 0; i < n_lost; i++)
		if (memcmp(lost[i].address, server->address, sizeof(server->address)) == 0 &&
		    lost[i].port == server->port)
			return true;
	return false;
}

/* Tells what a client's packet begins; false when it is lost. */
static bool
look(const uint8_t *p, size_t n)
{
	size_t ip = n == 0 ? 0 : (size_t)(p[0] & 0xf) * 4;
	struct end client, server;
	const uint8_t *inner = p + ip, *data;

	if (ip < IPV4_BYTES || p[0] >> 4 != 4 || n < ip + UDP_BYTES)
		return true;
	memcpy(client.address, p + 12, sizeof(client.address));
	memcpy(server.address, p + 16, sizeof(server.address));
	client.port = (uint16_t)read16(inner);
	server.port = (uint16_t)read16(inner + 2);
	if (p[9] == PROTOCOL_UDP && server.port == PORT_DNS)
		say("dns", &client, &server);
	if (p[9] != PROTOCOL_TCP || n < ip + TCP_BYTES)
		return true;
	if ((inner[13] & 0x12) == 0x02)
		say("connection", &client, &server);
	data = inner + (size_t)(inner[12] >> 4) * 4;
	if (data + 6 <= p + n && data[0] == TLS_HANDSHAKE && data[5] == TLS_CLIENT_HELLO)
		say("handshake", &client, &server);
	return !is_lost(&server);
}

static void
take(struct line *l)
{
	struct packet ignored;

	for (;;) {
		bool full = l->in - l->out == LINE_PACKETS;
		struct packet *p = full ? &ignored : &l->packets[l->in % LINE_PACKETS];
		ssize_t n = read(l->from, p->bytes, sizeof(p->bytes));

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			err(1, "cannot read from the line");
		p->n = (size_t)n;
		p->due_ns = now_ns() + delay_ns;
		if (!full && (!l->of_clients || look(p->bytes, p->n)))
			l->in++;
	}
}

/* When the next packet is due, or INT64_MAX. */
static int64_t
give(struct line *l)
{
	while (l->out < l->in) {
		const struct packet *p = &l->packets[l->out % LINE_PACKETS];

		if (p->due_ns > now_ns())
			return p->due_ns;
		/* What the other end cannot take is lost. */
		(void)!write(l->to, p->bytes, p->n);
		l->out++;
	}
	return INT64_MAX;
}

static void
run(struct line lines[2])
{
	struct pollfd polled[] = { { .fd = lines[0].from, .events = POLLIN },
		{ .fd = lines[1].from, .events = POLLIN }, { .fd = STDIN_FILENO } };

	while (polled[2].revents == 0) {
		int64_t there = give(&lines[0]), back = give(&lines[1]);
		int64_t left = (there < back ? there : back) - now_ns();
		struct timespec wait = { 0 };

		if (left > 0) {
			wait.tv_sec = left > 60LL * NANOSECONDS ? 60 : left / NANOSECONDS;
			wait.tv_nsec = left % NANOSECONDS;
		}
		if (ppoll(polled, 3, &wait, NULL) < 0 && errno != EINTR)
			err(1, "cannot wait");
		take(&lines[0]);
		take(&lines[1]);
	}
}

static void
read_lost(const char *text)
{
	char address[INET_ADDRSTRLEN];
	const char *colon = strchr(text, ':');
	struct end *e = &lost[n_lost];
	size_t n = colon == NULL ? sizeof(address) : (size_t)(colon - text);

	if (n_lost == LOST_MAX)
		errx(64, "more than %d ADDRESS:PORT", LOST_MAX);
	if (n < sizeof(address)) {
		memcpy(address, text, n);
		address[n] = '\0';
	}
	if (n >= sizeof(address) || inet_pton(AF_INET, address, e->address) != 1)
		errx(64, "%s: not ADDRESS:PORT", text);
	e->port = (uint16_t)strtoul(colon + 1, NULL, 10);
	n_lost++;
}

int
main(int argc, char **argv)
{
	struct line lines[2] = { 0 };
	int servers, clients, namespace;

	if (argc < 4)
		errx(64, "usage: delay NAMESPACE DEVICE MILLISECONDS [ADDRESS:PORT...]");
	delay_ns = (int64_t)strtoul(argv[3], NULL, 10) * 1000000;
	for (int i = 4; i < argc; i++)
		read_lost(argv[i]);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);

	servers = open_device(argv[2]);
	namespace = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0)
		err(1, "%s", argv[1]);
	clients = open_device(argv[2]);

	lines[0] = (struct line){ .from = clients, .to = servers, .of_clients = true };
	lines[1] = (struct line){ .from = servers, .to = clients };
	for (int i = 0; i < 2; i++) {
		lines[i].packets = calloc(LINE_PACKETS, sizeof(*lines[i].packets));
		if (lines[i].packets == NULL)
			err(1, "no memory");
	}
	(void)puts("ready");
	run(lines);
	return 0;
}
