/* cmd_status.c - `usher status`: what a running usherd says of itself on its private listener. */
#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "base/url.h"
#include "cli/commands.h"
#include "net/http.h"
#include "wire/json_walk.h"

#define PRIVATE_ADDRESS "127.0.0.1:9108"

enum { STATUS_BYTES = 4 * 1024 * 1024, STATUS_MS = 10000 };

struct status_args {
	const char *url;
	uint64_t timeout_ms;
};

static const struct option_spec status_opts[] = {
	{ 0, "url", OPT_TEXT, offsetof(struct status_args, url), "URL",
	    "ask there, in the place of the private listener of usherd.conf" },
	{ 0, "timeout", OPT_MSEC, offsetof(struct status_args, timeout_ms), "TIME",
	    "give up after TIME (default 10s)" },
	{ 0 },
};

static const struct status_args status_defaults = { .timeout_ms = STATUS_MS };

/* ---- the answer, as it comes ---- */

static const struct column listeners[] = {
	{ "kind", "LISTENER" },
	{ "name", "NAME" },
	{ "address", "ADDRESS" },
};

static const struct column certificates[] = {
	{ "listener", "CERTIFICATE OF" },
	{ "subject", "SUBJECT" },
	{ "days_left", "DAYS LEFT" },
	{ "not_after", "VALID UNTIL" },
};

static void
take_open(void *payload, const char *name, bool list)
{
	struct writer *w = payload;

	if (!list)
		write_open(w, name, NULL);
	else if (name != NULL && strcmp(name, "listeners") == 0)
		write_list(w, name, listeners, COUNT_OF(listeners));
	else if (name != NULL && strcmp(name, "certificates") == 0)
		write_list(w, name, certificates, COUNT_OF(certificates));
	else
		write_list(w, name, NULL, 0);
}

static void
take_close(void *payload, bool list)
{
	if (list)
		write_list_end(payload);
	else
		write_close(payload);
}

static void
take_text(void *payload, const char *name, const char *value)
{
	write_text(payload, name, value);
}

/* What has never happened is not worth a line, unlike the last day of a certificate, and a
 * generation means nothing to people. */
static void
take_number(void *payload, const char *name, int64_t value)
{
	bool wanted = (value != 0 && !text_same(name, "directory_generation")) ||
		      text_same(name, "days_left");

	if (wanted || writer_is_json(payload))
		write_number(payload, name, value);
}

static void
take_flag(void *payload, const char *name, bool value)
{
	write_flag(payload, name, value);
}

static const struct json_visitor visitor = {
	.open = take_open,
	.close = take_close,
	.text = take_text,
	.number = take_number,
	.flag = take_flag,
};

/* ---- asking ---- */

/* `[listen private]` may be bound to all addresses; it is asked on this machine. */
static const char *
reachable(struct arena *mem, const char *address)
{
	struct slice any4 = SLICE_LITERAL("0.0.0.0:"), any6 = SLICE_LITERAL("[::]:");
	struct slice all = slice_of(address);

	if (slice_starts(all, any4))
		return arena_printf(mem, "127.0.0.1:%s", address + any4.n);
	if (slice_starts(all, any6))
		return arena_printf(mem, "[::1]:%s", address + any6.n);
	return address;
}

static usher_status
status_url(
    struct cli *cli, const struct status_args *args, struct url *out, struct usher_error *err)
{
	const char *address = NULL, *text = args->url;
	usher_status st;

	if (text == NULL) {
		st = cli_config_value(cli, "listen private", "address", &address, err);
		if (st != USHER_OK)
			return st;
		address = reachable(cli->mem, address == NULL ? PRIVATE_ADDRESS : address);
		text = address == NULL ? NULL : arena_printf(cli->mem, "http://%s/status", address);
		if (text == NULL)
			return err_nomem(err, "status");
	}
	st = url_parse(cli->mem, slice_of(text), out, err);
	return st == USHER_E_INPUT ?
		   err_set(err, USHER_E_USAGE, text, "is no URL that can be asked") :
		   st;
}

static usher_status
ask(struct cli *cli, const struct status_args *args, struct slice *out, struct usher_error *err)
{
	struct http_response answer;
	struct url url;
	usher_status st;

	st = status_url(cli, args, &url, err);
	if (st == USHER_OK)
		st = http_get(NULL, cli->mem, &url, STATUS_BYTES, args->timeout_ms, &answer, err);
	if (st != USHER_OK)
		return st;
	if (answer.failure != HTTP_OK)
		return err_set(
		    err, USHER_E_NETWORK, url.text, "%s; does usherd run?", answer.detail);
	if (answer.status != 200)
		return err_set(err, USHER_E_PEER, url.text,
		    "answers %" PRId64 "; is that the private listener of usherd?", answer.status);
	*out = answer.body;
	return USHER_OK;
}

static int
status_run(struct cli *cli, const void *args)
{
	struct usher_error err = { 0 };
	struct slice body = { 0 };
	usher_status st;

	st = ask(cli, args, &body, &err);
	if (st == USHER_OK)
		st = json_walk(body, &visitor, cli->out, &err);
	if (st == USHER_E_INPUT)
		st = err_set(&err, USHER_E_PEER, "status", "that is not an answer of usherd");
	return st == USHER_OK ? CLI_DONE : cli_fail(st, &err);
}

const struct command cmd_status = {
	.name = "status",
	.summary = "show what a running usherd is doing",
	.about = "Asks the private listener that usherd.conf names, else " PRIVATE_ADDRESS ".",
	.opts = status_opts,
	.defaults = &status_defaults,
	.args_size = sizeof(struct status_args),
	.run = status_run,
};
