/* cmd_cert_renew.c - `usher cert renew`: the same names once more, before they run out. */
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "cert/inspect.h"
#include "cert/key.h"
#include "cert/selfsigned.h"
#include "cert/store.h"
#include "cli/cert_made.h"
#include "cli/cert_replace.h"
#include "cli/cert_wish.h"
#include "cli/certs.h"
#include "cli/cmd_cert_acme.h"
#include "cli/commands.h"
#include "cli/keys.h"

struct renew_args {
	struct request_output output;
	const char *key;
	bool same_key;
	bool due;
	struct acme_args acme;
};

static const struct renew_args renew_defaults = { .acme = ACME_DEFAULTS };

static const struct option_spec renew_opts[] = {
	{ 0, "same-key", OPT_FLAG, offsetof(struct renew_args, same_key), NULL,
	    "for its present key, not for a new one" },
	{ 0, "key", OPT_TEXT, offsetof(struct renew_args, key), "KIND",
	    "a key of this kind, as `usher cert request` has them (default: as it is)" },
	REQUEST_OUTPUT_OPTIONS(struct renew_args, output),
	{ 0, "due", OPT_FLAG, offsetof(struct renew_args, due), NULL,
	    "all whose time it is, as the timer does: by ACME, and what vouches for itself" },
	ACME_OPTIONS(struct renew_args, acme),
	{ 0 },
};

struct renewing {
	const struct renew_args *args;
	const char *thumbprint; /* as typed */
	struct cert_list all;
	const struct certificate *old;
	struct subject subject;
	struct buf key; /* PEM */
	struct certificate fresh;
	struct request request; /* when others vouch for it */
	bool self_signed;
};

/* ---- the key ---- */

static usher_status
make_key(struct cli *cli, struct renewing *r, struct usher_error *err)
{
	const char *word = r->args->key, *text;
	enum cert_key_kind kind;
	struct slice spki;
	int rsa_bits;
	usher_status st = USHER_OK;

	if (word == NULL) {
		st = cert_public_key(cli->mem, slice_of(r->old->pem), &spki, &text, err);
		if (st != USHER_OK)
			return st;
		word = cert_key_word(text);
		if (word == NULL) {
			word = CERT_WISH_KEY;
			cli_note("its key is %s, as clients take it no more; the new one is %s",
			    text, word);
		}
	}
	st = cert_key_parse(slice_of(word), &kind, &rsa_bits, err);
	return st == USHER_OK ? cert_key_make(kind, rsa_bits, &r->key, err) : st;
}

static usher_status
take_key(struct cli *cli, struct dir *dir, struct renewing *r, struct usher_error *err)
{
	const char *text;
	usher_status st = cert_key_get(dir_stem(dir), r->old->sha256, &r->key, err);

	if (st == USHER_OK)
		st = cert_key_text(cli->mem, buf_as_slice(&r->key), &text, err);
	if (st == USHER_OK && cert_key_word(text) == NULL)
		st = err_set(err, USHER_E_CONFLICT, r->old->thumbprint,
		    "its key is %s, as clients take it no more: leave out --same-key", text);
	return st;
}

/* ---- before the directory is kept from others ---- */

static usher_status
prepare(struct cli *cli, struct dir *dir, void *payload, struct usher_error *err)
{
	struct renewing *r = payload;
	usher_status st = certs_read(cli->mem, dir, &r->all, err);

	if (st == USHER_OK)
		st = certs_find(&r->all, r->thumbprint, &r->old, err);
	if (st == USHER_OK && r->old->pem == NULL)
		st = err_set(err, USHER_E_CONFLICT, r->old->thumbprint,
		    "is a request that waits for its certificate; `usher cert export` writes it "
		    "once more");
	if (st == USHER_OK && r->args->same_key && r->args->key != NULL)
		st = err_set(err, USHER_E_USAGE, cli->command->name,
		    "--key goes with a new key, and --same-key is given");
	if (st != USHER_OK)
		return st;
	r->self_signed = certificate_is_self_signed(r->old);
	if (r->old->subject != NULL)
		st = subject_parse(cli->mem, slice_of(r->old->subject), &r->subject, err);
	if (st != USHER_OK)
		return st;
	return r->args->same_key ? take_key(cli, dir, r, err) : make_key(cli, r, err);
}

/* ---- making it ---- */

static usher_status
make_selfsigned(struct changes *c, struct renewing *r, struct usher_error *err)
{
	struct selfsigned wanted = {
		.key_pem = buf_as_slice(&r->key),
		.subject = r->subject,
		.names = &r->old->names,
		.now_s = c->cli->now_ms / 1000,
		.days = SELFSIGNED_DAYS,
	};
	usher_status st = cert_selfsigned_make(c->cli->mem, &wanted, &r->fresh, err);

	if (st == USHER_OK)
		cert_inherit(&r->fresh, r->old);
	return st;
}

static usher_status
make_request(struct changes *c, struct renewing *r, struct usher_error *err)
{
	usher_status st = request_make(
	    c->cli->mem, buf_as_slice(&r->key), &r->subject, &r->old->names, &r->request, err);

	if (st != USHER_OK)
		return st;
	cert_of_request(&r->request, &r->fresh);
	r->fresh.renews = r->old->thumbprint;
	return USHER_OK;
}

static usher_status
renew_work(struct changes *c, void *payload, struct usher_error *err)
{
	struct renewing *r = payload;
	struct cert_list now;
	usher_status st = certs_read(c->cli->mem, c->dir, &now, err);

	c->brief = true;
	/* As it is now: somebody may have changed it since. */
	if (st == USHER_OK)
		st = certs_find(&now, r->old->thumbprint, &r->old, err);
	if (st == USHER_OK)
		st = r->self_signed ? make_selfsigned(c, r, err) : make_request(c, r, err);
	if (st != USHER_OK)
		return st;
	r->fresh.friendly_name = r->old->friendly_name;
	r->fresh.exportable = r->old->exportable;
	st = cert_keep(c, &r->fresh, buf_as_slice(&r->key), err);
	if (st == USHER_OK && r->self_signed)
		st = cert_replace(c, r->old, r->fresh.thumbprint, err);
	return st;
}

static void
renew_report(struct changes *c, void *payload)
{
	const struct renewing *r = payload;

	if (!r->self_signed) {
		request_tell(c, &r->request, &r->args->output);
		return;
	}
	cert_print_thumbprint(c->cli, r->fresh.thumbprint);
	cli_note("%s a certificate for %s in the place of %s; it vouches for itself, too",
	    c->cli->dry_run ? "would make" : "made", cert_names_text(c->cli->mem, &r->old->names),
	    r->old->thumbprint);
}

static int
renew(struct cli *cli, struct renewing *r)
{
	int status = cli_read(cli, prepare, r);

	if (status != CLI_DONE)
		return status;
	status = changes_run(cli, DIR_WRITE, renew_work, renew_report, r);
	return status != CLI_DONE || r->self_signed ?
		   status :
		   request_write(cli, &r->request, &r->args->output);
}

static int
renew_one(struct cli *cli, const struct renew_args *args, const char *thumbprint)
{
	struct renewing r = { .args = args, .thumbprint = thumbprint };
	int status;

	buf_init(&r.key, CERT_KEY_BYTES);
	status = renew(cli, &r);
	buf_wipe(&r.key);
	return status;
}

int
cert_renew_own(struct cli *cli, const char *thumbprint)
{
	return renew_one(cli, &renew_defaults, thumbprint);
}

static int
renew_run(struct cli *cli, const void *opaque)
{
	const struct renew_args *args = opaque;
	struct acme_args acme = args->acme;
	struct usher_error err = { 0 };

	if ((args->due || acme.url != NULL) && args->same_key)
		return cli_fail(err_set(&err, USHER_E_USAGE, "--same-key",
				    "goes neither with --acme nor with --due"),
		    &err);
	if (args->due ? acme.url != NULL || cli->n_operands > 0 :
			acme.url == NULL && cli->n_operands == 0)
		return cli_fail(err_set(&err, USHER_E_USAGE, cli->command->name,
				    "say one of THUMBPRINT, --acme URL and --due"),
		    &err);
	acme.key = args->key;
	return args->due || acme.url != NULL ? cert_renew_acme(cli, &acme) :
					       renew_one(cli, args, cli->operands[0]);
}

const struct command cmd_cert_renew = {
	.name = "cert renew",
	.operands = "[THUMBPRINT]",
	.summary = "get a new certificate for the same names",
	.about =
	    "One that vouches for itself is made anew, and takes the place of the old one at "
	    "once. For another a request is made; when `usher cert import` has its answer, "
	    "that takes the place of the old one: its services, listeners, host names and "
	    "domains. With --acme an ACME server issues it, for the names that the directory calls "
	    "for when no THUMBPRINT is given, while usherd answers its questions on port 80; "
	    "--due renews it from then on. The old one stays until `usher cert remove`.",
	.flags = CMD_CHANGES | CMD_CLOCK,
	.opts = renew_opts,
	.defaults = &renew_defaults,
	.args_size = sizeof(struct renew_args),
	.run = renew_run,
};
