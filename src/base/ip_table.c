/* ip_table.c - which of many subnets an address is in. */
#include "base/ip_table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_BYTES = 16, MAPPED_BYTES = 12, KEY_BYTES = 1 + ADDRESS_BYTES };

/* The version, then the address, which an IPv4 one does not fill. */
struct key {
	unsigned char bytes[KEY_BYTES];
};

/* From here up to the next edge, `value`. */
struct ip_edge {
	struct key from;
	const void *value;
};

/* A subnet as the part of all keys that it is. */
struct range {
	struct key from, past;
	unsigned bits;
	size_t row;
	const void *value;
};

static bool
is_mapped(const unsigned char *address)
{
	static const unsigned char mapped[MAPPED_BYTES] = { [10] = 0xff, [11] = 0xff };

	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

static struct key
key_of(int version, const unsigned char *address, size_t n)
{
	struct key key = { { (unsigned char)version } };

	memcpy(key.bytes + 1, address, n);
	return key;
}

/* The first key behind all that begin with the first `bits` of the address in `key`. */
static struct key
key_past(struct key key, unsigned bits)
{
	unsigned carry = 1U << (7 - (bits + 7) % 8);

	for (size_t i = (bits + 7) / 8 + 1; i-- > 0 && carry > 0;) {
		carry += key.bytes[i];
		key.bytes[i] = (unsigned char)carry;
		carry >>= 8;
	}
	return key;
}

static struct range
range_of(const struct ip_table_row *row, size_t index)
{
	const struct ip_subnet *s = &row->subnet;
	struct range r = { .bits = s->bits, .row = index, .value = row->value };

	if (s->n < ADDRESS_BYTES) {
		r.from = key_of(4, s->bytes, s->n);
	} else if (s->bits >= 8 * MAPPED_BYTES && is_mapped(s->bytes)) {
		r.from = key_of(4, s->bytes + MAPPED_BYTES, ADDRESS_BYTES - MAPPED_BYTES);
		r.bits -= 8 * MAPPED_BYTES;
	} else {
		r.from = key_of(6, s->bytes, ADDRESS_BYTES);
	}
	r.past = key_past(r.from, r.bits);
	return r;
}

/* A subnet stands behind those that it is in. */
static int
compare(const void *left, const void *right)
{
	const struct range *a = left, *b = right;
	int order = memcmp(&a->from, &b->from, sizeof(a->from));

	if (order != 0)
		return order;
	if (a->bits != b->bits)
		return a->bits < b->bits ? -1 : 1;
	return a->row < b->row ? -1 : 1;
}

static void
put_edge(struct ip_edge *edges, size_t *n, struct key from, const void *value)
{
	if (*n > 0 && memcmp(&edges[*n - 1].from, &from, sizeof(from)) == 0)
		(*n)--;
	edges[(*n)++] = (struct ip_edge){ from, value };
}

/* Ends the subnets around which no longer go on at `from`; NULL: all of them. */
static void
leave(struct ip_edge *edges, size_t *n, const struct range *const *around, size_t *depth,
    const struct key *from)
{
	while (*depth > 0 &&
	       (from == NULL || memcmp(&around[*depth - 1]->past, from, sizeof(*from)) <= 0)) {
		const struct key past = around[--*depth]->past;

		put_edge(edges, n, past, *depth == 0 ? NULL : around[*depth - 1]->value);
	}
}

bool
ip_table_make(struct arena *mem, const struct ip_table_row *rows, size_t n, struct ip_table *out)
{
	struct range *ranges = arena_array(mem, n, sizeof(*ranges));
	struct ip_edge *edges = arena_array(mem, n, 2 * sizeof(*edges));
	const struct range *around[8 * ADDRESS_BYTES + 1]; /* each longer than the one before */
	size_t n_edges = 0, depth = 0;

	if (ranges == NULL || edges == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		ranges[i] = range_of(&rows[i], i);
	if (n > 0)
		qsort(ranges, n, sizeof(*ranges), compare);
	for (size_t i = 0; i < n; i++) {
		const struct range *r = &ranges[i];

		leave(edges, &n_edges, around, &depth, &r->from);
		if (depth > 0 && around[depth - 1]->bits == r->bits)
			continue; /* the same subnet again */
		put_edge(edges, &n_edges, r->from, r->value);
		around[depth++] = r;
	}
	leave(edges, &n_edges, around, &depth, NULL);
	*out = (struct ip_table){ edges, n_edges };
	return true;
}

const void *
ip_table_find(const struct ip_table *table, const unsigned char address[16])
{
	const struct key key = is_mapped(address) ?
				   key_of(4, address + MAPPED_BYTES, ADDRESS_BYTES - MAPPED_BYTES) :
				   key_of(6, address, ADDRESS_BYTES);
	size_t low = 0, high = table->n; /* edges[low - 1] is at or before the key */

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(&table->edges[middle].from, &key, sizeof(key)) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low == 0 ? NULL : table->edges[low - 1].value;
}
