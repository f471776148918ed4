/* cmd_cert_enable.c - `usher cert enable` and `disable`: which certificates usherd serves, where,
 * and to whom. */
#include <string.h>

#include "base/err.h"
#include "base/when.h"
#include "cert/names.h"
#include "cli/cert_replace.h"
#include "cli/changes.h"
#include "cli/commands.h"
#include "cli/serving.h"

#define EVERY "*" /* listener, host name */

struct enable_args {
	struct judge_args judge;
	struct text_list services, listeners, host_names;
	bool force;
};

static const struct option_spec enable_opts[] = {
	{ 0, "services", OPT_LIST, offsetof(struct enable_args, services), "SERVICE,…",
	    "https (default), which usherd serves; imap, pop, smtp, um as a note of where else" },
	{ 0, "listener", OPT_LIST, offsetof(struct enable_args, listeners), "NAME,…",
	    "serve it on [listen https NAME] of usherd.conf; " EVERY " is all of them" },
	{ 0, "host-name", OPT_LIST, offsetof(struct enable_args, host_names), "NAME,…",
	    "serve it for these of its names; " EVERY " is all of them" },
	{ 0, "force", OPT_FLAG, offsetof(struct enable_args, force), NULL,
	    "even when programs get less than they have now" },
	JUDGE_OPTIONS(struct enable_args, judge),
	{ 0 },
};

static const struct enable_args enable_defaults = { .judge.timeout_ms = JUDGE_MS };

struct enabling {
	const struct enable_args *args;
	struct judge judge;
	struct revocation_memo memo;
	struct cert_list all; /* as they are to be */
	bool others;	      /* a service was named that usherd does not serve */
};

/* ---- lists that only grow ---- */

static bool
has(const struct text_list *list, const char *text)
{
	for (size_t i = 0; i < list->n; i++)
		if (slice_is_nocase(slice_of(list->v[i]), text))
			return true;
	return false;
}

static usher_status
add_all(struct arena *mem, struct text_list *list, const struct text_list *more,
    struct usher_error *err)
{
	const char **v = arena_array(mem, list->n + more->n, sizeof(*v));

	if (v == NULL)
		return err_nomem(err, "certificate");
	if (list->n > 0)
		memcpy(v, list->v, list->n * sizeof(*v));
	list->v = v;
	for (size_t i = 0; i < more->n; i++)
		if (!has(list, more->v[i]))
			v[list->n++] = more->v[i];
	return USHER_OK;
}

/* An empty list is all: `*` empties it, and a list that says less than it did is looked at as any
 * change that takes something away. */
static usher_status
add_or_empty(struct arena *mem, struct text_list *list, const struct text_list *more,
    struct usher_error *err)
{
	if (has(more, EVERY)) {
		*list = (struct text_list){ 0 };
		return USHER_OK;
	}
	return add_all(mem, list, more, err);
}

/* ---- what was asked for ---- */

static usher_status
read_services(
    struct cli *cli, const struct text_list *typed, struct text_list *out, struct usher_error *err)
{
	static const char *const https[] = { "https" };
	const char **v = arena_array(cli->mem, typed->n, sizeof(*v));

	*out = (struct text_list){ https, 1 };
	if (v == NULL)
		return err_nomem(err, "services");
	if (typed->n == 0)
		return USHER_OK;
	for (size_t i = 0; i < typed->n; i++) {
		v[i] = cert_service_name(typed->v[i]);
		if (v[i] == NULL)
			return err_set(err, USHER_E_USAGE, "--services",
			    "there is no service %s; give https, imap, pop, smtp, um", typed->v[i]);
	}
	*out = (struct text_list){ v, typed->n };
	return USHER_OK;
}

static usher_status
read_host_names(
    struct cli *cli, struct enabling *en, struct text_list *out, struct usher_error *err)
{
	if (!has(&en->args->host_names, EVERY))
		return cert_names_parse(cli->mem, &en->args->host_names, out, err);
	*out = en->args->host_names;
	return USHER_OK;
}

/* ---- whether it can be served ---- */

static usher_status
check_certificate(const struct enabling *en, const struct certificate *c, struct usher_error *err)
{
	struct judgement j;
	usher_status st;

	if (c->pem == NULL)
		return err_set(err, USHER_E_CONFLICT, c->thumbprint,
		    "is a request that waits for its certificate: import that first");
	st = judge_certificate(&en->judge, en->judge.cli->mem, c, NULL, &j, err);
	if (st != USHER_OK)
		return st;
	if (j.key == KEY_MISSING)
		return err_set(err, USHER_E_ABSENT, c->thumbprint,
		    "its key is not here: import the certificate again, with its key");
	if ((j.verdict.faults & 1U << CERT_FAULT_OTHER_KEY) != 0)
		return err_set(err, USHER_E_CONFLICT, c->thumbprint,
		    "the key that is here is another's: import the certificate again, with its "
		    "key");
	if (en->args->force)
		return USHER_OK;
	if (j.verdict.status == CERT_DATE_INVALID || j.verdict.status == CERT_INVALID ||
	    j.verdict.status == CERT_REVOKED || j.verdict.status == CERT_UNKNOWN)
		return err_set(err, USHER_E_CONFLICT, c->thumbprint,
		    "is %s: programs would turn away from it; `usher cert show` says why, and "
		    "--force enables it all the same",
		    cert_status_name(j.verdict.status));
	return USHER_OK;
}

static usher_status
check_host_names(
    const struct certificate *c, const struct text_list *names, struct usher_error *err)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->v[i], EVERY) != 0 && !cert_names_cover(&c->names, names->v[i]))
			return err_set(err, USHER_E_CONFLICT, c->thumbprint,
			    "is not for %s: programs that ask for that name would warn",
			    names->v[i]);
	return USHER_OK;
}

/* ---- doing it ---- */

/* `c` NULL: only looks whether it can be done. */
static usher_status
enable_one(struct cli *cli, struct changes *c, struct enabling *en, const struct certificate *old,
    const struct text_list *services, const struct text_list *host_names, struct usher_error *err)
{
	struct arena *mem = cli->mem;
	struct certificate fresh = *old;
	union org_record record;
	usher_status st = check_certificate(en, old, err);

	if (st == USHER_OK && !en->args->force)
		st = check_host_names(old, host_names, err);
	if (st == USHER_OK)
		st = add_all(mem, &fresh.services, services, err);
	if (st == USHER_OK)
		st = add_or_empty(mem, &fresh.listeners, &en->args->listeners, err);
	if (st == USHER_OK)
		st = add_or_empty(mem, &fresh.host_names, host_names, err);
	if (st == USHER_OK && !en->args->force)
		st = serving_check(&en->judge, &en->all, old, &fresh, err);
	if (st != USHER_OK)
		return st;
	/* The next one is compared with how it will be. */
	en->all.v[old - en->all.v] = fresh;
	record.certificate = fresh;
	return c == NULL ? USHER_OK : changes_put(c, &entities[ENTITY_CERTIFICATE], &record, err);
}

static usher_status
enable_all(struct cli *cli, struct dir *dir, struct changes *c, struct enabling *en,
    struct usher_error *err)
{
	const struct certificate **wanted;
	struct text_list services, host_names;
	usher_status st;
	size_t n;

	st = certs_read(cli->mem, dir, &en->all, err);
	if (st == USHER_OK)
		st = certs_operands(cli, &en->all, &wanted, &n, err);
	if (st == USHER_OK)
		st = read_services(cli, &en->args->services, &services, err);
	if (st == USHER_OK)
		st = read_host_names(cli, en, &host_names, err);
	if (st != USHER_OK)
		return st;
	en->others = false;
	for (size_t i = 0; i < services.n; i++)
		en->others = en->others || strcmp(services.v[i], "https") != 0;
	st = judge_open(&en->judge, cli, dir, &en->args->judge, err);
	en->judge.memo = &en->memo;
	for (size_t i = 0; st == USHER_OK && i < n; i++)
		st = enable_one(cli, c, en, wanted[i], &services, &host_names, err);
	judge_close(&en->judge);
	return st;
}

static usher_status
enable_look(struct cli *cli, struct dir *dir, void *payload, struct usher_error *err)
{
	return enable_all(cli, dir, NULL, payload, err);
}

static usher_status
enable_work(struct changes *c, void *payload, struct usher_error *err)
{
	return enable_all(c->cli, c->dir, c, payload, err);
}

/* A name that is typed wrong would be served nowhere, and nobody would be told. */
static void
tell_unknown_listeners(struct cli *cli, const struct text_list *listeners)
{
	const char *there = NULL;

	if (cli_config_value(cli, NULL, "directory", &there, NULL) != USHER_OK || there == NULL)
		return;
	for (size_t i = 0; i < listeners->n; i++) {
		const char *section = arena_join(cli->mem, "listen https ", listeners->v[i]);

		if (section == NULL || strcmp(listeners->v[i], EVERY) == 0 ||
		    cli_config_value(cli, section, "address", &there, NULL) != USHER_OK)
			continue;
		if (there == NULL)
			cli_note(
			    "the configuration of usherd has no [%s] with an address", section);
	}
}

static void
enable_report(struct changes *c, void *payload)
{
	const struct enabling *en = payload;

	tell_unknown_listeners(c->cli, &en->args->listeners);
	if (en->others && c->counts[DIR_CHANGED] > 0)
		cli_note("usherd serves https; give the certificate to the other services with "
			 "`usher cert export`");
}

static int
enable_run(struct cli *cli, const void *args)
{
	struct enabling en = { .args = args };
	struct usher_error err = { 0 };
	usher_status st = certs_read_operands(cli, &err);
	int status = st == USHER_OK ? CLI_DONE : cli_fail(st, &err);

	/* Authorities are asked while nobody waits for us. */
	if (status == CLI_DONE && en.args->judge.check_revocation)
		status = cli_read(cli, enable_look, &en);
	return status == CLI_DONE ? changes_run(cli, DIR_WRITE, enable_work, enable_report, &en) :
				    status;
}

const struct command cmd_cert_enable = {
	.name = "cert enable",
	.operands = "THUMBPRINT…",
	.summary = "let usherd serve certificates",
	.about = "A running usherd takes them up without dropping a connection. What is enabled "
		 "stays so: services, listeners and host names are added to those it has. Of "
		 "several certificates for a name the newest that is valid is served. - reads "
		 "thumbprints from standard input.",
	.flags = CMD_CHANGES | CMD_CLOCK,
	.opts = enable_opts,
	.defaults = &enable_defaults,
	.args_size = sizeof(struct enable_args),
	.run = enable_run,
};

/* ---- taking it back ---- */

struct disable_args {
	struct text_list services;
	bool force;
};

static const struct option_spec disable_opts[] = {
	{ 0, "services", OPT_LIST, offsetof(struct disable_args, services), "SERVICE,…",
	    "https (default), imap, pop, smtp, um" },
	{ 0, "force", OPT_FLAG, offsetof(struct disable_args, force), NULL,
	    "even when programs get less than they have now" },
	{ 0 },
};

struct disabling {
	const struct disable_args *args;
	struct judge judge;
	struct cert_list all;	  /* as they are to be */
	struct text_list domains; /* whose own certificate one of them is */
};

static usher_status
take_away(struct arena *mem, struct text_list *list, const struct text_list *less,
    struct usher_error *err)
{
	const char **v = arena_array(mem, list->n, sizeof(*v));
	size_t n = 0;

	if (v == NULL)
		return err_nomem(err, "certificate");
	for (size_t i = 0; i < list->n; i++)
		if (!has(less, list->v[i]))
			v[n++] = list->v[i];
	*list = (struct text_list){ v, n };
	return USHER_OK;
}

/* Listeners and host names stay for the day when it is enabled again. */
static usher_status
disable_one(struct changes *c, struct disabling *d, const struct certificate *old,
    const struct text_list *services, struct usher_error *err)
{
	struct certificate fresh = *old;
	union org_record record;
	usher_status st = take_away(c->cli->mem, &fresh.services, services, err);

	if (st == USHER_OK && !d->args->force)
		st = serving_check(&d->judge, &d->all, old, &fresh, err);
	if (st == USHER_OK && !cert_is_for_https(&fresh))
		st = cert_domains(c->cli->mem, c->dir, old->thumbprint, &d->domains, err);
	if (st != USHER_OK)
		return st;
	d->all.v[old - d->all.v] = fresh;
	record.certificate = fresh;
	return changes_put(c, &entities[ENTITY_CERTIFICATE], &record, err);
}

static usher_status
disable_work(struct changes *c, void *payload, struct usher_error *err)
{
	struct disabling *d = payload;
	const struct certificate **wanted;
	struct text_list services;
	usher_status st;
	size_t n;

	st = certs_read(c->cli->mem, c->dir, &d->all, err);
	if (st == USHER_OK)
		st = certs_operands(c->cli, &d->all, &wanted, &n, err);
	if (st == USHER_OK)
		st = read_services(c->cli, &d->args->services, &services, err);
	if (st != USHER_OK)
		return st;
	st = judge_open(&d->judge, c->cli, c->dir, NULL, err);
	for (size_t i = 0; st == USHER_OK && i < n; i++)
		st = disable_one(c, d, wanted[i], &services, err);
	judge_close(&d->judge);
	return st;
}

static void
disable_report(struct changes *c, void *payload)
{
	const struct disabling *d = payload;

	(void)c;
	for (size_t i = 0; i < d->domains.n; i++)
		cli_note("domain %s goes on to show it as its own: `usher domain set %s "
			 "--certificate THUMBPRINT` gives it another",
		    d->domains.v[i], d->domains.v[i]);
}

static int
disable_run(struct cli *cli, const void *args)
{
	struct disabling d = { .args = args };
	struct usher_error err = { 0 };
	usher_status st = certs_read_operands(cli, &err);

	return st == USHER_OK ? changes_run(cli, DIR_WRITE, disable_work, disable_report, &d) :
				cli_fail(st, &err);
}

const struct command cmd_cert_disable = {
	.name = "cert disable",
	.operands = "THUMBPRINT…",
	.summary = "serve certificates no more, and keep them",
	.about = "Takes services away from them. A change by which a name would get no "
		 "certificate, or one that is worse than the one it has, is refused. - reads "
		 "thumbprints from standard input.",
	.flags = CMD_CHANGES | CMD_CLOCK,
	.opts = disable_opts,
	.args_size = sizeof(struct disable_args),
	.run = disable_run,
};
