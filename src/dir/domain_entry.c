/* domain_entry.c - the order of a domain's services and rules. */
#include "dir/domain_entry.h"

#include <stdlib.h>
#include <string.h>

static int
compare_services(const void *a, const void *b)
{
	const struct mail_service *x = a, *y = b;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static int
compare_redirects(const void *a, const void *b)
{
	const struct redirect *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return strcmp(x->pattern, y->pattern);
}

void
domain_entry_sort(struct mail_service *services, size_t n_services, struct redirect *redirects,
    size_t n_redirects)
{
	if (n_services > 1)
		qsort(services, n_services, sizeof(*services), compare_services);
	if (n_redirects > 1)
		qsort(redirects, n_redirects, sizeof(*redirects), compare_redirects);
}
