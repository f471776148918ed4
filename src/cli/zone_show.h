/* zone_show.h - DNS records of a domain as a command prints them. */
#ifndef USHER_CLI_ZONE_SHOW_H
#define USHER_CLI_ZONE_SHOW_H

#include "base/buf.h"
#include "cli/writer.h"
#include "model/zone.h"

/* One object, with the records in it. `text` is for use meanwhile, and its failures stick there. */
void
zone_show(
    struct writer *w, const char *name, struct buf *text, const struct zone *zone, uint32_t ttl_s);

#endif
