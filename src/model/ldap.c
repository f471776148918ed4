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
