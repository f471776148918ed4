/* find.c - the blocking call: drives a search and waits for it. */
#include "lib/search.h"

enum { WAIT_MAX_MS = 60 * 1000 };

static usher_status
wait_until(struct search *s, uint64_t wake_ms, struct usher_error *err)
{
	struct pollfd sockets[DNS_SOCKETS_MAX];
	uint64_t now = search_now_ms(s);
	uint64_t left = wake_ms > now ? wake_ms - now : 0;
	int timeout = left < WAIT_MAX_MS ? (int)left : WAIT_MAX_MS;
	size_t n = dns_sockets(s->dns, sockets, &timeout);
	usher_status st = http_wait(s->http, sockets, n, timeout, err);

	dns_work(s->dns, sockets, n);
	return st;
}

usher_status
usher_find(const char *address, const struct usher_find_options *options, struct usher_result **out,
    struct usher_error *err)
{
	struct search *s;
	bool done = false;
	uint64_t wake_ms;
	usher_status st = search_new(address, options, &s, err);

	if (st != USHER_OK)
		return st;
	for (;;) {
		st = search_advance(s, &done, &wake_ms, err);
		if (st == USHER_OK && !done)
			st = wait_until(s, wake_ms, err);
		if (st != USHER_OK || done)
			break;
	}
	if (st == USHER_OK)
		st = search_result(s, out, err);
	search_free(s);
	return st;
}
