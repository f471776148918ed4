/* conf.c - reads, checks and writes the configuration; what may stand in it is conf_schema.c's. */
#include "server/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/err.h"
#include "base/text.h"
#include "base/url.h"
#include "base/when.h"
#include "server/conf_schema.h"

enum { CONF_MEMORY_BYTES = 8 * 1024 * 1024, NAME_BYTES = 64, WHERE_BYTES = 160, HOST_BYTES = 256 };

struct reader {
	struct conf *conf;
	unsigned line;
	const struct conf_section *section;
	void *base;			   /* what the section's offsets count from */
	uint64_t seen_keys;		   /* rows of the current section */
	bool seen_sections[CONF_SECTIONS]; /* those that may stand once only */
	struct usher_error *err;
};

static usher_status
bad(const struct reader *r, const char *what, struct slice text, const char *allowed)
{
	char where[WHERE_BYTES];
	int n = text.n > NAME_BYTES ? NAME_BYTES : (int)text.n;

	(void)snprintf(where, sizeof(where), "%s:%u", r->conf->path, r->line);
	return err_set(r->err, USHER_E_INPUT, where, "%s `%.*s`: %s", what, n, text.p, allowed);
}

/* ---- values ---- */

/* Takes the next item of a list, apart by commas or blanks. False when there is none left. */
static bool
next_item(struct slice *rest, struct slice *item)
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

static bool
read_list(struct arena *mem, const struct conf_row *row, struct slice value, struct text_list *out,
    const char **why)
{
	const char **v = arena_array(mem, CONF_LIST_MAX, sizeof(*v));
	struct slice item;

	out->n = 0;
	out->v = v;
	while (v != NULL && next_item(&value, &item)) {
		*why = row->check == NULL ? NULL : row->check(item);
		if (*why != NULL || out->n == CONF_LIST_MAX)
			return false;
		v[out->n] = arena_copy(mem, item);
		if (v[out->n++] == NULL)
			return false;
	}
	return v != NULL;
}

static bool
read_addresses(struct slice value, struct conf_addresses *out)
{
	struct slice item;

	out->n = 0;
	while (next_item(&value, &item)) {
		if (out->n == CONF_ADDRESSES_MAX || !endpoint_parse(item, &out->v[out->n]))
			return false;
		out->n++;
	}
	return out->n > 0;
}

static bool
read_ranges(struct slice value, struct conf_ranges *out)
{
	struct slice item;

	out->n = 0;
	while (next_item(&value, &item)) {
		if (out->n == CONF_LIST_MAX || !net_range_parse(item, &out->v[out->n]))
			return false;
		out->n++;
	}
	return true;
}

static bool
read_switch(struct slice value, bool *out)
{
	static const char *const words[] = { "no", "yes", "off", "on", "false", "true" };

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (slice_is_nocase(value, words[i])) {
			*out = i % 2 == 1;
			return true;
		}
	}
	return false;
}

static bool
read_choice(const struct conf_row *row, struct slice value, int *out)
{
	for (int i = 0; row->choices[i] != NULL; i++) {
		if (slice_is_nocase(value, row->choices[i])) {
			*out = i;
			return true;
		}
	}
	return false;
}

static bool
read_text(struct arena *mem, const struct conf_row *row, struct slice value, const char **out,
    const char **why)
{
	struct url url;

	switch (row->type) {
	case CONF_DOMAIN:
		return domain_parse(mem, value, out, NULL) == USHER_OK;
	case CONF_HTTPS_URL:
		if (url_parse(mem, value, &url, NULL) != USHER_OK || !url.https || url.userinfo)
			return false;
		*out = url.text;
		return true;
	default:
		*why = row->check == NULL ? NULL : row->check(value);
		*out = *why == NULL ? arena_copy(mem, value) : NULL;
		return *out != NULL;
	}
}

/* False when the value is not one the row allows, or memory is out; *why may say more than the row
 * does. */
static bool
read_value(
    struct arena *mem, const struct conf_row *row, void *base, struct slice value, const char **why)
{
	void *at = (char *)base + row->offset;
	uint64_t number = 0;
	bool ok;

	switch (row->type) {
	case CONF_TEXT:
	case CONF_DOMAIN:
	case CONF_HTTPS_URL:
		return read_text(mem, row, value, at, why);
	case CONF_LIST:
		return read_list(mem, row, value, at, why);
	case CONF_ADDRESSES:
		return read_addresses(value, at);
	case CONF_RANGES:
		return read_ranges(value, at);
	case CONF_SWITCH:
		return read_switch(value, at);
	case CONF_CHOICE:
		return read_choice(row, value, at);
	case CONF_NUMBER:
		ok = text_number(value, row->min, row->max, &number);
		break;
	case CONF_BYTES:
		ok = size_parse(value, &number);
		break;
	case CONF_TIME:
		ok = duration_parse(value, &number);
		break;
	default:
		return false;
	}
	if (!ok || number < row->min || number > row->max)
		return false;
	*(uint64_t *)at = number;
	return true;
}

/* The presets are ours: one that cannot be read means that memory is out. */
static usher_status
set_presets(
    struct conf *conf, const struct conf_section *section, void *base, struct usher_error *err)
{
	const char *why = NULL;

	for (size_t i = 0; i < section->n; i++) {
		const struct conf_row *row = &section->rows[i];

		if (row->preset != NULL &&
		    !read_value(conf->mem, row, base, slice_of(row->preset), &why))
			return err_nomem(err, conf->path);
	}
	return USHER_OK;
}

/* ---- lines ---- */

/* Names are compared in lower case with single blanks. Empty when it does not fit. */
static struct slice
plain_name(struct slice s, char out[NAME_BYTES])
{
	size_t n = 0;

	s = slice_trim(s);
	for (size_t i = 0; i < s.n; i++) {
		bool blank = text_is_space(s.p[i]);

		if (blank && text_is_space(s.p[i - 1]))
			continue;
		if (n == NAME_BYTES)
			return SLICE_LITERAL("");
		out[n++] = blank ? ' ' : text_lower(s.p[i]);
	}
	return slice_from(out, n);
}

static usher_status
open_listener(struct reader *r, const struct conf_section *section, struct slice name)
{
	struct conf *conf = r->conf;
	struct conf_listener *l = &conf->listeners[conf->n_listeners];
	/* `https two` of `listen https two`: what log lines show. */
	struct slice shown = slice_skip(name, sizeof("listen ") - 1);

	for (size_t i = 0; i < conf->n_listeners; i++) {
		if (slice_is(shown, conf->listeners[i].name))
			return bad(r, "section", name, "it stands here a second time");
	}
	if (conf->n_listeners == ENGINE_MAX_LISTENERS)
		return bad(r, "section", name, "there are too many listeners");
	*l = (struct conf_listener){ .kind = section->listener, .line = r->line };
	l->name = arena_copy(conf->mem, shown);
	if (l->name == NULL)
		return err_nomem(r->err, conf->path);
	conf->n_listeners++;
	r->base = l;
	return set_presets(conf, section, l, r->err);
}

static usher_status
open_section(struct reader *r, struct slice text)
{
	char name_bytes[NAME_BYTES];
	struct slice name = plain_name(text, name_bytes);

	r->seen_keys = 0;
	for (size_t i = 1; i < CONF_SECTIONS; i++) {
		const struct conf_section *section = &conf_sections[i];
		struct slice own = slice_of(section->name);

		if (section->listener >= 0 && slice_starts(name, own) &&
		    (name.n == own.n || name.p[own.n] == ' ')) {
			r->section = section;
			return open_listener(r, section, name);
		}
		if (section->listener >= 0 || !slice_eq(name, own))
			continue;
		if (r->seen_sections[i])
			return bad(r, "section", text, "it stands here a second time");
		r->seen_sections[i] = true;
		r->section = section;
		r->base = (char *)r->conf + section->offset;
		return USHER_OK;
	}
	return bad(r, "unknown section", text,
	    "allowed are listen https, listen redirect, listen private, listen proxy, "
	    "authentication, limits, log");
}

static usher_status
unknown_key(struct reader *r, struct slice key)
{
	struct buf allowed CLEANUP(buf_cleanup);

	buf_init(&allowed, USHER_ERROR_MESSAGE_BYTES);
	buf_text(&allowed, "allowed here are ");
	for (size_t i = 0; i < r->section->n; i++)
		buf_printf(&allowed, "%s%s", i == 0 ? "" : ", ", r->section->rows[i].name);
	return bad(r, "unknown key", key, buf_cstr(&allowed));
}

static usher_status
set_key(struct reader *r, struct slice key, struct slice value)
{
	char name_bytes[NAME_BYTES];
	struct slice name = plain_name(key, name_bytes);
	struct buf allowed CLEANUP(buf_cleanup);
	const char *why = NULL;
	const struct conf_row *row = NULL;

	buf_init(&allowed, USHER_ERROR_MESSAGE_BYTES);
	for (size_t i = 0; i < r->section->n && row == NULL; i++) {
		if (!slice_is(name, r->section->rows[i].name))
			continue;
		row = &r->section->rows[i];
		if ((r->seen_keys & (UINT64_C(1) << i)) != 0)
			return bad(r, "key", key, "it stands here a second time");
		r->seen_keys |= UINT64_C(1) << i;
	}
	if (row == NULL)
		return unknown_key(r, key);
	if (value.n > 0 && read_value(r->conf->mem, row, r->base, value, &why))
		return USHER_OK;
	conf_allowed(row, &allowed);
	return bad(r, row->name, value, why != NULL ? why : buf_cstr(&allowed));
}

static usher_status
read_line(struct reader *r, struct slice line)
{
	size_t equals;

	if (line.n > CONF_LINE_BYTES)
		return bad(r, "line", line, "it is too long");
	if (!text_utf8_valid(line))
		return bad(r, "line", SLICE_LITERAL(""), "it is not UTF-8");
	line = slice_trim(line);
	if (line.n == 0 || *line.p == '#' || *line.p == ';')
		return USHER_OK;
	if (text_has_control(line) && slice_find(line, '\t') == line.n)
		return bad(r, "line", line, "it has a control character");
	if (*line.p == '[') {
		if (line.p[line.n - 1] != ']')
			return bad(r, "line", line, "a section is [NAME]");
		return open_section(r, slice_from(line.p + 1, line.n - 2));
	}
	equals = slice_find(line, '=');
	if (equals == line.n)
		return bad(r, "line", line, "neither [SECTION] nor KEY = VALUE");
	return set_key(
	    r, slice_trim(slice_from(line.p, equals)), slice_trim(slice_skip(line, equals + 1)));
}

/* ---- what rows cannot say ---- */

static usher_status
check_listener(struct reader *r, const struct conf_listener *l)
{
	struct slice name = slice_of(l->name);

	r->line = l->line;
	if ((l->certificate == NULL) != (l->key == NULL))
		return bad(r, "listener", name, "certificate and key come together or not at all");
	if (l->kind == LISTENER_PROXY && r->conf->trusted.n == 0)
		return bad(r, "listener", name,
		    "name the proxy in `trusted proxies` before the first section");
	return USHER_OK;
}

static usher_status
check(struct reader *r)
{
	usher_status st = USHER_OK;

	if (r->conf->n_listeners == 0)
		return err_set(r->err, USHER_E_INPUT, r->conf->path,
		    "nothing to listen on; add [listen https], [listen redirect], "
		    "[listen private] or [listen proxy]");
	for (size_t i = 0; st == USHER_OK && i < r->conf->n_listeners; i++)
		st = check_listener(r, &r->conf->listeners[i]);
	return st;
}

/* The system's name may be anything an administrator typed. */
static usher_status
default_server_name(struct conf *conf, struct usher_error *err)
{
	char host[HOST_BYTES];

	if (conf->server_name != NULL)
		return USHER_OK;
	if (gethostname(host, sizeof(host)) == 0) {
		host[sizeof(host) - 1] = '\0';
		if (domain_parse(conf->mem, slice_of(host), &conf->server_name, NULL) == USHER_OK)
			return USHER_OK;
	}
	conf->server_name = arena_strdup(conf->mem, "localhost");
	return conf->server_name == NULL ? err_nomem(err, conf->path) : USHER_OK;
}

/* ---- files ---- */

static usher_status
read_all_lines(struct reader *r, struct slice text)
{
	usher_status st = USHER_OK;

	for (size_t i = 0; st == USHER_OK && i < CONF_SECTIONS; i++) {
		if (conf_sections[i].listener < 0)
			st = set_presets(r->conf, &conf_sections[i],
			    (char *)r->conf + conf_sections[i].offset, r->err);
	}
	while (st == USHER_OK && text.n > 0) {
		size_t end = slice_find(text, '\n');

		r->line++;
		st = read_line(r, slice_from(text.p, end));
		text = slice_skip(text, end + 1);
	}
	if (st == USHER_OK)
		st = check(r);
	return st == USHER_OK ? default_server_name(r->conf, r->err) : st;
}

usher_status
conf_read(const char *path, struct slice text, struct conf **out, struct usher_error *err)
{
	struct arena *mem = arena_new(CONF_MEMORY_BYTES);
	struct conf *conf = mem == NULL ? NULL : arena_zalloc(mem, sizeof(*conf));
	struct reader r = { .conf = conf, .section = &conf_sections[0], .base = conf, .err = err };
	usher_status st;

	if (conf == NULL) {
		arena_free(mem);
		return err_nomem(err, path);
	}
	conf->mem = mem;
	atomic_init(&conf->references, 1);
	conf->path = arena_strdup(mem, path);
	st = conf->path == NULL ? err_nomem(err, path) : read_all_lines(&r, text);
	if (st != USHER_OK) {
		arena_free(mem);
		return st;
	}
	*out = conf;
	return USHER_OK;
}

static usher_status
read_file(const char *path, struct buf *text, struct usher_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;
	int e;

	while (n > 0) {
		char *to = buf_reserve(text, CONF_LINE_BYTES);

		if (to == NULL)
			break;
		n = read(fd, to, CONF_LINE_BYTES);
		if (n > 0)
			buf_used(text, (size_t)n);
	}
	e = errno;
	if (fd >= 0)
		(void)close(fd);
	if (text->status != USHER_OK)
		return err_set(err, text->status, path, "cannot be held in memory");
	if (n < 0)
		return err_set(err,
		    e == ENOENT ? USHER_E_ABSENT :
		    e == EACCES ? USHER_E_PERMISSION :
				  USHER_E_IO,
		    path, "cannot read the configuration: %s", strerror(e));
	return USHER_OK;
}

usher_status
conf_load(const char *path, struct conf **out, struct usher_error *err)
{
	struct buf text CLEANUP(buf_cleanup);
	usher_status st;

	buf_init(&text, CONF_FILE_BYTES);
	st = read_file(path, &text, err);
	return st == USHER_OK ? conf_read(path, buf_as_slice(&text), out, err) : st;
}

struct conf *
conf_ref(struct conf *conf)
{
	atomic_fetch_add(&conf->references, 1);
	return conf;
}

void
conf_unref(struct conf *conf)
{
	if (conf != NULL && atomic_fetch_sub(&conf->references, 1) == 1)
		arena_free(conf->mem);
}

void
conf_listener_name(const struct conf_listener *l, size_t i, char out[CONF_LISTENER_NAME_BYTES])
{
	if (i == 0)
		(void)snprintf(out, CONF_LISTENER_NAME_BYTES, "%s", l->name);
	else
		(void)snprintf(out, CONF_LISTENER_NAME_BYTES, "%s #%zu", l->name, i + 1);
}

/* ---- writing ---- */

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
