/* ldap.c - looking into entries of a directory, and writing what it reads as syntax. */
#include "model/ldap.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/when.h"
#include "model/field.h"

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
ldap_time_of(const struct ldap_entry *entry, const char *name)
{
	const struct ldap_attribute *a = ldap_attribute_of(entry, name);
	const char *p = a == NULL || a->n == 0 ? NULL : a->values[0].p;
	char text[sizeof("2007-01-19T08:45:00Z")];
	int64_t unix_s;

	if (p == NULL || a->values[0].n < sizeof("20070119084500Z") - 1 ||
	    p[a->values[0].n - 1] != 'Z')
		return NUMBER_ABSENT;
	(void)snprintf(text, sizeof(text), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", p, p + 4, p + 6, p + 8,
	    p + 10, p + 12);
	return when_parse(slice_of(text), &unix_s) ? unix_s : NUMBER_ABSENT;
}

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
