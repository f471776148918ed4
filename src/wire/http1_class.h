/* http1_class.h - classes of bytes in HTTP/1.1, shared by the readers of head and body. */
#ifndef USHER_WIRE_HTTP1_CLASS_H
#define USHER_WIRE_HTTP1_CLASS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum http1_class {
	HTTP1_CLASS_TOKEN = 1,	/* RFC 9110, 5.6.2 */
	HTTP1_CLASS_VALUE = 2,	/* field values: tab, blank, visible, above 0x7f */
	HTTP1_CLASS_TARGET = 4, /* visible but `#`, and above 0x7f */
	HTTP1_CLASS_HOST = 8	/* letters, digits, `-._~%` */
};

extern const uint8_t http1_classes[256];

static inline bool
http1_is(char c, enum http1_class wanted)
{
	return (http1_classes[(unsigned char)c] & wanted) != 0;
}

/* Every byte is of the class; true for the empty slice. */
static inline bool
http1_all(struct slice s, enum http1_class wanted)
{
	unsigned all = wanted;

	for (size_t i = 0; i < s.n; i++)
		all &= http1_classes[(unsigned char)s.p[i]];
	return all != 0;
}

#endif
