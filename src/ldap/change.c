/* change.c - changes that are sent over a link: one by one, or in one transaction; and passwords.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "base/when.h"
#include "ldap/inside.h"

enum { CHANGE_BYTES = 2 * LINK_ENTRY_BYTES };

/* ---- sending one ---- */

static bool
convert(struct arena *mem, enum ldap_change_kind kind, const struct ldap_edit *edit, LDAPMod **out)
{
	static const int operations[] = { LDAP_MOD_ADD, LDAP_MOD_DELETE, LDAP_MOD_REPLACE };
	const struct ldap_attribute *a = &edit->attribute;
	LDAPMod *mod = arena_zalloc(mem, sizeof(*mod));
	struct berval *values = arena_array(mem, a->n, sizeof(*values));
	struct berval **pointers = arena_array(mem, a->n + 1, sizeof(struct berval *));

	if (mod == NULL || values == NULL || pointers == NULL)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		values[i].bv_val = (char *)(uintptr_t)a->values[i].p;
		values[i].bv_len = a->values[i].n;
		pointers[i] = &values[i];
	}
	mod->mod_op =
	    (kind == LDAP_CHANGE_MODIFY ? operations[edit->kind] : LDAP_MOD_ADD) | LDAP_MOD_BVALUES;
	mod->mod_type = (char *)(uintptr_t)a->name;
	mod->mod_bvalues = a->n == 0 ? NULL : pointers;
	*out = mod;
	return true;
}

static usher_status
send_change(struct ldap_link *link, const struct ldap_change *change, LDAPControl **controls,
    int *id, struct usher_error *err)
{
	struct arena *mem CLEANUP(arena_cleanup) = arena_new(CHANGE_BYTES);
	LDAPMod **mods = mem == NULL ? NULL : arena_array(mem, change->n + 1, sizeof(LDAPMod *));
	int code = LDAP_OTHER;

	if (mods == NULL)
		return err_nomem(err, change->dn);
	for (size_t i = 0; i < change->n; i++) {
		if (!convert(mem, change->kind, &change->edits[i], &mods[i]))
			return err_nomem(err, change->dn);
	}
	switch (change->kind) {
	case LDAP_CHANGE_ADD:
		code = ldap_add_ext(link->ld, change->dn, mods, controls, NULL, id);
		break;
	case LDAP_CHANGE_MODIFY:
		code = ldap_modify_ext(link->ld, change->dn, mods, controls, NULL, id);
		break;
	case LDAP_CHANGE_DELETE:
		code = ldap_delete_ext(link->ld, change->dn, controls, NULL, id);
		break;
	}
	return code == LDAP_SUCCESS ? USHER_OK : ldap_link_fail(link, code, change->dn, err);
}

usher_status
ldap_link_change(struct ldap_link *link, const struct ldap_change *change, struct usher_error *err)
{
	usher_status st;
	int id;

	st = send_change(link, change, NULL, &id, err);
	return st == USHER_OK ? ldap_link_await(link, id, change->dn, NULL, err) : st;
}

/* ---- transactions (RFC 5805) ---- */

static usher_status
begin(struct ldap_link *link, struct berval **out, struct usher_error *err)
{
	int id, code = ldap_txn_start(link->ld, NULL, NULL, &id);

	*out = NULL;
	return code == LDAP_SUCCESS ? ldap_link_await(link, id, NULL, out, err) :
				      ldap_link_fail(link, code, NULL, err);
}

/* The message that `answer`, a TxnEndRes, says could not be done; 0: it does not say. */
static int
failed_message(struct berval *answer)
{
	BerElement *ber = answer == NULL ? NULL : ber_init(answer);
	ber_int_t id = 0;

	if (ber != NULL && ber_scanf(ber, "{i", &id) == LBER_ERROR)
		id = 0;
	ber_free(ber, 1);
	return id;
}

/* Performs them all or gives up on all of them. */
static usher_status
end(struct ldap_link *link, struct berval *txn, const struct ldap_change *const *changes,
    const int *ids, size_t n, struct usher_error *err)
{
	struct berval *answer = NULL;
	const char *where = NULL;
	usher_status st;
	int id, code = ldap_txn_end(link->ld, 1, txn, NULL, NULL, &id);

	if (code != LDAP_SUCCESS)
		return ldap_link_fail(link, code, NULL, err);
	st = ldap_link_await(link, id, NULL, &answer, err);
	if (st != USHER_OK) {
		id = failed_message(answer);
		for (size_t i = 0; where == NULL && i < n; i++)
			where = ids[i] == id ? changes[i]->dn : NULL;
	}
	if (where != NULL && err != NULL)
		(void)snprintf(err->where, sizeof(err->where), "%s", where);
	ber_bvfree(answer);
	return st;
}

usher_status
ldap_link_changes(struct ldap_link *link, const struct ldap_change *const *changes, size_t n,
    struct usher_error *err)
{
	struct arena *mem CLEANUP(arena_cleanup) = arena_new(SIZE_MAX);
	int *ids = mem == NULL ? NULL : arena_array(mem, n, sizeof(*ids));
	struct berval *txn = NULL;
	usher_status st;
	size_t sent = 0;

	if (ids == NULL)
		return err_nomem(err, NULL);
	st = begin(link, &txn, err);
	if (st == USHER_OK && txn == NULL)
		st = err_set(err, USHER_E_PEER, link->uri, "begins no transaction");
	while (st == USHER_OK && sent < n) {
		LDAPControl in = { .ldctl_oid = (char[]){ LDAP_CONTROL_TXN_SPEC },
			.ldctl_value = *txn,
			.ldctl_iscritical = 1 };

		st = send_change(
		    link, changes[sent], (LDAPControl *[]){ &in, NULL }, &ids[sent], err);
		if (st == USHER_OK)
			st = ldap_link_await(link, ids[sent], changes[sent]->dn, NULL, err);
		sent++;
	}
	if (st == USHER_OK)
		st = end(link, txn, changes, ids, n, err);
	else if (txn != NULL) /* what the directory thinks of it changes nothing */
		(void)ldap_txn_end(link->ld, 0, txn, NULL, NULL, ids);
	ber_bvfree(txn);
	return st;
}

/* ---- passwords ---- */

enum { UNICODE_BYTES = 2 * (SECRET_MAX_BYTES + 2) };

/* The text in quotation marks as UTF-16 ([MS-ADTS] 3.1.1.3.1.5.1); it is UTF-8. */
static size_t
to_unicode(struct slice text, unsigned char out[UNICODE_BYTES])
{
	size_t n = 0;

	for (size_t i = 0; i < text.n;) {
		size_t bytes = text_utf8_take(slice_skip(text, i));
		uint32_t c = (unsigned char)text.p[i], low = 0;

		if (bytes > 1)
			c &= 0x7fU >> bytes;
		for (size_t k = 1; k < bytes; k++)
			c = c << 6 | ((unsigned char)text.p[i + k] & 0x3f);
		if (c > 0xffff) {
			low = 0xdc00 | (c & 0x3ff);
			c = 0xd7c0 + (c >> 10);
		}
		out[n++] = (unsigned char)c;
		out[n++] = (unsigned char)(c >> 8);
		if (low != 0) {
			out[n++] = (unsigned char)low;
			out[n++] = (unsigned char)(low >> 8);
		}
		i += bytes;
	}
	return n;
}

static usher_status
set_unicode(
    struct ldap_link *link, const char *dn, const struct secret *password, struct usher_error *err)
{
	unsigned char bytes[UNICODE_BYTES];
	struct slice value;
	const struct ldap_edit edit = { LDAP_EDIT_REPLACE, { "unicodePwd", &value, 1 } };
	const struct ldap_change change = { LDAP_CHANGE_MODIFY, dn, &edit, 1 };
	char text[SECRET_MAX_BYTES + 2];
	usher_status st = USHER_E_INPUT;

	if (!text_utf8_valid(slice_from(password->bytes, password->n)) ||
	    password->n > sizeof(text) - 2)
		return err_set(err, st, dn, "the password is no UTF-8");
	text[0] = text[password->n + 1] = '"';
	memcpy(text + 1, password->bytes, password->n);
	value = slice_from(bytes, to_unicode(slice_from(text, password->n + 2), bytes));
	st = ldap_link_change(link, &change, err);
	explicit_bzero(text, sizeof(text));
	explicit_bzero(bytes, sizeof(bytes));
	return st;
}

usher_status
ldap_link_password(struct ldap_link *link, const char *dn, const struct secret *password,
    bool active_directory, struct usher_error *err)
{
	struct berval user = { strlen(dn), (char *)(uintptr_t)dn };
	struct berval new = { password->n, password->bytes };
	int id, code;

	if (!link->protected && !link->signs)
		return err_set(err, USHER_E_TRUST, link->uri,
		    "a password goes to a directory by TLS only; use ldaps:// or StartTLS");
	if (active_directory)
		return set_unicode(link, dn, password, err);
	code = ldap_passwd(link->ld, &user, NULL, &new, NULL, NULL, &id);
	return code == LDAP_SUCCESS ? ldap_link_await(link, id, dn, NULL, err) :
				      ldap_link_fail(link, code, dn, err);
}
