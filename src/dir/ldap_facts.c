/* ldap_facts.c - lookups of handles that manage: what the changes of their transaction will make
 * true is true to them already. */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "dir/ldap_manage.h"
#include "dir/serve.h"

/* All records of an entity whose first text is `first` (NULL: any), one behind the other in `mem`.
 */
static usher_status
gather(struct ldap_manage *m, struct arena *mem, enum entity_id id, const char *first, void *array,
    size_t *n, struct usher_error *err)
{
	const struct entity *e = &entities[id];
	const struct held_set *set = &m->sets[id];
	usher_status st = record_all(m, e, err);
	size_t size = e->table.size, count = 0;
	char *v = st == USHER_OK ? arena_array(mem, set->n, size) : NULL;

	if (st != USHER_OK)
		return st;
	if (v == NULL)
		return err_nomem(err, e->title);
	for (size_t i = 0; i < set->n; i++) {
		const struct held *h = set->v[i];

		if (h->gone || (first != NULL && !slice_is_nocase(slice_of(first),
						     field_text(&e->table.rows[0], h->record))))
			continue;
		if (!record_copy(mem, &e->table, v + count++ * size, h->record))
			return err_nomem(err, e->title);
	}
	memcpy(array, &v, sizeof(v));
	*n = count;
	return USHER_OK;
}

static usher_status
make_org(
    struct ldap_manage *m, struct arena *mem, const struct org_view **out, struct usher_error *err)
{
	struct org_view *o = arena_zalloc(mem, sizeof(*o));
	struct organization *organization;
	usher_status st;
	size_t n;

	if (o == NULL)
		return err_nomem(err, m->d->uri);
	record_init(&entities[ENTITY_ORGANIZATION].table, &o->organization);
	st = gather(m, mem, ENTITY_ORGANIZATION, NULL, &organization, &n, err);
	if (st == USHER_OK && n > 0)
		o->organization = organization[0];
	if (st == USHER_OK)
		st = gather(m, mem, ENTITY_SITE, NULL, &o->sites, &o->n_sites, err);
	if (st == USHER_OK)
		st = gather(m, mem, ENTITY_SERVER, NULL, &o->servers, &o->n_servers, err);
	if (st == USHER_OK)
		st = gather(m, mem, ENTITY_URL, NULL, &o->urls, &o->n_urls, err);
	if (st == USHER_OK)
		st = gather(m, mem, ENTITY_OUTLOOK_ANYWHERE, NULL, &o->outlook_anywhere,
		    &o->n_outlook_anywhere, err);
	if (st == USHER_OK)
		st = gather(m, mem, ENTITY_PROVIDER, NULL, &o->providers, &o->n_providers, err);
	if (st == USHER_OK)
		st = gather(
		    m, mem, ENTITY_RELATIONSHIP, NULL, &o->relationships, &o->n_relationships, err);
	if (st == USHER_OK && !org_view_link(mem, o))
		st = err_nomem(err, m->d->uri);
	if (st == USHER_OK)
		*out = o;
	return st;
}

static usher_status
find_domain(void *payload, struct arena *mem, const char *name, const struct domain_entry **out,
    struct usher_error *err)
{
	struct ldap_manage *m = payload;
	struct domain_entry *entry = arena_zalloc(mem, sizeof(*entry));
	struct mail_service *services;
	struct redirect *redirects;
	union org_record key;
	struct held *h;
	usher_status st;

	*out = NULL;
	record_init(&entities[ENTITY_DOMAIN].table, &key);
	key.domain.domain = name;
	if (entry == NULL)
		return err_nomem(err, name);
	st = record_held(m, &entities[ENTITY_DOMAIN], &key, &h, err);
	if (st != USHER_OK || h == NULL)
		return st;
	if (!record_copy(mem, &entities[ENTITY_DOMAIN].table, &entry->domain, h->record))
		return err_nomem(err, name);
	st = gather(m, mem, ENTITY_SERVICE, name, &services, &entry->n_services, err);
	if (st == USHER_OK)
		st = gather(m, mem, ENTITY_REDIRECT, name, &redirects, &entry->n_redirects, err);
	if (st != USHER_OK)
		return st;
	domain_entry_sort(services, entry->n_services, redirects, entry->n_redirects);
	entry->services = services;
	entry->redirects = redirects;
	*out = entry;
	return USHER_OK;
}

static usher_status
person_at(struct ldap_manage *m, struct arena *mem, const struct located *at, struct held **out,
    struct usher_error *err)
{
	const char *address = arena_printf(
	    mem, "%.*s@%s", (int)at->local.n, at->local.n == 0 ? "" : at->local.p, at->domain);

	return address == NULL ? err_nomem(err, at->domain) :
				 person_of_address(m, address, out, err);
}

/* The mailbox of the address as it is, else of the address without its detail. */
static usher_status
find_person(struct ldap_manage *m, struct arena *mem, const struct located *at, struct held **out,
    struct usher_error *err)
{
	struct located base;
	usher_status st = USHER_OK;

	if (at->entry != NULL)
		st = person_at(m, mem, at, out, err);
	if (st == USHER_OK && at->entry != NULL && *out == NULL && serve_base(at, &base))
		st = person_at(m, mem, &base, out, err);
	return st;
}

static usher_status
keep_alternative(const void *record, void *payload)
{
	struct alternative_mailbox **at = payload;

	*(*at)++ = *(const struct alternative_mailbox *)record;
	return USHER_OK;
}

static usher_status
put_person(struct ldap_manage *m, struct arena *mem, const struct held *h, struct facts *out,
    struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_ALTERNATIVE_MAILBOX];
	const struct ldap_attribute *a = ldap_attribute_of(&h->entry, LDAP_ALTERNATIVE);
	const struct mailbox *mailbox = ldap_person_mailbox(h->person, out->address);
	struct alternative_mailbox *v = arena_array(mem, a == NULL ? 0 : a->n, sizeof(*v)), *at = v;
	const struct mailbox key = *(const struct mailbox *)h->record;
	struct alternative_mailbox prefix;

	if (mailbox == NULL)
		return USHER_OK;
	record_init(&e->table, &prefix);
	prefix.mailbox = key.address;
	out->mailbox = h->record;
	out->alternatives = v;
	if (v == NULL)
		return err_nomem(err, key.address);
	if (people_each(m, e, &prefix, keep_alternative, &at, err) != USHER_OK)
		return USHER_E_UNAVAILABLE;
	out->n_alternatives = (size_t)(at - v);
	return USHER_OK;
}

static usher_status
find_facts(struct ldap_manage *m, struct arena *mem, const struct question *q, struct facts *out,
    struct usher_error *err)
{
	const struct serve_domains domains = { find_domain, m };
	const char *address = q->address;
	struct address asked;
	struct located at;
	struct held *h = NULL;
	usher_status st = make_org(m, mem, &out->org, err);

	if (st == USHER_OK && q->legacy_dn != NULL) {
		st = person_of_legacy_dn(m, q->legacy_dn, &h, err);
		address = h == NULL ?
			      legacy_dn_address(mem, &out->org->organization, q->legacy_dn) :
			      ((const struct mailbox *)h->record)->address;
		if (st == USHER_OK && address == NULL)
			return USHER_OK;
	}
	if (st == USHER_OK)
		st = address_parse(mem, slice_of(address), &asked, err);
	if (st == USHER_OK)
		st = serve_locate(&domains, mem, asked.key, &at, err);
	if (st == USHER_OK && h == NULL)
		st = find_person(m, mem, &at, &h, err);
	if (st == USHER_OK)
		st = serve_put_target(mem, &asked, &at, out, err);
	if (st == USHER_OK && h != NULL && h->record != NULL)
		st = put_person(m, mem, h, out, err);
	return st == USHER_OK ? serve_put_mailbox_services(&domains, mem, out->mailbox, out, err) :
				st;
}

enum lookup
ldap_manage_facts(struct dir *dir, struct arena *mem, const struct question *question,
    struct facts *out, struct usher_error *err)
{
	struct facts facts = { .org = NULL };
	struct ldap_manage *m;
	usher_status st;

	if (question->address == NULL && question->legacy_dn == NULL)
		return LOOKUP_ABSENT;
	st = manage_enter(ldap_dir_of(dir), &m, err);
	if (st != USHER_OK)
		return LOOKUP_UNAVAILABLE;
	st = find_facts(m, mem, question, &facts, err);
	manage_leave(m, st);
	if (st == USHER_OK)
		*out = facts;
	return st == USHER_OK	     ? LOOKUP_FOUND :
	       st == USHER_E_ADDRESS ? LOOKUP_ABSENT :
				       LOOKUP_UNAVAILABLE;
}

enum lookup
ldap_manage_domain(struct dir *dir, struct arena *mem, const char *domain, struct facts *out,
    struct usher_error *err)
{
	struct facts facts = { .org = NULL };
	const struct domain_entry *entry;
	struct ldap_manage *m;
	usher_status st = manage_enter(ldap_dir_of(dir), &m, err);

	if (st != USHER_OK)
		return LOOKUP_UNAVAILABLE;
	st = make_org(m, mem, &facts.org, err);
	if (st == USHER_OK)
		st = serve_follow(&(const struct serve_domains){ find_domain, m }, mem, domain,
		    &entry, &facts.domain_name, err);
	manage_leave(m, st);
	if (st != USHER_OK)
		return LOOKUP_UNAVAILABLE;
	serve_put_domain(entry, &facts);
	*out = facts;
	return LOOKUP_FOUND;
}
