/* ldap.c - looking into entries of a directory, and writing what it reads as syntax. */
#include "model/ldap.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"

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
