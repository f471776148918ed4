/* subject.c - reads distinguished names in the two orders people write them. */
#include "cert/subject.h"

#include <string.h>

#include <openssl/err.h>

#include "base/err.h"
#include "base/text.h"
#include "cert/x509.h"

enum { OID_BYTES = 128, RANK_LEAF = 6 };

static const char COMMON_NAME_OID[] = "2.5.4.3";

/* `max` counts characters (RFC 5280, appendix A). */
static const struct type {
	const char *oid;
	int rank; /* from the root */
	size_t max;
	bool ascii;
	const char *words[4];
} types[] = {
	{ "2.5.4.6", 1, 2, true, { "C", "countryName" } },
	{ "0.9.2342.19200300.100.1.25", 1, 63, true, { "DC", "domainComponent" } },
	{ "2.5.4.8", 2, 128, false, { "ST", "S", "SP", "stateOrProvinceName" } },
	{ "2.5.4.7", 3, 128, false, { "L", "localityName" } },
	{ "2.5.4.9", 3, 128, false, { "STREET", "streetAddress" } },
	{ "2.5.4.10", 4, 64, false, { "O", "organizationName" } },
	{ "2.5.4.11", 5, 64, false, { "OU", "organizationalUnitName" } },
	{ COMMON_NAME_OID, RANK_LEAF, COMMON_NAME_BYTES, false, { "CN", "commonName" } },
	{ "1.2.840.113549.1.9.1", RANK_LEAF, 128, true, { "E", "EMAIL", "emailAddress" } },
	{ "0.9.2342.19200300.100.1.1", RANK_LEAF, 256, false, { "UID", "userId" } },
	{ "2.5.4.4", RANK_LEAF, 64, false, { "SN", "surname" } },
	{ "2.5.4.42", RANK_LEAF, 64, false, { "G", "GN", "givenName" } },
	{ "2.5.4.43", RANK_LEAF, 64, false, { "I", "initials" } },
	{ "2.5.4.12", RANK_LEAF, 64, false, { "T", "title" } },
	{ "2.5.4.5", RANK_LEAF, 64, true, { "serialNumber" } },
};

static const struct type *
type_by_word(struct slice word)
{
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		for (size_t k = 0; k < COUNT_OF(types[i].words) && types[i].words[k] != NULL; k++) {
			if (slice_is_nocase(word, types[i].words[k]))
				return &types[i];
		}
	}
	return NULL;
}

static const struct type *
type_by_oid(const char *oid)
{
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		if (strcmp(types[i].oid, oid) == 0)
			return &types[i];
	}
	return NULL;
}

struct reader {
	struct arena *mem;
	struct slice rest;
	struct subject_attribute *v;
	size_t n;
	struct usher_error *err;
};

static usher_status
refuse(struct reader *r, struct slice near, const char *why)
{
	return err_set(r->err, USHER_E_INPUT, "subject", "at '%.*s': %s",
	    near.n > SUBJECT_TEXT_BYTES ? SUBJECT_TEXT_BYTES : (int)near.n,
	    near.n == 0 ? "" : near.p, why);
}

static void
skip_blanks(struct reader *r)
{
	while (r->rest.n > 0 && text_is_space(r->rest.p[0]))
		r->rest = slice_skip(r->rest, 1);
}

static bool
is_next(const struct reader *r, char c)
{
	return r->rest.n > 0 && r->rest.p[0] == c;
}

static bool
is_separator(char c)
{
	return c == ',' || c == ';' || c == '+';
}

/* A dotted OID or a word of OpenSSL's, which is how unusual types are printed. */
static usher_status
read_oid(struct reader *r, struct slice word, const char **oid)
{
	const char *text = arena_copy(r->mem, word);
	char dotted[OID_BYTES];
	ASN1_OBJECT *o;
	int n;

	if (text == NULL)
		return err_nomem(r->err, "subject");
	o = OBJ_txt2obj(text, 0);
	n = o == NULL ? -1 : OBJ_obj2txt(dotted, sizeof(dotted), o, 1);
	ASN1_OBJECT_free(o);
	ERR_clear_error();
	if (n <= 0 || n >= (int)sizeof(dotted))
		return refuse(r, word,
		    "not a type of attribute; usual are CN, O, OU, L, ST and C, or an OID");
	*oid = arena_strdup(r->mem, dotted);
	return *oid == NULL ? err_nomem(r->err, "subject") : USHER_OK;
}

static usher_status
read_type(struct reader *r, struct slice *word, const char **oid)
{
	size_t end = slice_find(r->rest, '=');
	const struct type *t;

	*word = slice_trim(slice_from(r->rest.p, end));
	if (r->rest.n > 0 && r->rest.p[0] == '/')
		return refuse(r, slice_trim(r->rest),
		    "names with slashes are OpenSSL's; write CN=mail.contoso.com,O=Contoso,C=US");
	if (end == r->rest.n || word->n == 0)
		return refuse(r, slice_trim(r->rest),
		    "an attribute is TYPE=VALUE; a comma within a value is written \\,");
	r->rest = slice_skip(r->rest, end + 1);
	if (slice_starts_nocase(*word, SLICE_LITERAL("OID.")))
		*word = slice_skip(*word, strlen("OID."));
	t = type_by_word(*word);
	if (t == NULL)
		return read_oid(r, *word, oid);
	*oid = t->oid;
	return USHER_OK;
}

/* Appends the byte or character behind a backslash, and moves past it. */
static bool
read_escape(struct reader *r, struct buf *out)
{
	int high, low;

	r->rest = slice_skip(r->rest, 1);
	if (r->rest.n == 0)
		return false;
	high = text_hex_value(r->rest.p[0]);
	low = r->rest.n > 1 ? text_hex_value(r->rest.p[1]) : -1;
	if (high >= 0 && low >= 0) {
		buf_char(out, (char)(high * 16 + low));
		r->rest = slice_skip(r->rest, 2);
		return true;
	}
	if (strchr(" \"#+,;<=>\\", r->rest.p[0]) == NULL || r->rest.p[0] == '\0')
		return false;
	buf_char(out, r->rest.p[0]);
	r->rest = slice_skip(r->rest, 1);
	return true;
}

/* RFC 2253's older form, which Windows writes: a quote within is doubled or escaped. */
static bool
read_quoted(struct reader *r, struct buf *out)
{
	r->rest = slice_skip(r->rest, 1);
	while (r->rest.n > 0) {
		char c = r->rest.p[0];

		if (c == '\\') {
			if (!read_escape(r, out))
				return false;
			continue;
		}
		r->rest = slice_skip(r->rest, 1);
		if (c == '"') {
			if (!is_next(r, '"'))
				return true;
			r->rest = slice_skip(r->rest, 1);
		}
		buf_char(out, c);
	}
	return false;
}

static bool
read_plain(struct reader *r, struct buf *out)
{
	size_t kept = 0; /* what stands before blanks that may turn out to be the last */

	while (r->rest.n > 0 && !is_separator(r->rest.p[0])) {
		char c = r->rest.p[0];

		if (c == '\\') {
			if (!read_escape(r, out))
				return false;
			kept = out->n;
			continue;
		}
		if (c == '"')
			return false;
		buf_char(out, c);
		r->rest = slice_skip(r->rest, 1);
		if (!text_is_space(c))
			kept = out->n;
	}
	buf_cut(out, kept);
	return true;
}

/* `#` and the BER of a string. */
static bool
read_hex(struct reader *r, struct buf *out)
{
	struct buf ber CLEANUP(buf_cleanup);
	const unsigned char *at;
	unsigned char *utf8 = NULL;
	ASN1_TYPE *value;
	int n = -1;

	buf_init(&ber, SUBJECT_TEXT_BYTES);
	r->rest = slice_skip(r->rest, 1);
	while (r->rest.n > 1 && text_hex_value(r->rest.p[0]) >= 0 &&
	       text_hex_value(r->rest.p[1]) >= 0) {
		buf_char(
		    &ber, (char)(text_hex_value(r->rest.p[0]) * 16 + text_hex_value(r->rest.p[1])));
		r->rest = slice_skip(r->rest, 2);
	}
	at = (const unsigned char *)buf_cstr(&ber);
	value = d2i_ASN1_TYPE(NULL, &at, (long)ber.n);
	if (value != NULL && at == (const unsigned char *)ber.p + ber.n &&
	    (ASN1_tag2bit(ASN1_TYPE_get(value)) & (B_ASN1_DIRECTORYSTRING | B_ASN1_IA5STRING)) != 0)
		n = ASN1_STRING_to_UTF8(&utf8, value->value.asn1_string);
	if (n > 0)
		buf_append(out, utf8, (size_t)n);
	OPENSSL_free(utf8);
	ASN1_TYPE_free(value);
	ERR_clear_error();
	return n > 0;
}

static size_t
count_characters(struct slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

static usher_status
check_value(struct reader *r, struct slice word, const struct type *t, struct slice value)
{
	if (value.n == 0)
		return refuse(r, word, "it has no value");
	if (text_has_control(value) || !text_utf8_valid(value))
		return refuse(r, word, "its value holds control bytes or is not UTF-8");
	if (t == NULL)
		return USHER_OK;
	if (t->ascii && !text_is_ascii(value))
		return refuse(r, word, "its value may hold ASCII only");
	if (t->max == 2 &&
	    (value.n != 2 || !text_is_alpha(value.p[0]) || !text_is_alpha(value.p[1])))
		return refuse(r, word, "a country is two letters (ISO 3166), such as US");
	if (count_characters(value) > t->max)
		return err_set(r->err, USHER_E_INPUT, "subject",
		    "at '%.*s': its value is longer than %zu characters", (int)word.n, word.p,
		    t->max);
	return USHER_OK;
}

static usher_status
read_value(struct reader *r, struct slice word, const char *oid, const char **out)
{
	struct buf value CLEANUP(buf_cleanup);
	const struct type *t = type_by_oid(oid);
	bool good;
	char *copy;
	usher_status st;

	buf_init(&value, SUBJECT_TEXT_BYTES);
	skip_blanks(r);
	if (is_next(r, '"'))
		good = read_quoted(r, &value);
	else if (is_next(r, '#'))
		good = read_hex(r, &value);
	else
		good = read_plain(r, &value);
	skip_blanks(r);
	if (value.status != USHER_OK)
		return err_nomem(r->err, "subject");
	if (!good || (r->rest.n > 0 && !is_separator(r->rest.p[0])))
		return refuse(r, word,
		    "its value cannot be read; , + \" \\ ; < > within it need a backslash");
	st = check_value(r, word, t, buf_as_slice(&value));
	if (st != USHER_OK)
		return st;
	copy = arena_copy(r->mem, buf_as_slice(&value));
	if (copy == NULL)
		return err_nomem(r->err, "subject");
	for (size_t i = 0; t != NULL && t->max == 2 && i < 2; i++)
		copy[i] = (char)(copy[i] & ~0x20);
	*out = copy;
	return USHER_OK;
}

/* Reads `TYPE=VALUE` and the separator behind it. */
static usher_status
read_attribute(struct reader *r, bool *joins_next)
{
	struct subject_attribute *a = &r->v[r->n];
	struct slice word;
	usher_status st;

	if (r->n == SUBJECT_ATTRIBUTES)
		return err_set(r->err, USHER_E_LIMIT, "subject", "more than %d attributes",
		    SUBJECT_ATTRIBUTES);
	a->joined = *joins_next;
	st = read_type(r, &word, &a->type);
	if (st == USHER_OK)
		st = read_value(r, word, a->type, &a->value);
	if (st != USHER_OK)
		return st;
	r->n++;
	*joins_next = is_next(r, '+');
	if (r->rest.n == 0)
		return USHER_OK;
	r->rest = slice_skip(r->rest, 1);
	skip_blanks(r);
	return r->rest.n > 0 ? USHER_OK : refuse(r, word, "an attribute is missing behind it");
}

/* Turns the order of RDNs, but not that within them. */
static void
turn(const struct reader *r, struct subject_attribute *to)
{
	size_t done = 0;

	for (size_t end = r->n; end > 0;) {
		size_t begin = end - 1;

		while (r->v[begin].joined)
			begin--;
		memcpy(to + done, r->v + begin, (end - begin) * sizeof(*to));
		done += end - begin;
		end = begin;
	}
}

/* The rank of the RDN that begins at `i`: that of its lowest attribute, since X.509 sorts them. */
static int
rank_at(const struct reader *r, size_t i)
{
	int rank = 0;

	do {
		const struct type *t = type_by_oid(r->v[i].type);
		int own = t == NULL ? RANK_LEAF : t->rank;

		rank = own > rank ? own : rank;
	} while (++i < r->n && r->v[i].joined);
	return rank;
}

static bool
begins_at_root(const struct reader *r)
{
	size_t last = r->n - 1;

	while (r->v[last].joined)
		last--;
	return rank_at(r, 0) < rank_at(r, last);
}

usher_status
subject_parse(struct arena *mem, struct slice text, struct subject *out, struct usher_error *err)
{
	struct reader r = { mem, text, NULL, 0, err };
	struct subject_attribute *turned;
	bool joins_next = false;
	usher_status st = USHER_OK;

	if (text.n > SUBJECT_TEXT_BYTES)
		return err_set(
		    err, USHER_E_LIMIT, "subject", "longer than %d bytes", SUBJECT_TEXT_BYTES);
	r.v = arena_array(mem, SUBJECT_ATTRIBUTES, sizeof(*r.v));
	turned = arena_array(mem, SUBJECT_ATTRIBUTES, sizeof(*turned));
	if (r.v == NULL || turned == NULL)
		return err_nomem(err, "subject");
	skip_blanks(&r);
	while (st == USHER_OK && r.rest.n > 0)
		st = read_attribute(&r, &joins_next);
	if (st != USHER_OK)
		return st;
	if (r.n == 0 || begins_at_root(&r)) {
		*out = (struct subject){ r.v, r.n };
		return USHER_OK;
	}
	turn(&r, turned);
	*out = (struct subject){ turned, r.n };
	return USHER_OK;
}

usher_status
subject_of_host(struct arena *mem, const char *host, struct subject *out, struct usher_error *err)
{
	struct subject_attribute *a;

	if (strlen(host) > COMMON_NAME_BYTES) {
		*out = (struct subject){ NULL, 0 };
		return USHER_OK;
	}
	a = arena_zalloc(mem, sizeof(*a));
	if (a == NULL)
		return err_nomem(err, "subject");
	*a = (struct subject_attribute){ COMMON_NAME_OID, host, false };
	*out = (struct subject){ a, 1 };
	return USHER_OK;
}

const char *
subject_common_name(const struct subject *s)
{
	for (size_t i = s->n; i > 0; i--) {
		if (strcmp(s->v[i - 1].type, COMMON_NAME_OID) == 0)
			return s->v[i - 1].value;
	}
	return NULL;
}

usher_status
subject_text(struct arena *mem, const struct subject *s, const char **out, struct usher_error *err)
{
	X509_NAME *made CLEANUP(own_name) = name_make(s);
	/* In DER, which sorts the attributes of an RDN, and back. */
	X509_NAME *name CLEANUP(own_name) = made == NULL ? NULL : X509_NAME_dup(made);

	if (name == NULL)
		return ssl_failed(err, USHER_E_NOMEM, "subject", "out of memory");
	return name_text(mem, name, out, err);
}
