/* cmd_cert_import.c - `usher cert import`: takes in what an authority answered to a request, or a
 * certificate with its key from elsewhere. */
#include <string.h>

#include "base/err.h"
#include "base/when.h"
#include "cert/bundle.h"
#include "cert/inspect.h"
#include "cert/key.h"
#include "cert/request.h"
#include "cert/store.h"
#include "cli/cert_made.h"
#include "cli/cert_replace.h"
#include "cli/cert_wish.h"
#include "cli/certs.h"
#include "cli/commands.h"
#include "cli/file.h"
#include "cli/keys.h"

enum { MORE_FILES_MAX = 16, MORE_BYTES = 4 * BUNDLE_BYTES };

struct import_args {
	struct judge_args judge;
	struct text_list chain;
	const char *password_file;
	const char *friendly_name;
	bool exportable;
	bool force;
};

static const struct option_spec import_opts[] = {
	{ 0, "password-file", OPT_TEXT, offsetof(struct import_args, password_file), "FILE",
	    "password of FILE is the first line of this one; - is standard input" },
	{ 0, "chain", OPT_EACH, offsetof(struct import_args, chain), "FILE",
	    "certificates that lead from it to its root, when FILE lacks them" },
	{ 0, "friendly-name", OPT_TEXT, offsetof(struct import_args, friendly_name), "NAME",
	    "name for people, up to 63 characters" },
	{ 0, "exportable", OPT_FLAG, offsetof(struct import_args, exportable), NULL,
	    "let `usher cert export` give the key away" },
	{ 0, "force", OPT_FLAG, offsetof(struct import_args, force), NULL,
	    "take it although clients will turn away from it" },
	JUDGE_OPTIONS(struct import_args, judge),
	{ 0 },
};

static const struct import_args import_defaults = { .judge.timeout_ms = JUDGE_MS };

struct importing {
	const struct import_args *args;
	const char *file;
	struct bundle bundle;
	struct buf more;  /* PEM of what may complete the chain */
	struct buf roots; /* PEM of roots that came along */
	struct buf key;	  /* PEM; empty: the file has none */
	struct slice public_key;
	struct cert_list all;
	const struct certificate *request; /* that it answers, or NULL */
	const struct certificate *sibling; /* a certificate with the same key, or NULL */
	struct revocation_memo memo;
	struct certificate cert;
	unsigned faults; /* that people are told of */
	const char *trouble;
	const struct certificate *old; /* whose place it takes, or NULL */
	const char *lacks;	       /* why it does not, though it was meant to: a name */
	bool again;		       /* it is here already */
};

/* ---- files ---- */

static usher_status
in_file(const char *file, struct usher_error *err)
{
	struct usher_error inner = *err;

	return err_set(err, inner.status, file, "%s", inner.message);
}

static usher_status
read_bundle(struct cli *cli, const char *file, const char *password_file, struct bundle *out,
    struct buf *key, struct usher_error *err)
{
	struct secret CLEANUP(secret_cleanup) password = { 0 };
	struct buf CLEANUP(buf_wipe) bytes;
	usher_status st;

	buf_init(&bytes, BUNDLE_BYTES);
	st = cli_read_file(file, &bytes, err);
	if (st == USHER_E_ABSENT)
		return err_set(err, USHER_E_INPUT, file, "there is no such file");
	if (st == USHER_OK && password_file != NULL)
		st = cli_password(password_file, "Password", false, &password, err);
	if (st != USHER_OK)
		return st;
	st = bundle_read(cli->mem, buf_as_slice(&bytes), &password, out, key, err);
	if (st == USHER_E_CREDENTIALS && password_file == NULL) {
		/* It needs one after all. */
		st = cli_password(NULL, "Password of the file", false, &password, err);
		if (st != USHER_OK)
			return st;
		st = bundle_read(cli->mem, buf_as_slice(&bytes), &password, out, key, err);
	}
	return st == USHER_OK ? USHER_OK : in_file(file, err);
}

static void
take_root(struct importing *im, const struct bundle *bundle)
{
	if (bundle->root != NULL)
		buf_text(&im->roots, bundle->root);
}

/* Only the certificates count here: a key is in the file that is imported. */
static usher_status
read_more(struct cli *cli, struct importing *im, const char *file, struct usher_error *err)
{
	struct buf CLEANUP(buf_wipe) key;
	struct bundle bundle;
	usher_status st;

	buf_init(&key, CERT_KEY_BYTES);
	st = read_bundle(cli, file, NULL, &bundle, &key, err);
	if (st != USHER_OK)
		return st;
	buf_text(&im->more, bundle.pem);
	take_root(im, &bundle);
	return im->more.status == USHER_OK ? USHER_OK : err_nomem(err, file);
}

static usher_status
read_files(struct cli *cli, struct importing *im, struct usher_error *err)
{
	const struct import_args *args = im->args;
	usher_status st = USHER_OK;

	if (args->friendly_name != NULL)
		st = cert_check_friendly_name(args->friendly_name, err);
	if (args->chain.n > MORE_FILES_MAX)
		st = err_set(
		    err, USHER_E_USAGE, "--chain", "is given more than %d times", MORE_FILES_MAX);
	if (st == USHER_OK)
		st = read_bundle(cli, im->file, args->password_file, &im->bundle, &im->key, err);
	if (st == USHER_OK)
		take_root(im, &im->bundle);
	for (size_t i = 0; st == USHER_OK && i < args->chain.n; i++)
		st = read_more(cli, im, args->chain.v[i], err);
	if (st == USHER_OK)
		st = cert_inspect(cli->mem, slice_of(im->bundle.pem), &im->cert, err);
	if (st == USHER_OK)
		st =
		    cert_public_key(cli->mem, slice_of(im->bundle.pem), &im->public_key, NULL, err);
	return st;
}

/* ---- the key ---- */

/* Has *same when the record is for the key of what is imported. */
static usher_status
compare_key(struct cli *cli, const struct importing *im, const struct certificate *c, bool *same,
    struct usher_error *err)
{
	struct slice key = { 0 };
	struct request request;
	usher_status st;

	if (c->pem != NULL) {
		st = cert_public_key(cli->mem, slice_of(c->pem), &key, NULL, err);
	} else {
		st = request_read(cli->mem, slice_of(c->request), &request, err);
		if (st == USHER_OK)
			key = request.public_key;
	}
	*same = st == USHER_OK && slice_eq(key, im->public_key);
	/* What `usher apply` brought need not be one. */
	return st == USHER_E_NOMEM ? st : USHER_OK;
}

static usher_status
find_relatives(struct cli *cli, struct importing *im, struct usher_error *err)
{
	for (size_t i = 0; i < im->all.n; i++) {
		const struct certificate *c = &im->all.v[i];
		bool same = false;
		usher_status st = compare_key(cli, im, c, &same, err);

		if (st != USHER_OK)
			return st;
		if (same && c->pem == NULL && im->request == NULL)
			im->request = c;
		else if (same && c->pem != NULL && im->sibling == NULL)
			im->sibling = c;
	}
	return USHER_OK;
}

/* A request for one of its names, which shows that another one was answered. */
static const struct certificate *
similar_request(const struct importing *im)
{
	for (size_t i = 0; i < im->all.n; i++) {
		const struct certificate *c = &im->all.v[i];

		for (size_t k = 0; c->pem == NULL && k < c->names.n; k++)
			if (cert_names_cover(&im->cert.names, c->names.v[k]))
				return c;
	}
	return NULL;
}

static usher_status
no_key(const struct importing *im, struct usher_error *err)
{
	const struct certificate *similar = similar_request(im);

	if (similar != NULL)
		return err_set(err, USHER_E_CONFLICT, im->file,
		    "answers another request than %s, whose names it has: their keys differ; have "
		    "that one signed, or import certificate and key together as PKCS #12",
		    similar->thumbprint);
	return err_set(err, USHER_E_CONFLICT, im->file,
	    "answers no request that was made here, and brings no key; import it where the "
	    "request was made, or together with its key as PKCS #12");
}

static usher_status
find_key(struct dir *dir, struct importing *im, struct usher_error *err)
{
	const struct certificate *owner = im->request != NULL ? im->request : im->sibling;

	if (im->key.n > 0)
		return USHER_OK;
	if (owner == NULL)
		return no_key(im, err);
	if (im->args->exportable && owner->exportable != TRI_ON)
		return err_set(err, USHER_E_CONFLICT, im->file,
		    "its key was made or imported without --exportable, and stays here: leave that "
		    "out, or make a new request with it");
	return cert_key_get(dir_stem(dir), owner->sha256, &im->key, err);
}

/* ---- whether it will do ---- */

/* Clients turn away from these for good; others are told, and taken. */
static const unsigned refused =
    1U << CERT_FAULT_EXPIRED | 1U << CERT_FAULT_NOT_YET_VALID | 1U << CERT_FAULT_REVOKED |
    1U << CERT_FAULT_NO_INTERMEDIATE | 1U << CERT_FAULT_CHAIN_BROKEN |
    1U << CERT_FAULT_CHAIN_EXPIRED | 1U << CERT_FAULT_WEAK_SIGNATURE | 1U << CERT_FAULT_IS_CA |
    1U << CERT_FAULT_WRONG_USAGE | 1U << CERT_FAULT_NO_SAN | 1U << CERT_FAULT_OTHER_KEY;

/* The date that matters, for what has one. */
static const char *
fault_date(const struct importing *im, enum cert_fault fault, char out[WHEN_TEXT_BYTES + 16])
{
	char date[WHEN_TEXT_BYTES];

	out[0] = '\0';
	if (fault != CERT_FAULT_EXPIRED && fault != CERT_FAULT_NOT_YET_VALID)
		return out;
	when_format(fault == CERT_FAULT_EXPIRED ? im->cert.not_after : im->cert.not_before, date);
	(void)snprintf(out, WHEN_TEXT_BYTES + 16, " (%s)", date);
	return out;
}

static usher_status
refuse_faults(const struct importing *im, unsigned faults, struct usher_error *err)
{
	char date[WHEN_TEXT_BYTES + 16];

	for (int i = 0; i < CERT_FAULT_COUNT; i++)
		if ((faults & refused & 1U << i) != 0)
			return err_set(err, USHER_E_INPUT, im->file,
			    "%s%s; %s; --force takes it all the same", cert_faults[i].what,
			    fault_date(im, (enum cert_fault)i, date), cert_faults[i].todo);
	return USHER_OK;
}

/* What answered an earlier request often has the same way to its root. */
static void
take_relatives(struct importing *im)
{
	const struct certificate *relatives[] = { im->sibling,
		certs_at(&im->all, im->cert.thumbprint),
		certs_at(&im->all, im->request == NULL ? NULL : im->request->renews) };

	for (size_t i = 0; i < COUNT_OF(relatives); i++)
		if (relatives[i] != NULL && relatives[i]->pem != NULL)
			buf_text(&im->more, relatives[i]->pem);
}

/* Completes the chain, and judges it with the roots that came along. */
static usher_status
judge(struct cli *cli, struct dir *dir, struct importing *im, struct usher_error *err)
{
	struct arena *mem = cli->mem;
	size_t files_n = im->more.n; /* what follows is of the directory as it is now */
	struct certificate whole = im->cert;
	struct judgement judgement;
	struct judge j = { 0 };
	usher_status st;

	st = judge_open(&j, cli, dir, &im->args->judge, err);
	j.memo = &im->memo;
	take_relatives(im);
	buf_slice(&im->more, buf_as_slice(&im->roots));
	if (st == USHER_OK)
		st = trust_complete(mem, j.trust, slice_of(im->bundle.pem), buf_as_slice(&im->more),
		    &im->cert.pem, err);
	if (st == USHER_OK)
		whole.pem = arena_join(mem, im->cert.pem, buf_cstr(&im->roots));
	if (st == USHER_OK && (whole.pem == NULL || im->more.status != USHER_OK))
		st = err_nomem(err, im->file);
	if (st == USHER_OK)
		st = judge_certificate(&j, mem, &whole, NULL, &judgement, err);
	judge_close(&j);
	buf_cut(&im->more, files_n);
	if (st != USHER_OK)
		return st;
	im->faults = judgement.verdict.faults;
	im->trouble = judgement.trouble;
	return im->args->force ? USHER_OK : refuse_faults(im, im->faults, err);
}

/* All that is to be known before it is taken in. */
static usher_status
look(struct cli *cli, struct dir *dir, void *payload, struct usher_error *err)
{
	struct importing *im = payload;
	usher_status st = certs_read(cli->mem, dir, &im->all, err);

	im->request = im->sibling = NULL;
	if (st == USHER_OK)
		st = find_relatives(cli, im, err);
	if (st == USHER_OK)
		st = find_key(dir, im, err);
	return st == USHER_OK ? judge(cli, dir, im, err) : st;
}

/* ---- into the directory ---- */

/* What people gave it before stays, and what was said on the command line is newer. */
static void
fill_in(struct importing *im)
{
	const struct certificate *from = certs_at(&im->all, im->cert.thumbprint);
	struct certificate fresh = im->cert;

	im->again = from != NULL && from->pem != NULL;
	if (!im->again)
		from = im->request;
	if (from != NULL)
		record_fill(&entities[ENTITY_CERTIFICATE].table, &fresh, from);
	fresh.request = fresh.renews = NULL;
	if (im->args->exportable)
		fresh.exportable = TRI_ON;
	if (im->args->friendly_name != NULL)
		fresh.friendly_name = im->args->friendly_name;
	else if (fresh.friendly_name == NULL && im->bundle.friendly_name != NULL &&
		 cert_check_friendly_name(im->bundle.friendly_name, NULL) == USHER_OK)
		fresh.friendly_name = im->bundle.friendly_name;
	else if (fresh.friendly_name == NULL && fresh.names.n > 0)
		fresh.friendly_name = fresh.names.v[0];
	im->cert = fresh;
	if (im->again || im->request == NULL || im->request->renews == NULL)
		return;
	im->old = certs_at(&im->all, im->request->renews);
	if (im->old == NULL)
		return;
	im->lacks = cert_lacks(&im->cert, im->old);
	if (im->lacks == NULL)
		cert_inherit(&im->cert, im->old);
	else
		im->old = NULL;
}

static usher_status
import_work(struct changes *c, void *payload, struct usher_error *err)
{
	const struct entity *e = &entities[ENTITY_CERTIFICATE];
	struct importing *im = payload;
	usher_status st = look(c->cli, c->dir, im, err);

	c->brief = true;
	if (st != USHER_OK)
		return st;
	fill_in(im);
	st = cert_keep(c, &im->cert, buf_as_slice(&im->key), err);
	if (st == USHER_OK && im->old != NULL)
		st = cert_replace(c, im->old, im->cert.thumbprint, err);
	if (st == USHER_OK && im->request != NULL)
		st = changes_remove(c, e, im->request, err);
	return st;
}

static void
tell_faults(const struct importing *im)
{
	for (int i = 0; i < CERT_FAULT_COUNT; i++)
		if ((im->faults & 1U << i) != 0)
			cli_note("%s: %s: %s", im->file, cert_faults[i].what, cert_faults[i].whom);
	if (im->trouble != NULL)
		cli_note("%s: cannot ask whether it is revoked: %s", im->file, im->trouble);
}

static void
import_report(struct changes *c, void *payload)
{
	const struct importing *im = payload;
	const char *would = c->cli->dry_run ? "would be " : "";

	write_say(c->cli->out, "%s", im->cert.thumbprint);
	if (c->cli->json)
		write_text(c->cli->out, "thumbprint", im->cert.thumbprint);
	for (size_t i = 0; i < im->bundle.notes.n; i++)
		cli_note("%s: %s", im->file, im->bundle.notes.v[i]);
	tell_faults(im);
	if (im->again && c->counts[DIR_CHANGED] == 0)
		cli_note(
		    "certificate %s is here already; nothing was changed", im->cert.thumbprint);
	else if (im->old != NULL)
		cli_note("certificate %s %sserved in the place of %s", im->cert.thumbprint,
		    c->cli->dry_run ? would : "is ", im->old->thumbprint);
	else if (im->lacks != NULL)
		cli_note("certificate %s does not take the place of %s: it has not the name %s; "
			 "`usher cert enable` serves it beside it",
		    im->cert.thumbprint, im->request->renews, im->lacks);
	else if (im->cert.services.n == 0)
		cli_note("nothing is served with it yet: `usher cert enable %s --services https`",
		    im->cert.thumbprint);
}

static int
import_run(struct cli *cli, const void *args)
{
	struct importing im = { .args = args, .file = cli->operands[0] };
	struct usher_error err = { 0 };
	usher_status st;
	int status;

	buf_init(&im.more, MORE_BYTES);
	buf_init(&im.roots, BUNDLE_BYTES);
	buf_init(&im.key, CERT_KEY_BYTES);
	st = read_files(cli, &im, &err);
	status = st == USHER_OK ? CLI_DONE : cli_fail(st, &err);
	/* Authorities are asked while nobody waits for us. */
	if (status == CLI_DONE && im.args->judge.check_revocation)
		status = cli_read(cli, look, &im);
	if (status == CLI_DONE)
		status = changes_run(cli, DIR_WRITE, import_work, import_report, &im);
	if (status == CLI_DONE && im.request != NULL)
		keys_tidy(cli);
	buf_clear(&im.more);
	buf_clear(&im.roots);
	buf_wipe(&im.key);
	return status;
}

const struct command cmd_cert_import = {
	.name = "cert import",
	.operands = "FILE",
	.summary = "take in a certificate, as the answer to a request or with its key",
	.about =
	    "FILE is PEM, DER or PKCS #7 as the answer to `usher cert request`, or has the key "
	    "as well, as PKCS #12 or PEM; - is standard input. The certificates between it "
	    "and its root are completed and checked. Standard output gets its thumbprint "
	    "alone; nothing is served with it before `usher cert enable`, unless it answers "
	    "a request of `usher cert renew`.",
	.flags = CMD_CHANGES | CMD_CLOCK,
	.opts = import_opts,
	.defaults = &import_defaults,
	.args_size = sizeof(struct import_args),
	.run = import_run,
};
