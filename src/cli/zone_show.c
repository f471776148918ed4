/* zone_show.c - DNS records of a domain as JSON. */
#include "cli/zone_show.h"

#include "wire/zone.h"

static void
show_record(struct writer *w, struct buf *text, const struct zone *zone,
    const struct zone_record *r, uint32_t ttl_s)
{
	const char *below = r->name[0] == '\0' ? "" : ".";

	buf_reset(text);
	buf_printf(text, "%s%s%s", r->name, below, zone->domain);
	write_open(w, NULL, NULL);
	write_text(w, "name", buf_cstr(text));
	write_text(w, "type", zone_type_name(r->type));
	write_number(w, "ttl", ttl_s);
	buf_reset(text);
	zone_write_data(text, r);
	write_text(w, "data", buf_cstr(text));
	if (r->type == ZONE_SRV) {
		write_number(w, "priority", r->srv.priority);
		write_number(w, "weight", r->srv.weight);
		write_number(w, "port", r->srv.port);
		write_text(w, "target", r->srv.host[0] == '\0' ? "." : r->srv.host);
	} else {
		write_text(w, "value", r->value);
	}
	write_text(w, "why", r->why);
	write_close(w);
}

void
zone_show(
    struct writer *w, const char *name, struct buf *text, const struct zone *zone, uint32_t ttl_s)
{
	write_open(w, name, NULL);
	write_text(w, "domain", zone->domain);
	write_text(w, "host", zone->host);
	write_flag(w, "complete", zone->complete);
	write_list(w, "records", NULL, 0);
	for (size_t i = 0; i < zone->n_records; i++)
		show_record(w, text, zone, &zone->records[i], ttl_s);
	write_list_end(w);
	write_texts(w, "notes", &zone->notes);
	write_close(w);
}
