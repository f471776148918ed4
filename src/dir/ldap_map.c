/* ldap_map.c - from members to attributes, and from names to filters. */
#include "dir/ldap_map.h"

#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/text.h"
#include "dir/ldap_member.h"

enum { FILTER_BYTES = 64 * 1024 };

#define IN_OPENLDAP (1U << MAP_OPENLDAP)
#define IN_AD (1U << MAP_ACTIVE_DIRECTORY | 1U << MAP_EXCHANGE)
#define IN_ALL (IN_OPENLDAP | IN_AD)

static const char *const names[MAP_MEMBERS] = {
	[MAP_ADDRESS] = "address",
	[MAP_DISPLAY_NAME] = "display_name",
	[MAP_ALIASES] = "aliases",
	[MAP_LEGACY_DN] = "legacy_dn",
	[MAP_GUID] = "guid",
	[MAP_SERVER] = "server",
	[MAP_DATABASE] = "database",
	[MAP_LOGIN_NAME] = "login_name",
	[MAP_REDIRECT_ADDRESS] = "redirect_address",
	[MAP_REDIRECT_URL] = "redirect_url",
	[MAP_PUBLIC_FOLDER_MAILBOX] = "public_folder_mailbox",
	[MAP_SERVICES_OF] = "services_of",
	[MAP_ENABLED] = "enabled",
	[MAP_MAPI_HTTP] = "mapi_http",
	[MAP_OUTLOOK_ANYWHERE] = "outlook_anywhere",
	[MAP_EWS] = "ews",
	[MAP_ACTIVESYNC] = "activesync",
	[MAP_OWA] = "owa",
	[MAP_DISABLED] = "disabled",
	[MAP_HIDDEN] = "hidden",
	[MAP_RECIPIENT_TYPE] = "recipient_type",
	[MAP_ARCHIVE_GUID] = "archive_guid",
	[MAP_ARCHIVE_NAME] = "archive_name",
	[MAP_DELEGATES] = "delegates",
	[MAP_DELEGATE_OF] = "delegate_of",
};

/* What directories do by themselves, the best place of a member first (scp.md 7; qmail's schema,
 * FreeIPA). */
static const struct {
	enum map_member member;
	unsigned in;
	const char *attribute;
} habits[] = {
	{ MAP_ADDRESS, IN_ALL, "proxyAddresses" },
	{ MAP_ADDRESS, IN_ALL, "mail" },
	{ MAP_ALIASES, IN_ALL, "proxyAddresses" },
	{ MAP_ALIASES, IN_OPENLDAP, "mailAlternateAddress" },
	{ MAP_DISPLAY_NAME, IN_ALL, "displayName" },
	{ MAP_DISPLAY_NAME, IN_ALL, "cn" },
	{ MAP_LEGACY_DN, IN_ALL, "legacyExchangeDN" },
	{ MAP_GUID, IN_ALL, "msExchMailboxGuid" },
	{ MAP_SERVER, IN_ALL, "msExchHomeServerName" },
	{ MAP_DATABASE, IN_ALL, "homeMDB" },
	{ MAP_LOGIN_NAME, IN_AD, "userPrincipalName" },
	{ MAP_LOGIN_NAME, IN_AD, "sAMAccountName" },
	{ MAP_LOGIN_NAME, IN_OPENLDAP, "uid" },
	{ MAP_REDIRECT_ADDRESS, IN_ALL, "targetAddress" },
	{ MAP_DISABLED, IN_AD, "userAccountControl" },
	{ MAP_DISABLED, IN_OPENLDAP, "accountStatus" },
	{ MAP_DISABLED, IN_OPENLDAP, "nsAccountLock" },
	{ MAP_HIDDEN, IN_ALL, "msExchHideFromAddressLists" },
	{ MAP_RECIPIENT_TYPE, IN_ALL, "msExchRecipientTypeDetails" },
	{ MAP_ARCHIVE_GUID, IN_ALL, "msExchArchiveGUID" },
	{ MAP_ARCHIVE_NAME, IN_ALL, "msExchArchiveName" },
	{ MAP_DELEGATES, IN_ALL, "msExchDelegateListLink" },
	{ MAP_DELEGATE_OF, IN_ALL, "msExchDelegateListBL" },
};

bool
map_is_typed(const char *attribute)
{
	return slice_is_nocase(slice_of(attribute), "proxyAddresses") ||
	       slice_is_nocase(slice_of(attribute), "targetAddress");
}

bool
map_is_short(const char *attribute)
{
	return slice_is_nocase(slice_of(attribute), "sAMAccountName");
}

bool
map_is_ours(const char *attribute)
{
	return map_is_typed(attribute) ||
	       slice_starts_nocase(slice_of(attribute), SLICE_LITERAL("msExch")) ||
	       slice_is_nocase(slice_of(attribute), "legacyExchangeDN") ||
	       slice_is_nocase(slice_of(attribute), "homeMDB") ||
	       slice_starts_nocase(slice_of(attribute), SLICE_LITERAL("usher"));
}

/* ---- making ---- */

bool
map_list_has(const struct text_list *list, struct slice text)
{
	for (size_t i = 0; i < list->n; i++)
		if (slice_is_nocase(text, list->v[i]))
			return true;
	return false;
}

/* Lists grow by copying: they are short, and made once. */
static bool
list_add(struct arena *mem, struct text_list *list, const char *text)
{
	const char **v;

	if (map_list_has(list, slice_of(text)))
		return true;
	v = arena_array(mem, list->n + 1, sizeof(*v));
	if (v == NULL)
		return false;
	if (list->n > 0)
		memcpy(v, list->v, list->n * sizeof(*v));
	v[list->n] = text;
	*list = (struct text_list){ v, list->n + 1 };
	return true;
}

static bool
is_attribute(struct slice name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!text_is_alnum(name.p[i]) && strchr("-.", name.p[i]) == NULL)
			return false;
	return name.n > 0 && name.n <= MAP_ATTRIBUTE_BYTES;
}

static int
find_member(struct slice name)
{
	for (int m = 0; m < MAP_MEMBERS; m++)
		if (slice_is_nocase(name, names[m]))
			return m;
	return -1;
}

/* `member=attribute`; `told` says of which members others were there before. */
static usher_status
take_told(struct arena *mem, struct ldap_map *map, const char *text, bool told[MAP_MEMBERS],
    struct usher_error *err)
{
	struct slice name = slice_of(text), attribute = slice_skip(name, slice_find(name, '=') + 1);
	const char *copy;
	int m;

	name.n = slice_find(name, '=');
	name = slice_trim(name);
	attribute = slice_trim(attribute);
	if (slice_find(name, '.') < name.n) /* of an object of Exchange's: ldap_exchange.c */
		return USHER_OK;
	m = find_member(name);
	if (m < 0)
		return err_set(err, USHER_E_INPUT, text,
		    "there is no such member: the first part is one of a mailbox, like address or "
		    "aliases");
	if (!is_attribute(attribute))
		return err_set(err, USHER_E_INPUT, text,
		    "the second part is the name of an attribute, like mailAlternateAddress, or - "
		    "for none");
	if (!told[m])
		map->members[m] = (struct text_list){ 0 };
	told[m] = true;
	if (slice_is(attribute, "-"))
		return USHER_OK;
	copy = arena_copy(mem, attribute);
	return copy != NULL && list_add(mem, &map->members[m], copy) ? USHER_OK :
								       err_nomem(err, text);
}

static bool
copy_domains(
    struct arena *mem, struct ldap_map *map, const struct map_domain *domains, size_t n_domains)
{
	struct map_domain *copies = arena_array(mem, n_domains, sizeof(*copies));

	if (copies == NULL)
		return false;
	for (size_t i = 0; i < n_domains; i++) {
		copies[i].netbios = arena_strdup(mem, domains[i].netbios);
		copies[i].dns = arena_strdup(mem, domains[i].dns);
		copies[i].dn = arena_strdup(mem, domains[i].dn);
		if (copies[i].netbios == NULL || copies[i].dns == NULL || copies[i].dn == NULL)
			return false;
	}
	map->domains = copies;
	map->n_domains = n_domains;
	return true;
}

static bool
list_wanted(struct arena *mem, struct ldap_map *map)
{
	struct text_list all = { 0 };
	bool ok = list_add(mem, &all, "objectClass") && list_add(mem, &all, LDAP_VALUE) &&
		  list_add(mem, &all, LDAP_ALTERNATIVE);
	const char **v;

	for (int m = 0; m < MAP_MEMBERS; m++)
		for (size_t i = 0; ok && i < map->members[m].n; i++)
			ok = list_add(mem, &all, map->members[m].v[i]);
	v = ok ? arena_array(mem, all.n + 1, sizeof(*v)) : NULL;
	if (v == NULL)
		return false;
	memcpy(v, all.v, all.n * sizeof(*v));
	map->wanted = v;
	return true;
}

usher_status
ldap_map_make(struct arena *mem, enum map_flavour flavour, bool extended,
    const struct text_list *attributes, const struct map_domain *domains, size_t n_domains,
    const struct ldap_map **out, struct usher_error *err)
{
	struct ldap_map *map = arena_zalloc(mem, sizeof(*map));
	bool told[MAP_MEMBERS] = { false };
	bool ok = map != NULL && copy_domains(mem, map, domains, n_domains);

	for (size_t i = 0; ok && i < COUNT_OF(habits); i++)
		if ((habits[i].in & 1U << flavour) != 0)
			ok = list_add(mem, &map->members[habits[i].member], habits[i].attribute);
	if (!ok)
		return err_nomem(err, "attributes");
	map->flavour = flavour;
	map->extended = extended;
	for (size_t i = 0; i < attributes->n; i++) {
		usher_status st = take_told(mem, map, attributes->v[i], told, err);

		if (st != USHER_OK)
			return st;
	}
	if (!list_wanted(mem, map))
		return err_nomem(err, "attributes");
	*out = map;
	return USHER_OK;
}

enum map_flavour
ldap_map_flavour(const struct ldap_map *map)
{
	return map->flavour;
}

const char *const *
ldap_map_attributes(const struct ldap_map *map)
{
	return map->wanted;
}

/* ---- filters ---- */

/* A filter of alternatives, each added once. */
struct any {
	struct buf b;
	struct text_list said; /* attributes that have their alternative */
	struct arena *mem;
	bool failed;
};

static void
any_begin(struct any *any, struct arena *mem)
{
	*any = (struct any){ .mem = mem };
	buf_init(&any->b, FILTER_BYTES);
	buf_text(&any->b, "(|");
}

static const char *
any_end(struct any *any)
{
	const char *filter = NULL;

	/* Not every directory knows an empty alternative (RFC 4526). */
	if (any->b.n == strlen("(|"))
		buf_text(&any->b, "(!(objectClass=*))");
	buf_char(&any->b, ')');
	if (!any->failed && any->b.status == USHER_OK)
		filter = arena_copy(any->mem, buf_as_slice(&any->b));
	buf_clear(&any->b);
	return filter;
}

static void
any_term(struct any *any, const char *attribute, const char *prefix, struct slice value)
{
	buf_printf(&any->b, "(%s=%s", attribute, prefix);
	ldap_escape(&any->b, value);
	buf_char(&any->b, ')');
}

/* The attributes that hold addresses. */
static void
any_address(struct any *any, const struct ldap_map *map, struct slice address)
{
	static const enum map_member where[] = { MAP_ADDRESS, MAP_ALIASES };

	for (size_t k = 0; k < COUNT_OF(where); k++) {
		const struct text_list *list = &map->members[where[k]];

		for (size_t i = 0; i < list->n; i++) {
			if (map_list_has(&any->said, slice_of(list->v[i])))
				continue;
			any->failed = any->failed || !list_add(any->mem, &any->said, list->v[i]);
			any_term(any, list->v[i], map_is_typed(list->v[i]) ? "smtp:" : "", address);
		}
	}
}

const char *
ldap_map_by_address(const struct ldap_map *map, struct arena *mem, const char *address)
{
	struct any any;

	any_begin(&any, mem);
	any_address(&any, map, slice_of(address));
	return any_end(&any);
}

const char *
ldap_map_by_legacy_dn(const struct ldap_map *map, struct arena *mem, const char *legacy_dn)
{
	const struct text_list *now = &map->members[MAP_LEGACY_DN];
	const struct text_list *once = &map->members[MAP_ALIASES];
	struct any any;

	any_begin(&any, mem);
	for (size_t i = 0; i < now->n; i++)
		any_term(&any, now->v[i], "", slice_of(legacy_dn));
	for (size_t i = 0; i < once->n; i++)
		if (map_is_typed(once->v[i]))
			any_term(&any, once->v[i], "X500:", slice_of(legacy_dn));
	return any_end(&any);
}

/* A login taken apart (authentication.md 8). */
struct login {
	struct slice whole, user;
	struct slice netbios; /* of DOMAIN\user */
	struct slice domain;  /* of user@domain */
};

static struct login
split_login(const char *text)
{
	struct login l = { .whole = slice_of(text), .user = slice_of(text) };
	size_t slash = slice_find(l.whole, '\\'), at = slice_find_last(l.whole, '@');

	if (slash < l.whole.n) {
		l.netbios = slice_from(l.whole.p, slash);
		l.user = slice_skip(l.whole, slash + 1);
	} else if (at < l.whole.n) {
		l.user = slice_from(l.whole.p, at);
		l.domain = slice_skip(l.whole, at + 1);
	}
	return l;
}

static const struct map_domain *
domain_of_login(const struct ldap_map *map, const struct login *l)
{
	for (size_t i = 0; i < map->n_domains; i++)
		if ((l->netbios.n > 0 && slice_is_nocase(l->netbios, map->domains[i].netbios)) ||
		    (l->domain.n > 0 && slice_is_nocase(l->domain, map->domains[i].dns)))
			return &map->domains[i];
	return NULL;
}

const char *
ldap_map_by_login(const struct ldap_map *map, struct arena *mem, const char *login)
{
	const struct text_list *list = &map->members[MAP_LOGIN_NAME];
	struct login l = split_login(login);
	bool bare = l.netbios.n == 0 && l.domain.n == 0;
	struct any any;

	any_begin(&any, mem);
	for (size_t i = 0; i < list->n; i++) {
		if (!map_is_short(list->v[i]))
			any_term(&any, list->v[i], "", l.whole);
		else if (bare || domain_of_login(map, &l) != NULL)
			any_term(&any, list->v[i], "", l.user);
	}
	if (l.domain.n > 0)
		any_address(&any, map, l.whole);
	return any_end(&any);
}

/* Any address in `domain`; NULL: anywhere. */
static void
any_address_in(struct any *any, const char *attribute, const char *domain)
{
	buf_printf(&any->b, "(%s=%s*", attribute, map_is_typed(attribute) ? "smtp:" : "");
	if (domain != NULL) {
		buf_char(&any->b, '@');
		ldap_escape(&any->b, slice_of(domain));
	}
	buf_char(&any->b, ')');
}

const char *
ldap_map_by_domain(const struct ldap_map *map, struct arena *mem, const char *domain)
{
	const struct text_list *list = &map->members[MAP_ADDRESS];
	struct any any;

	any_begin(&any, mem);
	for (size_t i = 0; i < list->n; i++)
		any_address_in(&any, list->v[i], domain);
	return any_end(&any);
}

const char *
ldap_map_by_redirect(const struct ldap_map *map, struct arena *mem)
{
	const struct text_list *list = &map->members[MAP_REDIRECT_ADDRESS];
	struct any any;

	any_begin(&any, mem);
	for (size_t i = 0; i < list->n; i++)
		any_address_in(&any, list->v[i], NULL);
	buf_printf(&any.b, "(%s=%s: *)", LDAP_VALUE, names[MAP_REDIRECT_ADDRESS]);
	return any_end(&any);
}

const char *
ldap_map_by_delegate(const struct ldap_map *map, struct arena *mem, const char *dn)
{
	const struct text_list *list = &map->members[MAP_DELEGATES];
	struct any any;

	any_begin(&any, mem);
	for (size_t i = 0; i < list->n; i++)
		any_term(&any, list->v[i], "", slice_of(dn));
	return any_end(&any);
}

/* ---- logins ---- */

/* A short name counts by itself, and together with its own domain. */
static bool
has_name(const struct ldap_map *map, const struct ldap_person *person, const struct login *l)
{
	const struct map_domain *domain = domain_of_login(map, l);
	bool bare = l->netbios.n == 0 && l->domain.n == 0;

	for (size_t i = 0; i < person->logins.n; i++)
		if (slice_eq_nocase(slice_of(person->logins.v[i]), l->whole))
			return true;
	if (person->short_name == NULL || !slice_is_nocase(l->user, person->short_name))
		return false;
	return bare || (domain != NULL && ldap_dn_below(person->dn, domain->dn));
}

static bool
has_address(const struct mailbox *m, struct slice address)
{
	return (m->address != NULL && slice_is_nocase(address, m->address)) ||
	       map_list_has(&m->aliases, address);
}

enum map_fit
ldap_map_fit(const struct ldap_map *map, const struct ldap_person *person, const char *login)
{
	struct login l = split_login(login);

	if (person->kind == PERSON_GROUP || person->contact)
		return MAP_FIT_NONE;
	if (has_name(map, person, &l))
		return MAP_FIT_NAME;
	return has_address(&person->mailbox, l.whole) ? MAP_FIT_ADDRESS : MAP_FIT_NONE;
}
