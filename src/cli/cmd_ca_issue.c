/* cmd_ca_issue.c - `usher ca issue`: certificates for the requests of servers. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/when.h"
#include "cert/bundle.h"
#include "cert/inspect.h"
#include "cert/issue.h"
#include "cert/store.h"
#include "cert/wrap.h"
#include "cli/ca.h"
#include "cli/commands.h"
#include "cli/file.h"

enum { DAY_S = 24 * 3600 };

struct issue_args {
	const char *ca;
	const char *out;
	int form; /* enum cert_form */
	int64_t days;
	const char *passphrase_file;
};

static const char *const issue_forms[] = { "pem", "der", "pkcs7", NULL };

static const struct option_spec issue_opts[] = {
	{ 0, "ca", OPT_TEXT, offsetof(struct issue_args, ca), "NAME",
	    "the authority, when there are several" },
	{ 0, "out", OPT_TEXT, offsetof(struct issue_args, out), "FILE",
	    "write the certificate to FILE; - is standard output (default)" },
	{ 0, "form", OPT_CHOICE, offsetof(struct issue_args, form), NULL,
	    "pem and pkcs7 have the root behind the certificate (default pem)", issue_forms },
	{ 0, "days", OPT_NUMBER, offsetof(struct issue_args, days), "N",
	    "how long it is valid (default 397)", NULL, 1, ISSUE_DAYS_MAX },
	{ 0, "passphrase-file", OPT_TEXT, offsetof(struct issue_args, passphrase_file), "FILE",
	    "the first line of FILE opens the authority's key; - is standard input" },
	{ 0 },
};

static const struct issue_args issue_defaults = { .out = "-", .days = ISSUE_DAYS };

struct issue {
	struct cli *cli;
	const struct issue_args *args;
	struct authority by;
	struct request request;
	struct certificate made;
};

static usher_status
read_request(struct issue *i, struct usher_error *err)
{
	CLEANUP(buf_cleanup) struct buf file = { .max = BUNDLE_BYTES };
	const char *name = i->cli->operands[0];
	usher_status st = cli_read_file(name, &file, err);

	if (st == USHER_E_ABSENT)
		return err_set(err, USHER_E_INPUT, name, "%s", strerror(ENOENT));
	if (st == USHER_OK)
		st = request_read(i->cli->mem, buf_as_slice(&file), &i->request, err);
	if (st != USHER_OK)
		(void)snprintf(err->where, sizeof(err->where), "%s", name);
	return st;
}

/* The file has, in whatever form, what this command would put there, with most of its days before
 * it: then that is i->made. */
static bool
was_issued(struct issue *i)
{
	struct buf file = { .max = CA_FILE_BYTES }, key = { .max = CERT_KEY_BYTES };
	struct arena *mem = i->cli->mem;
	struct bundle there;
	const char *pem = NULL;

	if (strcmp(i->args->out, "-") != 0 &&
	    cli_read_file(i->args->out, &file, NULL) == USHER_OK &&
	    bundle_read(mem, buf_as_slice(&file), NULL, &there, &key, NULL) == USHER_OK &&
	    issue_is_answer(mem, &i->by, slice_of(there.pem), &i->request))
		pem = arena_join(mem, there.pem, i->by.pem);
	buf_wipe(&file);
	buf_wipe(&key);
	return pem != NULL && cert_inspect(mem, slice_of(pem), &i->made, NULL) == USHER_OK &&
	       i->made.not_after - i->cli->now_ms / 1000 >= i->args->days * DAY_S * 2 / 3;
}

static usher_status
issue_now(struct issue *i, struct dir *dir, struct usher_error *err)
{
	struct secret passphrase CLEANUP(secret_cleanup) = { 0 };
	struct issue_plan plan = {
		.by = &i->by, .now_s = i->cli->now_ms / 1000, .days = i->args->days
	};
	struct buf key;
	usher_status st;

	buf_init(&key, CERT_KEY_BYTES);
	st = cert_key_get(dir_stem(dir), i->by.sha256, &key, err);
	if (st == USHER_OK && i->by.encrypted == TRI_ON) {
		st = ca_passphrase(i->args->passphrase_file, i->by.name, false, &passphrase, err);
		plan.passphrase = &passphrase;
	}
	plan.key_file = buf_as_slice(&key);
	if (st == USHER_OK)
		st = issue_certificate(i->cli->mem, &plan, &i->request, &i->made, err);
	buf_wipe(&key);
	return st;
}

static void
issue_report(const struct issue *i, bool changed)
{
	struct writer *w = i->cli->out;
	char until[WHEN_TEXT_BYTES];

	when_format(i->made.not_after, until);
	if (strcmp(i->args->out, "-") == 0) {
		cli_note("%s: issued to %s, until %s", i->by.name, i->made.names.v[0], until);
		return;
	}
	write_open(w, NULL, NULL);
	if (i->cli->json) {
		write_flag(w, "dry_run", i->cli->dry_run);
		write_flag(w, "changed", changed);
	}
	if (!changed)
		write_say(w, "%s: nothing to change", i->args->out);
	else
		write_say(
		    w, "%s: %s", i->args->out, i->cli->dry_run ? "would be issued" : "issued");
	write_text(w, "authority", i->by.name);
	write_text(w, "subject", i->made.subject);
	write_texts(w, "names", &i->made.names);
	write_text(w, "not_after", until);
	write_text(w, "thumbprint", i->made.thumbprint);
	write_close(w);
}

static usher_status
issue_work(struct issue *i, struct dir *dir, struct usher_error *err)
{
	CLEANUP(buf_cleanup) struct buf out = { .max = CA_FILE_BYTES };
	usher_status st = USHER_OK;
	bool changed;

	if (!was_issued(i))
		st = issue_now(i, dir, err);
	if (st == USHER_OK)
		st = cert_wrap(slice_of(i->made.pem), (enum cert_form)i->args->form, &out, err);
	if (st == USHER_OK)
		st = ca_put_file(i->cli, i->args->out, buf_as_slice(&out), &changed, err);
	if (st == USHER_OK)
		issue_report(i, changed);
	return st;
}

static int
issue_run(struct cli *cli, const void *args)
{
	struct issue i = { .cli = cli, .args = args };
	struct usher_error err = { 0 };
	struct dir *dir = NULL;
	usher_status st = read_request(&i, &err);
	int status;

	if (st != USHER_OK)
		return cli_fail(st, &err);
	status = ca_open(cli, i.args->ca, &dir, &i.by);
	if (status == CLI_DONE)
		st = issue_work(&i, dir, &err);
	if (st != USHER_OK)
		status = cli_fail(st, &err);
	dir_close(dir);
	return status;
}

const struct command cmd_ca_issue = {
	.name = "ca issue",
	.operands = "REQUEST",
	.summary = "issue a certificate for a request",
	.about = "REQUEST is a PKCS #10 file, PEM or DER; - is standard input. The certificate is "
		 "for TLS servers, with the key, the subject and the names of the request. A FILE "
		 "that has one for the same request, with two thirds of its days left, stays.",
	.flags = CMD_CHANGES | CMD_CLOCK,
	.opts = issue_opts,
	.defaults = &issue_defaults,
	.args_size = sizeof(struct issue_args),
	.run = issue_run,
};
