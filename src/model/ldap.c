/* ldap.c - looking into entries of a directory, reading where it is, and writing what it reads as
 * syntax. */
#include "model/ldap.h"

#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/ip.h"
#include "base/text.h"
#include "base/when.h"
#include "model/field.h"

bool
ldap_entry_copy(struct arena *mem, const struct ldap_entry *from, struct ldap_entry *to)
{
	struct ldap_attribute *attributes = arena_array(mem, from->n, sizeof(*attributes));
	const char *dn = arena_strdup(mem, from->dn);

	if (attributes == NULL || dn == NULL)
		return false;
	for (size_t i = 0; i < from->n; i++) {
		const struct ldap_attribute *a = &from->attributes[i];
		struct slice *values = arena_array(mem, a->n, sizeof(*values));

		attributes[i] = (struct ldap_attribute){ arena_strdup(mem, a->name), values, a->n };
		if (values == NULL || attributes[i].name == NULL)
			return false;
		for (size_t k = 0; k < a->n; k++) {
			values[k] = slice_from(arena_copy(mem, a->values[k]), a->values[k].n);
			if (values[k].p == NULL)
				return false;
		}
	}
	*to = (struct ldap_entry){ dn, attributes, from->n };
	return true;
}

const struct ldap_attribute *
ldap_attribute_of(const struct ldap_entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->n; i++) {
		struct slice full = slice_of(entry->attributes[i].name);

		full.n = slice_find(full, ';');
		if (slice_is_nocase(full, name))
			return &entry->attributes[i];
	}
	return NULL;
}

const char *
ldap_text_of(struct arena *mem, const struct ldap_entry *entry, const char *name)
{
	const struct ldap_attribute *a = ldap_attribute_of(entry, name);

	if (a == NULL || a->n == 0 || memchr(a->values[0].p, '\0', a->values[0].n) != NULL)
		return NULL;
	return arena_copy(mem, a->values[0]);
}

/* `20070119084500.0Z`: the seconds are whole, whatever the fraction says. */
int64_t
ldap_time_in(struct slice value)
{
	const char *p = value.p;
	char text[sizeof("2007-01-19T08:45:00Z")];
	int64_t unix_s;

	if (value.n < sizeof("20070119084500Z") - 1 || p[value.n - 1] != 'Z')
		return NUMBER_ABSENT;
	(void)snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", p, p + 4, p + 6, p + 8,
	    p + 10, p + 12);
	return when_parse(slice_of(text), &unix_s) ? unix_s : NUMBER_ABSENT;
}

int64_t
ldap_time_of(const struct ldap_entry *entry, const char *name)
{
	const struct ldap_attribute *a = ldap_attribute_of(entry, name);

	return a == NULL || a->n == 0 ? NUMBER_ABSENT : ldap_time_in(a->values[0]);
}

/* ---- places ---- */

enum { LDAP_PORT = 389, LDAPS_PORT = 636 };

/* `DC=a,DC=example` as `a.example`; *out is NULL when it is another DN. */
static usher_status
read_domain(struct arena *mem, struct slice dn, const char **out)
{
	const char *name = "";

	*out = NULL;
	while (dn.n > 0) {
		struct slice part = { dn.p, slice_find(dn, ',') };
		const char *label;

		dn = slice_skip(dn, part.n + 1);
		part = slice_trim(part);
		if (!slice_starts_nocase(part, SLICE_LITERAL("dc=")))
			return USHER_OK;
		label = arena_copy(mem, slice_skip(part, strlen("dc=")));
		name =
		    label == NULL ? NULL : arena_join(mem, name, *name == '\0' ? "" : ".", label);
		if (name == NULL)
			return USHER_E_NOMEM;
	}
	return *name == '\0' ? USHER_OK : domain_parse(mem, slice_of(name), out, NULL);
}

/* `HOST[:PORT]`, `[ADDR6][:PORT]` */
static usher_status
read_host(struct arena *mem, struct slice text, struct ldap_place *out)
{
	bool bracket = slice_starts(text, SLICE_LITERAL("["));
	struct slice name = slice_skip(text, bracket ? 1 : 0);
	uint64_t port = out->port;
	usher_status st = USHER_OK;

	name.n = slice_find(name, bracket ? ']' : ':');
	if (bracket && name.n + 2 > text.n)
		return USHER_E_INPUT;
	text = slice_skip(text, name.n + (bracket ? 2 : 0));
	out->explicit_port = text.n > 0;
	if (text.n > 0 &&
	    (text.p[0] != ':' || !text_number(slice_skip(text, 1), 1, UINT16_MAX, &port)))
		return USHER_E_INPUT;
	out->port = (uint16_t)port;
	out->host = arena_copy(mem, name);
	if (out->host == NULL)
		return USHER_E_NOMEM;
	if (ip_version(out->host) != (bracket ? 6 : 4))
		st = bracket ? USHER_E_INPUT : domain_parse(mem, name, &out->host, NULL);
	return st == USHER_E_ADDRESS ? USHER_E_INPUT : st;
}

/* In one spelling. */
static const char *
place_text(struct arena *mem, const struct ldap_place *p)
{
	const char *scheme = p->tls ? "ldaps" : "ldap";
	bool v6 = ip_version(p->host) == 6;

	if (p->port == (p->tls ? LDAPS_PORT : LDAP_PORT))
		return arena_printf(mem, v6 ? "%s://[%s]" : "%s://%s", scheme, p->host);
	return arena_printf(
	    mem, v6 ? "%s://[%s]:%u" : "%s://%s:%u", scheme, p->host, (unsigned)p->port);
}

usher_status
ldap_place_read(struct arena *mem, struct slice text, struct ldap_place *out)
{
	struct slice rest = slice_trim(text), host;
	struct ldap_place p = { .port = LDAP_PORT };
	usher_status st;

	if (slice_starts_nocase(rest, SLICE_LITERAL("ldaps://")))
		p = (struct ldap_place){ .tls = true, .port = LDAPS_PORT };
	else if (!slice_starts_nocase(rest, SLICE_LITERAL("ldap://")))
		return USHER_E_INPUT;
	rest = slice_skip(rest, strlen(p.tls ? "ldaps://" : "ldap://"));
	host = (struct slice){ rest.p, slice_find(rest, '/') };
	if (host.n > 0) {
		st = read_host(mem, host, &p);
		p.text = st == USHER_OK ? place_text(mem, &p) : NULL;
	} else {
		st = read_domain(mem, slice_skip(rest, 1), &p.domain);
		if (st == USHER_E_ADDRESS || (st == USHER_OK && (p.domain == NULL || p.tls)))
			st = USHER_E_INPUT;
		p.text = st == USHER_OK ? ldap_domain_uri(mem, p.domain) : NULL;
	}
	if (st == USHER_OK && p.text == NULL)
		st = USHER_E_NOMEM;
	if (st == USHER_OK)
		*out = p;
	return st;
}

const char *
ldap_domain_uri(struct arena *mem, const char *domain)
{
	struct slice rest = slice_of(domain);
	const char *text = "ldap:///";

	while (text != NULL && rest.n > 0) {
		size_t n = slice_find(rest, '.');
		const char *label = arena_copy(mem, (struct slice){ rest.p, n });

		rest = slice_skip(rest, n + 1);
		text = label == NULL ? NULL :
				       arena_join(mem, text, "DC=", label, rest.n > 0 ? "," : "");
	}
	return text;
}

/* ---- syntax ---- */

/* Bytes beyond ASCII stay as they are when they are UTF-8, and are escaped when not. */
static void
escape(struct buf *b, struct slice value, const char *special)
{
	bool text = text_utf8_valid(value);

	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if (c < ' ' || c == 0x7f || (c > 0x7f && !text) || strchr(special, c) != NULL)
			buf_printf(b, "\\%02x", c);
		else
			buf_char(b, (char)c);
	}
}

void
ldap_escape(struct buf *b, struct slice value)
{
	escape(b, value, "*()\\");
}

/* A blank or `#` has a meaning only at one end; hexadecimal is right everywhere. */
void
ldap_escape_dn(struct buf *b, struct slice value)
{
	if (value.n > 0 && (value.p[0] == ' ' || value.p[0] == '#')) {
		buf_printf(b, "\\%02x", (unsigned char)value.p[0]);
		value = slice_skip(value, 1);
	}
	if (value.n > 0 && value.p[value.n - 1] == ' ') {
		value.n--;
		escape(b, value, "\"+,;<=>\\");
		buf_text(b, "\\20");
		return;
	}
	escape(b, value, "\"+,;<=>\\");
}

/* Where the sign `c` stands that has a meaning, or the end. */
static const char *
find_sign(const char *dn, char c)
{
	while (*dn != '\0' && *dn != c)
		dn += *dn == '\\' && dn[1] != '\0' ? 2 : 1;
	return dn;
}

const char *
ldap_dn_parent(const char *dn)
{
	dn = find_sign(dn, ',');
	dn += *dn == ',';
	while (*dn == ' ')
		dn++;
	return dn;
}

const char *
ldap_dn_name(struct arena *mem, const char *dn)
{
	const char *end = find_sign(dn, ','), *at = find_sign(dn, '=');
	struct slice raw;
	char *name, *to;

	if (at >= end)
		return NULL;
	raw = slice_trim(slice_from(at + 1, (size_t)(end - at - 1)));
	name = to = arena_copy(mem, raw);
	for (size_t i = 0; name != NULL && i < raw.n; i++) {
		if (raw.p[i] != '\\' || i + 1 == raw.n) {
			*to++ = raw.p[i];
		} else if (i + 2 < raw.n && text_hex_value(raw.p[i + 1]) >= 0 &&
			   text_hex_value(raw.p[i + 2]) >= 0) {
			*to++ = (char)(text_hex_value(raw.p[i + 1]) << 4 |
				       text_hex_value(raw.p[i + 2]));
			i += 2;
		} else {
			*to++ = raw.p[++i];
		}
	}
	if (name != NULL)
		*to = '\0';
	return name;
}

/* Steps over blanks that mean nothing: those around signs between parts. */
static const char *
skip_blanks(const char *dn, char before)
{
	const char *p = dn;

	while (*p == ' ')
		p++;
	return before == ',' || before == '=' || *p == ',' || *p == '=' || *p == '\0' ? p : dn;
}

bool
ldap_dn_same(const char *a, const char *b)
{
	char before = ',';

	for (;;) {
		a = skip_blanks(a, before);
		b = skip_blanks(b, before);
		if (text_lower(*a) != text_lower(*b))
			return false;
		if (*a == '\0')
			return true;
		before = *a++;
		b++;
	}
}

bool
ldap_dn_below(const char *dn, const char *base)
{
	while (*dn != '\0' && !ldap_dn_same(dn, base))
		dn = ldap_dn_parent(dn);
	return *dn != '\0' || *base == '\0';
}
