/* connect_to.c - reads and applies the rules of --connect-to. */
#include "net/connect_to.h"

#include <string.h>

#include "base/err.h"
#include "base/text.h"

enum { HOST_MAX_BYTES = 255 };

/* `host:`, `[address]:` or `:`. An empty host is NULL. */
static bool
read_host(struct arena *mem, struct cursor *c, const char **out, usher_status *st)
{
	struct slice s;

	if (cursor_maybe(c, '[')) {
		s = cursor_until(c, ']', HOST_MAX_BYTES);
		(void)cursor_char(c, ':');
	} else {
		s = cursor_until(c, ':', HOST_MAX_BYTES);
	}
	if (c->failed)
		return false;
	*out = s.n == 0 ? NULL : text_lower_copy(mem, s);
	if (s.n > 0 && *out == NULL)
		*st = USHER_E_NOMEM;
	return s.n == 0 || *out != NULL;
}

static bool
read_port(struct slice s, uint16_t *out)
{
	uint64_t n = 0;

	if (s.n > 0 && !text_number(s, 1, UINT16_MAX, &n))
		return false;
	*out = (uint16_t)n;
	return true;
}

usher_status
connect_to_parse(
    struct arena *mem, struct slice text, struct connect_to *out, struct usher_error *err)
{
	struct cursor c = cursor_on(text);
	struct connect_to rule = { 0 };
	usher_status st = USHER_E_USAGE;

	if (read_host(mem, &c, &rule.host, &st) &&
	    read_port(cursor_until(&c, ':', HOST_MAX_BYTES), &rule.port) &&
	    read_host(mem, &c, &rule.to_host, &st) && !c.failed &&
	    read_port(cursor_rest(&c), &rule.to_port)) {
		*out = rule;
		return USHER_OK;
	}
	if (st == USHER_E_NOMEM)
		return err_nomem(err, "connect-to");
	return err_set(err, st, "connect-to", "`%.*s` is not HOST:PORT:ADDR:PORT",
	    (int)(text.n < HOST_MAX_BYTES ? text.n : HOST_MAX_BYTES), text.p);
}

void
connect_to_apply(const struct connect_to *rules, size_t n, const char **host, uint16_t *port)
{
	for (size_t i = 0; i < n; i++) {
		const struct connect_to *r = &rules[i];

		if ((r->host != NULL && strcmp(r->host, *host) != 0) ||
		    (r->port != 0 && r->port != *port))
			continue;
		if (r->to_host != NULL)
			*host = r->to_host;
		if (r->to_port != 0)
			*port = r->to_port;
		return;
	}
}
