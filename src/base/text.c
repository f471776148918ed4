/* text.c - reading text without locale and without walking pointers; binds libunistring. */
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <uninorm.h>

/* Of UTF-8 in NFC: Unicode Standard Annex 15, 12.1. */
enum { COMPOSED_MAX_GROWTH = 3 };

int
text_hex_value(char c)
{
	if (text_is_digit(c))
		return c - '0';
	c = text_lower(c);
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool
text_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

char *
text_lower_copy(struct arena *a, struct slice s)
{
	char *copy = arena_copy(a, s);

	if (copy == NULL)
		return NULL;
	for (size_t i = 0; i < s.n; i++)
		copy[i] = text_lower(copy[i]);
	return copy;
}

/* Bytes of the sequence that starts with c, or 0 when none can. The second byte's lower and upper
 * bound exclude overlong forms, surrogates and values above U+10FFFF (RFC 3629, 4). */
static size_t
utf8_lead(unsigned char c, unsigned char *lo, unsigned char *hi)
{
	*lo = 0x80;
	*hi = 0xbf;
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef) {
		if (c == 0xe0)
			*lo = 0xa0;
		if (c == 0xed)
			*hi = 0x9f;
		return 3;
	}
	if (c >= 0xf0 && c <= 0xf4) {
		if (c == 0xf0)
			*lo = 0x90;
		if (c == 0xf4)
			*hi = 0x8f;
		return 4;
	}
	return 0;
}

size_t
text_utf8_take(struct slice s)
{
	unsigned char lo, hi;
	size_t n;

	if (s.n == 0)
		return 0;
	n = utf8_lead((unsigned char)s.p[0], &lo, &hi);
	if (n > s.n)
		return 0;
	for (size_t k = 1; k < n; k++) {
		unsigned char c = (unsigned char)s.p[k];

		if (c < lo || c > hi)
			return 0;
		lo = 0x80;
		hi = 0xbf;
	}
	return n;
}

bool
text_utf8_valid(struct slice s)
{
	while (s.n > 0) {
		size_t n = text_utf8_take(s);

		if (n == 0)
			return false;
		s = slice_skip(s, n);
	}
	return true;
}

bool
text_compose(struct arena *a, struct slice s, struct slice *out)
{
	size_t i = 0;
	size_t n = s.n * COMPOSED_MAX_GROWTH;
	uint8_t *composed;

	while (i < s.n && (unsigned char)s.p[i] < 0x80)
		i++;
	if (i == s.n || !text_utf8_valid(s)) {
		*out = s;
		return true;
	}
	composed = arena_array(a, s.n + 1, COMPOSED_MAX_GROWTH);
	/* It fits, so that nothing else is allocated. */
	if (composed == NULL ||
	    u8_normalize(UNINORM_NFC, (const uint8_t *)s.p, s.n, composed, &n) == NULL)
		return false;
	composed[n] = '\0';
	*out = slice_from((const char *)composed, n);
	return true;
}

char *
text_login_copy(struct arena *a, struct slice s)
{
	struct slice composed;

	return text_compose(a, s, &composed) ? text_lower_copy(a, composed) : NULL;
}

char *
text_fold_copy(struct arena *a, struct slice s)
{
	size_t n = 0;
	uint8_t *folded;
	char *copy;

	if (text_is_ascii(s) || !text_utf8_valid(s))
		return text_lower_copy(a, s);
	folded = u8_casefold((const uint8_t *)s.p, s.n, NULL, UNINORM_NFC, NULL, &n);
	copy = folded == NULL ? NULL : arena_copy(a, slice_from((const char *)folded, n));
	free(folded);
	return copy;
}

bool
text_same_folded(struct slice a, struct slice b)
{
	int order = 1;

	if (slice_eq_nocase(a, b))
		return true;
	return !(text_is_ascii(a) && text_is_ascii(b)) && text_utf8_valid(a) &&
	       text_utf8_valid(b) &&
	       u8_casecmp((const uint8_t *)a.p, a.n, (const uint8_t *)b.p, b.n, NULL, UNINORM_NFC,
		   &order) == 0 &&
	       order == 0;
}

bool
text_is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

bool
text_has_control(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f)
			return true;
	}
	return false;
}

void
text_put_utf8(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_char(b, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_char(b, (char)(0xc0 | (c >> 6)));
	} else {
		if (c < 0x10000) {
			buf_char(b, (char)(0xe0 | (c >> 12)));
		} else {
			buf_char(b, (char)(0xf0 | (c >> 18)));
			buf_char(b, (char)(0x80 | ((c >> 12) & 0x3f)));
		}
		buf_char(b, (char)(0x80 | ((c >> 6) & 0x3f)));
	}
	buf_char(b, (char)(0x80 | (c & 0x3f)));
}

void
text_from_cp1252(struct buf *b, struct slice s)
{
	/* 0x80-0x9f; the rest of the upper half is as in Latin-1. */
	static const uint16_t upper[32] = {
		0x20ac, 0xfffd, 0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, /* 80 */
		0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0xfffd, 0x017d, 0xfffd, /* 88 */
		0xfffd, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, /* 90 */
		0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0xfffd, 0x017e, 0x0178, /* 98 */
	};

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		text_put_utf8(b, c >= 0x80 && c < 0xa0 ? upper[c - 0x80] : c);
	}
}

bool
text_number(struct slice s, uint64_t min, uint64_t max, uint64_t *out)
{
	struct cursor c = cursor_on(s);
	uint64_t value = cursor_number(&c, min, max);

	if (c.failed || !cursor_at_end(&c))
		return false;
	*out = value;
	return true;
}

struct cursor
cursor_on(struct slice s)
{
	/* Arithmetic on NULL is undefined, even by 0. */
	if (s.n == 0)
		return (struct cursor){ "", "", false };
	return (struct cursor){ s.p, s.p + s.n, false };
}

bool
cursor_at_end(const struct cursor *c)
{
	return c->p == c->end;
}

int
cursor_peek(const struct cursor *c)
{
	return c->failed || c->p == c->end ? -1 : (unsigned char)*c->p;
}

bool
cursor_char(struct cursor *c, char wanted)
{
	if (!cursor_maybe(c, wanted))
		c->failed = true;
	return !c->failed;
}

bool
cursor_maybe(struct cursor *c, char wanted)
{
	if (cursor_peek(c) != (unsigned char)wanted)
		return false;
	c->p++;
	return true;
}

bool
cursor_word(struct cursor *c, const char *wanted)
{
	size_t n = strlen(wanted);

	if (c->failed)
		return false;
	if ((size_t)(c->end - c->p) < n ||
	    !slice_eq_nocase(slice_from(c->p, n), slice_from(wanted, n))) {
		c->failed = true;
		return false;
	}
	c->p += n;
	return true;
}

void
cursor_blanks(struct cursor *c)
{
	while (cursor_maybe(c, ' ') || cursor_maybe(c, '\t'))
		;
}

struct slice
cursor_while(struct cursor *c, bool (*in_class)(char), size_t max)
{
	const char *from = c->p;

	if (c->failed)
		return (struct slice){ NULL, 0 };
	while (c->p < c->end && (size_t)(c->p - from) <= max && in_class(*c->p))
		c->p++;
	if (c->p == from || (size_t)(c->p - from) > max) {
		c->p = from;
		c->failed = true;
		return (struct slice){ NULL, 0 };
	}
	return slice_from(from, (size_t)(c->p - from));
}

struct slice
cursor_until(struct cursor *c, char stop, size_t max)
{
	const char *from = c->p;
	size_t left, at;

	if (c->failed)
		return (struct slice){ NULL, 0 };
	left = (size_t)(c->end - c->p);
	at = slice_find(slice_from(from, left), stop);
	if (at == left || at > max) {
		c->failed = true;
		return (struct slice){ NULL, 0 };
	}
	c->p += at + 1;
	return slice_from(from, at);
}

uint64_t
cursor_number(struct cursor *c, uint64_t min, uint64_t max)
{
	const char *from = c->p;
	uint64_t value = 0;

	while (!c->failed && c->p < c->end && text_is_digit(*c->p)) {
		uint64_t digit = (uint64_t)(*c->p - '0');

		if (value > (UINT64_MAX - digit) / 10) {
			c->failed = true;
			break;
		}
		value = value * 10 + digit;
		c->p++;
	}
	if (c->p == from || value < min || value > max)
		c->failed = true;
	return c->failed ? 0 : value;
}

struct slice
cursor_rest(struct cursor *c)
{
	struct slice rest = { c->p, c->failed ? 0 : (size_t)(c->end - c->p) };

	c->p = c->end;
	return rest;
}
