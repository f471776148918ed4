/* proxy_header.c - reading what a balancer says of its client. */
#include "wire/proxy_header.h"

#include <string.h>

static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";

/* The bytes behind the signature. */
enum { AT_COMMAND = 12, AT_FAMILY = 13, AT_LENGTH = 14, AT_SOURCE = PROXY_HEADER_FIRST };

enum { COMMAND_LOCAL = 0x20, COMMAND_PROXY = 0x21 };

/* Families, and the length of their addresses: source, destination, and both ports. */
enum {
	FAMILY_NONE = 0x00,
	FAMILY_TCP4 = 0x11,
	FAMILY_TCP6 = 0x21,
	TCP4_BYTES = 12,
	TCP6_BYTES = 36
};

size_t
proxy_header_length(const uint8_t *first)
{
	size_t n = PROXY_HEADER_FIRST + ((size_t)first[AT_LENGTH] << 8 | first[AT_LENGTH + 1]);

	if (memcmp(first, signature, sizeof(signature)) != 0 || n > PROXY_HEADER_BYTES)
		return 0;
	return first[AT_COMMAND] == COMMAND_LOCAL || first[AT_COMMAND] == COMMAND_PROXY ? n : 0;
}

bool
proxy_header_read(const uint8_t *header, size_t n, struct proxy_header *out)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	size_t room = n - PROXY_HEADER_FIRST;

	*out = (struct proxy_header){ 0 };
	if (header[AT_COMMAND] == COMMAND_LOCAL || header[AT_FAMILY] == FAMILY_NONE)
		return true;
	out->has_client = true;
	if (header[AT_FAMILY] == FAMILY_TCP4 && room >= TCP4_BYTES) {
		memcpy(out->client, mapped, sizeof(mapped));
		memcpy(out->client + sizeof(mapped), header + AT_SOURCE, 4);
		return true;
	}
	if (header[AT_FAMILY] == FAMILY_TCP6 && room >= TCP6_BYTES) {
		memcpy(out->client, header + AT_SOURCE, 16);
		return true;
	}
	return false;
}
