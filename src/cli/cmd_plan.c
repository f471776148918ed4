/* cmd_plan.c - `usher plan`: what a domain needs outside of this machine. */
#include <inttypes.h>
#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "cli/commands.h"
#include "cli/scenario.h"
#include "cli/zone_show.h"
#include "wire/zone.h"

enum {
	PLAN_DOMAIN_BYTES = 8 * 1024 * 1024, /* memory of one domain */
	PLAN_TEXT_BYTES = 4 * 1024 * 1024    /* its records as text */
};

/* The first two of enum domain_kind, as for `usher setup`. */
static const char *const kinds[] = { "exchange", "mail", NULL };

/* enum scenario_certificate. */
static const char *const certificates[] = { "request", "self-signed", "ca", "none", NULL };

static const struct option_spec plan_opts[] = {
	{ 0, "dns", OPT_FLAG, offsetof(struct plan_args, dns), NULL,
	    "DNS records, as a fragment of a zone file" },
	{ 0, "scenario", OPT_NUMBER, offsetof(struct plan_args, scenario), "1|2|3|4",
	    "a whole deployment: all names on a certificate, SRV, two certificates, or a redirect",
	    NULL, 1, 4 },
	{ 0, "domain", OPT_TEXT, offsetof(struct plan_args, domain), "DOMAIN",
	    "mail domain of the deployment" },
	{ 0, "host", OPT_TEXT, offsetof(struct plan_args, host), "HOST",
	    "host under which clients reach usherd; with --dns as the directory has it" },
	{ 0, "kind", OPT_CHOICE, offsetof(struct plan_args, kind), NULL,
	    "of a domain that is not accepted yet: exchange (default) or mail", kinds },
	{ 0, "servers", OPT_LIST, offsetof(struct plan_args, servers), "FQDN,FQDN",
	    "full names of the servers that are together behind the host" },
	{ 0, "address", OPT_LIST, offsetof(struct plan_args, addresses), "[HOST=]ADDRESS",
	    "address of that host, or of another one" },
	{ 0, "listen", OPT_LIST, offsetof(struct plan_args, listen), "[HOST=]ADDRESS",
	    "address on this machine where it is not that one, as behind a router" },
	{ 0, "check", OPT_FLAG, offsetof(struct plan_args, check), NULL,
	    "compare the deployment with DNS, what answers, and the directory" },
	{ 0, "apply", OPT_FLAG, offsetof(struct plan_args, apply), NULL,
	    "change the directory accordingly, and see to a certificate" },
	{ 0, "certificate", OPT_CHOICE, offsetof(struct plan_args, certificate), NULL,
	    "what --apply makes when there is none; ca is the authority of `usher ca` (default: "
	    "request)",
	    certificates },
	{ 0, "usherd-conf", OPT_TEXT, offsetof(struct plan_args, config), "FILE",
	    "let --apply write the listeners to FILE, unless somebody else has written it" },
	{ 0, "dns-server", OPT_TEXT, offsetof(struct plan_args, dns_server), "ADDR[:PORT]",
	    "let --check ask this DNS server" },
	{ 0, "connect-to", OPT_EACH, offsetof(struct plan_args, connect_to), "HOST:PORT:ADDR:PORT",
	    "let --check connect to ADDR:PORT when HOST:PORT is meant" },
	{ 0, "ca-file", OPT_TEXT, offsetof(struct plan_args, ca_file), "FILE",
	    "let --check trust the certificates in FILE (PEM) instead of the system's" },
	{ 0, "timeout", OPT_MSEC, offsetof(struct plan_args, timeout_ms), "TIME",
	    "let --check wait so long for each answer (default 15s)" },
	{ 0, "ttl", OPT_NUMBER, offsetof(struct plan_args, ttl_s), "SECONDS",
	    "how long the records may be kept (default 3600)", NULL, 0, ZONE_TTL_MAX },
	{ 0 },
};

static const struct plan_args plan_defaults = { .ttl_s = ZONE_TTL_DEFAULT };

struct planning {
	struct cli *cli;
	struct dir *dir;
	struct arena *mem; /* of one domain */
	struct buf text;
	uint32_t ttl_s;
	struct zone_wish wish;
	bool *used; /* for each of its addresses: a record has it */
	size_t n_domains, n_incomplete;
};

/* ---- what was asked for ---- */

static usher_status
read_args(struct planning *p, const struct plan_args *args, struct usher_error *err)
{
	usher_status st;

	if (!args->dns)
		return err_set(err, USHER_E_USAGE, "plan", "say what to plan: --dns or --scenario");
	st = scenario_addresses(p->cli, "--address", &args->addresses, &p->wish.addresses, err);
	p->used = arena_zalloc(p->cli->mem, args->addresses.n * sizeof(*p->used) + 1);
	if (p->used == NULL)
		return err_nomem(err, "plan");
	if (st == USHER_OK && args->host != NULL)
		st = domain_parse(p->cli->mem, slice_of(args->host), &p->wish.host, err);
	p->wish.n_addresses = args->addresses.n;
	p->ttl_s = (uint32_t)args->ttl_s;
	return st;
}

/* ---- output ---- */

static void
write_fragment(struct planning *p, const struct zone *zone)
{
	buf_reset(&p->text);
	if (p->n_domains > 0)
		buf_char(&p->text, '\n');
	zone_write(&p->text, zone, p->ttl_s);
	write_raw(p->cli->out, buf_cstr(&p->text), p->text.n);
}

/* ---- addresses ---- */

/* The value of a record is the very text that was told. */
static void
note_used(struct planning *p, const struct zone *zone)
{
	for (size_t i = 0; i < p->wish.n_addresses; i++)
		for (size_t k = 0; k < zone->n_records && !p->used[i]; k++)
			p->used[i] = zone->records[k].value == p->wish.addresses[i].text;
}

static void
warn_of_unused(const struct planning *p, const struct plan_args *args)
{
	for (size_t i = 0; i < p->wish.n_addresses; i++)
		if (!p->used[i])
			cli_note("--address %s: no record needs it; look whether the host "
				 "is that of a service, and in the domain's zone",
			    args->addresses.v[i]);
}

/* ---- domains ---- */

static usher_status
plan_domain(struct planning *p, const char *domain, struct usher_error *err)
{
	struct question question = { .address = arena_join(p->mem, "anybody@", domain) };
	struct facts facts;
	struct zone zone;

	if (question.address == NULL)
		return err_nomem(err, domain);
	if (dir_facts(p->dir, p->mem, &question, NULL, &facts, err) == LOOKUP_UNAVAILABLE)
		return err->status;
	if (facts.domain == NULL)
		return err_set(err, USHER_E_ABSENT, domain, "there is no such domain");
	if (scenario_documents(p->mem, &facts, domain, &p->wish) != USHER_OK ||
	    resolve_zone(p->mem, &facts, domain, &p->wish, &zone) != USHER_OK)
		return err_nomem(err, domain);
	if (p->cli->json)
		zone_show(p->cli->out, NULL, &p->text, &zone, p->ttl_s);
	else
		write_fragment(p, &zone);
	note_used(p, &zone);
	p->n_domains++;
	p->n_incomplete += zone.complete ? 0 : 1;
	if (p->text.status != USHER_OK)
		return err_nomem(err, domain);
	return USHER_OK;
}

struct each_domain {
	struct planning *p;
	struct usher_error *err;
};

static usher_status
plan_each(const void *record, void *payload)
{
	const struct domain *d = record;
	struct each_domain *each = payload;

	arena_reset(each->p->mem);
	return plan_domain(each->p, d->domain, each->err);
}

static usher_status
plan_given(struct planning *p, const char *text, struct usher_error *err)
{
	const char *domain;
	usher_status st;

	arena_reset(p->mem);
	st = domain_parse(p->mem, slice_of(text), &domain, err);
	return st == USHER_OK ? plan_domain(p, domain, err) : st;
}

static usher_status
plan_domains(struct planning *p, struct usher_error *err)
{
	struct cli *cli = p->cli;
	usher_status st = USHER_OK;

	if (cli->n_operands == 0)
		return dir_each(p->dir, &entities[ENTITY_DOMAIN], NULL, plan_each,
		    &(struct each_domain){ p, err }, err);
	for (size_t i = 0; i < cli->n_operands && st == USHER_OK; i++)
		st = plan_given(p, cli->operands[i], err);
	return st;
}

static usher_status
plan_all(struct planning *p, struct usher_error *err)
{
	usher_status st;

	buf_init(&p->text, PLAN_TEXT_BYTES);
	p->mem = arena_new(PLAN_DOMAIN_BYTES);
	if (p->mem == NULL)
		return err_nomem(err, "plan");
	/* All that is said is of one moment. */
	dir_hold(p->dir);
	if (p->cli->json)
		write_list(p->cli->out, NULL, NULL, 0);
	st = plan_domains(p, err);
	if (p->cli->json)
		write_list_end(p->cli->out);
	dir_release(p->dir);
	arena_free(p->mem);
	buf_clear(&p->text);
	return st;
}

static int
plan_run(struct cli *cli, const void *opaque)
{
	const struct plan_args *args = opaque;
	struct planning p = { .cli = cli };
	struct usher_error err = { 0 };
	usher_status st;
	int status;

	if (args->scenario != 0)
		return scenario_run(cli, args);
	st = read_args(&p, args, &err);
	if (st != USHER_OK)
		return cli_fail(st, &err);
	status = cli_open(cli, DIR_READ, &p.dir);
	if (status != CLI_DONE)
		return status;
	st = plan_all(&p, &err);
	dir_close(p.dir);
	if (st != USHER_OK)
		return cli_fail(st, &err);
	warn_of_unused(&p, args);
	if (p.n_incomplete == 0)
		return CLI_DONE;
	cli_note("%zu of %zu domains lack records, because it is not known where clients reach "
		 "usherd: give --host or --address",
	    p.n_incomplete, p.n_domains);
	return CLI_NEGATIVE;
}

const struct command cmd_plan = {
	.name = "plan",
	.operands = "[DOMAIN…]",
	.summary = "print what a deployment, or DNS, needs for domains",
	.about =
	    "With --dns, prints the records that lead every kind of mail program to the services "
	    "of each DOMAIN, or of all accepted domains, as a fragment for their zones. Names "
	    "under which programs look for usherd are aliases of its host, or with --address "
	    "have that address themselves.\n\n"
	    "With --scenario, prints what one of four deployments needs: 1, a certificate with all "
	    "names; 2, one with a single name, and a SRV record; 3, two with a single name each, "
	    "at "
	    "two addresses; 4, one with a single name, and a site that redirects. It tells the "
	    "names "
	    "on each certificate, the records, the commands to run here, the lines of usherd.conf, "
	    "and what each kind of mail program will make of it. With --check, it is compared with "
	    "what is there; exit status: 0 all well, 1 warnings, 2 errors, 3 not safe, 4 could not "
	    "be found out.",
	.flags = CMD_CHANGES | CMD_CLOCK,
	.opts = plan_opts,
	.defaults = &plan_defaults,
	.args_size = sizeof(struct plan_args),
	.run = plan_run,
};
