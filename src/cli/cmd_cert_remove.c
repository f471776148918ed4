/* cmd_cert_remove.c - `usher cert remove`: certificates and requests that are not needed any more,
 * and their keys. */
#include "base/err.h"
#include "cli/cert_replace.h"
#include "cli/commands.h"
#include "cli/keys.h"
#include "cli/serving.h"

struct remove_args {
	bool force;
};

static const struct option_spec remove_opts[] = {
	{ 0, "force", OPT_FLAG, offsetof(struct remove_args, force), NULL,
	    "even when it is in use" },
	{ 0 },
};

struct removing {
	const struct remove_args *args;
	struct judge judge;
	struct cert_list all;
};

/* It is the own one of a domain, or something would get a lesser one or none. */
static usher_status
check_unused(struct changes *c, const struct removing *r, const struct certificate *cert,
    struct usher_error *err)
{
	struct text_list domains = { 0 };
	usher_status st = cert_domains(c->cli->mem, c->dir, cert->thumbprint, &domains, err);

	if (st == USHER_OK && domains.n > 0)
		return err_set(err, USHER_E_CONFLICT, cert->thumbprint,
		    "is in use: it is the certificate of domain %s; give that another with `usher "
		    "domain set %s --certificate THUMBPRINT`, or add --force",
		    domains.v[0], domains.v[0]);
	if (st == USHER_OK)
		st = serving_check(&r->judge, &r->all, cert, NULL, err);
	return st;
}

static usher_status
remove_one(
    struct changes *c, struct removing *r, const struct certificate *cert, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_CERTIFICATE];
	usher_status st = USHER_OK;

	if (!r->args->force)
		st = check_unused(c, r, cert, err);
	else
		st = cert_replace(c, cert, NULL, err);
	if (st == USHER_OK)
		st = changes_remove(c, e, cert, err);
	/* Gone for those that come after it, too. */
	r->all.v[cert - r->all.v].services = (struct text_list){ 0 };
	return st;
}

static usher_status
remove_work(struct changes *c, void *payload, struct usher_error *err)
{
	struct removing *r = payload;
	const struct certificate **wanted;
	size_t n;
	usher_status st = certs_read(c->cli->mem, c->dir, &r->all, err);

	if (st == USHER_OK)
		st = certs_operands(c->cli, &r->all, &wanted, &n, err);
	if (st == USHER_OK)
		st = keys_sweep(c, err);
	if (st != USHER_OK)
		return st;
	st = judge_open(&r->judge, c->cli, c->dir, NULL, err);
	for (size_t i = 0; st == USHER_OK && i < n; i++)
		st = remove_one(c, r, wanted[i], err);
	judge_close(&r->judge);
	return st;
}

static int
remove_run(struct cli *cli, const void *args)
{
	struct removing r = { .args = args };
	struct usher_error err = { 0 };
	usher_status st = certs_read_operands(cli, &err);
	int status = st == USHER_OK ? changes_run(cli, DIR_WRITE, remove_work, NULL, &r) :
				      cli_fail(st, &err);

	if (status == CLI_DONE && !cli->dry_run)
		keys_tidy(cli);
	return status;
}

const struct command cmd_cert_remove = {
	.name = "cert remove",
	.operands = "THUMBPRINT…",
	.summary = "remove certificates or requests, and their keys",
	.about =
	    "One that is in use stays, unless --force is given: the certificate of a domain, or "
	    "one for a name for which no other is enabled. - reads thumbprints from standard "
	    "input.",
	.flags = CMD_CHANGES | CMD_CLOCK,
	.opts = remove_opts,
	.args_size = sizeof(struct remove_args),
	.run = remove_run,
};
