/* srv.c - puts SRV records into the order in which they are tried. */
#include "plan/srv.h"

#include <stdbool.h>

#include "base/address.h"

/* splitmix64 */
static uint64_t
next_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15U;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
	x = (x ^ x >> 27) * 0x94d049bb133111ebU;
	return x ^ x >> 31;
}

static unsigned
rank(const struct srv_record *r)
{
	return (r->port == 443 ? 0U : 1U << 16) + r->priority;
}

/* Which of `v` is tried first. A weight of 0 has the smallest chance, not none. */
static size_t
choose(const struct srv_record *v, size_t n, uint64_t *random)
{
	unsigned best = rank(&v[0]);
	uint64_t sum = 0, passed = 0, mark;

	for (size_t i = 1; i < n; i++)
		best = rank(&v[i]) < best ? rank(&v[i]) : best;
	for (size_t i = 0; i < n; i++)
		sum += rank(&v[i]) == best ? v[i].weight : 0;
	mark = next_random(random) % (sum + 1);
	for (size_t i = 0; mark == 0 && i < n; i++) {
		if (rank(&v[i]) == best && v[i].weight == 0)
			return i;
	}
	for (size_t i = 0; i < n; i++) {
		if (rank(&v[i]) != best)
			continue;
		passed += v[i].weight;
		if (passed >= mark)
			return i;
	}
	return 0;
}

usher_status
srv_order(struct arena *mem, const struct srv_record *records, size_t n, uint64_t seed,
    struct srv_record *out, size_t *n_out)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		usher_status st;

		out[left] = records[i];
		st = domain_parse(mem, slice_of(records[i].host), &out[left].host, NULL);
		if (st == USHER_E_NOMEM)
			return st;
		if (st == USHER_OK && records[i].port != 0)
			left++;
	}
	*n_out = left;
	for (size_t done = 0; done < left; done++) {
		size_t at = done + choose(out + done, left - done, &seed);
		struct srv_record chosen = out[at];

		out[at] = out[done];
		out[done] = chosen;
	}
	return USHER_OK;
}
