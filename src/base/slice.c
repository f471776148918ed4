/* slice.c - comparing and cutting borrowed text. */
#include "base/slice.h"

#include <string.h>

#include "base/text.h"

bool
slice_eq_nocase(struct slice a, struct slice b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (text_lower(a.p[i]) != text_lower(b.p[i]))
			return false;
	return true;
}

bool
slice_is(struct slice a, const char *text)
{
	return slice_eq(a, slice_of(text));
}

bool
slice_is_nocase(struct slice a, const char *text)
{
	return slice_eq_nocase(a, slice_of(text));
}

bool
slice_starts(struct slice a, struct slice prefix)
{
	return a.n >= prefix.n && slice_eq((struct slice){ a.p, prefix.n }, prefix);
}

bool
slice_starts_nocase(struct slice a, struct slice prefix)
{
	return a.n >= prefix.n && slice_eq_nocase((struct slice){ a.p, prefix.n }, prefix);
}

bool
slice_ends_nocase(struct slice a, struct slice suffix)
{
	return a.n >= suffix.n && slice_eq_nocase(slice_skip(a, a.n - suffix.n), suffix);
}

size_t
slice_find(struct slice a, char c)
{
	const char *hit = a.n == 0 ? NULL : memchr(a.p, c, a.n);

	return hit == NULL ? a.n : (size_t)(hit - a.p);
}

size_t
slice_find_last(struct slice a, char c)
{
	for (size_t i = a.n; i > 0; i--)
		if (a.p[i - 1] == c)
			return i - 1;
	return a.n;
}

struct slice
slice_trim(struct slice a)
{
	while (a.n > 0 && text_is_space(a.p[0]))
		a = slice_skip(a, 1);
	while (a.n > 0 && text_is_space(a.p[a.n - 1]))
		a.n--;
	return a;
}
