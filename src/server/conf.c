/* conf.c - reads and checks the configuration; what may stand in it is conf_schema.c's. */
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
#include "base/when.h"
#include "server/conf_schema.h"

enum { CONF_MEMORY_BYTES = 8 * 1024 * 1024, WHERE_BYTES = 160, HOST_BYTES = 256 };

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
	int n = text.n > CONF_NAME_BYTES ? CONF_NAME_BYTES : (int)text.n;

	(void)snprintf(where, sizeof(where), "%s:%u", r->conf->path, r->line);
	return err_set(r->err, USHER_E_INPUT, where, "%s `%.*s`: %s", what, n, text.p, allowed);
}

/* ---- lines ---- */

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
	return conf_rows_preset(conf->mem, section->rows, l) ? USHER_OK :
							       err_nomem(r->err, conf->path);
}

static usher_status
open_section(struct reader *r, struct slice text)
{
	char name_bytes[CONF_NAME_BYTES];
	struct slice name = conf_plain_name(text, name_bytes);

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
	    "directory, authentication, tls, profile, page, limits, log");
}

static usher_status
unknown_key(struct reader *r, struct slice key)
{
	struct buf allowed CLEANUP(buf_cleanup);

	buf_init(&allowed, USHER_ERROR_MESSAGE_BYTES);
	buf_text(&allowed, "allowed here are ");
	for (size_t i = 0; i < r->section->rows->n; i++)
		buf_printf(&allowed, "%s%s", i == 0 ? "" : ", ", r->section->rows->v[i].name);
	return bad(r, "unknown key", key, buf_cstr(&allowed));
}

static usher_status
set_key(struct reader *r, struct slice key, struct slice value)
{
	const struct conf_row *row = conf_row_find(r->section->rows, key);
	struct buf allowed CLEANUP(buf_cleanup);
	const char *why = NULL;
	uint64_t bit;
	usher_status st;

	buf_init(&allowed, USHER_ERROR_MESSAGE_BYTES);
	if (row == NULL)
		return unknown_key(r, key);
	bit = UINT64_C(1) << (row - r->section->rows->v);
	if ((r->seen_keys & bit) != 0)
		return bad(r, "key", key, "it stands here a second time");
	r->seen_keys |= bit;
	st = value.n == 0 ? USHER_E_INPUT : conf_row_read(r->conf->mem, row, r->base, value, &why);
	if (st != USHER_E_INPUT)
		return st == USHER_OK ? USHER_OK : err_nomem(r->err, r->conf->path);
	conf_row_allowed(row, &allowed);
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
	if ((r->conf->profile.certificate == NULL) != (r->conf->profile.key == NULL))
		return err_set(r->err, USHER_E_INPUT, r->conf->path,
		    "[profile]: certificate and key come together or not at all");
	for (size_t i = 0; st == USHER_OK && i < r->conf->n_listeners; i++)
		st = check_listener(r, &r->conf->listeners[i]);
	return st;
}

/* The system's name may be anything an administrator typed. */
static usher_status
default_server_name(struct conf *conf, struct usher_error *err)
{
	char host[HOST_BYTES];
	usher_status st;

	if (conf->server_name != NULL)
		return USHER_OK;
	if (gethostname(host, sizeof(host)) == 0) {
		host[sizeof(host) - 1] = '\0';
		st = domain_parse(conf->mem, slice_of(host), &conf->server_name, NULL);
		if (st == USHER_OK)
			return USHER_OK;
		if (st == USHER_E_NOMEM)
			return err_nomem(err, conf->path);
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
		const struct conf_section *section = &conf_sections[i];

		if (section->listener < 0 && !conf_rows_preset(r->conf->mem, section->rows,
						 (char *)r->conf + section->offset))
			st = err_nomem(r->err, r->conf->path);
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
