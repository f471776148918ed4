/* config.c - what usher wants to know of usherd's configuration: where the directory is, how it is
 * reached, and where the private listener. usherd checks the file; here it is only read. */
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/command.h"
#include "cli/file.h"

#define CONFIG_FILE "/etc/usher/usherd.conf"
#define DIRECTORY_DEFAULT "sqlite:/var/lib/usher/usher.db"

enum { CONFIG_BYTES = 1024 * 1024 };

static const char *
config_file(const struct cli *cli)
{
	return cli->config == NULL ? CONFIG_FILE : cli->config;
}

/* Calls `take` for each `key = value` of `section` (NULL: before the first one), as they stand in
 * `text`, which gets the file. None when there is no file and nobody named one. */
static usher_status
each_key(struct cli *cli, const char *section, struct buf *text,
    usher_status (*take)(
	void *payload, struct slice key, struct slice value, struct usher_error *err),
    void *payload, struct usher_error *err)
{
	bool inside = section == NULL;
	struct slice rest;
	usher_status st = cli_read_file(config_file(cli), text, err);

	if (st == USHER_E_ABSENT && cli->config == NULL)
		return USHER_OK;
	if (st == USHER_E_ABSENT)
		return err_set(err, USHER_E_USAGE, cli->config, "there is no such file");
	rest = buf_as_slice(text);
	while (st == USHER_OK && rest.n > 0) {
		size_t n = slice_find(rest, '\n');
		struct slice line = slice_trim(slice_from(rest.p, n));
		size_t equals = slice_find(line, '=');

		rest = slice_skip(rest, n + 1);
		if (line.n > 1 && line.p[0] == '[')
			inside = section != NULL &&
				 slice_is(slice_trim(slice_from(line.p + 1, line.n - 2)), section);
		else if (inside && equals < line.n && line.p[0] != '#' && line.p[0] != ';')
			st = take(payload, slice_trim(slice_from(line.p, equals)),
			    slice_trim(slice_skip(line, equals + 1)), err);
	}
	return st;
}

/* The last line with `key`. */
struct wanted_key {
	const char *key;
	struct slice value;
};

static usher_status
take_wanted(void *payload, struct slice key, struct slice value, struct usher_error *err)
{
	struct wanted_key *wanted = payload;

	(void)err;
	if (slice_is(key, wanted->key))
		wanted->value = value;
	return USHER_OK;
}

usher_status
cli_config_value(struct cli *cli, const char *section, const char *key, const char **out,
    struct usher_error *err)
{
	struct wanted_key wanted = { .key = key };
	struct buf CLEANUP(buf_cleanup) text = { .max = CONFIG_BYTES };
	usher_status st = each_key(cli, section, &text, take_wanted, &wanted, err);

	if (st != USHER_OK)
		return st;
	*out = NULL;
	if (wanted.value.n == 0)
		return USHER_OK;
	*out = arena_copy(cli->mem, wanted.value);
	return *out == NULL ? err_nomem(err, config_file(cli)) : USHER_OK;
}

usher_status
cli_directory(struct cli *cli, const char **out, struct usher_error *err)
{
	const char *uri = cli->directory;
	usher_status st;

	if (uri == NULL)
		uri = getenv("USHER_DIRECTORY");
	if (uri == NULL || uri[0] == '\0') {
		st = cli_config_value(cli, NULL, "directory", &uri, err);
		if (st != USHER_OK)
			return st;
	}
	*out = uri == NULL ? DIRECTORY_DEFAULT : uri;
	return USHER_OK;
}

usher_status
cli_directory_absolute(struct cli *cli, const char **out, struct usher_error *err)
{
	struct slice scheme = SLICE_LITERAL("sqlite:"), path;
	char folder[PATH_MAX];
	const char *uri;
	usher_status st = cli_directory(cli, &uri, err);

	if (st != USHER_OK)
		return st;
	path = slice_of(uri);
	*out = uri;
	if (slice_starts(path, scheme))
		path = slice_skip(path, scheme.n);
	else if (slice_find(path, ':') < path.n)
		return USHER_OK;
	if (path.n > 0 && path.p[0] == '/')
		*out = arena_printf(cli->mem, "sqlite:%s", path.p);
	else if (getcwd(folder, sizeof(folder)) != NULL)
		*out = arena_printf(cli->mem, "sqlite:%s/%s", folder, path.p);
	return *out == NULL ? err_nomem(err, "directory") : USHER_OK;
}

struct settings_reading {
	struct cli *cli;
	struct dir_settings *out;
};

static usher_status
take_setting(void *payload, struct slice key, struct slice value, struct usher_error *err)
{
	struct settings_reading *r = payload;
	const struct conf_row *row = conf_row_find(&dir_settings_rows, key);
	CLEANUP(buf_cleanup) struct buf allowed = { .max = USHER_ERROR_MESSAGE_BYTES };
	const char *why = NULL;
	usher_status st = USHER_E_INPUT;

	if (row == NULL)
		return err_set(err, USHER_E_INPUT, config_file(r->cli),
		    "[directory]: unknown key `%.*s`; see usherd.conf(5)", (int)key.n, key.p);
	if (value.n > 0)
		st = conf_row_read(r->cli->mem, row, r->out, value, &why);
	if (st == USHER_E_NOMEM)
		return err_nomem(err, config_file(r->cli));
	if (st == USHER_OK)
		return USHER_OK;
	conf_row_allowed(row, &allowed);
	return err_set(err, USHER_E_INPUT, config_file(r->cli), "[directory]: %s: `%.*s`: %s",
	    row->name, (int)value.n, value.p, why != NULL ? why : buf_cstr(&allowed));
}

/* Of a file nothing has to be said, so that a damaged configuration stops nobody. */
usher_status
cli_dir_open(
    struct cli *cli, const char *uri, unsigned flags, struct dir **out, struct usher_error *err)
{
	struct dir_settings settings;
	struct settings_reading r = { cli, &settings };
	CLEANUP(buf_cleanup) struct buf text = { .max = CONFIG_BYTES };
	usher_status st = USHER_OK;

	dir_settings_init(&settings);
	if (dir_is_ldap(uri))
		st = each_key(cli, "directory", &text, take_setting, &r, err);
	return st == USHER_OK ? dir_open(uri, &settings, flags, out, err) : st;
}

int
cli_open(struct cli *cli, unsigned flags, struct dir **out)
{
	struct usher_error err = { 0 };
	const char *uri;
	usher_status st;

	st = cli_directory(cli, &uri, &err);
	if (st == USHER_OK)
		st = cli_dir_open(cli, uri, flags, out, &err);
	if (st == USHER_OK)
		return CLI_DONE;
	/* That the directory is missing is no answer to what was asked of it. */
	return cli_fail(st == USHER_E_ABSENT ? USHER_E_UNAVAILABLE : st, &err);
}

int
cli_read(struct cli *cli,
    usher_status (*work)(struct cli *cli, struct dir *dir, void *payload, struct usher_error *err),
    void *payload)
{
	struct usher_error err = { 0 };
	struct dir *dir;
	usher_status st;
	int status = cli_open(cli, DIR_READ, &dir);

	if (status != CLI_DONE)
		return status;
	st = work(cli, dir, payload, &err);
	dir_close(dir);
	return st == USHER_OK ? CLI_DONE : cli_fail(st, &err);
}
