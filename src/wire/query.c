/* query.c - the query of a URL, parameter by parameter. */
#include "wire/query.h"

#include "base/url.h"

bool
query_next(struct slice *rest, struct slice *name, struct slice *value)
{
	struct slice pair;
	size_t end;

	if (rest->n == 0)
		return false;
	pair = slice_from(rest->p, slice_find(*rest, '&'));
	*rest = slice_skip(*rest, pair.n + 1);
	end = slice_find(pair, '=');
	*name = slice_from(pair.p, end);
	*value = slice_skip(pair, end + 1);
	return true;
}

usher_status
query_decode(struct arena *mem, struct slice text, size_t max, const char **out)
{
	CLEANUP(buf_cleanup) struct buf b = { 0 };
	const char *copy;
	bool whole;

	buf_init(&b, max);
	whole = url_unescape(&b, text);
	if (b.status == USHER_E_NOMEM)
		return USHER_E_NOMEM;
	if (!whole || b.status != USHER_OK)
		return USHER_E_INPUT;
	copy = arena_copy(mem, buf_as_slice(&b));
	if (copy == NULL)
		return USHER_E_NOMEM;
	*out = copy;
	return USHER_OK;
}
