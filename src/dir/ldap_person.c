/* ldap_person.c - an entry read as a person with a mailbox, or as what it is instead. */
#include <string.h>

#include "base/address.h"
#include "base/encode.h"
#include "base/text.h"
#include "base/url.h"
#include "dir/ldap_member.h"

/* Types of recipients that the directory names (scp.md 7). */
enum {
	TYPE_USER = 1 << 0,
	TYPE_LINKED = 1 << 1,
	TYPE_SHARED = 1 << 2,
	TYPE_ROOM = 1 << 4,
	TYPE_EQUIPMENT = 1 << 5,
	TYPE_MAIL_USER = 1 << 7
};

#define TYPE_REMOTE (UINT64_C(1) << 31)
#define TYPES_HERE (TYPE_USER | TYPE_LINKED | TYPE_SHARED | TYPE_ROOM | TYPE_EQUIPMENT)
#define TYPES_ELSEWHERE (TYPE_MAIL_USER | TYPE_REMOTE)

struct reading {
	const struct ldap_map *map;
	struct arena *mem;
	const struct ldap_entry *entry;
	struct ldap_person *out;
	bool failed; /* out of memory */
};

/* ---- values ---- */

static const char *
kept(struct reading *r, const char *text)
{
	r->failed = r->failed || text == NULL;
	return text;
}

static bool
parsed(struct reading *r, usher_status st)
{
	r->failed = r->failed || st == USHER_E_NOMEM;
	return st == USHER_OK;
}

/* NULL for what is no text of ours; memory is asked for by r->failed. */
static const char *
take_text(struct reading *r, struct slice value)
{
	if (value.n == 0 || value.n > FIELD_TEXT_BYTES || text_has_control(value) ||
	    !text_utf8_valid(value))
		return NULL;
	return kept(r, arena_copy(r->mem, value));
}

/* What is behind `KIND:`; the empty slice when it is another kind. A value without one is of
 * every kind. */
static struct slice
without_kind(struct slice value, const char *kind)
{
	size_t colon = slice_find(value, ':');

	if (colon == value.n)
		return value;
	return slice_is_nocase(slice_from(value.p, colon), kind) ? slice_skip(value, colon + 1) :
								   (struct slice){ 0 };
}

static const char *
take_address(struct reading *r, struct slice value)
{
	struct address address;

	value = without_kind(value, "smtp");
	return parsed(r, address_parse(r->mem, value, &address, NULL)) ? address.text : NULL;
}

static const char *
take_guid(struct reading *r, struct slice value)
{
	char text[GUID_TEXT_BYTES];

	if (guid_valid(value))
		return kept(r, text_lower_copy(r->mem, value));
	if (value.n != 16)
		return NULL;
	guid_from_windows((const unsigned char *)value.p, text);
	return kept(r, arena_strdup(r->mem, text));
}

static const char *
take_url(struct reading *r, struct slice value)
{
	struct url url;

	if (!parsed(r, url_parse(r->mem, value, &url, NULL)))
		return NULL;
	return url.https && !url.userinfo ? url.text : NULL;
}

static const char *
take_domain(struct reading *r, struct slice value)
{
	const char *domain;

	return parsed(r, domain_parse(r->mem, value, &domain, NULL)) ? domain : NULL;
}

static const char *
take_legacy_dn(struct reading *r, struct slice value)
{
	if (value.n == 0 || value.p[0] != '/' || slice_find(value, '=') == value.n)
		return NULL;
	return take_text(r, value);
}

/* A server or database is named by a legacyDN, a DN, or its plain name. */
static const char *
take_object_name(struct reading *r, struct slice value)
{
	const char *text = take_text(r, value);
	size_t last;

	if (text == NULL || slice_find(value, '=') == value.n)
		return text;
	if (text[0] != '/')
		return ldap_dn_name(r->mem, text);
	last = slice_find_last(value, '=');
	return last + 1 < value.n ? text + last + 1 : NULL;
}

static const char *
take_form(struct reading *r, enum field_form form, struct slice value)
{
	switch (form) {
	case FORM_ADDRESS:
		return take_address(r, value);
	case FORM_GUID:
		return take_guid(r, value);
	case FORM_URL:
		return take_url(r, value);
	case FORM_DOMAIN:
		return take_domain(r, value);
	case FORM_LEGACY_DN:
		return take_legacy_dn(r, value);
	default:
		return take_text(r, value);
	}
}

static enum tri
take_switch(struct slice value)
{
	static const char *const on[] = { "TRUE", "on", "yes", "1" };
	static const char *const off[] = { "FALSE", "off", "no", "0" };

	for (size_t i = 0; i < COUNT_OF(on); i++) {
		if (slice_is_nocase(value, on[i]))
			return TRI_ON;
		if (slice_is_nocase(value, off[i]))
			return TRI_OFF;
	}
	return TRI_ABSENT;
}

/* ---- attributes ---- */

/* The i-th attribute of a member in the entry; `none` when it is not there. */
static const struct ldap_attribute *
attribute_at(const struct reading *r, enum map_member m, size_t i)
{
	static const struct ldap_attribute none;
	const struct ldap_attribute *a = ldap_attribute_of(r->entry, r->map->members[m].v[i]);

	return a != NULL ? a : &none;
}

/* Values of one attribute that are looked at: nobody has more addresses. */
static size_t
few(size_t n)
{
	return n < FIELD_LIST_MAX ? n : FIELD_LIST_MAX;
}

static const char *
take_member(struct reading *r, enum map_member m, struct slice value)
{
	if (m == MAP_SERVER || m == MAP_DATABASE)
		return take_object_name(r, value);
	if (m == MAP_ARCHIVE_GUID)
		return take_guid(r, value);
	if (m >= MAP_OF_MAILBOX)
		return take_text(r, value);
	return take_form(r, entities[ENTITY_MAILBOX].table.rows[m].form, value);
}

/* The first value that is one. */
static const char *
text_of(struct reading *r, enum map_member m)
{
	const char *text = NULL;

	for (size_t i = 0; text == NULL && i < r->map->members[m].n; i++) {
		const struct ldap_attribute *a = attribute_at(r, m, i);

		for (size_t k = 0; text == NULL && k < few(a->n); k++)
			text = take_member(r, m, a->values[k]);
	}
	return text;
}

static enum tri
switch_of(const struct reading *r, enum map_member m)
{
	enum tri value = TRI_ABSENT;

	for (size_t i = 0; value == TRI_ABSENT && i < r->map->members[m].n; i++) {
		const struct ldap_attribute *a = attribute_at(r, m, i);

		if (a->n > 0)
			value = take_switch(a->values[0]);
	}
	return value;
}

static bool
has_value(const struct reading *r, enum map_member m)
{
	for (size_t i = 0; i < r->map->members[m].n; i++)
		if (attribute_at(r, m, i)->n > 0)
			return true;
	return false;
}

/* Texts, each once. */
struct texts {
	const char *v[FIELD_LIST_MAX];
	size_t n;
};

static void
texts_add(struct texts *t, const char *text)
{
	if (text == NULL || t->n == FIELD_LIST_MAX)
		return;
	for (size_t i = 0; i < t->n; i++)
		if (slice_eq_nocase(slice_of(t->v[i]), slice_of(text)))
			return;
	t->v[t->n++] = text;
}

static struct text_list
texts_keep(struct reading *r, const struct texts *t)
{
	const char **v = arena_array(r->mem, t->n, sizeof(*v));

	if (v == NULL) {
		r->failed = true;
		return (struct text_list){ 0 };
	}
	if (t->n > 0)
		memcpy(v, t->v, t->n * sizeof(*v));
	return (struct text_list){ v, t->n };
}

/* ---- addresses ---- */

/* How good an address is as the primary one. */
enum rank { RANK_SAID = 0, RANK_FIRST, RANK_ANY };

struct addresses {
	struct texts all;
	const char *primary;
	enum rank rank;
};

/* `SMTP:` in capitals says that it is the primary one. */
static void
read_addresses(struct reading *r, enum map_member m, struct addresses *out)
{
	for (size_t i = 0; i < r->map->members[m].n; i++) {
		const struct ldap_attribute *a = attribute_at(r, m, i);
		bool typed = map_is_typed(r->map->members[m].v[i]);

		for (size_t k = 0; k < few(a->n); k++) {
			const char *address = take_address(r, a->values[k]);
			enum rank rank = !typed && m == MAP_ADDRESS ? RANK_FIRST : RANK_ANY;

			if (slice_starts(a->values[k], SLICE_LITERAL("SMTP:")))
				rank = RANK_SAID;
			if (address != NULL && rank < out->rank) {
				out->primary = address;
				out->rank = rank;
			}
			texts_add(&out->all, address);
		}
	}
}

static void
put_addresses(struct reading *r)
{
	struct addresses found = { .rank = RANK_ANY + 1 };
	struct texts aliases = { .n = 0 };

	read_addresses(r, MAP_ADDRESS, &found);
	read_addresses(r, MAP_ALIASES, &found);
	for (size_t i = 0; i < found.all.n; i++)
		if (!slice_is_nocase(slice_of(found.all.v[i]), found.primary))
			texts_add(&aliases, found.all.v[i]);
	r->out->mailbox.address = found.primary;
	r->out->mailbox.aliases = texts_keep(r, &aliases);
}

/* ---- logins ---- */

static const char *
take_login(struct reading *r, struct slice value)
{
	const char *text = take_text(r, value);

	return text == NULL ? NULL : kept(r, text_login_copy(r->mem, value));
}

/* The DNS name of the domain that the entry is in; NULL when that is not known. */
static const char *
domain_of_entry(const struct reading *r)
{
	const struct map_domain *best = NULL;

	/* A child's name ends in its parent's. */
	for (size_t i = 0; i < r->map->n_domains; i++) {
		const struct map_domain *d = &r->map->domains[i];

		if (ldap_dn_below(r->entry->dn, d->dn) &&
		    (best == NULL || strlen(d->dn) > strlen(best->dn)))
			best = d;
	}
	return best == NULL ? NULL : best->dns;
}

/* Whoever has no name that is good everywhere has the one that Kerberos gives him. */
static void
put_logins(struct reading *r)
{
	const struct text_list *list = &r->map->members[MAP_LOGIN_NAME];
	const char *domain = domain_of_entry(r);
	struct texts logins = { .n = 0 };

	for (size_t i = 0; i < list->n; i++) {
		const struct ldap_attribute *a = attribute_at(r, MAP_LOGIN_NAME, i);
		bool shortens = map_is_short(list->v[i]);

		for (size_t k = 0; k < few(a->n); k++) {
			const char *name = take_login(r, a->values[k]);

			if (name == NULL)
				continue;
			if (!shortens)
				texts_add(&logins, name);
			else if (r->out->short_name == NULL)
				r->out->short_name = name;
		}
	}
	if (r->out->short_name != NULL && domain != NULL)
		texts_add(&logins, kept(r, arena_join(r->mem, r->out->short_name, "@", domain)));
	r->out->logins = texts_keep(r, &logins);
	r->out->mailbox.login_name = logins.n > 0 ? logins.v[0] : r->out->short_name;
}

/* ---- what usher adds ---- */

/* What was never checked is put into its form. */
static void
put_forms(struct reading *r)
{
	const struct field_table *table = &entities[ENTITY_MAILBOX].table;

	for (size_t i = 0; i < table->n; i++) {
		const struct field *f = &table->rows[i];

		if (f->type == FIELD_TEXT && !field_absent(f, &r->out->mailbox))
			field_set_text(f, &r->out->mailbox,
			    take_form(r, f->form, slice_of(field_text(f, &r->out->mailbox))));
	}
}

/* `member: value` goes before any attribute. One that makes no sense is nothing. */
static void
put_values(struct reading *r)
{
	const struct ldap_attribute *a = ldap_attribute_of(r->entry, LDAP_VALUE);

	for (size_t i = 0; a != NULL && i < few(a->n); i++) {
		const struct ldap_attribute one = { a->name, &a->values[i], 1 };

		if (ldap_values_read(r->mem, &one, &entities[ENTITY_MAILBOX].table,
			&r->out->mailbox, NULL) == USHER_E_NOMEM)
			r->failed = true;
	}
	if (a != NULL)
		put_forms(r);
}

/* ---- what it is ---- */

static bool
is_of_class(const struct reading *r, const char *const *classes, size_t n)
{
	const struct ldap_attribute *a = ldap_attribute_of(r->entry, "objectClass");

	for (size_t i = 0; a != NULL && i < few(a->n); i++)
		for (size_t k = 0; k < n; k++)
			if (slice_is_nocase(a->values[i], classes[k]))
				return true;
	return false;
}

static uint64_t
recipient_type(const struct reading *r)
{
	uint64_t type = 0;

	for (size_t i = 0; type == 0 && i < r->map->members[MAP_RECIPIENT_TYPE].n; i++) {
		const struct ldap_attribute *a = attribute_at(r, MAP_RECIPIENT_TYPE, i);

		if (a->n > 0)
			(void)text_number(a->values[0], 0, INT64_MAX, &type);
	}
	return type;
}

static void
put_kind(struct reading *r)
{
	static const char *const groups[] = { "group", "groupOfNames", "groupOfUniqueNames",
		"groupOfMembers", "posixGroup", "nisMailAlias", "publicFolder",
		"msExchDynamicDistributionList" };
	static const char *const contacts[] = { "contact" };
	const struct mailbox *m = &r->out->mailbox;
	uint64_t type = recipient_type(r);

	r->out->contact = is_of_class(r, contacts, COUNT_OF(contacts));
	if (is_of_class(r, groups, COUNT_OF(groups)))
		r->out->kind = PERSON_GROUP;
	else if (m->address == NULL)
		r->out->kind = PERSON_NOBODY;
	else if (r->out->contact || (type & TYPES_ELSEWHERE) != 0)
		r->out->kind = PERSON_ELSEWHERE;
	else if ((type & TYPES_HERE) != 0 || r->map->flavour != MAP_EXCHANGE)
		r->out->kind = PERSON_MAILBOX;
	else /* Exchange has not said, as while it replicates */
		r->out->kind = m->guid != NULL || m->database != NULL || m->server != NULL ?
				   PERSON_MAILBOX :
				   PERSON_ELSEWHERE;
}

/* The number of Active Directory, the switch of 389 and the words of qmail. */
static bool
says_disabled(const char *attribute, struct slice value)
{
	static const char *const words[] = { "disabled", "noaccess", "deleted", "locked",
		"inactive" };
	uint64_t bits;

	if (slice_is_nocase(slice_of(attribute), "userAccountControl"))
		return text_number(value, 0, UINT32_MAX, &bits) && (bits & ACCOUNT_DISABLED) != 0;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (slice_is_nocase(value, words[i]))
			return true;
	return take_switch(value) == TRI_ON;
}

static bool
is_disabled(const struct reading *r)
{
	const struct text_list *list = &r->map->members[MAP_DISABLED];

	for (size_t i = 0; i < list->n; i++) {
		const struct ldap_attribute *a = attribute_at(r, MAP_DISABLED, i);

		if (a->n > 0 && says_disabled(list->v[i], a->values[0]))
			return true;
	}
	return false;
}

/* ---- the whole ---- */

static void
put_members(struct reading *r)
{
	const struct field_table *table = &entities[ENTITY_MAILBOX].table;

	record_init(table, &r->out->mailbox);
	for (int m = 0; m < MAP_OF_MAILBOX; m++) {
		const struct field *f = &table->rows[m];

		if (f->type == FIELD_SWITCH)
			field_set_switch(f, &r->out->mailbox, switch_of(r, (enum map_member)m));
		else if (f->type == FIELD_TEXT && m != MAP_ADDRESS && m != MAP_LOGIN_NAME)
			field_set_text(f, &r->out->mailbox, text_of(r, (enum map_member)m));
	}
}

/* The archive of a mailbox is a mailbox beside it on the same servers. */
static bool
read_archive(struct reading *r, struct alternative_mailbox *archive)
{
	static const char nobody[] = "00000000-0000-0000-0000-000000000000";
	const struct mailbox *m = &r->out->mailbox;
	const char *guid = text_of(r, MAP_ARCHIVE_GUID);
	const char *name = m->display_name != NULL ? m->display_name : m->address;

	if (guid == NULL || strcmp(guid, nobody) == 0 || m->legacy_dn == NULL)
		return false;
	record_init(&entities[ENTITY_ALTERNATIVE_MAILBOX].table, archive);
	archive->mailbox = m->address;
	archive->type = ALTERNATIVE_ARCHIVE;
	archive->display_name = text_of(r, MAP_ARCHIVE_NAME);
	if (archive->display_name == NULL)
		archive->display_name = kept(r, arena_join(r->mem, "Archive - ", name));
	archive->legacy_dn = kept(r, arena_join(r->mem, m->legacy_dn, "/guid=", guid));
	archive->server = kept(r, arena_join(r->mem, guid, "@", strrchr(m->address, '@') + 1));
	return true;
}

static void
put_alternatives(struct reading *r)
{
	const struct ldap_attribute *a = ldap_attribute_of(r->entry, LDAP_ALTERNATIVE);
	const char *owner = r->out->mailbox.address;
	size_t most = a == NULL ? 0 : few(a->n), n = 0;
	struct alternative_mailbox *v;

	if (owner == NULL)
		return;
	v = arena_array(r->mem, most + 1, sizeof(*v));
	if (v == NULL) {
		r->failed = true;
		return;
	}
	n += read_archive(r, &v[n]);
	for (size_t i = 0; i < most; i++)
		n += parsed(r, ldap_alternative_read(r->mem, a->values[i], owner, &v[n], NULL));
	r->out->alternatives = v;
	r->out->n_alternatives = n;
}

static void
put_delegates(struct reading *r)
{
	struct texts delegates = { .n = 0 };

	for (size_t i = 0; i < r->map->members[MAP_DELEGATES].n; i++) {
		const struct ldap_attribute *a = attribute_at(r, MAP_DELEGATES, i);

		for (size_t k = 0; k < few(a->n); k++)
			texts_add(&delegates, take_text(r, a->values[k]));
	}
	r->out->delegates = texts_keep(r, &delegates);
	r->out->may_have_shares = r->map->members[MAP_DELEGATE_OF].n > 0 ?
				      has_value(r, MAP_DELEGATE_OF) :
				      r->map->members[MAP_DELEGATES].n > 0;
}

/* The address under which somebody elsewhere has his mailbox is often one of his own here, so that
 * mail finds it: it is no reason not to send clients there. */
static void
drop_target(struct mailbox *m)
{
	const char **v = (const char **)(uintptr_t)m->aliases.v;
	size_t n = 0;

	for (size_t i = 0; i < m->aliases.n; i++)
		if (m->redirect_address == NULL ||
		    !slice_is_nocase(slice_of(v[i]), m->redirect_address))
			v[n++] = v[i];
	m->aliases.n = n;
}

static bool
is_own(const struct mailbox *m, const char *address)
{
	bool own = slice_is_nocase(slice_of(address), m->address);

	for (size_t i = 0; !own && i < m->aliases.n; i++)
		own = slice_is_nocase(slice_of(address), m->aliases.v[i]);
	return own;
}

/* A target that is an own address would lead clients in circles; one of the two ways is enough. */
static void
put_one_redirect(struct reading *r)
{
	struct mailbox *m = &r->out->mailbox;

	if (r->out->kind == PERSON_ELSEWHERE)
		drop_target(m);
	if (m->redirect_address != NULL && is_own(m, m->redirect_address))
		m->redirect_address = NULL;
	if (m->redirect_address != NULL)
		m->redirect_url = NULL;
}

bool
ldap_person_read(const struct ldap_map *map, struct arena *mem, const struct ldap_entry *entry,
    struct ldap_person *out)
{
	struct ldap_person person = { .dn = arena_strdup(mem, entry->dn) };
	struct reading r = { .map = map, .mem = mem, .entry = entry, .out = &person };

	put_members(&r);
	put_addresses(&r);
	put_logins(&r);
	put_values(&r);
	put_kind(&r);
	put_alternatives(&r);
	put_delegates(&r);
	person.disabled = is_disabled(&r);
	person.hidden = switch_of(&r, MAP_HIDDEN) == TRI_ON;
	put_one_redirect(&r);
	if (r.failed || person.dn == NULL)
		return false;
	*out = person;
	return true;
}

const struct mailbox *
ldap_person_mailbox(const struct ldap_person *person, const char *address)
{
	const struct mailbox *m = &person->mailbox;

	if (person->kind == PERSON_MAILBOX)
		return m;
	if (person->kind != PERSON_ELSEWHERE || m->redirect_address == NULL ||
	    (address != NULL && slice_is_nocase(slice_of(m->redirect_address), address)))
		return NULL;
	return m;
}

void
ldap_person_share(const struct ldap_person *owner, const struct ldap_person *other,
    struct alternative_mailbox *out)
{
	const struct mailbox *m = &other->mailbox;

	record_init(&entities[ENTITY_ALTERNATIVE_MAILBOX].table, out);
	out->mailbox = owner->mailbox.address;
	out->type = ALTERNATIVE_DELEGATE;
	out->display_name = m->display_name != NULL ? m->display_name : m->address;
	out->smtp_address = out->owner_smtp_address = m->address;
}
