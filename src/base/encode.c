/* encode.c - base64, hexadecimal, GUIDs and JSON strings. */
#include "base/encode.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/text.h"

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode(struct buf *b, const void *p, size_t n)
{
	const unsigned char *from = p;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		uint32_t group = (uint32_t)from[i] << 16;

		if (left > 1)
			group |= (uint32_t)from[i + 1] << 8;
		if (left > 2)
			group |= from[i + 2];
		buf_char(b, base64_digits[group >> 18]);
		buf_char(b, base64_digits[group >> 12 & 63]);
		buf_char(b, left > 1 ? base64_digits[group >> 6 & 63] : '=');
		buf_char(b, left > 2 ? base64_digits[group & 63] : '=');
	}
}

static int
base64_value(char c)
{
	const char *at = c == '\0' ? NULL : strchr(base64_digits, c);

	return at == NULL ? -1 : (int)(at - base64_digits);
}

bool
base64_decode(struct buf *b, struct slice s)
{
	size_t pad = 0;

	if (s.n % 4 != 0)
		return false;
	while (pad < 2 && pad < s.n && s.p[s.n - 1 - pad] == '=')
		pad++;
	for (size_t i = 0; i < s.n; i += 4) {
		size_t digits = i + 4 == s.n ? 4 - pad : 4;
		uint32_t group = 0;

		for (size_t k = 0; k < digits; k++) {
			int value = base64_value(s.p[i + k]);

			if (value < 0)
				return false;
			group |= (uint32_t)value << (18 - 6 * k);
		}
		/* Bits that no byte takes must be 0, or one text would have several spellings. */
		if ((digits == 2 && (group & 0xffff) != 0) || (digits == 3 && (group & 0xff) != 0))
			return false;
		for (size_t k = 0; k + 1 < digits; k++)
			buf_char(b, (char)(group >> (16 - 8 * k) & 0xff));
	}
	return true;
}

static const char hex_digits[] = "0123456789abcdef";

void
hex_encode(struct buf *b, const void *p, size_t n)
{
	const unsigned char *from = p;

	for (size_t i = 0; i < n; i++) {
		buf_char(b, hex_digits[from[i] >> 4]);
		buf_char(b, hex_digits[from[i] & 15]);
	}
}

bool
random_bytes(void *p, size_t n)
{
	unsigned char *to = p;

	while (n > 0) {
		ssize_t got = getrandom(to, n, 0);

		if (got < 0 && errno != EINTR)
			return false;
		if (got > 0) {
			to += got;
			n -= (size_t)got;
		}
	}
	return true;
}

void
fingerprint_put(struct buf *b, const char *hex)
{
	for (size_t i = 0; hex[i] != '\0'; i++) {
		if (i > 0 && i % 2 == 0)
			buf_char(b, ':');
		buf_char(b, hex[i] >= 'a' ? (char)(hex[i] - 'a' + 'A') : hex[i]);
	}
}

static void
write_guid(const unsigned char r[16], char out[GUID_TEXT_BYTES])
{
	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*out++ = '-';
		*out++ = hex_digits[r[i] >> 4];
		*out++ = hex_digits[r[i] & 15];
	}
	*out = '\0';
}

void
guid_format(const unsigned char bytes[16], unsigned version, char out[GUID_TEXT_BYTES])
{
	unsigned char r[16];

	memcpy(r, bytes, sizeof(r));
	r[6] = (unsigned char)((r[6] & 0x0f) | version << 4);
	r[8] = (r[8] & 0x3f) | 0x80; /* variant 10 */
	write_guid(r, out);
}

/* Where each byte of the text lies in Windows' layout. */
static const unsigned char windows_order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14,
	15 };

void
guid_from_windows(const unsigned char bytes[16], char out[GUID_TEXT_BYTES])
{
	unsigned char r[16];

	for (size_t i = 0; i < sizeof(r); i++)
		r[i] = bytes[windows_order[i]];
	write_guid(r, out);
}

void
guid_to_windows(const char *text, unsigned char bytes[16])
{
	for (size_t i = 0; i < sizeof(windows_order); i++) {
		text += *text == '-';
		bytes[windows_order[i]] =
		    (unsigned char)(text_hex_value(text[0]) << 4 | text_hex_value(text[1]));
		text += 2;
	}
}

bool
guid_make(char out[GUID_TEXT_BYTES])
{
	unsigned char r[16];

	if (!random_bytes(r, sizeof(r)))
		return false;
	guid_format(r, 4, out);
	return true;
}

bool
guid_valid(struct slice s)
{
	if (s.n != GUID_TEXT_BYTES - 1)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (s.p[i] != '-')
				return false;
		} else if (text_hex_value(s.p[i]) < 0) {
			return false;
		}
	}
	return true;
}

/* The two-character escapes, or 0. */
static char
json_short_escape(char c)
{
	switch (c) {
	case '"':
	case '\\':
		return c;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

void
json_quote(struct buf *b, struct slice s)
{
	buf_char(b, '"');
	while (s.n > 0) {
		size_t n = text_utf8_take(s);
		char escape = json_short_escape(s.p[0]);

		if (n == 0) {
			buf_text(b, "\xef\xbf\xbd");
			n = 1;
		} else if (escape != 0) {
			buf_char(b, '\\');
			buf_char(b, escape);
		} else if ((unsigned char)s.p[0] < 0x20) {
			buf_printf(b, "\\u%04x", (unsigned)(unsigned char)s.p[0]);
		} else {
			buf_append(b, s.p, n);
		}
		s = slice_skip(s, n);
	}
	buf_char(b, '"');
}
