/* ldap_exchange.c - finding the objects of Exchange's and of Active Directory's. */
#include "dir/ldap_exchange.h"

#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "dir/ldap_exchange_load.h"
#include "dir/ldap_values.h"

enum { RAW_BYTES = 256 * 1024 * 1024 /* of entries, until they are records */ };

/* LDAP_CAP_ACTIVE_DIRECTORY_OID ([MS-ADTS] 3.1.1.3.4.3) */
#define ACTIVE_DIRECTORY "1.2.840.113556.1.4.800"

usher_status
exchange_out_of_memory(const struct exchange_loading *l)
{
	return err_nomem(l->err, ldap_link_uri(l->link));
}

/* ---- lists that grow ---- */

/* Makes room for one more; the room doubles. */
bool
ldap_exchange_grow(struct arena *mem, void *list, size_t n, size_t *room, size_t size)
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

usher_status
exchange_warn(struct exchange_loading *l, const char *dn, const char *why)
{
	if (l->n_warnings == EXCHANGE_WARNINGS_MAX)
		return USHER_OK;
	l->warnings[l->n_warnings] = arena_join(l->mem, dn, ": is passed over: ", why);
	if (l->warnings[l->n_warnings] == NULL)
		return exchange_out_of_memory(l);
	l->n_warnings++;
	return USHER_OK;
}

bool
exchange_has(const struct ldap_entry *entry, const char *name, const char *value)
{
	const struct ldap_attribute *a = ldap_attribute_of(entry, name);

	for (size_t i = 0; a != NULL && i < a->n; i++)
		if (slice_is_nocase(a->values[i], value))
			return true;
	return false;
}

const struct ldap_entry *
exchange_first(const struct exchange_loading *l, enum exchange_kind kind, const char *flag)
{
	const struct ldap_entry *first = NULL;

	for (size_t i = 0; i < l->n_raws; i++) {
		const struct ldap_entry *e = &l->raws[i].entry;

		if (l->raws[i].kind != kind)
			continue;
		if (flag != NULL && exchange_has(e, flag, "TRUE"))
			return e;
		if (first == NULL)
			first = e;
	}
	return first;
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

static usher_status
take_raw(const struct ldap_entry *entry, void *payload, struct usher_error *err)
{
	struct exchange_loading *l = payload;

	(void)err;
	for (size_t i = 0; i < COUNT_OF(classes); i++) {
		if (!exchange_has(entry, "objectClass", classes[i].class))
			continue;
		if (!ldap_exchange_grow(
			l->raw_mem, &l->raws, l->n_raws, &l->raw_room, sizeof(*l->raws)) ||
		    !ldap_entry_copy(l->raw_mem, entry, &l->raws[l->n_raws].entry))
			return exchange_out_of_memory(l);
		l->raws[l->n_raws++].kind = classes[i].kind;
		break;
	}
	return USHER_OK;
}

/* All objects of the kinds `from` to `to` below `under`, which is below `above`. */
static usher_status
search(struct exchange_loading *l, const char *under, const char *above, enum exchange_kind from,
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
		return exchange_out_of_memory(l);
	st = ldap_link_search(l->link, &q, take_raw, l, l->err);
	return st == USHER_E_ABSENT ? USHER_OK : st;
}

static usher_status
search_exchange(struct exchange_loading *l, const char *configuration)
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
search_sites(struct exchange_loading *l, const char *configuration)
{
	static const char *const wanted[] = { "objectClass", "cn", "siteObject", NULL };

	return search(l, "CN=Sites", configuration, KIND_SITE, KIND_SUBNET, wanted);
}

static usher_status
take_domain(const struct ldap_entry *entry, void *payload, struct usher_error *err)
{
	struct exchange_loading *l = payload;
	const char *dns = ldap_text_of(l->raw_mem, entry, "dnsRoot");
	struct map_domain d = { .netbios = ldap_text_of(l->raw_mem, entry, "nETBIOSName"),
		.dn = ldap_text_of(l->raw_mem, entry, "nCName") };

	(void)err;
	d.dns = dns == NULL ? NULL : text_lower_copy(l->raw_mem, slice_of(dns));
	if (d.netbios == NULL || d.dns == NULL || d.dn == NULL)
		return exchange_warn(
		    l, entry->dn, "nETBIOSName, dnsRoot and nCName are not all there");
	if (!ldap_exchange_grow(l->raw_mem, &l->domains, l->n_domains, &l->domain_room, sizeof(d)))
		return exchange_out_of_memory(l);
	l->domains[l->n_domains++] = d;
	return USHER_OK;
}

static usher_status
search_domains(struct exchange_loading *l, const char *configuration)
{
	static const char *const wanted[] = { "nETBIOSName", "dnsRoot", "nCName", NULL };
	const struct link_search q = { .base =
					   arena_join(l->raw_mem, "CN=Partitions,", configuration),
		.scope = LINK_CHILDREN,
		.filter = "(&(objectClass=crossRef)(nETBIOSName=*))",
		.attributes = wanted };
	usher_status st;

	if (q.base == NULL)
		return exchange_out_of_memory(l);
	st = ldap_link_search(l->link, &q, take_domain, l, l->err);
	return st == USHER_E_ABSENT ? USHER_OK : st;
}

/* ---- the whole ---- */

/* `ENTITY.MEMBER=ATTRIBUTE` of the settings goes before what Exchange's own tools use. */
static usher_status
choose_attributes(struct exchange_loading *l, const struct text_list *told)
{
	const char **v = arena_array(l->mem, EXCHANGE_ROWS, sizeof(*v));

	if (v == NULL)
		return exchange_out_of_memory(l);
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
				return exchange_out_of_memory(l);
			if (!slice_is_nocase(slice_trim(name), full))
				continue;
			known = true;
			v[k] = arena_copy(l->mem, slice_trim(slice_skip(text, name.n + 1)));
			if (v[k] == NULL)
				return exchange_out_of_memory(l);
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
	bool extended;		   /* its schema has usher's classes */
	const char *configuration; /* DN; NULL: none */
};

static usher_status
read_root(struct exchange_loading *l, const struct dir_settings *settings, struct root *out)
{
	static const char *const wanted[] = { "supportedCapabilities", "configurationNamingContext",
		NULL };
	struct ldap_entry root;
	usher_status st = ldap_link_read(l->link, l->raw_mem, "", wanted, &root, l->err);

	if (st != USHER_OK)
		return st;
	*out = (struct root){ .active_directory =
				  exchange_has(&root, "supportedCapabilities", ACTIVE_DIRECTORY),
		.configuration = ldap_text_of(l->raw_mem, &root, "configurationNamingContext") };
	if (out->configuration == NULL)
		out->configuration = settings->base;
	return USHER_OK;
}

static enum map_flavour
flavour_of(const struct exchange_loading *l, int kind, const struct root *root)
{
	switch (kind) {
	case DIR_KIND_EXCHANGE:
		return MAP_EXCHANGE;
	case DIR_KIND_ACTIVE_DIRECTORY:
		return MAP_ACTIVE_DIRECTORY;
	case DIR_KIND_OPENLDAP:
		return MAP_OPENLDAP;
	default:
		return exchange_first(l, KIND_ORGANIZATION, NULL) != NULL ? MAP_EXCHANGE :
		       root->active_directory				  ? MAP_ACTIVE_DIRECTORY :
									    MAP_OPENLDAP;
	}
}

static usher_status
take_class(const struct ldap_entry *entry, void *payload, struct usher_error *err)
{
	(void)entry;
	(void)err;
	*(bool *)payload = true;
	return USHER_OK;
}

static usher_status
search_schema(struct exchange_loading *l, struct root *root)
{
	static const char *const nothing[] = { "1.1", NULL };
	const struct link_search q = { .base = arena_join(
					   l->raw_mem, "CN=Schema,", root->configuration),
		.scope = LINK_CHILDREN,
		.filter = "(lDAPDisplayName=" LDAP_CLASS_MAILBOX ")",
		.attributes = nothing };
	usher_status st;

	if (q.base == NULL)
		return exchange_out_of_memory(l);
	st = ldap_link_search(l->link, &q, take_class, &root->extended, l->err);
	return st == USHER_E_ABSENT ? USHER_OK : st;
}

static usher_status
search_all(struct exchange_loading *l, int kind, struct root *root)
{
	bool known = kind == DIR_KIND_AUTO ? root->active_directory : kind != DIR_KIND_OPENLDAP;
	usher_status st = USHER_OK;

	root->extended = !known;
	if (!known || root->configuration == NULL)
		return USHER_OK;
	if (kind != DIR_KIND_ACTIVE_DIRECTORY)
		st = search_exchange(l, root->configuration);
	if (st == USHER_OK)
		st = search_sites(l, root->configuration);
	if (st == USHER_OK)
		st = search_domains(l, root->configuration);
	if (st == USHER_OK)
		st = search_schema(l, root);
	if (st == USHER_OK && kind == DIR_KIND_EXCHANGE &&
	    exchange_first(l, KIND_ORGANIZATION, NULL) == NULL)
		st = exchange_warn(l, root->configuration,
		    "there is no organization of Exchange's that this login may see");
	return st;
}

static usher_status
load(struct exchange_loading *l, const struct dir_settings *settings, struct exchange_view *out)
{
	const char **warnings;
	struct root root;
	usher_status st = choose_attributes(l, &settings->attributes);

	if (st == USHER_OK)
		st = read_root(l, settings, &root);
	if (st == USHER_OK)
		st = search_all(l, settings->kind, &root);
	if (st == USHER_OK)
		st = ldap_map_make(l->mem, flavour_of(l, settings->kind, &root), root.extended,
		    &settings->attributes, l->domains, l->n_domains, &out->map, l->err);
	if (st == USHER_OK)
		st = exchange_add_all(l);
	if (st != USHER_OK)
		return st;
	warnings = arena_array(l->mem, l->n_warnings, sizeof(*warnings));
	if (warnings == NULL)
		return exchange_out_of_memory(l);
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
	struct exchange_loading l = { .link = link, .mem = mem, .err = err };
	struct exchange_view view = { 0 };
	usher_status st;

	l.raw_mem = arena_new(RAW_BYTES);
	st = l.raw_mem == NULL ? exchange_out_of_memory(&l) :
				 load(&l, settings == NULL ? &none : settings, &view);
	arena_free(l.raw_mem);
	if (st == USHER_OK)
		*out = view;
	return st;
}
