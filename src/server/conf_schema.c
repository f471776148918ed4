/* conf_schema.c - every section and key of usherd.conf. */
#include "server/conf_schema.h"

#define TOP(member) offsetof(struct conf, member)
#define AUTH(member) offsetof(struct conf_authentication, member)
#define TLS(member) offsetof(struct conf_tls, member)
#define PROFILE(member) offsetof(struct conf_profile, member)
#define LIMIT(member) offsetof(struct conf_limits, member)
#define PAGE(member) offsetof(struct conf_page, member)
#define LOG_(member) offsetof(struct conf_log, member)
#define LISTEN(member) offsetof(struct conf_listener, member)

enum { KIB = 1024, MIB = 1024 * KIB, SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

static const char *const visibilities[] = { "permitted", "self", "any", NULL };
static const char *const levels[] = { "error", "warning", "notice", "info", "debug", NULL };
static const char *const formats[] = { "auto", "stderr", "journal", "syslog", NULL };

static const char *
check_windows_domain(struct slice item)
{
	size_t equals = slice_find(item, '=');

	return equals > 0 && equals + 1 < item.n ? NULL : "NAME=mail.domain";
}

/* It stands between quotes in a header field. */
static const char *
check_realm(struct slice item)
{
	for (size_t i = 0; i < item.n; i++) {
		if ((unsigned char)item.p[i] > 0x7e)
			return "ASCII characters";
	}
	return NULL;
}

/* ---- addresses ---- */

static usher_status
read_addresses(struct slice value, void *at)
{
	struct conf_addresses *out = at;
	struct slice item;

	out->n = 0;
	while (conf_next_item(&value, &item)) {
		if (out->n == CONF_ADDRESSES_MAX || !endpoint_parse(item, &out->v[out->n]))
			return USHER_E_INPUT;
		out->n++;
	}
	return out->n > 0 ? USHER_OK : USHER_E_INPUT;
}

static void
write_addresses(const void *at, struct buf *out)
{
	const struct conf_addresses *a = at;
	char text[ENDPOINT_TEXT_BYTES];

	for (size_t i = 0; i < a->n; i++) {
		endpoint_format(&a->v[i], text);
		buf_printf(out, "%s%s", i == 0 ? "" : ", ", text);
	}
}

static void
allow_addresses(struct buf *out)
{
	buf_printf(out, "at most %d of ADDRESS:PORT, [IPV6]:PORT or *:PORT, with commas",
	    CONF_ADDRESSES_MAX);
}

static const struct conf_kind addresses = { read_addresses, write_addresses, allow_addresses };

static usher_status
read_ranges(struct slice value, void *at)
{
	struct conf_ranges *out = at;
	struct slice item;

	out->n = 0;
	while (conf_next_item(&value, &item)) {
		if (out->n == CONF_LIST_MAX || !net_range_parse(item, &out->v[out->n]))
			return USHER_E_INPUT;
		out->n++;
	}
	return USHER_OK;
}

static void
write_ranges(const void *at, struct buf *out)
{
	const struct conf_ranges *r = at;
	char text[NET_ADDRESS_TEXT_BYTES];

	for (size_t i = 0; i < r->n; i++) {
		bool v4 = net_address_is_v4(&r->v[i].address) && r->v[i].bits >= 96;

		net_address_format(&r->v[i].address, text);
		buf_printf(out, "%s%s/%u", i == 0 ? "" : ", ", text,
		    v4 ? r->v[i].bits - 96 : r->v[i].bits);
	}
}

static void
allow_ranges(struct buf *out)
{
	buf_printf(out, "at most %d of ADDRESS or ADDRESS/BITS, with commas", CONF_LIST_MAX);
}

static const struct conf_kind ranges = { read_ranges, write_ranges, allow_ranges };

/* ---- rows ---- */

static const struct conf_row top[] = {
	{ "directory", CONF_TEXT, TOP(directory), .preset = "sqlite:/var/lib/usher/usher.db",
	    .help = "where domains, mailboxes and servers are kept" },
	{ "user", CONF_TEXT, TOP(user),
	    .help = "account to become after binding the ports, when started as root" },
	{ "server name", CONF_DOMAIN, TOP(server_name),
	    .help = "name of this machine; only a hash of it is shown; the system's host name" },
	{ "threads", CONF_NUMBER, TOP(threads), 0, ENGINE_MAX_THREADS, "0",
	    .help = "threads that serve; 0 is one for each processor; needs a restart" },
	{ "password threads", CONF_NUMBER, TOP(pool_threads), 1, 64, "4",
	    .help = "threads that check passwords and sign profiles; needs a restart" },
	{ "trusted proxies", CONF_OTHER, TOP(trusted), .kind = &ranges,
	    .help = "networks whose X-Forwarded-For and X-Forwarded-Proto are believed" },
};

static const struct conf_row https[] = {
	{ "address", CONF_OTHER, LISTEN(addresses), .kind = &addresses, .preset = "*:443",
	    .help = "where to listen" },
	{ "certificate", CONF_TEXT, LISTEN(certificate),
	    .help = "PEM file of the chain; without it the directory's certificates serve" },
	{ "key", CONF_TEXT, LISTEN(key), .help = "PEM file of its private key" },
	{ "session tickets", CONF_SWITCH, LISTEN(session_tickets), .preset = "yes",
	    .help = "let clients resume TLS sessions" },
	{ "proxy protocol", CONF_SWITCH, LISTEN(proxy_protocol), .preset = "no",
	    .help = "trusted proxies pass connections on and say first whose they are" },
};

static const struct conf_row redirect[] = {
	{ "address", CONF_OTHER, LISTEN(addresses), .kind = &addresses, .preset = "*:80",
	    .help = "where to listen, plain HTTP" },
	{ "target", CONF_HTTPS_URL, LISTEN(target),
	    .help = "where to send Autodiscover; without it to https on the host they asked" },
	{ "proxy protocol", CONF_SWITCH, LISTEN(proxy_protocol), .preset = "no",
	    .help = "as of https" },
};

static const struct conf_row private_[] = {
	{ "address", CONF_OTHER, LISTEN(addresses), .kind = &addresses, .preset = "127.0.0.1:9108",
	    .help = "where metrics, health and status are served, plain HTTP" },
};

static const struct conf_row proxy[] = {
	{ "address", CONF_OTHER, LISTEN(addresses), .kind = &addresses, .preset = "127.0.0.1:8080",
	    .help = "where trusted proxies reach us with plain HTTP" },
};

static const struct conf_row authentication[] = {
	{ "realm", CONF_TEXT, AUTH(realm), .preset = "autodiscover",
	    .help = "name of the service in the password prompt", .check = check_realm },
	{ "visibility", CONF_CHOICE, AUTH(visibility), .preset = "permitted",
	    .choices = visibilities,
	    .help = "about which mailboxes a user may ask: own and delegated, own, or any" },
	{ "default domain", CONF_DOMAIN, AUTH(default_domain),
	    .help = "added to a login name without a domain" },
	{ "windows domains", CONF_LIST, AUTH(windows_domains),
	    .help = "NAME=mail.domain pairs by which NAME\\user is understood",
	    .check = check_windows_domain },
	{ "remember time", CONF_TIME, AUTH(remember_ms), 0, HOUR, "5m",
	    .help = "how long a right password need not be hashed again" },
	{ "remember refusal time", CONF_TIME, AUTH(remember_refusal_ms), 0, HOUR, "10s",
	    .help = "how long a wrong password is refused without hashing it again" },
	{ "remember entries", CONF_NUMBER, AUTH(remember_entries), 0, 10000000, "65536",
	    .help = "how many passwords are remembered; needs a restart" },
	{ "login failures", CONF_NUMBER, AUTH(login_failures), 1, 1000, "10",
	    .help = "wrong passwords from one address for one login before it has to wait" },
	{ "address failures", CONF_NUMBER, AUTH(address_failures), 1, 1000000, "100",
	    .help = "wrong passwords from one address for all logins before it has to wait" },
	{ "longest wait", CONF_TIME, AUTH(delay_max_ms), 0, HOUR, "1m",
	    .help = "the wait doubles with each failure up to this" },
	{ "forget failures", CONF_TIME, AUTH(forget_failures_ms), 0, 24 * HOUR, "15m",
	    .help = "without failure for so long all is forgiven" },
	{ "failure entries", CONF_NUMBER, AUTH(failure_entries), 0, 10000000, "16384",
	    .help = "how many failing addresses and logins are tracked; needs a restart" },
};

static const struct conf_row tls[] = {
	{ "ocsp stapling", CONF_SWITCH, TLS(staple), .preset = "yes",
	    .help = "show clients that a certificate is not revoked, when its issuer tells" },
};

static const struct conf_row profile[] = {
	{ "certificate", CONF_TEXT, PROFILE(certificate),
	    .help = "PEM file of the chain; without it what the first https listener serves" },
	{ "key", CONF_TEXT, PROFILE(key),
	    .help = "PEM file of its private key, which nobody else may read" },
};

static const struct conf_row limits[] = {
	{ "head bytes", CONF_BYTES, LIMIT(head_bytes), KIB, MIB, "16k",
	    .help = "request line and header fields" },
	{ "body bytes", CONF_BYTES, LIMIT(body_bytes), KIB, 16 * MIB, "64k",
	    .help = "body of a request" },
	{ "request memory", CONF_BYTES, LIMIT(request_bytes), 64 * KIB, 256 * MIB, "4M",
	    .help = "memory for reading and answering one request" },
	{ "connections", CONF_NUMBER, LIMIT(connections), 1, 1000000, "20000",
	    .help = "connections in all; at the limit new ones wait" },
	{ "connections per address", CONF_NUMBER, LIMIT(address_connections), 1, 1000000, "200",
	    .help = "connections of one IPv4 address or IPv6 /64" },
	{ "requests per connection", CONF_NUMBER, LIMIT(requests), 1, 1000000000, "1000",
	    .help = "then the connection is closed" },
	{ "waiting passwords", CONF_NUMBER, LIMIT(pool_queue), 1, 1000000, "256",
	    .help = "password checks and signatures that wait or run; above it the answer is 503" },
	{ "handshake time", CONF_TIME, LIMIT(handshake_ms), 100, HOUR, "10s",
	    .help = "for the whole TLS handshake" },
	{ "head time", CONF_TIME, LIMIT(head_ms), 100, HOUR, "10s",
	    .help = "for the whole request line and header" },
	{ "body time", CONF_TIME, LIMIT(body_ms), 100, HOUR, "20s", .help = "for the whole body" },
	{ "work time", CONF_TIME, LIMIT(work_ms), 100, HOUR, "15s",
	    .help = "for checking the password, waiting included" },
	{ "reply time", CONF_TIME, LIMIT(reply_ms), 100, HOUR, "20s",
	    .help = "for the client to take the whole answer" },
	{ "idle time", CONF_TIME, LIMIT(idle_ms), 100, HOUR, "75s",
	    .help = "between two requests of a connection" },
	{ "linger time", CONF_TIME, LIMIT(linger_ms), 100, MINUTE, "2s",
	    .help = "for reading on after a refusal, so that the client sees it" },
	{ "stop time", CONF_TIME, LIMIT(stop_ms), 0, HOUR, "10s",
	    .help = "for running requests when usherd is told to stop" },
};

static const struct conf_row page[] = {
	{ "serve", CONF_SWITCH, PAGE(serve), .preset = "yes",
	    .help = "a page at / where people see the settings for their address" },
	{ "help", CONF_HTTPS_URL, PAGE(help), .help = "your own page, for those who need more" },
};

static const struct conf_row log_rows[] = {
	{ "level", CONF_CHOICE, LOG_(level), .preset = "info", .choices = levels,
	    .help = "what is logged; each level includes the ones before it" },
	{ "format", CONF_CHOICE, LOG_(format), .preset = "auto", .choices = formats,
	    .help = "auto is journal under systemd and stderr elsewhere; needs a restart" },
	{ "areas", CONF_TEXT, LOG_(areas),
	    .help = "subsystems of which debug lines are wanted, with commas; needs a restart" },
	{ "requests", CONF_SWITCH, LOG_(requests), .preset = "yes",
	    .help = "one line for each answered request" },
};

#define ROWS(array) (&(const struct conf_rows)CONF_ROWS(array))

const struct conf_section conf_sections[CONF_SECTIONS] = {
	{ "", -1, 0, ROWS(top), "The service as a whole" },
	{ "listen https", LISTENER_HTTPS, 0, ROWS(https), "Mail programs ask here, over TLS" },
	{ "listen redirect", LISTENER_REDIRECT, 0, ROWS(redirect),
	    "Plain HTTP that only sends Autodiscover clients to https" },
	{ "listen private", LISTENER_PRIVATE, 0, ROWS(private_),
	    "For administrators and monitoring" },
	{ "listen proxy", LISTENER_PROXY, 0, ROWS(proxy),
	    "Behind a reverse proxy that ends TLS: needs `trusted proxies`" },
	{ "directory", -1, TOP(settings), &dir_settings_rows,
	    "How an LDAP directory is reached, and what is where in it" },
	{ "authentication", -1, TOP(authentication), ROWS(authentication), "Who is asking" },
	{ "tls", -1, TOP(tls), ROWS(tls), "What is shown beside certificates" },
	{ "profile", -1, TOP(profile), ROWS(profile), "What Apple profiles are signed with" },
	{ "limits", -1, TOP(limits), ROWS(limits), "What a client may cost" },
	{ "page", -1, TOP(page), ROWS(page), "For people" },
	{ "log", -1, TOP(log), ROWS(log_rows), "What is written down" },
};
