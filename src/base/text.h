/* text.h - reading text: ASCII without locale, UTF-8, numbers, and one cursor for all parsers. */
#ifndef USHER_BASE_TEXT_H
#define USHER_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/slice.h"

/* ASCII only; every other byte is itself and belongs to no class. */
static inline char
text_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Space, tab, CR, LF. */
static inline bool
text_is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline bool
text_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
text_is_alpha(char c)
{
	c = text_lower(c);
	return c >= 'a' && c <= 'z';
}

static inline bool
text_is_alnum(char c)
{
	return text_is_digit(c) || text_is_alpha(c);
}

/* Value 0-15, or -1. */
int
text_hex_value(char c);

/* Either may be NULL, which is the same as NULL alone. */
bool
text_same(const char *a, const char *b);

/* NUL-terminated copy with ASCII letters in lower case. NULL when out of memory. */
char *
text_lower_copy(struct arena *a, struct slice s);

/* *out is `s` in Unicode's composed form (NFC): `s` itself when it is ASCII or no UTF-8, otherwise
 * NUL-terminated in `a`. False when out of memory, and *out is left alone. */
bool
text_compose(struct arena *a, struct slice s, struct slice *out);

/* A login name as names are compared (authentication.md 8): composed, with ASCII letters in lower
 * case, NUL-terminated. NULL when out of memory. */
char *
text_login_copy(struct arena *a, struct slice s);

/* A name as people compare names: composed, with the letters of every script in one case; what is
 * no UTF-8 with its ASCII letters in lower case. NULL when out of memory. */
char *
text_fold_copy(struct arena *a, struct slice s);

/* The two are the same as text_fold_copy() has them; false when out of memory, which two names of
 * ASCII never are. */
bool
text_same_folded(struct slice a, struct slice b);

/* Bytes of the well-formed UTF-8 character (RFC 3629: no overlong form, no surrogate, nothing above
 * U+10FFFF) that `s` begins with; 0 when it begins with none. */
size_t
text_utf8_take(struct slice s);

/* All of `s` is such characters. */
bool
text_utf8_valid(struct slice s);

/* No byte is above 0x7f. */
bool
text_is_ascii(struct slice s);

/* True when any byte is below 0x20 or is 0x7f. */
bool
text_has_control(struct slice s);

/* Appends the character `c`, which is at most U+10FFFF and no surrogate. */
void
text_put_utf8(struct buf *b, uint32_t c);

/* Appends `s`, each byte above 0x7f read as windows-1252 and written as UTF-8; bytes that
 * windows-1252 leaves undefined become U+FFFD. */
void
text_from_cp1252(struct buf *b, struct slice s);

/* The whole of `s` must be decimal digits with a value in min..max. False leaves *out alone. */
bool
text_number(struct slice s, uint64_t min, uint64_t max, uint64_t *out);

/* A cursor. The first failure sticks: every later call fails too and touches nothing, so that a
 * parser reads straight on and looks at `failed` once. */
struct cursor {
	const char *p;
	const char *end;
	bool failed;
};

struct cursor
cursor_on(struct slice s);
bool
cursor_at_end(const struct cursor *c);
/* The next byte as unsigned char, or -1 at the end; does not move. */
int
cursor_peek(const struct cursor *c);
/* Takes exactly this byte, or fails. */
bool
cursor_char(struct cursor *c, char wanted);
/* Takes this byte if it is next; not taking it is no failure. */
bool
cursor_maybe(struct cursor *c, char wanted);
/* Takes exactly this text (ASCII letters without case), or fails. */
bool
cursor_word(struct cursor *c, const char *wanted);
/* Skips any number of spaces and tabs. */
void
cursor_blanks(struct cursor *c);
/* Takes bytes while `in_class` holds; fails when none or more than max were taken. */
struct slice
cursor_while(struct cursor *c, bool (*in_class)(char), size_t max);
/* Takes what stands before `stop`, and `stop` itself; fails when it is not there within max. */
struct slice
cursor_until(struct cursor *c, char stop, size_t max);
/* Takes decimal digits; fails when there is none or the value is outside min..max. */
uint64_t
cursor_number(struct cursor *c, uint64_t min, uint64_t max);
/* What is left; the cursor is then at the end. */
struct slice
cursor_rest(struct cursor *c);

#endif
