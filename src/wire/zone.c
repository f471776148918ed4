/* zone.c - DNS records as a fragment of a zone file (RFC 1035, 5). */
#include "wire/zone.h"

#include <inttypes.h>

enum { STRING_BYTES = 255 /* RFC 1035, 3.3 */ };

const char *
zone_type_name(enum zone_type type)
{
	static const char *const names[] = { [ZONE_A] = "A",
		[ZONE_AAAA] = "AAAA",
		[ZONE_CNAME] = "CNAME",
		[ZONE_SRV] = "SRV",
		[ZONE_TXT] = "TXT" };

	return names[type];
}

static void
put_string(struct buf *b, struct slice s)
{
	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_printf(b, "\\%c", c);
		else if (c < ' ' || c > '~')
			buf_printf(b, "\\%03u", c);
		else
			buf_char(b, (char)c);
	}
	buf_char(b, '"');
}

static void
put_text(struct buf *b, struct slice text)
{
	while (text.n > STRING_BYTES) {
		put_string(b, slice_from(text.p, STRING_BYTES));
		buf_char(b, ' ');
		text = slice_skip(text, STRING_BYTES);
	}
	put_string(b, text);
}

void
zone_write_data(struct buf *b, const struct zone_record *record)
{
	switch (record->type) {
	case ZONE_A:
	case ZONE_AAAA:
		buf_text(b, record->value);
		break;
	case ZONE_CNAME:
		buf_printf(b, "%s.", record->value);
		break;
	case ZONE_SRV:
		buf_printf(b, "%u %u %u %s.", record->srv.priority, record->srv.weight,
		    record->srv.port, record->srv.host);
		break;
	case ZONE_TXT:
		put_text(b, slice_of(record->value));
		break;
	}
}

void
zone_write(struct buf *b, const struct zone *zone, uint32_t ttl_s)
{
	const char *why = "";
	size_t width = 0;

	for (size_t i = 0; i < zone->n_records; i++) {
		size_t n = strlen(zone->records[i].name);

		width = n > width ? n : width;
	}
	buf_printf(b, "$ORIGIN %s.\n", zone->domain);
	for (size_t i = 0; i < zone->n_records; i++) {
		const struct zone_record *r = &zone->records[i];

		if (strcmp(r->why, why) != 0)
			buf_printf(b, "; %s\n", r->why);
		why = r->why;
		buf_printf(b, "%-*s %" PRIu32 " IN %-5s ", (int)width,
		    r->name[0] == '\0' ? "@" : r->name, ttl_s, zone_type_name(r->type));
		zone_write_data(b, r);
		buf_char(b, '\n');
	}
	for (size_t i = 0; i < zone->notes.n; i++)
		buf_printf(b, "; Note: %s\n", zone->notes.v[i]);
}
