/* conn_proxied.c - the stage before all others of a connection that comes through a balancer: whose
 * it is. */
#include <stdlib.h>
#include <string.h>

#include "server/conn.h"
#include "wire/proxy_header.h"

struct proxied {
	size_t n; /* bytes that have come */
	uint8_t bytes[PROXY_HEADER_BYTES];
};

struct proxied *
proxied_new(void)
{
	return calloc(1, sizeof(struct proxied));
}

static enum step
refuse(struct conn *c, const char *why)
{
	c->failed = true;
	count(c->worker, COUNT_MALFORMED, 1);
	LOG(LEVEL_WARNING, "engine", NULL, why, log_text("listener", c->listener->name),
	    log_text("peer", c->peer_text));
	return STEP_CLOSE;
}

/* From now on the connection is the client's: by its address it is limited, and trusted or not. */
static bool
take_client(struct conn *c, const struct net_address *client)
{
	const struct engine_settings *settings = &c->scope->config->settings;
	bool trusted = net_ranges_have(settings->trusted, settings->n_trusted, client);
	struct limit *limit = c->worker->engine->limit;

	switch (limit_take(limit, client, trusted)) {
	case LIMIT_TAKEN:
		break;
	case LIMIT_ADDRESS:
		count(c->worker, COUNT_REFUSED_ADDRESS, 1);
		return false;
	case LIMIT_FULL:
		return false;
	}
	limit_give(limit, &c->peer, c->exempt);
	c->peer = *client;
	c->trusted = c->exempt = trusted;
	net_address_format(client, c->peer_text);
	return true;
}

enum step
conn_proxied(struct conn *c)
{
	struct proxied *p = c->proxied;
	struct proxy_header header;
	struct net_address client;

	for (;;) {
		size_t got, whole = p->n < PROXY_HEADER_FIRST ? PROXY_HEADER_FIRST :
								proxy_header_length(p->bytes);
		enum io_result r;

		if (whole == 0)
			return refuse(c, "no PROXY header from a trusted proxy");
		if (p->n == whole)
			break;
		r = conn_read_first(c, p->bytes + p->n, whole - p->n, &got);
		if (r != IO_DONE)
			return conn_step(r);
		p->n += got;
	}
	if (!proxy_header_read(p->bytes, p->n, &header))
		return refuse(c, "PROXY header without a TCP client");
	memcpy(client.bytes, header.client, sizeof(client.bytes));
	if (header.has_client && !take_client(c, &client)) {
		c->failed = true; /* there is no TLS to leave yet */
		return STEP_CLOSE;
	}
	free(c->proxied);
	c->proxied = NULL;
	return conn_enter(c, c->tls != NULL ? STAGE_HANDSHAKE : STAGE_HEAD);
}
