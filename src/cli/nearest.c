/* nearest.c - edit distance with swaps of neighbours (optimal string alignment). */
#include "cli/nearest.h"

#include <string.h>

#include "base/text.h"

enum { NEAREST_BYTES = 40, NEAREST_AT_MOST = 3 };

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t
distance(struct slice a, struct slice b)
{
	size_t rows[3][NEAREST_BYTES + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= b.n; j++)
		last[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *spare = before;

		now[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t same = text_lower(a.p[i - 1]) == text_lower(b.p[j - 1]) ? 0 : 1;

			now[j] = least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + same);
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[b.n];
}

struct nearest
nearest_to(const char *to)
{
	return (struct nearest){ .to = to };
}

void
nearest_try(struct nearest *n, struct slice candidate)
{
	struct slice to = slice_of(n->to);
	size_t d, allowed = least(NEAREST_AT_MOST, (to.n + 2) / 3);

	if (to.n == 0 || to.n > NEAREST_BYTES || candidate.n > NEAREST_BYTES)
		return;
	d = to.n > 2 && slice_starts(candidate, to) ? 1 : distance(to, candidate);
	if (d > allowed || (n->found.n > 0 && d >= n->distance))
		return;
	n->found = candidate;
	n->distance = d;
}
