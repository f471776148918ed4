/* cmd_scp_change.c - `usher scp publish`, `set`, `remove` and `pointer`: what clients of a domain
 * are to find in their directory. */
#include "base/address.h"
#include "base/err.h"
#include "cli/commands.h"
#include "cli/scp_work.h"

/* ---- publish ---- */

struct publish_args {
	struct forest_args forest;
	const char *url;
	struct text_list sites;
};

static const struct option_spec publish_opts[] = {
	{ 0, "url", OPT_TEXT, offsetof(struct publish_args, url), "URL",
	    "where clients ask (default: the server's internal URI)" },
	{ 0, "site-scope", OPT_LIST, offsetof(struct publish_args, sites), "SITE",
	    "sites whose clients come here first (default: the server's)" },
	FOREST_ROWS(struct publish_args),
	{ 0 },
};

struct server_search {
	struct arena *mem;
	const char *name; /* NULL: the only one */
	struct server found;
	size_t n;
};

static usher_status
take_server(const void *record, void *payload)
{
	const struct server *server = record;
	struct server_search *s = payload;

	if (s->name != NULL && !slice_is_nocase(slice_of(server->name), s->name))
		return USHER_OK;
	if (s->n++ > 0)
		return USHER_OK;
	return record_copy(s->mem, &entities[ENTITY_SERVER].table, &s->found, server) ?
		   USHER_OK :
		   USHER_E_NOMEM;
}

/* The servers of our own directory that have this name. */
static usher_status
find_servers(struct cli *cli, struct server_search *s, const char **uri, struct usher_error *err)
{
	struct dir *dir;
	usher_status st = cli_directory(cli, uri, err);

	if (st == USHER_OK)
		st = cli_dir_open(cli, *uri, DIR_READ, &dir, err);
	if (st != USHER_OK)
		return st;
	st = dir_each(dir, &entities[ENTITY_SERVER], NULL, take_server, s, err);
	dir_close(dir);
	return st == USHER_E_NOMEM ? err_nomem(err, "scp") : st;
}

/* Fills in what our own directory says of the server and nobody else has said. */
static usher_status
ask_directory(struct scp_work *w, const char **name, struct scp_wish *wish, struct text_list *sites,
    struct usher_error *err)
{
	struct server_search s = { .mem = w->cli->mem, .name = *name };
	const char *uri;
	usher_status st = find_servers(w->cli, &s, &uri, err);

	if (st != USHER_OK)
		return st;
	if (s.n == 0)
		return err_set(err, USHER_E_ABSENT, *name,
		    "there is no such server in %s; name it with its --url", uri);
	if (s.n > 1)
		return err_set(err, USHER_E_USAGE, NULL,
		    "there are %zu servers: say which one to publish", s.n);
	if (wish->url == NULL)
		wish->url = s.found.internal_uri;
	if (wish->url == NULL)
		return err_set(err, USHER_E_INPUT, s.found.name,
		    "has no internal URI: set it with `usher server set --internal-uri`, or give "
		    "--url");
	*name = s.found.name;
	if (sites->n > 0)
		return USHER_OK;
	*sites = s.found.site_scope;
	wish->prefix = "Site=";
	return USHER_OK;
}

/* A server with a URL of its own need not be in our directory, nor need there be one. */
static usher_status
ask_for_scope(struct scp_work *w, const char *name, struct scp_wish *wish, struct text_list *sites,
    struct usher_error *err)
{
	struct server_search s = { .mem = w->cli->mem, .name = name };
	struct usher_error why = { 0 };
	const char *uri;
	usher_status st = find_servers(w->cli, &s, &uri, &why);

	if (st == USHER_E_NOMEM)
		return err_nomem(err, "scp");
	if (st == USHER_OK && s.n == 1) {
		*sites = s.found.site_scope;
		wish->prefix = "Site=";
	} else if (st != USHER_OK && st != USHER_E_ABSENT && st != USHER_E_USAGE) {
		cli_note("its site scope is not known, say it with --site-scope: %s", why.message);
	}
	return USHER_OK;
}

static usher_status
plan_publish(struct scp_work *w, const void *opaque, struct usher_error *err)
{
	const struct publish_args *args = opaque;
	const char *name = w->cli->n_operands > 0 ? w->cli->operands[0] : NULL, *container;
	struct text_list sites = args->sites;
	struct scp_wish wish = { .url = args->url, .guid = SCP_URL_KEYWORD };
	usher_status st = USHER_OK;
	size_t i;

	if (sites.n > 0)
		wish.prefix = "Site=";
	if (name == NULL || wish.url == NULL)
		st = ask_directory(w, &name, &wish, &sites, err);
	else if (sites.n == 0)
		st = ask_for_scope(w, name, &wish, &sites, err);
	if (st == USHER_OK)
		st = scp_check_url(w->cli, wish.url, err);
	if (st == USHER_OK)
		st = scp_scope(w->cli->mem, "Site=", &sites, &wish.scoped, err);
	if (st == USHER_OK)
		st = scp_find(w, name, wish.guid, &i, err);
	if (st != USHER_OK)
		return st;
	if (i < w->list.n)
		return scp_plan_change(w, i, &wish, err);
	st = scp_container(w, name, &container, err);
	return st == USHER_OK ? scp_plan_entry(w, name, container, &wish, err) : st;
}

static int
publish_run(struct cli *cli, const void *opaque)
{
	const struct publish_args *args = opaque;

	return scp_run(cli, &args->forest, plan_publish, args);
}

const struct command cmd_scp_publish = {
	.name = "scp publish",
	.operands = "[SERVER]",
	.summary = "let the computers of a forest find a server in their directory",
	.about =
	    "Without --url the server is one of usher's own directory, with its internal URI; "
	    "without --site-scope it has the site scope that it has there, if it is there. The "
	    "entry lies where Exchange keeps it when the forest has that server, else in "
	    "CN=Microsoft Exchange Autodiscover,CN=Services. Told again, what has changed is "
	    "changed; other "
	    "keywords stay. --dry-run prints LDIF.",
	.flags = CMD_CHANGES,
	.opts = publish_opts,
	.args_size = sizeof(struct publish_args),
	.run = publish_run,
};

/* ---- set ---- */

struct set_args {
	struct forest_args forest;
	const char *url;
	struct text_list sites;
	bool no_sites;
};

static const struct option_spec set_opts[] = {
	{ 0, "url", OPT_TEXT, offsetof(struct set_args, url), "URL",
	    "where clients ask; empty: nowhere, they pass the entry over" },
	{ 0, "site-scope", OPT_LIST, offsetof(struct set_args, sites), "SITE",
	    "sites whose clients come here first, in the place of all others" },
	{ 0, "no-sites", OPT_FLAG, offsetof(struct set_args, no_sites), NULL,
	    "for clients of all sites alike" },
	FOREST_ROWS(struct set_args),
	{ 0 },
};

static usher_status
plan_set(struct scp_work *w, const void *opaque, struct usher_error *err)
{
	const struct set_args *args = opaque;
	struct scp_wish wish = { .url = args->url, .guid = SCP_URL_KEYWORD };
	usher_status st = USHER_OK;
	size_t i;

	if (args->no_sites && args->sites.n > 0)
		return err_set(
		    err, USHER_E_USAGE, NULL, "--site-scope and --no-sites exclude each other");
	if (args->url != NULL && *args->url != '\0')
		st = scp_check_url(w->cli, args->url, err);
	if (st == USHER_OK)
		st = scp_scope(w->cli->mem, "Site=", &args->sites, &wish.scoped, err);
	if (st == USHER_OK)
		st = scp_find_or_fail(w, w->cli->operands[0], &i, err);
	if (args->no_sites || args->sites.n > 0)
		wish.prefix = "Site=";
	return st == USHER_OK ? scp_plan_change(w, i, &wish, err) : st;
}

static int
set_run(struct cli *cli, const void *opaque)
{
	const struct set_args *args = opaque;

	return scp_run(cli, &args->forest, plan_set, args);
}

const struct command cmd_scp_set = {
	.name = "scp set",
	.operands = "SERVER",
	.summary = "change where a service connection point leads, and whom",
	.about = "What is not named stays as it is, other keywords too. --dry-run prints LDIF.",
	.flags = CMD_CHANGES,
	.opts = set_opts,
	.args_size = sizeof(struct set_args),
	.run = set_run,
};

/* ---- remove ---- */

struct remove_args {
	struct forest_args forest;
};

static const struct option_spec remove_opts[] = { FOREST_ROWS(struct remove_args), { 0 } };

static usher_status
plan_remove(struct scp_work *w, const void *opaque UNUSED, struct usher_error *err)
{
	size_t i;
	usher_status st = scp_find(w, w->cli->operands[0], SCP_URL_KEYWORD, &i, err);

	return st == USHER_OK ? scp_plan_remove(w, i, err) : st;
}

static int
remove_run(struct cli *cli, const void *opaque)
{
	const struct remove_args *args = opaque;

	return scp_run(cli, &args->forest, plan_remove, args);
}

const struct command cmd_scp_remove = {
	.name = "scp remove",
	.operands = "SERVER",
	.summary = "take a server's service connection point away",
	.about = "A server that is gone and still has one costs every client that asks it a "
		 "warning or a wait. --dry-run prints LDIF.",
	.flags = CMD_CHANGES,
	.opts = remove_opts,
	.args_size = sizeof(struct remove_args),
	.run = remove_run,
};

/* ---- pointer ---- */

struct pointer_args {
	struct forest_args forest;
	struct text_list domains;
	bool remove;
};

static const struct option_spec pointer_opts[] = {
	{ 0, "domain", OPT_LIST, offsetof(struct pointer_args, domains), "DOMAIN",
	    "for mailboxes in this domain; without any, for whoever finds no server here" },
	{ 0, "remove", OPT_FLAG, offsetof(struct pointer_args, remove), NULL,
	    "take the pointer away" },
	FOREST_ROWS(struct pointer_args),
	{ 0 },
};

static usher_status
pointer_domains(struct scp_work *w, const struct pointer_args *args, struct text_list *out,
    struct usher_error *err)
{
	const char **v = arena_array(w->cli->mem, args->domains.n, sizeof(*v));
	const struct text_list names = { v, args->domains.n };
	usher_status st = v == NULL ? err_nomem(err, "scp") : USHER_OK;

	for (size_t i = 0; st == USHER_OK && i < args->domains.n; i++) {
		st = domain_parse(w->cli->mem, slice_of(args->domains.v[i]), &v[i], err);
		if (st == USHER_E_ADDRESS)
			st = err_set(err, USHER_E_USAGE, args->domains.v[i], "is no mail domain");
	}
	return st == USHER_OK ? scp_scope(w->cli->mem, "Domain=", &names, out, err) : st;
}

static usher_status
plan_pointer(struct scp_work *w, const void *opaque, struct usher_error *err)
{
	const struct pointer_args *args = opaque;
	struct scp_wish wish = { .guid = SCP_POINTER_KEYWORD, .prefix = "Domain=" };
	const char *host, *container;
	usher_status st = domain_parse(w->cli->mem, slice_of(w->cli->operands[0]), &host, err);
	size_t i;

	if (st == USHER_E_ADDRESS)
		return err_set(err, USHER_E_USAGE, w->cli->operands[0],
		    "is no host: name a domain controller of the other forest, or its domain");
	if (st == USHER_OK)
		st = pointer_domains(w, args, &wish.scoped, err);
	if (st == USHER_OK)
		st = scp_find(w, host, wish.guid, &i, err);
	if (st != USHER_OK)
		return st;
	if (args->remove)
		return scp_plan_remove(w, i, err);
	wish.url = arena_join(w->cli->mem, "LDAP://", host);
	if (wish.url == NULL)
		return err_nomem(err, "scp");
	if (i < w->list.n)
		return scp_plan_change(w, i, &wish, err);
	st = scp_own_container(w, &container, err);
	return st == USHER_OK ? scp_plan_entry(w, host, container, &wish, err) : st;
}

static int
pointer_run(struct cli *cli, const void *opaque)
{
	const struct pointer_args *args = opaque;

	return scp_run(cli, &args->forest, plan_pointer, args);
}

const struct command cmd_scp_pointer = {
	.name = "scp pointer",
	.operands = "HOST",
	.summary = "send the computers of this forest on to the directory of another",
	.about = "HOST is a domain controller of the forest where the mailboxes are. Clients there "
		 "log in with what they have: the forests must trust each other. --dry-run prints "
		 "LDIF.",
	.flags = CMD_CHANGES,
	.opts = pointer_opts,
	.args_size = sizeof(struct pointer_args),
	.run = pointer_run,
};
