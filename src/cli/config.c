/* config.c - what usher wants to know of usherd's configuration: where the directory is, and where
 * the private listener. usherd checks the file; here it is only read. */
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

/* `key = value` inside `section`: the value, else an empty slice with p NULL. */
static struct slice
value_of(struct slice line, const char *key)
{
	size_t n = slice_find(line, '=');

	if (n == line.n || !slice_is(slice_trim(slice_from(line.p, n)), key))
		return (struct slice){ 0 };
	return slice_trim(slice_skip(line, n + 1));
}

usher_status
cli_config_value(struct cli *cli, const char *section, const char *key, const char **out,
    struct usher_error *err)
{
	const char *file = cli->config == NULL ? CONFIG_FILE : cli->config;
	struct buf CLEANUP(buf_cleanup) text;
	struct slice rest, found = { 0 };
	bool inside = section == NULL;
	usher_status st;

	buf_init(&text, CONFIG_BYTES);
	st = cli_read_file(file, &text, err);
	if (st == USHER_E_ABSENT && cli->config == NULL) {
		*out = NULL;
		return USHER_OK;
	}
	if (st == USHER_E_ABSENT)
		return err_set(err, USHER_E_USAGE, file, "there is no such file");
	if (st != USHER_OK)
		return st;
	rest = buf_as_slice(&text);
	while (rest.n > 0) {
		size_t n = slice_find(rest, '\n');
		struct slice line = slice_trim(slice_from(rest.p, n)), value;

		rest = slice_skip(rest, n + 1);
		if (line.n > 1 && line.p[0] == '[') {
			inside = section != NULL &&
				 slice_is(slice_trim(slice_from(line.p + 1, line.n - 2)), section);
			continue;
		}
		value = value_of(line, key);
		if (inside && line.p != NULL && line.p[0] != '#' && value.p != NULL)
			found = value;
	}
	*out = NULL;
	if (found.n == 0)
		return USHER_OK;
	*out = arena_copy(cli->mem, found);
	return *out == NULL ? err_nomem(err, file) : USHER_OK;
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

int
cli_open(struct cli *cli, unsigned flags, struct dir **out)
{
	struct usher_error err = { 0 };
	const char *uri;
	usher_status st;

	st = cli_directory(cli, &uri, &err);
	if (st == USHER_OK)
		st = dir_open(uri, flags, out, &err);
	if (st == USHER_OK)
		return CLI_DONE;
	/* That the directory is missing is no answer to what was asked of it. */
	return cli_fail(st == USHER_E_ABSENT ? USHER_E_UNAVAILABLE : st, &err);
}
