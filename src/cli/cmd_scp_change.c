/* cmd_scp_change.c - `usher scp publish`, `set`, `remove` and `pointer`: what clients of a domain
 * are to find in their directory. */
#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/url.h"
#include "cli/commands.h"
#include "cli/scp.h"
#include "wire/ldif.h"

enum { EDITS_MAX = 8, CHANGES_MAX = 4, LDIF_BYTES = 1024 * 1024 };

/* ---- changes, gathered, then printed or made ---- */

struct work {
	struct cli *cli;
	struct forest f;
	const char *login; /* as which we came, for messages */
	struct scp_list list;
	struct ldap_change changes[CHANGES_MAX];
	size_t n;
};

static const struct column change_columns[] = {
	{ "change", "CHANGE" },
	{ "dn", "ENTRY" },
};

static const char *const change_names[] = { "created", "changed", "removed" };

static struct ldap_attribute
attribute(struct arena *mem, const char *name, const char *const *values, size_t n)
{
	struct slice *v = arena_array(mem, n, sizeof(*v));

	for (size_t i = 0; v != NULL && i < n; i++)
		v[i] = slice_of(values[i]);
	return (struct ldap_attribute){ v == NULL ? NULL : name, v, n };
}

/* An attribute of memory that ran out has no name. */
static usher_status
note(struct work *w, enum ldap_change_kind kind, const char *dn, const struct ldap_edit *edits,
    size_t n, struct usher_error *err)
{
	struct ldap_edit *copy = arena_array(w->cli->mem, n, sizeof(*copy));

	if (copy == NULL || dn == NULL || w->n == CHANGES_MAX)
		return err_nomem(err, "scp");
	for (size_t i = 0; i < n; i++) {
		if (edits[i].attribute.name == NULL)
			return err_nomem(err, "scp");
		copy[i] = edits[i];
	}
	w->changes[w->n++] = (struct ldap_change){ kind, dn, copy, n };
	return USHER_OK;
}

static usher_status
print_ldif(struct work *w, struct usher_error *err)
{
	struct buf CLEANUP(buf_cleanup) b = { .max = LDIF_BYTES };

	for (size_t i = 0; i < w->n; i++)
		ldif_write(&b, &w->changes[i]);
	if (b.status != USHER_OK)
		return err_set(err, b.status, "scp", "the changes are too long to be shown");
	if (!w->cli->json) {
		write_raw(w->cli->out, buf_cstr(&b), b.n);
		return USHER_OK;
	}
	write_open(w->cli->out, NULL, NULL);
	write_flag(w->cli->out, "dry_run", true);
	write_text(w->cli->out, "ldif", buf_cstr(&b));
	write_close(w->cli->out);
	return USHER_OK;
}

/* Which right is wanting, in the words of those who grant it. */
static usher_status
explain(const struct work *w, const struct ldap_change *c, usher_status st, struct usher_error *err)
{
	static const char *const rights[] = { "create entries (Create Child) in its container",
		"write its attributes (Write Property)", "delete it (Delete)" };

	if (st != USHER_E_PERMISSION)
		return st;
	return err_set(err, st, c->dn, "%s has not the right to %s",
	    w->login == NULL ? "your Kerberos ticket" : w->login, rights[c->kind]);
}

/* Each change is whole; when a later one fails, the earlier ones are told before the error. */
static usher_status
make(struct work *w, struct usher_error *err)
{
	struct writer *out = w->cli->out;
	usher_status st = USHER_OK;

	if (w->cli->dry_run)
		return print_ldif(w, err);
	write_open(out, NULL, NULL);
	write_list(out, "changes", change_columns, COUNT_OF(change_columns));
	for (size_t i = 0; st == USHER_OK && i < w->n; i++) {
		st = ldap_link_change(w->f.link, &w->changes[i], err);
		if (st != USHER_OK) {
			st = explain(w, &w->changes[i], st, err);
			break;
		}
		write_open(out, NULL, NULL);
		write_text(out, "change", change_names[w->changes[i].kind]);
		write_text(out, "dn", w->changes[i].dn);
		write_close(out);
	}
	write_list_end(out);
	if (w->n == 0)
		write_say(out, "Nothing to change.");
	write_close(out);
	return st;
}

/* Connects, reads what there is, lets `plan` gather changes, and makes them. */
static int
run(struct cli *cli, const struct forest_args *forest,
    usher_status (*plan)(struct work *w, const void *args, struct usher_error *err),
    const void *args)
{
	struct work w = { .cli = cli, .login = forest->anonymous ? "nobody" : forest->login };
	struct usher_error err = { 0 };
	usher_status st = forest_open(cli, forest, &w.f, &err);

	if (st == USHER_OK)
		st = scp_read(cli, &w.f, &w.list, &err);
	if (st == USHER_OK)
		st = plan(&w, args, &err);
	if (st == USHER_OK)
		st = make(&w, &err);
	forest_close(&w.f);
	return st == USHER_OK ? CLI_DONE : cli_fail(st, &err);
}

/* ---- what is there ---- */

/* The entry of `name` with this GUID among its keywords; *index is list.n when there is none. Two
 * are more than we dare to choose from. */
static usher_status
find(const struct work *w, const char *name, const char *guid, size_t *index,
    struct usher_error *err)
{
	*index = w->list.n;
	for (size_t i = 0; i < w->list.n; i++) {
		const char *other = w->list.objects[i].name;

		if (other == NULL || !slice_is_nocase(slice_of(other), name) ||
		    !scp_has_keyword(&w->list.records[i], guid))
			continue;
		if (*index != w->list.n)
			return err_set(err, USHER_E_CONFLICT, name,
			    "has two entries, remove one by your directory's means: %s and %s",
			    w->list.objects[*index].dn, w->list.objects[i].dn);
		*index = i;
	}
	return USHER_OK;
}

static usher_status
find_or_fail(const struct work *w, const char *name, size_t *index, struct usher_error *err)
{
	usher_status st = find(w, name, SCP_URL_KEYWORD, index, err);

	if (st == USHER_OK && *index == w->list.n)
		st = err_set(err, USHER_E_ABSENT, name,
		    "has no service connection point; `usher scp list` lists them, `usher scp "
		    "publish` makes one");
	return st;
}

static const char *
dn_below(struct arena *mem, const char *name, const char *parent)
{
	struct buf CLEANUP(buf_cleanup) b = { .max = LDIF_BYTES };

	buf_text(&b, "CN=");
	ldap_escape_dn(&b, slice_of(name));
	buf_printf(&b, ",%s", parent);
	return b.status == USHER_OK ? arena_copy(mem, buf_as_slice(&b)) : NULL;
}

/* Makes the container `name` in `parent` when it is not there. *out is its DN. */
static usher_status
need_container(
    struct work *w, const char *name, const char *parent, const char **out, struct usher_error *err)
{
	static const char *const none[] = { "1.1", NULL };
	const char *classes[] = { "top", "container" };
	struct arena *mem = w->cli->mem;
	const char *dn = dn_below(mem, name, parent);
	struct ldap_entry entry;
	struct ldap_edit edits[2];
	usher_status st;

	if (dn == NULL)
		return err_nomem(err, "scp");
	*out = dn;
	st = ldap_link_read(w->f.link, mem, dn, none, &entry, err);
	if (st != USHER_E_ABSENT)
		return st;
	edits[0].attribute = attribute(mem, "objectClass", classes, COUNT_OF(classes));
	edits[1].attribute = attribute(mem, "cn", &name, 1);
	return note(w, LDAP_CHANGE_ADD, dn, edits, COUNT_OF(edits), err);
}

struct finding {
	struct arena *mem;
	const char *dn;
};

static usher_status
take_dn(const struct ldap_entry *entry, void *payload, struct usher_error *err)
{
	struct finding *f = payload;

	f->dn = arena_strdup(f->mem, entry->dn);
	return f->dn == NULL ? err_nomem(err, entry->dn) : USHER_OK;
}

/* Exchange keeps the entry below its server; where there is no such server, it has the container in
 * which pointers lie. *out is the DN of the container, which is made when it is not there. */
static usher_status
container_of(struct work *w, const char *server, const char **out, struct usher_error *err)
{
	static const char *const none[] = { "1.1", NULL };
	struct buf CLEANUP(buf_cleanup) filter = { .max = LDIF_BYTES };
	struct link_search search = {
		.base = w->f.configuration, .scope = LINK_BELOW, .attributes = none, .max = 1
	};
	struct finding f = { w->cli->mem, NULL };
	const char *parent;
	usher_status st;

	buf_text(&filter, "(&(objectClass=msExchExchangeServer)(cn=");
	ldap_escape(&filter, slice_of(server));
	buf_text(&filter, "))");
	if (filter.status != USHER_OK)
		return err_nomem(err, "scp");
	search.filter = buf_cstr(&filter);
	st = ldap_link_search(w->f.link, &search, take_dn, &f, err);
	if (st != USHER_OK)
		return st;
	if (f.dn == NULL) {
		st = need_container(w, "Services", w->f.configuration, &parent, err);
		return st == USHER_OK ?
			   need_container(w, "Microsoft Exchange Autodiscover", parent, out, err) :
			   st;
	}
	st = need_container(w, "Protocols", f.dn, &parent, err);
	return st == USHER_OK ? need_container(w, "Autodiscover", parent, out, err) : st;
}

/* ---- what is to be there ---- */

struct wish {
	const char *url;	 /* NULL: as it is */
	struct text_list scoped; /* keywords, as `Site=Pier` … */
	const char *prefix; /* … which take the place of all others that begin with this; NULL:
			       those stay */
	const char *guid;
};

static bool
listed(const struct text_list *l, const char *value)
{
	for (size_t i = 0; i < l->n; i++) {
		if (slice_is_nocase(slice_of(l->v[i]), value))
			return true;
	}
	return false;
}

/* Keywords that nobody asked about stay, whoever else writes to them. */
static usher_status
plan_keywords(struct work *w, const struct scp_record *r, const struct wish *wish,
    struct ldap_edit *edits, size_t *n, struct usher_error *err)
{
	struct arena *mem = w->cli->mem;
	const char **gone = arena_array(mem, r->keywords.n, sizeof(*gone));
	const char **added = arena_array(mem, wish->scoped.n + 1, sizeof(*added));
	size_t n_gone = 0, n_added = 0;

	if (gone == NULL || added == NULL)
		return err_nomem(err, "scp");
	for (size_t i = 0; wish->prefix != NULL && i < r->keywords.n; i++) {
		const char *keyword = r->keywords.v[i];

		if (slice_starts_nocase(slice_of(keyword), slice_of(wish->prefix)) &&
		    !listed(&wish->scoped, keyword))
			gone[n_gone++] = keyword;
	}
	for (size_t i = 0; i < wish->scoped.n; i++) {
		if (!listed(&r->keywords, wish->scoped.v[i]))
			added[n_added++] = wish->scoped.v[i];
	}
	if (!listed(&r->keywords, wish->guid))
		added[n_added++] = wish->guid;
	if (n_gone > 0)
		edits[(*n)++] = (struct ldap_edit){ LDAP_EDIT_DELETE,
			attribute(mem, "keywords", gone, n_gone) };
	if (n_added > 0)
		edits[(*n)++] =
		    (struct ldap_edit){ LDAP_EDIT_ADD, attribute(mem, "keywords", added, n_added) };
	return USHER_OK;
}

static usher_status
plan_change(struct work *w, size_t i, const struct wish *wish, struct usher_error *err)
{
	static const char *const class = SCP_CLASS_NAME;
	const struct scp_record *r = &w->list.records[i];
	struct ldap_edit edits[EDITS_MAX];
	size_t n = 0;
	usher_status st = plan_keywords(w, r, wish, edits, &n, err);

	if (st != USHER_OK)
		return st;
	if (wish->url != NULL && *wish->url == '\0' && r->binding != NULL)
		edits[n++] = (struct ldap_edit){ LDAP_EDIT_DELETE,
			{ "serviceBindingInformation", NULL, 0 } };
	else if (wish->url != NULL && *wish->url != '\0' &&
		 (r->binding == NULL || strcmp(r->binding, wish->url) != 0))
		edits[n++] = (struct ldap_edit){ LDAP_EDIT_REPLACE,
			attribute(w->cli->mem, "serviceBindingInformation", &wish->url, 1) };
	if (!w->list.objects[i].has_class)
		edits[n++] = (struct ldap_edit){ LDAP_EDIT_REPLACE,
			attribute(w->cli->mem, "serviceClassName", &class, 1) };
	return n == 0 ? USHER_OK :
			note(w, LDAP_CHANGE_MODIFY, w->list.objects[i].dn, edits, n, err);
}

static usher_status
plan_entry(struct work *w, const char *name, const char *container, const struct wish *wish,
    struct usher_error *err)
{
	static const char *const classes[] = { "top", "leaf", "connectionPoint",
		"serviceConnectionPoint" };
	static const char *const class = SCP_CLASS_NAME;
	struct arena *mem = w->cli->mem;
	const char **keywords = arena_array(mem, wish->scoped.n + 1, sizeof(*keywords));
	struct ldap_edit edits[EDITS_MAX] = { 0 };
	size_t n = 0;

	if (keywords == NULL)
		return err_nomem(err, "scp");
	keywords[0] = wish->guid;
	for (size_t i = 0; i < wish->scoped.n; i++)
		keywords[i + 1] = wish->scoped.v[i];
	edits[n++].attribute = attribute(mem, "objectClass", classes, COUNT_OF(classes));
	edits[n++].attribute = attribute(mem, "cn", &name, 1);
	edits[n++].attribute = attribute(mem, "serviceClassName", &class, 1);
	edits[n++].attribute = attribute(mem, "serviceDNSName", &name, 1);
	edits[n++].attribute = attribute(mem, "serviceBindingInformation", &wish->url, 1);
	edits[n++].attribute = attribute(mem, "keywords", keywords, wish->scoped.n + 1);
	return note(w, LDAP_CHANGE_ADD, dn_below(mem, name, container), edits, n, err);
}

/* `Site=Pier` of `Pier`. */
static usher_status
scope(struct arena *mem, const char *prefix, const struct text_list *names, struct text_list *out,
    struct usher_error *err)
{
	const char **v = arena_array(mem, names->n, sizeof(*v));

	*out = (struct text_list){ v, names->n };
	for (size_t i = 0; v != NULL && i < names->n; i++) {
		v[i] = arena_join(mem, prefix, names->v[i]);
		if (v[i] == NULL)
			return err_nomem(err, "scp");
	}
	return v == NULL ? err_nomem(err, "scp") : USHER_OK;
}

static usher_status
check_url(struct cli *cli, const char *text, struct usher_error *err)
{
	struct url url;
	usher_status st = url_parse(cli->mem, slice_of(text), &url, err);

	if (st == USHER_OK && !url.https)
		st = USHER_E_INPUT;
	if (st == USHER_OK || st == USHER_E_NOMEM)
		return st;
	return err_set(err, USHER_E_USAGE, text,
	    "is no https URL, as https://mail.example.com/Autodiscover/Autodiscover.xml");
}

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

/* What our own directory says of the server. */
static usher_status
ask_directory(struct work *w, const char **name, struct wish *wish, struct text_list *sites,
    struct usher_error *err)
{
	struct server_search s = { .mem = w->cli->mem, .name = *name };
	const char *uri;
	struct dir *dir;
	usher_status st = cli_directory(w->cli, &uri, err);

	if (st == USHER_OK)
		st = dir_open(uri, DIR_READ, &dir, err);
	if (st != USHER_OK)
		return st;
	st = dir_each(dir, &entities[ENTITY_SERVER], NULL, take_server, &s, err);
	dir_close(dir);
	if (st == USHER_E_NOMEM)
		return err_nomem(err, "scp");
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
	if (sites->n == 0)
		*sites = s.found.site_scope;
	return USHER_OK;
}

static usher_status
plan_publish(struct work *w, const void *opaque, struct usher_error *err)
{
	const struct publish_args *args = opaque;
	const char *name = w->cli->n_operands > 0 ? w->cli->operands[0] : NULL, *container;
	struct text_list sites = args->sites;
	struct wish wish = { .url = args->url, .guid = SCP_URL_KEYWORD };
	usher_status st = USHER_OK;
	size_t i;

	if (name == NULL || wish.url == NULL)
		st = ask_directory(w, &name, &wish, &sites, err);
	if (st == USHER_OK)
		st = check_url(w->cli, wish.url, err);
	if (st == USHER_OK)
		st = scope(w->cli->mem, "Site=", &sites, &wish.scoped, err);
	if (st == USHER_OK)
		st = find(w, name, wish.guid, &i, err);
	if (st != USHER_OK)
		return st;
	if (i < w->list.n) {
		wish.prefix = sites.n > 0 ? "Site=" : NULL;
		return plan_change(w, i, &wish, err);
	}
	st = container_of(w, name, &container, err);
	return st == USHER_OK ? plan_entry(w, name, container, &wish, err) : st;
}

static int
publish_run(struct cli *cli, const void *opaque)
{
	const struct publish_args *args = opaque;

	return run(cli, &args->forest, plan_publish, args);
}

const struct command cmd_scp_publish = {
	.name = "scp publish",
	.operands = "[SERVER]",
	.summary = "let the computers of a forest find a server in their directory",
	.about = "Without --url the server is one of usher's own directory. The entry lies where "
		 "Exchange keeps it when the forest has that server, else in CN=Microsoft Exchange "
		 "Autodiscover,CN=Services. Told again, what has changed is changed; other "
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
plan_set(struct work *w, const void *opaque, struct usher_error *err)
{
	const struct set_args *args = opaque;
	struct wish wish = { .url = args->url, .guid = SCP_URL_KEYWORD };
	usher_status st = USHER_OK;
	size_t i;

	if (args->no_sites && args->sites.n > 0)
		return err_set(
		    err, USHER_E_USAGE, NULL, "--site-scope and --no-sites exclude each other");
	if (args->url != NULL && *args->url != '\0')
		st = check_url(w->cli, args->url, err);
	if (st == USHER_OK)
		st = scope(w->cli->mem, "Site=", &args->sites, &wish.scoped, err);
	if (st == USHER_OK)
		st = find_or_fail(w, w->cli->operands[0], &i, err);
	if (args->no_sites || args->sites.n > 0)
		wish.prefix = "Site=";
	return st == USHER_OK ? plan_change(w, i, &wish, err) : st;
}

static int
set_run(struct cli *cli, const void *opaque)
{
	const struct set_args *args = opaque;

	return run(cli, &args->forest, plan_set, args);
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
plan_remove(struct work *w, const void *opaque UNUSED, struct usher_error *err)
{
	size_t i;
	usher_status st = find(w, w->cli->operands[0], SCP_URL_KEYWORD, &i, err);

	if (st != USHER_OK || i == w->list.n)
		return st;
	return note(w, LDAP_CHANGE_DELETE, w->list.objects[i].dn, NULL, 0, err);
}

static int
remove_run(struct cli *cli, const void *opaque)
{
	const struct remove_args *args = opaque;

	return run(cli, &args->forest, plan_remove, args);
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
pointer_domains(
    struct work *w, const struct pointer_args *args, struct text_list *out, struct usher_error *err)
{
	const char **v = arena_array(w->cli->mem, args->domains.n, sizeof(*v));
	const struct text_list names = { v, args->domains.n };
	usher_status st = v == NULL ? err_nomem(err, "scp") : USHER_OK;

	for (size_t i = 0; st == USHER_OK && i < args->domains.n; i++) {
		st = domain_parse(w->cli->mem, slice_of(args->domains.v[i]), &v[i], err);
		if (st == USHER_E_ADDRESS)
			st = err_set(err, USHER_E_USAGE, args->domains.v[i], "is no mail domain");
	}
	return st == USHER_OK ? scope(w->cli->mem, "Domain=", &names, out, err) : st;
}

static usher_status
plan_pointer(struct work *w, const void *opaque, struct usher_error *err)
{
	const struct pointer_args *args = opaque;
	struct wish wish = { .guid = SCP_POINTER_KEYWORD, .prefix = "Domain=" };
	const char *host, *parent, *container;
	usher_status st = domain_parse(w->cli->mem, slice_of(w->cli->operands[0]), &host, err);
	size_t i;

	if (st == USHER_E_ADDRESS)
		return err_set(err, USHER_E_USAGE, w->cli->operands[0],
		    "is no host: name a domain controller of the other forest, or its domain");
	if (st == USHER_OK)
		st = pointer_domains(w, args, &wish.scoped, err);
	if (st == USHER_OK)
		st = find(w, host, wish.guid, &i, err);
	if (st != USHER_OK)
		return st;
	if (args->remove)
		return i == w->list.n ?
			   USHER_OK :
			   note(w, LDAP_CHANGE_DELETE, w->list.objects[i].dn, NULL, 0, err);
	wish.url = arena_join(w->cli->mem, "LDAP://", host);
	if (wish.url == NULL)
		return err_nomem(err, "scp");
	if (i < w->list.n)
		return plan_change(w, i, &wish, err);
	st = need_container(w, "Services", w->f.configuration, &parent, err);
	if (st == USHER_OK)
		st = need_container(w, "Microsoft Exchange Autodiscover", parent, &container, err);
	return st == USHER_OK ? plan_entry(w, host, container, &wish, err) : st;
}

static int
pointer_run(struct cli *cli, const void *opaque)
{
	const struct pointer_args *args = opaque;

	return run(cli, &args->forest, plan_pointer, args);
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
