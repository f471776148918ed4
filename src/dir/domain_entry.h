/* domain_entry.h - a domain with all that belongs to it, as back ends keep it for lookups. */
#ifndef USHER_DIR_DOMAIN_ENTRY_H
#define USHER_DIR_DOMAIN_ENTRY_H

#include "model/org.h"

struct domain_entry {
	struct domain domain; /* first, and its name is its first member: see struct name_map */
	const struct mail_service *services; /* by type and rank */
	size_t n_services;
	const struct redirect *redirects; /* in the order they are tried */
	size_t n_redirects;
};

/* Sorts both into these orders. */
void
domain_entry_sort(struct mail_service *services, size_t n_services, struct redirect *redirects,
    size_t n_redirects);

#endif
