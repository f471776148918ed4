/* ldap_exchange_record.c - objects of Exchange's and of Active Directory's made records. */
#include <stdlib.h>
#include <string.h>

#include "base/ip.h"
#include "base/name_map.h"
#include "dir/ldap_exchange_load.h"
#include "model/scp.h"

/* The Rpc directory has its own place behind those of the services. */
enum { DIRECTORY_RPC = URL_SERVICE_COUNT, DIRECTORIES };

/* A server with what lies below it. */
struct server_node {
	const char *dn; /* first: see struct name_map */
	const struct ldap_entry *entry, *point, *directories[DIRECTORIES];
	struct server *record;
};

struct site_node {
	const char *dn; /* first: see struct name_map */
	struct site *record;
	size_t room; /* for subnets */
};

/* Adds a record, if it is one, from the entry `from`; `dn` is that of the entry to be changed, or
 * NULL. *added may be NULL. */
static usher_status
add_record(struct exchange_loading *l, enum entity_id id, void *record, const char *from,
    const char *dn, bool *added)
{
	struct usher_error why = { 0 };
	const char *copy = dn == NULL ? NULL : arena_strdup(l->mem, dn);
	usher_status st = entity_check(l->mem, &entities[id], record, &why);

	if (added != NULL)
		*added = st == USHER_OK;
	if (st == USHER_E_INPUT)
		return exchange_warn(l, from, why.message);
	if (st != USHER_OK || (dn != NULL && copy == NULL) ||
	    !ldap_exchange_grow(l->mem, &l->objects, l->n, &l->room, sizeof(*l->objects)))
		return exchange_out_of_memory(l);
	l->objects[l->n++] = (struct exchange_object){ id, record, copy };
	return USHER_OK;
}

/* ---- records ---- */

/* A zeroed record of the kind, with what the entry tells of it. NULL when out of memory. */
static void *
new_record(struct exchange_loading *l, enum exchange_kind kind)
{
	const struct entity *e = exchange_entity(kind);
	void *record = arena_alloc(l->mem, e->table.size);

	if (record != NULL)
		record_init(&e->table, record);
	return record;
}

static bool
read_rows(struct exchange_loading *l, enum exchange_kind kind, const struct ldap_entry *entry,
    void *record)
{
	for (size_t i = 0; i < EXCHANGE_ROWS; i++)
		if (exchange_rows[i].kind == kind &&
		    !exchange_read(&exchange_rows[i], ldap_attribute_of(entry, l->attributes[i]),
			l->mem, record))
			return false;
	return true;
}

static const char *
name_of(struct arena *mem, const struct ldap_entry *entry)
{
	return ldap_text_of(mem, entry, "cn");
}

/* The DN `n` steps above, in l->raw_mem's texts. */
static const char *
above(const char *dn, size_t n)
{
	while (n-- > 0)
		dn = ldap_dn_parent(dn);
	return dn;
}

static usher_status
add_organization(struct exchange_loading *l)
{
	const struct ldap_entry *entry = exchange_first(l, KIND_ORGANIZATION, NULL);
	const struct ldap_entry *book = exchange_first(l, KIND_ADDRESS_BOOK, "msExchOABDefault");
	const struct ldap_entry *server = exchange_first(l, KIND_SERVER, NULL);
	struct organization *o;

	if (entry == NULL)
		return USHER_OK;
	o = new_record(l, KIND_ORGANIZATION);
	if (o == NULL || !read_rows(l, KIND_ORGANIZATION, entry, o) ||
	    (book != NULL && !read_rows(l, KIND_ADDRESS_BOOK, book, o)))
		return exchange_out_of_memory(l);
	o->name = name_of(l->mem, entry);
	/* CN=QUAY1,CN=Servers,CN=First Administrative Group */
	if (server != NULL)
		o->administrative_group = ldap_dn_name(l->mem, above(server->dn, 2));
	return add_record(l, ENTITY_ORGANIZATION, o, entry->dn, entry->dn, NULL);
}

/* ---- sites ---- */

static usher_status
add_subnet(struct exchange_loading *l, const struct name_map *sites, const struct ldap_entry *entry)
{
	const char *dn = ldap_text_of(l->raw_mem, entry, "siteObject");
	const char *subnet = name_of(l->mem, entry), *fault;
	struct site_node *at = name_map_find(sites, dn);
	struct ip_subnet parsed;

	if (at == NULL) /* no site yet: its clients are at home nowhere */
		return USHER_OK;
	fault = subnet == NULL ? "has no name" : ip_subnet_parse(subnet, &parsed);
	if (fault != NULL)
		return exchange_warn(l, entry->dn, fault);
	if (at->record->subnets.n == FIELD_LIST_MAX)
		return exchange_warn(l, entry->dn, "its site has too many subnets");
	if (!ldap_exchange_grow(
		l->mem, &at->record->subnets.v, at->record->subnets.n, &at->room, sizeof(subnet)))
		return exchange_out_of_memory(l);
	((const char **)(uintptr_t)at->record->subnets.v)[at->record->subnets.n++] = subnet;
	return USHER_OK;
}

static usher_status
add_sites(struct exchange_loading *l)
{
	struct name_map sites = { 0 };
	usher_status st = USHER_OK;

	for (size_t i = 0; i < l->n_raws; i++) {
		const struct ldap_entry *e = &l->raws[i].entry;
		struct site_node *node;

		if (l->raws[i].kind != KIND_SITE || name_map_find(&sites, e->dn) != NULL)
			continue;
		node = arena_zalloc(l->raw_mem, sizeof(*node));
		if (node == NULL)
			return exchange_out_of_memory(l);
		node->dn = e->dn;
		node->record = new_record(l, KIND_SITE);
		if (node->record == NULL || !name_map_add(&sites, l->raw_mem, node))
			return exchange_out_of_memory(l);
		node->record->name = name_of(l->mem, e);
	}
	for (size_t i = 0; st == USHER_OK && i < l->n_raws; i++)
		if (l->raws[i].kind == KIND_SUBNET)
			st = add_subnet(l, &sites, &l->raws[i].entry);
	for (size_t i = 0; st == USHER_OK && i < l->n_raws; i++) {
		const struct site_node *node = name_map_find(&sites, l->raws[i].entry.dn);

		if (l->raws[i].kind == KIND_SITE && node->record->name != NULL)
			st = add_record(l, ENTITY_SITE, node->record, node->dn, node->dn, NULL);
	}
	return st;
}

/* ---- servers ---- */

/* `EWS (Default Web Site)`: which service, and how good a directory of it. */
static int
directory_of(const char *name, int *rank)
{
	static const char *const names[DIRECTORIES] = {
		[URL_AUTODISCOVER] = "Autodiscover",
		[URL_EWS] = "EWS",
		[URL_OAB] = "OAB",
		[URL_UM] = "UnifiedMessaging",
		[URL_OWA] = "owa",
		[URL_ECP] = "ecp",
		[URL_ACTIVESYNC] = "Microsoft-Server-ActiveSync",
		[URL_MAPI] = "mapi",
		[DIRECTORY_RPC] = "Rpc",
	};
	struct slice whole = slice_of(name), first = whole;

	first.n = slice_find(whole, '(');
	*rank = slice_is_nocase(slice_skip(whole, first.n), "(Default Web Site)") ? 0 : 1;
	/* What servers say among themselves, behind the one that clients see. */
	if (slice_is_nocase(slice_skip(whole, first.n), "(Exchange Back End)"))
		return -1;
	first = slice_trim(first);
	for (int i = 0; i < DIRECTORIES; i++)
		if (names[i] != NULL && slice_is_nocase(first, names[i]))
			return i;
	return -1;
}

static usher_status
take_directory(struct exchange_loading *l, struct server_node *node, const struct ldap_entry *entry)
{
	const char *name = name_of(l->raw_mem, entry), *other;
	int rank, other_rank, service;

	service = name == NULL ? -1 : directory_of(name, &rank);
	if (service < 0)
		return USHER_OK;
	other = node->directories[service] == NULL ?
		    NULL :
		    name_of(l->raw_mem, node->directories[service]);
	if (other != NULL && directory_of(other, &other_rank) >= 0 &&
	    (rank > other_rank ||
		(rank == other_rank && strcmp(node->directories[service]->dn, entry->dn) < 0)))
		return USHER_OK;
	node->directories[service] = entry;
	return USHER_OK;
}

/* What is three steps below a server: CN=…,CN=HTTP,CN=Protocols and CN=…,CN=Autodiscover,
 * CN=Protocols. */
static usher_status
take_part(
    struct exchange_loading *l, const struct name_map *servers, const struct exchange_raw *raw)
{
	struct server_node *node = name_map_find(servers, above(raw->entry.dn, 3));

	if (node == NULL)
		return raw->kind == KIND_CONNECTION_POINT ?
			   USHER_OK :
			   exchange_warn(l, raw->entry.dn, "its server is not there (yet)");
	if (raw->kind == KIND_DIRECTORY)
		return take_directory(l, node, &raw->entry);
	if (exchange_has(&raw->entry, "keywords", SCP_URL_KEYWORD))
		node->point = &raw->entry;
	return USHER_OK;
}

/* `URL` up to its last slash, and the service of unified messaging behind it. *out stays NULL for
 * NULL. */
static bool
messaging_beside(struct arena *mem, const char *url, const char **out)
{
	if (url != NULL)
		*out = arena_printf(
		    mem, "%.*s/UM2007Legacy.asmx", (int)slice_find_last(slice_of(url), '/'), url);
	return url == NULL || *out != NULL;
}

/* Exchange 2010 to 2016 have unified messaging beside EWS (pox.md 4.1). */
static usher_status
add_messaging(
    struct exchange_loading *l, const struct server_node *node, const struct service_url *ews)
{
	struct service_url *um = new_record(l, KIND_DIRECTORY);
	struct version v;

	if (um == NULL || !messaging_beside(l->mem, ews->internal, &um->internal) ||
	    !messaging_beside(l->mem, ews->external, &um->external))
		return exchange_out_of_memory(l);
	if (!version_parse(node->record->version, &v) || v.major < 14 ||
	    (v.major == 15 && v.minor > 1))
		return USHER_OK;
	um->server = ews->server;
	um->service = URL_UM;
	return add_record(l, ENTITY_URL, um, node->dn, NULL, NULL);
}

static usher_status
add_url(struct exchange_loading *l, const struct server_node *node, int service)
{
	const struct ldap_entry *entry = node->directories[service];
	struct service_url *url = new_record(l, KIND_DIRECTORY);
	bool added;
	usher_status st;

	if (url == NULL || !read_rows(l, KIND_DIRECTORY, entry, url))
		return exchange_out_of_memory(l);
	url->server = node->record->name;
	url->service = service;
	st = add_record(l, ENTITY_URL, url, entry->dn, entry->dn, &added);
	if (st == USHER_OK && added && service == URL_EWS && node->directories[URL_UM] == NULL)
		st = add_messaging(l, node, url);
	return st;
}

static usher_status
add_outlook_anywhere(struct exchange_loading *l, const struct server_node *node)
{
	const struct ldap_entry *entry = node->directories[DIRECTORY_RPC];
	struct outlook_anywhere *rpc = new_record(l, KIND_RPC);

	if (rpc == NULL || !read_rows(l, KIND_RPC, entry, rpc))
		return exchange_out_of_memory(l);
	rpc->server = node->record->name;
	rpc->enabled = rpc->internal_host != NULL || rpc->external_host != NULL ? TRI_ON : TRI_OFF;
	return add_record(l, ENTITY_OUTLOOK_ANYWHERE, rpc, entry->dn, entry->dn, NULL);
}

static int
by_age(const void *a, const void *b)
{
	const struct server *x = (*(struct server_node *const *)a)->record;
	const struct server *y = (*(struct server_node *const *)b)->record;

	/* What is not known to be old is young; NUMBER_ABSENT is below all ages. */
	if (x->created != y->created)
		return (uint64_t)x->created < (uint64_t)y->created ? -1 : 1;
	return strcmp(x->name == NULL ? "" : x->name, y->name == NULL ? "" : y->name);
}

static usher_status
add_parts(struct exchange_loading *l, const struct server_node *node)
{
	usher_status st = USHER_OK;

	for (int i = 0; st == USHER_OK && i < URL_SERVICE_COUNT; i++)
		if (node->directories[i] != NULL)
			st = add_url(l, node, i);
	if (st == USHER_OK && node->directories[DIRECTORY_RPC] != NULL)
		st = add_outlook_anywhere(l, node);
	return st;
}

/* The age that counts is that of the connection point. */
static bool
read_server(struct exchange_loading *l, struct server_node *node)
{
	node->record = new_record(l, KIND_SERVER);
	if (node->record == NULL ||
	    (node->point != NULL &&
		!read_rows(l, KIND_CONNECTION_POINT, node->point, node->record)) ||
	    !read_rows(l, KIND_SERVER, node->entry, node->record))
		return false;
	node->record->name = name_of(l->mem, node->entry);
	return true;
}

static usher_status
add_servers(struct exchange_loading *l)
{
	struct server_node **nodes =
	    arena_array(l->raw_mem, l->n_raws, sizeof(struct server_node *));
	struct name_map servers = { 0 };
	usher_status st = USHER_OK;
	size_t n = 0, n_good = 0;
	bool added;

	if (nodes == NULL)
		return exchange_out_of_memory(l);
	for (size_t i = 0; i < l->n_raws; i++) {
		if (l->raws[i].kind != KIND_SERVER ||
		    name_map_find(&servers, l->raws[i].entry.dn) != NULL)
			continue;
		nodes[n] = arena_zalloc(l->raw_mem, sizeof(*nodes[n]));
		if (nodes[n] == NULL)
			return exchange_out_of_memory(l);
		nodes[n]->entry = &l->raws[i].entry;
		nodes[n]->dn = l->raws[i].entry.dn;
		if (!name_map_add(&servers, l->raw_mem, nodes[n]))
			return exchange_out_of_memory(l);
		n++;
	}
	for (size_t i = 0; st == USHER_OK && i < l->n_raws; i++)
		if (l->raws[i].kind == KIND_DIRECTORY || l->raws[i].kind == KIND_CONNECTION_POINT)
			st = take_part(l, &servers, &l->raws[i]);
	for (size_t i = 0; st == USHER_OK && i < n; i++)
		if (!read_server(l, nodes[i]))
			st = exchange_out_of_memory(l);
	if (st != USHER_OK)
		return st;
	qsort(nodes, n, sizeof(struct server_node *), by_age);
	for (size_t i = 0; st == USHER_OK && i < n; i++) {
		st = add_record(l, ENTITY_SERVER, nodes[i]->record, nodes[i]->dn,
		    nodes[i]->point == NULL ? NULL : nodes[i]->point->dn, &added);
		if (added)
			nodes[n_good++] = nodes[i];
	}
	for (size_t i = 0; st == USHER_OK && i < n_good; i++)
		st = add_parts(l, nodes[i]);
	return st;
}

/* ---- what stands by itself ---- */

/* Records whose first member is their name. Of two with one name, as replication leaves them, the
 * first is taken. */
static usher_status
add_named(struct exchange_loading *l, enum exchange_kind kind, struct name_map *seen)
{
	const struct entity *e = exchange_entity(kind);
	usher_status st = USHER_OK;

	for (size_t i = 0; st == USHER_OK && i < l->n_raws; i++) {
		const struct ldap_entry *entry = &l->raws[i].entry;
		void *record;
		bool added;

		if (l->raws[i].kind != kind)
			continue;
		record = new_record(l, kind);
		if (record == NULL || !read_rows(l, kind, entry, record))
			return exchange_out_of_memory(l);
		if (kind == KIND_PROVIDER)
			field_set_text(&e->table.rows[0], record, name_of(l->mem, entry));
		if (name_map_find(seen, field_text(&e->table.rows[0], record)) != NULL) {
			st = exchange_warn(l, entry->dn, "another object has the same name");
			continue;
		}
		st = add_record(l, e->id, record, entry->dn, entry->dn, &added);
		if (st == USHER_OK && added && !name_map_add(seen, l->raw_mem, record))
			return exchange_out_of_memory(l);
	}
	return st;
}

usher_status
exchange_add_all(struct exchange_loading *l)
{
	struct name_map providers = { 0 }, domains = { 0 };
	usher_status st = add_organization(l);

	if (st == USHER_OK)
		st = add_sites(l);
	if (st == USHER_OK)
		st = add_servers(l);
	if (st == USHER_OK)
		st = add_named(l, KIND_PROVIDER, &providers);
	if (st == USHER_OK)
		st = add_named(l, KIND_DOMAIN, &domains);
	return st;
}
