/* ldap_exchange_row.c - members in attributes of Exchange's objects, both ways (scp.md 1, 8, 9). */
#include "dir/ldap_exchange_row.h"

#include <inttypes.h>
#include <string.h>

#include "base/encode.h"
#include "base/text.h"
#include "base/url.h"
#include "model/scp.h"

/* Of the names of a provider's attributes nobody outside is sure, nor of an accepted domain's: they
 * are what Exchange's own tools seem to use, and the settings may say otherwise. */
const struct exchange_row exchange_rows[EXCHANGE_ROWS] = {
	{ KIND_ORGANIZATION, "deployment_id", "objectGUID", AS_GUID, true },
	{ KIND_ADDRESS_BOOK, "oab_id", "objectGUID", AS_GUID, true },
	{ KIND_SERVER, "fqdn", "networkAddress", AS_NETWORK_ADDRESS, true },
	{ KIND_SERVER, "site", "msExchServerSite", AS_NAME_OF_DN, true },
	{ KIND_SERVER, "version", "versionNumber", AS_VERSION_NUMBER, true },
	{ KIND_SERVER, "version", "serialNumber", AS_VERSION_TEXT, true },
	{ KIND_SERVER, "created", "whenCreated", AS_TIME, true },
	{ KIND_CONNECTION_POINT, "created", "whenCreated", AS_TIME, true },
	{ KIND_CONNECTION_POINT, "internal_uri", "serviceBindingInformation", AS_TEXT, false },
	{ KIND_CONNECTION_POINT, "site_scope", "keywords", AS_SITES, false },
	{ KIND_DIRECTORY, "internal", "msExchInternalHostName", AS_TEXT, false },
	{ KIND_DIRECTORY, "external", "msExchExternalHostName", AS_TEXT, false },
	{ KIND_DIRECTORY, "internal_authentication", "msExchInternalAuthenticationMethods",
	    AS_METHODS, false },
	{ KIND_DIRECTORY, "external_authentication", "msExchExternalAuthenticationMethods",
	    AS_METHODS, false },
	{ KIND_RPC, "internal_host", "msExchInternalHostName", AS_RPC_HOST, false },
	{ KIND_RPC, "external_host", "msExchExternalHostName", AS_RPC_HOST, false },
	{ KIND_RPC, "internal_client_authentication", "msExchInternalAuthenticationMethods",
	    AS_RPC_METHOD, false },
	{ KIND_RPC, "client_authentication", "msExchExternalAuthenticationMethods", AS_RPC_METHOD,
	    false },
	{ KIND_PROVIDER, "cert_principal_name", "msExchAutoDiscoverCertPrincipalName", AS_TEXT,
	    false },
	{ KIND_PROVIDER, "server", "msExchAutoDiscoverServer", AS_TEXT, false },
	{ KIND_PROVIDER, "ttl", "msExchAutoDiscoverTTL", AS_NUMBER, false },
	{ KIND_PROVIDER, "server_exclusive_connect", "msExchAutoDiscoverFlags", AS_FIRST_BIT,
	    false },
	{ KIND_DOMAIN, "domain", "msExchAcceptedDomainName", AS_TEXT, true },
	{ KIND_DOMAIN, "type", "msExchAcceptedDomainFlags", AS_DOMAIN_TYPE, false },
};

const struct entity *
exchange_entity(enum exchange_kind kind)
{
	static const enum entity_id of[] = {
		[KIND_ORGANIZATION] = ENTITY_ORGANIZATION,
		[KIND_SERVER] = ENTITY_SERVER,
		[KIND_CONNECTION_POINT] = ENTITY_SERVER,
		[KIND_DIRECTORY] = ENTITY_URL,
		[KIND_RPC] = ENTITY_OUTLOOK_ANYWHERE,
		[KIND_PROVIDER] = ENTITY_PROVIDER,
		[KIND_DOMAIN] = ENTITY_DOMAIN,
		[KIND_ADDRESS_BOOK] = ENTITY_ORGANIZATION,
		[KIND_SITE] = ENTITY_SITE,
		[KIND_SUBNET] = ENTITY_SITE,
	};

	return &entities[of[kind]];
}

/* ---- bits ---- */

/* Methods of authentication, by their bits. */
static const char *const methods[] = { "Basic", "Ntlm", "Fba", "Digest", "WindowsIntegrated",
	"LiveIdFba", "LiveIdBasic", "WSSecurity", "Certificate", "NegoEx", "OAuth", "Adfs",
	"Kerberos", "Negotiate", "LiveIdNegotiate" };

enum {
	BIT_BASIC = 1 << 0,
	BIT_NTLM = 1 << 1,
	BIT_WINDOWS = 1 << 4,
	BIT_KERBEROS = 1 << 12,
	BIT_NEGOTIATE = 1 << 13
};

/* Of a domain's flags the lowest two are its type. */
enum { TYPE_BITS = 3 };

static const enum domain_type domain_types[] = { DOMAIN_AUTHORITATIVE, DOMAIN_EXTERNAL_RELAY,
	DOMAIN_INTERNAL_RELAY };

/* Numbers in Active Directory have a sign. */
static bool
read_number(const struct ldap_attribute *a, uint64_t *out)
{
	return a != NULL && a->n > 0 && text_number(a->values[0], 0, UINT32_MAX, out);
}

static bool
read_methods(uint64_t bits, struct arena *mem, struct text_list *out)
{
	const char **v = arena_array(mem, COUNT_OF(methods), sizeof(*v));

	if (v == NULL)
		return false;
	*out = (struct text_list){ v, 0 };
	for (size_t i = 0; i < COUNT_OF(methods); i++)
		if ((bits >> i & 1) != 0)
			v[out->n++] = methods[i];
	return true;
}

static uint64_t
methods_bits(const struct text_list *list)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < list->n; i++)
		for (size_t k = 0; k < COUNT_OF(methods); k++)
			if (slice_is_nocase(slice_of(list->v[i]), methods[k]))
				bits |= UINT64_C(1) << k;
	return bits;
}

/* Of several the strongest, which every server can do. */
static enum rpc_authentication
rpc_method(uint64_t bits)
{
	if ((bits & (BIT_NEGOTIATE | BIT_KERBEROS)) != 0)
		return RPC_NEGOTIATE;
	return (bits & (BIT_NTLM | BIT_WINDOWS)) == 0 && (bits & BIT_BASIC) != 0 ? RPC_BASIC :
										   RPC_NTLM;
}

static const uint64_t rpc_bits[] = {
	[RPC_NTLM] = BIT_NTLM,
	[RPC_BASIC] = BIT_BASIC,
	[RPC_NEGOTIATE] = BIT_NEGOTIATE,
};

/* ---- reading ---- */

/* NULL for what is no text; what a member may hold is entity_check()'s business. */
static const char *
text_in(struct arena *mem, struct slice value, bool *ok)
{
	const char *text = NULL;

	if (value.n == 0 || memchr(value.p, '\0', value.n) != NULL)
		return NULL;
	text = arena_copy(mem, value);
	*ok = text != NULL;
	return text;
}

static const char *
guid_in(struct arena *mem, struct slice value, bool *ok)
{
	char text[GUID_TEXT_BYTES];
	const char *copy;

	if (value.n != 16)
		return NULL;
	guid_from_windows((const unsigned char *)value.p, text);
	copy = arena_strdup(mem, text);
	*ok = copy != NULL;
	return copy;
}

static const char *
network_address_in(struct arena *mem, const struct ldap_attribute *a, bool *ok)
{
	static const struct slice kind = SLICE_LITERAL("ncacn_ip_tcp:");

	for (size_t i = 0; i < a->n; i++)
		if (slice_starts_nocase(a->values[i], kind))
			return text_in(mem, slice_skip(a->values[i], kind.n), ok);
	return NULL;
}

static const char *
version_in(struct arena *mem, uint64_t packed, bool *ok)
{
	const char *text = arena_printf(mem, "%" PRIu64 ".%" PRIu64 ".%" PRIu64,
	    packed >> 22 & 0x3f, packed >> 16 & 0x3f, packed & 0x7fff);

	*ok = text != NULL;
	return text;
}

/* The build has 30000 added to it. */
static const char *
version_text_in(struct arena *mem, struct slice value, bool *ok)
{
	struct cursor c = cursor_on(value);
	uint64_t major, minor, build;
	const char *text;

	cursor_word(&c, "Version");
	cursor_blanks(&c);
	major = cursor_number(&c, 0, 63);
	cursor_char(&c, '.');
	minor = cursor_number(&c, 0, 63);
	cursor_blanks(&c);
	cursor_char(&c, '(');
	cursor_word(&c, "Build");
	cursor_blanks(&c);
	build = cursor_number(&c, 0, 65535);
	if (c.failed)
		return NULL;
	text = arena_printf(mem, "%" PRIu64 ".%" PRIu64 ".%" PRIu64, major, minor, build % 30000);
	*ok = text != NULL;
	return text;
}

static const char *
host_in(struct arena *mem, struct slice value, bool *ok)
{
	const char *text = text_in(mem, value, ok);
	struct url url;

	if (text == NULL || strstr(text, "://") == NULL)
		return text;
	switch (url_parse(mem, value, &url, NULL)) {
	case USHER_OK:
		return url.host;
	case USHER_E_NOMEM:
		*ok = false;
		return NULL;
	default:
		return text;
	}
}

static bool
read_sites(const struct ldap_attribute *a, struct arena *mem, struct text_list *out)
{
	static const struct slice prefix = SLICE_LITERAL("Site=");
	const char **v = arena_array(mem, a->n, sizeof(*v));
	size_t n = 0;
	bool ok = v != NULL;

	for (size_t i = 0; ok && i < a->n; i++) {
		const char *site = NULL;

		if (slice_starts_nocase(a->values[i], prefix))
			site = text_in(mem, slice_skip(a->values[i], prefix.n), &ok);
		if (site != NULL)
			v[n++] = site;
	}
	*out = (struct text_list){ v, n };
	return ok;
}

static const char *
read_text(
    const struct exchange_row *row, const struct ldap_attribute *a, struct arena *mem, bool *ok)
{
	struct slice first = a->values[0];
	const char *dn;
	uint64_t number;

	switch (row->form) {
	case AS_GUID:
		return guid_in(mem, first, ok);
	case AS_NETWORK_ADDRESS:
		return network_address_in(mem, a, ok);
	case AS_NAME_OF_DN:
		dn = text_in(mem, first, ok);
		return dn == NULL ? NULL : ldap_dn_name(mem, dn);
	case AS_VERSION_NUMBER:
		return read_number(a, &number) ? version_in(mem, number, ok) : NULL;
	case AS_VERSION_TEXT:
		return version_text_in(mem, first, ok);
	case AS_RPC_HOST:
		return host_in(mem, first, ok);
	default:
		return text_in(mem, first, ok);
	}
}

bool
exchange_read(
    const struct exchange_row *row, const struct ldap_attribute *a, struct arena *mem, void *record)
{
	const struct field *f = field_find(&exchange_entity(row->kind)->table, row->member);
	struct text_list list = { 0 };
	uint64_t number = 0;
	bool ok = true, known;

	if (a == NULL || a->n == 0 || (f->type != FIELD_CHOICE && !field_absent(f, record)))
		return true;
	known = read_number(a, &number);
	switch (f->type) {
	case FIELD_TEXT:
		field_set_text(f, record, read_text(row, a, mem, &ok));
		break;
	case FIELD_LIST:
		ok = row->form == AS_SITES ? read_sites(a, mem, &list) :
					     read_methods(number, mem, &list);
		field_set_list(f, record, list);
		break;
	case FIELD_NUMBER:
		if (row->form == AS_TIME)
			field_set_number(f, record, ldap_time_in(a->values[0]));
		else if (known)
			field_set_number(f, record, (int64_t)number);
		break;
	case FIELD_SWITCH:
		field_set_switch(f, record, (number & 1) != 0 ? TRI_ON : TRI_ABSENT);
		break;
	case FIELD_CHOICE:
		if (row->form == AS_RPC_METHOD)
			number = rpc_method(number);
		else
			number = (number & TYPE_BITS) < COUNT_OF(domain_types) ?
				     domain_types[number & TYPE_BITS] :
				     DOMAIN_AUTHORITATIVE;
		(void)field_set_choice(f, record, slice_of(f->choices[number]));
		break;
	}
	return ok;
}

/* ---- writing ---- */

/* The sites, behind all keywords that are none. */
static bool
write_sites(const struct ldap_attribute *a, struct arena *mem, const struct text_list *sites,
    struct slice *values, size_t *n)
{
	for (size_t i = 0; a != NULL && i < a->n; i++)
		if (!slice_starts_nocase(a->values[i], SLICE_LITERAL("Site=")))
			values[(*n)++] = a->values[i];
	for (size_t i = 0; i < sites->n; i++) {
		const char *text = arena_join(mem, "Site=", sites->v[i]);

		if (text == NULL)
			return false;
		values[(*n)++] = slice_of(text);
	}
	return true;
}

/* As Exchange's own tools write it: with the path behind the host. */
static const char *
write_host(const struct ldap_attribute *a, struct arena *mem, const char *host)
{
	if (a != NULL && a->n > 0 && slice_find(a->values[0], '/') == a->values[0].n)
		return arena_strdup(mem, host);
	return arena_join(mem, "https://", host, "/rpc");
}

static const char *
write_number(const struct exchange_row *row, const struct field *f, const struct ldap_attribute *a,
    struct arena *mem, const void *record)
{
	uint64_t number = 0;

	(void)read_number(a, &number);
	switch (row->form) {
	case AS_METHODS:
		number = (number >> COUNT_OF(methods) << COUNT_OF(methods)) |
			 methods_bits(field_list(f, record));
		break;
	case AS_RPC_METHOD:
		number = rpc_bits[field_choice(f, record)];
		break;
	case AS_FIRST_BIT:
		number = (number & ~UINT64_C(1)) | (field_switch(f, record) == TRI_ON);
		break;
	case AS_DOMAIN_TYPE:
		number &= ~(uint64_t)TYPE_BITS;
		for (size_t i = 0; i < COUNT_OF(domain_types); i++)
			if ((int)domain_types[i] == field_choice(f, record))
				number |= i;
		break;
	default:
		number = (uint64_t)field_number(f, record);
		break;
	}
	return arena_printf(mem, "%" PRIu64, number);
}

bool
exchange_write(const struct exchange_row *row, const struct ldap_attribute *a, struct arena *mem,
    const void *record, struct ldap_attribute *out)
{
	const struct field *f = field_find(&exchange_entity(row->kind)->table, row->member);
	size_t most = 1, n = 0;
	struct slice *values;
	const char *text;

	if (row->form == AS_SITES)
		most = (a == NULL ? 0 : a->n) + field_list(f, record)->n;
	values = arena_array(mem, most, sizeof(*values));
	if (values == NULL)
		return false;
	if (row->form == AS_SITES) {
		if (!write_sites(a, mem, field_list(f, record), values, &n))
			return false;
	} else if (f->type == FIELD_CHOICE || !field_absent(f, record) ||
		   (row->form == AS_FIRST_BIT && a != NULL)) {
		if (f->type != FIELD_TEXT)
			text = write_number(row, f, a, mem, record);
		else if (row->form == AS_RPC_HOST)
			text = write_host(a, mem, field_text(f, record));
		else
			text = arena_strdup(mem, field_text(f, record));
		if (text == NULL)
			return false;
		values[n++] = slice_of(text);
	}
	*out = (struct ldap_attribute){ out->name, values, n };
	return true;
}
