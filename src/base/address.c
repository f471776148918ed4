/* address.c - mail addresses and domain names; binds libidn2 and libpsl. */
#include "base/address.h"

#include <idn2.h>
#include <libpsl.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"

enum {
	LABEL_MAX_BYTES = 63, /* RFC 1035, 2.3.4 */
	/* A name in U-labels may be longer than its A-labels; what is longer than this is none. */
	DOMAIN_TEXT_BYTES = 4 * DOMAIN_MAX_BYTES
};

/* Cuts the first label off *rest; false when nothing is left. */
static bool
next_label(struct slice *rest, struct slice *label)
{
	size_t dot;

	if (rest->p == NULL)
		return false;
	dot = slice_find(*rest, '.');
	*label = slice_from(rest->p, dot);
	*rest = dot == rest->n ? (struct slice){ NULL, 0 } : slice_skip(*rest, dot + 1);
	return true;
}

static bool
is_a_label(struct slice label)
{
	return slice_starts_nocase(label, SLICE_LITERAL("xn--"));
}

static bool
has_a_label(struct slice domain)
{
	struct slice label;

	while (next_label(&domain, &label))
		if (is_a_label(label))
			return true;
	return false;
}

/* What inet_aton(3) would take for a number: `12`, `0x7f`. */
static bool
is_number(struct slice label)
{
	bool hex = slice_starts_nocase(label, SLICE_LITERAL("0x"));

	for (size_t i = hex ? 2 : 0; i < label.n; i++) {
		int value = text_hex_value(label.p[i]);

		if (value < 0 || (!hex && value > 9))
			return false;
	}
	return true;
}

/* NULL when `name` is a host name (RFC 1123, 2.1), else what is wrong with it. */
static const char *
hostname_fault(struct slice name)
{
	struct slice label = { NULL, 0 };
	struct slice rest = name;

	if (name.n > DOMAIN_MAX_BYTES)
		return "is longer than 253 bytes";
	while (next_label(&rest, &label)) {
		if (label.n == 0)
			return "has an empty label";
		if (label.n > LABEL_MAX_BYTES)
			return "has a label longer than 63 bytes";
		if (label.p[0] == '-' || label.p[label.n - 1] == '-')
			return "has a label that begins or ends with '-'";
		for (size_t i = 0; i < label.n; i++)
			if (!text_is_alnum(label.p[i]) && label.p[i] != '-')
				return "holds a character that no host name may have";
	}
	if (is_number(label))
		return "ends in a number";
	return NULL;
}

static usher_status
refuse_domain(struct slice text, const char *why, struct usher_error *err)
{
	return err_set(err, USHER_E_ADDRESS, "domain", "'%.*s' %s",
	    text.n > DOMAIN_MAX_BYTES ? DOMAIN_MAX_BYTES : (int)text.n, text.n == 0 ? "" : text.p,
	    why);
}

/* By libidn2: U-labels to A-labels, and A-labels checked. */
static usher_status
to_a_labels(struct arena *mem, struct slice text, const char **out, struct usher_error *err)
{
	const char *typed = arena_copy(mem, text);
	uint8_t *found = NULL;
	const char *copy;
	int rc;

	if (typed == NULL)
		return err_nomem(err, "domain");
	rc = idn2_lookup_u8((const uint8_t *)typed, &found,
	    IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES);
	if (rc == IDN2_MALLOC)
		return err_nomem(err, "domain");
	if (rc != IDN2_OK)
		return refuse_domain(text, idn2_strerror(rc), err);
	copy = text_lower_copy(mem, slice_of((const char *)found));
	idn2_free(found);
	if (copy == NULL)
		return err_nomem(err, "domain");
	*out = copy;
	return USHER_OK;
}

usher_status
domain_parse(struct arena *mem, struct slice text, const char **out, struct usher_error *err)
{
	const char *name = NULL;
	const char *fault;
	usher_status st;

	if (text.n == 0)
		return refuse_domain(text, "is empty: give a name such as example.com", err);
	if (text.n > DOMAIN_TEXT_BYTES)
		return refuse_domain(text, "is too long", err);
	if (text_has_control(text) || !text_utf8_valid(text))
		return refuse_domain(text, "holds control bytes or is not UTF-8", err);
	if (text.p[text.n - 1] == '.')
		text.n--;

	if (text_is_ascii(text) && !has_a_label(text)) {
		name = text_lower_copy(mem, text);
		if (name == NULL)
			return err_nomem(err, "domain");
	} else {
		st = to_a_labels(mem, text, &name, err);
		if (st != USHER_OK)
			return st;
	}
	fault = hostname_fault(slice_of(name));
	if (fault != NULL)
		return refuse_domain(text, fault, err);
	*out = name;
	return USHER_OK;
}

const char *
domain_to_text(struct arena *mem, const char *domain)
{
	char *shown = NULL;
	const char *copy;
	int rc;

	if (!has_a_label(slice_of(domain)))
		return domain;
	rc = idn2_to_unicode_8z8z(domain, &shown, 0);
	if (rc == IDN2_MALLOC)
		return NULL;
	if (rc != IDN2_OK)
		return domain;
	copy = arena_strdup(mem, shown);
	idn2_free(shown);
	return copy;
}

/* RFC 5322, 3.2.3, widened by RFC 6531, 3.3. */
static bool
is_local_char(char c)
{
	return (unsigned char)c >= 0x80 || text_is_alnum(c) ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~.", c) != NULL);
}

/* U+0080 to U+009F steer some terminals. */
static bool
has_c1_control(struct slice s)
{
	for (size_t i = 1; i < s.n; i++)
		if ((unsigned char)s.p[i - 1] == 0xc2 && (unsigned char)s.p[i] < 0xa0)
			return true;
	return false;
}

/* NULL when `local` will do, else what is wrong with it. */
static const char *
local_fault(struct slice local)
{
	if (local.n == 0)
		return "has nothing before the '@'";
	if (local.n > ADDRESS_LOCAL_BYTES)
		return "has more than 64 bytes before the '@'";
	if (!text_utf8_valid(local) || has_c1_control(local))
		return "holds control bytes or is not UTF-8";
	if (local.p[0] == '.' || local.p[local.n - 1] == '.')
		return "has a dot at the beginning or the end of the part before the '@'";
	for (size_t i = 0; i < local.n; i++) {
		if (!is_local_char(local.p[i]))
			return "holds a character that needs quoting before the '@'";
		if (i > 0 && local.p[i] == '.' && local.p[i - 1] == '.')
			return "has two dots in a row before the '@'";
	}
	return NULL;
}

static usher_status
refuse_address(struct slice text, const char *why, struct usher_error *err)
{
	return err_set(err, USHER_E_ADDRESS, "address", "'%.*s' %s",
	    text.n > ADDRESS_MAX_BYTES ? ADDRESS_MAX_BYTES : (int)text.n, text.n == 0 ? "" : text.p,
	    why);
}

usher_status
address_parse(struct arena *mem, struct slice text, struct address *out, struct usher_error *err)
{
	struct address a;
	struct slice local;
	const char *fault;
	usher_status st;
	size_t at;

	text = slice_trim(text);
	at = slice_find(text, '@');
	if (at == text.n)
		return refuse_address(text, "is no e-mail address: it has no '@'", err);
	if (slice_find_last(text, '@') != at)
		return refuse_address(text, "is no e-mail address: it has more than one '@'", err);
	local = slice_from(text.p, at);
	/* What is too long even for decomposed text is refused below as it is. */
	if (at <= 4 * ADDRESS_LOCAL_BYTES && !text_compose(mem, local, &local))
		return err_nomem(err, "address");
	fault = local_fault(local);
	if (fault != NULL)
		return refuse_address(text, fault, err);
	st = domain_parse(mem, slice_skip(text, at + 1), &a.domain, err);
	if (st != USHER_OK)
		return st;
	if (local.n + 1 + strlen(a.domain) > ADDRESS_MAX_BYTES)
		return refuse_address(text, "is longer than 254 bytes", err);

	a.local = arena_copy(mem, local);
	a.domain_text = domain_to_text(mem, a.domain);
	if (a.local == NULL || a.domain_text == NULL)
		return err_nomem(err, "address");
	a.text = arena_join(mem, a.local, "@", a.domain);
	if (a.text == NULL)
		return err_nomem(err, "address");
	a.key = text_lower_copy(mem, slice_of(a.text));
	if (a.key == NULL)
		return err_nomem(err, "address");
	*out = a;
	return USHER_OK;
}

bool
domain_is_public_suffix(const char *domain)
{
	return strchr(domain, '.') == NULL || psl_is_public_suffix(psl_builtin(), domain) != 0;
}

bool
domain_is_top_level(const char *label)
{
	return strchr(label, '.') == NULL && psl_is_public_suffix2(psl_builtin(), label,
						 PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) != 0;
}

const char *
domain_registrable(const char *domain)
{
	return psl_registrable_domain(psl_builtin(), domain);
}

bool
domain_same_site(const char *a, const char *b)
{
	const char *site_a = domain_registrable(a);
	const char *site_b = domain_registrable(b);

	return site_a != NULL && site_b != NULL &&
	       slice_eq_nocase(slice_of(site_a), slice_of(site_b));
}

bool
domain_matches(const char *pattern, const char *host)
{
	struct slice p = slice_of(pattern);
	struct slice h = slice_of(host);
	size_t dot;

	if (!slice_starts(p, SLICE_LITERAL("*.")))
		return p.n > 0 && slice_eq_nocase(p, h);
	dot = slice_find(h, '.');
	return dot > 0 && dot < h.n && slice_eq_nocase(slice_skip(p, 1), slice_skip(h, dot));
}

bool
domain_is_internal(const char *domain)
{
	static const char *const tops[] = { ".local", ".localhost", ".internal", ".intranet",
		".corp", ".home", ".home.arpa", ".lan", ".private", ".localdomain" };

	for (size_t i = 0; i < COUNT_OF(tops); i++)
		if (slice_ends_nocase(slice_of(domain), slice_of(tops[i])))
			return true;
	return strchr(domain, '.') == NULL;
}
