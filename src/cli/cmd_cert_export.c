/* cmd_cert_export.c - `usher cert export`: a certificate with its key for another program, or a
 * request once more. */
#include "base/err.h"
#include "base/secret.h"
#include "cert/inspect.h"
#include "cert/pkcs12.h"
#include "cert/store.h"
#include "cert/wrap.h"
#include "cli/cert_made.h"
#include "cli/certs.h"
#include "cli/commands.h"
#include "cli/file.h"

enum export_form { EXPORT_USUAL = 0, EXPORT_PKCS12, EXPORT_PEM, EXPORT_DER, EXPORT_PKCS7 };

enum { EXPORT_BYTES = 1024 * 1024 };

struct export_args {
	const char *out;
	const char *password_file;
	int form;
	bool no_password;
	bool legacy;
};

static const char *const forms[] = { "usual", "pkcs12", "pem", "der", "pkcs7", NULL };

static const struct option_spec export_opts[] = {
	{ 0, "out", OPT_TEXT, offsetof(struct export_args, out), "FILE",
	    "write it there; without the key, standard output when not given" },
	{ 0, "password-file", OPT_TEXT, offsetof(struct export_args, password_file), "FILE",
	    "the password is the first line of FILE; - is standard input" },
	{ 0, "no-password", OPT_FLAG, offsetof(struct export_args, no_password), NULL,
	    "protect the key by no password" },
	{ 0, "legacy", OPT_FLAG, offsetof(struct export_args, legacy), NULL,
	    "encrypt as Windows before 10 and macOS before 15 can read it" },
	{ 0, "form", OPT_CHOICE, offsetof(struct export_args, form), NULL,
	    "usual is pkcs12, which has the key; pem and der have the certificate or request alone",
	    forms },
	{ 0 },
};

static usher_status
export_pkcs12(struct dir *dir, const struct certificate *c, const struct export_args *args,
    struct buf *out, struct usher_error *err)
{
	struct secret CLEANUP(secret_cleanup) password = { 0 };
	struct buf CLEANUP(buf_wipe) key;
	usher_status st;

	buf_init(&key, CERT_KEY_BYTES);
	if (c->exportable != TRI_ON)
		return err_set(err, USHER_E_TRUST, c->thumbprint,
		    "its key is not to be given away: it was not made or imported with "
		    "--exportable; --form pem has the certificate without its key");
	st = cert_key_get(dir_stem(dir), c->sha256, &key, err);
	if (st == USHER_OK && !args->no_password)
		st = cli_password(
		    args->password_file, "Password for the file", true, &password, err);
	if (st != USHER_OK)
		return st;
	return pkcs12_write(slice_of(c->pem), buf_as_slice(&key), c->friendly_name, &password,
	    args->legacy ? PKCS12_LEGACY : PKCS12_MODERN, out, err);
}

static usher_status
export_certificate(struct cli *cli, struct dir *dir, const struct certificate *c,
    const struct export_args *args, struct buf *out, struct usher_error *err)
{
	switch ((enum export_form)args->form) {
	case EXPORT_PEM:
		return cert_wrap(slice_of(c->pem), CERT_FORM_PEM, out, err);
	case EXPORT_DER:
		return cert_wrap(slice_of(c->pem), CERT_FORM_DER, out, err);
	case EXPORT_PKCS7:
		return cert_wrap(slice_of(c->pem), CERT_FORM_PKCS7, out, err);
	case EXPORT_USUAL:
	case EXPORT_PKCS12:
		break;
	}
	if (args->out == NULL)
		return err_set(err, USHER_E_USAGE, cli->command->name,
		    "say with --out FILE where certificate and key shall go");
	return export_pkcs12(dir, c, args, out, err);
}

static usher_status
export_request(struct arena *mem, const struct certificate *c, const struct export_args *args,
    struct buf *out, struct usher_error *err)
{
	struct request request;
	usher_status st = request_read(mem, slice_of(c->request), &request, err);

	if (st != USHER_OK)
		return st;
	if (args->form == EXPORT_PKCS12 || args->form == EXPORT_PKCS7)
		return err_set(err, USHER_E_USAGE, c->thumbprint,
		    "is a request, which goes with --form pem or der");
	buf_slice(out, args->form == EXPORT_DER ? request.der : slice_of(request.pem));
	return out->status == USHER_OK ? USHER_OK : err_nomem(err, c->thumbprint);
}

struct exporting {
	const struct export_args *args;
	struct buf out;
};

static usher_status
export_one(struct cli *cli, struct dir *dir, void *payload, struct usher_error *err)
{
	struct exporting *ex = payload;
	const struct export_args *args = ex->args;
	const struct certificate *c = NULL;
	struct cert_list all;
	usher_status st = certs_read(cli->mem, dir, &all, err);

	if (st == USHER_OK)
		st = certs_find(&all, cli->operands[0], &c, err);
	if (st == USHER_OK)
		st = c->pem == NULL ? export_request(cli->mem, c, args, &ex->out, err) :
				      export_certificate(cli, dir, c, args, &ex->out, err);
	if (st == USHER_OK)
		st = cli_write_file(args->out == NULL ? "-" : args->out, buf_as_slice(&ex->out),
		    c->pem != NULL && args->form <= EXPORT_PKCS12 ? FILE_PRIVATE : FILE_PUBLIC,
		    err);
	return st;
}

static int
export_run(struct cli *cli, const void *args)
{
	struct exporting ex = { .args = args };
	int status;

	buf_init(&ex.out, EXPORT_BYTES);
	status = cli_read(cli, export_one, &ex);
	buf_wipe(&ex.out);
	return status;
}

const struct command cmd_cert_export = {
	.name = "cert export",
	.operands = "THUMBPRINT",
	.summary = "write a certificate with its key to a file, or a request",
	.about = "The key is given away only when it was made or imported with --exportable. The "
		 "password comes from --password-file, else from $USHER_PASSWORD, else from a "
		 "prompt.",
	.opts = export_opts,
	.args_size = sizeof(struct export_args),
	.run = export_run,
};
