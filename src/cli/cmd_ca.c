/* cmd_ca.c - `usher ca`: a small private authority, for those whose certificates no public one
 * issues, as Windows Certificate Services are used for. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/err.h"
#include "base/when.h"
#include "cert/bundle.h"
#include "cert/inspect.h"
#include "cert/issue.h"
#include "cert/store.h"
#include "cert/wrap.h"
#include "cli/ca.h"
#include "cli/changes.h"
#include "cli/commands.h"
#include "cli/file.h"
#include "cli/keys.h"
#include "cli/verbs.h"
#include "wire/mobileconfig.h"

enum { DAY_S = 24 * 3600, OUT_BYTES = 256 * 1024 };

static const struct entity *const authority = &entities[ENTITY_AUTHORITY];

/* ---- which authority ---- */

struct finding {
	struct arena *mem;
	const char *name; /* NULL: the only one */
	struct authority *out;
	size_t n;
};

static usher_status
take(const void *record, void *payload)
{
	const struct authority *a = record;
	struct finding *f = payload;

	if (f->name != NULL && !slice_is_nocase(slice_of(a->name), f->name))
		return USHER_OK;
	if (f->n++ == 0 && !record_copy(f->mem, &authority->table, f->out, a))
		return USHER_E_NOMEM;
	return USHER_OK;
}

usher_status
ca_find(struct arena *mem, struct dir *dir, const char *name, struct authority *out,
    struct usher_error *err)
{
	struct finding f = { mem, name, out, 0 };
	usher_status st = dir_each(dir, authority, NULL, take, &f, err);

	if (st == USHER_E_NOMEM)
		return err_nomem(err, authority->name);
	if (st != USHER_OK)
		return st;
	if (f.n == 0 && name != NULL)
		return err_set(err, USHER_E_ABSENT, name,
		    "there is no such authority; `usher ca list` lists them");
	if (f.n == 0)
		return err_set(err, USHER_E_ABSENT, dir_name(dir),
		    "there is no authority; make one with `usher ca init --name NAME`");
	if (f.n > 1)
		return err_set(err, USHER_E_USAGE, NULL,
		    "there are %zu authorities: say which, by its name; `usher ca list` lists them",
		    f.n);
	return USHER_OK;
}

/* Opens the directory to look, and finds. Prints and gives the exit status when that fails; the
 * caller closes *dir when it is not NULL. */
static int
open_and_find(struct cli *cli, const char *name, struct dir **dir, struct authority *out)
{
	struct usher_error err = { 0 };
	int status = cli_open(cli, DIR_READ, dir);
	usher_status st;

	if (status != CLI_DONE) {
		*dir = NULL;
		return status;
	}
	st = ca_find(cli->mem, *dir, name, out, &err);
	return st == USHER_OK ? CLI_DONE : cli_fail(st, &err);
}

/* The passphrase, by cli_password(), which knows nothing of our option's name. */
static usher_status
ask(const char *file, const char *name, bool twice, struct secret *out, struct usher_error *err)
{
	char prompt[320];
	usher_status st;

	(void)snprintf(prompt, sizeof(prompt), "Passphrase of %s", name);
	st = cli_password(file, prompt, twice, out, err);
	if (st == USHER_E_USAGE)
		return err_set(err, st, name,
		    "no passphrase: give --passphrase-file FILE (`-` is standard input) or set "
		    "USHER_PASSWORD%s",
		    twice ? ", or say --no-passphrase" : "");
	return st;
}

/* ---- init ---- */

struct init_args {
	const char *name;
	const char *passphrase_file;
	bool no_passphrase;
	const char *key;
	struct text_list permit;
	bool unconstrained;
	int64_t years;
};

static const struct option_spec init_opts[] = {
	{ 0, "name", OPT_TEXT, offsetof(struct init_args, name), "NAME",
	    "what people will know it by: Contoso Root" },
	{ 0, "passphrase-file", OPT_TEXT, offsetof(struct init_args, passphrase_file), "FILE",
	    "encrypt its key with the first line of FILE; - is standard input" },
	{ 0, "no-passphrase", OPT_FLAG, offsetof(struct init_args, no_passphrase), NULL,
	    "keep its key unencrypted, in a file of mode 0600" },
	{ 0, "key", OPT_TEXT, offsetof(struct init_args, key), "KIND",
	    "p256 (default), p384, rsa2048, rsa3072 or rsa4096" },
	{ 0, "permit", OPT_LIST, offsetof(struct init_args, permit), "NAME,…",
	    "domains, IP addresses and subnets that it may vouch for as well" },
	{ 0, "unconstrained", OPT_FLAG, offsetof(struct init_args, unconstrained), NULL,
	    "let it vouch for any name" },
	{ 0, "years", OPT_NUMBER, offsetof(struct init_args, years), "N",
	    "how long its root is valid (default 10)", NULL, 1, ROOT_YEARS_MAX },
	{ 0 },
};

static const struct init_args init_defaults = { .key = "p256", .years = ROOT_YEARS };

struct init {
	const struct init_args *args;
	struct root_plan plan;
	const char **permitted; /* room for FIELD_LIST_MAX; plan.permitted, while it grows */
	struct secret passphrase;
	struct arena *mem;
	struct authority made;
	struct usher_error *err;
};

/* Adds `name` unless it is below one that is there already. */
static usher_status
permit(struct init *i, const char *name)
{
	struct text_list *list = &i->plan.permitted;

	if (name == NULL)
		return err_nomem(i->err, authority->name);
	if (list->n > 0 && issue_scope_has(list, name))
		return USHER_OK;
	if (list->n == FIELD_LIST_MAX)
		return err_set(i->err, USHER_E_LIMIT, i->args->name,
		    "more than %d names to vouch for: say --unconstrained", FIELD_LIST_MAX);
	i->permitted[list->n] = name;
	*list = (struct text_list){ i->permitted, list->n + 1 };
	return USHER_OK;
}

static usher_status
permit_domain(const void *record, void *payload)
{
	const struct domain *domain = record;
	struct init *i = payload;
	usher_status st = permit(i, arena_strdup(i->mem, domain->domain));

	for (size_t k = 0; st == USHER_OK && k < domain->host_names.n; k++)
		st = permit(i, arena_strdup(i->mem, domain->host_names.v[k]));
	return st;
}

static usher_status
permit_server(const void *record, void *payload)
{
	const struct server *server = record;
	struct init *i = payload;

	return server->fqdn == NULL ? USHER_OK : permit(i, arena_strdup(i->mem, server->fqdn));
}

/* What is ours, and what was typed. Hosts of URLs are left out: they may be others'. */
static usher_status
permit_all(struct init *i, struct dir *dir)
{
	usher_status st;

	if (i->args->unconstrained)
		return USHER_OK;
	i->permitted = arena_array(i->mem, FIELD_LIST_MAX, sizeof(*i->permitted));
	if (i->permitted == NULL)
		return err_nomem(i->err, authority->name);
	st = dir_each(dir, &entities[ENTITY_DOMAIN], NULL, permit_domain, i, i->err);
	if (st == USHER_OK)
		st = dir_each(dir, &entities[ENTITY_SERVER], NULL, permit_server, i, i->err);
	for (size_t k = 0; st == USHER_OK && k < i->args->permit.n; k++) {
		const char *name;

		st = issue_scope_parse(i->mem, i->args->permit.v[k], &name, i->err);
		if (st == USHER_OK)
			st = permit(i, name);
	}
	if (st == USHER_OK && i->plan.permitted.n == 0)
		st = err_set(i->err, USHER_E_INPUT, i->args->name,
		    "the directory has no domain yet: add one with `usher domain add`, or give "
		    "--permit NAME");
	return st;
}

static usher_status
is_other(const struct authority *there, const char *how, struct usher_error *err)
{
	return err_set(err, USHER_E_CONFLICT, there->name,
	    "is there already, %s; an authority stays as it was made: give another name, or remove "
	    "it first",
	    how);
}

/* The same command again is no change, and another one no success. */
static usher_status
compare(struct changes *c, const struct init *i, const struct authority *there)
{
	struct usher_error *err = i->err;
	struct buf file, key;
	usher_status st = USHER_OK;

	if (i->args->unconstrained != (there->permitted.n == 0))
		return is_other(there,
		    i->args->unconstrained ? "with names that it may vouch for" : "for any name",
		    err);
	for (size_t k = 0; k < i->args->permit.n; k++) {
		const char *name;

		st = issue_scope_parse(i->mem, i->args->permit.v[k], &name, err);
		if (st != USHER_OK)
			return st;
		if (!issue_scope_has(&there->permitted, name))
			return is_other(there, arena_join(i->mem, "and not for ", name), err);
	}
	if ((there->encrypted == TRI_ON) != (i->plan.passphrase != NULL))
		return is_other(there,
		    there->encrypted == TRI_ON ? "with a passphrase" : "without a passphrase", err);
	if (i->plan.passphrase == NULL)
		return USHER_OK;
	buf_init(&file, CERT_KEY_BYTES);
	buf_init(&key, CERT_KEY_BYTES);
	st = cert_key_get(dir_stem(c->dir), there->sha256, &file, err);
	if (st == USHER_OK)
		st = cert_key_read(buf_as_slice(&file), i->plan.passphrase, &key, err);
	if (st == USHER_E_CREDENTIALS)
		st = is_other(there, "with another passphrase", err);
	buf_wipe(&file);
	buf_wipe(&key);
	return st;
}

static usher_status
make(struct changes *c, struct init *i, union org_record *r, struct usher_error *err)
{
	usher_status st = permit_all(i, c->dir);
	struct buf key;

	if (st != USHER_OK)
		return st;
	buf_init(&key, CERT_KEY_BYTES);
	st = issue_root(i->mem, &i->plan, &r->authority, &key, err);
	if (st == USHER_OK)
		st = keys_put(c, r->authority.sha256, buf_as_slice(&key), err);
	buf_wipe(&key);
	return st;
}

static usher_status
init_work(struct changes *c, void *payload, struct usher_error *err)
{
	struct init *i = payload;
	union org_record r, there;
	usher_status st = USHER_OK;

	c->brief = true;
	i->err = err;
	record_init(&authority->table, &r);
	r.authority.name = i->args->name;
	switch (dir_get(c->dir, i->mem, authority, &r, &there, err)) {
	case LOOKUP_FOUND:
		r = there;
		st = compare(c, i, &r.authority);
		break;
	case LOOKUP_ABSENT:
		st = make(c, i, &r, err);
		break;
	case LOOKUP_UNAVAILABLE:
		st = err->status;
		break;
	}
	i->made = r.authority;
	return st == USHER_OK ? changes_put(c, authority, &r, err) : st;
}

/* What people compare, and for how long it holds. */
static void
write_root(struct cli *cli, const struct authority *a)
{
	CLEANUP(buf_cleanup) struct buf digits = { .max = OUT_BYTES };
	char until[WHEN_TEXT_BYTES];

	fingerprint_put(&digits, a->sha256);
	when_format(a->not_after, until);
	write_text(cli->out, "name", a->name);
	write_text(cli->out, "fingerprint", buf_cstr(&digits));
	write_text(cli->out, "not_after", until);
	if (a->permitted.n == 0 && !cli->json)
		write_text(cli->out, "permitted", "any name");
	else
		write_texts(cli->out, "permitted", &a->permitted);
}

static void
init_report(struct changes *c, void *payload)
{
	const struct init *i = payload;
	struct writer *w = c->cli->out;

	if (c->counts[DIR_CREATED] == 0)
		write_say(w, "Authority %s: nothing to change", i->made.name);
	else
		write_say(w, "Authority %s: %s", i->made.name,
		    c->cli->dry_run ? "would be created" : "created");
	write_root(c->cli, &i->made);
	if (c->counts[DIR_CREATED] == 0 || c->cli->dry_run)
		return;
	write_say(w, "%s", "");
	write_say(w, "Clients have to trust its root; usherd shows at /ca how. To hand it out:");
	write_say(w, "%s", "");
	write_say(w, "       usher ca root --out root.crt");
}

static int
init_run(struct cli *cli, const void *args)
{
	struct init i = { .args = args, .mem = cli->mem };
	struct usher_error err = { 0 };
	usher_status st = USHER_OK;
	int status;

	if (i.args->name == NULL)
		st = err_set(&err, USHER_E_USAGE, NULL, "--name NAME is missing");
	else if (i.args->no_passphrase && i.args->passphrase_file != NULL)
		st = err_set(&err, USHER_E_USAGE, NULL,
		    "--passphrase-file and --no-passphrase exclude each other");
	else if (i.args->unconstrained && i.args->permit.n > 0)
		st = err_set(
		    &err, USHER_E_USAGE, NULL, "--permit and --unconstrained exclude each other");
	if (st == USHER_OK)
		st = cert_key_parse(slice_of(i.args->key), &i.plan.kind, &i.plan.rsa_bits, &err);
	if (st == USHER_OK && !i.args->no_passphrase)
		st = ask(i.args->passphrase_file, i.args->name, true, &i.passphrase, &err);
	i.plan.name = i.args->name;
	i.plan.passphrase = i.args->no_passphrase ? NULL : &i.passphrase;
	i.plan.now_s = cli->now_ms / 1000;
	i.plan.years = i.args->years;
	status = st == USHER_OK ? changes_run(cli, DIR_WRITE, init_work, init_report, &i) :
				  cli_fail(st, &err);
	secret_clear(&i.passphrase);
	return status;
}

const struct command cmd_ca_init = {
	.name = "ca init",
	.summary = "make a private certificate authority",
	.about = "Its root may vouch for the accepted domains, the hosts of the servers and what "
		 "--permit adds, and for nothing else. Its passphrase comes from "
		 "--passphrase-file, else from $USHER_PASSWORD, else from a prompt.",
	.flags = CMD_CHANGES | CMD_CLOCK,
	.opts = init_opts,
	.defaults = &init_defaults,
	.args_size = sizeof(struct init_args),
	.run = init_run,
};

/* ---- files ---- */

/* Writes `bytes` unless they are there already, and tells whether it did or would. */
static usher_status
put_file(
    struct cli *cli, const char *name, struct slice bytes, bool *changed, struct usher_error *err)
{
	CLEANUP(buf_cleanup) struct buf there = { .max = OUT_BYTES };

	*changed = strcmp(name, "-") == 0 || cli_read_file(name, &there, NULL) != USHER_OK ||
		   !slice_eq(buf_as_slice(&there), bytes);
	return *changed && !cli->dry_run ? cli_write_file(name, bytes, FILE_PUBLIC, err) : USHER_OK;
}

/* ---- issue ---- */

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
	CLEANUP(buf_cleanup) struct buf file = { .max = OUT_BYTES };
	CLEANUP(buf_cleanup) struct buf key = { .max = CERT_KEY_BYTES };
	struct arena *mem = i->cli->mem;
	struct bundle there;
	const char *pem;

	if (strcmp(i->args->out, "-") == 0 ||
	    cli_read_file(i->args->out, &file, NULL) != USHER_OK ||
	    bundle_read(mem, buf_as_slice(&file), NULL, &there, &key, NULL) != USHER_OK ||
	    !issue_is_answer(mem, &i->by, slice_of(there.pem), &i->request))
		return false;
	pem = arena_join(mem, there.pem, i->by.pem);
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
		st = ask(i->args->passphrase_file, i->by.name, false, &passphrase, err);
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
	CLEANUP(buf_cleanup) struct buf out = { .max = OUT_BYTES };
	usher_status st = USHER_OK;
	bool changed;

	if (!was_issued(i))
		st = issue_now(i, dir, err);
	if (st == USHER_OK)
		st = cert_wrap(slice_of(i->made.pem), (enum cert_form)i->args->form, &out, err);
	if (st == USHER_OK)
		st = put_file(i->cli, i->args->out, buf_as_slice(&out), &changed, err);
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
	status = open_and_find(cli, i.args->ca, &dir, &i.by);
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
	CLEANUP(buf_cleanup) struct buf der = { .max = OUT_BYTES };
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
	CLEANUP(buf_cleanup) struct buf out = { .max = OUT_BYTES };
	struct usher_error err = { 0 };
	struct authority found;
	struct dir *dir = NULL;
	usher_status st = USHER_OK;
	bool changed = false;
	int status = open_and_find(cli, a->ca, &dir, &found);

	dir_close(dir);
	if (status != CLI_DONE)
		return status;
	st = root_bytes(&found, (enum root_form)a->form, &out, &err);
	if (st == USHER_OK)
		st = put_file(cli, a->out, buf_as_slice(&out), &changed, &err);
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
	write_root(cli, &found);
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
	int status = open_and_find(cli, cli->n_operands > 0 ? cli->operands[0] : NULL, &dir, &a);

	(void)args;
	dir_close(dir);
	if (status != CLI_DONE)
		return status;
	st = cert_public_key(cli->mem, slice_of(a.pem), &key, &kind, &err);
	if (st != USHER_OK)
		return cli_fail(st, &err);
	write_open(cli->out, NULL, NULL);
	write_root(cli, &a);
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
