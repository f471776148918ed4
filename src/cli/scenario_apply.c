/* scenario_apply.c - `usher plan --apply`: what of a deployment can be done here, as one change of
 * the directory and a file that nobody else has written. */
#include <string.h>

#include "base/digest.h"
#include "base/encode.h"
#include "base/err.h"
#include "cli/file.h"
#include "cli/scenario.h"
#include "cli/setup.h"

enum { CONFIG_BYTES = 64 * 1024 };

/* Before the SHA-256 of all lines below it: a file that still has that is as we wrote it. */
#define MARK "# Made by usher plan --apply, which writes it anew unless it was changed: "

struct applying {
	struct scenario_plan *s;
	struct scenario_made made[COUNT_OF(((struct deployment *)NULL)->certificates)];
	const char *configuration; /* what became of the file; NULL: none was named */
};

/* ---- the directory ---- */

/* The members that the plan changes, in whatever the record has become meanwhile. */
static usher_status
apply_record(struct changes *c, const struct plan_record *r, struct usher_error *err)
{
	const struct field_table *t = &r->entity->table;
	union org_record there, wanted = r->after;

	if (r->before == NULL)
		return changes_put(c, r->entity, &wanted, err);
	switch (dir_get(c->dir, c->cli->mem, r->entity, &r->after, &there, err)) {
	case LOOKUP_ABSENT:
		return changes_put(c, r->entity, &wanted, err);
	case LOOKUP_PENDING: /* of handles that serve alone */
	case LOOKUP_UNAVAILABLE:
		return err->status;
	case LOOKUP_FOUND:
		break;
	}
	for (size_t i = r->entity->n_keys; i < t->n; i++) {
		const struct field *f = &t->rows[i];

		if (field_equal(f, r->before, &r->after))
			continue;
		if (f->type == FIELD_TEXT)
			field_set_text(f, &there, field_text(f, &r->after));
		else if (f->type == FIELD_LIST)
			field_set_list(f, &there, *field_list(f, &r->after));
	}
	return changes_put(c, r->entity, &there, err);
}

/* ---- usherd.conf ---- */

static usher_status
make_config(const struct applying *a, struct buf *out, struct usher_error *err)
{
	struct buf CLEANUP(buf_cleanup) lines = { .max = CONFIG_BYTES };
	unsigned char digest[SHA256_BYTES];

	scenario_config(a->s, &lines);
	if (lines.status != USHER_OK || !sha256(buf_as_slice(&lines), digest))
		return err_nomem(err, "usherd.conf");
	buf_text(out, MARK);
	hex_encode(out, digest, sizeof(digest));
	buf_char(out, '\n');
	buf_slice(out, buf_as_slice(&lines));
	return out->status == USHER_OK ? USHER_OK : err_nomem(err, "usherd.conf");
}

/* It begins with our mark, and what is below is what was marked. */
static bool
is_our_config(struct slice file)
{
	struct slice mark = SLICE_LITERAL(MARK);
	struct buf CLEANUP(buf_cleanup) hex = { .max = 2 * SHA256_BYTES };
	unsigned char digest[SHA256_BYTES];
	size_t end = slice_find(file, '\n');

	if (!slice_starts(file, mark) || !sha256(slice_skip(file, end + 1), digest))
		return false;
	hex_encode(&hex, digest, sizeof(digest));
	return slice_eq(slice_skip(slice_from(file.p, end), mark.n), buf_as_slice(&hex));
}

static usher_status
write_config(struct applying *a, struct usher_error *err)
{
	struct buf CLEANUP(buf_cleanup) old = { .max = CONFIG_BYTES };
	struct buf CLEANUP(buf_cleanup) new = { .max = CONFIG_BYTES };
	const char *file = a->s->args->config;
	usher_status st;

	if (file == NULL)
		return USHER_OK;
	if (!a->s->plan.complete)
		return err_set(err, USHER_E_USAGE, file,
		    "addresses are not known: give --address or --listen");
	st = make_config(a, &new, err);
	if (st != USHER_OK)
		return st;
	st = cli_read_file(file, &old, err);
	a->configuration = "nothing to change";
	if (st == USHER_OK && slice_eq(buf_as_slice(&old), buf_as_slice(&new)))
		return USHER_OK;
	if (st == USHER_E_LIMIT || (st == USHER_OK && !is_our_config(buf_as_slice(&old))))
		return err_set(err, USHER_E_CONFLICT, file,
		    "was written or changed by somebody else: put the lines of `usher plan` there");
	if (st != USHER_OK && st != USHER_E_ABSENT)
		return st;
	a->configuration = st == USHER_OK ? "changed" : "created";
	if (a->s->cli->dry_run)
		return USHER_OK;
	return cli_write_file(file, buf_as_slice(&new), FILE_PUBLIC, err);
}

/* ---- the whole ---- */

/* The file first: when it cannot be written, nothing is changed. When it is, and the directory
 * cannot be changed, saying the same again does what is left. */
static usher_status
apply_work(struct changes *c, void *payload, struct usher_error *err)
{
	struct applying *a = payload;
	const struct deployment *d = &a->s->plan;
	usher_status st = write_config(a, err);

	for (size_t i = 0; i < d->setups.n && st == USHER_OK; i++)
		st = setup_fill(c, d->wish->domain, d->setups.v[i], d->kind, err);
	for (size_t i = 0; i < d->n_records && st == USHER_OK; i++)
		st = apply_record(c, &d->records[i], err);
	for (size_t i = 0; i < d->n_certificates && st == USHER_OK; i++)
		st = scenario_certificate(c, a->s, &d->certificates[i], &a->made[i], err);
	return st;
}

/* A dry run makes keys that nobody keeps: what is made with them is not worth a line. */
static void
report_certificate(
    struct changes *c, const struct plan_certificate *p, const struct scenario_made *made)
{
	struct writer *w = c->cli->out;

	if (made->thumbprint == NULL || (c->cli->dry_run && made->key.n > 0))
		return;
	write_open(w, NULL, NULL);
	write_text(w, "listener", p->listener);
	write_text(w, "thumbprint", made->thumbprint);
	if (c->cli->json)
		write_text(w, "request", made->request);
	write_close(w);
	if (made->request == NULL)
		return;
	scenario_say(w, "", made->request);
	write_say(w, "Give this request to your authority, and what it answers to");
	write_say(w, "    usher cert import FILE | xargs usher cert enable --services https%s%s",
	    p->listener == NULL ? "" : " --listener ", p->listener == NULL ? "" : p->listener);
}

static void
apply_report(struct changes *c, void *payload)
{
	const struct applying *a = payload;
	const struct deployment *d = &a->s->plan;
	struct writer *w = c->cli->out;

	if (c->n_shown == 0)
		write_say(w, "Directory: nothing to change");
	if (a->configuration != NULL && c->cli->json)
		write_text(w, "configuration", a->configuration);
	else if (a->configuration != NULL)
		write_say(w, "%s: %s", a->s->args->config, a->configuration);
	write_list(w, "certificates", NULL, 0);
	for (size_t i = 0; i < d->n_certificates; i++)
		report_certificate(c, &d->certificates[i], &a->made[i]);
	write_list_end(w);
}

int
scenario_apply(struct scenario_plan *s)
{
	struct applying a = { .s = s };
	const struct deployment *d = &s->plan;
	struct usher_error err = { 0 };
	usher_status st = USHER_OK;
	int status;

	for (size_t i = 0; i < d->n_certificates && st == USHER_OK; i++)
		st = scenario_key(s, &d->certificates[i], &a.made[i], &err);
	status = st == USHER_OK ? changes_run_or_make(s->cli, apply_work, apply_report, &a) :
				  cli_fail(st, &err);
	for (size_t i = 0; i < d->n_certificates; i++)
		buf_wipe(&a.made[i].key);
	return status;
}
