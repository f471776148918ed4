/* conf_write.c - writes a configuration complete with defaults, and the sample. */
#include "base/when.h"
#include "server/conf_schema.h"

static void
dump_addresses(const struct conf_addresses *a, struct buf *out)
{
	char text[ENDPOINT_TEXT_BYTES];

	for (size_t i = 0; i < a->n; i++) {
		endpoint_format(&a->v[i], text);
		buf_printf(out, "%s%s", i == 0 ? "" : ", ", text);
	}
}

static void
dump_ranges(const struct conf_ranges *r, struct buf *out)
{
	char text[NET_ADDRESS_TEXT_BYTES];

	for (size_t i = 0; i < r->n; i++) {
		bool v4 = net_address_is_v4(&r->v[i].address) && r->v[i].bits >= 96;

		net_address_format(&r->v[i].address, text);
		buf_printf(out, "%s%s/%u", i == 0 ? "" : ", ", text,
		    v4 ? r->v[i].bits - 96 : r->v[i].bits);
	}
}

static void
dump_list(const struct text_list *list, struct buf *out)
{
	for (size_t i = 0; i < list->n; i++)
		buf_printf(out, "%s%s", i == 0 ? "" : ", ", list->v[i]);
}

static void
dump_value(const struct conf_row *row, const void *base, struct buf *out)
{
	const void *at = (const char *)base + row->offset;

	switch (row->type) {
	case CONF_TEXT:
	case CONF_DOMAIN:
	case CONF_HTTPS_URL:
		if (*(const char *const *)at != NULL)
			buf_text(out, *(const char *const *)at);
		break;
	case CONF_LIST:
		dump_list(at, out);
		break;
	case CONF_ADDRESSES:
		dump_addresses(at, out);
		break;
	case CONF_RANGES:
		dump_ranges(at, out);
		break;
	case CONF_NUMBER:
		buf_printf(out, "%llu", (unsigned long long)*(const uint64_t *)at);
		break;
	case CONF_BYTES:
		size_format(out, *(const uint64_t *)at);
		break;
	case CONF_TIME:
		duration_format(out, *(const uint64_t *)at);
		break;
	case CONF_SWITCH:
		buf_text(out, *(const bool *)at ? "yes" : "no");
		break;
	case CONF_CHOICE:
		buf_text(out, row->choices[*(const int *)at]);
		break;
	}
}

/* A key that has no value is shown as a comment: an empty value is not allowed. */
static void
dump_rows(const struct conf_section *section, const void *base, struct buf *out)
{
	struct buf value CLEANUP(buf_cleanup);

	buf_init(&value, CONF_LINE_BYTES);
	for (size_t i = 0; i < section->n; i++) {
		buf_reset(&value);
		dump_value(&section->rows[i], base, &value);
		if (value.n > 0)
			buf_printf(out, "%s = %s\n", section->rows[i].name, buf_cstr(&value));
		else
			buf_printf(out, "# %s =\n", section->rows[i].name);
		/* A value that was lost must not pass for one that is not set. */
		if (value.status != USHER_OK && out->status == USHER_OK)
			out->status = value.status;
	}
}

void
conf_dump(const struct conf *conf, struct buf *out)
{
	for (size_t i = 0; i < CONF_SECTIONS; i++) {
		const struct conf_section *section = &conf_sections[i];

		if (section->listener < 0) {
			if (*section->name != '\0')
				buf_printf(out, "\n[%s]\n", section->name);
			dump_rows(section, (const char *)conf + section->offset, out);
			continue;
		}
		for (size_t k = 0; k < conf->n_listeners; k++) {
			if (conf->listeners[k].kind != section->listener)
				continue;
			buf_printf(out, "\n[listen %s]\n", conf->listeners[k].name);
			dump_rows(section, &conf->listeners[k], out);
		}
	}
}

void
conf_sample(struct buf *out)
{
	buf_text(out, "# The configuration of usherd, see usherd.conf(5). A key behind `#` shows "
		      "its default.\n");
	for (size_t i = 0; i < CONF_SECTIONS; i++) {
		const struct conf_section *section = &conf_sections[i];
		const char *mark = section->listener == LISTENER_PROXY ? "#" : "";

		buf_printf(out, "\n# %s.\n", section->help);
		if (*section->name != '\0')
			buf_printf(out, "%s[%s]\n", mark, section->name);
		for (size_t k = 0; k < section->n; k++) {
			const struct conf_row *row = &section->rows[k];

			buf_printf(out, "\n# %s: ", row->help);
			conf_allowed(row, out);
			buf_printf(out, "\n#%s =%s%s\n", row->name, row->preset == NULL ? "" : " ",
			    row->preset == NULL ? "" : row->preset);
		}
	}
}
