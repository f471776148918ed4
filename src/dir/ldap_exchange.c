/* ldap_exchange.c - objects of Exchange's and of Active Directory's read as records. */
#include "dir/ldap_exchange.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/ip.h"
#include "base/name_map.h"
#include "base/text.h"
#include "dir/ldap_exchange_row.h"
#include "model/scp.h"

enum { RAW_BYTES = 256 * 1024 * 1024 /* of entries, until they are records */ };

/* LDAP_CAP_ACTIVE_DIRECTORY_OID ([MS-ADTS] 3.1.1.3.4.3) */
#define ACTIVE_DIRECTORY "1.2.840.113556.1.4.800"

/* The Rpc directory has its own place behind those of the services. */
enum { DIRECTORY_RPC = URL_SERVICE_COUNT, DIRECTORIES };

struct raw {
	enum exchange_kind kind;
	struct ldap_entry entry;
};

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

struct loading {
	struct ldap_link *link;
	struct arena *mem; /* of what stays */
	struct arena *raw_mem;
	struct raw *raws;
	size_t n_raws, raw_room;
	const char *const *attributes; /* of each row */
	struct exchange_object *objects;
	size_t n, room;
	const char *warnings[EXCHANGE_WARNINGS_MAX];
	size_t n_warnings;
	struct map_domain *domains;
	size_t n_domains, domain_room;
	struct usher_error *err;
};

static usher_status
out_of_memory(const struct loading *l)
{
	return err_nomem(l->err, ldap_link_uri(l->link));
}

/* ---- lists that grow ---- */

/* Makes room for one more; the room doubles. */
static bool
grow(struct arena *mem, void *list, size_t n, size_t *room, size_t size)
{
	void *old, *new;

	if (n < *room)
		return true;
	new = arena_array(mem, *room == 0 ? 16 : 2 * *room, size);
	if (new == NULL)
		return false;
	memcpy(&old, list, sizeof(old));
	if (n > 0)
		memcpy(new, old, n * size);
	memcpy(list, &new, sizeof(new));
	*room = *room == 0 ? 16 : 2 * *room;
	return true;
}

static usher_status
warn(struct loading *l, const char *dn, const char *why)
{
	if (l->n_warnings == EXCHANGE_WARNINGS_MAX)
		return USHER_OK;
	l->warnings[l->n_warnings] = arena_join(l->mem, dn, ": is passed over: ", why);
	if (l->warnings[l->n_warnings] == NULL)
		return out_of_memory(l);
	l->n_warnings++;
	return USHER_OK;
}

/* Adds a record, if it is one, from the entry `from`; `dn` is that of the entry to be changed, or
 * NULL. *added may be NULL. */
static usher_status
add_record(struct loading *l, enum entity_id id, void *record, const char *from, const char *dn,
    bool *added)
{
	struct usher_error why = { 0 };
	const char *copy = dn == NULL ? NULL : arena_strdup(l->mem, dn);
	usher_status st = entity_check(l->mem, &entities[id], record, &why);

	if (added != NULL)
		*added = st == USHER_OK;
	if (st == USHER_E_INPUT)
		return warn(l, from, why.message);
	if (st != USHER_OK || (dn != NULL && copy == NULL) ||
	    !grow(l->mem, &l->objects, l->n, &l->room, sizeof(*l->objects)))
		return out_of_memory(l);
	l->objects[l->n++] = (struct exchange_object){ id, record, copy };
	return USHER_OK;
}

/* ---- searching ---- */

static const struct {
	const char *class;
	enum exchange_kind kind;
} classes[] = {
	{ "msExchOrganizationContainer", KIND_ORGANIZATION },
	{ "msExchExchangeServer", KIND_SERVER },
	{ "serviceConnectionPoint", KIND_CONNECTION_POINT },
	{ "msExchVirtualDirectory", KIND_DIRECTORY },
	{ "msExchAutoDiscoverConfig", KIND_PROVIDER },
	{ "msExchAcceptedDomain", KIND_DOMAIN },
	{ "msExchOAB", KIND_ADDRESS_BOOK },
	{ "site", KIND_SITE },
	{ "subnet", KIND_SUBNET },
};

static bool
has_value(const struct ldap_entry *entry, const char *name, const char *value)
{
	const struct ldap_attribute *a = ldap_attribute_of(entry, name);

	for (size_t i = 0; a != NULL && i < a->n; i++)
		if (slice_is_nocase(a->values[i], value))
			return true;
	return false;
}

static usher_status
take_raw(const struct ldap_entry *entry, void *payload, struct usher_error *err)
{
	struct loading *l = payload;

	(void)err;
	for (size_t i = 0; i < COUNT_OF(classes); i++) {
		if (!has_value(entry, "objectClass", classes[i].class))
			continue;
		if (!grow(l->raw_mem, &l->raws, l->n_raws, &l->raw_room, sizeof(*l->raws)) ||
		    !ldap_entry_copy(l->raw_mem, entry, &l->raws[l->n_raws].entry))
			return out_of_memory(l);
		l->raws[l->n_raws++].kind = classes[i].kind;
		break;
	}
	return USHER_OK;
}

/* All objects of the kinds `from` to `to` below `under`, which is below `above`. */
static usher_status
search(struct loading *l, const char *under, const char *above, enum exchange_kind from,
    enum exchange_kind to, const char *const *attributes)
{
	struct link_search q = { .scope = LINK_BELOW, .attributes = attributes };
	const char *filter = "(|";
	usher_status st;

	for (size_t i = 0; filter != NULL && i < COUNT_OF(classes); i++)
		if (classes[i].kind >= from && classes[i].kind <= to)
			filter =
			    arena_join(l->raw_mem, filter, "(objectClass=", classes[i].class, ")");
	q.base = arena_join(l->raw_mem, under, ",", above);
	q.filter = filter == NULL ? NULL : arena_join(l->raw_mem, filter, ")");
	if (q.base == NULL || q.filter == NULL)
		return out_of_memory(l);
	st = ldap_link_search(l->link, &q, take_raw, l, l->err);
	return st == USHER_E_ABSENT ? USHER_OK : st;
}

static usher_status
search_exchange(struct loading *l, const char *configuration)
{
	const char *wanted[EXCHANGE_ROWS + 5] = { "objectClass", "cn", "keywords",
		"msExchOABDefault" };
	size_t n = 4;

	for (size_t i = 0; i < EXCHANGE_ROWS; i++)
		wanted[n++] = l->attributes[i];
	return search(l, "CN=Microsoft Exchange,CN=Services", configuration, KIND_ORGANIZATION,
	    KIND_ADDRESS_BOOK, wanted);
}

static usher_status
search_sites(struct loading *l, const char *configuration)
{
	static const char *const wanted[] = { "objectClass", "cn", "siteObject", NULL };

	return search(l, "CN=Sites", configuration, KIND_SITE, KIND_SUBNET, wanted);
}

static usher_status
take_domain(const struct ldap_entry *entry, void *payload, struct usher_error *err)
{
	struct loading *l = payload;
	const char *dns = ldap_text_of(l->raw_mem, entry, "dnsRoot");
	struct map_domain d = { .netbios = ldap_text_of(l->raw_mem, entry, "nETBIOSName"),
		.dn = ldap_text_of(l->raw_mem, entry, "nCName") };

	(void)err;
	d.dns = dns == NULL ? NULL : text_lower_copy(l->raw_mem, slice_of(dns));
	if (d.netbios == NULL || d.dns == NULL || d.dn == NULL)
		return warn(l, entry->dn, "nETBIOSName, dnsRoot and nCName are not all there");
	if (!grow(l->raw_mem, &l->domains, l->n_domains, &l->domain_room, sizeof(d)))
		return out_of_memory(l);
	l->domains[l->n_domains++] = d;
	return USHER_OK;
}

static usher_status
search_domains(struct loading *l, const char *configuration)
{
	static const char *const wanted[] = { "nETBIOSName", "dnsRoot", "nCName", NULL };
	const struct link_search q = { .base =
					   arena_join(l->raw_mem, "CN=Partitions,", configuration),
		.scope = LINK_CHILDREN,
		.filter = "(&(objectClass=crossRef)(nETBIOSName=*))",
		.attributes = wanted };
	usher_status st;

	if (q.base == NULL)
		return out_of_memory(l);
	st = ldap_link_search(l->link, &q, take_domain, l, l->err);
	return st == USHER_E_ABSENT ? USHER_OK : st;
}

/* ---- records ---- */

/* A zeroed record of the kind, with what the entry tells of it. NULL when out of memory. */
static void *
new_record(struct loading *l, enum exchange_kind kind)
{
	const struct entity *e = exchange_entity(kind);
	void *record = arena_alloc(l->mem, e->table.size);

	if (record != NULL)
		record_init(&e->table, record);
	return record;
}

static bool
read_rows(struct loading *l, enum exchange_kind kind, const struct ldap_entry *entry, void *record)
{
	for (size_t i = 0; i < EXCHANGE_ROWS; i++)
		if (exchange_rows[i].kind == kind &&
		    !exchange_read(&exchange_rows[i], ldap_attribute_of(entry, l->attributes[i]),
			l->mem, record))
			return false;
	return true;
}

static const char *
name_of(struct loading *l, const struct ldap_entry *entry)
{
	return ldap_text_of(l->mem, entry, "cn");
}

/* The DN `n` steps above, in l->raw_mem's texts. */
static const char *
above(const char *dn, size_t n)
{
	while (n-- > 0)
		dn = ldap_dn_parent(dn);
	return dn;
}

static const struct ldap_entry *
first_of(const struct loading *l, enum exchange_kind kind, const char *flag)
{
	const struct ldap_entry *first = NULL;

	for (size_t i = 0; i < l->n_raws; i++) {
		const struct ldap_entry *e = &l->raws[i].entry;

		if (l->raws[i].kind != kind)
			continue;
		if (flag != NULL && has_value(e, flag, "TRUE"))
			return e;
		if (first == NULL)
			first = e;
	}
	return first;
}

static usher_status
add_organization(struct loading *l)
{
	const struct ldap_entry *entry = first_of(l, KIND_ORGANIZATION, NULL);
	const struct ldap_entry *book = first_of(l, KIND_ADDRESS_BOOK, "msExchOABDefault");
	const struct ldap_entry *server = first_of(l, KIND_SERVER, NULL);
	struct organization *o;

	if (entry == NULL)
		return USHER_OK;
	o = new_record(l, KIND_ORGANIZATION);
	if (o == NULL || !read_rows(l, KIND_ORGANIZATION, entry, o) ||
	    (book != NULL && !read_rows(l, KIND_ADDRESS_BOOK, book, o)))
		return out_of_memory(l);
	o->name = name_of(l, entry);
	/* CN=QUAY1,CN=Servers,CN=First Administrative Group */
	if (server != NULL)
		o->administrative_group = ldap_dn_name(l->mem, above(server->dn, 2));
	return add_record(l, ENTITY_ORGANIZATION, o, entry->dn, entry->dn, NULL);
}

/* ---- sites ---- */

static usher_status
add_subnet(struct loading *l, const struct name_map *sites, const struct ldap_entry *entry)
{
	const char *dn = ldap_text_of(l->raw_mem, entry, "siteObject");
	const char *subnet = name_of(l, entry), *fault;
	struct site_node *at = name_map_find(sites, dn);
	struct ip_subnet parsed;

	if (at == NULL) /* no site yet: its clients are at home nowhere */
		return USHER_OK;
	fault = subnet == NULL ? "has no name" : ip_subnet_parse(subnet, &parsed);
	if (fault != NULL)
		return warn(l, entry->dn, fault);
	if (at->record->subnets.n == FIELD_LIST_MAX)
		return warn(l, entry->dn, "its site has too many subnets");
	if (!grow(l->mem, &at->record->subnets.v, at->record->subnets.n, &at->room, sizeof(subnet)))
		return out_of_memory(l);
	((const char **)(uintptr_t)at->record->subnets.v)[at->record->subnets.n++] = subnet;
	return USHER_OK;
}

static usher_status
add_sites(struct loading *l)
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
			return out_of_memory(l);
		node->dn = e->dn;
		node->record = new_record(l, KIND_SITE);
		if (node->record == NULL || !name_map_add(&sites, l->raw_mem, node))
			return out_of_memory(l);
		node->record->name = name_of(l, e);
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
take_directory(struct loading *l, struct server_node *node, const struct ldap_entry *entry)
{
	const char *name = name_of(l, entry), *other;
	int rank, other_rank, service;

	service = name == NULL ? -1 : directory_of(name, &rank);
	if (service < 0)
		return USHER_OK;
	other = node->directories[service] == NULL ? NULL : name_of(l, node->directories[service]);
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
take_part(struct loading *l, const struct name_map *servers, const struct raw *raw)
{
	struct server_node *node = name_map_find(servers, above(raw->entry.dn, 3));

	if (node == NULL)
		return raw->kind == KIND_CONNECTION_POINT ?
			   USHER_OK :
			   warn(l, raw->entry.dn, "its server is not there (yet)");
	if (raw->kind == KIND_DIRECTORY)
		return take_directory(l, node, &raw->entry);
	if (has_value(&raw->entry, "keywords", SCP_URL_KEYWORD))
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
add_messaging(struct loading *l, const struct server_node *node, const struct service_url *ews)
{
	struct service_url *um = new_record(l, KIND_DIRECTORY);
	struct version v;

	if (um == NULL || !messaging_beside(l->mem, ews->internal, &um->internal) ||
	    !messaging_beside(l->mem, ews->external, &um->external))
		return out_of_memory(l);
	if (!version_parse(node->record->version, &v) || v.major < 14 ||
	    (v.major == 15 && v.minor > 1))
		return USHER_OK;
	um->server = ews->server;
	um->service = URL_UM;
	return add_record(l, ENTITY_URL, um, node->dn, NULL, NULL);
}

static usher_status
add_url(struct loading *l, const struct server_node *node, int service)
{
	const struct ldap_entry *entry = node->directories[service];
	struct service_url *url = new_record(l, KIND_DIRECTORY);
	bool added;
	usher_status st;

	if (url == NULL || !read_rows(l, KIND_DIRECTORY, entry, url))
		return out_of_memory(l);
	url->server = node->record->name;
	url->service = service;
	st = add_record(l, ENTITY_URL, url, entry->dn, entry->dn, &added);
	if (st == USHER_OK && added && service == URL_EWS && node->directories[URL_UM] == NULL)
		st = add_messaging(l, node, url);
	return st;
}

static usher_status
add_outlook_anywhere(struct loading *l, const struct server_node *node)
{
	const struct ldap_entry *entry = node->directories[DIRECTORY_RPC];
	struct outlook_anywhere *rpc = new_record(l, KIND_RPC);

	if (rpc == NULL || !read_rows(l, KIND_RPC, entry, rpc))
		return out_of_memory(l);
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
add_parts(struct loading *l, const struct server_node *node)
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
read_server(struct loading *l, struct server_node *node)
{
	node->record = new_record(l, KIND_SERVER);
	if (node->record == NULL ||
	    (node->point != NULL &&
		!read_rows(l, KIND_CONNECTION_POINT, node->point, node->record)) ||
	    !read_rows(l, KIND_SERVER, node->entry, node->record))
		return false;
	node->record->name = name_of(l, node->entry);
	return true;
}

static usher_status
add_servers(struct loading *l)
{
	struct server_node **nodes =
	    arena_array(l->raw_mem, l->n_raws, sizeof(struct server_node *));
	struct name_map servers = { 0 };
	usher_status st = USHER_OK;
	size_t n = 0, n_good = 0;
	bool added;

	if (nodes == NULL)
		return out_of_memory(l);
	for (size_t i = 0; i < l->n_raws; i++) {
		if (l->raws[i].kind != KIND_SERVER ||
		    name_map_find(&servers, l->raws[i].entry.dn) != NULL)
			continue;
		nodes[n] = arena_zalloc(l->raw_mem, sizeof(*nodes[n]));
		if (nodes[n] == NULL)
			return out_of_memory(l);
		nodes[n]->entry = &l->raws[i].entry;
		nodes[n]->dn = l->raws[i].entry.dn;
		if (!name_map_add(&servers, l->raw_mem, nodes[n]))
			return out_of_memory(l);
		n++;
	}
	for (size_t i = 0; st == USHER_OK && i < l->n_raws; i++)
		if (l->raws[i].kind == KIND_DIRECTORY || l->raws[i].kind == KIND_CONNECTION_POINT)
			st = take_part(l, &servers, &l->raws[i]);
	for (size_t i = 0; st == USHER_OK && i < n; i++)
		if (!read_server(l, nodes[i]))
			st = out_of_memory(l);
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
add_named(struct loading *l, enum exchange_kind kind, struct name_map *seen)
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
			return out_of_memory(l);
		if (field_absent(&e->table.rows[0], record))
			field_set_text(&e->table.rows[0], record, name_of(l, entry));
		if (name_map_find(seen, field_text(&e->table.rows[0], record)) != NULL) {
			st = warn(l, entry->dn, "another object has the same name");
			continue;
		}
		st = add_record(l, e->id, record, entry->dn, entry->dn, &added);
		if (st == USHER_OK && added && !name_map_add(seen, l->raw_mem, record))
			return out_of_memory(l);
	}
	return st;
}

static usher_status
add_all(struct loading *l)
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

/* ---- the whole ---- */

/* `ENTITY.MEMBER=ATTRIBUTE` of the settings goes before what Exchange's own tools use. */
static usher_status
choose_attributes(struct loading *l, const struct text_list *told)
{
	const char **v = arena_array(l->mem, EXCHANGE_ROWS, sizeof(*v));

	if (v == NULL)
		return out_of_memory(l);
	for (size_t i = 0; i < EXCHANGE_ROWS; i++)
		v[i] = exchange_rows[i].attribute;
	for (size_t i = 0; i < told->n; i++) {
		struct slice text = slice_of(told->v[i]), name = text;
		bool known = false;

		name.n = slice_find(text, '=');
		if (slice_find(name, '.') == name.n) /* of people */
			continue;
		for (size_t k = 0; k < EXCHANGE_ROWS; k++) {
			const struct exchange_row *row = &exchange_rows[k];
			const char *full = arena_join(
			    l->raw_mem, exchange_entity(row->kind)->name, ".", row->member);

			if (full == NULL)
				return out_of_memory(l);
			if (!slice_is_nocase(slice_trim(name), full))
				continue;
			known = true;
			v[k] = arena_copy(l->mem, slice_trim(slice_skip(text, name.n + 1)));
			if (v[k] == NULL)
				return out_of_memory(l);
		}
		if (!known)
			return err_set(l->err, USHER_E_INPUT, told->v[i],
			    "no object of Exchange's has such a member; there are those of "
			    "servers, URLs, Outlook Anywhere, providers and domains, like "
			    "provider.ttl");
	}
	l->attributes = v;
	return USHER_OK;
}

struct root {
	bool active_directory;
	const char *configuration; /* DN; NULL: none */
};

static usher_status
read_root(struct loading *l, const struct dir_settings *settings, struct root *out)
{
	static const char *const wanted[] = { "supportedCapabilities", "configurationNamingContext",
		NULL };
	struct ldap_entry root;
	usher_status st = ldap_link_read(l->link, l->raw_mem, "", wanted, &root, l->err);

	if (st != USHER_OK)
		return st;
	*out = (struct root){ has_value(&root, "supportedCapabilities", ACTIVE_DIRECTORY),
		ldap_text_of(l->raw_mem, &root, "configurationNamingContext") };
	if (out->configuration == NULL)
		out->configuration = settings->base;
	return USHER_OK;
}

static enum map_flavour
flavour_of(const struct loading *l, int kind, const struct root *root)
{
	switch (kind) {
	case DIR_KIND_EXCHANGE:
		return MAP_EXCHANGE;
	case DIR_KIND_ACTIVE_DIRECTORY:
		return MAP_ACTIVE_DIRECTORY;
	case DIR_KIND_OPENLDAP:
		return MAP_OPENLDAP;
	default:
		return first_of(l, KIND_ORGANIZATION, NULL) != NULL ? MAP_EXCHANGE :
		       root->active_directory			    ? MAP_ACTIVE_DIRECTORY :
								      MAP_OPENLDAP;
	}
}

static usher_status
search_all(struct loading *l, int kind, const struct root *root)
{
	bool known = kind == DIR_KIND_AUTO ? root->active_directory : kind != DIR_KIND_OPENLDAP;
	usher_status st = USHER_OK;

	if (!known || root->configuration == NULL)
		return USHER_OK;
	if (kind != DIR_KIND_ACTIVE_DIRECTORY)
		st = search_exchange(l, root->configuration);
	if (st == USHER_OK)
		st = search_sites(l, root->configuration);
	if (st == USHER_OK)
		st = search_domains(l, root->configuration);
	if (st == USHER_OK && kind == DIR_KIND_EXCHANGE &&
	    first_of(l, KIND_ORGANIZATION, NULL) == NULL)
		st = warn(l, root->configuration,
		    "there is no organization of Exchange's that this login may see");
	return st;
}

static usher_status
load(struct loading *l, const struct dir_settings *settings, struct exchange_view *out)
{
	const char **warnings;
	struct root root;
	usher_status st = choose_attributes(l, &settings->attributes);

	if (st == USHER_OK)
		st = read_root(l, settings, &root);
	if (st == USHER_OK)
		st = search_all(l, settings->kind, &root);
	if (st == USHER_OK)
		st = ldap_map_make(l->mem, flavour_of(l, settings->kind, &root),
		    &settings->attributes, l->domains, l->n_domains, &out->map, l->err);
	if (st == USHER_OK)
		st = add_all(l);
	if (st != USHER_OK)
		return st;
	warnings = arena_array(l->mem, l->n_warnings, sizeof(*warnings));
	if (warnings == NULL)
		return out_of_memory(l);
	if (l->n_warnings > 0)
		memcpy(warnings, l->warnings, l->n_warnings * sizeof(*warnings));
	out->objects = l->objects;
	out->n = l->n;
	out->warnings = (struct text_list){ warnings, l->n_warnings };
	out->attributes = l->attributes;
	return USHER_OK;
}

usher_status
ldap_exchange_load(struct ldap_link *link, const struct dir_settings *settings, struct arena *mem,
    struct exchange_view *out, struct usher_error *err)
{
	static const struct dir_settings none = { .kind = DIR_KIND_AUTO };
	struct loading l = { .link = link, .mem = mem, .err = err };
	struct exchange_view view = { 0 };
	usher_status st;

	l.raw_mem = arena_new(RAW_BYTES);
	st = l.raw_mem == NULL ? out_of_memory(&l) :
				 load(&l, settings == NULL ? &none : settings, &view);
	arena_free(l.raw_mem);
	if (st == USHER_OK)
		*out = view;
	return st;
}

/* ---- changing ---- */

static bool
same_key(const struct entity *e, const void *a, const void *b)
{
	for (size_t i = 0; i < e->n_keys; i++) {
		const struct field *f = &e->table.rows[i];

		if (f->type == FIELD_TEXT ?
			!slice_eq_nocase(slice_of(field_text(f, a)), slice_of(field_text(f, b))) :
			!field_equal(f, a, b))
			return false;
	}
	return true;
}

const struct exchange_object *
ldap_exchange_find(
    const struct exchange_view *view, const struct entity *entity, const void *record)
{
	for (size_t i = 0; i < view->n; i++)
		if (view->objects[i].entity == entity->id &&
		    same_key(entity, view->objects[i].record, record))
			return &view->objects[i];
	return NULL;
}

/* The row of the object itself that has the member, not of one beside it; NULL: none has. */
static const struct exchange_row *
row_of(enum entity_id entity, const char *member, size_t *at)
{
	for (size_t i = EXCHANGE_ROWS; i-- > 0;) {
		const struct exchange_row *row = &exchange_rows[i];

		*at = i;
		if (exchange_entity(row->kind)->id == entity && strcmp(row->member, member) == 0)
			return row;
	}
	return NULL;
}

struct changing {
	const struct exchange_view *view;
	const struct exchange_object *object;
	struct arena *mem;
	const struct ldap_entry *entry;
	const void *wanted;
	struct ldap_edit edits[2 * EXCHANGE_ROWS];
	size_t n;
	struct usher_error *err;
};

/* Takes the values that are there away and adds the wanted ones. */
static usher_status
change_member(struct changing *c, const struct field *f)
{
	const struct entity *e = &entities[c->object->entity];
	size_t at;
	const struct exchange_row *row = row_of(e->id, f->name, &at);
	const char *key = entity_key_text(c->mem, e, c->wanted);
	const struct ldap_attribute *old;
	struct ldap_attribute new = { 0 };

	if (row == NULL)
		return err_set(c->err, USHER_E_INPUT, key,
		    "%s: Exchange has no place for it in its own %s", f->name, e->title);
	if (row->fixed)
		return err_set(c->err, USHER_E_INPUT, key,
		    "%s: Exchange keeps it in %s, which only its own tools should write", f->name,
		    c->view->attributes[at]);
	if (c->object->dn == NULL)
		return err_set(c->err, USHER_E_INPUT, key,
		    e->id == ENTITY_SERVER ? "%s: the server has no connection point; make one "
					     "with `usher scp publish`" :
					     "%s: it follows from the URL of ews",
		    f->name);
	old = ldap_attribute_of(c->entry, c->view->attributes[at]);
	new.name = c->view->attributes[at];
	if (!exchange_write(row, old, c->mem, c->wanted, &new))
		return err_nomem(c->err, key);
	if (old != NULL && old->n > 0)
		c->edits[c->n++] = (struct ldap_edit){ LDAP_EDIT_DELETE, *old };
	if (new.n > 0)
		c->edits[c->n++] = (struct ldap_edit){ LDAP_EDIT_ADD, new };
	return USHER_OK;
}

usher_status
ldap_exchange_edit(const struct exchange_view *view, const struct exchange_object *object,
    struct arena *mem, const struct ldap_entry *entry, const void *wanted, struct ldap_change *out,
    struct usher_error *err)
{
	const struct field_table *table = &entities[object->entity].table;
	struct changing c = { .view = view,
		.object = object,
		.mem = mem,
		.entry = entry,
		.wanted = wanted,
		.err = err };
	struct ldap_edit *edits;

	for (size_t i = 0; i < table->n; i++) {
		usher_status st = USHER_OK;

		if (!field_equal(&table->rows[i], object->record, wanted))
			st = change_member(&c, &table->rows[i]);
		if (st != USHER_OK)
			return st;
	}
	edits = arena_array(mem, c.n, sizeof(*edits));
	if (edits == NULL)
		return err_nomem(err, object->dn);
	if (c.n > 0)
		memcpy(edits, c.edits, c.n * sizeof(*edits));
	*out = (struct ldap_change){ LDAP_CHANGE_MODIFY, object->dn, edits, c.n };
	return USHER_OK;
}
