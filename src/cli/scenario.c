/* scenario.c - what `usher plan --scenario` was asked, and what the directory has about it. */
#include "cli/scenario.h"

#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/ip.h"
#include "resolve/resolve_domain.h"
#include "wire/autoconfig.h"
#include "wire/pacc.h"

enum { ADDRESSES_MAX = 1000, TXT_BYTES = 1024, CERTIFICATES_MAX = 50000 };

/* ---- what was asked ---- */

static usher_status
read_address(struct cli *cli, const char *text, struct zone_address *out, struct usher_error *err)
{
	const char *sign = strchr(text, '=');
	usher_status st;

	*out = (struct zone_address){ .text = sign == NULL ? text : sign + 1 };
	if (ip_version(out->text) == 0)
		return err_set(err, USHER_E_USAGE, text,
		    "is no address: write it like 192.0.2.1, 2001:db8::1 or "
		    "imap.example.com=192.0.2.1");
	if (sign == NULL)
		return USHER_OK;
	st = domain_parse(cli->mem, slice_from(text, (size_t)(sign - text)), &out->host, err);
	return st == USHER_E_ADDRESS ? err_set(err, USHER_E_USAGE, text, "names no host") : st;
}

usher_status
scenario_addresses(struct cli *cli, const char *option, const struct text_list *texts,
    const struct zone_address **out, struct usher_error *err)
{
	struct zone_address *v = arena_array(cli->mem, texts->n, sizeof(*v));
	usher_status st = USHER_OK;

	if (texts->n > ADDRESSES_MAX)
		return err_set(
		    err, USHER_E_USAGE, option, "is given more than %d times", ADDRESSES_MAX);
	if (v == NULL)
		return err_nomem(err, option);
	for (size_t i = 0; i < texts->n && st == USHER_OK; i++)
		st = read_address(cli, texts->v[i], &v[i], err);
	*out = v;
	return st;
}

/* A host that has to have a full name. */
static usher_status
read_host(struct cli *cli, const char *option, const char *text, const char **out,
    struct usher_error *err)
{
	usher_status st = domain_parse(cli->mem, slice_of(text), out, err);

	if (st == USHER_E_ADDRESS)
		return err_set(err, USHER_E_USAGE, option, "`%s` is no host name", text);
	if (st == USHER_OK && strchr(*out, '.') == NULL)
		return err_set(err, USHER_E_USAGE, option,
		    "`%s` is not a full name; give one with its domain", text);
	return st;
}

static usher_status
read_servers(struct scenario_plan *s, struct usher_error *err)
{
	const struct text_list *servers = &s->args->servers;
	const char **v = arena_array(s->cli->mem, servers->n, sizeof(*v));
	usher_status st = USHER_OK;

	if (v == NULL)
		return err_nomem(err, "--servers");
	for (size_t i = 0; i < servers->n && st == USHER_OK; i++)
		st = read_host(s->cli, "--servers", servers->v[i], &v[i], err);
	s->wish.servers = (struct text_list){ v, servers->n };
	return st;
}

static usher_status
read_wish(struct scenario_plan *s, struct usher_error *err)
{
	const struct plan_args *a = s->args;
	struct plan_wish *w = &s->wish;
	struct slice ours = SLICE_LITERAL("autodiscover.");
	usher_status st;

	if (a->domain == NULL || a->host == NULL)
		return err_set(err, USHER_E_USAGE, "plan",
		    "--%s is missing; usage: usher plan --scenario 1|2|3|4 --domain DOMAIN --host "
		    "HOST",
		    a->domain == NULL ? "domain" : "host");
	if (s->cli->n_operands > 0)
		return err_set(err, USHER_E_USAGE, s->cli->operands[0],
		    "goes with --dns; with --scenario the domain is --domain's");
	if (a->dns || (a->check && a->apply))
		return err_set(err, USHER_E_USAGE, "plan", "%s exclude each other",
		    a->dns ? "--dns and --scenario" : "--check and --apply");
	w->scenario = (enum scenario)a->scenario;
	w->now_s = s->cli->now_ms / 1000;
	st = read_host(s->cli, "--domain", a->domain, &w->domain, err);
	if (st == USHER_OK)
		st = read_host(s->cli, "--host", a->host, &w->host, err);
	if (st == USHER_OK)
		st = read_servers(s, err);
	if (st == USHER_OK)
		st =
		    scenario_addresses(s->cli, "--address", &a->addresses, &w->zone.addresses, err);
	if (st == USHER_OK)
		st = scenario_addresses(s->cli, "--listen", &a->listen, &w->listen, err);
	w->zone.n_addresses = a->addresses.n;
	w->n_listen = a->listen.n;
	if (st == USHER_OK && slice_starts(slice_of(w->host), ours) &&
	    strcmp(w->host + ours.n, w->domain) == 0)
		return err_set(err, USHER_E_USAGE, "--host",
		    "%s is the name that programs look for; give the host that it leads to",
		    w->host);
	return st;
}

/* ---- what the directory has ---- */

usher_status
scenario_documents(
    struct arena *mem, const struct facts *facts, const char *domain, struct zone_wish *out)
{
	struct buf CLEANUP(buf_cleanup) document = { .max = PACC_BYTES };
	struct buf CLEANUP(buf_cleanup) txt = { .max = TXT_BYTES };
	struct usher_error fault = { 0 };
	struct answer answer;
	usher_status st;

	out->pacc = out->pacc_fault = out->autoconfig_fault = NULL;
	st = resolve_autoconfig(mem, facts, domain, &answer);
	if (st != USHER_OK)
		return st;
	if (autoconfig_check(&answer, &fault) != USHER_OK) {
		out->autoconfig_fault = arena_strdup(mem, fault.message);
		if (out->autoconfig_fault == NULL)
			return USHER_E_NOMEM;
	}
	if (pacc_check(&answer, &fault) != USHER_OK) {
		out->pacc_fault = arena_strdup(mem, fault.message);
		return out->pacc_fault == NULL ? USHER_E_NOMEM : USHER_OK;
	}
	pacc_write(&document, &answer);
	pacc_txt(&txt, buf_as_slice(&document));
	out->pacc = arena_copy(mem, buf_as_slice(&txt));
	return document.status != USHER_OK || out->pacc == NULL ? USHER_E_NOMEM : USHER_OK;
}

struct reading {
	struct arena *mem;
	struct certificate *v;
	size_t n, room;
};

static usher_status
take_certificate(const void *record, void *payload)
{
	struct reading *r = payload;

	if (r->n == r->room)
		return USHER_OK;
	return record_copy(r->mem, &entities[ENTITY_CERTIFICATE].table, &r->v[r->n++], record) ?
		   USHER_OK :
		   USHER_E_NOMEM;
}

static usher_status
read_certificates(struct scenario_plan *s, struct dir *dir, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_CERTIFICATE];
	struct reading r = { .mem = s->cli->mem };
	uint64_t n;
	usher_status st = dir_count(dir, e, &n, err);

	if (st != USHER_OK)
		return st;
	r.room = n < CERTIFICATES_MAX ? (size_t)n : CERTIFICATES_MAX;
	r.v = arena_array(r.mem, r.room, sizeof(*r.v));
	if (r.v == NULL)
		return err_nomem(err, "certificates");
	st = dir_each(dir, e, NULL, take_certificate, &r, err);
	s->wish.certificates = r.v;
	s->wish.n_certificates = r.n;
	return st == USHER_E_NOMEM ? err_nomem(err, "certificates") : st;
}

usher_status
scenario_resolve(struct scenario_plan *s, struct dir *dir, struct usher_error *err)
{
	struct arena *mem = s->cli->mem;
	struct question question = { .address = arena_join(mem, "anybody@", s->wish.domain) };
	struct facts facts = { 0 };
	usher_status st = USHER_OK;

	if (question.address == NULL)
		return err_nomem(err, s->wish.domain);
	if (dir != NULL)
		st = read_certificates(s, dir, err);
	/* Last, because what is asked next takes it back. */
	if (st == USHER_OK && dir != NULL &&
	    dir_facts(dir, mem, &question, NULL, &facts, err) == LOOKUP_UNAVAILABLE)
		st = err->status;
	s->wish.accepted = facts.domain != NULL;
	if (st == USHER_OK && facts.domain == NULL &&
	    resolve_plan_domain(mem, s->wish.domain, s->args->kind, s->wish.host, &facts) !=
		USHER_OK)
		st = err_nomem(err, s->wish.domain);
	if (st == USHER_OK &&
	    scenario_documents(mem, &facts, s->wish.domain, &s->wish.zone) != USHER_OK)
		st = err_nomem(err, s->wish.domain);
	return st == USHER_OK ? resolve_plan(mem, &facts, &s->wish, &s->plan, err) : st;
}

/* ---- the whole ---- */

static usher_status
open_directory(struct scenario_plan *s, struct usher_error *err)
{
	usher_status st = cli_directory_absolute(s->cli, &s->directory, err);

	if (st != USHER_OK)
		return st;
	st = cli_dir_open(s->cli, s->directory, DIR_READ, &s->dir, err);
	if (st == USHER_E_ABSENT) {
		s->dir = NULL;
		return USHER_OK;
	}
	return st;
}

int
scenario_run(struct cli *cli, const struct plan_args *args)
{
	struct scenario_plan s = { .cli = cli, .args = args };
	struct usher_error err = { 0 };
	usher_status st = read_wish(&s, &err);
	int status;

	if (st == USHER_OK)
		st = open_directory(&s, &err);
	if (st != USHER_OK)
		return cli_fail(st, &err);
	st = scenario_resolve(&s, s.dir, &err);
	if (st != USHER_OK)
		status = cli_fail(st, &err);
	else if (args->check)
		status = scenario_check(&s);
	else if (args->apply)
		status = scenario_apply(&s);
	else
		status = scenario_show(&s);
	dir_close(s.dir);
	return status;
}
