/* scenario_apply.c - `usher plan --apply`: what of a deployment can be done here, as one change of
 * the directory and a file that nobody else has written. */
#include <string.h>

#include "base/digest.h"
#include "base/encode.h"
#include "base/err.h"
#include "cert/key.h"
#include "cert/request.h"
#include "cert/selfsigned.h"
#include "cli/file.h"
#include "cli/keys.h"
#include "cli/scenario.h"
#include "cli/setup.h"

enum { KEY_BYTES = 16 * 1024, RSA_BITS = 2048, CONFIG_BYTES = 64 * 1024 };

/* Before the SHA-256 of all lines below it: a file that still has that is as we wrote it. */
#define MARK "# Made by usher plan --apply, which writes it anew unless it was changed: "

struct applying {
	struct scenario_plan *s;
	/* Keys take a while to make, so they are made before anybody has to wait for us. */
	struct buf keys[COUNT_OF(((struct deployment *)NULL)->certificates)];
	const char *thumbprints[COUNT_OF(((struct deployment *)NULL)->certificates)];
	const char *requests[COUNT_OF(((struct deployment *)NULL)->certificates)]; /* PEM */
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

/* ---- certificates ---- */

/* What is to be made for it: nothing where something is under way. */
static bool
lacks_certificate(const struct applying *a, const struct plan_certificate *p)
{
	if (a->s->args->certificate == SCENARIO_NO_CERTIFICATE || p->enabled != NULL ||
	    p->imported != NULL || p->request != NULL)
		return false;
	return a->s->args->certificate == SCENARIO_REQUEST || p->self_signed == NULL;
}

static usher_status
make_keys(struct applying *a, struct usher_error *err)
{
	const struct deployment *d = &a->s->plan;
	usher_status st = USHER_OK;

	for (size_t i = 0; i < d->n_certificates && st == USHER_OK; i++)
		if (lacks_certificate(a, &d->certificates[i]))
			st = cert_key_make(CERT_KEY_RSA, RSA_BITS, &a->keys[i], err);
	return st;
}

static bool
names_of(struct arena *mem, const struct plan_certificate *p, struct text_list *out)
{
	const char **v = arena_array(mem, p->n_names, sizeof(*v));

	for (size_t i = 0; v != NULL && i < p->n_names; i++)
		v[i] = p->names[i].name;
	*out = (struct text_list){ v, p->n_names };
	return v != NULL;
}

static const char *const https[] = { "https" };

/* A request leaves it to `usher cert enable` what its certificate will be for. */
static usher_status
make_certificate(struct changes *c, struct applying *a, size_t i, struct usher_error *err)
{
	const struct plan_certificate *p = &a->s->plan.certificates[i];
	struct slice key_pem = buf_as_slice(&a->keys[i]);
	struct selfsigned wanted = {
		.key_pem = key_pem, .now_s = a->s->wish.now_s, .days = SELFSIGNED_DAYS
	};
	struct arena *mem = c->cli->mem;
	struct text_list names;
	struct request request;
	union org_record r;
	usher_status st;

	record_init(&entities[ENTITY_CERTIFICATE].table, &r);
	if (!names_of(mem, p, &names))
		return err_nomem(err, "certificate");
	st = subject_of_host(mem, names.v[0], &wanted.subject, err);
	if (st != USHER_OK)
		return st;
	wanted.names = &names;
	if (a->s->args->certificate == SCENARIO_SELF_SIGNED) {
		st = cert_selfsigned_make(mem, &wanted, &r.certificate, err);
		r.certificate.services = (struct text_list){ https, 1 };
		if (p->listener != NULL)
			r.certificate.listeners = (struct text_list){ &p->listener, 1 };
	} else {
		st = request_make(mem, key_pem, &wanted.subject, &names, &request, err);
		if (st == USHER_OK) {
			r.certificate.thumbprint = request.thumbprint;
			r.certificate.sha256 = request.sha256;
			r.certificate.subject = request.subject;
			r.certificate.names = request.names;
			r.certificate.request = a->requests[i] = request.pem;
		}
	}
	if (st != USHER_OK)
		return st;
	r.certificate.friendly_name = names.v[0];
	a->thumbprints[i] = r.certificate.thumbprint;
	st = keys_put(c, r.certificate.sha256, key_pem, err);
	return st == USHER_OK ? changes_put(c, &entities[ENTITY_CERTIFICATE], &r, err) : st;
}

static const struct text_list *
with(struct arena *mem, const struct text_list *l, const char *text)
{
	const char **v = arena_array(mem, l->n + 1, sizeof(*v));
	struct text_list *out = arena_zalloc(mem, sizeof(*out));

	if (v == NULL || out == NULL)
		return NULL;
	for (size_t i = 0; i < l->n; i++)
		v[i] = l->v[i];
	v[l->n] = text;
	*out = (struct text_list){ v, l->n + 1 };
	return out;
}

/* One that is there and not shown. */
static usher_status
enable_certificate(struct changes *c, const struct plan_certificate *p, struct usher_error *err)
{
	union org_record r = { .certificate = *p->imported };
	const struct text_list *services = with(c->cli->mem, &r.certificate.services, "https");
	const struct text_list *listeners =
	    p->listener == NULL ? &(struct text_list){ 0 } :
				  with(c->cli->mem, &r.certificate.listeners, p->listener);

	if (services == NULL || listeners == NULL)
		return err_nomem(err, "certificate");
	r.certificate.services = *services;
	r.certificate.listeners = *listeners;
	return changes_put(c, &entities[ENTITY_CERTIFICATE], &r, err);
}

static usher_status
apply_certificate(struct changes *c, struct applying *a, size_t i, struct usher_error *err)
{
	const struct plan_certificate *p = &a->s->plan.certificates[i];

	if (lacks_certificate(a, p))
		return make_certificate(c, a, i, err);
	if (p->enabled == NULL && p->imported != NULL)
		return enable_certificate(c, p, err);
	if (p->enabled == NULL && p->request != NULL) {
		a->thumbprints[i] = p->request->thumbprint;
		a->requests[i] = p->request->request;
	}
	return USHER_OK;
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
		st = apply_certificate(c, a, i, err);
	return st;
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
	for (size_t i = 0; i < d->n_certificates; i++) {
		if (a->thumbprints[i] == NULL || (c->cli->dry_run && a->keys[i].n > 0))
			continue;
		write_open(w, NULL, NULL);
		write_text(w, "listener", d->certificates[i].listener);
		write_text(w, "thumbprint", a->thumbprints[i]);
		if (c->cli->json)
			write_text(w, "request", a->requests[i]);
		write_close(w);
		if (a->requests[i] == NULL)
			continue;
		scenario_say(w, "", a->requests[i]);
		write_say(w, "Give this request to your authority, and what it answers to");
		write_say(w,
		    "    usher cert import FILE | xargs usher cert enable --services https%s%s",
		    d->certificates[i].listener == NULL ? "" : " --listener ",
		    d->certificates[i].listener == NULL ? "" : d->certificates[i].listener);
	}
	write_list_end(w);
}

int
scenario_apply(struct scenario_plan *s)
{
	struct applying a = { .s = s };
	struct usher_error err = { 0 };
	usher_status st;
	int status;

	for (size_t i = 0; i < COUNT_OF(a.keys); i++)
		buf_init(&a.keys[i], KEY_BYTES);
	st = make_keys(&a, &err);
	status = st == USHER_OK ? changes_run_or_make(s->cli, apply_work, apply_report, &a) :
				  cli_fail(st, &err);
	for (size_t i = 0; i < COUNT_OF(a.keys); i++)
		buf_wipe(&a.keys[i]);
	return status;
}
