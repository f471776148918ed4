/* conf_write.c - writes a configuration complete with defaults, and the sample. */
#include "server/conf_schema.h"

/* A key that has no value is shown as a comment: an empty value is not allowed. */
static void
dump_rows(const struct conf_section *section, const void *base, struct buf *out)
{
	struct buf value CLEANUP(buf_cleanup);

	buf_init(&value, CONF_LINE_BYTES);
	for (size_t i = 0; i < section->rows->n; i++) {
		buf_reset(&value);
		conf_row_write(&section->rows->v[i], base, &value);
		if (value.n > 0)
			buf_printf(out, "%s = %s\n", section->rows->v[i].name, buf_cstr(&value));
		else
			buf_printf(out, "# %s =\n", section->rows->v[i].name);
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
		for (size_t k = 0; k < section->rows->n; k++) {
			const struct conf_row *row = &section->rows->v[k];

			buf_printf(out, "\n# %s: ", row->help);
			conf_row_allowed(row, out);
			buf_printf(out, "\n#%s =%s%s\n", row->name, row->preset == NULL ? "" : " ",
			    row->preset == NULL ? "" : row->preset);
		}
	}
}
