/* cmd_cert_list.c - `usher cert list` and `show`: what certificates there are, and what is wrong
 * with them. */
#include <string.h>

#include "base/err.h"
#include "cert/inspect.h"
#include "cert/names.h"
#include "cli/cert_replace.h"
#include "cli/certs.h"
#include "cli/commands.h"
#include "cli/wanted.h"

enum { NAMES_SHOWN = 2 };

/* ---- what both tell ---- */

/* As text a table has room for some names; programs get all of them. */
static const char *
names_cell(struct arena *mem, const struct text_list *names)
{
	const char *text = names->n == 0 ? NULL : names->v[0];

	for (size_t i = 1; i < names->n && i < NAMES_SHOWN && text != NULL; i++)
		text = arena_join(mem, text, ", ", names->v[i]);
	if (names->n > NAMES_SHOWN && text != NULL)
		text = arena_printf(mem, "%s and %zu more", text, names->n - NAMES_SHOWN);
	return text;
}

/* What the row does not have, but the certificate and the key do. */
static void
write_judgement(struct writer *w, const struct certificate *c, const struct judgement *j)
{
	write_text(w, "status", cert_status_name(j->verdict.status));
	if (c->pem != NULL) {
		write_number(w, "days_left", j->verdict.days_left);
		write_flag(w, "is_self_signed", j->verdict.self_signed);
	}
	if (j->key != KEY_UNKNOWN)
		write_flag(w, "has_private_key", j->key == KEY_HERE);
	write_text(w, "key", j->verdict.key);
	write_text(w, "signature", j->verdict.signature);
}

/* ---- list ---- */

struct list_args {
	struct judge_args judge;
	const char *domain;
};

static const struct option_spec list_opts[] = {
	{ 0, "domain", OPT_TEXT, offsetof(struct list_args, domain), "NAME",
	    "those alone that are for this host name" },
	JUDGE_OPTIONS(struct list_args, judge),
	{ 0 },
};

static const struct list_args list_defaults = { .judge.timeout_ms = JUDGE_MS };

static const struct column list_columns[] = {
	{ "thumbprint", "THUMBPRINT" },
	{ "services", "SERVICES" },
	{ "names", "NAMES" },
	{ "days_left", "DAYS", true },
	{ "status", "STATUS" },
};

enum { ROW_BYTES = 16 * 1024 * 1024 };

struct listing {
	struct cli *cli;
	struct judge judge;
	struct arena *mem; /* of one row */
	const char *host;
	size_t n;
	struct usher_error *err;
};

static void
write_row(struct listing *l, const struct certificate *c, const struct judgement *j)
{
	const struct entity *e = &entities[ENTITY_CERTIFICATE];
	struct writer *w = l->cli->out;
	bool json = writer_is_json(w);

	write_open(w, NULL, NULL);
	for (size_t i = 0; i < e->table.n; i++) {
		const struct field *f = &e->table.rows[i];

		if (f->form != FORM_LINES && (json || strcmp(f->name, "names") != 0))
			write_field(w, f, c);
	}
	if (!json)
		write_text(w, "names", names_cell(l->mem, &c->names));
	write_judgement(w, c, j);
	write_close(w);
	l->n++;
}

static usher_status
list_one(const void *record, void *payload)
{
	const struct certificate *c = record;
	struct listing *l = payload;
	struct judgement j;
	usher_status st;

	if (l->host != NULL && !cert_names_cover(&c->names, l->host))
		return USHER_OK;
	arena_reset(l->mem);
	st = judge_certificate(&l->judge, l->mem, c, NULL, &j, l->err);
	if (st == USHER_OK)
		write_row(l, c, &j);
	if (st == USHER_OK && j.trouble != NULL)
		cli_note("%s: %s", c->thumbprint, j.trouble);
	return st;
}

static usher_status
list_all(struct cli *cli, struct dir *dir, void *payload, struct usher_error *err)
{
	const struct list_args *args = payload;
	struct arena *mem CLEANUP(arena_cleanup) = arena_new(ROW_BYTES);
	struct listing l = { .cli = cli, .mem = mem, .err = err };
	usher_status st = mem == NULL ? err_nomem(err, NULL) : USHER_OK;

	if (st == USHER_OK && args->domain != NULL)
		st = cert_name_parse(cli->mem, slice_of(args->domain), &l.host, err);
	if (st == USHER_OK)
		st = judge_open(&l.judge, cli, dir, &args->judge, err);
	if (st != USHER_OK)
		return st;
	write_list(cli->out, NULL, list_columns, COUNT_OF(list_columns));
	st = dir_each(dir, &entities[ENTITY_CERTIFICATE], NULL, list_one, &l, err);
	write_list_end(cli->out);
	if (l.n == 0 && st == USHER_OK)
		write_say(cli->out, "none");
	judge_close(&l.judge);
	return st;
}

static int
list_run(struct cli *cli, const void *args)
{
	struct list_args own = *(const struct list_args *)args;

	return cli_read(cli, list_all, &own);
}

const struct command cmd_cert_list = {
	.name = "cert list",
	.summary = "list the certificates and the requests",
	.about =
	    "STATUS is Valid, DateInvalid (expired, or not valid yet), Untrusted (no authority "
	    "that is trusted here vouches for it), Invalid (something else is wrong with it), "
	    "Revoked, RevocationCheckFailure, PendingRequest or Unknown.",
	.flags = CMD_CLOCK,
	.opts = list_opts,
	.defaults = &list_defaults,
	.args_size = sizeof(struct list_args),
	.run = list_run,
};

/* ---- show ---- */

struct show_args {
	struct judge_args judge;
};

static const struct option_spec show_opts[] = {
	JUDGE_OPTIONS(struct show_args, judge),
	{ 0 },
};

static const struct show_args show_defaults = { .judge.timeout_ms = JUDGE_MS };

struct showing {
	struct cli *cli;
	const struct show_args *args;
	struct cert_list all;
	const struct certificate *c;
	struct judgement j;
	struct text_list domains;
	struct wanted wanted;
	const char *serial;
};

/* The thumbprint of another certificate that is served for the name, or NULL. */
static const char *
covered_by(const struct showing *s, const struct wanted_name *w)
{
	const struct certificate *own = certs_at(&s->all, w->certificate);

	if (own != NULL && own != s->c && cert_names_cover(&own->names, w->name))
		return own->thumbprint;
	for (size_t i = 0; i < s->all.n; i++) {
		const struct certificate *c = &s->all.v[i];

		if (c != s->c && c->pem != NULL && cert_is_for_https(c) &&
		    cert_names_cover(&c->names, w->name))
			return c->thumbprint;
	}
	return NULL;
}

static void
write_not_covered(const struct showing *s)
{
	static const struct column columns[] = {
		{ "host", "NOT COVERED" },
		{ "why", "WHAT IT IS" },
		{ "covered_by", "COVERED BY" },
	};
	struct writer *w = s->cli->out;
	bool any = writer_is_json(w);

	for (size_t i = 0; i < s->wanted.n; i++)
		any = any || !cert_names_cover(&s->c->names, s->wanted.v[i].name);
	if (!any)
		return;
	write_list(w, "not_covered", columns, COUNT_OF(columns));
	for (size_t i = 0; i < s->wanted.n; i++) {
		const struct wanted_name *name = &s->wanted.v[i];

		if (cert_names_cover(&s->c->names, name->name))
			continue;
		write_open(w, NULL, NULL);
		write_text(w, "host", name->name);
		write_text(w, "why", name->why);
		write_text(w, "covered_by", covered_by(s, name));
		write_close(w);
	}
	write_list_end(w);
}

static void
write_faults(const struct showing *s)
{
	struct writer *w = s->cli->out;

	write_list(w, "faults", NULL, 0);
	for (int i = 0; i < CERT_FAULT_COUNT; i++) {
		const struct cert_fault_row *row = &cert_faults[i];

		if ((s->j.verdict.faults & 1U << i) == 0)
			continue;
		write_open(w, NULL, NULL);
		if (writer_is_json(w))
			write_text(w, "id", row->id);
		write_text(w, "what_is_wrong", row->what);
		write_text(w, "who_notices", row->whom);
		write_text(w, "what_to_do", row->todo);
		write_close(w);
	}
	write_list_end(w);
}

static void
write_certificate(const struct showing *s)
{
	const struct entity *e = &entities[ENTITY_CERTIFICATE];
	struct writer *w = s->cli->out;

	write_open(w, NULL, NULL);
	for (size_t i = 0; i < e->table.n; i++)
		if (e->table.rows[i].form != FORM_LINES || writer_is_json(w))
			write_field(w, &e->table.rows[i], s->c);
	write_text(w, "serial_number", s->serial);
	write_judgement(w, s->c, &s->j);
	if (s->domains.n > 0)
		write_texts(w, "domains", &s->domains);
	write_text(w, "revocation_trouble", s->j.trouble);
	write_faults(s);
	write_not_covered(s);
	write_close(w);
}

static usher_status
show(struct cli *cli, struct dir *dir, void *payload, struct usher_error *err)
{
	struct showing *s = payload;
	struct arena *mem = cli->mem;
	struct judge judge = { 0 };
	usher_status st = certs_read(mem, dir, &s->all, err);

	if (st == USHER_OK)
		st = certs_find(&s->all, cli->operands[0], &s->c, err);
	if (st == USHER_OK)
		st = judge_open(&judge, cli, dir, &s->args->judge, err);
	if (st == USHER_OK)
		st = judge_certificate(&judge, mem, s->c, NULL, &s->j, err);
	judge_close(&judge);
	if (st == USHER_OK)
		st = cert_domains(mem, dir, s->c->thumbprint, &s->domains, err);
	if (st == USHER_OK)
		st = wanted_names(mem, dir, &s->wanted, err);
	if (st == USHER_OK && s->c->pem != NULL &&
	    cert_serial_number(mem, slice_of(s->c->pem), &s->serial, NULL) == USHER_E_NOMEM)
		st = err_nomem(err, s->c->thumbprint);
	return st;
}

static int
show_run(struct cli *cli, const void *args)
{
	struct showing s = { .cli = cli, .args = args };
	int status = cli_read(cli, show, &s);

	if (status == CLI_DONE)
		write_certificate(&s);
	return status;
}

const struct command cmd_cert_show = {
	.name = "cert show",
	.operands = "THUMBPRINT",
	.summary = "show all about a certificate or a request",
	.about = "It ends with what is wrong with it, and with the host names that the directory "
		 "leads clients to and that it is not for.",
	.flags = CMD_CLOCK,
	.opts = show_opts,
	.defaults = &show_defaults,
	.args_size = sizeof(struct show_args),
	.run = show_run,
};
