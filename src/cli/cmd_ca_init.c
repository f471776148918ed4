/* cmd_ca_init.c - `usher ca init`: a small private authority, for those whose certificates no
 * public one issues, as Windows Certificate Services are used for. */
#include "base/err.h"
#include "cert/inspect.h"
#include "cert/issue.h"
#include "cert/store.h"
#include "cli/ca.h"
#include "cli/changes.h"
#include "cli/commands.h"
#include "cli/keys.h"

static const struct entity *const authority = &entities[ENTITY_AUTHORITY];

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
	case LOOKUP_PENDING: /* of handles that serve alone */
	case LOOKUP_UNAVAILABLE:
		st = err->status;
		break;
	}
	i->made = r.authority;
	return st == USHER_OK ? changes_put(c, authority, &r, err) : st;
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
	ca_write(c->cli, &i->made);
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
		st =
		    ca_passphrase(i.args->passphrase_file, i.args->name, true, &i.passphrase, &err);
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
