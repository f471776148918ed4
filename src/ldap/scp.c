/* scp.c - reads service connection points. */
#include "ldap/scp.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

struct reading {
	struct arena *mem;
	struct scp_object *objects;
	struct scp_record *records;
	size_t n, room;
};

enum { FIRST_ROOM = 16 };

/* Doubles the room. */
static bool
grow(struct reading *r)
{
	size_t room = r->room == 0 ? FIRST_ROOM : 2 * r->room;
	struct scp_object *objects = arena_array(r->mem, room, sizeof(*objects));
	struct scp_record *records = arena_array(r->mem, room, sizeof(*records));

	if (objects == NULL || records == NULL)
		return false;
	if (r->n > 0) {
		memcpy(objects, r->objects, r->n * sizeof(*objects));
		memcpy(records, r->records, r->n * sizeof(*records));
	}
	r->objects = objects;
	r->records = records;
	r->room = room;
	return true;
}

static bool
copy_keywords(struct arena *mem, const struct ldap_entry *entry, struct text_list *out)
{
	const struct ldap_attribute *a = ldap_attribute_of(entry, "keywords");
	const char **v = arena_array(mem, a == NULL ? 0 : a->n, sizeof(*v));

	*out = (struct text_list){ v, 0 };
	for (size_t i = 0; v != NULL && a != NULL && i < a->n; i++) {
		if (memchr(a->values[i].p, '\0', a->values[i].n) != NULL)
			continue;
		v[out->n] = arena_copy(mem, a->values[i]);
		if (v[out->n++] == NULL)
			return false;
	}
	return v != NULL;
}

static usher_status
take(const struct ldap_entry *entry, void *payload, struct usher_error *err)
{
	struct reading *r = payload;
	struct scp_object *o;
	struct scp_record *record;
	const char *class;

	if (r->n == r->room && !grow(r))
		return err_nomem(err, entry->dn);
	o = &r->objects[r->n];
	record = &r->records[r->n];
	record->dn = arena_strdup(r->mem, entry->dn);
	o->name = ldap_text_of(r->mem, entry, "serviceDNSName");
	if (o->name == NULL)
		o->name = ldap_text_of(r->mem, entry, "cn");
	class = ldap_text_of(r->mem, entry, "serviceClassName");
	o->has_class = class != NULL && slice_is_nocase(slice_of(class), SCP_CLASS_NAME);
	record->binding = ldap_text_of(r->mem, entry, "serviceBindingInformation");
	record->created = ldap_time_of(entry, "whenCreated");
	if (record->created == NUMBER_ABSENT)
		record->created = ldap_time_of(entry, "createTimestamp");
	if (record->dn == NULL || !copy_keywords(r->mem, entry, &record->keywords))
		return err_nomem(err, entry->dn);
	r->n++;
	return USHER_OK;
}

#define SCP_FILTER(kind) \
	"(&(" kind "=serviceConnectionPoint)" \
	"(|(keywords=" SCP_POINTER_KEYWORD ")(keywords=" SCP_URL_KEYWORD ")))"

/* objectCategory is Active Directory's index, but others do not know its short form. */
usher_status
scp_read(struct ldap_link *link, struct arena *mem, const char *base, bool by_category,
    uint64_t in_all_ms, struct scp_list *out, struct usher_error *err)
{
	static const char *const attributes[] = { "cn", "keywords", "serviceBindingInformation",
		"serviceClassName", "serviceDNSName", "whenCreated", "createTimestamp", NULL };
	const struct link_search search = {
		.base = base,
		.scope = LINK_BELOW,
		.filter = by_category ? SCP_FILTER("objectCategory") : SCP_FILTER("objectClass"),
		.attributes = attributes,
		.max = SCP_MAX,
		.in_all_ms = in_all_ms,
	};
	struct reading r = { .mem = mem };
	usher_status st = ldap_link_search(link, &search, take, &r, err);

	if (st == USHER_OK)
		*out = (struct scp_list){ r.objects, r.records, r.n };
	return st;
}

const char *
scp_base(struct arena *mem, const struct ldap_entry *root)
{
	const char *dn = ldap_text_of(mem, root, "configurationNamingContext");

	return dn != NULL ? dn : ldap_text_of(mem, root, "namingContexts");
}

bool
scp_has_keyword(const struct scp_record *r, const char *keyword)
{
	for (size_t i = 0; i < r->keywords.n; i++) {
		if (slice_is_nocase(slice_of(r->keywords.v[i]), keyword))
			return true;
	}
	return false;
}

bool
scp_is_conflict(const struct scp_record *r)
{
	return r->dn != NULL &&
	       (strstr(r->dn, "\\0ACNF:") != NULL || strstr(r->dn, "\nCNF:") != NULL);
}

struct text_list
scp_values(struct arena *mem, const struct scp_record *r, const char *name)
{
	const char **v = arena_array(mem, r->keywords.n, sizeof(*v));
	struct text_list out = { v, 0 };
	size_t n = strlen(name);

	for (size_t i = 0; v != NULL && i < r->keywords.n; i++) {
		struct slice keyword = slice_of(r->keywords.v[i]);

		if (slice_starts_nocase(keyword, slice_of(name)) && keyword.n > n &&
		    keyword.p[n] == '=')
			v[out.n++] = keyword.p + n + 1;
	}
	return out;
}
