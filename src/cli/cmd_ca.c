/* cmd_ca.c - `usher ca root`, `show` and `remove`: the root of a private authority for its clients,
 * and its end. */
#include <string.h>

#include "base/err.h"
#include "cert/key.h"
#include "cert/wrap.h"
#include "cli/ca.h"
#include "cli/commands.h"
#include "cli/keys.h"
#include "cli/verbs.h"
#include "wire/mobileconfig.h"

enum { DAY_S = 24 * 3600 };

/* ---- root ---- */

enum root_form { ROOT_PEM = 0, ROOT_DER, ROOT_APPLE };

struct root_args {
	const char *ca;
	const char *out;
	int form; /* enum root_form */
};

static const char *const root_forms[] = { "pem", "der", "apple", NULL };

static const struct option_spec root_opts[] = {
	{ 0, "ca", OPT_TEXT, offsetof(struct root_args, ca), "NAME",
	    "the authority, when there are several" },
	{ 0, "out", OPT_TEXT, offsetof(struct root_args, out), "FILE",
	    "write the root to FILE; - is standard output (default)" },
	{ 0, "form", OPT_CHOICE, offsetof(struct root_args, form), NULL,
	    "pem (default), der, or a profile for iPhone, iPad and Mac", root_forms },
	{ 0 },
};

static const struct root_args root_defaults = { .out = "-" };

static usher_status
root_bytes(const struct authority *a, enum root_form form, struct buf *out, struct usher_error *err)
{
	CLEANUP(buf_cleanup) struct buf der = { .max = CA_FILE_BYTES };
	usher_status st;

	if (form != ROOT_APPLE)
		return cert_wrap(
		    slice_of(a->pem), form == ROOT_DER ? CERT_FORM_DER : CERT_FORM_PEM, out, err);
	st = cert_wrap(slice_of(a->pem), CERT_FORM_DER, &der, err);
	if (st != USHER_OK)
		return st;
	mobileconfig_write_root(out, a->name, a->sha256, buf_as_slice(&der));
	return out->status == USHER_OK ? USHER_OK : err_nomem(err, a->name);
}

static int
root_run(struct cli *cli, const void *args)
{
	const struct root_args *a = args;
	CLEANUP(buf_cleanup) struct buf out = { .max = CA_FILE_BYTES };
	struct usher_error err = { 0 };
	struct authority found;
	struct dir *dir = NULL;
	usher_status st = USHER_OK;
	bool changed = false;
	int status = ca_open(cli, a->ca, &dir, &found);

	dir_close(dir);
	if (status != CLI_DONE)
		return status;
	st = root_bytes(&found, (enum root_form)a->form, &out, &err);
	if (st == USHER_OK)
		st = ca_put_file(cli, a->out, buf_as_slice(&out), &changed, &err);
	if (st != USHER_OK)
		return cli_fail(st, &err);
	if (strcmp(a->out, "-") == 0)
		return CLI_DONE;
	write_open(cli->out, NULL, NULL);
	if (cli->json) {
		write_flag(cli->out, "dry_run", cli->dry_run);
		write_flag(cli->out, "changed", changed);
	}
	write_say(cli->out, "%s: %s", a->out,
	    !changed	 ? "nothing to change" :
	    cli->dry_run ? "would be written" :
			   "written");
	ca_write(cli, &found);
	write_close(cli->out);
	return CLI_DONE;
}

const struct command cmd_ca_root = {
	.name = "ca root",
	.summary = "write an authority's root to a file, to install it on clients",
	.flags = CMD_CHANGES,
	.opts = root_opts,
	.defaults = &root_defaults,
	.args_size = sizeof(struct root_args),
	.run = root_run,
};

/* ---- show ---- */

static int
show_run(struct cli *cli, const void *args)
{
	struct usher_error err = { 0 };
	struct dir *dir = NULL;
	struct authority a;
	struct slice key;
	const char *kind;
	usher_status st;
	int status = ca_open(cli, cli->n_operands > 0 ? cli->operands[0] : NULL, &dir, &a);

	(void)args;
	dir_close(dir);
	if (status != CLI_DONE)
		return status;
	st = cert_public_key(cli->mem, slice_of(a.pem), &key, &kind, &err);
	if (st != USHER_OK)
		return cli_fail(st, &err);
	write_open(cli->out, NULL, NULL);
	ca_write(cli, &a);
	write_text(cli->out, "key", kind);
	write_flag(cli->out, "encrypted", a.encrypted == TRI_ON);
	write_number(cli->out, "days_left", (a.not_after - cli->now_ms / 1000) / DAY_S);
	if (cli->json)
		write_text(cli->out, "pem", a.pem);
	write_close(cli->out);
	return CLI_DONE;
}

const struct command cmd_ca_show = {
	.name = "ca show",
	.operands = "[NAME]",
	.summary = "show all about one authority",
	.about = "NAME is needed only when there are several authorities.",
	.flags = CMD_CLOCK,
	.run = show_run,
};

/* ---- remove ---- */

static int
remove_run(struct cli *cli, const void *args)
{
	int status = verb_remove(cli, args);

	if (status == CLI_DONE && !cli->dry_run)
		keys_tidy(cli);
	return status;
}

const struct command cmd_ca_remove = {
	.name = "ca remove",
	.operands = "NAME",
	.summary = "forget a private authority and its key",
	.about = "What it issued stays valid wherever its root is installed.",
	.flags = CMD_CHANGES | CMD_KEYS,
	.entity = ENTITY_AUTHORITY,
	.run = remove_run,
};
