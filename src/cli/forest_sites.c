/* forest_sites.c - reads the sites of an Active Directory. */
#include "cli/forest_sites.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

struct named_site {
	const char *dn; /* first: by which subnets name it */
	const struct forest_site *site;
};

struct found_subnet {
	struct ip_subnet subnet;
	const void *site;
	struct found_subnet *next;
};

struct reading {
	struct arena *mem;
	struct forest_sites *out;
	struct name_map by_dn; /* the sites */
	struct found_subnet *subnets;
	size_t n_subnets;
};

/* Without a name it is half replicated, and no computer's. */
static usher_status
take_site(const struct ldap_entry *entry, void *payload, struct usher_error *err)
{
	struct reading *r = payload;
	struct forest_site *site = arena_zalloc(r->mem, sizeof(*site));
	struct named_site *named = arena_zalloc(r->mem, sizeof(*named));

	if (site == NULL || named == NULL)
		return err_nomem(err, entry->dn);
	site->name = ldap_text_of(r->mem, entry, "cn");
	if (site->name == NULL)
		return USHER_OK;
	site->key = text_fold_copy(r->mem, slice_of(site->name));
	*named = (struct named_site){ arena_strdup(r->mem, entry->dn), site };
	if (site->key == NULL || named->dn == NULL || !name_map_add(&r->by_dn, r->mem, named) ||
	    (!forest_sites_have(r->out, site->key) && !name_map_add(&r->out->by_key, r->mem, site)))
		return err_nomem(err, entry->dn);
	site->next = r->out->first;
	r->out->first = site;
	r->out->n++;
	return USHER_OK;
}

/* What is no subnet, or whose site is not there, leads no computer anywhere. */
static usher_status
take_subnet(const struct ldap_entry *entry, void *payload, struct usher_error *err)
{
	struct reading *r = payload;
	const char *cidr = ldap_text_of(r->mem, entry, "cn");
	const struct named_site *named =
	    name_map_find(&r->by_dn, ldap_text_of(r->mem, entry, "siteObject"));
	struct found_subnet *found;
	struct ip_subnet subnet;

	if (cidr == NULL || named == NULL || ip_subnet_parse(cidr, &subnet) != NULL)
		return USHER_OK;
	found = arena_zalloc(r->mem, sizeof(*found));
	if (found == NULL)
		return err_nomem(err, entry->dn);
	*found = (struct found_subnet){ subnet, named->site, r->subnets };
	r->subnets = found;
	r->n_subnets++;
	return USHER_OK;
}

static bool
make_table(struct reading *r)
{
	struct ip_table_row *rows = arena_array(r->mem, r->n_subnets, sizeof(*rows));
	size_t n = 0;

	for (const struct found_subnet *s = r->subnets; rows != NULL && s != NULL; s = s->next)
		rows[n++] = (struct ip_table_row){ s->subnet, s->site };
	return rows != NULL && ip_table_make(r->mem, rows, n, &r->out->subnets);
}

usher_status
forest_sites_read(
    struct cli *cli, const struct forest *f, struct forest_sites *out, struct usher_error *err)
{
	static const char *const site_attributes[] = { "cn", NULL };
	static const char *const subnet_attributes[] = { "cn", "siteObject", NULL };
	struct forest_sites sites = { 0 };
	struct reading r = { .mem = cli->mem, .out = &sites };
	struct link_search search = { .base = arena_join(cli->mem, "CN=Sites,", f->configuration),
		.scope = LINK_BELOW,
		.filter = "(objectClass=site)",
		.attributes = site_attributes,
		.max = FOREST_SITES_MAX,
		.in_all_ms = FOREST_IN_ALL_MS };
	usher_status st;

	if (search.base == NULL)
		return err_nomem(err, "sites");
	st = ldap_link_search(f->link, &search, take_site, &r, err);
	if (st == USHER_E_ABSENT) /* no Active Directory */
		st = USHER_OK;
	if (st == USHER_OK && sites.n > 0) {
		search.filter = "(objectClass=subnet)";
		search.attributes = subnet_attributes;
		st = ldap_link_search(f->link, &search, take_subnet, &r, err);
	}
	if (st == USHER_OK && !make_table(&r))
		st = err_nomem(err, "sites");
	if (st == USHER_OK)
		*out = sites;
	return st;
}

bool
forest_sites_have(const struct forest_sites *sites, const char *key)
{
	return name_map_find(&sites->by_key, key) != NULL;
}

usher_status
forest_sites_at(const struct forest_sites *sites, const char *address, const char **out,
    struct usher_error *err)
{
	unsigned char bytes[16] = { [10] = 0xff, [11] = 0xff };
	const struct forest_site *site;

	if (inet_pton(AF_INET, address, bytes + 12) != 1 &&
	    inet_pton(AF_INET6, address, bytes) != 1)
		return err_set(err, USHER_E_USAGE, address, "is no IP address");
	site = ip_table_find(&sites->subnets, bytes);
	if (site == NULL && sites->n == 1)
		site = sites->first;
	*out = site == NULL ? NULL : site->name;
	return USHER_OK;
}
