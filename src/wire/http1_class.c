/* http1_class.c - which byte may stand where in HTTP/1.1. */
#include "wire/http1_class.h"

#define T HTTP1_CLASS_TOKEN
#define V (HTTP1_CLASS_VALUE | HTTP1_CLASS_TARGET)
#define H HTTP1_CLASS_HOST

const uint8_t http1_classes[256] = {
	['\t'] = HTTP1_CLASS_VALUE,
	[' '] = HTTP1_CLASS_VALUE,
	['!'] = V | T,
	['"'] = V,
	['#'] = HTTP1_CLASS_VALUE | T,
	['$'] = V | T,
	['%'] = V | T | H,
	['&'] = V | T,
	['\''] = V | T,
	['('] = V,
	[')'] = V,
	['*'] = V | T,
	['+'] = V | T,
	[','] = V,
	['-'] = V | T | H,
	['.'] = V | T | H,
	['/'] = V,
	['0' ... '9'] = V | T | H,
	[':'] = V,
	[';'] = V,
	['<'] = V,
	['='] = V,
	['>'] = V,
	['?'] = V,
	['@'] = V,
	['A' ... 'Z'] = V | T | H,
	['['] = V,
	['\\'] = V,
	[']'] = V,
	['^'] = V | T,
	['_'] = V | T | H,
	['`'] = V | T,
	['a' ... 'z'] = V | T | H,
	['{'] = V,
	['|'] = V | T,
	['}'] = V,
	['~'] = V | T | H,
	[0x80 ... 0xff] = V,
};
