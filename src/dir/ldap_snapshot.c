/* ldap_snapshot.c - all of the configuration that a directory holds, read at once. */
#include "dir/ldap_snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "dir/ldap.h"
#include "dir/ldap_exchange.h"
#include "dir/ldap_values.h"

enum { LOAD_MS = 5 * 60 * 1000, RAW_BYTES = 64 * 1024 * 1024 };

/* Records of one entity, one behind the other. */
struct list {
	char *v;
	size_t n, room;
	struct name_map by_key; /* of struct named */
};

struct named {
	const char *key; /* first: see struct name_map */
};

struct loading {
	struct arena *mem;
	struct list lists[ENTITY_COUNT];
	const char *skipped[SNAPSHOT_SKIPPED_MAX];
	size_t n_skipped;
	uint64_t sum; /* of all records, whatever their order */
	const char *container;
};

static usher_status
no_room(const struct loading *l, struct usher_error *err)
{
	return err_set(err, USHER_E_LIMIT, l->container, "there are more than %d MB of records",
	    SNAPSHOT_BYTES / (1024 * 1024));
}

static void
skip(struct loading *l, const char *dn, const char *why)
{
	const char *text;

	if (l->n_skipped == SNAPSHOT_SKIPPED_MAX)
		return;
	text = arena_join(l->mem, dn, ": ", why);
	if (text != NULL)
		l->skipped[l->n_skipped++] = text;
}

/* ---- what tells one state from another ---- */

static uint64_t
mix(uint64_t h, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * UINT64_C(1099511628211); /* FNV-1a */
	return h;
}

static bool
add_up(struct loading *l, const struct entity *e, const void *record)
{
	uint64_t h = mix(UINT64_C(14695981039346656037), slice_of(e->name));
	struct arena *mem CLEANUP(arena_cleanup) = arena_new(RAW_BYTES);

	for (size_t i = 0; mem != NULL && i < e->table.n; i++) {
		struct slice value = ldap_value_of(mem, &e->table.rows[i], record);

		if (value.p == NULL)
			return false;
		h = mix(mix(h, value), SLICE_LITERAL("\n"));
	}
	l->sum += h;
	return mem != NULL;
}

/* ---- gathering ---- */

static usher_status
grow(struct loading *l, struct list *list, size_t size, struct usher_error *err)
{
	size_t room = list->room == 0 ? 16 : 2 * list->room;
	char *v;

	if (list->n < list->room)
		return USHER_OK;
	v = arena_array(l->mem, room, size);
	if (v == NULL)
		return no_room(l, err);
	if (list->n > 0)
		memcpy(v, list->v, list->n * size);
	list->v = v;
	list->room = room;
	return USHER_OK;
}

/* The first that has a key keeps it. */
static usher_status
keep(struct loading *l, const struct entity *e, const void *record, const char *dn,
    struct usher_error *err)
{
	struct list *list = &l->lists[e->id];
	struct named *named = arena_alloc(l->mem, sizeof(*named));
	usher_status st;

	if (named == NULL || !add_up(l, e, record))
		return no_room(l, err);
	if (e->id == ENTITY_CERTIFICATE || e->id == ENTITY_AUTHORITY)
		return USHER_OK;
	named->key = entity_key_text(l->mem, e, record);
	if (named->key == NULL)
		return no_room(l, err);
	if (name_map_find(&list->by_key, named->key) != NULL) {
		skip(l, dn, "there is another entry for the same");
		return USHER_OK;
	}
	st = grow(l, list, e->table.size, err);
	if (st != USHER_OK)
		return st;
	if (!name_map_add(&list->by_key, l->mem, named) ||
	    !record_copy(l->mem, &e->table, list->v + list->n * e->table.size, record))
		return no_room(l, err);
	list->n++;
	return USHER_OK;
}

static usher_status
take_entry(const struct ldap_entry *entry, void *payload, struct usher_error *err)
{
	struct arena *mem CLEANUP(arena_cleanup) = arena_new(RAW_BYTES);
	struct loading *l = payload;
	const struct entity *e;
	struct usher_error why;
	union org_record record;
	int64_t revision;
	usher_status st;

	if (mem == NULL)
		return no_room(l, err);
	st = ldap_record_read(mem, entry, &e, &revision, &record, &why);
	if (st == USHER_OK)
		return keep(l, e, &record, entry->dn, err);
	skip(l, entry->dn, why.message);
	return USHER_OK;
}

static usher_status
load_records(struct loading *l, struct ldap_link *link, bool must_be, struct usher_error *err)
{
	static const char *const wanted[] = { LDAP_ENTITY, LDAP_VALUE, LDAP_REVISION, NULL };
	const struct link_search search = { .base = l->container,
		.scope = LINK_CHILDREN,
		.filter = "(objectClass=" LDAP_CLASS_RECORD ")",
		.attributes = wanted,
		.in_all_ms = LOAD_MS };
	usher_status st = ldap_link_search(link, &search, take_entry, l, err);

	if (st == USHER_E_ABSENT && !must_be)
		return USHER_OK;
	return st == USHER_E_ABSENT ?
		   err_set(err, st, l->container,
		       "there is no such entry, or this login may not see it; make it with `usher "
		       "setup`, or name it as container in section [directory]") :
		   st;
}

/* ---- arranging ---- */

static int
compare_servers(const void *a, const void *b)
{
	const struct server *x = a, *y = b;

	if (x->created != y->created)
		return x->created < y->created ? -1 : 1;
	return strcasecmp(x->name, y->name);
}

/* Those that are only listed: by the text that comes first in each. */
static int
compare_names(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcasecmp(*x, *y);
}

static void
sort(const struct loading *l, enum entity_id id, int (*compare)(const void *, const void *))
{
	if (l->lists[id].n > 1)
		qsort(l->lists[id].v, l->lists[id].n, entities[id].table.size, compare);
}

#define LISTED(view, l, id, array, count) \
	do { \
		(view)->array = (void *)(l)->lists[id].v; \
		(view)->count = (l)->lists[id].n; \
	} while (0)

static bool
arrange(struct loading *l, struct org_view *view)
{
	const struct list *organization = &l->lists[ENTITY_ORGANIZATION];

	sort(l, ENTITY_SITE, compare_names);
	sort(l, ENTITY_SERVER, compare_servers);
	sort(l, ENTITY_PROVIDER, compare_names);
	sort(l, ENTITY_RELATIONSHIP, compare_names);
	memset(view, 0, sizeof(*view));
	record_init(&entities[ENTITY_ORGANIZATION].table, &view->organization);
	if (organization->n > 0)
		memcpy(&view->organization, organization->v, sizeof(view->organization));
	LISTED(view, l, ENTITY_SITE, sites, n_sites);
	LISTED(view, l, ENTITY_SERVER, servers, n_servers);
	LISTED(view, l, ENTITY_URL, urls, n_urls);
	LISTED(view, l, ENTITY_OUTLOOK_ANYWHERE, outlook_anywhere, n_outlook_anywhere);
	LISTED(view, l, ENTITY_PROVIDER, providers, n_providers);
	LISTED(view, l, ENTITY_RELATIONSHIP, relationships, n_relationships);
	return org_view_link(l->mem, view);
}

static bool
add_domains(struct loading *l, struct name_map *domains)
{
	const struct list *list = &l->lists[ENTITY_DOMAIN];
	struct domain_entry *all = arena_array(l->mem, list->n, sizeof(*all));
	bool ok = all != NULL;

	for (size_t i = 0; ok && i < list->n; i++) {
		memcpy(&all[i].domain, list->v + i * sizeof(all[i].domain), sizeof(all[i].domain));
		ok = name_map_add(domains, l->mem, &all[i]);
	}
	return ok;
}

/* Parts of one domain become neighbours. What belongs to none is as good as not there: half of a
 * domain may have reached this server, as while it replicates. */
static void
add_parts(const struct loading *l, struct name_map *domains)
{
	struct mail_service *services = (void *)l->lists[ENTITY_SERVICE].v;
	struct redirect *rules = (void *)l->lists[ENTITY_REDIRECT].v;
	size_t n;

	sort(l, ENTITY_SERVICE, compare_names);
	for (size_t i = 0; i < l->lists[ENTITY_SERVICE].n; i += n) {
		struct domain_entry *d = name_map_find(domains, services[i].domain);

		for (n = 1; i + n < l->lists[ENTITY_SERVICE].n &&
			    strcasecmp(services[i].domain, services[i + n].domain) == 0;)
			n++;
		domain_entry_sort(&services[i], n, NULL, 0);
		if (d != NULL) {
			d->services = &services[i];
			d->n_services = n;
		}
	}
	sort(l, ENTITY_REDIRECT, compare_names);
	for (size_t i = 0; i < l->lists[ENTITY_REDIRECT].n; i += n) {
		struct domain_entry *d = name_map_find(domains, rules[i].domain);

		for (n = 1; i + n < l->lists[ENTITY_REDIRECT].n &&
			    strcasecmp(rules[i].domain, rules[i + n].domain) == 0;)
			n++;
		domain_entry_sort(NULL, 0, &rules[i], n);
		if (d != NULL) {
			d->redirects = &rules[i];
			d->n_redirects = n;
		}
	}
}

static usher_status
finish(struct loading *l, struct ldap_snapshot *out, struct usher_error *err)
{
	const char **skipped = arena_array(l->mem, l->n_skipped, sizeof(*skipped));

	if (skipped == NULL || !arrange(l, &out->org) || !add_domains(l, &out->domains))
		return no_room(l, err);
	add_parts(l, &out->domains);
	if (l->n_skipped > 0)
		memcpy(skipped, l->skipped, l->n_skipped * sizeof(*skipped));
	out->skipped = (struct text_list){ skipped, l->n_skipped };
	out->generation = l->sum;
	return USHER_OK;
}

usher_status
ldap_snapshot_load(struct ldap_link *link, const struct dir_settings *settings, struct arena *mem,
    struct ldap_snapshot *out, struct usher_error *err)
{
	struct loading l = { .mem = mem };
	struct ldap_snapshot snapshot = { .generation = 0 };
	struct ldap_layout layout;
	struct exchange_view view;
	usher_status st = ldap_layout_find(link, settings, mem, &layout, err);

	if (st != USHER_OK)
		return st;
	l.container = layout.container;
	st = ldap_exchange_load(link, settings, mem, &view, err);
	for (size_t i = 0; st == USHER_OK && i < view.n; i++)
		st = keep(&l, &entities[view.objects[i].entity], view.objects[i].record,
		    view.objects[i].dn == NULL ? layout.base : view.objects[i].dn, err);
	for (size_t i = 0; st == USHER_OK && i < view.warnings.n; i++)
		if (l.n_skipped < SNAPSHOT_SKIPPED_MAX)
			l.skipped[l.n_skipped++] = view.warnings.v[i];
	if (st == USHER_OK)
		st = load_records(&l, link, ldap_map_flavour(view.map) != MAP_EXCHANGE, err);
	if (st != USHER_OK)
		return st;
	snapshot.map = view.map;
	snapshot.people = layout.people;
	st = finish(&l, &snapshot, err);
	if (st == USHER_OK)
		*out = snapshot;
	return st;
}
