/* cert_made.c - what commands that make certificates and requests do with what they made. */
#include "cli/cert_made.h"

#include "cert/names.h"
#include "cli/file.h"
#include "cli/keys.h"

enum { PRIVATE_SHOWN = 5 }; /* names that are noted one by one */

const char *const request_forms[] = { "pem", "der", NULL };

usher_status
cert_keep(struct changes *c, const struct certificate *cert, struct slice key_pem,
    struct usher_error *err)
{
	union org_record record = { .certificate = *cert };
	usher_status st = keys_put(c, cert->sha256, key_pem, err);

	return st == USHER_OK ? changes_put(c, &entities[ENTITY_CERTIFICATE], &record, err) : st;
}

void
cert_print_thumbprint(struct cli *cli, const char *thumbprint)
{
	if (cli->dry_run)
		return;
	write_say(cli->out, "%s", thumbprint);
	if (cli->json)
		write_text(cli->out, "thumbprint", thumbprint);
}

const char *
cert_names_text(struct arena *mem, const struct text_list *names)
{
	const char *text = names->n == 0 ? "no host" : names->v[0];

	if (names->n > 1)
		text = arena_printf(mem, "%s and %zu further name%s", names->v[0], names->n - 1,
		    names->n == 2 ? "" : "s");
	return text == NULL ? "" : text;
}

/* ---- requests ---- */

void
cert_of_request(const struct request *request, struct certificate *out)
{
	record_init(&entities[ENTITY_CERTIFICATE].table, out);
	out->thumbprint = request->thumbprint;
	out->sha256 = request->sha256;
	out->subject = request->subject;
	out->names = request->names;
	out->request = request->pem;
}

static void
tell_private(const struct text_list *names)
{
	size_t n = 0;

	for (size_t i = 0; i < names->n; i++) {
		const char *why = cert_name_private(names->v[i]);

		if (why != NULL && n++ < PRIVATE_SHOWN)
			cli_note("%s %s", names->v[i], why);
	}
	if (n > PRIVATE_SHOWN)
		cli_note("the same holds for %zu further names", n - PRIVATE_SHOWN);
}

void
request_tell(struct changes *c, const struct request *request, const struct request_output *output)
{
	const char *names = cert_names_text(c->cli->mem, &request->names);

	tell_private(&request->names);
	if (c->cli->dry_run) {
		cli_note("would make a request for %s", names);
		return;
	}
	/* Without a file, standard output is for the request itself. */
	if (output->file != NULL || c->cli->json)
		cert_print_thumbprint(c->cli, request->thumbprint);
	if (c->cli->json)
		write_text(c->cli->out, "request", request->pem);
	cli_note("made request %s for %s; give what your authority answers to `usher cert import`",
	    request->thumbprint, names);
}

int
request_write(struct cli *cli, const struct request *request, const struct request_output *output)
{
	struct slice bytes = output->form == REQUEST_DER ? request->der : slice_of(request->pem);
	struct usher_error err = { 0 };
	usher_status st;

	if (cli->dry_run)
		return CLI_DONE;
	if (output->file == NULL) {
		if (!cli->json)
			write_raw(cli->out, bytes.p, bytes.n);
		return CLI_DONE;
	}
	st = cli_write_file(output->file, bytes, FILE_PUBLIC, &err);
	if (st == USHER_OK)
		return CLI_DONE;
	cli_note("the request is kept; `usher cert export %s --out FILE` writes it",
	    request->thumbprint);
	return cli_fail(st, &err);
}
