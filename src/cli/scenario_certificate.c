/* scenario_certificate.c - `usher plan --apply`: sees to it that a certificate of the plan is
 * there, or on its way. */
#include "base/err.h"
#include "cert/inspect.h"
#include "cert/issue.h"
#include "cert/key.h"
#include "cert/selfsigned.h"
#include "cert/store.h"
#include "cli/ca.h"
#include "cli/cert_made.h"
#include "cli/scenario.h"

/* What every mail program and authority takes. */
enum { RSA_BITS = 2048 };

/* What is to be made for it: nothing where something is under way. */
static bool
is_missing(const struct scenario_plan *s, const struct plan_certificate *p)
{
	if (p->enabled != NULL || p->imported != NULL)
		return false;
	switch ((enum scenario_certificate)s->args->certificate) {
	case SCENARIO_REQUEST:
		return p->request == NULL;
	case SCENARIO_SELF_SIGNED:
		return p->request == NULL && p->self_signed == NULL;
	case SCENARIO_CA:
		return true;
	case SCENARIO_NO_CERTIFICATE:
		break;
	}
	return false;
}

usher_status
scenario_key(const struct scenario_plan *s, const struct plan_certificate *p,
    struct scenario_made *out, struct usher_error *err)
{
	buf_init(&out->key, CERT_KEY_BYTES);
	return is_missing(s, p) ? cert_key_make(CERT_KEY_RSA, RSA_BITS, &out->key, err) : USHER_OK;
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

static usher_status
issue(struct changes *c, const struct scenario_plan *s, const struct request *request,
    struct certificate *out, struct usher_error *err)
{
	struct authority by;
	struct issue_plan plan = { .by = &by, .now_s = s->wish.now_s, .days = ISSUE_DAYS };
	struct buf key = { .max = CERT_KEY_BYTES };
	usher_status st = ca_find(c->cli->mem, c->dir, NULL, &by, err);

	if (st == USHER_OK && by.encrypted == TRI_ON)
		return err_set(err, USHER_E_CREDENTIALS, by.name,
		    "its key has a passphrase: apply with --certificate request, and answer the "
		    "request with `usher ca issue`");
	if (st == USHER_OK)
		st = cert_key_get(dir_stem(c->dir), by.sha256, &key, err);
	plan.key_file = buf_as_slice(&key);
	if (st == USHER_OK)
		st = issue_certificate(c->cli->mem, &plan, request, out, err);
	buf_wipe(&key);
	return st;
}

static usher_status
make(struct changes *c, const struct scenario_plan *s, const struct plan_certificate *p,
    struct scenario_made *made, struct certificate *out, struct usher_error *err)
{
	struct selfsigned wanted = {
		.key_pem = buf_as_slice(&made->key), .now_s = s->wish.now_s, .days = SELFSIGNED_DAYS
	};
	struct arena *mem = c->cli->mem;
	struct text_list names;
	struct request request;
	usher_status st;

	if (!names_of(mem, p, &names))
		return err_nomem(err, "certificate");
	wanted.names = &names;
	st = subject_of_host(mem, names.v[0], &wanted.subject, err);
	if (st == USHER_OK && s->args->certificate == SCENARIO_SELF_SIGNED)
		return cert_selfsigned_make(mem, &wanted, out, err);
	if (st == USHER_OK)
		st = request_make(mem, wanted.key_pem, &wanted.subject, &names, &request, err);
	if (st == USHER_OK && s->args->certificate == SCENARIO_CA)
		return issue(c, s, &request, out, err);
	if (st == USHER_OK) {
		cert_of_request(&request, out);
		made->request = request.pem;
	}
	return st;
}

/* `text` behind the texts of *l, which lie elsewhere then. */
static bool
append(struct arena *mem, struct text_list *l, const char *text)
{
	const char **v = arena_array(mem, l->n + 1, sizeof(*v));

	for (size_t i = 0; v != NULL && i < l->n; i++)
		v[i] = l->v[i];
	if (v != NULL)
		v[l->n] = text;
	*l = (struct text_list){ v, l->n + 1 };
	return v != NULL;
}

/* Lets usherd show it. */
static usher_status
enable(struct arena *mem, struct certificate *c, const char *listener, struct usher_error *err)
{
	if (!append(mem, &c->services, "https"))
		return err_nomem(err, "certificate");
	if (listener == NULL)
		c->listeners.n = 0;
	else if (!append(mem, &c->listeners, listener))
		return err_nomem(err, "certificate");
	return USHER_OK;
}

usher_status
scenario_certificate(struct changes *c, const struct scenario_plan *s,
    const struct plan_certificate *p, struct scenario_made *made, struct usher_error *err)
{
	union org_record r;
	usher_status st;

	if (is_missing(s, p)) {
		record_init(&entities[ENTITY_CERTIFICATE].table, &r);
		st = make(c, s, p, made, &r.certificate, err);
		r.certificate.friendly_name = p->names[0].name;
		made->thumbprint = r.certificate.thumbprint;
		/* A request leaves it to `usher cert enable`. */
		if (st == USHER_OK && made->request == NULL)
			st = enable(c->cli->mem, &r.certificate, p->listener, err);
		return st == USHER_OK ?
			   cert_keep(c, &r.certificate, buf_as_slice(&made->key), err) :
			   st;
	}
	if (p->enabled == NULL && p->imported != NULL) {
		r.certificate = *p->imported;
		st = enable(c->cli->mem, &r.certificate, p->listener, err);
		return st == USHER_OK ? changes_put(c, &entities[ENTITY_CERTIFICATE], &r, err) : st;
	}
	if (p->enabled == NULL && p->request != NULL) {
		made->thumbprint = p->request->thumbprint;
		made->request = p->request->request;
	}
	return USHER_OK;
}
