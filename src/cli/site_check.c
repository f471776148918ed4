/* site_check.c - sites, beside each other and beside the scopes of servers. */
#include "cli/site_check.h"

#include <string.h>

#include "base/err.h"
#include "base/ip.h"
#include "base/text.h"

static bool
has_subnet(const struct site *site, const struct ip_subnet *subnet)
{
	struct ip_subnet other;

	for (size_t i = 0; i < site->subnets.n; i++) {
		if (ip_subnet_parse(site->subnets.v[i], &other) == NULL && other.n == subnet->n &&
		    other.bits == subnet->bits &&
		    memcmp(other.bytes, subnet->bytes, sizeof(other.bytes)) == 0)
			return true;
	}
	return false;
}

struct sharing {
	const struct site *site;
	struct usher_error *err;
};

static usher_status
take_other_site(const void *record, void *payload)
{
	const struct site *other = record;
	const struct sharing *s = payload;
	struct ip_subnet subnet;

	if (text_same_folded(slice_of(other->name), slice_of(s->site->name)))
		return USHER_OK;
	for (size_t i = 0; i < s->site->subnets.n; i++) {
		if (ip_subnet_parse(s->site->subnets.v[i], &subnet) == NULL &&
		    has_subnet(other, &subnet))
			return err_set(s->err, USHER_E_CONFLICT, s->site->name,
			    "%s is a subnet of site %s already; take it from there first",
			    s->site->subnets.v[i], other->name);
	}
	return USHER_OK;
}

struct scoping {
	const struct text_list *scope;
	bool *known; /* for each */
};

static usher_status
take_site(const void *record, void *payload)
{
	const struct site *site = record;
	const struct scoping *s = payload;

	for (size_t i = 0; i < s->scope->n; i++) {
		if (text_same_folded(slice_of(site->name), slice_of(s->scope->v[i])))
			s->known[i] = true;
	}
	return USHER_OK;
}

static bool
is_told(const struct cli *cli, const char *member)
{
	for (size_t i = 0; i < cli->n_settings; i++) {
		if (strcmp(cli->settings[i].field->name, member) == 0)
			return true;
	}
	return false;
}

static usher_status
check_scope(struct cli *cli, struct dir *dir, const struct server *server, struct usher_error *err)
{
	struct scoping s = { &server->site_scope, arena_zalloc(cli->mem, server->site_scope.n) };
	usher_status st;

	if (s.known == NULL)
		return err_nomem(err, server->name);
	st = dir_each(dir, &entities[ENTITY_SITE], NULL, take_site, &s, err);
	for (size_t i = 0; st == USHER_OK && i < server->site_scope.n; i++) {
		if (!s.known[i])
			cli_note("there is no site %s in this directory: its computers ask %s "
				 "first only if Active Directory has a site of that name",
			    server->site_scope.v[i], server->name);
	}
	return st;
}

usher_status
site_check(struct cli *cli, struct dir *dir, const struct entity *e, const union org_record *record,
    struct usher_error *err)
{
	struct sharing s = { &record->site, err };

	if (e->id == ENTITY_SITE)
		return dir_each(dir, e, NULL, take_other_site, &s, err);
	if (e->id == ENTITY_SERVER && is_told(cli, "site_scope"))
		return check_scope(cli, dir, &record->server, err);
	return USHER_OK;
}
