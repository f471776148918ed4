/* ldif.c - change records. */
#include "wire/ldif.h"

#include "base/encode.h"

/* SAFE-STRING, which also may not end in a blank (RFC 2849, note 8). */
static bool
is_safe(struct slice value)
{
	static const char first[] = " :<";

	if (value.n == 0)
		return true;
	if (slice_find(slice_of(first), value.p[0]) < sizeof(first) - 1 ||
	    value.p[value.n - 1] == ' ')
		return false;
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if (c < ' ' || c >= 0x7f)
			return false;
	}
	return true;
}

static void
write_line(struct buf *b, const char *name, struct slice value)
{
	buf_text(b, name);
	if (is_safe(value)) {
		buf_text(b, value.n == 0 ? ":" : ": ");
		buf_slice(b, value);
	} else {
		buf_text(b, ":: ");
		base64_encode(b, value.p, value.n);
	}
	buf_char(b, '\n');
}

static void
write_values(struct buf *b, const struct ldap_attribute *a)
{
	for (size_t i = 0; i < a->n; i++)
		write_line(b, a->name, a->values[i]);
}

void
ldif_write(struct buf *b, const struct ldap_change *change)
{
	static const char *const kinds[] = { "add", "modify", "delete" };
	static const char *const edits[] = { "add", "delete", "replace" };

	write_line(b, "dn", slice_of(change->dn));
	write_line(b, "changetype", slice_of(kinds[change->kind]));
	for (size_t i = 0; i < change->n; i++) {
		const struct ldap_edit *e = &change->edits[i];

		if (change->kind == LDAP_CHANGE_MODIFY)
			write_line(b, edits[e->kind], slice_of(e->attribute.name));
		write_values(b, &e->attribute);
		if (change->kind == LDAP_CHANGE_MODIFY)
			buf_text(b, "-\n");
	}
	buf_char(b, '\n');
}
