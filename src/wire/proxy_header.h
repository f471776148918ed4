/* proxy_header.h - for whom a balancer connects, told before anything else on a connection: the
 * PROXY protocol, version 2 (haproxy's doc/proxy-protocol.txt, 2.2). */
#ifndef USHER_WIRE_PROXY_HEADER_H
#define USHER_WIRE_PROXY_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROXY_HEADER_FIRST = 16,  /* bytes that tell how long it is */
	PROXY_HEADER_BYTES = 2048 /* of one: addresses, and what balancers add behind them */
};

struct proxy_header {
	bool has_client;    /* false: the balancer speaks for itself, as to see whether we live */
	uint8_t client[16]; /* IPv4 as ::ffff:a.b.c.d */
};

/* How long the header is that begins with these PROXY_HEADER_FIRST bytes; 0: it is none, or longer
 * than PROXY_HEADER_BYTES. */
size_t
proxy_header_length(const uint8_t *first);

/* Reads a whole one of that length. False: the client did not come by TCP, or the addresses are cut
 * off. */
bool
proxy_header_read(const uint8_t *header, size_t n, struct proxy_header *out);

#endif
