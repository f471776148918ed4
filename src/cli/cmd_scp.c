/* cmd_scp.c - `usher scp list`: a directory's service connection points, as a client tries them. */
#include "base/err.h"
#include "base/name_map.h"
#include "base/url.h"
#include "cli/commands.h"
#include "cli/scp_view.h"

enum { DAY_S = 24 * 3600, SITES_SHOWN = 4 };

struct list_args {
	struct forest_args forest;
	struct scp_view_args view;
};

static const struct option_spec list_opts[] = {
	SCP_VIEW_ROWS(struct list_args),
	FOREST_ROWS(struct list_args),
	{ 0 },
};

static const struct column list_columns[] = {
	{ "order", "ORDER", true }, { "server", "SERVER" }, { "near", "NEAR" },
	{ "sites", "SITES" }, { "age_days", "DAYS OLD", true }, { "note", "NOTE" },
	{ "url", "URL" }, /* last: it is the longest, and may run over the edge */
};

static const char *const tier_names[] = { "in-site", "any-site", "out-of-site" };

struct listing {
	struct cli *cli;
	const struct scp_view *view;
	size_t *orders;		/* of each record, from 1; 0: nobody tries it */
	struct name_map by_url; /* struct tried */
};

/* One that is tried. */
struct tried {
	const char *url; /* first: by which it is found */
	size_t place;
};

static void
write_object(const struct listing *l, size_t i, const char *near, const char *note)
{
	const struct scp_record *r = &l->view->list.records[i];
	struct text_list sites = scp_values(l->cli->mem, r, "Site");
	struct text_list domains = scp_values(l->cli->mem, r, "Domain");
	struct writer *w = l->cli->out;

	write_open(w, NULL, NULL);
	write_number(w, "order", l->orders[i] == 0 ? NUMBER_ABSENT : (int64_t)l->orders[i]);
	write_text(w, "server", l->view->list.objects[i].name);
	write_text(w, "near", near);
	if (writer_is_json(w) || sites.n <= SITES_SHOWN)
		write_texts(w, "sites", &sites);
	else
		write_text(w, "sites",
		    arena_printf(l->cli->mem, "%s, %s, … %zu", sites.v[0], sites.v[1], sites.n));
	write_number(w, "age_days",
	    r->created == NUMBER_ABSENT ? NUMBER_ABSENT :
					  (l->cli->now_ms / 1000 - r->created) / DAY_S);
	write_text(w, "note", note);
	write_text(w, "url", r->binding);
	if (writer_is_json(w)) {
		write_texts(w, "domains", &domains);
		write_texts(w, "keywords", &r->keywords);
		write_number(w, "created", r->created);
		write_text(w, "dn", r->dn);
	}
	write_close(w);
}

/* What is odd about one that is tried; NULL: nothing. */
static const char *
what_is_odd(const struct listing *l, size_t i)
{
	const struct scp_record *r = &l->view->list.records[i];

	if (scp_is_conflict(r))
		return "left by a replication conflict";
	if (!slice_starts_nocase(slice_trim(slice_of(r->binding)), SLICE_LITERAL("https:")))
		return "http: no password goes there";
	if (r->created == NUMBER_ABSENT)
		return "of unknown age: the last";
	return r->created > l->cli->now_ms / 1000 ? "made in the future: a clock is wrong" : NULL;
}

/* Why nobody tries it: NULL when out of memory. */
static const char *
why_left_out(const struct listing *l, size_t i)
{
	const struct scp_record *r = &l->view->list.records[i];
	const struct tried *same;
	struct url url;

	if (scp_has_keyword(r, SCP_POINTER_KEYWORD))
		return "points to another forest";
	if (l->view->order.pointer != NULL)
		return "a pointer leads away from it";
	if (r->binding == NULL || *r->binding == '\0')
		return "has no URL: clients pass it over";
	if (url_parse(l->cli->mem, slice_trim(slice_of(r->binding)), &url, NULL) != USHER_OK)
		return "is no web address: clients pass it over";
	same = name_map_find(&l->by_url, url.text);
	if (same == NULL)
		return "others are nearer";
	return arena_join(l->cli->mem, "has the URL of ",
	    l->view->list.objects[same->place].name == NULL ?
		"another" :
		l->view->list.objects[same->place].name);
}

static bool
note_order(struct listing *l)
{
	const struct scp_order *order = &l->view->order;
	struct tried *tried = arena_array(l->cli->mem, order->urls.n, sizeof(*tried));

	l->orders = arena_array(l->cli->mem, l->view->list.n, sizeof(*l->orders));
	if (tried == NULL || l->orders == NULL)
		return false;
	for (size_t i = 0; i < order->urls.n; i++) {
		tried[i] = (struct tried){ order->urls.v[i], order->places[i] };
		l->orders[order->places[i]] = i + 1;
		if (!name_map_add(&l->by_url, l->cli->mem, &tried[i]))
			return false;
	}
	return true;
}

static usher_status
write_list_of(struct cli *cli, const struct list_args *args, const struct scp_view *view,
    struct usher_error *err)
{
	struct listing l = { .cli = cli, .view = view };
	const struct scp_order *order = &view->order;
	struct writer *w = cli->out;
	const char *note;

	if (!note_order(&l))
		return err_nomem(err, "scp");
	write_open(w, NULL, NULL);
	if (args->view.client != NULL && !writer_is_json(w))
		write_say(w,
		    view->site == NULL ? "%s is in the subnets of no site." : "%s is at site %s.",
		    args->view.client, view->site);
	write_list(w, "connection_points", list_columns, COUNT_OF(list_columns));
	for (size_t i = 0; i < order->urls.n; i++)
		write_object(&l, order->places[i],
		    view->site == NULL ? NULL : tier_names[order->tiers[i]],
		    what_is_odd(&l, order->places[i]));
	for (size_t i = 0; i < view->list.n; i++) {
		if (l.orders[i] > 0)
			continue;
		note = why_left_out(&l, i);
		if (note == NULL)
			return err_nomem(err, "scp");
		write_object(&l, i, NULL, note);
	}
	write_list_end(w);
	if (writer_is_json(w)) {
		write_text(w, "site", view->site);
		write_text(w, "pointer", order->pointer);
	} else if (order->pointer != NULL) {
		write_say(w, "Clients go on at %s.", order->pointer);
	}
	write_close(w);
	return USHER_OK;
}

static int
list_run(struct cli *cli, const void *opaque)
{
	const struct list_args *args = opaque;
	struct usher_error err = { 0 };
	struct scp_view view;
	usher_status st = scp_view_read(cli, &args->forest, &args->view, &view, &err);

	if (st == USHER_OK)
		st = write_list_of(cli, args, &view, &err);
	if (st != USHER_OK)
		return cli_fail(st, &err);
	if (view.list.n > 0)
		return CLI_DONE;
	cli_note("there are no service connection points that this login may see");
	return CLI_NEGATIVE;
}

const struct command cmd_scp_list = {
	.name = "scp list",
	.summary = "list the service connection points of a forest as clients try them",
	.about = "Those of the client's own site come first, then those of no site, then other "
		 "sites'; among them the oldest. Without --site and --client all are alike, as for "
		 "a computer whose site is unknown. Those without a number are never tried, and "
		 "NOTE says why.",
	.flags = CMD_CLOCK,
	.opts = list_opts,
	.args_size = sizeof(struct list_args),
	.run = list_run,
};
