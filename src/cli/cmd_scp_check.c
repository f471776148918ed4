/* cmd_scp_check.c - `usher scp check`: every service connection point, as a client would find it.
 */
#include <inttypes.h>
#include <string.h>

#include "base/err.h"
#include "base/name_map.h"
#include "base/text.h"
#include "base/url.h"
#include "cli/commands.h"
#include "cli/probe.h"
#include "cli/scp_view.h"
#include "wire/pox.h"

enum { SITES_SHOWN = 10 };

struct check_args {
	struct forest_args forest;
	struct scp_view_args view;
	const char *dns;
	struct text_list connect_to;
};

static const struct option_spec check_opts[] = {
	SCP_VIEW_ROWS(struct check_args),
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
judge_object(
    struct arena *mem, const struct scp_object *o, const struct scp_record *r, struct checked *out)
{
	struct slice binding = slice_trim(slice_of(r->binding));
	struct url url;

	if (r->binding == NULL || *r->binding == '\0')
		*out = (struct checked){ CHECK_WARNING, "it has no URL",
			"give it one with `usher scp set --url`, or remove it" };
	else if (url_parse(mem, binding, &url, NULL) != USHER_OK)
		*out = (struct checked){ CHECK_ERROR, "this is no URL",
			"give it one with `usher scp set --url`" };
	else if (!url.https)
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
	struct scp_view view;
	struct name_map scoped;	      /* struct scoped */
	bool any_site;		      /* an entry is for computers of all sites */
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
	write_text(w, "server", c->view.list.objects[i].name);
	write_text(w, "url", c->view.list.records[i].binding);
	write_text(w, "found", row->found);
	if (writer_is_json(w)) {
		write_text(w, "todo", row->todo);
		write_text(w, "dn", c->view.list.records[i].dn);
	}
	write_close(w);
}

/* Resolves, connects, verifies and asks as a client does. `text` is the URL of entry `i`. */
static usher_status
look_at(struct checking *c, size_t i, const char *text, struct usher_error *err)
{
	struct arena *mem = c->cli->mem;
	struct check_name name = { 0 };
	struct check_site *sites;
	struct checked row;
	struct url url;
	usher_status st = url_parse(mem, slice_of(text), &url, err);

	if (st != USHER_OK)
		return st;
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

/* A site that keywords name. */
struct scoped {
	const char *key; /* first: folded */
};

/* Keywords that name a site which is not there: most are misspelt, or the site has a new name. */
static usher_status
look_at_scope(struct checking *c, size_t i, struct usher_error *err)
{
	struct arena *mem = c->cli->mem;
	struct text_list sites = scp_values(mem, &c->view.list.records[i], "Site");
	struct scoped *scoped = arena_array(mem, sites.n, sizeof(*scoped));
	struct checked row = { CHECK_WARNING, NULL,
		"name its sites anew with `usher scp set --site-scope`" };

	if (sites.v == NULL || scoped == NULL)
		return err_nomem(err, "scp");
	for (size_t k = 0; c->view.sites.n > 0 && k < sites.n; k++) {
		scoped[k].key = text_fold_copy(mem, slice_of(sites.v[k]));
		row.found = arena_printf(mem, "the forest has no site %s", sites.v[k]);
		if (scoped[k].key == NULL || row.found == NULL)
			return err_nomem(err, "scp");
		if (!forest_sites_have(&c->view.sites, scoped[k].key))
			write_checked(c, i, &row);
		else if (name_map_find(&c->scoped, scoped[k].key) == NULL &&
			 !name_map_add(&c->scoped, mem, &scoped[k]))
			return err_nomem(err, "scp");
	}
	c->any_site = c->any_site || sites.n == 0;
	return USHER_OK;
}

/* Sites that no entry is for. A forest may be meant like that, so it changes no verdict. */
static usher_status
write_left_alone(struct checking *c, struct usher_error *err)
{
	const char **v = arena_array(c->cli->mem, c->view.sites.n, sizeof(*v));
	struct text_list names = { v, 0 };
	struct writer *w = c->cli->out;

	if (v == NULL)
		return err_nomem(err, "scp");
	for (const struct forest_site *s = c->view.sites.first; s != NULL && !c->any_site;
	     s = s->next) {
		if (name_map_find(&c->scoped, s->key) == NULL)
			v[names.n++] = s->name;
	}
	if (writer_is_json(w))
		write_texts(w, "sites_left_alone", &names);
	for (size_t i = 0; i < names.n && i < SITES_SHOWN; i++)
		write_say(w,
		    "No entry is for site %s: its computers ask the oldest of other sites.",
		    names.v[i]);
	if (names.n > SITES_SHOWN)
		write_say(w, "So it is with %zu more sites.", names.n - SITES_SHOWN);
	return USHER_OK;
}

static usher_status
check_all(struct checking *c, struct usher_error *err)
{
	struct writer *w = c->cli->out;
	struct checked row;
	usher_status st = USHER_OK;

	write_open(w, NULL, NULL);
	write_list(w, "checks", check_columns, COUNT_OF(check_columns));
	for (size_t i = 0; st == USHER_OK && i < c->view.list.n; i++) {
		const struct scp_record *r = &c->view.list.records[i];

		if (scp_has_keyword(r, SCP_POINTER_KEYWORD))
			continue;
		if (judge_object(c->cli->mem, &c->view.list.objects[i], r, &row))
			write_checked(c, i, &row);
		if (r->binding != NULL && *r->binding != '\0')
			st = look_at_scope(c, i, err);
	}
	for (size_t i = 0; st == USHER_OK && i < c->view.order.urls.n; i++)
		st = look_at(c, c->view.order.places[i], c->view.order.urls.v[i], err);
	write_list_end(w);
	if (st == USHER_OK && c->view.order.urls.n > 0)
		st = write_left_alone(c, err);
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
	usher_status st = scp_view_read(cli, &c.args->forest, &c.args->view, &c.view, &err);

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
	.about =
	    "Finds entries without a URL, hosts that are not in DNS, servers that are gone, "
	    "certificates that do not have the URL's name, URLs where no Autodiscover is, and site "
	    "scopes that name no site of the forest.",
	.flags = CMD_CLOCK,
	.opts = check_opts,
	.args_size = sizeof(struct check_args),
	.run = check_run,
};
