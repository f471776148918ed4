/* dns.c - c-ares behind dns.h. */
#include "net/dns.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/text.h"
#include "base/when.h"

enum {
	DNS_FIRST_WAIT_MS = 1500,
	DNS_TRIES = 3,
	SECOND_FAMILY_MS = 50 /* RFC 8305, 3: Resolution Delay */
};

/* Free when nothing is asked and it is not ready. c-ares cannot take back one question: a stopped
 * one is answered to our caller at once and keeps its place until c-ares has done with it. */
struct query {
	size_t asked; /* questions that c-ares still holds: IPv6 and IPv4 are two */
	bool ready;   /* for dns_take() */
	bool told;    /* was ready: what comes now is too late */
	bool stopped;
	uint64_t wait_ms; /* one of the two has addresses, the other has until then; 0: none has */
	uint32_t id;
	enum dns_failure failure;
	const char *detail;
	char addresses[DNS_ADDRESSES_MAX][INET6_ADDRSTRLEN];
	size_t n;
	bool alias;
	bool srv;
	struct ares_srv_reply *records;
};

struct dns {
	ares_channel channel;
	struct poller *poller;
	struct query queries[DNS_QUERIES_MAX];
};

/* ---- beginning and end ---- */

static usher_status
status_of(int code, struct usher_error *err)
{
	if (code == ARES_ENOMEM)
		return err_nomem(err, "DNS");
	return err_set(
	    err, USHER_E_NETWORK, "DNS", "no resolver can be set up: %s", ares_strerror(code));
}

static bool
is_address(const char *text)
{
	unsigned char out[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, out) == 1 || inet_pton(AF_INET6, text, out) == 1;
}

/* ADDR, ADDR:PORT, [ADDR6]:PORT or a bare ADDR6. */
static bool
is_server(const char *text)
{
	struct slice s = slice_of(text);
	char host[INET6_ADDRSTRLEN];
	struct cursor c = cursor_on(s);
	struct slice h;

	if (is_address(text))
		return true;
	h = cursor_maybe(&c, '[') ? cursor_until(&c, ']', s.n) : cursor_until(&c, ':', s.n);
	if (s.n > 0 && s.p[0] == '[' && !cursor_at_end(&c))
		(void)cursor_char(&c, ':');
	if (!cursor_at_end(&c))
		(void)cursor_number(&c, 1, UINT16_MAX);
	if (c.failed || !cursor_at_end(&c) || h.n >= sizeof(host))
		return false;
	memcpy(host, h.p, h.n);
	host[h.n] = '\0';
	return is_address(host);
}

static void
on_socket(void *payload, ares_socket_t fd, int readable, int writable)
{
	const struct dns *dns = payload;

	poller_watch(dns->poller, POLLER_DNS, fd,
	    (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0)));
}

/* c-ares takes all socket functions or none, and its own way to send raises SIGPIPE. */
static ares_socket_t
open_socket(int domain, int type, int protocol, void *payload UNUSED)
{
	return socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
}

static int
close_socket(ares_socket_t fd, void *payload UNUSED)
{
	return close(fd);
}

static int
connect_socket(ares_socket_t fd, const struct sockaddr *to, ares_socklen_t n, void *payload UNUSED)
{
	return connect(fd, to, n);
}

static ares_ssize_t
receive(ares_socket_t fd, void *out, size_t n, int flags, struct sockaddr *from,
    ares_socklen_t *from_n, void *payload UNUSED)
{
	return recvfrom(fd, out, n, flags, from, from_n);
}

/* What is left over is sent later. */
static ares_ssize_t
send_quietly(ares_socket_t fd, const struct iovec *parts, int n UNUSED, void *payload UNUSED)
{
	return send(fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
}

static void
on_ready(void *payload, int fd, short events)
{
	const struct dns *dns = payload;

	ares_process_fd(dns->channel, (events & POLLIN) != 0 ? fd : ARES_SOCKET_BAD,
	    (events & POLLOUT) != 0 ? fd : ARES_SOCKET_BAD);
}

usher_status
dns_new(const char *server, struct poller *poller, struct dns **out, struct usher_error *err)
{
	/* No search list: a name is asked for as it is, or a label of somebody else's would be
	 * added to it. */
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
		.timeout = DNS_FIRST_WAIT_MS,
		.tries = DNS_TRIES,
		.ndomains = 0,
		.lookups = (char[]){ "b" },
		.sock_state_cb = on_socket,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_DOMAINS |
		   ARES_OPT_SOCK_STATE_CB;
	static const struct ares_socket_functions functions = { open_socket, close_socket,
		connect_socket, receive, send_quietly };
	struct dns *dns;
	int code;

	if (server != NULL && !is_server(server))
		return err_set(err, USHER_E_USAGE, "dns",
		    "`%s` is no IP address with or without a port", server);
	dns = calloc(1, sizeof(*dns));
	if (dns == NULL)
		return err_nomem(err, "DNS");
	dns->poller = poller;
	options.sock_state_cb_data = dns;
	if (server != NULL)
		mask |= ARES_OPT_LOOKUPS;
	code = ares_init_options(&dns->channel, &options, mask);
	if (code != ARES_SUCCESS) {
		free(dns);
		return status_of(code, err);
	}
	ares_set_socket_functions(dns->channel, &functions, NULL);
	if (server != NULL)
		code = ares_set_servers_ports_csv(dns->channel, server);
	if (code != ARES_SUCCESS) {
		dns_free(dns);
		return status_of(code, err);
	}
	poller_join(poller, POLLER_DNS, on_ready, dns);
	*out = dns;
	return USHER_OK;
}

void
dns_free(struct dns *dns)
{
	if (dns == NULL)
		return;
	ares_destroy(dns->channel);
	for (size_t i = 0; i < DNS_QUERIES_MAX; i++)
		ares_free_data(dns->queries[i].records);
	free(dns);
}

/* `HOST.DOMAIN` */
static const char *
domain_part(struct arena *mem, const char *name)
{
	const char *dot = strchr(name, '.');

	return dot == NULL || dot[1] == '\0' ? NULL : arena_strdup(mem, dot + 1);
}

const char *
dns_own_domain(struct dns *dns, struct arena *mem)
{
	char name[HOST_NAME_MAX + 1] = "";
	struct hostent *entry = NULL;
	const char *domain;

	if (gethostname(name, sizeof(name) - 1) != 0)
		return NULL;
	domain = domain_part(mem, name);
	if (domain != NULL ||
	    ares_gethostbyname_file(dns->channel, name, AF_INET, &entry) != ARES_SUCCESS)
		return domain;
	domain = domain_part(mem, entry->h_name);
	ares_free_hostent(entry);
	return domain;
}

/* ---- lookups ---- */

static void
add_address(struct query *q, const struct ares_addrinfo_node *node)
{
	const void *from;

	if (q->n == DNS_ADDRESSES_MAX)
		return;
	if (node->ai_family == AF_INET)
		from = &((const struct sockaddr_in *)(const void *)node->ai_addr)->sin_addr;
	else if (node->ai_family == AF_INET6)
		from = &((const struct sockaddr_in6 *)(const void *)node->ai_addr)->sin6_addr;
	else
		return;
	if (inet_ntop(node->ai_family, from, q->addresses[q->n], INET6_ADDRSTRLEN) != NULL)
		q->n++;
}

static enum dns_failure
failure_of(int code, const struct query *q)
{
	switch (code) {
	case ARES_SUCCESS:
		return q->n > 0 || q->records != NULL ? DNS_FOUND : DNS_NO_ADDRESS;
	case ARES_ENOTFOUND:
		return DNS_NO_NAME;
	case ARES_ENODATA:
		return DNS_NO_ADDRESS;
	default:
		return DNS_TROUBLE;
	}
}

static void
make_ready(struct query *q)
{
	q->ready = true;
	q->told = true;
	q->wait_ms = 0;
}

/* Of two families that failed, the worse news counts: trouble may hide an address. */
static void
note_failure(struct query *q, int code)
{
	enum dns_failure failure = failure_of(code, q);

	if (q->failure != DNS_TROUBLE) {
		q->failure = failure;
		/* For c-ares, servers that answer with an error are servers it cannot reach. */
		q->detail = code == ARES_ECONNREFUSED ?
				"no DNS server answers, or only with an error" :
				ares_strerror(code);
	}
}

static void
conclude(struct query *q, int code)
{
	if (q->told)
		return;
	if (q->n > 0 || q->records != NULL) {
		q->failure = DNS_FOUND;
		q->detail = NULL;
	} else {
		note_failure(q, code);
	}
	if (q->asked == 0)
		make_ready(q);
	else if (q->n > 0)
		q->wait_ms = clock_mono_ms() + SECOND_FAMILY_MS;
}

static void
on_answer(void *payload, int code, int timeouts UNUSED, struct ares_addrinfo *found)
{
	struct query *q = payload;

	q->asked--;
	if (found != NULL) {
		for (struct ares_addrinfo_node *node = found->nodes; node != NULL && !q->told;
		     node = node->ai_next)
			add_address(q, node);
		q->alias = q->alias || found->cnames != NULL;
		ares_freeaddrinfo(found);
	}
	conclude(q, code);
}

static void
on_records(void *payload, int code, int timeouts UNUSED, unsigned char *reply, int length)
{
	struct query *q = payload;

	q->asked--;
	if (code == ARES_SUCCESS && !q->told)
		code = ares_parse_srv_reply(reply, length, &q->records);
	conclude(q, code);
}

static struct query *
free_query(struct dns *dns)
{
	for (size_t i = 0; i < DNS_QUERIES_MAX; i++) {
		if (dns->queries[i].asked == 0 && !dns->queries[i].ready)
			return &dns->queries[i];
	}
	return NULL;
}

usher_status
dns_start(struct dns *dns, uint32_t id, const char *host, struct usher_error *err)
{
	static const int families[] = { AF_INET6, AF_INET };
	struct ares_addrinfo_hints hints = { .ai_socktype = SOCK_STREAM };
	struct query *q = free_query(dns);

	if (q == NULL)
		return err_set(err, USHER_E_LIMIT, host, "too many lookups at once");
	*q = (struct query){ .id = id };
	if (is_address(host) && strlen(host) < INET6_ADDRSTRLEN) {
		memcpy(q->addresses[q->n++], host, strlen(host) + 1);
		make_ready(q);
		return USHER_OK;
	}
	q->asked = COUNT_OF(families);
	for (size_t i = 0; i < COUNT_OF(families); i++) {
		hints.ai_family = families[i];
		ares_getaddrinfo(dns->channel, host, NULL, &hints, on_answer, q);
	}
	return USHER_OK;
}

usher_status
dns_start_srv(struct dns *dns, uint32_t id, const char *name, struct usher_error *err)
{
	struct query *q = free_query(dns);

	if (q == NULL)
		return err_set(err, USHER_E_LIMIT, name, "too many lookups at once");
	*q = (struct query){ .id = id, .asked = 1, .srv = true };
	ares_query(dns->channel, name, ns_c_in, ns_t_srv, on_records, q);
	return USHER_OK;
}

void
dns_stop(struct dns *dns, uint32_t id)
{
	for (size_t i = 0; i < DNS_QUERIES_MAX; i++) {
		struct query *q = &dns->queries[i];

		if (q->asked == 0 || q->told || q->id != id)
			continue;
		make_ready(q);
		q->stopped = true;
		q->failure = DNS_STOPPED;
		q->detail = "no answer in time";
	}
}

static size_t
take_records(struct query *q, struct arena *mem, const struct srv_record **out)
{
	struct srv_record *v = arena_array(mem, DNS_RECORDS_MAX, sizeof(*v));
	size_t n = 0;

	for (const struct ares_srv_reply *r = q->records;
	     v != NULL && r != NULL && n < DNS_RECORDS_MAX; r = r->next) {
		v[n] = (struct srv_record){ r->priority, r->weight, r->port,
			arena_strdup(mem, r->host) };
		if (v[n].host == NULL)
			break;
		n++;
	}
	ares_free_data(q->records);
	q->records = NULL;
	*out = v;
	return n;
}

/* IPv6 first, whichever answer came first. Returns how many found room. */
static size_t
take_addresses(const struct query *q, struct arena *mem, const char ***out)
{
	const char **v = arena_array(mem, q->n, sizeof(*v));
	size_t n = 0;

	for (int family = 0; v != NULL && !q->stopped && family < 2; family++) {
		for (size_t i = 0; i < q->n; i++) {
			bool is_v6 = strchr(q->addresses[i], ':') != NULL;

			if (is_v6 != (family == 0))
				continue;
			v[n] = arena_strdup(mem, q->addresses[i]);
			if (v[n] == NULL)
				break;
			n++;
		}
	}
	*out = v;
	return n;
}

bool
dns_take(struct dns *dns, struct arena *mem, struct dns_answer *out)
{
	for (size_t i = 0; i < DNS_QUERIES_MAX; i++) {
		struct query *q = &dns->queries[i];
		const char **v;
		size_t n;

		if (!q->ready)
			continue;
		q->ready = false;
		n = take_addresses(q, mem, &v);
		*out = (struct dns_answer){
			.id = q->id,
			.failure = q->failure,
			.detail = q->detail,
			.addresses = { v, n },
			.alias = q->alias,
			.srv = q->srv,
		};
		if (q->srv)
			out->n_records = take_records(q, mem, &out->records);
		return true;
	}
	return false;
}

/* ---- time ---- */

void
dns_work(struct dns *dns)
{
	uint64_t now_ms = clock_mono_ms();

	ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	for (size_t i = 0; i < DNS_QUERIES_MAX; i++) {
		struct query *q = &dns->queries[i];

		if (q->wait_ms != 0 && q->wait_ms <= now_ms)
			make_ready(q);
	}
}

uint64_t
dns_wake_ms(const struct dns *dns)
{
	uint64_t wake_ms = UINT64_MAX;
	struct timeval left;

	if (ares_timeout(dns->channel, NULL, &left) != NULL)
		wake_ms = clock_mono_ms() + (uint64_t)left.tv_sec * 1000 +
			  ((uint64_t)left.tv_usec + 999) / 1000;
	for (size_t i = 0; i < DNS_QUERIES_MAX; i++) {
		const struct query *q = &dns->queries[i];

		if (q->ready)
			return 0;
		if (q->wait_ms != 0 && q->wait_ms < wake_ms)
			wake_ms = q->wait_ms;
	}
	return wake_ms;
}
