/* conf_row.c - values of configuration keys: read, preset, written, described. */
#include "model/conf_row.h"

#include "base/address.h"
#include "base/text.h"
#include "base/url.h"
#include "base/when.h"

struct slice
conf_plain_name(struct slice s, char out[CONF_NAME_BYTES])
{
	size_t n = 0;

	s = slice_trim(s);
	for (size_t i = 0; i < s.n; i++) {
		bool blank = text_is_space(s.p[i]);

		if (blank && text_is_space(s.p[i - 1]))
			continue;
		if (n == CONF_NAME_BYTES)
			return SLICE_LITERAL("");
		out[n++] = blank ? ' ' : text_lower(s.p[i]);
	}
	return slice_from(out, n);
}

const struct conf_row *
conf_row_find(const struct conf_rows *rows, struct slice name)
{
	char plain_bytes[CONF_NAME_BYTES];
	struct slice plain = conf_plain_name(name, plain_bytes);

	for (size_t i = 0; i < rows->n; i++)
		if (slice_is(plain, rows->v[i].name))
			return &rows->v[i];
	return NULL;
}

/* ---- reading ---- */

bool
conf_next_item(struct slice *rest, struct slice *item)
{
	size_t n = 0;

	while (rest->n > 0 && (text_is_space(*rest->p) || *rest->p == ','))
		*rest = slice_skip(*rest, 1);
	while (n < rest->n && !text_is_space(rest->p[n]) && rest->p[n] != ',')
		n++;
	*item = slice_from(rest->p, n);
	*rest = slice_skip(*rest, n);
	return n > 0;
}

/* A semicolon inside a name is written `\;` or `\3b` (RFC 4514, 2.4). */
static bool
next_dn(struct slice *rest, struct slice *item)
{
	do {
		size_t n = 0;

		while (n < rest->n && rest->p[n] != ';')
			n += rest->p[n] == '\\' && n + 1 < rest->n ? 2 : 1;
		*item = slice_trim(slice_from(rest->p, n));
		*rest = slice_skip(*rest, n + 1);
	} while (item->n == 0 && rest->n > 0);
	return item->n > 0;
}

/* The functions below return as conf_row_read(). */

static usher_status
read_list(struct arena *mem, const struct conf_row *row, struct slice value, struct text_list *out,
    const char **why)
{
	bool (*next)(struct slice *, struct slice *) =
	    row->type == CONF_DNS ? next_dn : conf_next_item;
	const char **v = arena_array(mem, CONF_LIST_MAX, sizeof(*v));
	struct slice item;

	if (v == NULL)
		return USHER_E_NOMEM;
	out->n = 0;
	out->v = v;
	while (next(&value, &item)) {
		*why = row->check == NULL ? NULL : row->check(item);
		if (*why != NULL || out->n == CONF_LIST_MAX)
			return USHER_E_INPUT;
		v[out->n] = arena_copy(mem, item);
		if (v[out->n++] == NULL)
			return USHER_E_NOMEM;
	}
	return USHER_OK;
}

static usher_status
read_switch(struct slice value, bool *out)
{
	static const char *const words[] = { "no", "yes", "off", "on", "false", "true" };

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (slice_is_nocase(value, words[i])) {
			*out = i % 2 == 1;
			return USHER_OK;
		}
	}
	return USHER_E_INPUT;
}

static usher_status
read_choice(const struct conf_row *row, struct slice value, int *out)
{
	for (int i = 0; row->choices[i] != NULL; i++) {
		if (slice_is_nocase(value, row->choices[i])) {
			*out = i;
			return USHER_OK;
		}
	}
	return USHER_E_INPUT;
}

static usher_status
read_text(struct arena *mem, const struct conf_row *row, struct slice value, const char **out,
    const char **why)
{
	*why = row->check == NULL ? NULL : row->check(value);
	if (*why != NULL)
		return USHER_E_INPUT;
	*out = arena_copy(mem, value);
	return *out == NULL ? USHER_E_NOMEM : USHER_OK;
}

static usher_status
read_domain(struct arena *mem, struct slice value, const char **out)
{
	usher_status st = domain_parse(mem, value, out, NULL);

	return st == USHER_OK || st == USHER_E_NOMEM ? st : USHER_E_INPUT;
}

static usher_status
read_https_url(struct arena *mem, struct slice value, const char **out)
{
	struct url url;
	usher_status st = url_parse(mem, value, &url, NULL);

	if (st == USHER_OK && (!url.https || url.userinfo))
		return USHER_E_INPUT;
	if (st == USHER_OK)
		*out = url.text;
	return st;
}

static usher_status
read_number(const struct conf_row *row, struct slice value, uint64_t *out)
{
	uint64_t number = 0;
	bool ok = row->type == CONF_BYTES ? size_parse(value, &number) :
		  row->type == CONF_TIME  ? duration_parse(value, &number) :
					    text_number(value, 0, UINT64_MAX, &number);

	if (!ok || number < row->min || number > row->max)
		return USHER_E_INPUT;
	*out = number;
	return USHER_OK;
}

usher_status
conf_row_read(
    struct arena *mem, const struct conf_row *row, void *base, struct slice value, const char **why)
{
	void *at = (char *)base + row->offset;

	*why = NULL;
	switch (row->type) {
	case CONF_TEXT:
		return read_text(mem, row, value, at, why);
	case CONF_DOMAIN:
		return read_domain(mem, value, at);
	case CONF_HTTPS_URL:
		return read_https_url(mem, value, at);
	case CONF_LIST:
	case CONF_DNS:
		return read_list(mem, row, value, at, why);
	case CONF_SWITCH:
		return read_switch(value, at);
	case CONF_CHOICE:
		return read_choice(row, value, at);
	case CONF_NUMBER:
	case CONF_BYTES:
	case CONF_TIME:
		return read_number(row, value, at);
	case CONF_OTHER:
		return row->kind->read(value, at);
	}
	return USHER_E_INTERNAL;
}

/* The presets are ours: one that cannot be read means that memory is out. */
bool
conf_rows_preset(struct arena *mem, const struct conf_rows *rows, void *base)
{
	const char *why;

	for (size_t i = 0; i < rows->n; i++) {
		const struct conf_row *row = &rows->v[i];

		if (row->preset == NULL)
			continue;
		if (row->type == CONF_TEXT)
			*(const char **)(void *)((char *)base + row->offset) = row->preset;
		else if (conf_row_read(mem, row, base, slice_of(row->preset), &why) != USHER_OK)
			return false;
	}
	return true;
}

/* ---- writing ---- */

static void
write_list(const struct text_list *list, const char *between, struct buf *out)
{
	for (size_t i = 0; i < list->n; i++)
		buf_printf(out, "%s%s", i == 0 ? "" : between, list->v[i]);
}

void
conf_row_write(const struct conf_row *row, const void *base, struct buf *out)
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
		write_list(at, ", ", out);
		break;
	case CONF_DNS:
		write_list(at, "; ", out);
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
	case CONF_OTHER:
		row->kind->write(at, out);
		break;
	}
}

void
conf_row_allowed(const struct conf_row *row, struct buf *out)
{
	switch (row->type) {
	case CONF_TEXT:
		buf_text(out, "a text");
		break;
	case CONF_DOMAIN:
		buf_text(out, "a domain name");
		break;
	case CONF_HTTPS_URL:
		buf_text(out, "an absolute https URL");
		break;
	case CONF_LIST:
		buf_text(out, "a list with commas");
		break;
	case CONF_DNS:
		buf_text(out, "DNs with semicolons between");
		break;
	case CONF_NUMBER:
		buf_printf(out, "a number from %llu to %llu", (unsigned long long)row->min,
		    (unsigned long long)row->max);
		break;
	case CONF_BYTES:
		buf_text(out, "a size from ");
		size_format(out, row->min);
		buf_text(out, " to ");
		size_format(out, row->max);
		break;
	case CONF_TIME:
		buf_text(out, "a time from ");
		duration_format(out, row->min);
		buf_text(out, " to ");
		duration_format(out, row->max);
		break;
	case CONF_SWITCH:
		buf_text(out, "yes or no");
		break;
	case CONF_CHOICE:
		for (size_t i = 0; row->choices[i] != NULL; i++)
			buf_printf(out, "%s%s", i == 0 ? "" : ", ", row->choices[i]);
		break;
	case CONF_OTHER:
		row->kind->allowed(out);
		break;
	}
}
