/* encode.h - base64, hexadecimal, GUIDs and JSON strings. */
#ifndef USHER_BASE_ENCODE_H
#define USHER_BASE_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* RFC 4648, 4, with padding, no line breaks. */
void
base64_encode(struct buf *b, const void *p, size_t n);

/* Strict: full padding, no blanks, no stray bits. False leaves part of the output in `b`. */
bool
base64_decode(struct buf *b, struct slice s);

/* Lower-case hexadecimal. */
void
hex_encode(struct buf *b, const void *p, size_t n);

/* Hexadecimal digits as people compare them: `AB:CD:01`. */
void
fingerprint_put(struct buf *b, const char *hex);

enum { GUID_TEXT_BYTES = 37 }; /* 8-4-4-4-12 and a NUL */

/* 16 bytes as a GUID of that version (RFC 9562, 4), lower case; the bits that say which are set. */
void
guid_format(const unsigned char bytes[16], unsigned version, char out[GUID_TEXT_BYTES]);

/* A random GUID (RFC 9562, version 4), lower case. False when the system has no randomness. */
bool
guid_make(char out[GUID_TEXT_BYTES]);

/* 16 bytes as Windows lays a GUID out, the first three fields with their lowest byte first
 * ([MS-DTYP] 2.3.4.2); lower case. */
void
guid_from_windows(const unsigned char bytes[16], char out[GUID_TEXT_BYTES]);

/* The same backwards; `text` is guid_valid(). */
void
guid_to_windows(const char *text, unsigned char bytes[16]);

/* 8-4-4-4-12 hexadecimal digits of any case, no braces. */
bool
guid_valid(struct slice s);

/* Fills from the kernel. False on failure. */
bool
random_bytes(void *p, size_t n);

/* Appends `s` as a quoted JSON string (RFC 8259, 7). Bytes that are not UTF-8 become U+FFFD. */
void
json_quote(struct buf *b, struct slice s);

#endif
