/* cmd_cert_new.c - `usher cert new` and `request`: a key with a certificate that vouches for
 * itself, or with the request for one that others vouch for. */
#include "cert/selfsigned.h"
#include "cli/cert_made.h"
#include "cli/cert_wish.h"
#include "cli/commands.h"

static void
take_wish(struct certificate *cert, const struct cert_wish *wish)
{
	cert->friendly_name = wish->friendly_name;
	cert->exportable = wish->args->exportable ? TRI_ON : TRI_ABSENT;
}

/* ---- new ---- */

struct new_args {
	struct cert_wish_args wish;
	int64_t days;
};

static const struct option_spec new_opts[] = {
	CERT_WISH_OPTIONS(struct new_args, wish),
	{ 0, "days", OPT_NUMBER, offsetof(struct new_args, days), "DAYS",
	    "how long it is valid (default 1826, which is five years)", NULL, 1,
	    SELFSIGNED_DAYS_MAX },
	{ 0 },
};

static const struct new_args new_defaults = { .days = SELFSIGNED_DAYS };

struct making_new {
	struct cert_wish wish;
	int days;
	struct certificate made;
};

static usher_status
new_work(struct changes *c, void *payload, struct usher_error *err)
{
	struct making_new *m = payload;
	usher_status st = cert_wish_names(c->cli, c->dir, &m->wish, err);
	struct selfsigned wanted = {
		.key_pem = buf_as_slice(&m->wish.key),
		.subject = m->wish.subject,
		.names = &m->wish.names,
		.now_s = c->cli->now_ms / 1000,
		.days = m->days,
	};

	c->brief = true;
	if (st == USHER_OK)
		st = cert_selfsigned_make(c->cli->mem, &wanted, &m->made, err);
	if (st != USHER_OK)
		return st;
	take_wish(&m->made, &m->wish);
	return cert_keep(c, &m->made, wanted.key_pem, err);
}

static void
new_report(struct changes *c, void *payload)
{
	const struct making_new *m = payload;

	cert_print_thumbprint(c->cli, m->made.thumbprint);
	cli_note("%s a certificate for %s that vouches for itself: programs warn of it",
	    c->cli->dry_run ? "would make" : "made", cert_names_text(c->cli->mem, &m->wish.names));
}

static int
new_run(struct cli *cli, const void *opaque)
{
	const struct new_args *args = opaque;
	struct cert_wish_args wish = args->wish;
	struct making_new m = { .days = (int)args->days };
	struct usher_error err = { 0 };
	usher_status st;
	int status;

	/* As Exchange Setup makes it. */
	if (wish.domains.n == 0 && wish.subject == NULL && !wish.accepted_domains &&
	    !wish.autodiscover)
		wish.fqdn = wish.netbios = true;
	st = cert_wish_read(cli, &wish, &m.wish, &err);
	status = st == USHER_OK ? changes_run(cli, DIR_WRITE, new_work, new_report, &m) :
				  cli_fail(st, &err);
	cert_wish_clear(&m.wish);
	return status;
}

const struct command cmd_cert_new = {
	.name = "cert new",
	.summary = "make a certificate that vouches for itself",
	.about = "Without names it is for the servers of the directory. Standard output gets its "
		 "thumbprint alone.",
	.flags = CMD_CHANGES | CMD_CLOCK,
	.opts = new_opts,
	.defaults = &new_defaults,
	.args_size = sizeof(struct new_args),
	.run = new_run,
};

/* ---- request ---- */

struct request_args {
	struct cert_wish_args wish;
	struct request_output output;
};

static const struct option_spec request_opts[] = {
	CERT_WISH_OPTIONS(struct request_args, wish),
	REQUEST_OUTPUT_OPTIONS(struct request_args, output),
	{ 0 },
};

struct making_request {
	const struct request_args *args;
	struct cert_wish wish;
	struct request made;
};

static usher_status
request_work(struct changes *c, void *payload, struct usher_error *err)
{
	struct making_request *m = payload;
	struct slice key = buf_as_slice(&m->wish.key);
	usher_status st = cert_wish_names(c->cli, c->dir, &m->wish, err);
	struct certificate cert;

	c->brief = true;
	if (st == USHER_OK)
		st =
		    request_make(c->cli->mem, key, &m->wish.subject, &m->wish.names, &m->made, err);
	if (st != USHER_OK)
		return st;
	cert_of_request(&m->made, &cert);
	take_wish(&cert, &m->wish);
	return cert_keep(c, &cert, key, err);
}

static void
request_report(struct changes *c, void *payload)
{
	const struct making_request *m = payload;

	request_tell(c, &m->made, &m->args->output);
}

static int
request_run(struct cli *cli, const void *args)
{
	struct making_request m = { .args = args };
	struct usher_error err = { 0 };
	usher_status st = cert_wish_read(cli, &m.args->wish, &m.wish, &err);
	int status;

	status = st == USHER_OK ? changes_run(cli, DIR_WRITE, request_work, request_report, &m) :
				  cli_fail(st, &err);
	cert_wish_clear(&m.wish);
	return status == CLI_DONE ? request_write(cli, &m.made, &m.args->output) : status;
}

const struct command cmd_cert_request = {
	.name = "cert request",
	.summary = "make a request for a certificate, and its key",
	.about = "The request (PKCS #10) is for an authority; what that answers is for `usher cert "
		 "import`. With --out, standard output gets its thumbprint alone.",
	.flags = CMD_CHANGES,
	.opts = request_opts,
	.args_size = sizeof(struct request_args),
	.run = request_run,
};
