/* ca.c - what the commands of `usher ca` have in common. */
#include "cli/ca.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/err.h"
#include "base/when.h"
#include "cert/inspect.h"
#include "cert/key.h"
#include "cli/file.h"

static const struct entity *const authority = &entities[ENTITY_AUTHORITY];

struct finding {
	struct arena *mem;
	const char *name; /* NULL: the only one */
	struct authority *out;
	size_t n;
};

static usher_status
take(const void *record, void *payload)
{
	const struct authority *a = record;
	struct finding *f = payload;

	if (f->name != NULL && !slice_is_nocase(slice_of(a->name), f->name))
		return USHER_OK;
	if (f->n++ == 0 && !record_copy(f->mem, &authority->table, f->out, a))
		return USHER_E_NOMEM;
	return USHER_OK;
}

usher_status
ca_find(struct arena *mem, struct dir *dir, const char *name, struct authority *out,
    struct usher_error *err)
{
	struct finding f = { mem, name, out, 0 };
	usher_status st = dir_each(dir, authority, NULL, take, &f, err);

	if (st == USHER_E_NOMEM)
		return err_nomem(err, authority->name);
	if (st != USHER_OK)
		return st;
	if (f.n == 0 && name != NULL)
		return err_set(err, USHER_E_ABSENT, name,
		    "there is no such authority; `usher ca list` lists them");
	if (f.n == 0)
		return err_set(err, USHER_E_ABSENT, dir_name(dir),
		    "there is no authority; make one with `usher ca init --name NAME`");
	if (f.n > 1)
		return err_set(err, USHER_E_USAGE, NULL,
		    "there are %zu authorities: say which, by its name; `usher ca list` lists them",
		    f.n);
	return USHER_OK;
}

int
ca_open(struct cli *cli, const char *name, struct dir **dir, struct authority *out)
{
	struct usher_error err = { 0 };
	int status = cli_open(cli, DIR_READ, dir);
	usher_status st;

	if (status != CLI_DONE) {
		*dir = NULL;
		return status;
	}
	st = ca_find(cli->mem, *dir, name, out, &err);
	return st == USHER_OK ? CLI_DONE : cli_fail(st, &err);
}

usher_status
ca_passphrase(
    const char *file, const char *name, bool twice, struct secret *out, struct usher_error *err)
{
	char prompt[320];
	usher_status st;

	(void)snprintf(prompt, sizeof(prompt), "Passphrase of %s", name);
	/* It knows nothing of our option's name. */
	st = cli_password(file, prompt, twice, out, err);
	if (st == USHER_E_USAGE)
		return err_set(err, st, name,
		    "no passphrase: give --passphrase-file FILE (`-` is standard input) or set "
		    "USHER_PASSWORD%s",
		    twice ? ", or say --no-passphrase" : "");
	return st;
}

void
ca_write(struct cli *cli, const struct authority *a)
{
	CLEANUP(buf_cleanup) struct buf digits = { .max = CA_FILE_BYTES };
	char until[WHEN_TEXT_BYTES];

	fingerprint_put(&digits, a->sha256);
	when_format(a->not_after, until);
	write_text(cli->out, "name", a->name);
	write_text(cli->out, "fingerprint", buf_cstr(&digits));
	write_text(cli->out, "not_after", until);
	if (a->permitted.n == 0 && !cli->json)
		write_text(cli->out, "permitted", "any name");
	else
		write_texts(cli->out, "permitted", &a->permitted);
}

/* What is in the place of a certificate may be somebody's only copy of a key. */
static bool
has_key(struct slice file)
{
	struct buf key = { .max = CERT_KEY_BYTES };
	usher_status st = cert_key_read(file, NULL, &key, NULL);

	buf_wipe(&key);
	return st == USHER_OK || st == USHER_E_CREDENTIALS;
}

usher_status
ca_put_file(
    struct cli *cli, const char *name, struct slice bytes, bool *changed, struct usher_error *err)
{
	struct buf there = { .max = CA_FILE_BYTES };
	usher_status st = USHER_OK;

	*changed = strcmp(name, "-") == 0 || cli_read_file(name, &there, NULL) != USHER_OK ||
		   !slice_eq(buf_as_slice(&there), bytes);
	if (*changed && has_key(buf_as_slice(&there)))
		st = err_set(err, USHER_E_CONFLICT, name,
		    "a private key is in this file, and would be lost: give another one");
	else if (*changed && !cli->dry_run)
		st = cli_write_file(name, bytes, FILE_PUBLIC, err);
	buf_wipe(&there);
	return st;
}
