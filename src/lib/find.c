/* find.c - usher_find(): a search that is waited for. */
#include <poll.h>

#include "lib/search.h"

usher_status
usher_find(const char *address, const struct usher_find_options *options, struct usher_result **out,
    struct usher_error *err)
{
	struct usher_search *s;
	usher_status st = usher_search_new(address, options, &s, err);
	struct pollfd ready;

	if (st != USHER_OK)
		return st;
	s->blocking = true;
	ready = (struct pollfd){ .fd = usher_search_fd(s), .events = POLLIN };
	while (usher_search_act(s) != 0)
		(void)poll(&ready, 1, -1); /* a signal is no harm */
	st = usher_search_result(s, out, err);
	usher_search_free(s);
	return st;
}
