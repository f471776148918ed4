/* zone.h - DNS records as a fragment of a zone file (RFC 1035, 5). */
#ifndef USHER_WIRE_ZONE_H
#define USHER_WIRE_ZONE_H

#include <stdint.h>

#include "base/buf.h"
#include "model/zone.h"

enum { ZONE_TTL_MAX = 0x7fffffff }; /* RFC 2181, 8 */

/* `A`, `SRV`, as the record says it. */
const char *
zone_type_name(enum zone_type type);

/* What stands behind the type: `0 1 993 imap.example.com.`, `"path=/dav/"`. A text of more than 255
 * bytes becomes several strings, which belong together without a blank (RFC 7208, 3.3). */
void
zone_write_data(struct buf *b, const struct zone_record *record);

/* The fragment: $ORIGIN, then the records, each with `ttl_s`, and what they are for as comments.
 * Several may follow one another. It sets no $TTL, which would go on in the file around it. */
void
zone_write(struct buf *b, const struct zone *zone, uint32_t ttl_s);

#endif
