/* cmd_plan.c - `usher plan`: what a domain needs outside of this machine. */
#include <inttypes.h>
#include <string.h>

#include "base/address.h"
#include "base/err.h"
#include "base/ip.h"
#include "cli/commands.h"
#include "resolve/resolve_domain.h"
#include "resolve/resolve_zone.h"
#include "wire/autoconfig.h"
#include "wire/pacc.h"
#include "wire/zone.h"

enum {
	PLAN_ADDRESSES = 1000,
	PLAN_DOMAIN_BYTES = 8 * 1024 * 1024, /* memory of one domain */
	PLAN_TEXT_BYTES = 4 * 1024 * 1024    /* its records as text */
};

struct plan_args {
	bool dns;
	const char *host;
	struct text_list addresses;
	int64_t ttl_s;
};

static const struct option_spec plan_opts[] = {
	{ 0, "dns", OPT_FLAG, offsetof(struct plan_args, dns), NULL,
	    "DNS records, as a fragment of a zone file" },
	{ 0, "host", OPT_TEXT, offsetof(struct plan_args, host), "HOST",
	    "host under which clients reach usherd, when not as the directory has it" },
	{ 0, "address", OPT_LIST, offsetof(struct plan_args, addresses), "[HOST=]ADDRESS",
	    "address of that host, or of another one" },
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

static usher_status
read_args(struct planning *p, const struct plan_args *args, struct usher_error *err)
{
	struct zone_address *addresses;
	usher_status st = USHER_OK;

	if (!args->dns)
		return err_set(err, USHER_E_USAGE, "plan", "say what to plan: --dns");
	if (args->addresses.n > PLAN_ADDRESSES)
		return err_set(err, USHER_E_USAGE, "--address", "is given more than 1000 times");
	addresses = arena_array(p->cli->mem, args->addresses.n, sizeof(*addresses));
	p->used = arena_zalloc(p->cli->mem, args->addresses.n * sizeof(*p->used) + 1);
	if (addresses == NULL || p->used == NULL)
		return err_nomem(err, "plan");
	for (size_t i = 0; i < args->addresses.n && st == USHER_OK; i++)
		st = read_address(p->cli, args->addresses.v[i], &addresses[i], err);
	if (st == USHER_OK && args->host != NULL)
		st = domain_parse(p->cli->mem, slice_of(args->host), &p->wish.host, err);
	p->wish.addresses = addresses;
	p->wish.n_addresses = args->addresses.n;
	p->ttl_s = (uint32_t)args->ttl_s;
	return st;
}

/* ---- output ---- */

static void
write_record_object(struct planning *p, const struct zone *zone, const struct zone_record *r)
{
	struct writer *w = p->cli->out;
	const char *below = r->name[0] == '\0' ? "" : ".";

	buf_reset(&p->text);
	buf_printf(&p->text, "%s%s%s", r->name, below, zone->domain);
	write_open(w, NULL, NULL);
	write_text(w, "name", buf_cstr(&p->text));
	write_text(w, "type", zone_type_name(r->type));
	write_number(w, "ttl", p->ttl_s);
	buf_reset(&p->text);
	zone_write_data(&p->text, r);
	write_text(w, "data", buf_cstr(&p->text));
	if (r->type == ZONE_SRV) {
		write_number(w, "priority", r->srv.priority);
		write_number(w, "weight", r->srv.weight);
		write_number(w, "port", r->srv.port);
		write_text(w, "target", r->srv.host[0] == '\0' ? "." : r->srv.host);
	} else {
		write_text(w, "value", r->value);
	}
	write_text(w, "why", r->why);
	write_close(w);
}

static void
write_object(struct planning *p, const struct zone *zone)
{
	struct writer *w = p->cli->out;

	write_open(w, NULL, NULL);
	write_text(w, "domain", zone->domain);
	write_text(w, "host", zone->host);
	write_flag(w, "complete", zone->complete);
	write_list(w, "records", NULL, 0);
	for (size_t i = 0; i < zone->n_records; i++)
		write_record_object(p, zone, &zone->records[i]);
	write_list_end(w);
	write_texts(w, "notes", &zone->notes);
	write_close(w);
}

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

/* The text that vouches for the bytes that PACC has for this domain, or why it has none; and
 * whether programs take its Mail Autoconfig. */
static usher_status
wish_for_documents(struct planning *p, const struct facts *facts, const char *domain)
{
	struct buf CLEANUP(buf_cleanup) document = { .max = PACC_BYTES };
	struct usher_error fault = { 0 };
	struct answer answer;
	usher_status st;

	p->wish.pacc = p->wish.pacc_fault = p->wish.autoconfig_fault = NULL;
	st = resolve_autoconfig(p->mem, facts, domain, &answer);
	if (st != USHER_OK)
		return st;
	if (autoconfig_check(&answer, &fault) != USHER_OK) {
		p->wish.autoconfig_fault = arena_strdup(p->mem, fault.message);
		if (p->wish.autoconfig_fault == NULL)
			return USHER_E_NOMEM;
	}
	if (pacc_check(&answer, &fault) != USHER_OK) {
		p->wish.pacc_fault = arena_strdup(p->mem, fault.message);
		return p->wish.pacc_fault == NULL ? USHER_E_NOMEM : USHER_OK;
	}
	buf_reset(&p->text);
	pacc_write(&document, &answer);
	pacc_txt(&p->text, buf_as_slice(&document));
	p->wish.pacc = arena_copy(p->mem, buf_as_slice(&p->text));
	return document.status != USHER_OK || p->wish.pacc == NULL ? USHER_E_NOMEM : USHER_OK;
}

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
	if (wish_for_documents(p, &facts, domain) != USHER_OK ||
	    resolve_zone(p->mem, &facts, domain, &p->wish, &zone) != USHER_OK)
		return err_nomem(err, domain);
	if (p->cli->json)
		write_object(p, &zone);
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
plan_run(struct cli *cli, const void *args)
{
	struct planning p = { .cli = cli };
	struct usher_error err = { 0 };
	usher_status st;
	int status;

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
	.summary = "print the DNS records that domains need",
	.about =
	    "With --dns, prints the records that lead every kind of mail program to the services "
	    "of each DOMAIN, or of all accepted domains, as a fragment for their zones. Names "
	    "under which programs look for usherd are aliases of its host, or with --address "
	    "have that address themselves.",
	.opts = plan_opts,
	.defaults = &plan_defaults,
	.args_size = sizeof(struct plan_args),
	.run = plan_run,
};
