/* digest.h - hashes of texts, and GUIDs made of them. */
#ifndef USHER_BASE_DIGEST_H
#define USHER_BASE_DIGEST_H

#include <stdbool.h>

#include "base/encode.h"
#include "base/slice.h"

enum { SHA256_BYTES = 32 };

/* False when out of memory. */
bool
sha256(struct slice s, unsigned char out[SHA256_BYTES]);

/* The space of host names (RFC 9562, 6.6). */
#define GUID_SPACE_DNS "6ba7b810-9dad-11d1-80b4-00c04fd430c8"

/* The GUID of `name` in the space of the GUID `space` (RFC 9562, version 5), lower case: each time
 * the same. False when `space` is no GUID, or out of memory. */
bool
guid_of_name(const char *space, struct slice name, char out[GUID_TEXT_BYTES]);

#endif
