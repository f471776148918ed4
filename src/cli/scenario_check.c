/* scenario_check.c - `usher plan --check`: a deployment beside what is there. */
#include "base/err.h"
#include "cli/probe.h"
#include "cli/scenario.h"
#include "wire/pox.h"

/* Looks at everything. */
static usher_status
look(struct scenario_plan *s, struct check *c, struct usher_error *err)
{
	struct arena *mem = s->cli->mem;
	struct buf CLEANUP(buf_cleanup) body = { .max = POX_REQUEST_BYTES };
	struct question question = { .address = arena_join(mem, "anybody@", s->wish.domain) };
	struct probe_options options = {
		.dns_server = s->args->dns_server,
		.ca_file = s->args->ca_file,
		.now_s = s->wish.now_s,
		.timeout_ms = s->args->timeout_ms,
	};
	struct probe *probe = NULL;
	usher_status st = probe_routes(mem, &s->args->connect_to, &options, err);

	if (st != USHER_OK)
		return st;
	if (question.address == NULL ||
	    resolve_check_begin(mem, &s->plan, s->wish.now_s, c) != USHER_OK)
		return err_nomem(err, "check");
	pox_write_request(&body, &question);
	options.body = buf_as_slice(&body);
	st = probe_new(&options, &probe, err);
	if (st == USHER_OK)
		st = probe_names(probe, mem, c->names, c->n_names, err);
	if (st == USHER_OK && resolve_check_sites(mem, c) != USHER_OK)
		st = err_nomem(err, "check");
	if (st == USHER_OK)
		st = probe_sites(probe, mem, c->sites, c->n_sites, err);
	probe_free(probe);
	if (st == USHER_OK && resolve_check_rows(mem, c, s->dir != NULL) != USHER_OK)
		st = err_nomem(err, "check");
	return st;
}

static const struct column columns[] = {
	{ "verdict", "VERDICT" },
	{ "check", "CHECK" },
	{ "subject", "OF" },
	{ "found", "FOUND" },
};

static void
write_row(struct writer *w, const struct check_row *r)
{
	write_open(w, NULL, NULL);
	write_text(w, "verdict", check_verdict_name(r->verdict));
	write_text(w, "check", r->check);
	write_text(w, "subject", r->subject);
	write_text(w, "found", r->found);
	if (writer_is_json(w)) {
		write_text(w, "fault", r->fault);
		write_text(w, "todo", r->todo);
	}
	write_close(w);
}

/* What is to be done, for people. */
static void
say_todo(struct writer *w, const struct check *c)
{
	for (size_t i = 0; i < c->n_rows; i++) {
		const struct check_row *r = &c->rows[i];

		if (r->todo == NULL)
			continue;
		write_say(w, "%s", "");
		write_say(w, "%s %s: %s", r->check, r->subject, r->found);
		write_say(w, "    %s", r->todo);
	}
}

int
scenario_check(struct scenario_plan *s)
{
	struct writer *w = s->cli->out;
	enum check_verdict worst = CHECK_OK;
	struct usher_error err = { 0 };
	struct check c = { 0 };
	usher_status st = look(s, &c, &err);

	if (st != USHER_OK)
		return cli_fail(st, &err);
	for (size_t i = 0; i < c.n_rows; i++)
		worst = c.rows[i].verdict > worst ? c.rows[i].verdict : worst;
	write_open(w, NULL, NULL);
	if (s->cli->json) {
		write_number(w, "scenario", s->wish.scenario);
		write_text(w, "domain", s->wish.domain);
		write_text(w, "host", s->wish.host);
		write_text(w, "verdict", check_verdict_name(worst));
	}
	write_list(w, "checks", columns, COUNT_OF(columns));
	for (size_t i = 0; i < c.n_rows; i++)
		write_row(w, &c.rows[i]);
	write_list_end(w);
	say_todo(w, &c);
	write_close(w);
	return probe_exit(worst);
}
