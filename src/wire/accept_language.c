/* accept_language.c - the Accept-Language field: which of our languages a reader likes best. */
#include "wire/accept_language.h"

#include "base/text.h"

enum { WEIGHT_ONE = 1000 };

/* `0.75` as 750 (RFC 9110, 12.4.2). False: it is no weight. */
static bool
read_weight(struct slice text, unsigned *out)
{
	static const int places[] = { WEIGHT_ONE, 0, 100, 10, 1 };
	int value = 0;

	if (text.n == 0 || text.n > COUNT_OF(places))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (i == 1 ? text.p[i] != '.' : !text_is_digit(text.p[i]))
			return false;
		value += (text.p[i] - '0') * places[i];
	}
	if (value > WEIGHT_ONE)
		return false;
	*out = (unsigned)value;
	return true;
}

/* The weight of `range;q=0.5`, and *range cut to the range alone. 0: it is not wanted, or makes no
 * sense. */
static unsigned
take_weight(struct slice *range)
{
	size_t end = slice_find(*range, ';');
	struct slice parameter = slice_trim(slice_skip(*range, end + 1));
	unsigned weight = WEIGHT_ONE;

	if (end < range->n && (!slice_starts_nocase(parameter, SLICE_LITERAL("q=")) ||
				  !read_weight(slice_skip(parameter, 2), &weight)))
		weight = 0;
	*range = slice_trim(slice_from(range->p, end));
	return weight;
}

/* `n` when no tag fits. */
static size_t
look_up(struct slice range, const char *const *tags, size_t n)
{
	if (slice_is(range, "*"))
		return 0;
	while (range.n > 0) {
		for (size_t i = 0; i < n; i++)
			if (slice_is_nocase(range, tags[i]))
				return i;
		/* without its last part; the only part was not found, which is all of it: 0 */
		range.n = slice_find_last(range, '-') % range.n;
	}
	return n;
}

size_t
accept_language(struct slice field, const char *const *tags, size_t n)
{
	unsigned best = 0;
	size_t chosen = 0;

	for (int i = 0; i < ACCEPT_LANGUAGE_RANGES && field.n > 0; i++) {
		struct slice range = slice_from(field.p, slice_find(field, ','));
		size_t found;
		unsigned weight;

		field = slice_skip(field, range.n + 1);
		weight = take_weight(&range);
		found = look_up(range, tags, n);
		if (found < n && weight > best) {
			best = weight;
			chosen = found;
		}
	}
	return chosen;
}
