/* cmd_scp.c - `usher scp list` and `check`: a directory's service connection points, as a client
 * finds them and as they are. */
#include <inttypes.h>
#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/url.h"
#include "cli/commands.h"
#include "cli/forest.h"
#include "cli/probe.h"
#include "ldap/scp.h"
#include "model/scp_order.h"
#include "wire/pox.h"

enum { DAY_S = 24 * 3600 };

/* ---- list ---- */

struct list_args {
	struct forest_args forest;
	const char *site;
	const char *domain;
	bool strict_site;
};

static const struct option_spec list_opts[] = {
	{ 0, "site", OPT_TEXT, offsetof(struct list_args, site), "SITE",
	    "in the order for a client in this site" },
	{ 0, "domain", OPT_TEXT, offsetof(struct list_args, domain), "DOMAIN",
	    "in the order for a mailbox in this domain" },
	{ 0, "strict-site", OPT_FLAG, offsetof(struct list_args, strict_site), NULL,
	    "leave other sites out when there is a server in the client's, as Outlook does" },
	FOREST_ROWS(struct list_args),
	{ 0 },
};

static const struct column list_columns[] = {
	{ "order", "ORDER", true },
	{ "server", "SERVER" },
	{ "near", "NEAR" },
	{ "sites", "SITES" },
	{ "age_days", "DAYS OLD", true },
	{ "url", "URL" },
	{ "note", "NOTE" },
};

static const char *const tier_names[] = { "in-site", "any-site", "out-of-site" };

static void
write_object(struct cli *cli, const struct scp_list *list, size_t i, size_t order, const char *near,
    const char *note)
{
	const struct scp_record *r = &list->records[i];
	struct text_list sites = scp_values(cli->mem, r, "Site");
	struct text_list domains = scp_values(cli->mem, r, "Domain");
	struct writer *w = cli->out;

	write_open(w, NULL, NULL);
	write_number(w, "order", order == 0 ? NUMBER_ABSENT : (int64_t)order);
	write_text(w, "server", list->objects[i].name);
	write_text(w, "near", near);
	write_texts(w, "sites", &sites);
	write_number(w, "age_days",
	    r->created == NUMBER_ABSENT ? NUMBER_ABSENT :
					  (cli->now_ms / 1000 - r->created) / DAY_S);
	write_text(w, "url", r->binding);
	write_text(w, "note", note);
	if (writer_is_json(w)) {
		write_texts(w, "domains", &domains);
		write_texts(w, "keywords", &r->keywords);
		write_number(w, "created", r->created);
		write_text(w, "dn", list->records[i].dn);
	}
	write_close(w);
}

/* Why no client of this site and domain tries it; the order is known. */
static const char *
why_left_out(const struct scp_record *r, bool elsewhere)
{
	if (scp_has_keyword(r, SCP_POINTER_KEYWORD))
		return "points to another forest";
	if (elsewhere)
		return "a pointer leads away from it";
	if (r->binding == NULL || *r->binding == '\0')
		return "has no URL: clients pass it over";
	if (!slice_starts_nocase(slice_of(r->binding), SLICE_LITERAL("http")))
		return "is no web address: clients pass it over";
	return "another comes first with the same URL, or is nearer";
}

static usher_status
order_of(struct cli *cli, const struct scp_list *list, const char *domain, const char *site,
    bool strict_site, struct scp_order *out, struct usher_error *err)
{
	const char *name = "";
	usher_status st = USHER_OK;

	if (domain != NULL)
		st = domain_parse(cli->mem, slice_of(domain), &name, err);
	if (st != USHER_OK)
		return st == USHER_E_ADDRESS ?
			   err_set(err, USHER_E_USAGE, domain, "is no mail domain") :
			   st;
	st = scp_order(cli->mem, list->records, list->n, name, site, strict_site, out);
	return st == USHER_OK ? st : err_nomem(err, "scp");
}

static usher_status
write_list_of(struct cli *cli, const struct list_args *args, const struct scp_list *list,
    struct usher_error *err)
{
	bool *shown = arena_zalloc(cli->mem, list->n + 1);
	struct writer *w = cli->out;
	struct scp_order order;
	usher_status st =
	    order_of(cli, list, args->domain, args->site, args->strict_site, &order, err);

	if (st != USHER_OK)
		return st;
	if (shown == NULL)
		return err_nomem(err, "scp");
	write_open(w, NULL, NULL);
	write_list(w, "connection_points", list_columns, COUNT_OF(list_columns));
	for (size_t i = 0; i < order.urls.n; i++) {
		shown[order.places[i]] = true;
		write_object(cli, list, order.places[i], i + 1,
		    args->site == NULL ? NULL : tier_names[order.tiers[i]], NULL);
	}
	for (size_t i = 0; i < list->n; i++) {
		if (!shown[i])
			write_object(cli, list, i, 0, NULL,
			    why_left_out(&list->records[i], order.pointer != NULL));
	}
	write_list_end(w);
	if (writer_is_json(w))
		write_text(w, "pointer", order.pointer);
	else if (order.pointer != NULL)
		write_say(w, "Clients go on at %s.", order.pointer);
	write_close(w);
	return USHER_OK;
}

static int
list_run(struct cli *cli, const void *opaque)
{
	const struct list_args *args = opaque;
	struct usher_error err = { 0 };
	struct forest f = { 0 };
	struct scp_list list;
	usher_status st = forest_open(cli, &args->forest, &f, &err);

	if (st == USHER_OK)
		st = scp_read(f.link, cli->mem, f.configuration, false, &list, &err);
	if (st == USHER_OK)
		st = write_list_of(cli, args, &list, &err);
	forest_close(&f);
	if (st != USHER_OK)
		return cli_fail(st, &err);
	if (list.n > 0)
		return CLI_DONE;
	cli_note("there are no service connection points that this login may see");
	return CLI_NEGATIVE;
}

const struct command cmd_scp_list = {
	.name = "scp list",
	.summary = "list the service connection points of a forest as clients try them",
	.about = "Those of the client's own site come first, then those of no site, then other "
		 "sites'; among them the oldest. Without --site all are alike, as for a computer "
		 "whose site is unknown.",
	.flags = CMD_CLOCK,
	.opts = list_opts,
	.args_size = sizeof(struct list_args),
	.run = list_run,
};

/* ---- check ---- */

struct check_args {
	struct forest_args forest;
	const char *site;
	const char *domain;
	const char *dns;
	struct text_list connect_to;
};

static const struct option_spec check_opts[] = {
	{ 0, "site", OPT_TEXT, offsetof(struct check_args, site), "SITE",
	    "in the order for a client in this site" },
	{ 0, "domain", OPT_TEXT, offsetof(struct check_args, domain), "DOMAIN",
	    "for mailboxes in this domain" },
	{ 0, "dns", OPT_TEXT, offsetof(struct check_args, dns), "ADDR[:PORT]",
	    "ask this DNS server" },
	{ 0, "connect-to", OPT_EACH, offsetof(struct check_args, connect_to), "HOST:PORT:ADDR:PORT",
	    "connect to ADDR:PORT when HOST:PORT is meant" },
	FOREST_ROWS(struct check_args),
	{ 0 },
};

static const struct column check_columns[] = {
	{ "verdict", "VERDICT" },
	{ "server", "SERVER" },
	{ "url", "URL" },
	{ "found", "FOUND" },
};

struct checked {
	enum check_verdict verdict;
	const char *found, *todo;
};

/* What is wrong with the object itself; false: nothing. */
static bool
judge_object(const struct scp_object *o, const struct scp_record *r, struct checked *out)
{
	if (scp_has_keyword(r, SCP_POINTER_KEYWORD))
		return false;
	if (r->binding == NULL || *r->binding == '\0')
		*out = (struct checked){ CHECK_WARNING, "it has no URL",
			"give it one with `usher scp set --url`, or remove it" };
	else if (!slice_starts_nocase(slice_of(r->binding), SLICE_LITERAL("https://")))
		*out =
		    (struct checked){ CHECK_ERROR, "its URL is not https: no password goes there",
			    "give it an https URL with `usher scp set --url`" };
	else if (!o->has_class)
		*out =
		    (struct checked){ CHECK_WARNING, "its serviceClassName is not " SCP_CLASS_NAME,
			    "publish it anew with `usher scp publish`" };
	else
		return false;
	return true;
}

/* What a client meets at one of its host's addresses. */
static struct checked
judge_site(struct arena *mem, const struct check_site *s)
{
	static const char leftover[] = "mend the server; when it is gone, take its entry away with "
				       "`usher scp remove`";
	const char *at = s->address;

	switch (s->failure) {
	case SEEN_NOBODY:
		return (struct checked){ CHECK_ERROR, arena_printf(mem, "nobody answers at %s", at),
			leftover };
	case SEEN_BAD_TLS:
		return (struct checked){ CHECK_ERROR,
			arena_printf(mem, "its certificate at %s will not do: %s", at,
			    s->detail == NULL ? "it is not valid" : s->detail),
			"every Outlook warns of it: put the URL's host on the certificate, or set "
			"the URL to a host that is on it" };
	case SEEN_TROUBLE:
		return (struct checked){ CHECK_ERROR,
			arena_printf(mem, "what answers at %s speaks no HTTP", at), leftover };
	case SEEN_ANSWER:
		break;
	}
	if (s->status == 401 || s->status == 200)
		return (struct checked){ CHECK_OK,
			arena_printf(mem, "answers %" PRId64 " at %s", s->status, at), NULL };
	return (struct checked){ CHECK_ERROR,
		arena_printf(
		    mem, "answers %" PRId64 " at %s: no Autodiscover is there", s->status, at),
		"set the URL to where Autodiscover is, with `usher scp set --url`" };
}

struct checking {
	struct cli *cli;
	const struct check_args *args;
	struct scp_list list;
	struct probe_options options; /* of the probe, which keeps them */
	struct probe *probe;
	enum check_verdict worst;
	struct buf body;
};

static void
write_checked(struct checking *c, size_t i, const struct checked *row)
{
	struct writer *w = c->cli->out;

	if (row->verdict > c->worst)
		c->worst = row->verdict;
	write_open(w, NULL, NULL);
	write_text(w, "verdict", check_verdict_name(row->verdict));
	write_text(w, "server", c->list.objects[i].name);
	write_text(w, "url", c->list.records[i].binding);
	write_text(w, "found", row->found);
	if (writer_is_json(w)) {
		write_text(w, "todo", row->todo);
		write_text(w, "dn", c->list.records[i].dn);
	}
	write_close(w);
}

/* Resolves, connects, verifies and asks as a client does. */
static usher_status
look_at(struct checking *c, size_t i, struct usher_error *err)
{
	struct arena *mem = c->cli->mem;
	struct check_name name = { 0 };
	struct check_site *sites;
	struct checked row;
	struct url url;
	usher_status st = url_parse(mem, slice_of(c->list.records[i].binding), &url, err);

	if (st == USHER_E_NOMEM)
		return st;
	if (st != USHER_OK) {
		row = (struct checked){ CHECK_ERROR, "this is no URL",
			"give it one with `usher scp set --url`" };
		write_checked(c, i, &row);
		return USHER_OK;
	}
	name.name = url.host;
	st = probe_names(c->probe, mem, &name, 1, err);
	if (st != USHER_OK)
		return st;
	if (name.addresses.n == 0) {
		row = (struct checked){ name.trouble ? CHECK_UNTESTED : CHECK_ERROR,
			arena_printf(mem, "%s has no address%s%s", url.host,
			    name.detail == NULL ? "" : ": ",
			    name.detail == NULL ? "" : name.detail),
			"put the name into DNS; when the server is gone, take its entry away with "
			"`usher scp remove`" };
		write_checked(c, i, &row);
		return USHER_OK;
	}
	sites = arena_array(mem, name.addresses.n, sizeof(*sites));
	if (sites == NULL)
		return err_nomem(err, "scp");
	for (size_t k = 0; k < name.addresses.n; k++)
		sites[k] = (struct check_site){ .url = url.text,
			.host = url.host,
			.post = true,
			.address = name.addresses.v[k],
			.status = NUMBER_ABSENT };
	st = probe_sites(c->probe, mem, sites, name.addresses.n, err);
	for (size_t k = 0; st == USHER_OK && k < name.addresses.n; k++) {
		row = judge_site(mem, &sites[k]);
		if (row.found == NULL)
			return err_nomem(err, "scp");
		write_checked(c, i, &row);
	}
	return st;
}

static usher_status
check_all(struct checking *c, struct usher_error *err)
{
	struct writer *w = c->cli->out;
	struct scp_order order;
	struct checked row;
	usher_status st =
	    order_of(c->cli, &c->list, c->args->domain, c->args->site, false, &order, err);

	if (st != USHER_OK)
		return st;
	write_open(w, NULL, NULL);
	write_list(w, "checks", check_columns, COUNT_OF(check_columns));
	for (size_t i = 0; i < c->list.n; i++) {
		if (judge_object(&c->list.objects[i], &c->list.records[i], &row))
			write_checked(c, i, &row);
	}
	for (size_t i = 0; st == USHER_OK && i < order.urls.n; i++)
		st = look_at(c, order.places[i], err);
	write_list_end(w);
	write_close(w);
	return st;
}

static usher_status
open_probe(struct checking *c, struct usher_error *err)
{
	const struct question question = { .address = "anybody@example.com" };
	usher_status st;

	c->options = (struct probe_options){
		.dns_server = c->args->dns,
		.ca_file = c->args->forest.ca_file,
		.now_s = c->cli->now_ms / 1000,
		.timeout_ms = c->args->forest.timeout_ms,
	};
	st = probe_routes(c->cli->mem, &c->args->connect_to, &c->options, err);
	pox_write_request(&c->body, &question);
	c->options.body = buf_as_slice(&c->body);
	return st == USHER_OK ? probe_new(&c->options, &c->probe, err) : st;
}

static int
check_run(struct cli *cli, const void *opaque)
{
	struct checking c = { .cli = cli, .args = opaque, .body = { .max = POX_REQUEST_BYTES } };
	struct usher_error err = { 0 };
	struct forest f = { 0 };
	usher_status st = forest_open(cli, &c.args->forest, &f, &err);

	if (st == USHER_OK)
		st = scp_read(f.link, cli->mem, f.configuration, false, &c.list, &err);
	forest_close(&f);
	if (st == USHER_OK)
		st = open_probe(&c, &err);
	if (st == USHER_OK)
		st = check_all(&c, &err);
	probe_free(c.probe);
	buf_clear(&c.body);
	return st == USHER_OK ? probe_exit(c.worst) : cli_fail(st, &err);
}

const struct command cmd_scp_check = {
	.name = "scp check",
	.summary = "ask every service connection point as a client does",
	.about = "Finds entries without a URL, hosts that are not in DNS, servers that are gone, "
		 "certificates that do not have the URL's name, and URLs where no Autodiscover is.",
	.flags = CMD_CLOCK,
	.opts = check_opts,
	.args_size = sizeof(struct check_args),
	.run = check_run,
};
